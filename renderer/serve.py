"""The renderer's loop: messages in, plates out, until it is told to stop.

One thread renders; the link has its own for the socket, so that messages are drained and superseded frames answered
while a model thinks. This is the one place with a broad `except`: whatever breaks in one session's frame is told to
that engine by name, and the show goes on for the others; so it does when a tap breaks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from bridge.errors import ProtocolError, WorldplateError
from bridge.handles import Handed
from bridge.intake import NO_SESSION
from bridge.link import RendererEnd
from bridge.schema import (
    AnyMessage,
    Bye,
    Clock,
    Disposition,
    Frame,
    Hello,
    Limits,
    OperatorHello,
    Ping,
    Planes,
    Record,
    Reject,
    Release,
    RendererState,
    SetControls,
    Status,
    UseModel,
    World,
)
from renderer.chunks import Asked, Chunk, Chunks, limits_for, longest
from renderer.cuda.frame import Enqueued
from renderer.cuda.take import check_recordable, taken_over
from renderer.entry import acknowledged, check_entry, check_place, check_takes, own_status, session_of, steered
from renderer.mark import error_for, mark_unmade
from renderer.models import ModelCard, WorldModel
from renderer.pipeline import Rendered, Unmade
from renderer.session import Session
from renderer.swap import Load, Names, Swap, check_adoptable, check_asker, check_not_recorded
from renderer.tap import Tap
from renderer.terms import NO_GPU, GpuSide
from renderer.worlds import WorldKeeper

if TYPE_CHECKING:
    from renderer.recorder import Recorder

T = TypeVar("T")
log = logging.getLogger("worldplate.renderer")

IDLE_BEAT_MS = 50.0  # the protocol promises a beat every 100 ms while idle
STATUS_EVERY_S = 1.0


class Renderer:
    """Serves a model to the engines on one link. `run` is the loop; everything happens on its thread."""

    def __init__(
        self,
        link: RendererEnd,
        model: WorldModel,
        token: str,
        limits: Limits,
        taps: Sequence[Tap] = (),
        snapshots: Path | None = None,
        recorder: Recorder | None = None,
        memory_mb: int = 0,
        load: Load | None = None,
        gpu_side: GpuSide = NO_GPU,
        names: Names = tuple,
    ) -> None:
        """`taps` and the recorder, which is one, become the renderer's own: it closes them when `run` ends. `snapshots`
        is the folder of worlds that were saved; None is the user's. `memory_mb` bounds each session's long memory.
        `load` finds other models by name, which are the renderer's own; `names` looks which there are. `model` is
        closed when another takes its place.
        `gpu_side`'s GPU stays its opener's.
        """
        self._link = link
        self._model = model
        self._token = token
        self._limits = limits
        self._memory_mb, self._gpu_side = memory_mb, gpu_side
        self._sessions: dict[bytes, Session] = {}
        self._operators: set[bytes] = set()  # peers that are people's tools, and have shown the token
        self._status_due_s = 0.0
        self._told: set[tuple[bytes, str]] = set()
        self._chunks = Chunks()
        self._recorder = recorder
        self._taps: list[Tap] = [*taps, *([recorder] if recorder is not None else [])]
        self._asked: SimpleQueue[tuple[Callable[[Renderer], Any], Future[Any]]] = SimpleQueue()
        self._keeper = WorldKeeper(model, limits, snapshots, lambda what: self.ask(lambda _: what()))
        self._swap = Swap(load, lambda what: self.ask(lambda _: what()), names)
        self.models = self._swap.names

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The engines that are connected. To be read on the loop's own thread: inside `ask`."""
        return tuple(self._sessions.values())

    @property
    def card(self) -> ModelCard:
        """Of the model that serves now. To be read inside `ask`."""
        return self._model.card

    def ask(self, question: Callable[[Renderer], T]) -> Future[T]:
        """Have the loop's thread call `question` between two messages, within IDLE_BEAT_MS when nothing goes on.

        From any thread. What it returns or raises is the future's; it must be as short as a message's answer.
        """
        answer: Future[T] = Future()
        self._asked.put((question, answer))
        return answer

    def run(self, stop: threading.Event) -> None:
        """Answer messages until `stop` is set; then say BYE to every engine and unmap their rings."""
        try:
            while not stop.is_set():
                self.step(IDLE_BEAT_MS)
        finally:
            while self._keeper.busy or self._swap.busy:  # worlds that are being saved, a model that is being loaded
                self._beat()
                self._answer_asked()
                time.sleep(0.01)
            self._keeper.close()
            self._swap.close()
            self._answer_asked()  # what the keeper has finished
            for peer, session in list(self._sessions.items()):
                self._send(peer, Bye(session=session.id, reason="the renderer was stopped"))
                self._end(peer)
            self._show_taps(lambda tap: tap.close())
            self._swap.let_go()

    def step(self, timeout_ms: float) -> None:
        """Beat, answer what was asked, then wait up to `timeout_ms` for one message and answer it; when there is none,
        make a chunk that is due."""
        self._beat()
        self._answer_asked()
        arrived = self._link.receive(min(timeout_ms, self._chunks.left_ms(time.monotonic_ns())))
        if arrived is None:
            self._make_chunk(self._chunks.take_due(time.monotonic_ns()))
            return
        try:
            self._answer(arrived.peer, arrived.message, arrived.parts)
        except WorldplateError as error:
            self._tell(arrived.peer, arrived.message, error)
        except Exception as error:
            log.exception("message %s broke the renderer", type(arrived.message).__name__)
            self._tell(arrived.peer, arrived.message, error)

    def _answer_asked(self) -> None:
        while not self._asked.empty():
            question, answer = self._asked.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                answer.set_result(question(self))
            except Exception as error:  # noqa: BLE001 - it is the asker's
                answer.set_exception(error)

    def _show_taps(self, show: Callable[[Tap], None]) -> None:
        for tap in list(self._taps):
            try:
                show(tap)
            except Exception:
                log.exception("%s broke and is taken off; the show goes on without it", type(tap).__name__)
                self._taps.remove(tap)

    def _beat(self) -> None:
        now_ns = time.monotonic_ns()
        for session in self._sessions.values():
            session.beat(now_ns)
            if (wrong := session.watch_gpu(now_ns)) is not None:
                self._tell(session.peer, session.welcome, wrong)
                self._send(session.peer, session.welcome)  # with the next transport
        if now_ns / 1e9 >= self._status_due_s:
            self._status_due_s = now_ns / 1e9 + STATUS_EVERY_S
            for session in self._sessions.values():
                self._send(session.peer, session.status(RendererState.RUNNING, ""))

    def _answer(self, peer: bytes, message: AnyMessage, parts: Sequence[memoryview]) -> None:
        if isinstance(message, Frame):  # first: it is the one that is waited for
            self._frame(session_of(self._sessions, peer, message.session), message, parts)
        elif isinstance(message, Hello | OperatorHello):
            self._enter(peer, message)
        elif isinstance(message, Ping):
            if not message.answer:
                self._send(peer, Ping(nonce=message.nonce, answer=True))
        elif isinstance(message, Planes):
            self._send(peer, acknowledged(session_of(self._sessions, peer, message.session), message))
        elif isinstance(message, Release):
            session_of(self._sessions, peer, message.session).release(message.generation)
        elif isinstance(message, SetControls):
            session = steered(self._sessions, self._operators, peer, message.session)
            self.set_controls(session, message)
            if peer in self._operators:
                self._send(peer, session.status(RendererState.RUNNING, "taken"))
        elif isinstance(message, World):
            self.change_world(steered(self._sessions, self._operators, peer, message.session), message, peer)
        elif isinstance(message, Record):
            session = steered(self._sessions, self._operators, peer, message.session)
            answer = session.status(RendererState.RUNNING, self.record(session, message))
            self._send(peer, replace(answer, nonce=message.nonce))
        elif isinstance(message, UseModel):
            check_asker(peer in self._operators or peer in self._sessions)
            self.use_model(message.model).add_done_callback(lambda done: self._answer_model(peer, message, done))
        elif isinstance(message, Clock):
            now_ns = time.monotonic_ns()
            session_of(self._sessions, peer, message.session)
            self._send(peer, replace(message, t2_ns=now_ns, t3_ns=time.monotonic_ns()))
        elif isinstance(message, Bye):
            self._leave(peer, message)
        else:
            raise ProtocolError(
                f"{type(message).__name__} is a message that only the renderer sends", fix="Update the plugin."
            )

    def _leave(self, peer: bytes, message: Bye) -> None:
        """The engine says goodbye, or the link says that its connection is gone."""
        if message.session != NO_SESSION:
            session_of(self._sessions, peer, message.session)
        if peer in self._sessions:
            log.info("%s left: %s", self._sessions[peer].name, message.reason or "no reason given")
        self._operators.discard(peer)
        self._end(peer)

    def _enter(self, peer: bytes, hello: Hello | OperatorHello) -> None:
        try:
            check_entry(hello, self._token)
            if isinstance(hello, Hello):
                self._hello(peer, hello)
            else:
                self._operator(peer, hello)
        except WorldplateError as error:
            log.warning("refused %s: %s", hello.client, error)
            self._send(peer, Reject(code=error.code, text=error.what[:1024], fix=error.fix[:1024]))

    def _operator(self, peer: bytes, hello: OperatorHello) -> None:
        check_place(len(self._operators - {peer}), self._limits.max_operators, "operators", "max_operators")
        self._operators.add(peer)
        statuses = [session.status(RendererState.RUNNING, "") for session in self.sessions]
        for status in (*statuses, self._own_status()):
            self._send(peer, replace(status, nonce=hello.nonce))

    def _own_status(self, text: str = "") -> Status:
        return own_status(self.card, len(self._sessions), self._limits, text)

    def _hello(self, peer: bytes, hello: Hello) -> None:
        check_place(len(self._sessions.keys() - {peer}), self._limits.max_sessions, "engines", "max_sessions")
        session = Session(peer, hello, self._model, self._limits, self._memory_mb, self._gpu_side)
        self._end(peer)
        self._sessions[peer] = session
        self._link.keep_frames(longest(self.sessions))
        self._welcome(session)
        self._show_taps(lambda tap: tap.joined(session, hello))
        log.info(
            "%s joined: %dx%d, %s, %s", hello.client, hello.width, hello.height, session.welcome.transport, hello.sync
        )

    def _welcome(self, session: Session) -> None:
        self._send(session.peer, replace(session.welcome, models=self.models(self.card.name)))

    def _frame(self, session: Session, frame: Frame, parts: Sequence[memoryview]) -> None:
        if session.welcome.chunk_frames > 1:
            for old in self._chunks.add(session, Asked(frame, tuple(parts)), time.monotonic_ns()):
                session.count(Disposition.DROPPED)
                why = f"time broke at frame {frame.id} before its chunk was made"
                self._send(session.peer, mark_unmade(old, Disposition.DROPPED, why))
            self._make_chunk(self._chunks.take_full())
            return
        try:
            self._publish(session, session.enqueue(frame) if session.on_gpu else session.render(frame, parts))
        except WorldplateError as error:
            self._publish(session, Unmade(frame, error))

    def _make_chunk(self, chunk: Chunk | None) -> None:
        if chunk is None:
            return
        session, left = chunk.session, {frame.id: frame for frame, _ in chunk.asked}
        try:
            for made in session.render_chunk(chunk.asked):
                self._publish(session, made)
                del left[made.header.id]
                self._beat()
        except Exception as error:
            log.exception("frames %s broke the renderer", sorted(left))
            for frame in left.values():
                self._tell(session.peer, frame, error)

    def hand_over(self, handed: Handed) -> None:
        """Use the GPU buffers that an engine hands over, and tell it so, or why not. To be called inside `ask`."""
        for peer, answer in taken_over(self.sessions, handed):
            self._send(peer, answer)

    def _publish(self, session: Session, made: Rendered | Unmade | Enqueued) -> None:
        """Answer a frame with its plate, or with why there is none."""
        if isinstance(made, Unmade):
            session.count(Disposition.DROPPED)
            self._show_taps(lambda tap: tap.failed(session, made.header, made.error))
            self._tell(session.peer, made.header, made.error)
            return
        session.count(made.result.disposition)
        if isinstance(made, Enqueued):  # there is nothing that a tap on the CPU could look at
            self._send(session.peer, made.result)
            return
        self._show_taps(lambda tap: tap.made(session, made.frame, made.result))
        self._link.send(session.peer, made.result, made.parts)

    def set_controls(self, session: Session, message: SetControls) -> None:
        """Take controls and ownership. Raises InvalidValue, LimitExceeded; then nothing changes."""
        session.set_controls(message)
        self._show_taps(lambda tap: tap.told(session, message))

    def record(self, session: Session, message: Record) -> str:
        """Start a take of the session or end it; what was done, for a person. Raises TakeExists, TakeNotFound,
        TakeNotWritten, InvalidValue for its name, MissingDependency."""
        recorder = check_takes(self._recorder)
        check_recordable(session)
        return recorder.obey(session, message)

    def change_world(self, session: Session, message: World, asker: bytes | None = None) -> Future[str]:
        """Carry out a world operation, and answer the asker, a peer, or the session's engine, when it is done. So does
        the future; it and this raise what `WorldKeeper.change` does."""
        outcome = self._keeper.change(session, message)
        outcome.add_done_callback(lambda done: self._answer_world(session, message, asker or session.peer, done))
        return outcome

    def _answer_world(self, session: Session, message: World, asker: bytes, done: Future[str]) -> None:
        if not self._went_wrong(asker, message, done):
            self._show_taps(lambda tap: tap.told(session, message))
            answer = session.status(RendererState.RUNNING, done.result())
            self._send(asker, replace(answer, nonce=message.nonce))

    def use_model(self, name: str) -> Future[str]:
        """Change over to another model once it is loaded and warm; the future says what was done, for a person, and
        raises why the old one goes on. Raises NotSupported when no model can be loaded now."""
        check_not_recorded(self.sessions)
        return self._swap.begin(name, {session.size for session in self.sessions}, self._adopt)

    def _adopt(self, model: WorldModel) -> str:
        """Between two frames. Raises MissingPlane, NotSupported; then nothing has changed."""
        check_adoptable(model.card, self.sessions)
        while (chunk := self._chunks.take_any()) is not None:  # the old model's last
            self._make_chunk(chunk)
        before, self._model = self._model, model
        self._limits = limits_for(self._limits, model.card)
        for session in self.sessions:
            session.adopt(model)
            self._welcome(session)
        self._keeper.adopt(model)
        if self._recorder is not None:
            self._recorder.adopt(model)
        self._link.keep_frames(longest(self.sessions))
        before.close()
        return f"{model.card.name} serves {len(self._sessions)} engines in place of {before.card.name}"

    def _answer_model(self, peer: bytes, message: UseModel, done: Future[str]) -> None:
        if not self._went_wrong(peer, message, done):
            told, session = done.result(), self._sessions.get(peer)
            answer = session.status(RendererState.RUNNING, told) if session else self._own_status(told)
            self._send(peer, replace(answer, nonce=message.nonce))

    def _went_wrong(self, asker: bytes, message: AnyMessage, done: Future[str]) -> bool:
        """Tell the asker why, when it did."""
        error = done.exception()
        if error is not None and not isinstance(error, WorldplateError):
            log.error("%s broke", type(message).__name__, exc_info=error)
        if error is not None:
            self._tell(asker, message, error)
        return error is not None

    def _tell(self, peer: bytes, message: AnyMessage, error: BaseException) -> None:
        """Tell the engine what was wrong, by name; a frame is told as dropped, so that it is always answered once."""
        told = error_for(message, error)
        if (peer, told.code) not in self._told:  # each kind once per engine: a broken plugin must not flood the log
            self._told.add((peer, told.code))
            log.warning("%s: %s. %s", told.code, told.text, told.fix)
        self._send(peer, told)

    def _send(self, peer: bytes, message: AnyMessage) -> None:
        self._link.send(peer, message)

    def _end(self, peer: bytes) -> None:
        session = self._sessions.pop(peer, None)
        if session is not None:
            self._chunks.leave(session)
            session.close()
            self._show_taps(lambda tap: tap.left(session))
