"""The recorder: a tap that writes sessions into takes, beside the show and never in its way.

On the render loop's thread it copies a frame's planes into a buffer of its own, and no more. A thread for each take
hashes, compresses and writes (bridge/take_writer.py). When it cannot keep up, or the disk is full, the show goes on:
frames that the take lacks are counted, named in the take, and told in STATUS.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.errors import TakeError, TakeExists, TakeNotFound, WorldplateError
from bridge.planes import PlaneViews, align
from bridge.schema import AnyMessage, Frame, Hello, PlaneName, Result, World, WorldOp
from bridge.take_records import Ending, Failed, FrameNote, Missed, Opening, Ownership, Span, WorldState
from bridge.take_writer import TakeWriter
from renderer.frame import RenderFrame
from renderer.models import Recall, WorldModel
from renderer.provenance.recording import sign_recording
from renderer.session import Session, TakeState
from renderer.takes_folder import path_of, takes_folder

log = logging.getLogger("worldplate.recorder")

MOST_WAITING = 32  # frames between the loop and the writer
MOST_WAITING_BYTES = 1 << 29  # of them
SAVE_EVERY = 250  # frames of a stream between its saved worlds: what a range of frames has to warm up at most
RESIZE_LIMIT_S = 0.5  # a session that ends and is not agreed anew by then is over
CLOSE_LIMIT_S = 20.0  # a disk that hangs must not keep the renderer from stopping
STOPPED, LEFT, CLOSED = "it was stopped", "the engine left", "the renderer was stopped"


@dataclass
class Copied:
    """A frame's pixels in a buffer that is filled again when the writer is done with them."""

    buffer: NDArray[np.uint8]
    planes: PlaneViews = field(default_factory=dict)
    outputs: PlaneViews = field(default_factory=dict)


@dataclass(frozen=True)
class Shot:
    """A frame on its way to the writer."""

    header: Frame
    result: Result
    note: FrameNote
    pixels: Copied


@dataclass(frozen=True)
class Saved:
    """A stream's world as it is after the frame before. Neither its model nor the writer changes the arrays."""

    state: WorldState
    last: Frame | None
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Stop:
    reason: str


class Left:
    """The session is over; perhaps its engine is about to agree on another size."""


Item = Shot | Saved | Span | Missed | Failed | AnyMessage | Left | Stop


