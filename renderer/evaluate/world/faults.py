"""Seeded faults: the engine's own frames, spoiled in one way each, to see that the suite's metrics are awake.

A fault is seeded into the one episode in which its symptom lives, and every metric that reads that episode is taken.
It must trip its own metric, and one other at most. How strong it is, and where, comes from the seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bridge.engine.courtyard import PERIOD_S
from bridge.schema import PlaneName
from renderer.evaluate.image import tone_map
from renderer.evaluate.world.causes import Futures
from renderer.evaluate.world.colour import ciede2000
from renderer.evaluate.world.endurance import endurance_found
from renderer.evaluate.world.findings import Found
from renderer.evaluate.world.flow import shifted
from renderer.evaluate.world.long_walk import Asked
from renderer.evaluate.world.permanence import SAME_DE, Absence, mean_lab, permanence_found
from renderer.evaluate.world.scenes import Hiding
from renderer.evaluate.world.suite import Suite
from renderer.evaluate.world.truth import F32, LUMA, Mask, Truth, grown

Rng = np.random.Generator
Half = NDArray[np.float16]
SMALL = 0.008  # of the picture


@dataclass(frozen=True)
class Fault:
    """What is wrong, the metric that must say so, and what the suite finds with it."""

    name: str
    metric: str
    found: Callable[[Suite, Rng], Found]


def _walked(spoil: Callable[[list[F32], Rng], list[F32]]) -> Callable[[Suite, Rng], Found]:
    return lambda suite, rng: suite.walk.judge(spoil([t.picture for t in suite.walk_truths], rng))


def _dropped(spoil: Callable[[list[F32], Rng], list[F32]]) -> Callable[[Suite, Rng], Found]:
    return lambda suite, rng: suite.drop.judge(spoil([t.picture for t in suite.drop_truths], rng))


def _shower_door(shown: list[F32], rng: Rng) -> list[F32]:
    """A pattern that sticks to the screen and not to the world."""
    height, width = shown[0].shape[:2]
    y, x = np.mgrid[:height, :width] / width
    turn = rng.uniform(0.0, 2.0 * np.pi, 2)
    pattern = rng.uniform(0.09, 0.12) * np.sin(9.0 * x + turn[0]) * np.sin(9.0 * y + turn[1])
    return [_shown(picture + pattern[..., None]) for picture in shown]


def _flutter(shown: list[F32], rng: Rng) -> list[F32]:
    """Brightness that goes up and down by turns."""
    by = rng.uniform(4.0, 5.0) / 255.0
    return [_shown(picture + (by if t % 2 else -by)) for t, picture in enumerate(shown)]


def _swimming(suite: Suite, rng: Rng) -> Found:
    """What is inside outlines goes to and fro sideways by turns, as texture that does not stick; outlines stay."""
    by = rng.uniform(1.4, 1.6)  # the windows that see it hold some of what stands still
    shown = []
    for t, truth in enumerate(suite.walk_truths):
        moved = shifted(truth.picture, by if t % 2 else -by, 0.0)
        shown.append(np.where(_outlines(truth)[..., None], truth.picture, moved))
    return suite.walk.judge(shown)


def _outlines(truth: Truth) -> Mask:
    """True within two pixels of where one thing ends and another begins."""
    ends = np.zeros(truth.objects.shape, bool)
    ends[:, 1:] |= truth.objects[:, 1:] != truth.objects[:, :-1]
    ends[1:] |= truth.objects[1:] != truth.objects[:-1]
    return grown(ends, 2)


def _depth_shift(shown: list[F32], rng: Rng) -> list[F32]:
    """The picture lies 2 px beside the geometry."""
    across = bool(rng.integers(2))
    by = 2.0 * float(rng.choice([-1.0, 1.0]))
    return [shifted(picture, by if across else 0.0, 0.0 if across else by) for picture in shown]


def _delayed(shown: list[F32], _: Rng) -> list[F32]:
    """Every picture is of the frame before."""
    return [shown[0], *shown[:-1]]


def _frozen(shown: list[F32], rng: Rng) -> list[F32]:
    """The picture stops in the first half and stays."""
    stop = int(rng.integers(2, len(shown) // 2))
    return [*shown[:stop], *[shown[stop]] * (len(shown) - stop)]


def _shuffled(shown: list[F32], rng: Rng) -> list[F32]:
    return [shown[t] for t in rng.permutation(len(shown))]


def _noisy(suite: Suite, rng: Rng) -> Found:
    """Noise of two levels."""
    noise = [rng.normal(0.0, 2.0 / 255.0, t.picture.shape) for t in suite.still_truths]
    return suite.still.judge([_shown(t.picture + n) for t, n in zip(suite.still_truths, noise, strict=True)])


def _touched(suite: Suite, rng: Rng) -> Found:
    """One owned pixel is one step of half floats off."""
    composites = [truth.planes[PlaneName.COLOR].copy() for truth in suite.owned_truths]
    t = int(rng.integers(len(composites)))
    rows, columns = np.nonzero(suite.owned.masks[t])
    n = int(rng.integers(len(rows)))
    composites[t].view(np.uint16)[rows[n], columns[n], int(rng.integers(3))] += 1
    return suite.owned.judge(composites)


def _hidden(
    spoil: Callable[[list[F32], Hiding, Absence], None], shows: Callable[[Hiding, Absence], bool] = lambda *_: True
) -> Callable[[Suite, Rng], Found]:
    """Every episode of hiding; the fault is in one thing that was out of sight in one of them, where it shows."""

    def found(suite: Suite, rng: Rng) -> Found:
        some = [(n, absence) for n, permanence in enumerate(suite.permanence) for absence in permanence.absences
                if shows(suite.hidings[n], absence)]  # fmt: skip
        spoiled, absence = some[int(rng.integers(len(some)))]
        kept = []
        for n, (permanence, hiding) in enumerate(zip(suite.permanence, suite.hidings, strict=True)):
            shown = [truth.picture.copy() for truth in hiding.truths]
            if n == spoiled:
                spoil(shown, hiding, absence)
            kept += permanence.judge(shown)
        return permanence_found(kept)

    return found


def _deleted(shown: list[F32], hiding: Hiding, absence: Absence) -> None:
    """A thing does not come back: where it should be there is what is around it."""
    for t in range(absence.hidden[-1], len(shown)):
        mine = hiding.truths[t].objects == absence.thing
        around = grown(mine, 2) & ~mine
        if mine.any():
            shown[t][mine] = shown[t][around].mean(axis=0)


def _ghost(shown: list[F32], hiding: Hiding, absence: Absence) -> None:
    """A thing shows through what hides it, by half."""
    for t in absence.hidden:
        without = hiding.unhidden[t]
        mine = without.objects == absence.thing
        shown[t][mine] = 0.5 * shown[t][mine] + 0.5 * without.picture[mine]


def _stands_out(hiding: Hiding, absence: Absence) -> bool:
    """Whether half of a thing's colour, over what hides it, is another colour than that by W7's own measure. A grey
    thing behind a grey wall has no ghost that anybody sees."""
    apart = [
        float(ciede2000(*(mean_lab(picture, hiding.unhidden[t], absence.thing)
                          for picture in (hiding.unhidden[t].picture, hiding.truths[t].picture))))
        for t in absence.hidden
    ]  # fmt: skip
    known = [each for each in apart if np.isfinite(each)]
    return bool(known) and 0.5 * float(np.mean(known)) >= SAME_DE


def _long(spoil: Callable[[Suite, Rng], Callable[[Truth], F32]]) -> Callable[[Suite, Rng], Found]:
    def found(suite: Suite, rng: Rng) -> Found:
        return endurance_found(suite.long.walked(suite.plan.stops, spoil(suite, rng)), suite.engine_diary)

    return found


def _fading(suite: Suite, _: Rng) -> Callable[[Truth], F32]:
    """One percent of the saturation is lost in a minute."""

    def shown(truth: Truth) -> F32:
        grey = (truth.picture @ LUMA)[..., None]
        return _shown(grey + (truth.picture - grey) * (1.0 - 0.01 * truth.time_s / 60.0))

    return shown


def _permuted(suite: Suite, rng: Rng) -> Callable[[Truth], F32]:
    """From the second loop on two things that are small in every frame have each other's colour: two that differ much,
    in one frame."""
    loop = suite.long.loop
    counted = [np.unique(truth.objects, return_counts=True) for truth in loop]
    large = {int(thing) for things, areas in counted for thing in things[areas > SMALL * loop[0].objects.size]}
    small = [{thing: lab for thing, lab in Asked(truth).look(truth.picture).things.items() if thing not in large}
             for truth in loop]  # fmt: skip
    several = [n for n, labs in enumerate(small) if len(labs) > 1]
    n = several[int(rng.integers(len(several)))]
    truth, labs = loop[n], small[n]
    pairs = [(float(ciede2000(labs[a], labs[b])), a, b) for a, b in combinations(sorted(labs), 2)]
    _, one, other = sorted(pairs)[-int(rng.integers(1, min(8, len(pairs))))]
    mean = {thing: truth.picture[truth.objects == thing].mean(axis=0) for thing in (one, other)}

    def shown(truth: Truth) -> F32:
        picture = truth.picture.copy()
        if truth.time_s > suite.long.loop[-1].time_s - PERIOD_S:
            for thing, by in ((one, mean[other] - mean[one]), (other, mean[one] - mean[other])):
                picture[truth.objects == thing] += by
        return _shown(picture)

    return shown


def _repainted(suite: Suite, rng: Rng) -> Callable[[Truth], F32]:
    """The place of the visits is another tone when it is seen again."""
    gain = np.ones(3)
    gain[int(rng.integers(3))] = rng.uniform(1.04, 1.08)
    visits: list[Truth] = []

    def shown(truth: Truth) -> F32:
        if any(truth is place for place in suite.long.place):
            visits.append(truth)
            return _shown(truth.picture * gain) if len(visits) > len(suite.long.place) else truth.picture
        return truth.picture

    return shown


def _futures(suite: Suite) -> tuple[list[Half], list[Half]]:
    calm, pushed = (
        [t.planes[PlaneName.COLOR].copy() for t in truths] for truths in (suite.fork.calm, suite.fork.pushed)
    )
    return calm, pushed


def _leaking(suite: Suite, rng: Rng) -> Found:
    """Three levels more or less where nothing was pushed."""
    calm, pushed = _futures(suite)
    by = 3.0 / 255.0 * float(rng.choice([-1.0, 1.0]))
    for t in range(suite.fork.at, len(pushed)):
        outside = ~suite.causes.inside[t]
        linear = pushed[t][..., :3][outside].astype(np.float32)
        nudge = 0.01 * linear + 1e-3
        slope = np.maximum((tone_map(linear + nudge) - tone_map(linear)) / nudge, 1e-2)
        pushed[t][..., :3][outside] = np.maximum(linear + by / slope, 0.0)
    return suite.causes.judge(Futures(calm, calm, pushed))


def _unrepeatable(suite: Suite, rng: Rng) -> Found:
    """One pixel of the calm future is one step of half floats off when it is made again."""
    calm, pushed = _futures(suite)
    again = [picture.copy() for picture in calm]
    height, width = again[0].shape[:2]
    at = int(rng.integers(len(again))), int(rng.integers(height)), int(rng.integers(width)), int(rng.integers(3))
    again[at[0]].view(np.uint16)[at[1:]] += 1
    return suite.causes.judge(Futures(calm, again, pushed))


def _deaf(suite: Suite, _: Rng) -> Found:
    """The push has no effect."""
    calm, _pushed = _futures(suite)
    return suite.causes.judge(Futures(calm, calm, calm))


def _late_edit(suite: Suite, rng: Rng) -> Found:
    """The picture answers an edit some frames late."""
    shown = []
    for edit in suite.edit_takes:
        late = int(rng.integers(5, 8))
        shown.append([t.picture if n < edit.at or n >= edit.at + late else edit.truths[0].picture
                      for n, t in enumerate(edit.truths)])  # fmt: skip
    return suite.edits.judge(shown)


def _spilling_edit(suite: Suite, rng: Rng) -> Found:
    """An edit changes the brightness of everything."""
    by = rng.uniform(2.0, 3.0) / 255.0
    return suite.edits.judge(
        [[t.picture if n < edit.at else _shown(t.picture * (1.0 - 3.0 * by)) for n, t in enumerate(edit.truths)]
         for edit in suite.edit_takes]
    )  # fmt: skip


def _shown(picture: NDArray[np.floating]) -> F32:
    return np.asarray(np.clip(picture, 0.0, 1.0), np.float32)


FAULTS = (
    Fault("a pattern that sticks to the screen", "W1", _walked(_shower_door)),
    Fault("brightness up and down by turns", "W2", _walked(_flutter)),
    Fault("noise of two levels", "W3", _noisy),
    Fault("texture that swims inside its outlines", "W4", _swimming),
    Fault("a depth shift of 2 px", "W5", _walked(_depth_shift)),
    Fault("a delay of one frame", "W5", _walked(_delayed)),
    Fault("an owned pixel touched", "W6", _touched),
    Fault("a deleted thing", "W7", _hidden(_deleted)),
    Fault("a ghost", "W7", _hidden(_ghost, _stands_out)),
    Fault("permuted ids", "W8", _long(_permuted)),
    Fault("a place repainted while away", "W9", _long(_repainted)),
    Fault("saturation lost, 1 % a minute", "W10", _long(_fading)),
    Fault("a leak of 3 levels", "W11", _leaking),
    Fault("a push without effect", "W11", _deaf),
    Fault("a calm future that is not the same again", "W11", _unrepeatable),
    Fault("a frozen frame", "W12", _dropped(_frozen)),
    Fault("shuffled frames", "W12", _dropped(_shuffled)),
    Fault("an edit that comes late", "W13", _late_edit),
    Fault("an edit that spills", "W13", _spilling_edit),
)
