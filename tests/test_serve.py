"""The renderer's loop, in this process: who may look on, who may ask, and that neither can stop the show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scripted_renderer import CAMERA, PLANES, color_value

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Disposition, Frame, Hello, Limits, PlaneName, Result, SyncMode, Transport
from bridge.shown import Shown
from renderer.frame import RenderFrame
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer
from renderer.session import Session


class Notes:
    """A tap that writes down what it sees, and breaks where it is told to."""

    def __init__(self, breaks_at: str = "") -> None:
        self.seen: list[str] = []
        self.colors: list[float] = []
        self._breaks_at = breaks_at

    def _note(self, what: str) -> None:
        self.seen.append(what)
        if what == self._breaks_at:
            raise OSError("no space left on the disk")

    def joined(self, session: Session, hello: Hello) -> None:
        self._note("joined")

    def told(self, session: Session, message: AnyMessage) -> None:
        self._note(f"told {type(message).__name__}")

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        self.colors.append(float(np.asarray(frame.plate)[0, 0, 0]))
        self._note("made")

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        self._note(f"failed {error.code}")

    def left(self, session: Session) -> None:
        self._note("left")

    def close(self) -> None:
        self._note("close")


class House:
    """A renderer's loop on a thread of its own, and an engine that is attached to it."""

    def __init__(self, *taps: Notes, model: Any = None) -> None:
        engine_end, renderer_end = memory_pair()
        self.renderer = Renderer(renderer_end, model or Passthrough(), "", Limits(), taps)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.renderer.run, args=(self.stop,))
        self.thread.start()
        self.client = Client(8, 4, PLANES, sync=SyncMode.OFFLINE, transports=(Transport.INLINE,), connection=engine_end)
        self.client.connect()

    def show(self) -> Shown:
        slot = self.client.begin()
        slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
        slot.inputs[PlaneName.DEPTH][...] = 3.0
        slot.inputs[PlaneName.OBJECT][...] = 1
        self.client.submit(slot, CAMERA)
        shown = self.client.present()
        assert shown is not None
        return shown

    def close(self) -> None:
        self.client.close()
        self.stop.set()
        self.thread.join(10.0)
        assert not self.thread.is_alive()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def house(notes: Notes) -> Iterator[House]:
    opened = House(notes)
    yield opened
    opened.close()


def test_a_tap_sees_a_session_from_its_first_word_to_its_last(house: House, notes: Notes) -> None:
    assert house.show().disposition is Disposition.GENERATED
    house.client.set_controls({}, engine_labels=(3,))
    house.show()
    house.client.reset()
    house.show()
    house.close()
    assert notes.seen == ["joined", "made", "told SetControls", "made", "told World", "made", "left", "close"]
    assert notes.colors == [1.0, 2.0, 3.0]


def test_a_tap_is_told_why_a_frame_gets_no_plate(notes: Notes) -> None:
    class Broken(Passthrough):
        def step(self, *_: object) -> None:
            raise RuntimeError("it is broken")

    house = House(notes, model=Broken())
    assert house.show().disposition is Disposition.PASSTHROUGH
    house.close()
    assert notes.seen == ["joined", "failed model_failed", "left", "close"]


def test_a_tap_that_breaks_is_taken_off_and_the_show_goes_on() -> None:
    breaks, lasts = Notes(breaks_at="made"), Notes()
    house = House(breaks, lasts)
    assert [house.show().disposition for _ in range(3)] == [Disposition.GENERATED] * 3
    house.close()
    assert (breaks.seen, lasts.seen) == (["joined", "made"], ["joined", "made", "made", "made", "left", "close"])


def test_another_thread_may_ask_the_loop(house: House) -> None:
    names = house.renderer.ask(lambda renderer: [session.name for session in renderer.sessions]).result(5.0)
    assert names == ["worldplate python client"]
    assert house.renderer.ask(lambda _: threading.current_thread()).result(5.0) is house.thread


def test_a_question_that_breaks_is_answered_with_its_error_and_the_show_goes_on(house: House) -> None:
    with pytest.raises(ZeroDivisionError):
        house.renderer.ask(lambda _: 1 // 0).result(5.0)
    assert house.show().disposition is Disposition.GENERATED
