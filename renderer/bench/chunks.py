"""When the plates of a chunk reach the engine: as they are decoded, or when the chunk ends.

A stand-in takes the time of a video model's stages: conditioning, denoising, decoding four plates at a time, and what
the next chunk builds on. It is served twice in one run, once publishing as it decodes and once when all is decoded, by
the real session, renderer and client, to the embedded engine.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table

from bridge.ends import EngineEnd, Parts, Received
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import warm_up
from bridge.schema import AnyMessage, Result
from renderer.bench.late import SETTLE_S, Studio
from renderer.bench.painted import ChunkPainter, painted, view_of
from renderer.frame import RenderFrame
from renderer.recall import World
from renderer.report import machine, percentiles, versions

CHUNK, TOGETHER = 12, 4  # plates of a call, and of one decoding
CONDITION_MS, DENOISE_MS, DECODE_MS, AFTER_MS = 30.0, 300.0, 30.0, 60.0  # of a call; a decoding's; of what comes after
WINDOW_MS = CONDITION_MS + DENOISE_MS + DECODE_MS * CHUNK / TOGETHER
LOOK_S = 0.001  # between two looks at what came


@dataclass
class Call:
    """One chunk: when it began and ended, and when each of its plates was decoded, seconds."""

    began_s: float
    decoded_s: dict[int, float] = field(default_factory=dict)
    ended_s: float = 0.0


class StagedPainter(ChunkPainter):
    """Paints plates in stages that take their time."""

    def __init__(self, *, as_decoded: bool) -> None:
        """Plates are published as they are decoded, or all at the end."""
        super().__init__(WINDOW_MS, CHUNK)
        self.chunks: list[Call] = []
        self._as_decoded = as_decoded

    def steps(self, frames: Sequence[RenderFrame], world: World) -> Iterator[None]:
        call = Call(time.perf_counter())
        self.chunks.append(call)
        time.sleep((CONDITION_MS + DENOISE_MS) / 1e3)
        for first in range(0, CHUNK, TOGETHER):
            due_s, together = time.perf_counter() + DECODE_MS / 1e3, frames[first : first + TOGETHER]
            for frame in together:
                frame.plate[...] = painted(view_of(frame))
            time.sleep(max(0.0, due_s - time.perf_counter()))
            for frame in together:
                call.decoded_s[frame.header.id] = time.perf_counter()
                if self._as_decoded:
                    yield
        if not self._as_decoded:
            yield from (None for _ in frames)
        time.sleep(AFTER_MS / 1e3)
        call.ended_s = time.perf_counter()


class Watched:
    """An engine's end that notes when each RESULT came."""

    def __init__(self, end: EngineEnd) -> None:
        self._end = end
        self.came_s: dict[int, float] = {}

    @property
    def connected(self) -> bool:
        return self._end.connected

    @property
    def parts_on_their_way(self) -> bool:
        return self._end.parts_on_their_way

    def send(self, message: AnyMessage, parts: Parts = ()) -> bool:
        return self._end.send(message, parts)

    def receive(self, timeout_ms: float = 0.0) -> Received | None:
        got = self._end.receive(timeout_ms)
        if got is not None and isinstance(got[0], Result):
            self.came_s[got[0].id] = time.perf_counter()
        return got

    def close(self, linger_ms: int = 0) -> None:
        self._end.close(linger_ms)


def run(size: tuple[int, int], seconds: float, fps: float, console: Console) -> dict[str, Any]:
    """Both ways for `seconds` each; prints the table."""
    world = courtyard(1)
    warm_up(world)
    rows = {
        name: _row(StagedPainter(as_decoded=as_decoded), world, size, seconds, fps)
        for name, as_decoded in (("as it is decoded", True), ("when the chunk ends", False))
    }
    console.print(_table(rows, size, fps))
    return {
        "size": list(size), "engine_fps": fps, "seconds": seconds, "chunk_frames": CHUNK, "stated_window_ms": WINDOW_MS,
        "stages_ms": {"condition": CONDITION_MS, "denoise": DENOISE_MS, "decode": DECODE_MS, "after": AFTER_MS},
        "rows": rows, "machine": machine(), "versions": versions(),
    }  # fmt: skip


