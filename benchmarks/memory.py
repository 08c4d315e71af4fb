"""`python benchmarks/memory.py [--quick] [--json FILE]`: what the world's memory costs, how it grows, and what it is
good for.

Three parts, each with its baseline in the same run. *cost*: frames of an inconsistent model in real time, in turns with
and without the memory: recall's share of the frame, views fused and missed per second. *walk*: one process is shown a
long walk through courts side by side, each view as far from the last as a second of walking, as fast as it takes them:
megabytes against minutes walked, with the budget's evictions. *revisits*: a place is seen, left and seen again, by the
inconsistent model and by limn, with and without: PSNR and SSIM of the two plates.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.world import CameraKey
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Camera, Frame
from bridge.spaces import gl_projection
from renderer.bench.drifting import Drifting
from renderer.evaluate.image import psnr_db, ssim, tone_map
from renderer.frame import Ownership, RenderFrame
from renderer.memory.world import WorldMemory
from renderer.models import ModelCard, Recall, WorldModel
from renderer.models.limn.model import Limn
from renderer.recall import World, controls_of, hold, recall, remember, sight_of, warm_up
from renderer.report import machine, percentiles, versions

WIDTH, HEIGHT = 320, 180
FRAME_S = 0.04
WALK_M_S = 1.4
LOOPS = 3


class Show:
    """One stream of one model: frames in, plates out, as in the pipeline."""

    def __init__(self, model: WorldModel, memory: WorldMemory | None, card: ModelCard | None = None) -> None:
        self.model, self.card = model, card or model.card
        self.world = World(seed=0, memory=memory)
        self._controls = {c.name: c.default for c in controls_of(self.card)}
        self._frames = 0

    def paint(self, engine: EmbeddedEngine, planes: PlaneViews, capture_ns: int) -> RenderFrame:
        """The engine's frame of now, finished."""
        self._frames += 1
        header = Frame(
            session="0" * 32, id=self._frames, capture_ns=capture_ns, camera=engine.camera(), bodies=engine.bodies()
        )
        frame = RenderFrame(header, planes, np.zeros((HEIGHT, WIDTH, 4), np.float16), self._controls, Ownership())
        with frame.stage("recall"):
            recall(self.world, frame, self.card)
        with frame.stage("generate"):
            self.model.step(frame, self.world, frame.plate)
        with frame.stage("recall"):
            hold(self.world, frame, self.card)
            remember(self.world, frame, self.card)
        return frame


def engine_and_planes(seed: int = 1) -> tuple[EmbeddedEngine, PlaneViews]:
    engine = EmbeddedEngine(courtyard(seed), WIDTH, HEIGHT)
    layouts = pack_layouts(FORMATS, WIDTH, HEIGHT)
    return engine, views(bytearray(payload_bytes(layouts)), layouts, writeable=True)


def around(turn: float) -> CameraKey:
    """A loop through the court that comes back at turn 1."""
    angle = 2.0 * math.pi * turn
    eye = (2.5 * math.sin(angle), 1.7, 4.5 + 1.5 * math.cos(angle))
    return CameraKey(eye, (6.0 * math.sin(angle), 1.3, -4.0))


def cost(seconds: float, budget_mb: int) -> dict[str, Any]:
    """Real time at 25 frames a second, with and without in turns of a second."""
    engine, planes = engine_and_planes()
    engine.settle(3.0)
    memory = WorldMemory(budget_mb)
    rows = {
        "with": Show(Drifting(), memory),
        "without": Show(Drifting(), None, replace(Drifting.card, recall=Recall.NONE)),
    }
    shares: dict[str, list[float]] = {name: [] for name in rows}
    try:
        memory.save()  # the process has started
        memory.counts.clear()
        started_s = time.monotonic()
        n = 0
        while (now_s := time.monotonic() - started_s) < seconds:
            name = "with" if int(now_s) % 2 == 0 else "without"
            engine.look(around(now_s / 20.0))
            engine.render(planes)
            frame = rows[name].paint(engine, planes, time.monotonic_ns())
            shares[name].append(frame.stages_ms["recall"])
            n += 1
            time.sleep(max(0.0, started_s + n * FRAME_S - time.monotonic()))
        memory.save()
        half_s = (time.monotonic() - started_s) / 2.0
        process = psutil.Process(memory.pid)
        told = memory.figures()
        return {
            "recall_ms": {name: percentiles(ms) for name, ms in shares.items()},
            "fused_per_s": told["fused"] / half_s, "missed": told.get("missed", 0), "fused": told["fused"],
            "process_rss_mb": process.memory_info().rss / 1e6,
        }  # fmt: skip
    finally:
        memory.close()


