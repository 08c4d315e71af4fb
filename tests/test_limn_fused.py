"""limn's fast features are the plain ones, pixel by pixel, whatever the planes hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Bodies, Camera, PlaneName, Pose
from renderer.models.limn import lanes
from renderer.models.limn.features import inputs_of, prepare
from renderer.models.limn.fused import STRIDE_PX, Fused
from renderer.models.limn.sky import SKIES, Light, light_of

PROJECTION = (0.97, 0.0, 0.0, 0.0, 0.0, 1.73, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)


def court(width: int, height: int) -> tuple[PlaneViews, Camera, Bodies]:
    """A frame of the courtyard with bodies on their way."""
    engine = EmbeddedEngine(courtyard(7), width, height)
    for _ in range(20):
        engine.step(1 / 25)
    layouts = pack_layouts(FORMATS, width, height)
    planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
    engine.render(planes)
    return planes, engine.camera(), engine.bodies()


def noise(height: int, width: int, seed: int) -> tuple[PlaneViews, Camera, Bodies]:
    """Planes of anything, in the ranges that planes have, seen by a turned camera far from the origin; two bodies."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(height, width, 4))
    normal /= np.linalg.norm(normal[..., :3], axis=2, keepdims=True)
    depth = rng.uniform(0.3, 90.0, (height, width)).astype(np.float32)
    depth[rng.uniform(size=depth.shape) < 0.2] = np.inf
    turn = rng.normal(size=4)
    x, y, z, w = turn / np.linalg.norm(turn)
    pose = Pose(position_m=(41.0, 1.7, -23.0), orientation=(float(x), float(y), float(z), float(w)))
    poses = np.concatenate([rng.uniform(-30, 30, (2, 3)), [[0, 0, 0, 1], [x, y, z, w]]], axis=1)
    bodies = Bodies(
        count=2, ids=np.array([9, 4], "<u4").tobytes(), labels=bytes(2), poses=poses.astype("<f8").tobytes(),
        previous_poses=poses.astype("<f8").tobytes(), velocities=bytes(48),
    )  # fmt: skip
    planes: PlaneViews = {
        PlaneName.COLOR: rng.gamma(1.0, 0.6, (height, width, 4)).astype(np.float16),
        PlaneName.DEPTH: depth,
        PlaneName.NORMAL: normal.astype(np.float16),
        PlaneName.ALBEDO: rng.uniform(0, 1, (height, width, 4)).astype(np.float16),
        PlaneName.OBJECT: rng.integers(0, 12, (height, width)).astype(np.uint32),
        PlaneName.LABEL: rng.integers(0, 16, (height, width)).astype(np.uint8),
    }
    return planes, Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION), bodies


