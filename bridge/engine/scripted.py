"""Bodies that move as they are told and not as physics would: for scenes whose every frame is known beforehand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridge.engine.physics import Contacts, Poses, rotation_of
from bridge.engine.world import World

F64 = NDArray[np.float64]
PoseAt = Callable[[int, float], F64]  # primitive, seconds -> position and quaternion [7]
VelocityAt = Callable[[int, float], F64]  # primitive, seconds -> m/s and rad/s, world space [6]


class Scripted:
    """Stands in for `Physics`: primitives are where `pose_at` says; what moves is what the world says moves."""

    def __init__(self, world: World, pose_at: PoseAt, velocity_at: VelocityAt) -> None:
        self.moving = np.array([n for n, p in enumerate(world.primitives) if p.moves], np.int64)
        self._count = len(world.primitives)
        self._pose_at, self._velocity_at = pose_at, velocity_at
        self._time_s = 0.0

    def step(self, dt_s: float) -> None:
        self._time_s += dt_s

    def poses(self) -> Poses:
        told = np.stack([self._pose_at(n, self._time_s) for n in range(self._count)])
        turns = [rotation_of((float(x), float(y), float(z), float(w))) for x, y, z, w in told[:, 3:]]
        return Poses(told[:, :3].copy(), np.stack(turns))

    def velocities(self, rotation: F64) -> NDArray[np.float32]:
        """Of every body, [n, 6]; `rotation`, which physics needs, is not."""
        told = [self._velocity_at(int(n), self._time_s) for n in self.moving]
        return np.array(told, np.float32).reshape(len(rotation), 6)

    def contacts(self) -> Contacts:
        """Nothing touches."""
        return Contacts(np.zeros((0, 2), np.int32), np.zeros((0, 4), np.float32))
