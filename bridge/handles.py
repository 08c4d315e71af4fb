"""GPU buffers are handed over: the packet that says what they are, and the handles that come with it.

How both travel is the system's: file descriptors over a Unix socket (bridge/handles_linux.py), or the packet through a
pipe, and NT handles that are pulled out of the engine's process (bridge/handles_windows.py). Who hands over is asked of
the kernel, not of him; the session id, which only an engine that has shown the token knows, comes in the packet.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import HandleRefused, LimitExceeded
from bridge.planes import ALIGNMENT_BYTES, check_layouts
from bridge.ring_header import PLANE, get, plane_row, put
from bridge.schema import (
    HANDLES,
    HANDLES_ABI_VERSION,
    HANDLES_BYTES,
    HANDLES_MAGIC,
    RING_MAX_PLANES,
    RING_PLANE_BYTES,
    RING_PLANES_OFFSET,
    HandleKind,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
)

SEMAPHORES = 2  # `ready` and `done`
SIGNALS = 1  # both as words of a page (bridge/signals.py)
MOST_HANDLES = 1 + SEMAPHORES
TOKEN_BYTES = 64
ORDERED_BY = {
    HandleKind.VULKAN_FD: (SEMAPHORES, 0),
    HandleKind.CUDA_FD: (SIGNALS, 0),
    HandleKind.CUDA_IPC: (SIGNALS, 0),
    HandleKind.D3D12_HEAP: (SEMAPHORES,),
    HandleKind.D3D12_RESOURCE: (SEMAPHORES,),
}  # how many handles follow the memory
OF_D3D12 = frozenset({HandleKind.D3D12_HEAP, HandleKind.D3D12_RESOURCE})
HERE = OF_D3D12 if sys.platform == "win32" else frozenset(HandleKind) - OF_D3D12  # what this system hands over
LUID_DIGITS = 16
PATIENCE_S = 2.0  # that somebody who has connected has to send his packet
_TOLD_BY_TOKEN = OF_D3D12 | {HandleKind.CUDA_IPC}
_FIELDS = {entry.name: entry for entry in HANDLES}
_TOKEN = tuple(f"token_{number}" for number in range(TOKEN_BYTES // 8))
_NAMES, _FORMATS = list(PlaneName), list(PixelFormat)
_AGAIN = "Hand the buffers over again, as PROTOCOL.md says."


@dataclass(frozen=True)
class Offer:
    """What a packet says."""

    kind: HandleKind
    session: str  # 32 hex digits
    device: str  # of a UUID 32 hex digits, of a LUID LUID_DIGITS
    generation: int
    memory_bytes: int
    slot_bytes: int
    slot_count: int
    planes: tuple[PlaneLayout, ...]
    outputs: tuple[PlaneLayout, ...]
    dedicated: bool = False
    semaphores: int = SEMAPHORES
    token: bytes = b""  # TOKEN_BYTES: of CUDA_IPC, and of D3D12 the engine's own handles

    @property
    def handle_count(self) -> int:
        return self.semaphores + (self.kind is not HandleKind.CUDA_IPC)

    @property
    def engine_handles(self) -> tuple[int, ...]:
        """Of D3D12: values of the NT handles of memory, `ready` and `done` in the engine's process."""
        return struct.unpack_from(f"<{MOST_HANDLES}Q", self.token)


@dataclass
class Handed:
    """A packet, the handles that came with it, and the process that sent them. Whoever takes it closes it."""

    offer: Offer
    handles: list[int]  # file descriptors, or NT handles of this process
    pid: int
    let_go: Callable[[int], object] = os.close  # of one of them
    refusal: HandleRefused | None = None  # why none came
    _lent: list[int] = field(default_factory=list)

    def take(self, at: int = 0) -> int:
        """One of the handles, for the GPU's driver. A file descriptor is from now on the taker's; an NT handle is
        still closed here, since an import leaves it as it was."""
        handle = self.handles.pop(at)
        if self.offer.kind in OF_D3D12:
            self._lent.append(handle)
        return handle

    def close(self) -> None:
        """Closes the file descriptors that nobody has taken out, and every NT handle. A second time does nothing."""
        for held in (self.handles, self._lent):
            while held:
                self.let_go(held.pop())


def pack(offer: Offer) -> bytes:
    """The packet of an offer."""
    packet = bytearray(HANDLES_BYTES)
    for name, value in _numbers(offer).items():
        put(packet, _FIELDS[name], 0, value)
    for index, layout in enumerate((*offer.planes, *offer.outputs)):
        for name, value in plane_row(layout).items():
            put(packet, PLANE[name], RING_PLANES_OFFSET + index * RING_PLANE_BYTES, value)
    return bytes(packet)


