"""The shared ring: pixels are written once by the engine and read in place by the renderer, and back.

The segment is a header, then `slot_count` slots of a slot header and a payload (`bridge/schema/ring.py` has every
byte). Each side of a slot is a sequence lock: the writer makes the sequence odd, names the frame, writes the planes
and makes the sequence even; the reader takes the planes when the sequence is even and the frame is the one it wants,
and asks again when it is done. A torn plane is thus always noticed, also when its writer was killed. Which slot is
free is in the engine's own memory, so nothing in the segment can make it hand out a slot that is in use.

Memory order: the stores must become visible in program order. On x86-64 they do, and CPython neither reorders nor
splits an aligned 8-byte store. Other languages and processors need a release fence after the store of the odd
sequence, a release store of the even one, an acquire load of the sequence before the planes are read, and an acquire
fence before it is loaded again. That a plane is *there* is told by a message, which the kernel orders anyway.
"""

from __future__ import annotations

import mmap
import os
import weakref
from collections import deque
from collections.abc import Sequence

import msgspec

from bridge import ring_header, segment
from bridge.errors import InvalidValue, RingCorrupt, RingFull
from bridge.planes import DEFAULT_LIMITS, Copies, PlaneViews, Slot, payload_bytes, place, views
from bridge.schema import (
    RING_HEADER_BYTES,
    RING_MAGIC,
    RING_SLOT_HEADER_BYTES,
    Frame,
    Limits,
    PlaneLayout,
    Planes,
    Result,
)

# Indices of 8-byte words: of RING_SLOT in a slot header, and of the beat fields from the header's byte 128 on.
_INPUT_SEQUENCE, _INPUT_FRAME, _PLATE_SEQUENCE, _PLATE_FRAME = range(4)
_BEAT, _BEAT_NS, _READER_PID = range(3)
_BEAT_OFFSET = ring_header.HEADER["beat"].offset
_U64 = 2**64 - 1


