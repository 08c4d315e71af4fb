"""The formulas of surface.py for 64 pixels at a time: what surfaces are made of, in a season and weather."""

from __future__ import annotations

import numpy as np

from bridge.compiled import part
from bridge.schema import Label
from renderer.models.limn import surface
from renderer.models.limn.lanes import (
    AB,
    AG,
    ALONG_X,
    ALONG_Y,
    ANX,
    ANY,
    ANZ,
    AR,
    CB,
    CG,
    CR,
    F32,
    FINE,
    FINE_U,
    FINE_V,
    FOOT,
    H2,
    JOINT,
    LABEL,
    LANES,
    LOW,
    LOW_U,
    LOW_V,
    MATTE,
    METAL,
    METALLIC,
    NY,
    OB,
    OG,
    OR,
    ROUGH,
    RX,
    RY,
    RZ,
    SHINE,
    T0,
    T1,
    TABLE,
    TU,
    TV,
    H,
    Scalar,
    U,
    V,
    X,
    Y,
    Z,
    clip,
    f,
    hashed,
    i4,
    sloped_noise,
    step,
)  # fmt: skip

GROUND, STONE, WATER, LIGHT, FOLIAGE = (f(int(v)) for v in (Label.GROUND, Label.STONE, Label.WATER, Label.LIGHT,
                                                            Label.FOLIAGE))  # fmt: skip
# Rows of the block from TABLE on, in the order of finishes.Finish; the last says whether the pattern lies turned.
(
    P_CELL_U, P_CELL_V, P_BOND, P_JOINT, P_DARK, P_TINT, P_HUE, P_BEVEL, P_JITTER, P_LOW, P_LOW_AMOUNT, P_FINE_U,
    P_FINE_V, P_FINE_AMOUNT, P_RELIEF, P_PATCH, P_PATCH_SHARE, P_PATCH_R, P_PATCH_G, P_PATCH_B, P_STRIPE, P_ROUGH,
    P_ROUGH_SPREAD, P_SHINE, P_METAL, P_TURNED,
) = (TABLE + LANES * row for row in range(26))  # fmt: skip


def table_of(seed: int) -> F32:
    """`surface.finishes_of` [16, 26] with the cell's width made positive and its sign in the last column."""
    rows = surface.finishes_of(seed)
    turned = rows[:, surface.CELL_U : surface.CELL_U + 1] < 0.0
    table = np.concatenate([rows, turned], axis=1)
    table[:, surface.CELL_U] = np.abs(table[:, surface.CELL_U])
    return np.ascontiguousarray(table, np.float32)


@part
def paint(t: F32, table: F32, salt: Scalar, season: F32) -> None:
    """OR.. and CR.. albedo where rain and snow fall and where they do not, METAL, SHINE, ROUGH, and the relief normal
    RX.. in the anchor's space. `season`: wetness, snow, autumn."""
    _materials(t, table)
    _cells(t, salt)
    sloped_noise(t, LOW, U, V, P_LOW, P_LOW, T1, salt + 3)
    sloped_noise(t, FINE, U, V, P_FINE_U, P_FINE_V, H, salt + 4)
    _finish(t)
    if season[2] > f(0.0):
        _autumn(t, season[2], salt)
    for k in range(3 * LANES):
        t[CR + k] = t[OR + k]
    if season[2] > f(0.0):
        _leaves(t, season[2], salt)
    if season[0] > f(0.0):
        _wet(t, season[0])
    metal_below(t)
    if season[1] > f(0.0):
        _snow(t, season[1], salt)
    _coat(t)
    _relief(t)


@part
def _materials(t: F32, table: F32) -> None:
    """The numbers of each pixel's finish; T1 becomes 0."""
    same = True
    for x in range(1, LANES):
        same &= t[LABEL + x] == t[LABEL]
    for x in range(LANES):
        t[T1 + x] = f(0.0)
    if same:  # as along most of a wall or a street
        row = table[int(t[LABEL])]
        for parameter in range(len(row)):
            for x in range(LANES):
                t[TABLE + parameter * LANES + x] = row[parameter]
        return
    for x in range(LANES):
        row = table[int(t[LABEL + x])]
        for parameter in range(len(row)):
            t[TABLE + parameter * LANES + x] = row[parameter]


