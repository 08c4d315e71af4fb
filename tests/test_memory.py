"""Where a cell of memory was a frame ago: found by motion or by pose, and only trusted where it is the same place."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from bridge.schema import Camera, Pose, Quat, Vec3
from renderer.models.limn.memory import carried, traced_back

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


def traced(now: Pose, then: Pose, depth: F32, before: F32, motion: F32 | None = None,
           moving: NDArray[np.bool_] | None = None) -> F32:  # fmt: skip
    camera = Camera(world_from_camera=now, previous_world_from_camera=then, projection=PROJECTION)
    return traced_back(camera, then, depth, before, CELL, SHAPE, motion, moving)


def own() -> NDArray[np.float64]:
    """Column and row of every cell."""
    return np.stack(np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]), indexing="xy"), axis=-1).astype(np.float64)


def test_what_stands_still_before_a_camera_that_stands_still_is_where_it_was() -> None:
    back = traced(pose(), pose(), wall(5.0), wall(5.0))
    assert_allclose(back[..., :2], own(), atol=1e-5)
    assert (back[..., 2] == 1).all()


def test_a_camera_that_moves_aside_finds_the_wall_by_its_pose() -> None:
    # 1 m to the right at 4 m is a quarter of the half width: 4 pixels, 2 cells.
    back = traced(pose((1.0, 0.0, 0.0)), pose(), wall(4.0), wall(4.0))
    assert_allclose(back[..., 0] - own()[..., 0], 2.0, atol=1e-4)
    assert (back[:, :13, 2] == 1).all()
    assert (back[:, 14:, 2] == 0).all()  # from beyond the old picture's edge


def test_the_engines_motion_goes_before_the_pose() -> None:
    motion = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    motion[..., 1] = -4.0 / HEIGHT  # it was four pixels higher
    back = traced(pose(), pose(), wall(5.0), wall(5.0), motion)
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
    back = traced(pose(), pose(), wall(5.0), before)
    assert (back[:, 5:10, 2] == 0).all()
    assert (back[:, :5, 2] == 1).all()


def test_sky_is_only_found_in_sky() -> None:
    now, before = wall(math.inf), wall(math.inf)
    before[:8] = 9.0
    back = traced(pose(angle=0.02), pose(), now, before)
    assert (back[:4, 2:-2, 2] == 0).all()
    assert (back[4:, 2:-2, 2] == 1).all()
    assert back[6, 8, 0] < 8.0  # turned to the left, so it was farther left


def test_without_motion_things_that_move_are_not_trusted() -> None:
    moving = np.zeros((HEIGHT, WIDTH), np.bool_)
    moving[:, :8] = True
    back = traced(pose(), pose(), wall(5.0), wall(5.0), None, moving)
    assert (back[:, :4, 2] == 0).all()
    assert (back[:, 4:, 2] == 1).all()


def test_what_lies_behind_the_old_camera_is_not_trusted() -> None:
    back = traced(pose((0.0, 0.0, 20.0)), pose(), wall(5.0), wall(5.0))
    assert np.isfinite(back).all()
    assert (back[..., 2] == 0).all()


@pytest.mark.parametrize("shift", [(1, 0), (0, 2), (-3, 1)])
def test_memory_is_carried_by_whole_cells_as_it_is(shift: tuple[int, int]) -> None:
    memory = torch.arange(2 * 8 * 16, dtype=torch.float32).reshape(1, 2, 8, 16)
    place = torch.from_numpy(np.concatenate([own() + np.array(shift), np.ones((*SHAPE, 1))], axis=-1)).float()[None]
    moved, trust = carried(memory, place)
    x, y = shift
    torch.testing.assert_close(moved[0, :, 3, 5], memory[0, :, 3 + y, 5 + x], atol=1e-4, rtol=0)
    assert trust.shape == (1, 1, 8, 16)
