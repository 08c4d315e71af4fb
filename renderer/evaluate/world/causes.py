"""W6, W11 and W13: what must not change does not, and what must change does, at once and there alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import PlaneName
from renderer.blend import engine_owned
from renderer.evaluate.image import tone_map
from renderer.evaluate.world.edges import discontinuities, recalled
from renderer.evaluate.world.findings import Curve, Figure, Found, Gate, Worst
from renderer.evaluate.world.scenes import Edit, Fork
from renderer.evaluate.world.statistics import exactly, largest_of, mean_of
from renderer.evaluate.world.steadiness import heat
from renderer.evaluate.world.truth import F32, Mask, Truth, change, grown
from renderer.frame import Ownership

REACH_PX = 8  # around what differs in the G-buffer
DEPTH, NORMAL = 0.01, 0.02  # of the depth, and of a normal's or albedo's channel: it differs
ONSET = 2.0  # levels, mean over what differs: the picture has begun to answer
AGREES = 0.95  # of the engine's boundary recall


def differs(one: PlaneViews, other: PlaneViews) -> Mask:
    """[H, W]: where two G-buffers of the same viewpoint differ in anything but light."""
    a, b = (np.nan_to_num(np.asarray(p[PlaneName.DEPTH], np.float64), posinf=1e6) for p in (one, other))
    out: Mask = (one[PlaneName.OBJECT] != other[PlaneName.OBJECT]) | (one[PlaneName.LABEL] != other[PlaneName.LABEL])
    out |= np.abs(a - b) > DEPTH * np.minimum(a, b)
    for plane in (PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL):
        apart = np.abs(one[plane].astype(np.float32) - other[plane].astype(np.float32))
        out |= apart.max(axis=-1) > NORMAL
    return out


@dataclass(frozen=True)
class Futures:
    """What a row shows of both futures of a fork, and of the calm one a second time, in a session of its own. The
    composites are scene-linear half floats [H, W, 4]."""

    calm: Sequence[NDArray[np.float16]]
    again: Sequence[NDArray[np.float16]]
    pushed: Sequence[NDArray[np.float16]]


class Causes:
    """W11 over one fork."""

    def __init__(self, fork: Fork) -> None:
        self._fork = fork
        self.inside = [
            grown(differs(a.planes, b.planes), REACH_PX) for a, b in zip(fork.calm, fork.pushed, strict=True)
        ]
        engine = [(a.picture, b.picture) for a, b in zip(fork.calm, fork.pushed, strict=True)]
        self._engine_out, self._engine_in = self._changes(engine)

    def judge(self, futures: Futures) -> Found:
        """Leak: mean change outside, less the engine's own (shadows fall outside too). Response: mean change inside
        over the engine's. Onset: frames until the inside answers, after the engine's. Null: pixels that differ between
        the two calm futures."""
        calm, pushed = ([tone_map(f[..., :3]) for f in future] for future in (futures.calm, futures.pushed))
        pairs = list(zip(calm, pushed, strict=True))
        outside, inside = self._changes(pairs)
        leak = [a - b for a, b in zip(outside, self._engine_out, strict=True)]
        null = sum(int((a.view(np.uint16) != b.view(np.uint16)).any(axis=-1).sum())
                   for a, b in zip(futures.calm, futures.again, strict=True))  # fmt: skip
        engine_in = max(float(np.nansum(self._engine_in)), 1e-9)
        figures = [
            Figure("W11", "leak, mean", "level", 3, mean_of(leak[self._fork.at :]), Gate(most=1.0)),
            Figure("W11", "leak, worst frame", "level", 3, largest_of(leak)),
            Figure("W11", "response", "of engine", 2, exactly(float(np.nansum(inside)) / engine_in), Gate(0.5, 2.0)),
            Figure("W11", "onset lag", "frames", 0, exactly(self._onset(inside) - self._onset(self._engine_in)),
                   Gate(most=1.0)),
            Figure("W11", "null pair, pixels that differ", "", 0, exactly(float(null)), Gate(0.0, 0.0)),
        ]  # fmt: skip
        t = int(np.argmax(leak))
        apart = np.where(self.inside[t], 0.0, change(*pairs[t]) / 255.0)
        worst = Worst("W11", f"frame {t}: most change where nothing changed", (
            ("calm", calm[t]), ("pushed", pushed[t]), ("change outside, 32 times", heat(apart * 32.0))))  # fmt: skip
        times = [truth.time_s for truth in self._fork.calm]
        return Found(figures, [Curve("W11", "level, leak", "s", times, leak)], [worst])

    def _changes(self, pairs: Sequence[tuple[F32, F32]]) -> tuple[list[float], list[float]]:
        """Mean change outside and inside of what differs; inside NaN where nothing does."""
        outside, inside = [], []
        for (a, b), mask in zip(pairs, self.inside, strict=True):
            apart = change(a, b)
            outside.append(float(apart[~mask].mean()) if not mask.all() else 0.0)
            inside.append(float(apart[mask].mean()) if mask.any() else float("nan"))
        return outside, inside

    def _onset(self, inside: Sequence[float]) -> float:
        """The first frame that answers; the number of frames when none does."""
        return float(next((t for t, level in enumerate(inside) if level >= ONSET), len(inside)))


class Edits:
    """W13 over the edits of a world at rest."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits

    def judge(self, shown: Sequence[Sequence[F32]]) -> Found:
        """Outside: mean change from the last frame before the edit, where nothing was edited, less the engine's own.
        Frames until inside the picture has the engine's edges again, and until it has changed at all."""
        found = Found()
        for edit, pictures in zip(self._edits, shown, strict=True):
            found.add(self._edited(edit, pictures))
        return found

    def _edited(self, edit: Edit, shown: Sequence[F32]) -> Found:
        engine = [truth.picture for truth in edit.truths]
        before, after = edit.truths[0], edit.truths[-1]
        inside = grown(differs(before.planes, after.planes), REACH_PX)
        changes = [[change(p[t], p[edit.at - 1]) for t in range(edit.at, len(p))] for p in (shown, engine)]
        outside = [float(a[~inside].mean() - b[~inside].mean()) for a, b in zip(*changes, strict=True)]
        answers = next((n for n, c in enumerate(changes[0]) if c[inside].mean() >= ONSET), len(outside))
        figures = [
            Figure("W13", f"{edit.kind}: outside", "level", 3, mean_of(outside), Gate(most=1.0)),
            Figure("W13", f"{edit.kind}: edges after", "frames", 0, exactly(self._right(edit, engine, shown, inside)),
                   Gate(most=3.0)),
            Figure("W13", f"{edit.kind}: answers after", "frames", 0, exactly(float(answers)), Gate(most=3.0)),
        ]  # fmt: skip
        apart = np.where(inside, 0.0, changes[0][-1] / 255.0)
        worst = Worst("W13", edit.kind, (("before", shown[edit.at - 1]), ("after", shown[-1]),
                                         ("change outside, 32 times", heat(apart * 32.0))))  # fmt: skip
        times = [float(n) for n in range(len(outside))]
        return Found(figures, [Curve("W13", f"level outside, {edit.kind}", "frames", times, outside)], [worst])

    @staticmethod
    def _right(edit: Edit, engine: Sequence[F32], shown: Sequence[F32], inside: Mask) -> float:
        """Frames after the edit until the boundary recall inside is AGREES of the engine's; all of them when never."""
        for n, t in enumerate(range(edit.at, len(shown))):
            lines = discontinuities(edit.truths[t].planes)
            if recalled(shown[t], lines, inside) >= AGREES * recalled(engine[t], lines, inside):
                return float(n)
        return float(len(shown) - edit.at)


