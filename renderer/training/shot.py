"""Engine planes of a blockout seen by a camera, in canonical values (DESIGN: the same that `EmbeddedEngine` gives)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.engine.embedded import frame_of, pose_of
from bridge.engine.rays import NONE
from bridge.engine.shading import Light, light_surfaces
from bridge.engine.world import CameraKey, Sun
from bridge.planes import PlaneViews
from bridge.schema import Camera, Label, PlaneName
from bridge.spaces import gl_projection
from renderer.models.limn.weather import to_sun
from renderer.training.tracer import F32, Hits, Tracer
from renderer.training.worlds.moment import Poses, Things

F64 = NDArray[np.float64]
SHADOW_OFFSET_M = 2e-3


@dataclass(frozen=True)
class View:
    """A pinhole and the one it was a frame ago: rows eye, right, down, forward (see `frame_of`)."""

    frame: F64  # [4, 3]
    before: F64
    width: int
    height: int
    vertical_fov_deg: float
    near_m: float = 0.1
    far_m: float = 150.0

    @property
    def tan_y(self) -> float:
        return math.tan(math.radians(self.vertical_fov_deg) / 2.0)

    def rays(self, split: int = 1) -> tuple[F32, F32]:
        """Unit directions [n, 3] of `split`^2 rays a pixel, in rows of the finer picture, and their view depth per
        metre of length [n]."""
        width, height = self.width * split, self.height * split
        a = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) * self.tan_y * self.width / self.height
        b = ((np.arange(height) + 0.5) / height * 2.0 - 1.0) * self.tan_y
        d = self.frame[1] * a[None, :, None] + self.frame[2] * b[:, None, None] + self.frame[3]
        length = np.linalg.norm(d, axis=-1, keepdims=True)
        return (d / length).reshape(-1, 3).astype(np.float32), (1.0 / length).ravel().astype(np.float32)

    def camera(self) -> Camera:
        projection = gl_projection(self.vertical_fov_deg, self.width / self.height, self.near_m, self.far_m)
        return Camera(world_from_camera=pose_of(self.frame), previous_world_from_camera=pose_of(self.before),
                      projection=projection, near_m=self.near_m, far_m=self.far_m)  # fmt: skip


def view_of(key: CameraKey, before: CameraKey, width: int, height: int, fov_deg: float, far_m: float) -> View:
    return View(frame_of(key), frame_of(before), width, height, fov_deg, far_m=far_m)


@dataclass(frozen=True)
class Seen:
    """First hits of n rays with what they hit. Where nothing is hit (`solid` False) rows are harmless fillers."""

    solid: NDArray[np.bool_]  # [n]
    thing: NDArray[np.int32]  # [n] row of `Things`
    distance_m: F32  # [n] along the ray, inf for sky
    position_m: F32  # [n, 3] world
    normal: F32  # [n, 3] unit, world, towards the eye's side, rounded as the mesh says
    face_normal: F32  # [n, 3] the triangle's own, towards the eye's side
    local_m: F32  # [n, 3] position in the thing's own space
    local_normal: F32  # [n, 3]


def seen(tracer: Tracer, things: Things, poses: Poses, eye: F64, direction: F32) -> Seen:
    """Shoot rays from `eye` along unit directions [n, 3]."""
    origin = np.broadcast_to(eye.astype(np.float32), direction.shape)
    hits = tracer.first_hits(origin, direction)
    thing = things.of_face[hits.face]
    rotation = poses.rotation.astype(np.float32)[thing]
    solid = np.isfinite(hits.distance_m)
    length = np.where(solid, hits.distance_m, 0.0)[:, None]
    position = eye + direction.astype(np.float64) * length
    local_normal = _interpolated(hits, things.normals, things)
    local_normal /= np.maximum(np.linalg.norm(local_normal, axis=1, keepdims=True), 1e-6)
    normal = np.einsum("nij,nj->ni", rotation, local_normal)
    face = tracer.face_normal[hits.face]
    away = np.sign((face * direction).sum(axis=1, keepdims=True)) > 0.0
    local = np.einsum("nji,nj->ni", rotation, position - poses.position_m[thing])
    return Seen(
        solid, thing, hits.distance_m, position.astype(np.float32), np.where(away, -normal, normal),
        np.where(away, -face, face), local.astype(np.float32), np.where(away, -local_normal, local_normal),
    )  # fmt: skip


def _interpolated(hits: Hits, values: F32, things: Things) -> F32:
    corner = things.faces[hits.face]
    b, c = hits.barycentric[:, :1], hits.barycentric[:, 1:]
    out: F32 = values[corner[:, 0]] * (1.0 - b - c) + values[corner[:, 1]] * b + values[corner[:, 2]] * c
    return out


def engine_planes(view: View, tracer: Tracer, things: Things, poses: Poses, before: Poses, sun: Sun) -> PlaneViews:
    """All planes of a frame, as the embedded engine would draw it with its own `sun`."""
    direction, per_length = view.rays()
    hit = seen(tracer, things, poses, view.frame[0], direction)
    height, width = view.height, view.width
    index = np.where(hit.solid, hit.thing, NONE).reshape(height, width).astype(np.int32)
    normal = np.where(hit.solid[:, None], hit.normal, 0.0).reshape(height, width, 3)

    def per_thing(values: NDArray[np.generic], nothing: float) -> NDArray[np.generic]:
        filled = np.concatenate([values, np.full((1, *values.shape[1:]), nothing, values.dtype)])
        return filled[index]

    albedo = per_thing(things.albedo, 0.0)
    padded = np.concatenate([normal, np.zeros((height, width, 1))], axis=2).astype(np.float32)
    return {
        PlaneName.COLOR: _color(hit, direction, index, padded, tracer, things, sun).astype(np.float16),
        PlaneName.DEPTH: (hit.distance_m * per_length).reshape(height, width).astype(np.float32),
        PlaneName.NORMAL: padded.astype(np.float16),
        PlaneName.MOTION: _motion(view, hit, direction, before).astype(np.float16),
        PlaneName.ALBEDO: np.concatenate([albedo, np.zeros((height, width, 1))], axis=2).astype(np.float16),
        PlaneName.MATERIAL: per_thing(things.material, 0.0).astype(np.float16),
        PlaneName.OBJECT: per_thing(things.object_id, 0.0).astype(np.uint32),
        PlaneName.LABEL: per_thing(things.label, int(Label.SKY)).astype(np.uint8),
    }


def _color(hit: Seen, direction: F32, index: NDArray[np.int32], normal: F32, tracer: Tracer, things: Things,
           sun: Sun) -> F32:  # fmt: skip
    """The engine's plain shading (bridge/engine/shading.py), with the shadows of these triangles."""
    toward = to_sun(sun.azimuth_deg, sun.elevation_deg)
    facing = np.where(hit.solid, hit.normal @ toward, direction[:, 1]).astype(np.float64)
    shader = np.full(len(facing), -1, np.int32)
    lit = np.flatnonzero(hit.solid & (facing > 0.0))
    start = hit.position_m[lit] + hit.normal[lit] * SHADOW_OFFSET_M
    shader[lit] = np.where(tracer.blocked(start, toward), 0, -1)
    color = np.ones((*index.shape, 4), np.float32)
    light = Light(np.array(sun.irradiance), np.array(sun.sky_radiance))
    light_surfaces(index, facing.reshape(index.shape), shader.reshape(index.shape), normal,
                   things.albedo.astype(np.float64), light, color)  # fmt: skip
    return color


def _motion(view: View, hit: Seen, direction: F32, before: Poses) -> F64:
    """Where each pixel's surface was a frame ago: previous uv - current uv [H, W, 2], NaN when it was behind."""
    rotation, origin = before.rotation[hit.thing], before.position_m[hit.thing]
    world = np.einsum("nij,nj->ni", rotation, hit.local_m.astype(np.float64)) + origin - view.before[0]
    offset = np.where(hit.solid[:, None], world, direction)
    depth = offset @ view.before[3]
    depth = np.where(depth > 1e-6, depth, np.nan)
    tan_x = view.tan_y * view.width / view.height
    u = (offset @ view.before[1] / (depth * tan_x) + 1.0) * 0.5
    v = (offset @ view.before[2] / (depth * view.tan_y) + 1.0) * 0.5
    now_v, now_u = np.meshgrid((np.arange(view.height) + 0.5) / view.height, (np.arange(view.width) + 0.5) / view.width,
                               indexing="ij")  # fmt: skip
    return np.stack([u.reshape(now_u.shape) - now_u, v.reshape(now_v.shape) - now_v], axis=-1)
