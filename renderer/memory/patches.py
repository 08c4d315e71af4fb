"""Colours of what the voxel grid does not hold: moving bodies, the sky, and what is far.

A patch is a cell of a thing's own space: of a body's coordinates, so that it goes where the body goes; of the world,
for what stands far away; of the directions, for the sky. Where a thing is, the engine says in every frame; so patches
need no geometry, and remember colour alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.poses import pose_matrix
from renderer.memory.kept import BODY_CELL_M, FAR_CELL_M, PATCH, SKY_CELL
from renderer.memory.sight import F32, F64, Sight, points_m

U64 = NDArray[np.uint64]

_REACH = 1 << 20  # cells on either side of a space's origin; beyond it they would be mistaken for others


class Patches:
    """A table of patches in the order of their keys; owned by one thread. There are at most `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.rows: NDArray[Any] = np.zeros(0, PATCH)

    def clear(self) -> None:
        self.rows = np.zeros(0, PATCH)

    @property
    def bytes(self) -> int:
        return self.rows.nbytes

    def read(self, keys: U64) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Rows [n] of keys [n], and which of them there are."""
        if not len(self.rows):
            return np.zeros(len(keys), np.intp), np.zeros(len(keys), bool)
        row = np.minimum(np.searchsorted(self.rows["key"], keys), len(self.rows) - 1)
        return row, self.rows["key"][row] == keys

    def fuse(self, seen: NDArray[Any]) -> None:
        """Take in patches of one view, PATCH [n] with weight 1 each; cells that several pixels saw get their mean."""
        if not len(seen):
            return
        _, first, inverse = np.unique(seen["key"], return_index=True, return_inverse=True)
        pixels = np.bincount(inverse).astype(np.float32)
        fresh = seen[first].copy()
        for name in ("color", "lit"):
            values = seen[name].reshape(len(seen), -1)
            mean = [np.bincount(inverse, values[:, i]) / pixels for i in range(values.shape[1])]
            fresh[name] = np.stack(mean, axis=-1).reshape(fresh[name].shape)
        row, there = self.read(fresh["key"])
        old, new = row[there], fresh[there]
        same = (self.rows["look"][old] == new["look"]) & (self.rows["label"][old] == new["label"])
        weight = np.where(same, self.rows["weight"][old], 0).astype(np.float32)
        share = 1 / (weight + 1)
        new["color"] = self.rows["color"][old] + (new["color"] - self.rows["color"][old]) * share[:, None]
        new["lit"] = self.rows["lit"][old] + (new["lit"] - self.rows["lit"][old]) * share
        new["weight"] = weight + 1
        self.rows[old] = new
        self.rows = np.insert(self.rows, np.searchsorted(self.rows["key"], fresh["key"][~there]), fresh[~there])

    def evict(self) -> int:
        """Let go of the oldest when there are too many; how many went."""
        excess = len(self.rows) - self.most
        if excess <= 0:
            return 0
        oldest = np.argsort(self.rows["stamp"], kind="stable")[: excess + self.most // 8]
        self.rows = np.delete(self.rows, oldest)
        return len(oldest)

    def forget(self, rows: NDArray[np.bool_]) -> int:
        """Let go of the rows [n] that are marked; how many went."""
        self.rows = self.rows[~rows]
        return int(rows.sum())


def keys_of(sight: Sight, pixels: NDArray[np.bool_], bodies: dict[int, F64]) -> U64:
    """Keys [n] of the pixels that are marked [h, w]: of the thing, and the cell in its own space.

    `bodies` has world_from_body [4, 4] of every body by id. A cell is three numbers of 21 bits; it and the thing's id
    are mixed into 64 bits, where two of half a million keys fall together once in a hundred million worlds.
    """
    objects, depth = sight.view.objects, sight.view.depth_m
    assert objects is not None
    sky = np.isinf(depth)
    eye = np.array(sight.view.camera.world_from_camera.position_m)
    place = points_m(sight.view.camera, np.where(sky, np.float32(1), depth), eye)[pixels]
    ids, is_sky = np.where(sky, 0, objects)[pixels].astype(np.int64), sky[pixels]
    cell = np.empty_like(place)
    cell[is_sky] = place[is_sky] / np.linalg.norm(place[is_sky], axis=-1, keepdims=True) / SKY_CELL
    cell[~is_sky] = (place[~is_sky] + eye) / FAR_CELL_M
    for body in np.intersect1d(ids, np.fromiter(bodies, np.int64, len(bodies))):
        own, pose = (ids == body) & ~is_sky, bodies[int(body)]
        cell[own] = (place[own] + (eye - pose[:3, 3])) @ pose[:3, :3] / BODY_CELL_M
    whole = np.clip(np.floor(cell), -_REACH, _REACH - 1).astype(np.int64) + _REACH
    cells = ((whole[:, 0] << 42) | (whole[:, 1] << 21) | whole[:, 2]).astype(np.uint64)
    return cells ^ (ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))  # 2**64 / golden ratio: spreads the ids


def poses_of(sight: Sight) -> dict[int, F64]:
    """world_from_body [4, 4] by object id."""
    bodies = sight.view.bodies
    ids = np.frombuffer(bodies.ids, "<u4").tolist()
    poses = np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)
    return {body: pose_matrix(pose) for body, pose in zip(ids, poses, strict=True)}


def patches_of(
    sight: Sight, keys: U64, pixels: NDArray[np.bool_], color: F32, of_body: NDArray[np.bool_]
) -> NDArray[Any]:
    """What the pixels that are marked say, PATCH [n] of weight 1; `lit` is NaN where the engine gives no light."""
    seen = np.zeros(len(keys), PATCH)
    assert sight.view.objects is not None
    seen["object"] = sight.view.objects[pixels]
    seen["key"], seen["label"], seen["of_body"] = keys, sight.labels[pixels], of_body[pixels]
    seen["weight"], seen["color"], seen["lit"] = 1.0, color[pixels], sight.lit[pixels]
    seen["stamp"], seen["look"] = sight.now_ms, sight.look
    return seen
