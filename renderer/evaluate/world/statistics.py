"""What a figure may be trusted to: bootstrap intervals, and Theil and Sen's slope with Sen's own interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
RESAMPLED = 1000  # times
INTERVAL = (2.5, 97.5)  # percent
NORMAL_95 = 1.959964


class Estimate(NamedTuple):
    """A value and the interval that holds 95 % of what other draws of as many samples would have given."""

    value: float
    low: float
    high: float


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of what is finite, and its bootstrap interval; NaN of nothing."""
    return _resampled(values, lambda drawn: drawn.mean(axis=-1))


def median_of(values: Sequence[float]) -> Estimate:
    """The same of the median."""
    return _resampled(values, lambda drawn: np.median(drawn, axis=-1))


def _resampled(values: Sequence[float], figure: Callable[[F64], NDArray[np.floating]]) -> Estimate:
    kept = np.array([v for v in values if math.isfinite(v)])
    if not len(kept):
        return UNKNOWN
    drawn = kept[np.random.default_rng(1).integers(len(kept), size=(RESAMPLED, len(kept)))]
    low, high = np.percentile(figure(drawn), INTERVAL)
    return Estimate(float(figure(kept)), float(low), float(high))


def least_of(values: Sequence[float]) -> Estimate:
    """The smallest finite value, without an interval: an extreme has none by resampling."""
    kept = [v for v in values if math.isfinite(v)]
    return exactly(min(kept)) if kept else UNKNOWN


def largest_of(values: Sequence[float]) -> Estimate:
    """The largest finite value, without an interval."""
    kept = [v for v in values if math.isfinite(v)]
    return exactly(max(kept)) if kept else UNKNOWN


def exactly(value: float) -> Estimate:
    """A figure that is counted and not sampled."""
    return Estimate(value, value, value)


def slope_of(x: Sequence[float], y: Sequence[float]) -> Estimate:
    """The median slope over all pairs of points (Theil 1950) and its 95 % interval (Sen 1968, without ties): one
    outlier, or a quarter of them, moves it little. NaN with fewer than three finite points."""
    points = np.array([(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(b)], np.float64).reshape(-1, 2)
    count = len(points)
    if count < 3:
        return UNKNOWN
    first, second = np.triu_indices(count, 1)
    run = points[second, 0] - points[first, 0]
    apart = run != 0.0
    slopes = np.sort((points[second, 1] - points[first, 1])[apart] / run[apart])
    if not len(slopes):
        return UNKNOWN
    spread = NORMAL_95 * math.sqrt(count * (count - 1) * (2 * count + 5) / 18.0)
    low = max(0, int((len(slopes) - spread) / 2.0))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2.0))
    return Estimate(float(np.median(slopes)), float(slopes[low]), float(slopes[high]))
