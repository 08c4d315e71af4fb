"""`worldplate export`: a take as film, stills, EXR or camera path."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from renderer.arguments import frame_range
from renderer.progress import Told

if TYPE_CHECKING:
    from renderer.exports.job import Done, Options

KINDS = ("mp4", "png", "exr", "camera")
PICTURES = ("composite", "plate", "engine")
PRIMARIES = ("acescg", "rec709")
EPILOG = """examples:
  worldplate export court.mcap --to mp4 --out court.mp4
  worldplate export court.mcap --to png --picture plate --out plates     8 bit, with the matte as alpha
  worldplate export court.mcap --to exr --frames 100-199 --out shots     a farm's share; goes on where it stopped
  worldplate export court.mcap --to camera --out court.jsonl             OpenTrackIO, a line a frame

Films, stills and EXR are marked as made with a model: content credentials or a signed manifest, and a watermark in the
plate's pixels. `worldplate verify` reads both. --no-mark leaves them out, and stands in this machine's journal.

exit codes: 0 all frames are there, 2 wrong usage or another take, 3 the place cannot be written or a package lacks,
130 Ctrl-C or SIGTERM; whole frames stay, and the same command goes on
"""


def add_export(parser: argparse.ArgumentParser) -> None:
    parser.description = "Writes a take as a film, stills, multi-part OpenEXR, or its camera as OpenTrackIO."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("take", metavar="TAKE", help="name of a recorded take, or a file")
    parser.add_argument("--to", choices=KINDS, required=True)
    parser.add_argument("--out", type=Path, required=True, metavar="PATH", help="a file; for png and exr a folder")
    parser.add_argument("--frames", type=frame_range, default=(None, None), metavar="A-B", help="from 1, both included")
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
    from renderer.config import load_settings
    from renderer.exports.job import Export, Options
    from renderer.takes_folder import find_take, takes_folder

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a farm's way to say Ctrl-C
    first, last = options.frames
    path = Path(options.take)
    if not path.exists():
        path = find_take(options.take, takes_folder(load_settings({}).takes_dir))
    asked = Options(
        take=path, to=options.to, out=options.out, picture=options.picture, view=options.view,
        primaries=options.primaries, first=first, last=last, stream=options.stream, marked=not options.no_mark,
    )  # fmt: skip
    with Take.open(path) as take:
        export = Export(asked, take, f"Worldplate {VERSION}")
        with Told("exporting", quiet=options.json) as tell:
            done = export.run(tell)
    _say(done, asked, as_json=options.json)
    return 0


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
