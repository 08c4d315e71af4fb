"""limn's network as an engine: which shapes it takes, and how an engine's plates are held to torch's.

The planes that it is held on are the show's own, of a few frames some way apart, copied as they come in.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, PlaneName
from renderer.evaluate.image import psnr_db, tone_map
from renderer.models.limn.features import CHANNELS, TOLD, WIDEST_TRUNK, factor_of
from renderer.models.limn.light import Light
from renderer.models.limn.network import STRIDE
from renderer.runtimes import F32, Runtime
from renderer.runtimes.engines import Profile, Shapes

if TYPE_CHECKING:
    from renderer.models.limn.model import Canvas

USUAL, LARGEST = (1280, 720), (3840, 2160)  # pictures that an engine is made for, width and height
FRAMES, APART = 3, 10  # that are recorded, and how many lie from one to the next

Paint = Callable[[int, int, Runtime], "Canvas"]


def shapes_of(width: int, height: int) -> Shapes:
    """The network's inputs for a picture of that size, as `Canvas.inputs` has them."""
    factor = factor_of(width)
    rows, columns = (-(-side // (STRIDE * factor)) * STRIDE for side in (height, width))
    return {
        "x": (1, rows * factor, columns * factor, CHANNELS), "low": (1, rows, columns, CHANNELS), "told": (1, TOLD),
    }  # fmt: skip


def profile() -> Profile:
    """Pictures up to LARGEST, upright ones of as many columns as LARGEST has rows; larger ones stay with torch."""
    sizes = ((1, 1), LARGEST, (WIDEST_TRUNK, WIDEST_TRUNK))
    return Profile.over((shapes_of(*size) for size in sizes), shapes_of(*USUAL))


class Recorded(NamedTuple):
    """A frame as limn took it in."""

    planes: PlaneViews
    camera: Camera
    bodies: Bodies
    light: Light


class Held:
    """Records what a show's frames are made of, and holds a runtime's plates of them to another's.

    `record` is for the frames' thread, `likeness_db` for another, `close` for any."""

    def __init__(self, reference: Callable[[], Runtime], canvas: Paint) -> None:
        """`reference` makes the runtime that is right, in fp32; `canvas` a canvas of a size on a runtime."""
        self._reference, self._canvas = reference, canvas
        self._recorded: list[Recorded] = []
        self._seen = 0
        self._ready, self._closed = threading.Event(), False

    def record(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> None:
        """Keep a copy when one is due."""
        if self._ready.is_set():
            return
        if self._seen % APART == 0:
            copies = {name: np.array(plane) for name, plane in planes.items()}
            self._recorded.append(Recorded(copies, camera, bodies, light))
        self._seen += 1
        if len(self._recorded) == FRAMES:
            self._ready.set()

    def likeness_db(self, runtime: Runtime) -> float:
        self._ready.wait()
        worst_db, reference = np.inf, self._reference()
        for frame in self._recorded:
            ours = self._shown(frame, runtime)
            near_db = psnr_db(ours, self._shown(frame, reference)) if np.isfinite(ours).all() else -np.inf
            worst_db = min(worst_db, near_db)
            if self._closed:
                break
        return float("nan") if self._closed else float(worst_db)

    def close(self) -> None:
        self._closed = True
        self._ready.set()
        self._recorded.clear()

    def _shown(self, frame: Recorded, runtime: Runtime) -> F32:
        """The plate on the display; all NaN where it is not finite."""
        height, width = frame.planes[PlaneName.DEPTH].shape
        canvas = self._canvas(width, height, runtime)
        canvas.see(*frame)
        canvas.network()
        picture = canvas.plate(frame.light, 1.0)[..., :3]
        return tone_map(picture) if np.isfinite(picture).all() else np.full_like(picture, np.nan)
