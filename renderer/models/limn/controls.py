"""limn's typed controls, and the weather that follows from them and from words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from bridge.schema import Control, ControlType, ControlValue, Label
from renderer.models.limn.sun import sun_angles
from renderer.models.limn.weather import Weather


def _number(
    name: str, text: str, default: float, low: float, high: float, *, unit: str = "", step: float = 0.01
) -> Control:
    return Control(
        name=name, type=ControlType.NUMBER, text=text, default=default, unit=unit, minimum=low, maximum=high, step=step
    )


CONTROLS = (
    Control(
        name="prompt", type=ControlType.TEXT, default="",
        text="Words for hour, weather and season, such as 'a foggy morning after rain'; they go before the dials.",
    ),
    Control(
        name="sun_from", type=ControlType.CHOICE, default="angles", choices=("angles", "hour"),
        text="Whether the sun stands where its angles say, or where it is at a latitude, day and hour.",
    ),
    _number("sun_azimuth_deg", "Where the sun (or moon) stands, from -Z (north) to +X (east).", 150.0, 0.0, 360.0,
            unit="deg", step=1.0),
    _number("sun_elevation_deg", "How high the sun stands; below -5 it is night.", 45.0, -30.0, 90.0,
            unit="deg", step=0.5),
    _number("latitude_deg", "Latitude of the place, for the sun's hour; the south is negative.", 48.0, -90.0, 90.0,
            unit="deg", step=1.0),
    _number("day_of_year", "Day of the year, for the sun's hour.", 172.0, 1.0, 365.0, step=1.0),
    _number("hour", "Local solar time, for the sun's hour.", 15.0, 0.0, 24.0, unit="h", step=0.1),
    _number("turbidity", "Haze of the air: 1 is pure, 10 thick.", 2.5, 1.0, 10.0, step=0.1),
    _number("cloud", "Share of the sky that clouds cover.", 0.2, 0.0, 1.0),
    _number("fog", "Fog near the ground.", 0.0, 0.0, 1.0),
    _number("wetness", "Rain on the surfaces.", 0.0, 0.0, 1.0),
    _number("snow", "Snow on what faces the sky.", 0.0, 0.0, 1.0),
    _number("autumn", "How far leaves have turned, and lie about.", 0.0, 0.0, 1.0),
    _number("exposure_ev", "Stops of exposure on top of the sky's own; rooms need some.", 0.0, -4.0, 8.0, unit="EV",
            step=0.25),
    _number("seed", "Which finishes things have: brick or plaster, asphalt or cobbles.", 0.0, 0.0, 65535.0, step=1.0),
    _number("extend_m", "How far the level ground goes on where the engine has nothing; 0 is not at all.", 0.0, 0.0,
            5000.0, unit="m", step=10.0),
    Control(
        name="extend_label", type=ControlType.CHOICE, default="none",
        choices=("none", *(label.name.lower() for label in Label)),
        text="A label whose things count as nothing, so that the plate goes on behind them: a backdrop, a green wall.",
    ),
    _number("strength", "How much of the plate is limn's: at 0 the engine's own picture comes back.", 1.0, 0.0, 1.0),
)  # fmt: skip


def weather_of(controls: Mapping[str, ControlValue], said: Mapping[str, float]) -> Weather:
    """The weather that the dials ask for, and before them what words have `said` of it."""
    values = {field.name: float(controls[field.name]) for field in fields(Weather)}
    if controls["sun_from"] == "hour":
        place = (float(controls[name]) for name in ("latitude_deg", "day_of_year", "hour"))
        values["sun_azimuth_deg"], values["sun_elevation_deg"] = sun_angles(*place)
    return Weather(**{**values, **said}).clamped()
