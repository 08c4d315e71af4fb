"""Models that make several plates in one call: which frames they get, when, and what becomes of every frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scripted_renderer import CAMERA, PLANES, color_value
from stage import D, G, P, R, ends, until

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.schema import Disposition, Frame, Limits, PlaneName, RendererState, Reset, SyncMode, Transport
from bridge.shown import Shown
from renderer.chunks import QUIET_MS, Asked, Chunks, limits_for
from renderer.frame import RenderFrame
from renderer.models import ChunkModel, ModelCard
from renderer.recall import World
from renderer.serve import Renderer
from renderer.session import Session

CHUNK = 4


class Numbers:
    """A model of four plates a call. A plate's colour is its frame's id and a half, and the call's number is noted."""

    card = ModelCard(
        name="numbers",
        needs=frozenset({PlaneName.COLOR}),
        optional=frozenset({PlaneName.DEPTH, PlaneName.OBJECT}),
        chunk_frames=CHUNK,
        response_window_ms=900.0,
    )

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.first_steps: list[int] = []  # world.steps at the first plate of each call
        self.breaks_at = 0
        self.between: Callable[[], object] = lambda: None  # called before each plate is handed over
        self.after: Callable[[], object] = lambda: None  # called when a chunk's last plate is published

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        for _ in self.steps([frame], world):
            pass

    def steps(self, frames: Sequence[RenderFrame], world: World) -> Iterator[None]:
        self.calls.append([frame.header.id for frame in frames])
        self.first_steps.append(world.steps)
        for frame in frames:
            if frame.header.id == self.breaks_at:
                raise RuntimeError("told to break")
            frame.plate[...] = color_value(frame.header.id) + 0.5
            frame.plate[..., 3] = 1.0
            self.between()
            yield
        self.after()

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return None

    def close(self) -> None:
        """Nothing is held."""


class Desk:
    """An engine and a renderer in one thread: the loop moves when the test says so."""

    def __init__(self, sync: SyncMode = SyncMode.FREERUN, transport: Transport = Transport.SHM) -> None:
        self.model = Numbers()
        limits = limits_for(Limits(), self.model.card)
        engine_end, renderer_end = memory_pair(limits)
        self.renderer = Renderer(renderer_end, self.model, "", limits)
        self.client = Client(
            8, 4, PLANES, sync=sync, transports=(transport,), connection=engine_end, delay_frames=2, frame_period_ms=5.0
        )
        until(lambda: self.client.attached, self.client.tick, self.loop)

    def loop(self) -> None:
        self.renderer.step(0.0)

    def submit(self, reset: Reset = Reset.NONE) -> int:
        slot = self.client.begin()
        slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
        slot.inputs[PlaneName.DEPTH][...] = 3.0
        slot.inputs[PlaneName.OBJECT][...] = 1
        self.client.submit(slot, CAMERA, reset=reset)
        return slot.frame_id

    def pump(self, steps: int = 3 * CHUNK) -> None:
        for _ in range(steps):
            self.loop()
        self.client.tick()

    def close(self) -> None:
        submitted = self.client._last_id
        self.client.close()
        assert not self.client.ledger.open_ids
        assert len(ends(self.client)) == sum(self.client.ledger.counts.values()) == submitted


@pytest.fixture(params=[Transport.SHM, Transport.INLINE])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    made = Desk(transport=request.param)
    yield made
    made.close()


def test_what_is_declared_reaches_the_engine(desk: Desk) -> None:
    assert isinstance(desk.model, ChunkModel)
    welcome = desk.client.welcome
    assert welcome is not None
    assert (welcome.chunk_frames, welcome.response_window_ms, welcome.stall_ms) == (CHUNK, 900.0, 2700)
    pool = desk.client._pool
    assert pool is not None
    assert pool.slot_count == 5 + 2 * (CHUNK - 1)


def test_a_chunk_goes_off_when_it_is_full_and_every_plate_comes_back(desk: Desk) -> None:
    for _ in range(CHUNK - 1):
        desk.submit()
    desk.pump()
    assert desk.model.calls == []
    newest = desk.submit()
    desk.pump()
    assert desk.model.calls == [[1, 2, 3, 4]]
    shown = desk.client.present()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (newest, G)
    assert float(shown.picture()[0, 0, 0]) == newest + 0.5