@part
def _cells(t: F32, salt: Scalar) -> None:
    """Coordinates on the surface, which cell a pixel lies on, its hashes, its joints and the bevel of its edges."""
    for x in range(LANES):
        ax, ay, az = abs(t[ANX + x]), abs(t[ANY + x]), abs(t[ANZ + x])
        along_x = (ax >= ay) & (ax >= az)
        along_y = (ay > ax) & (ay >= az)
        t[ALONG_X + x] = f(1.0) if along_x else f(0.0)
        t[ALONG_Y + x] = f(1.0) if along_y else f(0.0)
        u = t[Z + x] if along_x else t[X + x]
        v = t[Z + x] if along_y else t[Y + x]
        turned = t[P_TURNED + x] > f(0.0)
        t[U + x] = v if turned else u
        t[V + x] = u if turned else v
    for x in range(LANES):
        cu, cv, size = t[P_CELL_U + x], t[P_CELL_V + x], t[FOOT + x]
        across = t[V + x] / cv
        row = np.floor(across)
        along = t[U + x] / cu + row * t[P_BOND + x]
        column = np.floor(along)
        t[H + x] = hashed(i4(column), i4(row), salt + 1)
        t[H2 + x] = hashed(i4(column), i4(row), salt + 2)
        fu, fv = along - column, across - row
        eu, ev = (fu if fu < f(1.0) - fu else f(1.0) - fu) * cu, (fv if fv < f(1.0) - fv else f(1.0) - fv) * cv
        edge, narrow = (eu if eu < ev else ev), (cu if cu < cv else cv)
        sharp = clip(f(1.5) - f(2.0) * size / narrow, f(0.0), f(1.0))
        soft = f(0.6) * size + f(0.004)
        joint = clip((t[P_JOINT + x] + soft - edge) / (f(2.0) * soft), f(0.0), f(1.0))
        t[JOINT + x] = sharp * joint if t[P_JOINT + x] > f(0.0) else f(0.0)
        reach = t[P_JOINT + x] + f(2.5) * soft + f(0.35) * t[P_BEVEL + x] * narrow
        bevel = t[P_BEVEL + x] * sharp * step(reach, t[P_JOINT + x], edge)
        sideways = eu < ev
        t[TU + x] = (-bevel if fu < f(0.5) else bevel) if sideways else f(0.0)
        t[TV + x] = f(0.0) if sideways else (-bevel if fv < f(0.5) else bevel)
        parity = f(1.0) - f(2.0) * (row - f(2.0) * np.floor(row * f(0.5)))
        spread = t[P_TINT + x] * (f(2.0) * t[H + x] - f(1.0)) + t[P_STRIPE + x] * parity
        t[T0 + x] = (f(1.0) - t[P_DARK + x] * t[JOINT + x]) * (f(1.0) + sharp * spread)
        t[T1 + x] = f(0.0)
        t[ROUGH + x] = sharp


@part
def _finish(t: F32) -> None:
    """Colour, tilt and roughness of the dry finish, METAL and SHINE; the second half of `surface._finish`."""
    for x in range(LANES):
        size, h, h2, sharp = t[FOOT + x], t[H + x], t[H2 + x], t[ROUGH + x]
        fade_low = clip(f(1.5) - f(2.0) * size * t[P_LOW + x], f(0.0), f(1.0))
        finest = t[P_FINE_U + x] if t[P_FINE_U + x] > t[P_FINE_V + x] else t[P_FINE_V + x]
        fade = clip(f(1.5) - f(2.0) * size * finest, f(0.0), f(1.0))
        low, fine = t[LOW + x] * fade_low, t[FINE + x] * fade
        start = f(1.0) - f(2.0) * t[P_PATCH_SHARE + x]
        patch = step(start, start + f(0.25), low + f(0.35) * fine) * t[P_PATCH + x]
        gain = t[T0 + x] * (f(1.0) + t[P_LOW_AMOUNT + x] * low) * (f(1.0) + t[P_FINE_AMOUNT + x] * fine)
        warm = t[P_HUE + x] * (sharp * (f(2.0) * h2 - f(1.0)) + f(0.5) * low)
        r, g, b = t[AR + x] * gain * (f(1.0) + warm), t[AG + x] * gain, t[AB + x] * gain * (f(1.0) - warm)
        level = f(0.6) + f(0.4) * gain
        t[OR + x] = r + (t[P_PATCH_R + x] * level - r) * patch
        t[OG + x] = g + (t[P_PATCH_G + x] * level - g) * patch
        t[OB + x] = b + (t[P_PATCH_B + x] * level - b) * patch
        slope = f(-0.06) * t[P_LOW_AMOUNT + x] * fade_low
        tilt, jitter = t[P_RELIEF + x] * fade, t[P_JITTER + x] * sharp
        t[TU + x] += tilt * t[FINE_U + x] + jitter * (f(2.0) * h - f(1.0)) + slope * t[LOW_U + x]
        t[TV + x] += tilt * t[FINE_V + x] + jitter * (f(2.0) * h2 - f(1.0)) + slope * t[LOW_V + x]
        rough = t[P_ROUGH + x] + t[P_ROUGH_SPREAD + x] * (f(0.6) * low + f(0.4) * (f(2.0) * h - f(1.0)))
        rough += f(0.25) * patch
        t[ROUGH + x] = f(0.5) * rough + f(0.5) * t[MATTE + x] if t[P_METAL + x] < f(0.5) else rough
        metal = t[P_METAL + x] if t[P_METAL + x] < t[METALLIC + x] else t[METALLIC + x]
        t[METAL + x], t[SHINE + x] = metal * (f(1.0) - patch), t[P_SHINE + x]
        t[LOW + x] = low


