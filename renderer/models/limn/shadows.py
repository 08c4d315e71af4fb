"""What a picture's own geometry says of its light: does the sun reach a point, how open does it lie, which lamps shine.

All of it is looked up in the depth of this very frame, so what stands outside the picture casts no shadow here; the
network, which is shown this, knows what rooms and streets are like and corrects it. It is computed on a grid of cells,
one pixel of each, and carried to the pixels by `spread`, which does not mix what lies apart in depth.

This is the plain reference; `lanes_shadows.py` has the same for the CPU's vector units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Camera, Label
from renderer.models.limn.anchor import rotations
from renderer.models.limn.light import DIMMEST, Light
from renderer.models.limn.weather import LUMINANCE

F32 = NDArray[np.float32]
Pixels = NDArray[np.intp]
SHADES = 5  # of `Cells.shades`: sun reaches, how far that is known, open nearby, open around, lamplight
SUN_STEPS, SUN_GROWTH = 16, 1.45  # steps towards the sun, each so much longer than the one before
NEARBY_M, AROUND_M = 0.4, 2.5  # radii in which openness is looked for, one metre from the eye
WIDENS = 0.05  # of a radius, per metre of depth
DIRECTIONS = np.array([(math.cos(a), math.sin(a)) for a in np.arange(6) * math.pi / 3.0], np.float32)
NEARBY_TAPS, AROUND_TAPS = (0.35, 1.0), (0.15, 0.45, 1.0)  # shares of the radius that are looked at
LEANS = 0.05  # sine over the tangent plane below which nothing counts as standing in the way
MOST_LAMPS = 8
LAMP_RADIUS2_M2 = 0.01  # keeps the light at a lamp's own surface finite
SAME_DEPTH, APART, SKY = 0.05, 1e-3, 1e-7  # cells whose depth differs by more than this share weigh little, sky least


class Grid(NamedTuple):
    """One pixel of every cell [rows, columns, ...], in the camera's space: +X right, +Y up, -Z ahead."""

    place_m: F32
    normal: F32
    depth_m: F32  # +inf for the sky
    cell: int  # pixels of a cell's side
    scale: tuple[float, float, float, float]  # columns and rows that the picture spans, projection's x and y


class Lamps(NamedTuple):
    """Things labelled as lights that are in the picture."""

    place_m: F32  # [n, 3], in the camera's space
    power: F32  # [n] luminance times the area that is seen, m2


@dataclass(frozen=True)
class Cells:
    """`shades` [rows, columns, SHADES], the depth that each is of [rows, columns], and pixels of a cell's side."""

    shades: F32
    depth_m: F32
    cell: int


def grid_of(camera: Camera, depth_m: F32, normal: F32, cell: int) -> Grid:
    """Of depth [H, W], +inf for the sky, and world normals [H, W, 3], which may be no numbers or none at all."""
    height, width = depth_m.shape
    y, x, right, up = rays_of(camera, width, height, cell)
    normal = np.clip(np.nan_to_num(normal[np.ix_(y, x)], nan=0.0), -1.0, 1.0)
    normal = np.where((normal**2).sum(axis=-1, keepdims=True) < 0.01, np.array([0, 1, 0], np.float32), normal)
    depth, per_x, per_y = depth_m[np.ix_(y, x)], camera.projection[0], camera.projection[5]
    finite = np.where(np.isfinite(depth), depth, np.float32(0.0))
    place = np.stack([right[None] * finite, up[:, None] * finite, -finite], axis=-1)
    turned = normal @ rotations(np.array([camera.world_from_camera.orientation]))[0].astype(np.float32)
    return Grid(place, np.asarray(turned, np.float32), depth, cell, (width / cell, height / cell, per_x, per_y))


def rays_of(camera: Camera, width: int, height: int, cell: int) -> tuple[Pixels, Pixels, F32, F32]:
    """Rows and columns of the pixels that stand for the cells, and how far to the right and up, per metre of depth."""
    y, x = (_pixels(side, cell) for side in (height, width))
    right = (((x + 0.5) / width * 2.0 - 1.0) / camera.projection[0]).astype(np.float32)
    up = ((1.0 - (y + 0.5) / height * 2.0) / camera.projection[5]).astype(np.float32)
    return y, x, right, up


