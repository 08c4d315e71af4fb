"""`worldplate bench loop`: engine, renderer and composite together, as the demo runs them but with no film."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine, warm_up
from renderer.demo import DemoOptions, agreement, connect, make_report, run_loop
from renderer.process import RendererProcess
from renderer.recording import Recording
from renderer.report import machine, versions

MODELS = ("passthrough", "limn")


def run(sizes: list[tuple[int, int]], seconds: float, fps: int, console: Console) -> dict[str, object]:
    """One row per model and size, each `seconds` long at an engine paced to `fps`."""
    rows = []
    for width, height in sizes:
        engine = EmbeddedEngine(courtyard(7), width, height)
        warm_up(engine.world)
        for model in MODELS:
            options = DemoOptions(seconds=seconds, width=width, height=height, model=model, fps=fps, out=Path())
            rows.append(_row(options, engine))
    console.print(_table(rows))
    return {"bench": "loop", "rows": rows, "machine": machine(), "versions": versions()}


def _row(options: DemoOptions, engine: EmbeddedEngine) -> dict[str, object]:
    recording = Recording()
    with RendererProcess(options.model) as renderer:
        renderer.wait_until_ready()
        with connect(options, renderer, engine) as client:
            run_loop(options, engine, client, renderer, recording, Progress(disable=True))
            agreed = agreement(client, recording)
    report = make_report(options, recording, client.ledger, agreed)
    kept = ("size", "model", "engine_fps", "fps", "frame_age_ms", "frame_age_frames", "stages_ms", "dispositions")
    return {name: report[name] for name in (*kept, "repeated", "host_copies_per_frame", "gpu")}


def _table(rows: list[dict[str, object]]) -> Table:
    table = Table(title="engine + renderer + composite, freerun", title_justify="left")
    columns = ("size", "model", "engine fps", "pictures/s", "age p50 ms", "age p95 ms", "age p95 frames", "copies")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        age, frames = row["frame_age_ms"], row["frame_age_frames"]
        if isinstance(age, dict) and isinstance(frames, dict) and age:
            cells = (f"{age['p50']:.1f}", f"{age['p95']:.1f}", f"{frames['p95']:.2f}")
        else:
            cells = ("-", "-", "-")
        table.add_row(
            str(row["size"]), str(row["model"]), str(row["engine_fps"]), f"{row['fps']}", *cells,
            f"{row['host_copies_per_frame']}",
        )  # fmt: skip
    return table
