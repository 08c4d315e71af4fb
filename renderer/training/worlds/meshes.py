"""Triangle meshes of simple shapes, closed and outward, each in its own space. Sizes are metres; +Y is up unless said.

A corner has one normal: sharp edges repeat their corners, round shapes share them.
"""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.engine.world import Primitive

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
SIDES = 24  # around a cylinder or capsule


class Mesh(NamedTuple):
    corners: F32  # [v, 3] metres
    normals: F32  # [v, 3] unit
    faces: I32  # [f, 3] indices into corners, counter-clockwise seen from outside


def flat_faces(polygons: list[NDArray[np.float64]]) -> Mesh:
    """A mesh of convex planar polygons [k, 3], each with its own normal, counter-clockwise seen from outside."""
    corners: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    faces: list[tuple[int, int, int]] = []
    for polygon in polygons:
        normal = np.cross(polygon[1] - polygon[0], polygon[2] - polygon[0])
        first = sum(len(c) for c in corners)
        corners.append(polygon)
        normals.append(np.tile(normal / np.linalg.norm(normal), (len(polygon), 1)))
        faces += [(first, first + k, first + k + 1) for k in range(1, len(polygon) - 1)]
    return Mesh(np.concatenate(corners).astype(np.float32), np.concatenate(normals).astype(np.float32),
                np.array(faces, np.int32))  # fmt: skip


def extruded(outline: list[tuple[float, float]], half_depth: float) -> Mesh:
    """A convex outline (x, y), counter-clockwise, drawn out along z by `half_depth` both ways: roofs, wedges, signs."""
    front = np.array([(x, y, half_depth) for x, y in outline])
    back = np.array([(x, y, -half_depth) for x, y in outline])
    sides = [
        np.stack([back[k], back[(k + 1) % len(outline)], front[(k + 1) % len(outline)], front[k]])
        for k in range(len(outline))
    ]
    return flat_faces([front, back[::-1], *sides])


@functools.cache
def _cube() -> Mesh:
    return extruded([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)], 1.0)


def box(half: tuple[float, float, float]) -> Mesh:
    """Of half extents."""
    cube = _cube()
    return cube._replace(corners=cube.corners * np.array(half, np.float32))


def turned_profile(profile: list[tuple[float, float]], *, smooth: bool, sides: int = SIDES) -> Mesh:
    """A profile (radius, height), from its foot up, turned about the y axis. Flat pieces of the profile stay flat
    when `smooth` is False: cones, cylinders, lamps; else it is a round body."""
    points = np.array(profile, np.float64)
    angle = np.arange(sides + 1) / sides * 2.0 * math.pi
    corners, normals, faces = [], [], []
    tangent = np.gradient(points, axis=0)
    for k in range(len(points) - 1):
        ends = (tangent[k], tangent[k + 1]) if smooth else (points[k + 1] - points[k],) * 2
        first = k * 2 * (sides + 1)
        for (radius, height), along in zip(points[k : k + 2], ends, strict=True):
            out = np.array([along[1], -along[0]]) / max(float(np.hypot(*along)), 1e-9)
            corners.append(np.stack([radius * np.sin(angle), np.full_like(angle, height), radius * np.cos(angle)], 1))
            normals.append(np.stack([out[0] * np.sin(angle), np.full_like(angle, out[1]), out[0] * np.cos(angle)], 1))
        for n in range(sides):
            a, b = first + n, first + sides + 1 + n
            faces += [(a, a + 1, b + 1), (a, b + 1, b)]
    return Mesh(np.concatenate(corners).astype(np.float32), np.concatenate(normals).astype(np.float32),
                np.array(faces, np.int32))  # fmt: skip


def cylinder(radius: float, half: float, sides: int = SIDES) -> Mesh:
    """Standing on its end, closed."""
    return turned_profile([(0.0, -half), (radius, -half), (radius, half), (0.0, half)], smooth=False, sides=sides)


def cone(radius: float, height: float, sides: int = 14) -> Mesh:
    """Standing on y = 0, closed."""
    return turned_profile(
        [(0.0, 0.0), (radius, 0.0), (radius * 0.04, height), (0.0, height)], smooth=False, sides=sides
    )


def sphere(radius: float, rows: int = 16, sides: int = SIDES) -> Mesh:
    profile = [(radius * math.sin(a), -radius * math.cos(a)) for a in np.linspace(0.0, math.pi, rows + 1)]
    mesh = turned_profile(profile, smooth=True, sides=sides)
    return mesh._replace(normals=(mesh.corners / radius).astype(np.float32))


