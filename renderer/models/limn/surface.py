"""What surfaces are made of in a world of a given seed and weather: colour, relief, roughness and shine.

A function of the point that texture sticks to (world space for what stands, the body's own for what moves), so the
same point looks the same from anywhere and after any time; each term fades as its period nears the size of a pixel.
A world's seed picks one finish per label (brick or plaster, asphalt or cobbles) and shifts every pattern. All finishes
are one formula with other numbers: cells with joints, two noises, patches of a second colour.

It is what the path-traced truth is painted with, and may be an input of a network that should match it.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel, part
from bridge.schema import Label
from renderer.models.limn.finishes import COLUMNS_OF_TABLE, FINISHES
from renderer.models.limn.weather import Weather

F32 = NDArray[np.float32]
LABELS = 16
GROUND, STONE, WATER, LIGHT = (int(v) for v in (Label.GROUND, Label.STONE, Label.WATER, Label.LIGHT))
# Columns of the table, in the order of finishes.Finish.
(CELL_U, CELL_V, BOND, JOINT, DARK, TINT, HUE, BEVEL, JITTER, LOW, LOW_AMOUNT, FINE_U, FINE_V, FINE_AMOUNT, RELIEF,
 PATCH, PATCH_SHARE, PATCH_R, PATCH_G, PATCH_B, STRIPE, ROUGH, ROUGH_SPREAD, SHINE, METAL) = range(25)  # fmt: skip


@dataclass(frozen=True)
class Surfaces:
    """Of n points."""

    albedo: F32  # [n, 3] linear, of the diffuse part
    mirror: F32  # [n, 3] reflectance at normal incidence
    normal: F32  # [n, 3] unit, in the space of the given normal, with relief
    roughness: F32  # [n]


@functools.lru_cache(maxsize=64)
def finishes_of(seed: int) -> NDArray[np.float64]:
    """The table [16 labels, columns] of a world's finishes."""
    rng = np.random.default_rng([seed, 4177])
    table = np.zeros((LABELS, COLUMNS_OF_TABLE))
    for label in range(LABELS):
        choices = FINISHES.get(Label(label), FINISHES[Label.UNKNOWN])
        table[label] = choices[int(rng.integers(len(choices)))]
    return table


def paint(position_m: F32, normal: F32, up: F32, label: NDArray[np.uint8], albedo: F32, material: F32, footprint_m: F32,
          open_above: NDArray[np.bool_], seed: int, weather: Weather) -> Surfaces:  # fmt: skip
    """Surfaces of n points. `position_m` and `normal` [n, 3] are in the space that texture sticks to; `up` [n, 3] is
    the world's +Y in that space; `material` [n, 2] is the engine's roughness and metallic; `footprint_m` [n] is how
    wide a sample is on the surface; `open_above` [n] whether snow and rain fall there."""
    n = len(position_m)
    out = np.empty((n, 10), np.float32)
    season = np.array([weather.wetness, weather.snow, weather.autumn])
    _paint(position_m, normal, up, label, albedo, material, footprint_m, open_above, finishes_of(seed),
           np.uint32(seed & 0xFFFFFFFF), season, out)  # fmt: skip
    color, mirror, relief = (np.ascontiguousarray(out[:, a:b]) for a, b in ((0, 3), (3, 6), (6, 9)))
    return Surfaces(color, mirror, relief, out[:, 9].copy())


@part
def _hash(i: int, j: int, salt: int) -> float:
    """Of integer cells to 0..1: the finaliser of MurmurHash3 in 32 bits."""
    h = np.uint32(np.uint32(i) * np.uint32(0x27D4EB2D) + np.uint32(j) * np.uint32(0x165667B1))
    h = np.uint32(h + np.uint32(salt) * np.uint32(0x0C6EF372))
    h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D))
    h = np.uint32((h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39))
    return ((h ^ (h >> np.uint32(15))) & np.uint32(0xFFFFFF)) * (1.0 / 0xFFFFFF)


@part
def _noise(u: float, v: float, salt: int) -> tuple[float, float, float]:
    """Value noise in -1..1 with a lattice point per unit, and its slopes along u and v."""
    i, j = math.floor(u), math.floor(v)
    s, t = u - i, v - j
    a, b = int(i), int(j)
    p, q = _hash(a, b, salt), _hash(a + 1, b, salt)
    r, w = _hash(a, b + 1, salt), _hash(a + 1, b + 1, salt)
    fs, ft = s * s * (3.0 - 2.0 * s), t * t * (3.0 - 2.0 * t)
    ds, dt = 6.0 * s * (1.0 - s), 6.0 * t * (1.0 - t)
    top, bottom = p + (q - p) * fs, r + (w - r) * fs
    along_u = ((q - p) * (1.0 - ft) + (w - r) * ft) * ds
    return (top + (bottom - top) * ft) * 2.0 - 1.0, 2.0 * along_u, 2.0 * (bottom - top) * dt


