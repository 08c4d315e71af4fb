"""The camera of a take as OpenTrackIO samples, one JSON object a line.

OpenTrackIO 1.0.1 by SMPTE's RIS OSVP group (opentrackio.org; names and constraints as in its camdkit): Z up, Y forward,
X right, right-handed, metres; rotation in degrees, intrinsic about Z, X, Y as pan, tilt, roll. Ours is +Y up and the
camera looks down -Z, so a point x, y, z of ours is x, -z, y there.

Lengths that a virtual camera does not have are not made up, but for one: a pinhole's focal length in millimetres needs
a sensor, and where the engine names none it is 36 mm wide; the field of view is the engine's whatever it is.
"""

from __future__ import annotations

import json
import math
import uuid
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.schema import Camera, Frame, Timecode
from bridge.spaces import rotate
from renderer.exports.timing import counted

F64 = NDArray[np.float64]
PROTOCOL = {"name": "OpenTrackIO", "version": [1, 0, 1]}
SENSOR_WIDTH_MM = 36.0
TRACK_FROM_CANONICAL = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
NAMESPACE = uuid.UUID("6f4b1c1e-6d0c-5d55-9c7b-2f9d3d7b8a51")  # of our samples' ids: equal takes give equal ids
UPRIGHT = 1e-9


def sample_line(header: Frame, number: int, *, take: str, take_id: str, created_ns: int, first_ns: int,
                rate: Fraction, size: tuple[int, int]) -> str:  # fmt: skip
    """The sample of frame `number` (from 1) as a line. Times since 1970: the take's start, and the engine's clock."""
    at_s, at_ns = divmod(created_ns + max(0, header.capture_ns - first_ns), 10**9)
    sample = {
        "protocol": PROTOCOL,
        "sampleId": _urn(f"{take_id} {header.stream} {number}"),
        "sourceId": _urn(f"{take_id} {header.stream}"),
        "sourceNumber": 1,
        "static": _static(header.camera, rate, size, header.stream),
        "tracker": {"recording": True, "slate": take, "status": "virtual"},
        "timing": {
            "mode": "internal",
            "sampleRate": _rational(rate),
            "sampleTimestamp": {"seconds": at_s, "nanoseconds": at_ns},
            "sequenceNumber": number,
            "timecode": _timecode(header.timecode or counted(number - 1, rate)),
        },
        "transforms": [_transform(header.camera)],
        "lens": _lens(header.camera),
    }
    return json.dumps(sample, separators=(",", ":"), allow_nan=False)


def angles_deg(rotation: ArrayLike) -> tuple[float, float, float]:
    """Pan, tilt and roll of a rotation [3, 3] = Rz(pan) Rx(tilt) Ry(roll). Straight up or down, roll is 0."""
    r = np.asarray(rotation, np.float64)
    tilt = math.asin(float(np.clip(r[2, 1], -1.0, 1.0)))
    if 1.0 - abs(r[2, 1]) < UPRIGHT:
        pan, roll = math.atan2(r[1, 0], r[0, 0]), 0.0
    else:
        pan, roll = math.atan2(-r[0, 1], r[1, 1]), math.atan2(-r[2, 0], r[2, 2])
    pan_deg, tilt_deg, roll_deg = (math.degrees(a) + 0.0 for a in (pan, tilt, roll))
    return pan_deg, tilt_deg, roll_deg


def _transform(camera: Camera) -> dict[str, Any]:
    pose = camera.world_from_camera
    ours = np.stack([rotate(pose.orientation, axis) for axis in np.eye(3)], axis=1)  # columns: the camera's axes
    turned = TRACK_FROM_CANONICAL @ ours @ TRACK_FROM_CANONICAL.T
    place = TRACK_FROM_CANONICAL @ np.asarray(pose.position_m)
    return {
        "translation": dict(zip("xyz", (float(v) + 0.0 for v in place), strict=True)),
        "rotation": dict(zip(("pan", "tilt", "roll"), angles_deg(turned), strict=True)),
        "id": "Camera",
    }


def _sensor_mm(camera: Camera) -> tuple[float, float]:
    """Width and height; square pixels are not assumed, the projection says how high it is."""
    width_mm = camera.lens.sensor_width_mm or SENSOR_WIDTH_MM
    return width_mm, width_mm * camera.projection[0] / camera.projection[5]


def _lens(camera: Camera) -> dict[str, Any]:
    width_mm, height_mm = _sensor_mm(camera)
    p = camera.projection
    lens: dict[str, Any] = {
        "pinholeFocalLength": p[0] * width_mm / 2.0,
        "projectionOffset": {"x": -p[2] * width_mm / 2.0 + 0.0, "y": -p[6] * height_mm / 2.0 + 0.0},
    }
    if camera.lens.f_number > 0.0:
        lens["fStop"] = camera.lens.f_number
    if camera.lens.focus_distance_m > 0.0:
        lens["focusDistance"] = camera.lens.focus_distance_m
    return lens


def _static(camera: Camera, rate: Fraction, size: tuple[int, int], label: str) -> dict[str, Any]:
    width_mm, height_mm = _sensor_mm(camera)
    told: dict[str, Any] = {
        "camera": {
            "captureFrameRate": _rational(rate),
            "activeSensorPhysicalDimensions": {"height": height_mm, "width": width_mm},
            "activeSensorResolution": {"height": size[1], "width": size[0]},
            "make": "Worldplate",
            "label": label,
        }
    }
    if camera.lens.focal_length_mm > 0.0:
        told["lens"] = {"nominalFocalLength": camera.lens.focal_length_mm}
    return told


def _timecode(told: Timecode) -> dict[str, Any]:
    return {
        "hours": told.hours, "minutes": told.minutes, "seconds": told.seconds, "frames": told.frames,
        "frameRate": {"num": told.rate_numerator, "denom": told.rate_denominator}, "subFrame": 0,
        "dropFrame": told.drop_frame,
    }  # fmt: skip


def _rational(rate: Fraction) -> dict[str, int]:
    return {"num": rate.numerator, "denom": rate.denominator}


def _urn(text: str) -> str:
    return uuid.uuid5(NAMESPACE, text).urn