@part
def _autumn(t: F32, autumn: Scalar, salt: Scalar) -> None:
    """Leaves on trees turn; the first half of `surface._autumn`."""
    for x in range(LANES):
        h = t[H + x]
        turns = (t[LABEL + x] == FOLIAGE) & (t[NY + x] < f(0.9))
        turn = autumn * step(f(-0.75), f(0.1), t[LOW + x] + f(0.8) * (h - f(0.3))) if turns else f(0.0)
        r, g, b = t[OR + x], t[OG + x], t[OB + x]
        light = (f(0.3) * r + f(0.6) * g + f(0.1) * b) * (f(2.1) + f(0.5) * t[H2 + x])
        t[OR + x] = r + (f(1.55) * light - r) * turn
        t[OG + x] = g + ((f(0.50) + f(0.35) * h) * light - g) * turn
        t[OB + x] = b + (f(0.10) * light - b) * turn


@part
def _leaves(t: F32, autumn: Scalar, salt: Scalar) -> None:
    """And lie about, under the open sky; the second half of `surface._autumn`."""
    for x in range(LANES):
        i, j = i4(np.floor(t[U + x] * f(11.0))), i4(np.floor(t[V + x] * f(11.0)))
        near = clip(f(1.5) - f(22.0) * t[FOOT + x], f(0.0), f(1.0))
        share = autumn * step(f(-0.4), f(0.8), t[LOW + x]) * f(0.45) + f(0.04) * autumn
        cover = (near if hashed(i, j, salt + 6) < share else f(0.0)) + (f(1.0) - near) * share
        kind = hashed(i, j, salt + 7)
        lies = (t[NY + x] > f(0.6)) & ((t[LABEL + x] != FOLIAGE) | (t[NY + x] >= f(0.9)))
        cover = cover if lies else f(0.0)
        t[OR + x] += (f(0.42) + f(0.12) * kind - t[OR + x]) * cover
        t[OG + x] += (f(0.13) + f(0.16) * kind - t[OG + x]) * cover
        t[OB + x] += (f(0.03) - t[OB + x]) * cover


@part
def _wet(t: F32, wet: Scalar) -> None:
    """As `surface._wet`, in the open and, for the covered colours, at a quarter of the strength."""
    for x in range(LANES):
        rise, rough = t[NY + x], t[ROUGH + x]
        level = t[LOW + x] + f(0.25) * t[JOINT + x]
        soak = wet * (f(0.55) + f(0.45) * (rise if rise > f(0.0) else f(0.0))) * (f(1.0) - t[METAL + x])
        dull = f(0.42) * (f(2.0) * rough if rough < f(0.5) else f(1.0))
        flat = (t[LABEL + x] == GROUND) | (t[LABEL + x] == STONE)
        pool = step(f(0.12), f(-0.05), level) * step(f(0.96), f(0.995), rise) * wet if flat else f(0.0)
        open_dull = (f(1.0) - dull * soak) * (f(1.0) - f(0.3) * pool)
        covered_dull = (f(1.0) - dull * f(0.25) * soak) * (f(1.0) - f(0.3) * f(0.25) * pool)
        t[OR + x], t[OG + x], t[OB + x] = t[OR + x] * open_dull, t[OG + x] * open_dull, t[OB + x] * open_dull
        t[CR + x], t[CG + x], t[CB + x] = t[CR + x] * covered_dull, t[CG + x] * covered_dull, t[CB + x] * covered_dull
        smooth = f(0.8) * soak if rough > f(0.22) else f(0.0)
        rough += (f(0.22) - rough) * smooth
        t[ROUGH + x] = rough + (f(0.03) - rough) * pool
        t[SHINE + x] = t[SHINE + x] if t[SHINE + x] > f(0.03) * soak else f(0.03) * soak
        keep = f(1.0) - f(0.94) * pool
        t[TU + x], t[TV + x] = t[TU + x] * keep, t[TV + x] * keep


