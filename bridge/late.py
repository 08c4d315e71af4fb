"""What is shown in place of a plate that is not there in time, and how the picture comes back when one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.flight import Flight
from bridge.reproject import Source, View, Warped, close_rims, compiled, halved, lay, nothing_known, source_of
from bridge.schema import Disposition, LatePolicy, PlaneName

FADE_FRAMES = 8  # late frames in a row until `fade` shows the engine's own picture
FADE_BACK_FRAMES = 6  # after late frames, until a new plate has replaced the one before: a tenth of a second
STALE_MS = 2000.0
# Plates that late frames are warped from. Of a courtyard's walk at two plates a second one leaves 27.1 % of the pixels
# to the engine, two 24.9, three 23.5, four 22.3, with each half a second more of frame age.
KEPT = 3
LEAST_TRUST = 0.01  # what was seen is known better than what was not
_WARPS = (LatePolicy.REPROJECT, LatePolicy.FADE)


class Substitute(NamedTuple):
    """A picture for a frame; `plate` None is the engine's own."""

    disposition: Disposition
    plate: NDArray[Any] | None  # float16 [H, W, 4], straight alpha
    reason: str
    oldest_capture_ns: int  # of the engine states that the picture is made of
    confidence: NDArray[np.float32] | None = None  # [H, W], 0..1; None: as the disposition says


@dataclass
class _Kept:
    """A plate to warp: in its frame's slot until it is needed for the first time, then in memory of its own."""

    frame_id: int
    epoch: int
    capture_ns: int
    flight: Flight | None
    source: Source | None = None


