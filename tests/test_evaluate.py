"""The image metrics: known values, the same picture is perfect, a worse one is worse."""

from __future__ import annotations

import numpy as np
import pytest

from renderer.evaluate.image import flip, psnr_db, tone_map


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(3).uniform(0.0, 0.9, (32, 48, 3)).astype(np.float32)


def test_psnr_of_a_constant_error_is_its_formula() -> None:
    assert psnr_db(picture() + np.float32(0.1), picture()) == pytest.approx(20.0, abs=1e-3)


def test_flip_is_zero_for_the_same_picture_and_grows_with_the_difference() -> None:
    truth = picture()
    near, far = np.clip(truth + 0.02, 0.0, 1.0), np.clip(truth + 0.3, 0.0, 1.0)
    assert flip(truth, truth) == pytest.approx(0.0, abs=1e-6)
    assert 0.0 < flip(near, truth) < flip(far, truth)


def test_the_tone_map_keeps_order_and_range_and_takes_what_is_not_a_number() -> None:
    shown = tone_map(np.array([[np.nan, -1.0, 0.0], [0.1, 1.0, 1e6]]))
    assert shown.min() == 0.0
    assert shown.max() == 1.0
    assert shown[1, 0] < shown[1, 1] < shown[1, 2]
