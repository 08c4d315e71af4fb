"""The memory's two calculations, plainly, in NumPy and Python: what the voxel grid and the mixing are held to.

A dense volume of truncated signed distances (Curless and Levoy, A Volumetric Method for Building Complex Models from
Range Images, 1996), fused voxel by voxel and ray-cast step by step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from renderer.memory.kept import BAND_VOXELS
from renderer.memory.mix import alike, focal_px_of, reach_of
from renderer.memory.prior import Prior
from renderer.memory.sight import F32, F64

STEPS_PER_VOXEL = 4


class PlainVolume:
    """A box of voxels from `low_m` to `high_m`, in world metres; sample i lies at low + i * voxel."""

    def __init__(self, low_m: F64, high_m: F64, voxel_m: float) -> None:
        self.low_m, self.voxel_m = low_m, voxel_m
        shape = tuple(int(n) for n in np.ceil((high_m - low_m) / voxel_m) + 1)
        self.tsdf, self.weight = np.ones(shape), np.zeros(shape)
        self.color = np.zeros((*shape, 3))

    def fuse(self, depth_m: F32, color: F32, intrinsics: F64, view_from_world: F64) -> None:
        """One view: depth [h, w], 0 where there is nothing to take; colours [h, w, 3]."""
        band_m = BAND_VOXELS * self.voxel_m
        place = np.moveaxis(np.indices(self.tsdf.shape), 0, -1) * self.voxel_m + self.low_m
        view = place @ view_from_world[:3, :3].T + view_from_world[:3, 3]
        with np.errstate(divide="ignore", invalid="ignore"):
            column = np.rint(view[..., 0] / view[..., 2] * intrinsics[0, 0] + intrinsics[0, 2])
            row = np.rint(view[..., 1] / view[..., 2] * intrinsics[1, 1] + intrinsics[1, 2])
        height, width = depth_m.shape
        seen = (view[..., 2] > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        pixel = row[seen].astype(np.intp), column[seen].astype(np.intp)
        there = depth_m[pixel]
        distance = there - view[seen][:, 2]
        taken = (there > 0) & (distance >= -band_m)
        voxels = tuple(index[taken] for index in np.nonzero(seen))
        share = 1.0 / (self.weight[voxels] + 1.0)
        self.tsdf[voxels] += (np.minimum(distance[taken] / band_m, 1.0) - self.tsdf[voxels]) * share
        self.color[voxels] += (color[pixel][taken] - self.color[voxels]) * share[:, None]
        self.weight[voxels] += 1.0

    def cast(self, height: int, width: int, intrinsics: F64, view_from_world: F64, far_m: float) -> tuple[F64, F64]:
        """Depth [h, w], 0 where no surface is hit, and its colours [h, w, 3]."""
        depth, color = np.zeros((height, width)), np.zeros((height, width, 3))
        world_from_view: F64 = np.asarray(np.linalg.inv(view_from_world), np.float64)
        for row, column in np.ndindex(height, width):
            x = (column - intrinsics[0, 2]) / intrinsics[0, 0]
            y = (row - intrinsics[1, 2]) / intrinsics[1, 1]
            step = world_from_view[:3, :3] @ np.array([x, y, 1.0])
            hit = self._march(world_from_view[:3, 3], step, far_m)
            if hit is not None:
                depth[row, column] = hit
                color[row, column] = self._nearest(world_from_view[:3, 3] + hit * step)[1]
        return depth, color

    def _march(self, eye_m: F64, step: F64, far_m: float) -> float | None:
        """Depth at which the distance falls through 0, between two samples that both were seen."""
        pace = self.voxel_m / STEPS_PER_VOXEL / float(np.linalg.norm(step))
        before: float | None = None
        for n in range(1, int(far_m / pace)):
            known, _, distance = self._nearest(eye_m + n * pace * step)
            if known and before is not None and before > 0.0 >= distance:
                return (n - distance / (distance - before)) * pace
            before = distance if known else None
        return None

    def _nearest(self, place_m: F64) -> tuple[bool, F64, float]:
        index = np.rint((place_m - self.low_m) / self.voxel_m).astype(int)
        if (index < 0).any() or (index >= self.tsdf.shape).any():
            return False, np.zeros(3), 1.0
        at = tuple(index)
        return bool(self.weight[at] > 0), self.color[at], float(self.tsdf[at])


def mix_plainly(plate: NDArray[np.float16], prior: Prior, strength: float) -> F32:
    """As `mix.mix`, pixel by pixel; returns new colours [H, W, 3], in single precision."""
    now, stride, focal_px = plate[..., :3].astype(np.float64), prior.stride, focal_px_of(prior)
    trust, depth_m, objects = prior.confidence, prior.view.depth_m, prior.view.objects
    with np.errstate(invalid="ignore"):
        apart = np.sqrt(np.maximum(prior.color, 0)) - np.sqrt(np.maximum(now[::stride, ::stride], 0))
    apart[~(np.isfinite(apart) & np.isfinite(now[::stride, ::stride]))] = 0
    out = now.copy()
    for y, x in np.ndindex(now.shape[:2]):
        row, column = y // stride, x // stride
        if trust[row, column] <= 0.0:
            continue
        reach = reach_of(float(depth_m[row, column]), focal_px, stride)
        total, weight = np.zeros(3), 0.0
        for i in range(row - reach, row + reach + 1):
            for j in range(column - reach, column + reach + 1):
                inside = 0 <= i < trust.shape[0] and 0 <= j < trust.shape[1]
                same = inside and (objects is None or objects[i, j] == objects[row, column])
                if same and alike(depth_m[row, column], depth_m[i, j]):
                    total += trust[i, j] * apart[i, j]
                    weight += float(trust[i, j])
        root = np.sqrt(np.maximum(now[y, x], 0)) + strength * trust[row, column] * total / weight
        out[y, x] = np.maximum(root, 0) ** 2
    return out.astype(np.float32)
