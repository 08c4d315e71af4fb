"""`worldplate bench kills`: the renderer killed (-9) at random moments under load, and what the engine saw of it.

The engine fills each frame's colour with the frame's number, so a torn, old or foreign plate shows at once. Only a
renderer process is killed; the engine's loop goes on and attaches to the next one.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bridge.client import Client
from bridge.errors import NoRenderer
from bridge.schema import (
    ALLOWED_FORMATS,
    Camera,
    Disposition,
    LatePolicy,
    PlaneName,
    Pose,
    SyncMode,
    Transport,
)
from renderer.report import machine, percentiles, versions

PROJECTION = (1.0, 0.0, 0.0, 0.0, 0.0, 1.7, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)
PLANES = (PlaneName.COLOR, PlaneName.DEPTH)
FRAME_S = 1.0 / 60.0
NUMBERS = 2048  # half floats hold whole numbers up to here
REATTACH_LIMIT_S = 30.0


@dataclass
class Outcome:
    """What was seen over all kills. Times in milliseconds."""

    kills: int = 0
    ticks: int = 0
    torn: int = 0
    backward: int = 0
    generated_between: list[int] = field(default_factory=list)
    reattach_ms: list[float] = field(default_factory=list)  # from the kill to the first plate of the next renderer
    fallback_ms: list[float] = field(default_factory=list)  # from the kill to the first picture without a plate
    engine_calls_ms: list[float] = field(default_factory=list)  # begin + submit + present of one tick


class KillBench:
    """An engine at 60 frames per second, and a renderer that is killed and started again."""

    def __init__(self, folder: Path, seed: int, width: int = 320, height: int = 180) -> None:
        self.outcome = Outcome()
        self._folder, self._rng = folder, random.Random(seed)
        self._renderer = self._start()
        formats = {name: ALLOWED_FORMATS[name][:1] for name in PLANES}
        self._client = Client(
            width, height, formats, sync=SyncMode.FREERUN, late=LatePolicy.PASSTHROUGH, transports=(Transport.SHM,),
            connection=folder / "connection.json", name="kills", frame_period_ms=FRAME_S * 1e3,
        )  # fmt: skip
        self._last_shown = 0
        self._due_s = time.perf_counter()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough"]
        command += ["--runtime-dir", str(self._folder), "--log-level", "ERROR"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def tick(self) -> Disposition | None:
        """One frame of the engine, at its pace; what the shown picture was, None when nothing new was shown."""
        self._due_s = max(self._due_s + FRAME_S, time.perf_counter() - FRAME_S)
        time.sleep(max(0.0, self._due_s - time.perf_counter()))
        start_ns = time.perf_counter_ns()
        slot = self._client.begin()
        writing_ns = time.perf_counter_ns()
        slot.inputs[PlaneName.COLOR][...] = slot.frame_id % NUMBERS
        slot.inputs[PlaneName.DEPTH][...] = 1.0
        written_ns = time.perf_counter_ns()
        self._client.submit(slot, CAMERA, capture_ns=time.monotonic_ns())
        shown = self._client.present()
        self.outcome.engine_calls_ms.append((time.perf_counter_ns() - written_ns + writing_ns - start_ns) / 1e6)
        self.outcome.ticks += 1
        if shown is None:
            return None
        picture = np.asarray(shown.picture()[..., :3])
        self.outcome.torn += int(not (picture == np.float16(shown.frame_id % NUMBERS)).all())
        self.outcome.backward += int(shown.frame_id <= self._last_shown)
        self._last_shown = shown.frame_id
        return shown.disposition

    def wait_for_plate(self, since_s: float) -> int:
        """Tick until a generated plate is shown; returns how many ticks. Raises NoRenderer after 30 s."""
        ticks = 0
        while self.tick() is not Disposition.GENERATED:
            ticks += 1
            if time.perf_counter() - since_s > REATTACH_LIMIT_S:
                raise NoRenderer("the engine did not attach again in 30 s", fix="See the renderer's messages above.")
        return ticks

    def kill_once(self) -> None:
        """Run for a random while, kill at a random phase of a frame, start another, wait for its first plate."""
        plates = sum(self.tick() is Disposition.GENERATED for _ in range(self._rng.randint(3, 20)))
        self.outcome.generated_between.append(plates)
        time.sleep(self._rng.uniform(0.0, FRAME_S))
        os.kill(self._renderer.pid, signal.SIGKILL)
        killed_s = time.perf_counter()
        self._renderer.wait()
        self._renderer = self._start()
        while self.tick() is not Disposition.PASSTHROUGH:
            if time.perf_counter() - killed_s > REATTACH_LIMIT_S:
                raise NoRenderer("no picture came after the kill", fix="See the messages above.")
        self.outcome.fallback_ms.append((time.perf_counter() - killed_s) * 1e3)
        self.wait_for_plate(killed_s)
        self.outcome.reattach_ms.append((time.perf_counter() - killed_s) * 1e3)
        self.outcome.kills += 1

    def close(self) -> None:
        self._client.close()
        self._renderer.kill()
        self._renderer.wait()


def run_kills(count: int, seed: int = 0) -> Outcome:
    """Kill the renderer `count` times; everything that was started is ended."""
    with tempfile.TemporaryDirectory(prefix="wp-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        bench = KillBench(folder, seed)
        try:
            bench.wait_for_plate(time.perf_counter())
            for _ in range(count):
                bench.kill_once()
        finally:
            bench.close()
    return bench.outcome


def run(count: int, console: Console) -> dict[str, object]:
    """The figures, as a table and as a report."""
    outcome = run_kills(count)
    figures = {
        "reattach_ms": percentiles(outcome.reattach_ms),
        "fallback_ms": percentiles(outcome.fallback_ms),
        "engine_calls_ms": percentiles(outcome.engine_calls_ms),
    }
    title = f"{outcome.kills} kills, {outcome.ticks} frames: {outcome.torn} torn, {outcome.backward} backward"
    table = Table(title=title, title_justify="left")
    for column in ("", "p50", "p95", "p99"):
        table.add_column(column, justify="right")
    for name, values in figures.items():
        table.add_row(name, *(f"{values[p]:.2f}" for p in ("p50", "p95", "p99")))
    console.print(table)
    return {
        "bench": "kills", "kills": outcome.kills, "frames": outcome.ticks, "torn": outcome.torn,
        "backward": outcome.backward, "engine_calls_max_ms": round(max(outcome.engine_calls_ms), 3), **figures,
        "machine": machine(), "versions": versions(),
    }  # fmt: skip
