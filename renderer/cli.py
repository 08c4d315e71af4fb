"""The command line: the only place that prints. Heavy imports wait until the command that needs them runs."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import (
    ExportNotWritten,
    MissingDependency,
    ModelError,
    Refused,
    TakeNotWritten,
    TransportError,
    WorldError,
    WorldplateError,
)
from renderer.arguments import DAY_S, number, size, whole
from renderer.conformance.conformance_command import add_conformance
from renderer.engines_command import add_engines
from renderer.evaluate.evaluate_command import add_evaluate
from renderer.explore.explore_command import add_explore
from renderer.exports.export_command import add_export
from renderer.models_command import add_models
from renderer.plugin_command import add_plugin
from renderer.provenance.verify_command import add_verify
from renderer.take_command import add_info, add_record, add_replay, add_rerender
from renderer.training.dataset_command import add_dataset
from renderer.training.train_command import add_train
from renderer.world_command import add_world

if TYPE_CHECKING:
    from rich.console import Console

VERSION = "0.1.0"
UNAVAILABLE = (
    Refused,
    TransportError,
    ModelError,
    MissingDependency,
    WorldError,
    ExportNotWritten,
    TakeNotWritten,
)  # exit code 3
EPILOG = """examples:
  worldplate demo                           ten seconds of courtyard, pictures in out/demo
  worldplate demo --prompt dusk --seed 12   another court in another light
  worldplate serve                          wait for an engine on this machine
  worldplate doctor                         what this machine has, and what is missing
  worldplate bench link --json link.json    the round trip of a frame beside gRPC
  worldplate bench model                    limn's milliseconds by runtime, precision and size
  worldplate bench models                   published families at full size, with random weights, where a GPU allows
  worldplate evaluate plates --data DIR --out DIR   how near plates come to path-traced truth
  worldplate evaluate world --out DIR       does a world stay what it was, from engine truth
  worldplate record --name court --seconds 60   keep a minute of the session that goes on
  worldplate rerender court --prompt dusk --out dusk   the same minute in another light
  worldplate export court.mcap --to mp4 --out court.mp4   a film of a take, marked as made with a model
  worldplate verify film.mp4                who made it, with what, and whether it was altered since
  worldplate models add city.onnx           make a model of weights of your own
  worldplate conformance                    wait for an engine, and say what it sends wrong
  worldplate world snapshot before_the_storm   save the world of the engine that is connected
  worldplate explore photo.jpg --depth depth.png   walk into a picture
  worldplate plugin install godot my_game   put the add-on into a Godot project
  eval "$(worldplate completion bash)"      complete all this with the tab key

