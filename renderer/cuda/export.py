"""An engine in Python on the renderer's GPU: buffers that it makes, writes with its own stream, and hands over.

    import torch
    from bridge.client import Client
    from renderer.cuda.export import open_engine_gpu

    gpu = open_engine_gpu(stream=torch.cuda.current_stream().cuda_stream)
    with Client(1920, 1080, planes, gpu=gpu) as client:
        slot = client.begin()
        if slot.on_device:  # else there is no renderer yet, or it takes planes through the CPU
            torch.as_tensor(slot.inputs[PlaneName.COLOR], device="cuda").copy_(color)
        client.submit(slot, camera)
    gpu.close()

It lives beside the one import of CUDA, and not in `bridge`, which knows of neither: the client is handed it. It needs
cuda-bindings, which torch for CUDA brings, and neither torch nor pycuda. Memory is a cuMemCreate that a file descriptor
is exported of, and where the GPU has none of those, a cuMemAlloc that others open by its IPC handle. Linux.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from bridge import handles, handles_linux
from bridge.errors import DeviceError, DeviceFailed, RingFull
from bridge.handles import SIGNALS, TOKEN_BYTES, Offer
from bridge.planes import Copies, PlaneViews, Slot, payload_bytes, place
from bridge.schema import HandleKind, Limits, PlaneLayout, Result
from bridge.segment import process_start_ticks
from bridge.signals import DONE, FREED, LET_GO, READY, Signals
from renderer.cuda.driver import Calls, find_calls, noted
from renderer.cuda.mapped import MappedAllocation, granularity
from renderer.cuda.planes import DevicePlane
from renderer.cuda.words import STREAM_WORDS, Words

FILE_DESCRIPTORS = "HANDLE_TYPE_POSIX_FILE_DESCRIPTOR_SUPPORTED"  # of CUdevice_attribute
IPC_UNIT_BYTES = 1 << 21  # what shares a page of this size with an allocation would be opened with it


def open_engine_gpu(index: int = 0, stream: int = 0) -> EngineGpu:
    """The GPU of this number, for an engine. `stream` is the one that planes are written on: a cudaStream_t as an
    integer, 0 for the default one. Raises CudaNotUsable, DeviceFailed."""
    return EngineGpu(find_calls(), index, stream)


class EngineGpu:
    """Implements bridge.device.DeviceSide. Holds the GPU's primary context, torch's too, until it is closed."""

    def __init__(self, driver: Calls, index: int, stream: int) -> None:
        """Raises DeviceFailed."""
        self.driver, self.index, self.stream = driver, index, stream
        self.uuid = driver.uuid(index)
        self._device = driver.call("cuDeviceGet", index)
        self._context = driver.call("cuDevicePrimaryCtxRetain", self._device)
        self._lock = threading.Lock()  # buffers are made on one thread and closed on another
        self._closed: list[CudaBuffers] = []  # that the renderer may still have open
        self.enter()

    def enter(self) -> None:
        """Makes its context this thread's."""
        self.driver.call("cuCtxSetCurrent", self._context)

    def buffers(
        self,
        inputs: Sequence[PlaneLayout],
        outputs: Sequence[PlaneLayout],
        slot_count: int,
        generation: int,
        limits: Limits,
    ) -> CudaBuffers:
        """See DeviceSide."""
        self.enter()
        self.free_closed()
        placed_inputs = place(inputs, 0)
        placed = placed_inputs, place(outputs, payload_bytes(placed_inputs))
        return CudaBuffers(self, *placed, slot_count, generation, limits)

    def free_later(self, buffers: CudaBuffers) -> None:
        """Frees buffers that were closed as soon as they may be: looks now, and whenever others are made."""
        with self._lock:
            self._closed.append(buffers)
        self.free_closed()

    def free_closed(self) -> None:
        """Frees what was closed and may be freed now."""
        with self._lock:
            free = [buffers for buffers in self._closed if buffers.may_be_freed]
            self._closed = [buffers for buffers in self._closed if buffers not in free]
        for buffers in free:
            buffers.free()

    def close(self) -> None:
        """After all of its buffers. What the renderer still has open is freed with the process. Once."""
        self.free_closed()
        self.driver.call("cuDevicePrimaryCtxRelease", self._device)


