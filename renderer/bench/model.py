"""`worldplate bench model`: one frame through limn, by runtime, precision, size and threads, whole and in parts.

Rows take turns within one run, a few frames each, so that a noisy machine is noisy for all of them. Beside the wall
clock stands the processor time of all threads, which other work on the machine changes less. Planes are those of the
embedded courtyard; likeness is the worst PSNR of a row's plates against torch's in fp32, on the display. The most
memory that limn takes by each runtime is measured in processes of their own.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.errors import ConfigError, MissingDependency
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Bodies, Camera
from renderer.evaluate.image import F32, psnr_db, tone_map
from renderer.report import machine, percentiles, versions
from renderer.start import spare_the_engine

if TYPE_CHECKING:
    from renderer.models.limn.model import Limn

RUNTIMES = ("torch", "openvino", "onnxruntime")
ROWS = tuple(product(RUNTIMES, ("fp32", "bf16", "int8")))  # runtime and precision
PARTS = ("features", "network", "plate")
BURST = 2  # frames of one row before the next has its turn
VIEWS = 3  # moments of the courtyard, a second apart
CALIBRATION_SIZE = (320, 180)
MEMORY_FRAMES = 12
STATUS = Path("/proc/self/status")  # not `getrusage`, whose most outlives an exec


class View(NamedTuple):
    planes: PlaneViews
    camera: Camera
    bodies: Bodies


class Taken(NamedTuple):
    """Milliseconds of one frame's parts, in the order of PARTS."""

    wall_ms: tuple[float, ...]
    processor_ms: tuple[float, ...]


def run(sizes: Sequence[tuple[int, int]], threads: Sequence[int], count: int, console: Console) -> dict[str, object]:
    """`count` frames of every row at every size and number of threads."""
    spare_the_engine()
    rows: list[dict[str, Any]] = []
    skipped: dict[str, str] = {}
    with TemporaryDirectory(prefix="wp-int8-") as folder:
        for (width, height), each in product(sizes, threads):
            models = _models(each, Path(folder), skipped)
            rows += _measure(models, views_of(width, height), count, {"size": f"{width}x{height}", "threads": each})
    memory_mb = {f"{width}x{height}": _memory_mb((width, height), max(threads)) for width, height in sizes}
    console.print(_table(rows, count))
    for size, by_runtime in memory_mb.items():
        told = ", ".join(f"{name} {most_mb:.0f}" for name, most_mb in by_runtime.items())
        console.print(f"MB of a process of limn alone at {size}, at most: {told or 'not told here'}", highlight=False)
    for name, why in skipped.items():
        console.print(f"left out: {name}: {why}", markup=False, highlight=False, soft_wrap=True)
    return {
        "bench": "model", "count": count, "rows": rows, "memory_mb": memory_mb, "left_out": skipped,
        "machine": machine(), "versions": versions(),
    }  # fmt: skip


def views_of(width: int, height: int) -> list[View]:
    engine = EmbeddedEngine(courtyard(7), width, height)
    layouts = pack_layouts(FORMATS, width, height)
    looks = []
    for _ in range(VIEWS):
        for _ in range(25):
            engine.step(1 / 25)
        planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
        engine.render(planes)
        looks.append(View(planes, engine.camera(), engine.bodies()))
    return looks


def _memory_mb(size: tuple[int, int], threads: int) -> dict[str, float]:
    """By runtime, without precision; nothing where the system is not Linux."""
    if not STATUS.exists():
        return {}
    found = {}
    for runtime in RUNTIMES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
            try:
                found[runtime] = alone.submit(_most_mb, runtime, size, threads).result()
            except MissingDependency:
                continue  # `left_out` says why
    return found


def _most_mb(runtime: str, size: tuple[int, int], threads: int) -> float:
    """Of this process, which paints a few frames with limn as it is served."""
    from renderer.models.limn.model import FOLDER, Limn

    spare_the_engine()
    model, looks = Limn(FOLDER, runtime=runtime, threads=threads), views_of(*size)
    for n in range(MEMORY_FRAMES):
        _frame(model, looks[n % VIEWS])
    most = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    return round(float(most.split()[1]) * 1024.0 / 1e6, 1)


def _models(threads: int, folder: Path, skipped: dict[str, str]) -> dict[tuple[str, str], Limn]:
    """One limn per row that runs here; the others' reasons go into `skipped`."""
    from renderer.models.limn.model import FOLDER, Limn

    models = {}
    for runtime, precision in ROWS:
        try:
            if precision != "int8":
                models[runtime, precision] = Limn(FOLDER, runtime=runtime, threads=threads, precision=precision)
            elif runtime != "torch":
                _fill_int8(folder)
                models[runtime, precision] = Limn(folder, runtime=runtime, threads=threads, precision="fp32")
        except (ConfigError, MissingDependency) as error:
            skipped[f"{runtime} {precision}"] = str(error)
    return models


