"""What a run showed, tick by tick, and what it cost: pictures on disk until they are encoded, figures in memory.

Kept while the loop runs, so it must be cheap: 8-bit panels through a table, one write to an unlinked file. Memory
stays flat however long the run is.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Disposition, PlaneName
from bridge.shown import Shown
from renderer.display import U8, display_rgba

RENDERER_STAGES = ("ingest", "recall", "generate", "blend", "mark")
CLIENT_STAGES = ("wait", "substitute")  # of `present`; `composite` is booked where the picture is made


class Spool:
    """Pictures in the order they came, in a file that has no name and is gone with the process."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - `close` closes it
        self._shape: tuple[int, ...] = ()
        self._count = 0

    def add(self, pictures: U8) -> int:
        """Append pictures [n, H, W, 4], all of one shape; returns their number."""
        self._shape = pictures.shape
        self._file.seek(0, 2)
        self._file.write(pictures.data)
        self._count += 1
        return self._count - 1

    def read(self, number: int) -> U8:
        size = int(np.prod(self._shape))
        self._file.seek(number * size)
        return np.frombuffer(self._file.read(size), np.uint8).reshape(self._shape)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class Moment:
    """What was on the screen at one tick of the engine."""

    picture: int  # its number in the spool
    disposition: Disposition
    new: bool = True  # False: the picture of the tick before stayed


@dataclass
class Recording:
    """A run, as it is seen: `spool` None keeps figures only."""

    spool: Spool | None = None
    moments: list[Moment] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    shown_at_s: list[float] = field(default_factory=list)
    repeated: int = 0  # ticks without a new picture
    renderer_copied_bytes: int = 0
    owned_pixels: int = 0  # left to the engine by the matte
    owned_differences: int = 0  # of them, those that are not the engine's own in the picture, bit for bit
    plates: Any = field(default_factory=hashlib.sha256)  # over the bytes of every plate, in the order shown

    def stage(self, name: str, since_s: float) -> float:
        """Book the milliseconds since `since_s` (of perf_counter) and return the time now."""
        now_s = time.perf_counter()
        self._book(name, (now_s - since_s) * 1e3)
        return now_s

    def keep(self, shown: Shown | None, *, digest: bool = False) -> None:
        """Take in what `Client.present` gave at this tick; `digest` adds the plate to the hash over all plates."""
        if shown is None:
            self.repeated += 1
            if self.moments:
                self.moments.append(replace(self.moments[-1], new=False))
            return
        start_s = time.perf_counter()
        picture = shown.picture()
        at_s = self.stage("composite", start_s)
        self.shown_at_s.append(at_s)
        self.ages_ms.append(shown.age_ms)
        for prefix, names in (("renderer", RENDERER_STAGES), ("engine", CLIENT_STAGES)):
            for name in names:
                if name in shown.stages_ms:
                    self._book(f"{prefix} {name}", shown.stages_ms[name])
        self.renderer_copied_bytes += shown.renderer_copied_bytes
        color = shown.planes[PlaneName.COLOR]
        plate = shown.plate if shown.plate is not None else np.zeros_like(color)
        self._check_owned(color, plate, picture)
        if digest:
            self.plates.update(np.ascontiguousarray(plate).data)
        if self.spool is not None:
            number = self.spool.add(np.stack([display_rgba(image) for image in (color, plate, picture)]))
            self.moments.append(Moment(number, shown.disposition))
        self.stage("recording", at_s)

    def _book(self, name: str, milliseconds: float) -> None:
        self.stages_ms.setdefault(name, []).append(milliseconds)

    def _check_owned(self, color: NDArray[Any], plate: NDArray[Any], picture: NDArray[Any]) -> None:
        """Where the matte is 0 the picture must be the engine's own pixel, bit for bit. All float16 [H, W, 4]: a
        pixel is compared as one 64-bit word, because float16 arithmetic is slow."""
        owned = (np.ascontiguousarray(plate).view(np.uint16)[..., 3] & 0x7FFF) == 0
        words = [np.ascontiguousarray(image).view(np.uint64)[..., 0] for image in (color, picture)]
        self.owned_pixels += int(np.count_nonzero(owned))
        self.owned_differences += int(np.count_nonzero(owned & (words[0] != words[1])))