class Exported(Protocol):
    """Memory that another process can open."""

    kind: HandleKind
    address: int
    size_bytes: int
    token: bytes  # for the packet

    def fds(self) -> list[int]:
        """For the packet; whoever asked closes them."""

    def close(self) -> None: ...


class FdAllocation(MappedAllocation):
    """Memory of this process that others open by a file descriptor. It lives as long as anybody has it mapped."""

    kind, token = HandleKind.CUDA_FD, b""

    def __init__(self, gpu: EngineGpu, size_bytes: int) -> None:
        """At least so large. Raises DeviceFailed."""
        driver, api = gpu.driver, gpu.driver.bindings
        made_of = api.CUmemAllocationProp()
        made_of.type = api.CUmemAllocationType.CU_MEM_ALLOCATION_TYPE_PINNED
        made_of.requestedHandleTypes = self._fd_kind = (
            api.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
        )
        made_of.location.type = api.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        made_of.location.id = gpu.index
        self.size_bytes = _multiple(size_bytes, granularity(driver, made_of))
        super().__init__(driver, driver.call("cuMemCreate", self.size_bytes, made_of, 0), self.size_bytes)
        try:
            self.map(gpu.index)
        except DeviceFailed:
            self.close()
            raise

    def fds(self) -> list[int]:
        """See Exported."""
        return [int(self._driver.call("cuMemExportToShareableHandle", self._allocation, self._fd_kind, 0))]


class IpcAllocation:
    """Memory of this process that others open by its IPC handle. It must not be freed while anybody has it open."""

    kind = HandleKind.CUDA_IPC

    def __init__(self, gpu: EngineGpu, size_bytes: int) -> None:
        """At least so large. Raises DeviceFailed."""
        self._driver = gpu.driver
        self.size_bytes = _multiple(size_bytes, IPC_UNIT_BYTES)
        self.address = int(self._driver.call("cuMemAlloc", self.size_bytes))
        try:
            handle = self._driver.call("cuIpcGetMemHandle", self.address)
        except DeviceFailed:
            self.close()
            raise
        self.token = ctypes.string_at(int(handle.getPtr()), TOKEN_BYTES)

    def fds(self) -> list[int]:
        """See Exported."""
        return []

    def close(self) -> None:
        """Once."""
        self._driver.call("cuMemFree", self.address)


