"""Snapshots of worlds, each one file in a private folder of the user: written whole or not at all, read with care.

A file is a safetensors file. Its tensor `header` [bytes] is a msgpack record (`Header`); the others are arrays: what
the model and the short memory keep of the streams, under `INDEX.latents.NAME` and `INDEX.short.NAME` with the stream's
index in the header, what the long memory of all keeps under `memory.NAME`, and that of a fork under
`INDEX.memory.NAME`. Any reader
of safetensors opens it, nothing in it is code, and a digest over all arrays is in the header.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from bridge import wire
from bridge.checks import check_values
from bridge.connection import private_dir
from bridge.errors import (
    InvalidValue,
    LimitExceeded,
    MissingDependency,
    ProtocolError,
    SnapshotCorrupt,
    SnapshotMismatch,
    SnapshotNotFound,
    SnapshotNotWritten,
)
from bridge.schema import U64, ControlValue, Frame, Limits, Name, Side

VERSION = 1
ENDING = ".world.safetensors"
HEADER = "header"
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
HEADER_LIMITS = Limits(max_message_bytes=16 << 20)  # the last frame of every stream, with its bodies
ANOTHER = "Take another snapshot."
KINDS = {  # of arrays, as safetensors and NumPy call them
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip

Arrays = dict[str, NDArray[Any]]


class SavedStream(Struct, frozen=True, kw_only=True):
    """A stream's world, but for its arrays. Frame ids are those of the session that was saved."""

    name: Name
    seed: U64
    epoch: U64
    steps: U64
    last: Frame | None = None


class Header(Struct, frozen=True, kw_only=True):
    """What a snapshot says of itself."""

    version: int = VERSION
    name: Name
    created_ns: U64  # since 1970
    model: Name
    model_sha256: Annotated[str, Meta(max_length=64)]
    width: Side  # of the picture, pixels
    height: Side
    streams: Annotated[tuple[SavedStream, ...], Meta(min_length=1, max_length=64)]
    controls: dict[str, ControlValue]
    engine_objects: Annotated[tuple[int, ...], Meta(max_length=4096)] = ()
    engine_labels: Annotated[tuple[int, ...], Meta(max_length=256)] = ()
    plate_near_m: float = 0.0
    plate_far_m: float = float("inf")
    arrays_sha256: Annotated[str, Meta(max_length=64)] = ""  # `write` sets it


class _Versioned(Struct):
    version: int


@dataclass(frozen=True)
class Snapshot:
    """A session's worlds at one moment. The arrays are not written to."""

    header: Header
    arrays: Arrays

    def part(self, of: str) -> Arrays:
        """The arrays of one owner, by its own names for them."""
        prefix = f"{of}."
        return {name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)}


