"""Poses as matrices, and which bodies are no longer where they were.

World space is right-handed, +Y up, metres; a pose is position x,y,z and unit quaternion x,y,z,w; matrices act on
column vectors and are named target_from_source.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Pose

F64 = NDArray[np.float64]


def pose_matrix(pose: F64) -> F64:
    """world_from_local [..., 4, 4] of poses [..., 7]."""
    x, y, z, w = (pose[..., n] for n in range(3, 7))
    matrix = np.zeros((*pose.shape[:-1], 4, 4))
    matrix[..., 0, 0], matrix[..., 0, 1] = 1 - 2 * (y * y + z * z), 2 * (x * y - z * w)
    matrix[..., 1, 0], matrix[..., 1, 1] = 2 * (x * y + z * w), 1 - 2 * (x * x + z * z)
    matrix[..., 2, 0], matrix[..., 2, 1] = 2 * (x * z - y * w), 2 * (y * z + x * w)
    matrix[..., 0, 2], matrix[..., 1, 2] = 2 * (x * z + y * w), 2 * (y * z - x * w)
    matrix[..., 2, 2], matrix[..., 3, 3] = 1 - 2 * (x * x + y * y), 1.0
    matrix[..., :3, 3] = pose[..., :3]
    return matrix


def matrix_of(pose: Pose) -> F64:
    """The same, of a pose as it is on the wire."""
    return pose_matrix(np.array([*pose.position_m, *pose.orientation]))


def inverse(rigid: F64) -> F64:
    """Of rotations and translations [..., 4, 4]."""
    back = np.zeros_like(rigid)
    back[..., :3, :3] = np.swapaxes(rigid[..., :3, :3], -1, -2)
    back[..., :3, 3:] = -back[..., :3, :3] @ rigid[..., :3, 3:]
    back[..., 3, 3] = 1.0
    return back


class Moved(NamedTuple):
    """Bodies that are not where they were, by rising object id."""

    ids: NDArray[np.uint32]  # [N]
    then_from_now: F64  # [N, 4, 4] in world space; NaN for a body that was not there


def moved(before: Bodies, now: Bodies) -> Moved:
    """Of `now`, the bodies whose pose is another than in `before`, or that are not in it."""
    ids, poses = _by_id(now)
    then_ids, then_poses = _by_id(before)
    place = np.searchsorted(then_ids, ids)
    known = place < len(then_ids)
    known[known] = then_ids[place[known]] == ids[known]
    then = np.full(poses.shape, np.nan)
    then[known] = then_poses[place[known]]
    (changed,) = np.nonzero((then != poses).any(axis=-1))
    return Moved(ids[changed], pose_matrix(then[changed]) @ inverse(pose_matrix(poses[changed])))


def _by_id(bodies: Bodies) -> tuple[NDArray[np.uint32], F64]:
    """Ids [N], rising, and poses [N, 7]."""
    ids = np.frombuffer(bodies.ids, "<u4").astype(np.uint32)
    order = np.argsort(ids, kind="stable")
    return ids[order], np.frombuffer(bodies.poses, "<f8").reshape(-1, 7).astype(np.float64)[order]
