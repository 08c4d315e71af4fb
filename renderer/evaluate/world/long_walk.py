"""The long walk: a court at rest, walked around again and again, with visits to a place that the walk does not see.

Every loop of ten seconds sees the same frames, so that whatever changes from loop to loop is the row's own; the
engine's frames are rendered once. Nothing is kept of a walk but figures and the pictures of its first loop and its
visits, so an hour needs no more memory than a minute. A loop has FRAMES of the 250 that a film of it would have: one a
second. The viewpoints are farther apart, which is harder on a memory than every frame would be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from bridge.engine.courtyard import PERIOD_S
from bridge.engine.world import World
from renderer.evaluate.motion import Way, way_back
from renderer.evaluate.world.colour import lab_of
from renderer.evaluate.world.edges import Lines, discontinuities, recalled, steps
from renderer.evaluate.world.flow import flow_departure
from renderer.evaluate.world.scenes import Size, along, loop_times, visit
from renderer.evaluate.world.steadiness import OVERLAP, reprojection_error
from renderer.evaluate.world.truth import F32, F64, LUMA, Truth, way_between

FRAMES = 10  # of a loop, and one more a 25th of a second after the first
VISIT_S = 2.0
MINUTE_LOOPS = 6
LEAST_SHARE = 0.001  # of the picture: a thing is large enough for its colour to be told
LOOKS = ("luma", "contrast", "chroma", "sharpness", "recall")


@dataclass(frozen=True)
class Stop:
    """A part of the plan: a loop, or a visit after so many seconds away (0: the first)."""

    kind: Literal["loop", "visit"]
    number: int
    away_s: float = 0.0


def planned(minutes: Sequence[float], every: int = 1) -> list[Stop]:
    """A visit; then for each number of minutes the loops of that time, of which one in `every` is walked, and a visit
    again."""
    stops, loop = [Stop("visit", 0)], 0
    for number, away in enumerate(minutes, start=1):
        loops = round(away * MINUTE_LOOPS)
        stops += [Stop("loop", n) for n in range(loop, loop + loops, every)]
        loop += loops
        stops.append(Stop("visit", number, away * 60.0))
    return stops


@dataclass(frozen=True)
class Look:
    """How one frame looks: brightness, contrast, colourfulness, sharpness, the share of the engine's edges that show,
    and the mean L*a*b* of every thing that is large enough."""

    figures: tuple[float, ...]  # of LOOKS
    things: dict[int, F64]


@dataclass
class Diary:
    """What is noted of a row on its walk: a Look for every frame by loop, and the pictures of the first loop, of the
    visits, and of every loop's first frame."""

    loops: list[int] = field(default_factory=list)
    looks: list[list[Look]] = field(default_factory=list)
    gaps_mse: list[list[float]] = field(default_factory=list)  # of each loop's frames against the first loop's
    departures: list[float] = field(default_factory=list)  # median flow departure, px, of each loop's pair
    first: list[F32] = field(default_factory=list)
    minute_later: list[float] = field(default_factory=list)  # W1 over pairs a minute apart, levels
    visits: list[list[F32]] = field(default_factory=list)
    aways_s: list[float] = field(default_factory=list)
    milestones: dict[int, F32] = field(default_factory=dict)  # a frame of the first and of the last loop


