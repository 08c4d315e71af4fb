"""CUDA allocations that are mapped by hand: those of this process, and those that another process has exported."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from renderer.cuda.driver import Calls


class MappedAllocation:
    """An allocation of cuMemCreate at an address. Owns both."""

    address = 0  # in the GPU's address space, once it is mapped

    def __init__(self, driver: Calls, allocation: Any, size_bytes: int) -> None:
        """Takes the allocation; `map` maps it."""
        self._driver, self._allocation, self._size_bytes = driver, allocation, size_bytes
        self._undo: list[Callable[[], object]] = [partial(driver.call, "cuMemRelease", allocation)]

    def map(self, index: int) -> None:
        """For that GPU to read and to write. Raises DeviceFailed; `close` undoes what was done until then."""
        api = self._driver.bindings
        self.address = int(self._driver.call("cuMemAddressReserve", self._size_bytes, 0, 0, 0))
        self._undo.append(partial(self._driver.call, "cuMemAddressFree", self.address, self._size_bytes))
        self._place()
        self._undo.append(partial(self._driver.call, "cuMemUnmap", self.address, self._size_bytes))
        access = api.CUmemAccessDesc()
        access.location.type = api.CUmemLocationType.CU_MEM_LOCATION_TYPE_DEVICE
        access.location.id = index
        access.flags = api.CUmemAccess_flags.CU_MEM_ACCESS_FLAGS_PROT_READWRITE
        self._driver.call("cuMemSetAccess", self.address, self._size_bytes, [access], 1)

    def _place(self) -> None:
        self._driver.call("cuMemMap", self.address, self._size_bytes, 0, self._allocation, 0)

    def close(self) -> None:
        """Undoes what was done, last first. A second time does nothing."""
        while self._undo:
            self._undo.pop()()


def granularity(driver: Calls, made_of: Any) -> int:
    """What the size of an allocation with these properties is a multiple of, in bytes. Raises DeviceFailed."""
    least = driver.bindings.CUmemAllocationGranularity_flags.CU_MEM_ALLOC_GRANULARITY_MINIMUM
    return int(driver.call("cuMemGetAllocationGranularity", made_of, least))
