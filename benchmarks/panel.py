"""`python benchmarks/panel.py [--json FILE] [--seconds S] [--turns N] [--picture FILE]`: what the panel costs.

The demo's engine and renderer, as `worldplate bench loop` runs them, with the panel on. Turns of three: no page open, a
page in a headless Chromium that shows the composite, the same page while the browser is stopped (SIGSTOP). Of each the
pictures per second of the loop; of the open page the age of what it shows (engine state to drawn on its canvas, by the
renderer's clock), and its pictures per second. Beside it what a picture takes to encode as JPEG and as WebP.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine, warm_up
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import PlaneName
from renderer.demo import DemoOptions, connect, run_loop
from renderer.display import U8, display_rgba
from renderer.panel.pictures import QUALITY
from renderer.process import START_LIMIT_S
from renderer.recording import Recording
from renderer.report import machine, percentiles, versions

CHROMIUM = "/usr/bin/chromium"
STATES = ("closed", "open", "stopped")
WATCH = """() => { window.ages = []; new MutationObserver(() => window.ages.push(Number(
    document.getElementById('frame').dataset.ageMs))).observe(document.getElementById('frame'),
    { attributes: true, attributeFilter: ['data-age-ms'] }) }"""


class Served:
    """`worldplate serve` with its panel; what `run_loop` asks of a renderer's process."""

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.connection = folder, folder / "connection.json"
        self._log = folder / "renderer.log"
        command = [sys.executable, "-m", "renderer.cli", "serve", "--model", model, "--runtime-dir", str(folder)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        until_s = time.monotonic() + START_LIMIT_S
        while not self.links and time.monotonic() < until_s and self.alive:
            time.sleep(0.05)

    @property
    def links(self) -> list[str]:
        return re.findall(r"http://\S+#token=\S+", self._log.read_text())

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        return self._log.read_text().strip().splitlines()[-1]


@contextmanager
def served(model: str) -> Iterator[Served]:
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:
        renderer = Served(Path(folder), model)
        try:
            yield renderer
        finally:
            renderer.process.terminate()
            renderer.process.wait(20.0)


def loop_fps(options: DemoOptions, engine: EmbeddedEngine, client: Client, renderer: Any) -> float:
    """Pictures per second of the engine's loop, which is paced faster than the renderer can follow."""
    recording = Recording()
    run_loop(options, engine, client, renderer, recording, Progress(disable=True))
    shown = recording.shown_at_s
    return (len(shown) - 1) / (shown[-1] - shown[0]) if len(shown) > 1 else 0.0


def browser_processes() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if "chrom" in process.name()]


def turn(page: Any, run: Callable[[], float]) -> tuple[dict[str, float], list[float], float]:
    """The loop's pictures per second in each of STATES, the ages of an open page's pictures, and how many a second."""
    fps = {}
    page.goto("about:blank")
    fps["closed"] = run()
    page.goto(page.panel)
    page.wait_for_selector("#health")
    page.evaluate(WATCH)
    start_s = time.monotonic()
    fps["open"] = run()
    ages = [float(age) for age in page.evaluate("window.ages")]
    rate = len(ages) / (time.monotonic() - start_s)
    stopped = browser_processes()
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        fps["stopped"] = run()
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    return fps, ages, rate


def codecs(picture: U8, count: int = 20) -> dict[str, dict[str, float]]:
    """Milliseconds and bytes of one picture, the median of `count`."""
    found = {}
    for name, options in {
        "jpeg": {"quality": QUALITY, "subsampling": 0}, "jpeg_420": {"quality": QUALITY},
        "webp": {"quality": QUALITY, "method": 0}, "webp_lossless": {"lossless": True, "method": 0},
    }.items():  # fmt: skip
        times_ms, size = [], 0
        for _ in range(count):
            out, start_s = io.BytesIO(), time.perf_counter()
            Image.fromarray(picture).save(out, name.split("_")[0].upper(), **options)
            times_ms.append((time.perf_counter() - start_s) * 1e3)
            size = out.tell()
        found[name] = {"encode_ms": round(statistics.median(times_ms), 2), "bytes": size}
    return found


def take_picture(page: Any, path: Path, run: Callable[[], object]) -> None:
    """Of the page as it is after a while, with two views and the wipe between them."""
    page.keyboard.press("w")
    for _ in range(3):
        run()
    page.screenshot(path=path)
    page.keyboard.press("w")


def measure(options: DemoOptions, turns: int, picture: Path | None) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    engine = EmbeddedEngine(courtyard(7), options.width, options.height)
    warm_up(engine.world)
    rows: list[tuple[dict[str, float], list[float], float]] = []
    with served(options.model) as renderer, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 720})
        page.goto(renderer.links[-1])
        page.wait_for_selector("#door", state="hidden")
        page.panel = page.url
        with connect(options, renderer, engine) as client:  # type: ignore[arg-type]  # it has what is asked of it
            loop_fps(options, engine, client, renderer)  # everything is loaded and compiled
            if picture is not None:
                take_picture(page, picture, lambda: loop_fps(options, engine, client, renderer))
            for _ in range(turns):
                rows.append(turn(page, lambda: loop_fps(options, engine, client, renderer)))
        browser.close()
    fps = {state: [round(row[0][state], 2) for row in rows] for state in STATES}
    medians = {state: statistics.median(values) for state, values in fps.items()}
    ages = [age for row in rows for age in row[1]]
    return {
        "bench": "panel", "model": options.model, "size": f"{options.width}x{options.height}", "turns": turns,
        "seconds": options.seconds, "engine_fps": options.fps, "fps": fps, "fps_median": medians,
        "cost_percent": {
            state: round(100.0 * statistics.median(1 - row[0][state] / row[0]["closed"] for row in rows), 2)
            for state in ("open", "stopped")
        },
        "glass_to_glass_ms": percentiles(ages), "page_fps": round(statistics.median(row[2] for row in rows), 2),
        "codecs": codecs(display_rgba(color_of(engine))[..., :3]), "machine": machine(), "versions": versions(),
    }  # fmt: skip


def color_of(engine: EmbeddedEngine) -> Any:
    """What the engine sees now, scene-linear [H, W, 4]."""
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(planes)
    return planes[PlaneName.COLOR].astype(np.float16)


def table_of(report: dict[str, Any]) -> Table:
    table = Table(title=f"panel, {report['model']} at {report['size']}", title_justify="left")
    for column in ("panel", "loop fps, median", "cost"):
        table.add_column(column, justify="right")
    for state in STATES:
        cost = report["cost_percent"].get(state)
        table.add_row(state, f"{report['fps_median'][state]}", "" if cost is None else f"{cost} %")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="limn")
    parser.add_argument("--seconds", type=float, default=6.0, help="of each part of a turn (default 6)")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument(
        "--fps", type=int, default=30, help="the engine's pace (default 30: above what limn reaches on two cores)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write a picture of the page there")
    options = parser.parse_args()
    demo = DemoOptions(seconds=options.seconds, model=options.model, fps=options.fps, out=Path())
    report = measure(demo, options.turns, options.picture)
    console = Console()
    console.print(table_of(report))
    ages = report["glass_to_glass_ms"]
    console.print(f"glass to glass {ages} ms, {report['page_fps']} pictures/s on the page; {report['codecs']}")
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
