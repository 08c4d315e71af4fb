"""Plates of frames before, as a frame shows them: what the kernel in reproject.hpp is given.

The GPU's counterpart of bridge/reproject.py, with the matte in the same pass; bridge/reproject_plainly.py is the
reference of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.poses import F64, inverse, matrix_of, moved
from bridge.schema import Frame, PixelFormat, PlaneName
from renderer.cuda.frame import DeviceFrame, blends, tell_owner, tell_place
from renderer.cuda.kernels import BLEND, MOST_BODIES, MOST_OWNED, REPROJECT, SOURCES, PlateSource, Reproject
from renderer.cuda.planes import DevicePlane
from renderer.frame import Ownership

U32 = NDArray[np.uint32]


@dataclass(frozen=True)
class Laid:
    """A plate that is laid onto a frame."""

    header: Frame  # of the frame that it was made for
    planes: dict[PlaneName, DevicePlane]  # that frame's; depth at least
    plate: DevicePlane  # straight alpha, whole: before any matte
    share: float  # 0..1 of a pixel that a newer plate knows
    trust: float  # 0..1, above 0: what its confidence is at most


def reproject(
    frame: DeviceFrame, laid: Sequence[Laid], ownership: Ownership, strength: float,
    confidence: DevicePlane | None = None,
) -> None:  # fmt: skip
    """Enqueues what writes the frame's plate, and its confidence (R16F) where that is wanted. `laid` are SOURCES at
    most, the newest first; without any the plate is empty. The frame has a depth plane."""
    layout = frame.plate.layout
    fits = len(ownership.objects) <= MOST_OWNED
    for arguments in _launches(frame, laid):
        arguments.strength = strength
        tell_owner(arguments, frame, ownership)
        if fits and PlaneName.OBJECT in frame.planes:
            arguments.owned_count = len(ownership.objects)
            arguments.owned[: len(ownership.objects)] = sorted(ownership.objects)
        if confidence is not None:
            tell_place(arguments, "confidence", confidence)
        frame.gpu.run(REPROJECT, arguments, layout.width, layout.height)
    if not fits:
        for blend in blends(frame, ownership):
            frame.gpu.run(BLEND, blend, layout.width, layout.height)


def _launches(frame: DeviceFrame, laid: Sequence[Laid]) -> Iterator[Reproject]:
    """One, and one more for each MOST_BODIES of the bodies that have moved beyond the first ones."""
    assert len(laid) <= SOURCES
    follows = PlaneName.OBJECT in frame.planes
    tracks = [_track(each.header, frame.header, follows) for each in laid]
    ids = sorted({body for still, bodies in tracks for body in bodies})
    for start in range(0, max(len(ids), 1), MOST_BODIES):
        some = ids[start : start + MOST_BODIES]
        arguments = _target(frame)
        arguments.source_count, arguments.body_count = len(laid), len(some)
        arguments.listed_alone = int(start > 0)
        arguments.ids[: len(some)] = some
        for at, (each, (still, bodies)) in enumerate(zip(laid, tracks, strict=True)):
            arguments.sources[at] = _source(each, frame)
            places = np.ctypeslib.as_array(arguments.bodies)[at]
            places[MOST_BODIES] = still
            for place, body in enumerate(some):
                places[place] = bodies.get(body, still)
        yield arguments


def _track(source: Frame, target: Frame, follows: bool) -> tuple[F64, dict[int, F64]]:
    """Three rows of four each, flat: source_camera_from_target_camera of what stands still, and of each body that has
    moved; NaN for one that was not there."""
    now = matrix_of(target.camera.world_from_camera)
    back = inverse(matrix_of(source.camera.world_from_camera))
    ids, then_from_now = moved(source.bodies, target.bodies)
    bodies = (back @ then_from_now @ now)[:, :3].reshape(-1, 12)
    return (back @ now)[:3].ravel(), dict(zip(ids.tolist(), bodies, strict=True)) if follows else {}


def _source(laid: Laid, frame: DeviceFrame) -> PlateSource:
    camera, source = laid.header.camera, PlateSource(share=laid.share, trust=laid.trust)
    tell_place(source, "plate", laid.plate)
    tell_place(source, "depth", laid.planes[PlaneName.DEPTH])
    if PlaneName.OBJECT in laid.planes and PlaneName.OBJECT in frame.planes:
        tell_place(source, "object", laid.planes[PlaneName.OBJECT])
    source.projection[:], source.jitter_px[:] = camera.projection, camera.jitter_px
    by_motion = PlaneName.MOTION in frame.planes and PlaneName.OBJECT not in frame.planes
    source.by_motion = int(by_motion and laid.header.id + 1 == frame.header.id)
    return source


def _target(frame: DeviceFrame) -> Reproject:
    layout, camera = frame.plate.layout, frame.header.camera
    arguments = Reproject(width=layout.width, height=layout.height)
    tell_place(arguments, "plate", frame.plate)
    for name in (PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.LABEL, PlaneName.MOTION):
        if name in frame.planes:
            tell_place(arguments, name, frame.planes[name])
    arguments.motion_is_float = int(
        PlaneName.MOTION in frame.planes and frame.planes[PlaneName.MOTION].layout.format is PixelFormat.RG32F
    )
    arguments.projection[:], arguments.jitter_px[:] = camera.projection, camera.jitter_px
    return arguments
