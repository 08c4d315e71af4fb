"""The renderer's front door: limits, and what is answered without the session."""

from __future__ import annotations

import logging

import pytest
from scripted_renderer import SESSION

from bridge import wire
from bridge.intake import MAX_PEERS, NO_SESSION, Intake
from bridge.schema import AnyMessage, Bye, Error, Limits, Ping, Release

Answers = list[tuple[bytes, AnyMessage]]


def header(message: AnyMessage) -> list[memoryview]:
    return [memoryview(wire.encode(message))]


@pytest.fixture
def answers() -> Answers:
    return []


@pytest.fixture
def intake(answers: Answers) -> Intake:
    return Intake(Limits(max_requests_per_s=50), lambda peer, message: answers.append((peer, message)))


def test_more_peers_than_allowed_are_refused_until_one_is_gone(intake: Intake, answers: Answers) -> None:
    for number in range(MAX_PEERS + 1):
        intake.take_in(bytes([number]), header(Release(session=SESSION, generation=1)))
    assert [peer for peer, message in answers if isinstance(message, Error)] == [bytes([MAX_PEERS])]
    assert len(intake.peers) == MAX_PEERS
    intake.gone(bytes([0]))
    intake.take_in(bytes([MAX_PEERS]), header(Release(session=SESSION, generation=1)))
    assert len(answers) == 1


def test_a_peer_is_told_gone_once_and_only_when_it_was_there(intake: Intake) -> None:
    intake.gone(b"stranger")
    assert intake.mailbox.take(0) is None
    intake.take_in(b"a", header(Ping(nonce=1)))
    intake.gone(b"a")
    intake.gone(b"a")
    arrived = intake.mailbox.take(0)
    assert arrived is not None
    assert arrived.message == Bye(session=NO_SESSION, reason="the connection is gone")
    assert intake.mailbox.take(0) is None


def test_one_peers_flood_is_its_own(intake: Intake, answers: Answers) -> None:
    for _ in range(60):
        intake.take_in(b"flood", header(Ping(nonce=1)))
    intake.take_in(b"other", header(Ping(nonce=2)))
    assert [type(message) for peer, message in answers if peer == b"flood"].count(Error) in range(1, 11)
    assert answers[-1] == (b"other", Ping(nonce=2, answer=True))


def test_every_refusal_is_answered_but_each_kind_logged_once(
    intake: Intake, answers: Answers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            intake.take_in(b"a", [memoryview(b"rubbish")])
    assert [message.code for _, message in answers if isinstance(message, Error)] == ["malformed_message"] * 5
    assert len(caplog.records) == 1


@pytest.mark.parametrize("parts", [[], [memoryview(b"")], [memoryview(b"\xc1")]])
def test_messages_without_a_header_are_answered(intake: Intake, answers: Answers, parts: list[memoryview]) -> None:
    intake.take_in(b"a", parts)
    assert isinstance(answers[0][1], Error)
