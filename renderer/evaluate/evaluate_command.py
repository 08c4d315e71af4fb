"""`worldplate evaluate`: what plates are worth beside path-traced truth, and whether a world stays what it was."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from renderer.arguments import number, size, whole
from renderer.evaluate import ROWS
from renderer.evaluate.world import ROWS as WORLD_ROWS

WEIGHED = ("plain", "limn-s", "limn-l")


def add_evaluate(parser: argparse.ArgumentParser) -> None:
    subjects = parser.add_subparsers(required=True, metavar="subject")
    plates = subjects.add_parser("plates", help="likeness to path-traced truth, steadiness, obedience")
    plates.add_argument("--data", type=Path, nargs="+", required=True, metavar="DIR", help="of `worldplate dataset`")
    plates.add_argument("--out", type=Path, required=True, help="folder for report.html, plates.json and sheet.png")
    plates.add_argument("--split", choices=["train", "validation", "test"], default="test", help="default test")
    plates.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="default all that can be had")
    plates.add_argument(
        "--most", type=whole(1, 1_000_000), metavar="N", help="sequences of each folder, for a quick look"
    )
    plates.add_argument(
        "--weights", type=_weights, nargs="+", default=[], metavar="ROW=PATH",
        help="weights of plain, and model folders of limn-s and limn-l (default limn-s: the package's own)",
    )  # fmt: skip
    plates.set_defaults(run=run_plates)
    _add_world(subjects.add_parser("world", help="whether a world stays what it was, from engine truth"))


def _add_world(world: argparse.ArgumentParser) -> None:
    world.add_argument("--out", type=Path, required=True, help="folder for report.html and world.json")
    world.add_argument("--rows", nargs="+", choices=WORLD_ROWS, default=list(WORLD_ROWS), help="default all")
    world.add_argument("--model", default="limn", help="of the rows forgetful, model and held (default limn)")
    world.add_argument("--runtime", default="auto", help="auto, torch, onnxruntime or openvino (default auto)")
    world.add_argument("--weights", type=_plain_weights, nargs="+", default=[], metavar="plain=PATH",
                       help="weights of the row plain, which none ship for")  # fmt: skip
    world.add_argument("--seed", type=whole(1, 1_000_000), default=7, help="of the court (default 7)")
    world.add_argument(
        "--size", type=size((64, 36), (1920, 1080)), default=(192, 108), metavar="WxH", help="default 192x108"
    )
    world.add_argument(
        "--seconds", type=number(1.2, 1440.0, "seconds"), default=3.0, help="of the walking pan (default 3)"
    )
    away = world.add_mutually_exclusive_group()
    away.add_argument("--minutes", type=number(0.5, 1440.0, "minutes"), nargs="+", default=[1.0, 10.0], metavar="N",
                      help="away, one after the other, on the long walk (default 1 10)")  # fmt: skip
    away.add_argument("--long", action="store_const", dest="minutes", const=[1.0, 10.0, 49.0], help="walk for an hour")
    away.add_argument("--controls", type=whole(1, 1_000_000), metavar="SEEDS",
                      help="no rows: see that each seeded fault trips its own metric, in so many courts")  # fmt: skip
    world.set_defaults(run=run_world)


def run_plates(options: argparse.Namespace) -> int:
    from rich.console import Console

    from renderer.evaluate.plates import Job, run

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    rows = tuple(name for name in ROWS if name in options.rows)
    job = Job(tuple(options.data), options.out, options.split, rows, options.most, dict(options.weights))
    Console().print(run(job))
    return 0


def run_world(options: argparse.Namespace) -> int:
    from rich.console import Console

    from renderer.evaluate.world.report import Job, run, run_controls
    from renderer.evaluate.world.scenes import Size

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    for chatty in ("bridge", "worldplate.renderer"):  # every episode is a session, which says that it comes and goes
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if options.controls:
        Console().print(run_controls(options.out, options.controls))
        return 0
    rows = tuple(name for name in WORLD_ROWS if name in options.rows)
    job = Job(options.out, rows, options.model, options.runtime, dict(options.weights), options.seed,
              Size(*options.size), tuple(options.minutes), options.seconds)  # fmt: skip
    Console().print(run(job))
    return 0


def _plain_weights(text: str) -> tuple[str, Path]:
    row, _, path = text.partition("=")
    if row != "plain" or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not plain=PATH")
    return row, Path(path)


def _weights(text: str) -> tuple[str, Path]:
    row, _, path = text.partition("=")
    if row not in WEIGHED or not path:
        raise argparse.ArgumentTypeError(f"'{text}' is not ROW=PATH with one of the rows {', '.join(WEIGHED)}")
    return row, Path(path)
