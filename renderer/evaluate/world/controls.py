"""What keeps the suite honest: the engine's own frames pass everything, and each seeded fault trips its own metric."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from renderer.evaluate.world.faults import FAULTS
from renderer.evaluate.world.long_walk import planned
from renderer.evaluate.world.scenes import Size
from renderer.evaluate.world.suite import Plan, Suite

SIZE = Size(128, 72)
MINUTES, EVERY, FRAMES = (1.0, 10.0), 3, 4  # of the long walk: enough to tell a drift
WALK_S, AWAYS_S = 2.0, (5.0,)
DETECTED = 0.99  # of the seeds
OTHERS = 1  # metrics that a fault may trip beside its own


@dataclass
class Caught:
    """What became of one fault over all seeds."""

    metric: str
    detected: list[bool] = field(default_factory=list)
    others: list[tuple[str, ...]] = field(default_factory=list)  # that it tripped too, by seed

    @property
    def holds(self) -> bool:
        return bool(np.mean(self.detected) >= DETECTED) and all(len(names) <= OTHERS for names in self.others)

    def told(self) -> dict[str, Any]:
        names = sorted({name for tripped in self.others for name in tripped})
        return {
            "metric": self.metric,
            "detected": float(np.mean(self.detected)),
            "missed_seeds": [n for n, seen in enumerate(self.detected) if not seen],
            "most_others": max(map(len, self.others), default=0),
            "others": {name: sum(name in tripped for tripped in self.others) for name in names},
            "holds": self.holds,
        }


def engine_failed(suite: Suite) -> frozenset[str]:
    """The metrics that the engine's own frames, scored as if a model had made them, do not keep to: none, if the suite
    is right."""
    failed: frozenset[str] = frozenset()
    for found in suite.of_engine():
        failed |= found.failed
    return failed


def controlled(seeds: Sequence[int], told: Callable[[int], None], size: Size = SIZE) -> dict[str, Any]:
    """Every fault in a court of every seed; `told` hears how many seeds are done."""
    caught = {fault.name: Caught(fault.metric) for fault in FAULTS}
    failed: dict[int, list[str]] = {}
    for done, seed in enumerate(seeds, start=1):
        suite = Suite(Plan(seed, size, planned(MINUTES, EVERY), FRAMES, WALK_S, AWAYS_S))
        if tripped := engine_failed(suite):
            failed[seed] = sorted(tripped)
        for n, fault in enumerate(FAULTS):
            tripped = fault.found(suite, np.random.default_rng((seed, n))).failed
            caught[fault.name].detected.append(fault.metric in tripped)
            caught[fault.name].others.append(tuple(sorted(tripped - {fault.metric})))
        told(done)
    return {
        "seeds": len(seeds),
        "size": f"{size.width}x{size.height}",
        "engine_failed": failed,
        "faults": {name: found.told() for name, found in caught.items()},
        "holds": not failed and all(found.holds for found in caught.values()),
    }
