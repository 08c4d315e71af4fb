"""The formulas of features.py and heaven.py for 64 pixels at a time: mirrors, light, air, sky, and what goes out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bridge.compiled import part
from bridge.schema import Label
from renderer.models.limn.features import DEPTH_SCALE, FARTHEST_M
from renderer.models.limn.heaven import FOG_TOP_M
from renderer.models.limn.lanes import (
    AR,
    CB,
    CG,
    CLEAR,
    CR,
    DEPTH,
    DISTANCE,
    EB,
    EG,
    ER,
    F32,
    FB,
    FG,
    FORWARD,
    FR,
    GB,
    GG,
    GR,
    LABEL,
    LANES,
    LOW,
    MB,
    MG,
    MR,
    NX,
    NY,
    NZ,
    OB,
    OG,
    OR,
    RAY_X,
    RAY_Y,
    RAY_Z,
    ROUGH,
    RX,
    RY,
    RZ,
    SH,
    SH1,
    SH2,
    SH3,
    SH4,
    SOLID,
    SUN,
    T0,
    T1,
    T2,
    T3,
    TABLE,
    WORLD_Y,
    B,
    G,
    R,
    Scalar,
    angle,
    clip,
    exp,
    f,
    hashed,
    i4,
    inlined,
    log,
    noise,
    step,
)  # fmt: skip
from renderer.models.limn.light import MAP, Light
from renderer.models.limn.weather import COLUMNS, LUMINANCE, ROWS, SUN_RADIUS_RAD

PI = f(math.pi)
FARTHEST, LOG_DEPTH = f(FARTHEST_M), f(DEPTH_SCALE)
RED, GREEN, BLUE = (f(v) for v in LUMINANCE)
LAMP, FOLIAGE, WATER = (f(int(v)) for v in (Label.LIGHT, Label.FOLIAGE, Label.WATER))
# Rows that are free once surfaces are painted.
AT, ALONG, ACROSS, NEXT, COVER, BRIGHT, STAR, SHOWN = (TABLE + LANES * row for row in range(8))  # SHOWN has three
OUTER, INNER = f(math.cos(1.25 * SUN_RADIUS_RAD)), f(math.cos(0.85 * SUN_RADIUS_RAD))


class Numbers(NamedTuple):
    """A `Light` as the kernels read it."""

    to_sun: F32  # [3]
    sun: F32  # [3]
    sky_ambient: F32  # [3]
    fog: F32  # [3]
    disc: F32  # [3] radiance of the sun's or moon's disc
    ground: F32  # [3]
    lamp: F32  # [3]
    harmonics: F32  # [9, 3]
    mirrored: F32  # [MAP * MAP, 3]
    table: F32  # [ROWS * COLUMNS, 3]
    scalars: F32  # fog_per_m, cloud, 1 at night, luminance of the sun over pi, agreement


def numbers_of(light: Light, agreement: float) -> Numbers:
    sky = light.sky
    disc = np.minimum(sky.sun / (math.pi * SUN_RADIUS_RAD**2), 60.0 if not sky.night else 4.0)
    scalars = [sky.fog_per_m, sky.cloud, float(sky.night), float(sky.sun @ LUMINANCE) / math.pi, agreement]
    fields = (sky.to_sun, sky.sun, sky.ambient, sky.fog, disc, light.ground, light.lamp, light.ambient,
              light.mirrored.reshape(-1, 3), sky.table.reshape(-1, 3), scalars)  # fmt: skip
    return Numbers(*(np.ascontiguousarray(field, np.float32) for field in fields))


@part
def light_up(t: F32, n: Numbers) -> None:
    """Sun, open sky, air and lamps: SUN, ER.., CLEAR, FORWARD, GR.."""
    to_sun, fog_per_m = n.to_sun, n.scalars[0]
    for x in range(LANES):
        facing = t[RX + x] * to_sun[0] + t[RY + x] * to_sun[1] + t[RZ + x] * to_sun[2]
        t[SUN + x] = (facing if facing > f(0.0) else f(0.0)) * t[SOLID + x]
        forward = clip(t[RAY_X + x] * to_sun[0] + t[RAY_Y + x] * to_sun[1] + t[RAY_Z + x] * to_sun[2], f(0.0), f(1.0))
        twice = forward * forward
        fourth = twice * twice
        t[FORWARD + x] = fourth * fourth * twice * t[SOLID + x]
        t[CLEAR + x] = exp(-fog_per_m * t[DISTANCE + x])
        lamp = t[SOLID + x] if t[LABEL + x] == LAMP else f(0.0)
        t[GR + x], t[GG + x], t[GB + x] = lamp * n.lamp[0], lamp * n.lamp[1], lamp * n.lamp[2]
    _harmonics(t, RX, ER, n.harmonics)
    for x in range(LANES):
        t[ER + x], t[EG + x], t[EB + x] = t[ER + x] * t[SOLID + x], t[EG + x] * t[SOLID + x], t[EB + x] * t[SOLID + x]


@inlined
def _harmonics(t: F32, direction: int, out: int, harmonics: F32) -> None:
    """What a sheet towards three rows of directions sends back, as `light.harmonics_at` @ harmonics, at least 1e-4."""
    for k in range(3):
        c0, c1, c2, c3, c4, c5, c6, c7, c8 = (
            f(0.282095) * harmonics[0, k], f(0.488603) * harmonics[1, k], f(0.488603) * harmonics[2, k],
            f(0.488603) * harmonics[3, k], f(1.092548) * harmonics[4, k], f(1.092548) * harmonics[5, k],
            f(0.315392) * harmonics[6, k], f(1.092548) * harmonics[7, k], f(0.546274) * harmonics[8, k],
        )  # fmt: skip
        for i in range(LANES):
            x, y, z = t[direction + i], t[direction + LANES + i], t[direction + 2 * LANES + i]
            flat = c4 * x * y + c5 * y * z + c6 * (f(3.0) * z * z - f(1.0)) + c7 * x * z + c8 * (x * x - y * y)
            value = c0 + c1 * y + c2 * z + c3 * x + flat
            t[out + k * LANES + i] = value if value > f(1e-4) else f(1e-4)


@part
def mirror(t: F32, n: Numbers) -> None:
    """FR.. by Schlick, and MR.. what the open sky shows there; the straight reflectance is in LOW.. as `paint` left it.
    Colours lose what is mirrored."""
    most = f(0.0)
    for k in range(3 * LANES):
        most = max(most, t[LOW + k])
    for x in range(LANES):
        into = t[RX + x] * t[RAY_X + x] + t[RY + x] * t[RAY_Y + x] + t[RZ + x] * t[RAY_Z + x]
        facing = -into if -into > f(0.02) else f(0.02)
        away = f(1.0) - facing
        twice = away * away
        edge = twice * twice * away
        a, b, c = t[LOW + x], t[LOW + LANES + x], t[LOW + 2 * LANES + x]
        shines = f(1.0) if (a > f(0.0)) | (b > f(0.0)) | (c > f(0.0)) else f(0.0)
        smooth = f(1.0) - t[ROUGH + x]
        for k in range(3):
            straight = t[LOW + k * LANES + x]
            grazing = smooth if smooth > straight else straight
            part = (straight + (grazing - straight) * edge * shines) * t[SOLID + x]
            t[FR + k * LANES + x] = part
            t[OR + k * LANES + x] *= (f(1.0) - part) * t[SOLID + x]
            t[CR + k * LANES + x] *= (f(1.0) - part) * t[SOLID + x]
        t[T0 + x] = t[RAY_X + x] - f(2.0) * into * t[RX + x]
        t[T1 + x] = t[RAY_Y + x] - f(2.0) * into * t[RY + x]
        t[T2 + x] = t[RAY_Z + x] - f(2.0) * into * t[RZ + x]
    if most == f(0.0):
        for k in range(3 * LANES):
            t[MR + k] = f(0.0)
        return
    _harmonics(t, T0, LOW, n.harmonics)
    _reflect(t, n)


@part
def _reflect(t: F32, n: Numbers) -> None:
    """As `features._reflected`, times the reflectance; T0.. are where mirrored rays go, LOW.. the smooth sky there."""
    for x in range(LANES):
        up = t[T1 + x] if t[T1 + x] > f(0.0) else f(0.0)
        u = clip((t[T0 + x] / (f(1.0) + up) + f(1.0)) * f(0.5 * MAP) - f(0.5), f(0.0), f(MAP - 1.001))
        v = clip((t[T2 + x] / (f(1.0) + up) + f(1.0)) * f(0.5 * MAP) - f(0.5), f(0.0), f(MAP - 1.001))
        j, i = np.floor(u), np.floor(v)
        t[AT + x], t[ALONG + x], t[ACROSS + x] = i * f(MAP) + j, u - j, v - i
    for x in range(LANES):
        if t[FR + x] + t[FG + x] + t[FB + x] > f(0.0):
            at, s, r = int(t[AT + x]), t[ALONG + x], t[ACROSS + x]
            for k in range(3):
                top = n.mirrored[at, k] + s * (n.mirrored[at + 1, k] - n.mirrored[at, k])
                low = n.mirrored[at + MAP, k] + s * (n.mirrored[at + MAP + 1, k] - n.mirrored[at + MAP, k])
                t[SHOWN + k * LANES + x] = top + (low - top) * r
        else:
            for k in range(3):
                t[SHOWN + k * LANES + x] = f(0.0)
    for k in range(3):
        for x in range(LANES):
            below = clip(f(-8.0) * t[T1 + x], f(0.0), f(1.0))
            sharp = t[SHOWN + k * LANES + x] * (f(1.0) - below) + n.ground[k] * below
            soft = t[LOW + k * LANES + x]
            t[MR + k * LANES + x] = (sharp + (soft - sharp) * t[ROUGH + x]) * t[FR + k * LANES + x]


@part
def any_sky(t: F32) -> bool:
    lowest = f(1.0)
    for x in range(LANES):
        lowest = min(lowest, t[SOLID + x])
    return bool(lowest == f(0.0))


@part
def all_sky(t: F32) -> bool:
    highest = f(0.0)
    for x in range(LANES):
        highest = max(highest, t[SOLID + x])
    return bool(highest == f(0.0))


@part
def nothing_solid(t: F32) -> None:
    """What `paint`, `mirror` and `light_up` leave of a block that is all sky."""
    for k in range(3 * LANES):
        t[OR + k], t[CR + k], t[FR + k], t[MR + k], t[ER + k] = f(0.0), f(0.0), f(0.0), f(0.0), f(0.0)
    for x in range(LANES):
        t[SUN + x], t[FORWARD + x], t[CLEAR + x], t[ROUGH + x] = f(0.0), f(0.0), f(1.0), f(0.0)


@part
def sky(t: F32, n: Numbers, salt: Scalar) -> None:
    """As `heaven.sky_seen`, into GR.. where there is sky."""
    cloud, to_sun = n.scalars[1], n.to_sun
    low = f(0.62) - f(1.15) * (cloud if cloud < f(0.9) else f(0.9))
    most = f(4.0) * cloud if cloud < f(0.25) else f(1.0)
    for x in range(LANES):  # clouds: density into T2, and into T3 what it is a little towards the sun
        up = clip(t[RAY_Y + x], f(0.0), f(1.0))
        reach = f(1.35) / (up + f(0.12))
        u, v = t[RAY_X + x] * reach, t[RAY_Z + x] * reach
        t[T0 + x], t[T1 + x] = u, v
        t[T2 + x], t[T3 + x] = f(0.0), f(0.0)
    amount, size = f(0.55), f(1.0)
    for k in range(5):
        for x in range(LANES):
            u, v = t[T0 + x], t[T1 + x]
            t[T2 + x] += amount * noise(u * size + f(3.1) * f(k), v * size - f(1.7) * f(k), salt + k)
        for x in range(LANES):
            u, v = t[T0 + x] + f(0.22) * to_sun[0], t[T1 + x] + f(0.22) * to_sun[2]
            t[T3 + x] += amount * noise(u * size + f(3.1) * f(k), v * size - f(1.7) * f(k), salt + k)
        amount *= f(0.52)
        size *= f(2.07)
    for x in range(LANES):
        density, toward = t[T2 + x], t[T3 + x]
        cover = step(low, low + f(0.55), density) * most * step(f(0.015), f(0.10), t[RAY_Y + x])
        t[COVER + x] = cover
        t[BRIGHT + x] = clip(f(1.0) - f(0.75) * (toward - density) - f(0.22) * density, f(0.45), f(1.35))
    _look_up(t, n)
    _stars(t, n, salt)
    _show(t, n)


@part
def _look_up(t: F32, n: Numbers) -> None:
    """SHOWN..: the sky's table towards the rays."""
    for x in range(LANES):
        up = clip(t[RAY_Y + x], f(0.0), f(1.0))
        rise = angle(up, f(np.sqrt(f(1.0) - up * up)))  # in turns, 0..0.25
        row = clip(f(np.sqrt(rise * f(4.0))) * f(ROWS) - f(0.5), f(0.0), f(ROWS - 1.001))
        turn = angle(t[RAY_X + x], -t[RAY_Z + x])
        column = (turn if turn >= f(0.0) else turn + f(1.0)) * f(COLUMNS) - f(0.5)
        column = column if column >= f(0.0) else column + f(COLUMNS)
        i, j = np.floor(row), np.floor(column)
        t[AT + x], t[ALONG + x], t[ACROSS + x] = i * f(COLUMNS) + j, column - j, row - i
        t[NEXT + x] = f(1.0) if j < f(COLUMNS - 1) else f(1 - COLUMNS)  # the table goes round
    for x in range(LANES):
        at, r, s = int(t[AT + x]), t[ALONG + x], t[ACROSS + x]
        beside = at + int(t[NEXT + x])
        for c in range(3):
            low = n.table[at, c] + r * (n.table[beside, c] - n.table[at, c])
            high = n.table[at + COLUMNS, c] + r * (n.table[beside + COLUMNS, c] - n.table[at + COLUMNS, c])
            t[SHOWN + c * LANES + x] = low + s * (high - low)


