"""The engine's rays are held to MuJoCo's: same geom, same depth, same normal, same shadow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.physics import Poses, rotation_of
from bridge.engine.rays import KINDS, NONE, Solids, View, trace
from bridge.engine.reference import ReferenceCaster, pixel_rays
from bridge.engine.sunlight import direction_of, empty_grid, fill_grid, find_shades
from bridge.engine.world import CameraKey, Primitive, Shape, Sun, Vec3, World
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Label, PlaneName

WIDTH, HEIGHT = 160, 90
FOUR_SHAPES: tuple[tuple[Shape, Vec3], ...] = (
    ("box", (0.7, 0.4, 0.9)), ("sphere", (0.8, 0.0, 0.0)), ("capsule", (0.4, 0.7, 0.0)), ("cylinder", (0.5, 0.8, 0.0)),
)  # fmt: skip


def planes_of(engine: EmbeddedEngine) -> PlaneViews:
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(planes)
    return planes


def court_at(seed: int, seconds: float) -> EmbeddedEngine:
    engine = EmbeddedEngine(courtyard(seed), WIDTH, HEIGHT)
    for _ in range(round(seconds * 30)):
        engine.step(1.0 / 30.0)
    return engine


def scene(*things: Primitive) -> World:
    return World("scene", 0, things, Sun(), lambda _: CameraKey((0.0, 0.0, 6.0), (0.0, 0.0, 0.0)))


def thing(shape: Shape, size: Vec3, position: Vec3 = (0.0, 0.0, 0.0)) -> Primitive:
    turn = np.array([0.3, -0.5, 0.2, 0.7])
    x, y, z, w = (float(v) for v in turn / np.linalg.norm(turn))
    return Primitive(1, Label.STONE, shape, size, position, (x, y, z, w))


def interior(index: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels whose neighbours belong to the same primitive: not on an edge."""
    same = np.zeros(index.shape, np.bool_)
    middle = index[1:-1, 1:-1]
    same[1:-1, 1:-1] = (
        (middle == index[:-2, 1:-1]) & (middle == index[2:, 1:-1])
        & (middle == index[1:-1, :-2]) & (middle == index[1:-1, 2:])
    )  # fmt: skip
    return same


@pytest.mark.parametrize(("seed", "seconds"), [(1, 0.0), (2, 1.5), (3, 5.0)])
def test_a_court_has_the_reference_s_geoms_and_depths(seed: int, seconds: float) -> None:
    engine = court_at(seed, seconds)
    planes = planes_of(engine)
    rays, cosine = pixel_rays(engine)
    eye = np.array(engine.camera().world_from_camera.position_m)
    reference = ReferenceCaster(engine).cast(eye, rays)
    ids = np.array([0, *(p.object_id for p in engine.world.primitives)])[reference.primitive + 1]
    same = planes[PlaneName.OBJECT].ravel() == ids
    assert same.mean() > 0.999
    solid = same & (reference.primitive >= 0)
    expected = (reference.distance_m * cosine)[solid]
    np.testing.assert_allclose(planes[PlaneName.DEPTH].ravel()[solid], expected, rtol=1e-6)
    assert np.isposinf(planes[PlaneName.DEPTH].ravel()[same & (reference.primitive < 0)]).all()


def test_a_court_has_the_reference_s_normals() -> None:
    engine = court_at(4, 2.0)
    normal = planes_of(engine)[PlaneName.NORMAL][..., :3].astype(np.float64).reshape(-1, 3)
    rays, _ = pixel_rays(engine)
    reference = ReferenceCaster(engine).cast(np.array(engine.camera().world_from_camera.position_m), rays)
    solid = reference.primitive >= 0
    close = (normal[solid] * reference.normal[solid]).sum(axis=1) > 0.999
    assert close.mean() > 0.999
    assert not normal[~solid].any()


@pytest.mark.parametrize("seed", [1, 6])
def test_a_court_has_the_reference_s_shadows(seed: int) -> None:
    engine = court_at(seed, 2.0)
    planes = planes_of(engine)
    rays, cosine = pixel_rays(engine)
    solid = planes[PlaneName.OBJECT].ravel() > 0
    depth = planes[PlaneName.DEPTH].ravel()[solid].astype(np.float64)
    points = np.array(engine.camera().world_from_camera.position_m) + rays[solid] * (depth / cosine[solid])[:, None]
    normal = planes[PlaneName.NORMAL][..., :3].astype(np.float64).reshape(-1, 3)[solid]
    sun = direction_of(engine.world.sun)
    facing = normal @ sun > 0.02
    seen = ReferenceCaster(engine).sees_sun(points + normal * 1e-3, sun)
    color = planes[PlaneName.COLOR][..., 0].astype(np.float64).ravel()[solid]
    albedo = planes[PlaneName.ALBEDO][..., 0].astype(np.float64).ravel()[solid]
    ambient = albedo * engine.world.sun.sky_radiance[0] * (0.75 + 0.25 * normal[:, 1])
    lit = color > ambient * 1.004 + 1e-4
    differs = (lit != seen) & facing
    inner = interior(planes[PlaneName.OBJECT].astype(np.int32)).ravel()[solid]
    assert 0.1 < seen[facing].mean() < 0.99
    assert (differs & inner).mean() < 0.002  # the rim of a shadow, where a ray grazes


