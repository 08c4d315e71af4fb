"""The shared ring, byte by byte: any language can read it from this table (PROTOCOL.md prints it)."""

from __future__ import annotations

from msgspec import Struct

RING_ABI_VERSION = 1
RING_MAGIC = 0x31474E49524C5057  # the bytes "WPLRING1", little-endian


class RingField(Struct, frozen=True):
    """One field of a shared struct: little-endian, naturally aligned, at a fixed offset."""

    name: str
    type: str  # "u32" or "u64"
    offset: int
    description: str


RING_HEADER_BYTES = 4096
RING_SLOT_HEADER_BYTES = 64
RING_MAX_PLANES = 16
RING_PLANES_OFFSET = 256

RING_HEADER: tuple[RingField, ...] = (
    RingField("magic", "u64", 0, "RING_MAGIC, written last when the header is complete"),
    RingField("abi_version", "u32", 8, "RING_ABI_VERSION"),
    RingField("header_bytes", "u32", 12, "RING_HEADER_BYTES"),
    RingField("segment_bytes", "u64", 16, "size of the whole segment"),
    RingField("generation", "u64", 24, "counts the session's rings, from 1"),
    RingField("owner_pid", "u64", 32, "process that made the segment (the engine)"),
    RingField(
        "owner_start", "u64", 40, "its start time in clock ticks since boot (/proc/PID/stat field 22); 0 where unknown"
    ),
    RingField("slot_count", "u32", 48, "slots, 2..64"),
    RingField("slot_header_bytes", "u32", 52, "RING_SLOT_HEADER_BYTES"),
    RingField("slot_bytes", "u64", 56, "payload bytes of a slot, a multiple of 64"),
    RingField("plane_count", "u32", 64, "entries in the plane table, inputs first"),
    RingField("input_count", "u32", 68, "how many of them are inputs"),
    RingField("beat", "u64", 128, "counted up by the renderer's render loop, at least every 100 ms while it is idle"),
    RingField("beat_ns", "u64", 136, "monotonic time of the last beat, nanoseconds"),
    RingField("reader_pid", "u64", 144, "process that mapped the segment (the renderer)"),
)

RING_PLANE_BYTES = 32
RING_PLANE: tuple[RingField, ...] = (
    RingField("name", "u32", 0, "index into PlaneName"),
    RingField("format", "u32", 4, "index into PixelFormat"),
    RingField("width", "u32", 8, "pixels"),
    RingField("height", "u32", 12, "pixels"),
    RingField("row_pitch_bytes", "u32", 16, "bytes from one row to the next"),
    RingField("reserved", "u32", 20, "0"),
    RingField("offset_bytes", "u64", 24, "from the start of the slot's payload"),
)

RING_SLOT: tuple[RingField, ...] = (
    RingField("input_sequence", "u64", 0, "odd while the engine writes the inputs, even when they are whole"),
    RingField("input_frame_id", "u64", 8, "frame whose inputs are in the slot"),
    RingField("plate_sequence", "u64", 16, "odd while the renderer writes the outputs, even when they are whole"),
    RingField("plate_frame_id", "u64", 24, "frame whose outputs are in the slot"),
)
