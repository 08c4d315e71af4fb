"""A plate held to what is remembered: for models that cannot take a prior themselves.

The memory's cells are coarser than near pixels, and the plate's own detail is finer than what is remembered. So what is
added is the *difference* between memory and plate, averaged over as many pixels as a cell covers: the memory says how
bright and what colour a place was, the model keeps what is finer. Far away, where a cell is a pixel or less, the
remembered colour itself comes back. Differences are of square roots, where equal steps look equal, and are not averaged
across edges of things or depth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency
from renderer.memory.kept import FAR_CELL_M, FARTHEST_M, SKY_CELL, VOXEL_M
from renderer.memory.prior import Prior
from renderer.memory.sight import BLUE, BRIGHTEST, F32, GREEN, RED, lit_of

try:
    from numba import njit, types
except ImportError as error:
    raise MissingDependency(
        f"holding plates to the memory needs numba: {error}", fix='Install it with `pip install "worldplate[torch]"`.'
    ) from error

from bridge.reproject_kernel import half_of, whole_of

U32 = NDArray[np.uint32]
Scalar = Any  # a number of some width inside the kernels
Function = TypeVar("Function", bound=Callable[..., object])
MOST_REACH = 2  # samples on either side that a difference is averaged over
SAME_DEPTH = 0.05  # of depth, from sample to sample on one surface
_NONE, _ONE = np.float32(0), np.float32(1)  # a Python float would make double precision of all that it meets
_SAME, _ENDLESS, _BRIGHTEST = np.float32(SAME_DEPTH), np.float32(np.inf), np.float32(BRIGHTEST)
_COLORS = types.Array(types.float32, 3, "A", readonly=True)  # however they lie: the first three of four, mostly
_DIFFER = types.void(
    _COLORS, types.Array(types.float32, 2, "C", readonly=True), types.uint16[:, :, ::1], types.int64,
    types.float32[:, :, ::1],
)  # fmt: skip
_LIGHT = types.void(types.Array(types.uint16, 3, "C", readonly=True), types.float32[:, ::1])
_HELD = types.void(
    types.uint16[:, :, ::1], types.float32[:, :, ::1], types.Array(types.float32, 2, "C", readonly=True),
    types.Array(types.uint32, 2, "C", readonly=True), types.float64, types.int64, types.float64,
)  # fmt: skip


def _inlined(function: Function) -> Function:
    return cast(Function, njit(nogil=True, error_model="numpy", inline="always")(function))


def _kernel(signature: object) -> Callable[[Function], Function]:
    """Compile for this CPU, at once: cached on disk, without the GIL, IEEE arithmetic."""

    def compiled(function: Function) -> Function:
        return cast(Function, njit(signature, cache=True, nogil=True, error_model="numpy")(function))

    return compiled


def mix(plate: NDArray[np.float16], prior: Prior, strength: float) -> None:
    """Move the plate [H, W, 4], in place, towards what is remembered: by `strength` (0..1) times confidence. Pixels
    without confidence, and alpha, stay bit for bit."""
    if strength <= 0.0 or not (prior.confidence > 0).any():
        return
    bits = np.ascontiguousarray(plate).view(np.uint16)
    height, width = prior.confidence.shape
    apart = np.empty((height, 4, width), np.float32)
    differ(prior.color, np.ascontiguousarray(prior.confidence), bits, prior.stride, apart)
    held(bits, apart, *_geometry(prior), prior.stride, strength)
    if not plate.flags.c_contiguous:
        plate[:] = bits.view(np.float16)


def lit_of_halves(color: NDArray[Any] | None, shape: tuple[int, int]) -> F32:
    """As `renderer.memory.sight.lit_of`, bit for bit, and of halves in one pass."""
    if color is None or color.dtype != np.float16:
        return lit_of(color, shape)
    lit = np.empty(shape, np.float32)
    _light(np.ascontiguousarray(color).view(np.uint16), lit)
    return lit


def focal_px_of(prior: Prior) -> float:
    """Samples that a thing of a metre's height has at a metre."""
    return float(prior.view.camera.projection[5] * prior.view.depth_m.shape[0] / 2)


def _geometry(prior: Prior) -> tuple[F32, NDArray[np.uint32], float]:
    objects = prior.view.objects
    depth = np.ascontiguousarray(prior.view.depth_m, np.float32)
    ids = np.zeros(depth.shape, np.uint32) if objects is None else np.ascontiguousarray(objects, np.uint32)
    return depth, ids, focal_px_of(prior)


@_inlined
def reach_of(depth_m: float, focal_px: float, stride: int) -> np.int32:
    """Half of how many samples one of the memory's cells covers. No branches, for vector instructions."""
    cell_m = VOXEL_M if depth_m < FARTHEST_M else FAR_CELL_M
    cell_px = SKY_CELL * focal_px if depth_m == np.inf else cell_m * focal_px / max(depth_m, 1e-3)
    return np.int32(min(max(cell_px / 2.0 + 0.5, 1.0 if stride > 1 else 0.0), float(MOST_REACH)))


@_inlined
def alike(a_m: Scalar, b_m: Scalar) -> Scalar:
    """Whether two depths are of one surface."""
    return (a_m == b_m) | (abs(a_m - b_m) <= _SAME * a_m)


@_inlined
def _lit(red: NDArray[np.uint16], green: NDArray[np.uint16], blue: NDArray[np.uint16], lit: F32) -> None:
    """Of a row [w]. No branches, for vector instructions."""
    for x in range(len(lit)):
        luminance = RED * whole_of(red[x]) + GREEN * whole_of(green[x]) + BLUE * whole_of(blue[x])
        above = _NONE if luminance < _NONE else luminance  # NaN stays: there the engine gives no light
        lit[x] = np.sqrt(_BRIGHTEST if above > _BRIGHTEST else above)


