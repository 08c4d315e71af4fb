"""The view transform: scene-linear planes as 8-bit values for a display.

Everything goes through one tone map (renderer/evaluate/image.py), so that pictures of anything can be compared.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.image import tone_map

U8 = NDArray[np.uint8]
CHECKER, CHECKER_PX = (44, 56), 8  # grey values and the side of a square: what the plate leaves to the engine
BRIGHTEST_HALF = 65504.0


@cache
def _display_of_half() -> U8:
    """The display value of each of the 65,536 half floats: a table is ten times as fast as the curve."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    linear = np.nan_to_num(halves, nan=0.0, posinf=BRIGHTEST_HALF, neginf=0.0)
    return np.asarray(tone_map(linear) * 255.0 + 0.5, np.uint8)


def display_rgba(linear: NDArray[Any]) -> U8:
    """Scene-linear [H, W, 4] as 8-bit display values [H, W, 4]; alpha 0..1 becomes 0..255 and is not tone-mapped."""
    halves = np.ascontiguousarray(linear, np.float16)
    out = np.take(_display_of_half(), halves.view(np.uint16), mode="clip")
    out[..., 3] = np.clip(halves[..., 3].astype(np.float32) * 255.0 + 0.5, 0.0, 255.0)
    return out


def on_checker(plate: U8) -> U8:
    """A plate [H, W, 4] of display values over dark squares, the usual sign for 'nothing here': [H, W, 3]."""
    rows, columns = (np.arange(side) // CHECKER_PX for side in plate.shape[:2])
    squares = np.asarray(CHECKER)[(rows[:, None] + columns) % 2][..., None]
    matte = plate[..., 3:].astype(np.float32) / 255.0
    return np.asarray(plate[..., :3] * matte + squares * (1.0 - matte) + 0.5, np.uint8)
