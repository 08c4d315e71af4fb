"""Engine numbers to canonical ones and back, and the golden frame in every engine's numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.world import CameraKey, Primitive, Sun, Vec3, World
from bridge.errors import InvalidValue
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Camera, Label, PlaneName, Pose
from bridge.spaces import (
    AIRSIM,
    CARLA,
    GODOT,
    GOLDEN,
    OPENTRACKIO,
    RENDERSTREAM,
    UNITY,
    UNREAL,
    EngineNumbers,
    Space,
    depth_from_carla,
    depth_from_gl,
    depth_from_infinite,
    depth_from_reversed,
    direction_from,
    direction_to,
    gl_from_depth,
    gl_frustum,
    gl_projection,
    infinite_from_depth,
    motion_from_godot,
    motion_from_unity,
    motion_from_unreal,
    motion_of,
    motion_to_unity,
    motion_to_unreal,
    normal_from_godot,
    normal_from_unreal,
    position_from,
    position_to,
    project,
    quaternion_from,
    quaternion_to,
    reversed_from_depth,
    rotate,
    roughness_from_godot,
)

SPACES = (GODOT, UNITY, RENDERSTREAM, UNREAL, CARLA, OPENTRACKIO, AIRSIM)
FORWARD = {
    "godot": (0, 0, -1), "unity": (0, 0, 1), "renderstream": (0, 0, 1), "unreal": (1, 0, 0), "carla": (1, 0, 0),
    "opentrackio": (0, 1, 0), "airsim": (1, 0, 0),
}  # fmt: skip
UP = {
    "godot": (0, 1, 0), "unity": (0, 1, 0), "renderstream": (0, 1, 0), "unreal": (0, 0, 1), "carla": (0, 0, 1),
    "opentrackio": (0, 0, 1), "airsim": (0, 0, -1),
}  # fmt: skip
RIGHT = {
    "godot": (1, 0, 0), "unity": (1, 0, 0), "renderstream": (1, 0, 0), "unreal": (0, 1, 0), "carla": (0, 1, 0),
    "opentrackio": (1, 0, 0), "airsim": (0, 1, 0),
}  # fmt: skip
numbers = st.floats(-100.0, 100.0)
vectors = st.tuples(numbers, numbers, numbers)
raw_quaternions = st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: math.hypot(*q) > 0.1)
quaternions = raw_quaternions.map(lambda q: np.array(q) / math.hypot(*q))
unhurried = settings(deadline=None, max_examples=50)  # a busy machine is no failure
in_every_space = pytest.mark.parametrize("space", SPACES, ids=lambda s: s.name)


@in_every_space
def test_forward_up_and_right_become_canonical(space: Space) -> None:
    assert direction_from(space, FORWARD[space.name]).tolist() == [0, 0, -1]
    assert direction_from(space, UP[space.name]).tolist() == [0, 1, 0]
    assert direction_from(space, RIGHT[space.name]).tolist() == [1, 0, 0]


@in_every_space
@unhurried
@given(vector=vectors, quaternion=quaternions)
def test_there_and_back_is_the_same(space: Space, vector: Vec3, quaternion: np.ndarray) -> None:
    np.testing.assert_allclose(position_to(space, position_from(space, vector)), vector, atol=1e-9)
    np.testing.assert_allclose(direction_to(space, direction_from(space, vector)), vector, atol=1e-12)
    np.testing.assert_allclose(quaternion_to(space, quaternion_from(space, quaternion)), quaternion, atol=1e-12)


@in_every_space
@unhurried
@given(vector=vectors, quaternion=quaternions)
def test_turning_then_converting_is_converting_then_turning(space: Space, vector: Vec3, quaternion: np.ndarray) -> None:
    """In a left-handed space the same formula q v q* turns; only the axes mean something else."""
    expected = direction_from(space, rotate(quaternion, vector))
    turned = rotate(quaternion_from(space, quaternion), direction_from(space, vector))
    np.testing.assert_allclose(turned, expected, atol=1e-9)


@pytest.mark.parametrize(
    ("space", "position", "quaternion"),
    [
        (UNITY, (1, 2, -3), (-5, -6, 7, 8)),
        (RENDERSTREAM, (1, 2, -3), (-5, -6, 7, 8)),
        (UNREAL, (0.02, 0.03, -0.01), (-6, -7, 5, 8)),
        (GODOT, (1, 2, 3), (5, 6, 7, 8)),
        (OPENTRACKIO, (1, 3, -2), (5, 7, -6, 8)),
        (AIRSIM, (2, -3, -1), (6, -7, -5, 8)),
    ],
)
def test_positions_and_quaternions_follow_the_table(
    space: Space, position: Vec3, quaternion: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(position_from(space, (1.0, 2.0, 3.0)), position)
    np.testing.assert_allclose(quaternion_from(space, (5.0, 6.0, 7.0, 8.0)), quaternion)


@unhurried
@given(vector=vectors)
def test_renderstream_through_unreal_is_renderstream_directly(vector: Vec3) -> None:
    x, y, z = vector
    np.testing.assert_allclose(
        position_from(UNREAL, (z * 100, x * 100, y * 100)), position_from(RENDERSTREAM, vector), atol=1e-9
    )


@unhurried
@given(depth=st.floats(0.11, 99.0))
def test_depth_there_and_back_is_the_same(depth: float) -> None:
    assert depth_from_reversed(reversed_from_depth(depth, 0.1, 100.0), 0.1, 100.0) == pytest.approx(depth, rel=1e-9)
    assert depth_from_infinite(infinite_from_depth(depth, 0.1), 0.1) == pytest.approx(depth, rel=1e-9)
    assert depth_from_gl(gl_from_depth(depth, 0.1, 100.0), 0.1, 100.0) == pytest.approx(depth, rel=1e-9)


def test_cleared_depth_is_sky_and_sky_is_cleared_depth() -> None:
    assert depth_from_reversed([0.0, 1.0], 0.1, 100.0).tolist() == [math.inf, pytest.approx(0.1)]
    assert depth_from_infinite([0.0, 1.0], 0.1).tolist() == [math.inf, 0.1]
    assert depth_from_gl([1.0, 0.0], 0.1, 100.0).tolist() == [math.inf, pytest.approx(0.1)]
    assert reversed_from_depth(math.inf, 0.1, 100.0) == 0.0
    assert infinite_from_depth(math.inf, 0.1) == 0.0
    assert gl_from_depth(math.inf, 0.1, 100.0) == 1.0


def test_carla_packs_depth_into_three_bytes() -> None:
    assert depth_from_carla([[255, 255, 255], [0, 0, 0], [0, 0, 128]]) == pytest.approx([1000.0, 0.0, 500.00003])


def test_motion_that_was_not_written_is_unknown() -> None:
    assert np.isnan(motion_from_unity([1.5, 0.0])).all()
    assert np.isnan(motion_from_unreal([0, 0])).all()
    assert np.isnan(motion_from_godot([-1.0, -1.0])).all()
    assert not np.isnan(motion_from_godot([-1.0, 0.0])).any()


@unhurried
@given(motion=st.tuples(st.floats(-0.9, 0.9), st.floats(-0.9, 0.9)))
def test_motion_there_and_back_is_the_same(motion: tuple[float, float]) -> None:
    np.testing.assert_allclose(motion_from_unity(motion_to_unity(motion)), motion)
    np.testing.assert_allclose(motion_from_unreal(motion_to_unreal(motion)), motion, atol=2e-4)


def test_a_linear_decode_of_unreal_s_tenth_of_a_pixel_would_be_eleven() -> None:
    tenth = 0.1 / 1280
    codes = motion_to_unreal((-tenth, 0.0))
    assert motion_from_unreal(codes)[0] * 1280 == pytest.approx(-0.1, rel=0.02)
    linear_ndc = (codes[0] / 65535 - 32767 / 65535) / 0.2495
    assert linear_ndc / 2 * 1280 == pytest.approx(11.3, rel=0.02)


def test_normals_and_roughness_are_unpacked() -> None:
    assert normal_from_unreal([0.5, 0.5, 1.0]).tolist() == [0.0, 1.0, 0.0]
    half = math.sqrt(0.5)
    left = Pose(orientation=(0.0, half, 0.0, half))  # the camera looks down -X
    np.testing.assert_allclose(normal_from_godot([0.5, 0.5, 1.0, 0.2], left), [1.0, 0.0, 0.0], atol=1e-12)
    assert roughness_from_godot([0.0, 127 / 255, 1.0, 128 / 255]) == pytest.approx([0.0, 1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    "bad",
    [
        (0.0, 1.0, 0.1, 10.0),
        (180.0, 1.0, 0.1, 10.0),
        (math.nan, 1.0, 0.1, 10.0),
        (60.0, 0.0, 0.1, 10.0),
        (60.0, 1.0, 0.0, 10.0),
        (60.0, 1.0, 10.0, 10.0),
    ],
)
def test_a_projection_that_is_no_pyramid_is_refused(bad: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidValue):
        gl_projection(*bad)


def test_an_off_axis_frustum_puts_its_corners_in_the_corners() -> None:
    projection = gl_frustum(-0.2, 0.6, -0.1, 0.5, 0.1, math.inf)
    corners = project(Pose(), projection, [(-0.4, 1.0, -2.0), (1.2, -0.2, -2.0)])
    np.testing.assert_allclose(corners.uv, [(0.0, 0.0), (1.0, 1.0)], atol=1e-12)
    assert corners.depth_m.tolist() == [2.0, 2.0]


GOLDEN_PROJECTION = gl_projection(GOLDEN.vertical_fov_deg, GOLDEN.aspect, GOLDEN.near_m, GOLDEN.far_m)
GOLDEN_CAMERA = Camera(
    world_from_camera=Pose(position_m=GOLDEN.camera_m),
    previous_world_from_camera=Pose(position_m=GOLDEN.previous_camera_m),
    projection=GOLDEN_PROJECTION,
)


def test_the_golden_frame_is_canonical() -> None:
    now = project(GOLDEN_CAMERA.world_from_camera, GOLDEN_PROJECTION, GOLDEN.point_m)
    before = project(GOLDEN_CAMERA.previous_world_from_camera, GOLDEN_PROJECTION, GOLDEN.point_m)
    motion = motion_of(GOLDEN_CAMERA, GOLDEN.point_m, GOLDEN.point_m)
    assert now.depth_m == pytest.approx(GOLDEN.depth_m)
    assert now.uv == pytest.approx(GOLDEN.uv, abs=5e-7)
    assert before.uv == pytest.approx(GOLDEN.previous_uv, abs=5e-7)
    assert motion == pytest.approx(GOLDEN.motion, abs=5e-7)
    assert motion[0] * 1920 == pytest.approx(GOLDEN.motion_px_at_1920, abs=5e-3)
    view = np.array([0.5, 0.2, -7.0, 1.0])
    clip = np.array(GOLDEN_PROJECTION).reshape(4, 4) @ view
    assert clip[2] / clip[3] == pytest.approx(GOLDEN.gl_ndc_z, abs=5e-7)


@pytest.mark.parametrize("engine", [GOLDEN.unity, GOLDEN.unreal, GOLDEN.godot], ids=lambda e: e.space.name)
def test_the_golden_frame_has_every_engine_s_positions(engine: EngineNumbers) -> None:
    np.testing.assert_allclose(position_from(engine.space, engine.point), GOLDEN.point_m)
    np.testing.assert_allclose(position_from(engine.space, engine.camera), GOLDEN.camera_m)
    np.testing.assert_allclose(position_to(engine.space, GOLDEN.point_m), engine.point)


def test_the_golden_frame_has_every_engine_s_depth() -> None:
    for engine in (GOLDEN.unity, GOLDEN.godot):
        device = reversed_from_depth(GOLDEN.depth_m, GOLDEN.near_m, GOLDEN.far_m)
        assert device == pytest.approx(engine.device_depth, abs=5e-8)
        assert depth_from_reversed(engine.device_depth, GOLDEN.near_m, GOLDEN.far_m) == pytest.approx(7.0, rel=1e-5)
    assert infinite_from_depth(GOLDEN.depth_m, GOLDEN.near_m) == pytest.approx(GOLDEN.unreal.device_depth, abs=5e-8)
    assert depth_from_infinite(GOLDEN.unreal.device_depth, GOLDEN.near_m) == pytest.approx(7.0, rel=1e-5)
    assert (1.0 - GOLDEN.gl_ndc_z) / 2.0 == pytest.approx(GOLDEN.godot.device_depth, abs=5e-7)


def test_the_golden_frame_has_every_engine_s_motion() -> None:
    np.testing.assert_allclose(motion_from_unity(GOLDEN.unity.raw_motion), GOLDEN.motion)
    np.testing.assert_allclose(motion_from_godot(GOLDEN.godot.raw_motion), GOLDEN.motion)
    exact = motion_of(GOLDEN_CAMERA, GOLDEN.point_m, GOLDEN.point_m)
    assert exact[0] * -2.0 == pytest.approx(GOLDEN.unreal.raw_motion[0], abs=5e-8)
    assert motion_to_unreal(exact).tolist() == list(GOLDEN.unreal_codes)
    decoded = motion_from_unreal(GOLDEN.unreal_codes)
    assert decoded == pytest.approx((GOLDEN.unreal_decoded_u, 0.0), abs=5e-8)


def golden_planes(width: int, height: int) -> PlaneViews:
    """The embedded engine's picture of a thin plate whose front is at the golden point, and the golden camera move."""
    x, y, z = GOLDEN.point_m
    plate = Primitive(7, Label.STONE, "box", (0.05, 0.05, 0.01), (x, y, z - 0.01))

    def ahead(eye: Vec3) -> CameraKey:
        return CameraKey(eye, (eye[0], eye[1], eye[2] - 1.0))

    world = World("golden", 0, (plate,), Sun(), lambda _: ahead(GOLDEN.previous_camera_m), GOLDEN.vertical_fov_deg,
                  GOLDEN.near_m, GOLDEN.far_m)  # fmt: skip
    engine = EmbeddedEngine(world, width, height)
    engine.step(1.0 / 30.0)
    engine.look(ahead(GOLDEN.camera_m), cut=False)
    layouts = pack_layouts(FORMATS, width, height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(planes)
    return planes


def test_the_embedded_engine_renders_the_golden_frame() -> None:
    width, height = 1600, 900
    planes = golden_planes(width, height)
    column, row = int(GOLDEN.uv[0] * width), int(GOLDEN.uv[1] * height)
    assert planes[PlaneName.OBJECT][row, column] == 7
    assert planes[PlaneName.DEPTH][row, column] == np.float32(GOLDEN.depth_m)
    rows, columns = np.nonzero(planes[PlaneName.OBJECT] == 7)
    centre = ((columns.mean() + 0.5) / width, (rows.mean() + 0.5) / height)
    assert centre == pytest.approx(GOLDEN.uv, abs=0.5 / height)
    motion = planes[PlaneName.MOTION][row, column].astype(np.float64)
    assert motion == pytest.approx(GOLDEN.motion, rel=1e-3)  # a half float has 11 bits
    assert np.add(centre, motion) == pytest.approx(GOLDEN.previous_uv, abs=0.5 / height)
    assert planes[PlaneName.NORMAL][row, column].tolist() == [0.0, 0.0, 1.0, 0.0]
