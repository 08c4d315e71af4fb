"""The command line's own kinds of words."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from renderer.arguments import frame_range, number, size, whole


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (whole(0, 9), "0", 0), (whole(0, 9), "9", 9), (number(0.0, 2.0), "0.5", 0.5), (number(1.0, 2.0), "2", 2.0),
        (size(), "320x180", (320, 180)), (size((64, 36), (1920, 1080)), "64x36", (64, 36)),
        (frame_range, "10-20", (10, 20)), (frame_range, "10-", (10, None)), (frame_range, "7", (7, 7)),
        (frame_range, "-5", (None, 5)),
    ],
)  # fmt: skip
def test_words_are_taken_up_to_their_limits(convert: Callable[[str], Any], text: str, value: object) -> None:
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text", "said"),
    [
        (whole(1, 9), "0", "whole number from 1 to 9"), (whole(1, 9), "10", "from 1 to 9"), (whole(1, 9), "1.5", "1.5"),
        (whole(1, 9), "-1", "'-1'"), (whole(1, 9), "²", "²"),
        (number(0.0, 2.0, "seconds"), "0", "of seconds above 0, up to 2"), (number(0.0, 2.0), "nan", "nan"),
        (number(1.0, 2.0), "inf", "from 1 to 2"), (number(1.0, 2.0), "a", "'a'"),
        (size(), "320", "such as 320x180"), (size(), "0x5", "from 1x1"), (size(), "5x5x5", "5x5x5"),
        (size(), "9000x5", "to 8192x8192"), (size(), "-5x5", "-5x5"),
        (frame_range, "-", "10-20"), (frame_range, "a", "'a'"), (frame_range, "", "''"),
    ],
)  # fmt: skip
def test_other_words_are_refused_with_the_limits(convert: Callable[[str], Any], text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not") as refusal:
        convert(text)
    assert said in str(refusal.value)
