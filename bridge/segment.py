"""Shared memory of the operating system: create, attach, remove, and clear up after the dead.

On Linux it is a file of /dev/shm: bridge/segment_linux.py. On Windows the native client makes it, and this side only
maps it: bridge/segment_windows.py. Elsewhere there is none, and planes travel `inline`.

`multiprocessing.shared_memory` is not used: before Python 3.13 a process that only attached removes the segment
when it ends (cpython #82300). Here only the owner unlinks, and a reaper does it for an owner that was killed.
Mode 0600 keeps other users out. A process of the same user can still truncate a segment under its reader, as it
can kill it: the user is the trust boundary.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import InvalidValue, LimitExceeded, RingCorrupt, TransportError
from bridge.schema import Limits

if sys.platform == "linux":
    from bridge import segment_linux
elif sys.platform == "win32":
    from bridge import segment_windows

FOLDER = Path("/dev/shm")
NAME = re.compile(r"worldplate-[0-9a-f]{32}")
INCOMPLETE_AGE_S = 60.0  # younger than this, a segment without a header may still be in the making


def create(size_bytes: int) -> tuple[str, mmap.mmap]:
    """A new segment of zeros: its random name and its memory.

    Raises TransportError where there is no shared memory, or not enough of it. The pages are taken now, because a
    page that cannot be had later is a SIGBUS and not an error.
    """
    if sys.platform == "linux":
        name = f"worldplate-{secrets.token_hex(16)}"
        try:
            return name, segment_linux.create(FOLDER / name, size_bytes)
        except OSError as error:
            unlink(name)
            raise TransportError(
                f"No shared memory of {size_bytes} bytes: {error.strerror}",
                fix=f"Make {FOLDER} larger, use a smaller picture or fewer slots, or use the `inline` transport.",
            ) from error
    else:
        raise TransportError(
            "Rings that Python makes need Linux in this version",
            fix="Use the `inline` transport, which goes over loopback TCP as well.",
        )


def attach(name: str, size_bytes: int, limits: Limits) -> mmap.mmap:
    """The memory of another process's segment, which stays that process's to remove.

    Raises InvalidValue for a name that is not one of ours, LimitExceeded over `max_shared_bytes`, RingCorrupt when
    the segment is gone, another user's, open to others, or of another size, TransportError where there are none.
    """
    if not NAME.fullmatch(name):
        raise InvalidValue(f"{name!r} is not the name of a segment", fix="Send the name that the ring was made with.")
    if size_bytes > limits.max_shared_bytes:
        raise LimitExceeded("a shared segment in bytes", size_bytes, limits.max_shared_bytes, "max_shared_bytes")
    try:
        if sys.platform == "linux":
            return segment_linux.attach(FOLDER / name, size_bytes)
        elif sys.platform == "win32":
            return segment_windows.map_existing(name, size_bytes)
        else:
            raise TransportError(
                "Shared rings need Linux or Windows in this version", fix="Use the `inline` transport."
            )
    except OSError as error:
        raise _corrupt(name, error.strerror or str(error)) from error


def _corrupt(name: str, why: str) -> RingCorrupt:
    return RingCorrupt(f"The segment {name} cannot be used: {why}", fix="Make a new ring and send PLANES again.")


def unlink(name: str) -> None:
    """Removes the name; the memory lives on until everybody has unmapped it. Nothing happens when it is gone."""
    (FOLDER / name).unlink(missing_ok=True)


def process_start_ticks(pid: int) -> int | None:
    """When a process began, in clock ticks since boot (/proc/PID/stat field 22); None when it does not run, and where
    there is no /proc.

    With the pid this names a process for good, as pids come around again. A zombie does not run.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = status[status.rindex(b")") + 2 :].split()  # the command before it may hold spaces and parentheses
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def leftovers(header_bytes: int) -> Iterator[tuple[str, bytes, float]]:
    """This user's segments: name, first `header_bytes` bytes (fewer when it is shorter), age in seconds."""
    if sys.platform != "linux":
        return
    for path in sorted(FOLDER.glob("worldplate-*")):
        if not NAME.fullmatch(path.name):
            continue
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:  # gone meanwhile, a link, or another user's
            continue
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_uid == os.getuid():
                yield path.name, os.pread(descriptor, header_bytes, 0), time.time() - status.st_mtime
        finally:
            os.close(descriptor)