def test_while_a_model_thinks_the_newest_states_wait_and_the_rest_is_dropped(desk: Desk) -> None:
    desk.model.between = lambda: [desk.submit() for _ in range(3)] if desk.model.calls == [[1, 2, 3, 4]] else None
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    assert desk.model.calls == [[1, 2, 3, 4], [13, 14, 15, 16]]
    desk.client.present()
    assert [n for n in range(5, 13) if ends(desk.client).get(n) is D] == list(range(5, 13))


def test_plates_are_published_as_they_come(desk: Desk) -> None:
    arrived = []

    def look() -> None:
        desk.client.tick()
        arrived.append([flight.frame_id for flight in desk.client._traffic.recent if flight.finished])

    desk.model.between = look
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    assert arrived == [[], [1], [1, 2], [1, 2, 3]]  # before each was handed over


def test_the_first_plate_of_a_chunk_is_on_the_screen_before_the_last_is_made(desk: Desk) -> None:
    calls: list[int] = []
    shown: list[tuple[Disposition, float]] = []

    def look() -> None:
        calls.append(1)
        picture = desk.client.present() if len(calls) == 2 else None  # while the second of four is made
        if picture is not None:
            shown.append((picture.disposition, float(picture.picture()[0, 0, 0])))

    desk.model.between = look
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    assert shown == [(G, 1.5)]  # the first frame, as it was generated


def test_what_the_next_chunk_builds_on_is_done_when_the_last_plate_is_published(desk: Desk) -> None:
    shown: list[int] = []

    def look() -> None:
        desk.client.tick()
        newest = desk.client.present()
        shown.append(0 if newest is None else newest.frame_id)

    desk.model.after = look
    newest = [desk.submit() for _ in range(CHUNK)][-1]
    desk.pump()
    assert shown == [newest]


def test_a_chunk_that_is_not_full_goes_off_when_nothing_newer_comes(desk: Desk) -> None:
    desk.submit()
    until(lambda: desk.model.calls, desk.loop)
    assert desk.model.calls == [[1]]


@pytest.mark.parametrize(("sync", "expected"), [(SyncMode.LOCKSTEP, 1), (SyncMode.DELAYED, 3)])
def test_an_engine_that_waits_for_plates_does_not_wait_for_a_chunk(sync: SyncMode, expected: int) -> None:
    desk = Desk(sync)
    for _ in range(expected):
        desk.submit()
    desk.pump()
    assert [len(call) for call in desk.model.calls] == [expected]
    desk.close()


def test_a_chunk_never_spans_a_reset(desk: Desk) -> None:
    before = [desk.submit(), desk.submit()]
    desk.pump()
    cut = desk.submit(Reset.CUT)
    for _ in range(CHUNK - 1):
        desk.submit()
    until(lambda: desk.model.calls, desk.loop)
    newest = cut + CHUNK - 1  # the reset is repeated until a plate is there, so the newest frame has it, too
    assert (desk.model.calls, desk.model.first_steps) == ([[newest]], [1])
    desk.client.tick()
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    assert (desk.model.calls[1:], desk.model.first_steps) == ([list(range(newest + 1, newest + 1 + CHUNK))], [1, 2])
    shown = desk.client.present()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (newest + CHUNK, G)
    reasons = {entry.frame_id: entry.reason for entry in desk.client.ledger.history}
    assert [reasons[n] for n in before] == [f"time broke at frame {cut} before its chunk was made"] * 2


def test_a_reset_while_a_chunk_is_made_lets_none_of_it_be_shown(desk: Desk) -> None:
    shown: list[Shown | None] = []

    def cut() -> None:
        if desk.model.calls == [[1, 2, 3, 4]] and not shown:
            desk.submit(Reset.CUT)
            shown.append(desk.client.present())

    desk.model.between = cut
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    for _ in range(6):
        desk.submit()
        shown.append(desk.client.present())
    pictures = [(one.frame_id, one.disposition, float(one.picture()[0, 0, 0])) for one in shown if one is not None]
    assert pictures
    cut_id = CHUNK + 1
    assert all(value == frame_id if kind is P else value - 0.5 >= cut_id for frame_id, kind, value in pictures)
    assert desk.model.calls[1] == [cut_id]


