"""How near a picture is to the truth: PSNR, SSIM and FLIP after one stated tone map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
TONE = "Narkowicz' fit of the ACES filmic curve, then gamma 1/2.2, clipped to 0..1"
SSIM_SIGMA, SSIM_RADIUS = 1.5, 5  # pixels: a Gaussian window of 11 (Wang et al. 2004)
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2


def tone_map(linear: NDArray[np.floating]) -> F32:
    """Scene-linear Rec.709 [..., 3] to display 0..1: Narkowicz' fit of the ACES filmic curve, then gamma 1/2.2."""
    x = np.clip(np.nan_to_num(linear.astype(np.float32)), 0.0, None)
    curve = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return np.asarray(np.clip(curve, 0.0, 1.0) ** (1.0 / 2.2), np.float32)


def psnr_db(picture: F32, truth: F32) -> float:
    """Peak signal-to-noise ratio of two display pictures 0..1, in decibels."""
    mse = float(np.mean((picture.astype(np.float64) - truth) ** 2))
    return float(10.0 * np.log10(1.0 / max(mse, 1e-12)))


def ssim(picture: F32, truth: F32) -> float:
    """Mean structural similarity (Wang et al. 2004) of two display pictures [H, W, 3], 1 is identical: the mean over
    channels, and over the windows that lie wholly inside. Sides of 11 pixels or more."""
    a, b = picture.astype(np.float64), truth.astype(np.float64)
    mean_a, mean_b, aa, bb, ab = (_windowed(v) for v in (a, b, a * a, b * b, a * b))
    variance_a, variance_b, covariance = aa - mean_a**2, bb - mean_b**2, ab - mean_a * mean_b
    light = (2.0 * mean_a * mean_b + SSIM_C1) / (mean_a**2 + mean_b**2 + SSIM_C1)
    structure = (2.0 * covariance + SSIM_C2) / (variance_a + variance_b + SSIM_C2)
    return float((light * structure).mean())


def _windowed(values: F64) -> F64:
    """Gaussian means [H - 10, W - 10, C] of values [H, W, C]."""
    offset = np.arange(-SSIM_RADIUS, SSIM_RADIUS + 1)
    weight = np.exp(-0.5 * (offset / SSIM_SIGMA) ** 2)
    weight /= weight.sum()
    rows, columns = (side - 2 * SSIM_RADIUS for side in values.shape[:2])
    upright = sum((w * values[k : k + rows] for k, w in enumerate(weight)), np.zeros(()))
    return np.asarray(sum((w * upright[:, k : k + columns] for k, w in enumerate(weight)), np.zeros(())))


def flip(picture: F32, truth: F32) -> float:
    """Mean FLIP (Andersson et al. 2020) of two display pictures [H, W, 3], 0 is identical; 67 pixels per degree."""
    return flip_map(picture, truth)[0]


def flip_map(picture: F32, truth: F32, *, colours: bool = False) -> tuple[float, F32]:
    """Mean FLIP and its map: [H, W] 0..1, or with `colours` [H, W, 3] from black over red to pale yellow."""
    try:
        import flip_evaluator
    except ImportError as error:
        raise MissingDependency(
            "FLIP needs flip-evaluator", fix='Install `pip install "worldplate[train]"`.'
        ) from error
    errors, mean, _ = flip_evaluator.evaluate(truth, picture, "LDR", inputsRGB=True, applyMagma=colours)
    return float(mean), np.asarray(errors if colours else errors.reshape(truth.shape[:2]), np.float32)
