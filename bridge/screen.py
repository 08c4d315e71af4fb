"""What is on the screen: which picture a due frame is shown as, and the account of it."""

from __future__ import annotations

import time

from bridge.flight import Flight
from bridge.late import LateFrames, Substitute
from bridge.ledger import Ledger
from bridge.planes import PlaneViews
from bridge.predict import Predictor, before_of
from bridge.schedule import PATIENCE_FRAMES, due
from bridge.schema import Disposition, PlaneName, SyncMode
from bridge.shown import Shown
from bridge.traffic import Traffic


class Screen:
    """Of one client, on its thread."""

    def __init__(
        self,
        sync: SyncMode,
        delay_frames: int,
        traffic: Traffic,
        late: LateFrames,
        ledger: Ledger,
        predictor: Predictor | None,
    ) -> None:
        self._sync, self._delay_frames = sync, delay_frames
        self._traffic, self._late, self._ledger = traffic, late, ledger
        self._predictor = predictor
        self._epoch = -1  # of what is on the screen
        self._slow = False  # plates come too late for `freerun` to wait for them

    def due(self, *, alive: bool) -> Flight | None:
        """The frame to show now; None when there is nothing new."""
        last_id = self._ledger.last_shown_id
        recent = self._traffic.recent
        return due(self._sync, recent, self._delay_frames, last_shown_id=last_id, alive=alive, slow=self._slow)

    def arrived(self, flight: Flight) -> None:
        """A plate has come; if too late to be shown, it is not too late to be warped for the frames to come."""
        behind = self._traffic.recent[-1].frame_id - flight.frame_id
        self._slow = behind > PATIENCE_FRAMES + 1  # it is shown before the frame before the newest counts as late
        if flight.resolved:
            self._late.remember(flight)

    def picture(self, target: Flight, *, stalled: bool) -> Substitute | None:
        """What the frame is shown as; None when the late policy lets the picture on the screen stay."""
        if target.finished:
            if not target.plate:
                reason = target.result.reason if target.result is not None else ""
                return Substitute(Disposition.PASSTHROUGH, None, reason, target.capture_ns)
            finished = self._late.finished(target)
            if finished is not None:
                return finished
            target.lost = "the plate was overwritten"
        why = target.lost or ("the render loop has stalled" if stalled else "the plate was not there in time")
        if not self._late.may_hold(target, self._epoch):
            self._slow = self._slow or not target.lost
            return self._late.substitute(target, why)
        # In freerun a frame that is still being made may be shown at a later tick; otherwise its turn is over.
        may_come = self._sync is SyncMode.FREERUN and not target.lost and not stalled
        self._traffic.drop_before(target.frame_id + (not may_come), why, only_lost=may_come)
        return None

    def show(self, target: Flight, picture: Substitute, stages_ms: dict[str, float]) -> Shown:
        """The frame is on the screen as this picture; what is older is dropped."""
        picture, planes = self._ahead(target, picture)
        now_ns = time.monotonic_ns()
        self._traffic.drop_before(target.frame_id, "a newer frame was shown")
        self._ledger.show(target.frame_id, picture.disposition, picture.reason)
        target.resolved = True
        self._traffic.shown, self._epoch = target, target.epoch
        return Shown(
            frame_id=target.frame_id,
            disposition=picture.disposition,
            reason=picture.reason,
            age_ms=(now_ns - picture.oldest_capture_ns) / 1e6,
            state_age_ms=(now_ns - target.capture_ns) / 1e6,
            planes=planes,
            plate=picture.plate,
            on_device=target.slot.on_device,
            warped_confidence=picture.confidence,
            stages_ms={**(target.result.stages_ms if target.result is not None else {}), **stages_ms},
            renderer_copied_bytes=target.result.host_bytes_copied if target.result is not None else 0,
            still_whole=lambda: not _in_slot(picture, target) or target.plate_whole,
            torn=lambda reason: self._ledger.correct(Disposition.PASSTHROUGH, reason),
        )

    def _ahead(self, target: Flight, picture: Substitute) -> tuple[Substitute, PlaneViews]:
        """The picture and the engine's planes, moved to the display's time where that is wanted and possible."""
        planes = target.slot.inputs
        if self._predictor is None:
            return picture, planes
        before = before_of(self._traffic.recent, target)
        ahead = self._predictor.ahead(target, before, picture, time.monotonic_ns())
        if ahead is None or (_in_slot(picture, target) and not target.plate_whole):
            return picture, planes
        return ahead.picture, {**planes, PlaneName.COLOR: ahead.color}


def _in_slot(picture: Substitute, target: Flight) -> bool:
    """Whether the picture's plate is where the renderer has written it."""
    return picture.plate is not None and picture.plate is target.plate.get(PlaneName.PLATE)
