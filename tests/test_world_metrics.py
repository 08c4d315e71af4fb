"""Each figure of a world's consistency on a hand-made case whose answer is known."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from bridge.schema import Bodies, Camera, PlaneName, Pose
from renderer.evaluate.motion import Way
from renderer.evaluate.world.causes import differs
from renderer.evaluate.world.colour import ciede2000, lab_of
from renderer.evaluate.world.edges import discontinuities, jumps, recalled, silhouette_offsets, silhouettes
from renderer.evaluate.world.endurance import MOST_DB, endurance_found, gap_db
from renderer.evaluate.world.findings import Figure, Found, Gate
from renderer.evaluate.world.flow import flow_departure, shifted
from renderer.evaluate.world.long_walk import Diary, Look
from renderer.evaluate.world.page import verdict
from renderer.evaluate.world.physics import in_the_light_of, motion_masks
from renderer.evaluate.world.statistics import exactly, mean_of, slope_of
from renderer.evaluate.world.steadiness import reprojection_error
from renderer.evaluate.world.truth import F32, Truth, box_mean, grown, luma

HEIGHT, WIDTH = 48, 64
EYE = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
# L*, a*, b* of two colours and their difference: all 34 pairs of Sharma, Wu and Dalal 2005, table 1.
SHARMA = np.array([
    (50, 2.6772, -79.7751, 50, 0, -82.7485, 2.0425), (50, 3.1571, -77.2803, 50, 0, -82.7485, 2.8615),
    (50, 2.8361, -74.0200, 50, 0, -82.7485, 3.4412), (50, -1.3802, -84.2814, 50, 0, -82.7485, 1.0),
    (50, -1.1848, -84.8006, 50, 0, -82.7485, 1.0), (50, -0.9009, -85.5211, 50, 0, -82.7485, 1.0),
    (50, 0, 0, 50, -1, 2, 2.3669), (50, -1, 2, 50, 0, 0, 2.3669), (50, 2.49, -0.001, 50, -2.49, 0.0009, 7.1792),
    (50, 2.49, -0.001, 50, -2.49, 0.0010, 7.1792), (50, 2.49, -0.001, 50, -2.49, 0.0011, 7.2195),
    (50, 2.49, -0.001, 50, -2.49, 0.0012, 7.2195), (50, -0.001, 2.49, 50, 0.0009, -2.49, 4.8045),
    (50, -0.001, 2.49, 50, 0.0010, -2.49, 4.8045), (50, -0.001, 2.49, 50, 0.0011, -2.49, 4.7461),
    (50, 2.5, 0, 50, 0, -2.5, 4.3065), (50, 2.5, 0, 73, 25, -18, 27.1492), (50, 2.5, 0, 61, -5, 29, 22.8977),
    (50, 2.5, 0, 56, -27, -3, 31.9030), (50, 2.5, 0, 58, 24, 15, 19.4535), (50, 2.5, 0, 50, 3.1736, 0.5854, 1.0),
    (50, 2.5, 0, 50, 3.2972, 0, 1.0), (50, 2.5, 0, 50, 1.8634, 0.5757, 1.0), (50, 2.5, 0, 50, 3.2592, 0.3350, 1.0),
    (60.2574, -34.0099, 36.2677, 60.4626, -34.1751, 39.4387, 1.2644),
    (63.0109, -31.0961, -5.8663, 62.8187, -29.7946, -4.0864, 1.2630),
    (61.2901, 3.7196, -5.3901, 61.4292, 2.2480, -4.9620, 1.8731),
    (35.0831, -44.1164, 3.7933, 35.0232, -40.0716, 1.5901, 1.8645),
    (22.7233, 20.0904, -46.6940, 23.0331, 14.9730, -42.5619, 2.0373),
    (36.4612, 47.8580, 18.3852, 36.2715, 50.5065, 21.2231, 1.4146),
    (90.8027, -2.0831, 1.4410, 91.1528, -1.6435, 0.0447, 1.4441),
    (90.9257, -0.5406, -0.9208, 88.6381, -0.8985, -0.7239, 1.5381),
    (6.7747, -0.2908, -2.4247, 5.8714, -0.0985, -2.2286, 0.6377),
    (2.0776, 0.0795, -1.1350, 0.9033, -0.0636, -0.5514, 0.9082),
])  # fmt: skip


def grey(values: np.ndarray) -> F32:
    """A display picture of one brightness [H, W]."""
    return np.repeat(np.asarray(values, np.float32)[..., None], 3, axis=-1)


def box(left: int = 20, right: int = 40) -> np.ndarray:
    """Object ids: a thing 7 before a wall 1."""
    ids = np.ones((HEIGHT, WIDTH), np.uint32)
    ids[12:36, left:right] = 7
    return ids


def painted(ids: np.ndarray) -> F32:
    return grey(np.where(ids == 7, 0.7, 0.3))


def truth(ids: np.ndarray) -> Truth:
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=EYE)
    planes = {
        PlaneName.OBJECT: ids, PlaneName.LABEL: (ids % 250).astype(np.uint8),
        PlaneName.DEPTH: np.where(ids == 7, 3.0, 5.0).astype(np.float32),
        PlaneName.NORMAL: np.tile(np.array([0.0, 0.0, 1.0, 0.0], np.float16), (HEIGHT, WIDTH, 1)),
        PlaneName.ALBEDO: np.full((HEIGHT, WIDTH, 4), 0.5, np.float16),
        PlaneName.MATERIAL: np.full((HEIGHT, WIDTH, 2), 0.5, np.float16),
        PlaneName.COLOR: np.full((HEIGHT, WIDTH, 4), 0.5, np.float16),
    }  # fmt: skip
    return Truth(0.0, planes, camera, Bodies())


def still_way() -> Way:
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float64)
    return Way(x, y, np.ones((HEIGHT, WIDTH), np.bool_))


def textured(seed: int = 3) -> F32:
    noise = np.random.default_rng(seed).uniform(0.2, 0.8, (HEIGHT, WIDTH))
    return grey(box_mean(noise, 1))


def test_ciede2000_agrees_with_every_published_pair() -> None:
    np.testing.assert_allclose(ciede2000(SHARMA[:, :3], SHARMA[:, 3:6]), SHARMA[:, 6], atol=5.1e-5)
    np.testing.assert_allclose(ciede2000(SHARMA[:, 3:6], SHARMA[:, :3]), SHARMA[:, 6], atol=5.1e-5)


def test_lab_of_white_black_and_pure_red() -> None:
    lab = lab_of(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))
    np.testing.assert_allclose(lab, [[100.0, 0.0, 0.0], [0.0, 0.0, 0.0], [53.24, 80.09, 67.20]], atol=0.01)


def test_a_slope_is_the_medians_and_forgives_an_outlier() -> None:
    x = [float(n) for n in range(12)]
    y = [0.5 * value + 3.0 for value in x]
    y[4] = 900.0
    slope = slope_of(x, y)
    assert slope.value == pytest.approx(0.5)
    assert slope.low <= 0.5 <= slope.high
    assert math.isnan(slope_of([0.0, 1.0], [1.0, 2.0]).value)


def test_the_interval_of_a_mean_holds_it_and_shrinks_with_more_of_them() -> None:
    few, many = (mean_of(np.random.default_rng(2).normal(5.0, 1.0, count).tolist()) for count in (10, 1000))
    assert few.low < few.value < few.high
    assert many.high - many.low < 0.2 < few.high - few.low
    assert math.isnan(mean_of([math.nan]).value)


def test_a_box_mean_is_the_mean_of_the_box_and_a_grown_mask_a_square() -> None:
    values = np.random.default_rng(1).normal(size=(9, 11))
    assert box_mean(values, 2)[4, 5] == pytest.approx(values[2:7, 3:8].mean())
    point = np.zeros((9, 11), np.bool_)
    point[4, 5] = True
    assert grown(point, 2).sum() == 25


@pytest.mark.parametrize(("right", "down"), [(0.0, 0.0), (0.4, 0.0), (0.0, -1.3), (2.5, 1.5), (-5.0, 0.0)])
def test_flow_finds_how_far_a_picture_departs_from_the_engines_motion(right: float, down: float) -> None:
    last = textured()
    departure = flow_departure(shifted(last, right, down), last, still_way())
    inside = departure[8:-8, 8:-8]
    assert np.isfinite(inside).mean() > 0.5
    assert np.nanmedian(inside) == pytest.approx(math.hypot(right, down), abs=0.12)


def test_flow_does_not_mind_brightness_and_asks_nothing_where_no_corner_is() -> None:
    last = textured()
    assert np.nanmedian(flow_departure(last + np.float32(0.1), last, still_way())) < 0.02
    ramp = grey(np.tile(np.linspace(0.0, 1.0, WIDTH), (HEIGHT, 1)))
    assert np.isnan(flow_departure(ramp, ramp, still_way())).all()


def test_edges_of_the_engine_are_found_where_they_are_and_missed_where_they_are_not() -> None:
    ids = box()
    lines = discontinuities(truth(ids).planes)
    assert recalled(painted(ids), lines) == 1.0
    assert recalled(shifted(painted(ids), 2.0, 0.0), lines) == 1.0  # within reach
    assert recalled(shifted(painted(ids), 5.0, 5.0), lines) < 0.1
    assert recalled(grey(np.full((HEIGHT, WIDTH), 0.4)), lines) == 0.0
    assert math.isnan(recalled(painted(ids), discontinuities(truth(np.ones_like(ids)).planes)))


def test_a_slanted_floor_is_no_discontinuity_and_a_step_in_depth_is() -> None:
    planes = truth(np.ones((HEIGHT, WIDTH), np.uint32)).planes
    planes[PlaneName.DEPTH] = np.tile(np.linspace(4.0, 6.0, WIDTH, dtype=np.float32), (HEIGHT, 1))
    assert not np.asarray(discontinuities(planes).across).any()
    planes[PlaneName.DEPTH][:, 30:] += 2.0
    assert np.asarray(discontinuities(planes).across).sum() == HEIGHT
    assert jumps(planes).sum() == 2 * HEIGHT


@pytest.mark.parametrize("off", [0.0, 1.0, 2.0])
def test_a_silhouettes_offset_is_how_far_its_edge_is_off(off: float) -> None:
    ids = box()
    engine = painted(ids)
    own, reference = silhouette_offsets(shifted(engine, off, off), engine, ids)
    assert np.median(own) == pytest.approx(off, abs=0.01)
    assert reference.max() == 0.0
    assert np.asarray(silhouettes(ids, 7).across).sum() == 2 * 24


def test_reprojection_error_counts_levels_where_the_surface_is_in_view() -> None:
    way = still_way()
    way.visible[:, 32:] = False
    then = grey(np.full((HEIGHT, WIDTH), 0.5))
    now = then.copy()
    now[:, :32] += np.float32(10.0 / 255.0)
    now[:, 32:] = 0.0
    assert reprojection_error(now, then, way) == pytest.approx(10.0, abs=1e-4)
    assert luma(then)[0, 0] == pytest.approx(127.5)


def falling() -> list[F32]:
    """A thing before a wall of many shades, which it stands out from by 20 levels and more."""
    wall = np.linspace(0.15, 0.35, WIDTH)[None, :] * np.linspace(0.9, 1.1, HEIGHT)[:, None]
    return [grey(np.where(box(left, left + 20) == 7, 0.6, wall)) for left in range(10, 34, 4)]


def test_motion_masks_show_what_moves_and_nothing_else() -> None:
    shown = [painted(box(left, left + 20)) for left in range(10, 34, 4)]
    masks = motion_masks([luma(picture) for picture in shown])
    assert not masks[0].any()
    assert masks[3, 14:34, 18:24].any()
    assert not masks[:, :8].any()
    assert not motion_masks([luma(shown[0])] * 4).any()


@pytest.mark.parametrize("look", [
    lambda x: 0.5 * x, lambda x: x**1.6, lambda x: 0.6 + 0.3 * x, lambda x: np.minimum(1.8 * x, 1.0),
], ids=["half as bright", "steeper", "in fog", "brighter, clipped"])  # fmt: skip
def test_a_film_under_another_curve_of_brightness_moves_as_it_did(look: Callable[[F32], F32]) -> None:
    engine = [luma(picture) for picture in falling()]
    shown = [luma(look(picture)) for picture in falling()]
    np.testing.assert_array_equal(motion_masks(in_the_light_of(engine, shown)), motion_masks(engine))


def test_no_curve_makes_a_film_move_in_which_nothing_does() -> None:
    engine = [luma(picture) for picture in falling()]
    assert motion_masks(engine).any()
    for still in (engine[0], np.full_like(engine[0], 90.0)):
        assert not motion_masks(in_the_light_of(engine, [still] * len(engine))).any()


def test_g_buffers_differ_where_a_thing_is_not_in_both() -> None:
    one, other = truth(box(20, 40)), truth(box(24, 44))
    mask = differs(one.planes, other.planes)
    assert mask.sum() == 2 * 4 * 24
    assert not differs(one.planes, one.planes).any()
    sky = {**one.planes, PlaneName.DEPTH: np.full((HEIGHT, WIDTH), np.inf, np.float32)}
    assert not differs(sky, sky).any()


def test_a_gap_ends_at_one_level() -> None:
    assert pytest.approx(48.13, abs=0.01) == MOST_DB
    assert gap_db(0.0, 0.9 * (1.0 / 255.0) ** 2) == 0.0
    assert gap_db(0.0, (2.0 / 255.0) ** 2) == pytest.approx(6.02, abs=0.01)
    assert gap_db(1e-3, 2e-3) == pytest.approx(3.01, abs=0.01)


def test_a_verdict_names_what_does_not_hold() -> None:
    good = Figure("W3", "flicker, mean", "level", 2, exactly(0.1), Gate(most=0.5))
    bad = Figure("W3", "flicker, p95", "level", 2, exactly(7.0), Gate(most=3.0))
    told = Figure("W3", "something", "", 2, exactly(math.nan))
    assert verdict(Found([good, told]), "W3") == "holds"
    assert verdict(Found([good, bad]), "W3") == "does not hold: flicker, p95 7.00 level, gate ≤ 3"
    assert verdict(Found([told]), "W3") == "not measured"
    assert Found([good, bad]).failed == {"W3"}
    assert [str(gate) for gate in (Gate(least=0.9), Gate(0.5, 2.0), Gate(0.0, 0.0))] == ["≥ 0.9", "0.5 to 2", "= 0"]
    assert not Gate(most=1.0).holds(math.nan)


def diary(luma_by_loop: list[float], lab: list[tuple[float, float, float]], again: float) -> Diary:
    """Of a walk of one frame a loop, between two visits of which the second is `again` brighter."""
    looks = [
        [Look((level, 20.0, 10.0, 5.0, 1.0), {7: np.array(colour)})]
        for level, colour in zip(luma_by_loop, lab, strict=True)
    ]
    count, dark = len(looks), grey(np.full((16, 16), 0.4))
    return Diary(
        loops=list(range(count)), looks=looks, gaps_mse=[[0.0]] * count, departures=[0.0] * count, first=[dark],
        visits=[[dark], [dark + np.float32(again)]], aways_s=[0.0, 600.0], milestones={0: dark, count - 1: dark},
    )  # fmt: skip


def value(found: Found, name: str) -> float:
    return next(figure.estimate.value for figure in found.figures if figure.name.startswith(name))


def test_a_diary_tells_drift_identity_and_revisits_by_known_amounts() -> None:
    still = diary([100.0] * 13, [(50.0, 2.5, 0.0)] * 13, 0.0)
    red = [(50.0, 2.5, 0.0)] * 6 + [(50.0, 3.1736, 0.5854)] * 7  # 1 apart, by the published pairs
    drifting = diary([100.0 + n for n in range(13)], red, 2.0 / 255.0)
    found = endurance_found(drifting, still)
    assert value(found, "luma, largest") == pytest.approx(12.0)
    assert value(found, "contrast, largest") == 0.0
    assert value(found, "steepest slope (luma)") == pytest.approx(6.0)  # percent a minute, in loops of 10 s
    assert value(found, "slope beyond its interval") == pytest.approx(6.0)
    assert value(found, "worst thing after 1 min") == pytest.approx(1.0, abs=1e-4)
    assert value(found, "gap after 10 min away") == pytest.approx(6.02, abs=0.01)
    assert value(found, "PSNR after 10 min away") == pytest.approx(42.11, abs=0.01)
    assert found.failed == {"W9", "W10"}
    assert endurance_found(still, still).failed == frozenset()
