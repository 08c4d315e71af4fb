"""`worldplate record`, `info`, `replay` and `rerender`: takes from the command line."""

from __future__ import annotations

import argparse
import contextlib
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from renderer.arguments import DAY_S, frame_range, number, whole
from renderer.progress import Told

if TYPE_CHECKING:
    from bridge.operator import Operator
    from bridge.schema import Status
    from bridge.take import Take, TakeInfo
    from renderer.replay import Played
    from renderer.rerender import Report

POLL_S = 0.25
WRITTEN_LIMIT_S = 60.0
EQUAL, DIFFERENT = 0, 1
RECORD_EPILOG = """examples:
  worldplate record                              the only session, until Ctrl-C
  worldplate record --name scene-4_take-2 --seconds 60
  worldplate record --session "Godot 4.6"        one of several, by its name or the start of its id

exit codes: 0 the take is whole, 1 it lacks frames, 2 wrong usage, 3 no renderer, no session, or no room
"""
REPLAY_EPILOG = """examples:
  worldplate replay court                        every plate again, compared with the recorded one
  worldplate replay court.mcap --times 3
  worldplate replay court --pace recorded        as it was: an engine at its own pace

It plays to the renderer that serves; where none does, it starts one with the take's model.

exit codes: 0 every plate that could be compared was equal bit for bit, 1 some were not, 2 wrong usage or no such take,
3 no renderer, 130 Ctrl-C
"""
RERENDER_EPILOG = """examples:
  worldplate rerender court                                 compare with what was recorded, write nothing
  worldplate rerender court --prompt dusk --out dusk        the same take in another light
  worldplate rerender court --frames 501-750 --out part3    a farm's share
  worldplate rerender court --set sun_elevation_deg=12 --set strength=0.7 --out low_sun

A range begins with the frames that its model must have seen: from the last reset, or from the last world that the take
has saved (every 250 frames); with other controls from the last reset alone. They are made and thrown away.
The same command again goes on where it was broken off, and does nothing once it is done.

exit codes: 0 all frames are made, and those that could be compared are equal bit for bit; 1 some are not; 2 wrong usage
or no such take; 3 a model is missing or --out cannot be written; 130 Ctrl-C or SIGTERM, the same command goes on
"""


def add_record(parser: argparse.ArgumentParser) -> None:
    _describe(parser, "Records a session of the renderer that serves into a take.", RECORD_EPILOG)
    parser.add_argument("--session", default="", metavar="NAME", help="name or start of the id; default the only one")
    parser.add_argument("--name", type=_name, help="of the take (default date and time)")
    parser.add_argument(
        "--seconds", type=number(0.0, DAY_S, "seconds"), help="end it after that long (default at Ctrl-C)"
    )
    parser.add_argument("--connection", type=Path, metavar="FILE", help="connection file (default the user's)")
    parser.add_argument("--no-mark", action="store_true", help="do not sign the take; stands in the renderer's journal")
    parser.set_defaults(run=run_record)


def add_info(parser: argparse.ArgumentParser) -> None:
    _describe(
        parser, "Says what a take is.", "exit codes: 0 it is whole, 1 it was cut short, 2 no such take, or no take"
    )
    _add_take(parser)
    parser.set_defaults(run=run_info)


def add_replay(parser: argparse.ArgumentParser) -> None:
    _describe(parser, "Feeds a take to a renderer, as the engine that it was.", REPLAY_EPILOG)
    _add_take(parser)
    parser.add_argument(
        "--pace", choices=["offline", "recorded"], default="offline", help="default offline: wait for all"
    )
    parser.add_argument("--times", type=whole(1, 10_000), default=1, help="how often, one after the other (default 1)")
    parser.add_argument("--connection", type=Path, metavar="FILE", help="connection file (default the user's)")
    parser.set_defaults(run=run_replay)


def add_rerender(parser: argparse.ArgumentParser) -> None:
    _describe(parser, "Renders a take again, whole or in part, as it was or with changes.", RERENDER_EPILOG)
    _add_take(parser)
    parser.add_argument("--frames", type=frame_range, default=(None, None), metavar="A-B", help="from 1, both included")
    parser.add_argument("--model", help="another model (default the take's)")
    parser.add_argument("--runtime", default="auto", help="of the model (default auto: the fastest installed)")
    parser.add_argument("--prompt", help="another prompt; short for --set prompt=...")
    parser.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="another control"
    )
    parser.add_argument("--out", metavar="TAKE2", help="name or file of the new take (default none: compare alone)")
    parser.add_argument("--no-mark", action="store_true", help="do not sign the new take; stands in the journal")
    parser.set_defaults(run=run_rerender)


