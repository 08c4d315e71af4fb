"""What a session on the GPU shows while its model is behind: the newest plates, carried to where the engine is now.

The model then works on the second queue, on planes and into a plate of the renderer's own, and every frame is answered
from the first queue at once, by the session's late policy: bridge/late.py says the same of an engine on the CPU.
Nothing here waits for the GPU: whether a plate is made is looked at when the next frame comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bridge.late import FADE_BACK_FRAMES, STALE_MS, Fade, strength_of, trust_of
from bridge.schema import Disposition, Frame, LatePolicy, PlaneName
from renderer.cuda import Gpu, Memory
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.kernels import KEEP, SOURCES, Keep
from renderer.cuda.planes import DevicePlane
from renderer.cuda.reproject import Laid, reproject
from renderer.frame import Ownership
from renderer.recall import World

WORD, ROW_WORDS = 16, 4096  # of KEEP: bytes that a thread copies, threads in a row
PLATE_ALIGNMENT = 256  # bytes


@dataclass(frozen=True, eq=False)
class Kept:
    """A frame in memory of the renderer's own, and the plate that is made of it."""

    memory: Memory
    frame: DeviceFrame
    world: World
    epoch: int  # of the world


class Shown(NamedTuple):
    """What a late frame shows."""

    disposition: Disposition
    reason: str
    oldest_ns: int  # capture time of the oldest engine state that the picture may be made of


class Plates:
    """One stream's newest plates. Owns GPU memory for SOURCES of them and one in the making, taken with the first and
    kept until `close`; the GPU must have come to rest by then."""

    def __init__(self, gpu: Gpu, policy: LatePolicy, stale_ms: float = STALE_MS) -> None:
        self._gpu, self._policy, self._stale_ms = gpu, policy, stale_ms
        self._kept: list[Kept] = []  # newest first
        self._spare: list[Memory] = []
        self._making: Kept | None = None
        self._late = 0  # frames since the newest came
        self._fade = Fade(0, 0)

    def keep(self, frame: DeviceFrame, world: World) -> DeviceFrame:
        """Enqueues a copy of the frame's planes, for a model that is to work on them aside; gives the copy, with a
        plate of its own."""
        start = min(plane.address for plane in frame.planes.values())
        words = -(-(max(_end(plane) for plane in frame.planes.values()) - start) // WORD)
        plate_at = -(-words * WORD // PLATE_ALIGNMENT) * PLATE_ALIGNMENT
        plate_bytes = frame.plate.layout.row_pitch_bytes * frame.plate.layout.height
        memory = self._spare.pop() if self._spare else self._gpu.allocate(plate_at + plate_bytes)
        arguments = Keep(source=start, target=memory.address, words=words, width=ROW_WORDS)
        self._gpu.run(KEEP, arguments, ROW_WORDS, -(-words // ROW_WORDS))
        planes = {
            name: DevicePlane(memory.address + plane.address - start, plane.layout, memory)
            for name, plane in frame.planes.items()
        }
        plate = DevicePlane(memory.address + plate_at, frame.plate.layout, memory)
        copied = DeviceFrame(frame.header, planes, plate, self._gpu, frame.controls)
        self._making = Kept(memory, copied, world, world.epoch)
        return copied

    def made(self) -> None:
        """The plate of what was kept last is there."""
        kept, self._making = self._making, None
        if kept is None:
            return
        before = self._kept[0] if self._kept else None
        if before is not None and self._policy is LatePolicy.REPROJECT and self._late > 1 and not self._fade.left:
            self._fade = Fade(before.frame.header.id, min(FADE_BACK_FRAMES, self._late - 1))
        self._kept.insert(0, kept)
        self._let_go(self._kept[SOURCES:])
        self._late = 0

    def failed(self) -> None:
        """The plate of what was kept last will not be."""
        if self._making is not None:
            self._spare.append(self._making.memory)
            self._making = None

    def forget(self) -> None:
        """Nothing of what was made so far is shown any more."""
        self._let_go(self._kept)
        self._late, self._fade = 0, Fade(0, 0)

    def show(self, frame: DeviceFrame, world: World, ownership: Ownership, why: str) -> Shown:
        """Enqueues what the frame's plate shows of the newest plates; an empty plate, which is the engine's own
        picture, where they say nothing."""
        if any(kept.world is not world or kept.epoch != world.epoch for kept in self._kept):
            self.forget()  # one from before a reset: so are all that are older, and none is newer
        header, strength = frame.header, 0.0
        fresh = [kept for kept in self._kept if self._age_ms(kept, header) <= self._stale_ms]
        reason = why if self._kept else f"{why}; no plate since the last reset to reproject"
        if fresh:
            self._late += 1
            strength = strength_of(self._policy, self._age_ms(fresh[0], header), self._stale_ms, self._late)
            reason = why if strength > 0.0 else f"{why}; faded out"
        elif self._kept:
            reason = f"{why}; the last plate is of {self._age_ms(self._kept[0], header):.0f} ms ago, over stale_ms"
        share = self._fade.step() if strength > 0.0 else 0.0
        if share and not any(map(self._fades_from, fresh)):
            strength *= 1 - share  # it was the engine's own picture that was shown before
        laid = [self._lay(kept, header, share) for kept in fresh] if strength > 0.0 else []
        reproject(frame, laid, ownership, strength)
        if not laid:
            return Shown(Disposition.PASSTHROUGH, reason, header.capture_ns)
        return Shown(Disposition.REPROJECTED, reason, min(each.header.capture_ns for each in laid))

    def close(self) -> None:
        """Lets go of the memory. A second time does nothing."""
        self.failed()
        self.forget()
        while self._spare:
            self._spare.pop().close()

    def _lay(self, kept: Kept, header: Frame, share: float) -> Laid:
        """`share` is what the plate that was shown before still has."""
        source = kept.frame
        trust = trust_of(self._age_ms(kept, header), self._stale_ms)
        return Laid(source.header, source.planes, source.plate, share if self._fades_from(kept) else 0.0, trust)

    def _fades_from(self, kept: Kept) -> bool:
        return kept.frame.header.id == self._fade.from_id

    def _let_go(self, unwanted: Sequence[Kept]) -> None:
        self._spare += [kept.memory for kept in unwanted]
        self._kept = [kept for kept in self._kept if kept not in unwanted]

    @staticmethod
    def _age_ms(kept: Kept, header: Frame) -> float:
        return (header.capture_ns - kept.frame.header.capture_ns) / 1e6


def _end(plane: DevicePlane) -> int:
    return plane.address + plane.layout.row_pitch_bytes * plane.layout.height


def can_reproject(policy: LatePolicy, planes: frozenset[PlaneName]) -> bool:
    """Whether late frames show plates of frames before."""
    return policy in (LatePolicy.REPROJECT, LatePolicy.FADE) and PlaneName.DEPTH in planes
