"""Blockout worlds: complete, closed, the same for the same seed, with cameras that stand free; and their surfaces."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.world import CameraKey, Primitive
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import Label, PlaneName
from renderer.models.limn.surface import paint
from renderer.models.limn.weather import Weather, sky_of
from renderer.training.plan import EVERY_CHANGE, SEEN, UNSEEN, planned, world_of
from renderer.training.shot import engine_planes, view_of
from renderer.training.tracer import Tracer, find_mitsuba
from renderer.training.worlds import FAMILIES
from renderer.training.worlds.cameras import PATHS, drawn_path, quality
from renderer.training.worlds.court import court
from renderer.training.worlds.kit import Blockout
from renderer.training.worlds.meshes import Mesh, blob, box, capsule, cone, cylinder, extruded, mesh_of, sphere
from renderer.training.worlds.moment import Moments, things_of
from renderer.training.worlds.weathers import CHANGES, KINDS, drawn, words_of

WITHOUT_MITSUBA = pytest.mark.skipif(
    importlib.util.find_spec("mitsuba") is None,
    reason='Mitsuba is absent: worlds are NOT traced; `pip install "worldplate[train]"` brings it',
)
TAN = (0.9, 0.5)  # of the half angles of view


def volume_m3(mesh: Mesh) -> float:
    """Signed: positive when faces run counter-clockwise seen from outside."""
    a, b, c = (mesh.corners[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6.0)


SHAPES = {
    "box": (box((0.5, 1.0, 2.0)), 8.0),
    "wedge": (extruded([(-1.0, 0.0), (1.0, 0.0), (1.0, 1.0)], 1.0), 2.0),
    "cylinder": (cylinder(0.5, 1.0), np.pi * 0.25 * 2.0),
    "cone": (cone(1.0, 3.0, 64), np.pi),
    "sphere": (sphere(1.0), 4.0 / 3.0 * np.pi),
    "capsule": (capsule(0.5, 1.0), np.pi * (0.25 * 2.0 + 4.0 / 3.0 * 0.125)),
    "blob": (blob(1.0, (1.0, 1.0, 1.0), 0.0, np.random.default_rng(1)), 4.0 / 3.0 * np.pi),
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_closed_faces_outwards_and_has_its_volume(name: str) -> None:
    mesh, wanted = SHAPES[name]
    assert volume_m3(mesh) == pytest.approx(wanted, rel=0.06)
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1.0, abs=1e-3)
    a, b, c = (mesh.corners[mesh.faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    size = np.linalg.norm(face, axis=1)
    kept = size > 1e-7  # triangles at a pole have no area
    agreement = (face[kept] / size[kept, None] * mesh.normals[mesh.faces[kept, 0]]).sum(axis=1)
    assert agreement.min() > 0.3


@pytest.mark.parametrize("shape", ["box", "sphere", "capsule", "cylinder"])
def test_a_primitives_mesh_has_the_volume_of_the_primitive(shape: str) -> None:
    primitive = Primitive(1, Label.WOOD, shape, (0.4, 0.6, 0.3), (0.0, 0.0, 0.0))  # type: ignore[arg-type]
    r, h = 0.4, 0.6
    wanted = {"box": 8.0 * 0.4 * 0.6 * 0.3, "sphere": 4.19 * r**3, "cylinder": 3.14 * r * r * 2.0 * h,
              "capsule": 3.14 * r * r * 2.0 * h + 4.19 * r**3}[shape]  # fmt: skip
    assert volume_m3(mesh_of(primitive)) == pytest.approx(wanted, rel=0.06)


def signature(blockout: Blockout) -> tuple[object, ...]:
    things = things_of(blockout)
    moments = Moments(blockout)
    moments.step(1.0 / 30.0)
    return (things.object_id.tobytes(), things.corners.tobytes(), things.albedo.tobytes(),
            moments.poses().position_m.tobytes())  # fmt: skip


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_is_the_same_world_and_another_seed_another(family: str) -> None:
    build = FAMILIES[family]
    assert signature(build(3)) == signature(build(3))
    assert signature(build(3)) != signature(build(4))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_world_is_labelled_numbered_and_alive(family: str, seed: int) -> None:
    blockout = FAMILIES[family](seed)
    things = things_of(blockout)
    assert sorted(things.object_id) == list(range(1, len(things.object_id) + 1))
    assert len(set(things.label.tolist())) >= 7
    assert things.moves.sum() >= 3
    assert (things.albedo > 0.0).all()
    assert (things.albedo < 1.0).all()
    assert blockout.lamps
    moments = Moments(blockout)
    before = moments.poses().position_m
    for _ in range(5):
        moments.step(1.0 / 30.0)
    gone_m = np.linalg.norm(moments.poses().position_m - before, axis=1)
    assert gone_m[~things.moves].max() == 0.0
    assert gone_m[things.moves].max() > 0.005


@WITHOUT_MITSUBA
@pytest.mark.parametrize("family", FAMILIES)
def test_cameras_stand_free_and_have_something_before_them(family: str) -> None:
    blockout = FAMILIES[family](21)
    moments = Moments(blockout)
    weather = Weather()
    tracer = Tracer(find_mitsuba(), blockout, moments.things, moments.poses(), sky_of(weather), weather)
    rng = np.random.default_rng(5)
    scores = [quality(drawn_path(kind, blockout.room, tracer, rng, 9, TAN), tracer, TAN) for kind in PATHS]
    assert min(scores) > 0.5
    buried = [CameraKey((0.0, -0.1, 0.0), (0.0, -0.1, -1.0))]
    assert quality(buried, tracer, TAN) < min(scores)


@WITHOUT_MITSUBA
def test_the_planes_are_those_that_the_embedded_engine_gives() -> None:
    """Of the same world, moment and pose; rounded shapes differ by their triangles alone."""
    blockout, width, height = court(6), 96, 54
    blockout = Blockout(blockout.world, (), blockout.lamps, blockout.room)
    engine = EmbeddedEngine(blockout.world, width, height)
    moments = Moments(blockout)
    key, before_key = blockout.world.camera(0.8), blockout.world.camera(0.7)
    for dt_s in (0.7, 0.1):
        before = moments.poses()
        engine.step(dt_s)
        moments.step(dt_s)
    engine.look(key, cut=False)
    layouts = pack_layouts(FORMATS, width, height)
    wanted = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(wanted)
    weather = Weather()
    tracer = Tracer(find_mitsuba(), blockout, moments.things, moments.poses(), sky_of(weather), weather)
    view = view_of(key, before_key, width, height, blockout.world.vertical_fov_deg, blockout.world.far_m)
    got = engine_planes(view, tracer, moments.things, moments.poses(), before, blockout.world.sun)
    same = got[PlaneName.OBJECT] == wanted[PlaneName.OBJECT]
    assert same.mean() > 0.99
    assert got.keys() == wanted.keys()
    tolerances = {PlaneName.DEPTH: 0.03, PlaneName.NORMAL: 0.06, PlaneName.COLOR: 0.03, PlaneName.MOTION: 0.002,
                  PlaneName.ALBEDO: 1e-3, PlaneName.MATERIAL: 1e-3}  # fmt: skip
    for name, tolerance in tolerances.items():
        a, b = (np.nan_to_num(p[name][same].astype(np.float64), posinf=0.0) for p in (got, wanted))
        assert got[name].dtype == wanted[name].dtype
        assert got[name].shape == wanted[name].shape
        assert (np.abs(a - b).reshape(len(a), -1).max(axis=1) < tolerance).mean() > 0.985, name
    assert (got[PlaneName.LABEL][same] == wanted[PlaneName.LABEL][same]).all()


def surfaces(weather: Weather, position_m: np.ndarray, label: Label, *, open_above: bool = True, seed: int = 5,
             footprint_m: float = 0.01) -> np.ndarray:  # fmt: skip
    """Albedo of upward-facing points of a grey thing."""
    n = len(position_m)
    up = np.broadcast_to(np.array([0.0, 1.0, 0.0], np.float32), (n, 3)).copy()
    grey = np.full((n, 3), 0.3, np.float32)
    rough = np.tile(np.array([0.85, 0.0], np.float32), (n, 1))
    made = paint(position_m.astype(np.float32), up, up, np.full(n, int(label), np.uint8), grey, rough,
                 np.full(n, footprint_m, np.float32), np.full(n, open_above), seed, weather)  # fmt: skip
    assert np.isfinite(made.normal).all()
    assert np.linalg.norm(made.normal, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert ((made.albedo > 0.0) & (made.albedo < 1.0)).all()
    assert ((made.roughness >= 0.03) & (made.roughness <= 1.0)).all()
    return made.albedo


@pytest.fixture
def places() -> np.ndarray:
    return np.random.default_rng(2).uniform(-20.0, 20.0, (3000, 3))


@pytest.mark.parametrize("label", list(Label))
def test_every_label_has_a_texture_that_depends_on_place_and_seed_alone(label: Label, places: np.ndarray) -> None:
    first = surfaces(Weather(), places, label)
    np.testing.assert_array_equal(first, surfaces(Weather(), places, label))
    if label not in (Label.LIGHT, Label.METAL):  # lamps are plain; what metal shows is its mirror
        assert first.std(axis=0).max() > 0.002
        assert not np.array_equal(first, surfaces(Weather(), places, label, seed=6))
    if label != Label.METAL:
        assert 0.12 < first.mean() < 0.5  # about the engine's own grey of 0.3


def test_texture_fades_before_it_can_shimmer(places: np.ndarray) -> None:
    near, far = (surfaces(Weather(), places, Label.WALL, footprint_m=size).std() for size in (0.005, 2.0))
    assert far < 0.5 * near


def test_snow_covers_what_is_open_to_the_sky_and_nothing_else(places: np.ndarray) -> None:
    weather = Weather(snow=1.0)
    assert surfaces(weather, places, Label.STONE).mean() > 0.7
    sheltered = surfaces(weather, places, Label.STONE, open_above=False)
    np.testing.assert_array_equal(sheltered, surfaces(Weather(), places, Label.STONE, open_above=False))


def test_rain_darkens_and_autumn_reddens(places: np.ndarray) -> None:
    dry, wet = (surfaces(Weather(wetness=w), places, Label.GROUND) for w in (0.0, 1.0))
    assert wet.mean() < 0.85 * dry.mean()
    green, red = (surfaces(Weather(autumn=a), places, Label.GROUND).mean(axis=0) for a in (0.0, 1.0))
    assert red[0] / red[2] > 1.15 * green[0] / green[2]


@pytest.mark.parametrize("elevation_deg", [60.0, 30.0, 8.0, 1.0, -3.0, -12.0])
@pytest.mark.parametrize("cloud", [0.0, 0.5, 1.0])
def test_the_sky_is_neither_black_nor_burnt_at_any_hour(elevation_deg: float, cloud: float) -> None:
    sky = sky_of(Weather(sun_elevation_deg=elevation_deg, cloud=cloud))
    assert np.isfinite(sky.table).all()
    assert (sky.table > 0.0).all()
    level = float((sky.ambient + sky.sun * max(0.0, sky.to_sun[1]) / np.pi).mean())
    assert (0.02 if elevation_deg < -5.0 else 0.1) < level < 2.5


def test_the_sun_is_redder_the_lower_it_stands_and_gone_behind_clouds() -> None:
    high, low = (sky_of(Weather(sun_elevation_deg=e)).sun for e in (50.0, 4.0))
    assert low[0] / low[2] > 2.0 * high[0] / high[2]
    assert sky_of(Weather(cloud=1.0)).sun.max() == 0.0
    brightest = sky_of(Weather(sun_azimuth_deg=90.0, sun_elevation_deg=30.0, cloud=0.0)).table.sum(axis=2).argmax()
    assert (brightest % 96 + 0.5) / 96.0 * 360.0 == pytest.approx(90.0, abs=15.0)


def test_every_kind_of_weather_is_within_its_ranges_and_has_words() -> None:
    rng = np.random.default_rng(3)
    for kind in KINDS * 20:
        weather = drawn(kind, rng)
        assert all(0.0 <= getattr(weather, n) <= 1.0 for n in ("cloud", "fog", "wetness", "snow", "autumn"))
        assert weather.night == (kind == "night")
        assert all(words_of("street", weather, rng, 3))
    assert any("snow" in w or "winter" in w for w in words_of("street", Weather(snow=1.0), rng, 4))


def test_the_plan_interleaves_families_and_weathers_and_keeps_one_family_for_the_test() -> None:
    plans = [planned(n) for n in range(240)]
    assert len({p.name for p in plans}) == len(plans)
    assert {p.family for p in plans if p.split != "test"} == set(SEEN)
    assert UNSEEN in {p.family for p in plans if p.split == "test"}
    early = [p for p in plans[:60] if p.split == "train"]
    assert len({(p.family, p.kind) for p in early}) == len(SEEN) * len(KINDS)
    seeds = {split: {p.seed for p in plans if p.split == split} for split in ("train", "validation", "test")}
    assert not seeds["train"] & seeds["validation"]
    assert not seeds["test"] & (seeds["train"] | seeds["validation"])


def test_a_tested_world_is_seen_twice_with_one_thing_changed() -> None:
    for block in range(2 * len(CHANGES)):
        base, changed = planned(20 * block + 18), planned(20 * block + 19)
        assert (base.seed, base.family, base.path, base.base) == (
            changed.seed,
            changed.family,
            changed.path,
            changed.base,
        )
        assert base.weather == base.base
        differing = {n for n in vars(base.weather) if getattr(base.weather, n) != getattr(changed.weather, n)}
        assert len(differing) == 1
        assert world_of(base.number) == world_of(changed.number) != world_of(base.number + 20)


def test_far_up_the_numbers_a_tested_world_is_seen_in_every_change() -> None:
    block = 1 + len(CHANGES)
    for first in (EVERY_CHANGE, EVERY_CHANGE + 5 * block):
        base, *changed = (planned(first + k) for k in range(block))
        assert [p.kind for p in (base, *changed)] == ["base", *(name for name, _ in CHANGES)]
        assert {(p.seed, p.family, p.path, p.split) for p in changed} == {(base.seed, base.family, base.path, "test")}
        assert all(p.weather == replace(base.weather, **dict(CHANGES)[p.kind]) != base.weather for p in changed)
        assert {world_of(first + k) for k in range(block)} == {first}
    assert planned(EVERY_CHANGE + 5 * block).seed == planned(118).seed  # the same worlds as the pairs
