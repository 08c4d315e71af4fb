"""What a run says about itself: figures with their percentiles, and the machine they were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from renderer.cuda.counters import per_frame

PACKAGES = ("worldplate", "numpy", "pyzmq", "msgpack", "msgspec", "torch", "openvino", "onnxruntime", "mujoco", "numba")


def percentiles(values: Iterable[float], points: Sequence[int] = (50, 95, 99)) -> dict[str, float]:
    """p50, p95, p99 of the values, rounded to 1/1000; empty when there are none."""
    array = np.fromiter(values, np.float64)
    return {f"p{p}": round(float(np.percentile(array, p)), 3) for p in points} if len(array) else {}


def machine() -> dict[str, object]:
    """Processor, cores, memory and system, as the kernel tells them."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next(
        (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "vectors": [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f in flags],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """Installed versions of the packages that figures depend on; absent ones are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def gpu_share(figures: Mapping[str, int], runtime: str) -> dict[str, object]:
    """What each plate cost on its way to a GPU and back, of the figures of a session's STATUS; or that nobody counted,
    which is no cost of 0: no GPU serves, or a model that keeps no count of it."""
    if not figures:
        return {"counted": False, "why": f"the network runs on {runtime}"}
    return {"counted": True, **per_frame(figures)}


def summary_table(report: Mapping[str, Any]) -> Table:
    """The figures of a demo's report that a person wants first."""
    made = ", ".join(f"{count} {name}" for name, count in report["dispositions"].items() if count)
    caption = (
        f"{report['ticks']} engine frames at {report['engine_fps']} fps: {made}\n"
        f"planes copied between host buffers: {report['host_copies_per_frame']:g} per frame\n"
        f"GPU: {_gpu_line(report['gpu'])}\n"
        f"pixels left to the engine: {report['engine_owned_pixels']}, changed: {report['engine_owned_differences']}"
    )
    title = f"{report['model']}, {report['size']}, {report['sync']}: {report['fps']:.1f} pictures per second"
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in ("milliseconds", "p50", "p95", "p99"):
        table.add_column(column, justify="left" if column == "milliseconds" else "right")
    _add(table, "frame age", report["frame_age_ms"])
    _add(table, "frame age in engine frames", report["frame_age_frames"])
    for name, values in report["stages_ms"].items():
        _add(table, name, values)
    return table


def _gpu_line(share: Mapping[str, object]) -> str:
    """For a person."""
    if not share["counted"]:
        return f"nothing to count, {share['why']}"
    costs = {
        name.removesuffix("_per_frame").replace("_", " "): cost for name, cost in share.items() if name != "counted"
    }
    return f"per frame {', '.join(f'{name} {cost:g}' for name, cost in costs.items())}"


def _add(table: Table, name: str, values: Mapping[str, float]) -> None:
    if values:
        table.add_row(name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")))
