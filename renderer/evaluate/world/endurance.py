"""W8, W9, W10, and W1 over a minute, from the diaries of a long walk and from an out-and-back path."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.engine.courtyard import PERIOD_S
from renderer.evaluate.image import psnr_db, ssim
from renderer.evaluate.world.colour import ciede2000
from renderer.evaluate.world.findings import Curve, Figure, Found, Gate, Worst
from renderer.evaluate.world.long_walk import LOOKS, MINUTE_LOOPS, Diary
from renderer.evaluate.world.statistics import Estimate, exactly, largest_of, mean_of, slope_of
from renderer.evaluate.world.steadiness import heat
from renderer.evaluate.world.truth import F32, Truth

# Differences of less than one level of 8 bits, root mean square, are none: no display shows them. So PSNR ends here.
MOST_DB = 20.0 * float(np.log10(255.0))
LOOPS, LEAST_LOOPS = 10, 3  # over which a gap's slope is taken
FLAT = 0.01  # % a minute, beyond its interval: 0.6 % in an hour
GAP = Gate(most=0.2)


def endurance_found(own: Diary, engine: Diary) -> Found:
    """Everything that the two diaries of the same plan tell."""
    found = Found()
    for part in (_minute_later, _identity, _loops, _aways, _drift):
        found.add(part(own, engine))
    return found


def gap_db(engine: float, own: float) -> float:
    """How much less a row's two pictures are alike than the engine's, both mean squared differences of 0..1, in dB."""
    return _ended_db(engine) - _ended_db(own)


def _ended_db(mse: float) -> float:
    return min(MOST_DB, 10.0 * float(np.log10(1.0 / max(mse, 1e-12))))


def _minute_later(own: Diary, engine: Diary) -> Found:
    """W1 over 60 s; nothing where the walk is shorter, or no two of its frames a minute apart share enough."""
    if not own.minute_later:
        return Found()
    excess = [a - b for a, b in zip(own.minute_later, engine.minute_later, strict=True)]
    return Found([Figure("W1", "after 60 s", "level", 2, mean_of(excess), Gate(most=8.0))])


def _identity(own: Diary, engine: Diary) -> Found:
    """W8: CIEDE2000 of each thing's mean colour to that in the first loop, from the same poses, less the engine's; the
    thing that changed most."""
    changes = [
        {thing: change - theirs[thing] for thing, change in mine.items()}
        for mine, theirs in zip(_changes(own), _changes(engine), strict=True)
    ]
    minutes = [loop / MINUTE_LOOPS for loop in own.loops]
    worst = [max(change.values(), default=float("nan")) for change in changes]
    figures = [
        Figure("W8", f"worst thing after {minutes:g} min", "ΔE₀₀", 2, exactly(_at(own.loops, worst, minutes)), gate)
        for minutes, gate in ((1.0, Gate(most=2.0)), (10.0, Gate(most=3.0)))
        if own.loops[-1] >= (minutes * MINUTE_LOOPS) - 1
    ]
    return Found(figures, [Curve("W8", "ΔE₀₀ of the worst thing, excess", "min", minutes, worst)])


def _changes(diary: Diary) -> list[dict[int, float]]:
    """Of every loop, by thing, the mean over the frames in which it is large enough."""
    seen = [(n, thing) for n, look in enumerate(diary.looks[0]) for thing in look.things]
    labs = np.array([[looks[n].things[thing] for n, thing in seen] for looks in diary.looks])
    apart = ciede2000(np.broadcast_to(labs[:1], labs.shape), labs)
    by_thing: dict[int, list[int]] = {}
    for k, (_, thing) in enumerate(seen):
        by_thing.setdefault(thing, []).append(k)
    return [{thing: float(loop[columns].mean()) for thing, columns in by_thing.items()} for loop in apart]


def _at(loops: Sequence[int], values: Sequence[float], minutes: float) -> float:
    """The value of the last loop that ends by then."""
    return [value for loop, value in zip(loops, values, strict=True) if loop <= minutes * MINUTE_LOOPS][-1]


def _loops(own: Diary, engine: Diary) -> Found:
    """W9 over loops: the gap of each loop to the first, and its slope where there are enough of them."""
    gaps = [float(np.mean([gap_db(b, a) for a, b in zip(mine, theirs, strict=True)]))
            for mine, theirs in zip(own.gaps_mse, engine.gaps_mse, strict=True)]  # fmt: skip
    several = [n for n, loop in enumerate(own.loops) if n > 0][:LOOPS]
    slope = slope_of([float(own.loops[n]) for n in several], [gaps[n] for n in several])
    last = several[-1]
    figures = [Figure("W9", f"gap after {own.loops[last] - own.loops[0]} loops", "dB", 2, exactly(gaps[last]), GAP)]
    if len(several) >= LEAST_LOOPS:
        figures.append(Figure("W9", "slope", "dB/loop", 4, slope, Gate(most=0.01)))
    minutes = [loop / MINUTE_LOOPS for loop in own.loops]
    return Found(figures, [Curve("W9", "dB, gap to the first loop", "min", minutes, gaps)])


def _aways(own: Diary, engine: Diary) -> Found:
    """W9 after minutes away: each visit against the one before, with PSNR and SSIM in the terms of published work; and
    the last visit against the first, which are the session's first frames, seen without any memory."""
    found = Found()
    first = mean_of([gap_db(b, a) for a, b in zip(_mse(own, -1, 0), _mse(engine, -1, 0), strict=True)])
    found.figures.append(Figure("W9", "gap to the session's first frames", "dB", 2, first, GAP))
    for n, away_s in enumerate(own.aways_s[1:], start=1):
        pairs = list(zip(own.visits[n], own.visits[n - 1], strict=True))
        gaps = [gap_db(b, a) for a, b in zip(_mse(own, n, n - 1), _mse(engine, n, n - 1), strict=True)]
        away = f"{away_s / 60.0:g} min away"
        found.figures += [
            Figure("W9", f"gap after {away}", "dB", 2, mean_of(gaps), GAP),
            Figure("W9", f"PSNR after {away}", "dB", 1, mean_of([psnr_db(a, b) for a, b in pairs])),
            Figure("W9", f"SSIM after {away}", "", 4, mean_of([ssim(a, b) for a, b in pairs])),
        ]
        t = int(np.argmax(gaps))
        now, then = pairs[t]
        found.worst.append(Worst("W9", f"frame {t} of a visit after {away}", (
            ("before", then), ("again", now), ("difference, 16 times", _apart(now, then, 16.0)))))  # fmt: skip
    return found


