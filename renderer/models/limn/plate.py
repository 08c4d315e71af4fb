"""The plate from the lit guess and what the network says of it: bounded, whatever comes out of a network."""

from __future__ import annotations

import numpy as np

from renderer.models.limn.features import BRIGHTEST
from renderer.models.limn.lanes import F32, clip, exp, kernel
from renderer.models.limn.network import LARGEST_LOG_GAIN

MOST, GAIN, ONE, TWO, NONE = (np.float32(v) for v in (BRIGHTEST, LARGEST_LOG_GAIN, 1.0, 2.0, 0.0))
FLAT = np.float32(10.0)  # beyond it tanh is 1 in float32


@kernel
def finish(guess: F32, raw: F32, color: F32, strength: np.float32, out: F32) -> None:
    """Into out [H, W, 4], alpha 1: the guess [H, W, 3] times the bounded exponential of raw [1, rows, columns, 3],
    which is padded, mixed with color [H, W, 4] where the strength is below 1."""
    height, width, _ = guess.shape
    row = np.empty(3 * width, np.float32)
    for y in range(height):
        said = raw[0, y].reshape(-1)
        for k in range(3 * width):
            twice = exp(TWO * clip(said[k], -FLAT, FLAT))
            row[k] = exp(GAIN * (ONE - TWO / (twice + ONE)))
        for x in range(width):
            for c in range(3):
                made = guess[y, x, c] * row[3 * x + c] * strength + color[y, x, c] * (ONE - strength)
                out[y, x, c] = clip(made, NONE, MOST)
            out[y, x, 3] = ONE
