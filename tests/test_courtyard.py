"""The courtyard: the same seed is the same court, different seeds differ, and the camera has a good walk."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine.courtyard import PERIOD_S, courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.physics import Physics, rotation_of
from bridge.engine.world import Primitive
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Label, PlaneName

SEEDS = range(8)
F64 = NDArray[np.float64]


def distance_m(p: Primitive, position: F64, rotation: F64, point: F64) -> float:
    """From a point to a primitive's surface; 0 or less inside."""
    x, y, z = rotation.T @ (point - position)
    a, b, _ = p.size_m
    if p.shape == "box":
        return float(np.linalg.norm(np.maximum(np.abs((x, y, z)) - p.size_m, 0.0)))
    if p.shape == "cylinder":
        return float(np.hypot(max(np.hypot(x, y) - a, 0.0), max(abs(z) - b, 0.0)))
    reach = b if p.shape == "capsule" else 0.0
    return float(np.linalg.norm((x, y, max(abs(z) - reach, 0.0)))) - a


def test_the_same_seed_is_the_same_court() -> None:
    a, b = courtyard(3), courtyard(3)
    assert a.primitives == b.primitives
    assert a.sun == b.sun
    assert [a.camera(t) for t in (0.0, 3.3, 12.0)] == [b.camera(t) for t in (0.0, 3.3, 12.0)]


def test_other_seeds_are_other_courts() -> None:
    courts = [courtyard(seed) for seed in SEEDS]
    assert len({c.primitives for c in courts}) == len(courts)
    assert len({c.sun.azimuth_deg < 180.0 for c in courts}) == 2  # the arcade is left in some and right in others
    assert len({len(c.primitives) for c in courts}) > 1  # three arches or four


@pytest.mark.parametrize("seed", SEEDS)
def test_a_court_is_complete_and_within_its_budget(seed: int) -> None:
    court = courtyard(seed)
    assert len(court.bodies) == 44
    assert len(court.primitives) <= 135
    assert sorted(p.object_id for p in court.primitives) == list(range(1, len(court.primitives) + 1))
    assert {p.shape for p in court.bodies} == {"box", "sphere", "capsule", "cylinder"}
    wanted = {Label.GROUND, Label.WALL, Label.STONE, Label.ROOF, Label.WOOD, Label.METAL, Label.FABRIC, Label.FOLIAGE,
              Label.PLASTIC, Label.WATER, Label.GLASS, Label.LIGHT}  # fmt: skip
    assert {p.label for p in court.primitives} == wanted
    assert all(0.0 < c <= 1.0 for p in court.primitives for c in p.albedo)
    assert all(abs(np.linalg.norm(p.orientation) - 1.0) < 1e-12 for p in court.primitives)


@pytest.mark.parametrize("seed", range(30))
def test_nothing_starts_inside_another_thing(seed: int) -> None:
    contacts = Physics(courtyard(seed)).data.contact
    assert (contacts.dist > -0.02).all()  # metres between surfaces, negative inside


@pytest.mark.parametrize("seed", SEEDS)
def test_the_camera_comes_back_to_where_it_started(seed: int) -> None:
    path = courtyard(seed).camera
    assert path(0.0) == path(PERIOD_S) == path(7 * PERIOD_S)
    eyes = np.array([path(t).eye_m for t in np.arange(0.0, PERIOD_S, 0.1)])
    assert np.linalg.norm(eyes - eyes[0], axis=1).max() > 3.0
    assert np.linalg.norm(np.diff(eyes, axis=0), axis=1).max() < 0.4  # no faster than a run


def test_the_engine_s_camera_is_back_after_300_frames_to_the_bit() -> None:
    engine = EmbeddedEngine(courtyard(1), 16, 9)
    start = engine.camera().world_from_camera
    for _ in range(300):
        engine.step(1.0 / 30.0)
    assert engine.camera().world_from_camera == start


@pytest.mark.parametrize("seed", SEEDS)
def test_the_camera_looks_away_and_back_without_whipping(seed: int) -> None:
    path = courtyard(seed).camera
    keys = [path(t) for t in np.arange(0.0, PERIOD_S, 0.1)]
    ahead = np.array([np.subtract(k.target_m, k.eye_m) for k in keys])
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    heading = np.unwrap(np.arctan2(ahead[:, 0], -ahead[:, 2]))
    assert np.ptp(heading) > np.radians(50.0)
    assert np.abs(np.diff(heading)).max() < np.radians(6.5)  # per tenth of a second


@pytest.mark.parametrize("seed", [0, 5])
def test_nothing_ever_touches_the_camera(seed: int) -> None:
    engine = EmbeddedEngine(courtyard(seed), 16, 9)
    rotations = {p.object_id: rotation_of(p.orientation) for p in engine.world.primitives}
    for frame in range(120):
        eye = np.array(engine.camera().world_from_camera.position_m)
        poses = engine.poses()
        for p in engine.world.primitives:
            position, (x, y, z, w) = poses[p.object_id]
            if np.linalg.norm(position - eye) < 3.0 or not p.moves:
                rotation = rotation_of((x, y, z, w)) if p.moves else rotations[p.object_id]
                assert distance_m(p, position, rotation, eye) > 0.3, (frame, p)
        engine.step(0.1)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_view_has_sky_ground_and_something_near(seed: int) -> None:
    engine = EmbeddedEngine(courtyard(seed), 64, 36)
    for _ in range(10):
        planes = planes_of(engine)
        label, depth = planes[PlaneName.LABEL], planes[PlaneName.DEPTH]
        assert 0.03 < (label == Label.SKY).mean() < 0.5
        assert (label == Label.GROUND).mean() > 0.1
        assert len(np.unique(planes[PlaneName.OBJECT])) > 15
        assert 0.5 < depth.min() < 6.0
        engine.step(1.0)


def test_things_keep_happening_for_ten_seconds() -> None:
    engine = EmbeddedEngine(courtyard(1), 16, 9)
    for second in range(10):
        engine.step(1.0)
        velocity = np.frombuffer(engine.bodies().velocities, "<f4").reshape(-1, 6)
        assert (np.linalg.norm(velocity[:, :3], axis=1) > 0.2).sum() >= 5, second


@pytest.mark.parametrize("seed", [0, 5])
def test_bodies_stay_in_the_court(seed: int) -> None:
    engine = EmbeddedEngine(courtyard(seed), 16, 9)
    engine.settle(15.0)
    places = np.array([engine.poses()[p.object_id][0] for p in engine.world.bodies])
    assert (places[:, 1] > -0.05).all()
    assert (np.abs(places[:, (0, 2)]).max(axis=1) < 11.0).mean() > 0.97


def planes_of(engine: EmbeddedEngine) -> PlaneViews:
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(planes)
    return planes
