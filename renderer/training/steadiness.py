"""Where a cell of a picture was a frame ago, and whether it is the same place: by motion and depth. A loss that minds
flicker follows errors along it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bridge.schema import Camera
from renderer.models.limn.anchor import rotations

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
SAME_PLACE, SAME_PLACE_M = 0.05, 0.1  # of the depth that the last frame should have had, and metres


def traced_back(camera: Camera, depth_m: F32, before_m: F32, cell_px: int, shape: tuple[int, int],
                motion: NDArray[np.floating[Any]]) -> F32:  # fmt: skip
    """For each cell [rows, columns] of `cell_px` pixels a side: its column and row in the last frame, in cells, and 1
    where that is the same place, else 0; [rows, columns, 3].

    `depth_m` and `before_m` [H, W] are this and the last frame's view depth; `motion` [H, W, 2] is previous uv - uv.
    """
    height, width = depth_m.shape
    rows, columns = (np.minimum(np.arange(n) * cell_px + cell_px // 2, side - 1)
                     for n, side in zip(shape, (height, width), strict=True))  # fmt: skip
    pick = (rows[:, None], columns[None, :])
    depth, moved = depth_m[pick], motion[pick].astype(np.float64)
    u, v = np.broadcast_arrays((columns[None, :] + 0.5) / width, (rows[:, None] + 0.5) / height)
    known = np.isfinite(moved).all(axis=-1)
    before_u, before_v = (np.where(known, at + moved[..., k], 0.0) for k, at in enumerate((u, v)))
    known &= (before_u >= 0.0) & (before_u < 1.0) & (before_v >= 0.0) & (before_v < 1.0)
    at = before_m[(np.clip(before_v, 0.0, 0.99999) * height).astype(np.int32),
                  (np.clip(before_u, 0.0, 0.99999) * width).astype(np.int32)]  # fmt: skip
    expected = _depth_before(camera, u, v, depth)
    with np.errstate(invalid="ignore"):
        near = np.abs(at - expected) <= SAME_PLACE * expected + SAME_PLACE_M
    known &= np.where(np.isfinite(depth), near, ~np.isfinite(at))
    # From the cell's own place, not from that of the pixel that stands for it.
    i, j = np.indices(shape)
    column, row = j + (before_u - u) * (width / cell_px), i + (before_v - v) * (height / cell_px)
    return np.stack([column, row, known], axis=-1).astype(np.float32)


def _depth_before(camera: Camera, u: F64, v: F64, depth_m: F32) -> F64:
    """At what view depth of the last frame points that stand still were; NaN behind its camera, and for the sky."""
    now, then = camera.world_from_camera, camera.previous_world_from_camera
    turn_now, turn_then = rotations(np.array([now.orientation, then.orientation]))
    x, y = (u * 2.0 - 1.0) / camera.projection[0], (1.0 - v * 2.0) / camera.projection[5]
    ray = np.stack([x, y, -np.ones_like(x)], axis=-1)
    depth = np.where(np.isfinite(depth_m), depth_m, np.nan).astype(np.float64)[..., None]
    point = (ray * depth) @ (turn_then.T @ turn_now).T
    expected = -(point + turn_then.T @ (np.array(now.position_m) - np.array(then.position_m)))[..., 2]
    return np.where(expected > 1e-6, expected, np.nan)


def carried(before: Tensor, traced: Tensor) -> tuple[Tensor, Tensor]:
    """The last frame's cells [N, C, rows, columns] where this frame's were, and trust [N, 1, rows, columns], from
    `traced_back`'s [N, rows, columns, 3]."""
    rows, columns = before.shape[2:]
    scale = traced.new_tensor([2.0 / columns, 2.0 / rows])
    grid = (traced[..., :2] + 0.5) * scale - 1.0
    moved = F.grid_sample(before, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return moved, traced[..., 2][:, None]
