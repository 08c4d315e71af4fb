"""Rings in shared memory: which are mapped, which nobody has any more, and which a process that has ended left.

Other tests, and other renderers on this machine, have rings of their own: a ring is left behind when no process
maps it.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from bridge import ring_header, segment
from bridge.schema import RING_HEADER_BYTES

FOLDER = Path("/dev/shm")
NAME = re.compile(r"/dev/shm/(worldplate-[0-9a-f]+)")
PATIENCE_S = 10.0  # another test's ring has no reader for a moment after it was made, and after a kill


def mapped(process: Path = Path("/proc/self")) -> set[str]:
    """Names of the rings that a process (a folder of /proc) maps; none when it is gone or another user's."""
    try:
        return set(NAME.findall((process / "maps").read_text()))
    except OSError:
        return set()


def mapped_files() -> set[str]:
    """Names of the rings that this process maps and that have their file still."""
    return {name for name in mapped() if (FOLDER / name).exists()}


def unmapped() -> set[str]:
    """Names of the rings that lie there though no process maps them."""
    lying = {entry.name for entry in FOLDER.glob("worldplate-*")}
    return lying.difference(*map(mapped, Path("/proc").glob("[0-9]*")))


def left_behind(before: set[str]) -> set[str]:
    """Those unmapped that were not so `before`; looked at again for a while when there are any."""
    end_s = time.monotonic() + PATIENCE_S
    while (left := unmapped() - before) and time.monotonic() < end_s:
        time.sleep(0.1)
    return left


def made_by(pid: int) -> set[str]:
    """Names of the rings that lie there and whose header names that process as their owner."""
    lying = segment.leftovers(RING_HEADER_BYTES)
    return {name for name, header, _ in lying if len(header) == RING_HEADER_BYTES and _owner(header) == pid}


def _owner(header: bytes) -> int:
    return int(ring_header.read(header, "owner_pid"))