@part
def _step(low: float, high: float, x: float) -> float:
    t = min(max((x - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@kernel
def _paint(
    position: Any, normal: Any, up: Any, label: Any, albedo: Any, material: Any, footprint: Any, open_above: Any,
    table: Any, salt: Any, season: Any, out: Any,
) -> Any:  # fmt: skip
    """One row of `out` per point: albedo, mirror, normal, roughness."""
    for n in range(position.shape[0]):
        f = table[label[n]]
        nx, ny, nz = normal[n, 0], normal[n, 1], normal[n, 2]
        ax, ay, az = abs(nx), abs(ny), abs(nz)
        across_x, across_y = ax >= ay and ax >= az, ay > ax and ay >= az
        u = position[n, 2] if across_x else position[n, 0]
        v = position[n, 2] if across_y else position[n, 1]
        if f[CELL_U] < 0.0:
            u, v = v, u
        size = footprint[n]
        r, g, b, tu, tv, rough, low, h, h2, joint, patch = _finish(
            f, salt, u, v, size, albedo[n, 0], albedo[n, 1], albedo[n, 2]
        )
        rough = 0.5 * rough + 0.5 * material[n, 0] if f[METAL] < 0.5 else rough
        metal, shine = min(f[METAL], material[n, 1]) * (1.0 - patch), f[SHINE]
        rise = nx * up[n, 0] + ny * up[n, 1] + nz * up[n, 2]
        if season[2] > 0.0:
            r, g, b = _autumn(r, g, b, label[n], rise, u, v, size, low, h, h2, season[2], open_above[n], salt)
        if season[0] > 0.0:
            falls = 1.0 if open_above[n] else 0.25
            r, g, b, tu, tv, rough, shine = _wet(
                r, g, b, tu, tv, rough, shine, metal, rise, low + 0.25 * joint, season[0], falls, label[n]
            )
        if season[1] > 0.0 and open_above[n] and label[n] != WATER and label[n] != LIGHT:
            r, g, b, tu, tv, cover = _snow(r, g, b, tu, tv, u, v, size, rise, low, season[1], salt)
            rough, metal, shine = rough + (0.9 - rough) * cover, metal * (1.0 - cover), shine * (1.0 - cover)
        for c, value in enumerate((r, g, b)):
            out[n, c] = min(max(value, 0.004), 0.93) * (1.0 - 0.92 * metal)
            out[n, 3 + c] = shine + (min(max(value * 1.5, 0.05), 0.95) - shine) * metal
        if f[CELL_U] < 0.0:
            tu, tv = tv, tu
        wx = 0.0 if across_x else tu
        wy = 0.0 if across_y else tv
        wz = tu if across_x else (tv if across_y else 0.0)
        inward = wx * nx + wy * ny + wz * nz
        wx, wy, wz = nx + wx - inward * nx, ny + wy - inward * ny, nz + wz - inward * nz
        scale = 1.0 / math.sqrt(wx * wx + wy * wy + wz * wz)
        out[n, 6], out[n, 7], out[n, 8] = wx * scale, wy * scale, wz * scale
        out[n, 9] = min(max(rough, 0.03), 1.0)


@part
def _finish(f: Any, salt: Any, u: float, v: float, size: float, r: float, g: float, b: float) -> Any:
    """A dry finish at (u, v): colour, tilt along u and v, roughness, and what the weather builds on: coarse noise, the
    cell's two hashes, how much this is a joint, how much the second colour shows."""
    cu, cv = abs(f[CELL_U]), f[CELL_V]
    row = math.floor(v / cv)
    along = u / cu + row * f[BOND]
    column = math.floor(along)
    h, h2 = _hash(int(column), int(row), salt + 1), _hash(int(column), int(row), salt + 2)
    fu, fv = along - column, v / cv - row
    eu, ev = min(fu, 1.0 - fu) * cu, min(fv, 1.0 - fv) * cv
    sharp = min(max(1.5 - 2.0 * size / min(cv, cu), 0.0), 1.0)
    soft, edge = 0.6 * size + 0.004, min(eu, ev)
    joint = sharp * min(max((f[JOINT] + soft - edge) / (2.0 * soft), 0.0), 1.0) if f[JOINT] > 0.0 else 0.0
    fade_low = min(max(1.5 - 2.0 * size * f[LOW], 0.0), 1.0)
    low, low_u, low_v = _noise(u * f[LOW], v * f[LOW], salt + 3)
    fade = min(max(1.5 - 2.0 * size * max(f[FINE_U], f[FINE_V]), 0.0), 1.0)
    fine, fine_u, fine_v = _noise(u * f[FINE_U] + 7.7 * h, v * f[FINE_V], salt + 4)
    low, fine = low * fade_low, fine * fade
    patch = _step(1.0 - 2.0 * f[PATCH_SHARE], 1.25 - 2.0 * f[PATCH_SHARE], low + 0.35 * fine) * f[PATCH]
    parity = 1.0 if int(row) % 2 == 0 else -1.0
    gain = (1.0 - f[DARK] * joint) * (1.0 + sharp * (f[TINT] * (2.0 * h - 1.0) + f[STRIPE] * parity))
    gain *= (1.0 + f[LOW_AMOUNT] * low) * (1.0 + f[FINE_AMOUNT] * fine)
    warm = f[HUE] * (sharp * (2.0 * h2 - 1.0) + 0.5 * low)
    r, g, b = r * gain * (1.0 + warm), g * gain, b * gain * (1.0 - warm)
    level = 0.6 + 0.4 * gain
    r += (f[PATCH_R] * level - r) * patch
    g += (f[PATCH_G] * level - g) * patch
    b += (f[PATCH_B] * level - b) * patch
    # relief: joints are bevelled, noise tilts, leaves and pebbles point anywhere
    bevel = f[BEVEL] * sharp * _step(f[JOINT] + 2.5 * soft + 0.35 * f[BEVEL] * min(cu, cv), f[JOINT], edge)
    tu = bevel * (-1.0 if fu < 0.5 else 1.0) if eu < ev else 0.0
    tv = bevel * (-1.0 if fv < 0.5 else 1.0) if ev <= eu else 0.0
    slope = -0.06 * f[LOW_AMOUNT] * fade_low
    tu += f[RELIEF] * fade * fine_u + f[JITTER] * sharp * (2.0 * h - 1.0) + slope * low_u
    tv += f[RELIEF] * fade * fine_v + f[JITTER] * sharp * (2.0 * h2 - 1.0) + slope * low_v
    rough = f[ROUGH] + f[ROUGH_SPREAD] * (0.6 * low + 0.4 * (2.0 * h - 1.0)) + 0.25 * patch
    return r, g, b, tu, tv, rough, low, h, h2, joint, patch


@part
def _wet(r: float, g: float, b: float, tu: float, tv: float, rough: float, shine: float, metal: float, rise: float,
         level: float, wet: float, falls: float, label: int) -> Any:  # fmt: skip
    """Rain darkens and smooths, and stands in the low places of what lies flat."""
    soak = wet * falls * (0.55 + 0.45 * max(rise, 0.0)) * (1.0 - metal)
    dull = 1.0 - 0.42 * soak * min(1.0, 2.0 * rough)
    rough += (0.22 - rough) * 0.8 * soak if rough > 0.22 else 0.0
    shine = max(shine, 0.03 * soak)
    flat = label in (GROUND, STONE)
    pool = _step(0.12, -0.05, level) * _step(0.96, 0.995, rise) * wet * falls if flat else 0.0
    rough += (0.03 - rough) * pool
    keep, dull = 1.0 - 0.94 * pool, dull * (1.0 - 0.3 * pool)
    return r * dull, g * dull, b * dull, tu * keep, tv * keep, rough, shine


@part
def _snow(r: float, g: float, b: float, tu: float, tv: float, u: float, v: float, size: float, rise: float, low: float,
          snow: float, salt: Any) -> Any:  # fmt: skip
    """Snow lies on what faces up, in drifts."""
    drift, drift_u, drift_v = _noise(u * 0.8, v * 0.8, salt + 5)
    fade = 0.06 * min(max(1.5 - 2.0 * size * 0.8, 0.0), 1.0)
    cover = _step(0.25, 0.62, rise + 0.30 * drift + 0.18 * low + 0.7 * snow - 0.55) * min(1.0, 1.6 * snow)
    r, g, b = r + (0.84 - r) * cover, g + (0.87 - g) * cover, b + (0.91 - b) * cover
    bare = 1.0 - 0.85 * cover
    return r, g, b, tu * bare - fade * drift_u * cover, tv * bare - fade * drift_v * cover, cover


@part
def _autumn(
    r: Any,
    g: Any,
    b: Any,
    label: Any,
    rise: Any,
    u: Any,
    v: Any,
    size: Any,
    low: Any,
    h: Any,
    h2: Any,
    autumn: Any,
    open_above: Any,
    salt: Any,
) -> Any:
    """Leaves turn, and lie about."""
    if label == 9 and rise < 0.9:
        turn = autumn * _step(-0.75, 0.1, low + 0.8 * (h - 0.3))
        light = (0.3 * r + 0.6 * g + 0.1 * b) * (2.1 + 0.5 * h2)
        r += (1.55 * light - r) * turn
        g += ((0.50 + 0.35 * h) * light - g) * turn
        b += (0.10 * light - b) * turn
    elif open_above and rise > 0.6:
        leaf_u, leaf_v = math.floor(u * 11.0), math.floor(v * 11.0)
        lies = _hash(int(leaf_u), int(leaf_v), salt + 6)
        kind = _hash(int(leaf_u), int(leaf_v), salt + 7)
        near = min(max(1.5 - 2.0 * size * 11.0, 0.0), 1.0)
        share = autumn * _step(-0.4, 0.8, low) * 0.45 + 0.04 * autumn
        cover = (near if lies < share else 0.0) + (1.0 - near) * share
        r += (0.42 + 0.12 * kind - r) * cover
        g += (0.13 + 0.16 * kind - g) * cover
        b += (0.03 - b) * cover
    return r, g, b