class Buffers:
    """Buffers for copies: made when they are needed, used again, bounded. The loop takes, the writer gives back."""

    def __init__(self) -> None:
        self._free: queue.SimpleQueue[NDArray[np.uint8]] = queue.SimpleQueue()
        self._made = 0

    def take(self, bytes_: int) -> NDArray[np.uint8] | None:
        """One of at least that size; None when as many are on their way as may be."""
        while True:
            try:
                buffer = self._free.get_nowait()
            except queue.Empty:
                break
            if buffer.nbytes >= bytes_:
                return buffer
            self._made -= 1  # of a smaller picture, from before a resize
        if self._made >= max(2, min(MOST_WAITING, MOST_WAITING_BYTES // max(1, bytes_))):
            return None
        self._made += 1
        return np.empty(bytes_, np.uint8)

    def give_back(self, buffer: NDArray[np.uint8]) -> None:
        self._free.put(buffer)


class Taking:
    """One take in the making: the loop puts, a thread of its own writes until it is stopped."""

    def __init__(self, writer: TakeWriter, state: TakeState, sign: Callable[[], None] = lambda: None) -> None:
        """`writer` becomes its own; the thread closes it, and then has the file signed."""
        self.state = state
        self._sign = sign
        self.over = False  # nothing is put any more
        self.unsure: set[str] = set()  # streams whose worlds a reader cannot follow since their last frame
        self._writer = writer
        self._items: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._buffers = Buffers()
        self._shots: dict[str, int] = {}  # by stream
        self._gap: Missed | None = None  # of frames since the last one that was put
        self._broken = ""  # why nothing is written any more
        self._thread = threading.Thread(target=self._run, name=f"worldplate take {state.name}", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Any thread."""
        self._items.put(item)

    def shoot(self, frame: RenderFrame, result: Result) -> bool:
        """Copy a finished frame. The loop's thread. Whether the stream's world is to be saved after it."""
        if self.over:
            return False
        outputs = {PlaneName.PLATE: frame.plate}
        bytes_ = sum(align(plane.nbytes) for planes in (frame.planes, outputs) for plane in planes.values())
        buffer = None if self._broken else self._buffers.take(bytes_)
        if buffer is None:
            self._miss(frame.header, self._broken or "the disk or the processor cannot keep up")
            return False
        self._put_gap()
        pixels, owned = Copied(buffer), frame.ownership
        at = _copy(frame.planes, pixels.planes, buffer, 0)
        _copy(outputs, pixels.outputs, buffer, at)
        ownership = Ownership(
            objects=tuple(sorted(owned.objects)), labels=tuple(sorted(owned.labels)),
            plate_near_m=owned.plate_near_m, plate_far_m=owned.plate_far_m,
        )  # fmt: skip
        self.put(Shot(frame.header, result, FrameNote(controls=frame.controls, ownership=ownership), pixels))
        count = self._shots[frame.header.stream] = self._shots.get(frame.header.stream, 0) + 1
        unsure = frame.header.stream in self.unsure
        self.unsure.discard(frame.header.stream)
        return unsure or count % SAVE_EVERY == 0

    def leave(self) -> None:
        """The session is over; unless it is agreed anew at once, the take is too."""
        self._put_gap()
        self.put(Left())

    def stop(self, reason: str) -> None:
        """Nothing is put any more; the thread writes what waits, ends the take and ends itself."""
        self.over = True
        self._put_gap()
        self.put(Stop(reason))

    def join(self, timeout_s: float) -> bool:
        """Whether the file is closed."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _put_gap(self) -> None:
        if self._gap is not None:
            self.put(self._gap)
            self._gap = None

    def _miss(self, header: Frame, reason: str) -> None:
        self.state.skipped += 1
        if self.state.skipped == 1:
            log.warning("take %s lacks frame %d: %s", self.state.name, header.id, reason)
        self.unsure.add(header.stream)
        if self._gap is not None and self._gap.stream != header.stream:
            self._put_gap()
        gap = self._gap
        first_id, count = (header.id, 0) if gap is None else (gap.first_id, gap.count)
        self._gap = Missed(
            stream=header.stream, first_id=first_id, last_id=header.id, count=count + 1, reason=reason[:1024]
        )

    def _run(self) -> None:
        try:
            self._write_until_stopped()
        finally:
            if not self.state.closed:  # it broke in a way that nobody thought of; the thread's own hook tells how
                self.over, self._broken = True, "the writer broke"
                self.state.problem = "The writer broke. See the renderer's log, and start another take."
                self._writer.abandon()

    def _write_until_stopped(self) -> None:
        leaving = False
        while True:
            try:
                item = self._items.get(timeout=RESIZE_LIMIT_S if leaving else None)
            except queue.Empty:
                item = Stop(LEFT)
            leaving = isinstance(item, Left)
            if isinstance(item, Stop):
                self.over = True
                self._end(item.reason)
                return
            if not leaving:
                self._write(item)

    def _write(self, item: Item) -> None:
        if isinstance(item, Shot):
            try:
                if not self._broken:
                    self._writer.frame(item.header, item.pixels.planes, item.pixels.outputs, item.result, item.note)
            except TakeError as error:
                self._break(error)
            if self._broken:
                self.state.lost += 1
            self._buffers.give_back(item.pixels.buffer)
            self.state.frames = self._writer.frames
        elif not self._broken:
            try:
                if isinstance(item, Saved):
                    self._writer.state(item.state, item.last, item.arrays)
                elif isinstance(item, msgspec.Struct):
                    self._writer.note(item)
            except TakeError as error:
                self._break(error)

    def _break(self, error: WorldplateError) -> None:
        """The disk is full or gone: end the take where it stands, once."""
        self._broken = self.state.problem = str(error)
        log.error("take %s ends after %d frames, the show goes on: %s", self.state.name, self._writer.frames, error)
        try:
            missed = self.state.missed + 1
            self._writer.finish_shortly(Ending(frames=self._writer.frames, missed=missed, reason=str(error)[:1024]))
        except TakeError as still:
            log.warning("take %s has no ending: %s", self.state.name, still)

    def _end(self, reason: str) -> None:
        if not self._broken:
            ending = Ending(frames=self._writer.frames, missed=self.state.missed, reason=reason)
            try:
                self._writer.finish(ending)
            except TakeError as error:
                self.state.problem = str(error)
                log.error("take %s has no ending: %s", self.state.name, error)
        log.info("take %s: %d frames, %d missed: %s", self.state.name, self._writer.frames, self.state.missed, reason)
        self._sign()  # on this thread, where nobody waits for it but `close`
        self.state.closed = True


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
            if isinstance(message, World) and message.op is not WorldOp.RESET:
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


def _copy(planes: PlaneViews, into: PlaneViews, buffer: NDArray[np.uint8], at: int) -> int:
    """Planes into the buffer from byte `at` on, rows without gaps, and their views into `into`; the byte after them."""
    for name, plane in planes.items():
        view = buffer[at : at + plane.nbytes].view(plane.dtype).reshape(plane.shape)
        np.copyto(view, plane, casting="no")
        into[name] = view
        at += align(plane.nbytes)
    return at
