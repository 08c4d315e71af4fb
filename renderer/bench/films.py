"""Wan's families with random weights, from a folder to plates: a chunk's time by its stages, plates per second, memory.

Instances of the published size run where torch sees a GPU, and elsewhere their rows say that they were not run; tiny
ones run anywhere, and tell what lies around the networks alone.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from rich.console import Console
from rich.table import Table

from bridge.errors import WorldplateError
from renderer.adapters.adding import add
from renderer.adapters.families import MB, load_folder
from renderer.adapters.folder import read_manifest
from renderer.adapters.wan import Wan
from renderer.adapters.wan_keys import Dims
from renderer.adapters.wan_options import Options, Sampler
from renderer.adapters.written import write_manifest
from renderer.bench.random_wan import ENCODER, FULL_CODER, TINY_CODER, dims_full, dims_tiny, write_wan
from renderer.models.probe import probe_frame
from renderer.recall import World
from renderer.report import machine, percentiles, versions

NO_GPU = "not run: no GPU"
TURBO = (1000.0, 750.0, 500.0, 250.0)


@dataclass(frozen=True)
class Case:
    """One row."""

    name: str
    size: tuple[int, int]
    dims: Dims
    options: Options
    tiny: bool = False


def _options(block: int, window: int, strength: float) -> Options:
    return Options(block_latents=block, window_latents=window, sink_latents=block, steps=TURBO, strength=strength,
                   sampler=Sampler.RENOISE, text_encoder_sha256=ENCODER)  # fmt: skip


CASES = (
    Case("wan_causal, all 4 steps", (832, 480), dims_full(), _options(3, 18, 1.0)),
    Case("wan_causal, 2 of 4 steps", (832, 480), dims_full(), _options(3, 18, 0.5)),
    Case("wan_causal, 2 of 4 steps", (448, 256), dims_full(), _options(3, 18, 0.5)),
    Case("Flash's size, 4 steps, 5 maps", (832, 448), dims_full(5), _options(4, 8, 1.0)),
    Case("tiny, 2 of 4 steps", (96, 64), dims_tiny(), _options(3, 6, 0.5), tiny=True),
    Case("tiny, 4 steps, 5 maps", (96, 64), dims_tiny(5), _options(4, 8, 1.0), tiny=True),
)  # fmt: skip


def run(count: int, threads: int, console: Console) -> dict[str, Any]:
    """`count` chunks of every row that runs here. Prompts that are made for it are kept nowhere."""
    kept = os.environ.get("XDG_CACHE_HOME")
    with tempfile.TemporaryDirectory(prefix="wp-films-") as place:
        os.environ["XDG_CACHE_HOME"] = place
        try:
            rows = [_row(case, Path(place) / str(number), count, threads) for number, case in enumerate(CASES)]
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if kept is not None:
                os.environ["XDG_CACHE_HOME"] = kept
    console.print(table_of(rows, count))
    return {
        "bench": "films", "count": count, "threads": threads, "rows": rows, "machine": machine(),
        "versions": versions(), "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }  # fmt: skip


def _row(case: Case, place: Path, count: int, threads: int) -> dict[str, Any]:
    told: dict[str, Any] = {"name": case.name, "size": list(case.size), "chunk_frames": case.options.pictures}
    if not case.tiny and not torch.cuda.is_available():
        return told | {"result": NO_GPU}
    write_wan(place / "published", case.dims, TINY_CODER if case.tiny else FULL_CODER)
    folder = add(place / "published", place / "models", "random", "LicenseRef-random").path
    manifest = read_manifest(folder)
    files = {key: manifest.options[key] for key in ("transformer", "coder")}
    options = msgspec.to_builtins(case.options) | files
    size = msgspec.structs.replace(manifest.size, width=case.size[0], height=case.size[1])
    write_manifest(folder, msgspec.structs.replace(
        manifest, options=options, size=size, chunk_frames=case.options.pictures, memory_mb=0,
    ))  # fmt: skip
    try:
        return told | measure(folder, case, count, threads)
    except (WorldplateError, torch.OutOfMemoryError) as error:
        return told | {"result": f"not run: {error}"}


def measure(folder: Path, case: Case, count: int, threads: int) -> dict[str, Any]:
    """Milliseconds from the folder on: to be loaded and warm, of each chunk, of its first plate and its stages."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    start_s = time.perf_counter()
    model = load_folder(folder, threads=threads)
    load_ms = (time.perf_counter() - start_s) * 1e3
    assert isinstance(model, Wan)
    watch, world = Watch(model, on_gpu=on_gpu), World(seed=0)
    first: list[float] = []
    whole: list[float] = []
    stages: list[dict[str, float]] = []
    for number in range(case.options.window_latents // case.options.block_latents + 1 + count):
        first_ms, whole_ms = _chunk(model, world, case, number)
        taken = watch.taken()
        if number > case.options.window_latents // case.options.block_latents:  # as much is seen as ever will be
            first.append(first_ms)
            whole.append(whole_ms)
            stages.append(taken)
    model.close()
    chunk_ms = percentiles(whole)
    return {
        "result": "tiny" if case.tiny else "run", "runtime": model.card.runtime, "load_ms": round(load_ms, 1),
        "stated_window_ms": model.card.response_window_ms, "chunk_ms": chunk_ms, "first_plate_ms": percentiles(first),
        "plates_per_s": round(case.options.pictures * 1e3 / chunk_ms["p50"], 2),
        "stages_ms": {name: percentiles(each[name] for each in stages) for name in stages[0]},
        "gpu_memory_mb": round(torch.cuda.max_memory_allocated() / MB) if on_gpu else None,
    }  # fmt: skip


def _chunk(model: Wan, world: World, case: Case, number: int) -> tuple[float, float]:
    """Milliseconds to the first plate, and until the next chunk could begin."""
    width, height = case.size
    count, names = case.options.pictures, model.card.needs
    frames = [probe_frame(model.card, names, width, height, 1 + number * count + n) for n in range(count)]
    start_s, first_ms = time.perf_counter(), 0.0
    for _ in model.steps(frames, world):
        first_ms = first_ms or (time.perf_counter() - start_s) * 1e3
    return first_ms, (time.perf_counter() - start_s) * 1e3


class Watch:
    """How long a chunk's stages take. The device is waited for between them, which a show does not do."""

    def __init__(self, model: Wan, *, on_gpu: bool) -> None:
        self._on_gpu = on_gpu
        self._taken_ms: dict[str, float] = {}
        networks: Any = model.networks
        for name in ("condition", "denoise", "finish"):
            setattr(networks, name, self._timed(name, getattr(networks, name)))
        networks.decode = self._timed_parts("decode", networks.decode)

    def taken(self) -> dict[str, float]:
        """Milliseconds of each since this was last asked."""
        taken, self._taken_ms = self._taken_ms, {}
        return taken

    def _timed(self, name: str, what: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            start_s = self._now_s()
            made = what(*given)
            self._taken_ms[name] = self._taken_ms.get(name, 0.0) + (self._now_s() - start_s) * 1e3
            return made

        return timed

    def _timed_parts(self, name: str, what: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def timed(*given: Any) -> Iterator[Any]:
            parts = what(*given)
            take = self._timed(name, lambda: next(parts, None))
            while (part := take()) is not None:
                yield part

        return timed

    def _now_s(self) -> float:
        if self._on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter()


def table_of(rows: list[dict[str, Any]], count: int) -> Table:
    """What a person wants first; the stages are in the caption."""
    parts = []
    for row in rows:
        told = ", ".join(f"{name} {ms['p50']:.1f}" for name, ms in row.get("stages_ms", {}).items())
        parts += [f"{row['name']}, ms of a chunk: {told}"] if told else []
    table = Table(title=f"Wan with random weights, {count} chunks per row", title_justify="left",
                  caption="\n".join(parts), caption_justify="left")  # fmt: skip
    for column in ("network", "size", "plates", "chunk ms", "p95", "first ms", "plates/s", "GPU MB", ""):
        table.add_column(column, justify="left" if column in ("network", "") else "right")
    for row in rows:
        start = (row["name"], "x".join(map(str, row["size"])), str(row["chunk_frames"]))
        if "chunk_ms" not in row:
            table.add_row(*start, *("-" for _ in range(5)), row["result"])
            continue
        times = (row["chunk_ms"]["p50"], row["chunk_ms"]["p95"], row["first_plate_ms"]["p50"], row["plates_per_s"])
        table.add_row(*start, *(f"{each:.1f}" for each in times), str(row["gpu_memory_mb"] or "-"), row["runtime"])
    return table
