"""A frame of a take as a picture: the composite that was to be seen, the plate alone, or the engine's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bridge.composite import composite
from bridge.errors import MissingPlane
from bridge.planes import Plane
from bridge.schema import PlaneName
from bridge.take import TakeFrame
from renderer.provenance.watermark import mark, mark_linear

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
T = TypeVar("T", bound=np.generic)
Shown = Callable[[NDArray[np.floating]], F32]  # a View, or its table
PICTURES = ("composite", "plate", "engine")


@dataclass(frozen=True)
class Marking:
    """What plates are marked with. The key is a secret."""

    key: bytes
    payload: int

    def __repr__(self) -> str:
        return f"Marking(payload={self.payload:08x})"


def plane_of(frame: TakeFrame, name: PlaneName) -> Plane:
    """Raises MissingPlane for one that the take does not have."""
    plane = frame.outputs.get(name, frame.planes.get(name))
    if plane is None:
        raise MissingPlane(
            f"frame {frame.number} of the take has no plane '{name}'", fix="Choose another --picture or --to."
        )
    return plane


def plate_of(frame: TakeFrame) -> F32:
    """The plate [H, W, 4], straight alpha; what is not finite is the engine's, as `composite` has it."""
    plate = np.array(plane_of(frame, PlaneName.PLATE), np.float32)
    plate[~np.isfinite(plate).all(axis=-1)] = 0.0
    plate[..., 3] = np.clip(plate[..., 3], 0.0, 1.0)
    return plate


def linear_of(frame: TakeFrame, picture: str) -> F32:
    """Scene-linear Rec.709 [H, W, 4]: `composite`, `plate` (straight alpha) or `engine`, unmarked."""
    if picture == "plate":
        return plate_of(frame)
    color = np.asarray(plane_of(frame, PlaneName.COLOR), np.float32)
    return color if picture == "engine" else composite(color, plate_of(frame))


def display_of(frame: TakeFrame, picture: str, view: Shown, marking: Marking | None, *, even: bool = False) -> U8:
    """Display values [H, W, 3], of a plate with its matte [H, W, 4]. Where a pixel is the plate's, it is marked as far
    as it is; the engine's own stay as they are. With `even`, an odd side gets its last row or column twice."""
    linear = linear_of(frame, picture)
    shown = np.asarray(view(linear[..., :3]) * 255.0 + 0.5, np.uint8)
    matte = None if picture == "engine" else plate_of(frame)[..., 3]
    if even:
        shown, matte = _even(shown), None if matte is None else _even(matte)
    if marking is not None and matte is not None:
        shown = mark(shown, marking.key, marking.payload, None if matte.min() >= 1.0 else matte)
    if picture == "plate" and matte is not None and not even:
        return np.dstack([shown, np.asarray(matte * 255.0 + 0.5, np.uint8)])
    return shown


def marked_plate(frame: TakeFrame, marking: Marking | None) -> F32:
    """The scene-linear plate [H, W, 4], straight alpha, marked in its colour."""
    plate = plate_of(frame)
    return plate if marking is None else mark_linear(plate, marking.key, marking.payload)


def _even(image: NDArray[T]) -> NDArray[T]:
    rows, columns = (side % 2 for side in image.shape[:2])
    if not (rows or columns):
        return image
    return np.pad(image, ((0, rows), (0, columns)) + ((0, 0),) * (image.ndim - 2), mode="edge")