def capsule(radius: float, half: float, sides: int = SIDES) -> Mesh:
    """Standing; `half` excludes the caps."""
    steps = np.linspace(0.0, math.pi / 2, sides // 4 + 1)
    low = [(radius * math.sin(a), -half - radius * math.cos(a)) for a in steps]
    mesh = turned_profile(low + [(r, -y) for r, y in reversed(low)], smooth=True, sides=sides)
    axis = mesh.corners.copy()
    axis[:, 1] -= np.clip(axis[:, 1], -half, half)
    return mesh._replace(normals=(axis / radius).astype(np.float32))


@functools.cache
def _icosphere(splits: int) -> tuple[F32, I32]:
    p = (1.0 + math.sqrt(5.0)) / 2.0
    v = [(-1, p, 0), (1, p, 0), (-1, -p, 0), (1, -p, 0), (0, -1, p), (0, 1, p), (0, -1, -p), (0, 1, -p), (p, 0, -1),
         (p, 0, 1), (-p, 0, -1), (-p, 0, 1)]  # fmt: skip
    corners = [np.array(c) / math.hypot(1.0, p) for c in v]
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
             (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10),
             (8, 6, 7), (9, 8, 1)]  # fmt: skip
    for _ in range(splits):
        middles: dict[tuple[int, int], int] = {}
        halves: list[tuple[int, int, int]] = []
        for a, b, c in faces:
            ab, bc, ca = (_middle(corners, middles, *edge) for edge in ((a, b), (b, c), (c, a)))
            halves += [(a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca)]
        faces = halves
    return np.array(corners, np.float32), np.array(faces, np.int32)


def _middle(corners: list[NDArray[np.float64]], middles: dict[tuple[int, int], int], a: int, b: int) -> int:
    edge = (min(a, b), max(a, b))
    if edge not in middles:
        point = corners[a] + corners[b]
        corners.append(point / np.linalg.norm(point))
        middles[edge] = len(corners) - 1
    return middles[edge]


def blob(radius: float, stretch: tuple[float, float, float], rough: float, rng: np.random.Generator,
         splits: int = 3) -> Mesh:  # fmt: skip
    """A lumpy ball: crowns of trees, bushes, boulders. `rough` is the height of its lumps, in radii."""
    unit, faces = _icosphere(splits)
    lumps = np.zeros(len(unit))
    for scale, amount in ((1.6, 0.6), (3.2, 0.4)):
        for _ in range(4):
            wave = rng.normal(size=3)
            lumps += amount * np.sin(unit @ (wave / np.linalg.norm(wave)) * scale * 2.0 + rng.uniform(0.0, 6.3)) / 3.0
    corners = unit * (1.0 + rough * lumps)[:, None] * radius * np.array(stretch)
    return smooth(corners.astype(np.float32), faces)


def smooth(corners: F32, faces: I32) -> Mesh:
    """A mesh whose normals are the mean of the faces around each corner."""
    a, b, c = (corners[faces[:, k]] for k in range(3))
    area = np.cross(b - a, c - a)
    normals = np.zeros_like(corners)
    for k in range(3):
        np.add.at(normals, faces[:, k], area)
    return Mesh(corners, (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32), faces)


def terrain(height_m: NDArray[np.float64], cell_m: float) -> Mesh:
    """Ground over a square grid of heights [n, n] (rows along z, columns along x), centred on the origin."""
    n = len(height_m)
    along = (np.arange(n) - (n - 1) / 2.0) * cell_m
    x, z = np.meshgrid(along, along)
    corners = np.stack([x, height_m, z], axis=-1).reshape(-1, 3).astype(np.float32)
    row, column = np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij")
    a = (row * n + column).ravel()
    faces = np.concatenate([np.stack([a, a + n, a + 1], 1), np.stack([a + 1, a + n, a + n + 1], 1)])
    return smooth(corners, faces.astype(np.int32))


def mesh_of(p: Primitive) -> Mesh:
    """A primitive's shape in its own space, whose round shapes lie along +Z (bridge/engine/world.py)."""
    if p.shape == "box":
        return box(p.size_m)
    if p.shape == "sphere":
        return sphere(p.size_m[0])
    standing = capsule(p.size_m[0], p.size_m[1]) if p.shape == "capsule" else cylinder(p.size_m[0], p.size_m[1])
    # y -> z, z -> -y: a turn about x that keeps the outside outside
    corners, normals = (np.stack([v[:, 0], -v[:, 2], v[:, 1]], axis=1) for v in (standing.corners, standing.normals))
    return Mesh(corners, normals, standing.faces)
