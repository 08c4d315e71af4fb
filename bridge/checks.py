"""Values that a type cannot say: finite, in order, invertible, of the length that their count needs.

Every check raises InvalidValue or LimitExceeded with the field's name, the value and what would be right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bridge.errors import InvalidValue, LimitExceeded
from bridge.schema import (
    AnyMessage,
    Bodies,
    Camera,
    ControlValue,
    Frame,
    Hello,
    Limits,
    PlaneLayout,
    Planes,
    Pose,
    Result,
    SetControls,
    Welcome,
)

LEAST_DETERMINANT = 1e-12  # of a projection; a real one has about 2 f^2 n / f >= 1e-6
UNIT_TOLERANCE = 1e-3
_BODY_BYTES = {"ids": 4, "labels": 1, "poses": 56, "previous_poses": 56, "velocities": 24}
_CONTACT_BYTES = {"contact_ids": 8, "contact_points": 16}


def check_values(message: AnyMessage, limits: Limits) -> None:
    """Check what the types leave open; messages without such values pass."""
    if isinstance(message, Frame):
        check_camera(message.camera)
        check_bodies(message.bodies, limits)
        check_controls(message.controls, limits)
        _check_layouts(message.planes, limits)
    elif isinstance(message, Hello):
        _check_side("width", message.width, limits)
        _check_side("height", message.height, limits)
        _check_once("plane", [offer.name for offer in message.planes])
    elif isinstance(message, SetControls):
        check_controls(message.values, limits)
        for name in ("plate_near_m", "plate_far_m"):
            value = getattr(message, name)
            if value is not None and not value >= 0.0:  # +inf is "no limit"; NaN fails the comparison
                raise InvalidValue(f"{name} is {value}", fix="Send metres, 0 or more; +inf means no limit.")
    elif isinstance(message, Planes):
        _check_ring(message, limits)
    elif isinstance(message, Welcome):
        _check_layouts((*message.planes, *message.outputs), limits)
    elif isinstance(message, Result):
        if message.camera is not None:
            check_camera(message.camera)
        _check_layouts(message.outputs, limits)
        _check_finite("age_ms", (message.age_ms, *message.stages_ms.values()))


def check_camera(camera: Camera) -> None:
    """Raises InvalidValue unless poses are finite and unit, the projection invertible and 0 < near < far."""
    _check_pose("camera.world_from_camera", camera.world_from_camera)
    _check_pose("camera.previous_world_from_camera", camera.previous_world_from_camera)
    _check_finite("camera.projection", camera.projection)
    _check_finite("camera.jitter_px", camera.jitter_px)
    determinant = _determinant(camera.projection)
    if not abs(determinant) > LEAST_DETERMINANT:
        raise InvalidValue(
            f"camera.projection is singular (determinant {determinant:g})", fix="Send clip_from_view, row-major."
        )
    if not (0.0 < camera.near_m < math.inf and camera.near_m < camera.far_m):
        raise InvalidValue(
            f"camera.near_m is {camera.near_m:g} and camera.far_m {camera.far_m:g}",
            fix="Send 0 < near < far, in metres.",
        )
    lens = camera.lens
    sizes = (lens.focal_length_mm, lens.sensor_width_mm, lens.f_number, lens.focus_distance_m)
    _check_finite("camera.lens", sizes)
    if min(sizes) < 0.0:
        raise InvalidValue(f"camera.lens has the negative value {min(sizes):g}", fix="Send 0 for what is unknown.")


def check_bodies(bodies: Bodies, limits: Limits) -> None:
    """Raises LimitExceeded over max_objects, InvalidValue for a blob of a wrong length, an id twice, or no number."""
    for name, count in (("bodies.count", bodies.count), ("bodies.contact_count", bodies.contact_count)):
        if count > limits.max_objects:
            raise LimitExceeded(name, count, limits.max_objects, "max_objects")
    _check_lengths(bodies, _BODY_BYTES, bodies.count)
    _check_lengths(bodies, _CONTACT_BYTES, bodies.contact_count)
    if bodies.count:
        ids = bodies.ids
        if len({ids[i : i + 4] for i in range(0, len(ids), 4)}) != bodies.count:
            raise InvalidValue("bodies.ids has an id twice", fix="Give every rigid body an id of its own.")
        for name in ("poses", "previous_poses"):
            _check_poses(name, getattr(bodies, name))
        _check_array("velocities", bodies.velocities, "<f4")
    if bodies.contact_count:
        _check_array("contact_points", bodies.contact_points, "<f4")


def check_controls(controls: Mapping[str, ControlValue], limits: Limits) -> None:
    """Raises LimitExceeded for too many or too long, InvalidValue for a number that is not finite."""
    if len(controls) > limits.max_controls:
        raise LimitExceeded("the number of controls", len(controls), limits.max_controls, "max_controls")
    for name, value in controls.items():
        if len(name) > 64 or (isinstance(value, str) and len(value) > limits.max_text):
            longest = max(len(name), len(value) if isinstance(value, str) else 0)
            raise LimitExceeded("a control's text in characters", longest, limits.max_text, "max_text")
        if isinstance(value, float) and not math.isfinite(value):
            raise InvalidValue(f"control '{name}' is {value}", fix="Send a finite number.")


def _check_lengths(bodies: Bodies, sizes: Mapping[str, int], count: int) -> None:
    for name, each in sizes.items():
        length = len(getattr(bodies, name))
        if length != each * count:
            raise InvalidValue(
                f"bodies.{name} has {length} bytes", fix=f"Send {each} bytes for each of the {count}: {each * count}."
            )


def _check_poses(name: str, blob: bytes) -> None:
    rows = _check_array(name, blob, "<f8").reshape(-1, 7)
    lengths = np.abs(np.sqrt(np.einsum("ni,ni->n", rows[:, 3:], rows[:, 3:])) - 1.0)
    if float(lengths.max()) > UNIT_TOLERANCE:
        raise InvalidValue(
            f"bodies.{name}: the quaternion of row {int(lengths.argmax())} is off unit length by {lengths.max():g}",
            fix="Send unit quaternions x,y,z,w.",
        )


def _check_array(name: str, blob: bytes, dtype: str) -> np.ndarray[tuple[int], np.dtype[np.floating]]:
    values: np.ndarray[tuple[int], np.dtype[np.floating]] = np.frombuffer(blob, dtype)
    # Beyond this a product of two overflows; nothing real is that far away or that fast.
    if not bool((np.abs(values) < 1e18).all()):
        raise InvalidValue(f"bodies.{name} has a value that is no finite number", fix="Send finite numbers below 1e18.")
    return values


def _check_pose(name: str, pose: Pose) -> None:
    _check_finite(f"{name}.position_m", pose.position_m)
    x, y, z, w = pose.orientation
    off = abs(x * x + y * y + z * z + w * w - 1.0)
    if not off <= 2.0 * UNIT_TOLERANCE:  # also false for NaN and inf
        raise InvalidValue(f"{name}.orientation is off unit length", fix="Send a unit quaternion x,y,z,w.")


def _check_finite(name: str, values: Iterable[float]) -> None:
    for value in values:
        if not math.isfinite(value) or abs(value) > 1e18:
            raise InvalidValue(f"{name} has the value {value}", fix="Send finite numbers below 1e18.")


def _determinant(m: Sequence[float]) -> float:
    """Of a 4x4 row-major matrix, by 2x2 minors of its upper and lower halves (Laplace)."""
    a0, a1, a2 = m[0] * m[5] - m[1] * m[4], m[0] * m[6] - m[2] * m[4], m[0] * m[7] - m[3] * m[4]
    a3, a4, a5 = m[1] * m[6] - m[2] * m[5], m[1] * m[7] - m[3] * m[5], m[2] * m[7] - m[3] * m[6]
    b0, b1, b2 = m[8] * m[13] - m[9] * m[12], m[8] * m[14] - m[10] * m[12], m[8] * m[15] - m[11] * m[12]
    b3, b4, b5 = m[9] * m[14] - m[10] * m[13], m[9] * m[15] - m[11] * m[13], m[10] * m[15] - m[11] * m[14]
    return a0 * b5 - a1 * b4 + a2 * b3 + a3 * b2 - a4 * b1 + a5 * b0


def _check_ring(message: Planes, limits: Limits) -> None:
    if message.slot_count > limits.max_slots:
        raise LimitExceeded("slot_count", message.slot_count, limits.max_slots, "max_slots")
    if not 0 < message.segment_bytes <= limits.max_shared_bytes:
        raise LimitExceeded("segment_bytes", message.segment_bytes, limits.max_shared_bytes, "max_shared_bytes")
    _check_layouts((*message.planes, *message.outputs), limits)


def _check_layouts(layouts: Sequence[PlaneLayout], limits: Limits) -> None:
    for layout in layouts:
        _check_side(f"{layout.name}.width", layout.width, limits)
        _check_side(f"{layout.name}.height", layout.height, limits)
    _check_once("plane", [layout.name for layout in layouts])


def _check_side(name: str, side: int, limits: Limits) -> None:
    if side < 1:
        raise InvalidValue(f"{name} is {side} px", fix="Send planes of at least 1x1 pixels.")
    if side > limits.max_side_px:
        raise LimitExceeded(f"{name} in pixels", side, limits.max_side_px, "max_side_px")


def _check_once(what: str, names: Sequence[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValue(f"{what} '{twice[0]}' is there twice", fix="Send each once.")
