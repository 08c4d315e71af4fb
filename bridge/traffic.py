"""The frames whose slots are taken: on their way, late, shown, or kept to be warped; and when a slot is free again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from bridge.ends import Received
from bridge.errors import ProtocolError, RingFull, WorldplateError
from bridge.flight import Flight, Pool
from bridge.late import LateFrames
from bridge.ledger import Ledger
from bridge.planes import Slot
from bridge.schema import Disposition, Error, Result


class Traffic:
    """A slot is free again when its frame has its disposition, nobody writes a plate into it any more, and it is
    neither on the screen nor the newest plate, before late frames have taken out of it what they need."""

    def __init__(self, ledger: Ledger, late: LateFrames, recent: int, note: Callable[[WorldplateError], None]) -> None:
        """Keeps the last `recent` frames to choose from; tells `note` of results that cannot be taken."""
        self.recent: deque[Flight] = deque(maxlen=recent)  # the last submitted, whatever became of them
        self.shown: Flight | None = None  # until the next frame is begun
        self.waiting_since_ns: int | None = None  # how long the renderer has answered nothing; None: nothing to answer
        self._ledger = ledger
        self._late = late
        self._note = note
        self._flights: dict[int, Flight] = {}
        self._retired: list[Pool] = []  # of renderers that are gone, while their pixels are still needed

    def begin(self, pool: Pool, frame_id: int) -> Slot:
        """A slot to write, taken from another frame when there is no free one. From the frame that will be missed
        least: one that gets no plate, else one that is decided, else the oldest, else the plate that is kept for late
        frames. A renderer that is still at it notices by the slot's sequence lock."""
        self.shown = None  # its views were good until now
        self.tidy()
        try:
            return pool.begin(frame_id)
        except RingFull:
            taken = [flight for flight in self._flights.values() if flight.pool is pool]
            victim = min(taken, key=self._worth)
            self._late.lose(victim)
            self.drop(victim, "its slot was needed for a newer frame")
            self._free(victim)
            return pool.begin(frame_id)

    def _worth(self, flight: Flight) -> tuple[bool, bool, bool, int]:
        """What rises with how much the slot is missed."""
        return self._late.holds(flight), not flight.lost, not flight.resolved, flight.frame_id

    def is_full(self, pool: Pool) -> bool:
        """Whether `begin` would have to take another frame's slot."""
        self.tidy()
        return sum(flight.pool is pool for flight in self._flights.values()) >= pool.slot_count

    def add(self, flight: Flight) -> None:
        self._ledger.submit(flight.frame_id)
        self._flights[flight.frame_id] = flight
        self.recent.append(flight)

    def sent(self, flight: Flight) -> None:
        if self.waiting_since_ns is None:
            self.waiting_since_ns = flight.submitted_ns

    def answer(self, received: Received) -> Flight | None:
        """Takes in what became of a frame in the renderer; returns the frame when its plate has come."""
        message, parts = received
        if not isinstance(message, Result | Error):
            return None
        flight = self._flights.get(message.id if isinstance(message, Result) else message.frame_id)
        if flight is None:
            return None
        if isinstance(message, Error):
            flight.lost = f"{message.code}: {message.text}"
        else:
            self._take_result(flight, message, parts)
        waiting = any(not other.answered for other in self._flights.values())
        self.waiting_since_ns = time.monotonic_ns() if waiting else None
        return flight if flight.plate else None

    def leave(self, pool: Pool, reason: str) -> None:
        """The renderer of these slots is gone."""
        for flight in self._flights.values():
            if flight.pool is pool and not flight.answered:
                flight.lost = reason
        self.waiting_since_ns = None
        self._retired.append(pool)
        self.tidy()

    def drop(self, flight: Flight, reason: str) -> None:
        """It will not be shown, unless it was decided before."""
        if not flight.resolved:
            self._ledger.drop(flight.frame_id, reason)
            flight.resolved = True

    def drop_before(self, frame_id: int, reason: str, *, only_lost: bool = False) -> None:
        """Drops what is older; what is lost for the reason that it was lost for."""
        for flight in self._flights.values():
            if flight.frame_id < frame_id and (flight.lost or not only_lost):
                self.drop(flight, flight.lost or reason)

    def drop_all(self, reason: str) -> None:
        for flight in self._flights.values():
            self.drop(flight, reason)

    def tidy(self) -> None:
        """Frees the slots that can be, and the buffers of dead renderers without any."""
        for flight in list(self._flights.values()):
            if flight.resolved and flight.answered and not self._late.holds(flight) and flight is not self.shown:
                self._free(flight)
        needed = {id(flight.pool) for flight in self._flights.values()}
        for pool in [pool for pool in self._retired if id(pool) not in needed]:
            self._retired.remove(pool)
            pool.buffers.close()

    def close(self) -> None:
        """Every frame must have its disposition; all views become invalid."""
        self.shown = None
        self._late.forget()
        self._flights.clear()
        self.tidy()

    def _free(self, flight: Flight) -> None:
        flight.release()
        del self._flights[flight.frame_id]

    def _take_result(self, flight: Flight, result: Result, parts: tuple[memoryview, ...]) -> None:
        if result.disposition is Disposition.PASSTHROUGH:
            flight.result = result
        elif result.disposition not in (Disposition.GENERATED, Disposition.REPROJECTED):
            flight.lost = result.reason or f"the renderer {result.disposition} it"
        else:
            buffers = flight.pool.buffers
            try:
                buffers.accept(result, parts)
            except ProtocolError as error:
                self._note(error)
                flight.lost = f"{error.code}: {error.what}"
                return
            plate = buffers.plate(flight.slot.index, flight.frame_id)
            if plate is None:
                flight.lost = "the plate was overwritten"
            else:
                flight.result, flight.plate = result, plate
                # Of a plate that the renderer has warped only its age is told, which is that of the oldest it shows.
                warped_ns = time.monotonic_ns() - round(result.age_ms * 1e6)
                is_warped = result.disposition is Disposition.REPROJECTED
                flight.oldest_capture_ns = min(flight.capture_ns, warped_ns) if is_warped else flight.capture_ns