exit codes: 0 all is well, 1 a check failed, 2 wrong usage or settings, 3 refused or unavailable, 130 Ctrl-C
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except WorldplateError as error:
        sys.stderr.write(f"worldplate: {error}\n")
        return 3 if isinstance(error, UNAVAILABLE) else 2
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stdout = None
        return 0
    except OSError as error:  # a folder that cannot be written, a full disk
        sys.stderr.write(f"worldplate: {error}. Choose another place, or make room there.\n")
        return 3
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="worldplate", description="The engine owns the geometry, the world model paints the plate.",
        epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"worldplate {VERSION}")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_demo(commands.add_parser("demo", help="run the embedded engine and the renderer, and make pictures of it"))
    _add_serve(commands.add_parser("serve", help="run the renderer alone, for a real engine"))
    doctor = commands.add_parser("doctor", help="say what this machine has, what is missing, and what installs it")
    doctor.add_argument("--json", action="store_true", help="print JSON")
    doctor.set_defaults(run=run_doctor)
    _add_bench(commands.add_parser("bench", help="measure the link, models or the whole loop"))
    add_dataset(commands.add_parser("dataset", help="make worlds and their path-traced truth, to train on"))
    add_train(commands.add_parser("train", help="train limn's network on them"))
    add_evaluate(commands.add_parser("evaluate", help="compare plates with truth, and worlds with what they were"))
    add_record(commands.add_parser("record", help="record a session of the renderer that serves into a take"))
    add_info(commands.add_parser("info", help="say what a take is"))
    add_replay(commands.add_parser("replay", help="feed a take to a renderer, as the engine that it was"))
    add_rerender(commands.add_parser("rerender", help="render a take again, as it was or with changes"))
    add_engines(commands.add_parser("engines", help="build limn's TensorRT engine ahead of time, or list them"))
    add_models(commands.add_parser("models", help="find, add, check and change models from a folder of yours"))
    add_world(commands.add_parser("world", help="save, restore, fork and reset worlds, and write them as models"))
    add_explore(commands.add_parser("explore", help="walk into one picture with its depth, and come back"))
    add_export(commands.add_parser("export", help="write a take as film, stills, EXR, or its camera as OpenTrackIO"))
    add_verify(commands.add_parser("verify", help="say what the marks of pictures, exports and takes say"))
    add_conformance(commands.add_parser("conformance", help="judge what a connected engine sends, in words"))
    add_plugin(commands.add_parser("plugin", help="put the plugin of an engine into a project, or build it"))
    completion = commands.add_parser("completion", help="print what completes these commands with the tab key")
    completion.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    completion.set_defaults(run=run_completion)
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    from bridge.schema import LatePolicy

    parser.add_argument(
        "--seconds", type=number(0.0, DAY_S, "seconds"), default=10.0, help="of the engine's time (default 10)"
    )
    parser.add_argument("--size", type=size(), default=(320, 180), metavar="WxH", help="default 320x180")
    parser.add_argument("--sync", choices=["freerun", "lockstep", "delayed", "offline"], default="freerun")
    parser.add_argument("--late", choices=[str(p) for p in LatePolicy], default="reproject")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=7, help="of the world (default 7)")
    parser.add_argument("--model", default="limn", help="limn or passthrough")
    parser.add_argument("--prompt", default="", help="words for the light, such as 'dusk' or 'overcast noon'")
    parser.add_argument("--fps", type=whole(1, 240), default=25, help="the engine's pace (default 25)")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the results")
    parser.add_argument("--json", action="store_true", help="print the report as JSON instead of a table")
    parser.set_defaults(run=run_demo)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="limn, passthrough, one of `worldplate models list`, or FILE.py:Class")
    parser.add_argument("--endpoint", help="tcp://127.0.0.1:PORT or ipc://PATH; default a private socket")
    parser.add_argument("--runtime-dir", help="folder of the connection file; default the user's own")
    parser.add_argument(
        "--runtime", help="auto (the default: the fastest here), torch, onnxruntime, openvino, cuda, tensorrt"
    )
    parser.add_argument("--threads", type=whole(1, 256), help="of the model (default 1)")
    parser.add_argument("--panel", action=argparse.BooleanOptionalAction, help="a web page that shows and steers")
    parser.add_argument("--panel-port", type=whole(0, 65535), help="of that page (default any that is free)")
    parser.add_argument("--log-level", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    parser.set_defaults(run=run_serve)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    benches = parser.add_subparsers(required=True, metavar="bench")
    link = benches.add_parser("link", help="identity round trip: ring, inline, gRPC, memcpy in one run")
    link.add_argument("--size", type=size(), default=(1280, 720), metavar="WxH")
    link.add_argument("--count", type=whole(1, 100_000), default=100, help="turns (default 100)")
    link.set_defaults(run=run_bench_link)
    loop = benches.add_parser("loop", help="engine + renderer + composite")
    loop.add_argument("--size", type=size(), nargs="+", default=[(320, 180)], metavar="WxH")
    loop.add_argument("--seconds", type=number(0.0, DAY_S, "seconds"), default=10.0, help="per row (default 10)")
    loop.add_argument("--fps", type=whole(1, 240), default=25, help="the engine's pace (default 25)")
    loop.set_defaults(run=run_bench_loop)
    kills = benches.add_parser("kills", help="the renderer killed at random moments, and what the engine sees of it")
    kills.add_argument("--count", type=whole(1, 100_000), default=50, help="kills (default 50)")
    kills.set_defaults(run=run_bench_kills)
    model = benches.add_parser("model", help="limn's call and its parts, by runtime, precision and size, in one run")
    model.add_argument("--size", type=size(), nargs="+", default=[(320, 180), (640, 360), (1280, 720)], metavar="WxH")
    model.add_argument("--count", type=whole(1, 100_000), default=20, help="frames per row (default 20)")
    model.add_argument("--threads", type=whole(1, 256), nargs="+", default=[1, 2], help="of the network (default 1 2)")
    model.set_defaults(run=run_bench_model)
    gpu = benches.add_parser("gpu", help="everything that needs a GPU; without one, each row says that it was not run")
    large = [(1280, 720), (1920, 1080), (3840, 2160)]
    gpu.add_argument("--size", type=size(), nargs="+", default=large, metavar="WxH")
    gpu.add_argument("--engine", type=Path, metavar="BUILD", help="a build of plugins/native/gpu")
    gpu.add_argument("--kills", type=whole(1, 100_000), default=100, help="kills of either process (default 100)")
    gpu.set_defaults(run=run_bench_gpu)
    models = benches.add_parser("models", help="published families with random weights: plates/s, memory, cold start")
    models.add_argument("--count", type=whole(1, 100_000), default=20, help="plates per row (default 20)")
    models.add_argument("--threads", type=whole(1, 256), default=1, help="of networks on a CPU (default 1)")
    models.set_defaults(run=run_bench_models)
    for each in (link, loop, kills, model, gpu, models):
        each.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")


def _console() -> Console:
    from rich.console import Console

    return Console()


def run_demo(options: argparse.Namespace) -> int:
    from bridge.schema import LatePolicy, SyncMode
    from renderer.demo import DemoOptions, run_demo as run

    width, height = options.size
    chosen = DemoOptions(
        seconds=options.seconds, width=width, height=height, sync=SyncMode(options.sync),
        late=LatePolicy(options.late), seed=options.seed, model=options.model, prompt=options.prompt,
        out=options.out, fps=options.fps, json=options.json,
    )  # fmt: skip
    return run(chosen, _console())


def run_serve(options: argparse.Namespace) -> int:
    from renderer.config import load_settings
    from renderer.start import serve

    names = ("model", "endpoint", "runtime_dir", "runtime", "threads", "panel", "panel_port", "log_level")
    settings = load_settings({name: getattr(options, name) for name in names})
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, lambda *_: stop.set())
    serve(settings, stop)
    return 0


