"""A session on the GPU whose model is behind: what late frames show, and that it is told truly.

There is no GPU here: kernels run on the CPU, and tests say how far the second queue, the models', has come.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpu_stage import HEIGHT, SLOTS, WIDTH, Stage, frame_of
from gpu_stand_in import StandIn

from bridge.handles import Offer
from bridge.late import FADE_FRAMES, STALE_MS
from bridge.planes import PlaneViews, views
from bridge.schema import Disposition, Error, LatePolicy, PlaneName, PlanesAck, Reset, Result, SyncMode, Welcome
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.kernels import SOURCES
from renderer.cuda.pace import QUICK_PLATES
from renderer.recall import World

FRAME_MS = 16
ALL = 1 << 60


class LateStage(Stage):
    """An engine that goes on whatever the model does. Its picture is flat: a colour that says which frame it is."""

    def open(self, late: LatePolicy = LatePolicy.REPROJECT, sync: SyncMode = SyncMode.FREERUN) -> None:
        welcome = self.hello(late=late, sync=sync)
        assert isinstance(welcome, Welcome)
        self.welcome: Welcome = welcome
        self.planes: Offer = self.offer(welcome)
        self.send(self.planes)
        assert self.next() == PlanesAck(session=welcome.session, generation=1, ok=True)
        self.number, self.start_ns, self.skipped_ms = 0, time.monotonic_ns() - 10**9, 0.0

    def slot(self) -> PlaneViews:
        base = self.number % SLOTS * self.planes.slot_bytes
        assert self.memory is not None
        return views(self.memory, (*self.planes.planes, *self.planes.outputs), base, writeable=True)

    def frame(self, **changes: Any) -> Result:
        """The next one; its planes are whole."""
        answer = self.show(**changes)
        assert isinstance(answer, Result)
        assert answer.id == self.number
        return answer

    def show(self, **changes: Any) -> Any:
        self.number += 1
        planes = self.slot()
        planes[PlaneName.COLOR][...] = (self.number, 0.5, 0.25, 1.0)
        planes[PlaneName.DEPTH][...] = 4.0
        planes[PlaneName.OBJECT][...] = 1
        planes[PlaneName.PLATE][...] = 9.0
        self.gpu.timelines[0].value = self.number
        capture_ns = self.start_ns + int((self.number * FRAME_MS + self.skipped_ms) * 1e6)
        return self.ask(frame_of(self.welcome, self.number, self.number % SLOTS, capture_ns=capture_ns, **changes))

    def made_of(self) -> set[float]:
        """Whose plates the last frame shows; 0 is the engine's own picture."""
        plate = self.slot()[PlaneName.PLATE]
        return {round(float(red * matte)) for red, matte in plate[..., [0, 3]].reshape(-1, 2)}

    def lag(self) -> None:
        """Until the model counts as slow; then its plates come one by one, as `plate_comes` says."""
        self.gpu.model.value = 0
        for _ in range(2):
            assert self.frame().disposition is Disposition.GENERATED
        assert self.frame().disposition is not Disposition.GENERATED
        self.plate_comes()

    def plate_comes(self) -> None:
        self.gpu.model.value = self.gpu.models


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("late")


@pytest.fixture
def stage(folder: Path) -> Iterator[LateStage]:
    stage = LateStage(StandIn.or_skip(folder), folder)
    yield stage
    stage.close()
    assert [memory.closed for memory in stage.gpu.own] == [1] * len(stage.gpu.own)
    assert [mark.closed for mark in stage.gpu.marks] == [1] * len(stage.gpu.marks)


