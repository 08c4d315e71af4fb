"""Reading a take: what it is, and its frames, bit for bit as they were.

    with Take.open(path) as take:
        print(take.info.name, take.info.frames, take.info.complete)
        for frame in take.frames(first=1, last=100):
            frame.planes[PlaneName.DEPTH], frame.outputs[PlaneName.PLATE], frame.header.camera, frame.controls

A take may come from anybody: no size that it names is believed before it was checked, and whatever is wrong with it is
told as a TakeError. One that was cut in half is read up to its last whole frame, and `info.complete` is false.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from numpy.typing import NDArray

from bridge.errors import InvalidValue, LimitExceeded, TakeCorrupt, TakeEmpty, TakeMixed, TakeNotFound
from bridge.planes import DEFAULT_LIMITS, PlaneViews
from bridge.schema import ControlValue, Frame, Limits, Message, PlaneName, Result, SyncMode
from bridge.take_index import RECORD_AGAIN, MessageHead, Place, TakeFile, message_type, walk
from bridge.take_parts import FrameParts, arrays_of, message_of, record_of
from bridge.take_records import (
    TOPIC_ARRAY,
    TOPIC_ENDING,
    TOPIC_FAILED,
    TOPIC_MISSED,
    TOPIC_OPENING,
    TOPIC_SPAN,
    TOPIC_STATE,
    Ending,
    Failed,
    Missed,
    Opening,
    Ownership,
    Span,
    WorldState,
)

Event = Message | Span | Missed | Failed | WorldState
KINDS: dict[str, type[Opening | Span | Missed | Failed | WorldState | Ending]] = {
    TOPIC_OPENING: Opening, TOPIC_SPAN: Span, TOPIC_MISSED: Missed, TOPIC_FAILED: Failed, TOPIC_STATE: WorldState,
    TOPIC_ENDING: Ending,
}  # fmt: skip


@dataclass(frozen=True)
class TakeInfo:
    """What a take is. Sizes are of its first frame; `sizes` has all of them in their order."""

    path: Path
    name: str
    created_ns: int  # since 1970, UTC
    software: str
    format_version: int
    model: str
    model_sha256: str  # of the weights; empty when the model has none
    runtime: str
    threads: int
    remade_from: str
    job: str
    engine: str
    client: str
    width: int
    height: int
    sizes: tuple[tuple[int, int], ...]  # width, height
    streams: tuple[str, ...]
    planes: tuple[PlaneName, ...]
    seed: int
    sync: SyncMode
    frames: int
    fps: float  # of its first stream, by the engine's clock; 0 for less than two frames
    seconds: float  # from its first to its last frame, by the engine's clock
    missed: int  # frames that were shown and are not in it
    failed: int  # frames that got no plate
    fresh: bool  # whether its worlds began with it, so that it can be made again bit for bit
    complete: bool
    problem: str  # why it is not complete; empty when it is
    ended: str  # why it ends; empty when that is not known
    raw_bytes: int  # of all planes
    stored_bytes: int  # of the file


@dataclass(frozen=True)
class TakeFrame:
    """One frame of a take. Planes and outputs are [H, W] or [H, W, C] in canonical values, read-only, its own."""

    number: int  # in the take, from 1
    span: Span  # what was agreed with the engine
    header: Frame
    planes: PlaneViews  # as the engine sent them
    outputs: PlaneViews  # `plate`, and what else the model made
    result: Result
    controls: dict[str, ControlValue]  # all that held for this frame
    ownership: Ownership
    outputs_sha256: dict[PlaneName, str]  # as they were recorded


@dataclass(frozen=True)
class SavedWorld:
    """What a model remembered of a stream, and the last frame that it had seen."""

    state: WorldState
    last: Frame | None
    arrays: dict[str, NDArray[Any]]


class Take:
    """A take that is open. One thread uses it; `close` gives the file back."""

    def __init__(self, file: TakeFile, path: Path, limits: Limits) -> None:
        """Takes over `file`. Raises as `open` does."""
        self._file, self._limits = file, limits
        self._index = walk(file, limits)
        self._opening: Opening | None = None
        self._spans: list[tuple[int, Span]] = []  # with the number of the first frame after it
        self._states: list[tuple[int, WorldState, Place]] = []
        self._missed: list[Missed] = []
        self._failed = 0
        self._ending: Ending | None = None
        self._read_story()
        self.info = self._told(path)

    @classmethod
    def open(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> Take:
        """Raises TakeNotFound, TakeCorrupt, TakeVersion, and LimitExceeded for planes over `limits`."""
        try:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise TakeNotFound(
                f"The take {path} cannot be opened: {error.strerror}", fix="Name one that is there."
            ) from error
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, descriptor)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise TakeNotFound(f"{path} is no file", fix="Name a file that `worldplate record` wrote.")
            take = cls(TakeFile(descriptor), path, limits)
            stack.pop_all()
            return take

    def close(self) -> None:
        """A second time does nothing."""
        if self._file.descriptor >= 0:
            os.close(self._file.descriptor)
            self._file.descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._index.frames)

    def require_frames(self) -> None:
        """Raises TakeEmpty for a take without one."""
        if not self._index.frames:
            raise TakeEmpty(f"The take {self.info.name} has no frame", fix="Record while an engine plays.")

    def require_one_size(self) -> tuple[int, int]:
        """Width and height. Raises TakeMixed when the session was resized, TakeEmpty without a frame."""
        self.require_frames()
        if len(self.info.sizes) > 1:
            sizes = ", ".join(f"{w}x{h}" for w, h in self.info.sizes)
            raise TakeMixed(f"The take {self.info.name} has frames of {sizes}", fix="Name frames of one size.")
        return self.info.width, self.info.height

    def frames(self, first: int | None = None, last: int | None = None) -> Iterator[TakeFrame]:
        """Frames by their numbers in the take, from 1, both ends included; all when None.

        Raises InvalidValue for a range that is not in the take, TakeCorrupt at a frame that is damaged.
        """
        begin, end = self.check_range(first, last)
        for number in range(begin, end + 1):
            yield self.frame(number)

    def check_range(self, first: int | None, last: int | None) -> tuple[int, int]:
        """The range with its ends. Raises InvalidValue."""
        begin, end = 1 if first is None else first, len(self) if last is None else last
        if (first is not None or last is not None) and not 1 <= begin <= end <= len(self):
            raise InvalidValue(
                f"The take {self.info.name} has frames 1 to {len(self)}, not {begin} to {end}",
                fix="Name some of those.",
            )
        return begin, end

    def frame(self, number: int) -> TakeFrame:
        """Raises InvalidValue for a number that is not in the take, TakeCorrupt when the frame is damaged."""
        self.check_range(number, number)
        place = self._index.frames[number - 1]
        data = self._file.chunk(place)
        base = place.offset + place.length - len(data)
        parts = FrameParts(number, self._limits)
        for head in self._file.messages(place, self._index, self._limits):
            parts.take(self._index, head, data[head.offset - base : head.offset - base + head.length])
        header, result, note = parts.whole()
        return TakeFrame(
            number=number, span=self.span_of(number), header=header, planes=parts.planes, outputs=parts.outputs,
            result=result, controls=note.controls, ownership=note.ownership, outputs_sha256=note.outputs_sha256,
        )  # fmt: skip

    def header(self, number: int) -> Frame:
        """The FRAME of a frame, without its pixels."""
        self.check_range(number, number)
        place = self._index.frames[number - 1]
        for head in self._file.messages(place, self._index, self._limits):
            if message_type(self._index.topics.get(head.channel, "")) == "FRAME":
                return message_of(self._file.read(head.offset, self._bounded(head)), Frame, self._limits)
        raise TakeCorrupt(f"Frame {number} has no FRAME", fix=RECORD_AGAIN)

    @property
    def worlds(self) -> list[tuple[int, WorldState]]:
        """The worlds that were saved, each with the number of the frame before it; `world` reads one whole."""
        return [(number, state) for number, state, _ in self._states]

    def world(self, index: int) -> SavedWorld:
        """One of `worlds`, with its arrays. Raises TakeCorrupt, LimitExceeded."""
        _, state, place = self._states[index]
        data = self._file.chunk(place)
        base = place.offset + place.length - len(data)
        arrays: list[memoryview] = []
        last: Frame | None = None
        for head in self._file.messages(place, self._index, self._limits):
            body = data[head.offset - base : head.offset - base + head.length]
            topic = self._index.topics.get(head.channel, "")
            if topic == TOPIC_ARRAY:
                arrays.append(body)
            elif message_type(topic) == "FRAME":
                last = message_of(body, Frame, self._limits)
        return SavedWorld(state, last, arrays_of(state, arrays, self._limits))

    def stream_of(self, number: int) -> str:
        """The stream of a frame."""
        self.check_range(number, number)
        return self._index.frames[number - 1].stream

    def span_of(self, number: int) -> Span:
        """What was agreed with the engine for that frame."""
        found = [span for first, span in self._spans if first <= number]
        if not found:
            raise TakeCorrupt(f"Nothing says what was agreed for frame {number}", fix=RECORD_AGAIN)
        return found[-1]

    def events(self) -> Iterator[tuple[int, Event]]:
        """What happened between frames, in order: messages that were told, new spans, and frames that are missing or
        failed; each with the number of the frame before it, 0 before the first."""
        number = 0
        for place in self._index.places:
            number = place.number or number
            if place.number == 0:
                for record in self._records_of(place):
                    if not isinstance(record, Opening | Ending):
                        yield number, record

    def _read_story(self) -> None:
        """Everything but frames, once; what is not known to this version is passed over."""
        number = 0
        for place in self._index.places:
            number = place.number or number
            for record in self._records_of(place) if place.number == 0 else ():
                if isinstance(record, Opening):
                    self._opening = self._opening or record
                elif isinstance(record, Span):
                    self._spans.append((number + 1, record))
                elif isinstance(record, Missed):
                    self._missed.append(record)
                elif isinstance(record, Failed):
                    self._failed += 1
                elif isinstance(record, WorldState):
                    self._states.append((number, record, place))
                elif isinstance(record, Ending):
                    self._ending = record

    def _records_of(self, place: Place) -> Iterator[Event | Opening | Ending]:
        for head in self._file.messages(place, self._index, self._limits):
            topic = self._index.topics.get(head.channel, "")
            if topic in KINDS:
                yield record_of(self._file.read(head.offset, self._bounded(head)), KINDS[topic], self._limits)
                if topic == TOPIC_STATE:
                    return  # what follows belongs to it
            elif message_type(topic):
                yield message_of(self._file.read(head.offset, self._bounded(head)), Message, self._limits)

    def _bounded(self, head: MessageHead) -> int:
        if head.length > self._limits.max_message_bytes:
            raise LimitExceeded(
                "a record of the take, bytes,", head.length, self._limits.max_message_bytes, "max_message_bytes"
            )
        return head.length

    def _told(self, path: Path) -> TakeInfo:
        opening, index, ending = self._opening, self._index, self._ending
        if opening is None or not self._spans:
            raise TakeCorrupt(f"{path.name} breaks off before its first frame: {index.problem}", fix=RECORD_AGAIN)
        hello = self._spans[0][1].hello
        sizes = dict.fromkeys((s.hello.width, s.hello.height) for n, s in self._spans if n <= len(self) or n == 1)
        first_ns, last_ns, count = next(iter(index.captured_ns.values()), [0, 0, 0])
        seconds = max(0, last_ns - first_ns) / 1e9
        problem = index.problem or ("" if ending is not None else "The take has no ending")
        return TakeInfo(
            path=path, name=opening.name, created_ns=opening.created_ns, software=opening.software,
            format_version=opening.format_version, model=opening.model, model_sha256=opening.model_sha256,
            runtime=opening.runtime, threads=opening.threads, remade_from=opening.remade_from,
            job=opening.job, engine=hello.engine,
            client=hello.client, width=hello.width, height=hello.height, sizes=tuple(sizes),
            streams=tuple(index.captured_ns),
            planes=tuple(dict.fromkeys(channel.layout.name for channel in index.planes.values())), seed=hello.seed,
            sync=hello.sync, frames=len(self), fps=(count - 1) / seconds if seconds else 0.0, seconds=seconds,
            missed=ending.missed if ending is not None else sum(missed.count for missed in self._missed),
            failed=self._failed, fresh=self._spans[0][1].fresh, complete=not problem, problem=problem,
            ended=ending.reason if ending is not None else "", raw_bytes=index.raw_bytes, stored_bytes=self._file.bytes,
        )  # fmt: skip
