"""Two counters that a GPU waits for and writes, for engines on CUDA: what a timeline semaphore is to a Vulkan engine.

CUDA has no timeline semaphore that another process could open. Its events can be opened there (cuIpc), but what waits
for an event of a process that was killed waits for ever, touching it is undefined, and nobody else can set it. So it is
two words, which cuStreamWriteValue64 writes and cuStreamWaitValue64 waits for. They lie in a page of the machine's
memory that both processes have mapped and registered with CUDA, and not beside the planes in the GPU's: a CPU can look
at them without a call of the driver, and can set them by a store when the other process, or the driver, is gone. A wait
then goes over the bus.

A wait is enqueued only when what ends it is in its stream already, since FRAME goes out after that: CUDA does not see
such an order itself, and asks for this. Linux.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os

from bridge.errors import HandleRefused

PAGE_BYTES = 4096
# Byte offsets of 8-byte words, a cache line each. What the renderer has freed is what waited in vain: plates that come
# to be done by it are made of planes that may not be whole. Once it has let go it has unmapped the memory.
READY, DONE, LET_GO, FREED = 0, 64, 128, 192


class Signals:
    """The page, mapped. Whoever has it closes it; the memory goes with the last who has mapped it."""

    def __init__(self, fd: int) -> None:
        """Takes a file descriptor of a page that was checked; `create` and `attach` are what others call."""
        self.fd = fd
        self._map = mmap.mmap(fd, PAGE_BYTES)
        self._words = memoryview(self._map).cast("Q")
        self._pin: ctypes.c_char | None = ctypes.c_char.from_buffer(self._map)
        self.address = ctypes.addressof(self._pin)  # in this process

    @classmethod
    def create(cls) -> Signals:
        """A new page of zeros, which nobody can cut off: reading what was cut off ends a process."""
        fd = os.memfd_create("worldplate-signals", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, PAGE_BYTES)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return cls(fd)

    @classmethod
    def attach(cls, fd: int) -> Signals:
        """Another process's page. The file descriptor is its own from now on, also when it is refused.

        Raises HandleRefused for what is no such page: of another size, or one that could still be cut off.
        """
        try:
            size, seals = os.fstat(fd).st_size, fcntl.fcntl(fd, fcntl.F_GET_SEALS)
        except OSError:  # a file, or no memory at all, has no seals
            size, seals = 0, 0
        if size != PAGE_BYTES or not seals & fcntl.F_SEAL_SHRINK:
            os.close(fd)
            raise HandleRefused(
                f"the file descriptor of `ready` and `done` is no sealed page of {PAGE_BYTES} bytes",
                fix="Make it with memfd_create, and seal it with F_SEAL_SHRINK.",
            )
        return cls(fd)

    def __getitem__(self, offset: int) -> int:
        """The word at READY, DONE, LET_GO or FREED, as it is now."""
        return self._words[offset // 8]

    def __setitem__(self, offset: int, value: int) -> None:
        self._words[offset // 8] = value

    def close(self) -> None:
        """CUDA must have let go of the page. A second time does nothing."""
        if self._pin is not None:
            self._pin = None
            self._words.release()
            self._map.close()
            os.close(self.fd)
