"""What the kit measures: each compares two things in the frames that must agree, and says by how much they do not.

A measure knows nothing of mistakes. It gives a value in its own unit beside what is tolerated, or None when the frames
do not show what it needs (a camera that moves, a body that falls, a sky).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from renderer.conformance.shot import Shot

Shots = Sequence[Shot]
LEAST_FRAMES = 3  # measurements of fewer frames than these prove nothing


class Residual(NamedTuple):
    """How far two things are apart, in the measure's unit, and how far they may be."""

    value: float
    allowed: float

    @property
    def score(self) -> float:
        """1 is the limit. A value that is not a number is as wrong as can be."""
        return self.value / self.allowed if math.isfinite(self.value) else math.inf


@dataclass(frozen=True)
class Measure:
    """One comparison. `proves` names the conventions that hold when it agrees, the likeliest culprit first.

    `beyond`: the score from which on it is wrong even when no known mistake explains it; inf for what a legitimate
    engine may do.
    """

    name: str
    says: str  # completes "the motion of still things is ... off"
    unit: str
    needs: str  # what frames must show for it
    proves: tuple[str, ...]
    uses: frozenset[
        str
    ]  # names of planes, and of header parts: camera, previous, projection, clip, bodies, velocity, time
    of: Callable[[Shots], Residual | None]
    beyond: float = 10.0


def median_of(residuals: Sequence[Residual | None]) -> Residual | None:
    """The middle one by score, of those that could be measured."""
    known = sorted((r for r in residuals if r is not None), key=lambda r: r.score)
    return known[len(known) // 2] if len(known) >= LEAST_FRAMES else None


def each(of: Callable[[Shot], Residual | None]) -> Callable[[Shots], Residual | None]:
    """A measure of single frames: the middle one counts."""
    return lambda shots: median_of([of(shot) for shot in shots])


def pairs(of: Callable[[Shot, Shot], Residual | None]) -> Callable[[Shots], Residual | None]:
    """A measure of a frame and the one right before it: the middle one counts."""

    def measure(shots: Shots) -> Residual | None:
        return median_of([of(b, a) for a, b in pairwise(shots) if b.follows(a)])

    return measure


def middle(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """The median, without a warning for none."""
    return float(np.median(values)) if values.size else math.nan
