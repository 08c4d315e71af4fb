"""What the sky looks like in a direction: the weather's table, with clouds, the sun's or moon's disc and stars."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel, part
from renderer.models.limn.surface import _hash, _noise, _step
from renderer.models.limn.weather import COLUMNS, ROWS, SUN_RADIUS_RAD, Sky

F32 = NDArray[np.float32]
FOG_TOP_M = 40.0  # fog lies this deep: more of it towards the horizon


def sky_seen(direction: F32, sky: Sky, seed: int) -> F32:
    """Radiance [n, 3] towards unit directions [n, 3]; clouds are where the seed puts them."""
    out = np.empty(direction.shape, np.float32)
    disc = np.minimum(sky.sun / (math.pi * SUN_RADIUS_RAD**2), 60.0 if not sky.night else 4.0).astype(np.float32)
    _fill(direction, sky.table, sky.to_sun, sky.sun, sky.ambient, disc, sky.cloud, sky.night, sky.fog, sky.fog_per_m,
          np.uint32((seed * 7919) & 0xFFFFFFFF), out)  # fmt: skip
    return out


@kernel
def _fill(
    direction: Any,
    table: Any,
    to_sun: Any,
    sun: Any,
    ambient: Any,
    disc: Any,
    cloud: Any,
    night: Any,
    fog: Any,
    fog_per_m: Any,
    salt: Any,
    out: Any,
) -> Any:
    for n in range(direction.shape[0]):
        x, y, z = direction[n, 0], direction[n, 1], direction[n, 2]
        up = min(max(y, 0.0), 1.0)
        row = min(max(math.sqrt(math.asin(up) * 2.0 / math.pi) * ROWS - 0.5, 0.0), ROWS - 1.001)
        column = (math.atan2(x, -z) / (2.0 * math.pi)) % 1.0 * COLUMNS - 0.5 + COLUMNS
        i, j = int(row), int(column)
        s, t = row - i, column - j
        below = min(max(1.0 + 6.0 * y, 0.25), 1.0)
        facing = x * to_sun[0] + y * to_sun[1] + z * to_sun[2]
        cover, bright = _clouds(x, up, z, cloud, to_sun, salt)
        cover *= _step(0.015, 0.10, y)
        rim = 0.10 + 0.55 * max(facing, 0.0) ** 8
        star = 0.0
        if night and y > 0.0:
            a, b = math.floor(x / (up + 0.4) * 420.0), math.floor(z / (up + 0.4) * 420.0)
            h = _hash(int(a), int(b), salt + 9)
            star = 0.30 * (h - 0.992) / 0.008 * (1.0 - cloud) if h > 0.992 else 0.0
        ring = _step(math.cos(1.25 * SUN_RADIUS_RAD), math.cos(0.85 * SUN_RADIUS_RAD), facing) if y > -0.01 else 0.0
        far = min(FOG_TOP_M / max(up + 0.02, 0.02), 2000.0)
        clear = math.exp(-fog_per_m * far)
        for c in range(3):
            base = (table[i, j % COLUMNS, c] * (1.0 - t) + table[i, (j + 1) % COLUMNS, c] * t) * (1.0 - s)
            base += (table[i + 1, j % COLUMNS, c] * (1.0 - t) + table[i + 1, (j + 1) % COLUMNS, c] * t) * s
            base = base * below + star + ring * disc[c] * (1.0 - cover)
            white = (0.95 * ambient[c] + (0.16 + rim) * 0.55 * sun[c]) * bright
            value = base + (white - base) * cover
            out[n, c] = value * clear + fog[c] * (1.0 - clear)


@part
def _clouds(x: Any, up: Any, z: Any, cloud: Any, to_sun: Any, salt: Any) -> Any:
    """Share of the sky that clouds hide towards a direction, and how bright they are there."""
    reach = 1.35 / (up + 0.12)
    u, v = x * reach, z * reach
    density = _billows(u, v, salt)
    toward = _billows(u + 0.22 * to_sun[0], v + 0.22 * to_sun[2], salt)  # thicker towards the sun: in its own shade
    low = 0.62 - 1.15 * min(cloud, 0.9)
    cover = _step(low, low + 0.55, density) * min(1.0, 4.0 * cloud)
    bright = min(max(1.0 - 0.75 * (toward - density) - 0.22 * density, 0.45), 1.35)
    return cover, bright


@part
def _billows(u: Any, v: Any, salt: Any) -> Any:
    total, amount, size = 0.0, 0.55, 1.0
    for k in range(5):
        value, _, _ = _noise(u * size + 3.1 * k, v * size - 1.7 * k, salt + k)
        total += amount * value
        amount *= 0.52
        size *= 2.07
    return total
