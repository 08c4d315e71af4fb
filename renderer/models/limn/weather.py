"""Weather, season and hour as numbers, and the light that follows from them: one sky for the truth and for limn.

The clear sky is single scattering of sunlight in air, haze and ozone, summed along each direction of a small table,
with a share of light that scatters again; coefficients are the usual ones for the Earth (Nishita 1993, Bruneton and
Neyret 2008). Clouds grey it towards the CIE overcast sky. Everything is already exposed: a white sheet in the light
of a fine day is about 1, and darker hours are lifted, but stay darker.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel, part

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

ROWS, COLUMNS = 48, 96  # of the sky's table: elevation, finer near the horizon, and azimuth from -Z to +X
SUN_RADIUS_RAD = math.radians(0.8)  # wider than the real sun's 0.27: a soft edge that a small picture can show
NIGHT_BELOW_DEG = -5.0  # with the sun lower than this the moon takes over
LAMPS_BELOW_DEG = 4.0  # street lamps burn when the sun is lower than this
EARTH_M, AIR_TOP_M = 6.36e6, 6.42e6
RAYLEIGH = np.array([5.8e-6, 13.5e-6, 33.1e-6])  # 1/m at the ground
OZONE = np.array([0.65e-6, 1.88e-6, 0.085e-6])  # 1/m at 25 km
HAZE = 4.0e-6  # 1/m at the ground per unit of turbidity above 1
RAYLEIGH_M, HAZE_M = 8000.0, 1200.0  # heights over which they thin out by e
HAZE_FORWARD = 0.76  # Henyey and Greenstein's g
LIFT = 1.5  # of the sky's light against the sun's, so that shade is as open as people see it
SKY_STEPS, SUN_STEPS = 20, 12  # of the sums along a direction, and from there towards the sun
SUNLIGHT = 20.0  # irradiance above the air, before exposure
MOON = np.array([0.22, 0.29, 0.42])  # irradiance of a raised full moon, exposed
NIGHT_SKY = np.array([0.018, 0.027, 0.052])  # radiance, exposed
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


@dataclass(frozen=True)
class Weather:
    """What a frame's light and surfaces are asked to be. Shares are 0..1."""

    sun_azimuth_deg: float = 135.0  # from -Z (north) towards +X (east)
    sun_elevation_deg: float = 45.0  # below -5 it is night, and the same azimuth is the moon's
    turbidity: float = 2.5  # 1 pure air .. 10 thick haze
    cloud: float = 0.2  # 1 is a closed grey sky
    fog: float = 0.0
    wetness: float = 0.0
    snow: float = 0.0
    autumn: float = 0.0
    exposure_ev: float = 0.0  # stops on top of the sky's own exposure; interiors need some

    def clamped(self) -> Weather:
        """The same with every share within 0..1."""
        shares = ("cloud", "fog", "wetness", "snow", "autumn")
        return replace(self, **{name: min(1.0, max(0.0, getattr(self, name))) for name in shares})

    @property
    def night(self) -> bool:
        return self.sun_elevation_deg < NIGHT_BELOW_DEG

    @property
    def lamps(self) -> float:
        """How bright lamps burn beside the daylight, in exposed units."""
        if self.night:
            return 1.0
        return 0.45 if self.sun_elevation_deg < LAMPS_BELOW_DEG else 0.0

    @property
    def gain(self) -> float:
        """What `exposure_ev` multiplies light by."""
        return float(2.0**self.exposure_ev)

    @property
    def fog_per_m(self) -> float:
        """Extinction of the air near the ground."""
        return 0.0004 + 0.085 * self.fog**2


@dataclass(frozen=True)
class Sky:
    """The light of a weather. `table` [ROWS, COLUMNS, 3] is the radiance of the sky without its sun, seen from the
    ground up (see `direction_of_rows`); the lowest row repeats for directions below the horizon, dimmed."""

    to_sun: F32  # [3] unit, world; the moon's by night
    sun: F32  # [3] irradiance on a surface that faces it
    table: F32
    ambient: F32  # [3] radiance of a white horizontal sheet under the sky alone
    fog: F32  # [3] radiance of endless fog
    fog_per_m: float
    cloud: float
    night: bool


