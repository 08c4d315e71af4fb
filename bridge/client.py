"""The engine's side of Worldplate in Python: submit frames, show plates, and never wait for a renderer that is gone.

    with Client(320, 180, engine_planes, sync=SyncMode.FREERUN, late=LatePolicy.REPROJECT) as client:
        while running:
            slot = client.begin()
            render_into(slot.inputs)
            client.submit(slot, camera, bodies=bodies, capture_ns=time.monotonic_ns())
            if (shown := client.present()) is not None:
                display(shown.picture())

One thread calls it. `begin` and `present` also keep the link alive: they find a renderer, attach to it, notice its
death and attach to the next, a step at a time. Only `lockstep` and `offline` wait, both for a bounded time.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from bridge.asked import ModelChange, asking_for
from bridge.attachment import Attachment, State
from bridge.device import DeviceSide
from bridge.door import Door, FileDoor, HandedDoor
from bridge.ends import EngineEnd
from bridge.errors import InvalidValue, NoRenderer, NotSupported, WorldplateError
from bridge.flight import Flight, Pool, private_pool
from bridge.late import STALE_MS, LateFrames
from bridge.ledger import Ledger
from bridge.planes import Slot
from bridge.predict import PredictionError, Predictor, before_of
from bridge.schema import (
    Bodies,
    Camera,
    Clock,
    ControlValue,
    Hello,
    LatePolicy,
    PixelFormat,
    PlaneName,
    PlaneOffer,
    Record,
    Reset,
    Status,
    SyncMode,
    Timecode,
    Transport,
    Welcome,
    World,
    WorldOp,
)
from bridge.screen import Screen
from bridge.shown import Shown
from bridge.steering import Steering
from bridge.traffic import Traffic
from bridge.worlds import Worlds

NO_BODIES = Bodies()
_WAITING = frozenset({SyncMode.LOCKSTEP, SyncMode.OFFLINE})
_WAIT_STEP_MS = 5.0  # how often a wait looks whether the renderer still lives


class Client:
    """One engine viewport. `ledger` has what became of its frames."""

    def __init__(
        self,
        width: int,
        height: int,
        planes: Mapping[PlaneName, tuple[PixelFormat, ...]],
        *,
        sync: SyncMode = SyncMode.FREERUN,
        delay_frames: int = 1,
        late: LatePolicy = LatePolicy.REPROJECT,
        stale_ms: float = STALE_MS,
        predict_ms: float = 0.0,
        seed: int = 0,
        transports: tuple[Transport, ...] = (Transport.SHM, Transport.INLINE),
        connection: Path | EngineEnd | Door | None = None,
        name: str = "worldplate python client",
        engine: str = "",
        frame_period_ms: float = 1000 / 60,
        slot_count: int = 5,
        offline_wait_s: float = 120.0,
        gpu: DeviceSide | None = None,
    ) -> None:
        """`planes` are those the engine can give, with their formats in its order of preference; `color` is needed.

        `connection` is a connection file (the user's, when None), or an end of `memory_pair`. `frame_period_ms` is the
        time that `lockstep` waits for a plate, and `offline_wait_s` that `offline` does. `slot_count` is what `freerun`
        needs to reproject: the plate it warps, a frame in the renderer, one that waits there, a late one, and one that
        is written. It is raised to what `delay_frames` needs: those, one written, one shown, and the plate it warps. A
        plate that is older than a late frame by more than `stale_ms` is not warped for it. `predict_ms` above 0 moves
        pictures to where camera and bodies will be so long after `present`, on the display (bridge/predict.py). Planes
        stay on `gpu`, the caller's, where the renderer reads them so (`Slot.on_device`). NotSupported for `genlocked`.
        """
        if sync is SyncMode.GENLOCKED:
            raise NotSupported("The sync mode genlocked needs a house clock", fix="Use lockstep, delayed or freerun.")
        self.ledger = Ledger()
        self._sync, self._delay_frames = sync, delay_frames
        self._planes = dict(planes)
        self._frame_period_ms = frame_period_ms
        self._offline_wait_s = offline_wait_s
        self._slot_count = max(slot_count, delay_frames + 3 if sync is SyncMode.DELAYED else 0)
        self._hello = Hello(
            token="", client=name, engine=engine, pid=os.getpid(), width=width, height=height,
            planes=tuple(PlaneOffer(name=plane, formats=formats) for plane, formats in planes.items()),
            transports=transports if gpu is None else (Transport.CUDA, *transports), sync=sync,
            delay_frames=delay_frames, late=late, seed=seed, device=gpu.uuid if gpu is not None else "",
        )  # fmt: skip
        self._attachment = Attachment(_door(connection), self._hello, self._planes, self._slot_count, gpu)
        self._late = LateFrames(late, stale_ms, fades_back=sync is not SyncMode.OFFLINE)
        self._private = private_pool(self._planes, width, height, self._slot_count)
        self._pool: Pool | None = None  # the attachment's, as of the last tick
        self._traffic = Traffic(self.ledger, self._late, max(self._slot_count, delay_frames + 2), self._attachment.note)
        self._begun: tuple[Pool, Slot] | None = None
        self._predictor = Predictor(predict_ms) if predict_ms > 0 else None
        self._screen = Screen(sync, delay_frames, self._traffic, self._late, self.ledger, self._predictor)
        self._last_id = 0
        self._epoch = 0
        self._reset = Reset.NONE  # not known yet to have reached the renderer
        self._steering = Steering()
        self._stream = "main"  # of the last frame
        self.worlds = Worlds(self._attachment, self.tick, self._break_off)
        self._closed = False

    @property
    def attached(self) -> bool:
        return self._attachment.attached

    @property
    def state(self) -> State:
        return State.STALLED if self.attached and self._stalled else self._attachment.state

    @property
    def welcome(self) -> Welcome | None:
        """What was agreed with the renderer; None while there is no session."""
        return self._attachment.welcome

    @property
    def models(self) -> tuple[str, ...]:
        """Names that `use_model` takes, the model that serves among them; empty where the renderer keeps its model."""
        return self.welcome.models if self.welcome is not None else ()

    @property
    def refusal(self) -> WorldplateError | None:
        """Why the renderer wants no session; it is asked again when another renderer is there."""
        return self._attachment.refusal

    @property
    def errors(self) -> list[WorldplateError]:
        """The last errors that the renderer told, oldest first."""
        return list(self._attachment.errors)

    @property
    def status(self) -> Status | None:
        """The renderer's last STATUS."""
        return self._attachment.status

    @property
    def prediction_errors(self) -> list[PredictionError]:
        """How far the last predictions were from the truth, oldest first; empty without `predict_ms`."""
        return list(self._predictor.errors) if self._predictor is not None else []

    @property
    def bytes_copied(self) -> int:
        """Bytes that the engine's side copied between host buffers of pixels in this session: 0 over a ring."""
        return self._pool.buffers.copies.bytes if self._pool is not None else 0

    def connect(self, timeout_s: float = 10.0) -> None:
        """Waits until attached. Raises the renderer's refusal, or NoRenderer when the time is over."""
        until_s = time.monotonic() + timeout_s
        while not self.attached:
            self.tick()
            if self.refusal is not None:
                raise self.refusal
            if time.monotonic() >= until_s:
                raise NoRenderer(
                    f"No renderer answered in {timeout_s:g} s (still {self.state})",
                    fix="Start one: `worldplate serve`.",
                )
            time.sleep(0.001)

    def clock(self) -> tuple[int, int] | None:
        """Asks for the renderer's clock; returns the last answer: its offset from ours, and the round trip, in ns."""
        self._attachment.send(Clock(session=self._attachment.session, t1_ns=time.monotonic_ns()))
        return self._attachment.clock

    def set_controls(
        self,
        values: Mapping[str, ControlValue],
        *,
        engine_objects: tuple[int, ...] | None = None,
        engine_labels: tuple[int, ...] | None = None,
        plate_near_m: float | None = None,
        plate_far_m: float | None = None,
    ) -> None:
        """From the next frame on, here and at every renderer to come; None leaves a thing as it is."""
        self._steering.change(
            values,
            {
                "engine_objects": engine_objects,
                "engine_labels": engine_labels,
                "plate_near_m": plate_near_m,
                "plate_far_m": plate_far_m,
            },
        )

    def reset(self) -> None:
        """The renderer forgets the world, and the next frame is a cut."""
        self._attachment.send(World(session=self._attachment.session, op=WorldOp.RESET))
        self._cut(Reset.CUT)

    def record(self, name: str = "", *, timeout_s: float = 10.0) -> str:
        """Has the renderer record this session into a take from the next frame on; what it says, for a person. Called
        before the first frame, the take begins with the world. Without a name it is the date and time.

        Raises TakeExists for a name that is taken, TakeNotWritten, and what `worlds.ask` does.
        """
        return self.worlds.ask(Record(session=self._attachment.session, on=True, name=name), timeout_s)

    def stop_recording(self, *, timeout_s: float = 10.0) -> str:
        """Ends the take, which is written out meanwhile. Raises TakeNotFound when there is none."""
        return self.worlds.ask(Record(session=self._attachment.session, on=False), timeout_s)

    def use_model(self, name: str) -> ModelChange:
        """Has the renderer change over to another model, for every engine that it serves. The old one makes the plates
        until the new one is loaded and warm. Does not wait; `use_model(name).result()` does. Raises InvalidValue for
        what is no name."""
        return ModelChange(self.worlds.begin(asking_for(name)), self._attachment)

    def resize(self, width: int, height: int) -> None:
        """Planes of another size from the next `begin` on; the session is agreed anew, and the ring replaced."""
        self._traffic.drop_all("the picture was resized")
        self._late.forget()
        self._traffic.shown, self._begun = None, None
        self._cut(Reset.CUT)
        self._hello = msgspec.structs.replace(self._hello, width=width, height=height)
        self._traffic.leave(self._private, "the picture was resized")
        self._private = private_pool(self._planes, width, height, self._slot_count)
        self._attachment.greet_again(self._hello)
        self._follow_attachment()

    def begin(self) -> Slot:
        """Where to write the next frame. There is always somewhere: should all slots be taken, the oldest frame on its
        way gives up its own. A slot that was begun and not submitted is taken back."""
        if self._closed:
            raise NoRenderer("The client is closed", fix="Make a new one.")
        self.tick()
        if self._begun is not None:
            pool, slot = self._begun
            pool.buffers.release(slot.index)
        pool = self._pool or self._private
        if self._attachment.parts_on_their_way and self._traffic.is_full(pool):
            pool = self._private  # the link still reads the slots that `begin` would give
        self._last_id += 1
        self._begun = (pool, self._traffic.begin(pool, self._last_id))
        return self._begun[1]

    def submit(
        self,
        slot: Slot,
        camera: Camera,
        *,
        bodies: Bodies = NO_BODIES,
        capture_ns: int | None = None,
        controls: Mapping[str, ControlValue] | None = None,
        reset: Reset = Reset.NONE,
        timecode: Timecode | None = None,
        seed: int = 0,
        stream: str = "main",
    ) -> None:
        """The slot is written: off it goes. `capture_ns` is the monotonic time of the engine state, now when None.
        Nothing of one `stream` is shown in another.

        Raises InvalidValue for a slot that is not the one begun last.
        """
        if self._begun is None or self._begun[1] is not slot:
            raise InvalidValue(f"Frame {slot.frame_id} was not begun last", fix="Submit what `begin` gave, once.")
        (pool, _), self._begun = self._begun, None
        if reset is not Reset.NONE:
            self._cut(reset)
        now_ns = time.monotonic_ns()
        capture_ns = now_ns if capture_ns is None else capture_ns
        if stream != self._stream:
            self._stream = stream
            self._break_off()
        flight = Flight(slot.frame_id, self._epoch, pool, slot, camera, bodies, capture_ns, now_ns, stream)
        if self._predictor is not None:
            self._predictor.submitted(flight, before_of(self._traffic.recent, flight))
        self._traffic.add(flight)
        if pool is self._pool:
            self._send(flight, dict(controls or {}), timecode, seed)
        else:
            flight.lost = self._attachment.lost_reason

    def present(self) -> Shown | None:
        """The frame to show at this tick; None: nothing new, what is on the screen stays."""
        start_ns = time.monotonic_ns()
        self.tick()
        target = self._screen.due(alive=self.attached and not self._stalled)
        if target is not None and self._sync in _WAITING:
            self._wait_for(target, start_ns)
        waited_ns = time.monotonic_ns()
        picture = None if target is None else self._screen.picture(target, stalled=self._stalled)
        if target is None or picture is None:
            self.ledger.repeat()
            return None
        stages_ms = {"wait": (waited_ns - start_ns) / 1e6, "substitute": (time.monotonic_ns() - waited_ns) / 1e6}
        return self._screen.show(target, picture, stages_ms)

    def tick(self) -> None:
        """Keeps the link alive and takes in what came, without waiting; `begin` and `present` do it too."""
        self._take_in(0.0)

    def close(self) -> None:
        """Says BYE, and drops what is on its way. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self._traffic.drop_all("the client was closed")
        self._attachment.close()
        self._follow_attachment()
        self._traffic.leave(self._private, "the client was closed")
        self._traffic.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _stalled(self) -> bool:
        since_ns = self._traffic.waiting_since_ns
        return since_ns is not None and self._attachment.stalled(since_ns)

    def _cut(self, reset: Reset) -> None:
        self._break_off()
        self._reset = reset

    def _break_off(self) -> None:
        """Nothing from before is shown from now on; the renderer need not forget anything."""
        self._epoch += 1

    def _send(self, flight: Flight, controls: dict[str, ControlValue], timecode: Timecode | None, seed: int) -> None:
        self._steering.tell(self._attachment)
        frames = {SyncMode.LOCKSTEP: 1, SyncMode.DELAYED: self._delay_frames + 1}.get(self._sync, 0)
        deadline_ns = flight.submitted_ns + round(frames * self._frame_period_ms * 1e6) if frames else 0
        if self._attachment.submit(
            flight, deadline_ns=deadline_ns, controls=controls, timecode=timecode, seed=seed, reset=self._reset
        ):
            self._traffic.sent(flight)
        else:
            flight.lost = "the link's queue was full" if self.attached else self._attachment.lost_reason

    def _take_in(self, timeout_ms: float) -> None:
        for received in self._attachment.step(timeout_ms):
            arrived = self._traffic.answer(received)
            if arrived is not None and arrived.epoch == self._epoch:
                self._reset = Reset.NONE
                self._screen.arrived(arrived)
        self._follow_attachment()
        self._steering.tell(self._attachment)

    def _follow_attachment(self) -> None:
        if self._attachment.pool is self._pool:
            return
        if self._pool is not None:
            self._traffic.leave(self._pool, self._attachment.lost_reason)
        self._pool = self._attachment.pool
        self._steering.forgotten()

    def _wait_for(self, target: Flight, start_ns: int) -> None:
        """Until its plate is there or will not come, but no longer than the sync mode says."""
        lockstep = self._sync is SyncMode.LOCKSTEP
        limit_ms = self._frame_period_ms if lockstep else self._offline_wait_s * 1000
        since_ns = min(target.submitted_ns, start_ns) if lockstep else start_ns
        while not target.answered and not (lockstep and self._stalled):
            left_ms = limit_ms - (time.monotonic_ns() - since_ns) / 1e6
            if left_ms <= 0:
                return
            self._take_in(min(left_ms, _WAIT_STEP_MS))


def _door(connection: Path | EngineEnd | Door | None) -> Door:
    if connection is None or isinstance(connection, Path):
        return FileDoor(connection)
    return connection if isinstance(connection, Door) else HandedDoor(connection)
