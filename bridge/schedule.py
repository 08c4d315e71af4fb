"""Which frame is due at a tick, in each sync mode."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.flight import Flight
from bridge.schema import SyncMode

PATIENCE_FRAMES = 2  # how far `freerun` lets the picture on the screen fall behind before the late policy steps in


def due(
    sync: SyncMode, submitted: Sequence[Flight], delay_frames: int, *, last_shown_id: int, alive: bool, slow: bool
) -> Flight | None:
    """The frame to show now, finished or late; None when there is nothing new to show.

    `submitted` has the last submitted frames, oldest first, at least `delay_frames` + 2 of them once there are so
    many. `alive`: a renderer is attached and works. `slow`: its plates come too late for `freerun` to wait for them.
    """
    if sync is SyncMode.FREERUN:
        frame = _newest(submitted, alive and not slow, last_shown_id)
    else:
        age = delay_frames if sync is SyncMode.DELAYED else 0
        frame = submitted[-1 - age] if len(submitted) > age else None
    if frame is None or frame.resolved or frame.frame_id <= last_shown_id:
        return None
    return frame


def _newest(submitted: Sequence[Flight], in_time: bool, last_shown_id: int) -> Flight | None:
    """`freerun`: the newest finished frame since the last reset. When there is none, the picture on the screen stays
    for a tick: a plate that comes a moment late is better than a substitute, which would overtake it and every plate
    after it. Then the frame before the newest is late; the newest itself is, when no plate will come, when plates come
    later than that anyway, or when a reset lies between the two."""
    if not submitted:
        return None
    newest = submitted[-1]
    for frame in reversed(submitted):
        if frame.finished and not frame.resolved and frame.epoch == newest.epoch:
            return frame
    if not in_time:
        return newest
    if len(submitted) < 2:
        return None
    late = submitted[-2] if submitted[-2].epoch == newest.epoch else newest
    return late if late.frame_id - last_shown_id > PATIENCE_FRAMES or late is newest else None
