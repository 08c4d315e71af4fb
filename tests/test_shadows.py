"""What a picture's own depth says of its light: a box on a floor, whose shadow, corners and lamp are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.schema import Camera, Label, Pose
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.shadows import SHADES, Cells, cells_of, grid_of, lamps_of, spread, sun_of
from renderer.models.limn.weather import Weather

F32 = NDArray[np.float32]
WIDTH, HEIGHT, CELL = 160, 96, 2
EYE_M = np.array([0.0, 1.5, 3.0])
LEAST_M, MOST_M = np.array([-0.5, 0.0, -1.5]), np.array([0.5, 1.0, -0.5])  # of the box
PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, WIDTH / HEIGHT, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
POSE = Pose(position_m=(0.0, 1.5, 3.0))
CAMERA = Camera(world_from_camera=POSE, previous_world_from_camera=POSE, projection=PROJECTION)
FROM_THE_LEFT = light_of(Weather(sun_azimuth_deg=270.0, sun_elevation_deg=45.0), 1)
REACHES, KNOWN, NEARBY, AROUND, LAMPLIGHT = range(SHADES)


def scene() -> tuple[F32, F32]:
    """Depth [H, W] and normals [H, W, 3] of a box on an endless floor under the sky."""
    u = (np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1
    v = (1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2) * HEIGHT / WIDTH
    ray = np.stack(np.broadcast_arrays(u[None], v[:, None], -1.0), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (LEAST_M - EYE_M) / ray, (MOST_M - EYE_M) / ray
        into, out = np.minimum(a, b), np.maximum(a, b).min(axis=-1)
        floor = np.where(ray[..., 1] < 0, -EYE_M[1] / ray[..., 1], np.inf)
    enters = into.max(axis=-1)
    box = (enters < out) & (enters > 0) & (enters < floor)
    depth = np.where(box, enters, floor).astype(np.float32)
    depth[depth > 60.0] = np.inf
    normal = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    normal[..., 1] = 1.0
    side = into.argmax(axis=-1)
    for axis in range(3):
        pixels = box & (side == axis)
        normal[pixels] = 0.0
        normal[pixels, axis] = -np.sign(ray[pixels][:, axis])
    return depth, normal


def shaded(light: Light = FROM_THE_LEFT, lamp: bool = False) -> tuple[Cells, F32]:
    """The scene's cells, and its shades [H, W, SHADES]; with `lamp` the box is a light."""
    depth, normal = scene()
    grid = grid_of(CAMERA, depth, normal, CELL)
    on_box = (normal[..., 1] < 0.5) | (np.abs(at(depth)[1] - 1.0) < 0.01)
    label = np.where(lamp & on_box, int(Label.LIGHT), int(Label.GROUND)).astype(np.uint8)
    cells = cells_of(grid, sun_of(CAMERA, light), lamps_of(grid, label, on_box.astype(np.uint32), light))
    return cells, spread(cells, depth)


