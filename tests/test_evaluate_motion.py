"""Warp error and frames in another order: exact for what sticks to its surface, blind to what came into view."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import small_world as world
from numpy.typing import NDArray

from bridge.schema import PlaneName
from renderer.evaluate.frames import frame_after, frame_of, setting_of, to_and_fro
from renderer.evaluate.motion import Way, warp_error, way_back

F32 = NDArray[np.float32]
MOVES = ((1, 0), (3, 2), (1, 2), (3, 0), (2, 2))  # frame, and the one before it


def way_of(t: int, last: int) -> Way:
    clip = world.clip()
    frame = frame_after(clip, t, last)
    return way_back(frame.planes, frame.camera, frame.bodies, clip.planes[last])


def painted(t: int) -> F32:
    return world.painted(t).astype(np.float32)


@pytest.mark.parametrize(("t", "last"), MOVES)
def test_a_picture_that_sticks_to_its_surfaces_has_no_warp_error(t: int, last: int) -> None:
    assert warp_error(painted(t), painted(last), way_of(t, last)) < 1e-9


def test_a_constant_change_is_its_square() -> None:
    assert warp_error(painted(1) + np.float32(0.1), painted(0), way_of(1, 0)) == pytest.approx(0.01, rel=1e-3)


def test_a_picture_that_sticks_to_the_screen_has_a_warp_error() -> None:
    screen = np.random.default_rng(2).uniform(0.0, 1.0, (world.HEIGHT, world.WIDTH, 3)).astype(np.float32)
    assert warp_error(screen, screen, way_of(1, 0)) > 1e-3


def test_what_came_into_view_is_not_compared() -> None:
    way = way_of(1, 0)
    pixels = np.arange(world.WIDTH) + 0.5
    for i in range(world.HEIGHT):
        for j in np.flatnonzero(way.visible[i]):
            # The thing at a visible pixel lies at the place that it was read from, on both sides.
            at = way.column[i, j]
            near = world.things(0)[i, [int(np.floor(at)), min(int(np.ceil(at)), world.WIDTH - 1)]]
            assert (near == world.things(1)[i, j]).all(), (i, pixels[j])
    uncovered = (world.things(0) == world.BOX_ID) & (world.things(1) != world.BOX_ID)
    assert uncovered.any()
    assert not way.visible[uncovered].any()
    assert way.visible.mean() > 0.85


def test_a_thing_of_the_same_id_at_another_depth_is_not_the_same_place() -> None:
    clip = world.clip()
    frame = frame_of(clip, 1)
    before = dict(clip.planes[0])
    before[PlaneName.DEPTH] = (
        np.where(before[PlaneName.OBJECT] == world.WALL_ID, 1.2, 1.0) * clip.planes[0][PlaneName.DEPTH]
    )
    way = way_back(frame.planes, frame.camera, frame.bodies, before)
    assert not way.visible[world.things(1) == world.WALL_ID].any()
    assert way.visible[world.things(1) == world.BOX_ID].any()


def test_nothing_in_view_gives_no_figure_rather_than_a_perfect_one() -> None:
    clip = world.clip()
    frame = frame_of(clip, 1)
    planes = dict(frame.planes)
    planes[PlaneName.MOTION] = np.full_like(planes[PlaneName.MOTION], np.nan)
    way = way_back(planes, frame.camera, frame.bodies, clip.planes[0])
    assert np.isnan(warp_error(painted(1), painted(0), way))


@pytest.mark.parametrize(("t", "last"), MOVES)
def test_motion_of_frames_in_another_order_follows_from_the_poses(t: int, last: int) -> None:
    frame = frame_after(world.clip(), t, last)
    there = np.abs(frame.planes[PlaneName.MOTION].astype(float) - world.motion(t, last))
    assert there.max() < 1e-3  # half floats near 1
    assert frame.camera.previous_world_from_camera == world.camera(t, last).previous_world_from_camera
    assert frame.bodies == world.bodies(t, last)


def test_a_world_that_stands_still_has_no_motion_at_all() -> None:
    frame = frame_after(world.clip(), 2, 2)
    assert not frame.planes[PlaneName.MOTION].any()
    assert frame.bodies.poses == frame.bodies.previous_poses
    assert not any(frame.bodies.velocities)


def test_a_walk_to_and_fro_takes_one_step_at_a_time_and_ends_where_it_began() -> None:
    walk = list(to_and_fro(4, 20))
    assert len(walk) == 24  # whole laps
    assert walk[0] == (1, 0)
    assert walk[-1] == (0, 1)
    assert all(abs(t - last) == 1 for t, last in walk)
    assert all(step[1] == before[0] for before, step in pairwise(walk))
    assert {t for t, _ in walk} == {0, 1, 2, 3}
    assert list(to_and_fro(1, 3)) == [(0, 0)] * 3


def test_base_weathers_are_told_apart_by_their_sun() -> None:
    from renderer.training.plan import planned

    settings = {setting_of(world.clip(number)) for number in (18, 38, 58, 78)}
    assert settings == {"clear", "golden"}
    assert setting_of(world.clip(19)) == planned(19).kind == "snow"
