"""W7: whether things are still there, and the same, when they come out from behind others, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from renderer.evaluate.world.colour import ciede2000, lab_of
from renderer.evaluate.world.edges import Lines, recalled, silhouettes, steps
from renderer.evaluate.world.findings import Curve, Figure, Found, Gate, Worst
from renderer.evaluate.world.scenes import Hiding
from renderer.evaluate.world.statistics import exactly, largest_of, mean_of
from renderer.evaluate.world.truth import F32, F64, Truth

SEEN = 0.3  # of its largest area: in view
THERE = 0.5  # of its boundary that must show
SAME_DE = 5.0  # CIEDE2000, excess
BESIDE_PX = ((-4, 0), (4, 0), (0, -4), (0, 4), (-6, 0), (6, 0))  # where a ghost's outline is compared with


@dataclass(frozen=True)
class Absence:
    """A thing passes wholly out of sight: the last frame before, those in between, the first after."""

    thing: int
    before: int
    hidden: tuple[int, ...]
    after: int
    away_s: float


def absences(hiding: Hiding) -> list[Absence]:
    """Every time that an actor was in view, gone to the last pixel, and in view again."""
    found = []
    for thing in hiding.actors:
        area = np.array([int((truth.objects == thing).sum()) for truth in hiding.truths])
        in_view = area >= SEEN * area.max()
        for gone, run in groupby(range(len(area)), key=lambda t: area[t] == 0):
            frames = tuple(run)
            earlier, later = np.nonzero(in_view[: frames[0]])[0], np.nonzero(in_view[frames[-1] :])[0]
            if gone and len(earlier) and len(later):
                before, after = int(earlier[-1]), int(later[0]) + frames[-1]
                away_s = hiding.truths[after].time_s - hiding.truths[before].time_s
                found.append(Absence(thing, before, frames, after, away_s))
    return found


class Permanence:
    """Judges one episode of hiding."""

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding
        engine = [truth.picture for truth in hiding.truths]
        self._engine = engine
        every = absences(hiding)
        # What does not show in the engine's own frame, such as a grey thing before a grey wall, cannot be asked for.
        self.absences = [a for a in every if self._there(engine, a) >= THERE]
        self.left_out = len(every) - len(self.absences)

    def judge(self, shown: Sequence[F32]) -> list[Kept]:
        return [
            Kept(
                absence.away_s,
                self._there(shown, absence),
                self._changed(shown, absence) - self._changed(self._engine, absence),
                self._ghost(shown, absence),
                self._pictures(shown, absence),
            )
            for absence in self.absences
        ]

    def _there(self, shown: Sequence[F32], absence: Absence) -> float:
        """Share of the thing's outline with an edge, when it is back."""
        truth = self._hiding.truths[absence.after]
        return recalled(shown[absence.after], silhouettes(truth.objects, absence.thing))

    def _changed(self, shown: Sequence[F32], absence: Absence) -> float:
        """CIEDE2000 of the thing's mean colour before and after."""
        before, after = (mean_lab(shown[t], self._hiding.truths[t], absence.thing)
                         for t in (absence.before, absence.after))  # fmt: skip
        return float(ciede2000(before, after))

    def _ghost(self, shown: Sequence[F32], absence: Absence) -> float:
        """Edge energy along the outline that the hidden thing would have, beyond that along the same outline beside it,
        less the same of the engine's frame, over the energy of its real outline before."""
        before = silhouettes(self._hiding.truths[absence.before].objects, absence.thing)
        present = _energy(shown[absence.before], before)
        excess = []
        for t in absence.hidden:
            outline = silhouettes(self._hiding.unhidden[t].objects, absence.thing)
            if any(np.asarray(lines).any() for lines in outline):
                excess.append(_beyond(shown[t], outline) - _beyond(self._engine[t], outline))
        return float(np.mean(excess)) / max(present, 1e-6) if excess else 0.0

    def _pictures(self, shown: Sequence[F32], absence: Absence) -> tuple[tuple[str, F32], ...]:
        middle = absence.hidden[len(absence.hidden) // 2]
        return tuple((text, shown[t]) for text, t in (("before", absence.before), ("hidden", middle),
                                                      ("after", absence.after)))  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """What became of one thing that was out of sight."""

    away_s: float
    there: float  # share of its outline
    changed_de: float  # excess
    ghost: float
    pictures: tuple[tuple[str, F32], ...]

    @property
    def same(self) -> bool:
        return self.there >= THERE and self.changed_de <= SAME_DE


def permanence_found(kept: Sequence[Kept]) -> Found:
    """The figures over all things of all episodes."""
    figures = [
        Figure("W7", "there and the same", "%", 1, mean_of([100.0 * k.same for k in kept]), Gate(least=99.0)),
        Figure("W7", "ghost, largest", "of present", 3, largest_of([k.ghost for k in kept]), Gate(most=0.1)),
        Figure("W7", "colour change, largest", "ΔE₀₀", 2, largest_of([k.changed_de for k in kept])),
        Figure("W7", "outline, least", "share", 2, exactly(min((k.there for k in kept), default=float("nan")))),
        Figure("W7", "things that were out of sight", "", 0, exactly(float(len(kept)))),
    ]
    ordered = sorted(kept, key=lambda k: k.away_s)
    x = [k.away_s for k in ordered]
    curve = Curve("W7", "ΔE₀₀ excess when back", "s out of sight", x, [k.changed_de for k in ordered])
    worst = max(kept, key=lambda k: (not k.same, k.changed_de + 10.0 * k.ghost), default=None)
    pictures = [Worst("W7", f"out of sight for {worst.away_s:.1f} s", worst.pictures)] if worst is not None else []
    return Found(figures, [curve], pictures)


def mean_lab(picture: F32, truth: Truth, thing: int) -> F64:
    """Mean L*a*b* of a thing's pixels; NaN where none is in view."""
    mine = truth.objects == thing
    out: F64 = lab_of(picture[mine]).mean(axis=0) if mine.any() else np.full(3, np.nan)
    return out


def _energy(picture: F32, lines: Lines) -> float:
    """Mean step along lines, in levels; NaN of none."""
    step = [s[np.asarray(line, np.bool_)] for s, line in zip(steps(picture), lines, strict=True)]
    every = np.concatenate(step)
    return float(every.mean()) if len(every) else float("nan")


def _beyond(picture: F32, outline: Lines) -> float:
    """Energy along an outline less the median of that along it when it is moved aside."""
    beside = [_energy(picture, _moved(outline, *by)) for by in BESIDE_PX]
    return _energy(picture, outline) - float(np.nanmedian(beside))


def _moved(lines: Lines, down: int, right: int) -> Lines:
    moved = []
    for line in lines:
        out = np.zeros_like(line)
        height, width = line.shape
        out[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = line[
            max(-down, 0) : height + min(-down, 0), max(-right, 0) : width + min(-right, 0)
        ]
        moved.append(out)
    return Lines(*moved)
