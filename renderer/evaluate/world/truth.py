"""What the engine knows of a frame, and a scripted sequence of frames as one row shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, PlaneName
from renderer.evaluate.image import tone_map
from renderer.evaluate.motion import Way, earlier, way_back

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
LUMA = np.array([0.2126, 0.7152, 0.0722])  # Rec.709, of display values
LEVELS = 255.0  # of 8 bits


@dataclass(frozen=True)
class Truth:
    """One frame of the engine: its time, and the planes, camera and bodies as they are sent. The planes are its own."""

    time_s: float
    planes: PlaneViews
    camera: Camera
    bodies: Bodies

    @cached_property
    def picture(self) -> F32:
        """The engine's own colour as displayed, [H, W, 3] of 0..1."""
        return tone_map(self.planes[PlaneName.COLOR][..., :3])

    @property
    def objects(self) -> NDArray[np.uint32]:
        ids: NDArray[np.uint32] = self.planes[PlaneName.OBJECT]
        return ids

    def at(self, time_s: float) -> Truth:
        """The same state at another time."""
        return replace(self, time_s=time_s)


@dataclass(frozen=True)
class Reel:
    """A sequence of frames, and the pictures [H, W, 3] of 0..1 that a row shows of them."""

    truths: Sequence[Truth]
    shown: Sequence[F32]

    @property
    def engine(self) -> list[F32]:
        return [truth.picture for truth in self.truths]

    @property
    def times_s(self) -> list[float]:
        return [truth.time_s for truth in self.truths]


def luma(picture: F32) -> F64:
    """Brightness [H, W] in levels, 0..255, of a display picture [H, W, 3]."""
    return np.asarray(picture.astype(np.float64) @ LUMA * LEVELS)


def change(picture: F32, other: F32) -> F64:
    """Mean absolute change [H, W] of the three channels, in levels."""
    return np.asarray(np.abs(picture.astype(np.float64) - other).mean(axis=-1) * LEVELS)


def way_between(now: Truth, then: Truth) -> Way:
    """Where what each pixel of a frame shows was in another frame of the same world, by the poses of camera and bodies
    and by depth, and whether it was in view there. Both frames must have the same bodies."""
    camera = msgspec.structs.replace(now.camera, previous_world_from_camera=then.camera.world_from_camera)
    bodies = msgspec.structs.replace(now.bodies, previous_poses=then.bodies.poses)
    uv, _ = earlier(camera, bodies, now.planes)
    height, width = now.objects.shape
    own = np.stack(np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height), axis=-1)
    return way_back({**now.planes, PlaneName.MOTION: uv - own}, camera, bodies, then.planes)


def grown(mask: Mask, by_px: int) -> Mask:
    """True within `by_px` pixels, in a square, of where the mask is."""
    out = mask.copy()
    for axis in (0, 1):
        line = np.moveaxis(out, axis, 0)
        source = line.copy()
        for step in range(1, by_px + 1):
            line[step:] |= source[:-step]
            line[:-step] |= source[step:]
    return out


def box_mean(values: F64, radius: int) -> F64:
    """Means [H, W, ...] over squares of 2 radius + 1 pixels; beyond the border the edge's value goes on."""
    out = values
    for axis in (0, 1):
        wide = np.pad(out, [(radius, radius) if k == axis else (0, 0) for k in range(out.ndim)], mode="edge")
        sums = np.cumsum(np.insert(wide, 0, 0.0, axis=axis), axis=axis)
        length, window = out.shape[axis], 2 * radius + 1
        later = np.take(sums, range(window, window + length), axis=axis)
        out = (later - np.take(sums, range(length), axis=axis)) / window
    return np.asarray(out)