@part
def _stars(t: F32, n: Numbers, salt: Scalar) -> None:
    """STAR: radiance of the stars, at night."""
    if n.scalars[2] == f(0.0):
        for x in range(LANES):
            t[STAR + x] = f(0.0)
        return
    for x in range(LANES):
        reach = f(420.0) / (clip(t[RAY_Y + x], f(0.0), f(1.0)) + f(0.4))
        h = hashed(i4(np.floor(t[RAY_X + x] * reach)), i4(np.floor(t[RAY_Z + x] * reach)), salt + 9)
        shines = (h > f(0.992)) & (t[RAY_Y + x] > f(0.0))
        t[STAR + x] = f(0.30) * (h - f(0.992)) / f(0.008) * (f(1.0) - n.scalars[1]) if shines else f(0.0)


@part
def _show(t: F32, n: Numbers) -> None:
    """GR.. where there is sky: the table, stars, the disc, clouds and fog."""
    for x in range(LANES):
        dy = t[RAY_Y + x]
        up = clip(dy, f(0.0), f(1.0))
        facing = t[RAY_X + x] * n.to_sun[0] + dy * n.to_sun[1] + t[RAY_Z + x] * n.to_sun[2]
        ring = step(OUTER, INNER, facing) if dy > f(-0.01) else f(0.0)
        t[T0 + x] = ring * (f(1.0) - t[COVER + x])
        near = facing if facing > f(0.0) else f(0.0)
        near = near * near
        near = near * near
        t[T1 + x] = (f(0.16) + f(0.10) + f(0.55) * near * near) * f(0.55)
        far = f(FOG_TOP_M) / (up + f(0.02))
        t[T2 + x] = exp(-n.scalars[0] * (far if far < f(2000.0) else f(2000.0)))
        t[T3 + x] = clip(f(1.0) + f(6.0) * dy, f(0.25), f(1.0))
    for c in range(3):
        for x in range(LANES):
            base = t[SHOWN + c * LANES + x] * t[T3 + x] + t[STAR + x] + t[T0 + x] * n.disc[c]
            white = (f(0.95) * n.sky_ambient[c] + t[T1 + x] * n.sun[c]) * t[BRIGHT + x]
            value = base + (white - base) * t[COVER + x]
            value = value * t[T2 + x] + n.fog[c] * (f(1.0) - t[T2 + x])
            at = GR + c * LANES + x
            t[at] = value if t[SOLID + x] == f(0.0) else t[at]


