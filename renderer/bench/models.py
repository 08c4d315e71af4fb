"""`worldplate bench models`: published families from a folder to plates, by networks with random weights.

Speed and memory do not depend on what weights are, so instances of full size tell those of the published ones; they run
where torch sees a GPU, and elsewhere their rows say that they were not run. Tiny instances run anywhere and tell what
lies around the networks alone. What planes cost on their way to a network is measured on the CPU in any case.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from bridge.errors import MissingDependency, WorldplateError
from renderer.adapters.adding import add
from renderer.adapters.families import MB, free_ram_mb, load_folder
from renderer.adapters.folder import open_folder, read_manifest
from renderer.adapters.written import write_manifest
from renderer.bench import condition
from renderer.models import WorldModel
from renderer.models.probe import probe_frame
from renderer.recall import World
from renderer.report import machine, percentiles, versions

try:
    import torch
    from torch import nn

    from renderer.adapters.parts import with_memory
    from renderer.bench import films
    from renderer.bench.moments import between_ms, moment
    from renderer.bench.random_networks import FULL, FULL_TURBO, TINY, quiet, write_framediffuser, write_turbo
except ImportError as error:
    raise MissingDependency(
        f"published families need diffusers, transformers and torch: {error}",
        fix='Install them with `pip install "worldplate[adapters]"`.',
    ) from error

NO_GPU = "not run: no GPU"
WARM = 3  # plates before those that are timed
TINY_PX = 64  # a side of what tiny networks paint


@dataclass(frozen=True)
class Case:
    """One row: a family at a size."""

    family: str
    kind: str  # "full" or "tiny", whose figures say nothing of published weights
    width: int
    height: int
    write: Callable[[Path], None]


CASES = (
    Case("sd_turbo_control", "full", 512, 512, lambda folder: write_turbo(folder, FULL_TURBO)),
    Case("framediffuser", "full", 512, 512, lambda folder: write_framediffuser(folder, FULL)),
    Case("sd_turbo_control", "tiny", TINY_PX, TINY_PX, lambda folder: write_turbo(folder, TINY)),
    Case("framediffuser", "tiny", TINY_PX, TINY_PX, lambda folder: write_framediffuser(folder, TINY)),
)


def run(count: int, threads: int, console: Console) -> dict[str, object]:
    """`count` plates of every row that runs here, and as many chunks of Wan's families. Prompts that are made for it
    are kept nowhere."""
    quiet()
    kept = os.environ.get("XDG_CACHE_HOME")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="wp-models-") as place:
        os.environ["XDG_CACHE_HOME"] = place
        try:
            for number, case in enumerate(CASES):
                rows.append(_row(case, Path(place) / str(number), count, threads, console))
        finally:
            os.environ.pop("XDG_CACHE_HOME")
            if kept is not None:
                os.environ["XDG_CACHE_HOME"] = kept
    console.print(table_of(rows, count))
    chunks = films.run(count, threads, console)["rows"]
    conditions = condition.run()
    console.print(condition.table_of(conditions))
    return {
        "bench": "models", "count": count, "threads": threads, "rows": rows, "chunks": chunks,
        "conditions": conditions,
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None, "machine": machine(),
        "versions": versions(),
    }  # fmt: skip


def _row(case: Case, place: Path, count: int, threads: int, console: Console) -> dict[str, Any]:
    told: dict[str, Any] = {"family": case.family, "kind": case.kind, "size": f"{case.width}x{case.height}"}
    if case.kind == "full" and not torch.cuda.is_available():
        return told | {"result": NO_GPU}
    case.write(place / "published")
    folder = add(place / "published", place / "models", "random", "LicenseRef-random").path
    _resize(folder, case)
    weights_mb = with_memory(open_folder(folder), 2 if torch.cuda.is_available() else 4).manifest.memory_mb
    console.print(f"{case.family}, {case.kind}: {weights_mb} MB of weights before loading, of {_free_mb():.0f} free")
    try:
        return told | {"weights_mb": weights_mb} | measure(folder, case, count, threads)
    except (WorldplateError, torch.OutOfMemoryError) as error:
        return told | {"result": f"not run: {error}"}


def measure(folder: Path, case: Case, count: int, threads: int) -> dict[str, Any]:
    """Milliseconds from the folder on: to be loaded, to the first plate, and of each plate and its parts."""
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    start_s = time.perf_counter()
    model = load_folder(folder, threads=threads)
    load_ms = (time.perf_counter() - start_s) * 1e3
    try:
        world = World(seed=0)
        first_ms = step_ms(model, world, case, 1)
        for number in range(2, WARM + 1):
            step_ms(model, world, case, number)
        watch = Watch(stages_of(model), on_gpu=on_gpu)
        whole, parts = [], []
        for number in range(WARM + 1, WARM + 1 + count):
            whole.append(step_ms(model, world, case, number))
            parts.append(watch.taken())
        runtime, chunk = model.card.runtime, model.card.chunk_frames
    finally:
        model.close()
    figures = {name: percentiles(each[name] for each in parts) for name in parts[0]}
    rest = percentiles(ms - sum(each.values()) for ms, each in zip(whole, parts, strict=True))
    middle = percentiles(whole)
    return {
        "result": "tiny" if case.kind == "tiny" else "run", "runtime": runtime, "load_ms": round(load_ms, 1),
        "first_plate_ms": round(first_ms, 1), "cold_start_ms": round(load_ms + first_ms, 1), "plate_ms": middle,
        "plates_per_s": round(1e3 / middle["p50"], 2), "response_window_ms": round(middle["p95"] * chunk, 1),
        "stages_ms": figures | {"around the networks": rest},
        "gpu_memory_mb": round(torch.cuda.max_memory_allocated() / MB, 1) if on_gpu else None,
    }  # fmt: skip


def step_ms(model: WorldModel, world: World, case: Case, number: int) -> float:
    """One plate of the network's own size, and how long it took; its last bytes come from the GPU."""
    names = model.card.needs | model.card.optional
    frame = probe_frame(model.card, names, case.width, case.height, number)
    world.steps += 1
    start_s = time.perf_counter()
    model.step(frame, world, frame.plate)
    return (time.perf_counter() - start_s) * 1e3


