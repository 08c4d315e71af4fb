"""The recorder: a session goes into a take beside the show, and what happens to the take never happens to the show."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from small_take import frames_of, result_of, span_of
from take_stage import Stage

from bridge.errors import InvalidValue, TakeExists, TakeNotFound, TakeNotWritten
from bridge.schema import Disposition, Frame, PlaneName, RendererState, Reset
from bridge.take import Take
from bridge.take_records import FrameNote, Missed, Opening, Span, WorldState
from bridge.take_writer import PackedFrame, TakeWriter, sha256_of
from renderer import recorder, taking
from renderer.models.passthrough import Passthrough

KILLED = """
import sys
from pathlib import Path
from take_stage import Stage
with Stage(Path(sys.argv[1])) as stage:
    stage.record("killed")
    stage.show(4)
    print("recording", flush=True)
    while True:
        stage.show()
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path) as opened:
        yield opened


def test_a_session_is_recorded_with_every_plane_and_plate(stage: Stage, tmp_path: Path) -> None:
    assert str(tmp_path / "court.mcap") in stage.record("court")
    plates = []
    for _ in range(5):
        shown = stage.show()
        assert shown.plate is not None
        plates.append(sha256_of(shown.plate))
    stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        frames = list(take.frames())
        assert (take.info.complete, take.info.fresh, take.info.model) == (True, True, "passthrough")
        assert (take.info.client, take.info.seed, take.info.missed) == ("stage", 7, 0)
    assert [frame.outputs_sha256[PlaneName.PLATE] for frame in frames] == plates
    assert [frame.header.id for frame in frames] == [1, 2, 3, 4, 5]
    for frame, (_, planes) in zip(frames, frames_of(64, 36, 5), strict=True):
        assert all(frame.planes[name].tobytes() == plane.tobytes() for name, plane in planes.items())


def test_an_engine_records_itself_from_its_first_frame(stage: Stage, tmp_path: Path) -> None:
    assert str(tmp_path / "own.mcap") in stage.client.record("own")
    stage.show(2)
    with pytest.raises(TakeExists, match="into own already"):
        stage.client.record("again")
    going = stage.recorder._takings[stage.session.peer]
    assert "own" in stage.client.stop_recording()
    assert going.join(20.0)
    with Take.open(tmp_path / "own.mcap") as take:
        assert (take.info.frames, take.info.fresh, take.info.complete) == (2, True, True)
    with pytest.raises(TakeNotFound, match="not being recorded"):
        stage.client.stop_recording()


def test_the_token_never_gets_into_a_take(stage: Stage, tmp_path: Path) -> None:
    stage.record("court")
    stage.show()
    stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        assert take.frame(1).span.hello.token == ""


def test_a_take_can_begin_and_end_in_the_middle_and_another_can_follow(stage: Stage, tmp_path: Path) -> None:
    stage.show(2)
    stage.record("first")
    stage.show(3)
    stage.stop()
    stage.show(2)
    stage.record("second")
    stage.show(1)
    stage.stop()
    with Take.open(tmp_path / "first.mcap") as first, Take.open(tmp_path / "second.mcap") as second:
        assert [frame.header.id for frame in first.frames()] == [3, 4, 5]
        assert [frame.header.id for frame in second.frames()] == [8]
        assert not first.info.fresh
        assert [number for number, _ in first.worlds] == [0]


def test_controls_ownership_and_world_operations_are_kept(stage: Stage, tmp_path: Path) -> None:
    stage.record("court")
    stage.show()
    stage.client.set_controls({}, engine_labels=(3, 5), plate_near_m=1.5)
    stage.show()
    stage.client.reset()
    stage.show()
    stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        owned = [(frame.ownership.labels, frame.ownership.plate_near_m) for frame in take.frames()]
        told = [(number, type(event).__name__) for number, event in take.events()]
        assert take.header(3).reset is not Reset.NONE
    assert owned == [((), 0.0), ((3, 5), 1.5), ((3, 5), 1.5)]
    assert told == [(0, "Span"), (1, "SetControls"), (2, "World")]


