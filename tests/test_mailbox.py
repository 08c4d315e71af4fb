"""Messages wait in order; of frames only the newest."""

from __future__ import annotations

import threading

import msgspec
import pytest
from hypothesis import given, strategies as st
from scripted_renderer import CAMERA

from bridge.errors import LimitExceeded, OutOfOrder
from bridge.mailbox import Arrived, Mailbox
from bridge.schema import Frame, Ping, Reset

FRAME = Frame(session="5" * 32, id=1, capture_ns=1, camera=CAMERA)


def frame(frame_id: int, stream: str = "main", reset: Reset = Reset.NONE, peer: bytes = b"a") -> Arrived:
    return Arrived(peer, msgspec.structs.replace(FRAME, id=frame_id, stream=stream, reset=reset), ())


def ids(mailbox: Mailbox) -> list[tuple[str, int]]:
    taken = []
    while (arrived := mailbox.take(0)) is not None:
        message = arrived.message
        taken.append(("frame", message.id) if isinstance(message, Frame) else ("ping", getattr(message, "nonce", 0)))
    return taken


def test_the_newest_frame_wins_and_the_rest_stays_in_order() -> None:
    mailbox = Mailbox(10)
    assert mailbox.put(frame(1)) is None
    mailbox.put(Arrived(b"a", Ping(nonce=1), ()))
    superseded = mailbox.put(frame(2))
    mailbox.put(Arrived(b"a", Ping(nonce=2), ()))
    assert superseded is not None
    assert superseded.id == 1
    assert ids(mailbox) == [("ping", 1), ("frame", 2), ("ping", 2)]


def test_for_a_model_that_makes_several_at_once_the_newest_few_wait() -> None:
    mailbox = Mailbox(10)
    mailbox.keep_frames = 3
    superseded = [mailbox.put(frame(n)) for n in range(1, 6)]
    assert [old.id if old else None for old in superseded] == [None, None, None, 1, 2]
    with pytest.raises(OutOfOrder):
        mailbox.put(frame(5))
    assert ids(mailbox) == [("frame", 3), ("frame", 4), ("frame", 5)]
    assert mailbox.put(frame(6)) is None


def test_frames_taken_one_after_the_other_follow_on_each_other_while_more_come() -> None:
    mailbox, taken = Mailbox(10), []
    mailbox.keep_frames = 3
    for frame_id in range(1, 8):
        mailbox.put(frame(frame_id))
    for frame_id in range(8, 12):
        arrived = mailbox.take(0)
        assert arrived is not None
        assert isinstance(arrived.message, Frame)
        taken.append(arrived.message.id)
        mailbox.put(frame(frame_id))
    assert taken == [5, 6, 7, 8]


def test_the_oldest_frame_that_waits_inherits_the_reset_of_the_one_that_does_not() -> None:
    mailbox = Mailbox(10)
    mailbox.keep_frames = 2
    for waiting in (frame(1, reset=Reset.CUT), frame(2), frame(3)):
        mailbox.put(waiting)
    taken = [mailbox.take(0), mailbox.take(0)]
    assert [a.message.reset for a in taken if a and isinstance(a.message, Frame)] == [Reset.CUT, Reset.NONE]


def test_streams_and_peers_do_not_supersede_each_other() -> None:
    mailbox = Mailbox(10)
    for arrived in (frame(1), frame(1, stream="left"), frame(1, peer=b"b")):
        assert mailbox.put(arrived) is None
    assert len(ids(mailbox)) == 3


def test_a_reset_and_controls_survive_the_frame_that_carried_them() -> None:
    mailbox = Mailbox(10)
    old = msgspec.structs.replace(FRAME, reset=Reset.CUT, controls={"sun": 1, "prompt": "dusk"})
    mailbox.put(Arrived(b"a", old, ()))
    mailbox.put(Arrived(b"a", msgspec.structs.replace(FRAME, id=2, controls={"sun": 2}), ()))
    arrived = mailbox.take(0)
    assert arrived is not None
    assert isinstance(arrived.message, Frame)
    assert arrived.message.reset is Reset.CUT
    assert arrived.message.controls == {"sun": 2, "prompt": "dusk"}


def test_an_older_frame_does_not_supersede_a_newer() -> None:
    mailbox = Mailbox(10)
    mailbox.put(frame(2))
    with pytest.raises(OutOfOrder, match="Frame 2 came after frame 2"):
        mailbox.put(frame(2))
    assert ids(mailbox) == [("frame", 2)]


def test_one_peer_cannot_fill_it() -> None:
    mailbox = Mailbox(2)
    mailbox.put(Arrived(b"a", Ping(nonce=1), ()))
    mailbox.put(Arrived(b"a", Ping(nonce=2), ()))
    with pytest.raises(LimitExceeded, match="max_requests_per_s"):
        mailbox.put(Arrived(b"a", Ping(nonce=3), ()))
    mailbox.put(Arrived(b"b", Ping(nonce=4), ()))
    assert ids(mailbox) == [("ping", 1), ("ping", 2), ("ping", 4)]
    mailbox.put(Arrived(b"a", Ping(nonce=5), ()))


def test_close_wakes_whoever_waits() -> None:
    mailbox = Mailbox(2)
    waiter = threading.Thread(target=mailbox.take, args=(60.0,))
    waiter.start()
    mailbox.close()
    waiter.join(5)
    assert not waiter.is_alive()


@given(st.lists(st.sampled_from(["frame", "ping", "take"]), max_size=60))
def test_nothing_but_superseded_frames_is_lost(actions: list[str]) -> None:
    mailbox, out, sent, superseded = Mailbox(1000), [], [], []
    for number, action in enumerate(actions, 1):
        if action == "take":
            arrived = mailbox.take(0)
            if arrived is not None:
                out.append(arrived.message)
            continue
        message = msgspec.structs.replace(FRAME, id=number) if action == "frame" else Ping(nonce=number)
        sent.append(message)
        replaced = mailbox.put(Arrived(b"a", message, ()))
        if replaced is not None:
            superseded.append(replaced)
    while (arrived := mailbox.take(0)) is not None:
        out.append(arrived.message)
    assert out == [message for message in sent if message not in superseded]
