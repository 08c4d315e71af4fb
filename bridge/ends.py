"""The two ends of a link, whatever carries it; and the pair that needs nothing to carry it.

The in-memory pair is for an engine and a renderer inside one process: the same bytes, checks and mailbox as over
ZeroMQ (bridge/link.py), and no socket.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Sequence
from typing import Protocol

from bridge import wire
from bridge.errors import ProtocolError
from bridge.intake import Intake
from bridge.mailbox import Arrived
from bridge.schema import AnyMessage, Error, Limits

_log = logging.getLogger(__name__)

Parts = Sequence[memoryview]
Received = tuple[AnyMessage, tuple[memoryview, ...]]

CONTROL_QUEUE = 64  # messages without planes that wait at most
_ENGINE = b"memory"


class RendererEnd(Protocol):
    """The renderer's end of the link. `send` may be called from any thread, `receive` from one."""

    def receive(self, timeout_ms: float) -> Arrived | None:
        """The next message; None when none came in time. A peer whose connection is gone arrives as a BYE of
        `NO_SESSION` (bridge/intake.py)."""

    def keep_frames(self, count: int) -> None:
        """Of each stream the newest `count` frames wait to be received; at first it is one."""

    def send(self, peer: bytes, message: AnyMessage, parts: Parts = ()) -> bool:
        """Never blocks. False: the peer is gone, or does not take what it is sent."""

    def close(self) -> None:
        """Ends the link; a second time does nothing."""


class EngineEnd(Protocol):
    """The engine's end of the link. One thread calls it."""

    @property
    def connected(self) -> bool:
        """Whether the renderer's end is there."""

    @property
    def parts_on_their_way(self) -> bool:
        """Whether planes that were sent may still be read by the link, so that they must not be overwritten."""

    def send(self, message: AnyMessage, parts: Parts = ()) -> bool:
        """Never blocks. False: not connected, or the queue is full."""

    def receive(self, timeout_ms: float = 0.0) -> Received | None:
        """The next message; None when none came in time. What cannot be decoded arrives as an ERROR."""

    def close(self, linger_ms: int = 0) -> None:
        """Ends the link, after at most `linger_ms` for what was sent to leave; a second time does nothing."""


def memory_pair(limits: Limits = Limits()) -> tuple[MemoryEngineEnd, MemoryRendererEnd]:
    """Both ends of a link inside one process."""
    renderer = MemoryRendererEnd(limits)
    return MemoryEngineEnd(renderer, limits), renderer


def received(parts: Parts, limits: Limits) -> Received:
    """A message as the engine gets it. One that cannot be decoded becomes the ERROR that says so."""
    try:
        wire.check_parts(parts, limits)
        return wire.decode(parts[0], limits), tuple(parts[1:])
    except ProtocolError as error:
        _log.warning("A message of the renderer cannot be taken: %s", error)
        return Error(code=error.code, text=error.what[:1024], fix=error.fix[:1024]), ()


class MemoryRendererEnd:
    """The renderer's end of an in-memory pair."""

    def __init__(self, limits: Limits) -> None:
        self.intake = Intake(limits, self.send)
        self.to_engine: queue.Queue[list[memoryview]] = queue.Queue(CONTROL_QUEUE)
        self.closed = False

    def receive(self, timeout_ms: float) -> Arrived | None:
        return self.intake.mailbox.take(timeout_ms / 1000)

    def keep_frames(self, count: int) -> None:
        self.intake.mailbox.keep_frames = count

    def send(self, peer: bytes, message: AnyMessage, parts: Parts = ()) -> bool:
        if self.closed or peer not in self.intake.peers:
            return False
        with contextlib.suppress(queue.Full):
            self.to_engine.put_nowait(_carried(message, parts))
            return True
        return False

    def close(self) -> None:
        self.closed = True
        self.intake.mailbox.close()


class MemoryEngineEnd:
    """The engine's end of an in-memory pair."""

    def __init__(self, renderer: MemoryRendererEnd, limits: Limits) -> None:
        self._renderer = renderer
        self._limits = limits
        self._closed = False

    @property
    def connected(self) -> bool:
        return not (self._closed or self._renderer.closed)

    @property
    def parts_on_their_way(self) -> bool:
        return False  # `send` copies them, as a socket would

    def send(self, message: AnyMessage, parts: Parts = ()) -> bool:
        if not self.connected:
            return False
        self._renderer.intake.take_in(_ENGINE, _carried(message, parts))
        return True

    def receive(self, timeout_ms: float = 0.0) -> Received | None:
        with contextlib.suppress(queue.Empty):
            waits = timeout_ms > 0 and self.connected
            return received(self._renderer.to_engine.get(waits, timeout_ms / 1000 if waits else None), self._limits)
        return None

    def close(self, linger_ms: int = 0) -> None:
        if not self._closed:
            self._closed = True
            self._renderer.intake.gone(_ENGINE)


def _carried(message: AnyMessage, parts: Parts) -> list[memoryview]:
    return [memoryview(wire.encode(message)), *(memoryview(bytes(part)) for part in parts)]
