"""From the door's thread to the render loop: buffers that an engine hands over find their session, or are refused."""

from __future__ import annotations

import hmac
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bridge.errors import HandleRefused, NotSupported, WorldplateError
from bridge.handles import Handed, path_beside
from bridge.schema import PlanesAck

if TYPE_CHECKING:
    from renderer.serve import Renderer
    from renderer.session import Session

log = logging.getLogger("worldplate.renderer")


class Door(Protocol):
    """Where engines hand over, on a thread of its own."""

    def close(self) -> None: ...


def open_door(folder: Path, renderer: Renderer) -> Door:
    """This process's; `folder` has its connection file. Raises TransportError."""
    if sys.platform == "win32":
        from bridge import handles_windows

        return handles_windows.HandleDoor(taker_of(renderer))
    else:
        from bridge import handles_linux

        return handles_linux.HandleDoor(path_beside(folder, os.getpid()), taker_of(renderer))


def taker_of(renderer: Renderer) -> Callable[[Handed], None]:
    """What the door's thread calls."""

    def take(handed: Handed) -> None:
        renderer.ask(lambda loop: loop.hand_over(handed))

    return take


def taken_over(sessions: Iterable[Session], handed: Handed) -> Iterator[tuple[bytes, PlanesAck]]:
    """Who is to be told what. Nobody, when the packet is of no session here; the log says so. Closes what is left of
    the handles."""
    try:
        for session in sessions:
            if hmac.compare_digest(session.id, handed.offer.session):
                yield session.peer, _taken(session, handed)
                return
        log.warning("process %d handed buffers over for a session that is not here", handed.pid)
    finally:
        handed.close()


def check_recordable(session: Session) -> None:
    """Raises NotSupported for a session whose pixels never come to the CPU."""
    if session.on_gpu is not None:
        raise NotSupported(
            "the planes of this session stay on the GPU, where takes do not see them",
            fix="Have the engine say HELLO without `cuda` while it is recorded.",
        )


def _taken(session: Session, handed: Handed) -> PlanesAck:
    generation = handed.offer.generation
    try:
        if session.on_gpu is None:
            raise HandleRefused(
                f"this session's transport is '{session.welcome.transport}'", fix="Hand over what WELCOME agreed to."
            )
        if handed.pid != session.pid:
            raise HandleRefused(
                f"process {handed.pid} hands over for a session of process {session.pid}",
                fix="Say the process's own pid in HELLO, and hand over from it.",
            )
        session.on_gpu.take(handed)
    except WorldplateError as error:
        log.warning("hand-over of %s refused: %s", session.name, error)
        text = f"{error.what}. {error.fix}"[:1024]
        return PlanesAck(session=session.id, generation=generation, ok=False, code=error.code, text=text)
    return PlanesAck(session=session.id, generation=generation, ok=True)
