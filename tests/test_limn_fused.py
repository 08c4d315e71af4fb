"""limn's fast view of a frame is the plain one, pixel by pixel, whatever the planes hold."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Bodies, Camera, PlaneName, Pose
from renderer.models.limn import lanes, lanes_surface
from renderer.models.limn.features import CHANNELS, PARTS, factor_of, seen
from renderer.models.limn.finishes import COLUMNS_OF_TABLE
from renderer.models.limn.fused import Fused
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.weather import Weather

PROJECTION = (0.97, 0.0, 0.0, 0.0, 0.0, 1.73, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
STRIDE = 16
DAY = light_of(Weather(), 3)
WEATHERS = {
    "day": DAY,
    "dusk": light_of(Weather(sun_elevation_deg=1.0, cloud=0.6), 4),
    "rainy night": light_of(Weather(sun_elevation_deg=-20.0, wetness=0.9, fog=0.4), 5),
    "snow": light_of(Weather(snow=0.8, cloud=0.0, exposure_ev=1.0), 6),
    "autumn": light_of(Weather(autumn=0.9, wetness=0.3), 7),
}


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
        PlaneName.LABEL: rng.integers(0, 20, (height, width)).astype(np.uint8),
        PlaneName.MATERIAL: rng.uniform(0, 1, (height, width, 2)).astype(np.float16),
    }
    return planes, Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION), bodies


def both(frame: tuple[PlaneViews, Camera, Bodies], light: Light) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """x and parts [H, W, CHANNELS + PARTS] of the fast way and of the plain way."""
    planes, camera, bodies = frame
    height, width = planes[PlaneName.DEPTH].shape
    fused = Fused(width, height, STRIDE)
    fused.see(planes, camera, bodies, light)
    plain = seen(planes, camera, bodies, light)
    np.testing.assert_allclose(fused.told[0], plain.told, atol=1e-5)
    fast = np.concatenate([fused.x[:height, :width], fused.parts], axis=2)
    return fast, np.concatenate([plain.x, plain.parts], axis=2)


def differing(fast: NDArray[np.float32], plain: NDArray[np.float32]) -> float:
    """Share of pixels that differ. Rounding decides on which side of a joint's or a lattice point's edge one falls,
    which a handful of them lie on."""
    return float((~np.isclose(fast, plain, atol=2e-3, rtol=2e-3).all(axis=2)).mean())


@pytest.mark.parametrize("weather", WEATHERS)
def test_a_courtyard_looks_the_same_in_any_weather(weather: str) -> None:
    fast, plain = both(court(160, 90), WEATHERS[weather])
    assert differing(fast, plain) <= 0.002
    assert np.abs(fast - plain).mean() < 1e-4


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 64), (17, 65), (40, 130)])
def test_any_planes_of_any_size_look_the_same(height: int, width: int) -> None:
    for light in WEATHERS.values():
        fast, plain = both(noise(height, width, height * width), light)
        assert differing(fast, plain) <= 0.01


@pytest.mark.parametrize("missing", [PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL])
def test_an_optional_plane_may_be_missing(missing: PlaneName) -> None:
    planes, camera, bodies = court(64, 36)
    del planes[missing]
    fast, plain = both((planes, camera, bodies), DAY)
    assert differing(fast, plain) <= 0.002


def test_what_is_no_number_becomes_the_same_harmless_value() -> None:
    planes, camera, bodies = court(64, 36)
    rng = np.random.default_rng(3)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.DEPTH):
        for value in (np.nan, np.inf, -np.inf, -2.0):
            planes[name][rng.uniform(size=(36, 64)) < 0.03] = value
    fast, plain = both((planes, camera, bodies), DAY)
    assert np.isfinite(fast).all()
    # The ground is y = 0, and with a nonsense normal it is textured by y: an edge of a cell, up to rounding.
    assert differing(fast, plain) <= 0.02


def test_a_scene_without_any_geometry_is_sky() -> None:
    planes, camera, bodies = court(64, 36)
    planes[PlaneName.DEPTH][:] = np.inf
    fast, plain = both((planes, camera, bodies), DAY)
    assert differing(fast, plain) == 0.0
    assert (fast[..., 0] == 0.0).all()


@pytest.mark.parametrize("width", [64, 500, 1000])
def test_the_trunk_sees_the_mean_of_a_large_picture(width: int) -> None:
    fused = Fused(width, 40, STRIDE)
    fused.see(*court(width, 40), DAY)
    factor = factor_of(width)
    rows, columns = fused.low.shape[:2]
    assert rows % STRIDE == columns % STRIDE == 0
    assert (rows * factor, columns * factor) == fused.x.shape[:2]
    assert columns - STRIDE < width / factor <= columns
    mean = fused.x.reshape(rows, factor, columns, factor, CHANNELS).mean(axis=(1, 3))
    np.testing.assert_allclose(fused.low, mean, atol=1e-5)


def test_beyond_the_picture_there_is_nothing() -> None:
    fused = Fused(61, 35, STRIDE)
    fused.see(*court(61, 35), DAY)
    assert not fused.x[35:].any()
    assert not fused.x[:, 61:].any()
    assert fused.parts.shape == (35, 61, PARTS)


def picture(fused: Fused) -> bytes:
    return fused.x.tobytes() + fused.parts.tobytes() + fused.told.tobytes()


def test_the_same_frame_gives_the_same_bits_also_after_another() -> None:
    frame, fused = court(64, 36), Fused(64, 36, STRIDE)
    fused.see(*frame, DAY)
    first = picture(fused)
    fused.see(*noise(36, 64, 1), WEATHERS["snow"])
    fused.see(*frame, DAY)
    assert picture(fused) == first


def test_it_gives_the_same_bits_on_any_number_of_threads() -> None:
    frame, pictures = court(64, 51), []
    for threads in (1, 3):
        fused = Fused(64, 51, STRIDE, threads)
        fused.see(*frame, DAY)
        pictures.append(picture(fused))
    assert pictures[0] == pictures[1]


def called(part: Callable[..., float]) -> Callable[..., float]:
    """What kernels alone can call, from Python."""
    return cast(Callable[..., float], njit(error_model="numpy")(lambda *given: part(*given)))


def test_logarithm_and_exponential_are_within_two_units_in_the_last_place() -> None:
    x = np.concatenate([np.geomspace(1e-20, 1e20, 20001), np.linspace(0.5, 2.0, 20001)]).astype(np.float32)
    y = np.linspace(-80.0, 80.0, 40001).astype(np.float32)
    log, exp = (np.vectorize(called(function), otypes=[np.float32]) for function in (lanes.log, lanes.exp))
    true_log, true_exp = np.log(x.astype(np.float64)), np.exp(y.astype(np.float64))
    assert np.abs((log(x) - true_log) / np.spacing(np.abs(true_log).clip(1e-2).astype(np.float32))).max() <= 2
    assert np.abs(exp(y) / true_exp - 1).max() <= 2 * np.finfo(np.float32).eps


def test_angles_are_those_of_atan2() -> None:
    turn = np.vectorize(called(lanes.angle), otypes=[np.float32])
    a = np.linspace(-math.pi, math.pi, 4001)[1:-1]
    np.testing.assert_allclose(
        turn(np.sin(a).astype(np.float32), np.cos(a).astype(np.float32)) * 2.0 * math.pi, a, atol=2e-6
    )


def test_the_block_has_a_row_for_each_name() -> None:
    names = {"LANES", "BLOCK", "PARAMETERS", "LAST_LABEL"}
    rows = sorted(v for k, v in vars(lanes).items() if k.isupper() and isinstance(v, int) and k not in names)
    assert rows == list(range(0, lanes.TABLE + 1, lanes.LANES))
    parameters = sorted(v for k, v in vars(lanes_surface).items() if k.startswith("P_"))
    assert [b - a for a, b in pairwise(parameters)] == [lanes.LANES] * (COLUMNS_OF_TABLE)
    assert parameters[-1] + lanes.LANES == lanes.BLOCK
    assert lanes.BLOCK * 4 <= 32 * 1024  # of a first cache
