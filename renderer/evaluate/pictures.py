"""Which frames are worth a look, and their pictures, painted again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from renderer.evaluate.clips import read
from renderer.evaluate.frames import frame_of
from renderer.evaluate.image import flip_map, psnr_db, tone_map
from renderer.evaluate.measure import Measured
from renderer.evaluate.rows import Row, engine_shown

F32 = NDArray[np.float32]
EXTREMES = 3  # frames of each of worst, median and best
SHEET_FRAMES = 24


@dataclass(frozen=True)
class Pick:
    """Frame `t` of a sequence, and what for."""

    why: str
    sequence: Measured
    t: int

    @property
    def path(self) -> Path:
        return Path(self.sequence.folder) / f"{self.sequence.name}.npz"


@dataclass(frozen=True)
class Pictures:
    """A pick as displayed, [H, W, 3] of 0..1: engine, every row by name, truth and the FLIP map of `judged`."""

    pick: Pick
    engine: F32
    rows: dict[str, F32]
    truth: F32
    error: F32
    judged: str

    def caption(self, row: str) -> str:
        """A row's name and likeness."""
        return f"{row} {psnr_db(self.rows[row], self.truth):.1f} dB"


def picked(sequences: Sequence[Measured], judged: str) -> list[Pick]:
    """Worst, median and best frames by PSNR of a row, from different sequences; then the median frame of every family
    and of every weather."""
    ranked = sorted((db, k, t) for k, s in enumerate(sequences) for t, db in enumerate(s.rows[judged].psnr_db))
    picks = []
    for why, order in (("worst", ranked), ("median", ranked[len(ranked) // 2 :]), ("best", ranked[::-1])):
        picks += [Pick(why, sequences[k], t) for k, t in _apart(order)]
    for key in ("family", "setting"):
        for group in sorted({getattr(s, key) for s in sequences}):
            members = [rank for rank in ranked if getattr(sequences[rank[1]], key) == group]
            _, k, t = members[len(members) // 2]
            picks.append(Pick(group, sequences[k], t))
    return picks


def _apart(order: Sequence[tuple[float, int, int]]) -> list[tuple[int, int]]:
    """The first EXTREMES of different sequences."""
    first: dict[int, int] = {}
    for _, k, t in order:
        first.setdefault(k, t)
        if len(first) == EXTREMES:
            break
    return list(first.items())


def sheet_picks(sequences: Sequence[Measured], judged: str) -> list[Pick]:
    """SHEET_FRAMES middle frames, evenly over families, and within them over the weathers that were shown least; of a
    family's sequences in a weather the one whose PSNR is nearest to their median. No sequence is shown twice,
    also not at another size."""
    families = sorted({s.family for s in sequences})
    left = {family: [s for s in sequences if s.family == family] for family in families}
    shown: dict[str, int] = {}
    picks: list[Pick] = []
    while len(picks) < SHEET_FRAMES and any(left.values()):
        for family in families:
            if left[family] and len(picks) < SHEET_FRAMES:
                chosen = _typical(left[family], shown, judged)
                left[family] = [s for s in left[family] if s.name != chosen.name]  # which is there in several sizes
                shown[chosen.setting] = shown.get(chosen.setting, 0) + 1
                picks.append(Pick(f"{family}, {chosen.setting}", chosen, len(chosen.rows[judged].psnr_db) // 2))
    return picks


def _typical(sequences: Sequence[Measured], shown: dict[str, int], judged: str) -> Measured:
    rarest = min(sorted({s.setting for s in sequences}), key=lambda setting: shown.get(setting, 0))
    members = sorted(
        (s for s in sequences if s.setting == rarest), key=lambda s: float(np.mean(s.rows[judged].psnr_db))
    )
    return members[len(members) // 2]


def painted(picks: Sequence[Pick], rows: Sequence[Row], judged: str) -> Iterator[Pictures]:
    """The pictures of each pick: every row sees its sequence from the start up to that frame."""
    for pick in picks:
        clip = read(pick.path)
        truth = tone_map(clip.truth[pick.t])
        shown = {}
        for row in rows:
            row.reset()
            for t in range(pick.t + 1) if row.remembers else [pick.t]:
                shown[row.name] = row.shown(frame_of(clip, t))
        _, error = flip_map(shown[judged], truth, colours=True)
        yield Pictures(pick, engine_shown(frame_of(clip, pick.t)), shown, truth, error, judged)
