"""Arithmetic for 64 pixels at a time, compiled for the CPU: what features.py computes, in three files.

A block of 64 pixels is one float32 array, which stays in the first caches; each constant below is where one of its
rows begins. Loops have no branches, so the compiler turns them into vector instructions. There is no fast-math, and
equal inputs give equal bits. Here are the formulas that all share, and where pixels lie; `lanes_surface.py` paints
them, `lanes_light.py` lights them, `fused.py` runs all three over a picture.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from bridge.compiled import Function, part
from bridge.schema import Label

Scalar = Any  # a float32 or an int32 inside the kernels
F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]
f, i4, u4 = np.float32, np.int32, np.uint32

LANES = 64
(
    R, G, B, DEPTH, NX, NY, NZ, AR, AG, AB, MATTE, METALLIC, LABEL, SOLID, RAY_X, RAY_Y, RAY_Z, DISTANCE, FOOT,
    X, Y, Z, WORLD_Y, ANX, ANY, ANZ, TURNED,
    U, V, ALONG_X, ALONG_Y, H, H2, JOINT, LOW, LOW_U, LOW_V, FINE, FINE_U, FINE_V, PATCH, TU, TV, ROUGH, SHINE, METAL,
    OR, OG, OB, CR, CG, CB, RX, RY, RZ, FR, FG, FB, MR, MG, MB, SUN, ER, EG, EB, GR, GG, GB, CLEAR, FORWARD,
    T0, T1, T2, T3, SH, SH1, SH2, SH3, SH4, TABLE,
) = (LANES * row for row in range(80))  # fmt: skip
PARAMETERS = 26  # rows of TABLE: `lanes_surface.TABLE_ROWS`
BLOCK = TABLE + LANES * PARAMETERS

SMALLEST = f(1e-30)
LAST_LABEL = int(max(Label))


def inlined(function: Function) -> Function:
    """A `part` that goes into the loop that calls it, so that the loop can be vectorised. LLVM does it: numba's own
    `inline` reads and types the function anew at each place, which was a fifth of a first start's time."""
    options = {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, njit(nogil=True, error_model="numpy", **options)(function))


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
def angle(y: Scalar, x: Scalar) -> Scalar:
    """atan2 in turns, -0.5..0.5, within 1e-6: Cephes atanf (Moshier) of the smaller over the larger."""
    ax, ay = abs(x), abs(y)
    low, high = (ax if ax < ay else ay), (ay if ax < ay else ax)
    q = low / (high if high > SMALLEST else SMALLEST)
    past = q > f(0.41421356)
    r = (q - f(1.0)) / (q + f(1.0)) if past else q
    z = r * r
    p = ((f(8.05374449538e-2) * z - f(1.38776856032e-1)) * z + f(1.99777106478e-1)) * z - f(3.33329491539e-1)
    a = (p * z * r + r + (f(0.78539816) if past else f(0.0))) * f(0.15915494)
    a = f(0.25) - a if ay > ax else a
    a = f(0.5) - a if x < f(0.0) else a
    return -a if y < f(0.0) else a


@inlined
def clip(x: Scalar, low: Scalar, high: Scalar) -> Scalar:
    x = x if x > low else low
    return x if x < high else high


@inlined
def step(low: Scalar, high: Scalar, x: Scalar) -> Scalar:
    """As `surface._step`."""
    t = clip((x - low) / (high - low), f(0.0), f(1.0))
    return t * t * (f(3.0) - f(2.0) * t)


@inlined
def hashed(i: Scalar, j: Scalar, salt: Scalar) -> Scalar:
    """As `surface._hash`."""
    h = u4(u4(u4(i) * u4(0x27D4EB2D)) + u4(u4(j) * u4(0x165667B1)) + u4(u4(salt) * u4(0x0C6EF372)))
    h = u4(u4(h ^ u4(h >> u4(15))) * u4(0x2C1B3C6D))
    h = u4(u4(h ^ u4(h >> u4(12))) * u4(0x297A2D39))
    return f(i4(u4(h ^ u4(h >> u4(15))) & u4(0xFFFFFF))) * f(1.0 / 0xFFFFFF)


