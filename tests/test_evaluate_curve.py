"""The fitted curve: a known one comes back, it always rises, and nothing that rises does better."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from renderer.evaluate.curve import CurveFit, rising
from renderer.evaluate.image import psnr_db

F32 = NDArray[np.float32]
GAMMAS = np.array([0.5, 1.0, 2.2])


def noise(seed: int) -> F32:
    return np.random.default_rng(seed).uniform(0.0, 1.0, (60, 80, 3)).astype(np.float32)


def known(engine: F32) -> F32:
    """A curve of its own for every channel."""
    return np.asarray(0.1 + 0.8 * engine**GAMMAS, np.float32)


def test_a_known_curve_comes_back_from_the_pictures_it_made() -> None:
    fit = CurveFit()
    for seed in range(4):
        fit.add(noise(seed), known(noise(seed)))
    other = noise(9)
    assert np.abs(fit.curve().applied(other) - known(other)).max() < 0.02
    assert psnr_db(fit.curve().applied(other), known(other)) > 55.0


def test_fits_of_parts_are_the_fit_of_the_whole() -> None:
    whole, first, second = CurveFit(), CurveFit(), CurveFit()
    for seed, part in ((1, first), (2, second)):
        for fit in (whole, part):
            fit.add(noise(seed), known(noise(seed)))
    assert np.allclose(first.merged(second).curve().applied(noise(5)), whole.curve().applied(noise(5)), atol=1e-6)


def test_no_gain_and_no_power_does_better_where_it_was_fitted() -> None:
    engine = noise(1)
    truth = np.clip(known(engine) + np.random.default_rng(8).normal(0.0, 0.1, engine.shape), 0.0, 1.0).astype(
        np.float32
    )
    fit = CurveFit()
    fit.add(engine, truth)
    best = psnr_db(fit.curve().applied(engine), truth)
    for gain in (0.8, 1.0, 1.2):
        for power in (0.5, 1.0, 2.2):
            assert psnr_db(np.clip(gain * engine**power, 0.0, 1.0).astype(np.float32), truth) < best


def test_levels_beyond_those_fitted_keep_the_last_value() -> None:
    fit = CurveFit()
    engine = 0.25 + 0.5 * noise(3)
    fit.add(engine, engine)
    applied = fit.curve().applied(np.array([[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]], np.float32))
    assert np.allclose(applied[0, 0], 0.25, atol=0.01)
    assert np.allclose(applied[0, 1], 0.75, atol=0.01)


def rising_by_search(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same by its definition: max over starts of min over ends of the weighted means in between."""
    n = len(values)
    means = [
        [np.average(values[a : b + 1], weights=weights[a : b + 1]) if a <= b else 0.0 for b in range(n)]
        for a in range(n)
    ]
    return np.array([max(min(means[a][b] for b in range(k, n)) for a in range(k + 1)) for k in range(n)])


@given(arrays(np.float64, st.integers(1, 12), elements=st.floats(0.0, 1.0, width=32)), st.integers(0, 2**32 - 1))
def test_the_rising_sequence_is_the_nearest_one(values: NDArray[np.float64], seed: int) -> None:
    weights = np.random.default_rng(seed).uniform(0.1, 5.0, len(values))
    found = rising(values, weights)
    assert (np.diff(found) >= -1e-12).all()
    assert np.allclose(found, rising_by_search(values, weights), atol=1e-9)