def to_sun(azimuth_deg: float, elevation_deg: float) -> F32:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.sin(azimuth), math.sin(elevation), -flat * math.cos(azimuth)], np.float32)


def sky_of(weather: Weather) -> Sky:
    """The sky and sun of a weather. A few milliseconds; it depends on nothing else."""
    if weather.night:
        toward, sun, table = _night(weather)
    else:
        toward, sun, table = _day(weather)
    ambient = _ambient(table)
    fog = 0.75 * ambient + 0.06 * sun
    scaled = (np.asarray(v * weather.gain, np.float32) for v in (sun, table, ambient, fog))
    lit, sky, sheet, mist = scaled
    return Sky(toward, lit, sky, sheet, mist, weather.fog_per_m, weather.cloud, weather.night)


def _night(weather: Weather) -> tuple[F32, F64, F64]:
    direction = directions()
    up = np.clip(direction[..., 1:2], 0.0, 1.0)
    table = NIGHT_SKY * (1.0 + 1.6 * (1.0 - up) ** 5) * (1.0 - 0.35 * weather.cloud)
    table = table + weather.cloud * np.array([0.010, 0.011, 0.013])
    return to_sun(weather.sun_azimuth_deg, 42.0), MOON * (1.0 - weather.cloud) ** 1.5, table


