"""The figures of one sequence: likeness to the truth, and steadiness beside the truth's own."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.frames import asked, frame_after, frame_of, setting_of, to_and_fro
from renderer.evaluate.image import flip, psnr_db, ssim, tone_map
from renderer.evaluate.motion import Way, warp_error, way_back
from renderer.evaluate.rows import Row

if TYPE_CHECKING:
    from renderer.training.sequences import Clip

F32 = NDArray[np.float32]
STILL_FRAMES, STILL_FROM = 8, 3  # shown of a world that stands still, and the first whose change counts
AWAY_S = 60.0
TURNS_EV = (-1.0, 1.0)  # of the exposure's dial


@dataclass(frozen=True)
class Scores:
    """A row over a sequence. One value a frame; of the warp error one for each frame but the first. The flicker is in
    levels of 255: the largest change of a pixel's channel and the mean, between plates of a world that stands still."""

    psnr_db: list[float]
    ssim: list[float]
    flip: list[float]
    warp_excess: list[float]  # mean squared change along the motion, less the truth's own
    flicker_max: float
    flicker_mean: float
    ms: list[float]  # of a call
    # Of the first frame with the exposure turned: PSNR, and the share of the truth's change that the picture makes.
    turned_db: list[float] = field(default_factory=list)
    turned_share: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """All rows over a sequence. `setting` is its weather kind."""

    name: str
    folder: str
    size: str
    family: str
    setting: str
    path: str  # of the camera
    seen: bool  # whether the family is one that is trained on
    truth_warp: list[float]
    rows: dict[str, Scores]


@dataclass(frozen=True)
class Revisit:
    """PSNR of a sequence's first frame, and again after a walk in the same world."""

    name: str
    size: str
    steps: int
    first_db: float
    again_db: float


def measured(rows: Sequence[Row], clip: Clip, name: str, folder: str, seen: bool) -> Measured:
    truths = [tone_map(truth) for truth in clip.truth]
    ways = [
        way_back(clip.planes[t], clip.cameras[t], clip.bodies[t], clip.planes[t - 1]) for t in range(1, len(truths))
    ]
    truth_warp = warp_errors(truths, ways)
    height, width = truths[0].shape[:2]
    return Measured(name, folder, f"{width}x{height}", clip.plan["family"], setting_of(clip), clip.plan["path"], seen,
                    truth_warp, {row.name: scored(row, clip, truths, ways, truth_warp) for row in rows})  # fmt: skip


def scored(row: Row, clip: Clip, truths: list[F32], ways: list[Way], truth_warp: list[float]) -> Scores:
    """Show a row the frames in their order, and compare."""
    row.reset()
    pictures, ms = [], []
    for t in range(len(truths)):
        begun_s = time.perf_counter()
        pictures.append(row.shown(frame_of(clip, t)))
        ms.append((time.perf_counter() - begun_s) * 1e3)
    pairs = list(zip(pictures, truths, strict=True))
    excess = [own - truth for own, truth in zip(warp_errors(pictures, ways), truth_warp, strict=True)]
    return Scores([psnr_db(*pair) for pair in pairs], [ssim(*pair) for pair in pairs], [flip(*pair) for pair in pairs],
                  excess, *flicker(row, clip), ms, *turned(row, clip))  # fmt: skip


def warp_errors(pictures: list[F32], ways: list[Way]) -> list[float]:
    return [warp_error(pictures[t], pictures[t - 1], way) for t, way in enumerate(ways, start=1)]


def flicker(row: Row, clip: Clip) -> tuple[float, float]:
    """Largest and mean change in levels while the sequence's middle frame stands still. A row without memory gives the
    same picture for the same frame, so it has none."""
    if not row.remembers:
        return 0.0, 0.0
    row.reset()
    middle = len(clip.planes) // 2
    still = frame_after(clip, middle, middle)
    shown = [row.shown(still).astype(np.float64) for _ in range(STILL_FRAMES)]
    changes = [np.abs(b - a) * 255.0 for a, b in zip(shown[STILL_FROM - 1 :], shown[STILL_FROM:], strict=False)]
    return float(np.max(changes)), float(np.mean(changes))


def turned(row: Row, clip: Clip) -> tuple[list[float], list[float]]:
    """The first frame where someone turned the exposure by each of TURNS_EV; the truth is then so much brighter, since
    light is linear. PSNR in dB of each, and the share of the truth's change from the first to the last that the picture
    makes too (least squares over display values; 1 as light does, 0 where the dial does nothing). Nothing of a row that
    does not take the weather."""
    if row.steered_by != "weather":
        return [], []
    truths = [tone_map(clip.truth[0].astype(np.float32) * 2.0**stops) for stops in TURNS_EV]
    pictures = []
    for stops in TURNS_EV:
        row.reset()
        weather = replace(clip.weather, exposure_ev=clip.weather.exposure_ev + stops)
        pictures.append(row.shown(asked(frame_of(clip, 0), weather, setting_of(clip))))
    change, truth_change = ((last - first).astype(np.float64) for first, last in (pictures, truths))
    share = float((change * truth_change).sum() / max(float((truth_change**2).sum()), 1e-12))
    return [psnr_db(*pair) for pair in zip(pictures, truths, strict=True)], [share]


def revisit(row: Row, clip: Clip, name: str) -> Revisit:
    """See the first frame, walk to the last and back for AWAY_S of the engine's time, and see the first again."""
    truth = tone_map(clip.truth[0])
    row.reset()
    first = row.shown(frame_of(clip, 0))
    again, steps = first, 0
    for t, last in to_and_fro(len(clip.planes), round(AWAY_S / clip.dt_s)):
        again, steps = row.shown(frame_after(clip, t, last)), steps + 1
    height, width = truth.shape[:2]
    return Revisit(name, f"{width}x{height}", steps, psnr_db(first, truth), psnr_db(again, truth))
