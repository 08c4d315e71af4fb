"""What a run says about itself: figures with their percentiles, and the machine they were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.table import Table

PACKAGES = ("worldplate", "numpy", "pyzmq", "msgpack", "msgspec", "torch", "mujoco", "numba")


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


def summary_table(report: Mapping[str, object]) -> Table:
    """The figures of a demo's report that a person wants first."""
    table = Table(title=f"{report['size']} {report['model']} {report['sync']}", title_justify="left")
    for column, justify in (("", "left"), ("p50", "right"), ("p95", "right"), ("p99", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_row("pictures per second", f"{report['fps']:.1f}", "", "")
    _add(table, "frame age, ms", report["frame_age_ms"])
    _add(table, "frame age, engine frames", report["frame_age_frames"])
    stages = report["stages_ms"]
    if isinstance(stages, Mapping):
        for name, values in stages.items():
            _add(table, f"{name}, ms", values)
    dispositions = report["dispositions"]
    if isinstance(dispositions, Mapping):
        table.add_row("dispositions", ", ".join(f"{count} {name}" for name, count in dispositions.items()), "", "")
    table.add_row("host copies per frame", f"{report['host_copies_per_frame']:g}", "", "")
    return table


def _add(table: Table, name: str, values: object) -> None:
    if isinstance(values, Mapping) and values:
        table.add_row(name, *(f"{values[p]:.2f}" if p in values else "" for p in ("p50", "p95", "p99")))
