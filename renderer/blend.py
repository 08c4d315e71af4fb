"""Who owns which pixel: the matte, from depth, object ids and labels.

The matte lives in the plate's alpha: 1 where the plate shows, 0 where the engine's own pixel stays, which the engine
then shows bit-identically. `blend` is the fast path; `blend_reference` says the rule plainly, pixel by pixel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import PlaneName
from renderer.frame import Ownership


def blend(plate: NDArray[np.float16], planes: PlaneViews, ownership: Ownership) -> None:
    """Set alpha and colour to 0 in place where the engine owns the pixel; plate is [H, W, 4]."""
    if ownership.is_none:
        return
    owned = engine_owned(planes, ownership, (int(plate.shape[0]), int(plate.shape[1])))
    plate[owned] = 0.0


def engine_owned(planes: PlaneViews, ownership: Ownership, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask [H, W], true where the engine's own pixel stays. A rule whose plane is absent claims nothing."""
    owned = np.zeros(size, np.bool_)
    labels, objects, depth_m = (planes.get(p) for p in (PlaneName.LABEL, PlaneName.OBJECT, PlaneName.DEPTH))
    if ownership.labels and labels is not None:
        table = np.zeros(256, np.bool_)
        table[list(ownership.labels)] = True
        owned |= table[labels]
    if ownership.objects and objects is not None:
        owned |= np.isin(objects, np.fromiter(ownership.objects, np.uint32))
    if depth_m is not None:
        if ownership.plate_near_m > 0.0:
            owned |= depth_m < ownership.plate_near_m
        if math.isfinite(ownership.plate_far_m):
            owned |= depth_m > ownership.plate_far_m
    return owned


def blend_reference(plate: NDArray[np.float16], planes: PlaneViews, ownership: Ownership) -> NDArray[np.float16]:
    """The same rule, one pixel at a time; returns a new plate [H, W, 4]."""
    out = plate.copy()
    for y in range(plate.shape[0]):
        for x in range(plate.shape[1]):
            label = int(planes[PlaneName.LABEL][y, x]) if PlaneName.LABEL in planes else None
            thing = int(planes[PlaneName.OBJECT][y, x]) if PlaneName.OBJECT in planes else None
            depth_m = float(planes[PlaneName.DEPTH][y, x]) if PlaneName.DEPTH in planes else None
            too_near = depth_m is not None and depth_m < ownership.plate_near_m
            too_far = depth_m is not None and depth_m > ownership.plate_far_m
            if label in ownership.labels or thing in ownership.objects or too_near or too_far:
                out[y, x] = 0.0
    return out
