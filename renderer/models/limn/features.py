"""What limn knows of a frame before its network runs: the plain reference that `fused.py` is held to.

`parts` are what a plate is made of where the weather says everything: painted surfaces, the open sky's light, the air.
`x` is what the network sees of the frame; it answers how much of that light arrives (`plate.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera, Label, PlaneName
from renderer.models.limn.anchor import Place, anchored
from renderer.models.limn.heaven import sky_seen
from renderer.models.limn.light import CONTROLS, DIMMEST, MAP, Light, controls_of, harmonics_at
from renderer.models.limn.shadows import SHADES, cells_of, grid_of, lamps_of, spread, sun_of
from renderer.models.limn.surface import Surfaces, paint
from renderer.models.limn.weather import LUMINANCE

if TYPE_CHECKING:
    from bridge.planes import PlaneViews

F32 = NDArray[np.float32]
CHANNELS = 24 + SHADES  # of x, in the order of `_shown_to_network`
LEVELS = (16, 17, CHANNELS - 1)  # channels of x that are a level of light: of the open sky, the sun, lamps
WIDEST_TRUNK = 480  # pixels of the picture that the trunk sees
CELL = 2  # pixels of the trunk's picture to a side of one cell of memory, and of shadows
TOLD = CONTROLS + 5  # numbers of a frame as a whole
# Rows of `parts`.
OPEN, COVERED, MIRRORED, SUN, AMBIENT, GLOW, CLEAR, FORWARD = (
    slice(0, 3), slice(3, 6), slice(6, 9), 9, slice(10, 13), slice(13, 16), 16, 17)  # fmt: skip
PARTS = 18
FARTHEST_M, DEPTH_SCALE = 200.0, 0.3  # of depth as the network sees it, a logarithm
BRIGHTEST = 50.0  # of the engine's colour, and of a plate
APART = 4  # rows and columns between the pixels that `agreement_of` looks at
PLAIN_MATERIAL = (0.8, 0.0)  # roughness and metallic where the engine gives none


def factor_of(width: int) -> int:
    """How many times smaller than the picture the trunk's is: a power of two."""
    factor = 1
    while width > WIDEST_TRUNK * factor:
        factor *= 2
    return factor


@dataclass(frozen=True)
class Seen:
    """A frame before its network: x [H, W, CHANNELS], told [TOLD], parts [H, W, PARTS]."""

    x: F32
    told: F32
    parts: F32


