"""The formulas of anchor.py, basis.py, sky.py and features.py for 64 pixels at a time, compiled for the CPU.

A block of 64 pixels is one float32 array, which stays in the first cache; each constant below is where one of its rows
begins. Loops have no branches, so the compiler turns them into vector instructions. There is no fast-math, and sums
are kept lane by lane, so equal inputs give equal bits. `fused.py` runs these over a picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

Scalar = Any  # a float32 or an int32 inside the kernels
Function = TypeVar("Function", bound=Callable[..., object])
F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]
f, i4, u4 = np.float32, np.int32, np.uint32

LANES = 64
(
    R, G, B, DEPTH, NX, NY, NZ, AR, AG, AB, LABEL, RAY_X, RAY_Y, RAY_Z, X, Y, Z, WORLD_Y, ANX, ANY, ANZ, FOOT,
    CELL_U, CELL_V, BOND, JOINT, DARK, TINT, STRIPE, WARM, LOW, LOW_AMOUNT, HIGH, HIGH_AMOUNT,
    U, V, ROW, COLUMN, CELL, GAIN, COARSE, TR, TG, TB, SHADING, FACING, GR, GG, GB, SKY_R, SKY_G, SKY_B,
) = (LANES * row for row in range(52))  # fmt: skip
BLOCK = LANES * 52

SMALLEST = f(1e-30)


def kernel(function: Function) -> Function:
    """Compile for this CPU: cached on disk, without the GIL, IEEE arithmetic."""
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: Function) -> Function:
    """Into the loop that calls it, so that the loop can be vectorised."""
    return cast(Function, njit(nogil=True, error_model="numpy", inline="always")(function))


@inlined
def log(x: Scalar) -> Scalar:
    """Natural logarithm of x >= 1e-30, within 2 ulp: Cephes logf (Moshier)."""
    bits = f(x if x > SMALLEST else SMALLEST).view(i4)
    exponent = i4(bits >> i4(23)) - i4(126)
    m = i4(i4(bits & i4(0x007FFFFF)) | i4(0x3F000000)).view(f)
    small = m < f(0.70710678)
    e = f(i4(exponent - i4(1)) if small else i4(exponent))
    m = (m + m - f(1.0)) if small else m - f(1.0)
    z = m * m
    y = f(7.0376836292e-2)
    y = y * m + f(-1.1514610310e-1)
    y = y * m + f(1.1676998740e-1)
    y = y * m + f(-1.2420140846e-1)
    y = y * m + f(1.4249322787e-1)
    y = y * m + f(-1.6668057665e-1)
    y = y * m + f(2.0000714765e-1)
    y = y * m + f(-2.4999993993e-1)
    y = y * m + f(3.3333331174e-1)
    y = y * m * z + f(-2.12194440e-4) * e - f(0.5) * z
    return f(m + y + f(0.693359375) * e)


@inlined
def exp(x: Scalar) -> Scalar:
    """Exponential of -87..87, within 2 ulp: Cephes expf (Moshier)."""
    x = x if x > f(-87.0) else f(-87.0)
    x = x if x < f(87.0) else f(87.0)
    n = np.floor(x * f(1.44269504) + f(0.5))
    r = x - n * f(0.693359375) - n * f(-2.12194440e-4)
    y = f(1.9875691500e-4)
    y = y * r + f(1.3981999507e-3)
    y = y * r + f(8.3334519073e-3)
    y = y * r + f(4.1665795894e-2)
    y = y * r + f(1.6666665459e-1)
    y = y * r + f(5.0000001201e-1)
    y = y * r * r + r + f(1.0)
    return f(y * i4(i4(i4(n) + i4(127)) << i4(23)).view(f))


@inlined
def clip(x: Scalar, low: Scalar, high: Scalar) -> Scalar:
    x = x if x > low else low
    return x if x < high else high


@inlined
def hash01(i: Scalar, j: Scalar, salt: int) -> Scalar:
    """As `basis.hash01`."""
    h = u4(u4(u4(i) * u4(0x27D4EB2D)) + u4(u4(j) * u4(0x165667B1)) + u4(u4(salt) * u4(0x0C6EF372)))
    h = u4(u4(h ^ u4(h >> u4(15))) * u4(0x2C1B3C6D))
    h = u4(u4(h ^ u4(h >> u4(12))) * u4(0x297A2D39))
    signed = i4(h)
    return f(i4(i4(signed ^ i4(signed >> i4(15))) & i4(0xFFFFFF))) * f(1.0 / 0xFFFFFF)


@inlined
def value_noise(u: Scalar, v: Scalar, salt: int) -> Scalar:
    """As `basis.value_noise`."""
    i, j = np.floor(u), np.floor(v)
    s, t = u - i, v - j
    s, t = s * s * (f(3.0) - f(2.0) * s), t * t * (f(3.0) - f(2.0) * t)
    a, b = i4(i), i4(j)
    top_left, top_right = hash01(a, b, salt), hash01(i4(a + i4(1)), b, salt)
    low_left, low_right = hash01(a, i4(b + i4(1)), salt), hash01(i4(a + i4(1)), i4(b + i4(1)), salt)
    top = top_left + s * (top_right - top_left)
    low = low_left + s * (low_right - low_left)
    return (top + t * (low - top)) * f(2.0) - f(1.0)


@kernel
def load(t: F32, row: int, plane: F32, start: int, count: int, largest: Scalar) -> None:
    """Three channels of a picture row [W, 4] into three rows of the block, finite and within +-largest."""
    for channel in range(3):
        to = row + channel * LANES
        for x in range(LANES):
            value = plane[start + (x if x < count else count - 1), channel]
            value = value if value == value else f(0.0)
            t[to + x] = clip(value, -largest, largest)


@kernel
def load_scalars(t: F32, depth_m: F32, label: NDArray[np.uint8], start: int, count: int) -> None:
    """Depth, infinite where it is none, and label."""
    for x in range(LANES):
        at = start + (x if x < count else count - 1)
        value = depth_m[at]
        t[DEPTH + x] = value if value > f(0.0) else f(math.inf)
        t[LABEL + x] = f(label[at])


@kernel
def place(t: F32, rotation: F32, eye: F32, u0: Scalar, du: Scalar, v: Scalar, footprint: Scalar) -> None:
    """Rays, world points and how wide a pixel is on the surface; as `anchor.anchored` before the bodies."""
    for x in range(LANES):
        u = u0 + f(x) * du
        dx = rotation[0] * u + rotation[1] * v - rotation[2]
        dy = rotation[3] * u + rotation[4] * v - rotation[5]
        dz = rotation[6] * u + rotation[7] * v - rotation[8]
        depth_m = t[DEPTH + x] if t[DEPTH + x] < f(math.inf) else f(0.0)
        t[X + x], t[Y + x], t[Z + x] = dx * depth_m + eye[0], dy * depth_m + eye[1], dz * depth_m + eye[2]
        length = f(np.sqrt(dx * dx + dy * dy + dz * dz))
        dx, dy, dz = dx / length, dy / length, dz / length
        t[RAY_X + x], t[RAY_Y + x], t[RAY_Z + x] = dx, dy, dz
        cosine = t[NX + x] * dx + t[NY + x] * dy + t[NZ + x] * dz
        cosine = cosine if cosine > f(0.0) else -cosine
        slant = f(1.0) / (cosine if cosine > f(0.5) else f(0.5))
        t[FOOT + x] = depth_m * footprint * slant
    for x in range(LANES):
        t[WORLD_Y + x] = t[Y + x]
        t[ANX + x], t[ANY + x], t[ANZ + x] = t[NX + x], t[NY + x], t[NZ + x]


@kernel
def into_bodies(
    t: F32, objects: NDArray[np.uint32], start: int, count: int, ids: NDArray[np.uint32], pose: F32
) -> None:
    """Points and normals of moving bodies go to the body's own space. `ids` ascend; `pose` [n, 12] has
    world_from_body's rotation, row-major, then its origin."""
    last_id, body = u4(0), -1
    for x in range(count):
        object_id = objects[start + x]
        if object_id != last_id:  # neighbours mostly are of one object
            last_id, at = object_id, np.searchsorted(ids, object_id)
            body = at if at < len(ids) and ids[at] == object_id else -1
        if body < 0:
            continue
        p = pose[body]
        a, b, c = t[X + x] - p[9], t[Y + x] - p[10], t[Z + x] - p[11]
        t[X + x] = p[0] * a + p[3] * b + p[6] * c
        t[Y + x] = p[1] * a + p[4] * b + p[7] * c
        t[Z + x] = p[2] * a + p[5] * b + p[8] * c
        a, b, c = t[NX + x], t[NY + x], t[NZ + x]
        t[ANX + x] = p[0] * a + p[3] * b + p[6] * c
        t[ANY + x] = p[1] * a + p[4] * b + p[7] * c
        t[ANZ + x] = p[2] * a + p[5] * b + p[8] * c


