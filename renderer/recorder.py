"""The recorder: a tap that writes sessions into takes, beside the show and never in its way.

On the render loop's thread it copies a frame's planes into a buffer of its own, and no more (renderer/taking.py). When
a take cannot be written as fast as frames are shown, or not at all, the show goes on.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

import msgspec

from bridge.errors import TakeExists, TakeNotFound, WorldplateError
from bridge.schema import AnyMessage, Frame, Hello, Record, Result, World, WorldOp
from bridge.take_records import Failed, Opening, Span, WorldState
from bridge.take_writer import TakeWriter
from renderer.frame import RenderFrame
from renderer.models import Recall, WorldModel
from renderer.provenance.recording import sign_recording
from renderer.session import Session
from renderer.take_state import TakeState
from renderer.takes_folder import path_of, takes_folder
from renderer.taking import Saved, Taking

log = logging.getLogger("worldplate.recorder")

CLOSE_LIMIT_S = 20.0  # a disk that hangs must not keep the renderer from stopping
STOPPED, CLOSED = "it was stopped", "the renderer was stopped"


class Recorder:
    """The tap. `start` and `stop` are called on the loop's thread too: by RECORD, and by the panel through `ask`."""

    def __init__(
        self, model: WorldModel, folder: Path | None = None, *, threads: int = 1, software: str = "worldplate"
    ) -> None:
        """Takes go into `folder`, the user's own when None; the rest is what they say of what makes the plates."""
        self._folder, self._model = folder, model
        self._threads, self._software = threads, software
        self._takings: dict[bytes, Taking] = {}  # by peer: a session that is agreed anew goes on in its take
        self._hellos: dict[str, Hello] = {}  # by session
        self._used: set[str] = set()  # sessions whose worlds have seen a frame
        self._ending: list[Taking] = []  # stopped, until their files are closed

    def obey(self, session: Session, message: Record) -> str:
        """Starts or ends a take as the message says; what was done, for a person. Raises what they do."""
        if message.on:
            return f"recording into {self.start(session, message.name, marked=message.mark)}"
        return f"the take {self.stop(session)} is written to its end"

    def start(self, session: Session, name: str = "", *, marked: bool = True) -> Path:
        """Record the session from its next frame on; the file. Without a name it is the date and time. `marked`: it is
        signed when it ends.

        Raises TakeExists for a name that is taken and for a session that is being recorded, InvalidValue for what is no
        name, TakeNotWritten when the file cannot be made.
        """
        going = self._takings.get(session.peer)
        if going is not None and not going.over:
            raise TakeExists(f"The session is recorded into {going.state.name} already", fix="Stop that take first.")
        name = name or f"{time.strftime('%Y%m%d-%H%M%S')}-{session.id[:4]}"
        card = self._model.card
        opening = Opening(
            name=name, created_ns=time.time_ns(), software=self._software, model=card.name,
            model_sha256=card.sha256, runtime=card.runtime, threads=self._threads,
        )  # fmt: skip
        self._folder = self._folder or takes_folder()
        path = path_of(self._folder, name)
        state = TakeState(name=name)
        taking = Taking(TakeWriter(path, opening), state, lambda: sign_recording(path, self._software, marked=marked))
        self._takings[session.peer] = taking
        self._follow(taking, session)
        log.info("recording %s into %s", session.name, path)
        return path

    def stop(self, session: Session) -> str:
        """End the session's take; its name. What waits is written meanwhile. Raises TakeNotFound."""
        taking = self._takings.pop(session.peer, None)
        if taking is None or taking.over:
            raise TakeNotFound("The session is not being recorded", fix="Start a take first.")
        self._stop(taking, STOPPED)
        return taking.state.name

    def adopt(self, model: WorldModel) -> None:
        """Takes that begin from now on are of this model; none is being written."""
        self._model = model

    def joined(self, session: Session, hello: Hello) -> None:
        self._takings = {peer: taking for peer, taking in self._takings.items() if not taking.over}
        self._hellos[session.id] = msgspec.structs.replace(hello, token="")
        taking = self._takings.get(session.peer)
        if taking is not None:
            self._follow(taking, session)

    def told(self, session: Session, message: AnyMessage) -> None:
        taking = self._takings.get(session.peer)
        if taking is not None:
            taking.put(message)
            if isinstance(message, World) and message.op in (WorldOp.RESTORE, WorldOp.FORK):
                taking.unsure.update(session.worlds)

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        self._used.add(session.id)
        taking = self._takings.get(session.peer)
        if taking is not None and taking.shoot(frame, result):
            self._save(taking, session, frame.header.stream)

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        self._used.add(session.id)
        taking = self._takings.get(session.peer)
        if taking is not None:
            text = error.what[:1024]
            taking.put(Failed(stream=header.stream, frame_id=header.id, code=error.code, text=text))
            taking.unsure.add(header.stream)

    def left(self, session: Session) -> None:
        self._hellos.pop(session.id, None)
        self._used.discard(session.id)
        taking = self._takings.get(session.peer)
        if taking is not None:
            taking.leave()

    def close(self) -> None:
        """End every take; waits until their files are closed, but no longer than CLOSE_LIMIT_S in all."""
        for taking in self._takings.values():
            self._stop(taking, CLOSED)
        self._takings.clear()
        until_s = time.monotonic() + CLOSE_LIMIT_S
        for taking in self._ending:
            if not taking.join(max(0.0, until_s - time.monotonic())):
                log.error("take %s is not closed: the disk does not answer", taking.state.name)

    def _follow(self, taking: Taking, session: Session) -> None:
        """The session's frames go into that take from here on."""
        hello = self._hellos.get(session.id)
        if hello is None:
            raise TakeNotFound("The session has ended", fix="Record one that is connected.")
        taking.put(Span(hello=hello, welcome=session.welcome, fresh=session.id not in self._used))
        session.take = taking.state
        self._save_all(taking, session)

    def _save_all(self, taking: Taking, session: Session) -> None:
        for stream in session.worlds:
            self._save(taking, session, stream)

    def _save(self, taking: Taking, session: Session, stream: str) -> None:
        """Costs nothing here: the arrays are the model's own, which it does not write to again. A model that is held to
        the world's long memory is left out: its plates do not come from its latents alone."""
        world = session.worlds.get(stream)
        if world is None or self._model.card.recall in (Recall.MIXED, Recall.TAKEN):
            return
        state = WorldState(stream=stream, seed=world.seed, epoch=world.epoch, steps=world.steps)
        taking.put(Saved(state, world.last, self._model.save_latents(world.latents)))

    def _stop(self, taking: Taking, reason: str) -> None:
        taking.stop(reason)
        self._ending = [other for other in self._ending if not other.state.closed] + [taking]
