"""`worldplate train`: limn's network from a data set of `worldplate dataset`."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bridge.errors import ConfigError
from renderer.arguments import number
from renderer.training.dataset_command import DEFAULT_OUT as DEFAULT_DATA

NAMES = ("limn-s", "limn-l")


def add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help=f"the data set (default {DEFAULT_DATA})")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of checkpoints, weights and curves; run again to go on from it"
    )
    parser.add_argument("--size", choices=NAMES, default=NAMES[0], help="limn-s for CPUs, limn-l for GPUs")
    parser.add_argument(
        "--minutes",
        type=number(0.0, 1e6, "minutes"),
        default=60.0,
        help="of training in all, over all runs (default 60)",
    )
    parser.add_argument("--threads", type=int, default=0, help="of torch on the CPU (default its own choice)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument("--seed", type=int, default=0)
    parser.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    from renderer.training.train import Job, train

    if not any(options.data.glob("*-train-*.npz")):
        raise ConfigError(f"there are no training sequences in {options.data}",
                          fix="Make some with `worldplate dataset`, or name another folder with --data.")  # fmt: skip
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    train(Job(options.data, options.out, options.size, options.minutes, options.threads, options.seed, options.device))
    sys.stdout.write(f"{options.out / 'weights.safetensors'}\n")
    return 0
