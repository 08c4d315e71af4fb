"""Writing a take: one chunk a frame, whole or not at all, so that what is on disk can be read whenever it stops.

A writer belongs to one thread. It never writes over a file, and none but this user may read what it writes.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge import wire
from bridge.errors import MissingDependency, TakeExists, TakeNotWritten
from bridge.plane_coding import LEVEL, coding_of, compress, pack
from bridge.planes import CHANNELS, DTYPE, Plane, PlaneViews
from bridge.schema import Frame, PixelFormat, PlaneName, Result
from bridge.take_records import (
    MESSAGE_TOPIC,
    PLANE_TOPIC,
    PROFILE,
    TOPIC_ARRAY,
    TOPIC_ENDING,
    TOPIC_FAILED,
    TOPIC_MISSED,
    TOPIC_NOTE,
    TOPIC_OPENING,
    TOPIC_SPAN,
    TOPIC_STATE,
    Ending,
    Failed,
    FrameNote,
    Missed,
    Opening,
    SavedArray,
    Span,
    WorldState,
)

try:
    from mcap.data_stream import RecordBuilder
    from mcap.records import Channel, Chunk, DataEnd, Footer, Message
    from mcap.writer import MCAP0_MAGIC, CompressionType, IndexType, Writer
except ImportError as error:
    raise MissingDependency(
        f"takes need MCAP: {error}", fix='Install it with `pip install "worldplate[takes]"`.'
    ) from error

MOST_CHANNELS = 60_000  # MCAP numbers them with 16 bits
_TOPICS: dict[type[msgspec.Struct], str] = {
    Opening: TOPIC_OPENING, Span: TOPIC_SPAN, Missed: TOPIC_MISSED, Failed: TOPIC_FAILED, Ending: TOPIC_ENDING,
    FrameNote: TOPIC_NOTE, WorldState: TOPIC_STATE,
}  # fmt: skip
_FORMATS = {(str(DTYPE[form]), CHANNELS[form]): form for form in PixelFormat}


class PackedPlane(NamedTuple):
    """A plane as it goes into the file."""

    name: PlaneName
    format: PixelFormat
    width: int
    height: int
    coding: str
    data: bytes


class PackedFrame(NamedTuple):
    """A frame as it goes into the file."""

    header: Frame
    planes: tuple[PackedPlane, ...]
    result: Result
    note: FrameNote


def pack_frame(
    header: Frame, planes: PlaneViews, outputs: PlaneViews, result: Result, note: FrameNote, level: int = LEVEL
) -> PackedFrame:
    """Compress a frame's pixels and hash its outputs: all the work, on any thread. The planes are free afterwards."""
    hashes = {name: sha256_of(plane) for name, plane in outputs.items()}
    packed = tuple(_packed(name, plane, level) for name, plane in (*planes.items(), *outputs.items()))
    return PackedFrame(header, packed, result, msgspec.structs.replace(note, outputs_sha256=hashes))


def _packed(name: PlaneName, plane: Plane, level: int) -> PackedPlane:
    form = _FORMATS[str(plane.dtype), plane.shape[2] if plane.ndim == 3 else 1]
    coding = coding_of(name)
    return PackedPlane(name, form, plane.shape[1], plane.shape[0], coding, compress(plane, coding, level))


