"""The ring's header: written by the owner, and checked by whoever attaches.

The tables of `bridge/schema/ring.py` say where each field is; this file turns them into bytes and back.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.errors import InvalidValue, LimitExceeded, RingCorrupt
from bridge.planes import ALIGNMENT_BYTES, check_layouts
from bridge.schema import (
    RING_ABI_VERSION,
    RING_HEADER,
    RING_HEADER_BYTES,
    RING_MAGIC,
    RING_PLANE,
    RING_PLANE_BYTES,
    RING_PLANES_OFFSET,
    RING_SLOT_HEADER_BYTES,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    Planes,
    RingField,
)

HEADER = {field.name: field for field in RING_HEADER}
PLANE = {field.name: field for field in RING_PLANE}
_TYPE_BYTES = {"u32": 4, "u64": 8}
_NAMES, _FORMATS = list(PlaneName), list(PixelFormat)


def segment_bytes(slot_count: int, slot_bytes: int) -> int:
    """Size of the whole segment."""
    return RING_HEADER_BYTES + slot_count * (RING_SLOT_HEADER_BYTES + slot_bytes)


def slot_offset(index: int, slot_bytes: int) -> int:
    """Where a slot's header begins; its payload follows RING_SLOT_HEADER_BYTES later."""
    return RING_HEADER_BYTES + index * (RING_SLOT_HEADER_BYTES + slot_bytes)


def pack(planes: Planes, owner_pid: int, owner_start: int) -> bytes:
    """The header of the ring that `planes` announces."""
    header = bytearray(RING_HEADER_BYTES)
    values = {**_announced(planes), "owner_pid": owner_pid, "owner_start": owner_start}
    for name, value in values.items():
        put(header, HEADER[name], 0, value)
    for index, layout in enumerate((*planes.planes, *planes.outputs)):
        base = RING_PLANES_OFFSET + index * RING_PLANE_BYTES
        for name, value in plane_row(layout).items():
            put(header, PLANE[name], base, value)
    return bytes(header)


def check(header: bytes, planes: Planes) -> None:
    """Refuses a header (a private copy) that differs from the announcement, which was checked before.

    Raises RingCorrupt. Once it returns, `planes` alone is the ring's geometry: the header in shared memory is not
    asked again, so changing it has no effect.
    """
    _compare(header, HEADER.values(), 0, _announced(planes), "header")
    for index, layout in enumerate((*planes.planes, *planes.outputs)):
        base = RING_PLANES_OFFSET + index * RING_PLANE_BYTES
        _compare(header, PLANE.values(), base, plane_row(layout), f"plane `{layout.name}`")


def read(header: bytes, name: str) -> int:
    """One field of a header; the bytes must reach that far."""
    return get(header, HEADER[name], 0)


def check_announced(planes: Planes, limits: Limits) -> None:
    """Refuses a ring that breaks a limit or contradicts itself. Raises LimitExceeded or InvalidValue."""
    if planes.slot_count > limits.max_slots:
        raise LimitExceeded("slots of a ring", planes.slot_count, limits.max_slots, "max_slots")
    if planes.slot_count < 2:
        raise InvalidValue(f"The ring has {planes.slot_count} slots", fix="Make at least 2.")
    if planes.segment_bytes > limits.max_shared_bytes:
        raise LimitExceeded("a ring in bytes", planes.segment_bytes, limits.max_shared_bytes, "max_shared_bytes")
    if planes.slot_bytes % ALIGNMENT_BYTES:
        raise InvalidValue(f"A slot has {planes.slot_bytes} bytes", fix=f"Use a multiple of {ALIGNMENT_BYTES}.")
    if planes.segment_bytes != segment_bytes(planes.slot_count, planes.slot_bytes):
        raise InvalidValue(
            f"The segment has {planes.segment_bytes} bytes for {planes.slot_count} slots of {planes.slot_bytes}",
            fix=f"Make it {segment_bytes(planes.slot_count, planes.slot_bytes)}.",
        )
    check_layouts((*planes.planes, *planes.outputs), planes.slot_bytes, limits)


def _announced(planes: Planes) -> dict[str, int]:
    return {
        "magic": RING_MAGIC,
        "abi_version": RING_ABI_VERSION,
        "header_bytes": RING_HEADER_BYTES,
        "segment_bytes": planes.segment_bytes,
        "generation": planes.generation,
        "slot_count": planes.slot_count,
        "slot_header_bytes": RING_SLOT_HEADER_BYTES,
        "slot_bytes": planes.slot_bytes,
        "plane_count": len(planes.planes) + len(planes.outputs),
        "input_count": len(planes.planes),
    }


def plane_row(layout: PlaneLayout) -> dict[str, int]:
    """A plane as the values of a table's row, by name."""
    return {
        "name": _NAMES.index(layout.name),
        "format": _FORMATS.index(layout.format),
        "width": layout.width,
        "height": layout.height,
        "row_pitch_bytes": layout.row_pitch_bytes,
        "reserved": 0,
        "offset_bytes": layout.offset_bytes,
    }


def _compare(header: bytes, fields: Iterable[RingField], base: int, wanted: dict[str, int], where: str) -> None:
    for field in fields:
        if field.name in wanted and (found := get(header, field, base)) != wanted[field.name]:
            raise RingCorrupt(
                f"The ring's {where} says {field.name} {found}, but PLANES says {wanted[field.name]}",
                fix="Make a new ring and send PLANES again.",
            )


def put(header: bytearray, field: RingField, base: int, value: int) -> None:
    start, size = base + field.offset, _TYPE_BYTES[field.type]
    header[start : start + size] = value.to_bytes(size, "little")


def get(header: bytes, field: RingField, base: int) -> int:
    start = base + field.offset
    return int.from_bytes(header[start : start + _TYPE_BYTES[field.type]], "little")
