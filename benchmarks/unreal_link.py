"""What Unreal's link costs the engine's threads, against a real renderer, per frame.

    python benchmarks/unreal_link.py [--frames 300] [--json FILE]

An engine of 60 ticks per second with 50 bodies, 1280x720 and eight planes, whose read-backs come two frames late,
against `worldplate serve --model passthrough`, through the shared ring, as plugins/unreal/Tests/Tool/Timing.cpp plays
it, with the library as `worldplate plugin build unreal` builds it. `state` is the frame's camera and bodies;
`read-backs` lends what has come to the link's worker; `what to show` plans the picture and says how a plate is carried.
CPU time of the calling thread, since a busy machine would be measured otherwise; the copy of a plate to the GPU is not
among it. Only frames that showed a plate count, after the first 60 of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from renderer.plugin_build import build_unreal
from renderer.process import RendererProcess
from renderer.report import machine, percentiles

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
import unreal  # the tests' own way to the compiler

PARTS = ("state", "read-backs", "what to show")
WARM_UP = 60  # frames: memory that is taken once, at the first ones


def build(folder: Path) -> Path:
    """The tool as users' compilers build the plugin: optimised, without sanitizers."""
    library = build_unreal()
    sources = [*unreal.LINK.glob("*.cpp"), *unreal.TOOL.glob("*.cpp")]
    includes = [f"-I{path}" for path in (unreal.LINK, unreal.TOOL, unreal.INCLUDE)]
    link: list[str | Path] = [library, f"-Wl,-rpath,{library.parent}", "-lpthread", "-o", folder / "tool"]
    unreal.run("g++", *unreal.LANGUAGE, "-O2", *includes, *sources, *link)
    return folder / "tool"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="worldplate-unreal-") as name, RendererProcess("passthrough") as renderer:
        tool = build(Path(name))
        renderer.wait_until_ready()
        words = [str(tool), "time", str(renderer.folder), str(options.frames + WARM_UP)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    rows = np.array([line.split() for line in done.stdout.splitlines()[WARM_UP:-1]], np.float64) / 1e3
    figures = {name: percentiles(rows[:, at]) for at, name in enumerate(PARTS)}
    figures["all"] = percentiles(rows.sum(axis=1))
    report = {
        "bench": "unreal_link", "size": "1280x720", "planes": 8, "bodies": 50, "frames": len(rows),
        "cpu_ms": figures, "machine": machine(),
    }  # fmt: skip
    table = Table(title=f"1280x720, {len(rows)} frames, CPU ms: p50 / p95 / p99", title_justify="left")
    for column in ("part", "measured"):
        table.add_column(column)
    for name, part in figures.items():
        table.add_row(name, " / ".join(f"{value:g}" for value in part.values()))
    Console(width=120).print(table)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
