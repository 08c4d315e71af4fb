"""Where things are in a take's file: walked from its front, record by record, without reading a plane.

The walk trusts no length: a record must end inside the file, and what is read of it is bounded. It needs no index from
the end of the file, so a file that was cut reads like a whole one, up to its last whole chunk.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.errors import MissingDependency, TakeCorrupt
from bridge.planes import BYTES_PER_PIXEL, check_layouts, plane_bytes
from bridge.schema import Limits, PixelFormat, PlaneLayout, PlaneName
from bridge.take_records import MESSAGE_TOPIC, PLANE_TOPIC, PROFILE, TOPIC_NOTE

try:
    from mcap.data_stream import ReadDataStream
    from mcap.exceptions import EndOfFile
    from mcap.opcode import Opcode
    from mcap.records import Channel, Header
    from mcap.writer import MCAP0_MAGIC
except ImportError as error:
    raise MissingDependency(
        f"takes need MCAP: {error}", fix='Install it with `pip install "worldplate[takes]"`.'
    ) from error

RECORD_HEAD = struct.Struct("<BQ")  # opcode, length of what follows
MESSAGE_HEAD = struct.Struct("<HIQQ")  # channel, sequence, log time, publish time
CHUNK_HEAD = struct.Struct("<QQQIIQ")  # start, end, size, CRC, length of the compression's name (0), length
MOST_SMALL_BYTES = 1 << 16  # of a channel or a header
MOST_RECORDS = 50_000_000  # of a file
WINDOW_BYTES = 1 << 14
RECORD_AGAIN = "Record it anew, or use another copy of the file."


@dataclass(frozen=True, slots=True)
class Head:
    """One record in the file: its opcode, and where its body is."""

    opcode: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class MessageHead:
    """One message in a chunk: what precedes its data, and where that is."""

    channel: int
    sequence: int
    publish_ns: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk, and the number of the frame in it; 0: what happened between frames."""

    offset: int
    length: int
    number: int
    stream: str = ""  # of the frame


@dataclass(frozen=True, slots=True)
class PlaneChannel:
    """What the messages of a channel of planes hold."""

    layout: PlaneLayout
    coding: str


@dataclass
class Index:
    """What the walk found."""

    topics: dict[int, str] = field(default_factory=dict)
    planes: dict[int, PlaneChannel] = field(default_factory=dict)
    streams: dict[int, str] = field(default_factory=dict)  # of the channels of frame notes
    places: list[Place] = field(default_factory=list)  # in the file's order
    frames: list[Place] = field(default_factory=list)  # number n at n - 1
    captured_ns: dict[str, list[int]] = field(default_factory=dict)  # by stream: first, last capture, and frames
    raw_bytes: int = 0  # of all planes
    problem: str = ""  # why the file ends before its end; empty when it does not