def parts(of: str, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    """The same the other way: arrays under the names that they have in a snapshot."""
    return {f"{of}.{name}": np.ascontiguousarray(array) for name, array in arrays.items()}


def data_dir(chosen: str = "") -> Path:
    """The folder of snapshots, made when it is not there: `chosen` (the setting `snapshot_dir`), else the user's,
    $XDG_DATA_HOME/worldplate/worlds or under ~/.local/share. Raises TransportError when others could look into it."""
    if chosen:
        return private_dir(Path(chosen))
    base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    (base / "worldplate").mkdir(mode=0o700, parents=True, exist_ok=True)
    return private_dir(base / "worldplate" / "worlds")


def write(snapshot: Snapshot, folder: Path, limits: Limits) -> int:
    """Writes it under its name, in the place of an older one; returns its bytes. It is whole on the disk, or not there.

    Raises InvalidValue for the name, LimitExceeded when there are too many or they are too large, SnapshotNotWritten.
    """
    library = _safetensors()
    path = _path(snapshot.header.name, folder)
    header = _encoded(snapshot.header, "0" * 64)
    size = len(header) + sum(array.nbytes for array in snapshot.arrays.values())
    _check_room(path, size, limits)
    try:
        with _draft(path) as draft, ThreadPoolExecutor(1, "worldplate digest") as beside:
            digest = beside.submit(_digest, snapshot.arrays)  # while they are written
            library.numpy.save_file({HEADER: np.frombuffer(header, np.uint8), **snapshot.arrays}, draft)
            _set_header(draft, _encoded(snapshot.header, digest.result()))
            draft.chmod(0o600)
            _sync(draft)
            draft.replace(path)
        _sync(folder)
        return path.stat().st_size
    except (OSError, library.SafetensorError) as error:
        raise SnapshotNotWritten(
            f"The snapshot '{path.name.removesuffix(ENDING)}' was not written: {_reason(error)}",
            fix="Make room on the disk of the snapshots' folder, or set `snapshot_dir`.",
        ) from error


def read(name: str, folder: Path, limits: Limits) -> Snapshot:
    """The snapshot of that name, all of it checked.

    Raises SnapshotNotFound, SnapshotMismatch for another version, SnapshotCorrupt for what is truncated or altered,
    LimitExceeded for a file that is larger than all snapshots may be.
    """
    path = _path(name, folder)
    _check_file(path, limits)
    header, arrays, digest = _content(path)
    if digest != header.arrays_sha256:
        raise SnapshotCorrupt(f"The snapshot '{name}' was altered: its arrays are not those it tells of", fix=ANOTHER)
    return Snapshot(header, arrays)


def read_header(name: str, folder: Path, limits: Limits) -> Header:
    """What a snapshot says of itself, without its arrays. Raises what `read` does."""
    path = _path(name, folder)
    _check_file(path, limits)
    with _opened(path) as file:
        return _header(file, name)


def names(folder: Path) -> list[str]:
    """Of the snapshots, oldest first."""
    files = sorted(folder.glob(f"*{ENDING}"), key=lambda path: path.stat().st_mtime_ns)
    return [path.name.removesuffix(ENDING) for path in files if NAME.match(path.name.removesuffix(ENDING))]


def size_of(name: str, folder: Path) -> int:
    """Bytes. Raises SnapshotNotFound."""
    path = _path(name, folder)
    if not path.is_file():
        raise _not_found(name, folder)
    return path.stat().st_size


def remove(name: str, folder: Path) -> None:
    """Raises SnapshotNotFound."""
    size_of(name, folder)
    _path(name, folder).unlink()


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependency(
            "Snapshots of worlds need safetensors", fix='Install it with `pip install "worldplate[torch]"`.'
        ) from error
    return safetensors


def check_name(name: str) -> None:
    """Raises InvalidValue."""
    if not NAME.match(name):
        raise InvalidValue(
            f"{name[:80]!r} is no name of a snapshot", fix="Use 1 to 64 letters, digits, '-' and '_'; never a path."
        )


def _path(name: str, folder: Path) -> Path:
    check_name(name)
    return folder / f"{name}{ENDING}"


def _check_room(path: Path, size: int, limits: Limits) -> None:
    others = [other.stat().st_size for other in path.parent.glob(f"*{ENDING}") if other != path]
    if len(others) >= limits.max_snapshots:
        raise LimitExceeded("the number of snapshots", len(others) + 1, limits.max_snapshots, "max_snapshots")
    if sum(others) + size > limits.max_snapshot_bytes:
        raise LimitExceeded(
            "the size of all snapshots in bytes", sum(others) + size, limits.max_snapshot_bytes, "max_snapshot_bytes"
        )


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file beside `path`, of this user alone, to be renamed to it; gone in any case. So are those of writers that
    died."""
    for left in path.parent.glob(".draft-*"):
        pid = left.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists() and Path("/proc/self").exists():
            left.unlink(missing_ok=True)
    draft = path.parent / f".draft-{os.getpid()}-{secrets.token_hex(4)}"
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Until it is on the disk, so that a name never stands for half a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_file(path: Path, limits: Limits) -> None:
    name = path.name.removesuffix(ENDING)
    try:
        status = path.lstat()
    except FileNotFoundError:
        raise _not_found(name, path.parent) from None
    if not stat.S_ISREG(status.st_mode):
        raise SnapshotCorrupt(f"The snapshot '{name}' is a link or folder", fix="Remove it.")
    if status.st_size > limits.max_snapshot_bytes:
        raise LimitExceeded(
            "the size of the snapshot in bytes", status.st_size, limits.max_snapshot_bytes, "max_snapshot_bytes"
        )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    name, library = path.name.removesuffix(ENDING), _safetensors()
    try:
        with library.safe_open(path, framework="np", backend="pread") as file:  # a map would end us if it were cut
            yield file
    except (library.SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise SnapshotCorrupt(f"The snapshot '{name}' cannot be read: {_reason(error)}", fix=ANOTHER) from error


def _content(path: Path) -> tuple[Header, Arrays, str]:
    """What it says of itself, the arrays, and their digest: of each while the next is read."""
    with _opened(path) as file, path.open("rb", buffering=0) as raw, ThreadPoolExecutor(1) as beside:
        header, digest = _header(file, path.name.removesuffix(ENDING)), hashlib.sha256()
        arrays: Arrays = {}
        told: list[Future[None]] = []
        for name, place in sorted(_places(file, raw).items()):
            if name != HEADER:
                arrays[name] = _array(raw, place)
                told.append(beside.submit(_tell, digest.update, name, arrays[name]))
        for each in told:
            each.result()
        return header, arrays, digest.hexdigest()


class _Place(NamedTuple):
    kind: str
    shape: tuple[int, ...]
    start: int  # of its bytes in the file


def _places(file: Any, raw: io.FileIO) -> dict[str, _Place]:
    """Where the tensors of an open file lie: one after the other, without a gap, which safetensors has checked."""
    raw.seek(0)
    at = 8 + int.from_bytes(raw.read(8), "little")
    places: dict[str, _Place] = {}
    for name in file.offset_keys():
        told = file.get_slice(name)
        places[name] = place = _Place(KINDS[told.get_dtype()], tuple(told.get_shape()), at)
        at += math.prod(place.shape) * np.dtype(place.kind).itemsize
    return places


def _array(raw: io.FileIO, place: _Place) -> NDArray[Any]:
    """Read here, as the library holds the interpreter's lock while it reads: other threads stand still for as long."""
    array = np.empty(place.shape, place.kind)
    rest = array.reshape(-1).view(np.uint8).data
    raw.seek(place.start)
    while rest:
        if not (count := raw.readinto(rest)):
            raise ValueError("it ends too early")
        rest = rest[count:]
    return array


def _encoded(header: Header, digest: str) -> bytes:
    """As long for every digest of 64 letters."""
    return wire.encode(msgspec.structs.replace(header, arrays_sha256=digest))


def _set_header(draft: Path, header: bytes) -> None:
    """Another one in the place of the one that it was written with, which is as long."""
    with draft.open("rb+", buffering=0) as raw:
        with _opened(draft) as file:
            start = _places(file, raw)[HEADER].start
        raw.seek(start)
        raw.write(header)


def _header(file: Any, name: str) -> Header:
    if HEADER not in file.keys():  # noqa: SIM118 - it is no mapping
        raise SnapshotCorrupt(f"The file '{name}' is no snapshot: it has no header", fix=ANOTHER)
    shape = file.get_slice(HEADER).get_shape()
    if len(shape) != 1 or shape[0] > HEADER_LIMITS.max_message_bytes:
        raise SnapshotCorrupt(f"The header of '{name}' has the shape {shape}", fix=ANOTHER)
    part = file.get_tensor(HEADER).tobytes()
    try:
        version = wire.decode_as(part, _Versioned, HEADER_LIMITS).version
        if version != VERSION:
            raise SnapshotMismatch(
                f"The snapshot '{name}' is of version {version}, and this renderer reads version {VERSION}",
                fix="Use the renderer that made it.",
            )
        header = wire.decode_as(part, Header, HEADER_LIMITS)
        for stream in header.streams:
            if stream.last is not None:
                check_values(stream.last, HEADER_LIMITS)
    except ProtocolError as error:
        raise SnapshotCorrupt(f"The header of '{name}' cannot be taken: {error.what}", fix=ANOTHER) from error
    return header


def _digest(arrays: Arrays) -> str:
    """Over names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        _tell(digest.update, name, arrays[name])
    return digest.hexdigest()


def _tell(update: Callable[[Any], None], name: str, array: NDArray[Any]) -> None:
    update(f"{name} {array.dtype.str} {array.shape}\n".encode())
    update(array.reshape(-1).view(np.uint8).data)


def _not_found(name: str, folder: Path) -> SnapshotNotFound:
    known = names(folder)
    fix = f"There are: {', '.join(known[:16])}." if known else "There are none yet; take one first."
    return SnapshotNotFound(f"There is no snapshot '{name}'", fix=fix)


def _reason(error: Exception) -> str:
    """On one line, without the paths that an OSError quotes."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:200] or type(error).__name__
