"""What is shown in place of a plate that is not there in time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.flight import Flight
from bridge.reproject import reproject
from bridge.schema import Disposition, LatePolicy, PlaneName

FADE_FRAMES = 8  # late frames in a row until `fade` shows the engine's own picture


class Substitute(NamedTuple):
    """A picture for a late frame; `plate` None is the engine's own."""

    disposition: Disposition
    plate: NDArray[Any] | None  # float16 [H, W, 4], straight alpha
    reason: str
    oldest_capture_ns: int  # of the engine states that the picture is made of


class LateFrames:
    """The late policy of one stream, and the newest plate, which it warps. The plate's slot is held meanwhile."""

    def __init__(self, policy: LatePolicy) -> None:
        self.policy = policy
        self.source: Flight | None = None
        self._late = 0  # frames since the source came

    def remember(self, flight: Flight) -> None:
        """The newest plate there is."""
        if flight.plate and (self.source is None or flight.frame_id > self.source.frame_id):
            self.source, self._late = flight, 0

    def forget(self) -> None:
        """A reset: nothing from before it may be shown after it."""
        self.source, self._late = None, 0

    def may_hold(self, target: Flight, shown_epoch: int) -> bool:
        """Whether the policy is to let the picture stay, and it is from the same side of every reset."""
        return self.policy is LatePolicy.HOLD and shown_epoch == target.epoch

    def substitute(self, target: Flight, why: str) -> Substitute:
        """The picture for a late frame, when it is not held."""
        passed = Substitute(Disposition.PASSTHROUGH, None, why, target.capture_ns)
        if self.policy not in (LatePolicy.REPROJECT, LatePolicy.FADE):
            return passed
        source, view = self.source, target.view()
        if source is None or source.epoch != target.epoch:
            return passed._replace(reason=f"{why}; no plate since the last reset to reproject")
        seen = source.view()
        if view is None or seen is None:
            return passed._replace(reason=f"{why}; without a depth plane nothing can be reprojected")
        self._late += 1
        strength = 1.0 if self.policy is LatePolicy.REPROJECT else 1.0 - self._late / FADE_FRAMES
        if strength <= 0.0:
            return passed._replace(reason=f"{why}; faded out")
        plate = reproject(seen, source.plate[PlaneName.PLATE], view)
        if not source.plate_whole:
            return passed._replace(reason=f"{why}; the plate to reproject was overwritten")
        plate[..., 3] *= np.float16(strength)
        return Substitute(Disposition.REPROJECTED, plate, why, min(source.capture_ns, target.capture_ns))
