"""One frame whose planes stay on the GPU: wait for the engine, the model, the matte, signal. No CPU waits for it.

The GPU's counterpart of renderer/pipeline.py, for models whose card says `on_device`. Such models are not held to the
world's memory, which lives on the CPU. A model has a queue of its own, so that a slow one holds up no other frame
(renderer/cuda/late.py).
"""

from __future__ import annotations

import ctypes
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from bridge.errors import ModelFailed
from bridge.schema import ControlValue, Frame, PixelFormat, PlaneName, Result
from renderer.cuda import Gpu, Mark
from renderer.cuda.kernels import BLEND, COPY, MOST_IDS, Blend, Copy, Reproject
from renderer.cuda.planes import DevicePlane
from renderer.cuda.share import Share
from renderer.frame import Ownership
from renderer.ingest import check_planes
from renderer.mark import mark
from renderer.models import ModelCard
from renderer.recall import World, arrive

if TYPE_CHECKING:
    from renderer.cuda.pace import Pace


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

    def prepare_on_device(self, frame: DeviceFrame) -> None:
        """Take what a frame of that size needs, before the queue waits for the engine. Waits itself, the first time."""

    def step_on_device(self, frame: DeviceFrame, world: World) -> None:
        """Enqueue what writes the plate. It may allocate nothing and wait for nothing once it is warm."""


class Enqueued(NamedTuple):
    """A frame that is answered: the GPU is making its plate, or it gets none."""

    header: Frame
    result: Result


class Begun(NamedTuple):
    """What the model makes on the second queue."""

    whole: Mark  # the planes are
    made: Mark  # the plate is


def open_on_device(
    header: Frame, share: Share, gpu: Gpu, model: DeviceModel, controls: dict[str, ControlValue]
) -> DeviceFrame:
    """A frame in the engine's own buffers, for which the model has what it needs. Raises InvalidValue, MissingPlane,
    ModelFailed, DeviceFailed."""
    planes, outputs = share.planes(header)
    check_planes(model.card, planes)
    frame = DeviceFrame(header, planes, outputs[PlaneName.PLATE], gpu, controls)
    with _named(model, frame):
        model.prepare_on_device(frame)
    return frame


def generate(frame: DeviceFrame, model: DeviceModel, world: World) -> Begun:
    """Enqueues the model, on the second queue, after all that was enqueued in the first. Raises DeviceFailed, and
    ModelFailed when the model broke."""
    whole = frame.gpu.mark()
    with frame.gpu.aside():
        try:
            with _named(model, frame):
                model.step_on_device(frame, world)
        except ModelFailed:
            broken = frame.gpu.mark()
            frame.gpu.join(broken)  # what it has enqueued may be at the engine's memory
            for each in (whole, broken):
                each.close()
            raise
        world.last = frame.header
        return Begun(whole, frame.gpu.mark())


@contextmanager
def _named(model: DeviceModel, frame: DeviceFrame) -> Iterator[None]:
    """Raises ModelFailed for what a model may raise."""
    try:
        yield
    except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        raise ModelFailed(
            f"model '{model.card.name}' broke on frame {frame.header.id}: {error}",
            fix="The engine's own picture is shown; if it goes on, restart the renderer or serve another model.",
        ) from error


def enqueue_frame(
    frame: DeviceFrame, share: Share, model: DeviceModel, world: World, ownership: Ownership, pace: Pace
) -> Enqueued:
    """Enqueues all of a frame: wait for the engine, the model, the matte, signal. Raises as `generate`."""
    start_ns = time.perf_counter_ns()
    header, gpu = frame.header, frame.gpu
    arrive(world, header)
    share.begin(header)
    begun = generate(frame, model, world)
    pace.began(header.stream, *begun)
    gpu.join(begun.made)
    for blend in blends(frame, ownership):
        gpu.run(BLEND, blend, frame.plate.layout.width, frame.plate.layout.height)
    done_value = share.finish(header)
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
    arguments = Blend(width=layout.width, height=layout.height)
    tell_place(arguments, "plate", frame.plate)
    for name in (PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.LABEL):
        if name in frame.planes:
            tell_place(arguments, name, frame.planes[name])
    tell_owner(arguments, frame, ownership)
    return arguments


def tell_place(arguments: ctypes.Structure, name: str, plane: DevicePlane) -> None:
    """Into a kernel's arguments: where a plane lies, and its pitch."""
    setattr(arguments, name, plane.address)
    setattr(arguments, f"{name}_pitch", plane.layout.row_pitch_bytes)


def tell_owner(arguments: Blend | Reproject, frame: DeviceFrame, ownership: Ownership) -> None:
    """What the engine owns by depth and by label; a rule whose plane is absent claims nothing."""
    has_depth = PlaneName.DEPTH in frame.planes
    arguments.near_m = ownership.plate_near_m if has_depth else 0.0
    arguments.far_m = ownership.plate_far_m if has_depth else math.inf
    for label in ownership.labels:
        half = arguments.labels_low if label < 128 else arguments.labels_high
        half[label % 128 // 32] |= 1 << label % 32
