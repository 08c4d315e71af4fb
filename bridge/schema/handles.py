"""The packet that hands GPU buffers over, byte by byte (PROTOCOL.md, "On one GPU"). Under Linux file descriptors
travel with it; under Windows it names NT handles of the engine's process.

Planes are listed as in a ring's header, in the same place (bridge/schema/ring.py).
"""

from __future__ import annotations

from enum import IntEnum

from bridge.schema.ring import RingField

HANDLES_ABI_VERSION = 1
HANDLES_MAGIC = 0x31444E48_4C5057  # the bytes "WPLHND1" and a zero, little-endian
HANDLES_BYTES = 1024


class HandleKind(IntEnum):
    """What the memory of a hand-over is, and with it what orders its use."""

    VULKAN_FD = 1  # VkDeviceMemory as OPAQUE_FD
    CUDA_FD = 2  # a CUDA allocation (cuMemCreate) as POSIX_FILE_DESCRIPTOR
    CUDA_IPC = 3  # a CUDA allocation (cuMemAlloc) as CUipcMemHandle, in `token_*`: no file descriptor
    D3D12_HEAP = 4  # a buffer placed at offset 0 in an ID3D12Heap of D3D12_HEAP_FLAG_SHARED: the heap's NT handle
    D3D12_RESOURCE = 5  # a committed buffer in D3D12_HEAP_FLAG_SHARED: its own NT handle, and `dedicated` is 1


_OF_D3D12 = ("memory", "`ready`", "`done`")  # whose NT handles the first tokens are
_TOKENS = tuple(
    f"of CUDA_IPC, bytes {8 * n}..{8 * n + 7} of the handle"
    + (f"; of D3D12, the NT handle of {_OF_D3D12[n]} in the engine's process" if n < len(_OF_D3D12) else "")
    for n in range(8)
)

HANDLES: tuple[RingField, ...] = (
    RingField("magic", "u64", 0, "HANDLES_MAGIC"),
    RingField("abi_version", "u32", 8, "HANDLES_ABI_VERSION"),
    RingField("kind", "u32", 12, "a value of HandleKind"),
    RingField("session_high", "u64", 16, "first 16 hex digits of WELCOME's session"),
    RingField("session_low", "u64", 24, "the other 16"),
    RingField("device_high", "u64", 32, "first 16 hex digits of HELLO's `device`: of a UUID, or a whole LUID"),
    RingField("device_low", "u64", 40, "the other 16; 0 with a LUID"),
    RingField("generation", "u64", 48, "counts the session's hand-overs, from 1"),
    RingField("memory_bytes", "u64", 56, "size of the whole allocation"),
    RingField("slot_bytes", "u64", 64, "from one slot to the next, a multiple of 64"),
    RingField("slot_count", "u32", 72, "slots, 2..max_slots"),
    RingField("dedicated", "u32", 76, "1: the allocation was made for this one buffer"),
    RingField(
        "semaphores",
        "u32",
        80,
        "2: semaphores `ready` and `done` follow; 1: a page of signals; 0: FRAME and RESULT say it",
    ),
    RingField("plane_count", "u32", 84, "entries in the plane table, inputs first"),
    RingField("input_count", "u32", 88, "how many of them are inputs"),
    *(RingField(f"token_{n}", "u64", 96 + 8 * n, text) for n, text in enumerate(_TOKENS)),
)
