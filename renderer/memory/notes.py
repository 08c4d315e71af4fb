"""What the renderer and the memory's process tell each other: small JSON notes over a pair of sockets, pixels and large
arrays in shared memory without a name.

A segment is made by `memfd_create`, so there is nothing to remove when either side is killed: its memory goes with the
last process that holds it. The renderer owns the frame's segment and hands it over by descriptor; it writes the inputs
while the process is idle, and the process writes the outputs while it works on them.
"""

from __future__ import annotations

import math
import mmap
import os
import socket
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.errors import LimitExceeded, TransportError
from bridge.reproject import View
from bridge.schema import Bodies, Camera, Mat4, Pose
from renderer.memory.sight import Sight

MOST_BODIES = 4096
NOTE_BYTES = 1 << 16
PART_ROWS = 1 << 15
_ALIGN = 64
_LAYOUT: tuple[tuple[str, str, int], ...] = (  # of a frame's segment: name, type, channels
    ("depth_m", "<f4", 1), ("objects", "<u4", 1), ("labels", "u1", 1), ("lit", "<f4", 1), ("plate", "<f2", 4),
    ("prior", "<f4", 4), ("inverse_depth", "<f4", 1), ("prior_depth_m", "<f4", 1), ("prior_age_s", "<f4", 1),
)  # fmt: skip


class Note(Struct, frozen=True, kw_only=True, tag_field="note"):
    """The base of every note. `epoch` counts the world's resets: what is of an older one is not used."""

    epoch: int = 0


class Frames(Note, tag="frames", frozen=True, kw_only=True):
    """With a descriptor: frames travel in this segment from now on."""

    height: int
    width: int


class Look(Note, tag="look", frozen=True, kw_only=True):
    """The segment holds a view: say what is remembered of it, if that is `wanted`. Answered by Recalled."""

    frame_id: int
    pose: tuple[float, ...]  # world_from_camera: position, quaternion
    projection: Mat4
    jitter_px: tuple[float, float]
    bodies: int
    look: int
    capture_ms: int
    wanted: bool


class Recalled(Note, tag="recalled", frozen=True, kw_only=True):
    """The segment holds what is remembered of the view `frame_id`."""

    frame_id: int


class Fuse(Note, tag="fuse", frozen=True, kw_only=True):
    """The segment holds the plate of the view that was looked at last. Answered by Fused."""

    frame_id: int


class Fused(Note, tag="fused", frozen=True, kw_only=True):
    """The plate is in the memory, or why not."""

    frame_id: int
    bytes: int
    counts: dict[str, int]
    trouble: str = ""


class Clear(Note, tag="clear", frozen=True, kw_only=True):
    """Forget everything. Not answered."""


class Save(Note, tag="save", frozen=True, kw_only=True):
    """Answered by Arrays with a descriptor: "world" is `WorldMemory.save`; "mesh" and "points" are what they say."""

    what: str


class Arrays(Note, tag="arrays", frozen=True, kw_only=True):
    """With a descriptor: named arrays, one after the other, each at a multiple of 64 bytes."""

    names: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = ()
    types: tuple[Any, ...] = ()
    total_bytes: int = 0


class Load(Note, tag="load", frozen=True, kw_only=True):
    """With a descriptor: what `save` gave, in place of what is there. Answered by Loaded."""

    arrays: Arrays


class Loaded(Note, tag="loaded", frozen=True, kw_only=True):
    trouble: str = ""


AnyNote = Frames | Look | Recalled | Fuse | Fused | Clear | Save | Arrays | Load | Loaded
_DECODER = msgspec.json.Decoder(AnyNote)