def walk(minutes: float, budget_mb: int) -> list[dict[str, float]]:
    """Megabytes against minutes walked, as fast as the process takes views a second of walking apart."""
    engine, planes = engine_and_planes()
    engine.settle(3.0)
    memory = WorldMemory(budget_mb, patient=True)
    show = Show(Drifting(), memory)
    rows = []
    try:
        for second, shift_m in enumerate(_along(minutes)):
            engine.look(around(second / 20.0))
            engine.render(planes)
            frame = RenderFrame(
                Frame(session="0" * 32, id=second + 1, capture_ns=second * 1_000_000_000,
                      camera=_shifted(engine, shift_m)),
                planes, np.zeros((HEIGHT, WIDTH, 4), np.float16), {"remember": 0.8, "warmth": 0.5}, Ownership(),
            )  # fmt: skip
            show.model.step(frame, show.world, frame.plate)
            sight = sight_of(frame)
            memory.look(sight, frame.header.capture_ns, due=True, wanted=False)
            memory.fuse(sight.view, frame.plate)
            if second % 30 == 29:
                memory.await_recalled()
                told = memory.figures()
                rows.append({
                    "minutes": (second + 1) / 60.0, "metres": shift_m, "memory_mb": told["bytes"] / 1e6,
                    "process_rss_mb": psutil.Process(memory.pid).memory_info().rss / 1e6,
                    "blocks": told["blocks"], "evicted": told["evicted"],
                })  # fmt: skip
        return rows
    finally:
        memory.close()


def _along(minutes: float) -> Iterator[float]:
    """Metres along the row of courts, at every second."""
    return (second * WALK_M_S for second in range(int(minutes * 60)))


def _shifted(engine: EmbeddedEngine, shift_m: float) -> Camera:
    """The camera as if the court stood that far along +X: courts side by side, each walked through in turn."""
    camera = engine.camera()
    x, y, z = camera.world_from_camera.position_m
    court = math.floor(shift_m / 28.0) * 28.0
    pose = msgspec.structs.replace(camera.world_from_camera, position_m=(x + court, y, z))
    return msgspec.structs.replace(
        camera, world_from_camera=pose, projection=gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
    )


def revisits(away: int, budget_mb: int) -> dict[str, Any]:
    """PSNR and SSIM of the plates of one pose, before and after `away` frames elsewhere, over LOOPS loops."""
    limn = Limn(threads=1)
    mixed = replace(limn.card, recall=Recall.MIXED)
    rows: dict[str, tuple[WorldModel, ModelCard]] = {
        "drifting, without": (Drifting(), replace(Drifting.card, recall=Recall.NONE)),
        "drifting, with": (Drifting(), Drifting.card),
        "limn, without": (limn, replace(limn.card, recall=Recall.NONE)),
        "limn, with": (limn, mixed),
    }
    return {name: _revisits(model, card, away, budget_mb) for name, (model, card) in rows.items()}


def _revisits(model: WorldModel, card: ModelCard, away: int, budget_mb: int) -> dict[str, float]:
    engine, planes = engine_and_planes()
    engine.settle(8.0)  # what falls has come to rest: a revisit is the same place
    memory = WorldMemory(budget_mb, patient=True) if card.recall is not Recall.NONE else None
    show = Show(model, memory, card)
    seen: list[NDArray[np.float32]] = []
    try:
        for n in range(LOOPS * away + 1):
            engine.look(around(n / away), cut=n == 0)
            engine.render(planes)
            frame = show.paint(engine, planes, n * 40_000_000)
            if n % away == 0 and n:  # the first frame of all has nothing to be like
                seen.append(tone_map(frame.plate[..., :3].astype(np.float32)))
        psnr = [float(psnr_db(seen[0], plate)) for plate in seen[1:]]
        likeness = [float(ssim(seen[0], plate)) for plate in seen[1:]]
        return {"psnr_db": float(np.median(psnr)), "worst_psnr_db": min(psnr), "ssim": float(np.median(likeness))}
    finally:
        if memory is not None:
            memory.close()


def report(told: dict[str, Any], console: Console) -> None:
    table = Table("recall, ms of a frame", "p50", "p95", "p99")
    for name, ms in told["cost"]["recall_ms"].items():
        table.add_row(name, *(f"{ms[p]:.2f}" for p in ("p50", "p95", "p99")))
    console.print(table)
    console.print({name: round(value, 1) for name, value in told["cost"].items() if name != "recall_ms"})
    table = Table("minutes walked", "memory MB", "process MB", "blocks", "evicted")
    for row in told["walk"]:
        table.add_row(f"{row['minutes']:.1f}", *(f"{row[k]:.0f}" for k in ("memory_mb", "process_rss_mb", "blocks",
                                                                          "evicted")))  # fmt: skip
    console.print(table)
    table = Table("revisit", "PSNR dB", "worst", "SSIM")
    for name, row in told["revisits"].items():
        table.add_row(name, f"{row['psnr_db']:.2f}", f"{row['worst_psnr_db']:.2f}", f"{row['ssim']:.4f}")
    console.print(table)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: whether it works")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the walk")
    parser.add_argument("--budget-mb", type=int, default=1000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    warm_up(Drifting.card)
    quick: bool = asked.quick
    told = {
        "machine": machine(), "versions": versions(), "budget_mb": asked.budget_mb,
        "cost": cost(6.0 if quick else 40.0, asked.budget_mb),
        "walk": walk(0.5 if quick else asked.minutes, asked.budget_mb),
        "revisits": revisits(8 if quick else 250, asked.budget_mb),
    }  # fmt: skip
    report(told, Console())
    if asked.json is not None:
        asked.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
