"""Which points see the sun: a grid across the sun's rays, with a short list of possible shades in every cell."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel, part
from bridge.engine.rays import (
    BOX,
    CYLINDER,
    F64,
    I32,
    NONE,
    SPHERE,
    Solids,
    corners_in,
    enter_box,
    enter_capsule,
    enter_cylinder,
    enter_sphere,
    least,
    most,
    widen,
)
from bridge.engine.world import Sun

CELLS = 64  # a side
LARGE_M = 32.0  # a thing wider than this (the ground) does not stretch the grid; its own cells are clipped instead


class SunGrid(NamedTuple):
    """Seen from the sun: `frame` rows are 0, side, side, towards the sun. Points outside the cells may still be
    shaded: for them every primitive counts."""

    frame: F64  # [4, 3]
    kind: NDArray[np.int64]  # [n]
    table: F64  # [n, COLUMNS], what a ray to the sun needs of every primitive, side by side in memory
    order: I32  # [n] primitives, the nearest to the sun first
    origin: F64  # [2] where the cells begin
    cell_m: float
    lists: I32  # [CELLS * CELLS, n] in that order
    counts: I32  # [CELLS * CELLS]


# Columns of the table: local_from_world (12, row by row, translation last in each), direction to the sun and its
# inverse in the primitive's own space (3 + 3), size (3), and bounds along the frame: u and v low and high, w high (5).
LOCAL, TOWARDS, INVERSE, SIZE, BOUNDS, HIGH, COLUMNS = 0, 12, 15, 18, 21, 25, 26


def direction_of(sun: Sun) -> F64:
    """Unit vector from the ground to the sun; azimuth from -Z towards +X."""
    azimuth, elevation = math.radians(sun.azimuth_deg), math.radians(sun.elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.sin(azimuth), math.sin(elevation), -flat * math.cos(azimuth)])


def sun_frame(sun: Sun) -> F64:
    """The frame [4, 3] of a `SunGrid`."""
    forward = direction_of(sun)
    side = np.cross(forward, (0.0, 0.0, 1.0) if abs(forward[2]) < 0.9 else (1.0, 0.0, 0.0))
    side /= np.linalg.norm(side)
    return np.stack([np.zeros(3), side, np.cross(forward, side), forward])


def empty_grid(sun: Sun, kind: NDArray[np.int64]) -> SunGrid:
    """A grid with room for primitives of these kinds, for `fill_grid` to fill."""
    cells, count = CELLS * CELLS, len(kind)
    return SunGrid(
        sun_frame(sun), kind, np.empty((count, COLUMNS)), np.empty(count, np.int32), np.zeros(2), 1.0,
        np.empty((cells, count), np.int32), np.zeros(cells, np.int32),
    )  # fmt: skip


def fill_grid(grid: SunGrid, solids: Solids, still: int) -> SunGrid:
    """Sort primitives into cells, in place; the cells span the first `still` ones, which do not move."""
    fill_table(solids, grid.frame, grid.table)
    low, high = grid.table[:, (BOUNDS, BOUNDS + 2)], grid.table[:, (BOUNDS + 1, BOUNDS + 3)]
    spanned: NDArray[np.bool_] = np.all(high - low < LARGE_M, axis=1)
    spanned[still:] = False
    if not spanned.any():
        spanned[:] = True
    grid.origin[:] = low[spanned].min(axis=0)
    cell_m = float((high[spanned].max(axis=0) - grid.origin).max()) / CELLS + 1e-9
    grid.order[:] = np.argsort(-grid.table[:, HIGH], kind="stable")
    fill_cells(grid.table, grid.order, grid.origin, cell_m, grid.lists, grid.counts)
    return grid._replace(cell_m=cell_m)


@kernel
def fill_table(solids: Solids, frame: F64, table: F64) -> None:
    """Write the table of a `SunGrid`."""
    corners = np.empty((8, 3))
    for n in range(len(solids.kind)):
        r, p = solids.rotation[n], solids.position[n]
        for axis in range(3):
            towards = r[0, axis] * frame[3, 0] + r[1, axis] * frame[3, 1] + r[2, axis] * frame[3, 2]
            table[n, TOWARDS + axis] = towards
            table[n, INVERSE + axis] = 1.0 / towards
            table[n, SIZE + axis] = solids.size[n, axis]
            for k in range(3):
                table[n, LOCAL + 4 * axis + k] = r[k, axis]
            table[n, LOCAL + 4 * axis + 3] = -(r[0, axis] * p[0] + r[1, axis] * p[1] + r[2, axis] * p[2])
        corners_in(solids, n, frame, corners)
        picture = table[n, BOUNDS : BOUNDS + 4]
        picture[0] = picture[2] = np.inf
        picture[1] = picture[3] = table[n, HIGH] = -np.inf
        for corner in range(8):
            widen(picture, corners[corner, 0], corners[corner, 1])
            table[n, HIGH] = most(table[n, HIGH], corners[corner, 2])


@kernel
def fill_cells(table: F64, order: I32, origin: F64, cell_m: float, lists: I32, counts: I32) -> None:
    """Write every primitive into the cells that its bounds touch, in `order`."""
    counts[:] = 0
    for n in order:
        first_column = int(most((table[n, BOUNDS] - origin[0]) / cell_m, 0.0))
        first_row = int(most((table[n, BOUNDS + 2] - origin[1]) / cell_m, 0.0))
        last_column = int(least(most((table[n, BOUNDS + 1] - origin[0]) / cell_m, -1.0), CELLS - 1.0))
        last_row = int(least(most((table[n, BOUNDS + 3] - origin[1]) / cell_m, -1.0), CELLS - 1.0))
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                cell = row * CELLS + column
                lists[cell, counts[cell]] = n
                counts[cell] += 1


@part
def shades(kind: NDArray[np.int64], table: F64, n: int, x: float, y: float, z: float) -> bool:
    """Whether primitive n stands between a point and the sun."""
    ox = table[n, 0] * x + table[n, 1] * y + table[n, 2] * z + table[n, 3]
    oy = table[n, 4] * x + table[n, 5] * y + table[n, 6] * z + table[n, 7]
    oz = table[n, 8] * x + table[n, 9] * y + table[n, 10] * z + table[n, 11]
    a, b, c = table[n, SIZE], table[n, SIZE + 1], table[n, SIZE + 2]
    if kind[n] == BOX:
        ix, iy, iz = table[n, INVERSE], table[n, INVERSE + 1], table[n, INVERSE + 2]
        return enter_box(ox, oy, oz, ix, iy, iz, a, b, c) < np.inf
    dx, dy, dz = table[n, TOWARDS], table[n, TOWARDS + 1], table[n, TOWARDS + 2]
    if kind[n] == SPHERE:
        return enter_sphere(ox, oy, oz, dx, dy, dz, a) < np.inf
    if kind[n] == CYLINDER:
        return enter_cylinder(ox, oy, oz, dx, dy, dz, a, b) < np.inf
    return enter_capsule(ox, oy, oz, dx, dy, dz, a, b) < np.inf


@part
def find_shade(kind: NDArray[np.int64], table: F64, order: I32, lists: I32, counts: I32, column: int, row: int,
               u: float, v: float, w: float, x: float, y: float, z: float, me: int, guess: int) -> int:  # fmt: skip
    """A primitive that stands between a point on primitive `me` and the sun; -1 when the point is in the sun.

    (u, v, w) is the point along the grid's frame and (x, y, z) in the world. `guess` (the shade of the pixel before,
    or -1) is tried first: shadows are larger than a pixel. Convex shapes do not shade themselves.
    """
    if guess >= 0 and guess != me and shades(kind, table, guess, x, y, z):
        return guess
    inside = 0 <= column < CELLS and 0 <= row < CELLS
    cell = row * CELLS + column if inside else 0
    for k in range(counts[cell] if inside else len(order)):
        n = lists[cell, k] if inside else order[k]
        if table[n, HIGH] < w:
            break  # this and all that follow lie farther from the sun than the point
        if n == me or u < table[n, BOUNDS] or u > table[n, BOUNDS + 1]:
            continue
        if v < table[n, BOUNDS + 2] or v > table[n, BOUNDS + 3]:
            continue
        if shades(kind, table, n, x, y, z):
            return int(n)
    return -1


@kernel
def find_shades(grid: SunGrid, points: F64, index: I32, facing: F64, shader: I32) -> None:
    """What stands between points [height, width, 3] on primitives `index` and the sun; -1 where nothing does, where
    there is no primitive and where the surface faces away from the sun."""
    kind, table, order, lists, counts = grid.kind, grid.table, grid.order, grid.lists, grid.counts
    f, u0, v0, cell_m = grid.frame, grid.origin[0], grid.origin[1], grid.cell_m
    for i in range(index.shape[0]):
        guess = int(NONE)  # without int it is a type of its own to numba, which would compile all below twice
        for j in range(index.shape[1]):
            shader[i, j] = -1
            if index[i, j] < 0 or facing[i, j] <= 0.0:
                continue
            x, y, z = points[i, j, 0], points[i, j, 1], points[i, j, 2]
            u = f[1, 0] * x + f[1, 1] * y + f[1, 2] * z
            v = f[2, 0] * x + f[2, 1] * y + f[2, 2] * z
            w = f[3, 0] * x + f[3, 1] * y + f[3, 2] * z
            column, row = int(np.floor((u - u0) / cell_m)), int(np.floor((v - v0) / cell_m))
            guess = find_shade(kind, table, order, lists, counts, column, row, u, v, w, x, y, z, index[i, j], guess)
            shader[i, j] = guess
