"""Where a cell of the network's memory was a frame ago, and whether it is the same place: by motion and depth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bridge.schema import Camera, Pose
from renderer.models.limn.anchor import rotations

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
SAME_PLACE, SAME_PLACE_M = 0.05, 0.1  # of the depth that the last frame should have had, and metres


def traced_back(camera: Camera, then: Pose, depth_m: F32, before_m: F32, cell_px: int, shape: tuple[int, int],
                motion: NDArray[np.floating[Any]] | None, moving: NDArray[np.bool_] | None = None) -> F32:  # fmt: skip
    """For each cell [rows, columns] of `cell_px` pixels a side: column and row of the last frame's memory, in cells,
    and 1 where it may be trusted, else 0; [rows, columns, 3].

    `then` is the last frame's world_from_camera; `depth_m` and `before_m` [H, W] are this and the last frame's view
    depth; `motion` [H, W, 2] is previous uv - uv. Without it places are found by depth and pose, as if everything stood
    still, and pixels of `moving` [H, W] are not trusted.
    """
    height, width = depth_m.shape
    rows, columns = (np.minimum(np.arange(n) * cell_px + cell_px // 2, side - 1)
                     for n, side in zip(shape, (height, width), strict=True))  # fmt: skip
    pick = (rows[:, None], columns[None, :])
    depth = depth_m[pick]
    u, v = np.broadcast_arrays((columns[None, :] + 0.5) / width, (rows[:, None] + 0.5) / height)
    before_u, before_v, expected = _uv_before(camera, then, u, v, depth)
    known = np.isfinite(before_u) if moving is None else np.isfinite(before_u) & ~moving[pick]
    if motion is not None:
        moved = motion[pick].astype(np.float64)
        before_u, before_v, known = u + moved[..., 0], v + moved[..., 1], np.isfinite(moved).all(axis=-1)
    before_u, before_v = np.where(known, before_u, 0.0), np.where(known, before_v, 0.0)
    known &= (before_u >= 0.0) & (before_u < 1.0) & (before_v >= 0.0) & (before_v < 1.0)
    at = before_m[(np.clip(before_v, 0.0, 0.99999) * height).astype(np.int32),
                  (np.clip(before_u, 0.0, 0.99999) * width).astype(np.int32)]  # fmt: skip
    with np.errstate(invalid="ignore"):
        near = np.abs(at - expected) <= SAME_PLACE * expected + SAME_PLACE_M
    known &= np.where(np.isfinite(depth), near, ~np.isfinite(at))
    # From the cell's own place, not from that of the pixel that stands for it: half a pixel a frame would add up.
    i, j = np.indices(shape)
    column, row = j + (before_u - u) * (width / cell_px), i + (before_v - v) * (height / cell_px)
    return np.stack([column, row, known], axis=-1).astype(np.float32)


def _uv_before(camera: Camera, then: Pose, u: F64, v: F64, depth_m: F32) -> tuple[F64, F64, F64]:
    """Where in the last frame, and at what view depth, points that stand still were; NaN behind its camera."""
    now = camera.world_from_camera
    turn_now, turn_then = rotations(np.array([now.orientation, then.orientation]))
    x, y = (u * 2.0 - 1.0) / camera.projection[0], (1.0 - v * 2.0) / camera.projection[5]
    ray = np.stack([x, y, -np.ones_like(x)], axis=-1) @ (turn_then.T @ turn_now).T
    step = turn_then.T @ (np.array(now.position_m) - np.array(then.position_m))
    solid = np.isfinite(depth_m)[..., None]
    point = np.where(solid, ray * np.where(solid, depth_m[..., None], 0.0) + step, ray)
    expected = np.where(point[..., 2] < -1e-6, -point[..., 2], np.nan)
    before_u = (point[..., 0] * camera.projection[0] / expected + 1.0) * 0.5
    before_v = (1.0 - point[..., 1] * camera.projection[5] / expected) * 0.5
    return before_u, before_v, expected


def carried(memory: Tensor, traced: Tensor) -> tuple[Tensor, Tensor]:
    """The last frame's memory [N, C, rows, columns] where this frame's cells were, and trust [N, 1, rows, columns],
    from `traced_back`'s [N, rows, columns, 3]."""
    rows, columns = memory.shape[2:]
    scale = traced.new_tensor([2.0 / columns, 2.0 / rows])
    grid = (traced[..., :2] + 0.5) * scale - 1.0
    moved = F.grid_sample(memory, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved, traced[..., 2][:, None]
