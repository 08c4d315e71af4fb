"""How near a picture is to the truth: PSNR and FLIP after one stated tone map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency

F32 = NDArray[np.float32]


def tone_map(linear: NDArray[np.floating]) -> F32:
    """Scene-linear Rec.709 [..., 3] to display 0..1: Narkowicz' fit of the ACES filmic curve, then gamma 1/2.2."""
    x = np.clip(np.nan_to_num(linear.astype(np.float32)), 0.0, None)
    curve = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)
    return np.asarray(np.clip(curve, 0.0, 1.0) ** (1.0 / 2.2), np.float32)


def psnr_db(picture: F32, truth: F32) -> float:
    """Peak signal-to-noise ratio of two display pictures 0..1, in decibels."""
    mse = float(np.mean((picture.astype(np.float64) - truth) ** 2))
    return float(10.0 * np.log10(1.0 / max(mse, 1e-12)))


def flip(picture: F32, truth: F32) -> float:
    """Mean FLIP (Andersson et al. 2020) of two display pictures [H, W, 3], 0 is identical; 67 pixels per degree."""
    try:
        import flip_evaluator
    except ImportError as error:
        raise MissingDependency(
            "FLIP needs flip-evaluator", fix='Install `pip install "worldplate[train]"`.'
        ) from error
    _, mean, _ = flip_evaluator.evaluate(truth, picture, "LDR", inputsRGB=True, applyMagma=False)
    return float(mean)
