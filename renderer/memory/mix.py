"""A plate held to what is remembered: for models that cannot take a prior themselves.

The memory's cells are coarser than near pixels, and the plate's own detail is finer than what is remembered. So what is
added is the *difference* between memory and plate, averaged over as many pixels as a cell covers: the memory says how
bright and what colour a place was, the model keeps what is finer. Far away, where a cell is a pixel or less, the
remembered colour itself comes back. Differences are of square roots, where equal steps look equal, and are not averaged
across edges of things or depth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency
from renderer.memory.kept import FAR_CELL_M, FARTHEST_M, SKY_CELL, VOXEL_M
from renderer.memory.prior import Prior
from renderer.memory.sight import F32

try:
    import torch
    from numba import njit
except ImportError as error:
    raise MissingDependency(
        f"holding plates to the memory needs torch and numba: {error}",
        fix='Install it with `pip install "worldplate[torch]"`.',
    ) from error

Function = TypeVar("Function", bound=Callable[..., object])
MOST_REACH = 2  # samples on either side that a difference is averaged over
SAME_DEPTH = 0.05  # of depth, from sample to sample on one surface


def _kernel(function: Function) -> Function:
    """Compile for this CPU: cached on disk, without the GIL, IEEE arithmetic."""
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))


def mix(plate: NDArray[np.float16], prior: Prior, strength: float) -> None:
    """Move the plate [H, W, 4], in place, towards what is remembered: by `strength` (0..1) times confidence. Pixels
    without confidence, and alpha, stay bit for bit."""
    if strength <= 0.0 or not (prior.confidence > 0).any():
        return
    stride = prior.stride
    colors: F32 = torch.from_numpy(plate).to(torch.float32).numpy()  # eight at a time, where NumPy converts one
    confidence = np.ascontiguousarray(prior.confidence)
    apart = np.empty((*confidence.shape, 3), np.float32)
    differ(np.ascontiguousarray(prior.color), colors, stride, apart)
    held(colors, apart, confidence, *_geometry(prior), stride, strength)
    torch.from_numpy(plate).copy_(torch.from_numpy(colors))


def _geometry(prior: Prior) -> tuple[F32, NDArray[np.uint32], float]:
    objects = prior.view.objects
    depth = np.ascontiguousarray(prior.view.depth_m, np.float32)
    focal_px = prior.view.camera.projection[5] * depth.shape[0] / 2
    ids = np.zeros(depth.shape, np.uint32) if objects is None else np.ascontiguousarray(objects)
    return depth, ids, float(focal_px)


@_kernel
def reach_of(depth_m: float, focal_px: float, stride: int) -> int:
    """Half of how many samples one of the memory's cells covers."""
    if math.isinf(depth_m):
        cell_px = SKY_CELL * focal_px
    elif depth_m < FARTHEST_M:
        cell_px = VOXEL_M * focal_px / max(depth_m, 1e-3)
    else:
        cell_px = FAR_CELL_M * focal_px / depth_m
    return min(max(int(cell_px / 2.0 + 0.5), 1 if stride > 1 else 0), MOST_REACH)


@_kernel
def alike(a_m: float, b_m: float) -> bool:
    """Whether two depths are of one surface."""
    return a_m == b_m or abs(a_m - b_m) <= SAME_DEPTH * a_m


@_kernel
def differ(color: F32, colors: F32, stride: int, apart: F32) -> None:
    """`apart` [h, w, 3]: square roots of what is remembered, `color`, less those of the plate's own pixels `colors`
    [H, W, 4]; 0 where that is no number."""
    height, width, _ = apart.shape
    for y in range(height):
        for x in range(width):
            for c in range(3):
                now = colors[y * stride, x * stride, c]
                value = math.sqrt(max(color[y, x, c], np.float32(0.0))) - math.sqrt(max(now, np.float32(0.0)))
                apart[y, x, c] = value if math.isfinite(value) and math.isfinite(now) else 0.0


@_kernel
def held(
    colors: F32, apart: F32, confidence: F32, depth_m: F32, objects: NDArray[np.uint32], focal_px: float, stride: int,
    strength: float,
) -> None:  # fmt: skip
    """`mix` of a plate [H, W, 4] in place; `apart` [h, w, 3] is memory less plate, of square roots."""
    height, width = confidence.shape
    for y in range(colors.shape[0]):
        for x in range(colors.shape[1]):
            row, column = y // stride, x // stride
            trust = confidence[row, column]
            if trust <= 0.0:
                continue
            reach = reach_of(depth_m[row, column], focal_px, stride)
            weight = red = green = blue = np.float32(0.0)
            for i in range(max(row - reach, 0), min(row + reach + 1, height)):
                for j in range(max(column - reach, 0), min(column + reach + 1, width)):
                    same = objects[i, j] == objects[row, column]
                    if same and alike(depth_m[row, column], depth_m[i, j]):
                        weight += confidence[i, j]
                        red += confidence[i, j] * apart[i, j, 0]
                        green += confidence[i, j] * apart[i, j, 1]
                        blue += confidence[i, j] * apart[i, j, 2]
            share = np.float32(strength) * trust / weight
            for c, total in ((0, red), (1, green), (2, blue)):
                value = math.sqrt(max(colors[y, x, c], np.float32(0.0))) + share * total
                colors[y, x, c] = max(value, np.float32(0.0)) ** 2


def warm_up() -> None:
    """Compiles the kernel, or loads it from where it was kept: not in the first frame of a show."""
    plate, apart, plane = (np.zeros((1, 1, *n), np.float32) for n in ((4,), (3,), ()))
    differ(apart, plate, 1, apart)
    held(plate, apart, plane, plane, plane.astype(np.uint32), 1.0, 1, 1.0)
