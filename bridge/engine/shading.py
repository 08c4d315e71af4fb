"""From hits to planes: the engine's own plain shading, and the exact motion of every pixel.

The look is a blockout's: Lambert sun with a ray-cast shadow, a hemisphere ambient, a gradient sky.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel, part
from bridge.engine.rays import F64, I32, NONE, Solids, View, local_normal, most

F32 = NDArray[np.float32]
SHADOW_OFFSET_M = 1e-4  # off the surface along its normal, so that a touching neighbour does not shade by rounding


class Light(NamedTuple):
    """What lights the scene, scene-linear: irradiance facing the sun, and the sky's uniform radiance."""

    irradiance: F64  # [3]
    sky: F64  # [3]


@part
def turn(r: F64, n: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """The vector of primitive n's own space in the world, for rotations r [n, 3, 3]."""
    return (
        r[n, 0, 0] * x + r[n, 0, 1] * y + r[n, 0, 2] * z,
        r[n, 1, 0] * x + r[n, 1, 1] * y + r[n, 1, 2] * z,
        r[n, 2, 0] * x + r[n, 2, 1] * y + r[n, 2, 2] * z,
    )


@part
def turn_back(r: F64, n: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """The inverse of `turn`."""
    return (
        r[n, 0, 0] * x + r[n, 1, 0] * y + r[n, 2, 0] * z,
        r[n, 0, 1] * x + r[n, 1, 1] * y + r[n, 2, 1] * z,
        r[n, 0, 2] * x + r[n, 1, 2] * y + r[n, 2, 2] * z,
    )


@part
def uv_of(view: View, x: float, y: float, z: float) -> tuple[float, float]:
    """uv in 0..1, v down, of a vector from a view's eye; NaN when it points behind the eye."""
    f = view.frame
    w = f[3, 0] * x + f[3, 1] * y + f[3, 2] * z
    if w <= 1e-6:
        return np.nan, np.nan
    a = (f[1, 0] * x + f[1, 1] * y + f[1, 2] * z) / (w * view.tan_x)
    b = (f[2, 0] * x + f[2, 1] * y + f[2, 2] * z) / (w * view.tan_y)
    return (a + 1.0) * 0.5, (b + 1.0) * 0.5


@kernel
def find_surfaces(depth: F64, index: I32, solids: Solids, before_solids: Solids, view: View, before: View, sun: F64,
                  normal: F32, motion: F32, facing: F64, points: F64) -> None:  # fmt: skip
    """Fill normal and motion from depth and index, all [height, width, ...]; the normal's last channel stays.

    Also `facing`, the cosine between normal and sun (for sky: the sine of the ray's elevation), and `points`, world
    positions just off the surfaces. Arrays are indexed to the number, never sliced: a slice costs the kernel a counted
    reference, which is dearer than the arithmetic.
    """
    height, width = depth.shape
    f, g = view.frame, before.frame
    kind, size, o, r = solids.kind, solids.size, solids.position, solids.rotation
    before_o, before_r = before_solids.position, before_solids.rotation
    for y in range(height):
        v = (y + 0.5) / height
        b = (v * 2.0 - 1.0) * view.tan_y
        for x in range(width):
            u = (x + 0.5) / width
            a = (u * 2.0 - 1.0) * view.tan_x
            rx = f[1, 0] * a + f[2, 0] * b + f[3, 0]
            ry = f[1, 1] * a + f[2, 1] * b + f[3, 1]
            rz = f[1, 2] * a + f[2, 2] * b + f[3, 2]
            n, d = index[y, x], depth[y, x]
            nx, ny, nz = 0.0, 0.0, 0.0
            if n == NONE:
                facing[y, x] = ry / np.sqrt(rx * rx + ry * ry + rz * rz)
                before_u, before_v = uv_of(before, rx, ry, rz)
            else:
                px, py, pz = f[0, 0] + rx * d, f[0, 1] + ry * d, f[0, 2] + rz * d
                lx, ly, lz = turn_back(r, n, px - o[n, 0], py - o[n, 1], pz - o[n, 2])
                ax, ay, az = local_normal(kind[n], size[n, 0], size[n, 1], size[n, 2], lx, ly, lz)
                nx, ny, nz = turn(r, n, ax, ay, az)
                facing[y, x] = sun[0] * nx + sun[1] * ny + sun[2] * nz
                points[y, x, 0], points[y, x, 1] = px + nx * SHADOW_OFFSET_M, py + ny * SHADOW_OFFSET_M
                points[y, x, 2] = pz + nz * SHADOW_OFFSET_M
                bx, by, bz = turn(before_r, n, lx, ly, lz)
                before_u, before_v = uv_of(
                    before, bx + before_o[n, 0] - g[0, 0], by + before_o[n, 1] - g[0, 1], bz + before_o[n, 2] - g[0, 2]
                )
            normal[y, x, 0], normal[y, x, 1], normal[y, x, 2] = nx, ny, nz
            motion[y, x, 0], motion[y, x, 1] = before_u - u, before_v - v


@kernel
def light_surfaces(index: I32, facing: F64, shader: I32, normal: F32, albedo: F64, light: Light, color: F32) -> None:
    """Fill the colour [height, width, 4] of surfaces and sky; alpha stays. `shader` is what stands in the sun's way.

    Surfaces are Lambert: sun irradiance * n.l / pi, and an ambient that is half as bright from below as from above.
    The sky is a gradient from a bright horizon to a darker zenith.
    """
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            n = index[y, x]
            if n == NONE:
                level = 1.7 - 0.9 * np.sqrt(most(0.0, facing[y, x]))
                for c in range(3):
                    color[y, x, c] = light.sky[c] * level
            else:
                lit = facing[y, x] / np.pi if facing[y, x] > 0.0 and shader[y, x] < 0 else 0.0
                ambient = 0.75 + 0.25 * normal[y, x, 1]
                for c in range(3):
                    color[y, x, c] = albedo[n, c] * (light.irradiance[c] * lit + light.sky[c] * ambient)
