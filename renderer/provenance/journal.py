"""What left this machine: a line for each export and each recording, with or without marks.

    ~/.local/state/worldplate/exports.jsonl        $XDG_STATE_HOME goes before ~/.local/state

`worldplate verify` looks payloads up in it; who exports with --no-mark stands in it too. It never leaves the machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from renderer.provenance.generation import Generation

MOST_OFF = 4  # bits
log = logging.getLogger("worldplate.provenance")


class Line(Struct, frozen=True, kw_only=True):
    """One export. `at` is UTC, ISO 8601."""

    at: str
    out: str
    to: str
    marked: bool
    about: Generation


def journal_path() -> Path:
    home = os.environ.get("XDG_STATE_HOME", "")
    return (Path(home) if os.path.isabs(home) else Path.home() / ".local" / "state") / "worldplate" / "exports.jsonl"


def note(line: Line) -> None:
    """Append a line; a journal that cannot be written is told in the log and stops nothing."""
    if not line.marked:
        log.warning("%s leaves without marks: --no-mark was given", line.out)
    path = journal_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
    except OSError as error:
        log.warning("the journal %s cannot be written: %s", path, error.strerror)


def lines() -> Iterator[Line]:
    """All that can be read, oldest first."""
    try:
        with journal_path().open("rb") as file:
            for line in file:
                try:
                    yield msgspec.json.decode(line, type=Line)
                except msgspec.DecodeError:
                    continue  # cut off by a full disk
    except OSError:
        return


def with_payload(payload: int) -> tuple[Line, int] | None:
    """The line whose watermark is nearest to those 32 bits, the newest of equals, and how many bits it is off, MOST_OFF
    at most: that near another take's comes by chance once in 10^5."""
    found = [((int(line.about.watermark, 16) ^ payload).bit_count(), line) for line in lines() if line.about.watermark]
    near = [(off, line) for off, line in reversed(found) if off <= MOST_OFF]
    return min(((line, off) for off, line in near), key=lambda pair: pair[1], default=None)
