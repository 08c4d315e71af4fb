"""The figures of `benchmarks/chunks.py` are of what they say."""

from __future__ import annotations

import pytest

from renderer.bench.chunks import CHUNK, Call, figures


def chunk(first_id: int, began_s: float) -> Call:
    """Decoded every 10 ms from 300 ms after it began, and ended at 500."""
    decoded_s = {first_id + n: began_s + 0.3 + 0.01 * n for n in range(CHUNK)}
    return Call(began_s, decoded_s, began_s + 0.5)


def test_intervals_of_publishing_are_told_over_those_of_decoding_and_of_rendering() -> None:
    calls = [chunk(1, 0.0), chunk(101, 0.55), chunk(201, 1.1)]
    decoded = {number: at_s for call in calls for number, at_s in call.decoded_s.items()}
    sent = {number: at_s - 0.4 for number, at_s in decoded.items()}
    at_once = figures(calls, {number: at_s + 0.002 for number, at_s in decoded.items()}, sent)
    assert at_once["publishing_over_decoding_interval"] == pytest.approx(1.0)
    assert at_once["publishing_over_rendering_interval_of_chunks"] == pytest.approx(1.1)
    assert at_once["first_plate_ms"]["p50"] == pytest.approx(302.0)
    assert at_once["newest_plate_ms"]["p50"] == pytest.approx(402.0)
    assert at_once["chunks_shown_before_their_last_is_decoded"] == 3
    ended = {number: call.ended_s for call in calls for number in call.decoded_s}
    at_end = figures(calls, ended, sent)
    assert at_end["publishing_over_decoding_interval"] == 0.0
    assert at_end["chunks_shown_before_their_last_is_decoded"] == 0


def test_a_chunk_of_which_a_plate_never_came_is_in_no_figure() -> None:
    call = chunk(1, 0.0)
    came = {number: at_s for number, at_s in call.decoded_s.items() if number != 5}
    assert figures([call], came, dict.fromkeys(call.decoded_s, 0.0))["chunks"] == 0