@pytest.mark.parametrize(("shape", "size"), FOUR_SHAPES)
def test_every_shape_is_hit_where_the_reference_hits_it(shape: Shape, size: Vec3) -> None:
    engine = EmbeddedEngine(scene(thing(shape, size)), WIDTH, HEIGHT)
    planes = planes_of(engine)
    rays, cosine = pixel_rays(engine)
    reference = ReferenceCaster(engine).cast(np.array([0.0, 0.0, 6.0]), rays)
    hit = planes[PlaneName.OBJECT].ravel() == 1
    assert hit.sum() > 200
    np.testing.assert_array_equal(hit, reference.primitive == 0)
    np.testing.assert_allclose(planes[PlaneName.DEPTH].ravel()[hit], (reference.distance_m * cosine)[hit], rtol=1e-6)
    normal = planes[PlaneName.NORMAL][..., :3].astype(np.float64).reshape(-1, 3)[hit]
    np.testing.assert_allclose(np.linalg.norm(normal, axis=1), 1.0, atol=1e-3)
    assert ((normal * reference.normal[hit]).sum(axis=1) > 0.999).mean() > 0.995


def test_things_behind_the_eye_and_around_it_do_not_hide_the_rest() -> None:
    around = replace(thing("box", (9.0, 9.0, 9.0)), object_id=2)
    behind = replace(thing("sphere", (1.0, 0.0, 0.0), (0.0, 0.0, 9.0)), object_id=3)
    planes = planes_of(EmbeddedEngine(scene(thing("sphere", (0.8, 0.0, 0.0)), around, behind), WIDTH, HEIGHT))
    assert set(np.unique(planes[PlaneName.OBJECT])) == {0, 1}


def test_a_floor_that_passes_under_the_eye_fills_the_lower_half() -> None:
    floor = Primitive(1, Label.GROUND, "box", (50.0, 0.5, 50.0), (0.0, -1.5, 0.0))
    planes = planes_of(EmbeddedEngine(scene(floor), WIDTH, HEIGHT))
    depth = planes[PlaneName.DEPTH]
    assert np.isfinite(depth[-1]).all()
    assert np.isposinf(depth[: HEIGHT // 2]).all()
    np.testing.assert_allclose(depth[-1], 1.0 / (np.tan(np.radians(30.0)) * (1.0 - 1.0 / HEIGHT)), rtol=1e-6)


def test_a_picture_of_odd_size_has_its_principal_ray_in_the_middle() -> None:
    planes = planes_of(EmbeddedEngine(scene(thing("sphere", (0.8, 0.0, 0.0))), 33, 17))
    assert planes[PlaneName.DEPTH][8, 16] == pytest.approx(5.2, rel=1e-7)


def test_points_outside_the_sun_s_cells_are_shaded_too() -> None:
    still = Primitive(1, Label.STONE, "box", (0.5, 0.5, 0.5), (0.0, 0.0, 0.0))
    far = Primitive(2, Label.WOOD, "sphere", (1.0, 0.0, 0.0), (40.0, 5.0, 40.0), density_kg_m3=100.0)
    solids = solids_of(still, far)
    sun = Sun(azimuth_deg=90.0, elevation_deg=60.0)
    grid = fill_grid(empty_grid(sun, solids.kind), solids, 1)
    under = np.array(far.position_m) - direction_of(sun) * 4.0
    beside = under + np.array([0.0, 0.0, 1.5])
    shader = np.empty((1, 2), np.int32)
    owners = np.zeros((1, 2), np.int32)
    find_shades(grid, np.stack([under, beside])[None], owners, np.ones((1, 2)), shader)
    assert shader.tolist() == [[1, -1]]


def test_an_empty_view_is_sky() -> None:
    depth, index = np.empty((4, 6)), np.empty((4, 6), np.int32)
    frame = np.array([[0.0, 0.0, 6.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 1.0]])  # looks away
    trace(solids_of(thing("box", (1.0, 1.0, 1.0))), View(frame, 1.0, 1.0), depth, index)
    assert np.isposinf(depth).all()
    assert (index == NONE).all()


def solids_of(*things: Primitive) -> Solids:
    poses = Poses(np.array([p.position_m for p in things]), np.stack([rotation_of(p.orientation) for p in things]))
    return Solids(np.array([KINDS[p.shape] for p in things]), np.array([p.size_m for p in things]), *poses)