def test_a_slow_model_s_frames_show_its_newest_plate_where_the_engine_is_now(stage: LateStage) -> None:
    stage.open()
    stage.lag()
    first = stage.frame()  # 4: the model is idle, and begins
    assert (first.disposition, first.done_value) == (Disposition.PASSTHROUGH, 4)
    assert "no plate since the last reset" in first.reason
    assert stage.made_of() == {0}
    stage.plate_comes()
    state_ns = stage.start_ns + 4 * FRAME_MS * 10**6
    for number in range(5, 8):
        asked_ns, shown = time.monotonic_ns(), stage.frame()
        assert (shown.disposition, shown.done_value) == (Disposition.REPROJECTED, number)
        assert shown.reason == "passthrough is slower than the engine"
        assert stage.made_of() == {4}
        assert (asked_ns - state_ns) / 1e6 <= shown.age_ms <= (time.monotonic_ns() - state_ns) / 1e6
    stage.plate_comes()  # of frame 5, which was begun with the first one shown
    assert stage.frame().disposition is Disposition.REPROJECTED
    assert stage.made_of() <= {4, 5}
    for _ in range(4):
        stage.frame()
    assert stage.made_of() == {5}
    assert stage.gpu.timelines[1].value == stage.number  # no answer waited for the model
    assert stage.gpu.counters.allocations == len(stage.gpu.own) <= SOURCES + 1
    assert stage.gpu.counters.cpu_waits == 0
    assert stage.gpu.joined == [mark for mark in stage.gpu.marks if mark.models in (1, 2)]  # of those that kept up