def test_a_model_that_does_not_keep_its_response_window_is_said_to_in_the_status(desk: Desk) -> None:
    (session,) = desk.renderer.sessions
    for took_ms in (950.0, 2000.0):  # of the 900 that it states
        for _ in range(40):
            session._window.add(took_ms)
        status = session.status(RendererState.RUNNING, "")
        assert ("2000 ms and stated 900" in status.text) == (took_ms == 2000.0)
        assert (status.state is RendererState.DEGRADED) == (took_ms == 2000.0)


def test_a_model_that_breaks_costs_the_rest_of_its_chunk_and_no_more(desk: Desk) -> None:
    desk.model.breaks_at = 3
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    desk.model.breaks_at = 0
    assert [error.code for error in desk.client.errors] == ["model_failed"] * 2
    assert "it made fewer plates" in str(desk.client.errors[-1])
    for _ in range(CHUNK):
        desk.submit()
    desk.pump()
    shown = desk.client.present()
    assert shown is not None
    assert (shown.frame_id, shown.disposition) == (8, G)


def test_a_frame_whose_slot_was_taken_costs_its_own_plate_alone() -> None:
    desk = Desk()
    for _ in range(CHUNK):
        desk.submit()
    flight = desk.client._traffic.recent[1]
    assert desk.client._pool is not None
    desk.client._pool.buffers.release(flight.slot.index)
    for _ in range(desk.client._pool.slot_count):  # the engine writes over it
        taken = desk.client._pool.buffers.begin(1000)
        if taken.index == flight.slot.index:
            break
    desk.pump()
    assert [error.code for error in desk.client.errors] == ["ring_corrupt"]
    assert desk.model.calls == [[1, 3, 4]]
    desk.client.close()


def test_late_frames_are_warped_from_the_newest_plate_of_a_chunk(desk: Desk) -> None:
    for _ in range(CHUNK):
        desk.submit()
        desk.client.present()
    desk.pump()
    values = []
    for _ in range(8):
        desk.submit()
        shown = desk.client.present()
        if shown is not None:
            values.append((shown.disposition, float(shown.picture()[0, 0, 0])))
    assert values
    assert set(values[1:]) == {(R, CHUNK + 0.5)}


# What waits, and until when.


def waiting(sync: SyncMode = SyncMode.FREERUN) -> tuple[Session, Callable[..., Asked]]:
    desk = Desk(sync)
    (session,) = desk.renderer.sessions
    desk.client.close()

    def asked(frame_id: int, stream: str = "main", reset: Reset = Reset.NONE) -> Asked:
        frame = Frame(session=session.id, id=frame_id, capture_ns=1, camera=CAMERA, stream=stream, reset=reset)
        return Asked(frame, ())

    return session, asked


def test_streams_gather_apart_and_are_due_when_they_are_full_or_quiet() -> None:
    session, asked = waiting()
    chunks, quiet_ns = Chunks(), round(QUIET_MS * 1e6)
    assert chunks.left_ms(0) == math.inf
    for n in range(CHUNK):
        assert chunks.take_full() is None
        chunks.add(session, asked(n + 1), n)
    chunks.add(session, asked(1, "left"), 10)
    due = chunks.take_full()
    assert due is not None
    assert [one.frame.id for one in due.asked] == [1, 2, 3, 4]
    assert chunks.take_full() is chunks.take_due(10) is None
    assert chunks.left_ms(10) == QUIET_MS
    due = chunks.take_due(10 + quiet_ns)
    assert due is not None
    assert due.asked[0].frame.stream == "left"


def test_after_a_reset_the_newest_frame_goes_off_alone_once_nothing_waits() -> None:
    session, asked = waiting()
    chunks = Chunks()
    assert chunks.add(session, asked(1), 0) == []
    assert [frame.id for frame in chunks.add(session, asked(2, reset=Reset.CUT), 1)] == [1]
    assert [frame.id for frame in chunks.add(session, asked(3, reset=Reset.CUT), 2)] == [2]
    assert (chunks.take_full(), chunks.left_ms(2)) == (None, 0.0)
    due = chunks.take_due(2)
    assert due is not None
    assert [one.frame.id for one in due.asked] == [3]


def test_a_session_that_ends_takes_what_waits_along() -> None:
    session, asked = waiting()
    chunks = Chunks()
    chunks.add(session, asked(1), 0)
    chunks.leave(session)
    assert chunks.take_due(10**12) is None