@part
def metal_below(t: F32) -> None:
    """T0: how much of the covered surface is metal, which snow does not hide."""
    for x in range(LANES):
        t[T0 + x] = t[METAL + x]


@part
def _snow(t: F32, snow: Scalar, salt: Scalar) -> None:
    """As `surface._snow`, in the open."""
    for x in range(LANES):
        t[FINE + x] = f(0.8)
    sloped_noise(t, FINE, U, V, FINE, FINE, T1, salt + 5)
    for x in range(LANES):
        falls = (t[LABEL + x] != WATER) & (t[LABEL + x] != LIGHT)
        fade = f(0.06) * clip(f(1.5) - f(1.6) * t[FOOT + x], f(0.0), f(1.0))
        high = t[NY + x] + f(0.30) * t[FINE + x] + f(0.18) * t[LOW + x] + f(0.7) * snow - f(0.55)
        cover = step(f(0.25), f(0.62), high) * (f(1.6) * snow if snow < f(0.625) else f(1.0))
        cover = cover if falls else f(0.0)
        t[OR + x] += (f(0.84) - t[OR + x]) * cover
        t[OG + x] += (f(0.87) - t[OG + x]) * cover
        t[OB + x] += (f(0.91) - t[OB + x]) * cover
        bare, tilt = f(1.0) - f(0.85) * cover, fade * cover
        t[TU + x] = t[TU + x] * bare - tilt * t[FINE_U + x]
        t[TV + x] = t[TV + x] * bare - tilt * t[FINE_V + x]
        t[ROUGH + x] += (f(0.9) - t[ROUGH + x]) * cover
        t[METAL + x], t[SHINE + x] = t[METAL + x] * (f(1.0) - cover), t[SHINE + x] * (f(1.0) - cover)


@part
def _coat(t: F32) -> None:
    """Bounds; PATCH.. (three rows from there are free) is not needed any more. METAL and SHINE stay for the mirror."""
    for x in range(LANES):
        t[ROUGH + x] = clip(t[ROUGH + x], f(0.03), f(1.0))
        opened, covered = f(1.0) - f(0.92) * t[METAL + x], f(1.0) - f(0.92) * t[T0 + x]
        metal, shine = t[METAL + x], t[SHINE + x]
        for k in range(3):
            value = t[OR + k * LANES + x]
            bright = clip(value * f(1.5), f(0.05), f(0.95))
            t[LOW + k * LANES + x] = shine + (bright - shine) * metal  # straight reflectance
            t[OR + k * LANES + x] = clip(value, f(0.004), f(0.93)) * opened
            t[CR + k * LANES + x] = clip(t[CR + k * LANES + x], f(0.004), f(0.93)) * covered


@part
def _relief(t: F32) -> None:
    """The tilt along u and v, turned into a normal in the anchor's space."""
    for x in range(LANES):
        turned = t[P_TURNED + x] > f(0.0)
        tu, tv = (t[TV + x] if turned else t[TU + x]), (t[TU + x] if turned else t[TV + x])
        along_x, along_y = t[ALONG_X + x] > f(0.0), t[ALONG_Y + x] > f(0.0)
        wx = f(0.0) if along_x else tu
        wy = f(0.0) if along_y else tv
        wz = tu if along_x else (tv if along_y else f(0.0))
        nx, ny, nz = t[ANX + x], t[ANY + x], t[ANZ + x]
        inward = wx * nx + wy * ny + wz * nz
        wx, wy, wz = nx + wx - inward * nx, ny + wy - inward * ny, nz + wz - inward * nz
        scale = f(1.0) / f(np.sqrt(wx * wx + wy * wy + wz * wz))
        t[RX + x], t[RY + x], t[RZ + x] = wx * scale, wy * scale, wz * scale