@kernel
def materials(t: F32, table: F32) -> None:
    """The twelve numbers of each pixel's material; `table` is [16, 12]."""
    for x in range(LANES):
        label = i4(t[LABEL + x])
        label = label if label < i4(15) else i4(15)
        for parameter in range(12):
            t[CELL_U + parameter * LANES + x] = table[label, parameter]


@kernel
def cells(t: F32) -> None:
    """Which brick, plank or slab a pixel lies on, and the joints between them; the first half of `basis.detail`."""
    for x in range(LANES):
        ax, ay, az = abs(t[ANX + x]), abs(t[ANY + x]), abs(t[ANZ + x])
        facing_x = (ax >= ay) & (ax >= az)
        facing_y = (not facing_x) & (ay >= az)
        t[U + x] = t[Z + x] if facing_x else t[X + x]
        t[V + x] = t[Z + x] if facing_y else t[Y + x]
    for x in range(LANES):
        across = t[V + x] / t[CELL_V + x]
        row = np.floor(across)
        along = t[U + x] / t[CELL_U + x] + row * t[BOND + x]
        column = np.floor(along)
        t[CELL + x] = hash01(i4(column), i4(row), 1)
        share_u, share_v = along - column, across - row
        edge_u = (share_u if share_u < f(1.0) - share_u else f(1.0) - share_u) * t[CELL_U + x]
        edge_v = (share_v if share_v < f(1.0) - share_v else f(1.0) - share_v) * t[CELL_V + x]
        edge_m = edge_u if edge_u < edge_v else edge_v
        soft_m = t[FOOT + x] + f(0.008)
        joint = clip((t[JOINT + x] + soft_m - edge_m) / (f(2.0) * soft_m), f(0.0), f(1.0))
        joint = joint if t[JOINT + x] > f(0.0) else f(0.0)
        widest = t[CELL_V + x] if t[CELL_V + x] < f(1.0) else f(1.0)
        sharp = clip(f(1.5) - t[FOOT + x] / widest * f(2.0), f(0.0), f(1.0))
        parity = (row - f(2.0) * np.floor(row * f(0.5))) * f(2.0) - f(1.0)
        spread = t[TINT + x] * (t[CELL + x] * f(2.0) - f(1.0)) + t[STRIPE + x] * parity
        t[GAIN + x] = (f(1.0) - t[DARK + x] * joint * sharp) * (f(1.0) + sharp * spread)
        t[CELL + x] = f(0.8) * (t[CELL + x] - f(0.5)) * sharp


