"""Prediction: where things go, how the picture follows, and that its error is told."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scripted_renderer import Hotel, color_value
from stage import G, R, until
from test_reproject import BOX, GROUND, HEIGHT, WIDTH, Scene, box_at, camera, error_px, turned

from bridge.client import Client
from bridge.poses import matrix_of, pose_matrix
from bridge.predict import bodies_ahead, camera_ahead
from bridge.reproject import View, compiled, land_with_numpy, landed, lay, nothing_known, source_of
from bridge.schema import Bodies, Disposition, PixelFormat, PlaneName, Reset

PLANES = {
    PlaneName.COLOR: (PixelFormat.RGBA16F,),
    PlaneName.DEPTH: (PixelFormat.R32F,),
    PlaneName.OBJECT: (PixelFormat.R32UI,),
}
STEP_MS = 16.0


def test_the_camera_goes_on_as_it_went() -> None:
    before, now = camera(x=0.0, yaw_deg=0.0, pitch_deg=0.0), camera(x=0.3, yaw_deg=4.0, pitch_deg=0.0)
    for steps in (0.0, 0.5, 2.0):
        ahead = camera_ahead(before.world_from_camera, now, steps).world_from_camera
        assert ahead.position_m == pytest.approx((0.3 + 0.3 * steps, 1.7, 0.0))
        np.testing.assert_allclose(ahead.orientation, turned(4.0 + 4.0 * steps), atol=1e-9)


def test_half_a_step_back_lies_between_the_two() -> None:
    between = camera_ahead(camera(x=1.0).world_from_camera, camera(x=2.0, yaw_deg=10.0), -0.5).world_from_camera
    assert between.position_m[0] == pytest.approx(1.5)
    np.testing.assert_allclose(matrix_of(between), matrix_of(camera(x=1.5, yaw_deg=5.0).world_from_camera), atol=0.02)


def spinning(x: float, spin_rad_s: float) -> Bodies:
    velocity = np.array([[2.0, 0.0, 0.0, 0.0, spin_rad_s, 0.0]], "<f4").tobytes()
    still = box_at(x)
    return Bodies(count=1, ids=still.ids, labels=still.labels, poses=still.poses, previous_poses=still.poses,
                  velocities=velocity)  # fmt: skip


def test_bodies_go_on_by_their_velocities() -> None:
    ahead = np.frombuffer(bodies_ahead(spinning(1.0, math.pi), 0.25).poses, "<f8")
    assert ahead[:3] == pytest.approx((1.5, 1.0, -6.0))
    np.testing.assert_allclose(pose_matrix(ahead)[:3, :3], pose_matrix(np.array([0, 0, 0, *turned(45.0)]))[:3, :3],
                               atol=1e-6)  # fmt: skip


def test_depth_lands_where_another_camera_sees_it() -> None:
    now, then = Scene(camera(), box_at(0.0)), Scene(camera(x=0.15, yaw_deg=1.0), box_at(0.2), 2)
    depth_m, objects = landed(now.view(), then.camera, then.bodies)
    assert objects is not None
    alike = (objects == then.objects) & np.isfinite(depth_m) & np.isfinite(then.depth_m)
    assert alike.sum() > 0.95 * np.isfinite(then.depth_m).sum()
    assert np.median(np.abs(depth_m[alike] - then.depth_m[alike]) / then.depth_m[alike]) < 0.01
    moved = nothing_known(HEIGHT, WIDTH)
    lay(source_of(now.view(), now.plate), View(2, then.camera, then.bodies, depth_m, objects), moved)
    seen = alike & (moved.confidence > 0) & (then.depth_m < 20)
    assert seen.sum() > 0.8 * alike.sum() * (then.depth_m[alike] < 20).mean()
    assert np.median(error_px(moved.plate.astype(np.float16), then)[seen]) < 0.5
    assert (objects[then.objects == BOX] == BOX).mean() > 0.9
    assert set(np.unique(objects)) <= {0, BOX, GROUND}


def test_the_compiled_loop_lands_every_point_where_numpy_does() -> None:
    now, then = Scene(camera(), box_at(0.0)), Scene(camera(x=0.15, yaw_deg=1.0), box_at(0.2), 2)
    assert compiled() is not None, "numba is not installed"
    for view in (now.view(), dataclasses.replace(now.view(), objects=None)):
        depth_m, objects = landed(view, then.camera, then.bodies)
        plain_m, plain_objects = land_with_numpy(view, then.camera, then.bodies)
        same = np.isclose(depth_m, plain_m, rtol=1e-4, equal_nan=True)
        assert same.mean() > 0.999  # a point between two pixels may round to the other one
        assert np.isnan(plain_m).any()
        assert (objects is None) == (plain_objects is None)
        if objects is not None:
            assert (objects == plain_objects)[same].all()


class Ride:
    """A camera that goes sideways past the card, 0.05 m every 16 ms, and a plate for every frame at once."""

    def __init__(self, predict_ms: float) -> None:
        self.hotel = Hotel()
        self.renderer = self.hotel.move_in()
        self.client = Client(WIDTH, HEIGHT, PLANES, connection=self.hotel, predict_ms=predict_ms, stale_ms=1e9)
        until(lambda: self.client.attached, self.client.tick, self.renderer.pump)

    def scene(self, frame: float) -> Scene:
        return Scene(camera(x=0.05 * frame), box_at(0.0))

    def frame(self, capture_ns: int, n: int, reset: Reset = Reset.NONE) -> None:
        slot, scene = self.client.begin(), self.scene(n)
        slot.inputs[PlaneName.COLOR][...] = color_value(slot.frame_id)
        slot.inputs[PlaneName.DEPTH][...] = scene.depth_m
        slot.inputs[PlaneName.OBJECT][...] = scene.objects
        self.client.submit(slot, scene.camera, bodies=scene.bodies, capture_ns=capture_ns, reset=reset)
        self.renderer.pump()
        self.renderer.paint(slot.frame_id)

    def close(self) -> None:
        self.client.close()
        self.hotel.kill()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time on every clock that the client looks at, ns."""
    now = [10**12]
    monkeypatch.setattr("bridge.screen.time.monotonic_ns", lambda: now[0])
    return now