class Ring:
    """The engine's side, which owns the segment. Implements `EngineBuffers`."""

    part_layouts: tuple[PlaneLayout, ...] = ()

    def __init__(self, planes: Planes, memory: mmap.mmap) -> None:
        """Use `create`."""
        self.generation = planes.generation
        self.copies = Copies()
        self._planes = planes
        self._beats = _words(memory, _BEAT_OFFSET, 3)
        self._slots = [_slot_words(memory, planes, index) for index in range(planes.slot_count)]
        self._inputs = _slot_views(memory, planes, planes.planes, writeable=True)
        self._plates = _slot_views(memory, planes, planes.outputs, writeable=False)
        self._sequence = [0] * planes.slot_count  # of the inputs; never read back from where others can write
        self._plate_sequence = [0] * planes.slot_count  # as last seen by `plate`
        self._free = deque(range(planes.slot_count))  # the slot that was released first is taken first
        self._taken: set[int] = set()
        self._unlink = weakref.finalize(self, _unlink_own, planes.segment, os.getpid())

    @classmethod
    def create(
        cls,
        inputs: Sequence[PlaneLayout],
        outputs: Sequence[PlaneLayout],
        slot_count: int,
        generation: int,
        limits: Limits = DEFAULT_LIMITS,
    ) -> Ring:
        """A new segment for these planes. Their row pitches are kept; their offsets are set here.

        Raises LimitExceeded, InvalidValue, and TransportError when the machine has not got the memory.
        """
        placed_inputs = place(inputs, 0)
        placed_outputs = place(outputs, payload_bytes(placed_inputs))
        slot_bytes = payload_bytes((*placed_inputs, *placed_outputs))
        planes = Planes(
            session="0" * 32,
            generation=generation,
            segment="worldplate-" + "0" * 32,
            segment_bytes=ring_header.segment_bytes(slot_count, slot_bytes),
            slot_count=slot_count,
            slot_bytes=slot_bytes,
            planes=placed_inputs,
            outputs=placed_outputs,
        )
        ring_header.check_announced(planes, limits)
        name, memory = segment.create(planes.segment_bytes)
        header = ring_header.pack(planes, os.getpid(), segment.process_start_ticks(os.getpid()) or 0)
        memory[8:RING_HEADER_BYTES] = header[8:]
        memory[:8] = header[:8]  # the magic comes last: a header with it is complete
        return cls(msgspec.structs.replace(planes, segment=name), memory)

    def message(self, session: str) -> Planes:
        """What tells the renderer of this ring."""
        return msgspec.structs.replace(self._planes, session=session)

    def begin(self, frame_id: int) -> Slot:
        if not self._free:
            raise RingFull(
                f"All {len(self._slots)} slots of the ring are taken", fix="Wait for a result, or drop this frame."
            )
        index = self._free.popleft()
        self._taken.add(index)
        words, sequence = self._slots[index], (self._sequence[index] + 1) & _U64 | 1
        self._sequence[index] = sequence
        words[_INPUT_SEQUENCE] = sequence
        words[_INPUT_FRAME] = frame_id
        return Slot(index, frame_id, self._inputs[index].copy())

    def commit(self, slot: Slot) -> tuple[memoryview, ...]:
        sequence = (self._sequence[slot.index] + 1) & _U64
        self._sequence[slot.index] = sequence
        self._slots[slot.index][_INPUT_SEQUENCE] = sequence
        return ()

    def accept(self, result: Result, parts: Sequence[memoryview]) -> None:
        """The plate is in the slot already."""

    def plate(self, index: int, frame_id: int) -> PlaneViews | None:
        if not self._slots:  # closed
            return None
        words = self._slots[index]
        sequence = words[_PLATE_SEQUENCE]
        # The sequence once more: a writer may have begun between the two loads, and its frame id been read.
        if sequence & 1 or words[_PLATE_FRAME] != frame_id or words[_PLATE_SEQUENCE] != sequence:
            return None
        self._plate_sequence[index] = sequence
        return self._plates[index].copy()

    def plate_whole(self, index: int, frame_id: int) -> bool:
        if not self._slots:
            return False
        words = self._slots[index]
        return words[_PLATE_FRAME] == frame_id and words[_PLATE_SEQUENCE] == self._plate_sequence[index]

    def release(self, index: int) -> None:
        if index in self._taken:
            self._taken.remove(index)
            self._free.append(index)

    @property
    def beat(self) -> int:
        """Counted up by the renderer's render loop."""
        return self._beats[_BEAT]

    @property
    def beat_ns(self) -> int:
        """Monotonic time of the last beat, nanoseconds; 0 before the first."""
        return self._beats[_BEAT_NS]

    @property
    def reader_pid(self) -> int:
        """Process that mapped the ring last; 0 before any did."""
        return self._beats[_READER_PID]

    def close(self) -> None:
        """Removes the segment's name. The memory goes when the last view of it is dropped, here and there."""
        self._unlink()
        self._free.clear()
        self._taken.clear()
        self._slots, self._inputs, self._plates = [], [], []
        self._beats = _words(bytearray(self._beats), 0, 3)


