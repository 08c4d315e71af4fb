"""What an engine has handed over, in use: its slots, what is waited for and signalled, and the end of it.

The engine allocates and the renderer imports, so that a renderer that is killed leaves nothing behind; and an engine
that is killed leaves its memory to the import, which `close` lets go of.
"""

from __future__ import annotations

import hmac
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from bridge.errors import DeviceError, DeviceMismatch, DeviceTimeout, HandleRefused, InvalidValue
from bridge.handles import LUID_DIGITS, SEMAPHORES, SIGNALS, Handed, check, check_handles
from bridge.planes import BYTES_PER_PIXEL, check_agreed
from bridge.schema import Frame, HandleKind, Limits, PlaneName, Welcome
from renderer.cuda import Gpu, Mark, Memory, Timeline
from renderer.cuda.driver import noted
from renderer.cuda.planes import DevicePlane

PATIENCE_MS = 500  # that enqueued work waits for an engine's semaphore


class Enqueued(NamedTuple):
    """A frame that the GPU may still wait for."""

    frame_id: int
    ready_value: int
    mark: Mark  # right after the wait: a slow model is not an engine that does not signal
    since_ns: int


class Share:
    """Owns the imports. Used from the render loop's thread."""

    def __init__(self, gpu: Gpu, handed: Handed, welcome: Welcome, limits: Limits) -> None:
        """Takes the handles out of `handed`. Raises DeviceMismatch, HandleRefused, LimitExceeded,
        InvalidValue, and DeviceFailed when the driver refuses; then nothing is held."""
        offer = handed.offer
        check_against(gpu, handed, welcome, limits)
        self.generation, self.slot_count = offer.generation, offer.slot_count
        self._gpu, self._offer = gpu, offer
        self._undo: list[Callable[[], None]] = []
        self._enqueued: deque[Enqueued] = deque()
        self._done_value = 0
        self._memory: Memory
        self._ready: Timeline | None = None
        self._done: Timeline | None = None
        try:
            self._take(handed)
        except DeviceError:
            self._release()
            raise

    def _take(self, handed: Handed) -> None:
        offer = handed.offer
        if offer.semaphores == SIGNALS:
            words = self._gpu.take_words(handed.take(-1))
            self._undo += [words.close, words.let_go]  # the last thing that the engine is told
            self._ready, self._done = words.ready, words.done
        handle = offer.token if offer.kind is HandleKind.CUDA_IPC else handed.take()
        self._memory = self._gpu.take_memory(offer.kind, handle, offer.memory_bytes, dedicated=offer.dedicated)
        self._undo.append(self._memory.close)
        if offer.semaphores == SEMAPHORES:
            self._ready = self._gpu.take_timeline(offer.kind, handed.take())
            self._undo.append(self._ready.close)
            self._done = self._gpu.take_timeline(offer.kind, handed.take())
            self._undo.append(self._done.close)

    def planes(self, header: Frame) -> tuple[dict[PlaneName, DevicePlane], dict[PlaneName, DevicePlane]]:
        """Inputs and outputs of a frame's slot. Raises InvalidValue for one of another hand-over, or without a slot."""
        if header.generation != self.generation or header.slot >= self.slot_count:
            raise InvalidValue(
                f"Frame {header.id} names slot {header.slot} of hand-over {header.generation}; this is"
                f" {self.generation} with {self.slot_count}",
                fix="Hand the buffers over before their first frame.",
            )
        if (header.ready_value > 0) != (self._ready is not None):
            raise InvalidValue(
                f"Frame {header.id} says ready_value {header.ready_value}, and semaphores were"
                f" {'' if self._ready else 'not '}handed over",
                fix="Say a value above 0 with semaphores, and 0 without.",
            )
        start = self._memory.address + header.slot * self._offer.slot_bytes
        found = [
            {layout.name: DevicePlane(start + layout.offset_bytes, layout, self._memory) for layout in layouts}
            for layouts in (self._offer.planes, self._offer.outputs)
        ]
        return found[0], found[1]

    def begin(self, header: Frame) -> None:
        """What is enqueued from now on waits until the engine has written the planes."""
        if self._ready is not None:
            self._ready.wait(header.ready_value)
            mark, now_ns = self._gpu.mark(), time.monotonic_ns()
            self._enqueued.append(Enqueued(header.id, header.ready_value, mark, now_ns))

    def finish(self, header: Frame) -> int:
        """The plate is enqueued: the value of `done` that says that it is whole; 0, and it is whole, without one."""
        self._gpu.counters.frames += 1
        if self._done is None:
            self._gpu.wait()
            return 0
        self._done_value += 1
        self._done.signal(self._done_value)
        return self._done_value

    def watch(self, now_ns: int) -> None:
        """Looks, without waiting, whether the GPU goes on. Raises DeviceTimeout when it waits in vain for the engine,
        DeviceFailed when its work failed; the hand-over is then of no more use."""
        while self._enqueued and self._enqueued[0].mark.passed():
            self._enqueued.popleft().mark.close()
        if self._enqueued and now_ns - self._enqueued[0].since_ns > PATIENCE_MS * 1_000_000:
            first = self._enqueued[0]
            raise DeviceTimeout(
                f"the semaphore `ready` did not reach {first.ready_value}, which frame {first.frame_id} waits for,"
                f" within {PATIENCE_MS} ms",
                fix="Signal it in the submission that writes the planes; say HELLO again without `cuda` meanwhile.",
            )

    def close(self) -> None:
        """Frees what waits in vain, waits for the GPU, and lets go: memory last. A second time does nothing."""
        if not self._undo:
            return
        with noted():
            if self._enqueued and self._ready is not None and not self._enqueued[-1].mark.passed():
                self._ready.free(self._enqueued[-1].ready_value)
        with noted():
            self._gpu.wait()
        for enqueued in self._enqueued:
            with noted():
                enqueued.mark.close()
        self._enqueued.clear()
        self._release()

    def _release(self) -> None:
        while self._undo:
            with noted():
                self._undo.pop()()


