"""What an engine's API has exported, imported into CUDA: owners that release in the right order.

Source: CUDA driver API, "External Resource Interoperability" and "Virtual Memory Management".
"""

from __future__ import annotations

import os
from typing import Any

from bridge.errors import DeviceFailed
from renderer.cuda.context import GpuContext


class ExternalMemory:
    """A Vulkan allocation, mapped as one linear buffer."""

    def __init__(self, context: GpuContext, fd: int, size_bytes: int, *, dedicated: bool) -> None:
        """The driver owns the file descriptor once it has imported it; else it is closed here. Raises DeviceFailed."""
        self._driver = context.driver
        api = self._driver.bindings
        handle = api.CUDA_EXTERNAL_MEMORY_HANDLE_DESC()
        handle.type = api.CUexternalMemoryHandleType.CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD
        handle.handle.fd = fd
        handle.size = size_bytes
        handle.flags = int(api.CUDA_EXTERNAL_MEMORY_DEDICATED) if dedicated else 0
        try:
            self._memory = self._driver.call("cuImportExternalMemory", handle)
        except DeviceFailed:
            os.close(fd)
            raise
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


class SharedAllocation:
    """Another process's CUDA allocation (cuMemCreate), mapped."""

    def __init__(self, context: GpuContext, fd: int, size_bytes: int) -> None:
        """The file descriptor is closed here in any case: an import leaves it the caller's. Raises DeviceFailed."""
        self._driver, self._size_bytes = context.driver, size_bytes
        api = self._driver.bindings
        kind = api.CUmemAllocationHandleType.CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR
        try:
            self._allocation = self._driver.call("cuMemImportFromShareableHandle", fd, kind)
        finally:
            os.close(fd)
        self._undo: list[tuple[str, tuple[Any, ...]]] = [("cuMemRelease", (self._allocation,))]
        try:
            self._map(context.index)
        except DeviceFailed:
            self.close()
            raise

    def _map(self, index: int) -> None:
        bindings = self._driver.bindings
        place = self._driver.call("cuMemAddressReserve", self._size_bytes, 0, 0, 0)
        self.address = int(place)
        self._undo.append(("cuMemAddressFree", (self.address, self._size_bytes)))
        self._driver.call("cuMemMap", self.address, self._size_bytes, 0, self._allocation, 0)
        self._undo.append(("cuMemUnmap", (self.address, self._size_bytes)))
        access = bindings.CUmemAccessDesc()
        access.location.type = bindings.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        access.location.id = index
        access.flags = bindings.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
        self._driver.call("cuMemSetAccess", self.address, self._size_bytes, [access], 1)

    def close(self) -> None:
        """Undoes what was done, last first. A second time does nothing."""
        while self._undo:
            name, arguments = self._undo.pop()
            self._driver.call(name, *arguments)


class ExternalTimeline:
    """A Vulkan timeline semaphore."""

    def __init__(self, context: GpuContext, fd: int, rescue: int) -> None:
        """`rescue` is a stream that nothing else is enqueued on. The file descriptor as with ExternalMemory."""
        self._driver, self._stream, self._rescue = context.driver, context.stream, rescue
        api = self._driver.bindings
        handle = api.CUDA_EXTERNAL_SEMAPHORE_HANDLE_DESC()
        handle.type = api.CUexternalSemaphoreHandleType.CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_TIMELINE_SEMAPHORE_FD
        handle.handle.fd = fd
        try:
            self._semaphore = self._driver.call("cuImportExternalSemaphore", handle)
        except DeviceFailed:
            os.close(fd)
            raise
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
