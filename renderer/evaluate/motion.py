"""Where what a pixel shows was one frame earlier, and how much a picture changes on the way: the warp error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera, PlaneName
from renderer.models.limn.anchor import rotations

if TYPE_CHECKING:
    from bridge.planes import PlaneViews

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
SAME_DEPTH, SAME_DEPTH_M = 0.02, 0.02  # of the depth that a point should have had, or metres: the same surface


@dataclass(frozen=True)
class Way:
    """Back along the engine's motion: where each pixel was in the last picture, and where that was in view."""

    column: F64  # [H, W] of pixel centres, within 0..W-1
    row: F64
    visible: NDArray[np.bool_]  # [H, W]: in the last picture too, the same thing at the depth it should have had

    def followed(self, last: NDArray[np.floating]) -> F64:
        """The last frame's picture [H, W] or [H, W, C] where this frame's pixels were, between pixels bilinear."""
        rest = (1,) * (last.ndim - 2)
        total = np.zeros((*self.row.shape, *last.shape[2:]))
        for i, j, weight in self.taps():
            total += last[i, j] * weight.reshape(*weight.shape, *rest)
        return total

    def taps(self) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], F64]]:
        """Rows, columns and weights [H, W] of the four pixels that are read. Sides are two pixels or more."""
        height, width = self.row.shape
        i, j = np.minimum(self.row.astype(np.intp), height - 2), np.minimum(self.column.astype(np.intp), width - 2)
        down, right = self.row - i, self.column - j
        yield i, j, (1.0 - down) * (1.0 - right)
        yield i, j + 1, (1.0 - down) * right
        yield i + 1, j, down * (1.0 - right)
        yield i + 1, j + 1, down * right


def way_back(planes: PlaneViews, camera: Camera, bodies: Bodies, before: PlaneViews) -> Way:
    """Along the motion plane; what came into view is told by depth and by object id at every pixel that would be
    read. Both frames have the same size."""
    objects = planes[PlaneName.OBJECT]
    height, width = objects.shape
    across, down = (np.asarray(planes[PlaneName.MOTION][..., k], np.float64) for k in (0, 1))
    known = np.isfinite(across) & np.isfinite(down)
    column = np.arange(width)[None, :] + np.where(known, across, 0.0) * width
    row = np.arange(height)[:, None] + np.where(known, down, 0.0) * height
    known &= (column >= 0.0) & (column <= width - 1.0) & (row >= 0.0) & (row <= height - 1.0)
    way = Way(np.clip(column, 0.0, width - 1.0), np.clip(row, 0.0, height - 1.0), known)
    for i, j, weight in way.taps():
        known &= (before[PlaneName.OBJECT][i, j] == objects) | (weight == 0.0)
    _, expected_m = earlier(camera, bodies, planes)
    # The inverse of depth is linear across a plane's picture, so that reading between pixels is exact there.
    nearness = way.followed(1.0 / _ahead(before[PlaneName.DEPTH]))
    wanted = 1.0 / np.maximum(expected_m, 1e-6)
    slack = np.maximum(SAME_DEPTH, SAME_DEPTH_M * wanted)
    same = (np.abs(nearness - wanted) <= slack * wanted) & (expected_m > 0.0)
    return Way(way.column, way.row, known & same)


def warp_error(picture: F32, last: F32, way: Way) -> float:
    """Mean squared change of a display picture along the engine's motion, where the same surface was in view; NaN when
    nothing was."""
    if not way.visible.any():
        return float("nan")
    change = picture.astype(np.float64) - way.followed(last)
    return float((change[way.visible] ** 2).mean())


def earlier(camera: Camera, bodies: Bodies, planes: PlaneViews) -> tuple[F64, F64]:
    """uv [H, W, 2] (NaN behind the camera) and view depth in metres [H, W] (inf for the sky) that what each pixel shows
    had in the previous frame, by the poses of camera and bodies alone."""
    depth_m = _ahead(planes[PlaneName.DEPTH])
    height, width = depth_m.shape
    solid = np.isfinite(depth_m)
    now, then = camera.world_from_camera, camera.previous_world_from_camera
    turn_now, turn_then = rotations(np.array([now.orientation, then.orientation]))
    x = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    y = (1.0 - (np.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    ray = np.stack([*np.meshgrid(x, y), np.full(depth_m.shape, -1.0)], axis=-1) @ turn_now.T
    world_m = ray * np.where(solid, depth_m, 0.0)[..., None] + np.array(now.position_m)
    _bodies_back(world_m, np.asarray(planes[PlaneName.OBJECT]), bodies)
    seen = np.where(solid[..., None], world_m - np.array(then.position_m), ray) @ turn_then
    behind = seen[..., 2] >= -1e-6
    away = np.where(behind, np.nan, -seen[..., 2])
    u = (seen[..., 0] / away * camera.projection[0] + 1.0) * 0.5
    v = (1.0 - seen[..., 1] / away * camera.projection[5]) * 0.5
    return np.stack([u, v], axis=-1), np.where(solid, -seen[..., 2], np.inf)


def _bodies_back(world_m: F64, objects: NDArray[np.generic], bodies: Bodies) -> None:
    """Put the points [H, W, 3] of what moves where they were a frame ago."""
    now, then = (np.frombuffer(b, "<f8").reshape(-1, 7) for b in (bodies.poses, bodies.previous_poses))
    turns = zip(rotations(now[:, 3:]), rotations(then[:, 3:]), strict=True) if len(now) else ()
    ids = np.frombuffer(bodies.ids, "<u4")
    for object_id, a, b, (turn_a, turn_b) in zip(ids, now[:, :3], then[:, :3], turns, strict=True):
        pixels = objects == object_id
        world_m[pixels] = (world_m[pixels] - a) @ turn_a @ turn_b.T + b


def _ahead(depth_m: NDArray[np.generic]) -> F64:
    """Depth in float64; what is not in front of the camera is sky."""
    depth = np.asarray(depth_m, np.float64)
    return np.where(depth > 0.0, depth, np.inf)
