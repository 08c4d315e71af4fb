"""Colours as people tell them apart: CIE L*a*b* of display values, and the difference CIEDE2000."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
XYZ_FROM_RGB = np.array(  # Rec.709 primaries, D65 (IEC 61966-2-1)
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = XYZ_FROM_RGB.sum(axis=1)
EPSILON, KAPPA = 216.0 / 24389.0, 24389.0 / 27.0  # of CIE 15:2004
FAR = 25.0**7


def lab_of(display: NDArray[np.floating]) -> F64:
    """L* 0..100, a*, b* [..., 3] of display values 0..1 in sRGB, white D65."""
    encoded = np.clip(display.astype(np.float64), 0.0, 1.0)
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    ratio = linear @ XYZ_FROM_RGB.T / WHITE
    f = np.where(ratio > EPSILON, np.cbrt(ratio), (KAPPA * ratio + 16.0) / 116.0)
    x, y, z = (f[..., k] for k in range(3))
    return np.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], axis=-1)


def ciede2000(one: NDArray[np.floating], other: NDArray[np.floating]) -> F64:
    """CIEDE2000 of colours L*a*b* [..., 3], all weights 1 (Sharma, Wu and Dalal 2005, whose names are kept)."""
    lightness_1, a_1, b_1 = (np.asarray(one[..., k], np.float64) for k in range(3))
    lightness_2, a_2, b_2 = (np.asarray(other[..., k], np.float64) for k in range(3))
    mean_c7 = ((np.hypot(a_1, b_1) + np.hypot(a_2, b_2)) / 2.0) ** 7
    g = 0.5 * (1.0 - np.sqrt(mean_c7 / (mean_c7 + FAR)))
    c_1, c_2 = np.hypot((1.0 + g) * a_1, b_1), np.hypot((1.0 + g) * a_2, b_2)
    h_1, h_2 = (np.degrees(np.arctan2(b, (1.0 + g) * a)) % 360.0 for a, b in ((a_1, b_1), (a_2, b_2)))
    grey = c_1 * c_2 == 0.0
    turn = h_2 - h_1
    turn = np.where(grey, 0.0, np.where(turn > 180.0, turn - 360.0, np.where(turn < -180.0, turn + 360.0, turn)))
    total = h_1 + h_2
    around = np.where(total < 360.0, total + 360.0, total - 360.0)
    mean_h = np.where(grey, total, np.where(np.abs(h_1 - h_2) <= 180.0, total, around) / 2.0)
    d_lightness, d_c = lightness_2 - lightness_1, c_2 - c_1
    d_h = 2.0 * np.sqrt(c_1 * c_2) * np.sin(np.radians(turn) / 2.0)
    mean_l, mean_c = (lightness_1 + lightness_2) / 2.0, (c_1 + c_2) / 2.0
    t = (1.0 - 0.17 * _cos(mean_h - 30.0) + 0.24 * _cos(2.0 * mean_h) + 0.32 * _cos(3.0 * mean_h + 6.0)
         - 0.20 * _cos(4.0 * mean_h - 63.0))  # fmt: skip
    from_50 = (mean_l - 50.0) ** 2
    s_l, s_c, s_h = 1.0 + 0.015 * from_50 / np.sqrt(20.0 + from_50), 1.0 + 0.045 * mean_c, 1.0 + 0.015 * mean_c * t
    turned = 60.0 * np.exp(-(((mean_h - 275.0) / 25.0) ** 2))
    r_t = -np.sin(np.radians(turned)) * 2.0 * np.sqrt(mean_c**7 / (mean_c**7 + FAR))
    l_part, c_part, h_part = d_lightness / s_l, d_c / s_c, d_h / s_h
    return np.asarray(np.sqrt(np.maximum(l_part**2 + c_part**2 + h_part**2 + r_t * c_part * h_part, 0.0)))


def _cos(degrees: F64) -> F64:
    return np.asarray(np.cos(np.radians(degrees)))
