"""What an engine's API has exported, imported into CUDA: owners that release in the right order.

Source: CUDA driver API, "External Resource Interoperability", "Virtual Memory Management", and "Memory Management"
for the functions of IPC. No driver has imported memory and fences of D3D12 here: there was no Windows with a GPU.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any

from bridge.errors import DeviceError, DeviceFailed, DeviceMismatch, HandleRefused
from bridge.handles import OF_D3D12
from bridge.schema import HandleKind
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Driver
from renderer.cuda.mapped import MappedAllocation, granularity

_MEMORY = {
    HandleKind.VULKAN_FD: "OPAQUE_FD",
    HandleKind.D3D12_HEAP: "D3D12_HEAP",
    HandleKind.D3D12_RESOURCE: "D3D12_RESOURCE",
}  # of CUexternalMemoryHandleType


class ExternalMemory:
    """An allocation of Vulkan's or D3D12's, mapped as one linear buffer."""

    def __init__(self, context: GpuContext, kind: HandleKind, opened: int, size_bytes: int, *, dedicated: bool) -> None:
        """The driver owns a file descriptor once it has imported it; else it is closed here. An NT handle it leaves the
        caller's. Raises DeviceFailed."""
        self._driver = context.driver
        api = self._driver.bindings
        handle = api.CUDA_EXTERNAL_MEMORY_HANDLE_DESC()
        handle.type = getattr(api.CUexternalMemoryHandleType, f"CU_EXTERNAL_MEMORY_HANDLE_TYPE_{_MEMORY[kind]}")
        handle.size = size_bytes
        handle.flags = int(api.CUDA_EXTERNAL_MEMORY_DEDICATED) if dedicated else 0
        self._memory = _imported(self._driver, "cuImportExternalMemory", handle, kind, opened)
        whole = api.CUDA_EXTERNAL_MEMORY_BUFFER_DESC()
        whole.offset, whole.size, whole.flags = 0, size_bytes, 0
        try:
            self.address = int(self._driver.call("cuExternalMemoryGetMappedBuffer", self._memory, whole))
        except DeviceFailed:
            self._driver.call("cuDestroyExternalMemory", self._memory)
            raise
        self._open = True

    def close(self) -> None:
        """Unmaps it, then lets go of the allocation. A second time does nothing."""
        if self._open:
            self._open = False
            self._driver.call("cuMemFree", self.address)
            self._driver.call("cuDestroyExternalMemory", self._memory)


class SharedAllocation(MappedAllocation):
    """Another process's CUDA allocation (cuMemCreate), mapped."""

    def __init__(self, context: GpuContext, fd: int, size_bytes: int) -> None:
        """The file descriptor is closed here in any case: an import leaves it the caller's. Raises DeviceMismatch for
        memory of another GPU, HandleRefused for another size, DeviceFailed."""
        driver = context.driver
        kind = driver.bindings.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
        try:
            allocation = driver.call("cuMemImportFromShareableHandle", fd, kind)
        finally:
            os.close(fd)
        super().__init__(driver, allocation, size_bytes)
        try:
            made_of = driver.call("cuMemGetAllocationPropertiesFromHandle", allocation)
            check_index(made_of.location.id, context)
            if size_bytes % (unit := granularity(driver, made_of)):
                raise _of_another_size(size_bytes, f"this GPU's allocations are multiples of {unit}")
            self.map(context.index)
        except DeviceError:
            self.close()
            raise

    def _place(self) -> None:
        try:
            super()._place()
        except DeviceFailed as error:  # the driver knows how large it is, and does not tell
            raise _of_another_size(self._size_bytes, error.what) from error


