"""Where an engine looks for its renderer: the connection file, or an end it was handed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from bridge import connection as connections, link
from bridge.connection import Connection
from bridge.ends import EngineEnd
from bridge.errors import TransportError
from bridge.handles import path_beside

_log = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A link to a renderer that should be there, and the token that it wants in HELLO."""

    end: EngineEnd
    token: str
    handles: Path | None = None  # the socket that takes GPU buffers, where there is one


@runtime_checkable
class Door(Protocol):
    """Neither call blocks."""

    def open(self) -> Opened | None:
        """A new link to the renderer; None when there is none."""

    def moved(self) -> bool:
        """Whether another renderer is there than at the last `open`, or it is gone."""


class FileDoor:
    """The renderer of a connection file, by default the user's."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or connections.runtime_dir() / connections.FILE_NAME
        self._stamp: tuple[int, int] | None = None
        self._connection: Connection | None = None
        self._opened: Connection | None = None
        self._said = ""

    def open(self) -> Opened | None:
        self._opened = self._there()
        if self._opened is None:
            return None
        try:
            end = link.connect(self._opened.endpoint)
            return Opened(end, self._opened.token, path_beside(self.path.parent, self._opened.pid))
        except TransportError as error:
            self._say(str(error))
            return None

    def moved(self) -> bool:
        return self._there() != self._opened

    def _there(self) -> Connection | None:
        """The connection of a live renderer; the file is read only when it has changed."""
        try:
            status = self.path.lstat()
        except OSError:
            self._stamp, self._connection = None, None
            return None
        stamp = (status.st_ino, status.st_mtime_ns)
        if stamp != self._stamp:
            try:
                self._stamp, self._connection = stamp, connections.read(self.path)
            except TransportError as error:
                self._connection = None
                self._say(str(error))
        connection = self._connection
        return connection if connection is not None and connections.alive(connection) else None

    def _say(self, what: str) -> None:
        if what != self._said:  # a door is tried a hundred times a second
            self._said = what
            _log.warning("%s", what)


class HandedDoor:
    """An end that exists already, such as one of `memory_pair`: it opens once."""

    def __init__(self, end: EngineEnd, token: str = "") -> None:
        self._opened: Opened | None = Opened(end, token)

    def open(self) -> Opened | None:
        opened, self._opened = self._opened, None
        return opened

    def moved(self) -> bool:
        return False
