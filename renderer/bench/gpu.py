"""`worldplate bench gpu`: everything that needs a GPU, in one run of less than eight minutes.

A row that cannot be run here says so and why; nothing is estimated. Rows that belong together are a part, which has a
process of its own and a time: a driver that hangs or dies takes one part with it, and the others go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.errors import MissingDependency
from renderer.cuda.driver import why_not
from renderer.report import machine, versions

Figures = dict[str, Any]
Size = tuple[int, int]
LIMIT_S = 460.0  # of the whole run
OURS, TORCH = "ours", "torch"  # which of the ways to a GPU a part needs
LANES = ("torch eager", "torch + CUDA graph", "torch.compile + CUDA graph", "TensorRT")
WHOLE = "limn through the host, torch + CUDA graph"
ANSWER = "does TensorRT for RTX run here"
ZERO_COPY = (
    "identity, five planes", "matte by depth, label and id", "late frame of two plates",
    "limn whole, planes on the GPU",
)  # fmt: skip
LOOPS = ("passthrough", "limn")
MODULE = "renderer.bench.gpu_part"


@dataclass(frozen=True)
class Wanted:
    """What is to be run."""

    sizes: Sequence[Size]
    engine: Path | None  # a build of plugins/native/gpu
    kills: int


@dataclass(frozen=True)
class Part:
    """Rows that one process makes, in their order, and the seconds that it has."""

    kind: str  # a name of renderer.bench.gpu_part.KINDS
    needs: str  # OURS or TORCH
    arguments: Mapping[str, Any]  # JSON
    rows: tuple[str, ...]
    limit_s: float

    def order(self, limit_s: float) -> str:
        """For the process."""
        return json.dumps({"kind": self.kind, "rows": self.rows, "limit_s": limit_s, **self.arguments})


def run(wanted: Wanted, console: Console) -> dict[str, object]:
    """Every part, in turn."""
    begun_s, absent = time.monotonic(), {need: why() for need, why in NEEDS.items()}
    found: list[Figures] = []
    for part in parts(wanted):
        left_s = LIMIT_S - (time.monotonic() - begun_s)
        found += _measured(part, absent[part.needs], min(part.limit_s, left_s), console)
    tell_intervals(found)
    if ran := [each for each in found if "not_run" not in each]:
        console.print(table_of(ran))
    for each in found:
        if "not_run" in each:
            console.print(f"{each['row']}: not run: {each['not_run']}", markup=False, highlight=False, soft_wrap=True)
    gpu = next((each["gpu"] for each in found if "gpu" in each), {"not_usable": absent[TORCH] or absent[OURS]})
    seconds = round(time.monotonic() - begun_s, 1)
    return {
        "bench": "gpu", "seconds": seconds, "rows": found, "gpu": gpu, "machine": machine(), "versions": versions(),
    }  # fmt: skip


def parts(wanted: Wanted) -> Iterator[Part]:
    """In the order in which they are run: the first answer, then what is quick."""
    sizes, engine = list(wanted.sizes), str(wanted.engine or "")
    at = [f"{width}x{height}" for width, height in sizes]
    yield Part("answer", TORCH, {}, (ANSWER,), 60.0)
    yield Part("planes", OURS, {"sizes": sizes}, tuple(f"{name}, {size}" for name in ZERO_COPY for size in at), 80.0)
    for model in LOOPS:
        names = tuple(f"Vulkan engine and {model}, {size}" for size in at)
        yield Part("loop", OURS, {"sizes": sizes, "engine": engine, "model": model}, names, 45.0)
    for size, text in zip(sizes, at, strict=True):
        names = (*(f"limn's network by {name}, {text}" for name in LANES), f"{WHOLE}, {text}")
        yield Part("limn", TORCH, {"size": size}, names, 80.0)
    kills = {"engine": engine, "kills": wanted.kills}
    yield Part("kills", OURS, kills, (f"either process killed, {wanted.kills} times",), LIMIT_S)


def _why_no_torch() -> str:
    from renderer.runtimes.gpu import gpu_here

    try:
        gpu_here()
    except (MissingDependency, ImportError) as error:
        return error.what if isinstance(error, MissingDependency) else f"torch cannot be loaded: {error}"
    return ""


NEEDS: dict[str, Callable[[], str]] = {OURS: why_not, TORCH: _why_no_torch}  # "" where it is there


def _measured(part: Part, absent: str, limit_s: float, console: Console) -> list[Figures]:
    """A row each, whatever becomes of the process."""
    if absent:
        return [{"row": row, "not_run": absent} for row in part.rows]
    if limit_s <= 0:
        return [{"row": row, "not_run": f"the run's {LIMIT_S:.0f} s were over"} for row in part.rows]
    console.print(f"{part.rows[0]} ...", markup=False, highlight=False)
    said, why = in_a_process([sys.executable, "-m", MODULE, part.order(limit_s)], limit_s)
    made = {str(each["row"]): each for each in said}
    return [made.get(row, {"row": row, "not_run": why}) for row in part.rows]


def in_a_process(command: Sequence[str], limit_s: float) -> tuple[list[Figures], str]:
    """The rows that it printed, a line of JSON each; and why there are no more of them."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=words, start_new_session=True
        )  # fmt: skip
        try:
            why = f"its process ended with {process.wait(limit_s)}"
        except subprocess.TimeoutExpired:
            why = f"its process was ended after {limit_s:.0f} s"
        finally:
            _end(process)
        out.seek(0)
        words.seek(0)
        last = words.read().decode(errors="replace").strip().splitlines()[-1:]
        return list(_rows_in(out.read().decode(errors="replace"))), ": ".join([why, *last])[:400]


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all that it has started, where the system knows what that is."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):  # nobody is left
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _rows_in(text: str) -> Iterator[Figures]:
    for line in text.splitlines():
        try:
            told = json.loads(line)
        except ValueError:  # a library's own words, or a line that was cut
            continue
        if isinstance(told, dict) and "row" in told:
            yield told