@_kernel(_LIGHT)
def _light(bits: NDArray[np.uint16], lit: F32) -> None:
    height, width, _ = bits.shape
    red, green, blue = np.empty(width, np.uint16), np.empty(width, np.uint16), np.empty(width, np.uint16)
    for y in range(height):
        for x in range(width):
            red[x], green[x], blue[x] = bits[y, x, 0], bits[y, x, 1], bits[y, x, 2]
        _lit(red, green, blue, lit[y])


@_inlined
def _subtract(halves: NDArray[np.uint16], then: F32, trust: F32, apart: F32) -> None:
    """Of one channel of a row [w]. No branches, for vector instructions."""
    for x in range(len(halves)):
        now = whole_of(halves[x])
        value = np.sqrt(max(then[x], _NONE)) - np.sqrt(max(now, _NONE))
        known = (abs(value) < _ENDLESS) & (abs(now) < _ENDLESS)
        apart[x] = value * trust[x] if known else _NONE


@_kernel(_DIFFER)
def differ(color: F32, confidence: F32, bits: NDArray[np.uint16], stride: int, apart: F32) -> None:
    """Fills `apart` [h, 4, w]: square roots of what is remembered, `color` [h, w, 3], less those of the plate,
    halves [H, W, 4]; 0 where that is no number. They are times `confidence` [h, w], which is the fourth."""
    height, width, _ = color.shape
    halves, then = np.empty(width, np.uint16), np.empty(width, np.float32)
    for y in range(height):
        for c in range(3):
            for x in range(width):
                halves[x], then[x] = bits[y * stride, x * stride, c], color[y, x, c]
            _subtract(halves, then, confidence[y], apart[y, c])
        for x in range(width):
            apart[y, 3, x] = confidence[y, x]


@_inlined
def _count(
    counts: F32, here_m: F32, there_m: F32, here_ids: U32, there_ids: U32, reaches: NDArray[np.int32], far: int
) -> None:
    """`counts` [n]: 1 where what lies `far` samples away is within reach and on the same surface, else 0."""
    away = np.int32(far)
    for at in range(len(counts)):
        same = (here_ids[at] == there_ids[at]) & alike(here_m[at], there_m[at]) & (reaches[at] >= away)
        counts[at] = _ONE if same else _NONE


@_inlined
def _add(total: F32, counts: F32, values: F32) -> None:
    for at in range(len(total)):
        total[at] += counts[at] * values[at]


@_inlined
def _average(
    apart: F32, depth_m: F32, objects: U32, focal_px: float, stride: int, strength: float, row: int, sums: F32,
    counts: F32, reaches: NDArray[np.int32], moves: F32,
) -> None:  # fmt: skip
    """`moves` [w * 4], of a row: what is added to a sample's square roots, from what lies within a cell's reach on its
    surface; the fourth, and all where there is no confidence, is 0. The three before are of no use afterwards."""
    height, width = depth_m.shape
    most, sums[:] = 0, _NONE
    for x in range(width):
        reaches[x] = reach_of(depth_m[row, x], focal_px, stride)
    for x in range(width):
        most = max(most, reaches[x])
    for y in range(max(row - most, 0), min(row + most + 1, height)):
        for by in range(-most, most + 1):
            low, high = max(0, -by), min(width, width - by)
            _count(
                counts[low:high], depth_m[row, low:high], depth_m[y, low + by : high + by], objects[row, low:high],
                objects[y, low + by : high + by], reaches[low:high], max(abs(y - row), abs(by)),
            )  # fmt: skip
            for c in range(4):
                _add(sums[c, low:high], counts[low:high], apart[y, c, low + by : high + by])
    for x in range(width):
        trust = apart[row, 3, x]
        counts[x] = np.float32(strength) * trust / sums[3, x] if trust > _NONE else _NONE
    for x in range(width):
        for c in range(3):
            moves[x * 4 + c] = counts[x] * sums[c, x]
        moves[x * 4 + 3] = _NONE


@_inlined
def _spread(moves: F32, stride: int, wide: F32) -> None:
    """A row's moves [w * 4] to all pixels [W * 4] that a sample stands for."""
    width = len(wide) // 4
    for sample in range(len(moves) // 4):
        for x in range(sample * stride, min((sample + 1) * stride, width)):
            for c in range(4):
                wide[x * 4 + c] = moves[sample * 4 + c]


@_inlined
def _move(bits: NDArray[np.uint16], moves: F32) -> None:
    """Add to the square roots of halves; what 0 is added to stays bit for bit. No branches, for vector instructions."""
    for at in range(len(bits)):
        moved = max(np.sqrt(max(whole_of(bits[at]), _NONE)) + moves[at], _NONE)
        bits[at] = bits[at] if moves[at] == _NONE else half_of(moved * moved)


@_kernel(_HELD)
def held(
    bits: NDArray[np.uint16], apart: F32, depth_m: F32, objects: NDArray[np.uint32], focal_px: float, stride: int,
    strength: float,
) -> None:  # fmt: skip
    """`mix` of a plate [H, W, 4] of halves in place; `apart` is what `differ` gives."""
    rows, columns = depth_m.shape
    height, width, _ = bits.shape
    moves, wide = np.empty(columns * 4, np.float32), np.empty(width * 4, np.float32)
    sums, counts = np.empty((4, columns), np.float32), np.empty(columns, np.float32)
    reaches = np.empty(columns, np.int32)
    for row in range(rows):
        _average(apart, depth_m, objects, focal_px, stride, strength, row, sums, counts, reaches, moves)
        if stride > 1:
            _spread(moves, stride, wide)
        for y in range(row * stride, min((row + 1) * stride, height)):
            _move(bits[y].reshape(-1), wide if stride > 1 else moves)
