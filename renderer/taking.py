"""One take in the making: what the render loop hands over, and the threads that hash, compress and write it.

When they cannot keep up, or the disk is full, frames are left out of the take: they are counted, named in the take, and
told in STATUS.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.errors import TakeError, WorldplateError
from bridge.planes import PlaneViews, align
from bridge.schema import AnyMessage, Frame, PlaneName, Result
from bridge.take_records import Ending, Failed, FrameNote, Missed, Ownership, Span, WorldState
from bridge.take_writer import PackedFrame, TakeWriter, pack_frame
from renderer.frame import RenderFrame
from renderer.take_state import TakeState

log = logging.getLogger("worldplate.recorder")

WORKERS = max(1, min(8, (os.cpu_count() or 1) // 3))  # that compress frames of a take; the other cores are the show's
MOST_WAITING = 32  # frames between the loop and the writer
MOST_WAITING_BYTES = 1 << 29  # of them
SAVE_EVERY = 250  # frames of a stream between its saved worlds: what a range of frames has to warm up at most
RESIZE_LIMIT_S = 0.5  # a session that ends and is not agreed anew by then is over
LEFT = "the engine left"


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
        self._packers = ThreadPoolExecutor(WORKERS, f"worldplate take {state.name}")
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
            self._packers.shutdown(wait=False, cancel_futures=True)
            if not self.state.closed:  # it broke in a way that nobody thought of; the thread's own hook tells how
                self.over, self._broken = True, "the writer broke"
                self.state.problem = "The writer broke. See the renderer's log, and start another take."
                self._writer.abandon()

    def _write_until_stopped(self) -> None:
        packing: deque[tuple[Item, Future[PackedFrame] | None]] = deque()  # in the order of the take
        leaving = False
        while True:
            item: Item | None
            try:
                item = self._items.get(block=not packing, timeout=RESIZE_LIMIT_S if leaving else None)
            except queue.Empty:
                item = None if packing else Stop(LEFT)
            leaving = isinstance(item, Left)
            if item is not None and not leaving and not isinstance(item, Stop):
                packing.append((item, self._pack(item)))
            while packing and (item is None or leaving or isinstance(item, Stop) or len(packing) > WORKERS):
                self._write(*packing.popleft())
                if item is None:
                    break  # perhaps there is more to pack meanwhile
            if isinstance(item, Stop):
                self.over = True
                self._end(item.reason)
                return

    def _pack(self, item: Item) -> Future[PackedFrame] | None:
        if not isinstance(item, Shot) or self._broken:
            return None
        pixels = item.pixels
        return self._packers.submit(pack_frame, item.header, pixels.planes, pixels.outputs, item.result, item.note)

    def _write(self, item: Item, packed: Future[PackedFrame] | None) -> None:
        try:
            if packed is not None:
                frame = packed.result()
                if not self._broken:
                    self._writer.add(frame)
            elif self._broken:
                pass
            elif isinstance(item, Saved):
                self._writer.state(item.state, item.last, item.arrays)
            elif isinstance(item, msgspec.Struct):
                self._writer.note(item)
        except TakeError as error:
            self._break(error)
        if isinstance(item, Shot):
            self.state.lost += bool(self._broken)
            self.state.frames = self._writer.frames
            self._buffers.give_back(item.pixels.buffer)

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


def _copy(planes: PlaneViews, into: PlaneViews, buffer: NDArray[np.uint8], at: int) -> int:
    """Planes into the buffer from byte `at` on, rows without gaps, and their views into `into`; the byte after them."""
    for name, plane in planes.items():
        view = buffer[at : at + plane.nbytes].view(plane.dtype).reshape(plane.shape)
        np.copyto(view, plane, casting="no")
        into[name] = view
        at += align(plane.nbytes)
    return at
