"""Python functions as machine code: how all kernels of the embedded engine and of limn are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

from bridge.errors import MissingDependency

try:
    from numba import njit
except ModuleNotFoundError as missing:
    raise MissingDependency("the embedded engine needs numba", fix="Run: pip install 'worldplate[demo]'") from missing

Function = TypeVar("Function", bound=Callable[..., object])


def kernel(function: Function) -> Function:
    """Compile for the CPU: cached on disk, without the GIL, IEEE division; no fast-math, so equal inputs give equal
    bits."""
    return cast(Function, njit(cache=True, nogil=True, error_model="numpy")(function))


def part(function: Function) -> Function:
    """What kernels call, and Python never: compiled with them, without what a call from Python needs, and kept with
    them alone, which takes a fraction of the time at a first start."""
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, njit(nogil=True, error_model="numpy", **options)(function))
