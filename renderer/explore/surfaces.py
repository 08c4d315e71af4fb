"""The world behind one picture: what is seen in it as a surface, and plain continuations of what is seen.

Three things are built once, so that a place looks the same whenever one comes back to it:

- seen: the picture's pixels as a mesh, torn where depth jumps;
- behind: where a surface goes on behind a nearer one, its plane goes on for a share of the picture's width;
- beyond: over the picture's border its large planes go on likewise, then the level ground to the horizon, and the sky.

A continued pixel takes its looks from its mirror image over the edge where that lies on the same plane, else from the
edge. Nothing is imagined: no object, no corner, no window appears that the picture does not show. What one sees of
the continuations is counted, and told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.explore.still import F32, F64, Still

I32 = NDArray[np.int32]
Bools = NDArray[np.bool_]
SEEN, BEHIND, BEYOND, LEVEL_GROUND = 0, 1, 2, 3  # what a vertex is of
MARGIN = 0.35  # of a side of the picture, by which planes go on over its border
REACH = 0.22  # of the picture's width, by which they go on behind nearer things
JUMP = 0.06  # of depth, off the plane of the neighbour: there the mesh is torn
LARGE = 0.02  # of the picture's pixels, from which a plane is large enough to go on over the border
NOT_SMALL = 0.002  # likewise, behind nearer things
SAME_PLANE = 0.03  # of depth, off a plane that a mirrored pixel still lies on
FARTHEST = 4.0  # times the depth at the edge: a plane that is seen edge-on does not go on for ever
LEVEL = 0.9  # of the normal's height, from which a surface is ground to stand on
GROUND_M = 150.0  # half a side of the level ground that goes on


@dataclass(frozen=True)
class Layer:
    """Pixels of a canvas around the picture that are one surface: depth, whose looks, and what they are."""

    depth_m: F32  # [h, w]; +inf where there is none
    texel: I32  # [h, w] index of the picture's pixel that it looks like
    kind: NDArray[np.uint8]  # [h, w]


@dataclass(frozen=True)
class Surfaces:
    """A mesh in camera space of the picture: metres, +Y up, looking down -Z."""

    vertices_m: F32  # [n, 3]
    triangles: I32  # [m, 3]
    texel: I32  # [n] index of the picture's pixel that a vertex looks like
    kind: NDArray[np.uint8]  # [n]
    normals: F32  # [H * W, 3] of the picture's pixels, camera space
    gaps: tuple[F32, I32, I32]  # vertices, triangles and texels of where the mesh is torn, for what falls between


def surfaces_of(still: Still, up: F64) -> Surfaces:
    """`up` [3] is the world's +Y in camera space."""
    width, height = still.size
    margin = (round(width * MARGIN), round(height * MARGIN))
    rays = rays_of(still, margin)
    normal = normals_of(still.depth_m, rays[margin[1] : margin[1] + height, margin[0] : margin[0] + width])
    front, normals = _front(still, margin, rays, normal)
    behind = _behind(front, normals, rays, round(width * REACH))
    parts = [_mesh(front, rays, normals, torn=True), _mesh(behind, rays, normals, torn=False)]
    ground = _ground(front, normals, rays, up, still.color)
    if ground is not None:
        parts.append(ground)
    counts = np.cumsum([0, *(len(part[0]) for part in parts[:-1])])
    return Surfaces(
        np.concatenate([part[0] for part in parts]).astype(np.float32),
        np.concatenate([part[1] + first for part, first in zip(parts, counts, strict=True)]).astype(np.int32),
        np.concatenate([part[2] for part in parts]),
        np.concatenate([part[3] for part in parts]),
        normal.reshape(-1, 3),
        _gaps(front, rays, normals),
    )


def rays_of(still: Still, margin: tuple[int, int] = (0, 0), finer: int = 1) -> F32:
    """Directions [h, w, 3] of unit depth through the canvas's pixels, camera space; `margin` is columns and rows,
    `finer` the rays in a pixel each way."""
    width, height = (side * finer for side in still.size)
    right, up = still.tangents
    x = ((np.arange(width + 2 * margin[0]) - margin[0] + 0.5) / width * 2.0 - 1.0) * right
    y = (1.0 - (np.arange(height + 2 * margin[1]) - margin[1] + 0.5) / height * 2.0) * up
    grid = np.meshgrid(x, y)
    return np.stack([*grid, np.full_like(grid[0], -1.0)], axis=-1).astype(np.float32)


