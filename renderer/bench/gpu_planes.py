"""Rows of `worldplate bench gpu`: what kernels on planes that stay on the GPU cost.

Times on the GPU are CUDA's own, between two events on the one stream; times on the wall are from the first call that
enqueues to the moment the result is seen.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, cast

import numpy as np

from bridge.errors import NotSupported
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import PixelFormat, PlaneName
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import driver
from renderer.cuda.frame import DeviceFrame, DeviceModel, blends, copy_color, generate
from renderer.cuda.gpu import CudaGpu
from renderer.cuda.kernels import BLEND
from renderer.cuda.planes import DevicePlane
from renderer.cuda.reproject import Laid, reproject
from renderer.frame import Ownership
from renderer.models import load_model
from renderer.models.probe import probe_frame
from renderer.recall import World, controls_of
from renderer.report import percentiles

Figures = dict[str, Any]
FIVE = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.NORMAL: PixelFormat.RGBA16F,
    PlaneName.MOTION: PixelFormat.RG16F, PlaneName.OBJECT: PixelFormat.R32UI,
}  # fmt: skip
TURNS, WARM = 500, 20
OWNED = Ownership(objects=frozenset(range(1, 200)), labels=frozenset({1}), plate_near_m=0.5, plate_far_m=80.0)


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
    """A frame of five planes, a slope under a sky, and a plate in memory of its own."""
    layouts = pack_layouts({**FIVE, PlaneName.PLATE: PixelFormat.RGBA16F}, *size)
    probe, host = probe_frame(load_model("passthrough").card, FIVE, *size), np.zeros(payload_bytes(layouts), np.uint8)
    for name, plane in views(host, layouts, writeable=True).items():
        if name in FIVE:
            plane[...] = probe.planes[name]
    calls = context.driver
    memory = calls.ask_pycuda(calls.pycuda.mem_alloc, host.nbytes)
    context.counters.allocations += 1
    calls.ask_pycuda(calls.pycuda.memcpy_htod, memory, host)
    context.counters.host_to_device_bytes += host.nbytes
    calls.call("cuCtxSynchronize")  # they come by another stream, which ours does not wait for
    planes = {layout.name: DevicePlane(int(memory) + layout.offset_bytes, layout, memory) for layout in layouts}
    plate = planes.pop(PlaneName.PLATE)
    try:
        yield DeviceFrame(probe.header, planes, plate, gpu, {})
    finally:
        memory.free()


def identity(size: tuple[int, int]) -> Figures:
    """The plate is the engine's colour: the least that a frame can cost."""
    with opened() as (context, gpu), on_device(context, gpu, size) as frame:
        return timed(context, lambda: copy_color(frame)) | {"gpu": facts(context)}


def matte(size: tuple[int, int]) -> Figures:
    """Pixels left to the engine by all rules at once."""
    with opened() as (context, gpu), on_device(context, gpu, size) as frame:

        def blend() -> None:
            for launch in blends(frame, OWNED):
                gpu.run(BLEND, launch, *size)

        return timed(context, blend)


def late(size: tuple[int, int]) -> Figures:
    """What a frame shows while the model is behind: two plates, mixed, with their rims and the matte."""
    with opened() as (context, gpu), on_device(context, gpu, size) as frame:
        painted = frame.planes[PlaneName.COLOR]
        laid = [Laid(frame.header, frame.planes, painted, share, trust=1.0) for share in (0.0, 0.5)]
        return timed(context, lambda: reproject(frame, laid, Ownership(), strength=1.0))


def limn(size: tuple[int, int]) -> Figures:
    """limn's whole frame: kernels, torch's network on the same queue, kernels; no pixel visits the CPU.

    Raises NotSupported for a runtime that cannot, and what `load_model` does.
    """
    model = load_model("limn", runtime="cuda")
    try:
        if not model.card.on_device:
            raise NotSupported(f"limn on {model.card.runtime} reads planes on the CPU", fix="Serve it with torch.")
        with opened() as (context, gpu), on_device(context, gpu, size) as frame, closing(model):
            frame.controls = {control.name: control.default for control in controls_of(model.card)}
            painter, world = cast(DeviceModel, model), World(seed=0)

            def paint() -> None:
                begun = generate(frame, painter, world)
                gpu.join(begun.made)
                for mark in begun:
                    mark.close()

            painter.prepare_on_device(frame)
            return timed(context, paint)
    finally:
        model.close()


def timed(context: GpuContext, enqueue: Callable[[], None]) -> Figures:
    """TURNS of what is enqueued, each seen to its end without a wait, and what it has copied, allocated, waited for."""
    calls = context.driver
    start, end = calls.call("cuEventCreate", 0), calls.call("cuEventCreate", 0)
    gpu_ms, wall_ms = [], []
    for turn in range(WARM + TURNS):
        if turn == WARM:
            before = context.counters.so_far()
        began_ns = time.perf_counter_ns()
        calls.call("cuEventRecord", start, context.stream)
        enqueue()
        calls.call("cuEventRecord", end, context.stream)
        while not calls.is_over(end):
            pass
        wall_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        gpu_ms.append(float(calls.call("cuEventElapsedTime", start, end)))
    counted = context.counters.since(before)
    for event in (start, end):
        calls.call("cuEventDestroy", event)
    return {
        "gpu_ms": percentiles(gpu_ms[WARM:], (50, 99)), "wall_ms": percentiles(wall_ms[WARM:], (50, 99)),
        "counters": counted,
    }  # fmt: skip


def facts(context: GpuContext) -> Figures:
    """Which GPU it is."""
    return {
        "name": context.name, "uuid": context.uuid, "capability": list(context.capability),
        "cuda_of_driver": context.driver_version, "free_bytes": context.free_bytes(),
    }  # fmt: skip
