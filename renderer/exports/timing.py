"""Frames per second and timecode of a take's frames, as rational numbers."""

from __future__ import annotations

from fractions import Fraction

from bridge.errors import InvalidValue
from bridge.schema import Timecode
from bridge.take import Take, TakeFrame

STANDARD = tuple(
    Fraction(*rate)
    for rate in (
        (24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (48, 1), (50, 1), (60000, 1001), (60, 1), (90, 1),
        (100, 1), (120, 1),
    )
)  # fmt: skip
NEAR = 0.02  # an engine's clock is off by less
FALLBACK = Fraction(25)  # of a take with one frame


def rate_of(take: Take) -> Fraction:
    """The house clock's rate where the engine sent one; else the standard one within 2 % of the engine's clock;
    else what that clock gives. Raises TakeEmpty for a take without frames."""
    take.require_frames()
    timecode = take.header(1).timecode
    if timecode is not None:
        return Fraction(timecode.rate_numerator, timecode.rate_denominator)
    measured = take.info.fps
    if measured <= 0.0:
        return FALLBACK
    nearest = min(STANDARD, key=lambda rate: abs(float(rate) - measured))
    if abs(float(nearest) - measured) <= NEAR * measured:
        return nearest
    return Fraction(measured).limit_denominator(1001) or FALLBACK


def timecode_of(frame: TakeFrame, rate: Fraction) -> Timecode:
    """The frame's own, or where the house has no clock the take's: frame 1 is 00:00:00:00, numbers are not dropped."""
    return frame.header.timecode or counted(frame.number - 1, rate)


def counted(index: int, rate: Fraction) -> Timecode:
    """Timecode of frame `index` >= 0, without drop-frame. Raises InvalidValue over 120 frames per second."""
    per_second = -(-rate.numerator // rate.denominator)
    if per_second > 120:
        raise InvalidValue(f"the take has {float(rate):g} frames per second", fix="Timecode goes up to 120.")
    seconds, frames = divmod(index, per_second)
    return Timecode(
        hours=seconds // 3600 % 24, minutes=seconds // 60 % 60, seconds=seconds % 60, frames=frames,
        rate_numerator=rate.numerator, rate_denominator=rate.denominator,
    )  # fmt: skip