def _row(model: StagedPainter, world: Any, size: tuple[int, int], seconds: float, fps: float) -> dict[str, Any]:
    watched: list[Watched] = []

    def through(end: EngineEnd) -> EngineEnd:
        watched.append(Watched(end))
        return watched[0]

    studio = Studio(model, world, size, through=through)
    sent_s, shown = _film(studio, seconds, fps)
    studio.close()
    return figures([call for call in model.chunks if call.ended_s], watched[0].came_s, sent_s) | {
        "shown_per_s": round(shown / seconds, 2)
    }


def _film(studio: Studio, seconds: float, fps: float) -> tuple[dict[int, float], int]:
    """When each frame was sent, and how many pictures were shown. Between frames the engine looks at what came."""
    sent_s: dict[int, float] = {}
    start_s = due_s = time.perf_counter()
    pictures = 0
    while due_s < start_s + SETTLE_S + seconds:
        due_s = max(due_s + 1 / fps, time.perf_counter() - 1 / fps)
        while time.perf_counter() < due_s:
            studio.client.tick()
            time.sleep(LOOK_S)
        began_s = time.perf_counter()
        view, shown = studio.tick(1 / fps)
        sent_s[view.frame_id] = began_s
        pictures += shown is not None and began_s > start_s + SETTLE_S
    return sent_s, pictures


def figures(calls: Sequence[Call], came_s: dict[int, float], sent_s: dict[int, float]) -> dict[str, Any]:
    """Of whole chunks whose plates all came: intervals of publishing over those of decoding, within a chunk and from
    chunk to chunk; and when plates came, from the chunk's beginning and from their own states."""
    known = came_s.keys() & sent_s.keys()
    whole = [call for call in calls if len(call.decoded_s) == CHUNK and call.decoded_s.keys() <= known]
    within: list[float] = []
    first_ms: list[float] = []
    newest_ms: list[float] = []
    for call in whole:
        decoded, came = (sorted(each) for each in (call.decoded_s.values(), (came_s[n] for n in call.decoded_s)))
        within.append((came[-1] - came[0]) / (decoded[-1] - decoded[0]))
        first_ms.append((came[0] - call.began_s) * 1e3)
        newest = max(call.decoded_s)
        newest_ms.append((came_s[newest] - sent_s[newest]) * 1e3)
    between = [
        (max(came_s[n] for n in b.decoded_s) - max(came_s[n] for n in a.decoded_s)) / (b.ended_s - b.began_s)
        for a, b in pairwise(calls)
        if a in whole and b in whole
    ]
    before_last = sum(min(came_s[n] for n in call.decoded_s) < max(call.decoded_s.values()) for call in whole)
    return {
        "chunks": len(whole),
        "publishing_over_decoding_interval": _median(within),
        "publishing_over_rendering_interval_of_chunks": _median(between),
        "first_plate_ms": percentiles(first_ms, (50, 95)),
        "newest_plate_ms": percentiles(newest_ms, (50, 95)),
        "chunks_shown_before_their_last_is_decoded": before_last,
    }


def _median(values: Sequence[float]) -> float:
    return round(statistics.median(values), 3) if values else float("nan")


def _table(rows: dict[str, Any], size: tuple[int, int], fps: float) -> Table:
    title = f"chunks of {CHUNK} in {WINDOW_MS:g} ms, engine at {fps:g} fps, {size[0]}x{size[1]}"
    table = Table(title=title, title_justify="left")
    columns = (
        "published",
        "chunks",
        "within",
        "between",
        "first ms",
        "p95",
        "newest ms",
        "p95",
        "before last",
        "shown/s",
    )
    for column in columns:
        table.add_column(column, justify="left" if column == "published" else "right", no_wrap=True)
    for name, row in rows.items():
        first, newest = row["first_plate_ms"], row["newest_plate_ms"]
        table.add_row(
            name, str(row["chunks"]), f"{row['publishing_over_decoding_interval']:.3f}",
            f"{row['publishing_over_rendering_interval_of_chunks']:.3f}", f"{first.get('p50', 0):.0f}",
            f"{first.get('p95', 0):.0f}", f"{newest.get('p50', 0):.0f}", f"{newest.get('p95', 0):.0f}",
            str(row["chunks_shown_before_their_last_is_decoded"]), f"{row['shown_per_s']:.1f}",
        )  # fmt: skip
    return table
