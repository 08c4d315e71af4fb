"""A session whose planes stay on the GPU: its hand-over, and the frames that use it."""

from __future__ import annotations

from typing import cast

from bridge.errors import DeviceError, InvalidValue
from bridge.handles import Handed
from bridge.schema import ControlValue, Frame, Limits, Welcome
from renderer.cuda.frame import DeviceModel, Enqueued, enqueue_frame
from renderer.cuda.share import Share
from renderer.frame import Ownership
from renderer.models import WorldModel
from renderer.recall import World
from renderer.terms import GpuSide


class SessionOnGpu:
    """Owns the session's hand-over, and closes it; the GPU is the renderer's. Used from the render loop's thread."""

    def __init__(self, side: GpuSide, welcome: Welcome, limits: Limits) -> None:
        assert side.gpu is not None  # the terms say so
        self._gpu, self._welcome, self._limits = side.gpu, welcome, limits
        self._share: Share | None = None
        self._trouble: DeviceError | None = None
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
            return enqueue_frame(frame, self._share, self._gpu, on_device, world, controls, ownership)
        except DeviceError as error:
            self.release(None)
            self._trouble = error
            raise

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

    def figures(self) -> dict[str, int]:
        """What was counted since the session began; of the whole GPU, so sessions beside it count too."""
        return self._gpu.counters.since(self._before)