class TakeFile:
    """A file that is open for reading, by offset. Its owner closes it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.bytes = os.fstat(descriptor).st_size
        self._window, self._window_at = b"", 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes. Raises TakeCorrupt when the file has become shorter."""
        data = os.pread(self.descriptor, length, offset)
        if len(data) < length:
            raise TakeCorrupt(f"The file ends at byte {offset + len(data)}", fix=RECORD_AGAIN)
        return data

    def peek(self, offset: int, length: int) -> bytes:
        """Few bytes; those around them are read too, and kept for the next time."""
        at = offset - self._window_at
        if at < 0 or at + length > len(self._window):
            self._window, self._window_at = os.pread(self.descriptor, max(WINDOW_BYTES, length), offset), offset
            at = 0
        data = self._window[at : at + length]
        if len(data) < length:
            raise TakeCorrupt(f"The file ends at byte {offset + len(data)}", fix=RECORD_AGAIN)
        return data

    def records(self, start: int, end: int) -> Iterator[Head]:
        """The records from `start` on. Raises TakeCorrupt at the first that does not end by `end`."""
        while start < end:
            if start + RECORD_HEAD.size > end:
                raise TakeCorrupt(f"The file ends in the middle of a record, at byte {start}", fix=RECORD_AGAIN)
            opcode, length = RECORD_HEAD.unpack(self.peek(start, RECORD_HEAD.size))
            body = start + RECORD_HEAD.size
            if length > end - body:
                raise TakeCorrupt(f"The record at byte {start} does not end where it must", fix=RECORD_AGAIN)
            yield Head(opcode, body, length)
            start = body + length

    def chunk(self, place: Place) -> memoryview:
        """The records of a chunk, whole. Raises TakeCorrupt when its checksum is wrong."""
        size, crc = self.chunk_head(place.offset, place.length)
        data = self.read(place.offset + CHUNK_HEAD.size, size)
        if crc and zlib.crc32(data) != crc:
            raise TakeCorrupt(f"The checksum of the chunk at byte {place.offset} is wrong", fix=RECORD_AGAIN)
        return memoryview(data)

    def chunk_head(self, offset: int, length: int) -> tuple[int, int]:
        """Its bytes and their checksum."""
        if length < CHUNK_HEAD.size:
            raise TakeCorrupt(f"The chunk at byte {offset} has no head", fix=RECORD_AGAIN)
        _, _, size, crc, compression, stored = CHUNK_HEAD.unpack(self.peek(offset, CHUNK_HEAD.size))
        if compression:
            raise TakeCorrupt(
                "The file's chunks were compressed by another tool",
                fix="Decompress them: planes are compressed already.",
            )
        if not size == stored == length - CHUNK_HEAD.size:
            raise TakeCorrupt(f"The chunk at byte {offset} does not fill its record", fix=RECORD_AGAIN)
        return size, crc

    def messages(self, place: Place, index: Index, limits: Limits) -> Iterator[MessageHead]:
        """The messages of a chunk; channels that it declares are taken into `index`."""
        start = place.offset + CHUNK_HEAD.size
        for record in self.records(start, place.offset + place.length):
            if record.opcode == Opcode.CHANNEL:
                declare(self.peek(record.offset, _small(record)), index, limits)
            elif record.opcode == Opcode.MESSAGE:
                if record.length < MESSAGE_HEAD.size:
                    raise TakeCorrupt(f"The message at byte {record.offset} has no head", fix=RECORD_AGAIN)
                size = MESSAGE_HEAD.size
                channel, sequence, _, publish_ns = MESSAGE_HEAD.unpack(self.peek(record.offset, size))
                yield MessageHead(channel, sequence, publish_ns, record.offset + size, record.length - size)


def walk(file: TakeFile, limits: Limits) -> Index:
    """What is in the file. A file that was cut is told by `problem`.

    Raises TakeCorrupt for what is no take or is damaged before its first chunk, LimitExceeded for planes over a limit.
    """
    index = Index()
    _check_front(file)
    try:
        for count, record in enumerate(file.records(len(MCAP0_MAGIC), file.bytes)):
            if record.opcode == Opcode.DATA_END:
                index.problem = _back_problem(file)
                return index
            if count > MOST_RECORDS or record.opcode not in Opcode._value2member_map_:
                raise TakeCorrupt(f"There is no record at byte {record.offset}", fix=RECORD_AGAIN)
            if record.opcode == Opcode.CHUNK:
                _take_chunk(file, record, index, limits)
        index.problem = "The file has no end"
    except TakeCorrupt as error:
        index.problem = error.what
    return index