def _pixels(side: int, cell: int) -> Pixels:
    """The pixel that stands for each cell along a side."""
    return np.minimum(np.arange(0, side, cell) + cell // 2, side - 1)


def sun_of(camera: Camera, light: Light) -> F32:
    """Unit vector [3] to the sun in the camera's space."""
    rotation = rotations(np.array([camera.world_from_camera.orientation]))[0]
    return np.asarray(np.asarray(light.sky.to_sun) @ rotation, np.float32)


def lamps_of(grid: Grid, label: NDArray[np.uint8], objects: NDArray[np.uint32], light: Light) -> Lamps:
    """The lamps that cover most cells, of the planes [H, W]."""
    cells = np.ix_(*(_pixels(side, grid.cell) for side in label.shape))
    shining = (label[cells] == int(Label.LIGHT)) & np.isfinite(grid.depth_m)
    _, which, counts = np.unique(objects[cells][shining], return_inverse=True, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:MOST_LAMPS]
    places, depths = grid.place_m[shining], grid.depth_m[shining]
    columns, rows, per_x, per_y = grid.scale
    area_m2 = depths**2 * np.float32(4.0 / (columns * rows * per_x * per_y))
    luminance = float(light.lamp @ LUMINANCE)
    place = np.array([places[which == k].mean(axis=0) for k in most], np.float32).reshape(-1, 3)
    power = np.array([area_m2[which == k].sum() * luminance for k in most], np.float32)
    return Lamps(place, power)


def cells_of(grid: Grid, to_sun: F32, lamps: Lamps) -> Cells:
    """The grid's shades."""
    reaches, known = _sun(grid, to_sun)
    openness = [_open(grid, radius_m, taps) for radius_m, taps in ((NEARBY_M, NEARBY_TAPS), (AROUND_M, AROUND_TAPS))]
    shades = np.stack([reaches, known, *openness, _lamplight(grid, lamps)], axis=-1)
    solid = np.isfinite(grid.depth_m)[..., None]
    return Cells(np.asarray(shades * solid, np.float32), grid.depth_m, grid.cell)


def spread(cells: Cells, depth_m: F32) -> F32:
    """The shades [H, W, SHADES] of every pixel: bilinear between cells, nearly none of it from another depth."""
    height, width = depth_m.shape
    rows, columns = cells.depth_m.shape
    i, s = _between(height, cells.cell, rows)
    j, t = _between(width, cells.cell, columns)
    total, weights = np.zeros((height, width, SHADES), np.float32), np.zeros((height, width, 1), np.float32)
    with np.errstate(invalid="ignore"):
        for di, wi in ((0, 1.0 - s), (1, s)):
            for dj, wj in ((0, 1.0 - t), (1, t)):
                at = np.ix_(np.minimum(i + di, rows - 1), np.minimum(j + dj, columns - 1))
                same = np.abs(cells.depth_m[at] - depth_m) <= SAME_DEPTH * depth_m
                apart = np.where(np.isfinite(cells.depth_m[at]), APART, SKY)
                weight = (wi[:, None] * wj[None] + np.float32(1e-3)) * np.where(same, 1.0, apart).astype(np.float32)
                total += weight[..., None] * cells.shades[at]
                weights += weight[..., None]
    solid = np.isfinite(depth_m)[..., None]
    return np.asarray(np.where(solid, total / weights, 0.0), np.float32)


def _between(side: int, cell: int, count: int) -> tuple[NDArray[np.intp], F32]:
    """The cell before each pixel along a side, and how far the pixel lies to the next."""
    at = np.maximum((np.arange(side, dtype=np.float32) - np.float32(cell // 2)) * np.float32(1.0 / cell), 0.0)
    first = np.minimum(np.floor(at), count - 1)
    return first.astype(np.intp), np.minimum(at - first, 1.0).astype(np.float32)


def _sun(grid: Grid, to_sun: F32) -> tuple[F32, F32]:
    """Whether nothing is met on the way to the sun, 0 or 1, and the share of the way that lies in the picture."""
    depth = grid.depth_m
    facing = np.isfinite(depth) & (grid.normal @ to_sun > 0.0)
    start = grid.place_m + grid.normal * (0.01 * grid.place_m[..., 2:] * -1.0 + 0.01)
    ahead = np.where(np.isfinite(depth), 0.04 + 0.01 * depth, 0.0).astype(np.float32)
    reaches, known = facing.astype(np.float32), np.ones(depth.shape, np.float32)
    going = facing.copy()
    for step in range(SUN_STEPS):
        place = start + to_sun * ahead[..., None]
        i, j, inside = _cell_at(grid, place)
        left = going & ~inside
        known[left] = step / SUN_STEPS
        going &= inside
        there = depth[i, j]
        behind = -place[..., 2] - there  # metres that the point lies behind what is seen there
        met = going & (behind > 0.01 * there + 0.02) & (behind < np.maximum(0.4, 0.5 * ahead))
        reaches[met] = 0.0
        going &= ~met
        ahead = ahead * np.float32(SUN_GROWTH)
    return reaches, known


def _cell_at(grid: Grid, place: F32) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Row and column of the cell in which points [..., 3] are seen, and whether they are."""
    columns, rows, per_x, per_y = (np.float32(v) for v in grid.scale)
    away = -place[..., 2]
    ahead = away > 0.05
    safe = np.where(ahead, away, np.float32(1.0))
    u = (place[..., 0] / safe * per_x + np.float32(1.0)) * np.float32(0.5) * columns
    v = (np.float32(1.0) - place[..., 1] / safe * per_y) * np.float32(0.5) * rows
    inside = ahead & (u >= 0.0) & (v >= 0.0) & (u < columns) & (v < rows)
    return (np.where(inside, v, 0.0).astype(np.intp), np.where(inside, u, 0.0).astype(np.intp), inside)


def _open(grid: Grid, radius_m: float, taps: tuple[float, ...]) -> F32:
    """1 where nothing rises above the tangent plane within the radius, less the more does: the mean over directions of
    the highest sine, faded with distance (horizon-based, after Bavoil 2008, without its integral)."""
    depth, (rows, columns) = grid.depth_m, grid.depth_m.shape
    solid = np.isfinite(depth)
    deep = np.where(solid, depth, np.float32(1.0))
    wide_m = np.float32(radius_m) * (np.float32(1.0) + np.float32(WIDENS) * deep)
    reach = wide_m * np.float32(grid.scale[2]) / deep * np.float32(0.5 * grid.scale[0])  # in cells
    i, j = (np.asarray(v, np.float32) for v in np.mgrid[:rows, :columns])
    covered = np.zeros(depth.shape, np.float32)
    for along, down in DIRECTIONS:
        highest, going = np.zeros(depth.shape, np.float32), solid.copy()
        for tap in taps:
            far = np.float32(tap) * reach + np.float32(1.0)
            u, v = j + along * far + np.float32(0.5), i + down * far + np.float32(0.5)
            going &= (u >= 0.0) & (v >= 0.0) & (u < columns) & (v < rows)
            m, n = np.where(going, v, 0.0).astype(np.intp), np.where(going, u, 0.0).astype(np.intp)
            to = grid.place_m[m, n] - grid.place_m
            far2 = (to * to).sum(axis=-1)
            sine = (to * grid.normal).sum(axis=-1) / (np.sqrt(far2) + np.float32(1e-6)) - np.float32(LEANS)
            sine *= np.maximum(np.float32(1.0) - far2 / (np.float32(4.0) * wide_m * wide_m), 0.0)
            highest = np.maximum(highest, np.where(going & solid[m, n], sine, 0.0))
        covered += highest
    return np.asarray(1.0 - covered / len(DIRECTIONS), np.float32)


def _lamplight(grid: Grid, lamps: Lamps) -> F32:
    """Logarithm of what a white sheet there sends back of the lamps' light, as the network takes it; no shadows."""
    total = np.zeros(grid.depth_m.shape, np.float32)
    for place, power in zip(lamps.place_m, lamps.power, strict=True):
        to = place - grid.place_m
        far2 = (to * to).sum(axis=-1)
        cosine = np.maximum((to * grid.normal).sum(axis=-1), 0.0) / (np.sqrt(far2) + np.float32(1e-6))
        total += power * cosine / (far2 + np.float32(LAMP_RADIUS2_M2))
    return np.asarray(np.log(total * np.float32(1.0 / math.pi) + np.float32(DIMMEST)) * np.float32(0.25), np.float32)
