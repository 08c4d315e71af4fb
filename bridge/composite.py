"""The picture: the plate over the engine's own, by the matte.

Scene-linear Rec.709 on both sides; the plate has straight alpha. Source: Porter and Duff, "Compositing digital
images" (1984), operator `over`, for straight alpha and an opaque background.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Image = NDArray[Any]


def composite(color: Image, plate: Image, out: Image | None = None) -> Image:
    """`plate` over `color`, both [H, W, 4] float16 or float32; the result is in `out`, or new in `color`'s dtype.

    Where the matte is 0 the engine's pixel comes back bit for bit, alpha included; where it is 1, the plate's colour
    exactly. A plate pixel that is not finite counts as matte 0; where the engine's pixel is not finite and the matte
    is above 0, the plate is taken whole.
    """
    if out is None:
        out = np.empty_like(color, order="C")
    np.copyto(out, color, casting="same_kind")
    whole, mixed = _mattes(plate)
    behind = color[mixed].astype(np.float32)
    np.copyto(out[..., :3], plate[..., :3], where=whole[..., None], casting="same_kind")
    out[..., 3][whole] = 1.0
    if len(behind):
        over = plate[mixed].astype(np.float32)
        matte = over[:, 3:].copy()
        over[:, 3] = 1.0
        taken = ~np.isfinite(behind).all(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", over="ignore"):
            out[mixed] = np.where(taken, over, behind + (over - behind) * matte)
    return out


def _mattes(plate: Image) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels [H, W] that the plate covers whole, and those it covers in part.

    Half floats are compared by their bits, which order positive values and cost a tenth of float16 arithmetic here.
    """
    if plate.dtype == np.float16:
        bits = plate.view(np.uint16)
        infinite, one = 0x7C00, 0x3C00
        exponents = bits & infinite
        finite = exponents[..., 0] != infinite
        for channel in (1, 2, 3):
            finite &= exponents[..., channel] != infinite
        matte = bits[..., 3]
        positive = (matte > 0) & (matte < infinite)  # a set sign bit makes the bits larger
        return finite & positive & (matte >= one), finite & positive & (matte < one)
    finite = np.isfinite(plate).all(axis=-1)
    matte = plate[..., 3]
    return finite & (matte >= 1), finite & (matte > 0) & (matte < 1)


def composite_plainly(color: Image, plate: Image) -> Image:
    """The same, pixel by pixel: the reference that `composite` is held to."""
    out = color.copy()
    for row, column in np.ndindex(color.shape[:2]):
        behind, over = [list(map(float, image[row, column])) for image in (color, plate)]
        matte = over[3]
        if not all(map(math.isfinite, over)) or matte <= 0:
            continue
        if matte >= 1 or not all(map(math.isfinite, behind)):
            out[row, column] = [*over[:3], 1.0]
        else:
            out[row, column] = [b + (o - b) * matte for b, o in zip(behind, [*over[:3], 1.0], strict=True)]
    return out
