"""Frames on their way, as the engine keeps them: where their pixels are, and what has become of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bridge.errors import LimitExceeded
from bridge.inline import InlineEngineBuffers
from bridge.planes import EngineBuffers, PlaneViews, Slot, pack_layouts, payload_bytes, place, views
from bridge.reproject import View
from bridge.ring_header import segment_bytes
from bridge.schema import Bodies, Camera, Limits, PixelFormat, PlaneLayout, PlaneName, Result, Welcome

# Planes that the engine's side needs itself, for its own picture and for reprojection, whatever the model wants.
OWN_PLANES = frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.MOTION})


class Pool:
    """The slots of one renderer's buffers, each with room for the planes that only the engine's side needs."""

    def __init__(
        self,
        buffers: EngineBuffers,
        slot_count: int,
        agreed: tuple[PlaneLayout, ...],
        offered: Mapping[PlaneName, tuple[PixelFormat, ...]],
        width: int,
        height: int,
    ) -> None:
        self.buffers = buffers
        self.slot_count = slot_count
        sent = {layout.name for layout in agreed}
        own = {name: formats[0] for name, formats in offered.items() if name in OWN_PLANES - sent}
        self._own_layouts = pack_layouts(own, width, height)
        self._own: dict[int, PlaneViews] = {}

    def begin(self, frame_id: int) -> Slot:
        """A free slot with all planes to write. Raises RingFull."""
        slot = self.buffers.begin(frame_id)
        if slot.on_device:  # who renders there composites there
            return slot
        if slot.index not in self._own:
            memory = np.zeros(payload_bytes(self._own_layouts), np.uint8)
            self._own[slot.index] = views(memory, self._own_layouts, writeable=True)
        return Slot(slot.index, frame_id, {**slot.inputs, **self._own[slot.index]})


def private_pool(
    offered: Mapping[PlaneName, tuple[PixelFormat, ...]], width: int, height: int, slot_count: int
) -> Pool:
    """Somewhere to write while there is no renderer."""
    layouts = pack_layouts({name: formats[0] for name, formats in offered.items()}, width, height)
    limits = Limits(max_side_px=max(width, height), max_frame_bytes=payload_bytes(layouts))
    return Pool(InlineEngineBuffers(layouts, (), slot_count, limits), slot_count, layouts, offered, width, height)


def slots_for(slot_count: int, welcome: Welcome) -> int:
    """Slots of a ring, `slot_count` of them for a model that makes one plate at a time.

    One that makes several has as many in its hands while as many wait. With fewer slots than that, which is what the
    renderer's limits may leave, the oldest that wait give theirs up. Raises LimitExceeded when not even `slot_count`
    of them are allowed.
    """
    limits = welcome.limits
    if slot_count > limits.max_slots:
        raise LimitExceeded("slots", slot_count, limits.max_slots, "max_slots")
    each = segment_bytes(1, payload_bytes(place((*welcome.planes, *welcome.outputs), 0)))
    wanted = slot_count + 2 * (welcome.chunk_frames - 1)
    return max(slot_count, min(wanted, limits.max_slots, limits.max_shared_bytes // each))


@dataclass
class Flight:
    """A submitted frame, from submit until its slot is free again."""

    frame_id: int
    epoch: int  # counts resets: nothing of one epoch may be shown in another
    pool: Pool
    slot: Slot
    camera: Camera
    bodies: Bodies
    capture_ns: int
    submitted_ns: int
    stream: str = "main"
    lost: str = ""  # why no plate will come; empty while one may
    result: Result | None = None  # once the plate is there, or the renderer passed the frame through
    oldest_capture_ns: int = 0  # of the engine states that the plate is made of, once it is there
    plate: PlaneViews = field(default_factory=dict)
    resolved: bool = False  # it has its disposition

    @property
    def finished(self) -> bool:
        return self.result is not None

    @property
    def answered(self) -> bool:
        """Nobody is going to write a plate into the slot any more."""
        return self.finished or bool(self.lost)

    @property
    def plate_whole(self) -> bool:
        return self.pool.buffers.plate_whole(self.slot.index, self.frame_id)

    def view(self) -> View | None:
        """For reprojection; None without a depth plane that the CPU sees."""
        planes = self.slot.inputs
        if PlaneName.DEPTH not in planes or self.slot.on_device:
            return None
        return View(
            self.frame_id,
            self.camera,
            self.bodies,
            planes[PlaneName.DEPTH],
            planes.get(PlaneName.OBJECT),
            planes.get(PlaneName.MOTION),
        )

    def release(self) -> None:
        self.pool.buffers.release(self.slot.index)
