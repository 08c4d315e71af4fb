"""What colour gives away by itself: its curve beside the base colour, an exposure that drifts, an interface on top."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bridge.schema import PlaneName
from renderer.conformance.measures import Measure, Residual, Shots, each, pairs
from renderer.conformance.measures.geometry import facings, places
from renderer.conformance.shot import F64, Mask, Shot

LEAST_PIXELS = 200
VARIETY = 0.004  # least variance of the logarithm of base colours' ratios that tells a curve
DRIFT = 0.006  # of the logarithm of brightness from one frame to the next
EXCURSION_PX = 6.0  # that a picture must move under an edge that stays
STILL_PART, EDGE_PART = 0.02, 0.15
LEAST_UI_FRAMES = 12
COLOR, ALBEDO, NORMAL, MATERIAL = PlaneName.COLOR, PlaneName.ALBEDO, PlaneName.NORMAL, PlaneName.MATERIAL
DEPTH, MOTION = PlaneName.DEPTH, PlaneName.MOTION


def ratios(values: F64) -> F64:
    """Logarithms of red and of blue beside green, [n, 2]; brightness falls out of them."""
    logs = np.log(values)
    return logs[:, (0, 2)] - logs[:, 1:2]


def curve(shot: Shot) -> Residual | None:
    """The slope of colour's ratios over those of the base colour: 1 when colour is linear in what the light finds.

    Light falls out where it is the same, so pixels are compared within the same facing, six sides of a box; the darker
    and the brighter half by themselves, as a curve may leave one of them. The worse slope counts.
    """
    if not shot.has(COLOR, ALBEDO, NORMAL):
        return None
    color, albedo, normal = (shot.planes[name][..., :3] for name in (COLOR, ALBEDO, NORMAL))
    keep = (color > 0.002).all(axis=-1) & (albedo > 0.02).all(axis=-1) & np.isfinite(color).all(axis=-1)
    keep &= np.linalg.norm(normal, axis=-1) > 0.5
    if shot.has(MATERIAL):
        keep &= shot.planes[MATERIAL][..., 1] < 0.3
    if keep.sum() < LEAST_PIXELS:
        return None
    x, y, sides = ratios(albedo[keep]), ratios(color[keep]), facings(normal[keep])
    light = color[keep].mean(axis=-1)
    bright = light > np.median(light)
    slopes = [slope_of(x, y, [side & part for side in sides]) for part in (bright, ~bright)]
    known = [abs(math.log(slope)) if slope > 0.0 else math.inf for slope in slopes if not math.isnan(slope)]
    return Residual(max(known), 0.35) if known else None


def slope_of(x: F64, y: F64, groups: Sequence[Mask]) -> float:
    """Of y over x [n, 2] within groups, by least squares; NaN where x hardly differs."""
    products, squares, count = 0.0, 0.0, 0
    for group in groups:
        if group.any():
            dx, dy = (values[group] - values[group].mean(axis=0) for values in (x, y))
            products += float(np.sum(dx * dy))
            squares += float(np.sum(dx * dx))
            count += int(group.sum())
    return products / squares if count >= LEAST_PIXELS // 2 and squares > VARIETY * 2 * count else math.nan


def brightness(shot: Shot) -> F64:
    """[h, w]; NaN where it is black or not a number."""
    seen = shot.planes[COLOR][..., :3].mean(axis=-1)
    return np.where(seen > 1e-4, seen, np.nan)


def drift(shot: Shot, before: Shot) -> Residual | None:
    """By how much the whole picture got brighter or darker at once, still things seen again: a logarithm.

    Lights that change make some things brighter than others; only what is the same for all counts.
    """
    if not (shot.has(COLOR, DEPTH) and before.has(COLOR) and shot.perspective):
        return None
    keep = shot.inside & ~shot.listed
    if keep.sum() < LEAST_PIXELS:
        return None
    row, column, inside = places(before, shot.uv_from(before.now, shot.points_m[keep])[0])
    then = brightness(before)[np.rint(row).astype(int), np.rint(column).astype(int)]
    change = np.log(brightness(shot)[keep] / then)[inside]
    change = change[np.isfinite(change)]
    if change.size < LEAST_PIXELS:
        return None
    low, gain, high = (float(q) for q in np.quantile(change, (0.2, 0.5, 0.8)))
    return Residual(abs(gain) if high - low < max(0.01, 0.5 * abs(gain)) else 0.0, DRIFT)


def overlay(shots: Shots) -> Residual | None:
    """Part of the picture with edges that stay where they are while what is behind them moves across them."""
    edges = stuck_edges(shots)
    return None if edges is None else Residual(float(np.mean(edges)), 0.001)


def stuck_edges(shots: Shots) -> Mask | None:
    """Where colour has an edge that stays in every frame though the motion plane says that the picture moves across
    it. None when the picture does not move, or is not long enough in sight."""
    run = [shot for shot in shots if shot.has(COLOR, MOTION)]
    if len(run) < LEAST_UI_FRAMES:
        return None
    seen = np.stack([brightness(shot) for shot in run])  # beside what is black there is no edge
    mean, spread = seen.mean(axis=0), np.ptp(seen, axis=0)
    still = spread < STILL_PART * mean + 1e-4
    size = np.array(run[0].size)
    moved = np.cumsum([np.nan_to_num(np.clip(shot.planes[MOTION], -1.0, 1.0)) * size for shot in run], axis=0)
    if np.median(np.ptp(moved, axis=0).max(axis=-1)) < EXCURSION_PX:
        return None
    across, down = np.zeros(mean.shape), np.zeros(mean.shape)
    across[:, :-1] = np.where(still[:, :-1] & still[:, 1:], np.diff(mean, axis=1), 0.0)
    down[:-1] = np.where(still[:-1] & still[1:], np.diff(mean, axis=0), 0.0)
    steep = np.hypot(across, down)
    towards = np.stack([across, down], axis=-1) / np.maximum(steep, 1e-12)[..., None]
    # An edge moves with the nearer of its two sides, so both must have moved across it, and what is around them.
    steps = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    excursion = np.min(
        [np.ptp((np.roll(moved, step, (1, 2)) * towards).sum(axis=-1), axis=0) for step in steps], axis=0
    )
    edges: Mask = (steep > EDGE_PART * mean) & (steep > 0.01) & (excursion > EXCURSION_PX)
    return edges


def red_is_red(shot: Shot) -> Residual | None:
    """How much better colour's ratios fit the base colour's with red and blue exchanged."""
    if not shot.has(COLOR, ALBEDO):
        return None
    color, albedo = shot.planes[COLOR][..., :3], shot.planes[ALBEDO][..., :3]
    keep = (color > 0.002).all(axis=-1) & (albedo > 0.02).all(axis=-1)
    if keep.sum() < LEAST_PIXELS:
        return None
    warm = [ratios(values[keep]) @ (1.0, -1.0) for values in (color, albedo)]
    if np.var(warm[1]) < 8.0 * VARIETY:
        return None
    colored, based = (w - w.mean() for w in warm)
    alike = float(np.mean(colored * based)) / max(float(colored.std() * based.std()), 1e-12)
    return Residual(1.0 - alike, 0.8)


_GEOMETRY = frozenset({DEPTH, PlaneName.OBJECT, "camera", "projection"})
COLOUR = (
    Measure("colours beside base colours", "off the slope of 1 (logarithm)", "", "surfaces of different hues",
            ("color", "albedo"), frozenset({COLOR, ALBEDO, NORMAL, MATERIAL}), each(curve), beyond=np.inf),
    Measure("red beside blue, in colour and base colour", "short of agreement", "", "surfaces of different hues",
            ("color", "albedo"), frozenset({COLOR, ALBEDO}), each(red_is_red), beyond=np.inf),
    Measure("brightness of still things from frame to frame", "drifts (logarithm)", "", "a camera that moves a little",
            ("exposure",), _GEOMETRY | {COLOR}, pairs(drift), beyond=np.inf),
    Measure("edges that stay while the picture moves", "of the picture", "", "twelve frames of a picture that moves",
            ("interface",), frozenset({COLOR, MOTION}), overlay, beyond=np.inf),
)  # fmt: skip
