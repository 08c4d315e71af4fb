"""Rows of `worldplate bench gpu`: the Vulkan engine of plugins/native/gpu and a renderer, two processes; and the death
of either, at any moment."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from bridge.errors import MissingDependency, NoRenderer
from renderer.bench.gpu_planes import opened
from renderer.conformance.scene import FILE as SCENE
from renderer.process import RendererProcess
from renderer.report import percentiles

Figures = dict[str, Any]
FRAMES, LOOK = 1200, 100  # of a loop; every so many pictures are looked at, pixel by pixel
FRAMES_OF_A_KILL = 100_000  # more than there is time for: the engine that lives is stopped
KILL_SIZE = (1280, 720)
START_S, AFTER_S = 0.3, 1.0  # how long both run before one is killed: at least, and how much longer at most
ALONE_S = 0.5  # how long the engine goes on without its renderer
BACK_S = 10.0  # in which the driver and the process that lives have let memory go
ENDING_S = 25.0  # of the time for kills: what the last one may take


def loop(engine: Path | None, model: str, size: tuple[int, int]) -> Figures:
    """What the engine says of FRAMES frames, and how long it took from one picture to the next."""
    with RendererProcess(model) as renderer:
        renderer.wait_until_ready()
        started = start_engine(engine, renderer.connection, size, FRAMES)
        told, why = started.communicate()
    if started.returncode != 0:
        raise NoRenderer(f"the engine ended with {started.returncode}: {why.strip()[-200:]}", fix="Run it by hand.")
    return figures_of(json.loads(told))


def figures_of(told: Figures) -> Figures:
    """Of an engine's report. Raises NoRenderer where planes did not stay on the GPU."""
    if told["transport"] != "cuda":
        raise _left_the_gpu(told)
    shown_ns = told.pop("shown_ns")
    return {**told, "interval_ms": intervals_ms(shown_ns)}


def _left_the_gpu(told: Mapping[str, Any]) -> NoRenderer:
    return NoRenderer(f"the planes did not stay on the GPU: {told['reason']}", fix="Run `worldplate doctor`.")


def intervals_ms(shown_ns: list[int]) -> dict[str, float]:
    """From each picture to the next; those that were looked at are left out, since looking takes the CPU a while."""
    steps = enumerate(pairwise(shown_ns), 1)
    return percentiles(((after - before) / 1e6 for number, (before, after) in steps if number % LOOK), (50, 99))


def start_engine(engine: Path | None, connection: Path, size: tuple[int, int], frames: int) -> subprocess.Popen[str]:
    """Raises MissingDependency without a build."""
    program = engine / "vulkan_engine" if engine is not None else None
    if engine is None or program is None or not program.exists():
        raise MissingDependency(
            "the Vulkan engine is not built", fix="Build plugins/native/gpu, and name the build by --engine."
        )
    width, height = size
    command = [program, SCENE, engine, connection, "--frames", frames, "--size", f"{width}x{height}", "--look", LOOK]
    return subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@dataclass
class Killed:
    """What was seen."""

    renderers: int = 0
    engines: int = 0
    hangs: int = 0  # of the process that was to live
    leaked_bytes: list[int] = field(default_factory=list)  # what did not come back in BACK_S
    back_ms: list[float] = field(default_factory=list)
    frames_to_own: list[int] = field(default_factory=list)  # from the kill to the engine's first picture of its own

    def figures(self) -> Figures:
        return {
            "kills": self.renderers + self.engines, "of_renderers": self.renderers, "of_engines": self.engines,
            "hangs": self.hangs, "most_leaked_bytes": max(self.leaked_bytes, default=0),
            "memory_back_ms": percentiles(self.back_ms, (50, 99)),
            "most_frames_to_own_picture": max(self.frames_to_own, default=None),
            "frames_to_own_picture": percentiles(self.frames_to_own, (50, 99)),
        }  # fmt: skip


class Killing:
    """Owns the renderer, which lives until it is its turn; `close` ends it."""

    def __init__(self, engine: Path | None, free_bytes: Callable[[], int], seed: int = 1) -> None:
        self._engine, self._free_bytes, self._rng = engine, free_bytes, random.Random(seed)
        self._renderer: RendererProcess | None = None
        self._before_bytes = 0  # free, without the renderer
        self.seen = Killed()

    def once(self) -> None:
        """Raises NoRenderer when one of them does not run as it should, MissingDependency without an engine."""
        renderer = self._serving()
        before_bytes = self._free_bytes()
        engine = start_engine(self._engine, renderer.connection, KILL_SIZE, FRAMES_OF_A_KILL)
        time.sleep(START_S + self._rng.uniform(0.0, AFTER_S))
        if engine.poll() is not None:
            raise NoRenderer(f"the engine ended: {engine.communicate()[1].strip()[-200:]}", fix="Run it by hand.")
        if self._rng.random() < 0.5:
            engine.kill()
            engine.communicate()
            self.seen.engines += 1
            self.seen.hangs += int(not renderer.alive)
            self._see_memory_back(before_bytes)
        else:
            self._kill_the_renderer(renderer, engine)
            self._see_memory_back(self._before_bytes)

    def _kill_the_renderer(self, renderer: RendererProcess, engine: subprocess.Popen[str]) -> None:
        killed_ns = time.monotonic_ns()
        renderer.kill()
        time.sleep(ALONE_S)
        engine.terminate()  # it tells what it has shown, and ends
        try:
            told = json.loads(engine.communicate(timeout=BACK_S)[0])
        except (subprocess.TimeoutExpired, ValueError):
            engine.kill()
            engine.communicate()
            self.seen.hangs += 1
        else:
            if told["own_from"] == 1:
                raise _left_the_gpu(told)
            self.seen.frames_to_own += frames_to_own(told, killed_ns)
        self.close()
        self.seen.renderers += 1

    def _serving(self) -> RendererProcess:
        if self._renderer is None:
            self._before_bytes = self._free_bytes()
            self._renderer = RendererProcess("passthrough")
            self._renderer.wait_until_ready()
        return self._renderer

    def _see_memory_back(self, before_bytes: int) -> None:
        begun_s = time.monotonic()
        while (leaked := before_bytes - self._free_bytes()) > 0 and time.monotonic() - begun_s < BACK_S:
            time.sleep(0.005)
        self.seen.back_ms.append((time.monotonic() - begun_s) * 1e3)
        self.seen.leaked_bytes.append(max(leaked, 0))

    def close(self) -> None:
        """A second time does nothing."""
        if self._renderer is not None:
            self._renderer.end()
            self._renderer = None


def frames_to_own(told: Mapping[str, Any], killed_ns: int) -> list[int]:
    """How many pictures an engine showed from a kill to the first of its own, that one included; none when it had no
    plate to lose by then."""
    own_from = int(told["own_from"])
    if own_from < 2 or told["shown_ns"][own_from - 1] < killed_ns:
        return []
    return [sum(killed_ns < shown_ns for shown_ns in told["shown_ns"][:own_from])]


def kills(engine: Path | None, count: int, limit_s: float) -> Figures:
    """Either process killed (-9) at random moments of a running loop: is GPU memory as before, does the other go on.
    As many as `limit_s` has time for, and one at least."""
    until_s = time.monotonic() + limit_s - ENDING_S
    with opened() as (context, _):
        killing = Killing(engine, context.free_bytes)
        try:
            for number in range(count):
                if number > 0 and time.monotonic() > until_s:
                    break
                killing.once()
        finally:
            killing.close()
    return {"asked": count, **killing.seen.figures()}
