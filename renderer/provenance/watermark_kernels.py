"""The watermark's loops over pixels, compiled. `watermark_plainly.py` says the same in NumPy."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

OFFSET = np.float32(64.0)  # a float that is cut off is a floor where it cannot be negative


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_cells(
    picture: NDArray[np.uint8], rows: NDArray[np.int64], columns: NDArray[np.int64], sums: NDArray[np.int64]
) -> None:
    """Luma times 256 summed over each cell, of a flat picture [H, 3 W]. A cell has 257 rows at most."""
    acc = np.empty(picture.shape[1], np.uint16)
    for r in range(rows.size - 1):
        acc[:] = 0
        for y in range(rows[r], rows[r + 1]):
            row = picture[y]
            for x in range(row.size):
                acc[x] += row[x]
        for c in range(columns.size - 1):
            total = 0
            for x in range(columns[c], columns[c + 1]):
                total += 54 * acc[3 * x] + 183 * acc[3 * x + 1] + 19 * acc[3 * x + 2]
            sums[r, c] = total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sum_matte(
    matte: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64], sums: NDArray[np.float64]
) -> None:
    """A matte [H, W] summed over each cell."""
    acc = np.empty(matte.shape[1], np.float32)
    for r in range(rows.size - 1):
        acc[:] = 0.0
        for y in range(rows[r], rows[r + 1]):
            row = matte[y]
            for x in range(row.size):
                acc[x] += row[x]
        for c in range(columns.size - 1):
            total = 0.0
            for x in range(columns[c], columns[c + 1]):
                total += acc[x]
            sums[r, c] = total


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_levels(
    picture: NDArray[np.uint8],
    matte: NDArray[np.float32] | None,
    wide: NDArray[np.float32],
    above: NDArray[np.int64],
    share: NDArray[np.float32],
    noise: NDArray[np.float32],
    out: NDArray[np.uint8],
) -> None:
    """out = picture + levels, all flat [H, 3 W]: `wide` [ROWS + 2, W] are the levels drawn out along rows, `above` and
    `share` [H] say between which two of them a row lies, `noise` [16, W] rounds."""
    levels = np.empty(picture.shape[1], np.int16)
    for y in range(picture.shape[0]):
        upper, lower, s, n = wide[above[y]], wide[above[y] + 1], share[y], noise[y % 16]
        for x in range(upper.size):
            level = upper[x] + (lower[x] - upper[x]) * s
            if matte is not None:
                level *= matte[y, x]
            whole = np.int16(np.int32(level + n[x] + OFFSET) - 64)
            levels[3 * x] = whole
            levels[3 * x + 1] = whole
            levels[3 * x + 2] = whole
        row, new = picture[y], out[y]
        for x in range(row.size):
            new[x] = np.uint8(min(np.int16(255), max(np.int16(0), np.int16(row[x] + levels[x]))))