@part
def channels(t: F32, n: Numbers, count: int) -> int:
    """What goes to the network, in rows that are no longer needed (CHANNEL_ROWS); returns how many pixels are solid."""
    third = f(1.0 / 3.0)
    for x in range(LANES):
        solid = t[SOLID + x]
        grey = (t[R + x] + t[G + x] + t[B + x]) * third
        albedo = (t[AR + x] + t[AR + LANES + x] + t[AR + 2 * LANES + x]) * third
        shading = clip(grey / (albedo + f(0.02)), f(0.0), f(8.0))
        facing = (t[NX + x] * n.to_sun[0] + t[NY + x] * n.to_sun[1] + t[NZ + x] * n.to_sun[2]) * solid
        into = t[NX + x] * t[RAY_X + x] + t[NY + x] * t[RAY_Y + x] + t[NZ + x] * t[RAY_Z + x]
        t[RX + x] = log(f(1.0) + (t[DEPTH + x] if t[DEPTH + x] < FARTHEST else FARTHEST)) * LOG_DEPTH
        t[RY + x] = log(shading + f(0.05)) * f(0.5)
        t[RZ + x], t[T0 + x] = facing, (facing if facing > f(0.0) else f(0.0)) * n.scalars[4]
        t[T1 + x] = into
        t[T2 + x] = log(grey + f(0.02)) * f(0.25)
        opened, covered = t[OR + x] + t[OG + x] + t[OB + x], t[CR + x] + t[CG + x] + t[CB + x]
        t[R + x] = (opened - covered) * third * f(2.0)
        t[G + x] = f(np.sqrt((t[FR + x] + t[FG + x] + t[FB + x]) * third)) * solid
        t[B + x] = t[ROUGH + x] * solid
        level = t[ER + x] * RED + t[EG + x] * GREEN + t[EB + x] * BLUE
        t[FR + x] = log(level + f(0.01)) * f(0.25) * solid
        t[FG + x] = log(t[SUN + x] * n.scalars[3] + f(0.01)) * f(0.25) * solid
        t[FB + x] = clip(t[WORLD_Y + x] * f(0.15), f(-1.0), f(2.0)) * solid
        t[LOW + x] = f(np.sqrt(t[OR + x]))
        t[LOW + LANES + x] = f(np.sqrt(t[OG + x]))
        t[LOW + 2 * LANES + x] = f(np.sqrt(t[OB + x]))
        label = t[LABEL + x]
        t[AR + x] = solid if label == LAMP else f(0.0)
        t[AR + LANES + x] = solid if label == FOLIAGE else f(0.0)
        t[AR + 2 * LANES + x] = solid if label == WATER else f(0.0)
    total = 0
    for x in range(count):
        total += int(t[SOLID + x])
    return total


# Rows of the block, in the order of features' channels and parts.
CHANNEL_ROWS = (SOLID, RX, RY, NX, NY, NZ, RZ, T0, T1, LOW, LOW + LANES, LOW + 2 * LANES, R, G, B, CLEAR, FR, FG, FB,
                T2, AR, AR + LANES, AR + 2 * LANES, RAY_Y, SH, SH1, SH2, SH3, SH4)  # fmt: skip
PART_ROWS = (OR, OG, OB, CR, CG, CB, MR, MG, MB, SUN, ER, EG, EB, GR, GG, GB, CLEAR, FORWARD)


@part
def store(t: F32, rows: np.ndarray, out: F32, start: int, count: int) -> None:
    """Rows of the block into out [W, C], channels last."""
    for x in range(count):
        for c in range(len(rows)):
            out[start + x, c] = t[rows[c] + x]
