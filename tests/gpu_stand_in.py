"""What stands in for a GPU where there is none: the kernels' own source on the CPU, over memory that is mapped.

Imported memory is a memfd: one of a test's, or what lavapipe, Mesa's Vulkan driver for the CPU, exports. Semaphores are
counters here, since lavapipe exports none.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bridge.errors import DeviceFailed, HandleRefused, MissingDependency
from bridge.schema import HandleKind
from renderer.cuda import Mark, Words
from renderer.cuda.compile import cpu_library
from renderer.cuda.counters import Counters
from renderer.cuda.kernels import BLOCK, FRAME, Source, grid_of
from renderer.runtimes.on_device import Lane

UUID = "0123456789abcdef" * 2


class MappedMemory:
    """A memfd, mapped. Lavapipe's begin with two words, the size and where the allocation starts."""

    def __init__(self, fd: int, size_bytes: int, *, from_mesa: bool) -> None:
        held = os.fstat(fd).st_size
        try:
            self._map = mmap.mmap(fd, held)
        finally:
            os.close(fd)
        start = int.from_bytes(self._map[8:16], "little") if from_mesa else 0
        if start + size_bytes > held:
            self._map.close()
            raise DeviceFailed(f"the memory has {held - start} bytes and not {size_bytes}", fix="Announce its size.")
        self._pin: object = (ctypes.c_char * held).from_buffer(self._map)
        self.address = ctypes.addressof(self._pin) + start
        self.closed = 0

    def close(self) -> None:
        self.closed += 1
        if self.closed == 1:
            self._pin = None
            self._map.close()


@dataclass
class CountedTimeline:
    """A semaphore whose other side is the test."""

    value: int = 0
    waited: list[int] = field(default_factory=list)
    freed: list[int] = field(default_factory=list)
    closed: int = 0

    def wait(self, value: int) -> None:
        self.waited.append(value)

    def signal(self, value: int) -> None:
        self.value = value

    def free(self, value: int) -> None:
        self.freed.append(value)
        self.value = value

    def close(self) -> None:
        self.closed += 1


@dataclass
class ToldMark:
    """Passed when the engine's semaphore has come as far as was waited for, and the model as far as a test lets it."""

    ready: CountedTimeline
    value: int
    model: CountedTimeline
    models: int = 0
    closed: int = 0

    def passed(self) -> bool:
        return self.ready.value >= self.value and self.model.value >= self.models

    def close(self) -> None:
        self.closed += 1


class OwnMemory:
    """Memory of the renderer's own."""

    def __init__(self, size_bytes: int) -> None:
        self._memory = (ctypes.c_uint64 * (size_bytes // 8 + 1))()
        self.address = ctypes.addressof(self._memory)
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class StandIn:
    """See renderer.cuda.Gpu. Kernels run at once, whatever the semaphores say."""

    name = "no GPU: the kernels on the CPU"

    def __init__(self, folder: Path, uuid: str = UUID, *, from_mesa: bool = False) -> None:
        """Kernels are built in `folder`. Raises MissingDependency without a compiler."""
        self.uuid, self.luid = uuid, ""
        self.counters, self._from_mesa, self._folder = Counters(), from_mesa, folder
        self._kernels: dict[str, tuple[ctypes.CDLL, type[ctypes.Structure]]] = {}
        self.load(FRAME)
        self.memories: list[MappedMemory] = []
        self.timelines: list[CountedTimeline] = []
        self.own: list[OwnMemory] = []
        self.marks: list[ToldMark] = []
        self.model, self.models = CountedTimeline(1 << 60), 0  # how far models are let come; how many were enqueued
        self.in_aside = False
        self.joined: list[ToldMark] = []
        self.fails = ""

    @classmethod
    def or_skip(cls, folder: Path, uuid: str = UUID, *, from_mesa: bool = False) -> StandIn:
        """Built in `folder`. Without a compiler the test is skipped, and fails where CI says that there is one."""
        try:
            return cls(folder, uuid, from_mesa=from_mesa)
        except MissingDependency as error:
            if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
                pytest.fail(str(error))
            pytest.skip(f"THE KERNELS WERE NOT RUN: {error}")

    def take_memory(self, kind: HandleKind, handle: int | bytes, size_bytes: int, *, dedicated: bool) -> MappedMemory:
        assert isinstance(handle, int)  # what CUDA alone can share is in tests/cuda_stand_in.py
        self.memories.append(MappedMemory(handle, size_bytes, from_mesa=self._from_mesa))
        return self.memories[-1]

    def take_timeline(self, kind: HandleKind, handle: int) -> CountedTimeline:
        os.close(handle)
        if self.fails == "timeline":
            raise DeviceFailed("cuImportExternalSemaphore failed", fix="None.")
        self.timelines.append(CountedTimeline())
        return self.timelines[-1]

    def take_words(self, fd: int) -> Words:
        os.close(fd)
        raise HandleRefused("this GPU's streams cannot wait for words", fix="Hand over without `ready` and `done`.")

    def load(self, source: Source) -> None:
        library = ctypes.CDLL(str(cpu_library(self._folder, source.name)))
        self._kernels |= {name: (library, kind) for name, kind in source.kinds.items()}

    def run(self, kernel: str, arguments: ctypes.Structure, width: int, height: int) -> None:
        library, kind = self._kernels[kernel]
        assert isinstance(arguments, kind)
        getattr(library, kernel)(ctypes.byref(arguments), *grid_of(width, height), *BLOCK)

    def lane(self) -> Lane:
        return Lane("cpu", counters=self.counters)

    def allocate(self, size_bytes: int) -> OwnMemory:
        self.counters.allocations += 1
        self.own.append(OwnMemory(size_bytes))
        return self.own[-1]

    def mark(self) -> ToldMark:
        models = self.models if self.in_aside else 0
        ready = self.timelines[-2] if self.timelines else CountedTimeline()
        self.marks.append(ToldMark(ready, ready.waited[-1] if ready.waited else 0, self.model, models))
        return self.marks[-1]

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.in_aside, self.models = True, self.models + 1
        try:
            yield
        finally:
            self.in_aside = False

    def join(self, mark: Mark) -> None:
        assert isinstance(mark, ToldMark)
        self.joined.append(mark)

    def wait(self) -> None:
        self.counters.cpu_waits += 1

    def close(self) -> None: ...
