"""All episodes of one seed and size, and a row judged in each of them, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.engine.world import Sun
from bridge.schema import Label, PlaneName
from renderer.evaluate.world import scenes
from renderer.evaluate.world.causes import Causes, Edits, Futures, Owned
from renderer.evaluate.world.endurance import OutAndBack, endurance_found
from renderer.evaluate.world.findings import Found
from renderer.evaluate.world.long_walk import FRAMES, LongWalk, Stop
from renderer.evaluate.world.permanence import Permanence, permanence_found
from renderer.evaluate.world.physics import Drop
from renderer.evaluate.world.rows import Row
from renderer.evaluate.world.scenes import Size
from renderer.evaluate.world.steadiness import Still, Walk
from renderer.evaluate.world.truth import F32, Truth
from renderer.frame import Ownership

AWAY_S = (1.0, 5.0, 20.0, 60.0)  # out of sight, beside the second or so of what rolls by
OWNED_FRAMES = 6
OWNED_LABELS, OWNED_OBJECTS, NEAR_M, FAR_M = (int(Label.PLASTIC),), (1,), 3.0, 40.0


@dataclass(frozen=True)
class Plan:
    """What a suite is made of: `stops` are those of the long walk, `frames` those of each of its loops."""

    seed: int
    size: Size
    stops: Sequence[Stop]
    frames: int = FRAMES
    walk_s: float = 3.0
    aways_s: tuple[float, ...] = AWAY_S


class Suite:
    """The engine's side of every episode: its frames, and what is known of them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        seed, size = plan.seed, plan.size
        self.at_rest = scenes.at_rest(seed)
        self.sun = self.at_rest.sun
        self.still_truths = scenes.still(self.at_rest, size)
        self.walk_truths = scenes.walk(seed, size, plan.walk_s)
        self.drop_truths = scenes.drop(seed, size)
        self.mirror_truths = scenes.out_and_back(self.at_rest, size)
        self.hidings = [scenes.rolled_behind(seed, size), *(scenes.stood_behind(seed, size, s) for s in plan.aways_s)]
        self.fork, self.edit_takes = scenes.fork(seed, size), scenes.edits(self.at_rest, size)
        self.owned_truths = self.walk_truths[:OWNED_FRAMES]
        self.still, self.walk, self.drop = Still(self.still_truths), Walk(self.walk_truths), Drop(self.drop_truths)
        self.mirror = OutAndBack(self.mirror_truths)
        self.permanence = [Permanence(hiding) for hiding in self.hidings]
        self.causes, self.edits = Causes(self.fork), Edits(self.edit_takes)
        self.owned = Owned(
            self.owned_truths, Ownership(frozenset(OWNED_OBJECTS), frozenset(OWNED_LABELS), NEAR_M, FAR_M)
        )
        self.long = LongWalk(self.at_rest, size, plan.frames)
        self.engine_diary = self.long.of_engine(plan.stops)

    def judged(self, row: Row, told: Callable[[str], None]) -> Found:
        """What is found of a row; `told` hears the name of every episode as it begins. Raises ModelFailed."""
        found = Found()
        for name, episode in self._episodes():
            told(name)
            found.add(episode(row))
        row.close()
        return found

    @property
    def frames(self) -> int:
        """That a row is asked for in all."""
        walks = (self.still_truths, self.walk_truths, self.drop_truths, self.mirror_truths, self.owned_truths)
        takes = [hiding.truths for hiding in self.hidings] + [edit.truths for edit in self.edit_takes]
        long = {"loop": len(self.long.loop), "visit": len(self.long.place)}
        once = sum(map(len, (*walks, *takes))) + sum(long[stop.kind] for stop in self.plan.stops)
        return once + 2 * len(self.fork.calm) + len(self.fork.pushed)

    def of_engine(self) -> Iterator[Found]:
        """The engine's own frames, judged as a row's are, without a renderer."""
        yield self.still.judge([truth.picture for truth in self.still_truths])
        yield self.walk.judge([truth.picture for truth in self.walk_truths])
        yield self.drop.judge([truth.picture for truth in self.drop_truths])
        yield self.mirror.judge([truth.picture for truth in self.mirror_truths])
        shown = [[truth.picture for truth in hiding.truths] for hiding in self.hidings]
        yield permanence_found([kept for p, s in zip(self.permanence, shown, strict=True) for kept in p.judge(s)])
        calm, pushed = ([t.planes[PlaneName.COLOR] for t in future] for future in (self.fork.calm, self.fork.pushed))
        yield self.causes.judge(Futures(calm, calm, pushed))
        yield self.edits.judge([[truth.picture for truth in edit.truths] for edit in self.edit_takes])
        yield self.owned.judge([truth.planes[PlaneName.COLOR] for truth in self.owned_truths])
        yield endurance_found(self.long.walked(self.plan.stops, lambda truth: truth.picture), self.engine_diary)

    def _episodes(self) -> Iterator[tuple[str, Callable[[Row], Found]]]:
        yield "stand still", lambda row: self.still.judge(self._played(row, self.still_truths))
        yield "walk", lambda row: self.walk.judge(self._played(row, self.walk_truths))
        yield "drop", lambda row: self.drop.judge(self._played(row, self.drop_truths))
        yield "out and back", lambda row: self.mirror.judge(self._played(row, self.mirror_truths))
        yield "hide", self._hidden
        yield "fork", self._forked
        yield "edit", lambda row: self.edits.judge([self._played(row, edit.truths) for edit in self.edit_takes])
        yield "own", self._owned
        yield "long walk", self._walked

    def _played(self, row: Row, truths: Sequence[Truth]) -> list[F32]:
        self._begin(row, self.sun)
        return [row.shown(truth) for truth in truths]

    def _begin(self, row: Row, sun: Sun) -> None:
        row.begin(self.plan.size.width, self.plan.size.height, sun)

    def _composites(self, row: Row, truths: Sequence[Truth]) -> list[NDArray[np.float16]]:
        self._begin(row, self.sun)
        return [row.composite(truth) for truth in truths]

    def _hidden(self, row: Row) -> Found:
        kept = []
        for permanence, hiding in zip(self.permanence, self.hidings, strict=True):
            self._begin(row, hiding.sun)
            kept += permanence.judge([row.shown(truth) for truth in hiding.truths])
        return permanence_found(kept)

    def _forked(self, row: Row) -> Found:
        calm, again, pushed = (self._composites(row, t) for t in (self.fork.calm, self.fork.calm, self.fork.pushed))
        return self.causes.judge(Futures(calm, again, pushed))

    def _owned(self, row: Row) -> Found:
        self._begin(row, self.sun)
        row.own(labels=OWNED_LABELS, objects=OWNED_OBJECTS, near_m=NEAR_M, far_m=FAR_M)
        return self.owned.judge([row.composite(truth) for truth in self.owned_truths])

    def _walked(self, row: Row) -> Found:
        self._begin(row, self.sun)
        return endurance_found(self.long.walked(self.plan.stops, row.shown), self.engine_diary)
