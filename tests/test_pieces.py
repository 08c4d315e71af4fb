"""Pieces of a prompt: cut where meanings part, denied where English denies them; hours of the clock, compass points."""

from __future__ import annotations

import pytest

from renderer.models.limn.pieces import Piece, azimuth_of, elevation_of, pieces_of


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("dusk, no snow", [Piece("dusk"), Piece("snow", denied=True)]),
        ("neither snow nor fog", [Piece("snow", denied=True), Piece("fog", denied=True)]),
        ("no snow and fog", [Piece("snow", denied=True), Piece("fog", denied=True)]),
        ("no snow and a foggy road", [Piece("snow", denied=True), Piece("a foggy road")]),
        ("no cars on a snowy road", [Piece("cars", denied=True), Piece("on a snowy road")]),
        ("the sun is not shining", [Piece("the sun shining", denied=True)]),
        ("it isn't night", [Piece("it night", denied=True)]),
        ("not only fog but rain", [Piece("fog"), Piece("rain")]),
        ("no", []),
    ],
)
def test_a_denial_reaches_as_far_as_it_does_in_english(prompt: str, pieces: list[Piece]) -> None:
    assert pieces_of(prompt) == pieces


@pytest.mark.parametrize(
    ("prompt", "azimuth_deg"),
    [("sun in the west", 270.0), ("light from the south-east", 135.0), ("lit from the north", 0.0),
     ("the moon stands low in the East", 90.0)],
)  # fmt: skip
def test_the_sun_goes_where_compass_words_put_it(prompt: str, azimuth_deg: float) -> None:
    assert azimuth_of(prompt) == {"sun_azimuth_deg": azimuth_deg}


@pytest.mark.parametrize("prompt", ["the wild west", "a house in the north", "facing east", "light in the window"])
def test_compass_words_that_are_not_of_light_move_no_sun(prompt: str) -> None:
    assert azimuth_of(prompt) == {}


def test_the_clock_moves_the_sun() -> None:
    hours = ("12 am", "6 am", "9 am", "12 pm")
    heights = [elevation_of(hour)["sun_elevation_deg"] for hour in hours]
    assert heights == sorted(heights)
    assert elevation_of("3:30 p.m.")["sun_elevation_deg"] == pytest.approx(elevation_of("8:30 AM")["sun_elevation_deg"])
    assert elevation_of("I am 13 pm") == {}
