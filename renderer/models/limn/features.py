"""From G-buffer to what the network sees: canonical planes, the material basis, the light, and a first lit guess.

Plain torch, which training uses; the renderer runs its fast twin, `fused.py`.

The network only corrects the guess, within bounds: where it has nothing to say, the plate is a plainly lit picture.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, Label, PlaneName
from renderer.models.limn.anchor import anchored
from renderer.models.limn.basis import detail
from renderer.models.limn.sky import SKIES, Light, ambient, sky_radiance

CHANNELS = 30  # see `prepare`
BRIGHTEST = 1000.0  # scene-linear; neither colour nor plate exceeds it
GLOSSY = (Label.METAL, Label.WATER, Label.GLASS)


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


def inputs_of(planes: PlaneViews, camera: Camera, bodies: Bodies) -> Inputs:
    """Planes as float32 tensors, with what is not a number made harmless: no geometry where depth is not one."""
    color = _channels(planes[PlaneName.COLOR], BRIGHTEST)
    depth_m = _tensor(planes[PlaneName.DEPTH])
    depth_m = torch.where((depth_m > 0.0) & torch.isfinite(depth_m), depth_m, math.inf)
    normal = _channels(planes[PlaneName.NORMAL], 1.0)
    objects = torch.from_numpy(planes[PlaneName.OBJECT].astype(np.int64))
    albedo = planes.get(PlaneName.ALBEDO)
    label = planes.get(PlaneName.LABEL)
    place = anchored(camera, bodies, depth_m, normal, objects)
    return Inputs(
        color=color,
        depth_m=depth_m,
        normal=normal,
        albedo=None if albedo is None else _channels(albedo, 1.0),
        label=None if label is None else _tensor(label),
        ray=place.ray,
        world_y_m=place.world_y_m,
        anchor_m=place.anchor_m,
        anchor_normal=place.anchor_normal,
        footprint_m=place.footprint_m,
    )


def _tensor(plane: NDArray[np.generic]) -> Tensor:
    """A plane in place; from_dlpack takes read-only views, which from_numpy warns about."""
    tensor: Tensor = torch.utils.dlpack.from_dlpack(plane)
    return tensor


def _channels(plane: NDArray[np.generic], largest: float) -> Tensor:
    """The first three channels as finite float32 [3, H, W] within +-largest; 0 where the plane holds no number."""
    planar = _tensor(plane)[..., :3].permute(2, 0, 1)
    x = planar.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    return x.nan_to_num_(nan=0.0, posinf=largest, neginf=-largest).clamp_(-largest, largest)


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
    glossy = functools.reduce(torch.logical_or, (label == int(c) for c in GLOSSY))
    return [(label == int(Label.FOLIAGE)).float(), glossy.float(), (label == int(Label.GROUND)).float()]


def _column(color: tuple[float, float, float]) -> Tensor:
    return torch.tensor(color).reshape(3, 1, 1)
