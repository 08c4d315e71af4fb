"""`python benchmarks/engines.py [--count N] [--json FILE]`: TensorRT for RTX takes and builds limn, without a GPU.

Both sizes, each generation of GPUs alone and all that one engine goes with, in fp16 (as served) and fp32: seconds of
the clock and of the processor (the machine may be busy), bytes. limn-l has no weights yet: its definition with random
ones; its export to ONNX is a row of its own. Last, what half precision makes of limn-s's plates, on the courtyard in
three lights: torch's half kernels on the CPU, which round after every layer, against fp32.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from renderer.bench.model import View, views_of
from renderer.evaluate.image import psnr_db, tone_map
from renderer.models.limn.held import profile
from renderer.models.limn.light import light_of
from renderer.models.limn.model import FOLDER, ONNX, Canvas, Limn, network_of
from renderer.models.limn.network import SIZES, LimnNetwork
from renderer.models.limn.weather import Weather
from renderer.report import machine, versions
from renderer.runtimes import F32, Network, Runtime, load_runtime
from renderer.runtimes.engines import GATES_DB
from renderer.runtimes.export import export
from renderer.runtimes.on_device import Lane, OnDevice
from renderer.runtimes.tensorrt import TensorRtMaker

TARGETS: tuple[tuple[str, ...], ...] = (("SM86",), ("SM89",), ("SM120",), ())  # none: all in one
WEATHERS = (Weather(), Weather(sun_elevation_deg=1.0, wetness=0.8), Weather(fog=0.6))
SIZE = (640, 360)


class Taken(NamedTuple):
    """Seconds of the clock, seconds of the processor, and what came of it."""

    wall_s: float
    processor_s: float
    made: bytes


def timed(make: Callable[[], bytes]) -> Taken:
    wall_s, processor_s = time.perf_counter(), time.process_time()
    made = make()
    return Taken(time.perf_counter() - wall_s, time.process_time() - processor_s, made)


def row(name: str, target: str, precision: str, taken: list[Taken]) -> dict[str, Any]:
    return {
        "network": name, "target": target, "precision": precision, "bytes": len(taken[0].made),
        "wall_s": round(statistics.median(t.wall_s for t in taken), 2),
        "processor_s": round(statistics.median(t.processor_s for t in taken), 2),
    }  # fmt: skip


def rows_of(name: str, network: Path, count: int) -> list[dict[str, Any]]:
    shapes, rows = profile(), []
    for precision in ("fp16", "fp32"):
        for targets in TARGETS:
            maker = TensorRtMaker("tensorrt_rtx", precision, targets)
            taken = [timed(partial(maker.build, network, shapes)) for _ in range(count)]
            rows.append(row(name, maker.identity()["device"], precision, taken))
    return rows


def exported() -> bytes:
    torch.manual_seed(0)
    network = LimnNetwork(SIZES["limn-l"])
    return export(network)


def plates(limn: Limn, runtime: Runtime, looks: list[View]) -> list[F32]:
    """On the display, one of each moment and light."""
    canvas: Canvas = limn.new_canvas(*SIZE, runtime)
    pictures = []
    for look, weather in zip(looks, WEATHERS, strict=True):
        light = light_of(weather, 3)
        canvas.see(*look, light)
        canvas.network()
        pictures.append(tone_map(canvas.plate(light, 1.0)[..., :3]))
    return pictures


def likeness_db() -> float:
    """The worst PSNR of half precision's plates against fp32's."""
    limn, looks = Limn(runtime="torch"), views_of(*SIZE)
    network = Network(partial(network_of, FOLDER), FOLDER / ONNX)
    half = plates(limn, OnDevice(network, "fp16", Lane("cpu")), looks)
    right = plates(limn, load_runtime(network, "torch").runtime, looks)
    return float(np.min([psnr_db(a, b) for a, b in zip(half, right, strict=True)]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3, help="builds per row (default 3)")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / ONNX
        made = timed(exported)
        large.write_bytes(made.made)
        rows = [row("limn-l", "export to ONNX", "fp32", [made])]
        rows += [*rows_of("limn-s", FOLDER / ONNX, options.count), *rows_of("limn-l", large, options.count)]
    likeness = likeness_db()
    table = Table("network", "target", "precision", "MB", "s", "processor s", title="TensorRT for RTX, without a GPU")
    for r in rows:
        table.add_row(r["network"], r["target"], r["precision"], f"{r['bytes'] / 1e6:.1f}", f"{r['wall_s']}",
                      f"{r['processor_s']}")  # fmt: skip
    console = Console()
    console.print(table)
    three = [r for r in rows if r["precision"] == "fp16" and r["target"] in ("SM86", "SM89", "SM120")]
    whole = {kind: round(sum(r[kind] for r in three), 2) for kind in ("wall_s", "processor_s")}
    console.print(
        f"limn-s and limn-l for three generations, fp16: {whole['wall_s']} s, {whole['processor_s']} s of the"
        f" processor; half precision is {likeness:.1f} dB from torch's plates (gate {GATES_DB['fp16']:.0f})"
    )
    report = {
        "bench": "engines", "count": options.count, "rows": rows, "three_generations_fp16": whole,
        "half_likeness_db": round(likeness, 1), "machine": machine(), "versions": versions(),
        "library": TensorRtMaker("tensorrt_rtx").identity()["library"],
    }  # fmt: skip
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
