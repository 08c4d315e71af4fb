"""What limn understands of words: skies, hours and directions. There is no language model behind it."""

from __future__ import annotations

import re

from bridge.schema import ControlValue

_MEANINGS: tuple[tuple[str, dict[str, ControlValue]], ...] = (
    ("day sunny clear daylight", {"sky": "day"}),
    ("dusk sunset evening twilight dawn sunrise", {"sky": "dusk"}),
    ("overcast cloudy clouds grey gray", {"sky": "overcast"}),
    ("noon midday", {"sun_elevation_deg": 62.0}),
    ("morning afternoon", {"sun_elevation_deg": 32.0}),
    ("north", {"sun_azimuth_deg": 0.0}),
    ("east", {"sun_azimuth_deg": 90.0}),
    ("south", {"sun_azimuth_deg": 180.0}),
    ("west", {"sun_azimuth_deg": 270.0}),
)
_WORDS = {word: controls for words, controls in _MEANINGS for word in words.split()}
_FILLERS = "a an the at in of on with and from to light sky sun scene courtyard lit"
_SILENT = frozenset(_FILLERS.split())


def controls_of(prompt: str) -> tuple[dict[str, ControlValue], frozenset[str]]:
    """Controls that the words set, later words over earlier ones, and the words that were not understood."""
    controls: dict[str, ControlValue] = {}
    unknown: set[str] = set()
    for word in re.findall(r"\w+", prompt.lower()):
        if word in _WORDS:
            controls.update(_WORDS[word])
        elif word not in _SILENT:
            unknown.add(word)
    return controls, frozenset(unknown)
