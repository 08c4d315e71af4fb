"""What `condition.py` computes, compiled for the CPU: one pass over a plane for each map.

Light is looked up: a half float has 65,536 values, so curve, transfer, rounding and range are one table of a map.
Planes come as pixels [N, C] or [N], contiguous, and channels leave one by one, [N]: loops over single rows without
branches are what the compiler turns into vector instructions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel
from renderer.adapters.condition import NO_NORMAL
from renderer.models.limn.lanes import clip, inlined, log

F32 = NDArray[np.float32]
U16 = NDArray[np.uint16]
f, i4, u4 = np.float32, np.int32, np.uint32
FROM_HALF = f(2.0**112)  # between the exponents' biases, 127 and 15
FAR_OUT = f(65536.0)
SHORTEST, LONGEST = (f(squared) for squared in NO_NORMAL)
HALF_ONE = np.float16(1.0).view(np.uint16)
STEPS = 4096  # of an answer, between the values whose light is known: a sixteenth of a display's


@kernel
def look_up_halves(plane: U16, table: F32, red: F32, green: F32, blue: F32) -> None:
    """Three channels of half floats, as bits [N, C], by their table [65536]."""
    for i in range(plane.shape[0]):
        red[i], green[i], blue[i] = table[plane[i, 0]], table[plane[i, 1]], table[plane[i, 2]]


@kernel
def look_up_half(plane: U16, channel: int, table: F32, grey: F32) -> None:
    """One channel of half floats."""
    for i in range(plane.shape[0]):
        grey[i] = table[plane[i, channel]]


@kernel
def look_up_single(plane: F32, channel: int, table: F32, grey: F32) -> None:
    """A channel of float32 [N, C], by the table of the half float next to it; negative and NaN are 0."""
    for i in range(plane.shape[0]):
        value = clip(plane[i, channel], f(6.2e-5), f(65504.0))
        bits = i4(f(value / FROM_HALF).view(i4))
        grey[i] = table[(bits + i4(0x1000)) >> i4(13) if value > f(6.2e-5) else 0]


@kernel
def depths(plane: F32, inverse: bool, a: Any, b: Any, sky: Any, out: F32) -> None:
    """x = a / z + b, or a * z + b, within 0..1, of depths [N]; sky where nothing is in front of the camera."""
    if inverse:
        for i in range(plane.shape[0]):
            z = plane[i]
            solid = (z > f(0.0)) & (z < f(math.inf))
            x = clip(a / (z if solid else f(1.0)) + b, f(0.0), f(1.0))
            out[i] = x if solid else sky
        return
    for i in range(plane.shape[0]):
        z = plane[i]
        solid = (z > f(0.0)) & (z < f(math.inf))
        x = clip(a * (z if solid else f(1.0)) + b, f(0.0), f(1.0))
        out[i] = x if solid else sky


@kernel
def logarithms(plane: F32, a: Any, b: Any, sky: Any, out: F32) -> None:
    """x = a * log z + b within 0..1, as `depths`."""
    for i in range(plane.shape[0]):
        z = plane[i]
        solid = (z > f(0.0)) & (z < f(math.inf))
        x = clip(a * log(z if solid else f(1.0)) + b, f(0.0), f(1.0))
        out[i] = x if solid else sky


@inlined
def from_half(bits: Any) -> Any:
    """The float32 of a half float's bits; infinity and NaN become 65536 and more."""
    size = u4(u4(u4(bits) & u4(0x7FFF)) << u4(13)) | u4(u4(u4(bits) & u4(0x8000)) << u4(16))
    return f(u4(size).view(f) * FROM_HALF)


@kernel
def vectors_of_halves(plane: U16, xs: F32, ys: F32, zs: F32) -> None:
    """Vectors of half floats, as bits [N, C]."""
    for i in range(plane.shape[0]):
        xs[i], ys[i], zs[i] = from_half(plane[i, 0]), from_half(plane[i, 1]), from_half(plane[i, 2])


@kernel
def vectors_of_singles(plane: F32, xs: F32, ys: F32, zs: F32) -> None:
    """Vectors of float32 [N, C]; infinity and NaN become 65536."""
    for i in range(plane.shape[0]):
        x, y, z = plane[i, 0], plane[i, 1], plane[i, 2]
        xs[i] = x if abs(x) < FAR_OUT else FAR_OUT
        ys[i] = y if abs(y) < FAR_OUT else FAR_OUT
        zs[i] = z if abs(z) < FAR_OUT else FAR_OUT


@kernel
def turn(xs: F32, ys: F32, zs: F32, m: F32, sky: F32) -> None:
    """World normals, in place, as 0..1 by the matrix m [9]; `sky` [3] where there is none."""
    a0, a1, a2, b0, b1, b2, c0, c1, c2 = m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]
    red, green, blue = sky[0], sky[1], sky[2]
    for i in range(xs.shape[0]):
        x, y, z = xs[i], ys[i], zs[i]
        squared = x * x + y * y + z * z
        solid = f(1.0) if (squared >= SHORTEST) & (squared <= LONGEST) else f(0.0)
        empty = f(1.0) - solid
        xs[i] = clip((a0 * x + a1 * y + a2 * z) * f(0.5) + f(0.5), f(0.0), f(1.0)) * solid + red * empty
        ys[i] = clip((b0 * x + b1 * y + b2 * z) * f(0.5) + f(0.5), f(0.0), f(1.0)) * solid + green * empty
        zs[i] = clip((c0 * x + c1 * y + c2 * z) * f(0.5) + f(0.5), f(0.0), f(1.0)) * solid + blue * empty


@kernel
def finish(row: F32, eight_bit: bool, gain: Any, offset: Any) -> None:
    """As `condition.finished`, in place."""
    if eight_bit:
        for i in range(row.shape[0]):
            row[i] = np.floor(row[i] * f(255.0) + f(0.5)) / f(255.0)
    if gain != f(1.0):
        for i in range(row.shape[0]):
            row[i] = row[i] * gain + offset


@kernel
def into_plate(answer: F32, gain: Any, offset: Any, table: U16, plate: U16) -> None:
    """An answer [3, H, W] into the bits of a plate [H, W, 4], alpha 1; `table` [STEPS + 1] is the light of 0..1."""
    for y in range(plate.shape[0]):
        for x in range(plate.shape[1]):
            for c in range(3):
                value = clip(answer[c, y, x] * gain + offset, f(0.0), f(1.0))
                plate[y, x, c] = table[i4(value * f(STEPS) + f(0.5))]
            plate[y, x, 3] = HALF_ONE