def test_a_session_that_is_resized_goes_on_in_its_take(stage: Stage, tmp_path: Path) -> None:
    stage.record("court")
    stage.show(2)
    stage.resize(32, 20)
    stage.show(2)
    stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        assert take.info.sizes == ((64, 36), (32, 20))
        assert [frame.planes[PlaneName.DEPTH].shape for frame in take.frames()] == [(36, 64)] * 2 + [(20, 32)] * 2
        assert [event.fresh for _, event in take.events() if isinstance(event, Span)] == [True, True]


def test_a_take_ends_when_its_engine_leaves(stage: Stage, tmp_path: Path) -> None:
    stage.record("court")
    going = stage.recorder._takings[stage.session.peer]
    stage.show(2)
    stage.client.close()
    assert going.join(10.0)
    with Take.open(tmp_path / "court.mcap") as take:
        assert (take.info.frames, take.info.complete, take.info.ended) == (2, True, taking.LEFT)


def test_a_take_ends_when_the_renderer_stops(tmp_path: Path) -> None:
    with Stage(tmp_path) as stage:
        stage.record("court")
        stage.show(3)
        stage.stop_renderer()
    with Take.open(tmp_path / "court.mcap") as take:
        assert (take.info.frames, take.info.complete) == (3, True)


def test_status_tells_the_take_while_it_is_recorded(stage: Stage) -> None:
    stage.record("court")
    stage.show()
    during = stage.status()
    stage.stop()
    after = stage.status()
    assert (during.take, during.take_missed, during.state) == ("court", 0, RendererState.RUNNING)
    assert after.take == ""


def test_what_cannot_be_recorded_is_refused_by_name(stage: Stage) -> None:
    with pytest.raises(TakeNotFound, match="not being recorded"):
        stage.record("", on=False)
    stage.record("court")
    with pytest.raises(TakeExists, match="into court already"):
        stage.record("another")
    stage.stop()
    with pytest.raises(TakeExists, match="court already"):
        stage.record("court")


@pytest.mark.parametrize("name", ["../court", "a/b", "a.b", "a b", "a\n", "ä", "x" * 65, ".", "\x00"])
def test_hostile_names_are_refused(stage: Stage, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidValue, match="no path"):
        stage.recorder.start(stage.session, name)
    assert list(tmp_path.glob("*")) == []


def test_without_a_name_a_take_is_called_by_date_and_time(stage: Stage, tmp_path: Path) -> None:
    stage.record("")
    stage.show()
    stage.stop()
    (path,) = tmp_path.glob("*.mcap")
    assert path.stem.startswith(time.strftime("%Y%m"))


def test_a_folder_that_is_gone_is_told_and_the_show_goes_on(tmp_path: Path) -> None:
    with Stage(tmp_path / "takes") as stage:
        with pytest.raises(TakeNotWritten, match="takes_dir"):
            stage.record("court")
        assert stage.show().disposition is Disposition.GENERATED


