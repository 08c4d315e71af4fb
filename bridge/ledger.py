"""The account of an engine's frames: every submitted id gets exactly one disposition, and shown ids only increase."""

from __future__ import annotations

from collections import Counter, deque
from typing import NamedTuple

from bridge.errors import OutOfOrder
from bridge.schema import Disposition

HISTORY = 4096  # entries that are kept to look at; the counts are of all


class Entry(NamedTuple):
    """What became of a frame, and why."""

    frame_id: int
    disposition: Disposition
    reason: str  # empty for `generated`


class Ledger:
    """Counts the frames of one client, and refuses what must not happen. Raises OutOfOrder for it."""

    def __init__(self) -> None:
        self.counts: Counter[Disposition] = Counter()
        self.history: deque[Entry] = deque(maxlen=HISTORY)
        self.repeated = 0  # ticks at which nothing new was shown
        self.last_shown_id = 0
        self._last_id = 0
        self._open: set[int] = set()

    @property
    def open_ids(self) -> frozenset[int]:
        """Submitted frames without a disposition yet."""
        return frozenset(self._open)

    def submit(self, frame_id: int) -> None:
        if frame_id <= self._last_id:
            raise OutOfOrder(f"Frame {frame_id} was submitted after frame {self._last_id}", fix="Count ids up.")
        self._last_id = frame_id
        self._open.add(frame_id)

    def show(self, frame_id: int, disposition: Disposition, reason: str = "") -> None:
        """The frame is on the screen, as this."""
        if frame_id <= self.last_shown_id:
            raise OutOfOrder(f"Frame {frame_id} was shown after frame {self.last_shown_id}", fix="Show newer frames.")
        self._close(frame_id, disposition, reason)
        self.last_shown_id = frame_id

    def drop(self, frame_id: int, reason: str) -> None:
        """The frame will not be shown."""
        self._close(frame_id, Disposition.DROPPED, reason)

    def correct(self, disposition: Disposition, reason: str) -> None:
        """What is on the screen turned out to be something else: the last shown frame's entry is replaced."""
        index, entry = next(
            (-n, e) for n, e in enumerate(reversed(self.history), 1) if e.frame_id == self.last_shown_id
        )
        self.counts[entry.disposition] -= 1
        self.counts[disposition] += 1
        self.history[index] = Entry(entry.frame_id, disposition, reason)

    def repeat(self) -> None:
        """A tick passed, and the picture of the tick before stays."""
        self.repeated += 1

    def _close(self, frame_id: int, disposition: Disposition, reason: str) -> None:
        if frame_id not in self._open:
            raise OutOfOrder(
                f"Frame {frame_id} became {disposition}, but it is not open", fix="Give each submitted frame one end."
            )
        self._open.remove(frame_id)
        self.counts[disposition] += 1
        self.history.append(Entry(frame_id, disposition, reason))
