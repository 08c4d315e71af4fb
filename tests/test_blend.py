"""Ownership becomes the matte; the fast path agrees with the plain rule."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.planes import PlaneViews
from bridge.schema import PlaneName
from renderer.blend import blend, blend_reference
from renderer.frame import Ownership

RNG = np.random.default_rng(7)


def random_planes(height: int, width: int) -> PlaneViews:
    depth_m = RNG.uniform(0.5, 50.0, (height, width)).astype(np.float32)
    depth_m[0] = np.inf
    return {
        PlaneName.LABEL: RNG.integers(0, 16, (height, width), dtype=np.uint8),
        PlaneName.OBJECT: RNG.integers(0, 9, (height, width), dtype=np.uint32),
        PlaneName.DEPTH: depth_m,
    }


OWNERSHIPS = [
    Ownership(),
    Ownership(labels=frozenset({3, 10})),
    Ownership(objects=frozenset({1, 7})),
    Ownership(plate_near_m=5.0),
    Ownership(plate_far_m=20.0),
    Ownership(objects=frozenset({2}), labels=frozenset({0}), plate_near_m=2.0, plate_far_m=40.0),
]


@pytest.mark.parametrize("ownership", OWNERSHIPS)
def test_the_fast_blend_equals_the_plain_rule(ownership: Ownership) -> None:
    planes = random_planes(18, 32)
    plate = RNG.uniform(0.0, 2.0, (18, 32, 4)).astype(np.float16)
    plate[..., 3] = 1.0
    wanted = blend_reference(plate, planes, ownership)
    blend(plate, planes, ownership)
    np.testing.assert_array_equal(plate, wanted)


def test_owning_nothing_touches_nothing() -> None:
    plate = RNG.uniform(0.0, 2.0, (4, 4, 4)).astype(np.float16)
    before = plate.copy()
    blend(plate, random_planes(4, 4), Ownership())
    np.testing.assert_array_equal(plate, before)


def test_a_rule_whose_plane_is_absent_claims_nothing() -> None:
    plate = np.ones((4, 4, 4), np.float16)
    blend(plate, {}, Ownership(objects=frozenset({1}), labels=frozenset({2}), plate_near_m=3.0))
    assert np.all(plate == 1.0)


def test_sky_is_farther_than_any_limit() -> None:
    plate = np.ones((2, 2, 4), np.float16)
    blend(plate, {PlaneName.DEPTH: np.full((2, 2), np.inf, np.float32)}, Ownership(plate_far_m=1e6))
    assert np.all(plate[..., 3] == 0.0)
