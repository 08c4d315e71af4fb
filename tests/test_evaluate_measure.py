"""Figures of sequences, prompts and their summary, with rows that are good or bad in a known way."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
import small_world as world
from numpy.typing import NDArray

from renderer.evaluate.figures import METRICS, Findings, broken_down, interval_db, overall, reaches
from renderer.evaluate.frames import Frame
from renderer.evaluate.image import tone_map
from renderer.evaluate.measure import Measured, Revisit, Scores, flicker, measured, revisit, turned
from renderer.evaluate.prompts import VISIBLE, Followed, changed_weathers, followed
from renderer.evaluate.rows import Curved, Engine, gathered
from renderer.models.limn.weather import Weather
from renderer.training.plan import EVERY_CHANGE
from renderer.training.worlds.weathers import CHANGES

F32 = NDArray[np.float32]


@dataclass
class Acted:
    """The truth of the small world in the asked weather, plus an error that grows with the frames it has seen."""

    name: str = "limn-s"
    remembers: bool = True
    steered_by: str = "weather"
    drift: float = 0.0  # display levels 0..1 a frame
    shake: float = 0.0  # up in odd frames
    meant: Mapping[str, Weather] = field(default_factory=dict)  # what it takes a setting for
    seen: int = 0

    def files(self) -> Mapping[str, str]:
        return {}

    def reset(self) -> None:
        self.seen = 0

    def shown(self, frame: Frame) -> F32:
        t = round(frame.camera.world_from_camera.position_m[0] / world.camera_x(1))
        wrong = self.drift * self.seen + self.shake * (self.seen % 2)
        self.seen += 1
        weather = self.meant.get(frame.setting, frame.weather)
        return (world.weathered(world.painted(t), weather) + wrong).astype(np.float32)


def scores_of(row: Acted | Engine) -> Scores:
    return measured([row], world.clip(), "00018-test-street-base", "folder", True).rows[row.name]


def test_the_truth_itself_scores_as_perfect() -> None:
    scores = scores_of(Acted())
    assert min(scores.psnr_db) > 60.0  # the truth is kept in half floats
    assert min(scores.ssim) > 0.9999
    assert max(scores.flip) < 0.01
    assert np.abs(scores.warp_excess).max() < 1e-6
    assert len(scores.warp_excess) == len(scores.psnr_db) - 1 == world.FRAMES - 1
    assert (scores.flicker_max, scores.flicker_mean) == (0.0, 0.0)


def test_a_row_that_shakes_has_its_shaking_as_flicker_and_warp_error() -> None:
    scores = scores_of(Acted(shake=2.0 / 255.0))
    assert scores.flicker_max == pytest.approx(2.0, rel=1e-3)
    assert scores.flicker_mean == pytest.approx(2.0, rel=1e-3)
    assert scores.warp_excess == pytest.approx([(2.0 / 255.0) ** 2] * (world.FRAMES - 1), rel=0.1)


def test_a_row_without_memory_has_no_flicker() -> None:
    assert flicker(Engine(), world.clip()) == (0.0, 0.0)


@dataclass
class Dialled(Acted):
    """Answers the exposure's dial as light does, or not at all."""

    heeds: bool = True

    def shown(self, frame: Frame) -> F32:
        bright = world.clip().truth[0].astype(np.float32) * (2.0**frame.weather.exposure_ev if self.heeds else 1.0)
        return tone_map(bright)


def test_a_dial_that_does_nothing_is_far_from_the_truth_that_it_asks_for() -> None:
    near, followed_share = turned(Dialled(), world.clip())
    far, ignored_share = turned(Dialled(heeds=False), world.clip())
    assert min(near) > 80.0 > 20.0 > max(far)
    assert followed_share == pytest.approx([1.0])
    assert ignored_share == [0.0]
    assert turned(Engine(), world.clip()) == ([], [])


def test_a_drifting_row_has_a_revisit_gap_and_a_steady_one_has_none() -> None:
    steady, drifting = (revisit(Acted(drift=drift), world.clip(), "a") for drift in (0.0, 1e-4))
    assert steady.first_db == steady.again_db
    assert steady.steps >= 60.0 / world.DT_S
    assert drifting.again_db == pytest.approx(-20.0 * math.log10(1e-4 * drifting.steps), abs=0.1)


def pair_of(row: Acted) -> Followed:
    base, changed = world.clip(18), world.clip(19)
    (pair,) = followed(row, base, {"00019": changed}, changed_weathers(base.weather), base.weather)
    return pair


def test_a_row_that_paints_what_is_asked_follows() -> None:
    pair = pair_of(Acted())
    assert pair.change == pair.nearest == "snow"
    assert pair.right
    assert pair.share_beaten == 1.0
    assert pair.distance["snow"] < 0.001 < min(d for change, d in pair.distance.items() if change != "snow")
    assert pair.truth_change == pytest.approx(0.18, abs=0.02)


def test_an_error_that_all_pictures_share_does_not_matter() -> None:
    assert pair_of(Acted(drift=0.05)).right


def test_a_row_that_takes_one_thing_for_another_does_not_follow() -> None:
    weathers = changed_weathers(world.clip(18).weather)
    pair = pair_of(Acted(meant={"snow": weathers["fog"], "fog": weathers["snow"]}))
    assert pair.nearest == "fog"
    assert not pair.right
    assert pair.share_beaten == pytest.approx(5 / 6)


def every_change(row: Acted) -> dict[str, Followed]:
    """Of the first test world, whose truth is there in every change."""
    base, *changed = (world.clip(EVERY_CHANGE + k) for k in range(1 + len(CHANGES)))
    named = {clip.plan["kind"]: clip for clip in changed}
    pairs = followed(row, base, named, changed_weathers(base.weather), base.weather)
    return {pair.name: pair for pair in pairs}


