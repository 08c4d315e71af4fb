"""What an engine can have done to its worlds, and the answers: `client.worlds`.

    client.worlds.snapshot("before_the_storm")
    client.worlds.fork("what if")  # and then client.submit(..., stream="what if")
    client.worlds.restore("before_the_storm")

Each call waits for the renderer's answer while the link is kept alive; frames that were submitted before are rendered
before. After `restore` and `fork` the next frame follows on the one after which the world was saved: it tells the
poses of that one as its previous ones, and needs no reset.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.asked import Asked
from bridge.attachment import Attachment
from bridge.schema import Record, Reset, UseModel, World, WorldOp


class Worlds:
    """The operations on the worlds of one client, in the thread that calls the client."""

    def __init__(self, attachment: Attachment, tick: Callable[[], None], break_off: Callable[[], None]) -> None:
        """`tick` keeps the link alive; `break_off` has no picture from before shown after."""
        self._attachment = attachment
        self._tick = tick
        self._break_off = break_off
        self._nonce = 0

    def reset(self, kind: Reset = Reset.NEW, stream: str = "", *, timeout_s: float = 10.0) -> str:
        """Forgets what `kind` says of a stream, or of all; returns what was done, for a person. Raises the renderer's
        error, and NoRenderer when it is gone or does not answer in time. So do the others."""
        self._break_off()
        return self.ask(World(session=self._session, op=WorldOp.RESET, reset=kind, stream=stream), timeout_s)

    def snapshot(self, name: str, *, timeout_s: float = 60.0) -> str:
        """Saves all streams with controls and ownership under a name of letters, digits, '-' and '_', in the place of
        an older snapshot of that name."""
        return self.ask(World(session=self._session, op=WorldOp.SNAPSHOT, name=name), timeout_s)

    def restore(self, name: str, *, timeout_s: float = 60.0) -> str:
        """The streams of a snapshot go on from where they were."""
        told = self.ask(World(session=self._session, op=WorldOp.RESTORE, name=name), timeout_s)
        self._break_off()
        return told

    def fork(self, to_stream: str, stream: str = "", *, timeout_s: float = 60.0) -> str:
        """`to_stream` goes on from a copy of the world of `stream`, or of the only one there is."""
        return self.ask(World(session=self._session, op=WorldOp.FORK, stream=stream, to_stream=to_stream), timeout_s)

    @property
    def _session(self) -> str:
        return self._attachment.session

    def ask(self, message: World | Record, timeout_s: float) -> str:
        """Sends what is answered by a STATUS that repeats its nonce; returns its text. Raises as the operations do."""
        return self.begin(message).result(timeout_s).text

    def begin(self, message: World | Record | UseModel) -> Asked:
        """Sends the same, and does not wait."""
        self._nonce += 1
        return Asked(self._attachment, self._tick, message, self._nonce)