class RingReader:
    """The renderer's side, which only maps the segment. Implements `RendererBuffers`."""

    part_layouts: tuple[PlaneLayout, ...] = ()

    def __init__(self, planes: Planes, memory: mmap.mmap) -> None:
        """Use `attach`."""
        self.generation = planes.generation
        self.copies = Copies()
        self._beats = _words(memory, _BEAT_OFFSET, 3)
        self._slots = [_slot_words(memory, planes, index) for index in range(planes.slot_count)]
        self._inputs = _slot_views(memory, planes, planes.planes, writeable=False)
        self._outputs = _slot_views(memory, planes, planes.outputs, writeable=True)
        self._input_sequence = [-1] * planes.slot_count  # as last seen by `inputs`; -1 equals none
        self._plate_sequence = [1] * planes.slot_count
        self._beat = self._beats[_BEAT]
        self._beats[_READER_PID] = os.getpid()

    @classmethod
    def attach(cls, planes: Planes, limits: Limits) -> RingReader:
        """Maps the ring that a PLANES message announced, after checking the message and a copy of the header.

        Raises LimitExceeded, InvalidValue or RingCorrupt; never maps what it did not check.
        """
        ring_header.check_announced(planes, limits)
        memory = segment.attach(planes.segment, planes.segment_bytes, limits)
        ring_header.check(memory[:RING_HEADER_BYTES], planes)
        return cls(planes, memory)

    def inputs(self, frame: Frame, parts: Sequence[memoryview]) -> PlaneViews:
        words = self._words(frame)
        sequence = words[_INPUT_SEQUENCE]
        if sequence & 1 or words[_INPUT_FRAME] != frame.id or words[_INPUT_SEQUENCE] != sequence:
            raise RingCorrupt(
                f"Slot {frame.slot} does not hold frame {frame.id} whole",
                fix="Commit a frame before it is sent, and keep its slot until the result.",
            )
        self._input_sequence[frame.slot] = sequence
        return self._inputs[frame.slot].copy()

    def begin_plate(self, frame: Frame) -> PlaneViews:
        words = self._words(frame)
        sequence = (words[_PLATE_SEQUENCE] + 1) & _U64 | 1  # odd and new, also after a torn plate
        self._plate_sequence[frame.slot] = sequence
        words[_PLATE_SEQUENCE] = sequence
        words[_PLATE_FRAME] = frame.id
        return self._outputs[frame.slot].copy()

    def commit_plate(self, frame: Frame) -> tuple[memoryview, ...]:
        words = self._words(frame)
        if words[_INPUT_FRAME] != frame.id or words[_INPUT_SEQUENCE] != self._input_sequence[frame.slot]:
            raise RingCorrupt(
                f"Slot {frame.slot} of frame {frame.id} was overwritten while it was read",
                fix="Keep a slot until the result, or use more slots.",
            )
        words[_PLATE_SEQUENCE] = (self._plate_sequence[frame.slot] + 1) & _U64
        return ()

    def beat(self, now_ns: int) -> None:
        self._beat = (self._beat + 1) & _U64
        self._beats[_BEAT_NS] = now_ns
        self._beats[_BEAT] = self._beat

    def close(self) -> None:
        """Unmaps the segment when the last view of it is dropped; never removes it."""
        self._slots, self._inputs, self._outputs = [], [], []
        self._beats = _words(bytearray(self._beats), 0, 3)

    def _words(self, frame: Frame) -> memoryview[int]:
        if frame.generation != self.generation:
            raise InvalidValue(
                f"Frame {frame.id} names ring {frame.generation}, and ring {self.generation} is mapped",
                fix="Send PLANES before frames of a new ring.",
            )
        if not 0 <= frame.slot < len(self._slots):
            raise InvalidValue(
                f"Frame {frame.id} names slot {frame.slot} of {len(self._slots)}", fix="Name a slot of the ring."
            )
        return self._slots[frame.slot]


def reap_dead_rings() -> list[str]:
    """Removes this user's segments whose owner no longer runs, and returns their names.

    A segment without a complete header is removed when it is older than `segment.INCOMPLETE_AGE_S`.
    """
    dead = [name for name, header, age_s in segment.leftovers(RING_HEADER_BYTES) if _is_dead(header, age_s)]
    for name in dead:
        segment.unlink(name)
    return dead


def _is_dead(header: bytes, age_s: float) -> bool:
    if len(header) < RING_HEADER_BYTES or ring_header.read(header, "magic") != RING_MAGIC:
        return age_s > segment.INCOMPLETE_AGE_S
    started = segment.process_start_ticks(ring_header.read(header, "owner_pid"))
    return started is None or ring_header.read(header, "owner_start") not in (0, started)


def _words(memory: mmap.mmap | bytearray, offset: int, count: int) -> memoryview[int]:
    # A cast memoryview loads and stores a scalar in 70 ns, a NumPy array in 150.
    return memoryview(memory)[offset : offset + 8 * count].cast("Q")


def _slot_words(memory: mmap.mmap, planes: Planes, index: int) -> memoryview[int]:
    return _words(memory, ring_header.slot_offset(index, planes.slot_bytes), 4)


def _slot_views(
    memory: mmap.mmap, planes: Planes, layouts: Sequence[PlaneLayout], *, writeable: bool
) -> list[PlaneViews]:
    starts = (ring_header.slot_offset(i, planes.slot_bytes) for i in range(planes.slot_count))
    return [views(memory, layouts, start + RING_SLOT_HEADER_BYTES, writeable=writeable) for start in starts]


def _unlink_own(name: str, owner_pid: int) -> None:
    if os.getpid() == owner_pid:  # a forked child must not take its parent's ring away
        segment.unlink(name)
