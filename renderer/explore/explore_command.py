"""`worldplate explore`: walk into one picture with its depth."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from renderer.arguments import number


def add_explore(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("image", type=Path, metavar="IMAGE", help="an engine's frame (.npz, .exr), or any picture")
    parser.add_argument("--depth", type=Path, metavar="FILE", help="its depth map: .npy, .npz, .exr or a grey picture")
    parser.add_argument("--depth-unit", type=number(0.0, 1000.0, "metres"), default=0.001, metavar="METRES",
                        help="of a depth map of whole numbers (default 0.001: millimetres)")  # fmt: skip
    parser.add_argument(
        "--fov",
        type=number(5.0, 150.0, "degrees"),
        default=55.0,
        metavar="DEG",
        help="vertical angle of view (default 55)",
    )
    parser.add_argument("--model", choices=["none", "limn"], help="what paints: the picture's own colours, or limn"
                        " from its planes (default limn when it has base colours, else none)")  # fmt: skip
    parser.add_argument(
        "--metres", type=number(0.0, 1000.0), help="to the farthest point (default: by the picture's depth)"
    )
    parser.add_argument("--seconds", type=number(0.0, 1000.0), default=8.0, help="of the walk (default 8)")
    parser.add_argument("--out", type=Path, default=Path("out/explore"), help="folder for film and pictures")
    parser.add_argument("--glb", action="store_true", help="write the world as world.glb as well")
    parser.set_defaults(run=run_explore)


def run_explore(options: argparse.Namespace) -> int:
    from bridge.schema import PlaneName
    from renderer.explore.still import read_still
    from renderer.explore.walk import Walk, walk
    from renderer.models import load_model

    still = read_still(options.image, options.depth, options.fov, options.depth_unit)
    name = options.model or ("limn" if PlaneName.ALBEDO in still.planes else "none")
    model = load_model(name) if name != "none" else None
    try:
        told = walk(still, Walk(options.out, options.seconds, options.metres, glb=options.glb), model)
    finally:
        if model is not None:
            model.close()
    came_back = "identical" if told.return_identical else f"{told.return_psnr_db:.1f} dB"
    sys.stdout.write(
        f"Walked {told.metres:.1f} m and back in {told.frames} frames, painted by {told.painted_by}.\n"
        f"The place one comes back to: {came_back}. The picture did not show {told.continued_mean:.0%} of what was"
        f" seen ({told.continued_most:.0%} at most); planes were continued there.\n"
        f"{options.out / 'explore.mp4'}\n"
    )
    return 0
