"""A walk through the courtyard behind models that are slow: two plates a second, and sixteen at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from bridge.engine.courtyard import courtyard
from bridge.schema import Disposition, PlaneName, Reset
from bridge.shown import Shown
from renderer.bench.late import Kept, Studio, keep
from renderer.bench.painted import ChunkPainter, Painter, edge_offsets_px, painted
from renderer.models import ChunkModel

SIZE = (160, 90)
DT_S = 1 / 30
SLOW: dict[str, Callable[[], Painter]] = {
    "2 plates per second": lambda: Painter(500.0),
    "16 plates per 500 ms": lambda: ChunkPainter(500.0, 16),
}


class Walk:
    """What the engine's own side sees of it."""

    def __init__(self, model: Painter) -> None:
        self.model = model
        self.studio = Studio(model, courtyard(1), SIZE)
        self.shown: list[Shown] = []
        self.kept: list[Kept] = []
        self.submitted = self.missed = 0

    def tick(self, reset: Reset = Reset.NONE) -> Shown | None:
        view, shown = self.studio.tick(DT_S, reset)
        self.submitted += 1
        if shown is None:
            self.missed += 1
            return None
        self.shown.append(shown)
        if shown.disposition is Disposition.REPROJECTED:
            self.kept.append(keep(view, shown))
        return shown

    def until_plates(self, calls: int) -> None:
        """Until the model was asked so often, and what it made is shown."""
        while len(self.model.calls) < calls or not self.shown or self.shown[-1].plate is None:
            assert self.submitted < 3000
            self.tick()
            time.sleep(0.01)

    def close(self) -> None:
        self.studio.close()
        ledger = self.studio.client.ledger
        ends = [entry.frame_id for entry in ledger.history]
        assert not ledger.open_ids
        assert len(ends) == len(set(ends)) == sum(ledger.counts.values()) == self.submitted


@pytest.mark.parametrize("model", SLOW.values(), ids=SLOW)
def test_the_picture_follows_the_camera_at_the_engines_rate(model: Callable[[], Painter]) -> None:
    walk = Walk(model())
    walk.until_plates(2)
    before = walk.missed
    walk.kept.clear()
    walk.until_plates(5)
    walk.close()
    ids = [shown.frame_id for shown in walk.shown]
    assert walk.missed - before < len(ids) // 2  # none, unless an engine frame takes a quarter of the model's time
    assert all(a < b for a, b in pairwise(ids))
    offsets_px = [edge_offsets_px(kept.picture, painted(kept.view)) for kept in walk.kept]
    assert len(offsets_px) > 5
    assert np.median(np.concatenate(offsets_px)) < 0.5
    warped = [shown for shown in walk.shown if shown.disposition is Disposition.REPROJECTED]
    assert all(shown.age_ms > shown.state_age_ms for shown in warped)


def test_a_model_of_chunks_gets_the_newest_states_with_rising_ids_each_once() -> None:
    walk = Walk(SLOW["16 plates per 500 ms"]())
    assert isinstance(walk.model, ChunkModel)
    walk.until_plates(4)
    walk.close()
    asked = [frame_id for call in walk.model.calls for frame_id in call]
    assert asked == sorted(set(asked))
    assert max(map(len, walk.model.calls)) <= 16


@pytest.mark.parametrize("model", SLOW.values(), ids=SLOW)
def test_nothing_of_before_a_cut_is_seen_after_it(model: Callable[[], Painter]) -> None:
    walk = Walk(model())
    walk.until_plates(2)
    walk.shown.clear()
    cut_id = walk.submitted + 1
    walk.tick(Reset.CUT)
    shown = walk.tick()
    assert shown is not None
    assert (shown.disposition, shown.age_ms) == (Disposition.PASSTHROUGH, shown.state_age_ms)
    assert np.array_equal(shown.picture(), np.asarray(shown.planes[PlaneName.COLOR]))
    walk.until_plates(len(walk.model.calls) + 2)
    first = next(shown for shown in walk.shown if shown.plate is not None)
    cut_ns = walk.shown[0].age_ms
    assert first.frame_id > cut_id
    assert cut_ns > 0
    walk.close()
