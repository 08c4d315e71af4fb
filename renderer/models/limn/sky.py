"""The sky that a control asks for: a function of direction, the same for the truth's light and for limn's plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from renderer.models.limn.basis import value_noise

SKIES = ("day", "dusk", "overcast")
SUN_RADIUS_RAD = math.radians(1.2)  # wider than the real sun: a soft edge that a small picture can show
DUSK_ELEVATION_DEG = 9.0


@dataclass(frozen=True)
class Light:
    """The light of a frame, from the controls. `to_sun` is a unit vector in world space, +Y up."""

    sky: str
    to_sun: tuple[float, float, float]
    sun_irradiance: tuple[float, float, float]  # on a surface that faces the sun, scene-linear
    zenith: tuple[float, float, float]  # radiance overhead
    horizon: tuple[float, float, float]  # radiance at the horizon


_COLORS = {
    "day": ((3.3, 3.05, 2.65), (0.17, 0.32, 0.68), (0.62, 0.74, 0.88)),
    "dusk": ((1.9, 0.85, 0.32), (0.10, 0.11, 0.25), (0.72, 0.36, 0.22)),
    "overcast": ((0.0, 0.0, 0.0), (0.62, 0.66, 0.72), (0.50, 0.53, 0.57)),
}


def light_of(sky: str, azimuth_deg: float, elevation_deg: float) -> Light:
    """The light that the controls name; at dusk the sun is never higher than 9 degrees. Azimuth from -Z to +X."""
    elevation_deg = min(elevation_deg, DUSK_ELEVATION_DEG) if sky == "dusk" else elevation_deg
    azimuth, elevation = math.radians(azimuth_deg), math.radians(max(elevation_deg, 1.0))
    flat = math.cos(elevation)
    sun, zenith, horizon = _COLORS[sky]
    to_sun = (flat * math.sin(azimuth), math.sin(elevation), -flat * math.cos(azimuth))
    return Light(sky, to_sun, sun, zenith, horizon)


def glow_strength(light: Light) -> float:
    """How far the sun's glow reaches into the sky around it."""
    return 0.10 if light.sky == "day" else 0.32


def whiteness(light: Light) -> float:
    """Brightness of clouds, in that of the sky behind them."""
    return 0.75 if light.sky == "overcast" else 1.35


def sky_radiance(direction: Tensor, light: Light) -> Tensor:
    """Radiance [3, ...] of the sky without the sun's disc, towards unit `direction` [3, ...]; dark below the ground."""
    x, y, z = direction
    up = y.clamp(min=0.0)
    rise = 1.0 - torch.exp(-3.2 * up)
    zenith, horizon = (_column(c, y.dim()) for c in (light.zenith, light.horizon))
    color = torch.lerp(horizon.expand(3, *y.shape), zenith.expand(3, *y.shape), rise)
    sx, sy, sz = light.to_sun
    facing = x * sx + y * sy + z * sz
    glow = torch.exp((facing.clamp(max=1.0) - 1.0) * 9.0) * glow_strength(light)
    color = color + glow * _column(light.sun_irradiance, y.dim())
    reach = 1.6 / (up + 0.16)
    cloud = 0.65 * value_noise(x * reach + 7.3, z * reach, 5) + 0.35 * value_noise(x * reach * 2.7, z * reach * 2.7, 6)
    cover = (cloud * 1.6 - 0.15).clamp(0.0, 1.0) * (up * 6.0).clamp(0.0, 1.0)
    white = color.mean(0, keepdim=True) * whiteness(light) + 0.35 * glow
    color = torch.lerp(color, white.expand_as(color), (cover * 0.75).expand_as(color))
    below = (-y * 20.0).clamp(0.0, 1.0)
    shown: Tensor = color * (1.0 - 0.8 * below)
    return shown


def ambient(normal: Tensor, light: Light) -> Tensor:
    """Radiance [3, ...] that a white surface of world normal [3, ...] sends back under the open sky alone."""
    up = 0.5 + 0.5 * normal[1]
    zenith, horizon = (_column(c, up.dim()) for c in (light.zenith, light.horizon))
    return up * (0.6 * zenith + 0.4 * horizon) + (1.0 - up) * 0.25 * horizon


def _column(color: tuple[float, float, float], dims: int) -> Tensor:
    return torch.tensor(color).reshape(3, *([1] * dims))
