"""Who may come in: the token of the connection file, and a version that both speak."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping, Set
from typing import TYPE_CHECKING

from bridge.errors import (
    BadToken,
    LimitExceeded,
    MissingDependency,
    OutOfOrder,
    UnknownSession,
    VersionMismatch,
    WorldplateError,
)
from bridge.intake import NO_SESSION
from bridge.schema import PROTOCOL_VERSION, Hello, Limits, OperatorHello, Planes, PlanesAck, RendererState, Status
from renderer.models import ModelCard
from renderer.session import Session

if TYPE_CHECKING:
    from renderer.recorder import Recorder

log = logging.getLogger("worldplate.renderer")


def check_entry(hello: Hello | OperatorHello, token: str) -> None:
    """Raises BadToken or VersionMismatch. Tokens are compared in constant time."""
    if not hmac.compare_digest(hello.token.encode(), token.encode()):
        raise BadToken(
            "the token is not this renderer's", fix="Read it anew from the connection file; it changes at every start."
        )
    if not hello.protocol_oldest <= PROTOCOL_VERSION <= hello.protocol:
        older = "renderer" if hello.protocol_oldest > PROTOCOL_VERSION else "plugin"
        spoken = f"{hello.protocol_oldest} to {hello.protocol}"
        raise VersionMismatch(
            f"{hello.client} speaks protocol {spoken}, this renderer {PROTOCOL_VERSION}", fix=f"Update the {older}."
        )


def check_place(there: int, most: int, what: str, setting: str) -> None:
    """Raises LimitExceeded when one more is too many."""
    if there >= most:
        raise LimitExceeded(f"the number of {what}", there + 1, most, setting)


def check_takes(recorder: Recorder | None) -> Recorder:
    """Raises MissingDependency."""
    if recorder is None:
        raise MissingDependency(
            "This renderer cannot record takes", fix='Install `pip install "worldplate[takes]"`, and start it anew.'
        )
    return recorder


def session_of(sessions: Mapping[bytes, Session], peer: bytes, session_id: str) -> Session:
    """The engine's own session. Raises OutOfOrder. Ids are compared in constant time."""
    session = sessions.get(peer)
    if session is None or not hmac.compare_digest(session.id, session_id):
        raise OutOfOrder("a message came for a session that is not this engine's", fix="Say HELLO first.")
    return session


def steered(sessions: Mapping[bytes, Session], operators: Set[bytes], peer: bytes, session_id: str) -> Session:
    """The session that a CONTROL, WORLD or RECORD is for: the engine's own, or the one that an operator chose. Raises
    OutOfOrder, UnknownSession."""
    if peer not in operators:
        return session_of(sessions, peer, session_id)
    for session in sessions.values():
        if hmac.compare_digest(session.id, session_id):
            return session
    raise UnknownSession("there is no such session, or it has ended", fix="List the sessions again.")


def acknowledged(session: Session, message: Planes) -> PlanesAck:
    """Maps the ring that an engine offers; what it is answered, with the reason when its ring is refused."""
    try:
        session.open_ring(message)
    except WorldplateError as error:
        log.warning("ring of %s refused: %s", session.name, error)
        text = f"{error.what}. {error.fix}"[:1024]
        return PlanesAck(session=session.id, generation=message.generation, ok=False, code=error.code, text=text)
    return PlanesAck(session=session.id, generation=message.generation, ok=True)


def own_status(card: ModelCard, engines: int, limits: Limits, text: str = "") -> Status:
    """Of the renderer itself, which ends the list that an operator is given."""
    state = RendererState.RUNNING if engines else RendererState.READY
    text = text or f"{engines} of at most {limits.max_sessions} engines"
    return Status(session=NO_SESSION, state=state, text=text, model=card.name, runtime=card.runtime)
