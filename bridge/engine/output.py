"""From the engine's own arrays into the caller's planes: gathers and half floats, at a fraction of NumPy's time.

Half floats go as their bits, because the kernels' compiler has no half type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel
from bridge.engine.rays import I32, least

INFINITY, INFINITE_HALF, QUIET_NAN = 0x7F800000, 0x7C00, 0x7E00
SMALLEST_NORMAL = (127 - 14) << 23  # the bits of 2**-14; smaller halves are multiples of 2**-24
REBIAS = (127 - 15) << 23


def write_floats(plane: NDArray[Any], source: NDArray[Any]) -> None:
    """Write `source` [height, width] or [height, width, channels] into a plane of float16 or float32."""
    if plane.dtype == np.float16 and source.dtype == np.float32:
        narrow(source, source.view(np.int32), plane.view(np.uint16))
    else:
        np.copyto(plane, source, casting="same_kind")


def write_rows(plane: NDArray[Any], table: NDArray[Any], index: I32) -> None:
    """Write row `index` [height, width] of a table [n] or [n, channels] into every pixel; -1 is the last row."""
    values = table.astype(plane.dtype, copy=False)
    if plane.dtype == np.float16:
        plane, values = plane.view(np.uint16), values.view(np.uint16)
    if plane.ndim == 2:
        plane, values = plane[..., None], values[..., None]
    gather(plane, values, index)


@kernel
def gather(plane: NDArray[Any], table: NDArray[Any], index: I32) -> None:
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            for c in range(table.shape[1]):
                plane[y, x, c] = table[index[y, x], c]


@kernel
def narrow(wide: NDArray[np.float32], bits: I32, half: NDArray[np.uint16]) -> None:
    """float32 [height, width, channels] to IEEE half, rounding to nearest even; `bits` is `wide` again, as integers."""
    for y in range(wide.shape[0]):
        for x in range(wide.shape[1]):
            for c in range(wide.shape[2]):
                b = np.int64(bits[y, x, c])
                a = b & 0x7FFFFFFF
                rounded = (a - REBIAS + 0xFFF + ((a >> 13) & 1)) >> 13
                small = np.int64(np.rint(least(abs(wide[y, x, c]), 1.0) * 16777216.0))
                value = small if a < SMALLEST_NORMAL else (rounded if rounded < INFINITE_HALF else INFINITE_HALF)
                value = QUIET_NAN if a > INFINITY else value
                half[y, x, c] = np.uint16(value | ((b >> 16) & 0x8000))
