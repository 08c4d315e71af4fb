"""Late frames in `freerun`: what is warped, for how long, how the picture comes back, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from scripted_renderer import CAMERA, PLANES, Hotel, color_value, plate_value
from stage import HEIGHT, WIDTH, G, P, R, until

from bridge.client import Client
from bridge.errors import LimitExceeded
from bridge.flight import slots_for
from bridge.late import FADE_BACK_FRAMES
from bridge.planes import pack_layouts
from bridge.schema import Disposition, LatePolicy, Limits, PixelFormat, PlaneName, Reset, Transport, Welcome
from bridge.shown import Shown

TICK_MS = 16


class Set:
    """An engine of 8x4 pixels with a clock of its own, and a renderer that waits for orders."""

    def __init__(self, transport: Transport = Transport.SHM, late: LatePolicy = LatePolicy.REPROJECT) -> None:
        self.hotel = Hotel()
        self.renderer = self.hotel.move_in()
        self.client = Client(
            WIDTH, HEIGHT, PLANES, late=late, transports=(transport,), connection=self.hotel, stale_ms=1000.0
        )
        until(lambda: self.client.attached, self.client.tick, self.renderer.pump)
        self.time_ms = 0

    def submit(self, object_of_left: int = 1, reset: Reset = Reset.NONE) -> int:
        slot = self.client.begin()
        slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
        slot.inputs[PlaneName.DEPTH][...] = 3.0
        slot.inputs[PlaneName.OBJECT][...] = 1
        slot.inputs[PlaneName.OBJECT][:, : WIDTH // 2] = object_of_left
        self.time_ms += TICK_MS
        self.client.submit(slot, CAMERA, capture_ns=self.time_ms * 1_000_000, reset=reset)
        self.renderer.pump()
        return slot.frame_id

    def shown(self, object_of_left: int = 1) -> Shown:
        """A frame whose plate does not come."""
        self.submit(object_of_left)
        shown = self.client.present()
        assert shown is not None
        return shown

    def generated(self, object_of_left: int = 1) -> int:
        frame_id = self.submit(object_of_left)
        self.renderer.paint(frame_id)
        self.client.present()
        return frame_id

    def late(self, frames: int) -> list[Shown]:
        """That many late frames in a row, once the client has seen that plates come late."""
        while self.submit() and self.client.present() is None:
            pass
        return [self.shown() for _ in range(frames)]


@pytest.fixture
def stage() -> Iterator[Set]:
    made = Set()
    yield made
    made.client.close()
    made.hotel.kill()


def value(shown: Shown) -> float:
    assert shown.plate is not None
    return float(shown.plate[1, 1, 0])


def test_behind_a_slow_model_every_tick_shows_the_newest_frame(stage: Set) -> None:
    first = stage.generated()
    frames = stage.late(20)
    assert [shown.frame_id for shown in frames] == list(range(6, 26))  # the newest, each time
    assert {(shown.disposition, value(shown)) for shown in frames} == {(R, plate_value(first))}
    assert stage.client.ledger.repeated == 3  # until it was seen that plates come late


def test_plates_that_come_in_time_again_are_shown_themselves(stage: Set) -> None:
    stage.generated()
    stage.late(10)
    dispositions = []
    for _ in range(FADE_BACK_FRAMES + 3):
        frame_id = stage.submit()
        stage.client.present()
        stage.renderer.paint(frame_id)
        shown = stage.client.present()
        dispositions.append(shown.disposition if shown else None)
    assert dispositions[-1] is G


@pytest.mark.parametrize(("behind", "expected"), [(1, G), (2, G), (3, G), (4, R)])
def test_plates_up_to_three_frames_behind_are_shown_themselves_and_later_ones_warped(
    stage: Set, behind: int, expected: Disposition
) -> None:
    dispositions = []
    for _ in range(40):
        newest = stage.submit()
        if newest > behind:
            stage.renderer.paint(newest - behind)
        shown = stage.client.present()
        dispositions.append(shown.disposition if shown else None)
    assert dispositions[-10:] == [expected] * 10


def test_a_new_plate_replaces_the_one_before_over_a_few_frames(stage: Set) -> None:
    old = stage.generated()
    stage.late(10)
    new = stage.submit()
    stage.submit()
    stage.submit()
    stage.submit()
    stage.renderer.paint(new)
    values = [value(stage.shown()) for _ in range(FADE_BACK_FRAMES + 2)]
    assert values == sorted(values)
    steps = np.diff([plate_value(old), *values[: FADE_BACK_FRAMES + 1]])
    np.testing.assert_allclose(steps, (new - old) / (FADE_BACK_FRAMES + 1), atol=0.01)
    assert values[FADE_BACK_FRAMES:] == [plate_value(new)] * 2


def test_the_first_plates_in_time_after_late_ones_are_told_as_mixtures(stage: Set) -> None:
    old = stage.generated()
    stage.late(10)
    new = stage.submit()
    stage.renderer.paint(new)
    shown = stage.client.present()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (R, f"fading from the plate of frame {old}")
    assert plate_value(old) < value(shown) < plate_value(new)
    assert shown.age_ms - shown.state_age_ms == pytest.approx((new - old) * TICK_MS)


def test_one_late_frame_is_not_faded_from(stage: Set) -> None:
    stage.generated()
    stage.late(0)
    new = stage.submit()
    stage.renderer.paint(new)
    shown = stage.client.present()
    assert shown is not None
    assert shown.disposition is G


def test_a_plate_that_is_too_old_gives_way_to_the_engines_picture(stage: Set) -> None:
    stage.generated()
    frames = stage.late(70)
    mattes = [0.0 if shown.plate is None else float(shown.plate[1, 1, 3]) for shown in frames]
    ages_ms = [shown.age_ms - shown.state_age_ms for shown in frames if shown.plate is not None]
    assert max(ages_ms) <= 1000.0
    assert mattes[0] == 1.0
    assert mattes == sorted(mattes, reverse=True)
    assert np.max(np.abs(np.diff(mattes))) < 0.1  # it fades, and does not pop
    last = frames[-1]
    assert last.disposition is P
    assert "over stale_ms" in last.reason
    assert last.age_ms == last.state_age_ms
    new = stage.submit()
    stage.renderer.paint(new)
    shown = stage.client.present()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (R, "fading from the engine's picture")
    assert 0 < float(shown.picture()[1, 1, 0]) - color_value(new) < 0.5


def test_what_the_newest_plate_did_not_see_another_fills_and_the_age_tells_it(stage: Set) -> None:
    old = stage.generated()
    stage.late(3)
    new = stage.generated(object_of_left=2)
    stage.late(FADE_BACK_FRAMES)
    shown = stage.shown(object_of_left=2)
    assert np.all(shown.plate is not None and shown.plate[..., 0] == plate_value(new))
    newest_ms = shown.age_ms - shown.state_age_ms
    shown = stage.shown(object_of_left=1)
    assert shown.plate is not None
    assert np.all(shown.plate[:, : WIDTH // 2, 0] == plate_value(old))
    assert np.all(shown.plate[:, WIDTH // 2 :, 0] == plate_value(new))
    assert shown.age_ms - shown.state_age_ms > newest_ms + TICK_MS
    assert shown.age_ms - shown.state_age_ms == pytest.approx((shown.frame_id - old) * TICK_MS)
    confidence = shown.confidence()
    assert 0 < confidence[1, 1] < confidence[1, -2] < 1


def test_confidence_is_one_in_a_plate_of_this_frame_and_none_without(stage: Set) -> None:
    frame_id = stage.submit()
    shown = stage.client.present()
    while shown is None:
        frame_id = stage.submit()
        shown = stage.client.present()
    assert shown.disposition is P
    assert not shown.confidence().any()
    frame_id = stage.submit()
    stage.renderer.paint(frame_id)
    shown = stage.client.present()
    assert shown is not None
    assert shown.disposition is G
    assert (shown.confidence() == 1).all()
    hole = stage.late(3) and stage.shown(object_of_left=9)
    assert hole
    assert not hole.confidence()[:, : WIDTH // 2].any()
    assert hole.confidence()[:, WIDTH // 2 :].all()


@pytest.mark.parametrize("transport", [Transport.SHM, Transport.INLINE])
def test_a_plate_is_copied_out_once_and_counted_and_then_needs_no_slot(transport: Transport) -> None:
    stage = Set(transport)
    stage.generated()
    before = stage.client.bytes_copied
    stage.late(1)
    plate_depth_object = WIDTH * HEIGHT * (8 + 4 + 4)
    assert stage.client.bytes_copied - before == plate_depth_object
    stage.late(20)
    assert stage.client.bytes_copied - before == plate_depth_object
    stage.client.close()
    stage.hotel.kill()


def test_nothing_is_kept_for_a_policy_that_warps_nothing() -> None:
    stage = Set(late=LatePolicy.PASSTHROUGH)
    stage.generated()
    assert {shown.disposition for shown in stage.late(10)} == {P}
    assert stage.client.bytes_copied == 0
    stage.client.close()
    stage.hotel.kill()


def test_after_a_reset_nothing_is_faded_from_before_it(stage: Set) -> None:
    stage.generated()
    stage.late(10)
    cut = stage.submit(reset=Reset.CUT)
    shown = stage.client.present()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (cut, P)
    new = stage.submit()
    stage.renderer.paint(new)
    shown = stage.client.present()
    assert shown is not None
    assert (shown.disposition, value(shown)) == (G, plate_value(new))


WELCOME = Welcome(
    session="0" * 32,
    model="m",
    runtime="none",
    planes=pack_layouts({PlaneName.COLOR: PixelFormat.RGBA16F}, 100, 100),
    outputs=pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, 100, 100),
    transport=Transport.SHM,
)


@pytest.mark.parametrize(
    ("chunk", "limits", "slots"),
    [
        (1, Limits(), 5),
        (16, Limits(max_slots=64), 35),
        (16, Limits(max_slots=12), 12),
        (33, Limits(max_slots=64), 64),
        (16, Limits(max_slots=64, max_shared_bytes=1_700_000), 10),
        (16, Limits(max_slots=64, max_shared_bytes=1000), 5),  # which making the ring refuses by name
    ],
)
def test_the_ring_has_room_for_two_chunks_as_far_as_the_limits_go(chunk: int, limits: Limits, slots: int) -> None:
    assert slots_for(5, msgspec.structs.replace(WELCOME, chunk_frames=chunk, limits=limits)) == slots
    with pytest.raises(LimitExceeded, match="max_slots"):
        slots_for(65, msgspec.structs.replace(WELCOME, chunk_frames=chunk, limits=limits))
