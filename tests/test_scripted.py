"""Bodies of the embedded engine that move as they are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.engine.embedded import EmbeddedEngine
from bridge.engine.scripted import Scripted
from bridge.engine.world import CameraKey, Primitive, Sun, World
from bridge.planes import PlaneViews
from bridge.schema import Label, PlaneName

F64 = NDArray[np.float64]
STILL = Primitive(1, Label.WALL, "box", (2.0, 2.0, 0.1), (0.0, 0.0, -6.0))
MOVED = Primitive(2, Label.WOOD, "box", (0.5, 0.5, 0.5), (0.0, 0.0, -4.0), density_kg_m3=1.0)
WORLD = World("scripted", 0, (STILL, MOVED), Sun(), lambda _: CameraKey((0.0, 0.0, 0.0), (0.0, 0.0, -1.0)))
SPEED_M_S = 0.6


def pose_at(n: int, time_s: float) -> F64:
    place = np.add(WORLD.primitives[n].position_m, (SPEED_M_S * time_s * (n == 1), 0.0, 0.0))
    return np.append(place, (0.0, 0.0, 0.0, 1.0))


def velocity_at(n: int, time_s: float) -> F64:
    return np.array([SPEED_M_S * (n == 1), 0.0, 0.0, 0.0, 0.0, 0.0])


def engine() -> EmbeddedEngine:
    made = EmbeddedEngine(WORLD, 32, 18, script=Scripted(WORLD, pose_at, velocity_at))
    made.step(0.5)
    made.step(0.1)
    return made


def test_a_body_is_where_the_script_says_and_nothing_falls() -> None:
    bodies = engine().bodies()
    assert bodies.count == 1
    np.testing.assert_allclose(np.frombuffer(bodies.poses)[:3], (0.36, 0.0, -4.0))
    np.testing.assert_allclose(np.frombuffer(bodies.previous_poses)[:3], (0.3, 0.0, -4.0))
    np.testing.assert_allclose(np.frombuffer(bodies.velocities, "<f4"), (SPEED_M_S, 0, 0, 0, 0, 0), rtol=1e-6)
    assert bodies.contact_count == 0


def test_planes_show_it_there_and_moving() -> None:
    planes: PlaneViews = {
        PlaneName.OBJECT: np.zeros((18, 32), np.uint32),
        PlaneName.MOTION: np.zeros((18, 32, 2), np.float32),
    }
    made = engine()
    made.render(planes)
    body = planes[PlaneName.OBJECT] == MOVED.object_id
    assert body.sum() > 8
    moved = planes[PlaneName.MOTION][body]
    focal = made.camera().projection[0]
    np.testing.assert_allclose(moved[:, 0], -0.06 / 3.5 * focal / 2.0, rtol=0.02)  # its front is at -3.5 m
    assert not planes[PlaneName.MOTION][planes[PlaneName.OBJECT] == STILL.object_id].any()