def normals_of(depth_m: F32, rays: F32) -> F32:
    """Unit normals [h, w, 3] towards the camera, from the nearer of the two neighbours each way; 0 without depth."""
    with np.errstate(invalid="ignore"):
        points = rays * np.where(np.isfinite(depth_m), depth_m, np.float32(np.nan))[..., None]
        across, down = _slope(points, 1), _slope(points, 0)
        normal = np.cross(across, down)
        length = np.linalg.norm(normal, axis=-1, keepdims=True)
        unit = normal / np.where(length > 0.0, length, np.nan)
        towards = -np.sign((unit * rays).sum(axis=-1, keepdims=True))
    return np.asarray(np.nan_to_num(unit * towards), np.float32)


def _slope(points: F32, axis: int) -> F32:
    """The difference to the neighbour, after or before, whose depth is nearer."""
    after = np.roll(points, -1, axis) - points
    before = points - np.roll(points, 1, axis)
    last = [slice(None)] * 3
    last[axis] = slice(-1, None)
    after[tuple(last)] = np.nan
    last[axis] = slice(0, 1)
    before[tuple(last)] = np.nan
    a, b = np.abs(after[..., 2:]), np.abs(before[..., 2:])
    return np.asarray(np.where(np.nan_to_num(a, nan=np.inf) <= np.nan_to_num(b, nan=np.inf), after, before), np.float32)


def _front(still: Still, margin: tuple[int, int], rays: F32, normal: F32) -> tuple[Layer, F32]:
    """The picture, and planes that go on over its border; with the normals of the canvas."""
    width, height = still.size
    rows, columns = rays.shape[:2]
    inside = np.s_[margin[1] : margin[1] + height, margin[0] : margin[0] + width]
    depth = np.full((rows, columns), np.inf, np.float32)
    depth[inside] = still.depth_m
    texel = np.full((rows, columns), -1, np.int32)
    texel[inside] = np.arange(width * height, dtype=np.int32).reshape(height, width)
    normals = np.zeros((rows, columns, 3), np.float32)
    normals[inside] = normal
    known = texel >= 0
    layer = Layer(depth, texel, np.where(known, SEEN, BEYOND).astype(np.uint8))
    large = known.copy()
    large[inside] = ~np.isfinite(still.depth_m) | _large(still.depth_m, normal, rays[inside], LARGE)
    source = nearest(large if large.any() else known)
    reached, source_texel = _continued(layer, normals, rays, source, ~known)
    out = Layer(np.where(known, depth, reached), np.where(known, texel, source_texel), layer.kind)
    return out, np.where(known[..., None], normals, normals[source])


def _behind(front: Layer, normals: F32, rays: F32, reach_px: int) -> Layer:
    """Planes that go on behind nearer things, with a rim of what they go on from."""
    edge = _far_edges(front, normals, rays)
    edge &= _large(front.depth_m, normals, rays, NOT_SMALL)
    source = nearest(edge) if edge.any() else np.indices(edge.shape).astype(np.int32)
    rows, columns = np.indices(edge.shape)
    far = (rows - source[0]) ** 2 + (columns - source[1]) ** 2 <= reach_px**2
    reached, texel = _continued(front, normals, rays, (source[0], source[1]), far & ~edge & edge.any())
    hidden = np.isfinite(reached) & (reached > front.depth_m * (1.0 + 0.5 * JUMP))
    depth = np.where(hidden, reached, np.where(edge, front.depth_m, np.inf)).astype(np.float32)
    return Layer(depth, np.where(hidden, texel, front.texel), np.where(edge, SEEN, BEHIND).astype(np.uint8))


