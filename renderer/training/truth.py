"""Path-traced truth for a frame of a world: Mitsuba for the light, limn's material basis for the surfaces.

Mitsuba (llvm) traces the scene at twice the wanted size with one flat albedo per primitive. Every surface is
diffuse, so what comes back divided by that albedo is the light that arrives; multiplied by the textured albedo of
the exact primary hit, and averaged 2x2, it is the textured picture with smooth edges. The one approximation is that
light which bounces sees a surface's average colour instead of its texture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.engine.embedded import EmbeddedEngine
from bridge.engine.physics import rotation_of
from bridge.engine.world import Primitive
from bridge.planes import PlaneViews
from bridge.schema import Camera, PlaneName
from renderer.models.limn.anchor import anchored
from renderer.models.limn.basis import detail
from renderer.models.limn.sky import SUN_RADIUS_RAD, Light, sky_radiance
from renderer.training.tracer import find_mitsuba

SUPERSAMPLING = 2
SKY_SIZE = (192, 384)  # rows and columns of the environment map
FIREFLY = 6.0  # brightest arriving light kept, in units of a white surface's radiance
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Truth:
    """A path tracer at one picture size; `width` and `height` are of the finished picture."""

    width: int
    height: int
    samples: int  # per traced pixel; SUPERSAMPLING**2 times as many per finished one

    def picture(self, engine: EmbeddedEngine, planes: PlaneViews, light: Light, seed: int) -> F32:
        """Scene-linear [H, W, 3]. `engine` and its `planes` are at SUPERSAMPLING times the size."""
        traced = self._trace(engine, light, seed)
        surface = textured_albedo(engine, planes)
        flat = np.asarray(planes[PlaneName.ALBEDO][..., :3], np.float32)
        solid = np.isfinite(planes[PlaneName.DEPTH])[..., None]
        arriving = np.clip(traced / np.maximum(flat, 0.02), 0.0, FIREFLY)
        sky = sky_of(engine, light)
        picture = np.where(solid, arriving * surface, sky)
        s = SUPERSAMPLING
        mean: F32 = picture.reshape(self.height, s, self.width, s, 3).mean(axis=(1, 3)).astype(np.float32)
        return mean

    def _trace(self, engine: EmbeddedEngine, light: Light, seed: int) -> F32:
        mi = find_mitsuba()
        scene = mi.load_dict(self._scene(mi, engine, light))
        traced = np.asarray(mi.render(scene, spp=self.samples, seed=seed), np.float32)
        finite: F32 = np.nan_to_num(traced[..., :3], nan=0.0, posinf=0.0)
        return finite

    def _scene(self, mi: Any, engine: EmbeddedEngine, light: Light) -> dict[str, Any]:
        transform = mi.ScalarTransform4f
        key = engine.key
        scene: dict[str, Any] = {
            "type": "scene",
            "integrator": {"type": "path", "max_depth": 5, "hide_emitters": True},
            "sensor": {
                "type": "perspective",
                "fov": engine.world.vertical_fov_deg,
                "fov_axis": "y",
                "near_clip": 0.01,
                "to_world": transform().look_at(origin=list(key.eye_m), target=list(key.target_m), up=[0, 1, 0]),
                "film": {
                    "type": "hdrfilm",
                    "width": self.width * SUPERSAMPLING,
                    "height": self.height * SUPERSAMPLING,
                    "rfilter": {"type": "box"},
                    "pixel_format": "rgb",
                },
            },
            "sky": {"type": "envmap", "bitmap": mi.Bitmap(sky_map(light)), "scale": 1.0},
        }
        poses = engine.poses()
        for primitive in engine.world.primitives:
            _add(scene, transform, primitive, *poses[primitive.object_id])
        return scene


def _add(scene: dict[str, Any], transform: Any, primitive: Primitive, position: Any, quaternion: Any) -> None:
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_of(tuple(float(v) for v in quaternion))  # type: ignore[arg-type]
    matrix[:3, 3] = position
    pose = transform(matrix.tolist())
    name, size = f"p{primitive.object_id}", primitive.size_m
    diffuse = {"type": "diffuse", "reflectance": {"type": "rgb", "value": list(primitive.albedo)}}
    bsdf = {"type": "twosided", "bsdf": diffuse}
    if primitive.shape == "box":
        scene[name] = {"type": "cube", "to_world": pose @ transform().scale(list(size)), "bsdf": bsdf}
        return
    if primitive.shape == "sphere":
        scene[name] = {"type": "sphere", "radius": size[0], "to_world": pose, "bsdf": bsdf}
        return
    ends = {"p0": [0, 0, -size[1]], "p1": [0, 0, size[1]]}
    scene[name] = {"type": "cylinder", **ends, "radius": size[0], "to_world": pose, "bsdf": bsdf}
    for n, z in enumerate((-size[1], size[1])):
        if primitive.shape == "capsule":
            cap = {"type": "sphere", "center": [0, 0, z], "radius": size[0], "to_world": pose}
        else:
            at = transform().translate([0, 0, z]) @ transform().scale([size[0], size[0], 1])
            cap = {"type": "disk", "to_world": pose @ at}
        scene[f"{name}cap{n}"] = {**cap, "bsdf": bsdf}


def sky_map(light: Light) -> F32:
    """Mitsuba's latitude-longitude map of the sky with the sun's disc: [rows, columns, 3], radiance.

    Its column is atan2(x, -z) / 2 pi and its row acos(y) / pi (checked against the engine's own shadows).
    """
    rows, columns = SKY_SIZE
    theta = (torch.arange(rows) + 0.5) / rows * torch.pi
    phi = (torch.arange(columns) + 0.5) / columns * 2.0 * torch.pi
    sin_theta = torch.sin(theta)[:, None]
    direction = torch.stack([
        torch.sin(phi)[None] * sin_theta,
        torch.cos(theta)[:, None].expand(rows, columns),
        -torch.cos(phi)[None] * sin_theta,
    ])  # fmt: skip
    radiance = sky_radiance(direction, light)
    facing = sum(direction[k] * light.to_sun[k] for k in range(3))
    disc = (torch.as_tensor(facing) > float(np.cos(SUN_RADIUS_RAD))).float()
    solid_angle = float((disc * sin_theta).sum()) * (np.pi / rows) * (2.0 * np.pi / columns)
    if solid_angle > 0.0:
        radiance = radiance + disc * torch.tensor(light.sun_irradiance).reshape(3, 1, 1) / solid_angle
    return np.ascontiguousarray(radiance.permute(1, 2, 0).numpy(), np.float32)


def rays_of(camera: Camera, height: int, width: int) -> Any:
    """World-space ray of every pixel [3, H, W], with unit view depth (not unit length)."""
    rotation = rotation_of(camera.world_from_camera.orientation)
    u = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    v = (1.0 - (np.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    x, y = np.meshgrid(u, v)
    return torch.from_numpy(np.einsum("ij,jhw->ihw", rotation, np.stack([x, y, -np.ones_like(x)])).astype(np.float32))


def sky_of(engine: EmbeddedEngine, light: Light) -> F32:
    """What the sky looks like in every pixel: [H, W, 3]."""
    ray = rays_of(engine.camera(), engine.height, engine.width)
    picture: F32 = sky_radiance(ray / ray.norm(dim=0), light).permute(1, 2, 0).numpy()
    return picture


def textured_albedo(engine: EmbeddedEngine, planes: PlaneViews) -> F32:
    """The engine's base colour times limn's material detail: [H, W, 3], 0..1."""
    depth = torch.from_numpy(np.ascontiguousarray(planes[PlaneName.DEPTH]))
    normal = torch.from_numpy(planes[PlaneName.NORMAL][..., :3].astype(np.float32)).permute(2, 0, 1)
    objects = torch.from_numpy(planes[PlaneName.OBJECT].astype(np.int64))
    place = anchored(engine.camera(), engine.bodies(), depth, normal, objects)
    label = torch.from_numpy(planes[PlaneName.LABEL].astype(np.int64))
    texture = detail(place.anchor_m, place.anchor_normal, label, place.footprint_m * SUPERSAMPLING)
    albedo = planes[PlaneName.ALBEDO][..., :3].astype(np.float32)
    textured: F32 = np.clip(albedo * texture.permute(1, 2, 0).numpy(), 0.0, 1.0)
    return textured