def test_where_every_truth_is_there_each_change_is_nearest_to_its_own() -> None:
    pairs = every_change(Acted())
    assert set(pairs) == {change for change, _ in CHANGES}
    for change, pair in pairs.items():
        assert pair.change == change
        assert pair.to_truths.keys() == pair.distance.keys()
        assert pair.to_truths[change] == pair.distance[change] < 0.001
        assert pair.share_truer == 1.0


def test_a_change_that_is_taken_for_another_is_nearer_to_the_other_s_truth() -> None:
    weathers = changed_weathers(world.clip(EVERY_CHANGE).weather)
    pairs = every_change(Acted(meant={"snow": weathers["fog"], "fog": weathers["snow"]}))
    for asked, taken_for in (("snow", "fog"), ("fog", "snow")):
        assert pairs[asked].to_truths[taken_for] < 0.001 < pairs[asked].to_truths[asked]
        assert pairs[asked].share_truer < 1.0
    assert pairs["wet"].share_truer == 1.0


def test_truths_that_cannot_be_told_apart_are_not_held_against_a_row() -> None:
    apart = {"snow": 0.0, "autumn": VISIBLE / 2, "fog": 0.2}
    pair = Followed("a", "interior", "snow", VISIBLE / 2, apart, {"snow": 0.02, "autumn": 0.01, "fog": 0.2}, apart)
    assert not pair.visible
    assert (pair.share_truer, pair.share_truer_where_apart) == (0.5, 1.0)
    pairs = every_change(Acted())
    assert all(p.visible and p.truths_apart[p.change] == 0.0 for p in pairs.values())


def test_one_truth_alone_is_nearer_than_none() -> None:
    assert math.isnan(pair_of(Acted()).share_truer)


def test_a_row_that_heeds_nothing_does_not_follow() -> None:
    pair = pair_of(Acted(meant=dict.fromkeys((*changed_weathers(Weather()), "clear", "golden"), Weather())))
    assert not pair.right
    assert pair.share_beaten == 0.0


def sequence(number: int, family: str, seen: bool, db: float, curve_db: float) -> Measured:
    def scores(value: float) -> Scores:
        return Scores([value] * 2, [0.5] * 2, [0.1] * 2, [2e-3], 0.0, 0.0, [1.0, 3.0])

    name = f"{number:05d}-test-{family}-base"
    return Measured(name, "folder", "48x32", family, "clear", "walk", seen, [1e-3],
                    {"curve": scores(curve_db), "limn-s": scores(db)})  # fmt: skip


def findings() -> Findings:
    """A street at 30 dB, a courtyard at 26, and a hall, never trained on, at 25."""
    return Findings(
        [sequence(18, "street", True, 30.0, 21.0), sequence(38, "courtyard", True, 26.0, 20.0),
         sequence(118, "hall", False, 25.0, 19.0)],
        {"limn-s": [Revisit("a", "48x32", 480, 30.0, 29.5), Revisit("b", "48x32", 480, 26.0, 26.3)]},
        {"limn-s": [Followed("a", "street", "snow", 0.1, {"snow": 0.1, "fog": 0.2}),
                    Followed("b", "street", "fog", VISIBLE / 2, {"snow": 0.1, "fog": 0.2})]},
    )  # fmt: skip


def test_overall_figures_are_means_over_frames_and_gaps_between_groups() -> None:
    figures = overall(findings(), "limn-s")
    assert figures["psnr_db"] == pytest.approx(27.0)
    assert figures["above_curve_db"] == pytest.approx(7.0)
    assert figures["unseen_gap_db"] == pytest.approx(3.0)
    assert figures["warp_excess"] == pytest.approx(2.0)
    assert figures["revisit_gap_db"] == pytest.approx(0.1)
    assert figures["adherence"] == 50.0
    assert figures["adherence_visible"] == 100.0
    assert math.isnan(figures["adherence_in_words"])
    assert figures.keys() == {metric.key for metric in METRICS}


def test_goals_are_held_against_the_side_that_is_better() -> None:
    by_key = {metric.key: metric for metric in METRICS}
    assert reaches(by_key["psnr_db"], "limn-s", 27.0) is True
    assert reaches(by_key["psnr_db"], "limn-l", 28.0) is False
    assert reaches(by_key["flip"], "limn-s", 0.14) is False
    assert reaches(by_key["flip"], "limn-s", math.nan) is None
    assert reaches(by_key["psnr_db"], "curve", 40.0) is None


def test_breakdowns_hold_every_sequence_once() -> None:
    by_family = broken_down(findings().sequences, "limn-s", lambda s: s.family)
    assert list(by_family) == ["courtyard", "hall", "street"]
    assert by_family["street"]["psnr_db"] == 30.0
    assert sum(group["sequences"] for group in by_family.values()) == 3


def test_the_interval_of_a_mean_takes_in_the_mean_and_is_drawn_over_worlds() -> None:
    low, high = interval_db(findings().sequences, "limn-s")
    assert 25.0 <= low < 27.0 < high <= 30.0
    same_world = [sequence(18, "street", True, 20.0, 10.0), sequence(19, "street", True, 30.0, 10.0)]
    assert interval_db(same_world, "limn-s") == (25.0, 25.0)


def test_rows_that_cannot_be_had_are_left_out_with_the_reason() -> None:
    def no_curve() -> Curved:
        raise AssertionError("nobody asked for it")

    rows, left_out = gathered(["engine", "plain"], {}, no_curve)
    assert [row.name for row in rows] == ["engine"]
    assert "has no weights" in left_out["plain"]
    assert "--weights plain=FOLDER" in left_out["plain"]
