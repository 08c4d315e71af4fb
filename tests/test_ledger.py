"""Every id has one end, and shown ids only increase."""

from __future__ import annotations

import pytest

from bridge.errors import OutOfOrder
from bridge.ledger import Entry, Ledger
from bridge.schema import Disposition


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    for frame_id in (1, 2, 3):
        ledger.submit(frame_id)
    return ledger


def test_a_frame_is_open_until_it_has_its_disposition(ledger: Ledger) -> None:
    ledger.show(2, Disposition.GENERATED)
    ledger.drop(1, "superseded")
    assert ledger.open_ids == {3}
    assert ledger.counts == {Disposition.GENERATED: 1, Disposition.DROPPED: 1}
    assert list(ledger.history)[-1] == Entry(1, Disposition.DROPPED, "superseded")


def test_a_second_disposition_is_refused(ledger: Ledger) -> None:
    ledger.drop(1, "late")
    with pytest.raises(OutOfOrder, match="not open"):
        ledger.drop(1, "late")
    with pytest.raises(OutOfOrder, match="not open"):
        ledger.show(1, Disposition.PASSTHROUGH)


def test_a_frame_that_was_never_submitted_is_refused(ledger: Ledger) -> None:
    with pytest.raises(OutOfOrder, match="not open"):
        ledger.show(9, Disposition.GENERATED)


def test_showing_an_older_frame_is_refused(ledger: Ledger) -> None:
    ledger.show(3, Disposition.GENERATED)
    with pytest.raises(OutOfOrder, match="shown after frame 3"):
        ledger.show(2, Disposition.GENERATED)
    assert ledger.open_ids == {1, 2}


def test_ids_are_submitted_in_order(ledger: Ledger) -> None:
    with pytest.raises(OutOfOrder, match="after frame 3"):
        ledger.submit(3)


def test_a_correction_replaces_the_last_shown_entry_and_no_other(ledger: Ledger) -> None:
    ledger.show(1, Disposition.GENERATED)
    ledger.show(2, Disposition.GENERATED)
    ledger.drop(3, "late")
    ledger.correct(Disposition.PASSTHROUGH, "torn")
    assert ledger.counts == {Disposition.GENERATED: 1, Disposition.PASSTHROUGH: 1, Disposition.DROPPED: 1}
    assert [entry.frame_id for entry in ledger.history] == [1, 2, 3]
    assert ledger.history[1] == Entry(2, Disposition.PASSTHROUGH, "torn")