class Owned:
    """W6 over frames of which the engine keeps a part, by every rule."""

    def __init__(self, truths: Sequence[Truth], ownership: Ownership) -> None:
        self._truths = truths
        self.masks = [engine_owned(t.planes, ownership, (t.objects.shape[0], t.objects.shape[1])) for t in truths]

    def judge(self, composites: Sequence[NDArray[np.float16]]) -> Found:
        """Largest |I - E| inside, in levels, and the pixels that are not the engine's bit for bit."""
        largest, torn = [], 0
        for picture, truth, mask in zip(composites, self._truths, self.masks, strict=True):
            color = truth.planes[PlaneName.COLOR]
            torn += int((picture.view(np.uint16)[mask] != color.view(np.uint16)[mask]).any(axis=-1).sum())
            apart = np.abs(tone_map(picture[..., :3]) - truth.picture).max(axis=-1) * 255.0
            largest.append(float(apart[mask].max()) if mask.any() else 0.0)
        owned = sum(int(mask.sum()) for mask in self.masks)
        figures = [
            Figure("W6", "largest difference", "level", 3, largest_of(largest), Gate(0.0, 0.0)),
            Figure("W6", "pixels not bit for bit", "", 0, exactly(float(torn)), Gate(0.0, 0.0)),
            Figure("W6", "pixels that the engine owns", "", 0, exactly(float(owned)), Gate(least=1.0)),
        ]
        return Found(figures, [Curve("W6", "level, largest", "s", [t.time_s for t in self._truths], largest)])
