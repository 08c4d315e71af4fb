"""The shades of `shadows.py` for the CPU: cell by cell, and carried to 64 pixels at a time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bridge.compiled import kernel, part
from bridge.schema import Camera
from renderer.models.limn.anchor import rotations
from renderer.models.limn.lanes import (
    DEPTH,
    F32,
    LANES,
    LOW_U,
    SH,
    SOLID,
    T0,
    T1,
    T2,
    T3,
    Scalar,
    clip,
    f,
    i4,
    inlined,
    log,
    u4,
)
from renderer.models.limn.shadows import (
    APART,
    AROUND_M,
    AROUND_TAPS,
    DIRECTIONS,
    LAMP_RADIUS2_M2,
    LEANS,
    NEARBY_M,
    NEARBY_TAPS,
    SAME_DEPTH,
    SHADES,
    SKY,
    SUN_GROWTH,
    SUN_STEPS,
    WIDENS,
    Grid,
    Lamps,
    rays_of,
)

LOOK_EVERY = 2  # steps: whether any lane is still on its way to the sun
CELL_ROWS = 8  # rows of cells that one thread takes at a time
ALONG, DOWN = np.ascontiguousarray(DIRECTIONS[:, 0]), np.ascontiguousarray(DIRECTIONS[:, 1])
NEARBY, AROUND = np.array(NEARBY_TAPS, np.float32), np.array(AROUND_TAPS, np.float32)
SMALL, ONE, NONE = f(1e-6), f(1.0), f(0.0)
# Rows of a block of 64 cells, as in lanes.py: loops over them have no branches and, but for one, look nothing up, so
# that they become vector instructions.
DEEP, PX, PY, PZ, NX, NY, NZ, GOING, AHEAD, REACH, COLUMN, ROW, AT, THERE, HIGHEST, COVERED, OUT = (
    LANES * row for row in range(17)
)
BLOCK = 17 * LANES


class Shading(NamedTuple):
    """A frame's grid as the kernels take it; cells are counted row by row."""

    place_m: F32  # [3, cells]
    normal: F32  # [3, cells]
    depth_m: F32  # [rows, columns], +inf for the sky
    seen_m: F32  # [cells], the same with 0 for the sky
    scale: F32  # [4], of `Grid`
    pixels: F32  # [5]: half a cell; the last column and row; width and height of the picture
    to_sun: F32  # [3], in the camera's space
    lamp_m: F32  # [n, 3]
    lamp_power: F32
    shades: F32  # [SHADES, rows, columns], written
    cell: int


def grid_of(camera: Camera, depth_m: F32, normal: F32, cell: int) -> Grid:
    """As `shadows.grid_of`, of depth [H, W] and normals [H, W, 4], contiguous; the arrays are views of planes."""
    height, width = depth_m.shape
    y, x, right, up = rays_of(camera, width, height, cell)
    rows, columns = len(y), len(x)
    place, turned = np.empty((3, rows * columns), np.float32), np.empty((3, rows * columns), np.float32)
    kept_m = np.empty((rows, columns), np.float32)
    rotation = rotations(np.array([camera.world_from_camera.orientation]))[0].astype(np.float32)
    _gather(depth_m, normal, y, x, right, up, rotation, place, turned, kept_m)
    scale = (width / cell, height / cell, camera.projection[0], camera.projection[5])
    return Grid(place.T.reshape(rows, columns, 3), turned.T.reshape(rows, columns, 3), kept_m, cell, scale)


@kernel
def _gather(
    depth_m: F32, normal: F32, y: np.ndarray, x: np.ndarray, right: F32, up: F32, rotation: F32, place: F32,
    turned: F32, kept_m: F32,
) -> None:  # fmt: skip
    rows, columns = kept_m.shape
    for i in range(rows):
        for j in range(columns):
            at, depth = i * columns + j, depth_m[y[i], x[j]]
            kept_m[i, j] = depth
            solid = depth if depth < f(math.inf) else NONE
            place[0, at], place[1, at], place[2, at] = right[j] * solid, up[i] * solid, -solid
            n = normal[y[i], x[j]]
            a, b, c = _unit(n[0]), _unit(n[1]), _unit(n[2])
            none = a * a + b * b + c * c < f(0.01)
            a, b, c = NONE if none else a, ONE if none else b, NONE if none else c
            for k in range(3):
                turned[k, at] = a * rotation[0, k] + b * rotation[1, k] + c * rotation[2, k]