def both(frame: tuple[PlaneViews, Camera, Bodies], light: Light) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features and guess [H, W, 33] of the fast way and of the plain way."""
    planes, camera, bodies = frame
    height, width = planes[PlaneName.DEPTH].shape
    fused = Fused(width, height)
    with torch.inference_mode():
        fast = fused.features(planes, camera, bodies, light)[0].permute(1, 2, 0).numpy()
        features, guess = prepare(inputs_of(planes, camera, bodies), light)
    plain = torch.cat([features, guess]).permute(1, 2, 0).numpy()
    return np.concatenate([fast[:height, :width], fused.guess], axis=2), plain


def differing(fast: NDArray[np.float32], plain: NDArray[np.float32]) -> float:
    """Share of pixels that differ. Rounding decides on which side of a joint's or a lattice point's edge one falls,
    which a handful of them lie on."""
    return float((~np.isclose(fast, plain, atol=1e-3, rtol=1e-3).all(axis=2)).mean())


@pytest.mark.parametrize("sky", SKIES)
def test_a_courtyard_gives_the_same_features(sky: str) -> None:
    fast, plain = both(court(160, 90), light_of(sky, 150.0, 40.0))
    np.testing.assert_allclose(fast, plain, atol=3e-5, rtol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 64), (17, 65), (40, 130)])
def test_any_planes_of_any_size_give_the_same_features(height: int, width: int) -> None:
    fast, plain = both(noise(height, width, height * width), light_of("day", 30.0, 60.0))
    assert differing(fast, plain) <= 0.002
    np.testing.assert_array_equal(fast[..., 22:30], plain[..., 22:30])


@pytest.mark.parametrize("missing", [PlaneName.ALBEDO, PlaneName.LABEL])
def test_an_optional_plane_may_be_missing(missing: PlaneName) -> None:
    planes, camera, bodies = court(64, 36)
    del planes[missing]
    fast, plain = both((planes, camera, bodies), light_of("overcast", 0.0, 45.0))
    np.testing.assert_allclose(fast, plain, atol=3e-5, rtol=1e-4)


def test_what_is_no_number_becomes_the_same_harmless_value() -> None:
    planes, camera, bodies = court(64, 36)
    rng = np.random.default_rng(3)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.DEPTH):
        for value in (np.nan, np.inf, -np.inf, -2.0):
            planes[name][rng.uniform(size=(36, 64)) < 0.03] = value
    fast, plain = both((planes, camera, bodies), light_of("day", 150.0, 40.0))
    assert np.isfinite(fast).all()
    # The ground is y = 0, and with a nonsense normal it is textured by y: an edge of a cell, up to rounding.
    assert differing(fast, plain) <= 0.01


def test_the_padding_repeats_the_last_column_and_row() -> None:
    planes, camera, bodies = court(61, 35)
    x = Fused(61, 35).features(planes, camera, bodies, light_of("day", 150.0, 40.0))[0].numpy()
    assert x.shape[1] % STRIDE_PX == x.shape[2] % STRIDE_PX == 0
    np.testing.assert_array_equal(x[:, 35:, :61], np.broadcast_to(x[:, 34:35, :61], x[:, 35:, :61].shape))
    np.testing.assert_array_equal(x[:, :, 61:], np.broadcast_to(x[:, :, 60:61], x[:, :, 61:].shape))


def test_the_same_frame_gives_the_same_bits_also_after_another() -> None:
    planes, camera, bodies = court(64, 36)
    fused, light = Fused(64, 36), light_of("day", 150.0, 40.0)
    first = fused.features(planes, camera, bodies, light).numpy().tobytes()
    fused.features(*noise(36, 64, 1), light_of("dusk", 10.0, 5.0))
    assert fused.features(planes, camera, bodies, light).numpy().tobytes() == first


def test_it_gives_the_same_bits_on_any_number_of_threads() -> None:
    planes, camera, bodies = court(64, 51)
    light = light_of("day", 150.0, 40.0)
    one, three = (
        Fused(64, 51, threads).features(planes, camera, bodies, light).numpy().tobytes() for threads in (1, 3)
    )
    assert one == three


def test_logarithm_and_exponential_are_within_two_units_in_the_last_place() -> None:
    x = np.concatenate([np.geomspace(1e-20, 1e20, 20001), np.linspace(0.5, 2.0, 20001)]).astype(np.float32)
    y = np.linspace(-80.0, 80.0, 40001).astype(np.float32)
    log, exp = (np.vectorize(function, otypes=[np.float32]) for function in (lanes.log, lanes.exp))
    true_log, true_exp = np.log(x.astype(np.float64)), np.exp(y.astype(np.float64))
    assert np.abs((log(x) - true_log) / np.spacing(np.abs(true_log).clip(1e-2).astype(np.float32))).max() <= 2
    assert np.abs(exp(y) / true_exp - 1).max() <= 2 * np.finfo(np.float32).eps


def test_the_block_has_a_row_for_each_name() -> None:
    rows = sorted(
        v for k, v in vars(lanes).items() if k.isupper() and isinstance(v, int) and k not in {"LANES", "BLOCK"}
    )
    assert rows == list(range(0, lanes.BLOCK, lanes.LANES))
    assert lanes.BLOCK * 4 <= 16 * 1024  # half of a first cache
    assert math.log2(lanes.LANES).is_integer()
