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
    matte = plate[..., 3:].astype(np.float32)
    usable = np.isfinite(plate).all(axis=-1, keepdims=True) & (matte > 0)
    if not usable.any():
        np.copyto(out, color)
        return out
    behind = color.astype(np.float32)
    over = plate.astype(np.float32)
    over[..., 3] = 1.0
    whole = (matte >= 1) | ~np.isfinite(behind).all(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        mixed = np.where(whole, over, behind + (over - behind) * matte)
        np.copyto(out, np.where(usable, mixed, color), casting="same_kind")
    return out


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
