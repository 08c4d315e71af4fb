"""Looks on at the first engine that joins, and keeps its frames as shots."""

from __future__ import annotations

import threading
import time

from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Frame, Hello, Result
from renderer.conformance.shot import Shot, shot_of
from renderer.frame import RenderFrame
from renderer.session import Session


class Watch:
    """A Tap. Sets `enough` when it has its frames or the engine has left; to be read after the renderer's loop ended.

    One stream of one session: the first of each. An engine that leaves with fewer frames than can be judged is
    forgotten: many open a session, learn the size of their window, and open another. What planes are kept is copied on
    the loop's thread, thinned out to a fixed size, so it costs the engine the same at any resolution.
    """

    def __init__(self, least: int, frames: int, enough: threading.Event) -> None:
        self.hello: Hello | None = None
        self.shots: list[Shot] = []
        self.failures: dict[str, int] = {}  # what frames were refused for, and how many
        self._least, self._frames = least, frames
        self._enough = enough
        self._session: Session | None = None
        self._stream = ""

    def joined(self, session: Session, hello: Hello) -> None:
        if self._session is None:
            self._session, self.hello = session, hello

    def told(self, session: Session, message: AnyMessage) -> None:
        """Controls and world operations are nothing that the kit judges."""

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        self._stream = self._stream or frame.header.stream
        if session is not self._session or frame.header.stream != self._stream or self._enough.is_set():
            return
        self.shots.append(shot_of(frame.header, frame.planes, time.monotonic_ns()))
        if len(self.shots) >= self._frames:
            self._enough.set()

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        if session is self._session:
            told = str(error)
            self.failures[told] = self.failures.get(told, 0) + 1

    def left(self, session: Session) -> None:
        if session is not self._session:
            return
        if len(self.shots) >= self._least:
            self._enough.set()
        elif not self._enough.is_set():
            self.shots.clear()
            self._session, self._stream = None, ""

    def close(self) -> None:
        """Nothing is held but the shots, which are the reader's."""