class LateFrames:
    """The late policy of one stream, and the newest plates, which it warps. The slot of the newest is held until it
    is warped for the first time; then what is needed of it is copied out once, and counted."""

    def __init__(self, policy: LatePolicy, stale_ms: float = STALE_MS, *, fades_back: bool = True) -> None:
        """A plate whose engine state is more than `stale_ms` older than the frame's is not warped any more, and its
        matte goes to 0 over the last quarter of that time. Compiles what warps, or loads it from the disk."""
        self.policy = policy
        self._stale_ms = stale_ms
        self._fades_back = fades_back and policy is LatePolicy.REPROJECT
        self._kept: list[_Kept] = []  # newest first
        self._late = 0  # frames since the newest came
        self._fade = Fade(0, 0)
        if policy in _WARPS:
            compiled()

    def holds(self, flight: Flight) -> bool:
        """Whether the plate in its slot is still needed."""
        return any(kept.flight is flight for kept in self._kept)

    def lose(self, flight: Flight) -> None:
        """Its slot goes to a newer frame."""
        self._kept = [kept for kept in self._kept if kept.flight is not flight]

    def remember(self, flight: Flight) -> None:
        """The newest plate there is."""
        newest = self._kept[0] if self._kept else None
        if self.policy not in _WARPS or not flight.plate or (newest and flight.frame_id <= newest.frame_id):
            return
        if newest is not None and newest.epoch != flight.epoch:
            self.forget()
        elif newest is not None and self._fades_back and self._late > 1 and not self._fade.left:
            is_stale = _ms(newest.capture_ns, flight) > self._stale_ms
            self._fade = Fade(0 if is_stale else newest.frame_id, min(FADE_BACK_FRAMES, self._late - 1))
        used = [kept for kept in self._kept if kept.source is not None]
        self._kept = [_Kept(flight.frame_id, flight.epoch, flight.capture_ns, flight), *used][:KEPT]
        self._late = 0

    def forget(self) -> None:
        """A reset: nothing from before it may be shown after it."""
        self._kept, self._late, self._fade = [], 0, Fade(0, 0)

    def may_hold(self, target: Flight, shown_epoch: int) -> bool:
        """Whether the policy is to let the picture stay, and it is from the same side of every reset."""
        return self.policy is LatePolicy.HOLD and shown_epoch == target.epoch

    def finished(self, target: Flight) -> Substitute | None:
        """The picture of a frame whose plate is there: the plate, or after late frames a few mixtures with the one
        before, so that nothing pops. None when it was overwritten meanwhile."""
        self.remember(target)
        plate, view = target.plate[PlaneName.PLATE], target.view()
        made = target.result
        assert made is not None  # it has a plate, which the renderer may have warped
        why = "" if made.disposition is Disposition.GENERATED else made.reason
        whole = Substitute(made.disposition, plate, why, target.oldest_capture_ns)
        if not self._fade.left or view is None:
            return whole if target.plate_whole else None
        warped = Warped(plate.astype(np.float32), np.ones(plate.shape[:2], np.float32))
        if not target.plate_whole:
            return None
        before = [kept for kept in self._kept if kept.frame_id == self._fade.from_id]
        why = f"fading from the plate of frame {self._fade.from_id}" if before else "fading from the engine's picture"
        return self._mixed(target, view, before, warped, why) or whole

    def substitute(self, target: Flight, why: str) -> Substitute:
        """The picture for a late frame, when it is not held."""
        passed = Substitute(Disposition.PASSTHROUGH, None, why, target.capture_ns)
        if self.policy not in _WARPS:
            return passed
        kept, view = [kept for kept in self._kept if kept.epoch == target.epoch], target.view()
        if not kept:
            return passed._replace(reason=f"{why}; no plate since the last reset to reproject")
        if view is None:
            lacks = "what lies on the GPU is not" if target.slot.on_device else "without a depth plane nothing can be"
            return passed._replace(reason=f"{why}; {lacks} reprojected")
        self._late += 1
        age_ms = _ms(kept[0].capture_ns, target)
        if age_ms > self._stale_ms:
            return passed._replace(reason=f"{why}; the last plate is of {age_ms:.0f} ms ago, over stale_ms")
        strength = strength_of(self.policy, age_ms, self._stale_ms, self._late)
        if strength <= 0.0:
            return passed._replace(reason=f"{why}; faded out")
        fresh = [each for each in kept if _ms(each.capture_ns, target) <= self._stale_ms]
        found = self._mixed(target, view, fresh, nothing_known(*view.depth_m.shape), why, strength)
        return found or passed._replace(reason=f"{why}; the plate to reproject was overwritten")

    def _mixed(
        self, target: Flight, view: View, kept: list[_Kept], warped: Warped, why: str, strength: float = 1.0
    ) -> Substitute | None:
        """What the kept plates know, laid onto what is known; None when none of those that were kept is whole."""
        share, oldest_ns, whole = self._fade.step(), target.capture_ns, 0
        for each in kept:
            source = self._source(each)
            if source is None:
                continue
            whole += 1
            trust = trust_of(_ms(each.capture_ns, target), self._stale_ms)
            part = share if each.frame_id == self._fade.from_id else 0.0
            if lay(source, view, warped, share=part, trust=trust):
                oldest_ns = min(oldest_ns, each.capture_ns)
        if kept and not whole:
            return None
        close_rims(warped, view)
        if share and not any(each.frame_id == self._fade.from_id for each in kept):
            strength *= 1 - share  # it was the engine's own picture that was shown before
        plate = halved(warped.plate)
        plate[..., 3] *= np.float16(strength)
        return Substitute(Disposition.REPROJECTED, plate, why, oldest_ns, warped.confidence)

    def _source(self, kept: _Kept) -> Source | None:
        """Out of the frame's slot, which is free afterwards. None, and it is forgotten, when it was overwritten."""
        flight = kept.flight
        if kept.source is None and flight is not None:
            view = flight.view()
            source = None if view is None else source_of(view, flight.plate[PlaneName.PLATE])
            if source is None or not flight.plate_whole:
                self._kept = [other for other in self._kept if other is not kept]
                return None
            read = [flight.plate[PlaneName.PLATE], flight.slot.inputs[PlaneName.DEPTH], source.objects]
            flight.pool.buffers.copies.bytes += sum(plane.nbytes for plane in read if plane is not None)
            kept.source, kept.flight = source, None
        return kept.source


class Fade:
    """From what was shown before, the plate of a frame or (0) the engine's own picture, to the new plate."""

    def __init__(self, from_id: int, frames: int) -> None:
        self.from_id, self.left, self._of = from_id, frames, frames + 1

    def step(self) -> float:
        """The share, 0..1, that what was shown before still has in this frame."""
        share = self.left / self._of
        self.left = max(0, self.left - 1)
        return share


def strength_of(policy: LatePolicy, age_ms: float, stale_ms: float, late: int) -> float:
    """How much of a warped plate shows, at most 1: it fades over the last quarter of its time, and by the policy `fade`
    with the frames that have been late."""
    strength = min(1.0, 4 * (1 - age_ms / stale_ms)) if stale_ms > 0 else 1.0
    return min(strength, 1.0 - late / FADE_FRAMES) if policy is LatePolicy.FADE else strength


def trust_of(age_ms: float, stale_ms: float) -> float:
    """Of a plate of that age, 0..1 and above 0: what its confidence is at most."""
    return max(LEAST_TRUST, 1 - age_ms / max(stale_ms, 1.0))


def _ms(before_ns: int, target: Flight) -> float:
    return (target.capture_ns - before_ns) / 1e6
