"""`worldplate verify`: what the marks of pictures, exports and takes say."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

EPILOG = """examples:
  worldplate verify film.mp4              content credentials and watermark
  worldplate verify shots/court_exr       a folder: its signed manifest, and each file
  worldplate verify court.mcap --json     for a machine

exit codes: 0 every file is marked and none is altered, 1 some file is altered or has no mark, 2 not a file to verify,
3 a package is missing, or a file cannot be read
"""


def add_verify(parser: argparse.ArgumentParser) -> None:
    parser.description = "Reads content credentials, signed manifests and watermarks. Nothing leaves this machine."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="PNG, JPEG, MP4, EXR, a take, or a folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run_verify)


def run_verify(options: argparse.Namespace) -> int:
    import msgspec

    from renderer.provenance.keys import load_keys
    from renderer.provenance.verify import verify, words_of

    keys = load_keys(create=False)
    found = [one for path in options.files for one in verify(path, keys)]
    if options.json:
        told = [{"verdict": "altered" if f.altered else "marked" if f.marked else "unmarked",
                 **msgspec.to_builtins(f)} for f in found]  # fmt: skip
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(told), indent=1).decode() + "\n")
    else:
        sys.stdout.write("\n".join(line for one in found for line in words_of(one)) + "\n")
    return 0 if all(one.marked for one in found) else 1
