"""From hits to planes: the engine's own plain shading, and the exact motion of every pixel.

The look is a blockout's: Lambert sun with a ray-cast shadow, a hemisphere ambient, a gradient sky.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.engine.rays import NONE, kernel, local_normal, sunlit

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
SHADOW_OFFSET_M = 1e-4  # off the surface along its normal, so that a touching neighbour does not shade by rounding


@kernel
def dot(row: F64, x: float, y: float, z: float) -> float:
    return row[0] * x + row[1] * y + row[2] * z


@kernel
def project(view: F64, x: float, y: float, z: float, tan_x: float, tan_y: float) -> tuple[float, float]:
    """uv in 0..1, v down, of a vector from a view's eye; NaN behind it. Rows 1-3 of `view` are right, down, forward."""
    w = dot(view[3], x, y, z)
    if w <= 1e-6:
        return np.nan, np.nan
    return (dot(view[1], x, y, z) / (w * tan_x) + 1.0) * 0.5, (dot(view[2], x, y, z) / (w * tan_y) + 1.0) * 0.5


@kernel
def shade_sky(x: float, y: float, z: float, sky: F64, color: F32) -> None:
    """A gradient from a bright horizon to a darker zenith; (x, y, z) is the ray, of any length."""
    up = np.sqrt(max(0.0, y / np.sqrt(x * x + y * y + z * z)))
    for c in range(3):
        color[c] = sky[c] * (1.7 - 0.9 * up)
    color[3] = 1.0


@kernel
def shade_surface(albedo: F64, up: float, facing: float, irradiance: F64, sky: F64, color: F32) -> None:
    """Lambert: sun irradiance * n.l / pi, and an ambient that is half as bright from below as from above."""
    hemisphere = 0.75 + 0.25 * up
    for c in range(3):
        color[c] = albedo[c] * (irradiance[c] * facing / np.pi + sky[c] * hemisphere)
    color[3] = 1.0


@kernel
def sun_reaches(kinds: NDArray[np.int64], sizes: F64, positions: F64, rotations: F64, x: float, y: float, z: float,
                me: int, sun: F64, sun_axes: F64, grid: F64, lists: NDArray[np.int32], counts: NDArray[np.int32],
                everyone: NDArray[np.int32]) -> bool:  # fmt: skip
    """Whether a point sees the sun, with the candidates of its cell.

    `grid` is u origin, v origin, cell size, cells a side.
    """
    cells = int(grid[3])
    column = int(np.floor((dot(sun_axes[0], x, y, z) - grid[0]) / grid[2]))
    row = int(np.floor((dot(sun_axes[1], x, y, z) - grid[1]) / grid[2]))
    if 0 <= column < cells and 0 <= row < cells:
        cell = row * cells + column
        return sunlit(kinds, sizes, positions, rotations, x, y, z, me, sun, lists[cell], counts[cell])
    return sunlit(kinds, sizes, positions, rotations, x, y, z, me, sun, everyone, len(everyone))


@kernel
def shade(depth: F64, index: NDArray[np.int32], kinds: NDArray[np.int64], sizes: F64, positions: F64, rotations: F64,
          before_positions: F64, before_rotations: F64, albedos: F64, view: F64, before: F64, tan_x: float,
          tan_y: float, sun: F64, irradiance: F64, sky: F64, sun_axes: F64, grid: F64, lists: NDArray[np.int32],
          counts: NDArray[np.int32], everyone: NDArray[np.int32], color: F32, normals: F32,
          motion: F32) -> None:  # fmt: skip
    """Fill colour, normal and motion from depth and index. `view` and `before` are 4x3: eye, right, down, forward."""
    height, width = depth.shape
    for y in range(height):
        v = ((y + 0.5) / height * 2.0 - 1.0) * tan_y
        for x in range(width):
            u = ((x + 0.5) / width * 2.0 - 1.0) * tan_x
            rx = view[1, 0] * u + view[2, 0] * v + view[3, 0]
            ry = view[1, 1] * u + view[2, 1] * v + view[3, 1]
            rz = view[1, 2] * u + view[2, 2] * v + view[3, 2]
            n, d = index[y, x], depth[y, x]
            if n == NONE:
                shade_sky(rx, ry, rz, sky, color[y, x])
                normals[y, x, 0] = normals[y, x, 1] = normals[y, x, 2] = 0.0
                before_u, before_v = project(before, rx, ry, rz, tan_x, tan_y)
            else:
                r, p = rotations[n], positions[n]
                px, py, pz = view[0, 0] + rx * d, view[0, 1] + ry * d, view[0, 2] + rz * d
                ox, oy, oz = px - p[0], py - p[1], pz - p[2]
                lx = r[0, 0] * ox + r[1, 0] * oy + r[2, 0] * oz
                ly = r[0, 1] * ox + r[1, 1] * oy + r[2, 1] * oz
                lz = r[0, 2] * ox + r[1, 2] * oy + r[2, 2] * oz
                ax, ay, az = local_normal(kinds[n], sizes[n], lx, ly, lz)
                nx, ny, nz = dot(r[0], ax, ay, az), dot(r[1], ax, ay, az), dot(r[2], ax, ay, az)
                facing = dot(sun, nx, ny, nz)
                if facing > 0.0:
                    sx, sy, sz = px + nx * SHADOW_OFFSET_M, py + ny * SHADOW_OFFSET_M, pz + nz * SHADOW_OFFSET_M
                    if not sun_reaches(kinds, sizes, positions, rotations, sx, sy, sz, n, sun, sun_axes, grid, lists,
                                       counts, everyone):  # fmt: skip
                        facing = 0.0
                shade_surface(albedos[n], ny, max(0.0, facing), irradiance, sky, color[y, x])
                normals[y, x, 0], normals[y, x, 1], normals[y, x, 2] = nx, ny, nz
                b, q = before_rotations[n], before_positions[n]
                bx = q[0] + dot(b[0], lx, ly, lz) - before[0, 0]
                by = q[1] + dot(b[1], lx, ly, lz) - before[0, 1]
                bz = q[2] + dot(b[2], lx, ly, lz) - before[0, 2]
                before_u, before_v = project(before, bx, by, bz, tan_x, tan_y)
            motion[y, x, 0] = before_u - (x + 0.5) / width
            motion[y, x, 1] = before_v - (y + 0.5) / height
