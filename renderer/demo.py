"""`worldplate demo`: an engine and a renderer, two processes, ten seconds, and what came of it on disk.

This process runs the embedded engine and shows pictures; the renderer is a child. What was shown is kept as 8-bit
panels during the loop and encoded after it, so that making the film costs the loop little.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, track

from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine, warm_up
from bridge.errors import NoRenderer
from bridge.planes import payload_bytes
from bridge.schema import ALLOWED_FORMATS, ControlValue, Label, LatePolicy, PlaneName, SyncMode, Transport
from bridge.shown import Shown
from renderer.film import contact_sheet, display, plate_on_black, triptych, write_mp4
from renderer.process import RendererProcess
from renderer.report import machine, percentiles, summary_table, versions

ENGINE_PLANES = tuple(
    PlaneName(name) for name in ("color", "depth", "normal", "motion", "albedo", "material", "object", "label")
)
OWNED_LABEL = Label.PLASTIC  # stays the engine's, so that the composite has both kinds of pixels
SHEET_ROWS = 5
CONNECT_LIMIT_S = 60.0


@dataclass(frozen=True)
class DemoOptions:
    """What the command line asks for. `fps` paces the engine; `offline` runs as fast as it can."""

    seconds: float = 10.0
    width: int = 320
    height: int = 180
    sync: SyncMode = SyncMode.FREERUN
    late: LatePolicy = LatePolicy.REPROJECT
    seed: int = 7
    model: str = "limn"
    prompt: str = ""
    out: Path = Path("out/demo")
    fps: int = 25
    json: bool = False

    @property
    def paced(self) -> bool:
        return self.sync is not SyncMode.OFFLINE


@dataclass
class Recording:
    """What was shown, and what it cost."""

    keep_pictures: bool = True
    panels: list[tuple[NDArray[np.float16], NDArray[np.float16], NDArray[np.float16]]] = field(default_factory=list)
    ages_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    shown_at_s: list[float] = field(default_factory=list)
    copied_bytes: list[int] = field(default_factory=list)
    owned_pixels: int = 0
    owned_differences: int = 0
    repeated: int = 0
    digest: object = field(default_factory=hashlib.sha256)

    def stage(self, name: str, since_s: float) -> float:
        """Book the milliseconds since `since_s` and return the time now."""
        now_s = time.perf_counter()
        self.stages_ms.setdefault(name, []).append((now_s - since_s) * 1e3)
        return now_s


def run_demo(options: DemoOptions, console: Console) -> int:
    """Run it, write demo.mp4, demo.png and report.json into `options.out`, print the table; 0 when all is well."""
    options.out.mkdir(parents=True, exist_ok=True)
    quiet = options.json or not console.is_terminal
    with RendererProcess(options.model) as renderer:
        engine = _start_engine(options, console)
        renderer.wait_until_ready()
        client = connect(options, renderer)
        recording = Recording()
        try:
            run_loop(options, engine, client, renderer, recording, Progress(console=console, disable=quiet))
        finally:
            client.close()
    report = make_report(options, recording, client)
    _write_pictures(options, recording, report, quiet)
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    if options.json:
        console.print_json(json.dumps(report))
    else:
        console.print(summary_table(report))
        console.print(f"Look at {options.out / 'demo.mp4'} and {options.out / 'demo.png'}; figures: report.json")
    return 0


def _start_engine(options: DemoOptions, console: Console) -> EmbeddedEngine:
    """The engine, with its kernels compiled: the first run on a machine takes some seconds for that."""
    if not options.json:
        console.print("Starting engine and renderer (the first run compiles the ray kernels: about 15 s)")
    world = courtyard(options.seed)
    warm_up(world)
    return EmbeddedEngine(world, options.width, options.height)


def connect(options: DemoOptions, renderer: RendererProcess) -> Client:
    client = Client(
        options.width,
        options.height,
        {name: (ALLOWED_FORMATS[name][0],) for name in ENGINE_PLANES},
        sync=options.sync,
        late=options.late,
        seed=options.seed,
        transports=(Transport.SHM, Transport.INLINE),
        connection=renderer.connection,
        name="worldplate demo",
        engine="embedded",
        frame_period_ms=1000.0 / options.fps,
    )
    client.connect(CONNECT_LIMIT_S)
    client.set_controls({}, engine_labels=(int(OWNED_LABEL),))
    return client


def engine_controls(client: Client, engine: EmbeddedEngine, prompt: str) -> dict[str, ControlValue]:
    """The engine's sun and the user's words, as far as the model has such controls."""
    sun = engine.world.sun
    values: dict[str, ControlValue] = {
        "sun_azimuth_deg": sun.azimuth_deg, "sun_elevation_deg": sun.elevation_deg, "prompt": prompt,
    }  # fmt: skip
    known = {control.name for control in client.welcome.controls} if client.welcome else set()
    return {name: value for name, value in values.items() if name in known}


def run_loop(
    options: DemoOptions,
    engine: EmbeddedEngine,
    client: Client,
    renderer: RendererProcess,
    recording: Recording,
    progress: Progress,
) -> None:
    """Step, render, submit, present, at the engine's pace. Raises NoRenderer when the child has died."""
    controls = engine_controls(client, engine, options.prompt)
    frames = max(1, round(options.seconds * options.fps))
    period_s = 1.0 / options.fps
    with progress:
        task = progress.add_task("running", total=frames)
        start_s = time.perf_counter()
        for number in range(frames):
            if options.paced:
                time.sleep(max(0.0, start_s + number * period_s - time.perf_counter()))
            shown = _frame(engine, client, period_s, controls if number == 0 else {}, recording)
            _keep(recording, shown, options)
            progress.advance(task)
            if not renderer.alive:
                raise NoRenderer(f"the renderer died: {renderer.last_words()}", fix="Run `worldplate doctor`.")