@kernel
def grain(t: F32) -> None:
    """Coarse and fine noise, and the warm and cold cells; the second half of `basis.detail`: TR, TG, TB."""
    for x in range(LANES):
        low = t[LOW + x]
        fade = clip(f(1.5) - t[FOOT + x] * low * f(2.0), f(0.0), f(1.0))
        t[COARSE + x] = fade * value_noise(t[U + x] * low, t[V + x] * low, 2)
    for x in range(LANES):
        high = t[HIGH + x]
        fade = clip(f(1.5) - t[FOOT + x] * high * f(2.0), f(0.0), f(1.0))
        fine = fade * value_noise(t[U + x] * high, t[V + x] * high, 3)
        gain = t[GAIN + x] * (f(1.0) + t[LOW_AMOUNT + x] * t[COARSE + x]) * (f(1.0) + t[HIGH_AMOUNT + x] * fine)
        warmth = t[WARM + x] * (f(0.6) * t[COARSE + x] + t[CELL + x])
        t[TR + x], t[TG + x], t[TB + x] = gain * (f(1.0) + warmth), gain, gain * (f(1.0) - warmth)


@kernel
def base_color(t: F32, has_albedo: bool) -> None:
    """As `features._albedo`."""
    for x in range(LANES):
        if has_albedo:
            for k in range(3):
                t[AR + k * LANES + x] = clip(t[AR + k * LANES + x], f(0.0), f(1.0))
        else:
            r, g, b = (clip(t[R + x], f(0.0), f(4.0)), clip(t[G + x], f(0.0), f(4.0)), clip(t[B + x], f(0.0), f(4.0)))
            scale = f(0.4) / ((r + g + b) * f(1.0 / 3.0) + f(0.1))
            t[AR + x] = clip(r * scale, f(0.02), f(0.9))
            t[AG + x] = clip(g * scale, f(0.02), f(0.9))
            t[AB + x] = clip(b * scale, f(0.02), f(0.9))


