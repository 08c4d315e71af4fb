"""Texture sticks to the world and to the bodies in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera, Pose, Quat, Vec3
from renderer.models.limn.anchor import Place, anchored

PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
QUARTER_TURN: Quat = (0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5))  # about +Y


def camera(position_m: Vec3) -> Camera:
    pose = Pose(position_m=position_m)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)


def seen(eye_m: Vec3, depth_m: float, bodies: Bodies, size: int = 16) -> Place:
    """A view of a wall that faces +Z, all of it object 5."""
    normal = np.broadcast_to(np.array([0.0, 0.0, 1.0], np.float32), (size, size, 3))
    depth = np.full((size, size), depth_m, np.float32)
    return anchored(camera(eye_m), bodies, depth, normal, np.full((size, size), 5, np.uint32))


def body(position_m: Vec3, orientation: Quat) -> Bodies:
    pose = np.array([[*position_m, *orientation]], "<f8").tobytes()
    return Bodies(
        count=1, ids=np.array([5], "<u4").tobytes(), labels=bytes(1), poses=pose, previous_poses=pose,
        velocities=bytes(24),
    )  # fmt: skip


def point(place: Place, x: int = 8) -> NDArray[np.float32]:
    there: NDArray[np.float32] = place.anchor_m[8, x]
    return there


def test_two_cameras_see_the_same_point_in_the_same_place() -> None:
    # One pixel is 1/8 of the depth: at 4 m moving 0.5 m to the right shifts the wall by one pixel.
    here, there = seen((0.0, 0.0, 0.0), 4.0, Bodies()), seen((0.5, 0.0, 0.0), 4.0, Bodies())
    assert_allclose(point(here, 9), point(there, 8), atol=1e-6)


def test_a_point_on_a_body_keeps_its_place_when_the_body_moves_and_turns() -> None:
    # The middle pixel looks down -Z; the body's face towards the camera is its own +Z, then, turned, its own -X.
    before = seen((0.0, 0.0, 0.0), 4.0, body((0.0, 0.0, -5.0), (0, 0, 0, 1)), size=1)
    turned = seen((0.0, 0.0, 0.0), 8.0, body((0.0, 0.0, -9.0), QUARTER_TURN), size=1)
    assert_allclose(before.anchor_m[0, 0], [0.0, 0.0, 1.0], atol=1e-6)
    assert_allclose(turned.anchor_m[0, 0], [-1.0, 0.0, 0.0], atol=1e-6)
    assert_allclose(turned.anchor_normal[0, 0], [-1.0, 0.0, 0.0], atol=1e-6)


def test_what_is_turned_into_a_body_turns_back_into_the_world() -> None:
    place = seen((0.0, 0.0, 0.0), 4.0, body((1.0, 2.0, -5.0), QUARTER_TURN))
    assert_allclose(place.to_world(place.anchor_normal)[3, 4], [0.0, 0.0, 1.0], atol=1e-6)
    assert_allclose(place.to_world(place.up)[3, 4], [0.0, 1.0, 0.0], atol=1e-6)


def test_a_pixel_covers_more_of_what_is_farther_and_of_what_is_seen_at_a_slant() -> None:
    near, far = (seen((0.0, 0.0, 0.0), depth_m, Bodies()) for depth_m in (2.0, 8.0))
    assert_allclose(far.footprint_m, 4.0 * near.footprint_m, rtol=1e-5)
    assert near.footprint_m[0, 0] > near.footprint_m[8, 8]


def test_the_sky_is_at_the_eye() -> None:
    place = seen((3.0, 1.0, 2.0), math.inf, Bodies())
    assert_allclose(place.anchor_m[5, 5], [3.0, 1.0, 2.0])
    assert np.isfinite(place.ray).all()
