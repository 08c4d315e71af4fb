"""The compiled twins of `lay_with_numpy` and `land_with_numpy` of bridge/reproject.py: a pass or two over the picture.
Needs numba; imported late.

A pixel's homogeneous position in the source's image is affine in its own position and its depth, so each body that
moved needs no more than one row of coefficients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from bridge.poses import F64
from bridge.reproject import (
    LEAST_WEIGHT,
    NO_OBJECTS,
    RELATIVE_TOLERANCE,
    TOLERANCE_M,
    Source,
    View,
    Warped,
    owners,
)
from bridge.schema import Bodies, Camera

Scalar = Any  # a float32 or float64 inside the kernels
Function = TypeVar("Function", bound=Callable[..., object])
F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]

_F32_2D, _U32_2D = (types.Array(kind, 2, "C", readonly=True) for kind in (types.float32, types.uint32))
_LAY = types.int64(
    _F32_2D, _U32_2D, types.uint32[::1], types.float64[:, :, ::1], _F32_2D, _U32_2D,
    types.Array(types.float32, 3, "C", readonly=True), types.float32[:, :, ::1], types.float32[:, ::1],
    types.float64, types.float64,
)  # fmt: skip
_HALVE = types.void(types.Array(types.float32, 1, "C", readonly=True), types.uint16[::1])
_LAND = types.void(
    _F32_2D, _U32_2D, types.uint32[::1], types.float64[:, :, ::1], types.float32[:, ::1], types.uint32[:, ::1]
)


def lay_with_numba(source: Source, target: View, onto: Warped, share: float, trust: float) -> int:
    """As `bridge.reproject.lay_with_numpy`, for a target whose bodies are followed by id."""
    ids, matrices = owners(source, target)
    both = source.objects is not None and target.objects is not None
    return int(
        _lay(
            np.ascontiguousarray(target.depth_m, np.float32),
            NO_OBJECTS if target.objects is None else np.ascontiguousarray(target.objects, np.uint32),
            ids,
            _coefficients(source.camera, target, matrices),
            source.inverse_depth,
            source.objects if both and source.objects is not None else NO_OBJECTS,
            source.colors,
            onto.plate,
            onto.confidence,
            share,
            trust,
        )
    )


def land_with_numba(view: View, camera: Camera, bodies: Bodies) -> tuple[F32, U32 | None]:
    """As `bridge.reproject.land_with_numpy`."""
    seen = View(view.frame_id, camera, bodies, view.depth_m)
    ids, matrices = owners(seen, view)
    depth_m = np.ascontiguousarray(view.depth_m, np.float32)
    objects = NO_OBJECTS if view.objects is None else np.ascontiguousarray(view.objects, np.uint32)
    landed_m, landed_on = np.empty_like(depth_m), np.empty_like(objects)
    _land(depth_m, objects, ids, _coefficients(camera, view, matrices), landed_m, landed_on)
    return landed_m, None if view.objects is None else landed_on


def halve_with_numba(values: F32) -> NDArray[np.float16]:
    """As `values.astype(np.float16)`: to the nearest, ties to even; NaN stays NaN, what is too large is infinite."""
    bits = np.empty(values.shape, np.uint16)
    _halve(np.ascontiguousarray(values).reshape(-1), bits.reshape(-1))
    return bits.view(np.float16)


def _coefficients(camera: Camera, target: View, source_from_target: F64) -> F64:
    """Of matrices [N, 4, 4], [N, 9, 4]. For a target pixel at row, column and depth d, pixel x times w, pixel y times
    w, w, and depth in the source's image are (row 0 + column * row 1 + row * row 2) + d * (rows 3 to 5); for the sky
    they are rows 6 to 8."""
    height, width = target.depth_m.shape
    at_zero, per_metre = _rays(target.camera, width, height)
    one, none = [[1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]
    points = source_from_target @ np.concatenate([at_zero, one])
    per_depth = source_from_target @ np.concatenate([per_metre, none])
    directions = source_from_target @ np.concatenate([at_zero + per_metre, none])
    directions[:, 3] = one
    all_three = _pixels_from_view(camera, width, height) @ np.concatenate([points, per_depth, directions], axis=-1)
    return np.ascontiguousarray(np.swapaxes(all_three, -1, -2))


def _rays(camera: Camera, width: int, height: int) -> tuple[F64, F64]:
    """View-space points of a pixel, [3, 3] each: at depth 0, and what a metre of depth adds; the columns are what is
    constant, what a column of the picture adds, and what a row adds."""
    p = np.array(camera.projection, np.float64).reshape(4, 4)
    jitter_x, jitter_y = camera.jitter_px
    left, top = (0.5 - jitter_x) * 2 / width - 1, 1 - (0.5 - jitter_y) * 2 / height
    ndc = np.array([[left, 2 / width, 0], [top, 0, -2 / height]])
    offset, slope = ndc * p[3, 3], ndc * -p[3, 2]
    offset[:, 0] -= p[:2, 3]
    slope[:, 0] += p[:2, 2]
    back = np.linalg.inv(p[:2, :2])
    return np.concatenate([back @ offset, [[0.0] * 3]]), np.concatenate([back @ slope, [[-1.0, 0.0, 0.0]]])


def _pixels_from_view(camera: Camera, width: int, height: int) -> F64:
    """[4, 4]: from a homogeneous view-space point to x px * w, y px * w (0 at the first pixel's centre), w, depth."""
    p = np.array(camera.projection, np.float64).reshape(4, 4)
    jitter_x, jitter_y = camera.jitter_px
    x = p[0] * width / 2 + p[3] * (width / 2 + jitter_x - 0.5)
    y = p[1] * -height / 2 + p[3] * (height / 2 + jitter_y - 0.5)
    return np.stack([x, y, p[3], np.array([0.0, 0.0, -1.0, 0.0])])


def _inlined(function: Function) -> Function:
    return cast(Function, njit(nogil=True, error_model="numpy", inline="always")(function))


def _compile(signature: object) -> Callable[[Function], Function]:
    """At once, for these types: cached on disk, without the GIL, IEEE division."""

    def compiled(function: Function) -> Function:
        return cast(Function, njit(signature, cache=True, nogil=True, error_model="numpy")(function))

    return compiled


@_inlined
def _owner(ids: U32, object_id: np.uint32) -> int:
    """The body's row of coefficients; the last is that of what stands still."""
    found = np.searchsorted(ids, object_id)
    return int(len(ids) if found < len(ids) and ids[found] != object_id else found)


@_inlined
def _in_source(c: F64, row: int, column: int, depth_m: float) -> tuple[float, float, float]:
    """Where the source's image has the pixel, x and y in pixels (0 is the first one's centre), and how deep."""
    if depth_m == np.inf:
        w = c[6, 2] + column * c[7, 2] + row * c[8, 2]
        x = c[6, 0] + column * c[7, 0] + row * c[8, 0]
        y = c[6, 1] + column * c[7, 1] + row * c[8, 1]
        z = c[6, 3] + column * c[7, 3] + row * c[8, 3]
    else:
        w = c[0, 2] + column * c[1, 2] + row * c[2, 2] + depth_m * (c[3, 2] + column * c[4, 2] + row * c[5, 2])
        x = c[0, 0] + column * c[1, 0] + row * c[2, 0] + depth_m * (c[3, 0] + column * c[4, 0] + row * c[5, 0])
        y = c[0, 1] + column * c[1, 1] + row * c[2, 1] + depth_m * (c[3, 1] + column * c[4, 1] + row * c[5, 1])
        z = c[0, 3] + column * c[1, 3] + row * c[2, 3] + depth_m * (c[3, 3] + column * c[4, 3] + row * c[5, 3])
    return x / w, y / w, z


@_inlined
def _agree(here: float, there: float) -> bool:
    """Whether two inverse depths are those of one surface."""
    return abs(here - there) <= max(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there)


@_inlined
def _mix(plate: F32, found: F64, total: float, part: float) -> None:
    """`found`, colours times matte and matte, times `total`, gets its part of a pixel [4] with straight alpha."""
    before = float(plate[3])
    matte = before + (found[3] / total - before) * part
    for channel in range(3):
        mixed = plate[channel] * before * (1 - part) + found[channel] / total * part
        plate[channel] = mixed / matte if matte > 0 else mixed
    plate[3] = matte


@_compile(_LAY)
def _lay(
    depth_m: F32,
    objects: U32,
    ids: U32,
    rows: F64,
    inverse_depth: F32,
    source_objects: U32,
    colors: F32,
    plate: F32,
    confidence: F32,
    share: float,
    trust: float,
) -> int:
    height, width = depth_m.shape
    given, last_id, owner = 0, np.uint32(0), _owner(ids, np.uint32(0))
    found = np.empty(4)
    for row in range(height):
        for column in range(width):
            known, depth = confidence[row, column], float(depth_m[row, column])
            if known > 0 and share <= 0:
                continue
            here_id = objects[row, column] if objects.size else np.uint32(0)
            if here_id != last_id:  # neighbours mostly lie on one body
                last_id, owner = here_id, _owner(ids, here_id)
            x_px, y_px, there_m = _in_source(rows[owner], row, column, depth)
            if not (there_m > 0 and x_px > -1 and x_px < width and y_px > -1 and y_px < height):
                continue  # behind the source's camera, beside its image, or on a body that was not there
            is_sky = depth == np.inf
            left, top = int(np.floor(x_px)), int(np.floor(y_px))
            total, there = 0.0, 0.0
            found[:] = 0.0
            for tap in range(4):
                y, x = top + (tap >> 1), left + (tap & 1)
                if y < 0 or y >= height or x < 0 or x >= width:
                    continue
                if (source_objects.size and source_objects[y, x] != here_id) or (inverse_depth[y, x] > 0) == is_sky:
                    continue  # another thing; and sky is seen in sky alone
                weight = (1 - abs(y_px - y)) * (1 - abs(x_px - x))
                total += weight
                there += weight * inverse_depth[y, x]
                for channel in range(4):
                    found[channel] += weight * colors[y, x, channel]
            if not (total >= LEAST_WEIGHT and _agree(0.0 if is_sky else 1.0 / there_m, there / total)):
                continue
            part = share if known > 0 else 1.0
            _mix(plate[row, column], found, total, part)
            size = 1.0 if is_sky else min(depth * there / total, 1.0)
            confidence[row, column] = known + (trust * total * size - known) * part
            given += 1
    return given


@_inlined
def _smaller(before: Scalar, after: Scalar) -> Scalar:
    """Of the slopes on both sides that of the surface: at an edge the other is that of the edge."""
    return after if abs(after) < abs(before) else before


@_inlined
def _close(nearest_m: F32, landed_m: F32, landed_on: U32) -> None:
    """Pixels on which nothing fell (-1) take the farthest of the four beside them; NaN where there is none."""
    height, width = nearest_m.shape
    for row in range(height):
        for column in range(width):
            if nearest_m[row, column] >= 0:
                continue
            landed_m[row, column], farthest_m, on = np.nan, -1.0, np.uint32(0)
            for y, x in ((row, column - 1), (row, column + 1), (row - 1, column), (row + 1, column)):
                inside = y >= 0 and y < height and x >= 0 and x < width
                if inside and nearest_m[y, x] > farthest_m:
                    farthest_m, landed_m[row, column] = nearest_m[y, x], landed_m[y, x]
                    if landed_on.size:
                        on = landed_on[y, x]
            if landed_on.size:
                landed_on[row, column] = on


@_compile(_LAND)
def _land(depth_m: F32, objects: U32, ids: U32, rows: F64, landed_m: F32, landed_on: U32) -> None:
    height, width = depth_m.shape
    x_px, y_px = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    there_m = np.empty((height, width), np.float32)
    last_id, owner = np.uint32(0), _owner(ids, np.uint32(0))
    for row in range(height):
        for column in range(width):
            here_id = objects[row, column] if objects.size else np.uint32(0)
            if here_id != last_id:
                last_id, owner = here_id, _owner(ids, here_id)
            depth = float(depth_m[row, column])
            x, y, z = _in_source(rows[owner], row, column, depth)
            x_px[row, column], y_px[row, column] = x, y
            there_m[row, column] = np.inf if depth == np.inf and z > 0 else z
    nearest_m = np.full((height, width), np.float32(-1.0))  # of the points that fall on a pixel; -1 for none
    for row in range(height):
        for column in range(width):
            here_m = there_m[row, column]
            to_x, to_y = np.rint(x_px[row, column]), np.rint(y_px[row, column])
            if not (here_m > 0 and to_x >= 0 and to_x < width and to_y >= 0 and to_y < height):
                continue
            x, y = int(to_x), int(to_y)
            if nearest_m[y, x] >= 0 and nearest_m[y, x] < here_m:
                continue
            # The depth at the pixel's centre: half a pixel along a floor is more than the tolerance of depth.
            here = 1 / here_m
            left = here - 1 / there_m[row, column - 1] if column > 0 else np.float32(0)
            right = 1 / there_m[row, column + 1] - here if column < width - 1 else np.float32(0)
            above = here - 1 / there_m[row - 1, column] if row > 0 else np.float32(0)
            below = 1 / there_m[row + 1, column] - here if row < height - 1 else np.float32(0)
            moved = here + _smaller(left, right) * (to_x - x_px[row, column])
            moved += _smaller(above, below) * (to_y - y_px[row, column])
            nearest_m[y, x] = here_m
            landed_m[y, x] = 1 / moved if moved > 0 else here_m
            if objects.size:
                landed_on[y, x] = objects[row, column]
    _close(nearest_m, landed_m, landed_on)


@_compile(_HALVE)
def _halve(values: F32, bits: NDArray[np.uint16]) -> None:
    """No branches, for vector instructions. Adding a float whose last place is the half's least rounds what is too
    small to be normal; for the rest half of the last place less one, and the last place itself, are added."""
    for at in range(len(values)):
        whole = np.float32(values[at]).view(np.uint32)
        sign = np.uint32(whole & np.uint32(0x80000000))
        size = np.uint32(whole ^ sign)
        added = np.float32(np.uint32(size).view(np.float32) + np.float32(0.5))
        small = np.uint32(added.view(np.uint32) - np.uint32(0x3F000000))
        even = np.uint32(np.uint32(size >> np.uint32(13)) & np.uint32(1))
        normal = np.uint32(np.uint32(size - np.uint32(0x38000000) + np.uint32(0xFFF) + even) >> np.uint32(13))
        large = np.uint32(0x7E00) if size > np.uint32(0x7F800000) else np.uint32(0x7C00)
        half = small if size < np.uint32(0x38800000) else (large if size >= np.uint32(0x47800000) else normal)
        bits[at] = np.uint16(np.uint32(half | np.uint32(sign >> np.uint32(16))))
