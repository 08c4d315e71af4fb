"""Where pixels live: plane layouts, views on them, and the two sides of a frame's buffers.

A plane is a rectangle of pixels in some buffer: a slot of the shared ring (`bridge/ring.py`) or the parts of a
message (`bridge/inline.py`). Nothing here copies one; whoever must, does it through `Copies`, which counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue, LimitExceeded
from bridge.schema import ALLOWED_FORMATS, Frame, Limits, PixelFormat, PlaneLayout, PlaneName, Result

DEFAULT_LIMITS = Limits()
ALIGNMENT_BYTES = 64  # a cache line: no two planes share one, and every vector load is aligned

Plane = NDArray[Any]
PlaneViews = dict[PlaneName, Plane]  # [height, width] or [height, width, channels], rows `row_pitch_bytes` apart

DTYPE: dict[PixelFormat, np.dtype[Any]] = {
    PixelFormat.RGBA16F: np.dtype("<f2"),
    PixelFormat.RGBA32F: np.dtype("<f4"),
    PixelFormat.RG16F: np.dtype("<f2"),
    PixelFormat.RG32F: np.dtype("<f4"),
    PixelFormat.R16F: np.dtype("<f2"),
    PixelFormat.R32F: np.dtype("<f4"),
    PixelFormat.R32UI: np.dtype("<u4"),
    PixelFormat.R8UI: np.dtype("u1"),
}
CHANNELS: dict[PixelFormat, int] = {
    PixelFormat.RGBA16F: 4,
    PixelFormat.RGBA32F: 4,
    PixelFormat.RG16F: 2,
    PixelFormat.RG32F: 2,
    PixelFormat.R16F: 1,
    PixelFormat.R32F: 1,
    PixelFormat.R32UI: 1,
    PixelFormat.R8UI: 1,
}
BYTES_PER_PIXEL: dict[PixelFormat, int] = {f: CHANNELS[f] * DTYPE[f].itemsize for f in PixelFormat}


class Copies:
    """Counts the bytes this process copied between host buffers of pixels.

    Counted: every copy our own code makes, because it makes it here. Not counted: what a renderer computes and
    writes into a plate (that is work, not a copy), and what a socket moves inside itself in the inline mode.
    """

    def __init__(self) -> None:
        self.bytes = 0

    def copy(self, dst: Plane, src: Plane) -> None:
        """Copies `src` over `dst`; both have the same shape and dtype."""
        np.copyto(dst, src, casting="no")
        self.bytes += src.nbytes


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for one frame, being written by the engine."""

    index: int
    frame_id: int
    inputs: PlaneViews  # writable
    on_device: bool = False  # then they are the GPU's: see bridge/device.py


class EngineBuffers(Protocol):
    """The engine's side of a frame's pixels. One thread calls it."""

    generation: int
    copies: Copies
    part_layouts: tuple[PlaneLayout, ...]  # for Frame.planes: what the parts of `commit` hold; () over a ring

    def begin(self, frame_id: int) -> Slot:
        """A free slot whose inputs may be written now. Raises RingFull when every slot is taken."""

    def commit(self, slot: Slot) -> tuple[memoryview, ...]:
        """The inputs are whole; returns the parts that the frame's message must carry, () over a ring."""

    def accept(self, result: Result, parts: Sequence[memoryview]) -> None:
        """Takes in what a RESULT carried. Raises InvalidValue when the parts are not what was agreed."""

    def plate(self, index: int, frame_id: int) -> PlaneViews | None:
        """The outputs of that frame, read-only and in place; None when torn, absent, or of another frame."""

    def plate_whole(self, index: int, frame_id: int) -> bool:
        """To be asked after reading what `plate` gave: True when it stayed the same meanwhile."""

    def release(self, index: int) -> None:
        """The slot is free again; a second release of it does nothing."""

    def close(self) -> None:
        """Gives the memory back; views handed out stay readable until they are dropped."""


class RendererBuffers(Protocol):
    """The renderer's side of a frame's pixels. One thread calls it."""

    generation: int
    copies: Copies
    part_layouts: tuple[PlaneLayout, ...]  # for Result.outputs: what the parts of `commit_plate` hold; () over a ring

    def inputs(self, frame: Frame, parts: Sequence[memoryview]) -> PlaneViews:
        """The frame's inputs, read-only and in place (`torch.from_dlpack` takes them as they are).

        Raises InvalidValue when the frame names another ring or slot, or its parts are not what was agreed, and
        RingCorrupt when the slot does not hold this frame whole.
        """

    def begin_plate(self, frame: Frame) -> PlaneViews:
        """Where to write the outputs. The engine cannot see them before `commit_plate`."""

    def commit_plate(self, frame: Frame) -> tuple[memoryview, ...]:
        """The outputs are whole; returns the parts that the result must carry, () over a ring.

        Raises RingCorrupt when the inputs were overwritten while they were read; the plate then stays invisible.
        """

    def beat(self, now_ns: int) -> None:
        """The render loop is alive at this monotonic time, nanoseconds."""

    def close(self) -> None:
        """Gives the memory back; views handed out stay readable until they are dropped."""


