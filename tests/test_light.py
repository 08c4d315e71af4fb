"""The light of a weather: what the air lets through, what the sky sends, and the same sky in harmonics and mirrors."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from renderer.models.limn import weather as air
from renderer.models.limn.heaven import sky_seen
from renderer.models.limn.light import BRIGHTEST_MIRRORED, CONTROLS, MAP, controls_of, harmonics_at, light_of
from renderer.models.limn.weather import Weather, sky_of

UP = np.array([[0.0, 1.0, 0.0]], np.float32)
CLEAR = Weather(cloud=0.0, turbidity=1.0)


def test_light_from_overhead_loses_what_the_column_of_air_takes() -> None:
    left = air._left(0.0, air.EARTH_M + 2.0, 0.0, np.array([0.0, 1.0, 0.0]), 1.0)
    column = air.RAYLEIGH * air.RAYLEIGH_M + air.OZONE * 15e3  # the exponential's and the triangle's integral
    np.testing.assert_allclose(left, np.exp(-column), rtol=0.02)


def test_the_earth_stands_before_a_sun_that_is_far_below_the_horizon() -> None:
    below = np.array([0.0, -0.2, -math.sqrt(0.96)])
    assert air._left(0.0, air.EARTH_M + 2.0, 0.0, below, 2.0) == (0.0, 0.0, 0.0)


def test_a_clear_sky_is_blue_and_brighter_at_the_horizon() -> None:
    table = sky_of(CLEAR).table
    zenith, horizon = table[-1].mean(axis=0), table[2].mean(axis=0)
    assert zenith[2] > 2.0 * zenith[0]
    assert horizon.mean() > 2.0 * zenith.mean()


def test_a_low_sun_is_red_and_a_high_one_white() -> None:
    low, high = (sky_of(replace(CLEAR, sun_elevation_deg=up)).sun for up in (4.0, 60.0))
    assert low[0] / low[2] > 2.0 * high[0] / high[2]


def test_a_closed_sky_has_no_sun_and_no_colour() -> None:
    sky = sky_of(Weather(cloud=1.0))
    assert sky.sun.max() == 0.0
    assert np.ptp(sky.ambient) < 0.15 * sky.ambient.mean()


@pytest.mark.parametrize("weather", [CLEAR, Weather(cloud=0.9), Weather(sun_elevation_deg=-20.0)])
def test_a_sheet_under_the_open_sky_is_as_bright_in_harmonics_as_in_the_table(weather: Weather) -> None:
    light = light_of(weather, 1)
    up, down = (harmonics_at(side)[0] @ light.ambient for side in (UP, -UP))
    np.testing.assert_allclose(up, light.sky.ambient, rtol=0.12)
    np.testing.assert_allclose(down.sum(), light.ground.sum(), rtol=0.3)  # the ground lights it from below


def test_the_harmonics_are_orthonormal() -> None:
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(200_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    values = harmonics_at(directions.astype(np.float32)).astype(np.float64)
    np.testing.assert_allclose(4.0 * math.pi * values.T @ values / len(values), np.eye(9), atol=0.03)


def test_mirrors_show_the_sky_that_is_seen() -> None:
    light = light_of(Weather(cloud=0.4), 3)
    i, j = 40, 10
    x, z = ((k + 0.5) / MAP * 2.0 - 1.0 for k in (j, i))
    square = x * x + z * z
    direction = np.array([[2.0 * x, 1.0 - square, 2.0 * z]], np.float32) / np.float32(1.0 + square)
    np.testing.assert_allclose(light.mirrored[i, j], sky_seen(direction, light.sky, 3)[0], rtol=1e-4)


def test_more_exposure_is_more_light_of_every_kind() -> None:
    dark, bright = (light_of(Weather(exposure_ev=stops, fog=0.3), 1) for stops in (0.0, 2.0))
    for name in ("ambient", "ground", "lamp"):
        np.testing.assert_allclose(getattr(bright, name), 4.0 * getattr(dark, name), rtol=1e-4, err_msg=name)
    bounded = np.minimum(4.0 * dark.mirrored, BRIGHTEST_MIRRORED)
    np.testing.assert_allclose(bright.mirrored, bounded, rtol=1e-4)


@pytest.mark.parametrize(
    "weather",
    [Weather(), Weather(sun_elevation_deg=-30.0, fog=1.0), Weather(sun_elevation_deg=90.0, turbidity=10.0, snow=1.0,
                                                                  exposure_ev=8.0)],
)  # fmt: skip
def test_what_a_network_is_told_stays_within_a_few_units(weather: Weather) -> None:
    told = controls_of(light_of(weather, 0))
    assert told.shape == (CONTROLS,)
    assert np.isfinite(told).all()
    assert np.abs(told).max() < 3.0
