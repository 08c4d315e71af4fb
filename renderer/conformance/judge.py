"""Which conventions hold, which are broken and how, from shots alone.

All measures are taken of the frames as they came. Where some do not agree, the frames are read in every known wrong
way, and the reading under which the most comes to agree, and nothing else breaks, names the mistake. It is undone,
and what is left is explained in the same way, so that several mistakes at once are found one after the other. What
no reading explains is wrong only when it is far off; else it is noted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from renderer.conformance.measures import Measure, Residual, Shots
from renderer.conformance.readings import Reading
from renderer.conformance.shot import thinned

EXPLAINED = 3.0  # times nearer a reading must bring what it explains
MOST_MISTAKES = 4
WORST = 20.0  # bits; a measure that is infinitely off counts as this much
SCREENED = 5  # frames
GLANCED = 3  # measures
ALIKE = 1.5  # bits by which the best reading must win, or the next one is named beside it

Found = dict[str, Residual | None]


@dataclass(frozen=True)
class Mistake:
    """A convention that is broken: how, what to do, and the measures that say so, before and after undoing it."""

    convention: str
    says: str
    fix: str
    evidence: tuple[str, ...]
    instead: tuple[str, ...] = ()  # other readings that would explain it as well


@dataclass
class Verdict:
    """What a run of frames shows."""

    frames: int
    mistakes: list[Mistake] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)  # conventions that were measured and hold
    open: dict[str, str] = field(default_factory=dict)  # conventions that could not be judged, and what they need
    measured: Found = field(default_factory=dict)  # as the frames came

    @property
    def holds(self) -> bool:
        return not self.mistakes and bool(self.held)


@dataclass(frozen=True)
class _Candidate:
    reading: Reading
    shots: Shots
    found: Found
    cost: float
    quality: float  # bits, of the measures that did not agree before; lower is nearer


@dataclass(frozen=True)
class _Screen:
    """A few frames in the middle of a run, thinned out: most readings are seen there not to explain anything, at a part
    of the price."""

    shots: Shots
    failing: list[Measure]
    found: Found

    @classmethod
    def of(cls, shots: Shots, failing: list[Measure]) -> _Screen:
        start = (len(shots) - SCREENED) // 2
        few = [thinned(shot) for shot in shots[start : start + SCREENED]] if start > 0 else ()
        return cls(few, failing, {m.name: m.of(few) if few else None for m in failing})

    def might(self, reading: Reading, touched: list[Measure], glances: int) -> bool:
        """Whether it may explain something in all of the frames, by so many of the measures that are farthest off. What
        these few frames do not show is left open."""
        seen = sorted((m for m in touched if off(self.found[m.name]) > 0.0), key=lambda m: -off(self.found[m.name]))
        seen = seen[:glances]
        if reading.fitted or reading.silences or not seen:
            return True
        undone = reading.undo(self.shots)
        return undone is not None and any(_explained(self.found[m.name], m.of(undone), False) for m in seen)


class Judge:
    """Judges with given measures and readings."""

    def __init__(self, measures: Sequence[Measure], readings: Sequence[Reading]) -> None:
        self.measures = tuple(measures)
        self.readings = tuple(readings)

    def judge(self, shots: Shots) -> Verdict:
        """`shots` in the order they came; at least three, or nothing can be said."""
        with np.errstate(all="ignore"):  # wrong numbers are what is looked for
            return self._judge(shots)

    def _judge(self, shots: Shots) -> Verdict:
        verdict = Verdict(len(shots))
        found = verdict.measured = {m.name: m.of(shots) for m in self.measures}
        silenced: set[str] = set()
        for _ in range(MOST_MISTAKES):
            failing = [m for m in self.measures if m.name not in silenced and off(found[m.name]) > 0.0]
            best = self._explain(shots, found, failing, silenced) if failing else None
            if best is None:
                break
            verdict.mistakes.append(best[0])
            shots, found = best[1].shots, best[1].found
            silenced |= best[1].reading.silences
        self._leftovers(verdict, found, silenced)
        self._conclude(verdict)
        return verdict

    def _explain(
        self, shots: Shots, found: Found, failing: list[Measure], silenced: set[str]
    ) -> tuple[Mistake, _Candidate] | None:
        few = _Screen.of(shots, failing)
        candidates = self._candidates(shots, found, few, silenced, GLANCED)
        if not candidates:  # several mistakes at once may hide each other from a few measures
            candidates = self._candidates(shots, found, few, silenced, len(failing))
        if not candidates:
            return None
        candidates.sort(key=lambda c: (round(c.cost, 3), c.reading.fitted, round(c.quality / ALIKE)))
        best = candidates[0]
        alike = [c.reading.says for c in candidates[1:]
                 if c.cost <= best.cost + 1e-3 and c.reading.fitted == best.reading.fitted
                 and c.quality < best.quality + ALIKE * len(failing)]  # fmt: skip
        reading = best.reading
        evidence = []
        for name, silent in ((m.name, m.name in reading.silences) for m in failing):
            if _explained(found[name], best.found[name], silent):
                evidence.append(self._evidence(name, found[name], best.found[name], silent))
        says = reading.words(shots) if reading.words else reading.says
        return Mistake(reading.convention, says, reading.fix, tuple(evidence), tuple(alike)), best

    def _candidates(
        self, shots: Shots, found: Found, few: _Screen, silenced: set[str], glances: int
    ) -> list[_Candidate]:
        candidates: list[_Candidate] = []
        for fitted in (False, True):  # what takes a number from the frames can explain too much
            for reading in self.readings:
                if reading.fitted is fitted and (tried := self._try(reading, shots, found, few, silenced, glances)):
                    candidates.append(tried)
            if any(candidate.cost <= 0.0 for candidate in candidates):
                break
        return candidates

    def _try(
        self, reading: Reading, shots: Shots, found: Found, few: _Screen, silenced: set[str], glances: int
    ) -> _Candidate | None:
        """None when the reading does not apply, explains nothing, or breaks something that agreed."""
        failing = few.failing
        touched = [m for m in failing if m.uses & reading.touches]
        if not touched or not few.might(reading, touched, glances):
            return None
        undone = reading.undo(shots)
        if undone is None:
            return None
        changed = dict(found)
        quiet = silenced | reading.silences
        for measure in touched:
            changed[measure.name] = measure.of(undone)
        open_to_proof = [m for m in touched if m.name not in reading.silences] or touched
        if not any(_explained(found[m.name], changed[m.name], m.name in quiet) for m in open_to_proof):
            return None
        for measure in self.measures:
            if measure in touched or not measure.uses & reading.touches:
                continue
            changed[measure.name] = measure.of(undone)
            if measure.name not in quiet and off(found[measure.name]) <= 0.0 < off(changed[measure.name]):
                return None
        cost = sum(self._cost(found[m.name], changed[m.name]) for m in self.measures if m.name not in quiet)
        quality = sum(bits(changed[m.name]) for m in failing if m.name not in quiet)
        return _Candidate(reading, undone, changed, cost, quality)

    def _evidence(self, name: str, before: Residual | None, after: Residual | None, silenced: bool) -> str:
        """One line: what was measured of the frames as they came, and of those read as the mistake says."""
        measure = next(m for m in self.measures if m.name == name)
        line = evidence_of(measure, before) if before is not None else name
        if silenced or after is None:
            return line
        return f"{line}; {' '.join(filter(None, (_number(after), measure.unit)))} when read so"

    @staticmethod
    def _cost(before: Residual | None, after: Residual | None) -> float:
        """What is still off; a measure that can no longer be taken is as far off as it was."""
        return off(before) if after is None else off(after)

    def _leftovers(self, verdict: Verdict, found: Found, silenced: Iterable[str]) -> None:
        for measure in self.measures:
            residual = found[measure.name]
            if residual is None or measure.name in silenced or off(residual) <= 0.0:
                continue
            told = evidence_of(measure, residual)
            if residual.score < measure.beyond or verdict.mistakes:
                verdict.notes.append(told)
                continue
            fix = "none of the known mistakes explains it; compare this plane or field with bridge/PROTOCOL.md"
            verdict.mistakes.append(
                Mistake(measure.proves[0], f"{measure.proves[0]} does not agree with the rest", fix, (told,))
            )

    def _conclude(self, verdict: Verdict) -> None:
        wrong = {mistake.convention for mistake in verdict.mistakes}
        needs: dict[str, list[str]] = {}
        for measure in self.measures:
            for convention in measure.proves:
                needs.setdefault(convention, [])
                residual = verdict.measured[measure.name]
                if residual is None:
                    needs[convention].append(measure.needs)
                elif convention not in verdict.held and convention not in wrong:
                    verdict.held.append(convention)
        for convention, lacking in needs.items():
            if convention not in verdict.held and convention not in wrong:
                verdict.open[convention] = "; ".join(dict.fromkeys(lacking))


def off(residual: Residual | None) -> float:
    """Bits above the limit; 0 within it."""
    return max(0.0, bits(residual)) if residual is not None else 0.0


def bits(residual: Residual | None) -> float:
    """Base-2 logarithm of the score, bounded."""
    if residual is None:
        return 0.0
    return min(WORST, math.log2(max(residual.score, 2.0**-10))) if math.isfinite(residual.score) else WORST


def _explained(before: Residual | None, after: Residual | None, silenced: bool) -> bool:
    if before is None or off(before) <= 0.0:
        return False
    if silenced:
        return True
    return after is not None and off(after) <= 0.0 and bits(after) <= bits(before) - math.log2(EXPLAINED)


def _number(residual: Residual) -> str:
    return f"{residual.value:.3g}" if math.isfinite(residual.value) else "infinitely"


def evidence_of(measure: Measure, residual: Residual) -> str:
    """One line: what was measured."""
    unit = f" {measure.unit}" if measure.unit else ""
    return f"{measure.name}: {_number(residual)}{unit} {measure.says} ({residual.allowed:.2g} tolerated)"