@kernel
def light_surface(t: F32, light: F32) -> None:
    """The lit guess of surfaces, and what the engine's own shading was. `light`: LIGHT_* below."""
    for x in range(LANES):
        facing = t[NX + x] * light[0] + t[NY + x] * light[1] + t[NZ + x] * light[2]
        t[FACING + x] = facing
        grey = (t[R + x] + t[G + x] + t[B + x]) * f(1.0 / 3.0)
        albedo = (t[AR + x] + t[AG + x] + t[AB + x]) * f(1.0 / 3.0)
        t[SHADING + x] = clip(grey / (albedo + f(0.02)), f(0.0), f(8.0))
        up = f(0.5) + f(0.5) * t[NY + x]
        sun = (facing if facing > f(0.0) else f(0.0)) * f(0.16)
        for k in range(3):
            open_sky = up * (f(0.6) * light[6 + k] + f(0.4) * light[9 + k])
            lit = open_sky + (f(1.0) - up) * f(0.25) * light[9 + k] + sun * light[3 + k]
            surface = clip(t[AR + k * LANES + x] * t[TR + k * LANES + x], f(0.0), f(1.0))
            t[GR + k * LANES + x] = surface * lit


@kernel
def any_sky(t: F32) -> bool:
    farthest = f(0.0)
    for x in range(LANES):
        farthest = max(farthest, t[DEPTH + x])
    return bool(farthest == f(math.inf))


@kernel
def sky(t: F32, light: F32) -> None:
    """As `sky.sky_radiance`, into SKY_R, SKY_G, SKY_B."""
    for x in range(LANES):
        dx, dy, dz = t[RAY_X + x], t[RAY_Y + x], t[RAY_Z + x]
        up = dy if dy > f(0.0) else f(0.0)
        reach = f(1.6) / (up + f(0.16))
        t[U + x] = value_noise(dx * reach + f(7.3), dz * reach, 5)
        t[V + x] = value_noise(dx * reach * f(2.7), dz * reach * f(2.7), 6)
    for x in range(LANES):
        dx, dy, dz = t[RAY_X + x], t[RAY_Y + x], t[RAY_Z + x]
        up = dy if dy > f(0.0) else f(0.0)
        rise = f(1.0) - exp(f(-3.2) * up)
        facing = dx * light[0] + dy * light[1] + dz * light[2]
        glow = exp(((facing if facing < f(1.0) else f(1.0)) - f(1.0)) * f(9.0)) * light[12]
        r = light[9] + rise * (light[6] - light[9]) + glow * light[3]
        g = light[10] + rise * (light[7] - light[10]) + glow * light[4]
        b = light[11] + rise * (light[8] - light[11]) + glow * light[5]
        cloud = f(0.65) * t[U + x] + f(0.35) * t[V + x]
        cover = clip(cloud * f(1.6) - f(0.15), f(0.0), f(1.0)) * clip(up * f(6.0), f(0.0), f(1.0)) * f(0.75)
        white = (r + g + b) * f(1.0 / 3.0) * light[13] + f(0.35) * glow
        dim = f(1.0) - f(0.8) * clip(-dy * f(20.0), f(0.0), f(1.0))
        t[SKY_R + x] = (r + cover * (white - r)) * dim
        t[SKY_G + x] = (g + cover * (white - g)) * dim
        t[SKY_B + x] = (b + cover * (white - b)) * dim


@kernel
def open_to_sky(t: F32) -> None:
    for x in range(LANES):
        is_sky = t[DEPTH + x] == f(math.inf)
        for k in range(3):
            at = k * LANES + x
            t[GR + at] = t[SKY_R + at] if is_sky else t[GR + at]


