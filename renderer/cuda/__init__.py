"""Planes that stay on the GPU: the driver, what is imported from an engine, the kernels, and one frame's way.

`driver` alone imports CUDA's packages, late, and says in words why they cannot be used. `Gpu` below is what the rest is
written against, so that it runs wherever something can stand in for a GPU.
"""

from __future__ import annotations

import ctypes
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from bridge.schema import HandleKind
from renderer.cuda.counters import Counters

if TYPE_CHECKING:
    from renderer.cuda.kernels import Source
    from renderer.runtimes.on_device import Lane


class Memory(Protocol):
    """An engine's allocation, mapped here."""

    address: int  # in the GPU's address space

    def close(self) -> None:
        """Unmaps it; the allocation stays the engine's. Nothing on the GPU may use it any more."""


class Timeline(Protocol):
    """An engine's timeline semaphore. Nothing here waits on the CPU."""

    def wait(self, value: int) -> None:
        """What is enqueued from now on waits until the value is reached."""

    def signal(self, value: int) -> None:
        """The value is reached when all that was enqueued before is done."""

    def free(self, value: int) -> None:
        """Reaches the value now, past everything that is enqueued: for what waits in vain."""

    def close(self) -> None: ...


class Words(Protocol):
    """Both timelines of an engine on CUDA, in one page (bridge/signals.py). Closing it closes them."""

    ready: Timeline
    done: Timeline

    def let_go(self) -> None:
        """Tells the engine that its memory is unmapped here."""

    def close(self) -> None: ...


class Mark(Protocol):
    """A place in the queue."""

    def passed(self) -> bool:
        """Whether all that was enqueued before is done. Does not wait."""

    def close(self) -> None: ...


class Gpu(Protocol):
    """One GPU and two queues on it. Used from one thread. Every method may raise DeviceFailed."""

    uuid: str  # 32 hex digits, as Vulkan and CUDA tell it
    luid: str  # 16 hex digits, as D3D12 tells it; empty where the system has none
    name: str
    counters: Counters

    def take_memory(self, kind: HandleKind, handle: int | bytes, size_bytes: int, *, dedicated: bool) -> Memory:
        """Imports and maps an allocation. Its file descriptor is the GPU's from now on, also when it is refused; an NT
        handle stays the caller's, who may close it afterwards; what has neither is named by bytes. Raises
        DeviceMismatch, HandleRefused."""

    def take_timeline(self, kind: HandleKind, handle: int) -> Timeline:
        """Imports the timeline semaphore, or fence, that comes with such memory. The handle as in `take_memory`."""

    def take_words(self, fd: int) -> Words:
        """Imports a page of signals. The file descriptor as in `take_memory`. Raises HandleRefused."""

    def load(self, source: Source) -> None:
        """Kernels beside those of kernels.cu, before a show: it takes seconds the first time on a machine."""

    def run(self, kernel: str, arguments: ctypes.Structure, width: int, height: int) -> None:
        """Enqueues a kernel that was loaded, a thread for each pixel."""

    def lane(self) -> Lane:
        """torch's way to the second queue, where models are."""

    def allocate(self, size_bytes: int) -> Memory:
        """Memory of the renderer's own, which it counts. Closing it needs a GPU that has come to rest."""

    def mark(self) -> Mark: ...

    def aside(self) -> AbstractContextManager[None]:
        """What is enqueued inside, marks too, goes to a second queue, after all that was enqueued in the first before;
        the first does not wait for it. Models are enqueued there."""

    def join(self, mark: Mark) -> None:
        """What is enqueued in the first queue from now on waits for a mark of the second."""

    def wait(self) -> None:
        """Waits on the CPU until the first queue is empty, and counts it."""

    def close(self) -> None:
        """After all that it gave out was closed."""
