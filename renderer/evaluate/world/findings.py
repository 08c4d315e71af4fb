"""What a metric finds: figures with gates, curves, and the frames where it looks worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from renderer.evaluate.world.statistics import Estimate
from renderer.evaluate.world.truth import F32


class Gate(NamedTuple):
    """What a figure must keep to."""

    least: float = -math.inf
    most: float = math.inf

    def holds(self, value: float) -> bool:
        """NaN, which nothing was measured of, does not."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        if self.least == self.most:
            return f"= {self.most:g}"
        if self.least == -math.inf:
            return f"≤ {self.most:g}"
        return f"≥ {self.least:g}" if self.most == math.inf else f"{self.least:g} to {self.most:g}"


@dataclass(frozen=True)
class Figure:
    """One number of a metric. Without a gate it is told and not judged."""

    metric: str  # W1 .. W13
    name: str
    unit: str
    digits: int
    estimate: Estimate
    gate: Gate | None = None

    @property
    def holds(self) -> bool:
        return self.gate is None or self.gate.holds(self.estimate.value)


@dataclass(frozen=True)
class Curve:
    """A figure over time."""

    metric: str
    y_title: str
    x_title: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Worst:
    """Pictures [H, W, 3] of 0..1 that show where a metric is worst, with a caption each."""

    metric: str
    title: str
    pictures: tuple[tuple[str, F32], ...]


@dataclass
class Found:
    """Everything that was found of a row, or in one episode of it."""

    figures: list[Figure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    worst: list[Worst] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.figures += other.figures
        self.curves += other.curves
        self.worst += other.worst

    @property
    def failed(self) -> frozenset[str]:
        """The metrics with a figure that does not keep to its gate."""
        return frozenset(figure.metric for figure in self.figures if not figure.holds)
