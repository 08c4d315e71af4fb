"""A frame as multi-part OpenEXR, scene-linear, by OpenEXR's own Python package.

| part | channels | what |
|---|---|---|
| `beauty` | R G B A half | the composite: plate over engine |
| `plate` | R G B A half | the plate, premultiplied by the matte, as EXR has it |
| `matte` | `Y` half | 1 where the plate shows |
| `depth` | `Z` float | view-space Z in metres, +inf where there is nothing |
| `object` | `id` uint | object ids, 0 where there is nothing |
| `motion` | `backward.u`, `backward.v` float | where the pixel was one frame ago: pixels, u right, v up; NaN unknown |

Each part has timeCode, framesPerSecond, worldToCamera, worldToNDC and the chromaticities of its colour. Matrices act on
row vectors, as Imath's do. A plane that the take lacks has no part. Beauty and plate hold the watermark, in pixels of
the plate alone.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.composite import composite
from bridge.errors import MissingDependency
from bridge.schema import Camera, PlaneName, Timecode
from bridge.spaces import rotate
from bridge.take import TakeFrame
from renderer.exports.color import CHROMATICITIES, INTEROP_IDS, to_acescg
from renderer.exports.pictures import Marking, marked_plate, plane_of
from renderer.exports.timing import timecode_of

try:
    import OpenEXR
except ImportError as error:
    raise MissingDependency(
        f"EXR needs openexr: {error}", fix='Install it with `pip install "worldplate[exports]"`.'
    ) from error

F32 = NDArray[np.float32]
PRIMARIES = tuple(CHROMATICITIES)


@dataclass(frozen=True)
class ExrStyle:
    """What all frames of an export have in common."""

    primaries: str = "acescg"
    rate: Fraction = Fraction(25)
    software: str = ""
    take: str = ""
    marking: Marking | None = None


def exr_bytes(frame: TakeFrame, style: ExrStyle) -> bytes:
    """The file's bytes, equal for equal frames. Raises MissingPlane without color or plate."""
    header = attributes(frame, style)
    parts = [
        OpenEXR.Part(dict(header) | _colour_of(name, style), channels, name)
        for name, channels in channels_of(frame, style).items()
    ]
    buffer = io.BytesIO()
    with OpenEXR.File(parts) as file:
        file.write(buffer)
    return buffer.getvalue()


def channels_of(frame: TakeFrame, style: ExrStyle) -> dict[str, dict[str, NDArray[Any]]]:
    """Part -> channel -> pixels."""
    plate = marked_plate(frame, style.marking)
    beauty = composite(np.asarray(plane_of(frame, PlaneName.COLOR), np.float32), plate)
    matte = plate[..., 3:]
    parts: dict[str, dict[str, NDArray[Any]]] = {
        "beauty": {"RGBA": _half(beauty, style)},
        "plate": {"RGBA": _half(np.concatenate([plate[..., :3] * matte, matte], axis=-1), style)},
        "matte": {"Y": np.ascontiguousarray(matte[..., 0], np.float16)},
    }
    depth_m, ids, motion = (frame.planes.get(n) for n in (PlaneName.DEPTH, PlaneName.OBJECT, PlaneName.MOTION))
    if depth_m is not None:
        parts["depth"] = {"Z": np.ascontiguousarray(depth_m, np.float32)}
    if ids is not None:
        parts["object"] = {"id": np.ascontiguousarray(ids, np.uint32)}
    if motion is not None:
        height, width = motion.shape[:2]
        pixels = np.asarray(motion, np.float32) * np.array([width, -height], np.float32)
        parts["motion"] = {f"backward.{c}": np.ascontiguousarray(pixels[..., n]) for n, c in enumerate("uv")}
    return parts


def attributes(frame: TakeFrame, style: ExrStyle) -> dict[str, Any]:
    camera, timecode = frame.header.camera, timecode_of(frame, style.rate)
    view = view_from_world(camera)
    told = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "timeCode": _timecode(timecode),
        "framesPerSecond": style.rate,
        "worldToCamera": _for_rows(view),
        "worldToNDC": _for_rows(projection_of(camera) @ view),
        "software": style.software,
        "worldplate.take": style.take,
        "worldplate.frame": frame.number,
        "worldplate.timecode": "engine" if frame.header.timecode is not None else "counted from the take's start",
    }
    lens = camera.lens
    optional = {"aperture": lens.f_number, "focus": lens.focus_distance_m,
                "nominalFocalLength": lens.focal_length_mm}  # fmt: skip
    return told | {name: float(value) for name, value in optional.items() if value > 0.0}


def view_from_world(camera: Camera) -> NDArray[np.float64]:
    """camera_from_world [4, 4], acting on column vectors; the camera looks down -Z."""
    pose = camera.world_from_camera
    turned = np.stack([rotate(pose.orientation, axis) for axis in np.eye(3)])  # rows: the camera's axes in the world
    out = np.eye(4)
    out[:3, :3] = turned
    out[:3, 3] = -turned @ np.asarray(pose.position_m)
    return out


def projection_of(camera: Camera) -> NDArray[np.float64]:
    """clip_from_view [4, 4]."""
    return np.asarray(camera.projection, np.float64).reshape(4, 4)


def _for_rows(matrix: NDArray[np.float64]) -> F32:
    """As Imath has it, in rows one after another: the package looks at the memory and not at the strides."""
    return np.ascontiguousarray(matrix.T, np.float32)


def _colour_of(part: str, style: ExrStyle) -> dict[str, Any]:
    if part not in ("beauty", "plate"):
        return {}
    return {"chromaticities": CHROMATICITIES[style.primaries], "colorInteropID": INTEROP_IDS[style.primaries]}


def _half(linear: F32, style: ExrStyle) -> NDArray[np.float16]:
    out = np.array(linear, np.float32, order="C")
    if style.primaries == "acescg":
        out[..., :3] = to_acescg(out[..., :3])
    return np.clip(out, -65504.0, 65504.0).astype(np.float16)


def _timecode(told: Timecode) -> Any:
    fields = (told.hours, told.minutes, told.seconds, told.frames, int(told.drop_frame))
    return OpenEXR.TimeCode(*fields, *[0] * 13)
