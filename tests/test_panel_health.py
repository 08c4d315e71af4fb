"""What the panel says of the show: the worst that is to be told, in words, with what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from renderer.panel.health import OLD_MS, PAUSED_S, TROUBLE_S, Facts, health

WELL = Facts(name="Godot", since_frame_s=0.02, age_p95_ms=60.0, stages_ms=(("generate", 30.0),))
BROKEN = replace(WELL, trouble_what="the plane depth is missing", trouble_fix="Turn it on.", since_trouble_s=1.0)
PAUSED = replace(WELL, since_frame_s=PAUSED_S + 4.0)
SLOW = replace(WELL, age_p95_ms=OLD_MS + 100.0, stages_ms=(("generate", 300.0), ("recall", 10.0)))


def test_a_show_that_goes_well_is_well() -> None:
    assert health([WELL]).level == "good"


def test_without_an_engine_it_says_how_to_get_one() -> None:
    told = health([])
    assert (told.level, "Play" in told.fix) == ("idle", True)


@pytest.mark.parametrize(
    ("facts", "level", "what", "fix"),
    [
        (BROKEN, "bad", "the plane depth is missing", "Turn it on."),
        (PAUSED, "warn", "no frame for 6 s", "paused"),
        (replace(WELL, since_frame_s=None), "idle", "sent no frame yet", "Play"),
        (replace(WELL, take_missed=3), "warn", "lacks 3 frames", "disk"),
        (SLOW, "warn", "350 ms old", "The model takes 300 ms"),
        (replace(SLOW, stages_ms=(("recall", 300.0),)), "warn", "old", "memory takes 300 ms"),
        (replace(SLOW, stages_ms=(("generate", 20.0),)), "warn", "old", "330 ms outside the model"),
        (replace(SLOW, stages_ms=()), "warn", "old", "350 ms outside the model"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(facts: Facts, level: str, what: str, fix: str) -> None:
    told = health([facts])
    assert told.level == level
    assert what in told.what
    assert fix in told.fix


def test_an_error_is_told_for_a_while_and_then_is_over() -> None:
    assert health([replace(BROKEN, since_trouble_s=TROUBLE_S + 0.1)]).level == "good"


def test_of_several_engines_the_worst_is_told() -> None:
    assert health([WELL, PAUSED, BROKEN]).level == "bad"
    assert health([WELL, PAUSED]).level == "warn"


def test_a_renderer_that_does_not_answer_comes_before_everything() -> None:
    told = health([BROKEN], busy_s=3.2)
    assert "not answered for 3 s" in told.what
    assert health([WELL], busy_s=0.5).level == "good"
