"""Arrays as planes on a device that is the CPU: rows a gap apart, so that a wrong pitch shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from gpu_stand_in import StandIn
from numpy.typing import NDArray

from bridge.planes import BYTES_PER_PIXEL, view
from bridge.schema import Frame, PixelFormat, PlaneLayout, PlaneName
from renderer.cuda.frame import DeviceFrame
from renderer.cuda.planes import DevicePlane

GAP_PX = 3
FORMATS = {
    PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F, PlaneName.OBJECT: PixelFormat.R32UI,
    PlaneName.LABEL: PixelFormat.R8UI, PlaneName.MOTION: PixelFormat.RG32F, PlaneName.PLATE: PixelFormat.RGBA16F,
    PlaneName.CONFIDENCE: PixelFormat.R16F,
}  # fmt: skip


def plane_of(name: PlaneName, array: NDArray[Any], form: PixelFormat | None = None) -> DevicePlane:
    """A copy of [H, W] or [H, W, C]; what owns it is the whole memory."""
    form, (height, width) = form or FORMATS[name], array.shape[:2]
    pitch = (width + GAP_PX) * BYTES_PER_PIXEL[form]
    layout = PlaneLayout(name=name, format=form, width=width, height=height, row_pitch_bytes=pitch, offset_bytes=0)
    memory = np.full(pitch * height + 64, 0x7F, np.uint8)
    view(memory, layout, writeable=True)[...] = array
    return DevicePlane(int(memory.__array_interface__["data"][0]), layout, memory)


def array_of(plane: DevicePlane) -> NDArray[Any]:
    """What is in it now."""
    assert isinstance(plane.owner, np.ndarray)
    return view(plane.owner, plane.layout, writeable=False)


def frame_on(gpu: StandIn, header: Frame, arrays: dict[PlaneName, NDArray[Any]]) -> DeviceFrame:
    """With a plate that holds what nobody has cleared."""
    height, width = next(iter(arrays.values())).shape[:2]
    planes = {name: plane_of(name, array) for name, array in arrays.items()}
    plate = plane_of(PlaneName.PLATE, np.full((height, width, 4), 7, np.float16))
    return DeviceFrame(header, planes, plate, gpu, {})