class CudaBuffers:
    """Implements bridge.device.DeviceBuffers: slots in memory of this process's GPU, and the words that order its use.

    A slot that is taken from a frame on its way may be written while the renderer reads it: its plate is then of no
    use, and `plate` does not give it.
    """

    part_layouts: tuple[PlaneLayout, ...] = ()

    def __init__(
        self,
        gpu: EngineGpu,
        inputs: tuple[PlaneLayout, ...],
        outputs: tuple[PlaneLayout, ...],
        slot_count: int,
        generation: int,
        limits: Limits,
    ) -> None:
        """Planes are placed. Raises LimitExceeded, InvalidValue, DeviceError."""
        self.generation, self.copies, self.ready_value = generation, Copies(), 0
        self._gpu = gpu
        slot_bytes = payload_bytes((*inputs, *outputs))
        offer = Offer(
            HandleKind.CUDA_FD, "0" * 32, gpu.uuid, generation, slot_count * slot_bytes, slot_bytes, slot_count,
            inputs, outputs, semaphores=SIGNALS if gpu.driver.can(STREAM_WORDS, gpu.index) else 0,
        )  # fmt: skip
        handles.check(offer, limits)
        self._memory: Exported = _allocated(gpu, offer.memory_bytes)
        try:
            self._words = Words(gpu.driver, gpu.index, Signals.create()) if offer.semaphores else None
        except DeviceError:
            self._memory.close()
            raise
        memory = self._memory
        self._offer = replace(offer, kind=memory.kind, memory_bytes=memory.size_bytes, token=memory.token)
        self._frame_ids, self._done_values = [0] * slot_count, [0] * slot_count  # frame 0: the slot is free
        self._free = deque(range(slot_count))
        self._reader = (0, 0)  # process that has it, and when that began; 0: nobody
        self._open = True

    def hand_over(self, socket: Path, session: str) -> None:
        """See DeviceBuffers."""
        fds = self._memory.fds()
        try:
            signals = [self._words.page.fd] if self._words is not None else []
            pid = handles_linux.send(socket, replace(self._offer, session=session), [*fds, *signals])
        finally:
            for fd in fds:
                os.close(fd)
        self._reader = (pid, process_start_ticks(pid) or 0)

    def begin(self, frame_id: int) -> Slot:
        """See EngineBuffers."""
        if not self._free:
            raise RingFull(f"All {len(self._frame_ids)} slots are taken", fix="Wait for a result, or drop this frame.")
        index = self._free.popleft()
        self._frame_ids[index] = frame_id
        return Slot(index, frame_id, self._planes(index, self._offer.planes), on_device=True)

    def commit(self, slot: Slot) -> tuple[memoryview, ...]:
        """The slot's planes are whole when all that was enqueued on the engine's stream is done."""
        self._gpu.enter()
        if self._words is None:
            self._gpu.driver.call("cuStreamSynchronize", self._gpu.stream)
            return ()
        self.ready_value += 1
        self._words.write(READY, self.ready_value, self._gpu.stream)
        return ()

    def accept(self, result: Result, parts: Sequence[memoryview]) -> None:
        """See EngineBuffers. The plate is in the slot, or will be."""
        if self._frame_ids[result.slot] == result.id:
            self._done_values[result.slot] = result.done_value

    def plate(self, index: int, frame_id: int) -> PlaneViews | None:
        """See EngineBuffers."""
        return self._planes(index, self._offer.outputs) if self.plate_whole(index, frame_id) else None

    def plate_whole(self, index: int, frame_id: int) -> bool:
        """See EngineBuffers."""
        return self._open and self._frame_ids[index] == frame_id and self._has_come_to(self._done_values[index])

    def is_done(self, result: Result) -> bool:
        """See DeviceBuffers."""
        return self._has_come_to(result.done_value)

    def release(self, index: int) -> None:
        """See EngineBuffers."""
        if self._open and self._frame_ids[index]:
            self._frame_ids[index] = self._done_values[index] = 0
            self._free.append(index)

    def close(self) -> None:
        """Waits for the engine's stream and frees the memory, or has the GPU free it once the renderer lets it."""
        if not self._open:
            return
        self._open = False
        with noted():
            self._gpu.enter()
            self._gpu.driver.call("cuStreamSynchronize", self._gpu.stream)
        self._gpu.free_later(self)

    @property
    def may_be_freed(self) -> bool:
        """What has a file descriptor lives on where it is mapped; the rest only here."""
        if self._memory.kind is HandleKind.CUDA_FD or self._reader == (0, 0):
            return True
        pid, started = self._reader
        is_told = self._words is not None and self._words.page[LET_GO] != 0
        return is_told or process_start_ticks(pid) != started

    def free(self) -> None:
        """Once it is closed and may be freed; once."""
        with noted():
            if self._words is not None:
                self._words.close()
        with noted():
            self._memory.close()

    def _has_come_to(self, done_value: int) -> bool:
        if self._words is None:
            return True
        return self._words.page[DONE] >= done_value and not self._words.page[FREED]

    def _planes(self, index: int, layouts: Sequence[PlaneLayout]) -> PlaneViews:
        start = self._memory.address + index * self._offer.slot_bytes
        planes = {layout.name: DevicePlane(start + layout.offset_bytes, layout, self._memory) for layout in layouts}
        return cast(PlaneViews, planes)  # arrays, but of the GPU's: Slot.on_device says so


def _allocated(gpu: EngineGpu, size_bytes: int) -> Exported:
    """By a file descriptor where the GPU has those. Raises DeviceFailed."""
    if gpu.driver.can(FILE_DESCRIPTORS, gpu.index):
        return FdAllocation(gpu, size_bytes)
    return IpcAllocation(gpu, size_bytes)


def _multiple(size_bytes: int, unit_bytes: int) -> int:
    return -(-size_bytes // unit_bytes) * unit_bytes
