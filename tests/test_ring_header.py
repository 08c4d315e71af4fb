"""The ring's header: what an attacher refuses, byte by byte, and what it never looks at again."""

from __future__ import annotations

import random
from collections.abc import Iterator

import msgspec
import pytest
from ring_stage import INPUTS, OUTPUTS, SESSION, attach, opened, path_of, poke, render, submit

from bridge.errors import LimitExceeded, RingCorrupt, WorldplateError
from bridge.ring import Ring, RingReader
from bridge.ring_header import HEADER
from bridge.schema import (
    RING_HEADER,
    RING_HEADER_BYTES,
    RING_PLANE,
    RING_PLANE_BYTES,
    RING_PLANES_OFFSET,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    Planes,
)

SIZES = {"u32": 4, "u64": 8}


@pytest.fixture
def ring() -> Iterator[Ring]:
    with opened() as made:
        yield made


@pytest.fixture
def reader(ring: Ring) -> RingReader:
    return attach(ring)


def announcements(good: Planes) -> list[dict[str, object]]:
    first, second = good.planes[:2]
    return [
        {"slot_count": 2},
        {"slot_count": 4},
        {"slot_count": 64},
        {"slot_count": 0},
        {"generation": 2},
        {"segment_bytes": 0},
        {"segment_bytes": good.segment_bytes + 64},
        {"segment_bytes": 2**63 - 1},
        {"slot_bytes": 0},
        {"slot_bytes": good.slot_bytes - 64},
        {"slot_bytes": good.slot_bytes + 1},
        {"slot_bytes": 2**62},
        {"slot_count": 2, "segment_bytes": good.segment_bytes - good.slot_bytes - 64},
        {"segment": "../../etc/passwd"},
        {"segment": "worldplate-" + "0" * 32},
        {"planes": good.planes[:-1]},
        {"planes": (*good.planes, first)},
        {"planes": (second, first, *good.planes[2:])},
        {"planes": (*good.planes, good.outputs[0]), "outputs": good.outputs[1:]},
        {"outputs": ()},
        {"planes": (msgspec.structs.replace(first, height=7), *good.planes[1:])},
        {"planes": (msgspec.structs.replace(first, width=12), *good.planes[1:])},
        {"planes": (msgspec.structs.replace(first, offset_bytes=second.offset_bytes), *good.planes[1:])},
        {"planes": (msgspec.structs.replace(first, offset_bytes=good.slot_bytes), *good.planes[1:])},
        {"planes": (msgspec.structs.replace(first, offset_bytes=2**62), *good.planes[1:])},
        {"planes": (msgspec.structs.replace(first, row_pitch_bytes=2**31 - 2), *good.planes[1:])},
    ]


@pytest.mark.parametrize("case", range(26))
def test_an_announcement_that_is_not_the_ring_is_refused(ring: Ring, case: int) -> None:
    good = ring.message(SESSION)
    with pytest.raises(WorldplateError):
        RingReader.attach(msgspec.structs.replace(good, **announcements(good)[case]), Limits())


def geometry_bytes() -> list[int]:
    """Header bytes that say where things are or what they are: everything but owner, beat and gaps."""
    free = {"owner_pid", "owner_start", "beat", "beat_ns", "reader_pid"}
    fields = [(field.offset, field.type) for field in RING_HEADER if field.name not in free]
    for index in range(len(INPUTS) + len(OUTPUTS)):
        base = RING_PLANES_OFFSET + index * RING_PLANE_BYTES
        fields += [(base + field.offset, field.type) for field in RING_PLANE]
    return [offset + byte for offset, type_ in fields for byte in range(SIZES[type_])]


def test_every_byte_of_the_header_flipped_is_refused_or_harmless(ring: Ring) -> None:
    sent, good = submit(ring, 3), path_of(ring).read_bytes()[:RING_HEADER_BYTES]
    geometry = set(geometry_bytes())
    assert len(geometry) > 350
    used = RING_PLANES_OFFSET + 16 * RING_PLANE_BYTES
    for offset in range(used):
        for flip in (0x01, 0x80, 0xFF):
            poke(ring, offset, bytes([good[offset] ^ flip]))
            if offset in geometry:
                with pytest.raises(RingCorrupt):
                    attach(ring)
            else:
                assert (attach(ring).inputs(sent, ())[PlaneName.DEPTH] == 3).all()
        poke(ring, offset, good[offset : offset + 1])
    assert attach(ring).inputs(sent, ())


@pytest.mark.parametrize("value", [0, 1, 2**31, -1])
def test_sizes_of_zero_and_the_greatest_are_refused(ring: Ring, value: int) -> None:
    good = path_of(ring).read_bytes()[:RING_HEADER_BYTES]
    sizes = ("header_bytes", "segment_bytes", "slot_count", "slot_header_bytes", "slot_bytes", "plane_count")
    for name in sizes:
        field = HEADER[name]
        poke(ring, field.offset, value.to_bytes(SIZES[field.type], "little", signed=value < 0))
        with pytest.raises(RingCorrupt, match=name):
            attach(ring)
        poke(ring, 0, good)


def test_a_header_that_changes_after_the_check_has_no_effect(ring: Ring, reader: RingReader) -> None:
    sent = submit(ring, 3)
    rng = random.Random(3)
    for junk in (bytes(RING_HEADER_BYTES), b"\xff" * RING_HEADER_BYTES, rng.randbytes(RING_HEADER_BYTES)):
        poke(ring, 0, junk)
        seen = reader.inputs(sent, ())
        assert all((plane == 3).all() and plane.shape[:2] == (6, 13) for plane in seen.values())
        render(reader, sent, 0.75)
        plate = ring.plate(sent.slot, 3)
        assert plate is not None
        assert (plate[PlaneName.PLATE] == 0.75).all()
        ring.release(sent.slot)
        sent = submit(ring, 3)


def test_a_plane_wider_than_the_limit_is_refused(ring: Ring) -> None:
    one = (PlaneLayout(name=PlaneName.DEPTH, format=PixelFormat.R32F, width=2**31 - 1, height=1, row_pitch_bytes=4),)
    with pytest.raises(LimitExceeded):
        RingReader.attach(msgspec.structs.replace(ring.message(SESSION), planes=one), Limits())
