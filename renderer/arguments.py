"""What a command line's words mean: whole numbers, numbers and sizes within limits, for argparse's `type`.

Each returns a converter that raises argparse.ArgumentTypeError with the word, the limits and the unit.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable

DAY_S = 86_400.0
LARGEST_SIDE = 8192


def whole(least: int, most: int) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def convert(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {least} to {most}")
        return int(text)

    return convert


def number(least: float, most: float, unit: str = "") -> Callable[[str], float]:
    """A number from `least` to `most` of the unit; a least of 0 is not taken itself."""
    limits = f"above 0, up to {most:g}" if least == 0.0 else f"from {least:g} to {most:g}"

    def convert(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not (least <= value <= most and value != 0.0):
            raise argparse.ArgumentTypeError(f"'{text}' is not a number {f'of {unit} ' if unit else ''}{limits}")
        return value

    return convert


def size(
    least: tuple[int, int] = (1, 1), most: tuple[int, int] = (LARGEST_SIDE, LARGEST_SIDE)
) -> Callable[[str], tuple[int, int]]:
    """Width and height of a picture in pixels, such as 320x180."""

    def convert(text: str) -> tuple[int, int]:
        sides = text.split("x")
        if len(sides) == 2 and all(side.isdecimal() for side in sides):
            width, height = (int(side) for side in sides)
            if least[0] <= width <= most[0] and least[1] <= height <= most[1]:
                return width, height
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a size such as 320x180, from {least[0]}x{least[1]} to {most[0]}x{most[1]}"
        )

    return convert


def frame_range(text: str) -> tuple[int | None, int | None]:
    """An argument such as 10-20, 10- or 10: the first and the last frame, None where it is the take's own."""
    found = re.fullmatch(r"(\d{0,9})(-?)(\d{0,9})", text, re.ASCII)
    if not found or not (found[1] or found[3]):
        raise argparse.ArgumentTypeError(f"'{text}' is not a range of frames such as 10-20, 10- or 10")
    first = int(found[1]) if found[1] else None
    last = int(found[3]) if found[3] else None
    return first, last if found[2] else first
