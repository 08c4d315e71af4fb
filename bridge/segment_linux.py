"""Segments as files of /dev/shm: making one, and mapping one that another process has made."""

from __future__ import annotations

import errno
import mmap
import os
import stat
import sys
from pathlib import Path

assert sys.platform == "linux"

_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: Path, size_bytes: int) -> mmap.mmap:
    """A new file of zeros for this user alone, all its pages taken. Raises OSError, and may leave the file then."""
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(descriptor, 0o600)  # whatever the umask says
        os.ftruncate(descriptor, size_bytes)
        os.posix_fallocate(descriptor, 0, size_bytes)
        return _map(descriptor, size_bytes)
    finally:
        os.close(descriptor)


def attach(path: Path, size_bytes: int) -> mmap.mmap:
    """The memory of a file that a process of this user has made for itself alone. Raises OSError when it is another."""
    descriptor = os.open(path, _FLAGS)
    try:
        if why := _fault_of(os.fstat(descriptor), size_bytes):
            raise OSError(errno.EPERM, why)
        return _map(descriptor, size_bytes)
    finally:
        os.close(descriptor)


def _fault_of(status: os.stat_result, size_bytes: int) -> str:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
        return "it is not a file of this user"
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"its mode is {stat.S_IMODE(status.st_mode):o}, so others can reach it"
    if status.st_size != size_bytes or size_bytes < mmap.PAGESIZE:
        return f"it has {status.st_size} bytes and was announced with {size_bytes}"
    if status.st_blocks * 512 < size_bytes:  # holes are pages that may not be had when they are touched
        return "its memory is not all there"
    return ""


def _map(descriptor: int, size_bytes: int) -> mmap.mmap:
    # The page tables are filled now: thousands of page faults would otherwise fall on the first frames.
    return mmap.mmap(descriptor, size_bytes, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
