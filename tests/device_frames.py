"""Frames whose planes lie where kernels take them: copies, with rows that have gaps, as an engine's have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gpu_stand_in import StandIn
from numpy.typing import NDArray

from bridge.planes import BYTES_PER_PIXEL, PlaneViews
from bridge.schema import ControlValue, Frame, PixelFormat, PlaneLayout, PlaneName
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.planes import DevicePlane

FORMATS = {
    ("f", 2, 4): PixelFormat.RGBA16F, ("f", 4, 4): PixelFormat.RGBA32F, ("f", 2, 2): PixelFormat.RG16F,
    ("f", 4, 2): PixelFormat.RG32F, ("f", 4, 1): PixelFormat.R32F, ("u", 4, 1): PixelFormat.R32UI,
    ("u", 1, 1): PixelFormat.R8UI,
}  # fmt: skip
GAP = 5  # pixels between the rows of a plane


def device_plane(name: PlaneName, plane: NDArray[Any]) -> DevicePlane:
    height, width = plane.shape[:2]
    form = FORMATS[plane.dtype.kind, plane.dtype.itemsize, plane.shape[2] if plane.ndim == 3 else 1]
    held = np.zeros((height, width + GAP, *plane.shape[2:]), plane.dtype)
    held[:, :width] = plane
    assert held.strides[1] == BYTES_PER_PIXEL[form]
    layout = PlaneLayout(
        name=name, format=form, width=width, height=height, row_pitch_bytes=held.strides[0], offset_bytes=0
    )
    return DevicePlane(int(held.__array_interface__["data"][0]), layout, held)


def device_frame(
    gpu: StandIn, header: Frame, planes: PlaneViews, controls: Mapping[str, ControlValue] | None = None
) -> DeviceFrame:
    """A frame of those planes, and a plate of zeros."""
    plate = device_plane(PlaneName.PLATE, np.zeros((*planes[PlaneName.DEPTH].shape, 4), np.float16))
    there = {name: device_plane(name, plane) for name, plane in planes.items()}
    return DeviceFrame(header, there, plate, gpu, dict(controls or {}))


def plate_of(frame: DeviceFrame) -> NDArray[np.float16]:
    """What was written, and nothing beside it."""
    held: Any = frame.plate.owner
    assert not held[:, frame.plate.layout.width :].any()
    return np.asarray(held[:, : frame.plate.layout.width])
