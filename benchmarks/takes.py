"""What recording costs the loop, how large takes are, and what each way to keep a plane gives.

    python benchmarks/takes.py [--model limn] [--seconds 4] [--turns 6] [--json benchmarks/results/takes.json]

One run: an engine that hands over frames which are rendered beforehand and waits for each plate, so that the loop alone
sets the pace; recording is switched on and off in turns, and medians are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.operator import Operator
from bridge.plane_coding import CODINGS, coding_of, compress
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Bodies, Camera, PlaneName, Record, SyncMode
from bridge.take import Take
from renderer.process import RendererProcess
from renderer.report import machine, versions

READY = 48  # frames, shown back and forth so that the camera never jumps
LEVELS = (-3, 1, 3, 6)
FPS = 25.0  # of the minute that sizes are told for
Ready = list[tuple[PlaneViews, Camera, Bodies]]


def ready_frames(width: int, height: int) -> Ready:
    engine, layouts, made = EmbeddedEngine(courtyard(7), width, height), pack_layouts(FORMATS, width, height), []
    for _ in range(READY):
        engine.step(1 / FPS)
        planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
        engine.render(planes)
        made.append((planes, engine.camera(), engine.bodies()))
    return made + made[::-1]


def turn(client: Client, ready: Ready, seconds: float) -> float:
    """Plates per second."""
    began_s, count = time.perf_counter(), 0
    while time.perf_counter() - began_s < seconds:
        planes, camera, bodies = ready[count % len(ready)]
        slot = client.begin()
        for name, plane in slot.inputs.items():
            np.copyto(plane, planes[name])
        client.submit(slot, camera, bodies=bodies)
        client.present()
        count += 1
    return count / (time.perf_counter() - began_s)


def switch(operator: Operator, on: bool, name: str = "") -> None:
    """Returns when the take is begun, or its file closed."""
    session = operator.session()
    operator.ask(Record(session=session.session, on=on, name=name))
    while not on and operator.session().take:
        time.sleep(0.05)


def measure(options: argparse.Namespace, ready: Ready, folder: Path) -> dict[str, Any]:
    """Plates per second without and with, in turns, and the last take."""
    width, height = options.size
    os.environ["WORLDPLATE_TAKES_DIR"] = str(folder)
    rates: dict[bool, list[float]] = {False: [], True: []}
    formats = {name: (form,) for name, form in FORMATS.items()}
    with RendererProcess(options.model) as renderer:
        renderer.wait_until_ready()
        with Client(width, height, formats, sync=SyncMode.OFFLINE, connection=renderer.connection) as client:
            client.connect(60.0)
            turn(client, ready, 2.0)
            with Operator("benchmark", renderer.connection) as operator:
                for number in range(options.turns):
                    for on in (False, True) if number % 2 else (True, False):
                        if on:
                            switch(operator, True, f"turn-{number}")
                        rates[on].append(turn(client, ready, options.seconds))
                        if on:
                            switch(operator, False)
    without, with_it = (statistics.median(rates[on]) for on in (False, True))
    with Take.open(folder / f"turn-{options.turns - 1}.mcap") as take:
        info = take.info
    frame_bytes = info.stored_bytes / info.frames
    return {
        "model": options.model, "size": f"{width}x{height}", "fps_without": without, "fps_with": with_it,
        "cost_percent": 100 * (1 - with_it / without), "turns_without": rates[False], "turns_with": rates[True],
        "missed": info.missed, "raw_bytes_per_frame": info.raw_bytes / info.frames,
        "stored_bytes_per_frame": frame_bytes, "stored_percent": 100 * info.stored_bytes / info.raw_bytes,
        "mb_per_minute_25fps": frame_bytes * FPS * 60 / 1e6,
        "raw_mb_per_minute_25fps": info.raw_bytes / info.frames * FPS * 60 / 1e6,
    }  # fmt: skip


def codings(path: Path) -> list[dict[str, Any]]:
    """By plane, level and coding: the share of the raw bytes and the milliseconds of a frame, medians over five."""
    rows: list[dict[str, Any]] = []
    with Take.open(path) as take:
        frames = [take.frame(number) for number in np.linspace(1, len(take), 5).astype(int).tolist()]
    for name in (*FORMATS, PlaneName.PLATE):
        planes = [np.array({**frame.planes, **frame.outputs}[name]) for frame in frames]
        for level in LEVELS:
            for coding in CODINGS:
                took, sizes = [], []
                for plane in planes:
                    began_s = time.perf_counter()
                    sizes.append(len(compress(plane, coding, level)) / plane.nbytes)
                    took.append((time.perf_counter() - began_s) * 1e3)
                used = level == 1 and coding == coding_of(name)
                rows.append(
                    {
                        "plane": str(name), "level": level, "coding": coding, "used": used,
                        "share_percent": 100 * statistics.median(sizes), "ms": statistics.median(took),
                    }
                )  # fmt: skip
    return rows


def table_of(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="share of raw bytes in percent, and ms per frame; * is what takes use", title_justify="left")
    for column in ("plane", "level", *CODINGS):
        table.add_column(column, justify="right")
    for name in dict.fromkeys(row["plane"] for row in rows):
        for level in LEVELS:
            cells = [row for row in rows if (row["plane"], row["level"]) == (name, level)]
            told = [f"{c['share_percent']:.1f} {c['ms']:.1f}{'*' if c['used'] else ' '}" for c in cells]
            table.add_row(name, str(level), *told)
    return table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="limn")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a turn")
    parser.add_argument("--turns", type=int, default=6, help="without and with, each so often")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.size, console = (320, 180), Console()
    with tempfile.TemporaryDirectory(prefix="wp-takes-") as temporary:
        folder = Path(temporary)
        loop = measure(options, ready_frames(*options.size), folder)
        rows = codings(folder / f"turn-{options.turns - 1}.mcap")
    console.print(table_of(rows))
    console.print(
        f"{loop['model']} {loop['size']}: {loop['fps_without']:.2f} plates/s without, {loop['fps_with']:.2f} with "
        f"recording: {loop['cost_percent']:.1f} % (medians of {options.turns}); {loop['missed']} frames missed"
    )
    console.print(
        f"{loop['stored_percent']:.1f} % of the raw bytes; a minute at 25 per second is "
        f"{loop['mb_per_minute_25fps']:.0f} MB, raw {loop['raw_mb_per_minute_25fps']:.0f} MB"
    )
    if options.json:
        report = {"bench": "takes", "loop": loop, "codings": rows, "machine": machine(), "versions": versions()}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