class Wire:
    """One end of the pair of sockets. `close` lets go of it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def fileno(self) -> int:
        return self._end.fileno()

    def send(self, note: AnyNote, descriptor: int | None = None) -> None:
        """Raises OSError when the other side is gone, BlockingIOError when it does not read."""
        encoded = msgspec.json.encode(note)
        if descriptor is None:
            self._end.send(encoded)
        else:
            socket.send_fds(self._end, [encoded], [descriptor])

    def receive(self, timeout_s: float | None) -> tuple[AnyNote, int | None] | None:
        """The next note and the descriptor that came with it, which is the caller's to close; None when none came in
        time. Raises OSError when the other side is gone."""
        self._end.settimeout(timeout_s)
        try:
            encoded, descriptors, _, _ = socket.recv_fds(self._end, NOTE_BYTES, 1)
        except (BlockingIOError, TimeoutError):
            return None
        finally:
            self._end.settimeout(0.0)
        if not encoded:
            raise ConnectionResetError("the other side is gone")
        return _DECODER.decode(encoded), descriptors[0] if descriptors else None

    def close(self) -> None:
        self._end.close()


class Segment:
    """Planes of one size in shared memory, by name."""

    def __init__(self, height: int, width: int, descriptor: int | None = None) -> None:
        """Of a descriptor that was sent, which is closed here; without one a new one, that `descriptor` names until
        `close`. Raises TransportError when there is not enough memory."""
        self.size = (height, width)
        planes = [(n, kind, (height, width) if c == 1 else (height, width, c)) for n, kind, c in _LAYOUT]
        arrays: list[tuple[str, str, tuple[int, ...]]] = [
            *planes, ("ids", "<u4", (MOST_BODIES,)), ("poses", "<f8", (MOST_BODIES, 7))
        ]  # fmt: skip
        starts, total_bytes = _starts([math.prod(shape) * np.dtype(kind).itemsize for _, kind, shape in arrays])
        self.descriptor = new_segment(total_bytes) if descriptor is None else descriptor
        memory = mmap.mmap(self.descriptor, total_bytes)
        self.planes: dict[str, NDArray[Any]] = {
            name: np.frombuffer(memory, kind, math.prod(shape), start).reshape(shape)
            for start, (name, kind, shape) in zip(starts, arrays, strict=True)
        }
        if descriptor is not None:
            self.close()

    def close(self) -> None:
        """Closes the descriptor; the memory goes with its last view."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def write_sight(self, sight: Sight) -> None:
        bodies, planes = sight.view.bodies, self.planes
        planes["depth_m"][:], planes["objects"][:] = sight.view.depth_m, sight.view.objects
        planes["labels"][:], planes["lit"][:] = sight.labels, sight.lit
        count = bodies.count
        planes["ids"][:count] = np.frombuffer(bodies.ids, "<u4")
        planes["poses"][:count] = np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)

    def read_sight(self, note: Look, now_ms: int) -> Sight:
        """The view that the segment holds; its planes are the segment's own."""
        bodies = Bodies(
            count=note.bodies,
            ids=self.planes["ids"][: note.bodies].tobytes(),
            labels=bytes(note.bodies),
            poses=self.planes["poses"][: note.bodies].tobytes(),
        )
        x, y, z, *turn = note.pose
        pose = Pose(position_m=(x, y, z), orientation=(turn[0], turn[1], turn[2], turn[3]))
        camera = Camera(
            world_from_camera=pose,
            previous_world_from_camera=pose,
            projection=note.projection,
            jitter_px=note.jitter_px,
        )
        view = View(note.frame_id, camera, bodies, self.planes["depth_m"], self.planes["objects"])
        return Sight(view, self.planes["labels"], self.planes["lit"], note.look, now_ms)


def new_segment(size_bytes: int) -> int:
    """A descriptor of that much shared memory without a name. Raises TransportError when it cannot be had."""
    # A page that cannot be had later is a SIGBUS.
    return _memory(size_bytes, lambda descriptor: os.posix_fallocate(descriptor, 0, max(size_bytes, 1)))


def _memory(size_bytes: int, fill: Callable[[int], None]) -> int:
    descriptor = os.memfd_create("worldplate-memory", os.MFD_CLOEXEC)
    try:
        fill(descriptor)
    except OSError as error:
        os.close(descriptor)
        raise TransportError(
            f"no shared memory of {size_bytes} bytes for the world's memory: {error.strerror}",
            fix="Free some, or set a smaller `memory_mb`.",
        ) from error
    return descriptor


