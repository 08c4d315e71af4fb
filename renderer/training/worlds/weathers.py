"""Nine kinds of weather and hour, each drawn at random within its kind, and the words that people have for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from renderer.models.limn.weather import Weather

KINDS = ("clear", "golden", "dusk", "overcast", "fog", "rain", "snow", "autumn", "night")
# A test world is seen in a base weather and once more with one thing changed.
CHANGES: tuple[tuple[str, dict[str, float]], ...] = (
    ("snow", {"snow": 0.9}),
    ("dusk", {"sun_elevation_deg": 1.0}),
    ("fog", {"fog": 0.75}),
    ("wet", {"wetness": 0.95}),
    ("night", {"sun_elevation_deg": -12.0}),
    ("autumn", {"autumn": 0.95}),
    ("overcast", {"cloud": 0.95}),
)


def drawn(kind: str, rng: np.random.Generator) -> Weather:
    """A weather of a kind. Azimuth is anywhere; what a kind does not name stays fair."""

    def between(low: float, high: float) -> float:
        return round(float(rng.uniform(low, high)), 3)

    fair = Weather(sun_azimuth_deg=between(0.0, 360.0), sun_elevation_deg=between(22.0, 62.0),
                   turbidity=between(1.8, 4.0), cloud=between(0.0, 0.45))  # fmt: skip
    elevation = replace(fair, sun_elevation_deg=between(4.0, 12.0), turbidity=between(2.2, 5.0))
    return {
        "clear": lambda: fair,
        "golden": lambda: elevation,
        "dusk": lambda: replace(fair, sun_elevation_deg=between(-4.5, 3.0), turbidity=between(2.0, 5.0)),
        "overcast": lambda: replace(fair, cloud=between(0.8, 1.0)),
        "fog": lambda: replace(fair, fog=between(0.35, 0.9), cloud=between(0.5, 1.0), wetness=between(0.0, 0.4),
                               sun_elevation_deg=between(8.0, 50.0)),
        "rain": lambda: replace(fair, wetness=between(0.7, 1.0), cloud=between(0.5, 1.0), fog=between(0.0, 0.2)),
        "snow": lambda: replace(fair, snow=between(0.55, 1.0), sun_elevation_deg=between(6.0, 35.0)),
        "autumn": lambda: replace(fair, autumn=between(0.6, 1.0), sun_elevation_deg=between(8.0, 40.0),
                                  wetness=between(0.0, 0.5)),
        "night": lambda: replace(fair, sun_elevation_deg=between(-25.0, -6.0), wetness=between(-0.8, 0.9),
                                 fog=between(-0.6, 0.45)),
    }[kind]().clamped()  # fmt: skip


def words_of(family: str, weather: Weather, rng: np.random.Generator, count: int) -> tuple[str, ...]:
    """Captions of a frame, in different wordings: what the place is, its light and its weather."""
    return tuple(_caption(family, weather, rng) for _ in range(count))


PLACES = {
    "street": ("a town street", "an old street", "a narrow city street", "a street of houses and shops", "a road"),
    "courtyard": ("a courtyard", "an inner court with an arcade", "a market court", "a stone courtyard", "a yard"),
    "interior": ("a room", "a living room", "an interior with windows", "a furnished room", "inside a house"),
    "landscape": ("a landscape", "a lake in the hills", "open country with trees", "a valley with water", "a meadow"),
    "hall": ("an industrial hall", "a factory", "a warehouse", "a steel workshop", "a machine hall"),
    "stage": ("a stage set", "a film set", "a studio set with a painted back wall", "a theatre stage", "a backlot"),
}


def _caption(family: str, weather: Weather, rng: np.random.Generator) -> str:
    def pick(*words: str) -> str:
        return words[int(rng.integers(len(words)))]

    parts = [pick(*_hour(weather)), *(pick(*words) for words in _weather_words(weather))]
    rng.shuffle(parts)
    if rng.uniform() < 0.25 and len(parts) > 1:
        parts = parts[:-1] if "night" not in parts[-1] else parts
    place = pick(*PLACES[family])
    form = int(rng.integers(4))
    if form == 0:
        return ", ".join([place, *parts])
    if form == 1:
        return ", ".join(parts)
    if form == 2:
        return f"{' and '.join(parts)}, {place}"
    return f"{pick('a photo of', 'cinematic shot of', 'a view of', 'realistic')} {place}, {', '.join(parts)}"


def _hour(weather: Weather) -> tuple[str, ...]:
    elevation = weather.sun_elevation_deg
    if weather.night:
        return ("night", "at night", "after dark", "midnight, lamps burning", "a moonlit night", "late at night")
    if elevation < 0.0:
        return ("twilight", "blue hour", "just after sunset", "nightfall", "before sunrise")
    if elevation < 4.0:
        return ("dusk", "sunset", "sundown", "at dawn", "the sun on the horizon", "sunrise")
    if elevation < 13.0:
        return ("golden hour", "early morning", "late afternoon sun", "evening light", "low sun, long shadows")
    if elevation < 35.0:
        return ("morning", "afternoon", "by day", "mid-morning", "in the afternoon")
    return ("noon", "midday", "high sun", "bright day", "around noon")


def _weather_words(weather: Weather) -> list[tuple[str, ...]]:
    words: list[tuple[str, ...]] = []
    if weather.fog > 0.2:
        words.append(("fog", "dense mist", "foggy", "misty air", "haze between the things"))
    if weather.wetness > 0.5:
        words.append(("after rain", "wet ground", "rainy", "puddles and wet surfaces", "rain-soaked"))
    if weather.snow > 0.3:
        words.append(("snow", "covered in snow", "snowy", "winter", "fresh snow on the ground"))
    if weather.autumn > 0.4:
        words.append(("autumn", "fall colours", "autumn leaves", "in october", "golden leaves on the ground"))
    if weather.cloud > 0.75:
        words.append(("overcast", "grey sky", "cloudy", "under a closed sky", "flat grey light"))
    elif weather.cloud < 0.3 and not words:
        words.append(("clear sky", "sunny", "blue sky", "cloudless", "fine weather"))
    elif not words:
        words.append(("scattered clouds", "fair weather", "some clouds", "partly cloudy", "sun and clouds"))
    return words
