"""`worldplate export`: a take as film, stills, EXR or camera path."""

from __future__ import annotations

import argparse
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from renderer.exports.job import Done, Options, Progress

KINDS = ("mp4", "png", "exr", "camera")
PICTURES = ("composite", "plate", "engine")
PRIMARIES = ("acescg", "rec709")
TELL_EVERY_S = 5.0
EPILOG = """examples:
  worldplate export court.mcap --to mp4 --out court.mp4
  worldplate export court.mcap --to png --picture plate --out plates     8 bit, with the matte as alpha
  worldplate export court.mcap --to exr --frames 100-199 --out shots     a farm's share; goes on where it stopped
  worldplate export court.mcap --to camera --out court.jsonl             OpenTrackIO, a line a frame

Films, stills and EXR are marked as made with a model: content credentials or a signed manifest, and a watermark in the
plate's pixels. `worldplate verify` reads both. --no-mark leaves them out, and stands in this machine's journal.

exit codes: 0 all frames are there, 2 wrong usage or another take, 3 the place cannot be written or a package lacks,
130 Ctrl-C; whole frames stay, and the same command goes on
"""


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.description = "Writes a take as a film, stills, multi-part OpenEXR, or its camera as OpenTrackIO."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("take", type=Path, metavar="TAKE", help="a file that `worldplate record` wrote")
    parser.add_argument("--to", choices=KINDS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="a file; for png and exr a folder")
    parser.add_argument("--frames", type=_frames, default=(None, None), metavar="A-B", help="from 1, both included")
    parser.add_argument("--picture", choices=PICTURES, default="composite", help="of mp4 and png (default composite)")
    parser.add_argument("--view", help="OpenColorIO view of mp4 and png (default ACES 2.0, SDR 100 nits)")
    parser.add_argument("--primaries", choices=PRIMARIES, default="acescg", help="of exr, linear (default acescg)")
    parser.add_argument("--stream", help="of a take that has several")
    parser.add_argument("--no-mark", action="store_true", help="leave out every mark; stands in the journal")
    parser.add_argument("--json", action="store_true", help="print what was done as JSON")
    parser.set_defaults(run=run_export)


def run_export(options: argparse.Namespace) -> int:
    from bridge.take import Take
    from renderer.cli import VERSION
    from renderer.exports.job import Export, Options

    first, last = options.frames
    asked = Options(
        take=options.take, to=options.to, out=options.out, picture=options.picture, view=options.view,
        primaries=options.primaries, first=first, last=last, stream=options.stream, marked=not options.no_mark,
    )  # fmt: skip
    with Take.open(options.take) as take:
        export = Export(asked, take, f"Worldplate {VERSION}")
        with _Told(options.json) as tell:
            done = export.run(tell)
    _say(done, asked, as_json=options.json)
    return 0


class _Told:
    """Progress with the time left: a bar on a terminal, a line every five seconds into a log, nothing beside JSON."""

    def __init__(self, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._lines = not quiet and not sys.stderr.isatty()
        self._began_s = self._told_s = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), disable=quiet or self._lines, transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("exporting", total=None)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _tell(self, done: int, count: int) -> None:
        self._bar.update(self._task, completed=done, total=count)
        now_s = time.monotonic()
        if self._lines and now_s - self._told_s > TELL_EVERY_S:
            left_s = (now_s - self._began_s) / done * (count - done)
            sys.stderr.write(f"{done} of {count} frames, {int(left_s // 60)}:{int(left_s % 60):02d} left\n")
            self._told_s = now_s


def _say(done: Done, options: Options, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        told = {"out": str(done.out), "to": options.to, "frames": done.frames, "written": done.written,
                "skipped": done.skipped, "marked": options.marked and options.to != "camera",
                "seconds": round(done.seconds, 2), "about": msgspec.to_builtins(done.about)}  # fmt: skip
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=1).decode() + "\n")
        return
    skipped = f", {done.skipped} were there" if done.skipped else ""
    if options.to == "camera":
        marks = ""
    elif not options.marked:
        marks = ", without marks"
    else:
        marks = f", marked (watermark {done.about.watermark})" if done.about.watermark else ", signed"
    name = str(done.out) if str(done.out).isprintable() else repr(str(done.out))
    sys.stdout.write(f"{name}: {done.frames} frames in {done.seconds:.1f} s{skipped}{marks}\n")


def _frames(text: str) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"(\d{0,9})(-?)(\d{0,9})", text, re.ASCII)
    if not found or not (found[1] or found[3]):
        raise argparse.ArgumentTypeError(f"'{text}' is not a range of frames such as 10-20, 10- or 10")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None
    return first, last if found[2] else first
