"""The GPU's primary context, which torch uses too, and the one stream that everything is enqueued on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from renderer.cuda.counters import Counters
from renderer.cuda.driver import Driver

if TYPE_CHECKING:
    import torch

NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING


class GpuContext:
    """Made, used and closed on one thread, where the context is current meanwhile."""

    def __init__(self, driver: Driver, index: int = 0) -> None:
        """`index` counts the GPUs as CUDA does. Raises DeviceFailed."""
        self.driver, self.index = driver, index
        self.counters = Counters()
        device = driver.ask_pycuda(driver.pycuda.Device, index)
        self.name = str(device.name())
        self.capability: tuple[int, int] = tuple(device.compute_capability())
        self.uuid, self.luid = driver.uuid(index), driver.luid(index)
        self.driver_version = int(driver.call("cuDriverGetVersion"))
        self._context = driver.ask_pycuda(device.retain_primary_context)
        self._context.push()
        # pycuda cannot wrap another's stream, and torch can: so it is made here, and given to torch.
        self._stream = self.another_stream()
        self.stream = int(self._stream.handle)

    def another_stream(self) -> Any:
        """The caller's own. It neither waits for CUDA's legacy stream nor is waited for by it: what torch does
        there cannot hold up an engine's frames, nor break the capture of a graph."""
        return self.driver.ask_pycuda(self.driver.pycuda.Stream, NON_BLOCKING)

    @property
    def pycuda_stream(self) -> object:
        """For pycuda's kernels."""
        return self._stream

    def torch_stream(self, stream: int = 0) -> torch.cuda.ExternalStream:
        """The same stream for `with torch.cuda.stream(...)`, or another one of this GPU; it stays its owner's."""
        import torch

        return torch.cuda.ExternalStream(stream or self.stream, device=self.index)  # type: ignore[no-untyped-call]

    def free_bytes(self) -> int:
        """GPU memory that nobody has taken."""
        return int(self.driver.ask_pycuda(self.driver.pycuda.mem_get_info)[0])

    def wait(self) -> None:
        """Until the stream is empty. The CPU stands still meanwhile, and it is counted."""
        self.counters.cpu_waits += 1
        self.driver.ask_pycuda(self._stream.synchronize)

    def close(self) -> None:
        """Lets go of the stream and of the context, in that order. A second time does nothing."""
        if self._context is None:
            return
        self._stream = None  # pycuda destroys a stream with its last reference, in the context that is current
        self._context.pop()
        self._context = None
