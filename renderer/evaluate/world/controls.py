"""What keeps the suite honest: the engine's own frames pass everything, and each seeded fault trips its own metric."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
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
Tripped = tuple[list[str], list[list[str]]]  # metrics: by the engine's own frames, and by each fault


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
            "missed": [n for n, seen in enumerate(self.detected, start=1) if not seen],  # of the seeds, counted from 1
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


def tripped(seed: int, size: Size) -> Tripped:
    """The metrics that the engine's own frames trip in the court of a seed, and those that each of FAULTS does."""
    suite = Suite(Plan(seed, size, planned(MINUTES, EVERY), FRAMES, WALK_S, AWAYS_S))
    faults = [fault.found(suite, np.random.default_rng((seed, n))).failed for n, fault in enumerate(FAULTS)]
    return sorted(engine_failed(suite)), [sorted(failed) for failed in faults]


def controlled(seeds: Sequence[int], told: Callable[[int], None], kept: Path) -> dict[str, Any]:
    """Every fault in a court of every seed, on all cores; `told` hears how many seeds are done.

    Each seed that is done gets a line in the file `kept`, so that a run that was ended goes on where it was. What other
    sources of the suite, or another size, have found there is not taken.
    """
    known = {seed: found for seed, found in _kept(kept).items() if seed in seeds}
    with kept.open("a") as file:
        missing = [seed for seed in seeds if seed not in known]
        for done, (seed, found) in enumerate(zip(missing, _by_seed(missing), strict=True), start=len(known) + 1):
            known[seed] = found
            file.write(json.dumps({"of": _suite(), "seed": seed, "engine": found[0], "faults": found[1]}) + "\n")
            file.flush()
            told(done)
    return _counted(seeds, known)


def _counted(seeds: Sequence[int], known: Mapping[int, Tripped]) -> dict[str, Any]:
    caught = {fault.name: Caught(fault.metric) for fault in FAULTS}
    for seed in seeds:
        for fault, names in zip(FAULTS, known[seed][1], strict=True):
            caught[fault.name].detected.append(fault.metric in names)
            caught[fault.name].others.append(tuple(name for name in names if name != fault.metric))
    failed = {seed: known[seed][0] for seed in seeds if known[seed][0]}
    return {
        "seeds": len(seeds),
        "size": f"{SIZE.width}x{SIZE.height}",
        "engine_failed": failed,
        "faults": {name: found.told() for name, found in caught.items()},
        "holds": not failed and all(found.holds for found in caught.values()),
    }


def _kept(file: Path) -> dict[int, Tripped]:
    """What was found of each seed by this very suite. A line that was cut off, as of a run that was killed, goes."""
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    file.write_text("".join(f"{line}\n" for line in lines))
    told = [json.loads(line) for line in lines]
    return {each["seed"]: (each["engine"], each["faults"]) for each in told if each["of"] == _suite()}


@cache
def _suite() -> str:
    """Tells one suite from another: a digest of its sources and its size."""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return hashlib.sha256(sources + repr((SIZE, [fault.name for fault in FAULTS])).encode()).hexdigest()[:16]


def _by_seed(seeds: Sequence[int]) -> Iterator[Tripped]:
    """`tripped` of every seed, in their order; one by itself needs no other process."""
    if len(seeds) == 1:
        yield tripped(seeds[0], SIZE)
    if len(seeds) > 1:
        # Not forked: the engine's libraries may have threads.
        with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
            yield from pool.map(tripped, seeds, [SIZE] * len(seeds))
