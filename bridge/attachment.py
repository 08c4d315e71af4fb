"""From no renderer to an open session with buffers, and back when it dies: one small step at each tick, none waits."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from itertools import compress
from pathlib import Path

import msgspec

from bridge.device import DeviceBuffers, DeviceSide
from bridge.door import Door
from bridge.ends import EngineEnd, Received
from bridge.errors import DeviceError, LimitExceeded, TransportError, WorldplateError, typed_error
from bridge.flight import Flight, Pool, slots_for
from bridge.inline import InlineEngineBuffers
from bridge.planes import EngineBuffers
from bridge.ring import Ring
from bridge.schema import (
    AnyMessage,
    Bye,
    Clock,
    ControlValue,
    Error,
    Frame,
    Hello,
    Ping,
    PixelFormat,
    PlaneName,
    PlanesAck,
    Reject,
    Release,
    Reset,
    Result,
    Status,
    Timecode,
    Transport,
    Welcome,
)

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.010  # for a renderer
_AFTER_BYE_S = 0.25  # a renderer that said BYE is on its way out
_LOOK_AT_GPU_MS = 0.25  # how often a wait looks whether a plate that the GPU still makes is whole


class State(StrEnum):
    SEARCHING = "searching"  # for a connection file with a live renderer
    CONNECTING = "connecting"
    GREETING = "greeting"  # HELLO is on its way
    OPENING = "opening"  # the ring is being made, or PLANES is on its way
    ATTACHED = "attached"
    STALLED = "stalled"  # attached, and the render loop does not move
    REFUSED = "refused"  # until another renderer is there


class Attachment:
    """The engine's way to a renderer. `step` does everything."""

    def __init__(
        self,
        door: Door,
        hello: Hello,
        offered: Mapping[PlaneName, tuple[PixelFormat, ...]],
        slot_count: int,
        gpu: DeviceSide | None = None,
    ) -> None:
        """`hello` is complete but for the token. `gpu`, the caller's, makes the buffers of the transport `cuda`."""
        self.state = State.SEARCHING
        self.pool: Pool | None = None  # where to write while attached
        self.welcome: Welcome | None = None
        self.refusal: WorldplateError | None = None
        self.status: Status | None = None
        self.clock: tuple[int, int] | None = None  # offset of the renderer's clock and round trip, nanoseconds
        self.errors: deque[WorldplateError] = deque(maxlen=64)
        self.answers: dict[int, Status | WorldplateError | None] = {}  # to the nonces that somebody waits for
        self.lost_reason = "no renderer yet"
        self._door = door
        self._hello = hello
        self._offered = offered
        self._slot_count = slot_count
        self._slots = slot_count  # of this session
        self._end: EngineEnd | None = None
        self._gpu = gpu
        self._handles: Path | None = None  # where the renderer takes GPU buffers
        self._on_device: DeviceBuffers | None = None  # those of the pool, where they are a GPU's
        self._answers: list[Received] = []  # that nobody was given yet
        self._ring: Future[Ring | DeviceBuffers] | None = None
        self._ring_maker = ThreadPoolExecutor(1, "worldplate ring")  # the system takes its time to find the pages
        self._announced = False
        self._generation = 0
        self._look_at_s = 0.0
        self._warned: set[str] = set()

    @property
    def session(self) -> str:
        return self.welcome.session if self.welcome is not None else "0" * 32

    @property
    def attached(self) -> bool:
        return self.state is State.ATTACHED

    @property
    def parts_on_their_way(self) -> bool:
        return self._end is not None and self._end.parts_on_their_way

    @property
    def link(self) -> EngineEnd | None:
        """To the renderer that there is now."""
        return self._end

    def send(self, message: AnyMessage, parts: Sequence[memoryview] = ()) -> bool:
        return self._end is not None and self._end.send(message, parts)

    def submit(
        self,
        flight: Flight,
        *,
        deadline_ns: int,
        controls: dict[str, ControlValue],
        timecode: Timecode | None,
        seed: int,
        reset: Reset,
    ) -> bool:
        """Sends a frame whose slot is written; False when the link does not take it."""
        buffers = flight.pool.buffers
        try:
            parts = buffers.commit(flight.slot)
        except DeviceError as error:
            self._do_without(error)
            return False
        frame = Frame(
            session=self.session,
            id=flight.frame_id,
            stream=flight.stream,
            generation=buffers.generation,
            slot=flight.slot.index,
            ready_value=self._on_device.ready_value if self._on_device is not None else 0,
            planes=buffers.part_layouts,
            capture_ns=flight.capture_ns,
            deadline_ns=deadline_ns,
            timecode=timecode,
            camera=flight.camera,
            bodies=flight.bodies,
            controls=controls,
            seed=seed,
            reset=reset,
        )
        return self.send(frame, parts)

    def note(self, error: WorldplateError) -> None:
        """Keeps an error for the engine to read, and logs it when it is the first of its kind."""
        self.errors.append(error)
        if error.code not in self._warned:
            self._warned.add(error.code)
            _log.warning("%s", error)

    def step(self, timeout_ms: float = 0.0) -> list[Received]:
        """Goes on as far as it can now; waits up to `timeout_ms` for a message. Returns what answers frames: RESULTs
        of this session, once their plate is whole, and ERRORs that name one."""
        if self._answers:
            timeout_ms = min(timeout_ms, _LOOK_AT_GPU_MS)
        if self._end is None:
            self._look()
        connected = self._end is not None and self._end.connected  # before the messages: its last ones count
        while self._end is not None and (received := self._end.receive(timeout_ms)) is not None:
            timeout_ms = 0.0
            if self._answers_frame(received[0]):
                self._answers.append(received)
            else:
                self._take(received[0])
        self._advance(connected)
        return self._whole()

    def stalled(self, waiting_since_ns: int) -> bool:
        """Whether the render loop has stopped: no beat for `stall_ms`, and a frame has waited as long."""
        if self.welcome is None or self.pool is None:
            return False
        now_ns, stall_ns = time.monotonic_ns(), self.welcome.stall_ms * 1_000_000
        buffers = self.pool.buffers
        silent = now_ns - buffers.beat_ns > stall_ns if isinstance(buffers, Ring) else True
        return silent and now_ns - waiting_since_ns > stall_ns

    def greet_again(self, hello: Hello, why: str = "the planes changed their size") -> None:
        """A new HELLO on the same link, for planes of another size, or that travel otherwise."""
        self._hello = hello
        if self._end is None:
            return
        if self.pool is not None and isinstance(self.pool.buffers, Ring):
            self._end.send(Release(session=self.session, generation=self.pool.buffers.generation))
        if self.state is not State.CONNECTING:
            self._forget_session(why)
            self.state = State.CONNECTING

    def close(self) -> None:
        if self._end is not None:
            if self.welcome is not None:
                self._end.send(Bye(session=self.session, reason="the engine closed"))
            self._end.close(linger_ms=100)
            self._end = None
        self._forget_session("closed")
        self.state = State.SEARCHING
        self._ring_maker.shutdown()

    def _whole(self) -> list[Received]:
        """The answers without those whose plate the GPU still makes, which wait: it is late, not lost."""
        buffers = self._on_device
        if buffers is None:
            whole, self._answers = self._answers, []
            return whole
        is_whole = [not isinstance(message, Result) or buffers.is_done(message) for message, _ in self._answers]
        whole = list(compress(self._answers, is_whole))
        self._answers = [answer for answer, whole_now in zip(self._answers, is_whole, strict=True) if not whole_now]
        return whole

    def _look(self) -> None:
        if time.monotonic() < self._look_at_s:
            return
        self._look_at_s = time.monotonic() + _LOOK_EVERY_S
        if self.state is State.REFUSED and not self._door.moved():
            return
        opened = self._door.open()
        if opened is not None:
            self._end, self._handles = opened.end, opened.handles
            self._hello = msgspec.structs.replace(self._hello, token=opened.token)
            self.state, self.refusal = State.CONNECTING, None

    def _advance(self, connected: bool) -> None:
        if self._end is None:
            return
        if self.state is State.CONNECTING:
            if connected and self._end.send(self._hello):
                self.state = State.GREETING
            elif not connected and time.monotonic() >= self._look_at_s:
                self._look_at_s = time.monotonic() + _LOOK_EVERY_S
                if self._door.moved():
                    self._leave("the renderer went away")
        elif not connected:
            self._leave("the connection to the renderer was lost")
        elif self.state is State.OPENING:
            self._announce_ring()

    def _answers_frame(self, message: AnyMessage) -> bool:
        if isinstance(message, Result):
            return message.session == self.session
        if isinstance(message, Error):
            error = typed_error(message.code, message.text, message.fix)
            if message.nonce in self.answers:
                self.answers[message.nonce] = error  # it is raised where it was asked
            else:
                self.note(error)
            return message.frame_id > 0
        return False

    def _take(self, message: AnyMessage) -> None:
        match message:
            case Welcome() if self.state is State.GREETING:
                self._open(message)
            case Welcome(session=session, transport=transport) if self.attached and session == self.session:
                if self.welcome is not None and self.welcome.transport is not transport:
                    self._move(message)
                self.welcome = message  # of another model, with other controls, at another pace
            case Reject():
                self._refuse(typed_error(message.code, message.text, message.fix))
            case PlanesAck(generation=generation) if self.state is State.OPENING and generation == self._generation:
                self._opened(message)
            case Status():
                self.status = message
                if message.nonce in self.answers:
                    self.answers[message.nonce] = message
            case Clock(t1_ns=t1, t2_ns=t2, t3_ns=t3):
                t4 = time.monotonic_ns()
                self.clock = ((t2 - t1 + t3 - t4) // 2, (t4 - t1) - (t3 - t2))  # RFC 5905 §8
            case Ping(answer=False, nonce=nonce):
                self.send(Ping(nonce=nonce, answer=True))
            case Bye(reason=reason):
                self._look_at_s = time.monotonic() + _AFTER_BYE_S
                self._leave(reason or "the renderer said goodbye")
            case Error(fatal=fatal, nonce=nonce) if fatal or (self.state is not State.ATTACHED and nonce == 0):
                self._refuse(typed_error(message.code, message.text, message.fix))

    def _open(self, welcome: Welcome) -> None:
        self.welcome = welcome
        try:
            self._slots = slots_for(self._slot_count, welcome)
        except LimitExceeded as error:
            self._refuse(error)
            return
        self._generation += 1
        self._announced = False
        wanted = (welcome.planes, welcome.outputs, self._slots, self._generation, welcome.limits)
        if welcome.transport is Transport.SHM:
            self.state = State.OPENING
            self._ring = self._ring_maker.submit(Ring.create, *wanted)
        elif welcome.transport is Transport.CUDA and self._gpu is not None:
            self.state = State.OPENING
            self._ring = self._ring_maker.submit(self._gpu.buffers, *wanted)
        else:
            buffers = InlineEngineBuffers(welcome.planes, welcome.outputs, self._slots, welcome.limits)
            self._attach(buffers, welcome)

    def _announce_ring(self) -> None:
        if self._ring is None or self._announced or not self._ring.done():
            return
        try:
            buffers = self._ring.result()
            if isinstance(buffers, Ring):
                self._announced = self.send(buffers.message(self.session))
            else:
                self._hand_over(buffers)
                self._announced = True
        except WorldplateError as error:
            self._do_without(error)

    def _hand_over(self, buffers: DeviceBuffers) -> None:
        if self._handles is None:
            raise TransportError("This link has no socket that takes GPU buffers", fix="Offer `shm` as well.")
        buffers.hand_over(self._handles, self.session)

    def _opened(self, ack: PlanesAck) -> None:
        assert self.welcome is not None
        ring, self._ring = self._ring, None
        if ring is None:
            return
        if ack.ok:
            self._attach(ring.result(), self.welcome)
        else:
            ring.result().close()
            self._do_without(typed_error(ack.code, ack.text, "Use another transport."))

    def _move(self, welcome: Welcome) -> None:
        """The session goes on by another transport: what the old one had on its way is lost."""
        _log.warning("Planes travel by %s from now on: %s", welcome.transport, welcome.transport_reason)
        self.pool, self.lost_reason = None, welcome.transport_reason
        self._forget_gpu()
        self._open(welcome)

    def _do_without(self, error: WorldplateError) -> None:
        """Without the transport that was agreed, and that cannot be used."""
        assert self.welcome is not None
        agreed = self.welcome.transport
        rest = tuple(t for t in self._hello.transports if t is not agreed)
        if not rest:
            self._refuse(error)
            return
        self.note(error)
        _log.warning("Planes travel by %s in place of %s, which is faster: %s", " or ".join(rest), agreed, error)
        self.greet_again(msgspec.structs.replace(self._hello, transports=rest), str(error))

    def _attach(self, buffers: EngineBuffers, welcome: Welcome) -> None:
        size = (self._hello.width, self._hello.height)
        self.pool = Pool(buffers, self._slots, welcome.planes, self._offered, *size)
        self._on_device = buffers if isinstance(buffers, DeviceBuffers) else None
        self.state = State.ATTACHED
        reason = f" ({welcome.transport_reason})" if welcome.transport_reason else ""
        _log.info("Attached to %s over %s%s", welcome.model, welcome.transport, reason)

    def _refuse(self, error: WorldplateError) -> None:
        _log.warning("The renderer refused the session: %s", error)
        self._leave(str(error))
        self.refusal, self.state = error, State.REFUSED

    def _leave(self, reason: str) -> None:
        """At once, and without waiting for what was sent: the renderer may be dead."""
        if self.attached:
            _log.warning("Detached: %s. Looking for a renderer again.", reason)
        if self._end is not None:
            self._end.close()
            self._end = None
        self._forget_session(reason)
        self.state = State.SEARCHING

    def _forget_gpu(self) -> None:
        """Plates that it has not made are lost; answers in the host's memory, which came before the end, are not."""
        if self._on_device is not None:
            self._on_device, self._answers = None, []

    def _forget_session(self, reason: str) -> None:
        self.pool, self.welcome, self.lost_reason = None, None, reason
        self._forget_gpu()
        if self._ring is not None:
            self._ring.add_done_callback(_close_ring)
            self._ring = None


def _close_ring(ring: Future[Ring | DeviceBuffers]) -> None:
    if not ring.cancelled() and ring.exception() is None:
        ring.result().close()