def unpack(packet: bytes) -> Offer:
    """The offer of a packet. Raises HandleRefused for what is none; nothing is checked against a session."""
    if len(packet) != HANDLES_BYTES:
        raise HandleRefused(f"the packet has {len(packet)} bytes and not {HANDLES_BYTES}", fix=_AGAIN)
    found = {name: get(packet, field, 0) for name, field in _FIELDS.items()}
    if found["magic"] != HANDLES_MAGIC or found["abi_version"] != HANDLES_ABI_VERSION:
        raise HandleRefused("the packet is of another kind or version", fix="Update plugin and renderer together.")
    if found["kind"] not in list(HandleKind):
        raise HandleRefused(f"there is no kind of handle {found['kind']}", fix="Use one of HandleKind.")
    kind = HandleKind(found["kind"])
    if found["semaphores"] not in ORDERED_BY[kind]:
        raise HandleRefused(
            f"{found['semaphores']} semaphores are announced for {kind.name.lower()}",
            fix=f"Send {ORDERED_BY[kind][0]}, or none.",
        )
    if not found["input_count"] <= found["plane_count"] <= RING_MAX_PLANES:
        raise HandleRefused(
            f"{found['plane_count']} planes are listed, {found['input_count']} of them inputs",
            fix=f"List {RING_MAX_PLANES} at most.",
        )
    layouts = tuple(_layout(packet, index) for index in range(found["plane_count"]))
    return Offer(
        kind=kind,
        session=f"{found['session_high']:016x}{found['session_low']:016x}",
        device=_device_of(kind, found["device_high"], found["device_low"]),
        generation=found["generation"],
        memory_bytes=found["memory_bytes"],
        slot_bytes=found["slot_bytes"],
        slot_count=found["slot_count"],
        planes=layouts[: found["input_count"]],
        outputs=layouts[found["input_count"] :],
        dedicated=found["dedicated"] == 1,
        semaphores=found["semaphores"],
        token=struct.pack("<8Q", *(found[name] for name in _TOKEN)) if kind in _TOLD_BY_TOKEN else b"",
    )


def check(offer: Offer, limits: Limits) -> None:
    """Refuses buffers that break a limit or themselves. Raises LimitExceeded, InvalidValue, HandleRefused."""
    if offer.slot_count > limits.max_slots:
        raise LimitExceeded("slots of a hand-over", offer.slot_count, limits.max_slots, "max_slots")
    if offer.slot_count < 2:
        raise HandleRefused(f"there are {offer.slot_count} slots", fix="Make at least 2.")
    if offer.memory_bytes > limits.max_shared_bytes:
        raise LimitExceeded("GPU memory in bytes", offer.memory_bytes, limits.max_shared_bytes, "max_shared_bytes")
    if offer.slot_bytes % ALIGNMENT_BYTES or offer.slot_count * offer.slot_bytes > offer.memory_bytes:
        raise HandleRefused(
            f"{offer.slot_count} slots of {offer.slot_bytes} bytes do not lie in {offer.memory_bytes}",
            fix=f"Make slots a multiple of {ALIGNMENT_BYTES} bytes, and the memory hold all of them.",
        )
    if offer.kind is HandleKind.D3D12_RESOURCE and not offer.dedicated:
        raise HandleRefused(
            "a d3d12_resource came with `dedicated` 0", fix="Set it to 1: the memory is this buffer's alone."
        )
    check_layouts((*offer.planes, *offer.outputs), offer.slot_bytes, limits)


def check_handles(handed: Handed) -> None:
    """Refuses handles that are of another system, too few, too many, or of a file on a disk, which is no GPU memory.

    Raises HandleRefused.
    """
    offer = handed.offer
    if offer.kind not in HERE:
        raise HandleRefused(
            f"{offer.kind.name.lower()} is not handed over on this system",
            fix=f"Hand over one of: {', '.join(kind.name.lower() for kind in sorted(HERE))}.",
        )
    if handed.refusal is not None:
        raise handed.refusal
    if len(handed.handles) != offer.handle_count:
        raise HandleRefused(f"{len(handed.handles)} handles came for {offer.handle_count}", fix=_AGAIN)
    if offer.kind not in OF_D3D12 and any(_is_of_a_file(fd) for fd in handed.handles):
        raise HandleRefused("a file descriptor is of a file", fix="Send what the GPU's driver has exported.")


def _is_of_a_file(fd: int) -> bool:
    status = os.fstat(fd)
    return stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink > 0)


def path_beside(folder: Path, pid: int) -> Path:
    """Where the renderer of that process takes hand-overs under Linux; `folder` has its connection file."""
    return folder / f"handles-{pid}.sock"


def _numbers(offer: Offer) -> dict[str, int]:
    return {
        "magic": HANDLES_MAGIC,
        "abi_version": HANDLES_ABI_VERSION,
        "kind": int(offer.kind),
        "session_high": int(offer.session[:16], 16),
        "session_low": int(offer.session[16:], 16),
        "device_high": int(offer.device[:16], 16),
        "device_low": int(offer.device[16:] or "0", 16),
        "generation": offer.generation,
        "memory_bytes": offer.memory_bytes,
        "slot_bytes": offer.slot_bytes,
        "slot_count": offer.slot_count,
        "dedicated": int(offer.dedicated),
        "semaphores": offer.semaphores,
        "plane_count": len(offer.planes) + len(offer.outputs),
        "input_count": len(offer.planes),
        **dict(zip(_TOKEN, struct.unpack("<8Q", offer.token or bytes(TOKEN_BYTES)), strict=True)),
    }


def _device_of(kind: HandleKind, high: int, low: int) -> str:
    digits = f"{high:016x}{low:016x}"
    return digits[:LUID_DIGITS] if kind in OF_D3D12 and low == 0 else digits


def _layout(packet: bytes, index: int) -> PlaneLayout:
    row = {name: get(packet, field, RING_PLANES_OFFSET + index * RING_PLANE_BYTES) for name, field in PLANE.items()}
    if row["name"] >= len(_NAMES) or row["format"] >= len(_FORMATS):
        raise HandleRefused(f"plane {index} has the name {row['name']} and the format {row['format']}", fix=_AGAIN)
    return PlaneLayout(
        name=_NAMES[row["name"]],
        format=_FORMATS[row["format"]],
        width=row["width"],
        height=row["height"],
        row_pitch_bytes=row["row_pitch_bytes"],
        offset_bytes=row["offset_bytes"],
    )
