"""Rendering a take again, frame by frame, through the same pipeline as in a session that waits for every plate.

A model may build on the frames before, so a range of frames begins earlier: where the stream's world began or was
reset, or at a world that the take has saved (renderer/taking.py: every 250 frames), whichever is nearest. What is
made on the way is thrown away, and counted as `warm_up`. With other controls or another model the saved worlds are of
no use, and the way is longer.

Plates are compared with those that were recorded when nothing was changed and the world is known exactly. It is not
after frames that the take has lost, and not from its start when it began in the middle of a session whose model keeps
more than a take holds; a reset or a saved world makes good for both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bridge.planes import Copies, PlaneViews
from bridge.schema import ControlValue, Frame, PlaneLayout, PlaneName, Reset, Result, SyncMode, World, WorldOp
from bridge.take import Event, SavedWorld, Take, TakeFrame
from bridge.take_records import Failed, Missed, Span, WorldState
from bridge.take_writer import sha256_of
from renderer.frame import Ownership
from renderer.models import Recall, WorldModel
from renderer.pipeline import open_frame, render_frame
from renderer.recall import World as Memory, controls_of


@dataclass(frozen=True)
class Changes:
    """What is to be different from the take. `why` says it in words; empty when nothing is."""

    controls: Mapping[str, ControlValue] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Remade:
    """A frame of the take and what it was made into."""

    frame: TakeFrame
    outputs: PlaneViews
    result: Result
    controls: dict[str, ControlValue]
    same: bool | None  # as the recorded outputs, bit for bit; None when that cannot be asked


@dataclass(frozen=True)
class Start:
    """Where a stream's frames are made from."""

    number: int
    world: int | None  # of the take's saved ones; None: a new world
    exact: bool  # whether the world is then as it was