def _day(weather: Weather) -> tuple[F32, F64, F64]:
    toward = to_sun(weather.sun_azimuth_deg, weather.sun_elevation_deg)
    clear = LIFT * _scattered(directions(), toward.astype(np.float64), weather.turbidity)
    direct = SUNLIGHT * np.array(_left(0.0, EARTH_M + 2.0, 0.0, toward.astype(np.float64), weather.turbidity))
    if weather.sun_elevation_deg < -1.0:
        direct = direct * 0.0
    sheet = _ambient(clear) + direct * max(float(toward[1]), 0.0) / math.pi
    grey = float(sheet @ LUMINANCE) * 0.42 * (1.0 + 2.0 * np.clip(directions()[..., 1:2], 0.0, 1.0)) / 2.33
    closed = grey * np.array([0.97, 1.0, 1.05])
    table = clear + (closed - clear) * weather.cloud**1.5
    direct = direct * (1.0 - weather.cloud) ** 1.5 * (1.0 - 0.9 * weather.fog)
    walls = (table.mean(axis=1)[: ROWS // 2].mean(axis=0) + direct * max(float(toward[1]), 0.4) / math.pi) @ LUMINANCE
    exposure = _exposure(float(_ambient(table) @ LUMINANCE) + float(walls))
    return toward, direct * exposure, np.minimum(table * exposure, 6.0)


def _exposure(level: float) -> float:
    """Lifts a dark hour most of the way to a bright one, as eyes and cameras do."""
    return 1.3 / float(max(level, 1e-6) ** 0.82)


def directions() -> F64:
    """Unit directions of the table's cells [ROWS, COLUMNS, 3]; rows from the horizon to the zenith, elevations going
    as the square of the row so that the horizon is fine."""
    elevation = ((np.arange(ROWS) + 0.5) / ROWS) ** 2 * (math.pi / 2.0)
    azimuth = (np.arange(COLUMNS) + 0.5) / COLUMNS * 2.0 * math.pi
    flat, up = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    return np.stack([flat * np.sin(azimuth), np.broadcast_to(up, (ROWS, COLUMNS)), -flat * np.cos(azimuth)], axis=-1)


def _ambient(table: F64) -> F64:
    """Radiance of a white horizontal sheet under the table's sky: the integral of L cos / pi."""
    edges = (np.arange(ROWS + 1) / ROWS) ** 2 * (math.pi / 2.0)
    share = np.diff(np.sin(edges) ** 2)  # of cos-weighted solid angle, per row; sums to 1
    total: F64 = (table.mean(axis=1) * share[:, None]).sum(axis=0)
    return total


@kernel
def _left(x: float, y: float, z: float, toward: F64, turbidity: float) -> tuple[float, float, float]:
    """What is left of light that comes to a point inside the air along `toward` from outside it."""
    along = x * toward[0] + y * toward[1] + z * toward[2]
    square = x * x + y * y + z * z
    nearest = max(0.0, -along)  # along the ray, to the Earth's middle
    if math.sqrt(max(square + nearest * nearest + 2.0 * nearest * along, 0.0)) <= EARTH_M:
        return 0.0, 0.0, 0.0
    length = -along + math.sqrt(along * along - square + AIR_TOP_M**2)
    r, g, b = 0.0, 0.0, 0.0
    for k in range(SUN_STEPS):
        at = length * ((k + 0.5) / SUN_STEPS) ** 2
        height = math.sqrt(square + 2.0 * at * along + at * at) - EARTH_M
        width = length * (2.0 * k + 1.0) / SUN_STEPS**2
        air, haze, ozone = _densities(height, turbidity)
        r += (RAYLEIGH[0] * air + 1.1 * haze + OZONE[0] * ozone) * width
        g += (RAYLEIGH[1] * air + 1.1 * haze + OZONE[1] * ozone) * width
        b += (RAYLEIGH[2] * air + 1.1 * haze + OZONE[2] * ozone) * width
    return math.exp(-r), math.exp(-g), math.exp(-b)


@part
def _densities(height: float, turbidity: float) -> tuple[float, float, float]:
    """Of air, in that at the ground; of haze, as 1/m of scattering; of ozone, in that at 25 km."""
    haze = HAZE * (turbidity - 1.0) * math.exp(-height / HAZE_M)
    return math.exp(-height / RAYLEIGH_M), haze, min(max(1.0 - abs(height - 25e3) / 15e3, 0.0), 1.0)


@kernel
def _scatter(direction: F64, toward: F64, turbidity: float, again: F64, out: F64) -> None:
    """Radiance [n, 3] of the clear sky in unit directions [n, 3] seen from the ground; `again` [3] is light that has
    been scattered before."""
    g, eye = HAZE_FORWARD, EARTH_M + 2.0
    for n in range(direction.shape[0]):
        dx, dy, dz = direction[n, 0], direction[n, 1], direction[n, 2]
        length = -eye * dy + math.sqrt(eye * eye * dy * dy - eye * eye + AIR_TOP_M**2)
        facing = dx * toward[0] + dy * toward[1] + dz * toward[2]
        air_phase = (3.0 / (16.0 * math.pi)) * (1.0 + facing**2)
        haze_phase = (1.0 - g * g) / (4.0 * math.pi * (1.0 + g * g - 2.0 * g * facing) ** 1.5)
        depth, radiance = np.zeros(3), np.zeros(3)
        for k in range(SKY_STEPS):
            at = length * ((k + 0.5) / SKY_STEPS) ** 2
            width = length * (2.0 * k + 1.0) / SKY_STEPS**2
            x, y, z = dx * at, eye + dy * at, dz * at
            density, haze, ozone = _densities(math.sqrt(x * x + y * y + z * z) - EARTH_M, turbidity)
            sunlight = _left(x, y, z, toward, turbidity)
            for c in range(3):
                air = RAYLEIGH[c] * density
                extinction = air + 1.1 * haze + OZONE[c] * ozone
                once = air * air_phase + haze * haze_phase
                light = SUNLIGHT * sunlight[c] * once + again[c] * (air + haze)
                radiance[c] += math.exp(-depth[c] - 0.5 * extinction * width) * width * light
                depth[c] += extinction * width
        for c in range(3):
            out[n, c] = radiance[c]


def _scattered(direction: F64, toward: F64, turbidity: float) -> F64:
    """Radiance [..., 3] of the clear sky in unit directions [..., 3] seen from the ground."""
    again = 0.7 * SUNLIGHT * _softly(toward) / (4.0 * math.pi)
    out = np.empty((direction.size // 3, 3))
    _scatter(direction.reshape(-1, 3), toward, turbidity, again, out)
    return out.reshape(direction.shape)


def _softly(toward: F64) -> F64:
    """How much of the air above is in the sun: 1 by day, fading through twilight."""
    elevation = np.degrees(np.arcsin(toward[1]))
    day = 1.0 / (1.0 + np.exp(-(elevation - 3.0) / 3.0))
    return np.asarray(day * np.array([0.80, 0.95, 1.1]))