@kernel
def add_up(t: F32, sums: NDArray[np.float64], count: int) -> None:
    """What the correlation of `features._agreement` needs, lane by lane: [6, LANES]."""
    for x in range(count):
        solid = 0.0 if t[DEPTH + x] == f(math.inf) else 1.0
        a, b = np.float64(t[SHADING + x]) * solid, np.float64(max(t[FACING + x], f(0.0))) * solid
        sums[0, x] += solid
        sums[1, x] += a
        sums[2, x] += b
        sums[3, x] += a * a
        sums[4, x] += b * b
        sums[5, x] += a * b


@kernel
def logarithms(t: F32) -> None:
    """In place of the colour, shading and sky that are no longer needed; ROW gets 1 where there is geometry."""
    for x in range(LANES):
        t[ROW + x] = f(0.0) if t[DEPTH + x] == f(math.inf) else f(1.0)
        t[DEPTH + x] = log(f(1.0) + (t[DEPTH + x] if t[DEPTH + x] < f(200.0) else f(200.0)))
        t[SHADING + x] = log(t[SHADING + x] + f(0.05))
    for x in range(3 * LANES):
        t[SKY_R + x] = log(t[GR + x] + f(0.02))
        t[R + x] = log(clip(t[R + x], f(0.0), f(50.0)) + f(0.02))


@kernel
def angles(t: F32, light: F32) -> None:
    """Between normal, ray and sun, in place of U, V and GAIN."""
    for x in range(LANES):
        dx, dy, dz = t[RAY_X + x], t[RAY_Y + x], t[RAY_Z + x]
        t[U + x] = t[NX + x] * dx + t[NY + x] * dy + t[NZ + x] * dz
        t[V + x] = dx * light[0] + dy * light[1] + dz * light[2]
        t[GAIN + x] = clip(t[WORLD_Y + x] * f(0.15), f(-1.0), f(2.0))


@kernel
def store(t: F32, out: F32, guess: F32, start: int, count: int, constants: F32, classes: F32) -> None:
    """The channels of `features.prepare` into out [W, 30], all but the agreement, which is known only at the end.
    `constants` are channels 20 to 26, `classes` [16, 3] the last three."""
    for x in range(count):
        o, g = out[start + x], guess[start + x]
        for k in range(3):
            o[k] = t[SKY_R + k * LANES + x]
            o[3 + k] = t[R + k * LANES + x]
            o[9 + k] = t[NX + k * LANES + x]
            o[15 + k] = t[TR + k * LANES + x] - f(1.0)
            g[k] = t[GR + k * LANES + x]
        o[6] = t[SHADING + x]
        o[7] = t[FACING + x] * t[ROW + x]
        o[8] = t[FACING + x] if t[FACING + x] > f(0.0) else f(0.0)
        o[12] = t[DEPTH + x] * f(0.3)
        o[13], o[14] = t[ROW + x], t[GAIN + x]
        o[18], o[19] = t[U + x], t[V + x]
        label = i4(t[LABEL + x])
        label = label if label < i4(15) else i4(15)
        for k in range(7):
            o[20 + k] = constants[k]
        for k in range(3):
            o[27 + k] = classes[label, k]


@kernel
def agreement(sums: NDArray[np.float64]) -> Scalar:
    """As `features._agreement`, from the sums of `add_up`."""
    n, a, b, aa, bb, ab = sums[0].sum(), sums[1].sum(), sums[2].sum(), sums[3].sum(), sums[4].sum(), sums[5].sum()
    n = max(n, 1.0)
    spread = (aa - a * a / n) * (bb - b * b / n)
    return (ab - a * b / n) / max(math.sqrt(max(spread, 0.0)), 1e-3)


@kernel
def finish(out: F32, width: int, height: int, agreed: Scalar) -> None:
    """The agreement into its channels, and the last column and row into the padding."""
    rows, columns, _ = out.shape
    for y in range(height):
        for x in range(width):
            out[y, x, 8] *= agreed
            out[y, x, 21] = agreed
        for x in range(width, columns):
            out[y, x] = out[y, width - 1]
    for y in range(height, rows):
        out[y] = out[height - 1]
