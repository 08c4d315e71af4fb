"""The known mistakes: what each is called, what puts it right in the engine, and what puts it right here.

A reading turns frames as they came into the frames that the engine meant, if it made that mistake. The judge reads the
frames in every way and keeps the one under which all measures agree. A reading that cannot apply says None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from bridge.schema import PlaneName
from renderer.conformance.shot import Plane, Shot

Shots = Sequence[Shot]
Undo = Callable[[Shots], Shots | None]


@dataclass(frozen=True)
class Reading:
    """One known mistake.

    `touches`: what its undoing changes, in the words of Measure.uses. `silences`: measures that the mistake accounts
    for although frames alone cannot be put right. `fitted`: a number is taken from the frames, so a reading without
    one is believed first.
    """

    convention: str
    says: str
    fix: str
    touches: frozenset[str]
    undo: Undo
    silences: frozenset[str] = frozenset()
    fitted: bool = False
    words: Callable[[Shots], str] | None = None  # says it with the number that the frames show


def every(change: Callable[[Shot], Shot | None]) -> Undo:
    """Each frame by itself; None for one is None for all."""

    def undo(shots: Shots) -> Shots | None:
        changed = [change(shot) for shot in shots]
        known = [shot for shot in changed if shot is not None]
        return known if len(known) == len(changed) else None

    return undo


def on_plane(name: PlaneName, change: Callable[[Plane, Shot], Plane]) -> Undo:
    """One plane of each frame; None where it is not there."""
    return every(lambda shot: with_planes(shot, {name: change(shot.planes[name], shot)}) if shot.has(name) else None)


def with_planes(shot: Shot, planes: Mapping[PlaneName, Plane]) -> Shot:
    return replace(shot, planes={**shot.planes, **planes})


def from_next(change: Callable[[Shot, Shot], Shot]) -> Undo:
    """Frames made of each frame and the one right after it, for what comes a frame late."""

    def undo(shots: Shots) -> Shots | None:
        made = [change(a, b) for a, b in pairwise(shots) if b.follows(a)]
        return made or None

    return undo
