"""How an engine finds the renderer on one machine: a private folder, and in it the connection file.

The folder belongs to this user alone (mode 0700), and so do the sockets in it and the file (mode 0600), which holds
the endpoint, the token that HELLO must carry, and the renderer's pid. A file whose process is gone is stale.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from bridge.errors import EndpointInUse, NoRenderer, TransportError
from bridge.schema import PROTOCOL_VERSION
from bridge.segment import process_start_ticks

FILE_NAME = "connection.json"
_START = "Start one with `worldplate serve`."
_MAX_FILE_BYTES = 4096


class Connection(Struct, frozen=True, kw_only=True):
    """What the connection file says."""

    endpoint: Annotated[str, Meta(max_length=256)]  # ipc:// or tcp:// on loopback
    token: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    pid: Annotated[int, Meta(gt=0)]  # of the renderer
    pid_start: Annotated[int, Meta(ge=0)]  # its start in clock ticks since boot; 0 where unknown
    protocol: int = PROTOCOL_VERSION

    def __repr__(self) -> str:
        return f"Connection({self.endpoint}, pid {self.pid})"  # never the token: reprs end up in logs


def new_connection(endpoint: str) -> Connection:
    """The connection of this process at `endpoint`, with a fresh random token."""
    pid = os.getpid()
    return Connection(endpoint=endpoint, token=secrets.token_hex(16), pid=pid, pid_start=process_start_ticks(pid) or 0)


def runtime_dir() -> Path:
    """The private folder of this user, made when it is not there: $XDG_RUNTIME_DIR/worldplate, else in the temporary
    folder; on Windows %LOCALAPPDATA%\\worldplate, which the user, the system and its administrators alone can read.
    Raises TransportError when it is not private."""
    if sys.platform == "win32" and "LOCALAPPDATA" in os.environ:
        return private_dir(Path(os.environ["LOCALAPPDATA"]) / "worldplate")
    base = os.environ.get("XDG_RUNTIME_DIR")
    if base and Path(base).is_dir():
        return private_dir(Path(base) / "worldplate")
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    return private_dir(Path(tempfile.gettempdir()) / f"worldplate-{user}")


def private_dir(folder: Path) -> Path:
    """`folder`, made when it is not there. Raises TransportError when others could write or look into it."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise TransportError(f"{folder} is not a folder but a link or file", fix="Remove it, and try again.")
    if hasattr(os, "getuid"):  # elsewhere the user's own folders are private by their access lists
        if status.st_uid != os.getuid():
            raise TransportError(
                f"{folder} belongs to user {status.st_uid}",
                fix="Remove it, or set XDG_RUNTIME_DIR to a folder of yours.",
            )
        if stat.S_IMODE(status.st_mode) & 0o077:
            raise TransportError(
                f"{folder} has mode {stat.S_IMODE(status.st_mode):o}", fix=f"Make it private: chmod 700 {folder}"
            )
    return folder


def read(path: Path) -> Connection | None:
    """The connection file; None when there is none. Raises TransportError when it is not one, or not ours alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TransportError(f"{path} cannot be read: {error.strerror}", fix=f"Remove it. {_START}") from error
    with open(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if hasattr(os, "getuid") and (status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077):
            raise TransportError(f"{path} is not private to this user", fix=f"Remove it. {_START}")
        content = file.read(_MAX_FILE_BYTES)
    try:
        return msgspec.json.decode(content, type=Connection)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TransportError(f"{path} is not a connection file: {error}", fix=f"Remove it. {_START}") from error


def find(path: Path | None = None) -> Connection:
    """The connection of a renderer that lives; `path` is its connection file, by default the user's.

    Raises NoRenderer, or TransportError as `read` does.
    """
    path = path or runtime_dir() / FILE_NAME
    connection = read(path)
    if connection is None:
        raise NoRenderer(f"No renderer: {path} does not exist", fix=_START)
    if not alive(connection):
        raise NoRenderer(f"No renderer: process {connection.pid} of {path} is gone", fix=_START)
    return connection


def alive(connection: Connection) -> bool:
    """Whether the renderer's process runs; True where the platform cannot say."""
    if sys.platform != "linux":
        return True
    start = process_start_ticks(connection.pid)
    return start is not None and connection.pid_start in (0, start)


@contextlib.contextmanager
def claim(folder: Path) -> Iterator[None]:
    """While one renderer looks whether another serves here, binds and writes its file, no other does.

    Raises EndpointInUse when one serves here already.
    """
    with _locked(folder):
        there = None
        with contextlib.suppress(TransportError):  # an unreadable file is stale, and `write` replaces it
            there = read(folder / FILE_NAME)
        if there is not None and alive(there) and sys.platform == "linux":
            raise EndpointInUse(
                f"A renderer (process {there.pid}) serves at {there.endpoint}", fix="Use that one, or stop it first."
            )
        yield


def write(connection: Connection, path: Path) -> None:
    """Writes the file whole or not at all, readable by this user only."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(msgspec.json.encode(connection))
    draft.replace(path)


def remove(connection: Connection, path: Path) -> None:
    """Removes the file, unless another renderer has replaced it."""
    with contextlib.suppress(TransportError, FileNotFoundError):
        if read(path) == connection:
            path.unlink()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl  # POSIX only

    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # held for milliseconds, and given back by the system if we die
        yield
    finally:
        os.close(descriptor)