def run_record(options: argparse.Namespace) -> int:
    from bridge.operator import Operator
    from bridge.schema import Record

    with Operator("worldplate record", options.connection) as operator, _stopped() as stop:
        session = operator.session(options.session)
        started = operator.ask(
            Record(session=session.session, on=True, name=options.name or "", mark=not options.no_mark)
        )
        sys.stdout.write(f"{session.name or session.session[:8]}: {started.text}\n")
        sys.stdout.flush()
        until_s = time.monotonic() + (options.seconds or float("inf"))
        status: Status | None = started
        while status is not None and status.take == started.take and time.monotonic() < until_s and not stop:
            time.sleep(POLL_S)
            status = _status(operator, session.session) or None
        if status is None or status.take != started.take:
            sys.stdout.write(f"The session or the take has ended; {started.take} is written up to there.\n")
            return DIFFERENT
        ended = operator.ask(Record(session=session.session, on=False))
        _wait_until_written(operator, session.session, started.take)
        missed = f", {ended.take_missed} frames are missing. {ended.text}" if ended.take_missed else ""
        sys.stdout.write(f"{started.take} is written{missed}\n")
        return DIFFERENT if ended.take_missed else EQUAL


def run_info(options: argparse.Namespace) -> int:
    with _opened(options.take) as take:
        info = take.info
    if options.json:
        _print_json(_plain(info))
    else:
        sys.stdout.write("".join(f"{name:<10}{value}\n" for name, value in _lines(info)))
    return EQUAL if info.complete else DIFFERENT


def run_replay(options: argparse.Namespace) -> int:
    from renderer.replay import Player

    played = []
    with _opened(options.take) as take:
        take.require_frames()
        with _renderer(options.connection, take.info, quiet=options.json) as connection:
            for turn in range(options.times):
                player = Player(take, connection, offline=options.pace == "offline")
                with Told(f"replay {turn + 1} of {options.times}", quiet=options.json) as tell:
                    played.append(player.play(tell))
    if options.json:
        _print_json({"take": take.info.name, "turns": [_plain(turn) | {"fps": turn.fps} for turn in played]})
    else:
        sys.stdout.write("".join(f"{take.info.name}: {_played(turn)}\n" for turn in played))
    return DIFFERENT if any(turn.different for turn in played) else EQUAL


def run_rerender(options: argparse.Namespace) -> int:
    from renderer.cli import VERSION
    from renderer.models import load_model
    from renderer.provenance.recording import sign_recording
    from renderer.rerender import Job, changes_of, rerender
    from renderer.start import spare_the_engine

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a farm's way to say Ctrl-C
    values = dict(options.set) | ({"prompt": options.prompt} if options.prompt is not None else {})
    with _opened(options.take) as take:
        take.require_frames()
        first, last = take.check_range(*options.frames)
        spare_the_engine()
        model = load_model(options.model or take.info.model, runtime=options.runtime, threads=take.info.threads)
        with contextlib.closing(model):
            job = Job(first, last, changes_of(take, model, values), _new_take(options.out))
            with Told(f"rerender {take.info.name}", quiet=options.json) as tell:
                report = rerender(take, model, job, tell)
    if job.out is not None and not report.done_before:
        sign_recording(job.out, f"worldplate {VERSION}", marked=not options.no_mark)
    if options.json:
        _print_json({"take": take.info.name, "first": first, "last": last, **_plain(report)})
    else:
        sys.stdout.write(f"{take.info.name} {first}-{last}: {_reported(report)}\n")
    return DIFFERENT if report.different else EQUAL


def _describe(parser: argparse.ArgumentParser, what: str, epilog: str) -> None:
    parser.description, parser.epilog = what, epilog
    parser.formatter_class = argparse.RawDescriptionHelpFormatter


def _add_take(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("take", metavar="TAKE", help="a file, or the name of a take in the folder for takes")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _opened(text: str) -> Take:
    """The take that a person means, within the limits of the settings."""
    from bridge.take import Take
    from renderer.config import load_settings
    from renderer.takes_folder import find_take, takes_folder

    settings = load_settings({})
    path = Path(text) if Path(text).exists() else find_take(text, takes_folder(settings.takes_dir))
    return Take.open(path, settings.limits)


def _new_take(text: str | None) -> Path | None:
    from bridge.take_records import SUFFIX
    from renderer.config import load_settings
    from renderer.takes_folder import path_of, takes_folder

    if text is None:
        return None
    path = Path(text)
    if path.name == text and path.suffix != SUFFIX:
        return path_of(takes_folder(load_settings({}).takes_dir), text)
    path_of(path.parent, path.name.removesuffix(SUFFIX))  # its name is the take's name too
    return path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)