def at(depth: F32) -> tuple[NDArray[np.float64], ...]:
    """World coordinates of the pixels."""
    u, v = (np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1, (1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2) * HEIGHT / WIDTH
    far = np.where(np.isfinite(depth), depth, 0.0)
    return u[None] * far, v[:, None] * far + np.float32(1.5), 3.0 - far


def pixel(x_m: float, y_m: float, z_m: float) -> tuple[int, int]:
    """Row and column in which a point is seen."""
    x, y, z = np.array([x_m, y_m, z_m]) - EYE_M
    return int((1 - y / -z * WIDTH / HEIGHT) / 2 * HEIGHT), int((x / -z + 1) / 2 * WIDTH)


@pytest.mark.parametrize(("x_m", "reaches"), [(-1.5, 1.0), (-0.7, 1.0), (0.7, 0.0), (1.1, 0.0), (2.2, 1.0)])
def test_the_box_throws_its_shadow_away_from_the_sun_and_as_long_as_it_is_high(x_m: float, reaches: float) -> None:
    _, shades = shaded()
    assert shades[(*pixel(x_m, 0.0, -0.7), REACHES)] == pytest.approx(reaches, abs=0.02)


def test_a_side_that_turns_away_from_the_sun_is_not_reached() -> None:
    behind = light_of(Weather(sun_azimuth_deg=0.0, sun_elevation_deg=30.0), 1)  # over the box, against the camera
    _, shades = shaded(behind)
    assert shades[(*pixel(0.0, 0.5, -0.5), REACHES)] == 0.0
    assert shades[(*pixel(-2.0, 0.0, -1.0), REACHES)] == 1.0


def test_a_way_that_leaves_the_picture_is_known_so_far_only() -> None:
    _, shades = shaded()
    assert shades[(*pixel(-2.6, 0.0, -1.0), KNOWN)] < shades[(*pixel(2.2, 0.0, -1.0), KNOWN)] < 1.0
    assert shades[(*pixel(0.9, 0.0, -0.7), KNOWN)] == 1.0  # what is met is known


def test_it_is_less_open_where_box_and_floor_meet() -> None:
    _, shades = shaded()
    corner, beside, free = (pixel(0.0, 0.0, z_m) for z_m in (-0.45, 0.0, 0.4))
    assert shades[(*corner, NEARBY)] < 0.9 < shades[(*beside, NEARBY)]
    assert shades[(*corner, AROUND)] < shades[(*beside, AROUND)] < shades[(*free, AROUND)]


def test_lamplight_falls_on_what_faces_the_lamp_and_fades_with_distance() -> None:
    night = light_of(Weather(sun_elevation_deg=-20.0), 1)
    _, dark = shaded(night)
    _, lit = shaded(night, lamp=True)
    near, far = (lit[(*pixel(0.0, 0.0, z_m), LAMPLIGHT)] for z_m in (0.0, 0.4))
    none = np.log(0.01) * 0.25
    assert near > far > none
    assert dark[np.isfinite(scene()[0]), LAMPLIGHT] == pytest.approx(none, abs=1e-3)


def test_the_light_of_a_lamp_is_its_seen_area_over_the_square_of_the_distance() -> None:
    depth, normal = scene()
    grid = grid_of(CAMERA, depth, normal, CELL)
    on_box = np.abs(at(depth)[2] + 0.5) < 1e-3  # the box's front: 1 m by 1 m, seen straight
    lamps = lamps_of(grid, np.where(on_box, np.uint8(Label.LIGHT), np.uint8(0)), on_box.astype(np.uint32),
                     FROM_THE_LEFT)  # fmt: skip
    luminance = float(FROM_THE_LEFT.lamp @ np.array([0.2126, 0.7152, 0.0722]))
    assert lamps.power[0] / luminance == pytest.approx(1.0, rel=0.08)
    np.testing.assert_allclose(lamps.place_m[0], [0.0, -1.0, -3.5], atol=0.06)


def test_the_sky_has_no_shades_and_lends_none_to_its_neighbours() -> None:
    cells, shades = shaded()
    depth, _ = scene()
    assert not shades[np.isinf(depth)].any()
    assert not cells.shades[np.isinf(cells.depth_m)].any()
    top = pixel(0.0, 0.98, -0.5)
    assert shades[(*top, NEARBY)] > 0.9


def test_shades_do_not_run_from_one_depth_to_another() -> None:
    cells, _ = shaded()
    depth = np.where(np.arange(WIDTH) < 75, np.float32(2.0), np.float32(9.0))[None].repeat(HEIGHT, 0)
    few = depth[1::CELL, 1::CELL]
    apart = replace(cells, depth_m=few, shades=(few[..., None] < 5.0).astype(np.float32).repeat(SHADES, 2))
    out = spread(apart, depth)
    assert (out[depth < 5.0] > 0.99).all()
    assert (out[depth > 5.0] < 0.01).all()
