"""`worldplate bench gpu`: everything that needs a GPU, in one run.

A row that cannot be run here says so and why; nothing is estimated. Times on the GPU are CUDA's own, between two events
on the one stream; times on the wall are from the first call that enqueues to the moment the result is seen.
"""

from __future__ import annotations

import copy
import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.errors import CudaNotUsable, MissingDependency, NoRenderer, WorldplateError
from bridge.planes import pack_layouts, payload_bytes
from bridge.schema import PixelFormat, PlaneName
from renderer.conformance.scene import FILE as SCENE
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import driver
from renderer.cuda.frame import DeviceFrame, blends, copy_color
from renderer.cuda.gpu import CudaGpu
from renderer.cuda.kernels import BLEND
from renderer.cuda.planes import DevicePlane
from renderer.frame import Ownership
from renderer.models import load_model
from renderer.models.probe import probe_frame
from renderer.process import RendererProcess
from renderer.recall import World
from renderer.report import machine, percentiles, versions

Figures = dict[str, Any]
FIVE = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.NORMAL: PixelFormat.RGBA16F,
    PlaneName.MOTION: PixelFormat.RG16F, PlaneName.OBJECT: PixelFormat.R32UI,
}  # fmt: skip
TURNS, WARM = 500, 20
LOOP_FRAMES = 600  # of the Vulkan engine
LIMN_FRAMES = 20
RUNTIMES = ("cuda", "tensorrt")  # of those in renderer.runtimes, what a GPU has
SETTLE_S = 0.5  # after a kill, for the driver to take memory back
OWNED = Ownership(objects=frozenset(range(1, 200)), labels=frozenset({1}), plate_near_m=0.5, plate_far_m=80.0)


@dataclass(frozen=True)
class Wanted:
    """What is to be run."""

    sizes: Sequence[tuple[int, int]]
    engine: Path | None  # a build of plugins/native/gpu
    kills: int


@dataclass(frozen=True)
class Row:
    """One of the table; `measure` raises a WorldplateError where it cannot be run."""

    name: str
    measure: Callable[[], Figures]


def run(wanted: Wanted, console: Console) -> dict[str, object]:
    """Every row, in turn."""
    found = [{"row": row.name, **_measured(row)} for row in rows(wanted)]
    if ran := [each for each in found if "not_run" not in each]:
        console.print(_table(ran))
    for each in found:
        if "not_run" in each:
            console.print(f"{each['row']}: not run: {each['not_run']}", markup=False, highlight=False, soft_wrap=True)
    return {"bench": "gpu", "rows": found, "gpu": _gpu(), "machine": machine(), "versions": versions()}


def rows(wanted: Wanted) -> Iterator[Row]:
    """In the order in which they are run: what is quick first."""
    parts: tuple[tuple[str, Callable[[tuple[int, int]], Figures]], ...] = (
        ("identity, five planes", identity),
        ("matte by depth, label and id", matte),
        ("Vulkan engine and renderer", partial(loop, wanted.engine)),
        *((f"limn on {name}", partial(limn, name)) for name in RUNTIMES),
    )
    for name, measure in parts:
        for size in wanted.sizes:
            yield Row(f"{name}, {size[0]}x{size[1]}", partial(measure, size))
    yield Row(f"renderer killed {wanted.kills} times", partial(kills, wanted.engine, wanted.kills))


def _measured(row: Row) -> Figures:
    try:
        driver()  # no row means anything without one
        return row.measure()
    except WorldplateError as error:
        return {"not_run": error.what}


@contextmanager
def opened() -> Iterator[tuple[GpuContext, CudaGpu]]:
    """The GPU, for one row."""
    context = GpuContext(driver())
    gpu = CudaGpu(context)
    try:
        yield context, gpu
    finally:
        gpu.close()


@contextmanager
def on_device(context: GpuContext, gpu: CudaGpu, size: tuple[int, int]) -> Iterator[DeviceFrame]:
    """A frame of five planes and a plate in memory of its own, zeros."""
    layouts = pack_layouts({**FIVE, PlaneName.PLATE: PixelFormat.RGBA16F}, *size)
    pycuda = context.driver.pycuda
    memory = pycuda.mem_alloc(payload_bytes(layouts))
    context.counters.allocations += 1
    pycuda.memset_d8(memory, 0, payload_bytes(layouts))
    planes = {layout.name: DevicePlane(int(memory) + layout.offset_bytes, layout, memory) for layout in layouts}
    plate = planes.pop(PlaneName.PLATE)
    header = probe_frame(load_model("passthrough").card, frozenset({PlaneName.COLOR}), *size, 1).header
    try:
        yield DeviceFrame(header, planes, plate, gpu, {})
    finally:
        memory.free()


def identity(size: tuple[int, int]) -> Figures:
    """The plate is the engine's colour: the least that a frame can cost."""
    with opened() as (context, gpu), on_device(context, gpu, size) as frame:
        return timed(context, lambda: copy_color(frame))


def matte(size: tuple[int, int]) -> Figures:
    """Pixels left to the engine by all rules at once."""
    with opened() as (context, gpu), on_device(context, gpu, size) as frame:

        def blend() -> None:
            for launch in blends(frame, OWNED):
                gpu.run(BLEND, launch, *size)

        return timed(context, blend)


