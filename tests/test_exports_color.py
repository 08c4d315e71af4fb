"""Colour by OpenColorIO: the views, and the table that stands for them live."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import ConfigError
from renderer.exports.color import DEFAULT_VIEW, FILMS, STILLS, View, view_names


def test_both_displays_have_the_default_view() -> None:
    assert DEFAULT_VIEW in view_names(STILLS)
    assert DEFAULT_VIEW in view_names(FILMS)


def test_a_view_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match=r"'sepia'.*ACES 2\.0"):
        View(STILLS, "sepia")


def test_middle_grey_is_where_aces_2_puts_it_and_a_film_is_coded_for_its_display() -> None:
    grey = np.full((1, 1, 3), 0.18)
    # ACES 2.0 shows 0.18 at 10 nits of 100: sRGB codes that as 0.349, a gamma of 2.4 as 0.383.
    assert View(STILLS)(grey)[0, 0, 1] == pytest.approx(0.349, abs=2e-3)
    assert View(FILMS)(grey)[0, 0, 1] == pytest.approx(0.1 ** (1 / 2.4), abs=3e-3)


def test_what_is_not_finite_is_black_or_as_bright_as_can_be() -> None:
    odd = np.array([[[np.nan, np.nan, np.nan], [np.inf, np.inf, np.inf], [-1.0, -2.0, -np.inf], [1e9, 1e9, 1e9]]])
    shown = View(STILLS)(odd)
    assert np.isfinite(shown).all()
    assert shown[0, 0].max() == 0.0
    assert shown[0, 1].min() > 0.99


def test_each_display_has_a_table_of_its_own() -> None:
    bright = np.array([[[0.9, 0.3, 0.1]]])
    for display in (FILMS, STILLS):
        assert np.abs(View(display)(bright) - View(display).baked(bright)).max() * 255.0 < 2.0


def test_the_table_is_within_a_level_or_two_of_the_exact_view() -> None:
    steps = np.linspace(0.0, 1.0, 24) ** 2.2 * 2.0
    colours = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    exact, table = (view(colours) * 255.0 for view in (View(STILLS), View(STILLS).baked))
    difference = np.abs(exact - table)
    assert np.quantile(difference, 0.99) < 2.0
    greys = np.repeat(steps[None, :, None], 3, axis=2)
    assert np.abs(View(STILLS)(greys) - View(STILLS).baked(greys)).max() * 255.0 < 0.5
