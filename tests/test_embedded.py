"""The embedded engine: exact planes, honest motion, and the same bits from the same seed."""

from __future__ import annotations

import math
import runpy
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine, warm_up
from bridge.engine.physics import rotation_of
from bridge.engine.world import CameraKey, Primitive, Sun, Vec3, World
from bridge.errors import InvalidValue
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import ALLOWED_FORMATS, Label, PixelFormat, PlaneLayout, PlaneName
from bridge.spaces import motion_of, project, rotate

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 96, 54
STRAIGHT = CameraKey((0.0, 1.0, 5.0), (0.0, 1.0, 0.0))
GROUND = Primitive(1, Label.GROUND, "box", (30.0, 1.0, 30.0), (0.0, -1.0, 0.0), albedo=(0.4, 0.4, 0.4))


def fresh(width: int, height: int, formats: dict[PlaneName, PixelFormat] = FORMATS) -> PlaneViews:
    layouts = pack_layouts(formats, width, height)
    return views(bytearray(payload_bytes(layouts)), layouts, writeable=True)


def planes_of(engine: EmbeddedEngine) -> PlaneViews:
    planes = fresh(engine.width, engine.height)
    engine.render(planes)
    return planes


def world_of(*things: Primitive, key: CameraKey = STRAIGHT, sun: Sun = Sun(elevation_deg=90.0)) -> World:  # noqa: B008
    return World("test", 0, things, sun, lambda _: key)


def steps(engine: EmbeddedEngine, count: int) -> EmbeddedEngine:
    for _ in range(count):
        engine.step(1.0 / 30.0)
    return engine


def doubles(blob: bytes, columns: int) -> NDArray[np.float64]:
    return np.frombuffer(blob, "<f8").reshape(-1, columns)


def test_the_same_seed_and_steps_give_the_same_bits() -> None:
    a, b = (steps(EmbeddedEngine(courtyard(2), WIDTH, HEIGHT), 20) for _ in range(2))
    assert a.camera() == b.camera()
    assert a.bodies() == b.bodies()
    first, second = planes_of(a), planes_of(b)
    assert all(first[name].tobytes() == second[name].tobytes() for name in FORMATS)


def test_rendering_changes_nothing() -> None:
    engine = steps(EmbeddedEngine(courtyard(2), WIDTH, HEIGHT), 5)
    first, second = planes_of(engine), planes_of(engine)
    assert all(first[name].tobytes() == second[name].tobytes() for name in FORMATS)


def test_every_plane_has_canonical_values() -> None:
    engine = steps(EmbeddedEngine(courtyard(1), WIDTH, HEIGHT), 10)
    p = planes_of(engine)
    sky = p[PlaneName.OBJECT] == 0
    assert 0.0 < sky.mean() < 0.5
    assert np.isposinf(p[PlaneName.DEPTH][sky]).all()
    assert (p[PlaneName.DEPTH][~sky] > 0.0).all()
    assert (p[PlaneName.LABEL][sky] == Label.SKY).all()
    assert not p[PlaneName.ALBEDO][sky].any()
    assert not p[PlaneName.NORMAL][sky].any()
    np.testing.assert_allclose(np.linalg.norm(p[PlaneName.NORMAL][~sky][:, :3].astype(float), axis=1), 1.0, atol=2e-3)
    assert np.isfinite(p[PlaneName.COLOR]).all()
    assert (p[PlaneName.COLOR][..., 3] == 1.0).all()
    assert (p[PlaneName.COLOR][..., :3] > 0.0).all()
    assert np.isfinite(p[PlaneName.MOTION]).all()
    things = {t.object_id: t for t in engine.world.primitives}
    for object_id in np.unique(p[PlaneName.OBJECT][~sky]):
        here = p[PlaneName.OBJECT] == object_id
        thing = things[int(object_id)]
        assert (p[PlaneName.LABEL][here] == thing.label).all()
        assert (p[PlaneName.ALBEDO][here] == np.array((*thing.albedo, 0.0), np.float16)).all()
        assert (p[PlaneName.MATERIAL][here] == np.array((thing.roughness, thing.metallic), np.float16)).all()


