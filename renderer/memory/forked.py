"""The long memory of a fork: a process of its own that goes on from what the memory it was forked from held then."""

from __future__ import annotations

from concurrent.futures import Future

from renderer.memory.notes import Packed
from renderer.memory.world import WorldMemory, log


class ForkedMemory(WorldMemory):
    """A twin of `origin` as it is now, under the same terms: what either is shown from here on the other never sees.

    What the origin holds is handed over in shared memory, by its process when that is next free and before it takes in
    anything new. Until it is loaded, for as long as a snapshot takes, the twin is not free for a view; one that is due
    meanwhile counts as missed. Its process may hold as much again as the origin's. `close` ends it; the origin may be
    closed before.
    """

    def __init__(self, origin: WorldMemory) -> None:
        super().__init__(origin.budget_mb, patient=origin.patient)
        self._origin = origin
        self._coming: Future[Packed] | None = origin.ask("world")

    def clear(self) -> None:
        """Forget everything, also what is still to come."""
        self._coming = None
        super().clear()

    def _behind(self) -> bool:
        return self._coming is not None or super()._behind()

    def _wait(self) -> None:
        if self._coming is None:
            super()._wait()
        else:
            self._origin._wait()

    def _serve_wanted(self) -> bool:
        return self._has_come() and super()._serve_wanted()

    def _has_come(self) -> bool:
        if self._coming is None:
            return True
        self._origin.tick()
        if not self._coming.done():
            return False
        if (error := self._coming.exception()) is not None:
            log.warning("the long memory of a fork begins empty, as that of its origin was lost: %s", error)
        else:
            self._checkpoint, self._must_load = self._coming.result(), True
        self._coming = None
        return True
