"""Phrases that teach words: held-out wordings stay out, controls stay within their ranges, a seed is repeatable."""

from __future__ import annotations

from renderer.models.limn.words import HIGH, LOW
from renderer.training.phrases import Grammar, plain_phrases, wordings


def test_wordings_of_training_and_those_held_out_are_not_the_same() -> None:
    taught, held = ({phrase.text.lower() for phrase in plain_phrases(wordings(held=held))} for held in (False, True))
    assert len(taught) > 1000
    assert len(held) > 200
    assert not taught & held


def test_phrases_say_controls_of_the_head_within_their_ranges_and_some_say_nothing() -> None:
    phrases = Grammar(wordings(held=False), seed=7).phrases(500)
    for phrase in phrases:
        assert phrase.text.strip()
        assert all(LOW[name] <= value <= HIGH[name] for name, value in phrase.values.items())
    assert 0.1 < sum(not phrase.values for phrase in phrases) / len(phrases) < 0.5


def test_the_same_seed_makes_the_same_phrases_and_another_makes_others() -> None:
    taught = wordings(held=False)
    assert Grammar(taught, seed=1).phrases(50) == Grammar(taught, seed=1).phrases(50)
    assert Grammar(taught, seed=1).phrases(50) != Grammar(taught, seed=2).phrases(50)
