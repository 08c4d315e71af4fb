"""The conformance kit: good frames pass without a false alarm, and what is planted is named; sizes and runs are small,
`benchmarks/conformance.py` has the whole matrix."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import Hello, PixelFormat, PlaneName, PlaneOffer, Transport
from renderer.conformance import scene
from renderer.conformance.embedded import known_engine, shoot
from renderer.conformance.judge import Judge, Verdict
from renderer.conformance.kit import MEASURES, READINGS, judge_for
from renderer.conformance.mistakes import MISTAKES, Planted
from renderer.conformance.report import as_json, golden_depth_m, golden_motion, golden_of, lines
from renderer.conformance.shot import LONGEST_SIDE_PX, Shot
from renderer.conformance.truth import truth_at

WIDTH, HEIGHT, FRAMES = 112, 63, 12
NAMED = {planted.name: planted for planted in MISTAKES}
IN_THE_COURT = (
    "left-handed world", "depth in centimetres", "reversed device depth", "distance along the ray",
    "normals in view space",
    "motion as current - previous", "square-root motion read as linear", "jitter left in motion", "previous pose late",
    "planes late", "bodies in centimetres", "rows bottom first", "sRGB colour", "ids shuffled", "wrong field of view",
    "labels all zero", "finite sky", "capture time in milliseconds", "material channels exchanged",
)  # fmt: skip
IN_THE_SCENE = (
    "everything in centimetres", "world with +Z up", "filmic colour", "exposure left in", "sRGB base colour",
    "wrong aspect", "interface in the colour",
)  # fmt: skip


@cache
def court(seed: int = 1) -> tuple[Shot, ...]:
    return tuple(shoot(EmbeddedEngine(courtyard(seed), WIDTH, HEIGHT), FRAMES, 1.0 / 15.0))


@cache
def known(first: int = 26) -> tuple[Shot, ...]:
    return tuple(shoot(known_engine(WIDTH, HEIGHT, first), FRAMES))


def says(verdict: Verdict) -> list[str]:
    return [mistake.says for mistake in verdict.mistakes]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_false_alarm_on_a_courtyard(seed: int) -> None:
    verdict = judge_for(scene=False).judge(court(seed))
    assert says(verdict) == []
    assert verdict.notes == []
    assert verdict.holds
    assert set(verdict.held) >= {"depth", "normal", "motion", "previous pose", "bodies", "rows", "color", "exposure"}


@pytest.mark.parametrize("first", [58, 10, 26])
def test_no_false_alarm_on_the_known_scene(first: int) -> None:
    verdict = judge_for(scene=True).judge(known(first))
    assert says(verdict) == []
    assert verdict.notes == []
    assert verdict.holds
    assert (verdict.measured["golden vector"] is not None) == (first == 58)


@pytest.mark.parametrize("name", IN_THE_COURT)
def test_a_planted_mistake_is_named_without_a_known_scene(name: str) -> None:
    check_named(judge_for(scene=False).judge(NAMED[name].plant(court())), NAMED[name])


@pytest.mark.parametrize("name", IN_THE_SCENE)
def test_a_planted_mistake_is_named_in_the_known_scene(name: str) -> None:
    check_named(judge_for(scene=True).judge(NAMED[name].plant(known())), NAMED[name])


def check_named(verdict: Verdict, planted: Planted) -> None:
    assert len(verdict.mistakes) == 1, says(verdict)
    mistake = verdict.mistakes[0]
    assert mistake.says.startswith(planted.says)
    assert mistake.fix
    assert mistake.evidence


def test_two_mistakes_at_once_are_both_named() -> None:
    frames = NAMED["depth in centimetres"].plant(NAMED["motion as current - previous"].plant(court()))
    found = says(judge_for(scene=False).judge(frames))
    assert sorted(found) == ["depth is in centimetres", "motion: the sign is flipped (current - previous)"]


def test_what_no_known_mistake_explains_is_wrong_all_the_same() -> None:
    rng = np.random.default_rng(5)
    depth, motion = PlaneName.DEPTH, PlaneName.MOTION
    frames = [replace(s, planes={depth: s.planes[depth], motion: rng.normal(0.0, 0.1, s.planes[motion].shape)})
              for s in court()]  # fmt: skip
    verdict = judge_for(scene=False).judge(frames)
    assert not verdict.holds
    assert says(verdict)[0] == "motion does not agree with the rest"
    assert "none of the known mistakes explains it" in verdict.mistakes[0].fix


def test_what_the_frames_do_not_show_is_left_open_and_says_what_it_needs() -> None:
    kept = (PlaneName.COLOR, PlaneName.DEPTH)
    frames = [replace(s, planes={name: s.planes[name] for name in kept}) for s in court()]
    verdict = judge_for(scene=False).judge(frames)
    assert verdict.holds
    assert verdict.open["normal"].startswith("normals, depth, and surfaces larger than a few pixels")
    assert {"labels", "material", "albedo", "object ids"} <= verdict.open.keys()


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 0.0, 3e38])
def test_planes_full_of_one_number_are_judged_and_do_not_break_the_kit(value: float) -> None:
    def spoiled(shot: Shot) -> Shot:
        planes = {name: np.full_like(plane, value if plane.dtype.kind == "f" else 255)
                  for name, plane in shot.planes.items()}  # fmt: skip
        return replace(shot, planes=planes)

    few = judge_for(scene=True)
    verdict = Judge(few.measures, few.readings[:12]).judge([spoiled(shot) for shot in known()])
    assert not verdict.holds


def test_colour_alone_leaves_nearly_everything_open() -> None:
    frames = [replace(s, planes={PlaneName.COLOR: s.planes[PlaneName.COLOR]}) for s in court()]
    verdict = judge_for(scene=False).judge(frames)
    assert verdict.mistakes == []
    assert {"depth", "normal", "motion", "rows"} <= verdict.open.keys()


def test_a_camera_that_stands_still_proves_nothing_of_motion() -> None:
    frames = [replace(s, now=court()[0].now, before=court()[0].now, planes={PlaneName.DEPTH: s.planes[PlaneName.DEPTH]})
              for s in (court()[0],) * FRAMES]  # fmt: skip
    verdict = judge_for(scene=False).judge(frames)
    assert {"motion", "previous pose", "camera"} <= verdict.open.keys()


def test_every_reading_says_what_to_do_and_leaves_good_frames_broken() -> None:
    """A reading that good frames survive would be no mistake at all."""
    assert len({reading.says for reading in READINGS}) == len(READINGS)
    assert all(reading.fix and reading.touches for reading in READINGS)
    uses = set().union(*(measure.uses for measure in MEASURES))
    assert all(reading.touches & uses for reading in READINGS)


def test_every_mistake_that_is_planted_has_a_reading_to_its_name() -> None:
    judge = judge_for(scene=True)
    for planted in MISTAKES:
        assert any(reading.says.startswith(planted.says) or reading.words for reading in judge.readings), planted.name
    assert len(MISTAKES) >= 20


def test_scene_json_is_what_the_code_says() -> None:
    assert scene.FILE.read_text() == scene.as_text(), "run: python -m renderer.conformance.scene"
    data = json.loads(scene.as_text())
    assert len(data["camera"]) == len(data["bodies"]["slider"]) == scene.PERIOD
    assert np.allclose(data["camera"][1], [1.0, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0])
    assert np.allclose(data["camera"][0], [0.9, 2.0, 3.0, 0.0, 0.0, 0.0, 1.0])


@pytest.mark.parametrize("step", [1, 17, 42])
def test_the_plain_truth_is_what_the_embedded_engine_draws(step: int) -> None:
    shot = shoot(known_engine(WIDTH, HEIGHT, step - 1), 1)[0]
    truth = truth_at(step, shot)
    inside = truth.inside
    assert inside.mean() > 0.7
    ids = shot.planes[PlaneName.OBJECT]
    assert (ids.astype(int) - 1 == truth.index)[inside].all()
    solid = inside & (truth.index >= 0)
    np.testing.assert_allclose(shot.planes[PlaneName.DEPTH][solid], truth.depth_m[solid], rtol=1e-5)
    np.testing.assert_allclose(shot.planes[PlaneName.NORMAL][solid][:, :3], truth.normal[solid], atol=1e-3)
    np.testing.assert_allclose(shot.planes[PlaneName.MOTION][solid], truth.motion[solid], atol=3e-5)


@pytest.mark.parametrize("engine", ["Unity 6000.0", "Unreal Engine 5.6", "Godot 4.6.3"])
def test_the_golden_vector_of_an_engine_that_is_declared_is_converted(engine: str) -> None:
    found = golden_of(engine)
    assert found is not None
    assert golden_depth_m(*found) == pytest.approx(7.0, rel=1e-4)
    assert golden_motion(*found) == pytest.approx((0.006959, 0.0), abs=1e-6)
    assert golden_of("embedded") is None


def test_a_report_names_what_is_wrong_with_its_fix_and_its_evidence() -> None:
    verdict = judge_for(scene=False).judge(NAMED["motion with v up"].plant(shoot_fast()))
    offer = PlaneOffer(name=PlaneName.DEPTH, formats=(PixelFormat.R32F,))
    hello = Hello(token="", client="test 1", engine="Godot 4.6.3", width=WIDTH, height=HEIGHT, planes=(offer,),
                  transports=(Transport.SHM,))  # fmt: skip
    text = "\n".join(lines(hello, verdict, {"a frame was late": 2}, scene=False))
    assert "WRONG  motion: v is flipped; send previous_uv - current_uv with v down" in text
    assert "motion of still things along v" in text
    assert "2 frames were refused: a frame was late" in text
    assert "golden vector of Godot" in text
    told = as_json(hello, verdict, {}, scene=False)
    assert json.loads(json.dumps(told))["wrong"][0]["convention"] == "motion"


@cache
def shoot_fast() -> tuple[Shot, ...]:
    """A camera that also climbs: the court's own path is level."""
    return tuple(shoot(known_engine(WIDTH, HEIGHT, 14), FRAMES))


def test_large_frames_are_thinned_out_and_judged_alike() -> None:
    engine = EmbeddedEngine(courtyard(4), 2 * LONGEST_SIDE_PX + 64, 360)
    shots = shoot(engine, 5, 1.0 / 15.0)
    assert shots[0].planes[PlaneName.DEPTH].shape == (120, 192)
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    engine.render(planes)
    x, y = int(shots[-1].columns[7]), int(shots[-1].rows[5])
    assert shots[-1].planes[PlaneName.DEPTH][5, 7] == planes[PlaneName.DEPTH][y, x]
    assert says(judge_for(scene=False).judge(shots)) == []
