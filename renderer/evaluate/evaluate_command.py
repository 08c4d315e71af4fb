"""`worldplate evaluate`: what plates are worth beside path-traced truth."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from renderer.evaluate import ROWS

WEIGHED = ("plain", "limn-s", "limn-l")


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(required=True, metavar="subject")
    plates = subjects.add_parser("plates", help="likeness to path-traced truth, steadiness, obedience")
    plates.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="of `worldplate dataset`")
    plates.add_argument("--out", type=Path, required=True, help="folder for report.html, plates.json and sheet.png")
    plates.add_argument("--split", choices=["train", "validation", "test"], default="test", help="default test")
    plates.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="default all that can be had")
    plates.add_argument("--most", type=_count, metavar="N", help="sequences of each folder, for a quick look")
    plates.add_argument(
        "--weights", type=_weights, nargs="+", default=[], metavar="ROW=PATH",
        help="weights of plain, and model folders of limn-s and limn-l (default limn-s: the package's own)",
    )  # fmt: skip
    plates.set_defaults(run=run_plates)


def run_plates(options: argparse.Namespace) -> int:
    from rich.console import Console

    from renderer.evaluate.plates import Job, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    rows = tuple(name for name in ROWS if name in options.rows)
    job = Job(tuple(options.data), options.out, options.split, rows, options.most, dict(options.weights))
    Console().print(run(job))
    return 0


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= 1_000_000):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to 1000000")
    return int(text)


def _weights(text: str) -> tuple[str, Path]:
    row, _, path = text.partition("=")
    if row not in WEIGHED or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not ROW=PATH with one of the rows {', '.join(WEIGHED)}")
    return row, Path(path)
