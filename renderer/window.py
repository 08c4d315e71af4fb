"""Whether a model keeps the response window that it stated before it was loaded."""

from __future__ import annotations

import statistics
from collections import deque

LOOK_BACK, AT_LEAST = 16, 4  # answers
SLACK = 1.25  # over what was stated, before it is said to be wrong


class Window:
    """Of one model in one session. An engine waits for thrice the stated window, so a model that is somewhat slower
    still shows; whoever chose it by that figure is told."""

    def __init__(self, stated_ms: float) -> None:
        """0 is a model that states none, and cannot break it."""
        self._stated_ms = stated_ms
        self._took_ms: deque[float] = deque(maxlen=LOOK_BACK)

    def add(self, took_ms: float) -> None:
        """How long an answer took: of a chunk, all of its plates."""
        self._took_ms.append(took_ms)

    @property
    def problem(self) -> str:
        """For people; "" while the window is kept."""
        if not self._stated_ms or len(self._took_ms) < AT_LEAST:
            return ""
        usual_ms = statistics.median(self._took_ms)
        if usual_ms <= self._stated_ms * SLACK:
            return ""
        return (
            f"The model answers in {usual_ms:.0f} ms and stated {self._stated_ms:.0f}: run `worldplate models check`"
            " on this machine"
        )
