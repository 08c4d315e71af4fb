"""Whether a model on the GPU keeps up with its engine."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from renderer.cuda import Gpu, Mark

PATIENCE_FRAMES = 2  # that come while a plate is made, until its model counts as slow
QUICK_PLATES = 8  # in a row that were there with the next frame, until it counts so no more


class _Plate(NamedTuple):
    """One that was begun."""

    stream: str
    whole: Mark
    made: Mark

    def close(self) -> None:
        self.whole.close()
        self.made.close()


class Pace:
    """Whether the model keeps up with the engine. Owns marks until they have passed, or until `close`."""

    def __init__(self, *, slow: bool) -> None:
        self.slow = slow
        self._pending: deque[_Plate] = deque()
        self._waited = self._quick = 0

    @property
    def idle(self) -> bool:
        """Whether every plate that was begun is made, as of the last frame that came."""
        return not self._pending

    def began(self, stream: str, whole: Mark, made: Mark) -> None:
        """A plate: the marks say that its planes are whole, and that it is made."""
        self._pending.append(_Plate(stream, whole, made))

    def frame_came(self, stream: str) -> None:
        """Looks how far the GPU is. Raises DeviceFailed. Frames of other streams come beside it, and say nothing of how
        long a plate takes."""
        made = 0
        while self._pending and self._pending[0].made.passed():
            self._pending.popleft().close()
            made += 1
        if made:
            self._quick, self._waited = self._quick + 1 if made == 1 and self._waited == 0 else 0, 0
        first = self._pending[0] if self._pending else None
        if first is not None and first.stream == stream and first.whole.passed():
            self._waited += 1
        if self._waited >= PATIENCE_FRAMES:
            self.slow, self._quick = True, 0
        elif self._quick >= QUICK_PLATES:
            self.slow = False

    def join(self, gpu: Gpu) -> None:
        """The first queue waits for what is still being made."""
        for plate in self._pending:
            gpu.join(plate.made)

    def close(self) -> None:
        """Lets go of marks that have not passed. A second time does nothing."""
        while self._pending:
            self._pending.popleft().close()
