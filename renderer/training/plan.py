"""Which world, weather and camera every sequence of a data set has: a function of its number alone.

Of 20 sequences 16 train, 2 validate and 2 test. Families and weathers are interleaved, so that any first part of a
data set has some of everything. A test world is seen twice with the same cameras, in a base weather and with one
thing changed; from number EVERY_CHANGE on, eight in a row are one test world, in its base weather and with each thing
changed. The family UNSEEN is only tested on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from renderer.models.limn.weather import Weather
from renderer.training.worlds.cameras import PATHS
from renderer.training.worlds.weathers import CHANGES, KINDS, drawn, words_of

SEEN = ("street", "courtyard", "interior", "landscape", "stage")
UNSEEN = "hall"
FAMILY_NAMES = (*SEEN, UNSEEN)
SPLITS = ("train", "validation", "test")
EVERY_CHANGE = 900_000
FIRST_SEED = {"train": 1_000_000, "validation": 5_000_000, "test": 9_000_000}
CAPTIONS = 4
BASES = ("clear", "clear", "overcast", "golden")  # of test worlds


@dataclass(frozen=True)
class Sequence:
    """What one file holds; `weather` still lacks the exposure that its first frames ask for."""

    number: int
    split: str
    family: str
    seed: int
    kind: str  # of weather, or of the change of a test world
    weather: Weather
    base: Weather  # the same place in fair weather, where exposure is metered as well
    path: str
    captions: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's, without its ending; sorted by number."""
        return f"{self.number:05d}-{self.split}-{self.family}-{self.kind}"


def planned(number: int) -> Sequence:
    if number >= EVERY_CHANGE:
        block, place = divmod(number - EVERY_CHANGE, 1 + len(CHANGES))
        return _tested(number, block, None if place == 0 else CHANGES[place - 1], clear=True)
    block, place = divmod(number, 20)
    if place < 16:
        return _ordinary(number, "train", block * 16 + place)
    if place < 18:
        return _ordinary(number, "validation", block * 2 + place - 16)
    change = CHANGES[block % len(CHANGES)]
    return _tested(number, block, change if place == 19 else None, clear=change[0] == "overcast")


def world_of(number: int) -> int:
    """The least number of those that the test sequences of the same world have."""
    if number >= EVERY_CHANGE:
        return number - (number - EVERY_CHANGE) % (1 + len(CHANGES))
    return number - number % 20


def _ordinary(number: int, split: str, turn: int) -> Sequence:
    """The `turn`-th sequence of a split; 45 of them have every family in every weather."""
    seed = FIRST_SEED[split] + turn
    rng = np.random.default_rng([seed, 31])
    family, kind = SEEN[turn % len(SEEN)], KINDS[2 * turn % len(KINDS)]
    weather = drawn(kind, rng)
    path = PATHS[int(rng.integers(len(PATHS)))]
    base = replace(_fair(np.random.default_rng([seed, 33])), sun_azimuth_deg=weather.sun_azimuth_deg)
    return Sequence(number, split, family, seed, kind, weather, base, path, words_of(family, weather, rng, CAPTIONS))


def _fair(rng: np.random.Generator) -> Weather:
    return _clear(drawn(BASES[int(rng.integers(len(BASES)))], rng))


def _clear(weather: Weather) -> Weather:
    """The same without a closed sky, so that any change can be seen."""
    return replace(weather, cloud=0.1) if weather.cloud > 0.7 else weather


def _tested(number: int, block: int, change: tuple[str, dict[str, float]] | None, *, clear: bool) -> Sequence:
    """The test world of a block, in its base weather without a `change`; `clear` is a base that clouds change."""
    seed = FIRST_SEED["test"] + block
    rng = np.random.default_rng([seed, 31])
    family = FAMILY_NAMES[block % len(FAMILY_NAMES)]
    base = _clear(drawn(BASES[block % len(BASES)], rng))
    if clear:
        base = replace(base, cloud=0.1)
    path = PATHS[block % len(PATHS)]
    kind, changes = change or ("base", {})
    weather = replace(base, **changes)
    words = words_of(family, weather, np.random.default_rng([seed, 32]), CAPTIONS)
    return Sequence(number, "test", family, seed, kind, weather, base, path, words)
