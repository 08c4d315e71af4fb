"""Texture sticks to the world and to the bodies in it, and fades before it can shimmer."""

from __future__ import annotations

import math

import numpy as np
import torch

from bridge.schema import Bodies, Camera, Label, Pose, Quat, Vec3
from renderer.models.limn.anchor import anchored
from renderer.models.limn.basis import detail, hash01, value_noise
from renderer.models.limn.sky import SKIES, light_of, sky_radiance

PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
QUARTER_TURN: Quat = (0.0, math.sqrt(0.5), 0.0, math.sqrt(0.5))  # about +Y


def camera(position_m: Vec3) -> Camera:
    pose = Pose(position_m=position_m)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)


def wall_point(eye_m: Vec3, pixel_x: int) -> torch.Tensor:
    """Where the pixel of a 16x16 view sees the wall z = -4."""
    depth = torch.full((16, 16), 4.0 + eye_m[2])
    normal = torch.zeros(3, 16, 16)
    normal[2] = 1.0
    place = anchored(camera(eye_m), Bodies(), depth, normal, torch.ones(16, 16, dtype=torch.int64))
    return place.anchor_m[:, 8, pixel_x]


def test_two_cameras_see_the_same_point_in_the_same_place() -> None:
    # One pixel is 1/8 of the depth: at 4 m moving 0.5 m to the right shifts the wall by one pixel.
    torch.testing.assert_close(wall_point((0.0, 0.0, 0.0), 9), wall_point((0.5, 0.0, 0.0), 8))


def body(position_m: Vec3, orientation: Quat) -> Bodies:
    pose = np.array([[*position_m, *orientation]], "<f8").tobytes()
    return Bodies(
        count=1, ids=np.array([5], "<u4").tobytes(), labels=bytes(1), poses=pose, previous_poses=pose,
        velocities=bytes(24),
    )  # fmt: skip


def test_a_point_on_a_body_keeps_its_place_when_the_body_moves_and_turns() -> None:
    objects = torch.full((1, 1), 5, dtype=torch.int64)
    eye = camera((0.0, 0.0, 0.0))
    # The centre pixel looks down -Z; the body's face towards the camera is its own +Z, then, turned, its own -X.
    before = anchored(eye, body((0.0, 0.0, -5.0), (0, 0, 0, 1)), torch.tensor([[4.0]]), _facing(), objects)
    turned = anchored(eye, body((0.0, 0.0, -9.0), QUARTER_TURN), torch.tensor([[8.0]]), _facing(), objects)
    torch.testing.assert_close(before.anchor_m[:, 0, 0], torch.tensor([0.0, 0.0, 1.0]))
    torch.testing.assert_close(turned.anchor_m[:, 0, 0], torch.tensor([-1.0, 0.0, 0.0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(turned.anchor_normal[:, 0, 0], torch.tensor([-1.0, 0.0, 0.0]), atol=1e-6, rtol=0)


def _facing() -> torch.Tensor:
    return torch.tensor([0.0, 0.0, 1.0]).reshape(3, 1, 1)


def test_an_object_without_a_body_stays_in_the_world() -> None:
    objects = torch.full((1, 1), 6, dtype=torch.int64)
    place = anchored(
        camera((0.0, 0.0, 0.0)), body((0.0, 0.0, -5.0), QUARTER_TURN), torch.tensor([[4.0]]), _facing(), objects
    )
    torch.testing.assert_close(place.anchor_m[:, 0, 0], torch.tensor([0.0, 0.0, -4.0]))


def spread(label: Label, footprint_m: float) -> float:
    x, y = torch.meshgrid(torch.linspace(-3, 3, 64), torch.linspace(-3, 3, 64), indexing="ij")
    position, normal = torch.stack([x, y, torch.zeros_like(x)]), torch.zeros(3, 64, 64)
    normal[2] = 1.0
    labels = torch.full((64, 64), int(label), dtype=torch.uint8)
    return float(detail(position, normal, labels, torch.full((64, 64), footprint_m)).std())


def test_texture_fades_where_a_pixel_covers_it() -> None:
    for label in (Label.GROUND, Label.WALL, Label.WOOD, Label.FOLIAGE):
        assert spread(label, 0.005) > 0.05
        assert spread(label, 8.0) < 1e-3


def test_labels_beyond_the_table_are_plain_and_finite() -> None:
    assert math.isfinite(spread(Label.VEHICLE, 0.01))
    labels = torch.tensor([[255]], dtype=torch.uint8)
    assert torch.isfinite(detail(torch.ones(3, 1, 1), torch.ones(3, 1, 1), labels, torch.ones(1, 1))).all()


def test_noise_and_hash_stay_in_range() -> None:
    u = torch.linspace(-1e4, 1e4, 4096)
    noise = value_noise(u, -u * 0.7, 3)
    assert float(noise.abs().max()) <= 1.0
    assert abs(float(noise.mean())) < 0.1
    cells = torch.arange(-2000, 2000, dtype=torch.int32)
    values = hash01(cells, cells * 7, 1)
    assert float(values.min()) >= 0.0
    assert float(values.max()) <= 1.0
    assert abs(float(values.mean()) - 0.5) < 0.03


def test_every_sky_is_finite_and_the_dusk_sun_is_low() -> None:
    direction = torch.nn.functional.normalize(torch.randn(3, 500), dim=0)
    for sky in SKIES:
        light = light_of(sky, 200.0, 50.0)
        assert torch.isfinite(sky_radiance(direction, light)).all()
        assert math.isclose(sum(v * v for v in light.to_sun), 1.0, rel_tol=1e-9)
    assert light_of("dusk", 200.0, 50.0).to_sun[1] < 0.2
