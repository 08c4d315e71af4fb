"""The best tone and exposure curve on the engine's colour: what a person could do with curves alone.

Fitted per control setting to the truth of the very frames that it is then scored on, which favours it: of all rising
curves per channel it has the least squared error there, and so the highest PSNR over the setting's pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
BINS = 256  # of the engine's display level


@dataclass
class CurveFit:
    """Sums over the pixels seen so far, per channel and bin of the engine's level [3, BINS]."""

    pixels: F64 = field(default_factory=lambda: np.zeros((3, BINS)))
    engine: F64 = field(default_factory=lambda: np.zeros((3, BINS)))
    truth: F64 = field(default_factory=lambda: np.zeros((3, BINS)))

    def add(self, engine: F32, truth: F32) -> None:
        """Display pictures [H, W, 3] of 0..1."""
        for channel in range(3):
            x, y = (v[..., channel].ravel().astype(np.float64) for v in (engine, truth))
            at = np.minimum((x * BINS).astype(np.intp), BINS - 1)
            self.pixels[channel] += np.bincount(at, minlength=BINS)
            self.engine[channel] += np.bincount(at, x, BINS)
            self.truth[channel] += np.bincount(at, y, BINS)

    def merged(self, other: CurveFit) -> CurveFit:
        return CurveFit(self.pixels + other.pixels, self.engine + other.engine, self.truth + other.truth)

    def curve(self) -> Curve:
        """At least one picture must have been added."""
        levels, values = [], []
        for pixels, engine, truth in zip(self.pixels, self.engine, self.truth, strict=True):
            there = pixels > 0.0
            levels.append(engine[there] / pixels[there])
            values.append(rising(truth[there] / pixels[there], pixels[there]))
        return Curve(tuple(levels), tuple(values))


@dataclass(frozen=True)
class Curve:
    """Display levels out for display levels in, per channel; straight between the points, level beyond them."""

    levels: tuple[F64, ...]
    values: tuple[F64, ...]

    def applied(self, engine: F32) -> F32:
        channels = [np.interp(engine[..., k], self.levels[k], self.values[k]) for k in range(3)]
        return np.stack(channels, axis=-1).astype(np.float32)


def rising(values: F64, weights: F64) -> F64:
    """The rising sequence with the least weighted squared distance from values (pool adjacent violators)."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        mean, total, length = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, amount, count = blocks.pop()
            mean = (mean * total + before * amount) / (total + amount)
            total, length = total + amount, length + count
        blocks.append((mean, total, length))
    return np.concatenate([np.full(length, mean) for mean, _, length in blocks])
