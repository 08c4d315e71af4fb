"""Whether a picture does what it is asked: when one control changes, does it change as the truth does?

Test worlds come in a base weather and with one thing changed, path-traced both times. A row paints the base's frames
in the base weather and in every one of `plan.CHANGES`, of which one is the pair's own. For each, the change of its
pictures is compared with the change of the truth: root mean square of the difference, in display values. A pair is
followed when the asked change comes nearest to the truth's of all of them. The changes for wrong prompts are thus the
row's own; that is a harder test than against a wrong truth, since all of a row's pictures share its other errors.
Where a world's truth is there in several changes, the asked change is also compared with the truths of the others.
Snow is not seen in a room without a window, nor is it told from autumn there: a report also says what was followed of
changes that are VISIBLE, and of truths that are so far apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.frames import asked, frame_of
from renderer.evaluate.image import tone_map
from renderer.evaluate.rows import Row
from renderer.models.limn.weather import Weather
from renderer.training.worlds.weathers import CHANGES

if TYPE_CHECKING:
    from renderer.training.sequences import Clip

F64 = NDArray[np.float64]
VISIBLE = 0.01  # root mean square of a change, in display values: two and a half levels of 255
ASKED_FRAMES = 3  # of a sequence, from its first


@dataclass(frozen=True)
class Followed:
    """One pair: how far the change of a row's pictures is from the truth's, for each thing that it could be asked."""

    name: str
    family: str
    change: str  # the asked one
    truth_change: float  # root mean square of the truth's own change
    distance: dict[str, float]
    to_truths: dict[str, float] = field(default_factory=dict)  # of the asked change from each truth that is there
    truths_apart: dict[str, float] = field(default_factory=dict)  # of the asked truth from each of them

    @property
    def nearest(self) -> str:
        return min(self.distance, key=lambda change: (self.distance[change], change == self.change))

    @property
    def right(self) -> bool:
        return self.nearest == self.change

    @property
    def visible(self) -> bool:
        return self.truth_change >= VISIBLE

    @property
    def share_beaten(self) -> float:
        """Of the wrong prompts, those whose change is farther from the truth's than the asked one's."""
        wrong = [d for change, d in self.distance.items() if change != self.change]
        return sum(d > self.distance[self.change] for d in wrong) / len(wrong)

    @property
    def share_truer(self) -> float:
        """Of the other changes' truths, those that are farther away than the asked one's; NaN without any."""
        return self._share_truer(0.0)

    @property
    def share_truer_where_apart(self) -> float:
        """The same of those truths alone that are VISIBLE from the asked one's."""
        return self._share_truer(VISIBLE)

    def _share_truer(self, least_apart: float) -> float:
        others = [d for change, d in self.to_truths.items()
                  if change != self.change and self.truths_apart[change] >= least_apart]  # fmt: skip
        return sum(d > self.to_truths[self.change] for d in others) / len(others) if others else math.nan


def changed_weathers(base: Weather) -> dict[str, Weather]:
    return {change: replace(base, **values) for change, values in CHANGES}


def followed(
    row: Row, base: Clip, changed: Mapping[str, Clip], weathers: Mapping[str, Weather], start: Weather
) -> list[Followed]:
    """Of every changed sequence of a world, by its name. `weathers` are what each change is asked as, `start` what the
    base weather is."""
    count = min(ASKED_FRAMES, len(base.planes))
    before = _painted(row, base, start, frame_of(base, 0).setting, count)
    made = {change: _painted(row, base, weather, change, count) - before for change, weather in weathers.items()}
    truths = {clip.plan["kind"]: _true_change(base, clip, count) for clip in changed.values()}
    return [
        Followed(
            name, base.plan["family"], asked_for := clip.plan["kind"], _rms(truths[asked_for]),
            {change: _rms(of_plates - truths[asked_for]) for change, of_plates in made.items()},
            {change: _rms(made[asked_for] - truth) for change, truth in truths.items()},
            {change: _rms(truths[asked_for] - truth) for change, truth in truths.items()},
        )
        for name, clip in changed.items()
    ]  # fmt: skip


def _true_change(base: Clip, changed: Clip, count: int) -> F64:
    """Of the truth's display values [count, H, W, 3]."""
    return np.stack([tone_map(changed.truth[t]).astype(np.float64) - tone_map(base.truth[t]) for t in range(count)])


def _painted(row: Row, clip: Clip, weather: Weather, setting: str, count: int) -> F64:
    """The first frames [count, H, W, 3] of a sequence in a weather."""
    row.reset()
    return np.stack([row.shown(asked(frame_of(clip, t), weather, setting)).astype(np.float64) for t in range(count)])


def _rms(values: F64) -> float:
    return float(np.sqrt(np.mean(values**2)))


def told_in_words(controls: Callable[[str], Mapping[str, float]], base: Weather, captions: tuple[str, ...]) -> Weather:
    """The weather that captions set on dials that stand at the base weather."""
    return replace(base, **controls(". ".join(captions)))
