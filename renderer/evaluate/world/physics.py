"""W12: whether things move in the picture where and when they move in the engine.

Motion masks as in Physics-IQ (Motamed et al. 2025), without a network: the picture's brightness, blurred over 5 x 5,
against a running average that takes in 0.3 of each frame; what differs by more than 10 levels moves, opened and closed
by 3 x 3. The camera stands still.

Ten levels of a darker or flatter picture are more of what is seen in it. So the picture's brightness is brought to the
engine's first, by the one rising curve for the whole film that gives it the engine's distribution: a look that is a
curve of brightness moves what the engine moves. What a curve cannot give back still counts: a thing that is not there,
or late, or that its own background hides, and light that changes from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from renderer.evaluate.world.findings import Curve, Figure, Found, Gate, Worst
from renderer.evaluate.world.statistics import exactly, mean_of
from renderer.evaluate.world.steadiness import heat
from renderer.evaluate.world.truth import F32, F64, Mask, Truth, box_mean, grown, luma

BLUR_PX, TAKEN_IN, MOVES = 2, 0.3, 10.0  # radius; share of a frame; levels
STEPS = 1024  # of the curve that brings a picture's brightness to the engine's: as many of its pixels in each


class Drop:
    """The same bodies fall, roll and collide in both."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self._truths = truths
        self._engine = [truth.picture for truth in truths]
        self._luma = [luma(picture) for picture in self._engine]
        self._masks = motion_masks(self._luma)

    def judge(self, shown: Sequence[F32]) -> Found:
        masks = motion_masks(in_the_light_of(self._luma, [luma(picture) for picture in shown]))
        where, times = _iou(_ever(masks), _ever(self._masks)), [t.time_s for t in self._truths[1:]]
        by_frame = [_iou(own, engine) for own, engine in zip(masks[1:], self._masks[1:], strict=True)]
        own, engine = masks.sum(axis=0), self._masks.sum(axis=0)
        weighted = float(np.minimum(own, engine).sum() / max(1, np.maximum(own, engine).sum()))
        mse = [float(((a - b) ** 2).mean()) for a, b in zip(shown, self._engine, strict=True)]
        figures = [
            Figure("W12", "where: spatial IoU", "", 3, exactly(where), Gate(least=0.90)),
            Figure("W12", "where and when: spatio-temporal IoU", "", 3, mean_of(by_frame), Gate(least=0.80)),
            Figure("W12", "how much: weighted IoU", "", 3, exactly(weighted), Gate(least=0.85)),
            Figure("W12", "mean squared difference", "", 4, mean_of(mse)),
        ]
        t = int(np.nanargmin(by_frame)) + 1
        worst = Worst("W12", f"frame {t}", (("engine", self._engine[t]), ("shown", shown[t]), (
            "moves in engine red, shown green, both yellow", _both(self._masks[t], masks[t]))))  # fmt: skip
        return Found(figures, [Curve("W12", "IoU of motion masks", "s", times, by_frame)], [worst])


def in_the_light_of(engine: Sequence[F64], shown: Sequence[F64]) -> list[F64]:
    """Brightness [H, W] of the pictures shown, in levels, by the rising curve that gives all of them together the
    distribution of the engine's: histogram specification. The engine's own are what they were."""
    steps = np.linspace(0.0, 1.0, STEPS + 1)
    own, inverse = np.unique(np.quantile(shown, steps), return_inverse=True)  # what is clipped has many steps
    theirs = np.bincount(inverse, np.quantile(engine, steps)) / np.bincount(inverse)
    return [np.interp(brightness, own, theirs) for brightness in shown]


def motion_masks(film: Sequence[F64]) -> Mask:
    """[T, H, W]: where pictures move, of their brightness [H, W] in levels. The first has nothing to differ from."""
    average = box_mean(film[0], BLUR_PX)
    masks = []
    for brightness in film:
        blurred = box_mean(brightness, BLUR_PX)
        moves = np.abs(blurred - average) > MOVES
        masks.append(_shrunk(grown(grown(_shrunk(moves), 1), 1)))
        average += TAKEN_IN * (blurred - average)
    return np.stack(masks)


def _ever(masks: Mask) -> Mask:
    return np.asarray(masks.any(axis=0))


def _shrunk(mask: Mask) -> Mask:
    return ~grown(~mask, 1)


def _iou(own: Mask, engine: Mask) -> float:
    """1 where neither has any."""
    either = int((own | engine).sum())
    return float((own & engine).sum() / either) if either else 1.0


def _both(engine: Mask, own: Mask) -> F32:
    out = heat(np.zeros(engine.shape))
    out[..., 0], out[..., 1] = engine, own
    return out
