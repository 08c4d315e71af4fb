"""Does a model of the models folder run here, how fast, and in how much memory?"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from renderer.adapters.families import MB, load_folder
from renderer.adapters.folder import read_manifest
from renderer.adapters.written import write_manifest
from renderer.frame import RenderFrame
from renderer.models import ChunkModel, WorldModel
from renderer.models.probe import probe_frame
from renderer.recall import World

STEPS = 5  # timed, after the first
MEMORY_SLACK = 1.25  # over what the manifest says, before it is said to be wrong


@dataclass(frozen=True)
class Checked:
    """What was measured, of one model on this machine."""

    name: str
    family: str
    runtime: str
    licence: str
    width: int
    height: int
    load_ms: float
    first_ms: float
    step_ms: float  # of a call, median
    chunk_frames: int  # plates of a call
    memory_mb: int  # that loading and running took, of this process and of its GPU
    problems: tuple[str, ...]
    written: tuple[str, ...]  # keys of the manifest that were unknown and are now as measured


def check(path: Path, *, runtime: str = "auto", threads: int = 1, width: int = 640, height: int = 360) -> Checked:
    """Load the model of a folder, have it make plates of `width` x `height`, and write into its manifest what nobody
    had said: memory and response window. Raises what loading does, and ModelFailed."""
    before_mb = _memory_mb()
    start_s = time.perf_counter()
    model = load_folder(path, runtime=runtime, threads=threads)
    load_ms = (time.perf_counter() - start_s) * 1e3
    try:
        times_ms, problems = _run(model, width, height)
        memory_mb = max(1, round(_memory_mb() - before_mb))
        card = model.card
    finally:
        model.close()
    manifest = read_manifest(path)
    if 0 < manifest.memory_mb * MEMORY_SLACK < memory_mb:
        problems.append(f"it takes {memory_mb} MB, and its manifest says {manifest.memory_mb}: raise memory_mb")
    written = _fill_in(path, memory_mb, max(times_ms[1:]))  # a window that is kept, not one that holds half the time
    return Checked(
        card.name, manifest.family, card.runtime, card.licence, width, height, load_ms, times_ms[0],
        statistics.median(times_ms[1:]), card.chunk_frames, memory_mb,
        tuple(problems), written,
    )  # fmt: skip


def _run(model: WorldModel, width: int, height: int) -> tuple[list[float], list[str]]:
    """Milliseconds of each call, and what was wrong with its plates. The same frames are made twice."""
    times_ms: list[float] = []
    made: list[list[bytes]] = []
    problems: list[str] = []
    names, count = model.card.needs | model.card.optional, model.card.chunk_frames
    for _ in range(2):
        world, plates = World(seed=0), []
        for first in range(1, count * (STEPS + 1) + 1, count):
            frames = [probe_frame(model.card, names, width, height, first + n) for n in range(count)]
            start_s = time.perf_counter()
            _call(model, frames, world)
            times_ms.append((time.perf_counter() - start_s) * 1e3)
            plates += [frame.plate.tobytes() for frame in frames]
            problems += [f"plate {frame.header.id} holds values that are no numbers"
                         for frame in frames if not np.isfinite(frame.plate).all()]  # fmt: skip
        made.append(plates)
    if made[0] != made[1]:
        problems.append("equal frames do not give equal plates, so `offline` and takes will not repeat")
    if isinstance(model, ChunkModel) and model.card.chunk_frames == 1:
        problems.append("it makes several plates in a call, and its manifest says chunk_frames = 1")
    return times_ms, sorted(set(problems))


def _call(model: WorldModel, frames: list[RenderFrame], world: World) -> None:
    """As a session has a chunk made: all of it, and what the next one builds on."""
    if isinstance(model, ChunkModel):
        for _ in model.steps(frames, world):
            pass
        return
    for frame in frames:
        model.step(frame, world, frame.plate)


def _fill_in(path: Path, memory_mb: int, window_ms: float) -> tuple[str, ...]:
    manifest = read_manifest(path)
    told: dict[str, float] = {}
    if manifest.memory_mb == 0:
        told["memory_mb"] = memory_mb
    if manifest.response_window_ms == 0.0:
        told["response_window_ms"] = round(window_ms, 1)
    if told:
        notes = [line.removeprefix("# ") for line in _comments(path)]
        write_manifest(path, msgspec.structs.replace(manifest, **told), notes)
    return tuple(told)


def _comments(path: Path) -> list[str]:
    """Those that stand above the manifest's first key."""
    from renderer.adapters.folder import MANIFEST

    lines = (path / MANIFEST).read_text(encoding="utf-8").splitlines()
    return lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)]


def _memory_mb() -> float:
    """Of this process and, where torch holds some, of its GPU."""
    torch = sys.modules.get("torch")
    gpu = torch.cuda.memory_allocated() if torch is not None and torch.cuda.is_initialized() else 0
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:  # where there is no /proc
        return float(gpu) / MB
    return (pages * os.sysconf("SC_PAGE_SIZE") + gpu) / MB
