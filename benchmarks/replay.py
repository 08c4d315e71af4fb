"""A take of so many frames, replayed so many times, compared bit for bit.

    python benchmarks/replay.py [--frames 10000] [--times 3] [--model passthrough] [--json FILE]

Two processes, as in a show: the embedded engine and its client here, `worldplate serve` there. The take needs some
150 kB a frame with passthrough, 350 kB with limn; `--folder` says where.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import track
from takes import switch

from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.operator import Operator
from bridge.schema import Record, SyncMode
from bridge.take import Take
from renderer.process import RendererProcess
from renderer.progress import Told
from renderer.replay import Player
from renderer.report import machine, versions

SIZE = (320, 180)
NAME = "replayed"


def record(renderer: RendererProcess, frames: int, console: Console) -> None:
    """A take of the courtyard from its first frame on."""
    engine = EmbeddedEngine(courtyard(7), *SIZE)
    formats = {name: (form,) for name, form in FORMATS.items()}
    with Client(
        *SIZE, formats, sync=SyncMode.OFFLINE, seed=7, connection=renderer.connection, engine="embedded"
    ) as client:
        client.connect(60.0)
        with Operator("benchmark", renderer.connection) as operator:
            operator.ask(Record(session=operator.session().session, on=True, name=NAME))
            for _ in track(range(frames), "recording", console=console, disable=not console.is_terminal):
                engine.step(1 / 25)
                slot = client.begin()
                engine.render(slot.inputs)
                client.submit(slot, engine.camera(), bodies=engine.bodies())
                client.present()
            switch(operator, False)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--model", default="passthrough")
    parser.add_argument("--folder", type=Path, help="for the take (default the temporary folder)")
    parser.add_argument("--json", type=Path)
    options, console = parser.parse_args(), Console()
    turns = []
    with tempfile.TemporaryDirectory(prefix="wp-replay-", dir=options.folder) as temporary:
        os.environ["WORLDPLATE_TAKES_DIR"] = temporary
        with RendererProcess(options.model) as renderer:
            renderer.wait_until_ready()
            record(renderer, options.frames, console)
        with RendererProcess(options.model) as renderer, Take.open(Path(temporary) / f"{NAME}.mcap") as take:
            renderer.wait_until_ready()
            info = take.info
            for number in range(options.times):
                with Told(f"replay {number + 1}") as tell:
                    turn = Player(take, renderer.connection).play(tell)
                turns.append(turn)
                console.print(
                    f"replay {number + 1}: {turn.equal} of {turn.frames} equal bit for bit, {turn.fps:.1f} per second"
                )
    console.print(f"{info.frames} frames, {info.stored_bytes / 1e6:.0f} MB, {info.missed} missed")
    if options.json:
        report = {"bench": "replay", "model": options.model, "frames": info.frames, "missed": info.missed,
                  "stored_bytes": info.stored_bytes, "raw_bytes": info.raw_bytes,
                  "turns": [vars(turn) | {"fps": turn.fps} for turn in turns],
                  "machine": machine(), "versions": versions()}  # fmt: skip
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0 if all(turn.equal == turn.frames == options.frames for turn in turns) else 1


if __name__ == "__main__":
    sys.exit(main())
