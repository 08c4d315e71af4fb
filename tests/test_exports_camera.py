"""A camera as OpenTrackIO: its axes, angles and lens, in the published names."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from bridge.schema import Camera, Frame, Lens, Pose, Timecode
from bridge.spaces import gl_frustum, gl_projection, rotate
from renderer.exports.opentrackio import TRACK_FROM_CANONICAL, angles_deg, sample_line

HALF = math.sqrt(0.5)


def sample(pose: Pose | None = None, *, number: int = 1, **camera: Any) -> dict[str, Any]:
    pose = pose or Pose()
    values = {"projection": gl_projection(60.0, 16 / 9, 0.1, 100.0)} | camera
    view = Camera(world_from_camera=pose, previous_world_from_camera=pose, **values)
    header = Frame(session="0" * 32, id=number, capture_ns=2_500_000_000, camera=view)
    line = sample_line(header, number, take="court", take_id="ab" * 16, created_ns=10**18, first_ns=10**9,
                       rate=Fraction(24000, 1001), size=(1920, 1080))  # fmt: skip
    assert "\n" not in line
    return dict(json.loads(line))


def turned(pan: float, tilt: float, roll: float) -> NDArray[np.float64]:
    a, b, c = (math.radians(v) for v in (pan, tilt, roll))
    z = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
    y = np.array([[math.cos(c), 0, math.sin(c)], [0, 1, 0], [-math.sin(c), 0, math.cos(c)]])
    return np.asarray(z @ x @ y, np.float64)


def test_a_camera_at_rest_looks_along_y_with_z_up() -> None:
    (transform,) = sample(Pose(position_m=(1.0, 2.0, 3.0)))["transforms"]
    assert transform["translation"] == {"x": 1.0, "y": -3.0, "z": 2.0}
    assert transform["rotation"] == {"pan": 0.0, "tilt": 0.0, "roll": 0.0}
    assert transform["id"] == "Camera"


@pytest.mark.parametrize(
    ("quaternion", "angle", "name"),
    [((0.0, HALF, 0.0, HALF), 90.0, "pan"), ((HALF, 0.0, 0.0, HALF), 90.0, "tilt"),
     ((0.0, 0.0, -math.sin(0.1), math.cos(0.1)), math.degrees(0.2), "roll")],
)  # fmt: skip
def test_turning_left_is_pan_up_is_tilt_and_clockwise_is_roll(
    quaternion: tuple[float, float, float, float], angle: float, name: str
) -> None:
    rotation = sample(Pose(orientation=quaternion))["transforms"][0]["rotation"]
    assert rotation[name] == pytest.approx(angle, abs=1e-4)


@given(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_angles_make_the_rotation_again(pan: float, tilt: float, roll: float) -> None:
    rotation = turned(pan, tilt, roll)
    np.testing.assert_allclose(turned(*angles_deg(rotation)), rotation, atol=1e-9)


@pytest.mark.parametrize("tilt", [90.0, -90.0])
def test_straight_up_or_down_has_no_roll_and_is_still_the_same_rotation(tilt: float) -> None:
    pan, told, roll = angles_deg(turned(30.0, tilt, 20.0))
    assert roll == 0.0
    np.testing.assert_allclose(turned(pan, told, roll), turned(30.0, tilt, 20.0), atol=1e-6)


def test_where_the_camera_looks_is_where_the_sample_says() -> None:
    orientation = (0.1, 0.3, -0.2, 0.9)
    unit = tuple(float(v) for v in np.array(orientation) / np.linalg.norm(orientation))
    pose = Pose(orientation=(unit[0], unit[1], unit[2], unit[3]))
    rotation = sample(pose)["transforms"][0]["rotation"]
    forward = turned(rotation["pan"], rotation["tilt"], rotation["roll"]) @ [0.0, 1.0, 0.0]
    np.testing.assert_allclose(forward, TRACK_FROM_CANONICAL @ rotate(unit, [0.0, 0.0, -1.0]), atol=1e-9)


def test_the_focal_length_and_the_sensor_give_the_field_of_view() -> None:
    told = sample()
    sensor = told["static"]["camera"]["activeSensorPhysicalDimensions"]
    focal_mm = told["lens"]["pinholeFocalLength"]
    assert sensor["width"] == 36.0
    assert math.degrees(2 * math.atan(sensor["height"] / 2 / focal_mm)) == pytest.approx(60.0)
    assert sensor["width"] / sensor["height"] == pytest.approx(16 / 9)


def test_a_lens_that_the_engine_names_is_told_and_a_shifted_one_has_its_offset() -> None:
    lens = Lens(focal_length_mm=35.0, sensor_width_mm=24.0, f_number=2.8, focus_distance_m=3.5)
    told = sample(lens=lens, projection=gl_frustum(-0.5, 1.5, -1.0, 1.0, 1.0, 10.0))
    assert (told["lens"]["fStop"], told["lens"]["focusDistance"]) == (2.8, 3.5)
    assert told["static"]["lens"]["nominalFocalLength"] == 35.0
    assert told["static"]["camera"]["activeSensorPhysicalDimensions"]["width"] == 24.0
    # The axis lies a quarter of the picture left of its middle: 6 mm of 24.
    assert told["lens"]["projectionOffset"] == {"x": pytest.approx(-6.0), "y": 0.0}
    assert {"fStop", "focusDistance"}.isdisjoint(sample()["lens"])


def test_a_sample_says_what_it_is_and_when() -> None:
    told = sample(number=30)
    assert told["protocol"] == {"name": "OpenTrackIO", "version": [1, 0, 1]}
    assert told["timing"]["sampleTimestamp"] == {"seconds": 1_000_000_001, "nanoseconds": 500_000_000}
    assert told["timing"]["sampleRate"] == {"num": 24000, "denom": 1001}
    assert told["timing"]["timecode"] == {
        "hours": 0, "minutes": 0, "seconds": 1, "frames": 5, "frameRate": {"num": 24000, "denom": 1001},
        "subFrame": 0, "dropFrame": False,
    }  # fmt: skip
    assert told["sampleId"].startswith("urn:uuid:")
    assert told["sampleId"] == sample(number=30)["sampleId"] != sample(number=31)["sampleId"]
    assert told["sourceId"] == sample(number=31)["sourceId"]


def test_the_houses_timecode_goes_before_a_counted_one() -> None:
    pose = Pose()
    view = Camera(world_from_camera=pose, previous_world_from_camera=pose,
                  projection=gl_projection(60.0, 1.0, 0.1, 100.0))  # fmt: skip
    header = Frame(session="0" * 32, id=1, capture_ns=1, camera=view, timecode=Timecode(hours=10, frames=3))
    line = sample_line(header, 1, take="t", take_id="0", created_ns=1, first_ns=1, rate=Fraction(24), size=(9, 9))
    assert json.loads(line)["timing"]["timecode"]["hours"] == 10
