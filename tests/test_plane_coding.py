"""Planes to few bytes and back: every bit, in every coding, and nothing larger than was promised."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import TakeCorrupt
from bridge.plane_coding import CODINGS, coding_of, compress, decompress
from bridge.planes import CHANNELS, DTYPE
from bridge.schema import ALLOWED_FORMATS, PixelFormat, PlaneName


@pytest.mark.parametrize("name", list(PlaneName))
def test_every_plane_in_every_format_keeps_every_bit_in_every_coding(name: PlaneName) -> None:
    rng = np.random.default_rng(3)
    for form in ALLOWED_FORMATS[name]:
        shape = (7, 13) if CHANNELS[form] == 1 else (7, 13, CHANNELS[form])
        noise = rng.bytes(int(np.prod(shape)) * DTYPE[form].itemsize)  # NaN with payloads and infinities among them
        plane = np.frombuffer(noise, DTYPE[form]).reshape(shape)
        assert coding_of(name) in CODINGS
        for coding in CODINGS:
            again = decompress(compress(plane, coding), form, 13, 7, coding)
            assert (again.dtype, again.shape, again.tobytes()) == (plane.dtype, plane.shape, noise)


def test_a_plane_with_gaps_between_its_rows_is_kept_without_them() -> None:
    wide = np.arange(8 * 20, dtype=np.uint32).reshape(8, 20)
    again = decompress(compress(wide[:, :13], "across+down"), PixelFormat.R32UI, 13, 8, "across+down")
    assert np.array_equal(again, wide[:, :13])


def test_a_plane_that_unpacks_to_more_than_its_size_is_refused() -> None:
    plane = np.zeros((36, 64, 4), np.float16)
    bomb = compress(np.zeros((3600, 640, 4), np.float16), "across")
    assert decompress(compress(plane, "across"), PixelFormat.RGBA16F, 64, 36, "across").shape == (36, 64, 4)
    for packed in (bomb, b"", bomb[:20], bytes(100)):
        with pytest.raises(TakeCorrupt):
            decompress(packed, PixelFormat.RGBA16F, 64, 36, "across")
