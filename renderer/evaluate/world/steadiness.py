"""W1 to W5: whether what is seen stays what it was, from frame to frame and over a second, and keeps to its shapes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from renderer.evaluate.motion import Way, warp_error, way_back
from renderer.evaluate.world.edges import discontinuities, jumps, recalled, silhouette_offsets
from renderer.evaluate.world.findings import Curve, Figure, Found, Gate, Worst
from renderer.evaluate.world.flow import flow_departure
from renderer.evaluate.world.statistics import Estimate, exactly, mean_of
from renderer.evaluate.world.truth import F32, F64, Mask, Truth, change, grown, way_between

LAG = 12  # frames of a pair: 0.96 s at WALK_FPS, and even, so that what flickers by turns is left to W2
PAIR_EVERY = 2  # frames
OVERLAP = 0.3  # of the frame, that a pair must have in common
FLOW_EVERY = 2  # frames
EDGE_PX = 3  # around steps in depth that W1 and W2 leave out, as Lai et al. do: where edges lie is W5's question


class Walk:
    """W1, W2, W4 and W5 over a walking pan at scenes.WALK_FPS, longer than LAG."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self._truths = truths
        self._ways = [way_back(now.planes, now.camera, now.bodies, then.planes)
                      for then, now in pairwise(truths)]  # fmt: skip
        inner = [~grown(jumps(truth.planes), EDGE_PX) for truth in truths]
        self._inner_ways = [_within(way, inside) for way, inside in zip(self._ways, inner[1:], strict=True)]
        pairs = [(t, way_between(truths[t], truths[t - LAG])) for t in range(LAG, len(truths), PAIR_EVERY)]
        self._pairs = [(t, _within(way, inner[t])) for t, way in pairs if way.visible.mean() >= OVERLAP]
        self._lines = [discontinuities(truth.planes) for truth in truths]
        engine = [truth.picture for truth in truths]
        self._engine = engine
        self._warp = self._warps(engine)
        self._again = self._agains(engine)
        self._flow = self._flows(engine)
        self._recall = self._recalls(engine)

    def judge(self, shown: Sequence[F32]) -> Found:
        found = Found()
        for part in (self._reprojected, self._warped, self._moved, self._shaped):
            found.add(part(shown))
        return found

    def _agains(self, shown: Sequence[F32]) -> list[float]:
        return [reprojection_error(shown[t], shown[t - LAG], way) for t, way in self._pairs]

    def _warps(self, shown: Sequence[F32]) -> list[float]:
        return [1e3 * warp_error(shown[t], shown[t - 1], way) for t, way in enumerate(self._inner_ways, start=1)]

    def _flows(self, shown: Sequence[F32]) -> list[F64]:
        steps = range(1, len(shown), FLOW_EVERY)
        return [_known(flow_departure(shown[t], shown[t - 1], self._ways[t - 1])) for t in steps]

    def _recalls(self, shown: Sequence[F32]) -> list[float]:
        return [recalled(picture, lines) for picture, lines in zip(shown, self._lines, strict=True)]

    def _reprojected(self, shown: Sequence[F32]) -> Found:
        """W1: mean |I_t - I_s| where what I_t shows was seen in I_s a second before, less the engine's own."""
        excess = _less(self._agains(shown), self._again)
        times = [self._truths[t].time_s for t, _ in self._pairs]
        figure = Figure("W1", "after 1 s", "level", 2, mean_of(excess), Gate(most=4.0))
        worst = []
        if excess:
            t, way = self._pairs[int(np.nanargmax(excess))]
            apart = np.where(way.visible, np.abs(shown[t] - way.followed(shown[t - LAG])).mean(axis=-1), 0.0)
            pictures = (("now", shown[t]), ("before", shown[t - LAG]), ("difference, 8 times", heat(apart * 8.0)))
            worst.append(Worst("W1", f"frame {t} and one second before", pictures))
        return Found([figure], [Curve("W1", "level, excess after 1 s", "s", times, excess)], worst)

    def _warped(self, shown: Sequence[F32]) -> Found:
        """W2: mean squared change along the engine's motion, x 1000, less the engine's own (Lai et al. 2018)."""
        excess = _less(self._warps(shown), self._warp)
        figure = Figure("W2", "warp error", "10⁻³", 2, mean_of(excess), Gate(most=0.5))
        t = int(np.nanargmax(excess)) + 1
        way = self._inner_ways[t - 1]
        apart = np.where(way.visible, np.abs(shown[t] - way.followed(shown[t - 1])).mean(axis=-1), 0.0)
        worst = Worst("W2", f"frame {t} and the one before", (
            ("now", shown[t]), ("before", shown[t - 1]), ("difference, 8 times", heat(apart * 8.0))))  # fmt: skip
        times = [truth.time_s for truth in self._truths[1:]]
        return Found([figure], [Curve("W2", "10⁻³, excess", "s", times, excess)], [worst])

    def _moved(self, shown: Sequence[F32]) -> Found:
        """W4: pixels between the picture's own motion and the engine's, at corners, less the engine's."""
        flows = self._flows(shown)
        own, engine = np.concatenate(flows), np.concatenate(self._flow)
        gates = {50: Gate(most=0.5), 95: Gate(most=2.0)}
        figures = [
            Figure("W4", name, "px", 2, _percentile_less(own, engine, percent), gates[percent])
            for percent, name in ((50, "median"), (95, "p95"))
        ]
        medians = [_median(flow) - _median(engine) for flow, engine in zip(flows, self._flow, strict=True)]
        times = [self._truths[t].time_s for t in range(1, len(shown), FLOW_EVERY)]
        return Found(figures, [Curve("W4", "px, median excess", "s", times, medians)])

    def _shaped(self, shown: Sequence[F32]) -> Found:
        """W5: boundary recall over the engine's own, and how far silhouettes are off beyond the engine's."""
        recall = [a / b for a, b in zip(self._recalls(shown), self._recall, strict=True)]
        own, engine = [], []
        for picture, theirs, truth in zip(shown, self._engine, self._truths, strict=True):
            mine, reference = silhouette_offsets(picture, theirs, truth.objects)
            own.append(mine)
            engine.append(reference)
        offsets, reference = np.concatenate(own), np.concatenate(engine)
        figures = [
            Figure("W5", "boundary recall, of the engine's", "ratio", 3, mean_of(recall), Gate(least=0.95)),
            *(Figure("W5", f"silhouette offset, {name}", "px", 2, _percentile_less(offsets, reference, percent), gate)
              for percent, name, gate in ((50, "median", Gate(most=0.5)), (95, "p95", Gate(most=2.0)))),
        ]  # fmt: skip
        t = int(np.argmin(recall))
        pictures = (("engine", self._engine[t]), ("shown", shown[t]))
        worst = Worst("W5", f"frame {t}: least of the engine's edges", pictures)
        times = [truth.time_s for truth in self._truths]
        return Found(figures, [Curve("W5", "boundary recall, of the engine's", "s", times, recall)], [worst])