@contextlib.contextmanager
def _renderer(connection: Path | None, info: TakeInfo, *, quiet: bool) -> Iterator[Path | None]:
    """The connection file of a renderer: the one that serves, or one of our own for the time."""
    from bridge.connection import find
    from bridge.errors import NoRenderer
    from renderer.process import RendererProcess

    try:
        find(connection)
    except NoRenderer:
        if connection is not None:
            raise
        if not quiet:
            sys.stderr.write(f"No renderer serves; starting one with {info.model} for the replay.\n")
        with RendererProcess(info.model, threads=info.threads) as own:
            own.wait_until_ready()
            yield own.connection
    else:
        yield connection


@contextlib.contextmanager
def _stopped() -> Iterator[list[int]]:
    """Fills when Ctrl-C or SIGTERM comes, so that a take is ended rather than left."""
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: came.append(got)) for number in numbers]
    try:
        yield came
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _status(operator: Operator, session: str) -> Status | None:
    return next((status for status in operator.sessions() if status.session == session), None)


def _wait_until_written(operator: Operator, session: str, take: str) -> None:
    until_s = time.monotonic() + WRITTEN_LIMIT_S
    while time.monotonic() < until_s:
        status = _status(operator, session)
        if status is None or status.take != take:
            return
        time.sleep(POLL_S)


def _lines(info: TakeInfo) -> Iterator[tuple[str, str]]:
    sizes = ", then ".join(f"{width}x{height}" for width, height in info.sizes)
    made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(min(info.created_ns // 10**9, 2**40)))
    share = 100 * info.stored_bytes / info.raw_bytes if info.raw_bytes else 0.0
    yield "take", f"{info.name}, {info.path}"
    yield "made", f"{made} by {info.software}" + (f", from {info.remade_from}" if info.remade_from else "")
    yield "engine", f"{info.engine or 'unnamed'} ({info.client}), {info.sync}, seed {info.seed}"
    yield "model", f"{info.model} on {info.runtime}, weights {info.model_sha256[:16] or 'none'}"
    yield "frames", f"{info.frames} of {sizes}, {info.fps:.2f} per second, {info.seconds:.1f} s"
    yield "streams", ", ".join(info.streams) or "none"
    yield "planes", ", ".join(info.planes) or "none"
    yield "bytes", f"{info.stored_bytes / 1e6:.1f} MB, {share:.1f} % of {info.raw_bytes / 1e6:.1f} MB"
    if info.seconds:
        yield "a minute", f"{info.stored_bytes / info.seconds * 60 / 1e6:.0f} MB"
    yield "worlds", "begin with it" if info.fresh else "it begins in the middle of a session"
    yield "whole", "yes" if info.complete else f"no: {info.problem}"
    yield "ended", info.ended or "unknown"
    if info.missed or info.failed:
        yield "lacks", f"{info.missed} frames that were shown; {info.failed} got no plate"


def _played(played: Played) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in played.dispositions.items())
    return f"{played.frames} frames at {played.fps:.1f} per second ({kinds}): {_compared(played)}"


def _reported(report: Report) -> str:
    if report.done_before:
        return f"{report.out} is there already, nothing to do"
    fps = report.frames / report.seconds if report.seconds else 0.0
    extra = f", after {report.warm_up} frames to warm up" if report.warm_up else ""
    extra += f", {report.taken_over} were there from before" if report.taken_over else ""
    changed = f" ({report.changed})" if report.changed else ""
    out = f" into {report.out}" if report.out else ""
    return f"{report.frames} frames{out} at {fps:.1f} per second{extra}: {_compared(report)}{changed}"


def _compared(done: Played | Report) -> str:
    which = f" (first: {', '.join(map(str, done.first_different))})" if done.first_different else ""
    return f"{done.equal} equal bit for bit, {done.different} different{which}, {done.unchecked} not compared"


def _plain(told: object) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(told, enc_hook=str)
    return plain


def _print_json(told: dict[str, Any]) -> None:
    import json

    sys.stdout.write(json.dumps(told, indent=1, default=str) + "\n")


def _name(text: str) -> str:
    from bridge.take_records import NAME_PATTERN

    if not re.match(NAME_PATTERN, text):
        raise argparse.ArgumentTypeError(f"'{text[:80]}' is no name: use 1 to 64 letters, digits, '_' and '-'")
    return text


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value
