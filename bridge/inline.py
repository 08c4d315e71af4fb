"""The inline transport: planes travel as the parts of a message, one part each, in the agreed order.

The way for engines that share no memory with the renderer. Received parts are viewed where they arrived.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import msgspec
import numpy as np

from bridge.errors import InvalidValue, RingFull
from bridge.planes import (
    DEFAULT_LIMITS,
    Copies,
    PlaneViews,
    Slot,
    check_agreed,
    check_layouts,
    payload_bytes,
    place,
    plane_bytes,
    view,
    views,
)
from bridge.schema import Frame, Limits, PlaneLayout, Result


class InlineEngineBuffers:
    """The engine's side. A slot's inputs are sent from where the engine wrote them, so it must not be released
    before its result has come or the link is done with the parts."""

    generation = 0

    def __init__(
        self,
        inputs: Sequence[PlaneLayout],
        outputs: Sequence[PlaneLayout],
        slot_count: int,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self.copies = Copies()
        placed = place(inputs, 0)
        check_layouts(placed, payload_bytes(placed), limits)
        self.part_layouts = _as_parts(inputs)
        self._outputs = _as_parts(outputs)
        self._limits = limits
        self._buffers = [np.zeros(payload_bytes(placed), np.uint8) for _ in range(slot_count)]
        self._inputs = [views(buffer, placed, writeable=True) for buffer in self._buffers]
        self._parts = [_parts(buffer, placed) for buffer in self._buffers]
        self._frame_ids = [0] * slot_count  # 0: the slot is free
        self._plates: list[PlaneViews | None] = [None] * slot_count
        self._free = deque(range(slot_count))

    def begin(self, frame_id: int) -> Slot:
        if not self._free:
            raise RingFull(f"All {len(self._frame_ids)} slots are taken", fix="Wait for a result, or drop this frame.")
        index = self._free.popleft()
        self._frame_ids[index] = frame_id
        return Slot(index, frame_id, dict(self._inputs[index]))

    def commit(self, slot: Slot) -> tuple[memoryview, ...]:
        return self._parts[slot.index]

    def accept(self, result: Result, parts: Sequence[memoryview]) -> None:
        """A result for a slot that was released meanwhile is forgotten; one without parts has no plate."""
        if not parts:
            return
        received = _view_parts(result.outputs, parts, self._outputs, self._limits)
        owners = [index for index, frame_id in enumerate(self._frame_ids) if frame_id == result.id]
        if owners:  # ids are unique within a stream only, so the slot decides between streams
            self._plates[result.slot if result.slot in owners else owners[0]] = received

    def plate(self, index: int, frame_id: int) -> PlaneViews | None:
        return self._plates[index] if self._frame_ids[index] == frame_id else None

    def plate_whole(self, index: int, frame_id: int) -> bool:
        return self.plate(index, frame_id) is not None

    def release(self, index: int) -> None:
        if self._frame_ids[index]:
            self._frame_ids[index] = 0
            self._plates[index] = None
            self._free.append(index)

    def close(self) -> None:
        self._free.clear()
        self._plates = [None] * len(self._plates)


class InlineRendererBuffers:
    """The renderer's side, for the planes and outputs that WELCOME agreed."""

    generation = 0

    def __init__(self, inputs: Sequence[PlaneLayout], outputs: Sequence[PlaneLayout], limits: Limits) -> None:
        self.copies = Copies()
        self.part_layouts = _as_parts(outputs)
        self._inputs = _as_parts(inputs)
        self._outputs = place(outputs, 0)
        self._limits = limits
        self._open: dict[tuple[str, int], tuple[memoryview, ...]] = {}  # by stream and frame: plates being written

    def inputs(self, frame: Frame, parts: Sequence[memoryview]) -> PlaneViews:
        if frame.generation != self.generation:
            raise InvalidValue(
                f"Frame {frame.id} names ring {frame.generation} in a session without rings",
                fix="Send generation 0 and the planes as parts.",
            )
        return _view_parts(frame.planes, parts, self._inputs, self._limits)

    def begin_plate(self, frame: Frame) -> PlaneViews:
        """A new buffer each time: the one before may still be on its way, or shown by an engine in this process."""
        buffer = np.empty(payload_bytes(self._outputs), np.uint8)
        self._open[frame.stream, frame.id] = _parts(buffer, self._outputs)
        return views(buffer, self._outputs, writeable=True)

    def commit_plate(self, frame: Frame) -> tuple[memoryview, ...]:
        parts = self._open.get((frame.stream, frame.id))
        if parts is None:
            raise InvalidValue(f"No plate was begun for frame {frame.id}", fix="Begin it first.")
        # Plates of a stream are finished in the order of their frames: an older one never will be.
        self._open = {key: kept for key, kept in self._open.items() if key[0] != frame.stream or key[1] > frame.id}
        return parts

    def beat(self, now_ns: int) -> None:
        """Nowhere to write it: the engine sees an inline renderer's life by its messages."""

    def close(self) -> None:
        self._open.clear()


def _as_parts(layouts: Sequence[PlaneLayout]) -> tuple[PlaneLayout, ...]:
    return tuple(msgspec.structs.replace(layout, offset_bytes=0) for layout in layouts)


def _parts(buffer: np.ndarray[tuple[int], np.dtype[np.uint8]], placed: Sequence[PlaneLayout]) -> tuple[memoryview, ...]:
    whole = buffer.data
    return tuple(whole[p.offset_bytes : p.offset_bytes + plane_bytes(p)] for p in placed)


def _view_parts(
    offered: Sequence[PlaneLayout], parts: Sequence[memoryview], agreed: Sequence[PlaneLayout], limits: Limits
) -> PlaneViews:
    check_agreed(offered, agreed)
    if len(parts) != len(offered):
        raise InvalidValue(
            f"The message has {len(parts)} parts for {len(offered)} planes", fix="Send one part for each plane."
        )
    for layout, part in zip(offered, parts, strict=True):
        if layout.offset_bytes != 0 or part.nbytes != plane_bytes(layout):
            raise InvalidValue(
                f"The part of plane `{layout.name}` has {part.nbytes} bytes, the plane {plane_bytes(layout)} "
                f"from byte {layout.offset_bytes} on",
                fix="Make a part hold exactly one plane.",
            )
        check_layouts((layout,), part.nbytes, limits)
    return {layout.name: view(part, layout, writeable=False) for layout, part in zip(offered, parts, strict=True)}
