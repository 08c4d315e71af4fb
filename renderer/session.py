"""One connected engine: what was agreed with it, its buffers, its worlds, and its ledger.

A session is created by HELLO and owns its buffers: they are opened by PLANES, replaced by the next PLANES, and
closed by RELEASE, BYE or the session's own close().
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from bridge.errors import DeviceError, InvalidValue, LimitExceeded, NotSupported, OutOfOrder, WorldplateError
from bridge.inline import InlineRendererBuffers
from bridge.planes import RendererBuffers, check_agreed
from bridge.ring import RingReader
from bridge.schema import (
    ControlValue,
    Frame,
    Hello,
    Limits,
    Planes,
    RendererState,
    SetControls,
    Status,
    SyncMode,
    Transport,
)
from renderer.cuda.counters import Tally
from renderer.frame import Ownership, RenderFrame
from renderer.ingest import check_controls
from renderer.models import ChunkModel, WorldModel
from renderer.pipeline import Rendered, Unmade, open_frame, render_frame
from renderer.recall import World, controls_of, memory_for
from renderer.steering import Steering, fits, with_ownership
from renderer.take_state import TakeState
from renderer.terms import NO_GPU, GpuSide, agree, fallen_back, stall_ms
from renderer.window import Window

if TYPE_CHECKING:
    from renderer.cuda.frame import Enqueued
    from renderer.cuda.session import SessionOnGpu
    from renderer.memory.world import WorldMemory

AGE_WINDOW = 256  # plates that STATUS' percentiles look back on
NO_PLATE = object()


class Session:
    """One engine's side of the renderer. Used from the render loop's thread alone."""

    def __init__(
        self, peer: bytes, hello: Hello, model: WorldModel, limits: Limits, memory_mb: int = 0,
        gpu_side: GpuSide = NO_GPU,
    ) -> None:  # fmt: skip
        """`memory_mb` bounds the long memory of the session's world; 0 is none. Raises what `agree` does."""
        self.peer, self.pid = peer, hello.pid
        self.id = secrets.token_hex(16)
        self.name = hello.client
        self._model = model
        self._limits = limits
        self._seed = hello.seed
        self._worlds: dict[str, World] = {}
        self._last_ids: dict[str, int] = {}
        self._steering = Steering({c.name: c.default for c in controls_of(model.card)}, Ownership())
        self._pending: list[SetControls] = []
        self._dispositions: Counter[str] = Counter()
        self._finished_ns: deque[int] = deque(maxlen=AGE_WINDOW)
        self._ages_ms: deque[float] = deque(maxlen=AGE_WINDOW)
        self._window = Window(model.card.response_window_ms)
        self.take: TakeState | None = None  # that it is recorded into, or was
        self._memory_mb = memory_mb
        self._left_behind: frozenset[str] = frozenset()  # controls of models before, which an engine may still send
        self.welcome = agree(self.id, hello, model.card, limits, gpu_side)
        self._offered, self._gpu_side = hello.transports, gpu_side
        self._gpu_error: DeviceError | None = None  # what has ended the hand-over
        self._told_gpu_error: DeviceError | None = None
        self._buffers: RendererBuffers | None = None
        if self.welcome.transport is Transport.INLINE:
            self._buffers = InlineRendererBuffers(self.welcome.planes, self.welcome.outputs, limits)
        self._on_gpu: SessionOnGpu | None = None
        if self.welcome.transport is Transport.CUDA:
            from renderer.cuda.session import SessionOnGpu

            self._on_gpu = SessionOnGpu(gpu_side, self.welcome, limits)
        self._tally = Tally(model)
        self._memory = None if self._on_gpu else memory_for(model.card, self.welcome, memory_mb)

    def adopt(self, model: WorldModel) -> None:
        """Go on with another model, whose needs were checked, from the next frame on. Buffers, planes and frame ids
        stay; `welcome` has the new model's controls. Worlds begin anew: what is remembered was painted by another.

        A chunk does not become longer than it was, since the engine's ring has slots for no more.
        """
        card, before = model.card, self.welcome
        controls = controls_of(card)
        kept = {name: value for name, value in self._steering.controls.items() if fits(controls, name, value)}
        self._left_behind = (self._left_behind | {c.name for c in before.controls}) - {c.name for c in controls}
        self._steering = replace(self._steering, controls={c.name: c.default for c in controls} | kept)
        self._model, self._window, self._tally = model, Window(card.response_window_ms), Tally(model)
        self.welcome = msgspec.structs.replace(
            before, model=card.name, runtime=card.runtime, controls=controls, licence=card.licence,
            chunk_frames=min(before.chunk_frames, card.chunk_frames), stall_ms=stall_ms(card),
            response_window_ms=card.response_window_ms,
        )  # fmt: skip
        if self._on_gpu is None:
            self._memory = self._memory or memory_for(card, self.welcome, self._memory_mb)
        for world in self._worlds.values():
            own = world.forked and world.memory is None
            world.memory = memory_for(card, self.welcome, self._memory_mb) if own else world.memory or self._memory
            world.reset()

    def open_ring(self, message: Planes) -> None:
        """Map the ring that the engine offers and let go of the one before.

        Raises RingCorrupt, InvalidValue, LimitExceeded; then the one before stays.
        """
        if self.welcome.transport is not Transport.SHM:
            raise InvalidValue(
                f"PLANES came in a session whose transport is '{self.welcome.transport}'",
                fix="Send planes as message parts, or say HELLO again with the transport 'shm'.",
            )
        check_agreed(message.planes, self.welcome.planes)
        check_agreed(message.outputs, self.welcome.outputs)
        ring = RingReader.attach(message, self._limits)
        self.release(None)
        self._buffers = ring

    @property
    def on_gpu(self) -> SessionOnGpu | None:
        """What takes hand-overs; None where planes travel through the CPU."""
        return self._on_gpu

    @property
    def steering(self) -> Steering:
        """The controls and the ownership that the last frame had."""
        return self._steering

    def release(self, generation: int | None) -> None:
        """Unmap the ring, or let go of the hand-over, of that generation; None is whichever there is."""
        if self._on_gpu is not None:
            self._on_gpu.release(generation)
        if self._buffers is not None and generation in (None, self._buffers.generation):
            self._buffers.close()
            self._buffers = None

    def render(self, frame: Frame, parts: Sequence[memoryview]) -> Rendered:
        """The plate of one frame. Raises OutOfOrder, InvalidValue, RingCorrupt, MissingPlane, ModelFailed."""
        opened = self._open(frame, parts)
        world = self._world(frame)
        return self._make(opened, world, lambda: self._model.step(opened, world, opened.plate))

    def enqueue(self, frame: Frame) -> Enqueued:
        """The plate of one frame whose planes stay on the GPU. Raises OutOfOrder, InvalidValue, MissingPlane,
        ModelFailed, DeviceError."""
        assert self._on_gpu is not None
        steering = self._steered_to(frame)
        try:
            return self._on_gpu.enqueue(frame, self._model, self._world(frame), steering.controls, steering.ownership)
        except DeviceError as error:
            self._gpu_error = error
            raise

    def watch_gpu(self, now_ns: int) -> DeviceError | None:
        """What has gone wrong on the GPU since the last time, once. Planes then go by the next transport that the
        engine offered, which `welcome` has from now on; worlds stay. Where it offered none, frames are refused."""
        if self._on_gpu is None:
            return None
        self._gpu_error = self._on_gpu.watch(now_ns) or self._gpu_error
        if self._gpu_error is self._told_gpu_error:
            return None
        self._told_gpu_error = error = self._gpu_error
        assert error is not None
        with contextlib.suppress(NotSupported):
            self.welcome = fallen_back(self.welcome, self._offered, error, self._gpu_side)
            self._leave_gpu()
        return error

    def _leave_gpu(self) -> None:
        """For the transport that `welcome` has."""
        self.release(None)
        self._on_gpu = None
        if self.welcome.transport is Transport.INLINE:
            self._buffers = InlineRendererBuffers(self.welcome.planes, self.welcome.outputs, self._limits)
        self._memory = memory_for(self._model.card, self.welcome, self._memory_mb)
        for world in self._worlds.values():
            world.memory = world.memory or self._memory

    def render_chunk(self, asked: Sequence[tuple[Frame, Sequence[memoryview]]]) -> Iterator[Rendered | Unmade]:
        """The plates of several frames of one stream, oldest first, each as soon as it is there; for a frame that gets
        none, why: what `render` raises."""
        assert isinstance(self._model, ChunkModel)
        frames: list[RenderFrame] = []
        for frame, parts in asked:
            try:
                frames.append(self._open(frame, parts))
            except WorldplateError as error:
                yield Unmade(frame, error)
        if not frames:
            return
        world = self._world(frames[0].header)
        plates, start_s = self._model.steps(frames, world), time.perf_counter()
        for opened in frames:
            made: Rendered | Unmade
            try:
                made = self._make(opened, world, lambda: _next(plates))
            except WorldplateError as error:
                made = Unmade(opened.header, error)
            yield made
        self._window.add((time.perf_counter() - start_s) * 1e3)
        next(plates, NO_PLATE)  # what the next chunk builds on: nobody waits for it

    def _open(self, frame: Frame, parts: Sequence[memoryview]) -> RenderFrame:
        if self._buffers is None:
            raise InvalidValue(
                f"frame {frame.id} came before PLANES", fix="Offer a ring with PLANES and wait for its ack."
            )
        steering = self._steered_to(frame)
        opened = open_frame(frame, parts, self._buffers, self._model.card, steering.controls, steering.ownership)
        recorded = self.take is not None and not self.take.closed
        opened.steady = recorded or self.welcome.sync is SyncMode.OFFLINE
        return opened

    def _steered_to(self, frame: Frame) -> Steering:
        """What holds for a frame that has come in its turn."""
        self._check_order(frame)
        self._apply_pending(frame.id)
        if frame.controls:
            self._steering = self._with_values(frame.controls)
        return self._steering

    def _make(self, frame: RenderFrame, world: World, generate: Callable[[], object]) -> Rendered:
        assert self._buffers is not None  # it was opened
        rendered = render_frame(frame, self._buffers, self._model.card, world, generate)
        self._finished_ns.append(time.monotonic_ns())
        self._ages_ms.append(rendered.result.age_ms)
        return rendered

    def _check_order(self, frame: Frame) -> None:
        last = self._last_ids.get(frame.stream, 0)
        if frame.id <= last:
            raise OutOfOrder(
                f"frame id {frame.id} of stream '{frame.stream}' does not follow {last}",
                fix="Count ids up from 1 within a stream, also across a reset.",
            )
        if frame.stream not in self._last_ids and len(self._last_ids) >= self._limits.max_streams:
            raise LimitExceeded(
                "the number of streams", len(self._last_ids) + 1, self._limits.max_streams, "max_streams"
            )
        self._last_ids[frame.stream] = frame.id

    def _world(self, frame: Frame) -> World:
        return self._worlds.setdefault(frame.stream, World(seed=self._seed, memory=self._memory))

    @property
    def worlds(self) -> Mapping[str, World]:
        """By stream, those that have shown something."""
        return self._worlds

    @property
    def memory(self) -> WorldMemory | None:
        """The long memory that the streams share but for forks, which have their own; None without."""
        return self._memory

    def _memories(self) -> list[WorldMemory]:
        """All long memories, each once: the shared one first, then those of forks."""
        every = (self._memory, *(world.memory for world in self._worlds.values()))
        return list({id(memory): memory for memory in every if memory is not None}.values())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        layout = self.welcome.outputs[0]
        return layout.width, layout.height

    def check_streams(self, more: Iterable[str]) -> None:
        """Raises LimitExceeded when these streams would be too many."""
        streams = {*self._last_ids, *self._worlds, *more}
        if len(streams) > self._limits.max_streams:
            raise LimitExceeded("the number of streams", len(streams), self._limits.max_streams, "max_streams")

    def put_worlds(self, worlds: Mapping[str, World]) -> None:
        """Have these streams go on from other worlds, and close the long memories that none has any more. Raises
        LimitExceeded; then nothing changes."""
        self.check_streams(worlds)
        before = self._memories()
        self._worlds.update(worlds)
        left = self._memories()
        for memory in before:
            if memory not in left:
                memory.close()

    def put_steering(self, steering: Steering) -> None:
        """From the next frame on; what waits for a frame of its own still comes to pass."""
        self._steering = steering

    def set_controls(self, message: SetControls) -> None:
        """Take controls and ownership from `from_id` on. Raises InvalidValue, LimitExceeded; then nothing changes."""
        self._with_values(message.values)
        if len(self._pending) >= self._limits.max_controls:
            raise LimitExceeded(
                "the number of waiting CONTROL messages",
                len(self._pending) + 1,
                self._limits.max_controls,
                "max_controls",
            )
        self._pending.append(message)

    def _apply_pending(self, frame_id: int) -> None:
        due = [m for m in self._pending if m.from_id <= frame_id]
        self._pending = [m for m in self._pending if m.from_id > frame_id]
        for message in due:
            ownership = with_ownership(self._steering.ownership, message)
            self._steering = replace(self._with_values(message.values), ownership=ownership)

    def _with_values(self, values: dict[str, ControlValue]) -> Steering:
        values = {name: value for name, value in values.items() if name not in self._left_behind}
        checked = check_controls(self.welcome.controls, values, self._limits.max_text)
        return replace(self._steering, controls={**self._steering.controls, **checked})

    def count(self, disposition: str) -> None:
        self._dispositions[disposition] += 1

    def beat(self, now_ns: int) -> None:
        if self._buffers is not None:
            self._buffers.beat(now_ns)
        for memory in self._memories():
            memory.tick()

    def status(self, state: RendererState, text: str) -> Status:
        """How the session is doing: plates per second over the last second, percentiles over the last 256 plates."""
        text = text or self._model.card.runtime_why
        since_ns = time.monotonic_ns() - 1_000_000_000
        ages_ms = sorted(self._ages_ms)
        percentiles = {
            f"p{p}": ages_ms[min(len(ages_ms) - 1, len(ages_ms) * p // 100)] for p in (50, 95, 99) if ages_ms
        }
        memories = self._memories()
        if any(memory.gone for memory in memories):
            state, text = (
                RendererState.DEGRADED,
                f"{text}. The world's long memory does not start: see the log".strip(". "),
            )
        if self._window.problem:
            state, text = RendererState.DEGRADED, f"{text}. {self._window.problem}".strip(". ")
        if self._told_gpu_error is not None:
            told = self._told_gpu_error.what if self._on_gpu is not None else self.welcome.transport_reason
            state, text = RendererState.DEGRADED, f"{text}. {told}".strip(". ")
        take = self.take if self.take is not None and not self.take.closed else None
        if take is not None and (take.problem or take.missed):
            state = RendererState.DEGRADED
            text = f"{text}. The take {take.name} lacks {take.missed} frames. {take.problem}".strip(". ")[:1024]
        return Status(
            session=self.id,
            state=state,
            text=text,
            take=take.name if take is not None else "",
            take_missed=take.missed if take is not None else 0,
            memory=_added([memory.figures() for memory in memories]),
            model=self._model.card.name,
            gpu=(self._on_gpu or self._tally).figures(),
            runtime=self._model.card.runtime,
            plates_per_s=float(sum(t > since_ns for t in self._finished_ns)),
            frame_age_ms=percentiles,
            dispositions=dict(self._dispositions),
            name=self.name,
        )

    def close(self) -> None:
        self.release(None)
        for memory in self._memories():
            memory.close()


def _added(figures: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Sums by name; nothing of nothing."""
    return {name: sum(each[name] for each in figures) for name in (figures[0] if figures else ())}


def _next(plates: Iterator[None]) -> None:
    """Has a chunk's next plate made. Raises ValueError when the model has ended without it."""
    if next(plates, NO_PLATE) is NO_PLATE:
        raise ValueError("it made fewer plates than it got frames")