def align(bytes_: int) -> int:
    """The next multiple of ALIGNMENT_BYTES."""
    return -(-bytes_ // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def pack_layouts(formats: Mapping[PlaneName, PixelFormat], width: int, height: int) -> tuple[PlaneLayout, ...]:
    """Planes of one size, rows without gaps, one after another on ALIGNMENT_BYTES boundaries."""
    layouts = (
        PlaneLayout(name=name, format=form, width=width, height=height, row_pitch_bytes=width * BYTES_PER_PIXEL[form])
        for name, form in formats.items()
    )
    return place(layouts, 0)


def place(layouts: Iterable[PlaneLayout], start_bytes: int) -> tuple[PlaneLayout, ...]:
    """The same planes with the same pitches, one after another from `start_bytes` on."""
    placed: list[PlaneLayout] = []
    offset = align(start_bytes)
    for layout in layouts:
        placed.append(msgspec.structs.replace(layout, offset_bytes=offset))
        offset = align(offset + plane_bytes(layout))
    return tuple(placed)


def plane_bytes(layout: PlaneLayout) -> int:
    """Bytes from the first row to the end of the last one, its padding included."""
    return layout.row_pitch_bytes * layout.height


def payload_bytes(layouts: Iterable[PlaneLayout]) -> int:
    """Bytes that hold all of the planes, a multiple of ALIGNMENT_BYTES."""
    return align(max((layout.offset_bytes + plane_bytes(layout) for layout in layouts), default=0))


def check_layouts(layouts: Sequence[PlaneLayout], payload_bytes: int, limits: Limits) -> None:
    """Refuses planes that do not lie inside `payload_bytes`, each apart from the others.

    Raises LimitExceeded over `max_side_px` or `max_frame_bytes`, InvalidValue for everything else.
    """
    for layout in layouts:
        _check_layout(layout, payload_bytes, limits)
    total = sum(map(plane_bytes, layouts))
    if total > limits.max_frame_bytes:
        raise LimitExceeded("the planes of one frame, bytes,", total, limits.max_frame_bytes, "max_frame_bytes")
    if len({layout.name for layout in layouts}) < len(layouts):
        raise InvalidValue("A plane is there twice", fix="Send each plane once.")
    by_place = sorted(layouts, key=lambda layout: layout.offset_bytes)
    for before, after in pairwise(by_place):
        if before.offset_bytes + plane_bytes(before) > after.offset_bytes:
            raise InvalidValue(
                f"The planes `{before.name}` and `{after.name}` overlap", fix="Lay them out one after another."
            )


def _check_layout(layout: PlaneLayout, payload_bytes: int, limits: Limits) -> None:
    what = f"The plane `{layout.name}`"
    for side in (layout.width, layout.height):
        if side < 1:
            raise InvalidValue(f"{what} is {layout.width}x{layout.height}", fix="Give it at least one pixel.")
        if side > limits.max_side_px:
            raise LimitExceeded(f"a side of `{layout.name}` in pixels", side, limits.max_side_px, "max_side_px")
    if layout.format not in ALLOWED_FORMATS[layout.name]:
        allowed = ", ".join(ALLOWED_FORMATS[layout.name])
        raise InvalidValue(f"{what} has the format {layout.format}", fix=f"Use one of: {allowed}.")
    tight, unit = layout.width * BYTES_PER_PIXEL[layout.format], DTYPE[layout.format].itemsize
    if layout.row_pitch_bytes < tight or layout.row_pitch_bytes % unit:
        raise InvalidValue(
            f"{what} has a row pitch of {layout.row_pitch_bytes} bytes",
            fix=f"Use at least {tight}, a multiple of {unit}.",
        )
    if layout.offset_bytes % ALIGNMENT_BYTES or layout.offset_bytes < 0:
        raise InvalidValue(
            f"{what} is at offset {layout.offset_bytes} bytes", fix=f"Use a multiple of {ALIGNMENT_BYTES}."
        )
    end = layout.offset_bytes + plane_bytes(layout)
    if end > payload_bytes:
        raise InvalidValue(
            f"{what} ends at byte {end} of a buffer of {payload_bytes}", fix="Make the buffer hold all of its rows."
        )


def check_agreed(offered: Sequence[PlaneLayout], agreed: Sequence[PlaneLayout]) -> None:
    """Refuses planes that differ from those of WELCOME in name, order, format or size; pitch and offset are free.

    Raises InvalidValue.
    """
    got, wanted = ([(p.name, p.format, p.width, p.height) for p in planes] for planes in (offered, agreed))
    if got != wanted:
        text, want = (", ".join(f"{n} {f} {w}x{h}" for n, f, w, h in planes) or "none" for planes in (got, wanted))
        raise InvalidValue(f"The planes are: {text}", fix=f"Send what WELCOME agreed: {want}.")


def view(buffer: Any, layout: PlaneLayout, base_bytes: int = 0, *, writeable: bool) -> Plane:
    """A plane of `buffer` (anything with the buffer protocol) in place, its payload starting at `base_bytes`."""
    dtype, channels = DTYPE[layout.format], CHANNELS[layout.format]
    shape: tuple[int, ...] = (layout.height, layout.width)
    strides: tuple[int, ...] = (layout.row_pitch_bytes, BYTES_PER_PIXEL[layout.format])
    if channels > 1:
        shape, strides = (*shape, channels), (*strides, dtype.itemsize)
    plane: Plane = np.ndarray(shape, dtype, buffer, base_bytes + layout.offset_bytes, strides)
    if not writeable:
        plane.flags.writeable = False
    return plane


def views(buffer: Any, layouts: Iterable[PlaneLayout], base_bytes: int = 0, *, writeable: bool) -> PlaneViews:
    """`view` of every plane, by name."""
    return {layout.name: view(buffer, layout, base_bytes, writeable=writeable) for layout in layouts}
