"""The real GPU behind renderer.cuda.Gpu: CUDA through the one driver import."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bridge.errors import DeviceError
from bridge.schema import HandleKind
from renderer.cuda import Gpu, Mark, Memory
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import driver
from renderer.cuda.external import ExternalMemory, ExternalTimeline, IpcMemory, SharedAllocation
from renderer.cuda.kernels import FRAME, Kernels, Source

if TYPE_CHECKING:
    from renderer.cuda.words import WordTimelines
    from renderer.runtimes.on_device import Lane

_UNTIMED = 2  # CU_EVENT_DISABLE_TIMING


class CudaGpu:
    """Owns the context, the models' stream and the rescue stream; closes all."""

    def __init__(self, context: GpuContext) -> None:
        self._context = context
        self._rescue, self._aside = context.another_stream(), context.another_stream()
        self._queue = context.pycuda_stream  # where things are enqueued now
        self._kernels: Kernels | None = Kernels(context)
        self._kernels.load(FRAME)
        self.uuid, self.luid, self.name, self.counters = context.uuid, context.luid, context.name, context.counters

    def take_memory(self, kind: HandleKind, handle: int | bytes, size_bytes: int, *, dedicated: bool) -> Memory:
        """See Gpu."""
        if isinstance(handle, bytes):
            return IpcMemory(self._context, handle, size_bytes)
        if kind is HandleKind.CUDA_FD:
            return SharedAllocation(self._context, handle, size_bytes)
        return ExternalMemory(self._context, kind, handle, size_bytes, dedicated=dedicated)

    def take_timeline(self, kind: HandleKind, handle: int) -> ExternalTimeline:
        """See Gpu."""
        return ExternalTimeline(self._context, kind, handle, int(self._rescue.handle))

    def take_words(self, fd: int) -> WordTimelines:
        """See Gpu."""
        from renderer.cuda.words import WordTimelines  # which needs what Windows has not

        return WordTimelines(self._context, fd)

    def load(self, source: Source) -> None:
        """See Gpu."""
        assert self._kernels is not None  # it is open
        self._kernels.load(source)

    def run(self, kernel: str, arguments: ctypes.Structure, width: int, height: int) -> None:
        """See Gpu."""
        assert self._kernels is not None  # it is open
        self._kernels.launch(kernel, arguments, width, height, self._queue)

    def lane(self) -> Lane:
        """See Gpu."""
        from renderer.runtimes.on_device import Lane

        return Lane("cuda", self._context.torch_stream(int(self._aside.handle)), self.counters)

    def allocate(self, size_bytes: int) -> Allocation:
        """See Gpu."""
        self.counters.allocations += 1
        return Allocation(self._context, size_bytes)

    def mark(self) -> CudaMark:
        """See Gpu."""
        return CudaMark(self._context, self._queue)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """See Gpu."""
        before = self.mark()
        before.hold_up(self._aside)
        before.close()  # the driver lets go of an event once it has come to pass
        self._queue = self._aside
        try:
            yield
        finally:
            self._queue = self._context.pycuda_stream

    def join(self, mark: Mark) -> None:
        """See Gpu."""
        assert isinstance(mark, CudaMark)
        mark.hold_up(self._context.pycuda_stream)

    def wait(self) -> None:
        """See Gpu."""
        self._context.wait()

    def close(self) -> None:
        """See Gpu."""
        self._rescue = self._aside = self._queue = self._kernels = None  # a module holds the context, too
        self._context.close()


class Allocation:
    """GPU memory of this process's own."""

    def __init__(self, context: GpuContext, size_bytes: int) -> None:
        """Raises DeviceFailed when there is not so much left."""
        self._memory = context.driver.ask_pycuda(context.driver.pycuda.mem_alloc, size_bytes)
        self.address = int(self._memory)

    def close(self) -> None:
        """A second time does nothing."""
        if self._memory is not None:
            self._memory.free()
            self._memory = None


class CudaMark:
    """A CUDA event."""

    def __init__(self, context: GpuContext, queue: Any) -> None:
        """`queue` is a stream of pycuda's."""
        self._driver = context.driver
        self._event = self._driver.call("cuEventCreate", _UNTIMED)
        self._driver.call("cuEventRecord", self._event, int(queue.handle))

    def hold_up(self, queue: Any) -> None:
        """What is enqueued on that stream from now on waits for it."""
        self._driver.call("cuStreamWaitEvent", int(queue.handle), self._event, 0)

    def passed(self) -> bool:
        """See renderer.cuda.Mark."""
        return self._driver.is_over(self._event)

    def close(self) -> None:
        """Once."""
        self._driver.call("cuEventDestroy", self._event)


def open_gpu() -> tuple[Gpu | None, str]:
    """The GPU of this machine, on this thread; or none, and why in words."""
    if sys.platform not in ("linux", "win32"):
        return None, "planes stay on the GPU under Linux and Windows alone in this version"
    try:
        context = GpuContext(driver())
    except DeviceError as error:
        return None, error.what
    try:
        return CudaGpu(context), ""
    except DeviceError as error:  # it is there, and does not work
        context.close()
        return None, error.what
