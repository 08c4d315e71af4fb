"""The shared ring in one process: the sequence lock, slots, no copy, and headers that lie."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from ring_stage import INPUTS, OUTPUTS, SESSION, attach, frame, opened, path_of, poke, render, submit
from torch.utils.dlpack import from_dlpack

from bridge.errors import InvalidValue, LimitExceeded, RingCorrupt, RingFull
from bridge.planes import Plane
from bridge.ring import Ring, RingReader
from bridge.ring_header import slot_offset
from bridge.schema import (
    RING_SLOT,
    Limits,
    PlaneName,
)


@pytest.fixture
def ring() -> Iterator[Ring]:
    with opened() as made:
        yield made


@pytest.fixture
def reader(ring: Ring) -> RingReader:
    return attach(ring)


def address(plane: Plane) -> int:
    return int(plane.__array_interface__["data"][0])


def mapped(ring: Ring) -> list[range]:
    """Where this process has the segment in its address space."""
    lines = [line for line in Path("/proc/self/maps").read_text().splitlines() if path_of(ring).name in line]
    return [range(*(int(end, 16) for end in line.split()[0].split("-"))) for line in lines]


def test_a_frame_goes_there_and_back_in_place(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 5)
    seen = reader.inputs(sent, ())
    assert [name for name in seen] == [layout.name for layout in INPUTS]
    assert all((plane == 5).all() and not plane.flags.writeable for plane in seen.values())
    assert ring.plate(sent.slot, 5) is None
    render(reader, sent, 0.5)
    plate = ring.plate(sent.slot, 5)
    assert plate is not None
    assert all((plane == 0.5).all() and not plane.flags.writeable for plane in plate.values())
    assert ring.plate_whole(sent.slot, 5)


def test_no_pixel_is_copied_neither_for_numpy_nor_for_torch(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 5)
    places = mapped(ring)
    assert len(places) == 2  # the owner's mapping and the reader's
    for plane in (*reader.inputs(sent, ()).values(), *reader.begin_plate(sent).values()):
        assert any(address(plane) in place for place in places)
        tensor = from_dlpack(plane)  # takes a read-only plane without a copy and without a warning
        assert tensor.data_ptr() == address(plane)
        assert tensor.shape == plane.shape
    from_dlpack(reader.begin_plate(sent)[PlaneName.PLATE]).fill_(0.25)
    reader.commit_plate(sent)
    plate = ring.plate(sent.slot, 5)
    assert plate is not None
    assert (plate[PlaneName.PLATE] == 0.25).all()
    assert ring.copies.bytes == reader.copies.bytes == 0


def test_planes_begin_on_cache_lines_and_do_not_meet(ring: Ring) -> None:
    message = ring.message(SESSION)
    layouts = (*message.planes, *message.outputs)
    assert all(layout.offset_bytes % 64 == 0 for layout in layouts)
    assert len({layout.offset_bytes for layout in layouts}) == len(layouts)
    assert path_of(ring).stat().st_size == message.segment_bytes


def test_row_pitches_of_the_engines_choice_are_kept() -> None:
    wide = tuple(msgspec.structs.replace(layout, row_pitch_bytes=256) for layout in INPUTS)
    ring = Ring.create(wide, OUTPUTS, 2, 1)
    seen = attach(ring).inputs(submit(ring, 9), ())
    assert all(plane.strides[0] == 256 and (plane == 9).all() for plane in seen.values())
    ring.close()


def test_slots_run_out_and_come_back_oldest_first(ring: Ring) -> None:
    slots = [ring.begin(frame_id).index for frame_id in (1, 2, 3)]
    assert sorted(slots) == [0, 1, 2]
    with pytest.raises(RingFull, match="3 slots"):
        ring.begin(4)
    for index in (slots[1], slots[1], slots[0], 99):  # twice, and one that does not exist: nothing happens
        ring.release(index)
    assert [ring.begin(frame_id).index for frame_id in (5, 6)] == [slots[1], slots[0]]
    with pytest.raises(RingFull):
        ring.begin(7)


def test_inputs_are_not_shown_before_they_are_committed(ring: Ring, reader: RingReader) -> None:
    slot = ring.begin(1)
    with pytest.raises(RingCorrupt, match="does not hold frame 1 whole"):
        reader.inputs(frame(1, slot.index), ())
    ring.commit(slot)
    with pytest.raises(RingCorrupt, match="does not hold frame 2 whole"):
        reader.inputs(frame(2, slot.index), ())
    assert reader.inputs(frame(1, slot.index), ())


def test_a_plate_is_not_shown_when_its_inputs_were_overwritten(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 1)
    reader.inputs(sent, ())
    reader.begin_plate(sent)
    ring.release(sent.slot)
    for frame_id in (2, 3, 4):
        submit(ring, frame_id)
    with pytest.raises(RingCorrupt, match="overwritten while it was read"):
        reader.commit_plate(sent)
    assert [ring.plate(index, frame_id) for index in range(3) for frame_id in (1, 2, 3, 4)] == [None] * 12


def test_a_slot_that_went_to_another_streams_frame_of_the_same_id_counts_as_overwritten(ring: Ring) -> None:
    reader, sent = attach(ring), submit(ring, 1)
    reader.inputs(sent, ())
    reader.begin_plate(sent)
    ring.release(sent.slot)
    while submit(ring, 1).slot != sent.slot:
        pass
    with pytest.raises(RingCorrupt, match="overwritten while it was read"):
        reader.commit_plate(sent)


def test_a_plate_that_changes_while_it_is_read_is_noticed(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 1)
    render(reader, sent, 1.0)
    assert ring.plate(sent.slot, 1)
    assert ring.plate_whole(sent.slot, 1)
    assert not ring.plate_whole(sent.slot, 2)
    reader.begin_plate(sent)
    assert not ring.plate_whole(sent.slot, 1)
    assert ring.plate(sent.slot, 1) is None
    reader.commit_plate(sent)
    assert not ring.plate_whole(sent.slot, 1)
    assert ring.plate(sent.slot, 1)


def test_a_renderer_that_died_in_a_plate_is_followed_by_one_that_finishes_it(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 1)
    reader.inputs(sent, ())
    reader.begin_plate(sent)[PlaneName.PLATE][:3] = 9
    reader.close()
    assert ring.plate(sent.slot, 1) is None
    render(attach(ring), sent, 0.5)
    plate = ring.plate(sent.slot, 1)
    assert plate is not None
    assert (plate[PlaneName.PLATE] == 0.5).all()


@pytest.mark.parametrize(("slot", "generation"), [(3, 1), (2**32 - 1, 1), (0, 0), (0, 2)])
def test_a_frame_of_another_slot_or_ring_is_an_invalid_value(reader: RingReader, slot: int, generation: int) -> None:
    lost = frame(1, slot, generation)
    for call in (lambda: reader.inputs(lost, ()), lambda: reader.begin_plate(lost), lambda: reader.commit_plate(lost)):
        with pytest.raises(InvalidValue):
            call()


def test_beats_are_seen_by_the_owner(ring: Ring) -> None:
    assert (ring.beat, ring.beat_ns, ring.reader_pid) == (0, 0, 0)
    reader = attach(ring)
    reader.beat(123)
    reader.beat(456)
    assert (ring.beat, ring.beat_ns) == (2, 456)
    assert ring.reader_pid > 0
    attach(ring).beat(789)  # a renderer that comes back counts on
    assert ring.beat == 3


def test_closing_removes_the_name_and_keeps_views_readable(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 6)
    seen = reader.inputs(sent, ())
    for _ in range(2):
        ring.close()
        reader.close()
    assert not path_of(ring).exists()
    assert (seen[PlaneName.DEPTH] == 6).all()
    assert ring.plate(sent.slot, 6) is None
    assert not ring.plate_whole(sent.slot, 6)
    assert len(mapped(ring)) == 1  # the one that the views keep
    del seen
    gc.collect()
    assert mapped(ring) == []


def test_a_reader_never_removes_the_segment(ring: Ring) -> None:
    reader = attach(ring)
    reader.close()
    del reader
    assert path_of(ring).exists()


def test_a_ring_that_is_forgotten_is_removed() -> None:
    ring = Ring.create(INPUTS, OUTPUTS, 2, 1)
    path = path_of(ring)
    assert path.exists()
    del ring
    gc.collect()
    assert not path.exists()


@pytest.mark.parametrize("slot_count", [0, 1, 9, 10**6])
def test_a_ring_with_too_few_or_too_many_slots_is_refused(slot_count: int) -> None:
    with pytest.raises((InvalidValue, LimitExceeded), match="slots"):
        Ring.create(INPUTS, OUTPUTS, slot_count, 1)


def test_a_ring_over_the_shared_memory_limit_is_refused_before_memory_is_taken() -> None:
    with pytest.raises(LimitExceeded) as refusal:
        Ring.create(INPUTS, OUTPUTS, 3, 1, Limits(max_shared_bytes=10_000))
    assert refusal.value.setting == "max_shared_bytes"


def test_slot_headers_that_lie_give_typed_errors_or_nothing(ring: Ring, reader: RingReader) -> None:
    rng = random.Random(4)
    values = [0, 1, 2, 3, 2**32, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1]
    refused = shown = 0

    def lie() -> None:
        start = slot_offset(sent.slot, ring.message(SESSION).slot_bytes) + rng.choice(RING_SLOT).offset
        poke(ring, start, rng.choice([*values, sent.id]).to_bytes(8, "little"))

    for frame_id in range(1, 250):
        sent = submit(ring, frame_id)
        try:
            reader.inputs(sent, ())
            lie()
            reader.begin_plate(sent)
            lie()
            reader.commit_plate(sent)
        except RingCorrupt:
            refused += 1
        shown += ring.plate(sent.slot, frame_id) is not None
        ring.plate_whole(sent.slot, frame_id)
        ring.release(sent.slot)
    assert refused > 50
    assert shown > 50
    assert sorted(ring.begin(frame_id).index for frame_id in (1, 2, 3)) == [0, 1, 2]  # slots are not lost to lies


def test_sequences_go_on_past_the_greatest_number(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 1)
    offset = slot_offset(sent.slot, ring.message(SESSION).slot_bytes) + RING_SLOT[2].offset
    for before in (2**64 - 2, 2**64 - 1):
        poke(ring, offset, before.to_bytes(8, "little"))
        render(reader, sent, 0.5)
        assert ring.plate(sent.slot, 1)