def test_colour_is_lambert_under_sun_and_sky() -> None:
    sun = Sun(azimuth_deg=0.0, elevation_deg=30.0, irradiance=(3.0, 2.0, 1.0), sky_radiance=(0.2, 0.4, 0.6))
    roof = Primitive(2, Label.ROOF, "box", (30.0, 0.1, 2.0), (0.0, 30.0, -60.0))  # its shadow falls elsewhere
    color = planes_of(EmbeddedEngine(world_of(GROUND, roof, sun=sun), WIDTH, HEIGHT))[PlaneName.COLOR][-1, WIDTH // 2]
    expected = [0.4 * (3.0 * 0.5 / math.pi + 0.2), 0.4 * (2.0 * 0.5 / math.pi + 0.4), 0.4 * (0.5 / math.pi + 0.6)]
    assert color.tolist() == pytest.approx([*expected, 1.0], rel=2e-3)


def test_grey_ground_in_the_court_s_sun_has_a_sane_value() -> None:
    engine = EmbeddedEngine(courtyard(1), WIDTH, HEIGHT)
    planes = planes_of(engine)
    ground = planes[PlaneName.COLOR][planes[PlaneName.LABEL] == Label.GROUND][:, :3].astype(float).mean(axis=1)
    assert 0.25 < np.quantile(ground, 0.9) < 0.7


def test_a_thing_between_ground_and_sun_casts_a_shadow() -> None:
    lid = Primitive(2, Label.ROOF, "box", (0.5, 0.1, 0.5), (0.0, 4.0, 1.0))
    key = CameraKey((0.0, 1.0, 5.0), (0.0, 0.0, 1.0))
    planes = planes_of(EmbeddedEngine(world_of(GROUND, lid, key=key), WIDTH, HEIGHT))
    ambient = 0.4 * Sun().sky_radiance[0]
    assert planes[PlaneName.COLOR][HEIGHT // 2, WIDTH // 2, 0] == pytest.approx(ambient, rel=2e-3)
    assert planes[PlaneName.COLOR][HEIGHT // 2, 4, 0] > 2.0 * ambient


def test_motion_is_zero_while_nothing_moves() -> None:
    motion = planes_of(steps(EmbeddedEngine(world_of(GROUND), WIDTH, HEIGHT), 3))[PlaneName.MOTION]
    np.testing.assert_allclose(motion.astype(float), 0.0, atol=1e-7)


def test_motion_leads_every_pixel_of_a_body_to_where_it_was() -> None:
    engine = steps(EmbeddedEngine(courtyard(3), WIDTH, HEIGHT), 30)
    planes, camera, bodies = planes_of(engine), engine.camera(), engine.bodies()
    ids = np.frombuffer(bodies.ids, "<u4")
    now, before = doubles(bodies.poses, 7), doubles(bodies.previous_poses, 7)
    checked = 0
    for y, x in np.argwhere(np.isin(planes[PlaneName.OBJECT], ids)):
        body = int(np.nonzero(ids == planes[PlaneName.OBJECT][y, x])[0][0])
        point = unproject(engine, x, y, float(planes[PlaneName.DEPTH][y, x]))
        local = rotate(now[body, 3:] * (-1, -1, -1, 1), point - now[body, :3])
        was = before[body, :3] + rotate(before[body, 3:], local)
        expected = motion_of(camera, was, point)
        np.testing.assert_allclose(planes[PlaneName.MOTION][y, x].astype(float), expected, rtol=2e-3, atol=2e-5)
        checked += 1
    assert checked > 50


def test_motion_of_the_sky_is_the_camera_s_turn_alone() -> None:
    engine = EmbeddedEngine(world_of(GROUND), WIDTH, HEIGHT)
    engine.step(0.1)
    engine.look(CameraKey((3.0, 2.0, 5.0), (3.0, 2.0, 0.0)), cut=False)  # moved, not turned
    planes = planes_of(engine)
    sky = planes[PlaneName.OBJECT] == 0
    np.testing.assert_allclose(planes[PlaneName.MOTION][sky].astype(float), 0.0, atol=1e-7)
    assert np.abs(planes[PlaneName.MOTION][~sky].astype(float)).max() > 0.01


def test_motion_of_what_was_behind_the_camera_is_unknown() -> None:
    post = Primitive(1, Label.STONE, "box", (0.2, 3.0, 0.2), (0.0, 1.0, 0.0))
    engine = EmbeddedEngine(world_of(post, key=CameraKey((0.0, 1.0, -3.0), (0.0, 1.0, -9.0))), WIDTH, HEIGHT)
    engine.step(0.1)
    engine.look(STRAIGHT, cut=False)
    planes = planes_of(engine)
    assert np.isnan(planes[PlaneName.MOTION][planes[PlaneName.OBJECT] == 1]).all()


def test_a_cut_has_no_motion_and_equal_poses() -> None:
    engine = steps(EmbeddedEngine(world_of(GROUND), WIDTH, HEIGHT), 2)
    engine.look(CameraKey((9.0, 3.0, 5.0), (0.0, 1.0, 0.0)))
    camera = engine.camera()
    assert camera.world_from_camera == camera.previous_world_from_camera
    np.testing.assert_allclose(planes_of(engine)[PlaneName.MOTION].astype(float), 0.0, atol=1e-7)


def test_the_camera_s_pose_and_projection_put_bodies_where_the_planes_have_them() -> None:
    ball = Primitive(5, Label.PLASTIC, "sphere", (0.3, 0.0, 0.0), (0.7, 1.4, -1.0))
    engine = EmbeddedEngine(world_of(ball, key=CameraKey((1.0, 2.0, 4.0), (0.5, 1.2, 0.0))), 320, 180)
    rows, columns = np.nonzero(planes_of(engine)[PlaneName.OBJECT] == 5)
    camera = engine.camera()
    centre = project(camera.world_from_camera, camera.projection, ball.position_m)
    assert ((columns.mean() + 0.5) / 320, (rows.mean() + 0.5) / 180) == pytest.approx(centre.uv, abs=2e-3)


def test_previous_poses_are_those_of_the_frame_before() -> None:
    engine = steps(EmbeddedEngine(courtyard(4), WIDTH, HEIGHT), 3)
    before_camera, before = engine.camera(), engine.bodies()
    after_camera, after = steps(engine, 1).camera(), engine.bodies()
    assert after.previous_poses == before.poses
    assert after.poses != before.poses
    assert after_camera.previous_world_from_camera == before_camera.world_from_camera


def test_a_step_of_no_time_makes_now_the_frame_before() -> None:
    engine = steps(EmbeddedEngine(courtyard(4), WIDTH, HEIGHT), 3)
    engine.step(0.0)
    bodies, camera = engine.bodies(), engine.camera()
    assert bodies.poses == bodies.previous_poses
    assert camera.world_from_camera == camera.previous_world_from_camera


@pytest.mark.parametrize("dt_s", [-0.1, math.nan, math.inf])
def test_a_step_that_is_no_time_is_refused(dt_s: float) -> None:
    with pytest.raises(InvalidValue, match="step"):
        EmbeddedEngine(world_of(GROUND), 8, 4).step(dt_s)


def test_settling_leaves_no_motion() -> None:
    engine = EmbeddedEngine(courtyard(4), WIDTH, HEIGHT)
    engine.settle(0.5)
    assert engine.time_s == pytest.approx(0.5)
    bodies = engine.bodies()
    assert bodies.poses == bodies.previous_poses
    assert planes_of(engine)[PlaneName.MOTION].astype(float) == pytest.approx(0.0, abs=1e-7)


def test_bodies_are_packed_as_the_schema_says() -> None:
    engine = steps(EmbeddedEngine(courtyard(1), WIDTH, HEIGHT), 45)
    bodies = engine.bodies()
    moving = engine.world.bodies
    assert bodies.count == len(moving) == 44
    assert np.frombuffer(bodies.ids, "<u4").tolist() == [p.object_id for p in moving]
    assert list(bodies.labels) == [int(p.label) for p in moving]
    poses, velocities = doubles(bodies.poses, 7), np.frombuffer(bodies.velocities, "<f4").reshape(-1, 6)
    assert len(poses) == len(velocities) == len(doubles(bodies.previous_poses, 7)) == 44
    np.testing.assert_allclose(np.linalg.norm(poses[:, 3:], axis=1), 1.0, atol=1e-12)
    places = engine.poses()
    for row, p in zip(poses, moving, strict=True):
        assert row[:3].tolist() == places[p.object_id][0].tolist()


def test_contacts_name_what_touches_where_and_how_hard() -> None:
    crate = Primitive(2, Label.WOOD, "box", (0.5, 0.5, 0.5), (0.0, 0.5, 0.0), density_kg_m3=100.0)
    engine = steps(EmbeddedEngine(world_of(GROUND, crate), 8, 4), 60)
    bodies = engine.bodies()
    pairs = np.frombuffer(bodies.contact_ids, "<u4").reshape(-1, 2)
    points = np.frombuffer(bodies.contact_points, "<f4").reshape(-1, 4)
    assert bodies.contact_count == len(pairs) == len(points) >= 3
    assert all(sorted(pair) == [1, 2] for pair in pairs.tolist())
    np.testing.assert_allclose(points[:, 1], 0.0, atol=0.01)
    assert points[:, 3].sum() == pytest.approx(100.0 * 9.81, rel=0.02)  # the crate's weight


def test_velocities_are_in_world_space() -> None:
    half = math.sqrt(0.5)
    rod = Primitive(1, Label.METAL, "capsule", (0.2, 0.5, 0.0), (0.0, 9.0, 0.0), (0.0, half, 0.0, half),
                    density_kg_m3=1000.0, velocity_m_s=(1.0, 2.0, 3.0), spin_rad_s=(0.0, 0.0, 4.0))  # fmt: skip
    engine = EmbeddedEngine(world_of(rod), 8, 4)
    start = np.frombuffer(engine.bodies().velocities, "<f4")
    assert start.tolist() == pytest.approx([1.0, 2.0, 3.0, 0.0, 0.0, 4.0], abs=1e-6)
    engine.step(0.01)
    bodies = engine.bodies()
    moved = (doubles(bodies.poses, 7) - doubles(bodies.previous_poses, 7))[0]
    assert moved[:3] / 0.01 == pytest.approx([1.0, 2.0, 3.0], abs=0.2)
    _, before = engine.poses()[1]
    turned = rotation_of(tuple(before)) @ rotation_of(rod.orientation).T
    assert turned[1, 0] == pytest.approx(math.sin(0.04), rel=0.02)  # about world z


def test_a_falling_body_falls() -> None:
    ball = Primitive(1, Label.PLASTIC, "sphere", (0.3, 0.0, 0.0), (0.0, 9.0, 0.0), density_kg_m3=5000.0)
    engine = steps(EmbeddedEngine(world_of(ball), 8, 4), 15)
    assert engine.poses()[1][0] == pytest.approx([0.0, 9.0 - 9.81 * 0.25 / 2, 0.0], abs=0.05)


@pytest.mark.parametrize("names", [[n] for n in FORMATS] + [[PlaneName.DEPTH, PlaneName.LABEL]], ids=lambda n: n[0])
def test_any_subset_of_planes_is_what_all_of_them_would_be(names: Iterable[PlaneName]) -> None:
    engine = steps(EmbeddedEngine(courtyard(5), WIDTH, HEIGHT), 8)
    everything = planes_of(engine)
    other = steps(EmbeddedEngine(courtyard(5), WIDTH, HEIGHT), 8)
    some = fresh(WIDTH, HEIGHT, {name: FORMATS[name] for name in names})
    other.render(some)
    for name in names:
        assert some[name].tobytes() == everything[name].tobytes()


def test_rows_may_lie_apart_and_what_is_between_is_left_alone() -> None:
    engine = steps(EmbeddedEngine(courtyard(5), WIDTH, HEIGHT), 2)
    tight = planes_of(engine)
    layouts, offset = [], 0
    for layout in pack_layouts(FORMATS, WIDTH, HEIGHT):
        pitch = layout.row_pitch_bytes + 64
        layouts.append(PlaneLayout(name=layout.name, format=layout.format, width=WIDTH, height=HEIGHT,
                                   row_pitch_bytes=pitch, offset_bytes=offset))  # fmt: skip
        offset += pitch * HEIGHT
    buffer = bytearray(b"\xaa" * offset)
    pitched = views(buffer, layouts, writeable=True)
    engine.render(pitched)
    for layout in layouts:
        assert pitched[layout.name].tobytes() == tight[layout.name].tobytes()
        row = buffer[layout.offset_bytes : layout.offset_bytes + layout.row_pitch_bytes]
        assert row[-64:] == b"\xaa" * 64


def test_every_allowed_float_format_has_the_same_values() -> None:
    engine = steps(EmbeddedEngine(courtyard(5), WIDTH, HEIGHT), 2)
    half, formats = planes_of(engine), {name: ALLOWED_FORMATS[name][-1] for name in FORMATS}
    full = fresh(WIDTH, HEIGHT, formats)
    engine.render(full)
    for name in FORMATS:
        assert full[name].astype(half[name].dtype).tobytes() == half[name].tobytes()


@pytest.mark.parametrize(("name", "width"), [(PlaneName.PLATE, WIDTH), (PlaneName.COLOR, WIDTH - 1)])
def test_a_plane_that_the_engine_does_not_make_is_refused(name: PlaneName, width: int) -> None:
    engine = EmbeddedEngine(world_of(GROUND), WIDTH, HEIGHT)
    with pytest.raises(InvalidValue, match=f"{width}x{HEIGHT}"):
        engine.render(fresh(width, HEIGHT, {name: PixelFormat.RGBA16F}))


@pytest.mark.parametrize("target", [(0.0, 1.0, 5.0), (0.0, 9.0, 5.0), (0.0, -9.0, 5.0)])
def test_a_camera_without_a_level_horizon_is_refused(target: Vec3) -> None:
    engine = EmbeddedEngine(world_of(GROUND), 8, 4)
    with pytest.raises(InvalidValue, match="camera"):
        engine.look(CameraKey((0.0, 1.0, 5.0), target))


def test_a_world_that_lists_a_body_before_a_wall_is_refused() -> None:
    ball = Primitive(2, Label.PLASTIC, "sphere", (0.3, 0.0, 0.0), (0.0, 9.0, 0.0), density_kg_m3=100.0)
    with pytest.raises(InvalidValue, match="static"):
        EmbeddedEngine(world_of(ball, GROUND), 8, 4)


def test_a_free_camera_stays_where_it_was_put() -> None:
    engine = EmbeddedEngine(courtyard(1), 8, 4)
    engine.look(STRAIGHT)
    assert steps(engine, 3).key == STRAIGHT


def test_warming_up_leaves_nothing_to_compile() -> None:
    from bridge.engine import output, rays, shading, sunlight

    warm_up(world_of(GROUND))
    kernels: list[Any] = [rays.trace, sunlight.find_shades, shading.find_surfaces, shading.light_surfaces,
                          output.narrow, output.gather]  # fmt: skip
    compiled = [len(k.signatures) for k in kernels]
    planes_of(EmbeddedEngine(courtyard(1), WIDTH, HEIGHT))
    assert [len(k.signatures) for k in kernels] == compiled


@pytest.mark.parametrize("package", ["mujoco", "numba"])
def test_a_missing_package_is_named_with_the_line_that_installs_it(package: str) -> None:
    code = f"import sys; sys.modules['{package}'] = None; import bridge.engine.embedded"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"bridge.errors.MissingDependency: the embedded engine needs {package}. Run: pip install 'worldplate[demo]'"
    )


def test_the_sample_writes_a_sheet_of_all_planes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = runpy.run_path(str(ROOT / "samples" / "01_embedded_engine.py"))
    sample["main"](["--width", "64", "--seconds", "0.5", "--out", str(tmp_path)])
    with Image.open(tmp_path / "01_embedded_engine.png") as sheet:
        assert sheet.size == (4 * 64, 2 * 36)
        pixels = np.asarray(sheet)
    assert all(pixels[:36, 64 * n : 64 * n + 64].std() > 3.0 for n in range(4))
    assert "44 bodies" in capsys.readouterr().out


def unproject(engine: EmbeddedEngine, x: int, y: int, depth_m: float) -> NDArray[np.float64]:
    """World position of a pixel's centre at a view depth."""
    camera = engine.camera()
    u, v = (x + 0.5) / engine.width, (y + 0.5) / engine.height
    view = np.array([(2 * u - 1) / camera.projection[0], (1 - 2 * v) / camera.projection[5], -1.0]) * depth_m
    pose = camera.world_from_camera
    return np.asarray(np.array(pose.position_m) + rotate(pose.orientation, view))
