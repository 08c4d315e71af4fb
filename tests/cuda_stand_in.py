"""The driver's functions that CUDA-to-CUDA hand-overs use, over the memory of this machine.

The product's own owners, contexts and timelines run on it. It is no GPU: what is allocated is a memfd, what is mapped
is mapped, and a stream is a queue that stands still where it waits for a word. Enums and structs are those of the real
package, which is shown every argument.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cuda.bindings import driver as api

from renderer.cuda.compile import cpu_library
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Calls, Driver
from renderer.cuda.export import EngineGpu
from renderer.cuda.gpu import CudaGpu
from renderer.cuda.kernels import FRAME

UNIT_BYTES, CONTEXT = 1 << 16, 0x10
PROT_NONE, READ_WRITE, SHARED, FIXED, ANONYMOUS = 0, 3, 1, 16, 32
OK = api.CUresult.CUDA_SUCCESS
INVALID = api.CUresult.CUDA_ERROR_INVALID_VALUE
_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long)
_libc.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Queue:
    """What was enqueued and has not come to pass: each returns whether it has."""

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], bool]] = deque()

    def add(self, work: Callable[[], bool]) -> None:
        self.waiting.append(work)
        self.go_on()

    def go_on(self) -> None:
        while self.waiting and self.waiting[0]():
            self.waiting.popleft()


def has_driver() -> bool:
    """Whether this machine has one, which nobody is to call with what is made up here."""
    try:
        api.cuInit(0)
    except RuntimeError:
        return False
    return True


HAS_DRIVER = has_driver()


def check(name: str, arguments: tuple[Any, ...]) -> None:
    """The real package takes such arguments: it looks at them before it looks for the driver, and finds none. Raises
    TypeError for those that it does not take."""
    if not HAS_DRIVER:
        with pytest.raises(RuntimeError, match="cuda"):
            getattr(api, name)(*arguments)


class Bindings:
    """See cuda.bindings.driver. `lacks` names attributes of the GPU; `fails` a function that answers with an error."""

    def __init__(self, uuid: str, *, lacks: tuple[str, ...] = (), index: int = 0) -> None:
        self._uuid, self._lacks, self._index = bytes.fromhex(uuid), lacks, index
        self.queue = Queue()
        self.fails = ""
        self.held: dict[str, int] = {"allocations": 0, "addresses": 0, "registered": 0, "contexts": 0}
        self._sizes: dict[int, int] = {}
        self._over: list[bool] = []  # of each event

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, name)
        if not name.startswith("cu"):
            return own

        def call(*arguments: Any) -> Any:
            check(name, arguments)
            return (api.CUresult.CUDA_ERROR_LAUNCH_FAILED,) if name == self.fails else own(*arguments)

        return call

    def __getattr__(self, name: str) -> Any:
        assert not name.startswith("cu"), f"the stand-in has no {name}"
        return getattr(api, name)

    def cuDriverGetVersion(self) -> Any:
        return OK, 13_000

    def cuDeviceGet(self, index: int) -> Any:
        return OK, index

    def cuDeviceGetUuid(self, device: int) -> Any:
        return OK, SimpleNamespace(bytes=self._uuid)

    def cuDeviceGetAttribute(self, kind: Any, device: int) -> Any:
        return OK, int(kind.name.removeprefix("CU_DEVICE_ATTRIBUTE_") not in self._lacks)

    def cuDevicePrimaryCtxRetain(self, device: int) -> Any:
        self.held["contexts"] += 1
        return OK, api.CUcontext(CONTEXT)

    def cuDevicePrimaryCtxRelease(self, device: int) -> Any:
        self.held["contexts"] -= 1
        return (OK,)

    def cuCtxSetCurrent(self, context: Any) -> Any:
        assert int(context) == CONTEXT
        return (OK,)

    # ---- memory ----------------------------------------------------------------------------------------------------

    def cuMemGetAllocationGranularity(self, made_of: Any, option: Any) -> Any:
        return OK, UNIT_BYTES

    def cuMemCreate(self, size_bytes: int, made_of: Any, flags: int) -> Any:
        assert size_bytes % UNIT_BYTES == 0
        fd = os.memfd_create("on the GPU")
        os.ftruncate(fd, size_bytes)
        self.held["allocations"] += 1
        return OK, fd

    def cuMemExportToShareableHandle(self, allocation: int, kind: Any, flags: int) -> Any:
        return OK, os.dup(allocation)

    def cuMemImportFromShareableHandle(self, fd: int, kind: Any) -> Any:
        self.held["allocations"] += 1
        return OK, os.dup(fd)

    def cuMemGetAllocationPropertiesFromHandle(self, allocation: int) -> Any:
        made_of = api.CUmemAllocationProp()
        made_of.location.id = self._index
        return OK, made_of

    def cuMemRelease(self, allocation: int) -> Any:
        os.close(allocation)
        self.held["allocations"] -= 1
        return (OK,)

    def cuMemAddressReserve(self, size_bytes: int, alignment: int, address: int, flags: int) -> Any:
        self.held["addresses"] += 1
        return OK, _libc.mmap(None, size_bytes, PROT_NONE, mmap.MAP_PRIVATE | ANONYMOUS, -1, 0)

    def cuMemMap(self, address: int, size_bytes: int, offset: int, allocation: int, flags: int) -> Any:
        if os.fstat(allocation).st_size != size_bytes:
            return (INVALID,)
        _libc.mmap(address, size_bytes, READ_WRITE, SHARED | FIXED, allocation, 0)
        return (OK,)

    def cuMemSetAccess(self, address: int, size_bytes: int, access: Any, count: int) -> Any:
        return (OK,)

    def cuMemUnmap(self, address: int, size_bytes: int) -> Any:
        assert not self.queue.waiting
        return (OK,)

    def cuMemAddressFree(self, address: int, size_bytes: int) -> Any:
        _libc.munmap(address, size_bytes)
        self.held["addresses"] -= 1
        return (OK,)

    def cuMemAlloc(self, size_bytes: int) -> Any:
        _, allocation = self.cuMemCreate(size_bytes, None, 0)
        address = _libc.mmap(None, size_bytes, READ_WRITE, SHARED, allocation, 0)
        self._sizes[address] = allocation
        return OK, address

    def cuMemFree(self, address: int) -> Any:
        allocation = self._sizes.pop(address)
        _libc.munmap(address, os.fstat(allocation).st_size)
        return self.cuMemRelease(allocation)

    def cuIpcGetMemHandle(self, address: int) -> Any:
        handle = api.CUipcMemHandle()
        words = (ctypes.c_uint64 * 8)(os.getpid(), self._sizes[address])
        ctypes.memmove(int(handle.getPtr()), words, 64)
        return OK, handle

    def cuIpcOpenMemHandle(self, handle: Any, flags: int) -> Any:
        assert flags == 1
        pid, fd, *_ = ctypes.cast(int(handle.getPtr()), ctypes.POINTER(ctypes.c_uint64 * 8)).contents
        try:
            allocation = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDWR)
        except OSError:
            return (api.CUresult.CUDA_ERROR_INVALID_HANDLE,)
        self.held["allocations"] += 1
        address = _libc.mmap(None, os.fstat(allocation).st_size, READ_WRITE, SHARED, allocation, 0)
        self._sizes[address] = allocation
        return OK, address

    def cuIpcCloseMemHandle(self, address: int) -> Any:
        assert not self.queue.waiting
        return self.cuMemFree(address)

    def cuMemGetAddressRange(self, address: int) -> Any:
        return OK, address, os.fstat(self._sizes[address]).st_size

    # ---- words and the stream --------------------------------------------------------------------------------------

    def cuMemHostRegister(self, address: int, size_bytes: int, flags: int) -> Any:
        assert address % mmap.PAGESIZE == 0
        self.held["registered"] += 1
        return (OK,)

    def cuMemHostGetDevicePointer(self, address: int, flags: int) -> Any:
        return OK, address

    def cuMemHostUnregister(self, address: int) -> Any:
        self.held["registered"] -= 1
        return (OK,)

    def cuStreamWaitValue64(self, stream: int, address: int, value: int, flags: int) -> Any:
        assert flags == 0
        word = ctypes.c_uint64.from_address(address)
        self.queue.add(lambda: word.value >= value)
        return (OK,)

    def cuStreamWriteValue64(self, stream: int, address: int, value: int, flags: int) -> Any:
        assert flags == 0

        def write() -> bool:
            ctypes.c_uint64.from_address(address).value = value
            return True

        self.queue.add(write)
        return (OK,)

    def cuStreamSynchronize(self, stream: int) -> Any:
        self.queue.go_on()
        assert not self.queue.waiting, "the CPU waits for what does not come"
        return (OK,)

    def cuEventCreate(self, flags: int) -> Any:
        self._over.append(False)
        return OK, api.CUevent(len(self._over))

    def cuEventRecord(self, event: Any, stream: int) -> Any:
        def record() -> bool:
            self._over[int(event) - 1] = True
            return True

        self.queue.add(record)
        return (OK,)

    def cuStreamWaitEvent(self, stream: int, event: Any, flags: int) -> Any:
        return (OK,)  # all streams are one queue here

    def cuEventQuery(self, event: Any) -> Any:
        self.queue.go_on()
        return (OK if self._over[int(event) - 1] else api.CUresult.CUDA_ERROR_NOT_READY,)

    def cuEventDestroy(self, event: Any) -> Any:
        return (OK,)


class PyCuda:
    """See pycuda.driver: kernels are their own source, compiled for the CPU in `folder`."""

    class Error(Exception):
        """Of pycuda."""

    def __init__(self, bindings: Bindings, folder: Path) -> None:
        self._bindings, self._library = bindings, ctypes.CDLL(str(cpu_library(folder, FRAME.name)))

    def Device(self, index: int) -> Any:
        context = SimpleNamespace(push=lambda: None, pop=lambda: None)
        return SimpleNamespace(
            name=lambda: "a stand-in", compute_capability=lambda: (9, 0), retain_primary_context=lambda: context
        )

    def Stream(self, flags: int) -> Any:
        return SimpleNamespace(handle=77, synchronize=lambda: self._bindings.cuStreamSynchronize(77))

    def module_from_buffer(self, text: bytes) -> Any:
        return SimpleNamespace(get_function=self._function)

    def _function(self, name: str) -> Any:
        kernel = getattr(self._library, name)

        def launch(grid: tuple[int, ...], block: tuple[int, ...], stream: object, arguments: bytes) -> None:
            def run() -> bool:
                kernel(arguments, *grid[:2], *block[:2])
                return True

            self._bindings.queue.add(run)

        return SimpleNamespace(prepare=lambda formats: None, prepared_async_call=launch)


def renderer_gpu(bindings: Bindings, folder: Path) -> CudaGpu:
    """The renderer's whole GPU. Raises MissingDependency without a compiler."""
    return CudaGpu(GpuContext(Driver(bindings, PyCuda(bindings, folder))))


def engine_gpu(bindings: Bindings) -> EngineGpu:
    """An engine's."""
    return EngineGpu(Calls(bindings), 0, 5)