class TakeWriter:
    """A take that is being written. `frames` are whole on disk, as far as the system keeps its word."""

    def __init__(self, path: Path, opening: Opening, *, level: int = LEVEL) -> None:
        """Raises TakeExists when the file is there, TakeNotWritten when it cannot be made."""
        self.path = path
        self.frames = 0
        self._level = level
        self._file = _Whole(path)
        self._writer = Writer(self._file, 1 << 62, CompressionType.NONE, index_types=IndexType.CHUNK)
        self._channels: dict[tuple[str, ...], int] = {}
        self._schemas: dict[type[msgspec.Struct], int] = {}
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        self._writer.start(PROFILE, opening.software)
        self.note(opening)

    @property
    def stored_bytes(self) -> int:
        return self._file.bytes

    def note(self, record: msgspec.Struct) -> None:
        """What happened between two frames: one of the records of bridge/take_records.py, or a message of the protocol.

        Raises TakeNotWritten; then nothing of it is in the file, as of every other call.
        """
        self._add(record, 0, 0)
        self._commit()

    def frame(self, header: Frame, planes: PlaneViews, outputs: PlaneViews, result: Result, note: FrameNote) -> None:
        """A frame with its pixels. Raises TakeNotWritten."""
        self.add(pack_frame(header, planes, outputs, result, note, self._level))

    def add(self, packed: PackedFrame) -> None:
        """A frame that `pack_frame` has made ready. Raises TakeNotWritten."""
        number, captured_ns = self.frames + 1, packed.header.capture_ns
        self._add(packed.header, number, captured_ns)
        for plane in packed.planes:
            self._writer.add_message(self._plane_channel(plane), self._now_ns(), plane.data, captured_ns, number)
        self._add(packed.result, number, captured_ns)
        self._add(packed.note, number, captured_ns, stream=packed.header.stream)
        self._commit()
        self.frames = number

    def state(self, state: WorldState, last: Frame | None, arrays: Mapping[str, NDArray[Any]]) -> None:
        """What a stream's world is after the frame before; `state.arrays` is filled in. Raises TakeNotWritten."""
        ready = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        told = tuple(SavedArray(name=name, dtype=array.dtype.str, shape=array.shape) for name, array in ready.items())
        self._add(msgspec.structs.replace(state, arrays=told), 0, 0)
        for array in ready.values():
            self._writer.add_message(self._array_channel(), self._now_ns(), pack(array.tobytes(), self._level), 0)
        if last is not None:
            self._add(last, 0, last.capture_ns)
        self._commit()

    def finish(self, ending: Ending) -> None:
        """End the take and close the file. Raises TakeNotWritten; what was written before stays readable."""
        try:
            self.note(ending)
            self._writer.finish()
            self._file.commit()
            self._file.sync()
        except OSError as error:
            raise _not_written(self.path, error) from error
        finally:
            self._file.close()

    def finish_shortly(self, ending: Ending) -> None:
        """End a take on a full disk, where it stands, in a few hundred bytes; where there is no room for them either,
        its last frame makes room. Raises TakeNotWritten; the file is closed in any case."""
        try:
            try:
                self._file.end_with(_short_end(ending, self._now_ns()))
            except OSError:
                self._file.take_back()
                fewer = msgspec.structs.replace(ending, frames=ending.frames - 1, missed=ending.missed + 1)
                self._file.end_with(_short_end(fewer, self._now_ns()))
        except OSError as error:
            raise _not_written(self.path, error) from error
        finally:
            self._file.close()

    def abandon(self) -> None:
        """Close the file as it is: what is whole in it can be read."""
        self._file.close()

    def _add(self, record: msgspec.Struct, number: int, captured_ns: int, *, stream: str = "") -> None:
        """Into the chunk that is being filled."""
        tag = record.__struct_config__.tag
        topic = f"{MESSAGE_TOPIC}{tag}" if isinstance(tag, str) else _TOPICS[type(record)]
        key = (topic, stream)
        if key not in self._channels:
            about = {"stream": stream} if stream else {}
            self._channels[key] = self._writer.register_channel(topic, "msgpack", self._schema(type(record)), about)
        self._writer.add_message(self._channels[key], self._now_ns(), wire.encode(record), captured_ns, number)

    def _array_channel(self) -> int:
        key = (TOPIC_ARRAY, "")
        if key not in self._channels:
            self._channels[key] = self._writer.register_channel(TOPIC_ARRAY, "worldplate-array", 0)
        return self._channels[key]

    def _schema(self, kind: type[msgspec.Struct]) -> int:
        if kind not in self._schemas:
            text = json.dumps(msgspec.json.schema(kind)).encode()
            self._schemas[kind] = self._writer.register_schema(f"worldplate.{kind.__name__}", "jsonschema", text)
        return self._schemas[kind]

    def _plane_channel(self, plane: PackedPlane) -> int:
        key = (PLANE_TOPIC + plane.name, plane.format, str(plane.width), str(plane.height))
        if key not in self._channels:
            if len(self._channels) >= MOST_CHANNELS:
                raise TakeNotWritten(f"The take has {MOST_CHANNELS} sizes and planes", fix="Start another take.")
            about = {
                "format": str(plane.format), "width": str(plane.width), "height": str(plane.height),
                "coding": plane.coding,
            }  # fmt: skip
            self._channels[key] = self._writer.register_channel(key[0], "worldplate-plane", 0, about)
        return self._channels[key]

    def _now_ns(self) -> int:
        return self._offset_ns + time.monotonic_ns()

    def _commit(self) -> None:
        try:
            self._writer.flush()
            self._file.commit()
        except OSError as error:
            raise _not_written(self.path, error) from error


class _Whole:
    """A file in which a write is whole or undone: what MCAP's writer writes is gathered until `commit`."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except FileExistsError as error:
            raise TakeExists(f"There is a take {path.stem} already", fix="Choose another name.") from error
        except OSError as error:
            raise _not_written(path, error) from error
        self.bytes = 0  # committed
        self._before = 0  # of them, before the last commit
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0

    def write(self, data: bytes) -> int:
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        return len(data)

    def tell(self) -> int:
        return self.bytes + self._waiting_bytes

    def flush(self) -> None:
        """Nothing yet: `commit` does it."""

    def commit(self) -> None:
        """Raises OSError; then nothing of it is in the file."""
        data, self._waiting, self._waiting_bytes = b"".join(self._waiting), [], 0
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._cut(self.bytes)
            raise
        self._before, self.bytes = self.bytes, self.bytes + len(data)

    def take_back(self) -> None:
        """Undo the last commit."""
        self._cut(self._before)
        self.bytes = self._before

    def end_with(self, data: bytes) -> None:
        """Write the end after what is committed; what waits is given up. Raises OSError."""
        self._waiting, self._waiting_bytes = [data], len(data)
        self.commit()

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        """A second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)


def sha256_of(plane: Plane) -> str:
    """Of its bytes, rows without gaps, hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(plane).data).hexdigest()


def _short_end(ending: Ending, now_ns: int) -> bytes:
    """A chunk with the ending alone, and the end of an MCAP file without a summary."""
    records = RecordBuilder()
    Channel(id=MOST_CHANNELS + 1, topic=TOPIC_ENDING, message_encoding="msgpack", metadata={}, schema_id=0).write(
        records
    )
    told = wire.encode(ending)
    Message(channel_id=MOST_CHANNELS + 1, log_time=now_ns, publish_time=0, sequence=0, data=told).write(records)
    data: bytes = records.end()
    Chunk(
        compression="", data=data, message_start_time=now_ns, message_end_time=now_ns,
        uncompressed_crc=zlib.crc32(data), uncompressed_size=len(data),
    ).write(records)  # fmt: skip
    DataEnd(0).write(records)
    Footer(summary_start=0, summary_offset_start=0, summary_crc=0).write(records)
    whole: bytes = records.end() + MCAP0_MAGIC
    return whole


def _not_written(path: Path, error: OSError) -> TakeNotWritten:
    return TakeNotWritten(
        f"The take {path.stem} cannot be written to {path.parent}: {error.strerror}",
        fix="Make room there, or set `takes_dir` to another folder.",
    )