def _mse(diary: Diary, one: int, other: int) -> list[float]:
    """Mean squared differences of two visits' frames."""
    return [float(((a - b) ** 2).mean()) for a, b in zip(diary.visits[one], diary.visits[other], strict=True)]


def _drift(own: Diary, engine: Diary) -> Found:
    """W10: each loop's look over the engine's, against that of the first loop, in percent; the largest of any segment
    and the steepest slope, beyond its own interval."""
    minutes = [loop * PERIOD_S / 60.0 for loop in own.loops]
    mine, theirs = (
        np.array([[look.figures for look in looks] for looks in diary.looks]).mean(axis=1) for diary in (own, engine)
    )
    ratio = mine / np.where(theirs == 0.0, 1.0, theirs)
    percent = 100.0 * (ratio / ratio[0] - 1.0)
    flow = np.array(own.departures) - np.array(engine.departures)
    slopes = [slope_of(minutes, percent[:, k].tolist()) for k in range(len(LOOKS))]
    steepest = max(range(len(LOOKS)), key=lambda k: abs(slopes[k].value))
    figures = [
        *(Figure("W10", f"{name}, largest", "%", 2, largest_of(np.abs(percent[:, k]).tolist()), Gate(most=2.0))
          for k, name in enumerate(LOOKS)),
        Figure("W10", "motion (W4), largest", "px", 2, largest_of(flow.tolist()), Gate(most=0.5)),
        Figure("W10", f"steepest slope ({LOOKS[steepest]})", "%/min", 4, slopes[steepest]),
        Figure("W10", "slope beyond its interval", "%/min", 4, exactly(max(map(_beyond, slopes))), Gate(most=FLAT)),
    ]  # fmt: skip
    curves = [Curve("W10", f"%, {name}", "min", minutes, percent[:, k].tolist()) for k, name in enumerate(LOOKS)]
    last = max(own.milestones)
    now, then = own.milestones[last], own.first[0]
    worst = Worst("W10", f"the same frame {last - own.loops[0]} loops later", (
        ("first loop", then), ("last loop", now), ("difference, 16 times", _apart(now, then, 16.0))))  # fmt: skip
    return Found(figures, curves, [worst])


def _beyond(slope: Estimate) -> float:
    """How far an interval is from 0; 0 when it holds it."""
    return max(0.0, slope.low, -slope.high)


def _apart(now: F32, then: F32, times: float) -> F32:
    return heat(np.abs(now.astype(np.float64) - then).mean(axis=-1) * times)


class OutAndBack:
    """W9 on a path and the same path back: frame n and frame -1 - n have the same pose."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self._truths = truths
        self._engine = self._mse([truth.picture for truth in truths])

    def judge(self, shown: Sequence[F32]) -> Found:
        own = self._mse(shown)
        gaps = [gap_db(b, a) for a, b in zip(own, self._engine, strict=True)]
        half = [(shown[n], shown[-1 - n]) for n in range(len(shown) // 2)]
        back_s = [self._truths[-1 - n].time_s - self._truths[n].time_s for n in range(len(half))]
        n = int(np.argmax(gaps))
        worst = Worst("W9", f"out and back, {back_s[n]:.1f} s later", (
            ("out", half[n][0]), ("back", half[n][1]), ("difference, 16 times", _apart(*half[n], 16.0))))  # fmt: skip
        figures = [
            Figure("W9", "gap out and back", "dB", 2, mean_of(gaps), GAP),
            Figure("W9", "PSNR out and back", "dB", 1, mean_of([psnr_db(a, b) for a, b in half])),
            Figure("W9", "SSIM out and back", "", 4, mean_of([ssim(a, b) for a, b in half])),
        ]
        return Found(figures, [Curve("W9", "dB, gap out and back", "s until seen again", back_s, gaps)], [worst])

    @staticmethod
    def _mse(shown: Sequence[F32]) -> list[float]:
        return [float(((shown[n] - shown[-1 - n]) ** 2).mean()) for n in range(len(shown) // 2)]