@inlined
def _unit(value: Scalar) -> Scalar:
    """Within -1..1; what is no number is 0."""
    return clip(value if value == value else NONE, f(-1.0), ONE)


def shading_of(grid: Grid, size: tuple[int, int], to_sun: F32, lamps: Lamps) -> Shading:
    """Of a picture of `size`, width and height."""
    place, normal = (np.ascontiguousarray(a.reshape(-1, 3).T, np.float32) for a in (grid.place_m, grid.normal))
    depth_m = np.ascontiguousarray(grid.depth_m)
    seen_m = np.where(np.isfinite(depth_m), depth_m, NONE).ravel()
    width, height = size
    pixels = np.array([grid.cell // 2, width - 1, height - 1, width, height], np.float32)
    shades = np.empty((SHADES, *depth_m.shape), np.float32)
    return Shading(place, normal, depth_m, seen_m, np.array(grid.scale, np.float32), pixels, to_sun, lamps.place_m,
                   lamps.power, shades, grid.cell)  # fmt: skip


@kernel
def shade(strip: int, s: Shading) -> None:
    """The shades of CELL_ROWS rows of cells."""
    rows, columns = s.depth_m.shape
    t = np.zeros(BLOCK, np.float32)
    for i in range(strip * CELL_ROWS, min((strip + 1) * CELL_ROWS, rows)):
        for start in range(0, columns, LANES):
            count = min(LANES, columns - start)
            _load(t, s, i * columns + start, count)
            if not _any(t, DEEP):
                s.shades[:, i, start : start + count] = NONE
                continue
            _sun(t, s, i, start, count)
            _open(t, s, i, start, f(NEARBY_M), NEARBY)
            _store(t, s.shades[2, i], start, count)
            _open(t, s, i, start, f(AROUND_M), AROUND)
            _store(t, s.shades[3, i], start, count)
            _lamplight(t, s)
            _store(t, s.shades[4, i], start, count)


@part
def _load(t: F32, s: Shading, first: int, count: int) -> None:
    for x in range(LANES):
        at = first + (x if x < count else 0)
        t[DEEP + x] = s.seen_m[at] if x < count else NONE
        t[PX + x], t[PY + x], t[PZ + x] = s.place_m[0, at], s.place_m[1, at], s.place_m[2, at]
        t[NX + x], t[NY + x], t[NZ + x] = s.normal[0, at], s.normal[1, at], s.normal[2, at]


@part
def _store(t: F32, out: F32, start: int, count: int) -> None:
    for x in range(count):
        out[start + x] = t[OUT + x] if t[DEEP + x] > NONE else NONE


@part
def _look_up(t: F32, seen_m: F32) -> None:
    for x in range(LANES):
        t[THERE + x] = seen_m[u4(i4(t[AT + x]))]


@part
def _sun(t: F32, s: Shading, i: int, start: int, count: int) -> None:
    """No lane is skipped: what has met something only stops to count."""
    columns = f(s.depth_m.shape[1])
    sx, sy, sz = s.to_sun[0], s.to_sun[1], s.to_sun[2]
    wide, tall, per_x, per_y = s.scale[0], s.scale[1], s.scale[2], s.scale[3]
    for x in range(LANES):
        facing = t[NX + x] * sx + t[NY + x] * sy + t[NZ + x] * sz
        t[GOING + x] = ONE if (facing > NONE) & (t[DEEP + x] > NONE) else NONE
        t[AHEAD + x] = f(0.04) + f(0.01) * t[DEEP + x]
        t[OUT + x], t[COVERED + x] = t[GOING + x], ONE
    for step in range(SUN_STEPS):
        if step % LOOK_EVERY == 0 and not _any(t, GOING):
            break
        for x in range(LANES):
            off, ahead = f(-0.01) * t[PZ + x] + f(0.01), t[AHEAD + x]
            away = -(t[PZ + x] + t[NZ + x] * off + sz * ahead)
            right, up = t[PX + x] + t[NX + x] * off + sx * ahead, t[PY + x] + t[NY + x] * off + sy * ahead
            before = away > f(0.05)
            per = ONE / (away if before else ONE)
            u, v = (right * per * per_x + ONE) * f(0.5) * wide, (ONE - up * per * per_y) * f(0.5) * tall
            inside = before & (u >= NONE) & (v >= NONE) & (u < wide) & (v < tall)
            going = t[GOING + x] > NONE
            t[COVERED + x] = f(step) * f(1.0 / SUN_STEPS) if going & (not inside) else t[COVERED + x]
            t[GOING + x] = ONE if going & inside else NONE
            t[AT + x] = np.floor(v) * columns + np.floor(u) if inside else NONE
            t[REACH + x] = away
        _look_up(t, s.seen_m)
        for x in range(LANES):
            there, thick = t[THERE + x], f(0.5) * t[AHEAD + x]
            behind = t[REACH + x] - there
            met = (behind > f(0.01) * there + f(0.02)) & (behind < (thick if thick > f(0.4) else f(0.4)))
            met = met & (t[GOING + x] > NONE) & (there > NONE)
            t[OUT + x] = NONE if met else t[OUT + x]
            t[GOING + x] = NONE if met else t[GOING + x]
            t[AHEAD + x] = t[AHEAD + x] * f(SUN_GROWTH)
    _store(t, s.shades[0, i], start, count)
    for x in range(LANES):
        t[OUT + x] = t[COVERED + x]
    _store(t, s.shades[1, i], start, count)


@part
def _any(t: F32, row: int) -> bool:
    total = NONE
    for x in range(LANES):
        total = total if total > t[row + x] else t[row + x]
    return bool(total > NONE)


@part
def _open(t: F32, s: Shading, i: int, start: int, radius_m: Scalar, taps: F32) -> None:
    rows, columns = f(s.depth_m.shape[0]), f(s.depth_m.shape[1])
    across, per_x, per_y = s.scale[2] * f(0.5) * s.scale[0], ONE / s.scale[2], ONE / s.scale[3]
    cell, half, last_x, last_y = f(s.cell), s.pixels[0], s.pixels[1], s.pixels[2]
    step_x, step_y = f(2.0) / s.pixels[3], f(2.0) / s.pixels[4]
    for x in range(LANES):
        wide_m = radius_m * (ONE + f(WIDENS) * t[DEEP + x])
        t[AHEAD + x] = ONE / (f(4.0) * wide_m * wide_m)
        t[REACH + x] = wide_m * across / (t[DEEP + x] if t[DEEP + x] > NONE else ONE)
        t[COVERED + x] = NONE
    for a in range(len(ALONG)):
        for x in range(LANES):
            t[HIGHEST + x], t[GOING + x] = NONE, t[DEEP + x]
        for tap in taps:
            for x in range(LANES):
                far = tap * t[REACH + x] + ONE
                u, v = f(start + x) + ALONG[a] * far + f(0.5), f(i) + DOWN[a] * far + f(0.5)
                inside = (u >= NONE) & (v >= NONE) & (u < columns) & (v < rows) & (t[GOING + x] > NONE)
                t[GOING + x] = t[GOING + x] if inside else NONE
                t[COLUMN + x], t[ROW + x] = np.floor(u) if inside else NONE, np.floor(v) if inside else NONE
                t[AT + x] = t[ROW + x] * columns + t[COLUMN + x]
            _look_up(t, s.seen_m)
            for x in range(LANES):
                there = t[THERE + x]
                px, py = t[COLUMN + x] * cell + half, t[ROW + x] * cell + half
                px, py = px if px < last_x else last_x, py if py < last_y else last_y
                right = ((px + f(0.5)) * step_x - ONE) * per_x * there - t[PX + x]
                up = (ONE - (py + f(0.5)) * step_y) * per_y * there - t[PY + x]
                back = -there - t[PZ + x]
                far2 = right * right + up * up + back * back
                rise = right * t[NX + x] + up * t[NY + x] + back * t[NZ + x]
                fade = ONE - far2 * t[AHEAD + x]
                sine = (rise / (f(np.sqrt(far2)) + SMALL) - f(LEANS)) * (fade if fade > NONE else NONE)
                sine = sine if (t[GOING + x] > NONE) & (there > NONE) else NONE
                t[HIGHEST + x] = sine if sine > t[HIGHEST + x] else t[HIGHEST + x]
        for x in range(LANES):
            t[COVERED + x] += t[HIGHEST + x]
    for x in range(LANES):
        t[OUT + x] = ONE - t[COVERED + x] * f(1.0 / len(DIRECTIONS))


@part
def _lamplight(t: F32, s: Shading) -> None:
    for x in range(LANES):
        t[OUT + x] = NONE
    for k in range(len(s.lamp_power)):
        lx, ly, lz, power = s.lamp_m[k, 0], s.lamp_m[k, 1], s.lamp_m[k, 2], s.lamp_power[k]
        for x in range(LANES):
            right, up, back = lx - t[PX + x], ly - t[PY + x], lz - t[PZ + x]
            far2 = right * right + up * up + back * back
            rise = right * t[NX + x] + up * t[NY + x] + back * t[NZ + x]
            rise = rise if rise > NONE else NONE
            t[OUT + x] += power * rise / ((f(np.sqrt(far2)) + SMALL) * (far2 + f(LAMP_RADIUS2_M2)))
    for x in range(LANES):
        t[OUT + x] = log(t[OUT + x] * f(1.0 / math.pi) + f(0.01)) * f(0.25)


@inlined
def _place_in_grid(at: Scalar, cell: Scalar, most: Scalar) -> tuple[Scalar, Scalar]:
    """The cell before a pixel, and how far the pixel lies to the next."""
    along = (at - np.floor(cell * f(0.5))) * (ONE / cell)
    along = along if along > NONE else NONE
    first = np.floor(along)
    first = first if first < most else most
    return first, clip(along - first, NONE, ONE)


@inlined
def _weight(there: Scalar, here: Scalar, most: Scalar, near: Scalar) -> Scalar:
    same, solid = abs(there - here) <= most, there < f(math.inf)
    return (near + f(1e-3)) * (ONE if same else (f(APART) if solid else f(SKY)))


@part
def spread(t: F32, s: Shading, y: int, start: int, count: int) -> None:
    """As `shadows.spread`: the rows SH.. of the block. T0 to T3 are the weights of the four cells around a pixel."""
    rows, columns = s.depth_m.shape
    last_row, last_column, cell = f(rows - 1), f(columns - 1), f(s.cell)
    first, down = _place_in_grid(f(y), cell, last_row)
    i = int(first)
    below = min(i + 1, rows - 1)
    left, right = np.empty(LANES, np.int32), np.empty(LANES, np.int32)
    for x in range(LANES):
        at = x if x < count else count - 1
        first, along = _place_in_grid(f(start + at), cell, last_column)
        beside = first + ONE
        left[x], right[x] = i4(first), i4(beside if beside < last_column else last_column)
        t[LOW_U + x] = along
    for x in range(LANES):
        t[T0 + x], t[T1 + x] = s.depth_m[i, u4(left[x])], s.depth_m[i, u4(right[x])]
        t[T2 + x], t[T3 + x] = s.depth_m[below, u4(left[x])], s.depth_m[below, u4(right[x])]
    for x in range(LANES):
        depth, along = t[DEPTH + x], t[LOW_U + x]
        most = f(SAME_DEPTH) * depth
        a = _weight(t[T0 + x], depth, most, (ONE - down) * (ONE - along))
        b = _weight(t[T1 + x], depth, most, (ONE - down) * along)
        c = _weight(t[T2 + x], depth, most, down * (ONE - along))
        d = _weight(t[T3 + x], depth, most, down * along)
        share = t[SOLID + x] / (a + b + c + d)
        t[T0 + x], t[T1 + x], t[T2 + x], t[T3 + x] = a * share, b * share, c * share, d * share
    for k in range(SHADES):
        above, under, to = s.shades[k, i], s.shades[k, below], SH + k * LANES
        for x in range(LANES):
            top = t[T0 + x] * above[u4(left[x])] + t[T1 + x] * above[u4(right[x])]
            t[to + x] = top + t[T2 + x] * under[u4(left[x])] + t[T3 + x] * under[u4(right[x])]
