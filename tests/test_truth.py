"""The path-traced truth: its sky agrees with its sun, and its picture lies over the engine's planes."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from bridge.schema import PlaneName
from renderer.models.limn.sky import light_of
from renderer.training.dataset import EngineFrames
from renderer.training.truth import SUPERSAMPLING, Truth, sky_map

WITHOUT_MITSUBA = pytest.mark.skipif(
    importlib.util.find_spec("mitsuba") is None,
    reason='Mitsuba is absent: the path-traced truth is NOT tested; `pip install "worldplate[train]"` brings it',
)
WIDTH, HEIGHT = 48, 27


@pytest.mark.parametrize("azimuth_deg", [20.0, 135.0, 300.0])
def test_the_map_of_the_sky_is_brightest_where_the_sun_is(azimuth_deg: float) -> None:
    radiance = sky_map(light_of("day", azimuth_deg, 40.0)).mean(axis=2)
    row, column = np.unravel_index(int(radiance.argmax()), radiance.shape)
    assert 90.0 - (row + 0.5) / radiance.shape[0] * 180.0 == pytest.approx(40.0, abs=2.5)
    assert (column + 0.5) / radiance.shape[1] * 360.0 == pytest.approx(azimuth_deg, abs=2.5)


def test_the_map_of_the_sky_holds_the_suns_whole_irradiance() -> None:
    light = light_of("day", 135.0, 40.0)
    with_sun = sky_map(light)
    disc = with_sun.mean(axis=2) > 20.0
    theta = (np.arange(with_sun.shape[0]) + 0.5) / with_sun.shape[0] * math.pi
    cell = np.sin(theta)[:, None] * (math.pi / with_sun.shape[0]) * (2.0 * math.pi / with_sun.shape[1])
    irradiance = (with_sun * (cell * disc)[..., None]).sum(axis=(0, 1))
    np.testing.assert_allclose(irradiance, light.sun_irradiance, rtol=0.05)


@WITHOUT_MITSUBA
def test_the_picture_lies_over_the_engines_planes_and_is_lit_by_the_same_sun() -> None:
    fine = EngineFrames(seed=4242, width=WIDTH * SUPERSAMPLING, height=HEIGHT * SUPERSAMPLING)
    planes = fine.render()
    sun = fine.engine.world.sun
    light = light_of("day", sun.azimuth_deg, sun.elevation_deg)
    picture = Truth(WIDTH, HEIGHT, samples=8).picture(fine.engine, planes, light, seed=1)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    assert np.isfinite(picture).all()
    solid = np.isfinite(planes[PlaneName.DEPTH][::SUPERSAMPLING, ::SUPERSAMPLING])
    engine = planes[PlaneName.COLOR][::SUPERSAMPLING, ::SUPERSAMPLING, :3].astype(np.float32).mean(axis=2)
    agreement = np.corrcoef(engine[solid], picture.mean(axis=2)[solid])[0, 1]
    assert agreement > 0.5  # a mirrored camera or a sun on the wrong side gives about 0