def run_completion(options: argparse.Namespace) -> int:
    import shtab

    sys.stdout.write(shtab.complete(build_parser(), shell=options.shell) + "\n")
    return 0


def run_doctor(options: argparse.Namespace) -> int:
    from renderer.doctor import can_run_demo, examine, remedies, table_of

    findings = examine()
    if options.json:
        sys.stdout.write(json.dumps([finding.__dict__ for finding in findings], indent=1) + "\n")
    else:
        console = _console()
        console.print(table_of(findings))
        for line in remedies(findings):
            console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0 if can_run_demo(findings) else 1


def run_bench_link(options: argparse.Namespace) -> int:
    from renderer.bench import link

    width, height = options.size
    return _write(link.run(width, height, options.count, _console()), options.json)


def run_bench_loop(options: argparse.Namespace) -> int:
    from renderer.bench import loop

    return _write(loop.run(options.size, options.seconds, options.fps, _console()), options.json)


def run_bench_kills(options: argparse.Namespace) -> int:
    from renderer.bench import kills

    return _write(kills.run(options.count, _console()), options.json)


def run_bench_model(options: argparse.Namespace) -> int:
    from renderer.bench import model

    return _write(model.run(options.size, options.threads, options.count, _console()), options.json)


def run_bench_gpu(options: argparse.Namespace) -> int:
    from renderer.bench import gpu

    return _write(gpu.run(gpu.Wanted(options.size, options.engine, options.kills), _console()), options.json)


def run_bench_models(options: argparse.Namespace) -> int:
    from renderer.bench import models

    return _write(models.run(options.count, options.threads, _console()), options.json)


def _write(report: dict[str, object], path: Path | None) -> int:
    if path is not None:
        path.write_text(json.dumps(report, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
