"""`worldplate demo`: an engine and a renderer, two processes, ten seconds, and what came of it on disk.

This process runs the embedded engine and shows pictures; the renderer is a child. What was shown is kept during the
loop (renderer/recording.py) and encoded after it, so that making the film costs the loop little.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import Progress, track

from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine, warm_up
from bridge.errors import NoRenderer, WorldplateError
from bridge.ledger import Ledger
from bridge.planes import payload_bytes
from bridge.schema import ALLOWED_FORMATS, ControlValue, Disposition, Label, LatePolicy, PlaneName, SyncMode, Transport
from bridge.shown import Shown
from renderer.display import U8
from renderer.film import contact_sheet, panels_of, triptych, write_mp4
from renderer.process import RendererProcess
from renderer.recording import Moment, Recording, Spool
from renderer.report import gpu_share, machine, percentiles, summary_table, versions

ENGINE_PLANES = tuple(
    PlaneName(name) for name in ("color", "depth", "normal", "motion", "albedo", "material", "object", "label")
)
OWNED_LABEL = Label.PLASTIC  # stays the engine's, so that the composite has both kinds of pixels
SHEET_ROWS = 5
CAPTION = "What is plastic stays the engine's: squares in the plate, bit-identical pixels in the composite."
RESULTS = {
    "demo.mp4": "engine, plate and composite side by side, in real time",
    "demo.png": "the contact sheet",
    "report.json": "every figure",
}
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


class Pacer:
    """Ticks at a steady rate. An engine that was held up goes on at its pace, and does not race to catch up."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_s = time.perf_counter() - period_s

    def wait(self) -> None:
        now_s = time.perf_counter()
        self._due_s = max(self._due_s + self._period_s, now_s - self._period_s)
        time.sleep(max(0.0, self._due_s - now_s))


def run_demo(options: DemoOptions, console: Console) -> int:
    """Run it, write demo.mp4, demo.png and report.json into `options.out`, print the table; 0 when all is well.

    Raises NoRenderer when the child does not start or dies, and what a session can be refused for.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    quiet = options.json or not console.is_terminal
    with closing(Spool(options.out)) as spool:
        recording = Recording(spool)
        with RendererProcess(options.model) as renderer:
            engine, client = _start(options, renderer, console, quiet)
            with client:
                progress = Progress(console=console, disable=quiet, transient=True)
                run_loop(options, engine, client, renderer, recording, progress)
                agreed = agreement(client, recording)
        report = make_report(options, recording, client.ledger, agreed)
        _write_pictures(options, recording, report, console, quiet)
    (options.out / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    if options.json:
        console.print_json(json.dumps(report))
    else:
        console.print(summary_table(report))
        for name, what in RESULTS.items():
            console.print(f"{options.out / name}  [dim]{what}[/]", soft_wrap=True, highlight=False)
    return 0


def _start(
    options: DemoOptions, renderer: RendererProcess, console: Console, quiet: bool
) -> tuple[EmbeddedEngine, Client]:
    """The engine, its kernels compiled, and a client of the child, which loads its model meanwhile."""
    says = f"Starting the engine and {options.model} (a first run compiles them for this processor: a minute or so)"
    if quiet and not options.json:
        console.print(says, soft_wrap=True)
    with nullcontext() if quiet else console.status(says):
        world = courtyard(options.seed)
        warm_up(world)
        engine = EmbeddedEngine(world, options.width, options.height)
        renderer.wait_until_ready()
        return engine, connect(options, renderer, engine)


def connect(options: DemoOptions, renderer: RendererProcess, engine: EmbeddedEngine) -> Client:
    """A client of that child, attached, with the engine's sun and the user's words as far as the model takes them."""
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
    try:
        client.connect(CONNECT_LIMIT_S)
    except WorldplateError:
        client.close()
        raise
    sun = engine.world.sun
    values: dict[str, ControlValue] = {
        "sun_azimuth_deg": sun.azimuth_deg, "sun_elevation_deg": sun.elevation_deg, "prompt": options.prompt,
    }  # fmt: skip
    known = {control.name for control in client.welcome.controls} if client.welcome else set()
    client.set_controls({n: v for n, v in values.items() if n in known}, engine_labels=(int(OWNED_LABEL),))
    return client


def run_loop(
    options: DemoOptions,
    engine: EmbeddedEngine,
    client: Client,
    renderer: RendererProcess,
    recording: Recording,
    progress: Progress,
) -> None:
    """Step, render, submit, present, at the engine's pace. Raises NoRenderer when the child has died."""
    period_s = 1.0 / options.fps
    pacer = Pacer(period_s)
    with progress:
        for _ in progress.track(range(max(1, round(options.seconds * options.fps))), description="running"):
            if options.paced:
                pacer.wait()
            shown = _tick(engine, client, period_s, recording)
            recording.keep(shown, digest=not options.paced)
            if not renderer.alive:
                raise NoRenderer(f"the renderer died: {renderer.last_words()}", fix="Run `worldplate doctor`.")


