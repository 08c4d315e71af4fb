"""Where an export goes: files that appear whole or not at all, and a note of what the folder is.

A folder of frames holds `export.json`, what its frames have in common. An export into it goes on where the one before
stopped, when that is the same; frames that are there are not made again.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from bridge.errors import ExportMixed, ExportNotWritten

NOTE = "export.json"


class Common(Struct, frozen=True, kw_only=True):
    """What all frames of a folder have in common, and decides their pixels."""

    format: str
    take_id: str
    stream: str
    picture: str
    view: str  # or primaries, for EXR
    marked_with: str  # the watermark's payload and a fingerprint of its key; empty without marks


@contextmanager
def told(out: Path) -> Iterator[None]:
    """Says it of a full disk and of a place that may not be written. Raises ExportNotWritten for OSError."""
    try:
        yield
    except OSError as error:
        raise ExportNotWritten(
            f"{str(out)!r} cannot be written: {error.strerror or error}",
            fix="Make room or choose another --out, and run the command again: it goes on where it stopped.",
        ) from error


def write_whole(path: Path, data: bytes) -> None:
    """The file appears under its name when all of it is on the disk. Raises ExportNotWritten."""
    with told(path), partial(path) as new, new.open("wb") as file:
        file.write(data)


@contextmanager
def partial(path: Path) -> Iterator[Path]:
    """A file to write to, in the same folder and of the same type, which takes `path`'s place when the block ends well,
    and is gone when it does not. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=".part-", suffix=path.suffix, dir=path.parent)
    os.close(descriptor)
    new = Path(name)
    try:
        yield new
        new.chmod(0o666 & ~_umask())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)  # it is there still when the block did not end well


def open_folder(folder: Path, common: Common) -> None:
    """Make the folder, or go on in it. Raises ExportMixed when it holds something else, ExportNotWritten."""
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / NOTE
        if note.is_file():
            _check_same(folder, note.read_bytes(), common)
            return
        if any(p.suffix == f".{common.format}" for p in folder.iterdir()):
            raise ExportMixed(
                f"{str(folder)!r} holds {common.format.upper()} files that no export wrote",
                fix="Choose an empty --out.",
            )
    write_whole(note, msgspec.json.format(msgspec.json.encode(common), indent=1) + b"\n")


def _check_same(folder: Path, text: bytes, common: Common) -> None:
    try:
        there = msgspec.json.decode(text, type=Common)
    except msgspec.DecodeError as error:
        raise ExportMixed(
            f"{str(folder / NOTE)!r} does not say what the folder holds", fix="Choose another --out."
        ) from error
    for name in Common.__struct_fields__:
        if getattr(there, name) != getattr(common, name):
            raise ExportMixed(
                f"{str(folder)!r} holds an export with another {name.replace('_', ' ')}: "
                f"'{getattr(there, name)}', not '{getattr(common, name)}'",
                fix="Choose another --out.",
            )


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
