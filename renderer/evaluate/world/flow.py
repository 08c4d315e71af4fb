"""How far a picture's own motion is from the engine's, in pixels: an estimator for just that question.

A general optical flow must find motions of any length; here the engine's motion is known, and what is asked is how far
the picture departs from it. So the last picture is first carried along the engine's motion, and only what is left is
estimated: Lucas and Kanade (1981) over windows of 7 x 7, in a pyramid of three levels with four steps each (Bouguet
2001), which finds departures of up to some eight pixels. A window's brightness does not matter: its mean is taken away.
Where a window has no corner the motion is not told by the picture (the aperture problem), so those are left out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.motion import Way
from renderer.evaluate.world.truth import F32, F64, box_mean, luma

RADIUS_PX = 3  # of a window
LEVELS_DOWN = 3
STEPS = 4  # on each level
LONGEST_STEP_PX = 1.0
CORNER = 1.5  # levels per pixel, root mean square, in the direction in which a window changes least
SEEN = 0.999  # share of a window that must have been in view


def flow_departure(picture: F32, last: F32, way: Way) -> F64:
    """Pixels [H, W] between where the picture's own content was in the last picture and where the engine's motion says;
    NaN where the picture has no corner or something came into view."""
    now, before = luma(picture), np.asarray(way.followed(luma(last)))
    moved = np.zeros((*now.shape, 2))
    for level in reversed(range(LEVELS_DOWN)):
        then, seen = _halved(before, level), _halved(way.visible.astype(np.float64), level)
        moved = _refined(_halved(now, level), then, seen, moved, level)
    corner = _least_change(now) >= CORNER
    whole = box_mean(way.visible.astype(np.float64), RADIUS_PX) >= SEEN
    return np.where(corner & whole, np.hypot(moved[..., 0], moved[..., 1]), np.nan)


def _refined(now: F64, before: F64, seen: F64, moved: F64, level: int) -> F64:
    """`moved` [H, W, 2] of the whole size (x, y), after the steps of one level."""
    scale = 2.0**level
    here = np.stack([_halved(moved[..., k], level) for k in (0, 1)], axis=-1) / scale
    slope_y, slope_x = _slopes(now)
    weight = np.maximum(box_mean(seen, RADIUS_PX), 1e-6)

    def average(values: F64) -> F64:
        return box_mean(values * seen, RADIUS_PX) / weight

    mean_x, mean_y = average(slope_x), average(slope_y)
    xx, yy = average(slope_x**2) - mean_x**2, average(slope_y**2) - mean_y**2
    xy = average(slope_x * slope_y) - mean_x * mean_y
    solid = xx * yy - xy**2 + 1e-3 * (xx + yy) + 1e-6
    for _ in range(STEPS):
        left = now - _sampled(before, here)
        mean_left = average(left)
        by_x = average(slope_x * left) - mean_x * mean_left
        by_y = average(slope_y * left) - mean_y * mean_left
        step = np.stack([(yy * by_x - xy * by_y) / solid, (xx * by_y - xy * by_x) / solid], axis=-1)
        # Smooth, because neighbours whose windows overlap would otherwise drive each other apart.
        here = box_mean(here + np.clip(step, -LONGEST_STEP_PX, LONGEST_STEP_PX), 1)
    return _doubled(here * scale, level, moved.shape[:2])


def _least_change(picture: F64) -> F64:
    """Root of the smaller eigenvalue of the structure tensor, levels per pixel (Shi and Tomasi 1994)."""
    slope_y, slope_x = _slopes(picture)
    xx, yy, xy = (box_mean(v, RADIUS_PX) for v in (slope_x**2, slope_y**2, slope_x * slope_y))
    half = (xx + yy) / 2.0
    least = half - np.sqrt(np.maximum((xx - yy) ** 2 / 4.0 + xy**2, 0.0))
    return np.asarray(np.sqrt(np.maximum(least, 0.0)))


def shifted(picture: F32, right_px: float, down_px: float) -> F32:
    """A picture [H, W, C] moved as a whole, bilinear, its border held."""
    offset = np.broadcast_to(np.array([-right_px, -down_px]), (*picture.shape[:2], 2))
    channels = [_sampled(picture[..., k].astype(np.float64), offset) for k in range(picture.shape[2])]
    return np.stack(channels, axis=-1).astype(np.float32)


def _slopes(picture: F64) -> tuple[F64, F64]:
    """Levels per pixel, down and across."""
    down, across = np.gradient(picture)
    return np.asarray(down), np.asarray(across)


def _sampled(picture: F64, offset: F64) -> F64:
    """The picture at every pixel plus an offset [H, W, 2] in pixels, bilinear, held at the border."""
    height, width = picture.shape
    y = np.clip(np.arange(height)[:, None] + offset[..., 1], 0.0, height - 1.0)
    x = np.clip(np.arange(width)[None, :] + offset[..., 0], 0.0, width - 1.0)
    i, j = np.minimum(y.astype(np.intp), height - 2), np.minimum(x.astype(np.intp), width - 2)
    down, right = y - i, x - j
    upper = picture[i, j] * (1.0 - right) + picture[i, j + 1] * right
    lower = picture[i + 1, j] * (1.0 - right) + picture[i + 1, j + 1] * right
    return np.asarray(upper * (1.0 - down) + lower * down)


def _halved(values: F64, times: int) -> F64:
    """Means of 2 x 2 pixels, as often as told; an odd last line is left out."""
    for _ in range(times):
        height, width = (side // 2 * 2 for side in values.shape)
        even = values[:height, :width]
        values = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4.0
    return values


def _doubled(values: F64, times: int, shape: tuple[int, ...]) -> F64:
    """Every value 2**times pixels a side, the last ones on to the border."""
    rows, columns = (np.minimum(np.arange(side) >> times, n - 1) for side, n in zip(shape, values.shape, strict=False))
    out: NDArray[np.float64] = values[rows[:, None], columns[None, :]]
    return out
