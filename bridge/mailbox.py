"""What waits between the link's thread and the render loop: messages in order, and of frames only the newest few."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from typing import NamedTuple

import msgspec

from bridge.errors import LimitExceeded, OutOfOrder
from bridge.schema import AnyMessage, Frame, Reset

_Key = tuple[object, ...]


class Arrived(NamedTuple):
    """A message, who sent it, and the planes that came with it (inline transport)."""

    peer: bytes
    message: AnyMessage
    parts: tuple[memoryview, ...]


class Mailbox:
    """A queue in which, of each peer, session and stream, the newest `keep_frames` FRAMEs wait: one more takes the
    place of the oldest. One is enough for a model that makes one plate at a time.

    The newest few follow on each other, also while more come: they are not spread over the time that the model took for
    the plates before. Each tells its motion, and its previous poses, against the frame before it, which holds for a
    model of films as long as it gets that frame too; its plates would show time running faster than it learned; and the
    first of them would be older by as much as is spread over.

    Everything else stays in order, and a frame keeps its place among the messages around it. Any thread may call it.
    """

    def __init__(self, capacity_per_peer: int) -> None:
        self.keep_frames = 1
        self._capacity = capacity_per_peer
        self._waiting: OrderedDict[_Key, Arrived] = OrderedDict()
        self._frames: dict[_Key, deque[_Key]] = {}  # by peer, session and stream, those that wait
        self._count: Counter[bytes] = Counter()
        self._arrived = threading.Condition()
        self._number = 0
        self._closed = False

    def put(self, arrived: Arrived) -> Frame | None:
        """Lets it wait; returns the frame that it superseded.

        What a superseded frame asked for beyond its own picture lives on in the next one: its reset, and its
        controls as far as that frame does not set them. Raises OutOfOrder for a frame that is not newer than
        the waiting ones, LimitExceeded when too many messages of this peer wait.
        """
        with self._arrived:
            superseded = None
            if isinstance(arrived.message, Frame):
                arrived, superseded = self._supersede(arrived)
            if superseded is None:
                self._count_one(arrived.peer)
            self._number += 1
            self._waiting[(self._number,)] = arrived
            if isinstance(arrived.message, Frame):
                self._frames.setdefault(_stream(arrived), deque()).append((self._number,))
            self._arrived.notify()
            return superseded

    def take(self, timeout_s: float) -> Arrived | None:
        """The one that has waited longest; None when nothing came in time, or the mailbox was closed."""
        with self._arrived:
            if not self._waiting and not self._closed and timeout_s > 0:
                self._arrived.wait(timeout_s)
            if not self._waiting:
                return None
            _, arrived = self._waiting.popitem(last=False)
            self._forget_frame(arrived)
            self._count[arrived.peer] -= 1
            if not self._count[arrived.peer]:
                del self._count[arrived.peer]
            return arrived

    def close(self) -> None:
        """Wakes whoever waits; what has arrived can still be taken."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def _count_one(self, peer: bytes) -> None:
        if self._count[peer] >= self._capacity:
            raise LimitExceeded("messages that wait", self._count[peer] + 1, self._capacity, "max_requests_per_s")
        self._count[peer] += 1

    def _supersede(self, arrived: Arrived) -> tuple[Arrived, Frame | None]:
        """The frame as it is to wait, and the oldest one of its stream when there are too many."""
        keys = self._frames.get(_stream(arrived))
        if not keys:
            return arrived, None
        newest = self._waiting[keys[-1]].message
        assert isinstance(newest, Frame)  # only frames are in `_frames`
        assert isinstance(arrived.message, Frame)
        if arrived.message.id <= newest.id:
            raise OutOfOrder(
                f"Frame {arrived.message.id} came after frame {newest.id}", fix="Count frame ids up within a stream."
            )
        if len(keys) < self.keep_frames:
            return arrived, None
        oldest = self._waiting.pop(keys[0])
        self._forget_frame(oldest)
        assert isinstance(oldest.message, Frame)
        if keys:
            self._waiting[keys[0]] = _inherit(oldest.message, self._waiting[keys[0]])
            return arrived, oldest.message
        return _inherit(oldest.message, arrived), oldest.message

    def _forget_frame(self, arrived: Arrived) -> None:
        """The oldest of its stream, if it is a frame, does not wait any more."""
        if isinstance(arrived.message, Frame):
            keys = self._frames[_stream(arrived)]
            keys.popleft()
            if not keys:
                del self._frames[_stream(arrived)]


def _stream(arrived: Arrived) -> _Key:
    assert isinstance(arrived.message, Frame)
    return (arrived.peer, arrived.message.session, arrived.message.stream)


def _inherit(old: Frame, heir: Arrived) -> Arrived:
    new = heir.message
    assert isinstance(new, Frame)  # of the same stream
    reset = old.reset if new.reset is Reset.NONE else new.reset
    if reset is not new.reset or old.controls:
        new = msgspec.structs.replace(new, reset=reset, controls={**old.controls, **new.controls})
    return Arrived(heir.peer, new, heir.parts)
