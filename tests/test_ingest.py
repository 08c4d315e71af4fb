"""Planes are agreed by need and format; controls are checked against their schema."""

from __future__ import annotations

import pytest

from bridge.errors import InvalidValue, LimitExceeded, MissingPlane
from bridge.schema import Control, ControlType, ControlValue, PixelFormat, PlaneName, PlaneOffer
from renderer.ingest import agree_planes, check_controls, check_planes
from renderer.models import ModelCard

CARD = ModelCard(name="m", needs=frozenset({PlaneName.DEPTH}), optional=frozenset({PlaneName.NORMAL}))
CONTROLS = (
    Control(name="sun", type=ControlType.NUMBER, text="", default=0.0, minimum=-90.0, maximum=90.0),
    Control(name="steps", type=ControlType.INTEGER, text="", default=1, minimum=1, maximum=4),
    Control(name="rain", type=ControlType.TOGGLE, text="", default=False),
    Control(name="sky", type=ControlType.CHOICE, text="", default="day", choices=("day", "dusk")),
    Control(name="prompt", type=ControlType.TEXT, text="", default=""),
)


def offer(name: PlaneName, *formats: PixelFormat) -> PlaneOffer:
    return PlaneOffer(name=name, formats=formats)


def test_only_planes_that_the_model_or_the_bridge_can_use_are_asked_for() -> None:
    offers = [offer(n, f) for n, f in ((PlaneName.DEPTH, PixelFormat.R32F), (PlaneName.MOTION, PixelFormat.RG16F))]
    assert agree_planes(CARD, offers) == {PlaneName.DEPTH: PixelFormat.R32F}


def test_what_ownership_and_late_frames_look_at_is_asked_for_whatever_the_model_needs() -> None:
    formats = {
        PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.OBJECT: PixelFormat.R32UI,
        PlaneName.LABEL: PixelFormat.R8UI,
    }  # fmt: skip
    assert agree_planes(CARD, [offer(n, f) for n, f in formats.items()]) == formats


def test_the_engines_first_allowed_format_wins() -> None:
    offers = [
        offer(PlaneName.DEPTH, PixelFormat.R16F, PixelFormat.R32F),
        offer(PlaneName.NORMAL, PixelFormat.RGBA32F, PixelFormat.RGBA16F),
    ]
    assert agree_planes(CARD, offers) == {PlaneName.DEPTH: PixelFormat.R32F, PlaneName.NORMAL: PixelFormat.RGBA32F}


def test_a_needed_plane_in_a_wrong_format_counts_as_missing() -> None:
    with pytest.raises(MissingPlane, match="depth"):
        agree_planes(CARD, [offer(PlaneName.DEPTH, PixelFormat.R16F)])


def test_a_frame_without_a_needed_plane_is_refused() -> None:
    with pytest.raises(MissingPlane, match="depth"):
        check_planes(CARD, {})


def test_good_values_pass_and_whole_numbers_become_floats() -> None:
    values: dict[str, ControlValue] = {"sun": 12, "steps": 2, "rain": True, "sky": "dusk", "prompt": "fog"}
    checked = check_controls(CONTROLS, values, 64)
    assert checked == values
    assert isinstance(checked["sun"], float)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sun", value) for value in (91.0, float("nan"), True, "12")),
        ("steps", 1.5),
        ("rain", 1),
        ("sky", "noon"),
        ("prompt", 3),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_must_be(name: str, value: ControlValue) -> None:
    with pytest.raises(InvalidValue, match=f"control '{name}'.*must be"):
        check_controls(CONTROLS, {name: value}, 64)


def test_a_text_over_the_limit_names_the_limit() -> None:
    with pytest.raises(LimitExceeded, match="max_text"):
        check_controls(CONTROLS, {"prompt": "x" * 65}, 64)
