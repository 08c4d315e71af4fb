"""Phrases of many wordings and the controls that each one says: what limn learns the meaning of words from.

`wordings.toml` holds what people say; here it is put into places, beside other things, and one with another. Wordings
held out of training make phrases of their own, so that accuracy is told on words that the head has never seen.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from renderer.models.limn.words import HIGH

WORDINGS = Path(__file__).parent / "wordings.toml"
FORMS = ("adjectives", "nouns", "phrases")
MODIFIED = {  # how much of a share an adverb leaves, and which
    "slightly": 0.4, "a bit": 0.45, "a little": 0.45, "somewhat": 0.6, "very": 1.15, "extremely": 1.3, "really": 1.1,
    "so": 1.1, "quite": 1.0, "rather": 1.0, "completely": 1.3,
}  # fmt: skip
# What people put around a wording, "{}", by its form.
AROUND = {
    "adjectives": (
        "{}", "it is {}", "make it {}", "{} weather", "the scene is {}", "{} scene", "{} mood", "everything looks {}",
        "{} atmosphere", "more {}", "{} {style}", "{style} {}", "{} {subject}", "{} lighting",
    ),
    "nouns": (
        "{}", "{} in the scene", "add {}", "I want {}", "give me {}", "{} and {subject}", "{style} {}", "{} {style}",
        "there is {}", "{subject} and {}", "{} please", "lots of {}", "{} everywhere", "the {}", "we see {}",
        "{place} {}", "{} over {place}", "{} around {subject}", "{place} and {}", "the time of {}",
    ),
    "phrases": (
        "{}", "{subject} {}", "{} {subject}", "a shot {}", "it looks as if {}", "{style} {}", "{style} {place} {}",
        "{subject} {verb} {place} {}", "the same place {}", "{place} {}", "everything {}",
    ),
    "nothing": (
        "{place}", "{subject}", "{subject} {verb} {place}", "{style} {place}", "{style} {subject}", "{confusing}",
        "{place} and {subject}", "{style} shot of {subject}", "{request}", "{language}", "{style}", "{style} {style}",
        "{confusing} {style}", "{subject} and {confusing}", "{confusing} in {place}", "{subject} in {place}",
        "{request}", "add {subject}", "I want {confusing}", "{language}", "there is {subject}",
        "{place} full of {confusing}",
    ),
}  # fmt: skip
SHARES = ("fog", "wetness", "snow", "cloud")


@dataclass(frozen=True)
class Phrase:
    """A few words as a piece of a prompt, and the controls that they say, in their units."""

    text: str
    values: dict[str, float]


@dataclass(frozen=True)
class Saying:
    """Wordings of one meaning, by form."""

    values: dict[str, float]
    words: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Wordings:
    """Either those of training, or those held out."""

    sayings: tuple[Saying, ...]
    beside: dict[str, tuple[str, ...]]


def wordings(*, held: bool) -> Wordings:
    told = tomllib.loads(WORDINGS.read_text())
    sayings = (
        Saying(one["values"], {form: _chosen(one.get(form, ""), held) for form in FORMS}) for one in told["saying"]
    )
    beside = {name: _chosen(words, held) for name, words in told["beside"].items()}
    return Wordings(tuple(saying for saying in sayings if any(saying.words.values())), beside)


def _chosen(words: str, held: bool) -> tuple[str, ...]:
    every = (" ".join(word.split()) for word in words.split(";"))
    return tuple(word.removeprefix("*") for word in every if word and word.startswith("*") == held)


def _by_degrees(values: dict[str, float]) -> bool:
    return set(values) <= set(SHARES) and min(values.values()) > 0.3


def plain_phrases(words: Wordings) -> list[Phrase]:
    """Every wording once, as it is."""
    said = [Phrase(text, one.values) for one in words.sayings for form in FORMS for text in one.words[form]]
    return said + [Phrase(text, {}) for every in words.beside.values() for text in every]


class Grammar:
    """Draws phrases. The same seed draws the same ones."""

    def __init__(self, words: Wordings, seed: int) -> None:
        self._words = words
        self._rng = np.random.default_rng(seed)
        self._makers: tuple[tuple[float, Callable[[], Phrase]], ...] = (
            (0.31, self._one), (0.15, self._placed), (0.06, self._modified), (0.18, self._two), (0.06, self._three),
            (0.24, self._nothing),
        )  # fmt: skip

    def phrases(self, count: int) -> list[Phrase]:
        shares = [share for share, _ in self._makers]
        chosen = self._rng.choice(len(shares), size=count, p=np.array(shares) / sum(shares))
        return [self._typed(self._makers[index][1]()) for index in chosen]

    def _one(self) -> Phrase:
        """One meaning, alone or with what people put around it."""
        form, text, values = self._wording()
        return Phrase(self._filled(self._pick(AROUND[form]), text), values)

    def _placed(self) -> Phrase:
        form, text, values = self._wording()
        if form == "adjectives":
            words = f"{self._maybe('styles')}{text} {self._maybe('styles')}{self._maybe('styles')}".strip()
            return Phrase(self._before_place(words), values)
        joint = "" if form == "phrases" else self._pick((" with ", ", ", " and ", " under ", " in "))
        return Phrase(f"{self._maybe('styles')}{self._beside('places')}{joint or ' '}{text}", values)

    def _modified(self) -> Phrase:
        """An adjective of more or less."""
        form, text, values = self._wording(lambda one: bool(one.words["adjectives"]) and _by_degrees(one.values))
        if form != "adjectives" or " " in text:
            return Phrase(text, values)
        adverb = self._pick(tuple(MODIFIED))
        changed = {name: min(HIGH[name], value * MODIFIED[adverb]) for name, value in values.items()}
        return Phrase(self._filled(self._pick(("{}", "it is {}", "make it {}")), f"{adverb} {text}"), changed)

    def _two(self) -> Phrase:
        if self._rng.uniform() < 0.3:
            return self._when()
        first = self._wording(form="adjectives")
        form, text, values = self._wording(lambda one: not set(one.values) & set(first[2]))
        both = first[2] | values
        if form == "adjectives":
            joint = self._pick((" ", " and ", " "))
            return Phrase(
                self._pick((f"{first[1]}{joint}{text}", self._before_place(f"{first[1]}{joint}{text}"))), both
            )
        if form == "nouns":
            return Phrase(self._pick((f"{first[1]} {text}", f"{text} and {first[1]}", f"{first[1]} and {text}")), both)
        return Phrase(self._pick((f"{self._before_place(first[1])} {text}", f"{first[1]} {text}")), both)

    def _when(self) -> Phrase:
        """What there is, and when or where: "snow at night"."""
        _, noun, first = self._wording(form="nouns")
        _, phrase, second = self._wording(lambda one: not set(one.values) & set(first), form="phrases")
        return Phrase(f"{noun} {phrase}", first | second)

    def _three(self) -> Phrase:
        first = self._wording(form="adjectives")
        second = self._wording(lambda one: not set(one.values) & set(first[2]), form="adjectives")
        taken = set(first[2]) | set(second[2])
        form, text, values = self._wording(lambda one: not set(one.values) & taken)
        adjectives = f"{first[1]}{self._pick((' ', ' and '))}{second[1]}"
        joint = {"adjectives": ", ", "nouns": self._pick((" ", " and ")), "phrases": " "}[form]
        start = self._before_place(adjectives) if form == "phrases" else adjectives
        return Phrase(f"{start}{joint}{text}", first[2] | second[2] | values)

    def _nothing(self) -> Phrase:
        return Phrase(self._filled(self._pick(AROUND["nothing"]), ""), {})

    def _wording(
        self, fits: Callable[[Saying], bool] = lambda _: True, *, form: str | None = None
    ) -> tuple[str, str, dict[str, float]]:
        """A form, a wording of that form, and what it says."""
        sayings = [one for one in self._words.sayings if fits(one) and (form is None or one.words[form])]
        one = sayings[int(self._rng.integers(len(sayings)))]
        forms = (form,) if form else tuple(name for name in FORMS if one.words[name])
        chosen = self._pick(forms)
        return chosen, self._pick(one.words[chosen]), one.values

    def _before_place(self, adjective: str) -> str:
        article, _, rest = self._beside("places").partition(" ")
        return f"{self._pick(('', 'a ', 'the '))}{adjective} {rest if article in ('a', 'an') else f'{article} {rest}'}"

    def _filled(self, form: str, text: str) -> str:
        kinds = {"{style}": "styles", "{subject}": "subjects", "{place}": "places", "{verb}": "verbs",
                 "{confusing}": "confusing", "{request}": "requests", "{language}": "languages"}  # fmt: skip
        form = form.replace("{}", text)
        for mark, kind in kinds.items():
            while mark in form:
                form = form.replace(mark, self._beside(kind), 1)
        return form

    def _beside(self, kind: str) -> str:
        return self._pick(self._words.beside[kind])

    def _maybe(self, kind: str) -> str:
        return f"{self._beside(kind)} " if self._rng.uniform() < 0.3 else ""

    def _pick(self, options: Sequence[str]) -> str:
        return options[int(self._rng.integers(len(options)))]

    def _typed(self, phrase: Phrase) -> Phrase:
        """One in twelve with a slip of the keyboard: a letter doubled, lost, or two of them in the wrong order."""
        text = phrase.text
        if self._rng.uniform() > 0.08 or len(text) < 6:
            return phrase
        at = int(self._rng.integers(1, len(text) - 2))
        slips = (text[:at] + text[at:], text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:],
                 text[:at] + text[at + 1] + text[at] + text[at + 2 :])  # fmt: skip
        return Phrase(self._pick(slips), phrase.values)
