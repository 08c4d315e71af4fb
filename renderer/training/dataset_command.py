"""`worldplate dataset`: blockout worlds and their path-traced truth, for training and evaluation."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bridge.errors import ConfigError
from renderer.arguments import size, whole

DEFAULT_OUT = Path("~/.cache/worldplate/datasets/worlds").expanduser()


def add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help=f"folder of the data set (default {DEFAULT_OUT})")
    parser.add_argument(
        "--sequences", type=whole(0, 1_000_000), default=1250, help="how many, of 8 frames each (default 1250)"
    )
    parser.add_argument("--first", type=whole(0, 1_000_000), default=0, help="number of the first (default 0)")
    parser.add_argument("--split", choices=["train", "validation", "test"], help="make only these of them")
    parser.add_argument("--family", action="append", metavar="NAME", help="make only this family; may be given again")
    parser.add_argument(
        "--size", type=size((16, 16), (4096, 4096)), default=(192, 108), metavar="WxH", help="default 192x108"
    )
    parser.add_argument("--frames", type=whole(0, 1_000_000), default=8, help="of a sequence (default 8)")
    parser.add_argument(
        "--samples",
        type=whole(0, 1_000_000),
        default=4,
        help="paths per surface, 4 surfaces a pixel (default 4; tests 2.5x)",
    )
    parser.add_argument(
        "--workers", type=whole(0, 1_000_000), default=1, help="processes of one thread each (default 1)"
    )
    parser.add_argument("--verify", action="store_true", help="only compare the folder with its manifest")
    parser.set_defaults(run=run_dataset)


def run_dataset(options: argparse.Namespace) -> int:
    from renderer.training.plan import FAMILY_NAMES
    from renderer.training.produce import Job, run, verify
    from renderer.training.sequences import Recipe

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    if options.verify:
        wrong = verify(options.out)
        sys.stdout.write("".join(f"{name} is not as the manifest says\n" for name in wrong))
        return 1 if wrong else 0
    width, height = options.size
    recipe = Recipe(width, height, options.frames, options.samples, options.samples * 5 // 2)
    families = tuple(options.family or ())
    for name in families:
        if name not in FAMILY_NAMES:
            raise ConfigError(f"there is no family '{name}'", fix=f"Use --family {', '.join(FAMILY_NAMES)}.")
    count = run(Job(options.out, recipe, options.sequences, options.first, options.workers, options.split, families))
    sys.stdout.write(f"{options.out} holds {count} sequences\n")
    return 0
