"""Plane layouts and views: geometry that is refused, and pixels that are where the layout says."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from bridge.errors import InvalidValue, LimitExceeded
from bridge.planes import (
    ALIGNMENT_BYTES,
    BYTES_PER_PIXEL,
    Copies,
    check_agreed,
    check_layouts,
    pack_layouts,
    payload_bytes,
    place,
    plane_bytes,
    view,
    views,
)
from bridge.schema import ALLOWED_FORMATS, Limits, PixelFormat, PlaneLayout, PlaneName

EVERY_INPUT = {name: ALLOWED_FORMATS[name][0] for name in list(PlaneName)[:8]}
DEPTH = PlaneLayout(name=PlaneName.DEPTH, format=PixelFormat.R32F, width=5, height=3, row_pitch_bytes=20)


def changed(**fields: object) -> PlaneLayout:
    return msgspec.structs.replace(DEPTH, **fields)


def test_packed_planes_are_tight_aligned_and_apart() -> None:
    layouts = pack_layouts(EVERY_INPUT, 33, 7)
    check_layouts(layouts, payload_bytes(layouts), Limits())
    assert [layout.name for layout in layouts] == list(EVERY_INPUT)
    for layout in layouts:
        assert layout.row_pitch_bytes == 33 * BYTES_PER_PIXEL[layout.format]
        assert layout.offset_bytes % ALIGNMENT_BYTES == 0
    assert payload_bytes(layouts) % ALIGNMENT_BYTES == 0
    assert payload_bytes(()) == 0


def test_placing_keeps_pitches_and_begins_where_it_is_told() -> None:
    placed = place((changed(row_pitch_bytes=32), changed(name=PlaneName.OBJECT, format=PixelFormat.R32UI)), 100)
    assert [(layout.offset_bytes, layout.row_pitch_bytes) for layout in placed] == [(128, 32), (256, 20)]


def test_one_plane_of_every_format_shows_its_own_bytes() -> None:
    layouts = pack_layouts(EVERY_INPUT, 6, 4)
    buffer = bytearray(64 + payload_bytes(layouts))
    planes = views(buffer, layouts, 64, writeable=True)
    for layout in layouts:
        planes[layout.name][:] = 1
    for layout in layouts:
        start = 64 + layout.offset_bytes
        mine = np.frombuffer(buffer[start : start + plane_bytes(layout)], planes[layout.name].dtype)
        assert (mine == 1).all()
        assert planes[layout.name].shape[:2] == (4, 6)
    written = sum(plane_bytes(layout) for layout in layouts)
    assert sum(plane.nbytes for plane in planes.values()) == written


def test_rows_are_a_pitch_apart_and_the_padding_is_left_alone() -> None:
    layout = changed(row_pitch_bytes=28)
    buffer = bytearray(b"\xaa" * plane_bytes(layout))
    view(buffer, layout, writeable=True)[:] = np.arange(15, dtype=np.float32).reshape(3, 5)
    rows = np.frombuffer(buffer, np.uint8).reshape(3, 28)
    assert (rows[:, 20:] == 0xAA).all()
    assert (rows[:, :20].copy().view(np.float32).ravel() == np.arange(15)).all()


def test_a_read_only_view_cannot_be_written() -> None:
    plane = view(bytearray(60), DEPTH, writeable=False)
    with pytest.raises(ValueError, match="read-only"):
        plane[0, 0] = 1


def test_copies_are_counted_in_bytes() -> None:
    copies = Copies()
    source, target = np.arange(12, dtype=np.float32), np.zeros(12, np.float32)
    copies.copy(target, source)
    copies.copy(target[:6], source[6:])
    assert copies.bytes == 48 + 24
    assert (target[:6] == source[6:]).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"width": 0},
        {"height": 0},
        {"row_pitch_bytes": 19},
        {"row_pitch_bytes": 21},
        {"row_pitch_bytes": 0},
        {"row_pitch_bytes": 2**31 - 1},
        {"offset_bytes": 8},
        {"offset_bytes": -64},
        {"offset_bytes": 64},
        {"offset_bytes": 2**62},
        {"format": PixelFormat.RGBA16F, "row_pitch_bytes": 40},
    ],
)
def test_a_plane_that_does_not_fit_is_an_invalid_value(bad: dict[str, object]) -> None:
    limits = Limits(max_frame_bytes=2**40)
    with pytest.raises(InvalidValue, match="depth"):
        check_layouts((changed(**bad),), 60, limits)


@pytest.mark.parametrize("side", ["width", "height"])
def test_a_side_over_the_limit_names_its_setting(side: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        check_layouts((changed(**{side: 100_000, "row_pitch_bytes": 400_000}),), 2**40, Limits())
    assert (refusal.value.value, refusal.value.limit, refusal.value.setting) == (100_000, 8192, "max_side_px")


def test_planes_that_are_too_large_together_name_their_setting() -> None:
    layouts = pack_layouts(EVERY_INPUT, 64, 64)
    with pytest.raises(LimitExceeded) as refusal:
        check_layouts(layouts, payload_bytes(layouts), Limits(max_frame_bytes=4096))
    assert refusal.value.setting == "max_frame_bytes"


def test_planes_that_overlap_by_one_byte_are_refused() -> None:
    first = changed(row_pitch_bytes=24)  # 72 bytes, so the next may begin at 128
    second = changed(name=PlaneName.OBJECT, format=PixelFormat.R32UI, offset_bytes=64)
    with pytest.raises(InvalidValue, match="overlap"):
        check_layouts((second, first), 1024, Limits())
    check_layouts((msgspec.structs.replace(second, offset_bytes=128), first), 1024, Limits())


def test_a_plane_twice_is_refused() -> None:
    with pytest.raises(InvalidValue, match="twice"):
        check_layouts((DEPTH, changed(offset_bytes=64)), 1024, Limits())


@pytest.mark.parametrize(
    "offered",
    [
        (),
        (changed(width=6),),
        (changed(height=4),),
        (changed(name=PlaneName.OBJECT),),
        (changed(format=PixelFormat.R32UI),),
        (DEPTH, DEPTH),
    ],
)
def test_planes_other_than_agreed_are_refused(offered: tuple[PlaneLayout, ...]) -> None:
    with pytest.raises(InvalidValue, match="The planes are"):
        check_agreed(offered, (DEPTH,))


def test_pitch_and_offset_are_the_senders_to_choose() -> None:
    check_agreed((changed(row_pitch_bytes=64, offset_bytes=640),), (DEPTH,))