def _fill_int8(folder: Path) -> None:
    """Make of an empty folder limn's with its network in int8, calibrated on the courtyard.

    Raises MissingDependency.
    """
    try:
        from renderer.runtimes.quantize import quantize
    except ImportError as error:
        raise MissingDependency(f"int8 needs more: {error}", fix='`pip install "worldplate[dev]"`.') from error
    from renderer.models.limn.light import light_of
    from renderer.models.limn.model import FOLDER, Limn
    from renderer.models.limn.weather import Weather

    if any(folder.iterdir()):
        return
    canvas, inputs = Limn(FOLDER).canvas(*CALIBRATION_SIZE), []
    for view, weather in product(views_of(*CALIBRATION_SIZE), (Weather(), Weather(sun_elevation_deg=1.0, wetness=0.8))):
        canvas.see(*view, light_of(weather, 0))
        inputs.append({name: array.copy() for name, array in canvas.inputs().items()})
    quantize(FOLDER, inputs, folder)


def _measure(
    models: dict[tuple[str, str], Limn], looks: list[View], count: int, of: dict[str, Any]
) -> list[dict[str, Any]]:
    plates = {key: [_frame(model, look)[1] for look in looks] for key, model in models.items()}
    truth = plates["torch", "fp32"]
    taken: dict[tuple[str, str], list[Taken]] = {key: [] for key in models}
    for turn in track(range(0, count, BURST), f"{of['size']}, {of['threads']} threads", transient=True):
        for key, model in models.items():
            for n in range(turn, min(turn + BURST, count)):
                taken[key].append(_frame(model, looks[n % VIEWS])[0])
    return [
        {
            **of, "runtime": key[0], "precision": key[1],
            "likeness_db": round(min(map(psnr_db, plates[key], truth)), 1),
            "wall_ms": _figures([t.wall_ms for t in times]),
            "processor_ms": _figures([t.processor_ms for t in times]),
        }
        for key, times in taken.items()
    ]  # fmt: skip


def _frame(model: Limn, look: View) -> tuple[Taken, F32]:
    """One frame as `Limn.step` makes it, timed, and its display picture."""
    from renderer.models.limn.light import light_of
    from renderer.models.limn.model import to_half
    from renderer.models.limn.weather import Weather

    light = light_of(Weather(), 0)
    height, width = next(iter(look.planes.values())).shape[:2]
    plate, canvas = np.zeros((height, width, 4), np.float16), model.canvas(width, height)
    moments = [_now_ms()]
    canvas.see(*look, light)
    moments.append(_now_ms())
    canvas.network()
    moments.append(_now_ms())
    to_half(canvas.plate(light, 1.0), plate)
    moments.append(_now_ms())
    wall_ms, processor_ms = (tuple(np.diff(times)) for times in zip(*moments, strict=True))
    return Taken(wall_ms, processor_ms), tone_map(plate[..., :3])


def _now_ms() -> tuple[float, float]:
    return time.perf_counter_ns() / 1e6, time.process_time_ns() / 1e6


def _figures(times_ms: list[tuple[float, ...]]) -> dict[str, dict[str, float]]:
    """p50 and p95 of the whole call and of its parts."""
    parts = {name: percentiles((t[k] for t in times_ms), (50, 95)) for k, name in enumerate(PARTS)}
    return {"whole": percentiles((sum(t) for t in times_ms), (50, 95)), **parts}


def _table(rows: list[dict[str, Any]], count: int) -> Table:
    title = f"limn, milliseconds of a frame, {count} frames per row, on {machine()['cpu']}"
    table = Table(
        title=title, title_justify="left", caption="cpu: processor time of all threads", caption_justify="left"
    )
    columns = ("whole p50", "p95", "cpu p50", "p95", "features cpu", "network cpu", "plate cpu", "likeness dB")
    for column in ("size", "threads", "runtime", "precision", *columns):
        table.add_column(column, justify="left" if column in ("runtime", "precision") else "right")
    for row in rows:
        wall, processor = row["wall_ms"]["whole"], row["processor_ms"]
        cells = [wall["p50"], wall["p95"], processor["whole"]["p50"], processor["whole"]["p95"]]
        cells += [processor[part]["p50"] for part in PARTS]
        names = (row["size"], str(row["threads"]), row["runtime"], row["precision"])
        table.add_row(*names, *(f"{cell:.1f}" for cell in cells), f"{row['likeness_db']:.1f}")
    return table