class IpcMemory:
    """Another process's CUDA allocation (cuMemAlloc), opened."""

    def __init__(self, context: GpuContext, token: bytes, size_bytes: int) -> None:
        """`token` is the CUipcMemHandle. Raises HandleRefused for less memory, DeviceFailed. Which GPU it lies on is
        what the packet says: cuda-bindings (13.5) answers 0 to that question whatever the driver says, and memory of
        another GPU would be read right, over the bus."""
        self._driver = context.driver
        api = self._driver.bindings
        handle = api.CUipcMemHandle()
        ctypes.memmove(int(handle.getPtr()), token, len(token))
        lazily = int(api.CUipcMem_flags.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS)  # the only flag, and it must be there
        self.address = int(self._driver.call("cuIpcOpenMemHandle", handle, lazily))
        self._open = True
        try:
            _, held_bytes = self._driver.call("cuMemGetAddressRange", self.address)
            if held_bytes < size_bytes:
                raise _of_another_size(size_bytes, f"it has {held_bytes}")
        except DeviceError:
            self.close()
            raise

    def close(self) -> None:
        """A second time does nothing."""
        if self._open:
            self._open = False
            self._driver.call("cuIpcCloseMemHandle", self.address)


def check_index(index: int, context: GpuContext) -> None:
    """Raises DeviceMismatch for memory that lies on another GPU than its packet says."""
    if index != context.index:
        raise DeviceMismatch(
            f"the memory that came lies on GPU {index}, and the renderer's is {context.index} ({context.name})",
            fix="Make the buffers on the GPU that HELLO names.",
        )


def _imported(driver: Driver, function: str, description: Any, kind: HandleKind, opened: int) -> Any:
    """What the function makes of the handle, whose place in the description depends on the system."""
    if kind in OF_D3D12:
        description.handle.win32.handle = opened
        return driver.call(function, description)
    description.handle.fd = opened
    try:
        return driver.call(function, description)
    except DeviceFailed:
        os.close(opened)
        raise


def _of_another_size(size_bytes: int, why: str) -> HandleRefused:
    return HandleRefused(
        f"the CUDA memory that came is not of {size_bytes} bytes: {why}", fix="Announce the size it was made with."
    )


class ExternalTimeline:
    """A timeline semaphore of Vulkan, or a fence of D3D12, which is the same."""

    def __init__(self, context: GpuContext, kind: HandleKind, opened: int, rescue: int) -> None:
        """`rescue` is a stream that nothing else is enqueued on. The handle as with ExternalMemory."""
        self._driver, self._stream, self._rescue = context.driver, context.stream, rescue
        api = self._driver.bindings
        handle = api.CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC()
        types = api.CUexternalSemaphoreHandleType
        if kind in OF_D3D12:
            handle.type = types.CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_D3D12_FENCE
        else:
            handle.type = types.CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD
        self._semaphore = _imported(self._driver, "cuImportExternalSemaphore", handle, kind, opened)
        self._open = True

    def wait(self, value: int) -> None:
        """See renderer.cuda.Timeline."""
        parameters = self._driver.bindings.CUDA_EXTERNAL_SEMAPHORE_WAIT_PARAMS()
        parameters.params.fence.value = value
        self._driver.call("cuWaitExternalSemaphoresAsync", [self._semaphore], [parameters], 1, self._stream)

    def signal(self, value: int) -> None:
        """See renderer.cuda.Timeline."""
        self._signal(value, self._stream)

    def free(self, value: int) -> None:
        """See renderer.cuda.Timeline. The engine cannot use the semaphore afterwards: its values only rise."""
        self._signal(value, self._rescue)

    def close(self) -> None:
        """A second time does nothing."""
        if self._open:
            self._open = False
            self._driver.call("cuDestroyExternalSemaphore", self._semaphore)

    def _signal(self, value: int, stream: int) -> None:
        parameters = self._driver.bindings.CUDA_EXTERNAL_SEMAPHORE_SIGNAL_PARAMS()
        parameters.params.fence.value = value
        self._driver.call("cuSignalExternalSemaphoresAsync", [self._semaphore], [parameters], 1, stream)
