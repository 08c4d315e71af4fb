"""Where texture sticks: every pixel's point and normal, in the world or in the moving body it lies on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridge.schema import Bodies, Camera


@dataclass(frozen=True)
class Place:
    """All [3, H, W] or [H, W]; metres; `ray` is unit and world space; the sky's points are 0."""

    ray: Tensor
    world_y_m: Tensor
    anchor_m: Tensor
    anchor_normal: Tensor
    footprint_m: Tensor


def anchored(camera: Camera, bodies: Bodies, depth_m: Tensor, normal: Tensor, objects: Tensor) -> Place:
    """depth_m [H, W] (inf for sky), world normal [3, H, W], object ids [H, W] as int64."""
    height, width = depth_m.shape
    rotation = _rotations(np.array([camera.world_from_camera.orientation]))[0]
    u = ((torch.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    v = (1.0 - (torch.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    ray = torch.stack([rotation[k, 0] * u[None] + rotation[k, 1] * v[:, None] - rotation[k, 2] for k in range(3)])
    depth_m = torch.where(torch.isfinite(depth_m), depth_m, 0.0)
    eye = torch.tensor(camera.world_from_camera.position_m, dtype=torch.float32).reshape(3, 1, 1)
    world_m = ray * depth_m + eye
    length = ray.square().sum(0).sqrt()
    ray = ray / length
    # A pixel covers more of a surface seen at a slant; twice is enough, or slanted texture would vanish too early.
    slant = (1.0 / (normal * ray).sum(0).abs().clamp(min=0.5)).clamp(max=2.0)
    footprint_m = depth_m * (2.0 / height / camera.projection[5]) * slant
    anchor_m, anchor_normal = _into_bodies(world_m, normal, objects, bodies)
    return Place(ray, world_m[1], anchor_m, anchor_normal, footprint_m)


def _into_bodies(world_m: Tensor, normal: Tensor, objects: Tensor, bodies: Bodies) -> tuple[Tensor, Tensor]:
    """Points and normals of moving bodies go to the body's own space; the rest stay in the world."""
    if bodies.count == 0:
        return world_m, normal
    ids = torch.from_numpy(np.frombuffer(bodies.ids, "<u4").astype(np.int64))
    poses = np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)
    order = torch.argsort(ids)
    sorted_ids = ids[order]
    flat = objects.reshape(-1)
    row = torch.searchsorted(sorted_ids, flat).clamp(max=len(ids) - 1)
    pixels = torch.nonzero(sorted_ids[row] == flat).squeeze(1)
    if len(pixels) == 0:
        return world_m, normal
    body = order[row[pixels]]
    rotation = _rotations(poses[:, 3:])[body]
    origin = torch.from_numpy(poses[:, :3].astype(np.float32))[body]
    anchor_m, anchor_normal = world_m.reshape(3, -1).clone(), normal.reshape(3, -1).clone()
    anchor_m[:, pixels] = torch.einsum("nij,ni->jn", rotation, anchor_m[:, pixels].T - origin)
    anchor_normal[:, pixels] = torch.einsum("nij,ni->jn", rotation, anchor_normal[:, pixels].T)
    return anchor_m.reshape(world_m.shape), anchor_normal.reshape(normal.shape)


def rotations(quaternions: NDArray[np.float64]) -> NDArray[np.float64]:
    """World-from-body matrices [n, 3, 3] of unit quaternions x,y,z,w [n, 4]."""
    x, y, z, w = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)


def _rotations(quaternions: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(rotations(quaternions).astype(np.float32))
