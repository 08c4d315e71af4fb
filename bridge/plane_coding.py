"""Planes to few bytes and back, bit for bit: neighbours are subtracted as integers, bytes of one rank are put together,
and Zstandard does the rest.

Measured on the embedded engine and limn at 320x180, level 1, as a share of the raw bytes: a plate 0.36 (0.64 without
the subtraction and 0.34 at level 6, which takes six times as long), depth 0.17 (0.39), motion 0.20 (0.88). Ids and
labels are best left as they are. `python benchmarks/takes.py` measures it again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency, TakeCorrupt
from bridge.planes import BYTES_PER_PIXEL, CHANNELS, DTYPE, Plane
from bridge.schema import PixelFormat, PlaneName

try:
    import zstandard
except ImportError as error:
    raise MissingDependency(
        f"takes need Zstandard: {error}", fix='Install it with `pip install "worldplate[takes]"`.'
    ) from error

LEVEL = 1
MOST_WINDOW_BYTES = 1 << 27  # of a decoder, whatever a file asks for
PLAIN, ACROSS, BOTH = "plain", "across", "across+down"  # what is subtracted: nothing, the left pixel, the upper too
CODINGS = (PLAIN, ACROSS, BOTH)

_BEST: dict[PlaneName, str] = {
    PlaneName.DEPTH: BOTH,
    PlaneName.PLATE_DEPTH: BOTH,
    PlaneName.OBJECT: PLAIN,
    PlaneName.LABEL: PLAIN,
}


def coding_of(name: PlaneName) -> str:
    """The coding that a plane is best kept in."""
    return _BEST.get(name, ACROSS)


def compress(plane: Plane, coding: str, level: int = LEVEL) -> bytes:
    """The bytes of a plane [H, W] or [H, W, C], rows without gaps, in that coding."""
    return pack(_arranged(np.ascontiguousarray(plane), coding), level)


def decompress(packed: bytes | memoryview, form: PixelFormat, width: int, height: int, coding: str) -> Plane:
    """The plane again, [H, W] or [H, W, C]. Width and height are in range and `form` is known: the caller checked.

    Raises TakeCorrupt for bytes that are not such a plane; nothing larger than the plane is allocated.
    """
    return _restored(unpack(packed, width * height * BYTES_PER_PIXEL[form]), form, width, height, coding)


def pack(raw: bytes | memoryview, level: int = LEVEL) -> bytes:
    """Bytes as they are, compressed."""
    packed: bytes = zstandard.ZstdCompressor(level=level).compress(raw)
    return packed


def unpack(packed: bytes | memoryview, raw_bytes: int) -> bytes:
    """The bytes that `pack` took, exactly that many. Raises TakeCorrupt; nothing larger is allocated."""
    try:
        if zstandard.frame_content_size(packed) != raw_bytes:
            raise TakeCorrupt(f"What is compressed does not say that it holds {raw_bytes} bytes", fix="Record it anew.")
        decoder = zstandard.ZstdDecompressor(max_window_size=MOST_WINDOW_BYTES)
        raw: bytes = decoder.decompress(packed, max_output_size=raw_bytes)
    except zstandard.ZstdError as error:
        raise TakeCorrupt(f"What is compressed cannot be decompressed: {error}", fix="Record it anew.") from error
    if len(raw) != raw_bytes:
        raise TakeCorrupt(f"What is compressed has {len(raw)} bytes instead of {raw_bytes}", fix="Record it anew.")
    return raw


def _arranged(plane: Plane, coding: str) -> bytes | memoryview:
    if coding == PLAIN:
        return plane.data if plane.size else b""
    numbers: NDArray[Any] = plane.view(f"<u{plane.dtype.itemsize}")
    steps = numbers.copy()
    np.subtract(numbers[:, 1:], numbers[:, :-1], out=steps[:, 1:])  # wraps around, as the sum does
    if coding == BOTH:
        steps[1:] -= steps[:-1].copy()
    ranks = steps.view(np.uint8).reshape(plane.shape[0] * plane.shape[1], -1)
    return np.ascontiguousarray(ranks.T).data


def _restored(raw: bytes, form: PixelFormat, width: int, height: int, coding: str) -> Plane:
    dtype, channels = DTYPE[form], CHANNELS[form]
    shape = (height, width) if channels == 1 else (height, width, channels)
    if coding == PLAIN:
        return np.frombuffer(raw, dtype).reshape(shape)
    whole: np.dtype[Any] = np.dtype(f"<u{dtype.itemsize}")
    ranks = np.frombuffer(raw, np.uint8).reshape(channels * dtype.itemsize, height * width)
    numbers = np.array(ranks.T, order="C").view(whole).reshape(shape)
    if coding == BOTH:
        np.cumsum(numbers, axis=0, dtype=whole, out=numbers)
    np.cumsum(numbers, axis=1, dtype=whole, out=numbers)
    plane: Plane = numbers.view(dtype)
    plane.flags.writeable = False
    return plane
