"""Shared memory of the operating system: create, attach, remove, and clear up after the dead (Linux).

`multiprocessing.shared_memory` is not used: before Python 3.13 a process that only attached removes the segment
when it ends (cpython #82300). Here only the owner unlinks, and a reaper does it for an owner that was killed.
Mode 0600 keeps other users out. A process of the same user can still truncate a segment under its reader, as it
can kill it: the user is the trust boundary.
"""

from __future__ import annotations

import errno
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

FOLDER = Path("/dev/shm")
NAME = re.compile(r"worldplate-[0-9a-f]{32}")
INCOMPLETE_AGE_S = 60.0  # younger than this, a segment without a header may still be in the making

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def create(size_bytes: int) -> tuple[str, mmap.mmap]:
    """A new segment of zeros: its random name and its memory.

    Raises TransportError where there is no shared memory, or not enough of it. The pages are taken now, because a
    page that cannot be had later is a SIGBUS and not an error.
    """
    _need_linux()
    name = f"worldplate-{secrets.token_hex(16)}"
    descriptor = os.open(FOLDER / name, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask says
        os.ftruncate(descriptor, size_bytes)
        os.posix_fallocate(descriptor, 0, size_bytes)
        return name, _map(descriptor, size_bytes)
    except OSError as error:
        unlink(name)
        raise TransportError(
            f"No shared memory of {size_bytes} bytes: {os.strerror(error.errno or errno.ENOMEM)}",
            fix=f"Make {FOLDER} larger, use a smaller picture or fewer slots, or use the `inline` transport.",
        ) from error
    finally:
        os.close(descriptor)


def attach(name: str, size_bytes: int, limits: Limits) -> mmap.mmap:
    """The memory of another process's segment, which stays that process's to remove.

    Raises InvalidValue for a name that is not one of ours, LimitExceeded over `max_shared_bytes`, RingCorrupt when
    the segment is gone, another user's, open to others, or of another size.
    """
    _need_linux()
    if not NAME.fullmatch(name):
        raise InvalidValue(f"{name!r} is not the name of a segment", fix="Send the name that the ring was made with.")
    if size_bytes > limits.max_shared_bytes:
        raise LimitExceeded("a shared segment in bytes", size_bytes, limits.max_shared_bytes, "max_shared_bytes")
    try:
        descriptor = os.open(FOLDER / name, _FLAGS)
    except OSError as error:
        raise _corrupt(name, os.strerror(error.errno or errno.ENOENT)) from error
    try:
        _check_file(name, os.fstat(descriptor), size_bytes)
        return _map(descriptor, size_bytes)
    except OSError as error:
        raise _corrupt(name, os.strerror(error.errno or errno.ENOMEM)) from error
    finally:
        os.close(descriptor)


def _check_file(name: str, status: os.stat_result, size_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
        raise _corrupt(name, "it is not a file of this user")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise _corrupt(name, f"its mode is {stat.S_IMODE(status.st_mode):o}, so others can reach it")
    if status.st_size != size_bytes or size_bytes < mmap.PAGESIZE:
        raise _corrupt(name, f"it has {status.st_size} bytes and was announced with {size_bytes}")
    if status.st_blocks * 512 < size_bytes:  # holes are pages that may not be had when they are touched
        raise _corrupt(name, "its memory is not all there")


def _corrupt(name: str, why: str) -> RingCorrupt:
    return RingCorrupt(f"The segment {name} cannot be used: {why}", fix="Make a new ring and send PLANES again.")


def _map(descriptor: int, size_bytes: int) -> mmap.mmap:
    # The page tables are filled now: thousands of page faults would otherwise fall on the first frames.
    return mmap.mmap(descriptor, size_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)


def unlink(name: str) -> None:
    """Removes the name; the memory lives on until everybody has unmapped it. Nothing happens when it is gone."""
    (FOLDER / name).unlink(missing_ok=True)


def _need_linux() -> None:
    if sys.platform != "linux":
        raise TransportError("Shared memory rings need Linux in this version", fix="Use the `inline` transport.")


def process_start_ticks(pid: int) -> int | None:
    """When a process began, in clock ticks since boot (/proc/PID/stat field 22); None when it does not run.

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
