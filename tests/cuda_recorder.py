"""What is written down in place of a GPU: the driver's calls, answered with success, and pycuda's.

Enums, structs and the names of functions are the real package's, which needs no driver for them.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from cuda.bindings import driver as api

SUCCESS = api.CUresult.CUDA_SUCCESS
VALUES: dict[str, tuple[object, ...]] = {
    "cuDriverGetVersion": (13_000,),
    "cuDeviceGetCount": (1,),
    "cuDeviceGet": (0,),
    "cuDeviceGetUuid": (SimpleNamespace(bytes=bytes(range(16))),),
    "cuImportExternalMemory": ("memory",),
    "cuExternalMemoryGetMappedBuffer": (0x7000,),
    "cuImportExternalSemaphore": ("semaphore",),
    "cuMemImportFromShareableHandle": ("allocation",),
    "cuMemAddressReserve": (0x9000,),
    "cuEventCreate": ("event",),
    "cuDeviceGetAttribute": (1,),
    "cuMemGetAllocationPropertiesFromHandle": (api.CUmemAllocationProp(),),
    "cuMemGetAllocationGranularity": (4096,),
    "cuIpcOpenMemHandle": (0xA000,),
    "cuMemGetAddressRange": (0xA000, 1 << 20),
    "cuMemHostGetDevicePointer": (0xB000,),
}
QUIET = {
    "cuDeviceGet", "cuDeviceGetUuid", "cuDriverGetVersion", "cuDeviceGetAttribute", "cuMemGetAllocationGranularity",
    "cuMemGetAllocationPropertiesFromHandle",
}  # fmt: skip


class Recorder:
    """The driver's functions; `fails` names one that answers with an error."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.fails = ""
        self.init_status = SUCCESS

    def __getattr__(self, name: str) -> Any:
        real = getattr(api, name)  # AttributeError for what the package does not have
        if not name.startswith("cu"):
            return real

        def call(*arguments: Any) -> tuple[object, ...]:
            self.calls.append((name, arguments))
            if name == "cuInit":
                return (self.init_status,)
            failed = name == self.fails
            return (api.CUresult.CUDA_ERROR_INVALID_HANDLE,) if failed else (SUCCESS, *VALUES.get(name, ()))

        return call

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.calls if name not in QUIET]


class Allocation(int):
    """A device pointer."""

    calls: list[str]

    def free(self) -> None:
        self.calls.append("free")


class PyCuda:
    """The calls of pycuda that are made, by name."""

    class Error(Exception):
        """Of pycuda, which is no WorldplateError."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.launched: list[tuple[object, ...]] = []
        self.streams = 0  # the first one is 77
        self.init = lambda: self.calls.append("init")
        context = SimpleNamespace(push=lambda: self.calls.append("push"), pop=lambda: self.calls.append("pop"))
        self.Device = lambda index: SimpleNamespace(
            name=lambda: "a GPU", compute_capability=lambda: (9, 0), retain_primary_context=lambda: context
        )
        self.Stream = self._stream
        self.mem_alloc = self._allocate
        self.memset_d8 = lambda *arguments: self.calls.append("memset")
        self.mem_get_info = lambda: (1 << 30, 2 << 30)
        self.module_from_buffer = lambda text: SimpleNamespace(get_function=self._function)

    def _allocate(self, size_bytes: int) -> Allocation:
        memory = Allocation(0x10000)
        memory.calls = self.calls
        return memory

    def _stream(self, flags: int) -> object:
        assert flags == 1  # CU_STREAM_NON_BLOCKING
        self.streams += 1
        return SimpleNamespace(handle=76 + self.streams, synchronize=lambda: self.calls.append("synchronize"))

    def _function(self, name: str) -> object:
        return SimpleNamespace(
            prepare=lambda formats: self.calls.append(f"{name} {formats[0]}"),
            prepared_async_call=lambda *arguments: self.launched.append((name, *arguments)),
        )
