"""A session whose planes stay on the GPU: its hand-over, and the frames that use it."""

from __future__ import annotations

import time
from typing import cast

import msgspec

from bridge.errors import DeviceError, InvalidValue, ModelFailed
from bridge.handles import Handed
from bridge.schema import ControlValue, Disposition, Frame, LatePolicy, Limits, Reset, SyncMode, Welcome
from renderer.cuda.driver import noted
from renderer.cuda.frame import DeviceFrame, DeviceModel, Enqueued, enqueue_frame, generate, open_on_device
from renderer.cuda.late import Plates, can_reproject
from renderer.cuda.pace import Pace
from renderer.cuda.share import Share
from renderer.frame import Ownership
from renderer.mark import mark, mark_unmade
from renderer.models import WorldModel
from renderer.recall import World, arrive
from renderer.terms import GpuSide

SLOW_MS = 50.0  # of a model that says how long it thinks: it is not waited for from the first frame on


class SessionOnGpu:
    """Owns the session's hand-over, and closes it; the GPU is the renderer's. Used from the render loop's thread."""

    def __init__(self, side: GpuSide, welcome: Welcome, limits: Limits) -> None:
        assert side.gpu is not None  # the terms say so
        self._gpu, self._welcome, self._limits = side.gpu, welcome, limits
        self._share: Share | None = None
        self._trouble: DeviceError | None = None
        self._model: DeviceModel | None = None
        self._pace, self._plates = Pace(slow=False), dict[str, Plates]()
        self._making: Plates | None = None  # whose plate the model is at
        self._is_patient = welcome.sync not in (SyncMode.LOCKSTEP, SyncMode.OFFLINE)  # the others go on without a plate
        self._reprojects = can_reproject(welcome.late, frozenset(layout.name for layout in welcome.planes))
        self._before = side.gpu.counters.so_far()

    def take(self, handed: Handed) -> None:
        """Uses what was handed over from now on, in place of what was before. Raises what Share does; then what was
        before stays."""
        share = Share(self._gpu, handed, self._welcome, self._limits)
        self.release(None)
        self._share, self._trouble = share, None

    def enqueue(
        self, frame: Frame, model: WorldModel, world: World, controls: dict[str, ControlValue], ownership: Ownership
    ) -> Enqueued:
        """Raises InvalidValue, MissingPlane, ModelFailed; and DeviceError, which ends the hand-over."""
        if self._trouble is not None:
            raise self._trouble
        if self._share is None:
            raise InvalidValue(
                f"frame {frame.id} came before the hand-over", fix="Hand buffers over, and wait for PLANES_ACK."
            )
        on_device = cast(DeviceModel, model)  # its card says so, and a model that does not is not adopted
        try:
            self._adopt(on_device)
            self._look(frame.stream)
            opened = open_on_device(frame, self._share, self._gpu, on_device, controls)
            if not (self._pace.slow and self._is_patient):
                return enqueue_frame(opened, self._share, on_device, world, ownership, self._pace)
            if self._reprojects:
                return self._enqueue_late(opened, self._share, on_device, world, ownership)
            if self._pace.idle:
                return enqueue_frame(opened, self._share, on_device, world, ownership, self._pace)
            return self._answer_without(frame, world)
        except DeviceError as error:
            self.release(None)
            self._trouble = error
            raise

    def _adopt(self, model: DeviceModel) -> None:
        """Another model than before: what the one before was slow at, and what it painted, says nothing of it."""
        if model is self._model:
            return
        self._making = None
        for plates in self._plates.values():
            plates.failed()
            plates.forget()
        self._pace.close()
        self._model, self._pace = model, Pace(slow=model.card.response_window_ms > SLOW_MS)

    def _look(self, stream: str) -> None:
        """How far the GPU is, now that a frame has come."""
        was_slow = self._pace.slow
        self._pace.frame_came(stream)
        if self._pace.idle and self._making is not None:
            self._making.made()
            self._making = None
        if was_slow and not self._pace.slow:
            for plates in self._plates.values():
                plates.forget()

    def _enqueue_late(
        self, frame: DeviceFrame, share: Share, model: DeviceModel, world: World, ownership: Ownership
    ) -> Enqueued:
        """Begins a plate where none is being made, and shows what is known of the frame from those before."""
        start_ns, header = time.perf_counter_ns(), frame.header
        plates = self._plates.setdefault(header.stream, Plates(self._gpu, self._welcome.late))
        share.begin(header)
        why = f"{model.card.name} is slower than the engine"
        if self._pace.idle:
            arrive(world, header)
            try:
                self._pace.began(header.stream, *generate(plates.keep(frame, world), model, world))
            except ModelFailed:
                plates.failed()
                raise
            self._making = plates
        elif header.reset is not Reset.NONE:
            world.reset(header.reset)
        shown = plates.show(frame, world, ownership, why)
        done_value = share.finish(header)
        frame.stages_ms["enqueue"] = (time.perf_counter_ns() - start_ns) / 1e6
        result = mark(frame, model.card, 0)
        age_ms = max(0.0, (time.monotonic_ns() - shown.oldest_ns) / 1e6)
        return Enqueued(
            header,
            msgspec.structs.replace(
                result, disposition=shown.disposition, reason=shown.reason[:1024], age_ms=age_ms, done_value=done_value
            ),
        )

    def _answer_without(self, header: Frame, world: World) -> Enqueued:
        """The late policy leaves the picture to the engine."""
        if header.reset is not Reset.NONE:
            world.reset(header.reset)
        if self._welcome.late is LatePolicy.HOLD:
            held = mark_unmade(header, Disposition.DROPPED, "the picture stays while the model makes a plate")
            return Enqueued(header, held)
        return Enqueued(header, mark_unmade(header, Disposition.PASSTHROUGH, "the model still makes a plate before"))

    def watch(self, now_ns: int) -> DeviceError | None:
        """What has gone wrong on the GPU since the last time, once. The hand-over is then let go of, and frames are
        refused with the same until there is another."""
        try:
            if self._share is not None:
                self._share.watch(now_ns)
        except DeviceError as error:
            self.release(None)
            self._trouble = error
            return error
        return None

    def release(self, generation: int | None) -> None:
        """Lets go of the hand-over of that generation; None is whichever there is."""
        if self._share is not None and generation in (None, self._share.generation):
            self._share.close()
            self._share = None
            self._end_late()

    def _end_late(self) -> None:
        """Lets go of plates and marks, once the GPU has come to rest where it may be at them."""
        self._making = None
        if self._plates:
            with noted():
                self._pace.join(self._gpu)
                self._gpu.wait()
        while self._plates:
            with noted():
                self._plates.popitem()[1].close()
        with noted():
            self._pace.close()

    def figures(self) -> dict[str, int]:
        """What was counted since the session began; of the whole GPU, so sessions beside it count too."""
        return self._gpu.counters.since(self._before)
