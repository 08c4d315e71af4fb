"""The engine's own frames pass the whole suite, and every seeded fault trips its own metric and one other at most."""

from __future__ import annotations

import numpy as np
import pytest

from renderer.evaluate.world.controls import Caught
from renderer.evaluate.world.faults import FAULTS, Fault
from renderer.evaluate.world.long_walk import planned
from renderer.evaluate.world.metrics import METRICS
from renderer.evaluate.world.permanence import absences
from renderer.evaluate.world.scenes import Size
from renderer.evaluate.world.suite import Plan, Suite
from renderer.evaluate.world.truth import way_between

SIZE = Size(128, 72)


@pytest.fixture(scope="module")
def suite() -> Suite:
    """Twelve loops of two frames, spread over 11 minutes: enough to tell a drift."""
    return Suite(Plan(7, SIZE, planned((1.0, 10.0), 6), frames=2, walk_s=1.4, aways_s=(5.0,)))


def test_the_engines_own_frames_pass_everything_and_every_metric_is_judged(suite: Suite) -> None:
    found = list(suite.of_engine())
    assert {metric for part in found for metric in part.failed} == set()
    judged = {figure.metric for part in found for figure in part.figures if figure.gate is not None}
    assert judged == set(METRICS)


def test_every_metric_has_a_fault_of_its_own() -> None:
    assert {fault.metric for fault in FAULTS} == set(METRICS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_trips_its_own_metric_and_one_other_at_most(suite: Suite, fault: Fault) -> None:
    failed = fault.found(suite, np.random.default_rng(7)).failed
    assert fault.metric in failed
    assert len(failed - {fault.metric}) <= 1


def test_things_pass_wholly_out_of_sight_and_come_back(suite: Suite) -> None:
    rolling, standing = (absences(hiding) for hiding in suite.hidings)
    assert len(rolling) == 2
    assert len(standing) == 3
    assert all(absence.away_s > 5.0 for absence in standing)
    for hiding, found in zip(suite.hidings, (rolling, standing), strict=True):
        for absence in found:
            assert all(not (hiding.truths[t].objects == absence.thing).any() for t in absence.hidden)
            assert any((hiding.unhidden[t].objects == absence.thing).any() for t in absence.hidden)


def test_the_walk_does_not_look_at_the_place_of_the_visits(suite: Suite) -> None:
    shared = [way_between(place, truth).visible.mean() for place in suite.long.place[::3] for truth in suite.long.loop]
    assert max(shared) < 0.3


def test_a_fork_has_one_past_and_two_futures_and_comes_out_the_same_again(suite: Suite) -> None:
    fork = suite.fork
    for calm, pushed in zip(fork.calm[: fork.at], fork.pushed[: fork.at], strict=True):
        np.testing.assert_array_equal(calm.picture, pushed.picture)
    assert any((a.objects != b.objects).any() for a, b in zip(fork.calm, fork.pushed, strict=True))
    twin = Suite(suite.plan)
    for name in ("walk_truths", "drop_truths", "mirror_truths"):
        for one, other in zip(getattr(suite, name), getattr(twin, name), strict=True):
            assert {p: v.tobytes() for p, v in one.planes.items()} == {p: v.tobytes() for p, v in other.planes.items()}


def test_out_and_back_have_the_same_poses(suite: Suite) -> None:
    truths = suite.mirror_truths
    for out, back in zip(truths, reversed(truths), strict=True):
        np.testing.assert_array_equal(out.objects, back.objects)


def test_a_fault_is_caught_when_it_is_seen_in_99_of_100_seeds() -> None:
    caught = Caught("W2", [True] * 99 + [False], [("W1",)] * 100)
    assert caught.holds
    assert caught.told()["missed"] == [100]
    assert not Caught("W2", [True] * 98 + [False] * 2, [()] * 100).holds
    assert not Caught("W2", [True], [("W1", "W4")]).holds