class LongWalk:
    """The engine's side of the walk: its frames, and what is asked of each. `frames` of a loop are spread evenly."""

    def __init__(self, world: World, size: Size, frames: int = FRAMES) -> None:
        self.sun = world.sun
        once, again = loop_times(0, frames), loop_times(1, frames)
        both = list(along(world, size, [*once, *again], world.camera))
        self.first_loop, self.loop = both[: len(once)], both[len(once) :]
        self.place = visit(world, size, 0.0)
        self._asked = [Asked(truth) for truth in self.loop]
        pair = self.loop[:2]
        self._pair = way_back(pair[1].planes, pair[1].camera, pair[1].bodies, pair[0].planes)
        self._apart = self._minute_pairs()

    def _minute_pairs(self) -> list[tuple[int, int, Way]]:
        """Frames of a loop and others of it with enough in common: the second is taken a minute before the first."""
        pairs = []
        for t in range(0, len(self.loop), 3):
            then = (t + 2) % len(self.loop)
            way = way_between(self.loop[t], self.loop[then])
            if way.visible.mean() >= OVERLAP:
                pairs.append((t, then, way))
        return pairs

    def walked(self, stops: Sequence[Stop], shown: Callable[[Truth], F32]) -> Diary:
        """The diary of a row that is shown every frame of the plan, one after the other."""
        diary = Diary()
        for stop in stops:
            if stop.kind == "visit":
                diary.visits.append([shown(truth) for truth in self.place])
                diary.aways_s.append(stop.away_s)
            else:
                self._note(diary, stop.number, [shown(truth) for truth in self._truths(stop.number)])
        return diary

    def of_engine(self, stops: Sequence[Stop]) -> Diary:
        """The engine's own diary of a plan: one loop and one visit, again and again."""
        once = self.walked([Stop("visit", 0), Stop("loop", 0)], lambda truth: truth.picture)
        loops, visits = ([s for s in stops if s.kind == kind] for kind in ("loop", "visit"))
        once.loops = [stop.number for stop in loops]
        once.looks, once.gaps_mse = once.looks * len(loops), once.gaps_mse * len(loops)
        once.departures *= len(loops)
        once.visits, once.aways_s = once.visits * len(visits), [stop.away_s for stop in visits]
        once.minute_later = self._minute_later(once.first, once.first)
        return once

    def _minute_later(self, pictures: Sequence[F32], first: Sequence[F32]) -> list[float]:
        return [reprojection_error(pictures[t], first[then], way) for t, then, way in self._apart]

    def _truths(self, loop: int) -> Iterator[Truth]:
        for truth, place in zip(self.first_loop if loop == 0 else self.loop, self.loop, strict=True):
            yield truth.at(place.time_s + (loop - 1) * PERIOD_S)

    def _note(self, diary: Diary, loop: int, pictures: list[F32]) -> None:
        if not diary.first:
            diary.first = pictures
            diary.milestones[loop] = pictures[0]
        else:
            diary.milestones = {min(diary.milestones): diary.first[0], loop: pictures[0]}
        diary.loops.append(loop)
        diary.looks.append([asked.look(picture) for asked, picture in zip(self._asked, pictures, strict=True)])
        diary.gaps_mse.append([float(((a - b) ** 2).mean()) for a, b in zip(pictures, diary.first, strict=True)])
        departure = flow_departure(pictures[1], pictures[0], self._pair)
        known = departure[np.isfinite(departure)]
        diary.departures.append(float(np.median(known)) if len(known) else float("nan"))
        if loop == diary.loops[0] + MINUTE_LOOPS:
            diary.minute_later = self._minute_later(pictures, diary.first)


class Asked:
    """What is asked of a frame's pictures, prepared once: its discontinuities, and the pixels of its things."""

    def __init__(self, truth: Truth) -> None:
        self._lines: Lines = discontinuities(truth.planes)
        ids, self._which = np.unique(truth.objects, return_inverse=True)
        self._which = self._which.ravel()
        self._areas = np.bincount(self._which)
        large = self._areas >= LEAST_SHARE * truth.objects.size
        self._things = [(int(thing), k) for k, thing in enumerate(ids) if large[k] and thing != 0]

    def look(self, picture: F32) -> Look:
        lab = lab_of(picture)
        level = picture.astype(np.float64) @ LUMA * 255.0
        across, down = steps(picture)
        figures = (float(level.mean()), float(level.std()), float(np.hypot(lab[..., 1], lab[..., 2]).mean()),
                   float(across.mean() + down.mean()), recalled(picture, self._lines))  # fmt: skip
        sums = np.stack([np.bincount(self._which, lab[..., k].ravel()) for k in range(3)], axis=-1)
        return Look(figures, {thing: sums[k] / self._areas[k] for thing, k in self._things})
