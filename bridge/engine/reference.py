"""The plain reference of the engine's rays: MuJoCo's own caster, which tries every geom for every ray. Slow, and
independent of bridge/engine/rays.py from the pose to the hit."""

from __future__ import annotations

from typing import NamedTuple

import mujoco
import numpy as np
from numpy.typing import NDArray

from bridge.engine.embedded import EmbeddedEngine
from bridge.engine.physics import build_model
from bridge.spaces import rotate

F64 = NDArray[np.float64]
SUN_DISTANCE_M = 2e5  # a lamp this far stands in for the sun: its rays across a courtyard are parallel to 1e-4 rad
CUTOFF_M = 1e6


class Hits(NamedTuple):
    """What rays meet first: distance along a unit ray (-1 for nothing), primitive (-1 for nothing), world normal."""

    distance_m: F64  # [m]
    primitive: NDArray[np.int32]  # [m]
    normal: F64  # [m, 3]


class ReferenceCaster:
    """An engine's world, frozen as it stands."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._model = build_model(engine.world)
        self._data = mujoco.MjData(self._model)
        poses = engine.poses()
        places = self._data.qpos.reshape(-1, 7)
        for row, body in zip(places, engine.world.bodies, strict=True):
            position, (x, y, z, w) = poses[body.object_id]
            row[:] = (*position, w, x, y, z)
        mujoco.mj_forward(self._model, self._data)

    def cast(self, origin: F64, directions: F64) -> Hits:
        """First hits of rays from one point [3] along unit `directions` [m, 3]."""
        count = len(directions)
        hits = Hits(np.empty(count), np.empty(count, np.int32), np.empty((count, 3)))
        mujoco.mj_multiRay(
            self._model, self._data, origin, np.ascontiguousarray(directions).ravel(), None, 1, -1,
            hits.primitive, hits.distance_m, hits.normal.ravel(), count, CUTOFF_M,
        )  # fmt: skip
        return hits

    def sees_sun(self, points: F64, towards_sun: F64) -> NDArray[np.bool_]:
        """Whether nothing stands between points [m, 3] and a lamp SUN_DISTANCE_M away in a unit direction [3], [m]."""
        lamp = towards_sun * SUN_DISTANCE_M
        rays = points - lamp
        distance_m = np.linalg.norm(rays, axis=1)
        hits = self.cast(lamp, rays / distance_m[:, None])
        free: NDArray[np.bool_] = (hits.primitive < 0) | (hits.distance_m > distance_m - 1e-4)
        return free


def pixel_rays(engine: EmbeddedEngine) -> tuple[F64, F64]:
    """The camera's unit rays [height * width, 3] in world space, and each one's cosine with the view axis [..]."""
    height, width, camera = engine.height, engine.width, engine.camera()
    x = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    y = (1.0 - (np.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    view = np.stack([*np.meshgrid(x, y), np.full((height, width), -1.0)], axis=-1).reshape(-1, 3)
    length = np.linalg.norm(view, axis=1)
    return rotate(camera.world_from_camera.orientation, view / length[:, None]), 1.0 / length