class TakeBuffers:
    """A frame's planes from the take, and a new plate for each."""

    generation = 0
    part_layouts: tuple[PlaneLayout, ...] = ()

    def __init__(self, planes: PlaneViews, height: int, width: int) -> None:
        self.copies = Copies()
        self._planes = planes
        self.plate = np.zeros((height, width, 4), np.float16)

    def inputs(self, frame: Frame, parts: Sequence[memoryview]) -> PlaneViews:
        return self._planes

    def begin_plate(self, frame: Frame) -> PlaneViews:
        return {PlaneName.PLATE: self.plate}

    def commit_plate(self, frame: Frame) -> tuple[memoryview, ...]:
        return ()

    def beat(self, now_ns: int) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is held."""


class Remake:
    """One model's way through a take. `warm_up` is how many frames were made before the first that was asked for."""

    def __init__(self, take: Take, model: WorldModel, changes: Changes) -> None:
        """Neither is closed by it."""
        self.warm_up = 0
        self._take, self._model, self._changes = take, model, changes
        self._worlds: dict[str, Memory] = {}
        self._exact: dict[str, bool] = {}
        self._saved = take.worlds
        self._events: dict[int, list[Event]] = {}
        for number, event in take.events():
            self._events.setdefault(number, []).append(event)

    def world(self, stream: str) -> tuple[Memory, dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]]]:
        """The stream's world after the last frame that was made, and its model's arrays."""
        world = self._worlds[stream]
        return world, self._model.save_latents(world.latents)

    def starts(self, first: int, last: int) -> dict[str, Start]:
        """By stream: where frames `first` to `last` are made from."""
        streams = {}
        for number in range(first, last + 1):
            stream = self._take.stream_of(number)
            if stream not in streams:
                streams[stream] = self._start(stream, number)
        return streams

    def frames(self, first: int, last: int) -> Iterator[Remade]:
        """Frames `first` to `last`, made again. Raises what the pipeline does, and TakeCorrupt."""
        starts = self.starts(first, last)
        for number in range(min(start.number for start in starts.values()), last + 1):
            stream = self._take.stream_of(number)
            self._follow(number - 1, starts)
            if stream not in starts or number < starts[stream].number:
                continue
            if number == starts[stream].number:
                self._begin(stream, number, starts[stream])
            made = self._make(self._take.frame(number))
            if number >= first:
                yield made
            else:
                self.warm_up += 1

    def _start(self, stream: str, number: int) -> Start:
        """Back from a frame to where its stream's world is known."""
        saved = [] if self._changes.why else [
            (at, n) for n, (at, state) in enumerate(self._saved) if state.stream == stream and at < number
        ]  # fmt: skip
        while True:
            before = self._before(stream, number)
            span = self._take.span_of(number)
            if before is None or self._take.span_of(before) is not span:
                index = self._usable(saved, before or 0, number)
                return Start(number, index, span.fresh or index is not None)
            if self._is_reset(stream, before, number):
                return Start(number, None, True)
            index = self._usable(saved, before, number)
            if index is not None:
                return Start(number, index, True)
            number = before

    def _before(self, stream: str, number: int) -> int | None:
        return next((n for n in range(number - 1, 0, -1) if self._take.stream_of(n) == stream), None)

    def _usable(self, saved: list[tuple[int, int]], before: int, number: int) -> int | None:
        """The saved world that lies between two frames of its stream and can stand for that of the frame before."""
        for at, index in reversed(saved):
            if before <= at < number and self._follows(before, number):
                return index
        return None

    def _follows(self, before: int, number: int) -> bool:
        """A world that is loaded takes the next frame for the one that follows on it. Where ids were left out it was
        not; then only a camera that has moved meanwhile tells so too."""
        if before == 0:
            return True
        last, header = self._take.header(before), self._take.header(number)
        moved = header.camera.previous_world_from_camera != last.camera.world_from_camera
        return header.id == last.id + 1 or moved

    def _is_reset(self, stream: str, before: int, number: int) -> bool:
        if self._forgets(self._take.header(number).reset):
            return True
        between = (e for n in range(before, number) for e in self._events.get(n, ()))
        return any(isinstance(event, World) and self._resets(event, stream) for event in between)

    def _resets(self, event: World, stream: str) -> bool:
        return event.op is WorldOp.RESET and event.stream in ("", stream) and self._forgets(event.reset)

    def _forgets(self, reset: Reset) -> bool:
        """Whether nothing from before it is left. The long memory of the world outlasts a cut."""
        if self._model.card.recall in (Recall.MIXED, Recall.TAKEN):
            return reset is Reset.NEW
        return reset is not Reset.NONE

    def _begin(self, stream: str, number: int, start: Start) -> None:
        self._worlds[stream] = Memory(seed=self._take.span_of(number).hello.seed)
        self._exact[stream] = start.exact
        if start.world is not None:
            self._load(self._take.world(start.world))

    def _load(self, saved: SavedWorld) -> None:
        state = saved.state
        world = Memory(seed=state.seed, epoch=state.epoch, steps=state.steps, last=saved.last)
        world.latents = self._model.load_latents(saved.arrays)
        self._worlds[state.stream] = world

    def _follow(self, number: int, starts: Mapping[str, Start]) -> None:
        """What happened after that frame, for streams that are on their way."""
        for event in self._events.get(number, ()):
            for stream in [s for s in self._worlds if s in starts]:
                if isinstance(event, Span):
                    self._worlds[stream] = Memory(seed=event.hello.seed)
                    self._exact[stream] = event.fresh
                elif isinstance(event, World):
                    if event.op is WorldOp.RESET and event.stream in ("", stream):
                        self._worlds[stream].reset(event.reset)
                        self._exact[stream] = self._exact[stream] or self._forgets(event.reset)
                    elif event.op in (WorldOp.RESTORE, WorldOp.FORK):
                        self._exact[stream] = False
                elif isinstance(event, Missed | Failed) and event.stream == stream:
                    self._exact[stream] = False
                elif isinstance(event, WorldState) and event.stream == stream:
                    self._catch_up(event, number)

    def _catch_up(self, state: WorldState, number: int) -> None:
        """A saved world makes good for what the take has lost."""
        if self._changes.why or self._exact[state.stream]:
            return
        for index, (at, saved) in enumerate(self._saved):
            if (at, saved.stream) == (number, state.stream):
                self._load(self._take.world(index))
                self._exact[state.stream] = True

    def _make(self, frame: TakeFrame) -> Remade:
        stream, model, height, width = frame.header.stream, self._model, *_size(frame)
        buffers, world = TakeBuffers(frame.planes, height, width), self._worlds[stream]
        owned = frame.ownership
        ownership = Ownership(frozenset(owned.objects), frozenset(owned.labels), owned.plate_near_m, owned.plate_far_m)
        controls = self._controls(frame)
        if self._forgets(frame.header.reset):
            self._exact[stream] = True
        opened = open_frame(frame.header, (), buffers, model.card, controls, ownership)
        opened.steady = True  # all of a take by one runtime
        rendered = render_frame(opened, buffers, model.card, world, lambda: model.step(opened, world, opened.plate))
        outputs: PlaneViews = {PlaneName.PLATE: buffers.plate}
        return Remade(frame, outputs, rendered.result, controls, self._same(frame, outputs))

    def _controls(self, frame: TakeFrame) -> dict[str, ControlValue]:
        """The frame's own as far as this model has them, and what is to be different."""
        defaults = {control.name: control.default for control in controls_of(self._model.card)}
        own = {name: value for name, value in frame.controls.items() if name in defaults}
        return {**defaults, **own, **self._changes.controls}

    def _same(self, frame: TakeFrame, outputs: PlaneViews) -> bool | None:
        if self._changes.why or not self._exact[frame.header.stream] or not checkable(self._model, frame.span):
            return None
        return all(sha256_of(outputs[n]) == told for n, told in frame.outputs_sha256.items() if n in outputs)


def checkable(model: WorldModel, span: Span) -> bool:
    """Whether the same frames and the same world give the same plates: not with a memory that another process fills in
    its own time, and not where several frames were made in one call, as their engine's pace would have it."""
    card, waits = model.card, span.welcome.sync in (SyncMode.LOCKSTEP, SyncMode.OFFLINE)
    return card.recall in (Recall.NONE, Recall.KEPT) and (card.chunk_frames == 1 or waits)


def _size(frame: TakeFrame) -> tuple[int, int]:
    return frame.span.hello.height, frame.span.hello.width
