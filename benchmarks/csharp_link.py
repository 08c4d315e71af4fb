"""What Unity's link costs the engine's main thread, on a real CLR against a real renderer, per frame.

    python benchmarks/csharp_link.py [--frames 1000] [--size 1280x720] [--json FILE]

An engine of 60 ticks per second with 50 bodies and five planes (color, depth, normal, motion, object) against
`worldplate serve --model passthrough`, through the shared ring, as plugins/unity/Tests/Tool~/Timing.cs plays it. `link`
is all that the main thread does for a frame: begin, wants, submit, present, what carries the plate and whether it is
whole; `copy` is the one copy of the planes that an engine's read-back makes, beside it; `allocated` is what the garbage
collector counts on that thread inside `link`. Only ticks that sent pixels and showed a plate count, after
the first 60 of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from renderer.process import RendererProcess
from renderer.report import machine, percentiles

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import dotnet  # the tests' own way to the compiler and the CLR

GOAL_P95_MS, GOAL_BYTES = 0.5, 0
WARM_UP = 60  # frames: what is compiled, and taken once, at the first ones
PLANE_BYTES = 28  # of a pixel, all five planes


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--size", default="1280x720", metavar="WxH")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    dotnet.build()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        words = dotnet.command("time", str(renderer.folder), str(width), str(height), str(options.frames + WARM_UP))
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = np.array([line.split() for line in done.stdout.splitlines()[WARM_UP:-1]], np.float64)
    report = {
        "bench": "csharp_link", "size": options.size, "frames": len(rows), "bytes_in": PLANE_BYTES * width * height,
        "transport": done.stderr.split()[-1], "link_ms": percentiles(rows[:, 0] / 1e3),
        "copy_ms": percentiles(rows[:, 1] / 1e3), "allocated_bytes": percentiles(rows[:, 2]),
        "frames_that_allocated": int((rows[:, 2] > 0).sum()),
        "goal": {"link_p95_ms": GOAL_P95_MS, "allocated_bytes": GOAL_BYTES}, "machine": machine(),
    }  # fmt: skip
    table = Table(
        title=f"{options.size}, {len(rows)} frames, {report['transport']}: p50 / p95 / p99", title_justify="left"
    )
    for column in ("main thread", "measured", "goal"):
        table.add_column(column)
    for name, goal in (("link_ms", f"p95 {GOAL_P95_MS}"), ("copy_ms", ""), ("allocated_bytes", str(GOAL_BYTES))):
        figures = report[name]
        assert isinstance(figures, dict)
        table.add_row(name, " / ".join(f"{value:g}" for value in figures.values()), goal)
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