def stages_of(model: WorldModel) -> dict[str, list[nn.Module]]:
    """A model's networks by what they do."""
    stages = getattr(model, "stages", None)
    return dict(stages()) if stages is not None else {}


class Watch:
    """How long networks take, by CUDA's own clock where they run on a GPU, which no one waits for meanwhile."""

    def __init__(self, stages: dict[str, list[nn.Module]], *, on_gpu: bool) -> None:
        self._on_gpu = on_gpu
        self._spans: dict[str, list[tuple[Any, Any]]] = {name: [] for name in stages}
        self._begun: list[Any] = []
        for name, networks in stages.items():
            for network in networks:
                network.register_forward_pre_hook(lambda *_: self._begun.append(self._now()))
                network.register_forward_hook(lambda *_, name=name: self._end(name))

    def taken(self) -> dict[str, float]:
        """Milliseconds of each stage since this was last asked."""
        if self._on_gpu:
            torch.cuda.synchronize()
        taken = {name: sum(between_ms(*span) for span in spans) for name, spans in self._spans.items()}
        for spans in self._spans.values():
            spans.clear()
        return taken

    def _end(self, name: str) -> None:
        self._spans[name].append((self._begun.pop(), self._now()))

    def _now(self) -> Any:
        return moment(torch.cuda.current_stream() if self._on_gpu else None)


def _resize(folder: Path, case: Case) -> None:
    """Of the manifest that `add` wrote: this row's own size."""
    manifest = read_manifest(folder)
    size = msgspec.structs.replace(manifest.size, width=case.width, height=case.height)
    write_manifest(folder, msgspec.structs.replace(manifest, size=size))


def _free_mb() -> float:
    return torch.cuda.mem_get_info()[0] / MB if torch.cuda.is_available() else free_ram_mb()


def table_of(rows: list[dict[str, Any]], count: int) -> Table:
    """What a person wants first; the parts are in the caption."""
    parts = []
    for row in rows:
        if "stages_ms" in row:
            told = ", ".join(f"{name} {ms['p50']:.1f}" for name, ms in row["stages_ms"].items())
            parts.append(f"{row['family']} {row['kind']}, ms of a plate: {told}")
    table = Table(title=f"Families with random weights, {count} plates per row", title_justify="left",
                  caption="\n".join(parts), caption_justify="left")  # fmt: skip
    columns = ("weights MB", "load s", "first ms", "plate p50 ms", "p95", "plates/s", "GPU MB", "")
    for column in ("family", "kind", "size", *columns):
        table.add_column(column, justify="left" if column in ("family", "kind", "") else "right")
    for row in rows:
        names = (row["family"], row["kind"], row["size"])
        if "plate_ms" not in row:
            table.add_row(*names, *("-" for _ in columns[:-1]), row["result"])
            continue
        gpu = "-" if row["gpu_memory_mb"] is None else f"{row['gpu_memory_mb']:.0f}"
        cells = (str(row["weights_mb"]), f"{row['load_ms'] / 1e3:.1f}", f"{row['first_plate_ms']:.0f}")
        times = (f"{row['plate_ms']['p50']:.1f}", f"{row['plate_ms']['p95']:.1f}", f"{row['plates_per_s']:.1f}")
        table.add_row(*names, *cells, *times, gpu, row["runtime"])
    return table
