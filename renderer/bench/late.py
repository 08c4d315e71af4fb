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
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bridge.client import Client
from bridge.ends import EngineEnd, memory_pair
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine, warm_up
from bridge.engine.world import World
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.reproject import View, lay, lay_with_numpy, nothing_known, source_of
from bridge.schema import Disposition, Limits, PlaneName, Reset, SyncMode, Transport
from bridge.shown import Shown
from renderer.bench.painted import ChunkPainter, Painter, edge_offsets_px, painted
from renderer.chunks import limits_for
from renderer.report import machine, percentiles, versions
from renderer.serve import Renderer

PLANES = (PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT)
LOOK_EVERY = 5  # ticks: pictures that are kept to measure edges
SETTLE_S = 1.5  # until the first chunk is there
WARPS = 60  # of which the median is quoted
PREDICT_MS = 16.0  # of the predicted row: a display that shows the picture a sixtieth of a second later


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

    def __init__(self, model: Painter, world: World, size: tuple[int, int],
                 through: Callable[[EngineEnd], EngineEnd] = lambda end: end, **client: Any) -> None:  # fmt: skip
        """`through` may put something around the engine's end of the link, to look at what comes."""
        limits = limits_for(Limits(), model.card)
        engine_end, renderer_end = memory_pair(limits)
        self._stop = threading.Event()
        renderer = Renderer(renderer_end, model, "", limits)
        self._thread = threading.Thread(target=renderer.run, args=(self._stop,), name="worldplate bench")
        self._thread.start()
        self.engine = EmbeddedEngine(world, *size)
        formats = {name: (FORMATS[name],) for name in PLANES}
        self.client = Client(
            *size, formats, sync=SyncMode.FREERUN, transports=(Transport.SHM,), connection=through(engine_end), **client
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
        "ids_out_of_order": sum(b <= a for a, b in pairwise(run.shown_ids)),
        "ids_without_one_end": run.open_ids + run.ended_twice,
    }


@dataclass(frozen=True)
class Row:
    """A model, and how the engine asks for its pictures."""

    name: str
    model: Callable[[], Painter]
    predict_ms: float = 0.0


ROWS = (
    Row("passthrough's speed", Painter),
    Row("2 per second", lambda: Painter(500.0)),
    Row("16 per 500 ms", lambda: ChunkPainter(500.0, 16)),
    Row("2 per second, predicted", lambda: Painter(500.0), PREDICT_MS),
)


def run(size: tuple[int, int], seconds: float, fps: float, console: Console) -> dict[str, Any]:
    """Every row for `seconds`, one after the other; prints the table. Edges of a predicted picture are not measured:
    the state that it is for is not rendered. Its error is that of the poses."""
    world = courtyard(1)
    warm_up(world)
    rows: dict[str, Any] = {}
    for row in ROWS:
        studio = Studio(row.model(), world, size, predict_ms=row.predict_ms)
        rows[row.name] = figures(watch(studio, seconds, fps))
        if row.predict_ms:
            rows[row.name].update(edge_offset_px={}, edges=0, prediction=_prediction(studio.client))
    console.print(_table(rows, f"late frames at {size[0]}x{size[1]}, engine at {fps:g} fps"))
    warps = warp_ms(world, size)
    console.print(f"one plate warped, ms, median of {WARPS}: " + ", ".join(f"{k} {v['p50']}" for k, v in warps.items()))
    return {"size": list(size), "engine_fps": fps, "seconds": seconds, "rows": rows, "one_plate_warped_ms": warps,
            "machine": machine(), "versions": versions()}  # fmt: skip


def warp_ms(world: World, size: tuple[int, int]) -> dict[str, dict[str, float]]:
    """One plate of half a second ago, warped onto nothing, with numba and without: they take turns."""
    engine, layouts = EmbeddedEngine(world, *size), pack_layouts({name: FORMATS[name] for name in PLANES}, *size)
    states: list[View] = []
    for _ in range(2):
        engine.settle(0.5)
        planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
        engine.render(planes)
        states.append(
            View(len(states), engine.camera(), engine.bodies(), planes[PlaneName.DEPTH], planes[PlaneName.OBJECT])
        )
    source = source_of(states[0], painted(states[0]))
    ways: dict[str, Callable[..., int]] = {"compiled": lay, "numpy": lay_with_numpy}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(WARPS):
        for name, way in ways.items():
            warped, start_s = nothing_known(size[1], size[0]), time.perf_counter()
            way(source, states[1], warped, share=0.0, trust=1.0)
            taken[name].append((time.perf_counter() - start_s) * 1e3)
    return {name: percentiles(values, (50, 95)) for name, values in taken.items()}


def _prediction(client: Client) -> dict[str, Any]:
    errors = client.prediction_errors
    return {
        "ms_from_present_to_display": PREDICT_MS,
        "ms_ahead_of_the_state": percentiles((error.ahead_ms for error in errors), (50, 95)),
        "offset_px": percentiles((error.offset_px for error in errors), (50, 95)),
        "offset_px_of_the_state_as_it_was": percentiles((error.unpredicted_px for error in errors), (50, 95)),
        "bodies_m": percentiles((error.bodies_m for error in errors), (50, 95)),
    }


def _table(rows: dict[str, Any], title: str) -> Table:
    caption = "".join(
        f"{name}: {made['offset_px'].get('p50', 0):.2f} px off at the display's time, median;"
        f" {made['offset_px_of_the_state_as_it_was'].get('p50', 0):.2f} px without"
        for name, row in rows.items() if (made := row.get("prediction"))
    )  # fmt: skip
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for column in ("model", "shown/s", "age ms", "p95", "edge px", "p95", "holes", "warp ms", "p95"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=True)
    for name, row in rows.items():
        cells = [
            f"{row[key][p]:.{digits}f}" if p in row[key] else "-"
            for key, digits in (("frame_age_ms", 0), ("edge_offset_px", 2), ("reproject_ms", 1))
            for p in ("p50", "p95")
        ]
        table.add_row(name, f"{row['shown_per_s']:.1f}", *cells[:4], f"{row['holes_share']:.1%}", *cells[4:])
    return table