class Gathered:
    """Rows of an array by their index, copied a part at a time when they are written: they are never whole in memory,
    and a part is written while the processor's caches have it. Both arrays stay as they are until then."""

    def __init__(self, values: NDArray[Any], rows: NDArray[np.int64]) -> None:
        self._values, self._rows = values, rows
        self.shape, self.dtype = (len(rows), *values.shape[1:]), values.dtype
        self.nbytes = math.prod(self.shape) * self.dtype.itemsize

    def parts(self) -> Iterator[NDArray[Any]]:
        """One after the other; each is gone when the next is asked for."""
        part = np.empty((PART_ROWS, *self.shape[1:]), self.dtype)
        for start in range(0, len(self._rows), PART_ROWS):
            rows = self._rows[start : start + PART_ROWS]
            yield self._values.take(rows, axis=0, out=part[: len(rows)], mode="clip")  # "raise" would copy once more

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All rows, as NumPy asks for them."""
        return np.asarray(self._values.take(self._rows, axis=0), dtype)


def pack(arrays: Mapping[str, NDArray[Any] | Gathered]) -> tuple[Arrays, int]:
    """Arrays in a segment of their own: what is in it, and its descriptor, which is the caller's to close."""
    starts, at = _starts([a.nbytes for a in arrays.values()])

    def fill(descriptor: int) -> None:  # written, not mapped: no page is cleared before
        os.truncate(descriptor, max(at, 1))
        for start, array in zip(starts, arrays.values(), strict=True):
            _write(descriptor, start, array)

    descriptor = _memory(at, fill)
    shapes = tuple(tuple(a.shape) for a in arrays.values())
    types = tuple(np.lib.format.dtype_to_descr(a.dtype) for a in arrays.values())
    return Arrays(names=tuple(arrays), shapes=shapes, types=types, total_bytes=at), descriptor


def _write(descriptor: int, start: int, array: NDArray[Any] | Gathered) -> None:
    for part in array.parts() if isinstance(array, Gathered) else (array,):
        rest = np.ascontiguousarray(part).reshape(-1).view(np.uint8).data
        while rest:
            written = os.pwrite(descriptor, rest, start)
            start, rest = start + written, rest[written:]


class Packed:
    """Arrays that came, or go, in a segment of their own; its memory goes with this object."""

    def __init__(self, note: Arrays, descriptor: int) -> None:
        self.note, self.descriptor = note, descriptor
        weakref.finalize(self, os.close, descriptor)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Them, where they lie: not to be written to. Raises LimitExceeded when they are not all there."""
        return unpack(self.note, self.descriptor)


def unpack(note: Arrays, descriptor: int) -> dict[str, NDArray[Any]]:
    """The arrays, where they lie: not to be written to. They outlive the descriptor, which stays the caller's. Raises
    LimitExceeded when they are not all there."""
    there = os.fstat(descriptor).st_size
    if note.total_bytes > there:
        raise LimitExceeded("the world's memory in bytes", note.total_bytes, there, "memory_mb")
    memory = mmap.mmap(descriptor, max(note.total_bytes, 1), prot=mmap.PROT_READ)
    kinds = [np.lib.format.descr_to_dtype(_as_descr(t)) for t in note.types]
    sizes = [math.prod(shape) for shape in note.shapes]
    starts, _ = _starts([n * kind.itemsize for n, kind in zip(sizes, kinds, strict=True)])
    return {
        name: np.frombuffer(memory, kind, count, start).reshape(shape)
        for name, kind, count, start, shape in zip(note.names, kinds, sizes, starts, note.shapes, strict=True)
    }


def _as_descr(told: Any) -> Any:
    """A type's description after JSON, which has lists alone, as NumPy wants it."""
    if isinstance(told, str):
        return told
    return [tuple(tuple(part) if isinstance(part, list) else part for part in field) for field in told]


def _starts(sizes: list[int]) -> tuple[list[int], int]:
    starts, at = [], 0
    for size in sizes:
        starts.append(at)
        at = _next(at + size)
    return starts, at


def _next(offset: int) -> int:
    return -(-offset // _ALIGN) * _ALIGN
