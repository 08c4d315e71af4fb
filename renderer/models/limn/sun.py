"""Where the sun stands at a place, on a day, at an hour."""

from __future__ import annotations

import math


def sun_angles(latitude_deg: float, day_of_year: float, hour: float) -> tuple[float, float]:
    """Azimuth from north towards east, 0..360, and elevation over the horizon, in degrees, at local solar time `hour`
    0..24. Cooper's declination (1969), within a degree or two of an almanac."""
    declination = math.radians(23.45 * math.sin(2.0 * math.pi * (284.0 + day_of_year) / 365.0))
    latitude, turn = math.radians(latitude_deg), math.radians(15.0 * (hour - 12.0))
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(turn)
    east = -math.cos(declination) * math.sin(turn)
    north = math.cos(latitude) * math.sin(declination) - math.sin(latitude) * math.cos(declination) * math.cos(turn)
    return math.degrees(math.atan2(east, north)) % 360.0, math.degrees(math.asin(max(-1.0, min(1.0, up))))
