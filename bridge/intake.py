"""The renderer's front door: what every message passes before the session sees it, whatever link it came by."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from bridge import wire
from bridge.errors import LimitExceeded, ProtocolError
from bridge.mailbox import Arrived, Mailbox
from bridge.schema import AnyMessage, Bye, Clock, Disposition, Error, Frame, Limits, Ping, Result

_log = logging.getLogger(__name__)

MAX_PEERS = 32  # connections, also of those that never say HELLO
NO_SESSION = "0" * 32  # the session of the BYE that the link writes for a peer whose connection is gone


class _Allowance:
    """A token bucket: `per_s` requests per second, and as many at once."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left = float(per_s)
        self._at_s = time.monotonic()

    def spend(self) -> bool:
        now_s = time.monotonic()
        self._left = min(self._per_s, self._left + (now_s - self._at_s) * self._per_s)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Intake:
    """Decodes, limits and posts what arrives, and answers at once what needs no session: an undecodable message
    (ERROR), a superseded frame (RESULT), PING, and CLOCK, whose time stamps must not wait for a render loop."""

    def __init__(self, limits: Limits, answer: Callable[[bytes, AnyMessage], object]) -> None:
        self.mailbox = Mailbox(limits.max_requests_per_s)
        self._limits = limits
        self._answer = answer
        self._allowances: dict[bytes, _Allowance] = {}
        self._logged: set[tuple[bytes, str]] = set()

    @property
    def peers(self) -> list[bytes]:
        """Everybody who sent something and is not gone."""
        return list(self._allowances)

    def take_in(self, peer: bytes, parts: Sequence[memoryview]) -> None:
        """One message as it came: its header, then its planes."""
        now_ns = time.monotonic_ns()
        message: AnyMessage | None = None
        try:
            allowance = self._admit(peer)
            wire.check_parts(parts, self._limits)
            message = wire.decode(parts[0], self._limits)
            if not allowance.spend():
                limit = self._limits.max_requests_per_s
                raise LimitExceeded("requests in a second", limit + 1, limit, "max_requests_per_s")
            self._post(peer, message, tuple(parts[1:]), now_ns)
        except ProtocolError as error:
            self._refuse(peer, message, parts, error)

    def gone(self, peer: bytes) -> None:
        """The peer's connection is no more: the session learns it as a BYE of NO_SESSION."""
        if self._forget(peer):
            self.mailbox.put(Arrived(peer, Bye(session=NO_SESSION, reason="the connection is gone"), ()))

    def _forget(self, peer: bytes) -> bool:
        """Whether it was known."""
        self._logged = {(other, code) for other, code in self._logged if other != peer}
        return self._allowances.pop(peer, None) is not None

    def _admit(self, peer: bytes) -> _Allowance:
        allowance = self._allowances.get(peer)
        if allowance is None:
            if len(self._allowances) >= MAX_PEERS:
                raise LimitExceeded(
                    "connections", len(self._allowances) + 1, MAX_PEERS, "MAX_PEERS of bridge/intake.py"
                )
            allowance = self._allowances[peer] = _Allowance(self._limits.max_requests_per_s)
        return allowance

    def _post(self, peer: bytes, message: AnyMessage, parts: tuple[memoryview, ...], now_ns: int) -> None:
        match message:
            case Ping(answer=False, nonce=nonce):
                self._answer(peer, Ping(nonce=nonce, answer=True))
            case Clock(session=session, t1_ns=t1_ns):
                self._answer(peer, Clock(session=session, t1_ns=t1_ns, t2_ns=now_ns, t3_ns=time.monotonic_ns()))
            case _:
                if isinstance(message, Bye):
                    self._forget(peer)  # it need not be said that it is gone
                superseded = self.mailbox.put(Arrived(peer, message, parts))
                if superseded is not None and isinstance(message, Frame):
                    self._answer(peer, _dropped(superseded, message.id))

    def _refuse(
        self, peer: bytes, message: AnyMessage | None, parts: Sequence[memoryview], error: ProtocolError
    ) -> None:
        if peer in self._allowances and (peer, error.code) not in self._logged:  # each kind once, whoever floods
            self._logged.add((peer, error.code))
            _log.warning("Refused a message of an engine: %s", error)
        frame_id, stream = 0, ""
        if isinstance(message, Frame):
            frame_id, stream = message.id, message.stream
        elif message is None and parts:
            frame_id, stream = wire.named_frame(parts[0], self._limits)
        self._answer(
            peer,
            Error(
                code=error.code,
                text=error.what[:1024],
                fix=error.fix[:1024],
                frame_id=frame_id,
                stream=stream,
            ),
        )


def _dropped(frame: Frame, by_id: int) -> Result:
    return Result(
        session=frame.session,
        id=frame.id,
        stream=frame.stream,
        generation=frame.generation,
        slot=frame.slot,
        disposition=Disposition.DROPPED,
        reason=f"superseded by frame {by_id}",
        capture_ns=frame.capture_ns,
    )
