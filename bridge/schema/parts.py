"""What messages are made of: limits, planes, controls, camera, bodies, timecode."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from bridge.schema.values import (
    U32,
    U64,
    ControlType,
    ControlValue,
    Mat4,
    Name,
    PixelFormat,
    PlaneName,
    Quat,
    Side,
    Text,
    Vec2,
    Vec3,
    d,
)


class Limits(Struct, frozen=True, kw_only=True):
    """Hard limits. Each is a setting of the renderer under the same name, and each refusal names it."""

    max_message_bytes: Annotated[int, Meta(ge=1), d("bytes in the header part of one message")] = 1_048_576
    max_parts: Annotated[int, Meta(ge=1), d("parts in one message; the first is the header, the rest are planes")] = 16
    max_depth: Annotated[int, Meta(ge=1), d("nesting of arrays and maps in a header")] = 16
    max_nodes: Annotated[int, Meta(ge=1), d("maps and arrays in a header")] = 1024
    max_objects: Annotated[int, Meta(ge=1), d("rigid bodies, and contacts, in one frame")] = 4096
    max_controls: Annotated[int, Meta(ge=1), d("controls in one message")] = 64
    max_text: Annotated[int, Meta(ge=1), d("characters in a prompt")] = 1024
    max_side_px: Annotated[int, Meta(ge=1), d("width or height of a plane in pixels")] = 8192
    max_frame_bytes: Annotated[int, Meta(ge=1), d("bytes of all planes of one frame")] = 536_870_912
    max_shared_bytes: Annotated[int, Meta(ge=1), d("bytes of shared memory a session may offer")] = 2_147_483_648
    max_slots: Annotated[int, Meta(ge=1), d("slots in one ring")] = 8
    max_sessions: Annotated[int, Meta(ge=1), d("engines at one renderer")] = 8
    max_operators: Annotated[int, Meta(ge=1), d("people's tools at one renderer")] = 8
    max_snapshots: Annotated[int, Meta(ge=1), d("snapshots that are kept")] = 64
    max_snapshot_bytes: Annotated[int, Meta(ge=1), d("bytes of all snapshots that are kept")] = 17_179_869_184
    max_streams: Annotated[int, Meta(ge=1), d("streams in one session")] = 8
    max_requests_per_s: Annotated[int, Meta(ge=1), d("messages per second in one session")] = 1000


class PlaneLayout(Struct, frozen=True, kw_only=True):
    """One plane's place: in a ring's slot, or as the bytes of one message part (then `offset_bytes` is 0)."""

    name: Annotated[PlaneName, d("which plane")]
    format: Annotated[PixelFormat, d("one of those allowed for the plane")]
    width: Annotated[Side, d("pixels, 1..max_side_px")]
    height: Annotated[Side, d("pixels, 1..max_side_px")]
    row_pitch_bytes: Annotated[Side, d("bytes from one row to the next, >= width * bytes per pixel")]
    offset_bytes: Annotated[U64, d("bytes from the start of the slot's payload to the first row; a multiple of 64")] = 0


class PlaneOffer(Struct, frozen=True, kw_only=True):
    """A plane that the engine can give, in the formats it can give it."""

    name: Annotated[PlaneName, d("which plane")]
    formats: Annotated[
        tuple[PixelFormat, ...], Meta(min_length=1, max_length=8), d("in the engine's order of preference")
    ]


class Control(Struct, frozen=True, kw_only=True):
    """One thing a person can turn on a model; editors build their panels from a list of these."""

    name: Annotated[Name, d("key in `controls` and `values`")]
    type: Annotated[ControlType, d("what the editor shows: slider, check box, list, text field")]
    text: Annotated[Text, d("what it does, for a person, in one sentence")]
    default: Annotated[ControlValue, d("until the engine sets it")]
    unit: Annotated[str, Meta(max_length=16), d("'deg', 'm', ...; empty when it has none")] = ""
    minimum: Annotated[float, d("for numbers, in `unit`")] = 0.0
    maximum: Annotated[float, d("for numbers, in `unit`, >= minimum")] = 1.0
    step: Annotated[float, d("for numbers, in `unit`: how far one click of a spinner goes")] = 0.01
    choices: Annotated[tuple[Name, ...], Meta(max_length=64), d("for `choice`, in the order to show them")] = ()


class Pose(Struct, frozen=True, kw_only=True):
    """A rigid transform to world space."""

    position_m: Annotated[Vec3, d("world space, metres, +Y up")] = (0.0, 0.0, 0.0)
    orientation: Annotated[Quat, d("unit quaternion x,y,z,w; world_from_local")] = (0.0, 0.0, 0.0, 1.0)


class Lens(Struct, frozen=True, kw_only=True):
    """What a real lens would read; 0 where unknown."""

    focal_length_mm: Annotated[float, d("millimetres, >= 0")] = 0.0
    sensor_width_mm: Annotated[float, d("millimetres, >= 0")] = 0.0
    f_number: Annotated[float, d("f/ number, >= 0")] = 0.0
    focus_distance_m: Annotated[float, d("metres, >= 0")] = 0.0


class Camera(Struct, frozen=True, kw_only=True):
    """The viewpoint that a frame was rendered from."""

    world_from_camera: Annotated[Pose, d("now; the camera looks down its own -Z, +Y up")]
    previous_world_from_camera: Annotated[Pose, d("at the frame before; equals the pose now after a reset")]
    projection: Annotated[Mat4, d("clip_from_view, row-major, jitter removed, OpenGL style: z in -1..1 after division")]
    jitter_px: Annotated[Vec2, d("sub-pixel jitter this frame was rendered with, pixels, x right, y down")] = (0.0, 0.0)
    near_m: Annotated[float, d("near plane, metres, > 0")] = 0.1
    far_m: Annotated[float, d("far plane, metres, > near; +inf is allowed")] = 1000.0
    lens: Annotated[Lens, d("what a real lens would read")] = Lens()


class Bodies(Struct, frozen=True, kw_only=True):
    """The rigid bodies of a frame, n of them, as little-endian arrays."""

    count: Annotated[U32, d("n, 0..max_objects")] = 0
    ids: Annotated[bytes, d("uint32[n]: object ids as in the object plane, no id twice")] = b""
    labels: Annotated[bytes, d("uint8[n]: values of Label")] = b""
    poses: Annotated[bytes, d("float64[n,7]: world_from_body position x,y,z in metres, quaternion x,y,z,w")] = b""
    previous_poses: Annotated[bytes, d("float64[n,7]: the same at the frame before")] = b""
    velocities: Annotated[bytes, d("float32[n,6]: linear m/s, angular rad/s, world space")] = b""
    contact_count: Annotated[U32, d("m, 0..max_objects")] = 0
    contact_ids: Annotated[bytes, d("uint32[m,2]: the two object ids that touch")] = b""
    contact_points: Annotated[bytes, d("float32[m,4]: world x,y,z in metres and normal force in newtons")] = b""


class Timecode(Struct, frozen=True, kw_only=True):
    """SMPTE 12M timecode with its rational rate."""

    hours: Annotated[int, Meta(ge=0, le=23), d("of the time of day")] = 0
    minutes: Annotated[int, Meta(ge=0, le=59), d("of the hour")] = 0
    seconds: Annotated[int, Meta(ge=0, le=59), d("of the minute")] = 0
    frames: Annotated[int, Meta(ge=0, le=119), d("of the second, below the rate rounded up")] = 0
    drop_frame: Annotated[bool, d("numbers are left out so that 29.97 and 59.94 keep to the clock")] = False
    rate_numerator: Annotated[int, Meta(ge=1, le=240_000), d("frames per second is numerator / denominator")] = 24
    rate_denominator: Annotated[int, Meta(ge=1, le=1001), d("1, or 1001 for 23.976, 29.97 and 59.94")] = 1