def seen(planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> Seen:
    """Of canonical planes; `color`, `depth`, `normal` and `object` have to be there."""
    depth_m = np.asarray(planes[PlaneName.DEPTH], np.float32)
    depth_m = np.where(depth_m > 0.0, depth_m, np.float32(np.inf))  # NaN and what is not in front are sky
    normal, color = _finite(planes[PlaneName.NORMAL], -1.0, 1.0), _finite(planes[PlaneName.COLOR], 0.0, BRIGHTEST)
    label = known_labels(planes[PlaneName.LABEL]) if PlaneName.LABEL in planes else np.zeros(depth_m.shape)
    solid = np.isfinite(depth_m)
    normal = np.where((solid & ((normal**2).sum(axis=-1) < 0.01))[..., None], np.array([0, 1, 0], np.float32), normal)
    surface = Surface(solid, depth_m, normal, label.astype(np.uint8), _albedo(planes, color),
                      _material(planes, depth_m.shape))  # fmt: skip
    place = anchored(camera, bodies, depth_m, normal, np.asarray(planes[PlaneName.OBJECT], np.uint32))
    opened, covered = (_painted(place, surface, light, above) for above in (True, False))
    relief = place.to_world(opened.normal.reshape(normal.shape))
    mirror, roughness = _mirror(place, relief, opened), opened.roughness.reshape(depth_m.shape)
    parts = _parts(place, surface, light, relief, mirror, roughness, opened.albedo, covered.albedo)
    shades = _shades(camera, surface, np.asarray(planes[PlaneName.OBJECT], np.uint32), light)
    return _shown_to_network(planes, place, surface, light, color, mirror, roughness, parts, shades)


@dataclass(frozen=True)
class Surface:
    """Planes as limn takes them, [H, W] or [H, W, C]."""

    solid: NDArray[np.bool_]
    depth_m: F32
    normal: F32
    label: NDArray[np.uint8]
    albedo: F32
    material: F32


def _painted(place: Place, surface: Surface, light: Light, above: bool) -> Surfaces:
    def flat(plane: F32) -> F32:
        return np.ascontiguousarray(plane.reshape(-1, plane.shape[-1]))

    normal = np.where(surface.solid[..., None], place.anchor_normal, np.array([0.0, 1.0, 0.0], np.float32))
    count = surface.solid.size
    return paint(
        flat(place.anchor_m), flat(normal), flat(place.up), surface.label.ravel(), flat(surface.albedo),
        flat(surface.material), place.footprint_m.ravel(), np.full(count, above), light.seed, light.weather,
    )  # fmt: skip


def _mirror(place: Place, relief: F32, painted: Surfaces) -> F32:
    """Schlick's reflectance [H, W, 3], held back by roughness."""
    facing = np.maximum(-(relief * place.ray).sum(axis=-1), 0.02)[..., None]
    straight, roughness = painted.mirror.reshape(relief.shape), painted.roughness.reshape(facing.shape)
    grazing = np.maximum(1.0 - roughness, straight)
    shines = straight.max(axis=-1, keepdims=True) > 0.0
    return np.asarray(straight + (grazing - straight) * (1.0 - facing) ** 5 * shines, np.float32)


def _parts(place: Place, surface: Surface, light: Light, relief: F32, mirror: F32, roughness: F32,
           opened: F32, covered: F32) -> F32:  # fmt: skip
    sky, solid = light.sky, surface.solid[..., None]
    parts = np.zeros((*surface.depth_m.shape, PARTS), np.float32)
    parts[..., OPEN] = opened.reshape(relief.shape) * (1.0 - mirror) * solid
    parts[..., COVERED] = covered.reshape(relief.shape) * (1.0 - mirror) * solid
    parts[..., MIRRORED] = mirror * _reflected(place.ray, relief, roughness, light) * solid
    parts[..., SUN] = np.maximum(relief @ sky.to_sun, 0.0) * surface.solid
    parts[..., AMBIENT] = np.maximum(harmonics_at(relief) @ light.ambient, 1e-4) * solid
    lamp = (surface.label == int(Label.LIGHT))[..., None] * solid
    parts[..., GLOW] = lamp * light.lamp
    parts[..., GLOW][~surface.solid] = sky_seen(place.ray[~surface.solid], sky, light.seed)
    parts[..., CLEAR] = np.exp(-sky.fog_per_m * place.distance_m)
    parts[..., FORWARD] = np.clip(place.ray @ sky.to_sun, 0.0, 1.0) ** 10
    parts[..., FORWARD] *= surface.solid
    return parts


def _reflected(ray: F32, relief: F32, roughness: F32, light: Light) -> F32:
    """Radiance [H, W, 3] that mirrors show of the open sky and the ground, the smoother the rougher they are."""
    away = ray - 2.0 * (ray * relief).sum(axis=-1, keepdims=True) * relief
    up = np.maximum(away[..., 1], 0.0)
    u, v = (np.clip((away[..., k] / (1.0 + up) + 1.0) * (0.5 * MAP) - 0.5, 0.0, MAP - 1.001) for k in (0, 2))
    j, i = u.astype(np.int32), v.astype(np.int32)
    s, t = (u - j)[..., None], (v - i)[..., None]
    top = light.mirrored[i, j] * (1.0 - s) + light.mirrored[i, j + 1] * s
    low = light.mirrored[i + 1, j] * (1.0 - s) + light.mirrored[i + 1, j + 1] * s
    below = np.clip(-8.0 * away[..., 1:2], 0.0, 1.0)
    sharp = (top + (low - top) * t) * (1.0 - below) + light.ground * below
    soft = np.maximum(harmonics_at(away) @ light.ambient, 1e-4)
    return np.asarray(sharp + (soft - sharp) * roughness[..., None], np.float32)


def _shades(camera: Camera, surface: Surface, objects: NDArray[np.uint32], light: Light) -> F32:
    grid = grid_of(camera, surface.depth_m, surface.normal, CELL * factor_of(surface.depth_m.shape[1]))
    lamps = lamps_of(grid, surface.label, objects, light)
    return spread(cells_of(grid, sun_of(camera, light), lamps), surface.depth_m)


def _shown_to_network(planes: PlaneViews, place: Place, surface: Surface, light: Light, color: F32, mirror: F32,
                      roughness: F32, parts: F32, shades: F32) -> Seen:  # fmt: skip
    solid = surface.solid.astype(np.float32)
    grey, shading = _mean(color), _shading(color, surface.albedo)
    facing = surface.normal @ light.sky.to_sun * solid
    agreement = agreement_of(planes, light)
    opened, covered = parts[..., OPEN], parts[..., COVERED]
    sun = parts[..., SUN] * float(light.sky.sun @ LUMINANCE) / np.pi
    channels = [
        solid, np.log1p(np.minimum(surface.depth_m, FARTHEST_M)) * DEPTH_SCALE, np.log(shading + 0.05) * 0.5,
        *_each(surface.normal), facing, np.maximum(facing, 0.0) * agreement, (surface.normal * place.ray).sum(axis=-1),
        *_each(np.sqrt(opened)), _mean(opened - covered) * 2.0, np.sqrt(_mean(mirror)) * solid, roughness * solid,
        parts[..., CLEAR], np.log(parts[..., AMBIENT] @ LUMINANCE + DIMMEST) * 0.25 * solid,
        np.log(sun + DIMMEST) * 0.25 * solid,
        np.clip(place.world_y_m * 0.15, -1.0, 2.0) * solid, np.log(grey + 0.02) * 0.25,
        *(np.asarray(surface.label == int(c), np.float32) * solid for c in (Label.LIGHT, Label.FOLIAGE, Label.WATER)),
        place.ray[..., 1], *(shades[..., k] for k in range(SHADES)),
    ]  # fmt: skip
    told = told_of(planes, light, agreement, float(solid.mean()))
    return Seen(np.stack(channels, axis=-1).astype(np.float32), told, parts)


def told_of(planes: PlaneViews, light: Light, agreement: float, solid_share: float) -> F32:
    """The numbers [TOLD] of a frame as a whole."""
    there = [float(name in planes) for name in (PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL)]
    return np.array([*controls_of(light), agreement, 1.0 - solid_share, *there], np.float32)


def agreement_of(planes: PlaneViews, light: Light) -> float:
    """Correlation (-1..1) of the engine's shading with the asked-for sun: whether its shadows can be believed. Every
    fourth pixel of every fourth row tells enough."""
    few: PlaneViews = {name: planes[name][::APART, ::APART] for name in
           (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.DEPTH, PlaneName.ALBEDO) if name in planes}  # fmt: skip
    depth_m, color = np.asarray(few[PlaneName.DEPTH], np.float32), _finite(few[PlaneName.COLOR], 0.0, BRIGHTEST)
    solid = (depth_m > 0.0) & np.isfinite(depth_m)
    if not solid.any():
        return 0.0
    facing = np.maximum(_finite(few[PlaneName.NORMAL], -1.0, 1.0) @ light.sky.to_sun, 0.0)
    a, b = (v[solid].astype(np.float64) for v in (_shading(color, _albedo(few, color)), facing))
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-3))


