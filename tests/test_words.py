"""Words: a prompt sets the controls that it speaks of and no others; any text is taken; no altered file is read.

Meanings are read with the real encoder where its wheel is installed. Everywhere they are read from vectors of it that
lie in `word_vectors.safetensors`; `python tests/test_words.py` stores these anew after a prompt here has changed.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from encoder import real_encoder
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from bridge.errors import ModelIncomplete
from renderer.models.limn.minilm import SHA256, WEIGHTS, WIDTH, MiniLM
from renderer.models.limn.pieces import MOST_PIECES, pieces_of
from renderer.models.limn.weather import Weather
from renderer.models.limn.words import (
    CACHED,
    FOLDER,
    HEAD,
    HEAD_CARD,
    HIGH,
    LOW,
    NAMES,
    Encoder,
    Words,
    from_scale,
    to_scale,
)  # fmt: skip
from renderer.training.phrases import plain_phrases, wordings
from renderer.training.train_words import accuracy, encoded

F32 = NDArray[np.float32]
VECTORS = Path(__file__).parent / "word_vectors.safetensors"

# Each prompt says exactly these controls, within a fifth of a share; hours by name.
NIGHT, TWILIGHT, DUSK, LOW_SUN, DAY, NOON = (
    (-20.0, -6.0),
    (-5.0, -1.0),
    (-1.0, 4.0),
    (4.0, 14.0),
    (20.0, 50.0),
    (45.0, 70.0),
)
FULL, HALF, NONE = (0.7, 1.0), (0.3, 0.65), (0.0, 0.15)
Range = tuple[float, float]
PROMPTS: dict[str, dict[str, Range]] = {
    "dusk": {"sun_elevation_deg": DUSK},
    "DUSK!!": {"sun_elevation_deg": DUSK},
    "snowy night": {"sun_elevation_deg": NIGHT, "snow": FULL},
    "EXT. STREET - NIGHT": {"sun_elevation_deg": NIGHT},
    "INT. WAREHOUSE - DAY": {"sun_elevation_deg": DAY},
    "foggy morning in the harbor": {"sun_elevation_deg": DAY, "fog": FULL},
    "golden hour, long shadows, cinematic": {"sun_elevation_deg": LOW_SUN},
    "blue hour, wet streets": {"sun_elevation_deg": TWILIGHT, "wetness": FULL},
    "overcast": {"cloud": FULL},
    "clear sky, noon": {"cloud": NONE, "sun_elevation_deg": NOON},
    "a knight rides through the snow at dawn": {"sun_elevation_deg": DUSK, "snow": FULL},
    "autumn leaves on the ground, low sun": {"sun_elevation_deg": LOW_SUN, "autumn": FULL},
    "hazy afternoon in the desert": {"sun_elevation_deg": DAY, "turbidity": (5.0, 9.0), "fog": (0.0, 0.3)},
    "blizzard": {"snow": FULL, "cloud": FULL, "fog": (0.4, 0.8)},
    "thunderstorm": {"wetness": FULL, "cloud": FULL},
    "light drizzle, grey sky": {"wetness": (0.5, 0.8), "cloud": FULL},
    "a lone samurai walks slowly through an abandoned village in thick fog at night": {
        "sun_elevation_deg": NIGHT, "fog": FULL,
    },
    "a light dusting of snow": {"snow": (0.15, 0.45)},
    "light fog": {"fog": (0.2, 0.4)},
    "after the storm": {"wetness": FULL},
    "a sunny summer day": {"cloud": NONE, "snow": NONE, "autumn": NONE},
    "cloudy but dry": {"cloud": FULL, "wetness": NONE},
    "winter night without snow": {"sun_elevation_deg": NIGHT, "snow": NONE},
    "not night but dusk": {"sun_elevation_deg": DUSK},
    "no snow": {"snow": NONE},
    "without fog": {"fog": NONE},
    "not foggy": {"fog": NONE},
    "remove the fog": {"fog": NONE},
    "the street is not wet": {"wetness": NONE},
    "it isn't snowing": {"snow": NONE},
    "not a cloud in the sky": {"cloud": NONE},
    "street at night, no rain": {"sun_elevation_deg": NIGHT, "wetness": NONE},
    "no people on a snowy street": {"snow": FULL},
    "a street without snow, rain or fog": {"snow": NONE, "wetness": NONE, "fog": NONE},
    "nothing but fog": {"fog": FULL},
    "3 pm": {"sun_elevation_deg": DAY},
    "sunset in the west": {"sun_elevation_deg": DUSK, "sun_azimuth_deg": (270.0, 270.0)},
    "Nacht und Nebel": {"sun_elevation_deg": NIGHT, "fog": FULL},
    "ohne Schnee": {"snow": NONE},
    "calle bajo la lluvia": {"wetness": FULL, "cloud": FULL},
}  # fmt: skip
SILENT = (
    "", " ", "x", "?!", "🎬🎬", "a cozy living room", "Blade Runner style city",
    "high contrast black and white photograph",
    "a red car", "Deakins lighting, 35mm film grain", "two knights in a duel", "underwater", "a town in the alps",
    "make it look good", "post-apocalyptic wasteland", "no people", "一条老城的街道", "улица в старом городе",
    "ein Mann geht über die Straße", "soft window light", "bright and cheerful", "grey walls", "a golden statue",
)  # fmt: skip
ADJECTIVES = "rainy neon-lit cyberpunk alley"
# Prompts that differ in one thing, and the control in which they must differ by as much as this, and in no other.
PAIRS: tuple[tuple[str, str, str, float], ...] = (
    ("a town street at noon", "a town street at noon, snow on the ground", "snow", 0.6),
    ("a courtyard, clear sky", "a snowy courtyard, clear sky", "snow", 0.6),
    ("a courtyard on a wet day", "a courtyard on a wet day, with snow", "snow", 0.6),
    ("a quiet street", "a quiet street at dusk", "sun_elevation_deg", 0.0),
    ("a valley at noon, clear sky", "a valley at dusk, clear sky", "sun_elevation_deg", 30.0),
    ("a street by day", "a street at night", "sun_elevation_deg", 30.0),
    ("afternoon in a market court", "night in a market court", "sun_elevation_deg", 30.0),
    ("a harbour in the morning", "a harbour in the morning, thick fog", "fog", 0.6),
    ("a forest road without fog", "a forest road with fog", "fog", 0.6),
    ("an alley at night, dry ground", "an alley at night, wet ground", "wetness", 0.6),
    ("an old street at dusk", "an old street at dusk after rain", "wetness", 0.6),
    ("a park in summer", "a park in autumn", "autumn", 0.6),
    ("a lake in the hills at noon", "a lake in the hills at noon, autumn leaves", "autumn", 0.6),
    ("a film set, clear sky", "a film set, overcast sky", "cloud", 0.6),
    ("a plaza, sunny, morning", "a plaza, grey sky, morning", "cloud", 0.6),
)


class Stored:
    """The real encoder's vectors of all that the prompts here are cut into."""

    def __init__(self) -> None:
        with safe_open(VECTORS, "numpy") as file:
            self._vectors = file.get_tensor("vectors").astype(np.float32)
            self._rows = {text: row for row, text in enumerate(json.loads(file.metadata()["texts"]))}

    def encode(self, sentences: Sequence[str]) -> F32:
        found: F32 = self._vectors[[self._rows[text] for text in sentences]]
        return found