def test_it_is_off_unless_it_is_asked_for(clock: list[int]) -> None:
    ride = Ride(0.0)
    for n in range(3):
        ride.frame(clock[0], n)
        shown = ride.client.present()
        assert shown is not None
        assert shown.disposition is Disposition.GENERATED
    assert ride.client.prediction_errors == []
    ride.close()


def test_the_error_of_a_steady_camera_is_nothing_and_that_of_the_state_as_it_was_is_told(clock: list[int]) -> None:
    ride, step_ns = Ride(STEP_MS), round(STEP_MS * 1e6)
    dispositions = []
    for n in range(6):
        ride.frame(clock[0], n)
        shown = ride.client.present()
        assert shown is not None
        dispositions.append((shown.disposition, shown.reason))
        assert np.isfinite(shown.picture()).all()
        clock[0] += step_ns
    assert dispositions == [(Disposition.GENERATED, "")] + [(Disposition.REPROJECTED, "predicted by 16 ms")] * 5
    errors = ride.client.prediction_errors
    assert len(errors) == 4  # the last is for a time that has not come
    for error in errors:
        assert error.ahead_ms == pytest.approx(STEP_MS)
        assert (error.camera_m, error.camera_deg, error.bodies_m) == pytest.approx((0.0, 0.0, 0.0), abs=1e-9)
        assert error.offset_px < 1e-6 < 0.3 < error.unpredicted_px
    ride.close()


def test_a_camera_that_turns_round_is_an_error_that_is_told(clock: list[int]) -> None:
    ride, step_ns = Ride(STEP_MS), round(STEP_MS * 1e6)
    for n in (0, 1, 2, 1, 0):
        ride.frame(clock[0], n)
        ride.client.present()
        clock[0] += step_ns
    assert [round(error.camera_m, 6) for error in ride.client.prediction_errors] == [0.0, 0.1, 0.0]
    ride.close()


def test_nothing_is_predicted_across_a_cut(clock: list[int]) -> None:
    ride = Ride(STEP_MS)
    dispositions = []
    for n in range(4):
        ride.frame(clock[0], n, Reset.CUT if n == 2 else Reset.NONE)
        shown = ride.client.present()
        assert shown is not None
        dispositions.append(shown.disposition)
        clock[0] += round(STEP_MS * 1e6)
    assert dispositions == [G, R, G, R]
    assert ride.client.prediction_errors == []  # what was guessed before the cut has no truth after it
    ride.close()
