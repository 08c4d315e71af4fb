"""Picture and noise of the last frame are found where their points are now."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.reproject import View
from bridge.schema import Bodies, Camera, Pose
from bridge.spaces import gl_projection
from renderer.adapters.condition import Span
from renderer.adapters.past import Past, noise_before, picture_before

WIDTH, HEIGHT, WALL_M = 96, 64, 4.0
CELL = 8
PIXEL_M = WALL_M * 2.0 / HEIGHT * float(np.tan(np.radians(30.0)))  # on the wall; the camera sees 60 degrees of height


def view(number: int, right_px: float) -> View:
    """A wall across the picture, from a camera that many of its pixels to the right."""
    pose = Pose(position_m=(right_px * PIXEL_M, 0.0, 0.0))
    projection = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
    camera = Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=projection)
    return View(number, camera, Bodies(), np.full((HEIGHT, WIDTH), WALL_M, np.float32))


def noise(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((4, HEIGHT // CELL, WIDTH // CELL), np.float32)


@pytest.mark.parametrize("right_px", [-16, 3, 8])
def test_a_picture_moves_with_the_wall_and_the_rest_is_somewhere_elses(right_px: int) -> None:
    picture = np.random.default_rng(1).uniform(-1.0, 1.0, (3, HEIGHT, WIDTH)).astype(np.float32)
    past = replace(past_of(noise(1)), picture=picture)
    found = picture_before(past, view(2, right_px), np.full_like(picture, 7.0))
    seen = slice(max(0, -right_px), WIDTH - max(0, right_px))
    expected = np.roll(picture, -right_px, axis=2)
    np.testing.assert_allclose(found[..., seen], expected[..., seen], atol=1e-3)
    gone = slice(WIDTH - right_px, WIDTH) if right_px > 0 else slice(0, -right_px)
    assert (found[..., gone] == 7.0).all()


def past_of(before: NDArray[np.float32], off: NDArray[np.float32] | None = None, then: View | None = None) -> Past:
    off = np.zeros((2, *before.shape[1:]), np.float32) if off is None else off
    return Past(np.zeros((3, HEIGHT, WIDTH), np.float32), before, off, then or view(1, 0.0), Span(1.0, 9.0))


@pytest.mark.parametrize("cells", [-2, 0, 1])
def test_noise_moves_with_the_wall_cell_by_cell(cells: int) -> None:
    before, fresh = noise(1), noise(2)
    found, off = noise_before(past_of(before), view(2, cells * CELL), fresh)
    np.testing.assert_allclose(off, 0.0, atol=1e-3)
    columns = before.shape[2]
    for column in range(columns):
        there = column + cells
        expected = before[..., there] if 0 <= there < columns else fresh[..., column]
        np.testing.assert_array_equal(found[..., column], expected)


@pytest.mark.parametrize("step_px", [8.0 / 3.0, 4.0, 1.0])
def test_noise_moves_under_a_slow_camera_too(step_px: float) -> None:
    """Half a cell a frame or less is no cell in any frame, and three in all."""
    first = noise(1)
    past = past_of(first)
    for number in range(1, round(3 * CELL / step_px) + 1):
        here = view(number + 1, step_px * number)
        past = past_of(*noise_before(past, here, noise(number + 1)), here)
    np.testing.assert_array_equal(past.noise[..., :6], first[..., 3:9])


def test_noise_stays_noise_when_the_camera_goes_near() -> None:
    """With repeats a picture would show blocks."""
    before, fresh = noise(1), noise(2)
    past = past_of(before)
    near = Pose(position_m=(0.0, 0.0, -WALL_M / 2.0))
    camera = Camera(world_from_camera=near, previous_world_from_camera=near, projection=past.view.camera.projection)
    here = View(2, camera, Bodies(), np.full((HEIGHT, WIDTH), WALL_M / 2.0, np.float32))
    found, _ = noise_before(past, here, fresh)
    values = found[0].ravel()
    assert len(np.unique(values)) == len(values)
    assert 0.2 < np.isin(values, before[0]).mean() < 0.3  # half the height and half the width of what was seen
