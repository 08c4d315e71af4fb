"""The image metrics: known values, plain references, the same picture is perfect, a worse one is worse."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from renderer.evaluate.image import flip, flip_map, psnr_db, ssim, tone_map


def picture() -> NDArray[np.float32]:
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


def ssim_by_loops(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """The formula of Wang et al. 2004, window by window."""
    offset = np.arange(-5, 6)
    weight = np.exp(-(offset[:, None] ** 2 + offset[None, :] ** 2) / (2.0 * 1.5**2))
    weight /= weight.sum()
    values = []
    for i in range(5, a.shape[0] - 5):
        for j in range(5, a.shape[1] - 5):
            for c in range(3):
                x, y = (v[i - 5 : i + 6, j - 5 : j + 6, c].astype(np.float64) for v in (a, b))
                mx, my = (weight * x).sum(), (weight * y).sum()
                vx, vy = (weight * (x - mx) ** 2).sum(), (weight * (y - my) ** 2).sum()
                cov = (weight * (x - mx) * (y - my)).sum()
                values.append((2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4)))
    return float(np.mean(values))


def test_ssim_is_what_a_loop_over_windows_gives() -> None:
    truth = picture()[:18, :20]
    other = np.clip(truth * 0.7 + np.random.default_rng(4).normal(0.0, 0.1, truth.shape), 0.0, 1.0).astype(np.float32)
    assert ssim(other, truth) == pytest.approx(ssim_by_loops(other, truth), abs=1e-9)
    assert ssim(truth, truth) == pytest.approx(1.0, abs=1e-12)


def test_the_flip_map_shows_where_pictures_differ_and_its_mean_is_the_figure() -> None:
    truth = picture()
    other = truth.copy()
    other[:, 40:] = 1.0 - other[:, 40:]
    mean, errors = flip_map(other, truth)
    assert errors.shape == truth.shape[:2]
    assert mean == pytest.approx(float(errors.mean()), abs=1e-5)
    assert errors[:, 42:].mean() > 5.0 * errors[:, :30].mean()
    assert flip_map(other, truth, colours=True)[1].shape == truth.shape
