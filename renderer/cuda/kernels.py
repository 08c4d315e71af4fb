"""Kernels: what each of kernels.cu is given, and how the PTX of any source is loaded and launched."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from renderer.cuda.compile import ptx_path
from renderer.cuda.context import GpuContext

COPY, BLEND, KEEP = "worldplate_copy", "worldplate_blend", "worldplate_keep"
INGEST, REPROJECT = "worldplate_ingest", "worldplate_reproject"
BLOCK = (32, 8)  # threads: a row of a warp reads neighbouring pixels
MOST_IDS = 256  # that one launch of BLEND takes
MOST_PLANES = 8  # that one launch of INGEST takes
SOURCES, MOST_BODIES, MOST_OWNED = 2, 24, 128  # plates, bodies and ids that one launch of REPROJECT takes


class Copy(ctypes.Structure):
    """Of COPY, as in kernels.cu."""

    _fields_ = (
        ("color", ctypes.c_uint64),
        ("plate", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("color_pitch", ctypes.c_uint32),
        ("plate_pitch", ctypes.c_uint32),
        ("color_is_float", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32),
    )


class Blend(ctypes.Structure):
    """Of BLEND, as in kernels.cu."""

    _fields_ = (
        ("depth", ctypes.c_uint64),
        ("object", ctypes.c_uint64),
        ("label", ctypes.c_uint64),
        ("plate", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("depth_pitch", ctypes.c_uint32),
        ("object_pitch", ctypes.c_uint32),
        ("label_pitch", ctypes.c_uint32),
        ("plate_pitch", ctypes.c_uint32),
        ("near_m", ctypes.c_float),
        ("far_m", ctypes.c_float),
        ("labels_low", ctypes.c_uint32 * 4),  # a bit for each label 0..127
        ("labels_high", ctypes.c_uint32 * 4),  # and 128..255
        ("id_count", ctypes.c_uint32),
        ("ids", ctypes.c_uint32 * MOST_IDS),  # ascending
        ("reserved", ctypes.c_uint32),
    )


class Keep(ctypes.Structure):
    """Of KEEP, as in kernels.cu."""

    _fields_ = (
        ("source", ctypes.c_uint64),
        ("target", ctypes.c_uint64),
        ("words", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
    )


class Ingest(ctypes.Structure):
    """Of INGEST, as in kernels.cu."""

    _fields_ = (
        ("planes", ctypes.c_uint64 * MOST_PLANES),
        ("pitches", ctypes.c_uint32 * MOST_PLANES),
        ("formats", ctypes.c_uint32 * MOST_PLANES),
        ("channels", ctypes.c_uint32 * MOST_PLANES),
        ("target", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("target_pitch", ctypes.c_uint32),
    )


class PlateSource(ctypes.Structure):
    """`Source` of reproject.hpp: a plate and what it saw."""

    _fields_ = (
        ("depth", ctypes.c_uint64),
        ("object", ctypes.c_uint64),
        ("plate", ctypes.c_uint64),
        ("depth_pitch", ctypes.c_uint32),
        ("object_pitch", ctypes.c_uint32),
        ("plate_pitch", ctypes.c_uint32),
        ("by_motion", ctypes.c_uint32),
        ("share", ctypes.c_float),
        ("trust", ctypes.c_float),
        ("jitter_px", ctypes.c_float * 2),
        ("projection", ctypes.c_float * 16),
    )


class Reproject(ctypes.Structure):
    """Of REPROJECT, as in reproject.hpp."""

    _fields_ = (
        ("sources", PlateSource * SOURCES),
        ("depth", ctypes.c_uint64),
        ("object", ctypes.c_uint64),
        ("label", ctypes.c_uint64),
        ("motion", ctypes.c_uint64),
        ("plate", ctypes.c_uint64),
        ("confidence", ctypes.c_uint64),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("depth_pitch", ctypes.c_uint32),
        ("object_pitch", ctypes.c_uint32),
        ("label_pitch", ctypes.c_uint32),
        ("motion_pitch", ctypes.c_uint32),
        ("plate_pitch", ctypes.c_uint32),
        ("confidence_pitch", ctypes.c_uint32),
        ("source_count", ctypes.c_uint32),
        ("motion_is_float", ctypes.c_uint32),
        ("projection", ctypes.c_float * 16),
        ("jitter_px", ctypes.c_float * 2),
        ("strength", ctypes.c_float),
        ("near_m", ctypes.c_float),
        ("far_m", ctypes.c_float),
        ("owned_count", ctypes.c_uint32),
        ("body_count", ctypes.c_uint32),
        ("listed_alone", ctypes.c_uint32),
        ("labels_low", ctypes.c_uint32 * 4),
        ("labels_high", ctypes.c_uint32 * 4),
        ("owned", ctypes.c_uint32 * MOST_OWNED),
        ("ids", ctypes.c_uint32 * MOST_BODIES),
        ("bodies", ctypes.c_float * 12 * (MOST_BODIES + 1) * SOURCES),
    )


@dataclass(frozen=True)
class Source:
    """A file of kernels: NAME.cu here, and what each kernel in it is given."""

    name: str
    kinds: Mapping[str, type[ctypes.Structure]]


FRAME = Source("kernels", {COPY: Copy, BLEND: Blend, KEEP: Keep, INGEST: Ingest, REPROJECT: Reproject})


def grid_of(width: int, height: int) -> tuple[int, int]:
    """Blocks that cover a picture."""
    return math.ceil(width / BLOCK[0]), math.ceil(height / BLOCK[1])


class Kernels:
    """The PTX in a GPU's context, which compiles it for itself and keeps it until it is closed."""

    def __init__(self, context: GpuContext) -> None:
        self._context = context
        self._functions: dict[str, Any] = {}

    def load(self, source: Source) -> None:
        """Takes seconds the first time on a machine: before a show. A second time does nothing. Raises DeviceFailed
        where the driver does not take the PTX."""
        if source.kinds.keys() <= self._functions.keys():
            return
        ask, pycuda = self._context.driver.ask_pycuda, self._context.driver.pycuda
        module = ask(pycuda.module_from_buffer, ptx_path(source.name).read_bytes() + b"\0")  # the driver wants an end
        for name, kind in source.kinds.items():
            function = ask(module.get_function, name)
            function.prepare([f"{ctypes.sizeof(kind)}s"])  # one struct, by value
            self._functions[name] = function

    def launch(self, name: str, arguments: ctypes.Structure, width: int, height: int, stream: object) -> None:
        """Enqueues it on a stream of pycuda's. Raises DeviceFailed."""
        grid, block = (*grid_of(width, height), 1), (*BLOCK, 1)
        call = self._functions[name].prepared_async_call
        self._context.driver.ask_pycuda(call, grid, block, stream, bytes(arguments))
