"""Values that a type cannot say: finite, in order, invertible, of the length that their count needs.

Every check raises InvalidValue or LimitExceeded with the field's name, the value and what would be right. A FRAME is
checked for every frame, so its checks first ask one question of a whole array, and look for the culprit only then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue, LimitExceeded
from bridge.schema import (
    AnyMessage,
    Bodies,
    Camera,
    Control,
    ControlType,
    ControlValue,
    Frame,
    Hello,
    Limits,
    PlaneLayout,
    Planes,
    Pose,
    Result,
    SetControls,
    Status,
    Welcome,
)

LARGEST = 1e15  # of a real number on the wire; beyond it products of four overflow float32, and nothing is that far
LEAST_VOLUME = 1e-12  # of the box that a projection's rows span, each made unit length; 2 near / far at the least
UNIT_TOLERANCE = 1e-3  # of a quaternion's length
LONGEST_NAME = 64
_F4, _F8 = np.dtype("<f4"), np.dtype("<f8")
_FINITE = f"Send finite numbers up to {LARGEST:g}."
_BODY_BYTES = {"ids": 4, "labels": 1, "poses": 56, "previous_poses": 56, "velocities": 24}
_CONTACT_BYTES = {"contact_ids": 8, "contact_points": 16}


def check_values(message: AnyMessage, limits: Limits) -> None:
    """Check what the types leave open; messages without such values pass."""
    match message:
        case Frame():
            _check_frame(message, limits)
        case Result():
            _check_result(message, limits)
        case Hello():
            _check_side("width", message.width, limits)
            _check_side("height", message.height, limits)
            _check_once("plane", [offer.name for offer in message.planes])
        case Welcome():
            _check_welcome(message, limits)
        case Planes():
            _check_ring(message, limits)
        case SetControls():
            check_controls(message.values, limits)
            _check_depth_range(message)
        case Status():
            _check_finite("plates_per_s", (message.plates_per_s,))
            _check_finite("frame_age_ms", tuple(message.frame_age_ms.values()))


def _check_frame(frame: Frame, limits: Limits) -> None:
    if frame.id < 1:
        raise InvalidValue(f"id is {frame.id}", fix="Number the frames of a stream from 1.")
    check_camera(frame.camera)
    check_bodies(frame.bodies, limits)
    if frame.controls:
        check_controls(frame.controls, limits)
    _check_layouts(frame.planes, limits)


def _check_result(result: Result, limits: Limits) -> None:
    if result.camera is not None:
        check_camera(result.camera)
    _check_layouts(result.outputs, limits)
    _check_finite("age_ms", (result.age_ms,))
    _check_finite("stages_ms", tuple(result.stages_ms.values()))


def _check_welcome(welcome: Welcome, limits: Limits) -> None:
    _check_layouts((*welcome.planes, *welcome.outputs), limits)
    _check_finite("response_window_ms", (welcome.response_window_ms,))
    if len(welcome.controls) > limits.max_controls:
        raise LimitExceeded("the number of controls", len(welcome.controls), limits.max_controls, "max_controls")
    _check_once("control", [control.name for control in welcome.controls])
    for control in welcome.controls:
        _check_control(control, limits)


def _check_control(control: Control, limits: Limits) -> None:
    check_controls({control.name: control.default}, limits)
    _check_finite(f"control '{control.name}'", (control.minimum, control.maximum, control.step))
    if control.minimum > control.maximum:
        raise InvalidValue(
            f"control '{control.name}' goes from {control.minimum:g} to {control.maximum:g}",
            fix="Send minimum <= maximum.",
        )
    if control.type is ControlType.CHOICE and control.default not in control.choices:
        raise InvalidValue(f"the default of control '{control.name}' is none of its choices", fix="Send one of them.")


def _check_depth_range(message: SetControls) -> None:
    """Metres, 0 <= near <= far, +inf for no limit, null for unchanged."""
    near, far = message.plate_near_m, message.plate_far_m
    for name, value in (("plate_near_m", near), ("plate_far_m", far)):
        if value is not None and not value >= 0.0:  # NaN fails the comparison too
            raise InvalidValue(f"{name} is {value:g}", fix="Send metres, 0 or more; +inf means no limit.")
    if near is not None and far is not None and near > far:
        raise InvalidValue(f"plate_near_m is {near:g} and plate_far_m {far:g}", fix="Send near <= far, in metres.")


def check_camera(camera: Camera) -> None:
    """Raises InvalidValue unless poses are finite and unit, the projection invertible and 0 < near < far."""
    _check_pose("camera.world_from_camera", camera.world_from_camera)
    _check_pose("camera.previous_world_from_camera", camera.previous_world_from_camera)
    _check_finite("camera.jitter_px", camera.jitter_px)
    _check_projection(camera.projection)
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


def _check_pose(name: str, pose: Pose) -> None:
    _check_finite(f"{name}.position_m", pose.position_m)
    length = math.hypot(*pose.orientation)
    if not abs(length - 1.0) <= UNIT_TOLERANCE:  # also for NaN
        raise InvalidValue(f"{name}.orientation is of length {length:g}", fix="Send a unit quaternion x,y,z,w.")


def _check_projection(m: Sequence[float]) -> None:
    """Not singular, whatever its scale: an orthographic view of ten kilometres has a determinant of 1e-13."""
    _check_finite("camera.projection", m)
    determinant = _determinant(m)
    rows = math.hypot(*m[:4]) * math.hypot(*m[4:8]) * math.hypot(*m[8:12]) * math.hypot(*m[12:])
    if not abs(determinant) > LEAST_VOLUME * rows:
        raise InvalidValue(
            f"camera.projection is singular (determinant {determinant:g})", fix="Send clip_from_view, row-major."
        )


def _determinant(m: Sequence[float]) -> float:
    """Of a 4x4 row-major matrix, by 2x2 minors of its upper and lower halves (Laplace)."""
    a0, a1, a2 = m[0] * m[5] - m[1] * m[4], m[0] * m[6] - m[2] * m[4], m[0] * m[7] - m[3] * m[4]
    a3, a4, a5 = m[1] * m[6] - m[2] * m[5], m[1] * m[7] - m[3] * m[5], m[2] * m[7] - m[3] * m[6]
    b0, b1, b2 = m[8] * m[13] - m[9] * m[12], m[8] * m[14] - m[10] * m[12], m[8] * m[15] - m[11] * m[12]
    b3, b4, b5 = m[9] * m[14] - m[10] * m[13], m[9] * m[15] - m[11] * m[13], m[10] * m[15] - m[11] * m[14]
    return a0 * b5 - a1 * b4 + a2 * b3 + a3 * b2 - a4 * b1 + a5 * b0


def check_bodies(bodies: Bodies, limits: Limits) -> None:
    """Raises LimitExceeded over max_objects, InvalidValue for a blob of a wrong length, an id twice or 0, or NaN."""
    for name, count in (("bodies.count", bodies.count), ("bodies.contact_count", bodies.contact_count)):
        if count > limits.max_objects:
            raise LimitExceeded(name, count, limits.max_objects, "max_objects")
    _check_lengths(bodies, _BODY_BYTES, bodies.count)
    _check_lengths(bodies, _CONTACT_BYTES, bodies.contact_count)
    if bodies.count:
        ids = set(memoryview(bodies.ids).cast("I"))  # in the order of this machine's bytes: only equality matters
        if len(ids) != bodies.count or 0 in ids:
            wrong = "the id 0, which means no object" if 0 in ids else "an id twice"
            raise InvalidValue(f"bodies.ids has {wrong}", fix="Give every rigid body an id of its own, from 1.")
        _check_poses(bodies)
        _check_array("velocities", np.frombuffer(bodies.velocities, _F4))
    if bodies.contact_count:
        _check_array("contact_points", np.frombuffer(bodies.contact_points, _F4))


def _check_lengths(bodies: Bodies, sizes: Mapping[str, int], count: int) -> None:
    for name, each in sizes.items():
        length = len(getattr(bodies, name))
        if length != each * count:
            raise InvalidValue(
                f"bodies.{name} has {length} bytes", fix=f"Send {each} bytes for each of the {count}: {each * count}."
            )


def _check_poses(bodies: Bodies) -> None:
    values = np.frombuffer(bodies.poses + bodies.previous_poses, _F8)  # both at once: this runs for every frame
    _check_array("poses and previous_poses", values)
    quaternions = values.reshape(-1, 7)[:, 3:]
    squares = np.einsum("ni,ni->n", quaternions, quaternions)
    least, most = (1.0 - UNIT_TOLERANCE) ** 2, (1.0 + UNIT_TOLERANCE) ** 2
    if not (least <= squares.min() and squares.max() <= most):
        row = int(np.abs(squares - 1.0).argmax())
        name, of = ("previous_poses", row - bodies.count) if row >= bodies.count else ("poses", row)
        raise InvalidValue(
            f"bodies.{name}: the quaternion of row {of} is of length {math.sqrt(squares[row]):g}",
            fix="Send unit quaternions x,y,z,w.",
        )


def _check_array(name: str, values: NDArray[np.floating]) -> None:
    if not (values.min() >= -LARGEST and values.max() <= LARGEST):  # NaN fails the comparison
        at = int(np.argmin(np.abs(values) <= LARGEST))
        raise InvalidValue(f"bodies.{name} has the value {values[at]:g} at {at}", fix=_FINITE)


def check_controls(controls: Mapping[str, ControlValue], limits: Limits) -> None:
    """Raises LimitExceeded for too many or too long, InvalidValue for a name or a number that cannot be."""
    if len(controls) > limits.max_controls:
        raise LimitExceeded("the number of controls", len(controls), limits.max_controls, "max_controls")
    for name, value in controls.items():
        if not 1 <= len(name) <= LONGEST_NAME:
            raise InvalidValue(
                f"a control's name has {len(name)} characters", fix=f"Send 1..{LONGEST_NAME} characters."
            )
        if isinstance(value, str):
            if len(value) > limits.max_text:
                raise LimitExceeded("a control's text in characters", len(value), limits.max_text, "max_text")
        else:
            _check_finite(f"control {name!r}", (value,))


def _check_finite(name: str, values: Sequence[float]) -> None:
    """Each of them; but one question of all comes first, as where their length is fine each of them is."""
    try:
        if math.hypot(*values) <= LARGEST:
            return
    except OverflowError:  # an integer beyond float64
        pass
    for value in values:
        if not abs(value) <= LARGEST:  # NaN fails the comparison
            raise InvalidValue(f"{name} has the value {value:g}", fix=_FINITE)


def _check_ring(message: Planes, limits: Limits) -> None:
    if message.slot_count > limits.max_slots:
        raise LimitExceeded("slot_count", message.slot_count, limits.max_slots, "max_slots")
    if message.segment_bytes > limits.max_shared_bytes:
        raise LimitExceeded("segment_bytes", message.segment_bytes, limits.max_shared_bytes, "max_shared_bytes")
    if message.segment_bytes < 1:
        raise InvalidValue("segment_bytes is 0", fix="Send the size of the shared segment.")
    _check_layouts((*message.planes, *message.outputs), limits)


def _check_layouts(layouts: Sequence[PlaneLayout], limits: Limits) -> None:
    for layout in layouts:
        _check_side(f"{layout.name}.width", layout.width, limits)
        _check_side(f"{layout.name}.height", layout.height, limits)
    _check_once("plane", [layout.name for layout in layouts])


def _check_side(name: str, side: int, limits: Limits) -> None:
    if side < 1:
        raise InvalidValue(f"{name} is {side} px", fix=f"Send 1..{limits.max_side_px} pixels (`max_side_px`).")
    if side > limits.max_side_px:
        raise LimitExceeded(f"{name} in pixels", side, limits.max_side_px, "max_side_px")


def _check_once(what: str, names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(f"{what} '{twice}' is there twice", fix="Send each once.")