def test_on_a_full_disk_the_show_goes_on_and_the_take_and_status_say_what_is_missing(
    stage: Stage, tmp_path: Path
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    stage.record("court")
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        for _ in range(40):
            assert stage.show().disposition is Disposition.GENERATED
            if stage.session.take is not None and stage.session.take.problem:
                break
        stage.show(2)
        status = stage.status()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (status.state, status.take) == (RendererState.DEGRADED, "court")
    assert status.take_missed > 0
    assert "takes_dir" in status.text
    stage.record("", on=False)
    with Take.open(tmp_path / "court.mcap") as take:
        assert (take.info.complete, take.info.missed > 0) == (True, True)
        assert "cannot be written" in take.info.ended
        assert len(list(take.frames())) == take.info.frames


class SlowWriter(TakeWriter):
    """A disk that waits until it is let go."""

    gate = threading.Event()

    def add(self, packed: PackedFrame) -> None:
        assert self.gate.wait(20.0)
        super().add(packed)


def test_a_disk_that_cannot_keep_up_loses_frames_of_the_take_and_none_of_the_show(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "TakeWriter", SlowWriter)
    monkeypatch.setattr(taking, "MOST_WAITING", 4)
    SlowWriter.gate.clear()
    stage.record("slow")
    assert {stage.show().disposition for _ in range(9)} == {Disposition.GENERATED}
    missed = stage.status().take_missed
    SlowWriter.gate.set()
    stage.wait_until_written(4)
    stage.show(2)
    stage.stop()
    assert missed == 5
    with Take.open(tmp_path / "slow.mcap") as take:
        events = [event for _, event in take.events() if isinstance(event, Missed)]
        ids = [frame.header.id for frame in take.frames()]
        assert (take.info.missed, take.info.complete) == (5, True)
        assert [number for number, _ in take.worlds] == [5]  # after the first frame that follows on the gap
    assert ids == [1, 2, 3, 4, 10, 11]
    assert [(gap.first_id, gap.last_id, gap.count) for gap in events] == [(5, 9, 5)]
    assert "keep up" in events[0].reason


def test_frames_that_several_threads_compress_stay_in_their_order(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "WORKERS", 4)
    monkeypatch.setattr(taking, "SAVE_EVERY", 5)
    stage.record("many")
    stage.show(12)
    stage.stop()
    with Take.open(tmp_path / "many.mcap") as take:
        assert [frame.header.id for frame in take.frames()] == list(range(1, 13))
        assert [number for number, _ in take.worlds] == [5, 10]


def test_a_writer_that_breaks_leaves_the_show_alone_and_is_told(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(TakeWriter):
        def add(self, packed: PackedFrame) -> None:
            raise KeyError("nobody thought of it")

    monkeypatch.setattr(recorder, "TakeWriter", Broken)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    stage.record("court")
    stage.show()
    stage.wait_for("problem")
    assert stage.show(3).disposition is Disposition.GENERATED
    assert "The writer broke" in stage.status().text


def test_a_frame_that_fails_is_noted_and_a_world_is_saved_after_the_next(tmp_path: Path) -> None:
    class Fails(Passthrough):
        def step(self, frame: object, world: object, plate: object) -> None:
            if getattr(frame, "header", Frame).id == 2:
                raise RuntimeError("it is broken")
            super().step(frame, world, plate)  # type: ignore[arg-type]

    with Stage(tmp_path, Fails()) as stage:
        stage.record("court")
        stage.show(4)
        stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        assert [frame.header.id for frame in take.frames()] == [1, 3, 4]
        assert take.info.failed == 1
        assert [number for number, _ in take.worlds] == [2]


def test_a_world_is_saved_every_so_many_frames(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "SAVE_EVERY", 3)
    stage.record("court")
    stage.show(7)
    stage.stop()
    with Take.open(tmp_path / "court.mcap") as take:
        assert [(number, state.stream) for number, state in take.worlds] == [(3, "main"), (6, "main")]
        saved = take.world(1)
    assert saved.last is not None
    assert (saved.last.id, saved.state.steps) == (6, 6)


def test_arrays_of_a_saved_world_come_back(tmp_path: Path) -> None:
    writer = TakeWriter(
        tmp_path / "a.mcap", Opening(name="a", created_ns=1, software="tests", model="m", runtime="none")
    )
    writer.note(span_of(16, 8))
    (header, planes), *_ = frames_of(16, 8, 1)
    writer.frame(header, planes, {}, result_of(header), FrameNote())
    arrays: dict[str, NDArray[Any]] = {
        "cells": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "seed": np.array([2**63], np.uint64),
    }
    writer.state(WorldState(stream="main", seed=1, epoch=2, steps=3), header, arrays)
    writer.abandon()
    with Take.open(tmp_path / "a.mcap") as take:
        saved = take.world(0)
    assert saved.last == header
    assert {name: array.tolist() for name, array in saved.arrays.items()} == {n: a.tolist() for n, a in arrays.items()}


def test_a_recorder_that_is_killed_leaves_a_take_that_reads(tmp_path: Path) -> None:
    folder = Path(__file__).parent
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder.parent}:{folder}"},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == "recording\n"
    time.sleep(0.5)
    child.send_signal(signal.SIGKILL)
    child.wait(10.0)
    child.stdout.close()
    with Take.open(tmp_path / "killed.mcap") as take:
        assert not take.info.complete
        frames = [
            sha256_of(frame.outputs[PlaneName.PLATE]) == frame.outputs_sha256[PlaneName.PLATE]
            for frame in take.frames()
        ]
    assert len(frames) >= 1
    assert all(frames)
