"""What the native client costs the engine's own thread: time inside its calls, per frame, over a real renderer.

    python benchmarks/native_calls.py [--frames 600] [--json FILE]

Builds plugins/native with optimisation, and runs an engine of 60 ticks per second with 50 bodies and six planes
(plugins/native/tests/time_tool.cpp) against `worldplate serve --model passthrough`. Only ticks that show a plate
count. `submit` hands pixels over, which the client's worker copies; `slot` asks where to write them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from renderer.process import RendererProcess
from renderer.report import machine, percentiles

NATIVE = Path(__file__).parent.parent / "plugins/native"
CALLS = ("begin", "submit", "present", "plate", "reproject")
SIZES = ((640, 360), (1280, 720))


def build(folder: Path) -> Path:
    """The tool, optimised."""
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DWORLDPLATE_TESTS=ON"]
    for step in (["-S", str(NATIVE), "-B", str(folder), *options], ["--build", str(folder), "--target", "time_tool"]):
        subprocess.run(["cmake", *step], check=True, stdout=subprocess.DEVNULL)
    return folder / "time_tool"


def measure(tool: Path, renderer: RendererProcess, size: tuple[int, int], frames: int, way: str) -> NDArray[np.float64]:
    """Microseconds [frame, call]."""
    words = [str(renderer.folder), *map(str, size), str(frames), way]
    done = subprocess.run([tool, *words], capture_output=True, text=True, check=True)
    return np.array([line.split() for line in done.stdout.splitlines()], np.float64) / 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=600)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, RendererProcess("passthrough") as renderer:
        tool = build(Path(folder))
        renderer.wait_until_ready()
        for width, height in SIZES:
            for way in ("submit", "slot"):
                spent_us = measure(tool, renderer, (width, height), options.frames, way)
                row = {call: percentiles(spent_us[:, at]) for at, call in enumerate(CALLS)}
                figures[f"{width}x{height} {way}"] = {**row, "all": percentiles(spent_us.sum(axis=1))}
    table = Table(
        title=f"microseconds inside the calls, {options.frames} frames: p50 / p95 / p99", title_justify="left"
    )
    for column in ("size, way", *CALLS, "all"):
        table.add_column(column)
    for name, calls in figures.items():
        table.add_row(name, *(" / ".join(f"{value:.1f}" for value in each.values()) for each in calls.values()))
    Console(width=160).print(table)
    if options.json:
        report = {"bench": "native_calls", "frames": options.frames, "spent_us": figures, "machine": machine()}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
