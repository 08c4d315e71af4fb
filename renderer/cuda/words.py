"""`ready` and `done` of an engine on CUDA: words in a page of the machine's memory (bridge/signals.py says why).

Source: CUDA driver API, "Stream Memory Operations".
"""

from __future__ import annotations

from bridge.errors import DeviceError, DeviceFailed, HandleRefused
from bridge.signals import DONE, FREED, LET_GO, PAGE_BYTES, READY, Signals
from renderer.cuda import Timeline
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Calls

STREAM_WORDS = "CAN_USE_64_BIT_STREAM_MEM_OPS"  # of CUdevice_attribute


class Words:
    """A page of signals, registered with CUDA: `ready` and `done` for streams. Owns the page."""

    def __init__(self, driver: Calls, index: int, page: Signals) -> None:
        """Raises HandleRefused where this GPU's streams cannot wait for them, DeviceFailed; then the page is closed."""
        self._driver, self.page = driver, page
        try:
            if not driver.can(STREAM_WORDS, index):
                raise HandleRefused(
                    "this GPU's streams cannot wait for words of 64 bits", fix="Hand over without `ready` and `done`."
                )
            mapped = int(driver.bindings.CU_MEMHOSTREGISTER_DEVICEMAP)
            driver.call("cuMemHostRegister", page.address, PAGE_BYTES, mapped)
        except DeviceError:
            page.close()
            raise
        self._open = True
        try:
            self._start = int(driver.call("cuMemHostGetDevicePointer", page.address, 0))
        except DeviceFailed:
            self.close()
            raise

    def wait(self, offset: int, value: int, stream: int) -> None:
        """What is enqueued on the stream from now on waits until that word has reached the value."""
        at_least = int(self._driver.bindings.CUstreamWaitValue_flags.CU_STREAM_WAIT_VALUE_GEQ)
        self._driver.call("cuStreamWaitValue64", stream, self._start + offset, value, at_least)

    def write(self, offset: int, value: int, stream: int) -> None:
        """Sets that word when all that was enqueued on the stream before is done, and seen by the whole machine."""
        fenced = int(self._driver.bindings.CUstreamWriteValue_flags.CU_STREAM_WRITE_VALUE_DEFAULT)
        self._driver.call("cuStreamWriteValue64", stream, self._start + offset, value, fenced)

    def close(self) -> None:
        """Nothing on the GPU may use it any more. A second time does nothing."""
        if self._open:
            self._open = False
            try:
                self._driver.call("cuMemHostUnregister", self.page.address)
            finally:
                self.page.close()


class WordTimeline:
    """One of the two words of an engine on CUDA, on the renderer's side."""

    def __init__(self, words: Words, offset: int, stream: int) -> None:
        self._words, self._offset, self._stream = words, offset, stream

    def wait(self, value: int) -> None:
        """See renderer.cuda.Timeline."""
        self._words.wait(self._offset, value, self._stream)

    def signal(self, value: int) -> None:
        """See renderer.cuda.Timeline."""
        self._words.write(self._offset, value, self._stream)

    def free(self, value: int) -> None:
        """See renderer.cuda.Timeline. A store of the CPU's, which no driver need help with."""
        self._words.page[FREED] = 1  # first: whoever sees what comes of it sees this too
        self._words.page[self._offset] = value

    def close(self) -> None:
        """Nothing: the page is let go of as one."""


class WordTimelines:
    """`ready` and `done` of an engine on CUDA."""

    def __init__(self, context: GpuContext, fd: int) -> None:
        """The file descriptor is its own, also when it is refused. Raises HandleRefused, DeviceFailed."""
        self._words = Words(context.driver, context.index, Signals.attach(fd))
        self.ready: Timeline = WordTimeline(self._words, READY, context.stream)
        self.done: Timeline = WordTimeline(self._words, DONE, context.stream)

    def let_go(self) -> None:
        """Tells the engine that its memory is unmapped here: some memory it may not free before."""
        self._words.page[LET_GO] = 1

    def close(self) -> None:
        """See Words."""
        self._words.close()
