"""limn's dials: where the sun stands by place and hour, and the weather that follows."""

from __future__ import annotations

import pytest

from bridge.schema import ControlValue
from renderer.models.limn.controls import CONTROLS, weather_of
from renderer.models.limn.sun import sun_angles

DIALS: dict[str, ControlValue] = {control.name: control.default for control in CONTROLS}


@pytest.mark.parametrize(
    ("latitude_deg", "day", "hour", "azimuth_deg", "elevation_deg"),
    [
        (48.0, 172, 12.0, 180.0, 65.4),  # midsummer noon in the middle of Europe: 90 - 48 + 23.4
        (48.0, 355, 12.0, 180.0, 18.6),
        (0.0, 80, 12.0, None, 90.0),  # equinox on the equator: overhead
        (0.0, 80, 6.0, 90.0, 0.0),  # and rises in the east
        (48.0, 80, 18.0, 270.0, 0.0),
        (-33.9, 355, 12.0, None, 79.5),  # Sydney at midsummer: in the north
        (69.6, 172, 0.0, 0.0, 3.0),  # the midnight sun of Tromso
    ],
)
def test_the_sun_stands_where_an_almanac_says(
    latitude_deg: float, day: float, hour: float, azimuth_deg: float | None, elevation_deg: float
) -> None:
    azimuth, elevation = sun_angles(latitude_deg, day, hour)
    assert elevation == pytest.approx(elevation_deg, abs=1.0)
    if azimuth_deg is not None and latitude_deg > -24.0:
        assert (azimuth - azimuth_deg + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=1.0)
    if latitude_deg < -24.0:
        assert azimuth in (pytest.approx(0.0, abs=1.0), pytest.approx(360.0, abs=1.0))


def test_the_dials_are_the_weather() -> None:
    weather = weather_of({**DIALS, "fog": 0.4, "sun_elevation_deg": 12.0}, {})
    assert (weather.fog, weather.sun_elevation_deg, weather.snow) == (0.4, 12.0, 0.0)


def test_by_the_hour_the_angles_follow_from_place_and_day() -> None:
    weather = weather_of({**DIALS, "sun_from": "hour", "hour": 18.0, "day_of_year": 80.0, "latitude_deg": 48.0}, {})
    assert weather.sun_azimuth_deg == pytest.approx(270.0, abs=1.0)
    assert weather.sun_elevation_deg == pytest.approx(0.0, abs=1.0)


def test_words_go_before_the_dials() -> None:
    weather = weather_of({**DIALS, "sun_from": "hour", "fog": 0.4}, {"fog": 0.0, "sun_elevation_deg": 2.0, "snow": 1.2})
    assert (weather.fog, weather.sun_elevation_deg, weather.snow) == (0.0, 2.0, 1.0)


def test_every_default_lies_within_its_dial() -> None:
    for control in CONTROLS:
        if isinstance(control.default, float):
            assert control.minimum <= control.default <= control.maximum
