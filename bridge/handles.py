"""GPU buffers are handed over: file descriptors over a Unix socket, and the packet that says what they are.

The socket lies in the user's private folder (mode 0700). Who connects is asked of the kernel, not of him; the session
id, which only an engine that has shown the token knows, comes in the packet. Linux.
"""

from __future__ import annotations

import array
import logging
import os
import socket
import stat
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import HandleRefused, LimitExceeded, TransportError
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

_log = logging.getLogger(__name__)

SEMAPHORES = 2  # `ready` and `done`
SIGNALS = 1  # both as words of a page (bridge/signals.py)
MOST_FDS = 1 + SEMAPHORES
TOKEN_BYTES = 64
ORDERED_BY = {
    HandleKind.VULKAN_FD: (SEMAPHORES, 0),
    HandleKind.CUDA_FD: (SIGNALS, 0),
    HandleKind.CUDA_IPC: (SIGNALS, 0),
    HandleKind.D3D12_HEAP: (SEMAPHORES,),
    HandleKind.D3D12_RESOURCE: (SEMAPHORES,),
}  # how many file descriptors follow the memory
PATIENCE_S = 2.0  # that somebody who has connected has to send his packet
_FIELDS = {field.name: field for field in HANDLES}
_TOKEN = tuple(f"token_{number}" for number in range(TOKEN_BYTES // 8))
_NAMES, _FORMATS = list(PlaneName), list(PixelFormat)
_AGAIN = "Hand the buffers over again, as PROTOCOL.md says."


@dataclass(frozen=True)
class Offer:
    """What a packet says."""

    kind: HandleKind
    session: str  # 32 hex digits
    device: str  # 32 hex digits
    generation: int
    memory_bytes: int
    slot_bytes: int
    slot_count: int
    planes: tuple[PlaneLayout, ...]
    outputs: tuple[PlaneLayout, ...]
    dedicated: bool = False
    semaphores: int = SEMAPHORES
    token: bytes = b""  # of CUDA_IPC, TOKEN_BYTES

    @property
    def fd_count(self) -> int:
        return self.semaphores + (self.kind is not HandleKind.CUDA_IPC)


@dataclass
class Handed:
    """A packet, its file descriptors, and the process that sent them. Whoever takes it closes the file descriptors."""

    offer: Offer
    fds: list[int]
    pid: int

    def close(self) -> None:
        """Closes the file descriptors that nobody has taken out. A second time does nothing."""
        while self.fds:
            os.close(self.fds.pop())


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
        device=f"{found['device_high']:016x}{found['device_low']:016x}",
        generation=found["generation"],
        memory_bytes=found["memory_bytes"],
        slot_bytes=found["slot_bytes"],
        slot_count=found["slot_count"],
        planes=layouts[: found["input_count"]],
        outputs=layouts[found["input_count"] :],
        dedicated=found["dedicated"] == 1,
        semaphores=found["semaphores"],
        token=struct.pack("<8Q", *(found[name] for name in _TOKEN)) if kind is HandleKind.CUDA_IPC else b"",
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
    check_layouts((*offer.planes, *offer.outputs), offer.slot_bytes, limits)


def check_fds(handed: Handed) -> None:
    """Refuses file descriptors that are too few, too many, or of a file on a disk, which is no GPU memory.

    Raises HandleRefused.
    """
    if len(handed.fds) != handed.offer.fd_count:
        raise HandleRefused(f"{len(handed.fds)} file descriptors came for {handed.offer.fd_count}", fix=_AGAIN)
    for fd in handed.fds:
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink > 0):
            raise HandleRefused("a file descriptor is of a file", fix="Send what the GPU's driver has exported.")


def send(path: Path, offer: Offer, fds: Sequence[int]) -> int:
    """Hands buffers over; returns the process that listens. The file descriptors stay the caller's, who may close them
    afterwards.

    Raises TransportError when nobody listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        try:
            end.connect(str(path))
            end.sendmsg([pack(offer)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        except OSError as error:
            raise TransportError(f"Nobody takes GPU buffers at {path}: {error.strerror}", fix="Use `shm`.") from error
        return _peer(end)[0]


def path_beside(folder: Path, pid: int) -> Path:
    """Where the renderer of that process takes hand-overs; `folder` has its connection file."""
    return folder / f"handles-{pid}.sock"


class HandleDoor:
    """Takes hand-overs on a thread of its own, so that a slow or hostile peer holds up nobody's frames."""

    def __init__(self, path: Path, take: Callable[[Handed], None]) -> None:
        """`take` is called on that thread, and what it gets is its own. Raises TransportError."""
        self.path = path
        self._take = take
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path.unlink(missing_ok=True)  # of a process that had this pid before
        try:
            self._socket.bind(str(path))
            path.chmod(0o600)
            self._socket.listen(8)
        except OSError as error:
            self._socket.close()
            raise TransportError(f"No socket at {path}: {error.strerror}", fix="Use a shorter runtime_dir.") from error
        self._thread = threading.Thread(target=self._serve, name="worldplate handles", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Lets go of the socket and its name; waits for the thread, PATIENCE_S at most."""
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._thread.join(PATIENCE_S + 1.0)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                end, _ = self._socket.accept()
            except OSError:  # closed
                return
            with end:
                end.settimeout(PATIENCE_S)
                try:
                    handed = received(end)
                except (HandleRefused, OSError) as error:
                    _log.warning("a hand-over was refused: %s", error)
                    continue
            self._take(handed)


def received(end: socket.socket) -> Handed:
    """The one packet of a connection. Raises HandleRefused for another user, and for what is no packet."""
    pid, uid = _peer(end)
    # Room for one more of each, so that too much is seen as such; the kernel closes what does not fit.
    packet, fds, _, _ = socket.recv_fds(end, HANDLES_BYTES + 1, MOST_FDS + 1, socket.MSG_CMSG_CLOEXEC)
    try:
        if uid != os.getuid():
            raise HandleRefused(f"it comes from user {uid}", fix="Run engine and renderer as one user.")
        return Handed(unpack(packet), fds, pid)
    except HandleRefused:
        for fd in fds:
            os.close(fd)
        raise


def _peer(end: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, as the kernel says."""
    pid, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return pid, uid


def _numbers(offer: Offer) -> dict[str, int]:
    return {
        "magic": HANDLES_MAGIC,
        "abi_version": HANDLES_ABI_VERSION,
        "kind": int(offer.kind),
        "session_high": int(offer.session[:16], 16),
        "session_low": int(offer.session[16:], 16),
        "device_high": int(offer.device[:16], 16),
        "device_low": int(offer.device[16:], 16),
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