def _tick(engine: EmbeddedEngine, client: Client, period_s: float, recording: Recording) -> Shown | None:
    """One tick of the engine; frame age counts from the moment its state is taken."""
    at_s = time.perf_counter()
    engine.step(period_s)
    capture_ns = time.monotonic_ns()
    at_s = recording.stage("engine physics", at_s)
    slot = client.begin()
    engine.render(slot.inputs)
    at_s = recording.stage("engine render", at_s)
    client.submit(slot, engine.camera(), bodies=engine.bodies(), capture_ns=capture_ns)
    at_s = recording.stage("engine submit", at_s)
    shown = client.present()
    recording.stage("engine present", at_s)
    return shown


def agreement(client: Client, recording: Recording) -> dict[str, object]:
    """What an open session knows, for the report. Copies: how often a frame's planes were copied between host buffers
    by our code, in both processes together, on the mean; what a socket moves inside itself is not counted.

    Raises NoRenderer when there is no session any more.
    """
    welcome = client.welcome
    if welcome is None:
        raise NoRenderer("the session was lost before its end", fix="Run it again; see the messages above.")
    engine_bytes = client.bytes_copied / max(1, sum(client.ledger.counts.values()))
    renderer_bytes = recording.renderer_copied_bytes / max(1, len(recording.ages_ms))
    return {
        "model": welcome.model,
        "runtime": welcome.runtime,
        "transport": str(welcome.transport),
        "host_copies_per_frame": round((engine_bytes + renderer_bytes) / payload_bytes(welcome.planes), 4),
        "gpu": gpu_share(client.status.gpu if client.status is not None else {}, welcome.runtime),
    }


def make_report(
    options: DemoOptions, recording: Recording, ledger: Ledger, agreed: Mapping[str, object]
) -> dict[str, object]:
    """What report.json holds; `ledger` is a closed client's, in which every frame has its disposition."""
    times = recording.shown_at_s
    shown_s = times[-1] - times[0] if len(times) > 1 else 0.0
    period_ms = 1000.0 / options.fps
    report: dict[str, object] = {
        "fps": round((len(times) - 1) / shown_s, 2) if shown_s else 0.0,
        "frame_age_ms": percentiles(recording.ages_ms),
        "frame_age_frames": percentiles(age / period_ms for age in recording.ages_ms),
        "stages_ms": {name: percentiles(values) for name, values in recording.stages_ms.items()},
        "ticks": sum(ledger.counts.values()),
        "dispositions": dict(ledger.counts),
        "repeated": recording.repeated,
        "engine_owned_pixels": recording.owned_pixels,
        "engine_owned_differences": recording.owned_differences,
        "size": f"{options.width}x{options.height}",
        "engine_fps": options.fps,
        "sync": str(options.sync),
        "late": str(options.late),
        "seed": options.seed,
        "prompt": options.prompt,
        "model": options.model,
        **agreed,
        "seconds": options.seconds,
        "machine": machine(),
        "versions": versions(),
    }
    if not options.paced:
        report["plates_sha256"] = recording.plates.hexdigest()
    return report


def _write_pictures(
    options: DemoOptions, recording: Recording, report: dict[str, object], console: Console, quiet: bool
) -> None:
    """The film, a tick of the engine each frame, and the contact sheet."""
    spool, moments = recording.spool, recording.moments
    if spool is None or not moments:
        return

    def frame(moment: Moment) -> U8:
        note = "" if moment.disposition is Disposition.GENERATED else str(moment.disposition)
        return triptych(panels_of(spool.read(moment.picture)), scale, note)

    scale = 2 if options.width <= 480 else 1
    marked = track(moments, description="encoding", console=console, disable=quiet, transient=True)
    write_mp4(options.out / "demo.mp4", map(frame, marked), options.fps)
    rows = [(f"{n / options.fps:.1f} s", panels_of(spool.read(moments[n].picture))) for n in pick(moments, SHEET_ROWS)]
    prompt = f" “{options.prompt}”" if options.prompt else ""
    title = f"worldplate demo   {report['model']}{prompt}, seed {options.seed}, {report['size']}, {report['fps']} fps"
    contact_sheet(options.out / "demo.png", rows, title, CAPTION)
    spool.close()


def pick(moments: Sequence[Moment], count: int) -> list[int]:
    """`count` ticks spread over the run, generated ones where there are any: a substitute says little about a model."""
    good = [n for n, moment in enumerate(moments) if moment.new and moment.disposition is Disposition.GENERATED]
    good = good or list(range(len(moments)))
    wanted = np.linspace(0, len(moments) - 1, count)
    return sorted({min(good, key=lambda n: abs(n - at)) for at in wanted})
