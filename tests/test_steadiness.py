"""Where a cell of a picture was a frame ago: found by motion, and only trusted where it is the same place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from bridge.schema import Camera, Pose, Quat, Vec3
from renderer.training.steadiness import carried, traced_back

PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
HEIGHT, WIDTH, CELL = 16, 32, 2
SHAPE = (HEIGHT // CELL, WIDTH // CELL)
F32 = NDArray[np.float32]


def turned(angle: float) -> Quat:
    return (0.0, math.sin(angle / 2), 0.0, math.cos(angle / 2))


def pose(position_m: Vec3 = (0.0, 0.0, 0.0), angle: float = 0.0) -> Pose:
    return Pose(position_m=position_m, orientation=turned(angle))


def wall(depth_m: float) -> F32:
    return np.full((HEIGHT, WIDTH), depth_m, np.float32)


def moved(columns: float = 0.0, rows: float = 0.0) -> F32:
    """Motion of so many pixels: to where things were."""
    return np.full((HEIGHT, WIDTH, 2), (columns / WIDTH, rows / HEIGHT), np.float32)


def traced(now: Pose, then: Pose, depth: F32, before: F32, motion: F32) -> F32:
    camera = Camera(world_from_camera=now, previous_world_from_camera=then, projection=PROJECTION)
    return traced_back(camera, depth, before, CELL, SHAPE, motion)


def own() -> NDArray[np.float64]:
    """Column and row of every cell."""
    return np.stack(np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]), indexing="xy"), axis=-1).astype(np.float64)


def test_what_stands_still_before_a_camera_that_stands_still_is_where_it_was() -> None:
    back = traced(pose(), pose(), wall(5.0), wall(5.0), moved())
    assert_allclose(back[..., :2], own(), atol=1e-5)
    assert (back[..., 2] == 1).all()


def test_a_camera_that_comes_nearer_finds_the_wall_where_it_was_farther() -> None:
    assert (traced(pose((0.0, 0.0, -2.0)), pose(), wall(5.0), wall(7.0), moved())[..., 2] == 1).all()
    assert (traced(pose((0.0, 0.0, -2.0)), pose(), wall(5.0), wall(5.0), moved())[..., 2] == 0).all()


def test_places_are_found_by_motion() -> None:
    back = traced(pose(), pose(), wall(5.0), wall(5.0), moved(rows=-4.0))  # it was four pixels higher
    assert_allclose(own()[..., 1] - back[..., 1], 2.0, atol=1e-5)
    assert (back[:2, :, 2] == 0).all()
    assert (back[3:, :, 2] == 1).all()


def test_motion_that_is_unknown_is_not_trusted() -> None:
    motion = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    motion[4:8] = np.nan
    back = traced(pose(), pose(), wall(5.0), wall(5.0), motion)
    assert np.isfinite(back).all()
    assert (back[2:4, :, 2] == 0).all()


def test_what_was_hidden_is_not_trusted() -> None:
    before = wall(5.0)
    before[:, 10:20] = 2.0  # something stood before the wall there
    back = traced(pose(), pose(), wall(5.0), before, moved())
    assert (back[:, 5:10, 2] == 0).all()
    assert (back[:, :5, 2] == 1).all()


def test_sky_is_only_found_in_sky() -> None:
    now, before = wall(math.inf), wall(math.inf)
    before[:8] = 9.0
    back = traced(pose(), pose(), now, before, moved(-1.0))
    assert (back[:4, 2:-2, 2] == 0).all()
    assert (back[4:, 2:-2, 2] == 1).all()


def test_what_lies_behind_the_old_camera_is_not_trusted() -> None:
    back = traced(pose((0.0, 0.0, 20.0)), pose(), wall(5.0), wall(5.0), moved())
    assert np.isfinite(back).all()
    assert (back[..., 2] == 0).all()


@pytest.mark.parametrize("shift", [(1, 0), (0, 2), (-3, 1)])
def test_cells_are_carried_by_whole_cells_as_they_are(shift: tuple[int, int]) -> None:
    before = torch.arange(2 * 8 * 16, dtype=torch.float32).reshape(1, 2, 8, 16)
    place = torch.from_numpy(np.concatenate([own() + np.array(shift), np.ones((*SHAPE, 1))], axis=-1)).float()[None]
    after, trust = carried(before, place)
    x, y = shift
    torch.testing.assert_close(after[0, :, 3, 5], before[0, :, 3 + y, 5 + x], atol=1e-4, rtol=0)
    assert trust.shape == (1, 1, 8, 16)
