"""What limn keeps of a stream's world, as arrays: the ground that goes on, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import SnapshotCorrupt
from renderer.models.limn.extension import NUMBERS, Ground
from renderer.models.limn.model import Limn

GROUND = Ground(-0.5, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), 7, 0.8)


@pytest.fixture(scope="module")
def limn() -> Limn:
    return Limn(runtime="torch")


def test_nothing_kept_is_saved_as_nothing(limn: Limn) -> None:
    assert limn.save_latents(None) == {}
    assert limn.load_latents({}) is None


def test_the_ground_comes_back_as_it_was(limn: Limn) -> None:
    assert limn.load_latents(limn.save_latents(GROUND)) == GROUND


@pytest.mark.parametrize(
    "arrays",
    [
        {"ground": np.zeros(NUMBERS - 1)},
        {"ground": np.zeros(NUMBERS, np.float32)},
        {"ground": np.full(NUMBERS, np.nan)},
        {"ground": np.zeros(NUMBERS), "more": np.zeros(3)},
        {"cells": np.zeros(NUMBERS)},
    ],
)
def test_what_it_did_not_save_is_refused(limn: Limn, arrays: dict[str, NDArray[Any]]) -> None:
    with pytest.raises(SnapshotCorrupt):
        limn.load_latents(arrays)
