"""The watermark said plainly, cell by cell and pixel by pixel. Slow; the tests hold the fast one to it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from renderer.provenance.watermark import COLUMNS, EDGE, LUMA, ROWS, U8, dither, edges, planned

F64 = NDArray[np.float64]


def mark_plainly(picture: U8, key: bytes, payload: int, matte: NDArray[np.float32] | None = None) -> U8:
    """As `watermark.mark`, for pictures that can hold one."""
    height, width = picture.shape[:2]
    whole = np.ones((height, width), np.float32) if matte is None else matte
    luma = picture.astype(np.int64) @ np.array(LUMA, np.int64) / 256.0
    levels = planned(_means(luma), None if matte is None else _means(whole), key, payload)
    noise, out = dither(width), picture.copy()
    for y in range(height):
        for x in range(width):
            level = math.floor(level_at(levels, (y, x), (height, width)) * float(whole[y, x]) + float(noise[y % 16, x]))
            out[y, x] = np.clip(picture[y, x].astype(np.int64) + level, 0, 255)
    return out


def _means(values: NDArray[np.floating]) -> F64:
    rows, columns = edges(values.shape[0], ROWS), edges(values.shape[1], COLUMNS)
    out = np.empty((ROWS, COLUMNS))
    for r in range(ROWS):
        for c in range(COLUMNS):
            out[r, c] = values[rows[r] : rows[r + 1], columns[c] : columns[c + 1]].mean(dtype=np.float64)
    return out


def level_at(levels: F64, pixel: tuple[int, int], size: tuple[int, int]) -> float:
    """The level at a pixel (y, x): its cell's, and near an edge a blend with the next one's."""
    (r0, r1, v), (c0, c1, u) = (_place(at, side, n) for at, side, n in zip(pixel, size, (ROWS, COLUMNS), strict=True))
    upper = levels[r0, c0] * (1.0 - u) + levels[r0, c1] * u
    lower = levels[r1, c0] * (1.0 - u) + levels[r1, c1] * u
    return float(upper * (1.0 - v) + lower * v)


def _place(at: int, side: int, count: int) -> tuple[int, int, float]:
    """The cell before a pixel, the one after it, and how far it belongs to the latter."""
    place = (at + 0.5) * count / side - 0.5
    before = math.floor(place)
    share = min(1.0, max(0.0, (place - before - 0.5) / EDGE + 0.5))
    return max(before, 0), min(before + 1, count - 1), share
