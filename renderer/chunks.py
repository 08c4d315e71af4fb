"""Frames that wait for a model that makes several plates in one call.

Of each stream the newest `chunk_frames` states wait: in the link while the model thinks (bridge/mailbox.py), here
until there are enough of them. A chunk goes off with fewer when the engine waits for each plate (lockstep, offline),
when no newer frame has come for QUIET_MS, and after a reset. Frames from before a reset are given up, because nothing
made of them may be shown; the first chunk after it is the newest frame alone: its plate is there soonest, and it ends
the reset, which the engine says with every frame until it sees one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from bridge.schema import Frame, Limits, Reset, SyncMode
from renderer.models import ModelCard
from renderer.session import Session

QUIET_MS = 100.0
MOST_SLOTS = 64  # that PLANES can offer


def limits_for(limits: Limits, card: ModelCard) -> Limits:
    """Those of a renderer that serves this model: with slots for a chunk in its hands while another waits. What they
    may hold, `max_shared_bytes`, stays as it is."""
    slots = min(MOST_SLOTS, limits.max_slots + 2 * (card.chunk_frames - 1))
    return msgspec.structs.replace(limits, max_slots=max(limits.max_slots, slots))


def longest(sessions: Iterable[Session]) -> int:
    """How many frames of a stream are to wait in the link for the longest chunk that any of them has made."""
    return max([1, *(session.welcome.chunk_frames for session in sessions)])


class Asked(NamedTuple):
    """A frame as it came, with the planes that came along (inline transport)."""

    frame: Frame
    parts: tuple[memoryview, ...]


@dataclass
class Chunk:
    """Frames of one stream, oldest first."""

    session: Session
    asked: list[Asked] = field(default_factory=list)
    newest_ns: int = 0  # when the last of them came

    @property
    def _wanted(self) -> int:
        """How many frames of this session there can be at once."""
        welcome = self.session.welcome
        at_once = {SyncMode.LOCKSTEP: 1, SyncMode.OFFLINE: 1, SyncMode.DELAYED: welcome.delay_frames + 1}
        return min(welcome.chunk_frames, at_once.get(welcome.sync, welcome.chunk_frames))

    @property
    def is_full(self) -> bool:
        return len(self.asked) >= self._wanted and not self._is_after_reset

    @property
    def _is_after_reset(self) -> bool:
        return self.asked[0].frame.reset is not Reset.NONE

    def due_ns(self) -> int:
        """When it goes off, should nothing wait in the link."""
        return self.newest_ns if self._is_after_reset else self.newest_ns + round(QUIET_MS * 1e6)


class Chunks:
    """The chunks that are being gathered. Used from the render loop's thread alone."""

    def __init__(self) -> None:
        self._gathered: dict[tuple[str, str], Chunk] = {}

    def add(self, session: Session, asked: Asked, now_ns: int) -> list[Frame]:
        """Has a frame wait; returns those that are given up, because time broke between them and it."""
        chunk = self._gathered.setdefault((session.id, asked.frame.stream), Chunk(session))
        given_up: list[Frame] = []
        if asked.frame.reset is not Reset.NONE:
            given_up = [before.frame for before in chunk.asked]
            chunk.asked.clear()
        chunk.asked.append(asked)
        chunk.newest_ns = now_ns
        return given_up

    def take_full(self) -> Chunk | None:
        """One that is not to wait for more."""
        return self._take(lambda chunk: chunk.is_full)

    def take_due(self, now_ns: int) -> Chunk | None:
        """One that goes off now, since nothing waits in the link."""
        return self._take(lambda chunk: chunk.due_ns() <= now_ns)

    def take_any(self) -> Chunk | None:
        """One that waits, whether it is due or not: there will be no more for it."""
        return self._take(lambda _: True)

    def left_ms(self, now_ns: int) -> float:
        """Until the next goes off; inf when none waits."""
        return min((max(0, chunk.due_ns() - now_ns) / 1e6 for chunk in self._gathered.values()), default=math.inf)

    def leave(self, session: Session) -> None:
        """The session is over, and with it whatever waits."""
        self._gathered = {key: chunk for key, chunk in self._gathered.items() if chunk.session is not session}

    def _take(self, wanted: Callable[[Chunk], bool]) -> Chunk | None:
        key = next((key for key, chunk in self._gathered.items() if wanted(chunk)), None)
        return self._gathered.pop(key) if key is not None else None
