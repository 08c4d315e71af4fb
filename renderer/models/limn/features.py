"""From G-buffer to what the network sees: canonical planes, the material basis, the light, and a first lit guess.

The network only corrects the guess, within bounds: where it has nothing to say, the plate is a plainly lit picture.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor

from bridge.schema import Label
from renderer.models.limn.basis import detail
from renderer.models.limn.sky import SKIES, Light, ambient, sky_radiance

CHANNELS = 30  # see `prepare`
LARGEST = 60000.0  # just below the largest half float
_GLOSSY = (Label.METAL, Label.WATER, Label.GLASS)


@dataclass(frozen=True)
class Inputs:
    """One frame as float32 tensors, canonical values. `anchor_m` and `anchor_normal` are position and normal in the
    space that texture sticks to: the world, or the moving body's own."""

    color: Tensor  # [3, H, W]
    depth_m: Tensor  # [H, W], inf for sky
    normal: Tensor  # [3, H, W], world
    albedo: Tensor | None  # [3, H, W]
    label: Tensor | None  # [H, W], integer
    ray: Tensor  # [3, H, W], world, unit
    world_y_m: Tensor  # [H, W]
    anchor_m: Tensor  # [3, H, W]
    anchor_normal: Tensor  # [3, H, W]
    footprint_m: Tensor  # [H, W]


def prepare(x: Inputs, light: Light) -> tuple[Tensor, Tensor]:
    """The network's input [CHANNELS, H, W] and the lit guess [3, H, W] that it corrects."""
    sky = torch.isinf(x.depth_m)
    solid = (~sky).float()
    albedo, has_albedo = _albedo(x)
    label = x.label if x.label is not None else torch.zeros_like(x.depth_m, dtype=torch.uint8)
    texture = detail(x.anchor_m, x.anchor_normal, label, x.footprint_m)
    sx, sy, sz = light.to_sun
    facing = x.normal[0] * sx + x.normal[1] * sy + x.normal[2] * sz
    shading = (x.color.mean(0) / (albedo.mean(0) + 0.02)).clamp(0.0, 8.0)
    agreement = _agreement(shading, facing, sky)
    lit = ambient(x.normal, light) + facing.clamp(min=0.0) * 0.16 * _column(light.sun_irradiance)
    surface = (albedo * texture).clamp(0.0, 1.0) * lit
    guess = surface.reshape(3, -1)
    open_sky = torch.nonzero(sky.reshape(-1)).squeeze(1)
    guess[:, open_sky] = sky_radiance(x.ray.reshape(3, -1)[:, open_sky], light)
    guess = guess.reshape(surface.shape)
    log_guess = torch.log(guess + 0.02)
    log_color = torch.log(x.color.clamp(0.0, 50.0) + 0.02)
    towards_sun = x.ray[0] * sx + x.ray[1] * sy + x.ray[2] * sz
    plain = torch.ones_like(x.depth_m)
    channels = [
        *log_guess, *log_color, torch.log(shading + 0.05), facing * solid, facing.clamp(min=0.0) * agreement,
        *x.normal, torch.log1p(x.depth_m.clamp(max=200.0)) * 0.3, solid, (x.world_y_m * 0.15).clamp(-1.0, 2.0),
        *(texture - 1.0), (x.normal * x.ray).sum(0), towards_sun, plain * sy, plain * agreement,
        *(plain * float(light.sky == s) for s in SKIES), plain * has_albedo,
        plain * float(x.label is not None), *_classes(label),
    ]  # fmt: skip
    return torch.stack(channels), guess


def _albedo(x: Inputs) -> tuple[Tensor, float]:
    """The engine's base colour, or where it gives none a dulled version of its picture."""
    if x.albedo is not None:
        return x.albedo.clamp(0.0, 1.0), 1.0
    color = x.color.clamp(0.0, 4.0)
    return (color / (color.mean(0, keepdim=True) + 0.1) * 0.4).clamp(0.02, 0.9), 0.0


def _agreement(shading: Tensor, facing: Tensor, sky: Tensor) -> Tensor:
    """Correlation (-1..1) of the engine's shading with the asked-for sun: whether its shadows can be believed."""
    solid = ~sky
    count = solid.sum().clamp(min=1)
    a = torch.where(solid, shading, 0.0)
    b = torch.where(solid, facing.clamp(min=0.0), 0.0)
    a, b = torch.where(solid, a - a.sum() / count, 0.0), torch.where(solid, b - b.sum() / count, 0.0)
    return (a * b).sum() / ((a * a).sum() * (b * b).sum()).sqrt().clamp(min=1e-3)


def _classes(label: Tensor) -> list[Tensor]:
    glossy = functools.reduce(torch.logical_or, (label == int(c) for c in _GLOSSY))
    return [(label == int(Label.FOLIAGE)).float(), glossy.float(), (label == int(Label.GROUND)).float()]


def _column(color: tuple[float, float, float]) -> Tensor:
    return torch.tensor(color).reshape(3, 1, 1)
