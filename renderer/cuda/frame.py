"""One frame whose planes stay on the GPU: wait for the engine, the model, the matte, signal. No CPU waits for it.

The GPU's counterpart of renderer/pipeline.py, for models whose card says `on_device`. Such models are not held to the
world's memory, which lives on the CPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec

from bridge.errors import ModelFailed
from bridge.schema import ControlValue, Frame, PixelFormat, PlaneName, Result
from renderer.cuda import Gpu
from renderer.cuda.kernels import BLEND, COPY, MOST_IDS, Blend, Copy
from renderer.cuda.planes import DevicePlane
from renderer.cuda.share import Share
from renderer.frame import Ownership
from renderer.ingest import check_planes
from renderer.mark import mark
from renderer.models import ModelCard
from renderer.recall import World, arrive


@dataclass
class DeviceFrame:
    """What a model on the GPU gets. Planes are the engine's own buffers, canonical values; `plate` is RGBA16F."""

    header: Frame
    planes: dict[PlaneName, DevicePlane]
    plate: DevicePlane
    gpu: Gpu
    controls: dict[str, ControlValue]
    stages_ms: dict[str, float] = field(default_factory=dict)


class DeviceModel(Protocol):
    """What a model whose card says `on_device` has beside `step`."""

    card: ModelCard

    def step_on_device(self, frame: DeviceFrame, world: World) -> None:
        """Enqueue what writes the plate. It may allocate nothing and wait for nothing once it is warm."""


class Enqueued(NamedTuple):
    """A frame whose plate the GPU is making."""

    header: Frame
    result: Result


def enqueue_frame(
    header: Frame, share: Share, gpu: Gpu, model: DeviceModel, world: World, controls: dict[str, ControlValue],
    ownership: Ownership,
) -> Enqueued:  # fmt: skip
    """Enqueues all of a frame. Raises InvalidValue, MissingPlane, DeviceFailed, ModelFailed when the model broke."""
    start_ns = time.perf_counter_ns()
    planes, outputs = share.planes(header)
    frame = DeviceFrame(header, planes, outputs[PlaneName.PLATE], gpu, controls)
    check_planes(model.card, frame.planes)
    arrive(world, header)
    share.begin(header)
    try:
        model.step_on_device(frame, world)
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        raise ModelFailed(
            f"model '{model.card.name}' broke on frame {header.id}: {error}",
            fix="The engine's own picture is shown; if it goes on, restart the renderer or serve another model.",
        ) from error
    for blend in blends(frame, ownership):
        gpu.run(BLEND, blend, frame.plate.layout.width, frame.plate.layout.height)
    done_value = share.finish(header)
    world.last = header
    frame.stages_ms["enqueue"] = (time.perf_counter_ns() - start_ns) / 1e6
    result = mark(frame, model.card, 0)
    return Enqueued(header, msgspec.structs.replace(result, done_value=done_value))


def copy_color(frame: DeviceFrame) -> None:
    """Enqueues the identity: the plate is the engine's colour."""
    color, plate = frame.planes[PlaneName.COLOR], frame.plate
    layout = plate.layout
    arguments = Copy(
        color=color.address, plate=plate.address, width=layout.width, height=layout.height,
        color_pitch=color.layout.row_pitch_bytes, plate_pitch=layout.row_pitch_bytes,
        color_is_float=int(color.layout.format is PixelFormat.RGBA32F),
    )  # fmt: skip
    frame.gpu.run(COPY, arguments, layout.width, layout.height)


def blends(frame: DeviceFrame, ownership: Ownership) -> Iterator[Blend]:
    """The launches that leave to the engine what is its own, as renderer/blend.py does; none where nothing is."""
    if ownership.is_none:
        return
    ids = sorted(ownership.objects) if PlaneName.OBJECT in frame.planes else []
    for start in range(0, max(len(ids), 1), MOST_IDS):
        arguments = _blend(frame, ownership)
        some = ids[start : start + MOST_IDS]
        arguments.id_count = len(some)
        arguments.ids[: len(some)] = some
        yield arguments


def _blend(frame: DeviceFrame, ownership: Ownership) -> Blend:
    """Without ids."""
    layout = frame.plate.layout
    arguments = Blend(
        plate=frame.plate.address, width=layout.width, height=layout.height, plate_pitch=layout.row_pitch_bytes,
        near_m=ownership.plate_near_m, far_m=ownership.plate_far_m,
    )  # fmt: skip
    if PlaneName.DEPTH not in frame.planes:
        arguments.near_m, arguments.far_m = 0.0, math.inf
    for name in (PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.LABEL):
        plane = frame.planes.get(name)
        if plane is not None:
            setattr(arguments, name, plane.address)
            setattr(arguments, f"{name}_pitch", plane.layout.row_pitch_bytes)
    for label in ownership.labels:
        half = arguments.labels_low if label < 128 else arguments.labels_high
        half[label % 128 // 32] |= 1 << label % 32
    return arguments
