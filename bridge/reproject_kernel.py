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

Scalar = Any  # a number of some width inside the kernels
Function = TypeVar("Function", bound=Callable[..., object])
F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]
I32 = NDArray[np.int32]

_F32_2D, _U32_2D = (types.Array(kind, 2, "C", readonly=True) for kind in (types.float32, types.uint32))
_LAY = types.int64(
    _F32_2D, _U32_2D, types.uint32[::1], types.float64[:, :, ::1], _F32_2D, _U32_2D,
    types.Array(types.float32, 3, "C", readonly=True), types.float32[:, :, ::1], types.float32[:, ::1],
    types.float64, types.float64,
)  # fmt: skip
_HALVE = types.void(types.Array(types.float32, 1, "C", readonly=True), types.uint16[::1])
_WIDEN = types.void(types.Array(types.uint16, 1, "C", readonly=True), types.float32[::1])
_LAND = types.void(
    _F32_2D, _U32_2D, types.uint32[::1], types.float64[:, :, ::1], types.float32[:, ::1], types.uint32[:, ::1]
)
_NONE, _ONE = np.float32(0), np.float32(1)  # a Python float would make double precision of all that it meets
_TO_SINGLE = np.float32(2.0**112)  # between the halves' exponents and the singles'
_RELATIVE, _TOLERANCE = np.float32(RELATIVE_TOLERANCE), np.float32(TOLERANCE_M)


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


def widen_with_numba(values: NDArray[np.float16]) -> F32:
    """As `values.astype(np.float32)`, which is exact."""
    singles = np.empty(values.shape, np.float32)
    _widen(np.ascontiguousarray(values).view(np.uint16).reshape(-1), singles.reshape(-1))
    return singles


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
def _trace(c: F64, row: int, first: int, depth_m: F32, x_px: F32, y_px: F32, there_m: F32) -> None:
    """Where the source's image has pixels of a row that lie on one body, from column `first` on: x and y in pixels (0
    is the first one's centre), and how deep, +inf for the sky. No branches, for vector instructions."""
    x0, y0, w0, z0 = c[0, 0] + row * c[2, 0], c[0, 1] + row * c[2, 1], c[0, 2] + row * c[2, 2], c[0, 3] + row * c[2, 3]
    xd, yd, wd, zd = c[3, 0] + row * c[5, 0], c[3, 1] + row * c[5, 1], c[3, 2] + row * c[5, 2], c[3, 3] + row * c[5, 3]
    xs, ys, ws, zs = c[6, 0] + row * c[8, 0], c[6, 1] + row * c[8, 1], c[6, 2] + row * c[8, 2], c[6, 3] + row * c[8, 3]
    x1, y1, w1, z1, xd1, yd1, wd1, zd1 = c[1, 0], c[1, 1], c[1, 2], c[1, 3], c[4, 0], c[4, 1], c[4, 2], c[4, 3]
    xs1, ys1, ws1, zs1 = c[7, 0], c[7, 1], c[7, 2], c[7, 3]
    for at in range(len(depth_m)):
        column, depth = float(first + at), float(depth_m[at])
        is_sky = depth == np.inf
        w = ws + column * ws1 if is_sky else w0 + column * w1 + depth * (wd + column * wd1)
        x = xs + column * xs1 if is_sky else x0 + column * x1 + depth * (xd + column * xd1)
        y = ys + column * ys1 if is_sky else y0 + column * y1 + depth * (yd + column * yd1)
        z = zs + column * zs1 if is_sky else z0 + column * z1 + depth * (zd + column * zd1)
        per_w = 1.0 / w
        x_px[at], y_px[at] = x * per_w, y * per_w
        there_m[at] = np.inf if is_sky and z > 0 else z


@_inlined
def _trace_row(rows: F64, ids: U32, row: int, depth_m: F32, objects: U32, x_px: F32, y_px: F32, there_m: F32) -> None:
    """`_trace` of a whole row, body by body."""
    first, width = 0, len(depth_m)
    while first < width:
        end = first + 1
        if objects.size:
            while end < width and objects[end] == objects[first]:
                end += 1
        else:
            end = width
        owner = _owner(ids, objects[first] if objects.size else np.uint32(0))
        _trace(rows[owner], row, first, depth_m[first:end], x_px[first:end], y_px[first:end], there_m[first:end])
        first = end