def _frame(
    engine: EmbeddedEngine, client: Client, period_s: float, controls: dict[str, ControlValue], recording: Recording
) -> Shown | None:
    """One tick of the engine; frame age counts from the moment its state is taken."""
    at_s = time.perf_counter()
    engine.step(period_s)
    capture_ns = time.monotonic_ns()
    at_s = recording.stage("engine physics", at_s)
    slot = client.begin()
    engine.render(slot.inputs)
    at_s = recording.stage("engine render", at_s)
    client.submit(slot, engine.camera(), bodies=engine.bodies(), capture_ns=capture_ns, controls=controls)
    at_s = recording.stage("submit", at_s)
    shown = client.present()
    recording.stage("present", at_s)
    return shown


def _keep(recording: Recording, shown: Shown | None, options: DemoOptions) -> None:
    if shown is None:
        recording.repeated += 1
        return
    start_s = time.perf_counter()
    picture = shown.picture()
    recording.stage("composite", start_s)
    recording.shown_at_s.append(time.perf_counter())
    recording.ages_ms.append(shown.age_ms)
    for name, value in shown.stages_ms.items():
        recording.stages_ms.setdefault(f"renderer {name}", []).append(value)
    color = shown.planes[PlaneName.COLOR]
    plate = shown.plate if shown.plate is not None else np.zeros_like(color)
    _check_owned(recording, color, plate, picture)
    if not options.paced:
        recording.digest.update(np.ascontiguousarray(plate).tobytes())  # type: ignore[attr-defined]
    if recording.keep_pictures:
        recording.panels.append((color.astype(np.float16), plate.astype(np.float16), picture.astype(np.float16)))


def _check_owned(
    recording: Recording, color: NDArray[np.generic], plate: NDArray[np.generic], picture: NDArray[np.generic]
) -> None:
    """Where the matte is 0 the picture must be the engine's own pixel, bit for bit."""
    owned = plate[..., 3] == 0
    recording.owned_pixels += int(owned.sum())
    recording.owned_differences += int((picture[owned][:, :3] != color[owned][:, :3]).any(axis=1).sum())


def host_copies_per_frame(client: Client) -> float:
    """How often the planes of a frame were copied between host buffers, on the mean; both processes count bytes."""
    frames = max(1, sum(client.ledger.counts.values()))
    frame_bytes = payload_bytes(client.welcome.planes) if client.welcome else 1
    return round(client.bytes_copied / frames / frame_bytes, 4)


def make_report(options: DemoOptions, recording: Recording, client: Client) -> dict[str, object]:
    """What report.json holds."""
    welcome = client.welcome
    times = recording.shown_at_s
    shown_s = times[-1] - times[0] if len(times) > 1 else 0.0
    period_ms = 1000.0 / options.fps
    report: dict[str, object] = {
        "fps": round((len(times) - 1) / shown_s, 2) if shown_s else 0.0,
        "frame_age_ms": percentiles(recording.ages_ms),
        "frame_age_frames": percentiles(age / period_ms for age in recording.ages_ms),
        "stages_ms": {name: percentiles(values) for name, values in recording.stages_ms.items()},
        "dispositions": dict(Counter(client.ledger.counts)),
        "repeated": recording.repeated,
        "host_copies_per_frame": host_copies_per_frame(client),
        "engine_owned_pixels": recording.owned_pixels,
        "engine_owned_differences": recording.owned_differences,
        "size": f"{options.width}x{options.height}",
        "engine_fps": options.fps,
        "sync": str(options.sync),
        "late": str(options.late),
        "seed": options.seed,
        "prompt": options.prompt,
        "model": welcome.model if welcome else options.model,
        "runtime": welcome.runtime if welcome else "",
        "transport": str(welcome.transport) if welcome else "",
        "seconds": options.seconds,
        "machine": machine(),
        "versions": versions(),
    }
    if not options.paced:
        report["plates_sha256"] = recording.digest.hexdigest()  # type: ignore[attr-defined]
    return report


def _write_pictures(options: DemoOptions, recording: Recording, report: dict[str, object], quiet: bool) -> None:
    def panels(n: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
        color, plate, picture = recording.panels[n]
        return display(color), display(plate_on_black(plate)), display(picture)

    count = len(recording.panels)
    if count == 0:
        return
    scale = 2 if options.width <= 480 else 1
    numbers = track(range(count), description="encoding", disable=quiet, transient=True)
    write_mp4(options.out / "demo.mp4", (triptych(panels(n), scale) for n in numbers), options.fps)
    picked = [round(i * (count - 1) / (SHEET_ROWS - 1)) for i in range(SHEET_ROWS)] if count > 1 else [0]
    rows = [(f"{n / options.fps:.1f} s", panels(n)) for n in picked]
    title = f"worldplate demo: {report['model']}, seed {options.seed}, {report['size']}, {report['fps']} fps"
    caption = "Plastic things stay the engine's (black in the plate): in the composite their pixels are bit-identical."
    contact_sheet(options.out / "demo.png", rows, title, caption)
