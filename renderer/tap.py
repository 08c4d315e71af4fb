"""A tap looks on at what the renderer does, for a recorder or a panel, and changes nothing."""

from __future__ import annotations

from typing import Protocol

from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Frame, Hello, Result
from renderer.frame import RenderFrame
from renderer.session import Session


class Tap(Protocol):
    """Called on the render loop's thread, between the frames of the show: copy what is needed and work elsewhere.

    Planes and plate are views of the engine's own buffers and hold for the length of the call alone. A tap that raises
    is taken off with a line in the log, and the show goes on without it.
    """

    def joined(self, session: Session, hello: Hello) -> None:
        """An engine was welcomed; `session.welcome` has what was agreed."""

    def told(self, session: Session, message: AnyMessage) -> None:
        """A CONTROL or WORLD of this session was taken, whoever sent it."""

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        """A plate is finished, and its RESULT is about to be sent."""

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        """A frame gets no plate, and why; the engine counts it as dropped."""

    def left(self, session: Session) -> None:
        """The session is over; its buffers are gone."""

    def close(self) -> None:
        """The renderer stops: finish what is open, let go of threads and files."""