@_inlined
def _place(
    x_px: F32, y_px: F32, there_m: F32, known: F32, right: Scalar, bottom: Scalar, share: Scalar, lefts: I32, tops: I32
) -> None:
    """What `_trace_row` found of a row, as it is sampled: the pixel left of and above each position; in place of the
    position how far on it lies, 0..1, and of depth its inverse. Left is -2 where nothing is to be found: behind
    the source's camera, beside its image, on a body that was not there, or where enough is known. No branches."""
    for at in range(len(x_px)):
        x, y, z = x_px[at], y_px[at], there_m[at]
        inside = (z > _NONE) & (x > -_ONE) & (x < right) & (y > -_ONE) & (y < bottom)
        inside = inside & ((known[at] <= _NONE) | (share > _NONE))
        x, y = x if inside else _NONE, y if inside else _NONE
        floor_x, floor_y = np.floor(x), np.floor(y)
        lefts[at], tops[at] = np.int32(floor_x) if inside else np.int32(-2), np.int32(floor_y)
        x_px[at], y_px[at], there_m[at] = x - floor_x, y - floor_y, _ONE / z


@_inlined
def _agree(here: Scalar, there: Scalar) -> Scalar:
    """Whether two inverse depths are those of one surface."""
    return abs(here - there) <= max(_RELATIVE * there, _TOLERANCE * here * there)


@_inlined
def _mix(plate: F32, red: Scalar, green: Scalar, blue: Scalar, matte: Scalar, part: Scalar) -> None:
    """Colours times matte, and matte, get their part of a pixel [4] with straight alpha."""
    before = plate[3] * (_ONE - part)
    mixed = before + matte * part
    per_matte = _ONE / mixed if mixed > _NONE else _ONE
    plate[0] = (plate[0] * before + red * part) * per_matte
    plate[1] = (plate[1] * before + green * part) * per_matte
    plate[2] = (plate[2] * before + blue * part) * per_matte
    plate[3] = mixed


@_inlined
def _sampled(colors: F32, above: Scalar, below: Scalar, before: Scalar, after: Scalar, channel: int,
             a: Scalar, b: Scalar, c: Scalar, d: Scalar) -> Scalar:  # fmt: skip
    upper = a * colors[above, before, channel] + b * colors[above, after, channel]
    return upper + c * colors[below, before, channel] + d * colors[below, after, channel]


