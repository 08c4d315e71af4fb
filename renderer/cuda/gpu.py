"""The real GPU behind renderer.cuda.Gpu: CUDA through the one driver import."""

from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

from bridge.errors import DeviceError
from bridge.schema import HandleKind
from renderer.cuda import Gpu, Memory
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import driver
from renderer.cuda.external import ExternalMemory, ExternalTimeline, IpcMemory, SharedAllocation
from renderer.cuda.kernels import FRAME, Kernels, Source

if TYPE_CHECKING:
    from renderer.runtimes.on_device import Lane
from renderer.cuda.words import WordTimelines

_UNTIMED = 2  # CU_EVENT_DISABLE_TIMING


class CudaGpu:
    """Owns the context and the rescue stream; closes both."""

    def __init__(self, context: GpuContext) -> None:
        self._context = context
        self._rescue = context.driver.ask_pycuda(context.driver.pycuda.Stream)
        self._kernels = Kernels(context)
        self._kernels.load(FRAME)
        self.uuid, self.name, self.counters = context.uuid, context.name, context.counters

    def take_memory(self, kind: HandleKind, handle: int | bytes, size_bytes: int, *, dedicated: bool) -> Memory:
        """See Gpu."""
        if isinstance(handle, bytes):
            return IpcMemory(self._context, handle, size_bytes)
        if kind is HandleKind.CUDA_FD:
            return SharedAllocation(self._context, handle, size_bytes)
        return ExternalMemory(self._context, handle, size_bytes, dedicated=dedicated)

    def take_timeline(self, fd: int) -> ExternalTimeline:
        """See Gpu."""
        return ExternalTimeline(self._context, fd, int(self._rescue.handle))

    def take_words(self, fd: int) -> WordTimelines:
        """See Gpu."""
        return WordTimelines(self._context, fd)

    def load(self, source: Source) -> None:
        """See Gpu."""
        self._kernels.load(source)

    def run(self, kernel: str, arguments: ctypes.Structure, width: int, height: int) -> None:
        """See Gpu."""
        self._kernels.launch(kernel, arguments, width, height)

    def lane(self) -> Lane:
        """See Gpu."""
        from renderer.runtimes.on_device import Lane

        return Lane("cuda", self._context.torch_stream())

    def mark(self) -> CudaMark:
        """See Gpu."""
        return CudaMark(self._context)

    def wait(self) -> None:
        """See Gpu."""
        self._context.wait()

    def close(self) -> None:
        """See Gpu."""
        self._rescue = None
        self._context.close()


class CudaMark:
    """A CUDA event."""

    def __init__(self, context: GpuContext) -> None:
        self._driver = context.driver
        self._event = self._driver.call("cuEventCreate", _UNTIMED)
        self._driver.call("cuEventRecord", self._event, context.stream)

    def passed(self) -> bool:
        """See renderer.cuda.Mark."""
        return self._driver.is_over(self._event)

    def close(self) -> None:
        """Once."""
        self._driver.call("cuEventDestroy", self._event)


def open_gpu() -> tuple[Gpu | None, str]:
    """The GPU of this machine, on this thread; or none, and why in words."""
    if sys.platform != "linux":
        return None, "planes stay on the GPU under Linux alone in this version"
    try:
        context = GpuContext(driver())
    except DeviceError as error:
        return None, error.what
    try:
        return CudaGpu(context), ""
    except DeviceError as error:  # it is there, and does not work
        context.close()
        return None, error.what