def known_labels(label: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Values that are no `Label` are things of which nothing is known."""
    values = np.asarray(label, np.uint8)
    return np.where(values <= int(max(Label)), values, np.uint8(Label.UNKNOWN))


def _shading(color: F32, albedo: F32) -> F32:
    """What the engine's light makes of a surface."""
    return np.clip(_mean(color) / (_mean(albedo) + np.float32(0.02)), 0.0, 8.0)


def _albedo(planes: PlaneViews, color: F32) -> F32:
    """The engine's base colour, or where it gives none a dulled version of its picture."""
    if PlaneName.ALBEDO in planes:
        return _finite(planes[PlaneName.ALBEDO], 0.0, 1.0)
    dull = np.clip(color, 0.0, 4.0)
    return np.asarray(np.clip(dull / (_mean(dull)[..., None] + 0.1) * 0.4, 0.02, 0.9), np.float32)


def _material(planes: PlaneViews, shape: tuple[int, ...]) -> F32:
    if PlaneName.MATERIAL not in planes:
        return np.broadcast_to(np.array(PLAIN_MATERIAL, np.float32), (*shape, 2))
    plane = np.asarray(planes[PlaneName.MATERIAL], np.float32)
    return np.clip(np.nan_to_num(plane, nan=0.0), 0.0, 1.0)


def _finite(plane: NDArray[np.generic], low: float, high: float) -> F32:
    """Three channels within low..high; NaN is 0."""
    return np.clip(np.nan_to_num(np.asarray(plane[..., :3], np.float32), nan=0.0), low, high)


def _mean(color: F32) -> F32:
    return np.asarray((color[..., 0] + color[..., 1] + color[..., 2]) / np.float32(3.0))


def _each(vectors: F32) -> list[F32]:
    return [vectors[..., k] for k in range(3)]
