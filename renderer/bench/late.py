"""What a player sees of models of any speed: pictures per second, frame age, where edges are, holes, and what it costs.

The embedded engine walks and pans through a courtyard. Client, session and renderer are the real ones, in one process
over a shared ring. Each row is a stand-in (renderer/bench/painted.py) with a speed of its own; the edges of what is
shown are compared with those of the plate that a model without any delay would have made of the newest state.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine, warm_up
from bridge.engine.world import World
from bridge.reproject import View
from bridge.schema import Disposition, Limits, PlaneName, Reset, SyncMode, Transport
from bridge.shown import Shown
from renderer.bench.painted import ChunkPainter, Painter, edge_offsets_px, painted
from renderer.chunks import limits_for
from renderer.report import machine, percentiles, versions
from renderer.serve import Renderer

PLANES = (PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT)
LOOK_EVERY = 5  # ticks: pictures that are kept to measure edges
SETTLE_S = 1.5  # until the first chunk is there


@dataclass
class Kept:
    """A picture that was shown, and the newest engine state at that tick."""

    picture: NDArray[Any]
    view: View


@dataclass
class Run:
    """What one engine saw of one model."""

    shown_ids: list[int] = field(default_factory=list)
    dispositions: Counter[str] = field(default_factory=Counter)
    ages_ms: list[float] = field(default_factory=list)
    hole_shares: list[float] = field(default_factory=list)
    reproject_ms: list[float] = field(default_factory=list)  # on the engine's thread, in `present`
    kept: list[Kept] = field(default_factory=list)
    seconds: float = 0.0
    ticks: int = 0
    open_ids: int = 0  # frames without a disposition at the end
    ended_twice: int = 0


class Studio:
    """A renderer's loop on a thread of its own, and the embedded engine as its client. `close` joins the thread."""

    def __init__(self, model: Painter, world: World, size: tuple[int, int], **client: Any) -> None:
        limits = limits_for(Limits(), model.card)
        engine_end, renderer_end = memory_pair(limits)
        self._stop = threading.Event()
        renderer = Renderer(renderer_end, model, "", limits)
        self._thread = threading.Thread(target=renderer.run, args=(self._stop,), name="worldplate bench")
        self._thread.start()
        self.engine = EmbeddedEngine(world, *size)
        formats = {name: (FORMATS[name],) for name in PLANES}
        self.client = Client(
            *size, formats, sync=SyncMode.FREERUN, transports=(Transport.SHM,), connection=engine_end, **client
        )
        self.client.connect()

    def tick(self, dt_s: float, reset: Reset = Reset.NONE) -> tuple[View, Shown | None]:
        """One engine frame: the state that was submitted, and what is shown."""
        self.engine.step(dt_s)
        slot, camera, bodies = self.client.begin(), self.engine.camera(), self.engine.bodies()
        self.engine.render(slot.inputs)
        self.client.submit(slot, camera, bodies=bodies, reset=reset)
        view = View(slot.frame_id, camera, bodies, slot.inputs[PlaneName.DEPTH], slot.inputs[PlaneName.OBJECT])
        return view, self.client.present()

    def close(self) -> None:
        self.client.close()
        self._stop.set()
        self._thread.join()


def watch(studio: Studio, seconds: float, fps: float) -> Run:
    """Run the engine at its rate and write down what is shown."""
    run, start_s = Run(), time.perf_counter()
    due_s = start_s
    while due_s < start_s + seconds:
        due_s = max(due_s + 1 / fps, time.perf_counter() - 1 / fps)
        time.sleep(max(0.0, due_s - time.perf_counter()))
        view, shown = studio.tick(1 / fps)
        if time.perf_counter() - start_s > SETTLE_S:
            run.ticks += 1
            if shown is not None:
                _note(run, view, shown)
    run.seconds = time.perf_counter() - start_s - SETTLE_S
    studio.close()
    history = [entry.frame_id for entry in studio.client.ledger.history]
    run.open_ids, run.ended_twice = len(studio.client.ledger.open_ids), len(history) - len(set(history))
    return run


def _note(run: Run, view: View, shown: Shown) -> None:
    run.shown_ids.append(shown.frame_id)
    run.dispositions[shown.disposition] += 1
    run.ages_ms.append(shown.age_ms)
    run.hole_shares.append(1 - float(np.count_nonzero(shown.confidence())) / view.depth_m.size)
    if shown.disposition is Disposition.REPROJECTED:
        run.reproject_ms.append(shown.stages_ms["substitute"])
    if run.ticks % LOOK_EVERY == 0:
        run.kept.append(keep(view, shown))


def keep(view: View, shown: Shown) -> Kept:
    """Copies, since both live in a slot."""
    objects = None if view.objects is None else view.objects.copy()
    return Kept(shown.picture().copy(), View(view.frame_id, view.camera, view.bodies, view.depth_m.copy(), objects))


def figures(run: Run) -> dict[str, Any]:
    """Medians and percentiles of a run."""
    offsets = [edge_offsets_px(kept.picture, painted(kept.view)) for kept in run.kept]
    return {
        "shown_per_s": round(len(run.shown_ids) / run.seconds, 2),
        "engine_ticks_per_s": round(run.ticks / run.seconds, 2),
        "dispositions": dict(run.dispositions),
        "frame_age_ms": percentiles(run.ages_ms, (50, 95)),
        "edge_offset_px": percentiles(np.concatenate(offsets) if offsets else [], (50, 95)),
        "edges": sum(map(len, offsets)),
        "holes_share": round(float(np.mean(run.hole_shares)), 4),
        "reproject_ms": percentiles(run.reproject_ms, (50, 95)),
        "ids_out_of_order": sum(b <= a for a, b in zip(run.shown_ids, run.shown_ids[1:], strict=False)),
        "ids_without_one_end": run.open_ids + run.ended_twice,
    }


ROWS: dict[str, Callable[[], Painter]] = {
    "as fast as passthrough": lambda: Painter(),
    "2 plates per second": lambda: Painter(500.0),
    "16 plates per 500 ms": lambda: ChunkPainter(500.0, 16),
}


def run(size: tuple[int, int], seconds: float, fps: float, console: Console) -> dict[str, Any]:
    """Every row for `seconds`, one after the other; prints the table."""
    world = courtyard(1)
    warm_up(world)
    rows = {name: figures(watch(Studio(make(), world, size), seconds, fps)) for name, make in ROWS.items()}
    table = Table(title=f"late frames at {size[0]}x{size[1]}, engine at {fps:g} fps", title_justify="left")
    columns = ("model", "shown/s", "age p50 ms", "p95", "edge p50 px", "p95", "holes", "reproject p50 ms", "p95")
    for column in columns:
        table.add_column(column, justify="left" if column == "model" else "right")
    for name, row in rows.items():
        pairs = [row[key].get(p, float("nan")) for key in ("frame_age_ms", "edge_offset_px") for p in ("p50", "p95")]
        warps = [row["reproject_ms"].get(p, float("nan")) for p in ("p50", "p95")]
        table.add_row(
            name, f"{row['shown_per_s']:.1f}", *(f"{value:.1f}" for value in pairs[:2]),
            *(f"{value:.3f}" for value in pairs[2:]), f"{row['holes_share']:.2%}", *(f"{w:.2f}" for w in warps),
        )  # fmt: skip
    console.print(table)
    return {"size": list(size), "engine_fps": fps, "seconds": seconds, "rows": rows, "machine": machine(),
            "versions": versions()}  # fmt: skip
