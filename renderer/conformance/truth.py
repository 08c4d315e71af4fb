"""What the known scene must look like at a step, from the formulas of projection alone: rays against boxes.

The slow and plain counterpart of bridge/engine/rays.py, in NumPy, so that the kit runs where no engine is installed; a
test holds both to each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from bridge.schema import PlaneName
from bridge.spaces import GOLDEN
from renderer.conformance.scene import THINGS, Thing, body_pose, camera_pose
from renderer.conformance.shot import F64, Mask, Shot, rotations, shifted

ENOUGH_PX = 128  # of the width; what is more than twice as wide is looked at in every second pixel, and so on
ALBEDOS = np.array([thing.albedo for thing in THINGS])
MATERIALS = np.array([(thing.roughness, thing.metallic) for thing in THINGS])
LABELS = np.array([float(thing.label) for thing in THINGS])
TAN = math.tan(math.radians(GOLDEN.vertical_fov_deg) / 2.0)


@dataclass(frozen=True)
class Truth:
    """Planes [h, w, ...] of the known scene; `index`: the row of THINGS, -1 for the sky; `inside` leaves edges out."""

    index: NDArray[np.int64]
    depth_m: F64
    normal: F64
    motion: F64
    inside: Mask

    @cached_property
    def planes(self) -> dict[PlaneName, F64]:
        """What does not depend on light, as planes; where nothing is, the values of albedo, material and label are
        anything."""
        return {
            PlaneName.DEPTH: self.depth_m, PlaneName.NORMAL: self.normal, PlaneName.MOTION: self.motion,
            PlaneName.ALBEDO: ALBEDOS[self.index], PlaneName.MATERIAL: MATERIALS[self.index],
            PlaneName.LABEL: LABELS[self.index],
        }  # fmt: skip


def thin(shot: Shot) -> int:
    """Truth is known of every so many kept pixels, each way."""
    return max(1, len(shot.columns) // ENOUGH_PX)


def truth_at(step: int, shot: Shot) -> Truth:
    """At the pixels of a shot that `thin` keeps, at a step of the loop."""
    step_px = thin(shot)
    columns, rows = shot.columns[::step_px], shot.rows[::step_px]
    return _truth(step, shot.size, columns.tobytes(), rows.tobytes(), tuple(shot.jitter_px.tolist()))


@lru_cache(maxsize=256)  # a loop and its neighbours: readings ask for the same steps again and again
def _truth(step: int, size: tuple[int, int], columns: bytes, rows: bytes, jitter_px: tuple[float, float]) -> Truth:
    u, v = np.frombuffer(columns) - jitter_px[0], np.frombuffer(rows) - jitter_px[1]
    uv = np.stack(np.meshgrid(u / size[0], v / size[1]), axis=-1)
    aspect = size[0] / size[1]
    view = np.stack([(2 * uv[..., 0] - 1) * TAN * aspect, (1 - 2 * uv[..., 1]) * TAN, np.full(uv.shape[:2], -1.0)], -1)
    camera, before = camera_pose(step), camera_pose(step - 1)
    rays = view @ rotations(camera[3:]).T
    depth, index = np.full(uv.shape[:2], np.inf), np.full(uv.shape[:2], -1)
    normal, earlier = np.zeros(rays.shape), rays + before[:3]
    for n, thing in enumerate(THINGS):
        pose = body_pose(thing, step)
        box = _window(thing, pose, camera, uv, aspect)
        hit_m, facing = meet(camera[:3], rays[box], thing, pose)
        nearer = hit_m < depth[box]
        depth[box][nearer], index[box][nearer], normal[box][nearer] = hit_m[nearer], n, facing[nearer]
        earlier[box][nearer] = _earlier(camera[:3] + rays[box][nearer] * hit_m[nearer, None], thing, step)
    seen = (earlier - before[:3]) @ rotations(before[3:])
    x, y = seen[..., 0] / -seen[..., 2] / (TAN * aspect), seen[..., 1] / -seen[..., 2] / TAN
    motion = np.stack([(1 + x) / 2, (1 - y) / 2], axis=-1) - uv
    return Truth(index, depth, normal, motion, _inside(index, normal))


def _window(thing: Thing, pose: F64, camera: F64, uv: F64, aspect: float) -> tuple[slice, slice]:
    """The rows and columns between which a box can be seen; all of them when a corner is behind the camera."""
    corners = np.array(np.meshgrid(*([-0.5, 0.5],) * 3)).reshape(3, 8).T * thing.size_m
    view = (corners @ rotations(pose[3:]).T + pose[:3] - camera[:3]) @ rotations(camera[3:])
    if (view[:, 2] > -0.01).any():
        return slice(None), slice(None)
    u, v = 0.5 - 0.5 * view[:, 0] / view[:, 2] / (TAN * aspect), 0.5 + 0.5 * view[:, 1] / view[:, 2] / TAN
    rows, columns = (np.searchsorted(at, (seen.min(), seen.max())) for at, seen in ((uv[:, 0, 1], v), (uv[0, :, 0], u)))
    return slice(int(rows[0]), int(rows[1])), slice(int(columns[0]), int(columns[1]))


def meet(eye_m: F64, rays: F64, thing: Thing, pose: F64) -> tuple[F64, F64]:
    """Where rays [..., 3] from an eye enter a box: the ray's parameter, inf when they miss, and the outward normal."""
    turn = rotations(pose[3:])
    o, d = (eye_m - pose[:3]) @ turn, rays @ turn
    half = np.array(thing.size_m) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-half - o) / d, (half - o) / d
    near, far = np.fmin(a, b), np.fmax(a, b)
    enter, axis = near.max(axis=-1), near.argmax(axis=-1)
    facing = -np.sign(d) * (np.arange(3) == axis[..., None])
    return np.where((enter <= far.min(axis=-1)) & (enter > 0.0), enter, np.inf), facing @ turn.T


def _earlier(points_m: F64, thing: Thing, step: int) -> F64:
    """Where points of a thing were one step ago."""
    if not thing.moves:
        return points_m
    now, then = body_pose(thing, step), body_pose(thing, step - 1)
    moved: F64 = (points_m - now[:3]) @ rotations(now[3:]) @ rotations(then[3:]).T + then[:3]
    return moved


def _inside(index: NDArray[np.int64], normal: F64) -> Mask:
    """Where the neighbours two pixels around show the same side of the same thing."""
    keep = np.zeros(index.shape, np.bool_)
    core = (slice(1, -1), slice(1, -1))
    keep[core] = True
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
        same = (shifted(normal, dy, dx) * normal[core]).sum(axis=-1) > 0.9
        keep[core] &= (shifted(index, dy, dx) == index[core]) & (same | (index[core] < 0))
    return keep