@_compile(_LAY)
def _lay(
    depth_m: F32, objects: U32, ids: U32, rows: F64, inverse_depth: F32, source_objects: U32, colors: F32, plate: F32,
    confidence: F32, share: float, trust: float,
) -> int:  # fmt: skip
    """In single precision, without branches between the taps: what is outside, of another thing, or sky where the pixel
    is none, weighs nothing. The taps' indices are unsigned, so that no code asks whether they count from the end."""
    height, width = depth_m.shape
    x_px, y_px, there_m = np.empty(width, np.float32), np.empty(width, np.float32), np.empty(width, np.float32)
    lefts, tops = np.empty(width, np.int32), np.empty(width, np.int32)
    right, bottom, part_of_known = np.float32(width), np.float32(height), np.float32(share)
    anything, here_id, given = source_objects.size == 0, np.uint32(0), 0
    for row in range(height):
        _trace_row(rows, ids, row, depth_m[row], objects[row] if objects.size else ids[:0], x_px, y_px, there_m)
        _place(x_px, y_px, there_m, confidence[row], right, bottom, part_of_known, lefts, tops)
        for column in range(width):
            left, top, known, depth = lefts[column], tops[column], confidence[row, column], depth_m[row, column]
            if left < -1:
                continue
            along, down, is_sky = x_px[column], y_px[column], depth == np.float32(np.inf)
            above, below = np.uintp(max(top, 0)), np.uintp(max(min(top + 1, height - 1), 0))
            before, after = np.uintp(max(left, 0)), np.uintp(max(min(left + 1, width - 1), 0))
            upper, lower = _ONE - down if top >= 0 else _NONE, down if top + 1 < height else _NONE
            first, second = _ONE - along if left >= 0 else _NONE, along if left + 1 < width else _NONE
            i, j = inverse_depth[above, before], inverse_depth[above, after]
            k, m = inverse_depth[below, before], inverse_depth[below, after]
            a, b = first * upper if (i > _NONE) != is_sky else _NONE, second * upper if (j > _NONE) != is_sky else _NONE
            c, d = first * lower if (k > _NONE) != is_sky else _NONE, second * lower if (m > _NONE) != is_sky else _NONE
            if not anything:
                here_id = objects[row, column]
                a = a if source_objects[above, before] == here_id else _NONE
                b = b if source_objects[above, after] == here_id else _NONE
                c = c if source_objects[below, before] == here_id else _NONE
                d = d if source_objects[below, after] == here_id else _NONE
            total = a + b + c + d
            if total < np.float32(LEAST_WEIGHT):
                continue
            per_total = _ONE / total
            a, b, c, d = a * per_total, b * per_total, c * per_total, d * per_total
            there = a * i + b * j + c * k + d * m
            if not _agree(there_m[column], there):
                continue
            part = part_of_known if known > _NONE else _ONE
            _mix(
                plate[row, column],
                _sampled(colors, above, below, before, after, 0, a, b, c, d),
                _sampled(colors, above, below, before, after, 1, a, b, c, d),
                _sampled(colors, above, below, before, after, 2, a, b, c, d),
                _sampled(colors, above, below, before, after, 3, a, b, c, d), part,
            )  # fmt: skip
            size = _ONE if is_sky else min(depth * there, _ONE)
            confidence[row, column] = known + (np.float32(trust) * total * size - known) * part
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
    for row in range(height):
        of_row = objects[row] if objects.size else ids[:0]
        _trace_row(rows, ids, row, depth_m[row], of_row, x_px[row], y_px[row], there_m[row])
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


@_inlined
def half_of(value: Scalar) -> Scalar:
    """The bits of a single float as a half. No branches, for vector instructions. Adding a float whose last place is
    the half's least rounds what is too small to be normal; for the rest half of the last place less one, and the last
    place itself, are added."""
    whole = np.float32(value).view(np.uint32)
    sign = np.uint32(whole & np.uint32(0x80000000))
    size = np.uint32(whole ^ sign)
    added = np.float32(np.uint32(size).view(np.float32) + np.float32(0.5))
    small = np.uint32(added.view(np.uint32) - np.uint32(0x3F000000))
    even = np.uint32(np.uint32(size >> np.uint32(13)) & np.uint32(1))
    normal = np.uint32(np.uint32(size - np.uint32(0x38000000) + np.uint32(0xFFF) + even) >> np.uint32(13))
    large = np.uint32(0x7E00) if size > np.uint32(0x7F800000) else np.uint32(0x7C00)
    half = small if size < np.uint32(0x38800000) else (large if size >= np.uint32(0x47800000) else normal)
    return np.uint16(np.uint32(half | np.uint32(sign >> np.uint32(16))))


@_inlined
def whole_of(bits: Scalar) -> Scalar:
    """The single float that a half's bits are: its exponent is moved by a product, which sets small ones right too."""
    size = np.uint32(np.uint32(np.uint32(bits) & np.uint32(0x7FFF)) << np.uint32(13))
    moved = np.float32(size.view(np.float32) * _TO_SINGLE).view(np.uint32)
    known = moved if size < np.uint32(0x0F800000) else np.uint32(size | np.uint32(0x7F800000))
    sign = np.uint32(np.uint32(np.uint32(bits) & np.uint32(0x8000)) << np.uint32(16))
    return np.uint32(known | sign).view(np.float32)


@_compile(_HALVE)
def _halve(values: F32, bits: NDArray[np.uint16]) -> None:
    for at in range(len(values)):
        bits[at] = half_of(values[at])


@_compile(_WIDEN)
def _widen(bits: NDArray[np.uint16], values: F32) -> None:
    for at in range(len(values)):
        values[at] = whole_of(bits[at])