def _check_front(file: TakeFile) -> None:
    no_take = "Name a file that `worldplate record` wrote."
    start = len(MCAP0_MAGIC)
    if file.bytes < start or file.read(0, start) != MCAP0_MAGIC:
        raise TakeCorrupt("The file is not an MCAP file", fix=no_take)
    first = next(file.records(start, file.bytes), None)
    if first is None or first.opcode != Opcode.HEADER:
        raise TakeCorrupt("The file has no header", fix=no_take)
    try:
        header = Header.read(ReadDataStream(io.BytesIO(file.read(first.offset, _small(first)))))
    except (struct.error, UnicodeDecodeError, EndOfFile) as error:
        raise TakeCorrupt("The file's header is damaged", fix=no_take) from error
    if header.profile != PROFILE:
        raise TakeCorrupt("The file is an MCAP file, but no take", fix=no_take)


def _back_problem(file: TakeFile) -> str:
    last = file.read(file.bytes - len(MCAP0_MAGIC), len(MCAP0_MAGIC))
    return "" if last == MCAP0_MAGIC else "The file was cut within its summary"


def _small(record: Head) -> int:
    if record.length > MOST_SMALL_BYTES:
        raise TakeCorrupt(f"The record at byte {record.offset} has {record.length} bytes", fix=RECORD_AGAIN)
    return record.length


def _take_chunk(file: TakeFile, record: Head, index: Index, limits: Limits) -> None:
    """A chunk with a frame note is a frame: notes come last, so what went before is there."""
    number, raw_bytes, stream, captured_ns = 0, 0, "", 0
    place = Place(record.offset, record.length, 0)
    file.chunk_head(record.offset, record.length)
    for message in file.messages(place, index, limits):
        plane = index.planes.get(message.channel)
        if plane is not None:
            raw_bytes += plane_bytes(plane.layout)
        elif message.channel in index.streams:
            number, stream, captured_ns = message.sequence, index.streams[message.channel], message.publish_ns
    if number:
        if number != len(index.frames) + 1:
            raise TakeCorrupt(f"Frame {number} follows frame {len(index.frames)}", fix=RECORD_AGAIN)
        place = Place(record.offset, record.length, number, stream)
        index.frames.append(place)
        index.raw_bytes += raw_bytes
        span = index.captured_ns.setdefault(stream, [captured_ns, captured_ns, 0])
        span[1:] = captured_ns, span[2] + 1
    index.places.append(place)


def declare(body: bytes | memoryview, index: Index, limits: Limits) -> None:
    """Take in a channel. Raises TakeCorrupt, and what a plane's layout is refused for."""
    try:
        channel = Channel.read(ReadDataStream(io.BytesIO(bytes(body))))
    except (struct.error, UnicodeDecodeError, EndOfFile) as error:
        raise TakeCorrupt("A channel of the file is damaged", fix=RECORD_AGAIN) from error
    if index.topics.setdefault(channel.id, channel.topic) != channel.topic:
        raise TakeCorrupt(f"Channel {channel.id} is there twice", fix=RECORD_AGAIN)
    if channel.topic.startswith(PLANE_TOPIC):
        index.planes[channel.id] = _plane_channel(channel, limits)
    elif channel.topic == TOPIC_NOTE:
        index.streams[channel.id] = channel.metadata.get("stream", "")[:64]


def _plane_channel(channel: Channel, limits: Limits) -> PlaneChannel:
    try:
        told = channel.metadata
        form, width = PixelFormat(told["format"]), int(told["width"])
        layout = PlaneLayout(
            name=PlaneName(channel.topic.removeprefix(PLANE_TOPIC)), format=form, width=width,
            height=int(told["height"]), row_pitch_bytes=width * BYTES_PER_PIXEL[form],
        )  # fmt: skip
        coding = told["coding"]
    except (KeyError, ValueError) as error:
        raise TakeCorrupt(f"A channel of planes does not say what it holds: {error}", fix=RECORD_AGAIN) from error
    check_layouts((layout,), plane_bytes(layout), limits)
    return PlaneChannel(layout, coding)


def message_type(topic: str) -> str:
    """The type of the protocol's message that a topic is of; empty for another topic."""
    return topic.removeprefix(MESSAGE_TOPIC) if topic.startswith(MESSAGE_TOPIC) else ""