class Still:
    """W3: a camera and a scene that stand still."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self._truths = truths
        self._engine = self._changes([truth.picture for truth in truths])

    @staticmethod
    def _changes(shown: Sequence[F32]) -> F64:
        return np.stack([change(b, a) for a, b in pairwise(shown)])

    def judge(self, shown: Sequence[F32]) -> Found:
        """Mean |I_t+1 - I_t|, and the 95th percentile over pixels and frames, less the engine's own."""
        own = self._changes(shown)
        excess = _less(own.mean(axis=(1, 2)).tolist(), self._engine.mean(axis=(1, 2)).tolist())
        p95 = float(np.percentile(own, 95) - np.percentile(self._engine, 95))
        figures = [Figure("W3", "flicker, mean", "level", 3, mean_of(excess), Gate(most=0.5)),
                   Figure("W3", "flicker, p95", "level", 3, exactly(p95), Gate(most=3.0))]  # fmt: skip
        t = int(np.argmax(excess)) + 1
        worst = Worst("W3", f"frame {t} and the one before", (
            ("shown", shown[t]), ("change, 32 times", heat(own[t - 1] / 255.0 * 32.0))))  # fmt: skip
        times = [truth.time_s for truth in self._truths[1:]]
        return Found(figures, [Curve("W3", "level, mean change", "s", times, excess)], [worst])


def reprojection_error(now: F32, then: F32, way: Way) -> float:
    """Mean absolute difference, in levels, of two pictures where the same surface is in view; NaN where nothing is."""
    if not way.visible.any():
        return float("nan")
    return float(np.abs(now - way.followed(then))[way.visible].mean() * 255.0)


def heat(share: F64) -> F32:
    """A map [H, W] of 0..1 in colours [H, W, 3], from black over red to pale yellow."""
    steps = np.clip(share, 0.0, 1.0)[..., None] * 3.0 - np.arange(3.0)
    return np.clip(steps, 0.0, 1.0).astype(np.float32)


def _within(way: Way, inside: Mask) -> Way:
    return Way(way.column, way.row, way.visible & inside)


def _less(own: Sequence[float], engine: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(own, engine, strict=True)]


def _known(values: F64) -> F64:
    return values[np.isfinite(values)]


def _median(values: F64) -> float:
    return float(np.median(values)) if len(values) else float("nan")


def _percentile_less(own: F64, engine: F64, percent: int) -> Estimate:
    if not len(own) or not len(engine):
        return exactly(float("nan"))
    return exactly(float(np.percentile(own, percent) - np.percentile(engine, percent)))
