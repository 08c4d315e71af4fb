"""What the memory says of the frame that is about to be painted.

The long memory answers for the view that it was asked about: for this one when it was quick enough, else for an
earlier one, and then its answer is carried here as a late plate is, by depth, pose and bodies. Where it knows nothing,
the plate of the frame before speaks, carried the same way: with less confidence, since that is memory of a moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue
from bridge.reproject import View, lay, nothing_known, source_of
from bridge.schema import Bodies, Camera
from renderer.memory.sight import F32
from renderer.memory.world import Remembered

SHORT_TRUST = 0.5  # of the last plate, where it saw the point
KNOWN = 0.25  # confidence of the long memory below which the short one is asked
ENOUGH = 0.5  # share of the pixels that the long memory knows, from which on the short one is not asked: it costs time


@dataclass(frozen=True)
class Prior:
    """What is remembered of a frame, through every `stride`-th of its pixels, from the first on: [h, w] planes.

    `color` is scene-linear; `confidence` is 0 where nothing is remembered, where the engine's geometry or light is not
    what it was, and under another look; where it is 0 the colour means nothing.
    """

    stride: int
    view: View  # of the frame, at this resolution
    color: F32  # [h, w, 3]
    confidence: F32  # [h, w] 0..1
    _long: Remembered | None
    _short_age_s: float

    @cached_property
    def depth_m(self) -> F32:
        """View-space depth [h, w] of the remembered surface: the engine's own where confidence is above 0, else what
        the long memory has of this very view, 0 where it has nothing."""
        depth = np.where(self.confidence > 0, self.view.depth_m, np.float32(0))
        if self._long is not None and self._long.view is self.view:
            depth = np.where(self.confidence > 0, depth, self._long.depth_m)
        return np.asarray(depth, np.float32)

    @cached_property
    def age_s(self) -> F32:
        """Seconds [h, w] since the place was seen; +inf where nothing is remembered."""
        height, width = self.confidence.shape
        age = np.full((height, width), self._short_age_s, np.float32)
        if self._long is not None:
            told = np.zeros((height, width, 4), np.float16)
            told[..., 0] = np.where(np.isfinite(self._long.age_s), self._long.age_s, 0)
            told[..., 3] = np.isfinite(self._long.age_s)
            carried = nothing_known(height, width)
            lay(source_of(self._long.view, told), self.view, carried)
            age = np.where(carried.plate[..., 3] > 0.5, carried.plate[..., 0], age)
        return np.where(self.confidence > 0, age, np.float32(np.inf)).astype(np.float32)


@dataclass
class ShortMemory:
    """The last plate of a stream, at the memory's resolution."""

    view: View | None = None
    plate: NDArray[np.float16] | None = None  # [h, w, 4]
    capture_ns: int = 0
    look: int = 0

    def keep(self, view: View, plate: NDArray[np.float16], capture_ns: int, look: int) -> None:
        """The view stays with the memory; the plate is copied."""
        self.view, self.plate, self.capture_ns, self.look = view, plate.copy(), capture_ns, look

    def forget(self) -> None:
        self.view = self.plate = None

    def save(self) -> dict[str, NDArray[Any]]:
        """As arrays; none when nothing is remembered."""
        view, plate = self.view, self.plate
        if view is None or plate is None:
            return {}
        told = _Told(view.frame_id, self.capture_ns, self.look, view.camera, view.bodies)
        planes = {"depth_m": view.depth_m, "objects": view.objects, "motion": view.motion, "plate": plate}
        kept = {name: np.asarray(plane) for name, plane in planes.items() if plane is not None}
        return {"told": np.frombuffer(msgspec.json.encode(told), np.uint8), **kept}

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """What `save` gave, in place of what is remembered. Raises InvalidValue for anything else."""
        self.forget()
        if not arrays:
            return
        try:
            told = msgspec.json.decode(arrays["told"].tobytes(), type=_Told)
            view = View(told.frame_id, told.camera, told.bodies, arrays["depth_m"], arrays.get("objects"),
                        arrays.get("motion"))  # fmt: skip
            self.keep(view, arrays["plate"], told.capture_ns, told.look)
        except (KeyError, msgspec.DecodeError) as error:
            raise InvalidValue(
                f"this is no short memory: {error}", fix="Use a snapshot that this version of worldplate made."
            ) from error


class _Told(msgspec.Struct, frozen=True):
    frame_id: int
    capture_ns: int
    look: int
    camera: Camera
    bodies: Bodies


def prior_of(view: View, stride: int, look: int, capture_ns: int, long: Remembered | None, short: ShortMemory) -> Prior:
    """What both memories say of a view, under that look."""
    height, width = view.depth_m.shape
    color: F32 = np.zeros((height, width, 3), np.float32)
    confidence: F32 = np.zeros((height, width), np.float32)
    if long is not None and long.view.depth_m.shape != view.depth_m.shape:  # of another stream
        long = None
    if long is not None and long.view is view:
        confidence = long.source.colors[..., 3].copy()
        weight = np.where(confidence > 0, confidence, np.float32(1))
        color = np.asarray(long.source.colors[..., :3] / weight[..., None], np.float32)
    elif long is not None:
        carried = nothing_known(height, width)
        lay(long.source, view, carried)
        color, confidence = carried.plate[..., :3], carried.plate[..., 3].copy()
    fits = short.view is not None and short.look == look and short.view.depth_m.shape == view.depth_m.shape
    if fits and np.count_nonzero(confidence >= KNOWN) < ENOUGH * confidence.size:
        assert short.view is not None
        assert short.plate is not None
        carried = nothing_known(height, width)
        np.greater_equal(confidence, KNOWN, out=carried.confidence, casting="unsafe")  # these are left out: 1, not 0
        lay(source_of(short.view, short.plate), view, carried, trust=SHORT_TRUST)
        fills = (confidence < KNOWN) & (carried.plate[..., 3] > 0.5)
        np.copyto(color, carried.plate[..., :3], where=fills[..., None])
        np.copyto(confidence, carried.confidence, where=fills)
    age_s = max(0.0, (capture_ns - short.capture_ns) / 1e9)
    return Prior(stride, view, color, confidence, long, age_s)