def _large(depth_m: F32, normal: F32, rays: F32, share: float) -> Bools:
    """Pixels whose plane, by direction and distance, is that of a share of them all."""
    solid = np.isfinite(depth_m)
    offset = (normal * rays).sum(axis=-1) * np.where(solid, depth_m, 0.0)
    scale = float(np.median(depth_m[solid]))
    bins = np.concatenate([np.rint(normal * 4.0), np.rint(offset / scale * 12.0)[..., None]], axis=-1).astype(np.int64)
    keys = (bins + 512) @ np.array([1, 1 << 10, 1 << 20, 1 << 30])
    _, place, count = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(solid & (count[place].reshape(depth_m.shape) > share * depth_m.size))


def _far_edges(front: Layer, normals: F32, rays: F32) -> Bools:
    """Pixels with depth at which the mesh is torn, and which are not the nearest there."""
    depth = front.depth_m
    torn = _torn(rays * np.where(np.isfinite(depth), depth, 0.0)[..., None], normals, depth)
    corners = _corners(*depth.shape)
    closest = np.minimum.reduce([depth[corner] for corner in corners])
    edge = np.zeros(depth.shape, np.bool_)
    for corner in corners:
        edge[corner] |= torn & np.isfinite(depth[corner]) & (depth[corner] > closest * (1.0 + 0.5 * JUMP))
    return edge


def _continued(layer: Layer, normals: F32, rays: F32, source: tuple[I32, I32], targets: Bools) -> tuple[F32, I32]:
    """Depth and looks of `targets` on the planes of their sources, [h, w]; +inf where a plane does not reach."""
    depth, (row, column) = layer.depth_m, source
    at = depth[source]
    normal = normals[source]
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = (normal * rays[source]).sum(axis=-1) * at
        reached = offset / (normal * rays).sum(axis=-1)
        good = targets & (reached > 0.0) & (reached < FARTHEST * at) & np.isfinite(at)
        rows, columns = np.indices(depth.shape)
        mirrored = (
            np.clip(2 * row - rows, 0, depth.shape[0] - 1),
            np.clip(2 * column - columns, 0, depth.shape[1] - 1),
        )
        off = np.abs((normal * rays[mirrored]).sum(axis=-1) * depth[mirrored] - offset)
        same = (layer.texel[mirrored] >= 0) & (off < SAME_PLANE * at)
    texel = np.where(same, layer.texel[mirrored], layer.texel[source])
    return np.where(good, reached, np.inf).astype(np.float32), texel.astype(np.int32)


def nearest(sources: Bools) -> tuple[I32, I32]:
    """Row and column [h, w] of the nearest source of each pixel, by jump flooding (Rong and Tan 2006)."""
    rows, columns = np.indices(sources.shape)
    found_row = np.where(sources, rows, -(1 << 20)).astype(np.int32)
    found_column = np.where(sources, columns, -(1 << 20)).astype(np.int32)
    step = 1 << (max(*sources.shape) - 1).bit_length()
    while step := step // 2:
        for down in (-step, 0, step):
            for right in (-step, 0, step):
                at = (np.clip(rows + down, 0, sources.shape[0] - 1), np.clip(columns + right, 0, sources.shape[1] - 1))
                other_row, other_column = found_row[at], found_column[at]
                nearer = _square(rows - other_row, columns - other_column) < _square(
                    rows - found_row, columns - found_column
                )
                found_row = np.where(nearer, other_row, found_row)
                found_column = np.where(nearer, other_column, found_column)
    return found_row, found_column


def _square(down: I32, right: I32) -> NDArray[np.int64]:
    return down.astype(np.int64) ** 2 + right.astype(np.int64) ** 2


Part = tuple[F32, I32, I32, NDArray[np.uint8]]


def _mesh(layer: Layer, rays: F32, normals: F32, *, torn: bool) -> Part:
    """Two triangles between four pixels with depth, unless they are torn apart."""
    solid = np.isfinite(layer.depth_m)
    points = rays * np.where(solid, layer.depth_m, 0.0)[..., None]
    whole = solid[:-1, :-1] & solid[1:, :-1] & solid[:-1, 1:] & solid[1:, 1:]
    if torn:
        whole &= ~_torn(points, normals, layer.depth_m)
    number = np.cumsum(solid.ravel()).reshape(solid.shape) - 1
    corners = [number[:-1, :-1], number[1:, :-1], number[:-1, 1:], number[1:, 1:]]
    a, b, c, d = (corner[whole] for corner in corners)
    triangles = np.concatenate([np.stack([a, b, c], axis=-1), np.stack([c, b, d], axis=-1)])
    return points[solid].astype(np.float32), triangles.astype(np.int32), layer.texel[solid], layer.kind[solid]