def check_against(gpu: Gpu, handed: Handed, welcome: Welcome, limits: Limits) -> None:
    """Refuses what was not agreed. Raises DeviceMismatch, HandleRefused, LimitExceeded, InvalidValue."""
    offer = handed.offer
    if not hmac.compare_digest(offer.session, welcome.session):
        raise HandleRefused("the packet is of another session", fix="Use the session of WELCOME.")
    check_device(offer.device, gpu)
    check_handles(handed)
    check(offer, limits)
    check_agreed(offer.planes, welcome.planes)
    check_agreed(offer.outputs, welcome.outputs)
    for layout in (*offer.planes, *offer.outputs):
        pixel = BYTES_PER_PIXEL[layout.format]
        if layout.row_pitch_bytes % pixel:
            raise HandleRefused(
                f"the plane `{layout.name}` has a row pitch of {layout.row_pitch_bytes} bytes",
                fix=f"Use a multiple of {pixel}: a GPU reads whole pixels where they are aligned.",
            )


def check_device(device: str, gpu: Gpu) -> None:
    """By UUID, or by LUID as engines on D3D12 know it. Raises DeviceMismatch: memory of one GPU has no meaning on
    another."""
    by_luid = len(device) == LUID_DIGITS
    if by_luid and not gpu.luid:
        raise DeviceMismatch(
            f"the engine names its GPU by the LUID {device}, and the renderer's system has none",
            fix="Name it by its UUID, 32 hex digits.",
        )
    if device != (mine := gpu.luid if by_luid else gpu.uuid):
        raise DeviceMismatch(
            f"the engine's planes are on GPU {device or 'unknown'}, and the renderer's is {mine} ({gpu.name})",
            fix="Run both on one GPU: CUDA_VISIBLE_DEVICES chooses the renderer's.",
        )
