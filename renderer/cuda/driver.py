"""The only import of CUDA's packages, late, and why they cannot be used where they cannot.

pycuda has contexts, streams, kernels and pinned memory; cuda-bindings (NVIDIA's own) has what pycuda has not: external
memory and semaphores, CUDA's virtual memory, graphs. Both work in one primary context, and pass handles as integers.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from bridge.errors import CudaNotUsable, DeviceError, DeviceFailed

log = logging.getLogger("worldplate.cuda")

OLDEST = 12_000  # CUDA 12.0, as cuDriverGetVersion counts
INSTALL = 'pip install "worldplate[gpu]"'
Load = Callable[[str], Any]


class Calls:
    """cuda-bindings with its statuses checked. Initialised: all that an engine's side needs."""

    def __init__(self, bindings: Any) -> None:
        self.bindings = bindings  # cuda.bindings.driver: its enums and structs too

    def call(self, name: str, *arguments: object) -> Any:
        """What a function of the driver gives: nothing, a value, or several. Raises DeviceFailed with its status."""
        status, *values = getattr(self.bindings, name)(*arguments)
        if int(status) != 0:
            raise DeviceFailed(
                f"{name} failed with {_name_of(status)}",
                fix="If it happens again, restart the renderer, or say HELLO without `cuda`.",
            )
        return values[0] if len(values) == 1 else tuple(values) or None

    def is_over(self, event: object) -> bool:
        """Whether a recorded event has come to pass. Raises DeviceFailed when the GPU failed before it."""
        (status,) = self.bindings.cuEventQuery(event)
        if status == self.bindings.CUresult.CUDA_ERROR_NOT_READY:
            return False
        if int(status) != 0:
            raise DeviceFailed(f"the GPU's work failed with {_name_of(status)}", fix="Restart the renderer.")
        return True

    def can(self, attribute: str, index: int) -> bool:
        """Whether that GPU has an attribute (of CUdevice_attribute, without its prefix). Raises DeviceFailed."""
        kind = getattr(self.bindings.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{attribute}")
        return bool(self.call("cuDeviceGetAttribute", kind, self.call("cuDeviceGet", index)))

    def uuid(self, index: int) -> str:
        """Of that GPU, 32 hex digits, as Vulkan tells it too. Raises DeviceFailed."""
        return bytes(self.call("cuDeviceGetUuid", self.call("cuDeviceGet", index)).bytes).hex()

    def luid(self, index: int) -> str:
        """Of that GPU, 16 hex digits in the order in which its bytes lie in memory, as DXGI tells it too; empty where
        there is none, as everywhere but on Windows. Raises DeviceFailed."""
        if sys.platform == "win32":
            # Not by cuda-bindings, which ends the bytes at the first zero (13.5), and a LUID has many.
            told, nodes = (ctypes.c_char * 8)(), ctypes.c_uint()
            device = int(self.call("cuDeviceGet", index))
            status = ctypes.WinDLL("nvcuda").cuDeviceGetLuid(told, ctypes.byref(nodes), device)
            return told.raw.hex() if status == 0 else ""
        else:
            return ""


class Driver(Calls):
    """And pycuda: what the renderer's side needs."""

    def __init__(self, bindings: Any, pycuda: Any) -> None:
        super().__init__(bindings)
        self.pycuda = pycuda  # pycuda.driver

    def ask_pycuda(self, function: Callable[..., Any], *arguments: object) -> Any:
        """What a function of pycuda's gives. Raises DeviceFailed with the words of its error."""
        try:
            return function(*arguments)
        except self.pycuda.Error as error:
            raise DeviceFailed(
                f"the GPU's driver failed: {error}", fix="Run nvidia-smi, which may say more."
            ) from error


def driver() -> Driver:
    """The driver of this process. Raises CudaNotUsable; asked again, it says the same without trying again."""
    found = _found()
    if isinstance(found, CudaNotUsable):
        raise found
    return found


def why_not() -> str:
    """Why CUDA cannot be used here, for a person; empty where it can."""
    found = _found()
    return found.what if isinstance(found, CudaNotUsable) else ""


@functools.cache
def _found() -> Driver | CudaNotUsable:
    try:
        return find(importlib.import_module)
    except CudaNotUsable as error:
        log.debug("CUDA is not used: %s", error.what)
        return error


def find(load: Load) -> Driver:
    """Loads both packages by `load` and starts the driver. Raises CudaNotUsable."""
    calls = find_calls(load)
    pycuda = _package(load, "pycuda.driver", "pycuda")
    pycuda.init()
    return Driver(calls.bindings, pycuda)


def find_calls(load: Load = importlib.import_module) -> Calls:
    """Loads cuda-bindings by `load` and starts the driver. Raises CudaNotUsable."""
    bindings = _package(load, "cuda.bindings.driver", "cuda-bindings")
    try:
        (status,) = bindings.cuInit(0)
    except (RuntimeError, OSError) as error:  # it found no libcuda
        raise CudaNotUsable("there is no NVIDIA driver on this machine", fix="Install NVIDIA's driver.") from error
    if status == bindings.CUresult.CUDA_ERROR_NO_DEVICE:
        raise CudaNotUsable("there is a driver and no NVIDIA GPU that it may use", fix="Look at CUDA_VISIBLE_DEVICES.")
    if int(status) != 0:
        raise CudaNotUsable(f"the driver does not start: {_name_of(status)}", fix="Run nvidia-smi, which says more.")
    _, version = bindings.cuDriverGetVersion()
    if version < OLDEST:
        raise CudaNotUsable(
            f"the driver is for CUDA {version // 1000}.{version % 1000 // 10}, and {OLDEST // 1000}.0 is needed",
            fix="Install a newer NVIDIA driver (525 or later).",
        )
    _, count = bindings.cuDeviceGetCount()
    if count == 0:
        raise CudaNotUsable("the driver has no GPU", fix="Look at CUDA_VISIBLE_DEVICES.")
    return Calls(bindings)


def _package(load: Load, module: str, distribution: str) -> Any:
    try:
        return load(module)
    except ModuleNotFoundError as error:
        raise CudaNotUsable(f"{distribution} is not installed", fix=f"Install it: {INSTALL}") from error
    except ImportError as error:  # built for a driver that is not this one
        raise CudaNotUsable(f"{distribution} does not load: {error}", fix=f"Install it anew: {INSTALL}") from error


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """A GPU that is lost refuses to let go, too: it is logged, and the rest is still let go of."""
    try:
        yield
    except DeviceError as error:
        log.warning("while letting go of what was shared: %s", error)


def _name_of(status: Any) -> str:
    return str(getattr(status, "name", status))
