"""What waits between the link's thread and the render loop: messages in order, and of frames only the newest."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
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
    """A queue in which a FRAME takes the place of a waiting one of the same peer, session and stream.

    Everything else stays in order, and a frame keeps its place among the messages around it. Any thread may call it.
    """

    def __init__(self, capacity_per_peer: int) -> None:
        self._capacity = capacity_per_peer
        self._waiting: OrderedDict[_Key, Arrived] = OrderedDict()
        self._count: Counter[bytes] = Counter()
        self._arrived = threading.Condition()
        self._number = 0
        self._closed = False

    def put(self, arrived: Arrived) -> Frame | None:
        """Lets it wait; returns the frame that it superseded.

        What a superseded frame asked for beyond its own picture lives on in the newer one: its reset, and its
        controls as far as the newer frame does not set them. Raises OutOfOrder for a frame that is not newer than
        the waiting one, LimitExceeded when too many messages of this peer wait.
        """
        with self._arrived:
            superseded = None
            key = self._key(arrived)
            if (waiting := self._waiting.get(key)) is not None:
                arrived, superseded = _supersede(waiting, arrived)
                del self._waiting[key]
            elif self._count[arrived.peer] >= self._capacity:
                raise LimitExceeded(
                    "messages that wait", self._count[arrived.peer] + 1, self._capacity, "max_requests_per_s"
                )
            else:
                self._count[arrived.peer] += 1
            self._waiting[key] = arrived
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
            self._count[arrived.peer] -= 1
            if not self._count[arrived.peer]:
                del self._count[arrived.peer]
            return arrived

    def close(self) -> None:
        """Wakes whoever waits; what has arrived can still be taken."""
        with self._arrived:
            self._closed = True
            self._arrived.notify_all()

    def _key(self, arrived: Arrived) -> _Key:
        message = arrived.message
        if isinstance(message, Frame):
            return (arrived.peer, message.session, message.stream)
        self._number += 1
        return (self._number,)


def _supersede(waiting: Arrived, arrived: Arrived) -> tuple[Arrived, Frame]:
    old, new = waiting.message, arrived.message
    assert isinstance(old, Frame)  # only frames share a key
    assert isinstance(new, Frame)
    if new.id <= old.id:
        raise OutOfOrder(f"Frame {new.id} came after frame {old.id}", fix="Count frame ids up within a stream.")
    reset = old.reset if new.reset is Reset.NONE else new.reset
    if reset is not new.reset or old.controls:
        new = msgspec.structs.replace(new, reset=reset, controls={**old.controls, **new.controls})
    return Arrived(arrived.peer, new, arrived.parts), old
