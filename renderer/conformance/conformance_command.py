"""`worldplate conformance`: stands in for the renderer, and judges what an engine sends."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from renderer.arguments import whole

if TYPE_CHECKING:
    from renderer.conformance.watch import Watched

LEAST, MOST = 12, 1000


def add_conformance(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--frames", type=whole(LEAST, MOST), default=60, help="how many to judge (default 60)")
    parser.add_argument(
        "--scene", action="store_true", help="the engine shows the known scene: hold it to that as well"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there")
    parser.set_defaults(run=run_conformance)


def run_conformance(options: argparse.Namespace) -> int:
    """0 when everything that could be judged holds, 1 when something is wrong or nothing could be judged."""
    from renderer.conformance.kit import judge_for
    from renderer.conformance.report import as_json, lines

    watched = watch_an_engine(options.frames)
    if watched.hello is None or len(watched.shots) < LEAST:
        for text, count in watched.failures.items():
            sys.stdout.write(f"{count} frames were refused: {text}\n")
        came = f"{len(watched.shots)} frames came, and it takes {LEAST}. Start the engine while this waits."
        sys.stdout.write(came + "\n")
        return 1
    verdict = judge_for(scene=options.scene).judge(watched.shots)
    for line in lines(watched.hello, verdict, watched.failures, scene=options.scene):
        sys.stdout.write(line + "\n")
    if options.json is not None:
        told = as_json(watched.hello, verdict, watched.failures, scene=options.scene)
        options.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0 if verdict.holds else 1


def watch_an_engine(frames: int) -> Watched:
    """Serve `passthrough` as `worldplate serve` does until an engine has sent so many frames, has left, or Ctrl-C.

    Raises NotLoopback, EndpointInUse, ConfigError before it serves.
    """
    from bridge.connection import runtime_dir
    from bridge.link import listen
    from renderer.config import load_settings
    from renderer.conformance.watch import Watch
    from renderer.models import load_model
    from renderer.serve import Renderer

    settings = load_settings({})
    enough = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: enough.set())
    watch = Watch(LEAST, frames, enough)
    folder = Path(settings.runtime_dir) if settings.runtime_dir else runtime_dir()
    link = listen(settings.endpoint or None, settings.limits, folder)
    try:
        sys.stdout.write(f"Waiting for an engine, which finds this through {folder / 'connection.json'}\n")
        sys.stdout.flush()
        model = load_model("passthrough")  # so that the engine's own picture goes on
        Renderer(link, model, link.connection.token, settings.limits, taps=(watch,)).run(enough)
    finally:
        link.close()
    return watch.judged
