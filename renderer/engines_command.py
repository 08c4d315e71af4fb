"""`worldplate engines`: TensorRT engines built ahead of time, and what is kept of them."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency

if TYPE_CHECKING:
    from renderer.runtimes.gpu import Gpu

EPILOG = """examples:
  worldplate engines build                   limn's engine, so that the first start on a GPU has it
  worldplate engines list                    what is kept, and where
  worldplate serve --runtime tensorrt        serve with it; torch serves until it is loaded and held to torch's plates

TensorRT for RTX builds without a GPU, for all its generations at once. Engines are signed with a key of this user on
this machine, and those of others are never loaded: build on the machine that serves, or move
~/.cache/worldplate/engines there together with ~/.config/worldplate/engines.key.
"""


def add_engines(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    actions = parser.add_subparsers(required=True, metavar="action")
    built = actions.add_parser("build", help="build limn's engine ahead of time, also without a GPU")
    built.add_argument("--precision", choices=["fp16", "fp32"], default="fp16", help="(default fp16, which is served)")
    built.set_defaults(run=run_build)
    listed = actions.add_parser("list", help="the engines that are kept")
    listed.set_defaults(run=run_list)


def run_build(options: argparse.Namespace) -> int:
    from renderer.models.limn.held import profile
    from renderer.models.limn.model import FOLDER, ONNX, check_files
    from renderer.runtimes.engine_build import make
    from renderer.runtimes.engine_cache import user_cache
    from renderer.runtimes.engines import Order
    from renderer.runtimes.tensorrt import maker_for

    check_files(FOLDER)
    cache, maker = user_cache(), maker_for(_gpu(), options.precision)
    order = Order(maker, FOLDER / ONNX, profile())
    started_s = time.perf_counter()
    size_mb = len(make(order, cache)) / 1e6
    took_s = time.perf_counter() - started_s
    device = maker.identity()["device"]
    _say(f"limn in {maker.precision} by {maker.name} for {device}: {size_mb:.1f} MB in {took_s:.1f} s")
    _say(str(cache.path_of(order.identity())))
    return 0


def run_list(_: argparse.Namespace) -> int:
    from renderer.runtimes.engine_cache import user_cache

    cache = user_cache()
    kept = cache.kept()
    _say(f"in {cache.folder}" if kept else f"in {cache.folder}: none; `worldplate engines build` makes one")
    for path, told in kept:
        words = [str(told[name]) for name in ("precision", "library", "device", "gpu") if name in told]
        what = ", ".join(words) or "cannot be trusted, and is not loaded"
        _say(f"  {path.name[:12]}: {what}, {path.lstat().st_size / 1e6:.1f} MB")
    return 0


def _gpu() -> Gpu | None:
    """The one that is here, or None: then it is built for all that RTX builds for."""
    from renderer.runtimes.gpu import gpu_here

    try:
        return gpu_here()
    except MissingDependency:
        return None


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