@inlined
def noise(u: Scalar, v: Scalar, salt: Scalar) -> Scalar:
    """The value of `surface._noise`."""
    i, j = np.floor(u), np.floor(v)
    s, t = u - i, v - j
    s, t = s * s * (f(3.0) - f(2.0) * s), t * t * (f(3.0) - f(2.0) * t)
    a, b = i4(i), i4(j)
    top_left, top_right = hashed(a, b, salt), hashed(i4(a + i4(1)), b, salt)
    low_left, low_right = hashed(a, i4(b + i4(1)), salt), hashed(i4(a + i4(1)), i4(b + i4(1)), salt)
    top = top_left + s * (top_right - top_left)
    low = low_left + s * (low_right - low_left)
    return (top + t * (low - top)) * f(2.0) - f(1.0)


@inlined  # so that rows are constants to the compiler
def sloped_noise(t: F32, out: int, u: int, v: int, scale_u: int, scale_v: int, shift: int, salt: Scalar) -> None:
    """`surface._noise` of u * scale_u + 7.7 * shift and v * scale_v, all rows of the block: value and slopes into the
    rows from `out` on."""
    for x in range(LANES):
        a, b = t[u + x] * t[scale_u + x] + f(7.7) * t[shift + x], t[v + x] * t[scale_v + x]
        i, j = np.floor(a), np.floor(b)
        s, r = a - i, b - j
        m, n = i4(i), i4(j)
        p, q = hashed(m, n, salt), hashed(i4(m + i4(1)), n, salt)
        o, w = hashed(m, i4(n + i4(1)), salt), hashed(i4(m + i4(1)), i4(n + i4(1)), salt)
        fs, ft = s * s * (f(3.0) - f(2.0) * s), r * r * (f(3.0) - f(2.0) * r)
        ds, dt = f(6.0) * s * (f(1.0) - s), f(6.0) * r * (f(1.0) - r)
        top, bottom = p + (q - p) * fs, o + (w - o) * fs
        t[out + x] = (top + (bottom - top) * ft) * f(2.0) - f(1.0)
        t[out + LANES + x] = f(2.0) * ((q - p) * (f(1.0) - ft) + (w - o) * ft) * ds
        t[out + 2 * LANES + x] = f(2.0) * (bottom - top) * dt


@part
def load(t: F32, row: int, plane: F32, channels: int, start: int, count: int, low: Scalar, high: Scalar) -> None:
    """Channels of a picture row [W, C] into rows of the block, within low..high and finite."""
    for channel in range(channels):
        to = row + channel * LANES
        for x in range(LANES):
            value = plane[start + (x if x < count else count - 1), channel]
            value = value if value == value else f(0.0)
            t[to + x] = clip(value, low, high)


@part
def load_scalars(t: F32, depth_m: F32, label: NDArray[np.uint8], start: int, count: int) -> None:
    """Depth, infinite where there is none, label, and whether there is something."""
    for x in range(LANES):
        at = start + (x if x < count else count - 1)
        value = depth_m[at]
        t[DEPTH + x] = value if value > f(0.0) else f(math.inf)
        t[LABEL + x] = f(label[at] if label[at] <= LAST_LABEL else 0)
        t[SOLID + x] = f(1.0) if t[DEPTH + x] < f(math.inf) else f(0.0)


@part
def upright(t: F32) -> None:
    """A normal for solid pixels that have none: up."""
    for x in range(LANES):
        nx, ny, nz = t[NX + x], t[NY + x], t[NZ + x]
        none = (nx * nx + ny * ny + nz * nz < f(0.01)) & (t[SOLID + x] > f(0.0))
        t[NX + x], t[NY + x], t[NZ + x] = f(0.0) if none else nx, f(1.0) if none else ny, f(0.0) if none else nz


@part
def dull(t: F32) -> None:
    """A base colour where the engine gives none: a dulled version of its picture."""
    for x in range(LANES):
        r, g, b = (clip(t[R + x], f(0.0), f(4.0)), clip(t[G + x], f(0.0), f(4.0)), clip(t[B + x], f(0.0), f(4.0)))
        scale = f(0.4) / ((r + g + b) * f(1.0 / 3.0) + f(0.1))
        t[AR + x] = clip(r * scale, f(0.02), f(0.9))
        t[AG + x] = clip(g * scale, f(0.02), f(0.9))
        t[AB + x] = clip(b * scale, f(0.02), f(0.9))