def test_the_model_works_on_planes_that_the_engine_may_write_over(
    stage: LateStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.open()
    given: list[DeviceFrame] = []

    def step(frame: DeviceFrame, world: World) -> None:
        given.append(frame)

    monkeypatch.setattr(stage.renderer._model, "step_on_device", step)
    stage.lag()
    stage.frame()
    own, (start, end) = stage.gpu.own[0], engine_memory(stage)
    assert [start <= frame.plate.address < end for frame in given] == [True, True, False]
    assert all(own.address <= plane.address < own.address + 65536 for plane in given[2].planes.values())
    kept = (ctypes.c_uint16 * (WIDTH * HEIGHT * 4)).from_address(given[2].planes[PlaneName.COLOR].address)
    assert (np.frombuffer(bytes(kept), np.float16)[::4] == 4).all()


def engine_memory(stage: LateStage) -> tuple[int, int]:
    start = stage.gpu.memories[0].address
    return start, start + stage.planes.memory_bytes


def test_nothing_of_before_a_cut_is_shown_after_it(stage: LateStage) -> None:
    stage.open()
    stage.lag()
    stage.frame()
    stage.plate_comes()
    assert stage.frame().disposition is Disposition.REPROJECTED  # and 5 is begun
    cut = stage.frame(reset=Reset.CUT)
    assert (cut.disposition, stage.made_of()) == (Disposition.PASSTHROUGH, {0})
    stage.plate_comes()  # of 5, which is of before
    after = stage.frame()
    assert (after.disposition, stage.made_of()) == (Disposition.PASSTHROUGH, {0})
    assert "no plate since the last reset" in after.reason
    stage.plate_comes()  # of 7
    assert stage.frame().disposition is Disposition.REPROJECTED
    assert stage.made_of() == {7}


def test_a_model_that_keeps_up_again_makes_every_frame_itself(stage: LateStage) -> None:
    stage.open()
    stage.lag()
    stage.gpu.model.value = ALL
    found = [stage.frame().disposition for _ in range(QUICK_PLATES + 3)]
    assert found[0] is Disposition.PASSTHROUGH
    assert set(found[1:QUICK_PLATES]) == {Disposition.REPROJECTED}
    assert found[-1] is Disposition.GENERATED
    assert stage.made_of() == {stage.number}


def test_a_plate_that_is_too_old_is_not_shown(stage: LateStage) -> None:
    stage.open()
    stage.lag()
    stage.frame()
    stage.plate_comes()
    stage.frame()
    stage.skipped_ms = STALE_MS
    for _ in range(2):
        stale = stage.frame()
        assert (stale.disposition, stage.made_of()) == (Disposition.PASSTHROUGH, {0})
        assert "over stale_ms" in stale.reason
    stage.plate_comes()  # of 5: too old as well
    assert stage.frame().disposition is Disposition.PASSTHROUGH
    stage.plate_comes()  # of 8: of now
    assert stage.frame().disposition is Disposition.REPROJECTED
    assert stage.made_of() == {8}


def test_a_plate_fades_away_where_the_policy_says_so(stage: LateStage) -> None:
    stage.open(LatePolicy.FADE)
    stage.lag()
    stage.frame()
    stage.plate_comes()
    mattes = []
    for _ in range(FADE_FRAMES - 1):
        assert stage.frame().disposition is Disposition.REPROJECTED
        mattes.append(float(stage.slot()[PlaneName.PLATE][2, 2, 3]))
    assert mattes == [1 - late / FADE_FRAMES for late in range(1, FADE_FRAMES)]
    assert stage.frame().reason.endswith("faded out")


@pytest.mark.parametrize(
    ("policy", "disposition"),
    [(LatePolicy.HOLD, Disposition.DROPPED), (LatePolicy.PASSTHROUGH, Disposition.PASSTHROUGH)],
)
def test_a_policy_without_older_plates_answers_at_once_and_shows_each_plate_that_is_made(
    stage: LateStage, policy: LatePolicy, disposition: Disposition
) -> None:
    stage.open(policy)
    stage.lag()
    assert stage.frame().disposition is Disposition.GENERATED  # 4: it is idle
    for _ in range(2):
        late = stage.frame()
        assert (late.disposition, late.done_value) == (disposition, 0)
        assert late.reason
        assert stage.made_of() == {81}  # nothing has written there
    stage.plate_comes()
    assert stage.frame().disposition is Disposition.GENERATED
    assert not stage.gpu.own


@pytest.mark.parametrize("sync", [SyncMode.LOCKSTEP, SyncMode.OFFLINE])
def test_an_engine_that_waits_for_each_plate_gets_each(stage: LateStage, sync: SyncMode) -> None:
    stage.open(sync=sync)
    stage.gpu.model.value = 0
    assert {stage.frame().disposition for _ in range(6)} == {Disposition.GENERATED}


def test_a_model_that_says_how_slow_it_is_holds_up_no_frame(stage: LateStage, monkeypatch: pytest.MonkeyPatch) -> None:
    card = replace(stage.renderer._model.card, response_window_ms=400.0)
    monkeypatch.setattr(stage.renderer._model, "card", card, raising=False)
    stage.open()
    stage.gpu.model.value = 0
    assert {stage.frame().disposition for _ in range(3)} == {Disposition.PASSTHROUGH}
    stage.plate_comes()
    assert stage.frame().disposition is Disposition.REPROJECTED
    assert stage.made_of() == {1}


def test_a_model_that_breaks_while_it_is_behind_is_named_and_tried_again(
    stage: LateStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.open()
    stage.lag()

    def broken(frame: DeviceFrame, world: World) -> None:
        raise ValueError("no such weather")

    with monkeypatch.context() as breaking:
        breaking.setattr(stage.renderer._model, "step_on_device", broken)
        told = stage.show()
        assert isinstance(told, Error)
        assert (told.code, told.frame_id) == ("model_failed", 4)
    stage.frame()
    stage.plate_comes()
    assert stage.frame().disposition is Disposition.REPROJECTED
    assert stage.made_of() == {5}


def test_streams_that_come_together_do_not_make_a_model_slow(stage: LateStage) -> None:
    stage.open()
    stage.gpu.model.value = 0
    assert {stage.frame(stream=f"wall {wall}").disposition for wall in range(6)} == {Disposition.GENERATED}
    assert {stage.frame(stream="wall 0").disposition for _ in range(2)} == {
        Disposition.GENERATED,
        Disposition.PASSTHROUGH,
    }
