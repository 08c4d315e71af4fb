"""One frame, from engine planes to a marked plate. Nothing else decides what happens to a frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bridge.errors import ModelFailed, WorldplateError
from bridge.planes import RendererBuffers
from bridge.schema import ControlValue, Frame, PlaneName, Result
from renderer.blend import blend
from renderer.frame import Ownership, RenderFrame
from renderer.ingest import check_planes
from renderer.mark import mark
from renderer.models import ModelCard
from renderer.recall import World, hold, recall, remember


class Rendered(NamedTuple):
    """A finished frame: what it was made of, its RESULT and, for inline transport, the plate's message parts."""

    frame: RenderFrame
    result: Result
    parts: tuple[memoryview, ...]

    @property
    def header(self) -> Frame:
        return self.frame.header


class Unmade(NamedTuple):
    """A frame that gets no plate, and why."""

    header: Frame
    error: WorldplateError


def open_frame(
    header: Frame,
    parts: Sequence[memoryview],
    buffers: RendererBuffers,
    card: ModelCard,
    controls: dict[str, ControlValue],
    ownership: Ownership,
) -> RenderFrame:
    """A frame in the engine's own buffers: ingest, the first step. Raises RingCorrupt, MissingPlane and InvalidValue
    for planes that cannot be used."""
    copied_before = buffers.copies.bytes
    planes = buffers.inputs(header, parts)
    plate = buffers.begin_plate(header)[PlaneName.PLATE]
    frame = RenderFrame(header, planes, plate, controls, ownership, buffers.copies.bytes - copied_before)
    with frame.stage("ingest"):
        check_planes(card, planes)
    return frame


def render_frame(
    frame: RenderFrame, buffers: RendererBuffers, card: ModelCard, world: World, generate: Callable[[], object]
) -> Rendered:
    """Make the plate of one frame, after ingest: recall -> generate -> blend -> mark. `generate` has the model write
    the plate; a model that makes several at once goes on to its next.

    A plate is held to the memory between generate and blend. Raises RingCorrupt when the engine overwrote the planes
    meanwhile, ModelFailed when the model broke; then nothing was shown and the caller answers with the reason.
    """
    header, copied_before = frame.header, buffers.copies.bytes
    with frame.stage("recall"):
        recall(world, frame, card)
    with frame.stage("generate"):
        try:
            generate()
        except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
            raise ModelFailed(
                f"model '{card.name}' broke on frame {header.id}: {error}",
                fix="The engine's own picture is shown; if it goes on, restart the renderer or serve another model.",
            ) from error
    with frame.stage("recall"):
        hold(world, frame, card)
    with frame.stage("blend"):
        blend(frame.plate, frame.planes, frame.ownership)
    with frame.stage("mark"):
        output_parts = buffers.commit_plate(header)
    with frame.stage("recall"):  # not before: planes that were overwritten meanwhile are not remembered
        remember(world, frame, card)
    with frame.stage("mark"):
        copied = frame.host_bytes_copied + buffers.copies.bytes - copied_before
        result = mark(frame, card, copied, buffers.part_layouts)
    return Rendered(frame, result, output_parts)