def tell_intervals(found: Sequence[Figures]) -> None:
    """Into the rows of loops: from plate to plate as the engine saw them come, over what a GPU needs for one at least.
    That is identity for `passthrough`, and limn whole for limn."""
    for each in found:
        model, _, size = str(each["row"]).removeprefix("Vulkan engine and ").partition(", ")
        if model not in LOOPS or "interval_ms" not in each:
            continue
        alone = f"{ZERO_COPY[0] if model == 'passthrough' else ZERO_COPY[-1]}, {size}"
        render_ms = next((row["gpu_ms"]["p50"] for row in found if row["row"] == alone and "gpu_ms" in row), 0.0)
        if render_ms > 0.0:
            each["publication_over_render"] = round(each["interval_ms"]["p50"] / render_ms, 3)


def table_of(found: Sequence[Figures]) -> Table:
    """What a person wants first."""
    table = Table(title="what the GPU does", title_justify="left")
    for column in ("row", "GPU p50 ms", "p99", "wall p50 ms", "p99", "more"):
        table.add_column(column, overflow="fold")
    for each in found:
        gpu: Figures = each.get("gpu_ms", {})
        wall: Figures = each.get("wall_ms") or each.get("round_trip_ms") or {}
        cells = [f"{part[p]:.3f}" if p in part else "" for part in (gpu, wall) for p in ("p50", "p99")]
        table.add_row(each["row"], *cells, _rest(each))
    return table


KEPT = (
    "runs", "said", "runtime", "differs_rms", "interval_ms", "publication_over_render", "generated",
    "differing_pixels", "kills", "most_leaked_bytes", "most_frames_to_own_picture", "hangs", "stages_ms", "counters",
)  # fmt: skip


def _rest(figures: Figures) -> str:
    return ", ".join(f"{name} {_short(figures[name])}" for name in KEPT if figures.get(name) not in (None, {}))


def _short(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    return " ".join(f"{name} {_short(part)}" for name, part in value.items())
