"""Records, messages and frames of a take from their bytes, each size checked before it is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge import wire
from bridge.errors import LimitExceeded, ProtocolError, TakeCorrupt, TakeVersion
from bridge.plane_coding import CODINGS, decompress, unpack
from bridge.planes import Plane, PlaneViews, plane_bytes
from bridge.schema import Frame, Limits, Message, Result
from bridge.take_index import RECORD_AGAIN, Index, MessageHead, PlaneChannel, message_type
from bridge.take_records import FORMAT_VERSION, OUTPUTS, TOPIC_NOTE, FrameNote, Opening, WorldState

S = TypeVar("S", bound=msgspec.Struct)
M = TypeVar("M", bound=Message)


def record_of(body: bytes | memoryview, kind: type[S], limits: Limits) -> S:
    """One of the records of bridge/take_records.py. Raises TakeCorrupt, LimitExceeded, TakeVersion for an Opening."""
    try:
        if issubclass(kind, Opening):
            _check_version(wire.decode_as(body, _Version, limits).format_version)
        return wire.decode_as(body, kind, limits)
    except LimitExceeded:
        raise
    except ProtocolError as error:
        raise TakeCorrupt(f"A record of the take is damaged: {error.what}", fix=RECORD_AGAIN) from error


def message_of(body: bytes | memoryview, kind: type[M], limits: Limits) -> M:
    """A message of the protocol. Raises TakeCorrupt, LimitExceeded."""
    try:
        message = wire.decode(body, limits)
    except LimitExceeded:
        raise
    except ProtocolError as error:
        raise TakeCorrupt(f"A message of the take is damaged: {error.what}", fix=RECORD_AGAIN) from error
    if not isinstance(message, kind):
        raise TakeCorrupt(f"A {type(message).__name__} stands for a {kind.__name__}", fix=RECORD_AGAIN)
    return message


def arrays_of(state: WorldState, bodies: Sequence[memoryview], limits: Limits) -> dict[str, NDArray[Any]]:
    """The arrays of a saved world. Raises TakeCorrupt, LimitExceeded."""
    if len(bodies) != len(state.arrays):
        raise TakeCorrupt(f"A world has {len(bodies)} of {len(state.arrays)} arrays", fix=RECORD_AGAIN)
    arrays: dict[str, NDArray[Any]] = {}
    for told, body in zip(state.arrays, bodies, strict=True):
        try:
            dtype: np.dtype[Any] = np.dtype(told.dtype)
        except TypeError as error:
            raise TakeCorrupt(f"A world has an array of {told.dtype}", fix=RECORD_AGAIN) from error
        size = math.prod(told.shape) * dtype.itemsize
        if size > limits.max_frame_bytes:
            raise LimitExceeded("an array of a world, bytes,", size, limits.max_frame_bytes, "max_frame_bytes")
        arrays[told.name] = np.frombuffer(unpack(body, size), dtype).reshape(told.shape).copy()
    return arrays


class FrameParts:
    """A frame, while its chunk is read."""

    def __init__(self, number: int, limits: Limits) -> None:
        self.planes: PlaneViews = {}
        self.outputs: PlaneViews = {}
        self._number, self._limits = number, limits
        self._header: Frame | None = None
        self._result: Result | None = None
        self._note: FrameNote | None = None
        self._raw_bytes = 0

    def take(self, index: Index, head: MessageHead, body: memoryview) -> None:
        """One message of the chunk. Raises TakeCorrupt, LimitExceeded, TakeVersion."""
        channel, topic = index.planes.get(head.channel), index.topics.get(head.channel, "")
        if channel is not None:
            name = channel.layout.name
            to = self.outputs if name in OUTPUTS else self.planes
            if name in to:
                raise TakeCorrupt(f"Frame {self._number} has the plane {name} twice", fix=RECORD_AGAIN)
            to[name] = self._plane(channel, body)
        elif topic == TOPIC_NOTE:
            self._note = record_of(body, FrameNote, self._limits)
        elif message_type(topic) == "FRAME":
            self._header = message_of(body, Frame, self._limits)
        elif message_type(topic) == "RESULT":
            self._result = message_of(body, Result, self._limits)

    def whole(self) -> tuple[Frame, Result, FrameNote]:
        """Raises TakeCorrupt when something is not there."""
        if self._header is None or self._result is None or self._note is None:
            raise TakeCorrupt(f"Frame {self._number} is not whole", fix=RECORD_AGAIN)
        return self._header, self._result, self._note

    def _plane(self, channel: PlaneChannel, body: memoryview) -> Plane:
        layout, coding = channel.layout, channel.coding
        if coding not in CODINGS:
            raise TakeVersion(
                f"The take keeps planes as '{coding[:40]}', which this version does not know", fix="Update worldplate."
            )
        self._raw_bytes += plane_bytes(layout)
        most = 2 * self._limits.max_frame_bytes  # inputs and outputs
        if self._raw_bytes > most:
            raise LimitExceeded("the planes of one frame, bytes,", self._raw_bytes, most, "max_frame_bytes")
        return decompress(body, layout.format, layout.width, layout.height, coding)


class _Version(msgspec.Struct):
    """What every version of an Opening says."""

    format_version: int


def _check_version(version: int) -> None:
    if version != FORMAT_VERSION:
        raise TakeVersion(
            f"The take is of version {version} of the format, this software reads version {FORMAT_VERSION}",
            fix="Update worldplate." if version > FORMAT_VERSION else "Read it with the version that wrote it.",
        )
