"""The client: what is shown in every sync mode and by every late policy, and what becomes of every frame."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scripted_renderer import CAMERA, PLANES, Hotel, plate_value
from stage import HEIGHT, WIDTH, D, G, Make, P, R, Stage, ends, stages

from bridge.client import Client
from bridge.errors import InvalidValue
from bridge.planes import Slot
from bridge.schema import Disposition, LatePolicy, PlaneName, Reset, SyncMode, Transport, World


@pytest.fixture(params=[Transport.SHM, Transport.INLINE])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    with stages(request.param) as build:
        yield build


# Plates that come in time.


@pytest.mark.parametrize("sync", [SyncMode.LOCKSTEP, SyncMode.OFFLINE, SyncMode.FREERUN])
def test_a_plate_in_time_is_shown_at_its_own_tick(make: Make, sync: SyncMode) -> None:
    stage = make(sync)
    for _ in range(10):
        frame_id = stage.generated()
        shown = stage.show()
        assert shown is not None
        assert (shown.frame_id, shown.disposition, shown.reason) == (frame_id, G, "")
        assert 0 <= shown.age_ms == shown.state_age_ms
        assert {"wait", "substitute", "composite"} <= shown.stages_ms.keys()
    assert stage.client.ledger.counts == {G: 10}


@pytest.mark.parametrize("delay", [1, 2, 3])
def test_delayed_shows_the_frame_of_n_ticks_ago(make: Make, delay: int) -> None:
    stage = make(SyncMode.DELAYED, delay_frames=delay)
    seen = []
    for _ in range(10):
        stage.generated()
        shown = stage.show()
        seen.append(shown.frame_id if shown else None)
    assert seen == [None] * delay + list(range(1, 11 - delay))
    assert stage.client.ledger.repeated == delay


def test_freerun_shows_the_newest_plate_and_drops_the_older(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    first, second = stage.submit(), stage.submit()
    assert stage.renderer.frames()[0].id == first
    stage.renderer.paint(second)
    shown = stage.show()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (second, G)
    assert ends(stage.client)[first] is D


def test_planes_that_the_model_does_not_want_stay_with_the_engine() -> None:
    hotel = Hotel()
    with Client(WIDTH, HEIGHT, PLANES, connection=hotel, transports=(Transport.SHM,)) as client:
        stage = Stage(client, hotel, wanted={PlaneName.COLOR: PLANES[PlaneName.COLOR]})
        stage.generated()
        assert client.welcome is not None
        assert [layout.name for layout in client.welcome.planes] == [PlaneName.COLOR]
        shown = stage.show()
        assert shown is not None
        assert shown.planes.keys() == PLANES.keys()
        for _ in range(4):  # the last of them is 3 frames after the picture on the screen
            stage.submit()
        shown = stage.show()
        assert shown is not None
        assert shown.disposition is R
    hotel.kill()


def test_over_a_ring_no_pixel_is_copied(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    for _ in range(8):
        stage.generated()
        stage.show()
    assert stage.client.bytes_copied == 0


# Plates that do not.

LATE = {LatePolicy.PASSTHROUGH: P, LatePolicy.REPROJECT: R, LatePolicy.FADE: R, LatePolicy.HOLD: None}


@pytest.mark.parametrize(("late", "expected"), LATE.items())
@pytest.mark.parametrize("sync", [SyncMode.LOCKSTEP, SyncMode.OFFLINE])
def test_a_frame_that_was_waited_for_in_vain(
    make: Make, sync: SyncMode, late: LatePolicy, expected: Disposition | None
) -> None:
    stage = make(sync, late)
    stage.generated()
    stage.show()
    late_id = stage.submit()
    shown = stage.show()
    assert (shown.disposition if shown else None) is expected
    assert ends(stage.client)[late_id] is (expected or D)
    assert stage.client.ledger.history[-1].reason in ("the plate was not there in time", "the render loop has stalled")


@pytest.mark.parametrize(("late", "expected"), LATE.items())
def test_a_delayed_frame_whose_plate_did_not_come(make: Make, late: LatePolicy, expected: Disposition | None) -> None:
    stage = make(SyncMode.DELAYED, late)
    stage.generated()
    stage.show()
    late_id = stage.submit()
    shown = stage.show()  # the one before
    assert shown is not None
    assert shown.disposition is G
    stage.submit()
    shown = stage.show()
    assert (shown.disposition if shown else None) is expected
    assert ends(stage.client)[late_id] is (expected or D)


@pytest.mark.parametrize(("late", "expected"), LATE.items())
def test_in_freerun_the_frame_before_the_newest_is_late_when_the_picture_fell_behind(
    make: Make, late: LatePolicy, expected: Disposition | None
) -> None:
    stage = make(SyncMode.FREERUN, late)
    stage.generated()
    stage.show()
    for _ in range(3):
        late_id = stage.submit()
        assert stage.show() is None  # the picture on the screen may yet wait
    stage.submit()
    shown = stage.show()
    assert (shown.disposition if shown else None) is expected
    if shown:
        assert shown.frame_id == late_id
    else:  # held, and may yet be shown when its plate comes
        stage.renderer.paint(late_id)
        shown = stage.show()
        assert shown is not None
        assert (shown.frame_id, shown.disposition) == (late_id, G)


@pytest.mark.parametrize(("answer", "reason"), [("drop", "told to"), ("fail", "model_failed: told to fail")])
def test_a_frame_that_the_renderer_gave_up_is_not_waited_for(make: Make, answer: str, reason: str) -> None:
    stage = make(SyncMode.OFFLINE)
    frame_id = stage.submit()
    getattr(stage.renderer, answer)(frame_id)
    shown = stage.show()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (P, reason)
    if answer == "fail":
        assert [error.code for error in stage.client.errors] == ["model_failed"]


def test_a_frame_that_the_renderer_passed_through_is_shown_so(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP, LatePolicy.REPROJECT)
    stage.generated()
    stage.show()
    frame_id = stage.submit()
    stage.renderer.drop(frame_id, P, "the engine owns every pixel")
    shown = stage.show()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (P, "the engine owns every pixel")


def test_a_plate_that_the_renderer_has_warped_is_shown_as_such_with_the_age_of_what_it_shows(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP, LatePolicy.PASSTHROUGH)
    stage.renderer.paint(stage.submit(), warped_ms=300.0)
    shown = stage.show()
    assert shown is not None
    assert (shown.disposition, shown.reason) == (R, "the model is behind")
    assert shown.plate is not None
    assert shown.age_ms >= 300.0 > shown.state_age_ms


def test_a_late_plate_is_not_shown_but_warped(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP, LatePolicy.REPROJECT)
    stage.generated()
    stage.show()
    late_id = stage.submit()
    stage.show()
    stage.renderer.paint(late_id)
    stage.submit()
    shown = stage.show()
    assert shown is not None
    assert shown.disposition is R
    assert shown.picture()[1, 1, 0] == plate_value(late_id)
    assert shown.age_ms > shown.state_age_ms
    assert ends(stage.client)[late_id] is R


def test_fade_turns_to_the_engines_picture_in_eight_frames_and_comes_back(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP, LatePolicy.FADE)
    stage.generated()
    stage.show()
    mattes = []
    for _ in range(9):
        stage.submit()
        shown = stage.show()
        assert shown is not None
        mattes.append(0.0 if shown.plate is None else float(shown.plate[1, 1, 3]))
    assert mattes == [0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0, 0.0]
    assert shown is not None
    assert shown.disposition is P
    stage.generated()
    shown = stage.show()
    assert shown is not None
    assert shown.disposition is G


# Resets.


@pytest.mark.parametrize("late", list(LatePolicy))
@pytest.mark.parametrize("sync", [SyncMode.LOCKSTEP, SyncMode.FREERUN, SyncMode.DELAYED])
@pytest.mark.parametrize("reset", [Reset.CUT, Reset.TELEPORT])
def test_nothing_from_before_a_reset_is_shown_after_it(
    make: Make, sync: SyncMode, late: LatePolicy, reset: Reset
) -> None:
    stage = make(sync, late)
    for _ in range(3):
        stage.generated()
        stage.show()
    cut_id = stage.submit(reset)
    shown = stage.show()
    while shown is None or shown.frame_id < cut_id:
        stage.submit()
        shown = stage.show()
    assert shown.disposition is P
    assert float(shown.picture()[0, 0, 0]) == shown.frame_id


def test_a_reset_is_repeated_until_a_plate_proves_that_it_arrived(make: Make) -> None:
    stage = make(SyncMode.FREERUN)
    stage.submit(Reset.CUT)
    second = stage.submit()
    stage.renderer.paint(second)
    stage.show()
    stage.submit()
    assert [frame.reset for frame in stage.renderer.frames()] == [Reset.CUT, Reset.CUT, Reset.NONE]


def test_reset_asks_the_world_to_forget_and_cuts(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP, LatePolicy.REPROJECT)
    stage.generated()
    stage.show()
    stage.client.reset()
    stage.submit()
    assert any(isinstance(message, World) for message in stage.renderer.seen)
    assert stage.renderer.frames()[-1].reset is Reset.CUT
    shown = stage.show()
    assert shown is not None
    assert shown.disposition is P


# Slots.


def test_there_is_always_somewhere_to_write(make: Make) -> None:
    stage = make(SyncMode.FREERUN, LatePolicy.HOLD)
    for _ in range(20):  # and nothing ever comes back
        stage.submit()
    assert stage.client.ledger.counts[D] == 16
    assert {entry.reason for entry in stage.client.ledger.history} == {"its slot was needed for a newer frame"}


def test_the_shown_plate_keeps_its_slot_until_a_newer_one_is_shown(make: Make) -> None:
    stage = make(SyncMode.FREERUN, LatePolicy.REPROJECT)
    first = stage.generated()
    stage.show()
    for _ in range(10):
        stage.submit()
        shown = stage.show()
        if shown is not None:
            assert shown.disposition is R
            assert shown.picture()[1, 1, 0] == plate_value(first)


def test_a_slot_that_was_not_submitted_is_taken_back(make: Make) -> None:
    stage = make(SyncMode.LOCKSTEP)
    for _ in range(10):
        abandoned = stage.client.begin()
    with pytest.raises(InvalidValue, match="not begun last"):
        stage.client.submit(Slot(abandoned.index, abandoned.frame_id, abandoned.inputs), CAMERA)
    frame_id = stage.generated()
    shown = stage.show()
    assert shown is not None
    assert shown.frame_id == frame_id
    assert stage.client.ledger.counts == {G: 1}


def test_a_plate_that_is_overwritten_while_it_is_read_is_not_shown() -> None:
    hotel = Hotel()
    with Client(WIDTH, HEIGHT, PLANES, connection=hotel, transports=(Transport.SHM,)) as client:
        stage = Stage(client, hotel)
        frame_id = stage.submit()
        frame, _ = stage.renderer.waiting[frame_id]
        stage.renderer.paint(frame_id)
        shown = client.present()
        assert shown is not None
        assert shown.disposition is G
        assert stage.renderer.buffers is not None
        stage.renderer.buffers.begin_plate(frame)[PlaneName.PLATE][...] = 99  # a renderer gone wild
        assert (shown.picture()[..., 0] == frame_id).all()
        assert (shown.disposition, shown.reason) == (P, "the plate was overwritten")
        assert client.ledger.counts == {G: 0, P: 1}
    hotel.kill()
