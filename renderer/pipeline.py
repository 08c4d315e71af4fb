"""One frame, from engine planes to a marked plate. Nothing else decides what happens to a frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from bridge.errors import ModelFailed
from bridge.planes import RendererBuffers
from bridge.schema import ControlValue, Frame, PlaneName, Result
from renderer.blend import blend
from renderer.frame import Ownership, RenderFrame
from renderer.ingest import check_planes
from renderer.mark import mark
from renderer.models import WorldModel
from renderer.recall import World, hold, recall, remember


class Rendered(NamedTuple):
    """A finished frame: what it was made of, its RESULT and, for inline transport, the plate's message parts."""

    frame: RenderFrame
    result: Result
    parts: tuple[memoryview, ...]


def render_frame(
    header: Frame,
    parts: Sequence[memoryview],
    buffers: RendererBuffers,
    model: WorldModel,
    world: World,
    controls: dict[str, ControlValue],
    ownership: Ownership,
) -> Rendered:
    """Make the plate of one frame in the engine's own buffers: ingest -> recall -> generate -> blend -> mark.

    A plate is held to the memory between generate and blend. Raises RingCorrupt when the engine overwrote the planes
    meanwhile, MissingPlane and InvalidValue for planes that cannot be used, ModelFailed when
    the model broke; then nothing was shown and the caller answers with the reason.
    """
    copied_before = buffers.copies.bytes
    planes = buffers.inputs(header, parts)
    plate = buffers.begin_plate(header)[PlaneName.PLATE]
    frame = RenderFrame(header, planes, plate, controls, ownership)
    with frame.stage("ingest"):
        check_planes(model.card, planes)
    with frame.stage("recall"):
        recall(world, frame, model.card)
    with frame.stage("generate"):
        try:
            model.step(frame, world, plate)
        except (RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
            raise ModelFailed(
                f"model '{model.card.name}' broke on frame {header.id}: {error}",
                fix="The engine's own picture is shown; if it goes on, restart the renderer or serve another model.",
            ) from error
    with frame.stage("recall"):
        hold(world, frame, model.card)
    with frame.stage("blend"):
        blend(plate, planes, ownership)
    with frame.stage("mark"):
        output_parts = buffers.commit_plate(header)
    with frame.stage("recall"):  # not before: planes that were overwritten meanwhile are not remembered
        remember(world, frame, model.card)
    with frame.stage("mark"):
        result = mark(frame, model.card, buffers.copies.bytes - copied_before, buffers.part_layouts)
    return Rendered(frame, result, output_parts)