def timed(context: GpuContext, enqueue: Callable[[], None]) -> Figures:
    """TURNS of what is enqueued, each seen to its end without a wait, and what it has copied, allocated, waited for."""
    calls = context.driver
    start, end = calls.call("cuEventCreate", 0), calls.call("cuEventCreate", 0)
    gpu_ms, wall_ms = [], []
    for turn in range(WARM + TURNS):
        if turn == WARM:
            before = copy.copy(context.counters)
        began_ns = time.perf_counter_ns()
        calls.call("cuEventRecord", start, context.stream)
        enqueue()
        calls.call("cuEventRecord", end, context.stream)
        while not calls.is_over(end):
            pass
        wall_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        gpu_ms.append(float(calls.call("cuEventElapsedTime", start, end)))
    for event in (start, end):
        calls.call("cuEventDestroy", event)
    return {
        "gpu_ms": percentiles(gpu_ms[WARM:], (50, 99)),
        "wall_ms": percentiles(wall_ms[WARM:], (50, 99)),
        "counters": context.counters.since(before).figures(),
    }


def loop(engine: Path | None, size: tuple[int, int]) -> Figures:
    """The headless Vulkan engine (plugins/native/gpu) and a renderer, two processes; what the engine says of it."""
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        done = _engine(engine, renderer, size, LOOP_FRAMES)
        told, why = done.communicate()
    if done.returncode != 0:
        raise NoRenderer(f"the engine ended with {done.returncode}: {why.strip()[-200:]}", fix="Run it by hand.")
    figures: Figures = json.loads(told)
    if figures["transport"] != "cuda":
        raise NoRenderer(f"the planes did not stay on the GPU: {figures['reason']}", fix="Run `worldplate doctor`.")
    return figures


def limn(runtime: str, size: tuple[int, int]) -> Figures:
    """A whole step of limn on planes of the host, by one runtime; its label says on what it ran."""
    model = load_model("limn", runtime=runtime)
    try:
        world, times_ms = World(seed=0), []
        for number in range(1, LIMN_FRAMES + 4):
            frame = probe_frame(model.card, model.card.needs | model.card.optional, *size, number)
            began_ns = time.perf_counter_ns()
            model.step(frame, world, frame.plate)
            times_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        return {"wall_ms": percentiles(times_ms[3:], (50, 99)), "runtime": model.card.runtime}
    finally:
        model.close()


def kills(engine: Path | None, count: int) -> Figures:
    """The renderer killed at random moments of a running loop: is GPU memory as before, and does the engine go on."""
    rng, leaked, hangs, shown = random.Random(1), [], 0, 0
    with opened() as (context, _):
        for _ in range(count):
            before = context.free_bytes()
            renderer = RendererProcess("passthrough")
            try:
                renderer.wait_until_ready()
                done = _engine(engine, renderer, (1280, 720), LOOP_FRAMES)
                time.sleep(rng.uniform(0.0, 1.0))
                renderer.kill()
                try:
                    told, _ = done.communicate(timeout=30.0)
                    shown += int(json.loads(told)["frames"]) == LOOP_FRAMES if done.returncode == 0 else 0
                except subprocess.TimeoutExpired:
                    done.kill()
                    hangs += 1
            finally:
                renderer.end()
            time.sleep(SETTLE_S)
            leaked.append(before - context.free_bytes())
    return {"kills": count, "most_leaked_bytes": int(np.max(leaked)), "hangs": hangs, "runs_with_every_frame": shown}


def _engine(
    engine: Path | None, renderer: RendererProcess, size: tuple[int, int], frames: int
) -> subprocess.Popen[str]:
    program = engine / "vulkan_engine" if engine is not None else None
    if engine is None or program is None or not program.exists():
        raise MissingDependency(
            "the Vulkan engine is not built", fix="Build plugins/native/gpu, and name the build by --engine."
        )
    command = [program, SCENE, engine, renderer.connection, "--frames", frames, "--size", f"{size[0]}x{size[1]}"]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _gpu() -> Figures:
    try:
        with opened() as (context, _):
            return {
                "name": context.name, "uuid": context.uuid, "capability": list(context.capability),
                "cuda_of_driver": context.driver_version, "free_bytes": context.free_bytes(),
            }  # fmt: skip
    except CudaNotUsable as error:
        return {"not_usable": error.what}


def _table(found: Sequence[Figures]) -> Table:
    table = Table(title="planes that stay on the GPU", title_justify="left")
    for column in ("row", "GPU p50 ms", "p99", "wall p50 ms", "p99", "copied, allocated, waited"):
        table.add_column(column, overflow="fold")
    for each in found:
        gpu: Figures = each.get("gpu_ms", {})
        wall: Figures = each.get("wall_ms") or each.get("round_trip_ms") or {}
        cells = [f"{part[p]:.3f}" if p in part else "" for part in (gpu, wall) for p in ("p50", "p99")]
        counted = each.get("counters")
        more = ", ".join(f"{name} {count}" for name, count in counted.items()) if counted else _rest(each)
        table.add_row(each["row"], *cells, more)
    return table


def _rest(figures: Figures) -> str:
    kept = ("runtime", "generated", "differing_pixels", "kills", "most_leaked_bytes", "hangs", "runs_with_every_frame")
    return ", ".join(f"{name} {figures[name]}" for name in kept if name in figures)
