"""Looks on at the engines that join, and keeps their frames as shots."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Frame, Hello, Result
from renderer.conformance.shot import Shot, shot_of
from renderer.frame import RenderFrame
from renderer.session import Session


@dataclass
class Watched:
    """What an engine has sent in one session: of its first stream."""

    hello: Hello | None = None
    stream: str = ""
    shots: list[Shot] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)  # what frames were refused for, and how many


class Watch:
    """A Tap. Sets `enough` when a session has its frames, or has left with as many as can be judged; to be read after
    the renderer's loop ended.

    Each session is watched by itself, and one that leaves with fewer is forgotten: many engines open a session, learn
    the size of their window, and open another, sometimes before the first is known to be gone. What planes are kept is
    copied on the loop's thread, thinned out to a fixed size, so it costs the engine the same at any resolution.
    """

    def __init__(self, least: int, frames: int, enough: threading.Event) -> None:
        self._least, self._frames = least, frames
        self._enough = enough
        self._sessions: dict[Session, Watched] = {}
        self._chosen: Watched | None = None
        self._forgotten = Watched()

    @property
    def judged(self) -> Watched:
        """The session that had enough; where none has, that of the most frames; where none is left, the last one's
        refused frames."""
        if self._chosen is not None:
            return self._chosen
        return max(self._sessions.values(), key=lambda watched: len(watched.shots), default=self._forgotten)

    def joined(self, session: Session, hello: Hello) -> None:
        self._sessions[session] = Watched(hello)

    def told(self, session: Session, message: AnyMessage) -> None:
        """Controls and world operations are nothing that the kit judges."""

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        watched = self._sessions[session]
        watched.stream = watched.stream or frame.header.stream
        if frame.header.stream != watched.stream or self._enough.is_set():
            return
        watched.shots.append(shot_of(frame.header, frame.planes, time.monotonic_ns()))
        if len(watched.shots) >= self._frames:
            self._choose(watched)

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        failures, told = self._sessions[session].failures, str(error)
        failures[told] = failures.get(told, 0) + 1

    def left(self, session: Session) -> None:
        if self._enough.is_set():
            return
        watched = self._sessions.pop(session)
        if len(watched.shots) >= self._least:
            self._choose(watched)
        else:
            self._forgotten = Watched(watched.hello, failures=watched.failures)

    def close(self) -> None:
        """Nothing is held but the shots, which are the reader's."""

    def _choose(self, watched: Watched) -> None:
        self._chosen = watched
        self._enough.set()
