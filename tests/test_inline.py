"""The inline buffers: planes as message parts, viewed where they arrived."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from bridge.errors import InvalidValue, LimitExceeded, RingFull
from bridge.inline import InlineEngineBuffers, InlineRendererBuffers
from bridge.planes import Slot, pack_layouts
from bridge.schema import (
    Camera,
    Disposition,
    Frame,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    Pose,
    Result,
)

INPUTS = pack_layouts({PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.OBJECT: PixelFormat.R32UI}, 9, 5)
OUTPUTS = pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F, PlaneName.PLATE_DEPTH: PixelFormat.R32F}, 9, 5)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=(1.0,) * 16)
SESSION = "a" * 32


def engine(slot_count: int = 2) -> InlineEngineBuffers:
    return InlineEngineBuffers(INPUTS, OUTPUTS, slot_count)


def renderer() -> InlineRendererBuffers:
    return InlineRendererBuffers(INPUTS, OUTPUTS, Limits())


def frame_of(slot: Slot, planes: tuple[PlaneLayout, ...], stream: str = "main") -> Frame:
    return Frame(
        session=SESSION, id=slot.frame_id, stream=stream, slot=slot.index, planes=planes, capture_ns=1, camera=CAMERA
    )


def result_of(frame: Frame, outputs: tuple[PlaneLayout, ...]) -> Result:
    return Result(session=SESSION, id=frame.id, slot=frame.slot, disposition=Disposition.GENERATED, outputs=outputs)


def render(buffers: InlineRendererBuffers, frame: Frame, value: float) -> tuple[Result, tuple[memoryview, ...]]:
    for plane in buffers.begin_plate(frame).values():
        plane[:] = value
    return result_of(frame, buffers.part_layouts), buffers.commit_plate(frame)


def address(buffer: object) -> int:
    return int(np.asarray(buffer).__array_interface__["data"][0])


def test_a_frame_goes_there_and_back_without_a_copy_of_ours() -> None:
    engine_side, renderer_side = engine(), renderer()
    slot = engine_side.begin(7)
    slot.inputs[PlaneName.COLOR][:] = 0.5
    slot.inputs[PlaneName.OBJECT][:] = 41
    frame = frame_of(slot, engine_side.part_layouts)
    parts = engine_side.commit(slot)
    seen = renderer_side.inputs(frame, parts)
    assert (seen[PlaneName.COLOR] == 0.5).all()
    assert (seen[PlaneName.OBJECT] == 41).all()
    assert [address(seen[layout.name]) for layout in INPUTS] == [address(part) for part in parts]
    assert not any(plane.flags.writeable for plane in seen.values())

    result, plate_parts = render(renderer_side, frame, 0.25)
    assert engine_side.plate(slot.index, 7) is None
    engine_side.accept(result, plate_parts)
    plate = engine_side.plate(slot.index, 7)
    assert plate is not None
    assert (plate[PlaneName.PLATE] == 0.25).all()
    assert address(plate[PlaneName.PLATE]) == address(plate_parts[0])
    assert not plate[PlaneName.PLATE].flags.writeable
    assert engine_side.plate_whole(slot.index, 7)
    assert engine_side.copies.bytes == renderer_side.copies.bytes == 0


def test_a_plate_belongs_to_its_frame_until_the_slot_is_released() -> None:
    engine_side, renderer_side = engine(), renderer()
    slot = engine_side.begin(7)
    frame = frame_of(slot, engine_side.part_layouts)
    engine_side.accept(*render(renderer_side, frame, 1.0))
    assert engine_side.plate(slot.index, 8) is None
    engine_side.release(slot.index)
    assert engine_side.plate(slot.index, 7) is None
    assert not engine_side.plate_whole(slot.index, 7)


def test_a_result_after_release_is_forgotten() -> None:
    engine_side, renderer_side = engine(), renderer()
    frame = frame_of(engine_side.begin(7), engine_side.part_layouts)
    late = render(renderer_side, frame, 1.0)
    engine_side.release(frame.slot)
    again = engine_side.begin(8), engine_side.begin(9)
    engine_side.accept(*late)
    assert [engine_side.plate(slot.index, slot.frame_id) for slot in again] == [None, None]


def test_two_streams_with_the_same_frame_id_keep_their_own_plates() -> None:
    engine_side, renderer_side = engine(), renderer()
    frames = [frame_of(engine_side.begin(1), engine_side.part_layouts, stream) for stream in ("left", "right")]
    for frame, value in zip(frames, (0.25, 0.75), strict=True):
        engine_side.accept(*render(renderer_side, frame, value))
    for frame, value in zip(frames, (0.25, 0.75), strict=True):
        plate = engine_side.plate(frame.slot, 1)
        assert plate is not None
        assert (plate[PlaneName.PLATE] == value).all()


def test_a_plate_on_its_way_is_not_overwritten_by_the_next() -> None:
    renderer_side = renderer()
    frames = [frame_of(Slot(0, frame_id, {}), INPUTS) for frame_id in range(1, 20)]
    sent = [render(renderer_side, frame, frame.id)[1] for frame in frames]
    for frame, parts in zip(frames, sent, strict=True):
        assert (np.frombuffer(parts[0], np.float16) == frame.id).all()


def test_slots_run_out_and_come_back() -> None:
    engine_side = engine(slot_count=2)
    first, second = engine_side.begin(1), engine_side.begin(2)
    assert {first.index, second.index} == {0, 1}
    with pytest.raises(RingFull, match="2 slots"):
        engine_side.begin(3)
    engine_side.release(first.index)
    engine_side.release(first.index)
    assert engine_side.begin(3).index == first.index
    with pytest.raises(RingFull):
        engine_side.begin(4)


def test_a_pitch_of_the_engines_choice_is_read_as_it_says() -> None:
    layout = msgspec.structs.replace(INPUTS[1], offset_bytes=0, row_pitch_bytes=9 * 4 + 12)
    buffer = np.full((5, 12), 9, np.uint32)
    buffer[:, 9:] = 0xFFFFFFFF
    color = memoryview(bytes(9 * 5 * 8))
    frame = frame_of(Slot(0, 1, {}), (INPUTS[0], layout))
    seen = renderer().inputs(frame, (color, buffer.data.cast("B")))
    assert seen[PlaneName.OBJECT].shape == (5, 9)
    assert (seen[PlaneName.OBJECT] == 9).all()


def bad_parts() -> list[tuple[tuple[PlaneLayout, ...], tuple[memoryview, ...]]]:
    color, objects = (msgspec.structs.replace(layout, offset_bytes=0) for layout in INPUTS)
    good = memoryview(bytes(360)), memoryview(bytes(180))
    return [
        ((color, objects), ()),
        ((color, objects), good[:1]),
        ((color, objects), (*good, good[0])),
        ((color, objects), (good[0], good[1][:-1])),
        ((color, objects), (good[0], memoryview(bytes(181)))),
        ((color, objects), (good[0], memoryview(b""))),
        ((objects, color), (good[1], good[0])),
        ((color, msgspec.structs.replace(objects, offset_bytes=64)), good),
        ((color, msgspec.structs.replace(objects, row_pitch_bytes=37)), (good[0], memoryview(bytes(185)))),
        ((color, msgspec.structs.replace(objects, row_pitch_bytes=0)), (good[0], memoryview(b""))),
        ((color, msgspec.structs.replace(objects, format=PixelFormat.R32F)), good),
        ((color, msgspec.structs.replace(objects, width=18, height=5)), good),
    ]


@pytest.mark.parametrize("case", range(len(bad_parts())))
def test_parts_that_are_not_the_agreed_planes_are_refused(case: int) -> None:
    planes, parts = bad_parts()[case]
    with pytest.raises(InvalidValue):
        renderer().inputs(frame_of(Slot(0, 1, {}), planes), parts)


def test_a_plate_other_than_agreed_is_refused_and_not_kept() -> None:
    engine_side, renderer_side = engine(), renderer()
    frame = frame_of(engine_side.begin(1), engine_side.part_layouts)
    result, parts = render(renderer_side, frame, 1.0)
    with pytest.raises(InvalidValue):
        engine_side.accept(result, (parts[0][:-2], parts[1]))
    with pytest.raises(InvalidValue):
        engine_side.accept(msgspec.structs.replace(result, outputs=result.outputs[:1]), parts[:1])
    assert engine_side.plate(frame.slot, 1) is None


def test_a_frame_over_the_size_limit_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        InlineEngineBuffers(INPUTS, OUTPUTS, 2, Limits(max_frame_bytes=100))
    assert refusal.value.setting == "max_frame_bytes"


def test_a_frame_of_a_ring_is_refused_in_an_inline_session() -> None:
    frame = msgspec.structs.replace(frame_of(Slot(0, 1, {}), INPUTS), generation=1)
    with pytest.raises(InvalidValue, match="without rings"):
        renderer().inputs(frame, ())


def test_a_plate_that_was_not_begun_cannot_be_committed() -> None:
    renderer_side = renderer()
    frame = frame_of(Slot(0, 1, {}), INPUTS)
    renderer_side.begin_plate(frame)
    with pytest.raises(InvalidValue, match="frame 2"):
        renderer_side.commit_plate(msgspec.structs.replace(frame, id=2))