def _corners(height: int, width: int) -> list[tuple[slice, slice]]:
    """The four pixels of every quad, as views of [height, width]."""
    near, far = (slice(None, -1), slice(1, None))
    return [(near, near), (far, near), (near, far), (far, far)]


def _torn(points: F32, normals: F32, depth_m: F32) -> Bools:
    """Between which four pixels the surface ends: two of them are off each other's planes."""
    corners, solid = _corners(*depth_m.shape), np.isfinite(depth_m)
    torn = np.zeros((depth_m.shape[0] - 1, depth_m.shape[1] - 1), np.bool_)
    for n, one in enumerate(corners):
        for other in corners[n + 1 :]:
            step = points[other] - points[one]
            off = np.minimum(np.abs((normals[one] * step).sum(axis=-1)), np.abs((normals[other] * step).sum(axis=-1)))
            both = solid[one] & solid[other]
            allowed = JUMP * np.where(both, np.minimum(depth_m[one], depth_m[other]), np.inf)
            torn |= both & (off > allowed) & (np.abs(step[..., 2]) > allowed)
    return torn


def _gaps(front: Layer, rays: F32, normals: F32) -> tuple[F32, I32, I32]:
    """What spans the tears, with the looks of its farthest corner: seen only through cracks between the layers."""
    depth = front.depth_m
    points = rays * np.where(np.isfinite(depth), depth, 0.0)[..., None]
    corners, torn = _corners(*depth.shape), _torn(points, normals, depth)
    for corner in corners:
        torn &= np.isfinite(depth[corner])
    vertices = np.stack([points[corner][torn] for corner in corners], axis=1)
    depths = np.stack([depth[corner][torn] for corner in corners], axis=1)
    looks = np.stack([front.texel[corner][torn] for corner in corners], axis=1)
    farthest = np.take_along_axis(looks, depths.argmax(axis=1)[:, None], axis=1)
    first = 4 * np.arange(len(vertices), dtype=np.int32)[:, None]
    triangles = np.concatenate([first + np.array([0, 1, 2]), first + np.array([2, 1, 3])]).astype(np.int32)
    return vertices.reshape(-1, 3).astype(np.float32), triangles, np.repeat(farthest, 4, axis=1).reshape(-1)


def _ground(front: Layer, normals: F32, rays: F32, up: F64, color: F32) -> Part | None:
    """The level ground that most of the picture's ground lies on, as one square that looks like the pixel of it that
    is neither dark nor bright; None when none is seen below."""
    level = (front.kind == SEEN) & np.isfinite(front.depth_m) & ((normals @ up.astype(np.float32)) > LEVEL)
    heights = (rays[level] * front.depth_m[level][:, None]) @ up
    texels, heights = front.texel[level][heights < 0.0], heights[heights < 0.0]
    if heights.size < 0.01 * front.depth_m.size / (1.0 + 2.0 * MARGIN) ** 2:
        return None
    height_m = float(np.median(heights)) - 0.01  # under what is seen of it
    east = np.cross(up, [0.0, 0.0, 1.0])
    east = east / np.linalg.norm(east) if np.linalg.norm(east) > 1e-6 else np.array([1.0, 0.0, 0.0])
    north = np.cross(east, up)
    corners = [up * height_m + east * (x * GROUND_M) + north * (z * GROUND_M) for x in (-1, 1) for z in (-1, 1)]
    triangles = np.array([[0, 1, 2], [2, 1, 3]], np.int32)
    middling = texels[np.argsort(color.reshape(-1, 3)[texels].sum(axis=-1), kind="stable")[len(texels) // 2]]
    return np.array(corners, np.float32), triangles, np.full(4, middling, np.int32), np.full(4, LEVEL_GROUND, np.uint8)
