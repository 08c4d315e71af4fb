"""What the add-on costs a real Godot: `python benchmarks/godot_cost.py [--frames N] [--json FILE]`.

The sample's court without the add-on, with the identity model and with limn, at two sizes, in turn. For each: frames
per second of the engine, time that the engine's main thread spent in the add-on (measured in the engine, around every
entry into it), processor time per frame of the native client's threads and of the renderer's process. With the identity
model the sum of the last three is the bridge's share: nothing of it is the model's or the engine's. Needs what
tests/engines needs; a software GPU makes Godot slow, and draws the add-on's two passes (packing, and the mirror of ids)
on the same cores.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from renderer.process import RendererProcess
from renderer.report import machine, percentiles, versions

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests/engines"))

from godot import VERSION, Godot, find, make_project  # noqa: E402

SIZES = ((320, 180), (640, 360))
MODELS = ("none", "passthrough", "limn")
ROUNDS = 2  # of all rows
OURS = ("worldplate", "ZMQbg")  # how the names of the native client's and its ZeroMQ's threads begin


@dataclass
class Row:
    """All runs of one size and model. Times of frames in milliseconds, processor times in seconds."""

    size: tuple[int, int]
    model: str
    frame_ms: list[float] = field(default_factory=list)
    main_ms: list[float] = field(default_factory=list)
    age_ms: list[float] = field(default_factory=list)
    client_s: float = 0.0
    renderer_s: float = 0.0
    frames: int = 0
    shown: int = 0

    def result(self) -> dict[str, Any]:
        frames = max(self.frames, 1)
        told = {
            "size": "x".join(map(str, self.size)),
            "model": self.model,
            "fps": round(1e3 / statistics.median(self.frame_ms), 1),
            "frame_ms": percentiles(self.frame_ms),
        }
        if self.model == "none":
            return told
        client_ms, renderer_ms = 1e3 * self.client_s / frames, 1e3 * self.renderer_s / frames
        told |= {
            "with_plate": round(self.shown / frames, 3),
            "main_thread_ms": percentiles(self.main_ms),
            "age_ms": percentiles(self.age_ms),
            "client_threads_ms_per_frame": round(client_ms, 3),
            "renderer_ms_per_frame": round(renderer_ms, 3),
        }
        if self.model == "passthrough":
            told["bridge_ms_per_frame"] = round(statistics.median(self.main_ms) + client_ms + renderer_ms, 3)
        return told


class Clock:
    """Processor time between two lines that the sample prints."""

    def __init__(self, renderer_pid: int | None) -> None:
        self._renderer_pid = renderer_pid
        self.times: list[tuple[float, float]] = []  # of the client's threads, of the renderer

    def take(self) -> None:
        engine = max(psutil.Process().children(recursive=True), key=psutil.Process.num_threads)  # not its X server
        client = 0.0
        for thread in engine.threads():
            name = Path(f"/proc/{engine.pid}/task/{thread.id}/comm").read_text()
            client += thread.user_time + thread.system_time if name.startswith(OURS) else 0.0
        spent = psutil.Process(self._renderer_pid).cpu_times() if self._renderer_pid is not None else None
        self.times.append((client, spent.user + spent.system if spent is not None else 0.0))


def play(godot: Godot, project: Path, row: Row, frames: int, renderer: RendererProcess | None) -> None:
    width, height = row.size
    report = project / "report.json"
    arguments = ["--size", f"{width}x{height}", "--frames", str(frames), "--report", str(report)]
    arguments += ["--connection", str(renderer.connection)] if renderer is not None else ["--no-stream"]
    clock = Clock(renderer.pid if renderer is not None else None)
    on = {"TRIAL-BEGIN": clock.take, "TRIAL-END": clock.take}
    outcome = godot.run(project, *arguments, size=(max(width, 320), max(height, 240)), timeout_s=600.0, on=on)
    outcome.check(3)
    told = json.loads(report.read_text())
    row.frame_ms += [frame["frame_ms"] for frame in told["frames"]]
    row.main_ms += [us / 1e3 for us in told["added_us"][-len(told["frames"]) :]]
    with_plate = [frame for frame in told["frames"] if frame.get("disposition") in ("generated", "reprojected")]
    row.age_ms += [frame["age_ms"] for frame in with_plate]
    row.shown += len(with_plate)
    row.frames += len(told["frames"])
    (client_0, renderer_0), (client_1, renderer_1) = clock.times
    row.client_s += client_1 - client_0
    row.renderer_s += renderer_1 - renderer_0


def run(frames: int) -> dict[str, Any]:
    executable, library = find(), ROOT / "plugins/godot/addons/worldplate/bin"
    if executable is None or not any(library.glob("*.so")):
        raise SystemExit(
            "Needs a Godot (tests/engines/fetch_godot.sh) and the extension (worldplate plugin build godot)."
        )
    rows = [Row(size, model) for size in SIZES for model in MODELS]
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:
        godot = Godot(executable, Path(folder) / "home", Path(folder) / "driver-cache")
        project = make_project(ROOT / "samples/godot", Path(folder) / "project", library=library)
        for _ in range(ROUNDS):
            for row in rows:
                if row.model == "none":
                    play(godot, project, row, frames, None)
                    continue
                with RendererProcess(row.model) as renderer:
                    renderer.wait_until_ready()
                    play(godot, project, row, frames, renderer)
    results = [row.result() for row in rows]
    return {"bench": "godot", "engine": VERSION, "rows": results, "machine": machine(), "versions": versions()}


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(title=f"Godot {VERSION}, Forward+, software GPU; milliseconds", title_justify="left")
    for column in (
        "size",
        "model",
        "fps",
        "frame p50",
        "p95",
        "main p50",
        "p95",
        "p99",
        "client",
        "renderer",
        "bridge",
        "age p50",
    ):
        made.add_column(column, justify="right")
    for row in rows:
        main, age = row.get("main_thread_ms", {}), row.get("age_ms", {})
        cells = [row["frame_ms"]["p50"], row["frame_ms"]["p95"], main.get("p50"), main.get("p95"), main.get("p99")]
        cells += [
            row.get(name) for name in ("client_threads_ms_per_frame", "renderer_ms_per_frame", "bridge_ms_per_frame")
        ]
        cells.append(age.get("p50"))
        texts = ["-" if cell is None else f"{cell:.2f}" for cell in cells]
        made.add_row(row["size"], row["model"], f"{row['fps']:.1f}", *texts)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300, help="of each run (300)")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    result = run(options.frames)
    Console(width=150).print(table(result["rows"]))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