@part
def place(t: F32, pinhole: F32, u0: Scalar, du: Scalar, v: Scalar) -> None:
    """Rays, world points, distances and how wide a pixel is on the surface; as `anchor.anchored` before the bodies."""
    for x in range(LANES):
        u = u0 + f(x) * du
        dx = pinhole[0] * u + pinhole[1] * v - pinhole[2]
        dy = pinhole[3] * u + pinhole[4] * v - pinhole[5]
        dz = pinhole[6] * u + pinhole[7] * v - pinhole[8]
        depth_m = t[DEPTH + x] if t[SOLID + x] > f(0.0) else f(0.0)
        t[X + x], t[Y + x], t[Z + x] = dx * depth_m + pinhole[9], dy * depth_m + pinhole[10], dz * depth_m + pinhole[11]
        length = f(np.sqrt(dx * dx + dy * dy + dz * dz))
        dx, dy, dz = dx / length, dy / length, dz / length
        t[RAY_X + x], t[RAY_Y + x], t[RAY_Z + x] = dx, dy, dz
        t[DISTANCE + x] = depth_m * length
        cosine = abs(t[NX + x] * dx + t[NY + x] * dy + t[NZ + x] * dz)
        t[FOOT + x] = depth_m * pinhole[16] / (cosine if cosine > f(0.5) else f(0.5))
    for x in range(LANES):
        t[WORLD_Y + x] = t[Y + x]
        t[ANX + x], t[ANY + x], t[ANZ + x] = t[NX + x], t[NY + x] if t[SOLID + x] > f(0.0) else f(1.0), t[NZ + x]


@part
def _first_from(ids: U32, object_id: Scalar) -> int:
    """As `np.searchsorted`, which takes longer to compile than all of `into_bodies`."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if ids[middle] < object_id:
            low = middle + 1
        else:
            high = middle
    return low


@part
def into_bodies(t: F32, objects: U32, start: int, count: int, ids: U32, pose: F32) -> bool:
    """Points and normals of moving bodies go to the body's own space; TURNED is the body's row + 1, else 0. `ids`
    ascend; `pose` [n, 12] has world_from_body's rotation, row-major, then its origin. Whether there was any."""
    last_id, body, found = u4(0), -1, False
    for x in range(count):
        object_id = objects[start + x]
        if object_id != last_id:  # neighbours mostly are of one object
            last_id, at = object_id, _first_from(ids, object_id)
            body = at if at < len(ids) and ids[at] == object_id else -1
        t[TURNED + x] = f(body + 1)
        if body < 0:
            continue
        found = True
        p = pose[body]
        a, b, c = t[X + x] - p[9], t[Y + x] - p[10], t[Z + x] - p[11]
        t[X + x] = p[0] * a + p[3] * b + p[6] * c
        t[Y + x] = p[1] * a + p[4] * b + p[7] * c
        t[Z + x] = p[2] * a + p[5] * b + p[8] * c
        a, b, c = t[NX + x], t[NY + x], t[NZ + x]
        t[ANX + x] = p[0] * a + p[3] * b + p[6] * c
        t[ANY + x] = p[1] * a + p[4] * b + p[7] * c
        t[ANZ + x] = p[2] * a + p[5] * b + p[8] * c
    return found


@part
def out_of_bodies(t: F32, count: int, pose: F32) -> None:
    """Relief normals RX, RY, RZ of moving bodies go back to the world."""
    for x in range(count):
        body = int(t[TURNED + x]) - 1
        if body < 0:
            continue
        p = pose[body]
        a, b, c = t[RX + x], t[RY + x], t[RZ + x]
        t[RX + x] = p[0] * a + p[1] * b + p[2] * c
        t[RY + x] = p[3] * a + p[4] * b + p[5] * c
        t[RZ + x] = p[6] * a + p[7] * b + p[8] * c


@part
def reduced(x: F32, low: F32, factor: int, first: int, last: int) -> None:
    """Rows first..last of low [h, w, C] from x [h * factor, w * factor, C]: the mean of factor x factor pixels."""
    columns, channels = low.shape[1], low.shape[2]
    share = f(1.0 / (factor * factor))
    for i in range(first, last):
        for j in range(columns):
            for c in range(channels):
                low[i, j, c] = f(0.0)
            for k in range(factor):
                for m in range(factor):
                    for c in range(channels):
                        low[i, j, c] += x[i * factor + k, j * factor + m, c]
            for c in range(channels):
                low[i, j, c] *= share
