"""A person's tool at a renderer that serves: it lists the sessions of engines, and has one of them steered.

    with Operator("my tool") as operator:
        session = operator.session()  # the only one there is
        operator.ask(World(session=session.session, op=WorldOp.RESET))

One thread calls it. Every call waits for its answer, and no longer than `timeout_s`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from bridge.door import Door, FileDoor, Opened
from bridge.errors import NoRenderer, SeveralSessions, UnknownSession, typed_error
from bridge.intake import NO_SESSION
from bridge.schema import AnyMessage, Bye, Error, OperatorHello, Reject, Status

_START = "Start one with `worldplate serve`."


class Operator:
    """Connected from its making until `close`."""

    def __init__(self, name: str, connection: Path | Door | None = None, *, timeout_s: float = 10.0) -> None:
        """`name` is for people, as the renderer's log shows it; `connection` is a connection file (the user's, when
        None) or a door. Raises NoRenderer, and what the renderer refuses with: BadToken, VersionMismatch,
        LimitExceeded."""
        door = connection if isinstance(connection, Door) else FileDoor(connection)
        self.timeout_s = timeout_s
        self._name = name
        self._asked = int.from_bytes(os.urandom(4))  # counts questions; an answer repeats the number
        self._opened = _open(door)
        with contextlib.ExitStack() as undo:
            undo.callback(self.close)
            self._wait_until_connected()
            self.sessions()
            undo.pop_all()

    def sessions(self) -> list[Status]:
        """How each engine's session is doing, oldest first; `name` is the engine's client."""
        return self._list()[:-1]

    def renderer(self) -> Status:
        """Of the renderer itself: its model and runtime."""
        return self._list()[-1]

    def session(self, named: str = "") -> Status:
        """The session of that id, of an id that begins so, or of that name; without `named`, the only one.

        Raises UnknownSession, SeveralSessions."""
        there = self.sessions()
        chosen = [s for s in there if named in ("", s.session, s.name)]
        chosen = chosen or [s for s in there if s.session.startswith(named)]
        if len(chosen) == 1:
            return chosen[0]
        known = ", ".join(f"{s.session[:8]} ({s.name})" for s in there)
        if not there:
            raise UnknownSession("No engine is connected", fix="Start one, and try again.")
        if not chosen:
            raise UnknownSession(f"No session is called {named!r}", fix=f"There are: {known}.")
        raise SeveralSessions(f"{len(chosen)} engines are connected", fix=f"Name one: {known}.")

    def ask(self, message: AnyMessage) -> Status:
        """Sends a message for a session, and waits for the STATUS that answers it; gives it a `nonce` of its own where
        it has room for one. Raises the renderer's ERROR, and NoRenderer when it is gone or does not answer in time;
        then the operator is closed, because an answer that comes late would be taken for another's."""
        return next(iter(self._answers(message)))

    def close(self) -> None:
        """A second time does nothing."""
        self._opened.end.send(Bye(session=NO_SESSION, reason=f"{self._name} is done"))
        self._opened.end.close(linger_ms=100)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _list(self) -> list[Status]:
        listed: list[Status] = []
        for status in self._answers(OperatorHello(token=self._opened.token, client=self._name)):
            listed.append(status)
            if status.session == NO_SESSION:
                break
        return listed

    def _answers(self, message: AnyMessage) -> Iterator[Status]:
        """The STATUS that answer a message, as they come."""
        self._asked += 1
        nonce = self._asked if hasattr(message, "nonce") else 0
        asked = replace(message, nonce=nonce) if nonce else message
        until_s = time.monotonic() + self.timeout_s
        sent = self._opened.end.send(asked)
        while sent and (left_ms := (until_s - time.monotonic()) * 1000) > 0 and self._opened.end.connected:
            received = self._opened.end.receive(min(left_ms, 50.0))
            answer = received[0] if received is not None else None
            if isinstance(answer, Error | Reject) and getattr(answer, "nonce", 0) in (0, nonce):
                raise typed_error(answer.code, answer.text, answer.fix)
            if isinstance(answer, Status) and answer.nonce == nonce:
                yield answer
        self.close()
        raise NoRenderer(f"The renderer did not answer {self._name}", fix=f"Look at its log. {_START}")

    def _wait_until_connected(self) -> None:
        until_s = time.monotonic() + self.timeout_s
        while not self._opened.end.connected:
            if time.monotonic() > until_s:
                raise NoRenderer(f"The renderer does not answer in {self.timeout_s:g} s", fix=_START)
            time.sleep(0.001)


def _open(door: Door) -> Opened:
    opened = door.open()
    if opened is None:
        where = f": {door.path} names none that lives" if isinstance(door, FileDoor) else ""
        raise NoRenderer(f"No renderer{where}", fix=_START)
    return opened
