"""Where texture sticks: every pixel's point and normal, in the world or in the moving body it lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """[H, W, 3] or [H, W]; metres; `ray` is unit and world space; the sky's points are the eye."""

    ray: F32
    distance_m: F32  # along the ray
    world_y_m: F32
    anchor_m: F32
    anchor_normal: F32
    up: F32  # the world's +Y in the anchor's space
    footprint_m: F32  # width of a pixel on the surface
    bodies: tuple[tuple[NDArray[np.bool_], F64], ...]  # the pixels [H, W] and world_from_body [3, 3] of what moves

    def to_world(self, normal: F32) -> F32:
        """Normals [H, W, 3] of the anchor's space, turned into the world."""
        turned = normal.copy()
        for pixels, rotation in self.bodies:
            turned[pixels] = normal[pixels] @ rotation.T
        return turned


def anchored(camera: Camera, bodies: Bodies, depth_m: F32, normal: F32, objects: NDArray[np.uint32]) -> Place:
    """depth_m [H, W] (inf for sky), world normal [H, W, 3], object ids [H, W]."""
    height, width = depth_m.shape
    rotation = rotations(np.array([camera.world_from_camera.orientation]))[0]
    u = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    v = (1.0 - (np.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    ray = u[None, :, None] * rotation[:, 0] + v[:, None, None] * rotation[:, 1] - rotation[:, 2]
    depth = np.where(np.isfinite(depth_m), depth_m, 0.0).astype(np.float64)
    world_m = ray * depth[..., None] + np.array(camera.world_from_camera.position_m)
    length = np.linalg.norm(ray, axis=-1)
    ray /= length[..., None]
    # A pixel covers more of a surface seen at a slant; twice is enough, or slanted texture would vanish too early.
    slant = 1.0 / np.maximum(np.abs((normal * ray).sum(axis=-1)), 0.5)
    footprint_m = depth * (2.0 / height / camera.projection[5]) * slant
    # Points, normals and the world's up of moving bodies go to the body's own space; the rest stay in the world.
    anchor_m, anchor_normal = world_m.copy(), normal.astype(np.float64)
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0]), normal.shape).copy()
    poses = np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)
    moved = []
    for object_id, pose, turn in zip(np.frombuffer(bodies.ids, "<u4"), poses, rotations(poses[:, 3:]), strict=True):
        pixels = objects == object_id
        if pixels.any():
            anchor_m[pixels] = (anchor_m[pixels] - pose[:3]) @ turn
            anchor_normal[pixels] = anchor_normal[pixels] @ turn
            up[pixels] = turn[1]
            moved.append((pixels, turn))

    def plane(values: F64) -> F32:
        return np.ascontiguousarray(values, np.float32)

    return Place(
        plane(ray), plane(depth * length), plane(world_m[..., 1]), plane(anchor_m), plane(anchor_normal), plane(up),
        plane(footprint_m), tuple(moved),
    )  # fmt: skip


def rotations(quaternions: F64) -> F64:
    """World-from-body matrices [n, 3, 3] of unit quaternions x,y,z,w [n, 4]."""
    x, y, z, w = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)
