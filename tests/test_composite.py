"""The plate over the engine's picture: exact at both ends of the matte, and never a NaN of its own making."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from bridge.composite import composite, composite_plainly

HALVES = arrays(
    np.float16, (3, 4, 4), elements=st.floats(width=16, allow_nan=True, allow_infinity=True, min_value=None)
)
MATTES = arrays(np.float16, (3, 4), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))


def picture(seed: int, dtype: type[np.floating]) -> NDArray[np.floating]:
    return np.random.default_rng(seed).uniform(0, 4, (5, 7, 4)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_matte_0_gives_the_engines_pixel_bit_for_bit(dtype: type[np.floating]) -> None:
    color = picture(1, dtype)
    color[0, 0] = np.nan
    color[0, 1, 3] = -0.0
    plate = picture(2, np.float16).astype(np.float16)
    plate[..., 3] = 0
    assert composite(color, plate).tobytes() == color.tobytes()


def test_some_pixels_of_the_engine_stay_bit_for_bit_beside_the_plates() -> None:
    color, plate = picture(1, np.float16), picture(2, np.float16)
    plate[..., 3] = 1
    plate[2, 3, 3] = 0
    color[2, 3] = (np.nan, 7, -0.0, 0.3)
    out = composite(color, plate)
    assert out[2, 3].tobytes() == color[2, 3].tobytes()
    assert np.array_equal(
        np.delete(out[..., :3].reshape(-1, 3), 17, 0), np.delete(plate[..., :3].reshape(-1, 3), 17, 0)
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_matte_1_gives_the_plates_colour_exactly(dtype: type[np.floating]) -> None:
    plate = picture(2, np.float16)
    plate[..., 3] = 1
    out = composite(picture(1, dtype), plate)
    assert out.dtype == dtype
    assert np.array_equal(out[..., :3], plate[..., :3].astype(dtype))


def test_half_a_matte_is_half_of_each() -> None:
    color = np.full((1, 1, 4), 1.0, np.float32)
    plate = np.array([[[3.0, 5.0, 0.0, 0.5]]], np.float16)
    assert composite(color, plate)[0, 0].tolist() == [2.0, 3.0, 0.5, 1.0]


def test_a_broken_plate_pixel_is_the_engines_and_a_broken_engine_pixel_the_plates() -> None:
    color = np.ones((1, 2, 4), np.float16)
    plate = np.full((1, 2, 4), 0.5, np.float16)
    plate[0, 0, 1] = np.nan
    color[0, 1, 0] = np.inf
    assert composite(color, plate)[0].tolist() == [[1.0] * 4, [0.5, 0.5, 0.5, 1.0]]


def test_it_writes_into_out() -> None:
    color, plate = picture(1, np.float16), picture(2, np.float16)
    out = np.empty_like(color)
    assert composite(color, plate, out) is out
    assert np.array_equal(out, composite(color, plate))


@given(color=HALVES, plate=HALVES, matte=MATTES)
def test_it_agrees_with_the_plain_reference(
    color: NDArray[np.float16], plate: NDArray[np.float16], matte: NDArray[np.float16]
) -> None:
    plate[..., 3] = matte
    with np.errstate(over="ignore"):
        expected = composite_plainly(color, plate)
    np.testing.assert_allclose(composite(color, plate), expected, rtol=2e-3, atol=1e-4)