class Guessing:
    """Some unit vector for any sentence; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, sentences: Sequence[str]) -> F32:
        self.asked += 1
        for sentence in sentences:
            sentence.encode()  # as a tokenizer, which takes no lone surrogates
        vectors = np.random.default_rng(len("".join(sentences))).normal(size=(len(sentences), WIDTH))
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="module", params=["stored vectors", "real encoder"])
def words(request: pytest.FixtureRequest) -> Words:
    encoder: Encoder = Stored() if request.param == "stored vectors" else real_encoder()
    return Words(encoder=encoder)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_prompt_sets_what_it_speaks_of_and_nothing_else(words: Words, prompt: str) -> None:
    told = words.controls(prompt)
    assert told.keys() == PROMPTS[prompt].keys()
    for name, (low, high) in PROMPTS[prompt].items():
        assert low <= told[name] <= high, name


@pytest.mark.xfail(reason="with three adjectives in a row the head is less sure, and sees an autumn that is not there")
def test_many_adjectives_in_a_row_are_told_apart(words: Words) -> None:
    assert words.controls(ADJECTIVES).keys() == {"wetness", "cloud"}


@pytest.mark.parametrize("prompt", SILENT)
def test_what_says_nothing_of_weather_or_hour_sets_nothing(words: Words, prompt: str) -> None:
    assert words.controls(prompt) == {}


@pytest.mark.parametrize(("one", "other", "control", "by"), PAIRS)
def test_prompts_that_differ_in_one_thing_differ_in_that_control(
    words: Words, one: str, other: str, control: str, by: float
) -> None:
    first, second = ({**vars(Weather()), **words.controls(prompt)} for prompt in (one, other))
    assert abs(first[control] - second[control]) >= max(by, 0.3)
    for name in NAMES:
        near = 2.0 if name == "sun_elevation_deg" else 0.1
        assert name == control or first[name] == pytest.approx(second[name], abs=near), name


def test_capital_letters_and_spaces_do_not_matter(words: Words) -> None:
    assert words.controls("  SNOWY \t NIGHT ") == words.controls("snowy night")


@settings(deadline=None)
@given(prompt=st.text(max_size=300))
def test_any_text_is_taken_and_says_finite_controls_within_their_ranges(prompt: str) -> None:
    for name, value in Words(encoder=Guessing()).controls(prompt).items():
        assert LOW.get(name, 0.0) - 1e-3 <= value <= HIGH.get(name, 360.0) + 1e-3


@pytest.mark.parametrize(
    "prompt", ["\x00\x01\u200b", "\ud800 snow", "no " * 3333, "not a," * 1666, "🌫️" * 5000, "dusk" * 2500, "a\n" * 5000]
)
def test_odd_and_endless_prompts_are_taken(prompt: str) -> None:
    Words(encoder=Guessing()).controls(prompt)
    assert len(pieces_of(prompt)) <= MOST_PIECES


def test_the_real_encoder_takes_odd_and_endless_prompts() -> None:
    words = Words(encoder=real_encoder())
    for prompt in ("\ud800\x00", "🌫️" * 5000, "dusk" * 2500, "night and fog, " * 700):
        assert all(np.isfinite(value) for value in words.controls(prompt).values())


def test_a_prompt_is_encoded_once_and_the_oldest_are_forgotten() -> None:
    encoder = Guessing()
    words = Words(encoder=encoder)
    for prompt in ["first"] * 3:
        words.controls(prompt)
    assert encoder.asked == 1
    for number in range(CACHED):
        words.controls(f"prompt {number}")
    words.controls("first")
    assert encoder.asked == CACHED + 2


@given(st.lists(st.floats(0.0, 1.0, width=32), min_size=len(NAMES), max_size=len(NAMES)))
def test_scales_go_both_ways(places: list[float]) -> None:
    row = np.array(places, np.float32)
    np.testing.assert_allclose(to_scale(from_scale(row)), row, atol=1e-4)


@pytest.mark.parametrize(("name", "change"), [(HEAD, b"altered"), (HEAD, None), (HEAD_CARD, None)])
def test_a_head_that_is_not_the_shipped_one_is_refused_by_name(tmp_path: Path, name: str, change: bytes | None) -> None:
    for file in (HEAD, HEAD_CARD):
        shutil.copy(FOLDER / file, tmp_path / file)
    (tmp_path / name).unlink()
    if change is not None:
        (tmp_path / name).write_bytes(change)
    with pytest.raises(ModelIncomplete, match=re.escape(name)):
        Words(tmp_path, encoder=Guessing())


def test_the_card_names_the_encoder_that_the_head_was_trained_on() -> None:
    assert json.loads((FOLDER / HEAD_CARD).read_text())["encoder_sha256"] == SHA256[WEIGHTS]


def test_stored_vectors_are_the_real_encoder_s() -> None:
    texts = stored_texts()
    np.testing.assert_allclose(Stored().encode(texts), real_encoder().encode(texts), atol=2e-4)


def test_wordings_that_were_held_out_of_training_are_understood() -> None:
    phrases = plain_phrases(wordings(held=True))
    figures = accuracy(Words(encoder=Guessing()).head, encoded(real_encoder(), [one.text for one in phrases]), phrases)
    assert figures.exact >= 0.8
    assert figures.silent_kept >= 0.8


def stored_texts() -> list[str]:
    """All that the prompts here are cut into."""
    prompts = [*PROMPTS, ADJECTIVES, *SILENT, *(prompt for pair in PAIRS for prompt in pair[:2]), "  SNOWY \t NIGHT "]
    return sorted({piece.text for prompt in prompts for piece in pieces_of(prompt)})


if __name__ == "__main__":
    vectors = MiniLM().encode(stored_texts()).astype(np.float16)
    save_file({"vectors": vectors}, VECTORS, {"texts": json.dumps(stored_texts())})
