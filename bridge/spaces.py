"""Every engine's own numbers to canonical ones and back: positions, quaternions, depth, motion, normals, projections.

Canonical space is DESIGN §4: right-handed, +Y up, the camera looks down -Z, metres, quaternions x,y,z,w, uv with v
down, depth = linear view Z. Plugins do this on their GPU; these functions are the reference they are held to, and what
Python clients use. `GOLDEN` has one frame in every engine's numbers.

Arrays carry their components last and may have any leading axes; results are float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import InvalidValue
from bridge.schema import Camera, Mat4, Pose, Vec2, Vec3

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """An engine's world axes and unit. Row k of `axes` is the canonical axis k written in the engine's axes; cameras
    and bodies keep their local axes in the same convention, so orientations change by the same rule."""

    name: str
    axes: tuple[Vec3, Vec3, Vec3]
    metres_per_unit: float = 1.0


# Sources: Unity manual `Camera.cameraToWorldMatrix`; RenderStream-Unity and RenderStream-UE; Unreal
# `TextureShareCoreContainers`; Godot `core/math/projection.cpp`; OpenTrackIO specification; AirSim `VectorMath.hpp`.
GODOT = Space("godot", ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
UNITY = Space("unity", ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0)))
RENDERSTREAM = Space("renderstream", UNITY.axes)
UNREAL = Space("unreal", ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)), 0.01)
CARLA = Space("carla", UNREAL.axes)
OPENTRACKIO = Space("opentrackio", ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)))
AIRSIM = Space("airsim", ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0), (-1.0, 0.0, 0.0)))  # NED


def position_from(space: Space, position: ArrayLike) -> F64:
    """Canonical position in metres of an engine's [..., 3]."""
    return direction_from(space, position) * space.metres_per_unit


def position_to(space: Space, position_m: ArrayLike) -> F64:
    """An engine's position, in its unit, of a canonical one [..., 3]."""
    return direction_to(space, position_m) / space.metres_per_unit


def direction_from(space: Space, direction: ArrayLike) -> F64:
    """Canonical direction (a normal, a linear velocity per unit) of an engine's [..., 3]; lengths stay."""
    return _apply(np.array(space.axes), direction)


def direction_to(space: Space, direction: ArrayLike) -> F64:
    """The inverse of `direction_from`."""
    return _apply(np.array(space.axes).T, direction)


def quaternion_from(space: Space, quaternion: ArrayLike) -> F64:
    """Canonical orientation of an engine's unit quaternion x,y,z,w [..., 4].

    With M the axes, R' = M R Mᵀ; the vector part of a quaternion is axial, so it turns by M and changes sign with the
    handedness: v' = det(M) M v, w' = w.
    """
    return _turn(np.array(space.axes), quaternion)


def quaternion_to(space: Space, quaternion: ArrayLike) -> F64:
    """The inverse of `quaternion_from`."""
    return _turn(np.array(space.axes).T, quaternion)


def _apply(matrix: F64, vector: ArrayLike) -> F64:
    turned: F64 = np.asarray(vector, np.float64) @ matrix.T
    return turned


def _turn(axes: F64, quaternion: ArrayLike) -> F64:
    q: F64 = np.asarray(quaternion, np.float64)
    handedness = round(float(np.linalg.det(axes)))
    return np.concatenate([_apply(axes, q[..., :3]) * handedness, q[..., 3:]], axis=-1)


def rotate(quaternion: ArrayLike, vector: ArrayLike) -> F64:
    """Vectors [..., 3] turned by unit quaternions x,y,z,w [..., 4]."""
    q, v = np.asarray(quaternion, np.float64), np.asarray(vector, np.float64)
    twice = 2.0 * np.cross(q[..., :3], v)
    turned: F64 = v + q[..., 3:] * twice + np.cross(q[..., :3], twice)
    return turned


def view_from_world(world_from_camera: Pose, position_m: ArrayLike) -> F64:
    """Positions [..., 3] in a camera's own space: x right, y up, z backward, metres."""
    x, y, z, w = world_from_camera.orientation
    return rotate((-x, -y, -z, w), np.asarray(position_m, np.float64) - np.array(world_from_camera.position_m))


class Projected(NamedTuple):
    """Where points fall in a picture."""

    uv: F64  # [..., 2], 0..1 from the left and from the top
    depth_m: F64  # [...], linear view Z


def project(world_from_camera: Pose, projection: Mat4, position_m: ArrayLike) -> Projected:
    """Points [..., 3] through a canonical (OpenGL style) projection. Points behind the camera give a negative depth."""
    view = view_from_world(world_from_camera, position_m)
    clip = np.concatenate([view, np.ones_like(view[..., :1])], axis=-1) @ np.array(projection).reshape(4, 4).T
    ndc = clip[..., :2] / clip[..., 3:]
    return Projected(np.stack([(1.0 + ndc[..., 0]) / 2.0, (1.0 - ndc[..., 1]) / 2.0], axis=-1), -view[..., 2])


def motion_of(camera: Camera, previous_m: ArrayLike, current_m: ArrayLike) -> F64:
    """Canonical motion previous_uv - current_uv [..., 2] of points that were at `previous_m` and are at `current_m`."""
    before = project(camera.previous_world_from_camera, camera.projection, previous_m)
    now = project(camera.world_from_camera, camera.projection, current_m)
    return np.subtract(before.uv, now.uv)


def gl_projection(vertical_fov_deg: float, aspect: float, near_m: float, far_m: float) -> Mat4:
    """The canonical projection: clip_from_view, row-major, acting on columns, z in -1..1 after division. `far_m` may be
    infinite. InvalidValue for an angle or planes that make no pyramid."""
    if not (0.0 < vertical_fov_deg < 180.0 and aspect > 0.0):
        raise InvalidValue(f"a field of view of {vertical_fov_deg:g} degrees at aspect {aspect:g}",
                           fix="Use an angle between 0 and 180 and a positive aspect.")  # fmt: skip
    up = math.tan(math.radians(vertical_fov_deg) / 2.0)
    return gl_frustum(-up * aspect, up * aspect, -up, up, near_m, far_m)


def gl_frustum(left: float, right: float, bottom: float, top: float, near_m: float, far_m: float) -> Mat4:
    """The canonical projection of an off-axis view (an LED wall, an eye); the sides are tangents of view angles, x
    right and y up (glFrustum with near = 1, OpenGL 2.1 §2.11)."""
    if not (left < right and bottom < top and 0.0 < near_m < far_m):
        raise InvalidValue(f"a frustum {left:g}..{right:g}, {bottom:g}..{top:g}, planes {near_m:g}..{far_m:g} m",
                           fix="Use left < right, bottom < top and 0 < near < far.")  # fmt: skip
    ratio = near_m / far_m  # 0 for an infinite far plane
    a, b = -(1.0 + ratio) / (1.0 - ratio), -2.0 * near_m / (1.0 - ratio)
    width, height = right - left, top - bottom
    return (2.0 / width, 0.0, (right + left) / width, 0.0, 0.0, 2.0 / height, (top + bottom) / height, 0.0,
            0.0, 0.0, a, b, 0.0, 0.0, -1.0, 0.0)  # fmt: skip


def depth_from_reversed(device: ArrayLike, near_m: float | F64, far_m: float | F64) -> F64:
    """Linear depth of Unity's (D3D, Vulkan, Metal) and Godot's (4.3+, Forward+ and Mobile) device depth: near is 1, far
    is 0. The cleared value 0 is sky: +inf. n f / (n + d (f - n))."""
    d = np.asarray(device, np.float64)
    return np.where(d > 0.0, near_m * far_m / (near_m + d * (far_m - near_m)), np.inf)


def reversed_from_depth(depth_m: ArrayLike, near_m: float, far_m: float) -> F64:
    """The inverse of `depth_from_reversed`, 0 for +inf."""
    z = np.asarray(depth_m, np.float64)
    return np.where(np.isinf(z), 0.0, near_m * (far_m / z - 1.0) / (far_m - near_m))


def depth_from_infinite(device: ArrayLike, near_m: float | F64) -> F64:
    """Linear depth of Unreal's device depth, near is 1 and infinity is 0: near / d. 0 is sky: +inf. Unreal's near plane
    is in centimetres (10 by default): divide it by 100 first."""
    d = np.asarray(device, np.float64)
    return np.asarray(np.divide(near_m, d, out=np.full(d.shape, np.inf), where=d > 0.0))


def infinite_from_depth(depth_m: ArrayLike, near_m: float) -> F64:
    """The inverse of `depth_from_infinite`, 0 for +inf."""
    return np.divide(near_m, np.asarray(depth_m, np.float64))


def depth_from_gl(device: ArrayLike, near_m: float | F64, far_m: float | F64) -> F64:
    """Linear depth of an OpenGL depth buffer, near is 0 and far is 1 (Unity on GL, Godot's Compatibility renderer). The
    cleared value 1 is sky: +inf."""
    d = np.asarray(device, np.float64)
    return np.where(d < 1.0, near_m * far_m / (far_m - d * (far_m - near_m)), np.inf)


def gl_from_depth(depth_m: ArrayLike, near_m: float, far_m: float) -> F64:
    """The inverse of `depth_from_gl`, 1 for +inf."""
    z = np.asarray(depth_m, np.float64)
    return np.where(np.isinf(z), 1.0, np.divide(far_m * (1.0 - near_m / z), far_m - near_m))


def depth_from_carla(rgb: ArrayLike) -> F64:
    """Linear depth in metres of CARLA's depth image [..., 3], bytes: (R + 256 G + 65536 B) / (2²⁴ - 1) * 1000."""
    red, green, blue = np.moveaxis(np.asarray(rgb, np.float64), -1, 0)
    metres: F64 = (red + 256.0 * green + 65536.0 * blue) * (1000.0 / (2**24 - 1))
    return metres


def motion_from_unity(raw: ArrayLike) -> F64:
    """Canonical motion of Unity's [..., 2], which is current - previous in uv, v down where uv starts at the top (all
    but GL). HDRP writes x > 1 where there is none: NaN."""
    v = np.asarray(raw, np.float64)
    return np.where(v[..., :1] > 1.0, np.nan, -v)


def motion_to_unity(motion: ArrayLike) -> F64:
    """The inverse of `motion_from_unity` where motion is known."""
    return -np.asarray(motion, np.float64)


def motion_from_godot(raw: ArrayLike) -> F64:
    """Canonical motion of Godot's [..., 2], which is the same; (-1, -1), and what is beyond, means not written: NaN."""
    v = np.asarray(raw, np.float64)
    return np.where((v <= -1.0).all(axis=-1, keepdims=True), np.nan, v)


UNREAL_SCALE, UNREAL_ZERO = 0.2495, 32767.0 / 65535.0  # `EncodeVelocityToTexture`, Common.ush, Unreal 5.7


def motion_from_unreal(codes: ArrayLike) -> F64:
    """Canonical motion of Unreal's velocity texture: 16-bit codes 0..65535 [..., 2], square-root encoded, current -
    previous in NDC, y up. (0, 0) means not written: NaN (derive it from depth and the previous clip matrix).

    A linear decode is wrong since UE5: it turns 0.1 px into 11 px at a width of 1280.
    """
    e = np.asarray(codes, np.float64)
    root = (e / 65535.0 - UNREAL_ZERO) / UNREAL_SCALE
    ndc = root * np.abs(root) * 0.5
    return np.where((e == 0.0).all(axis=-1, keepdims=True), np.nan, ndc * (-0.5, 0.5))


def motion_to_unreal(motion: ArrayLike) -> F64:
    """The codes (float64, whole numbers) that Unreal would store for a canonical motion of at most one picture."""
    ndc = np.asarray(motion, np.float64) * (-2.0, 2.0)
    root = np.sign(ndc) * np.sqrt(np.abs(ndc)) * math.sqrt(2.0)
    return np.rint((root * UNREAL_SCALE + UNREAL_ZERO) * 65535.0)


def normal_from_unreal(stored: ArrayLike) -> F64:
    """Canonical unit normal of Unreal's GBufferA [..., 3]: world space * 0.5 + 0.5."""
    return _unit(direction_from(UNREAL, np.asarray(stored, np.float64) * 2.0 - 1.0))


def normal_from_godot(stored: ArrayLike, world_from_camera: Pose) -> F64:
    """Canonical unit normal of the first three channels of Godot's normal-roughness buffer: view space * 0.5 + 0.5."""
    return _unit(rotate(world_from_camera.orientation, np.asarray(stored, np.float64)[..., :3] * 2.0 - 1.0))


def roughness_from_godot(stored_w: ArrayLike) -> F64:
    """Roughness 0..1 of the fourth channel of Godot's normal-roughness buffer, which also flags dynamic objects."""
    w = np.asarray(stored_w, np.float64)
    roughness: F64 = np.where(w <= 0.5, w, 1.0 - w) * (255.0 / 127.0)
    return roughness


def _unit(v: F64) -> F64:
    unit: F64 = v / np.linalg.norm(v, axis=-1, keepdims=True)
    return unit


class EngineNumbers(NamedTuple):
    """The golden frame as one engine has it."""

    space: Space
    point: Vec3
    camera: Vec3
    device_depth: float
    raw_motion: Vec2  # Unreal: NDC velocity; others: as stored


UNITY_NUMBERS = EngineNumbers(UNITY, (1.5, 2.2, 4.0), (1.0, 2.0, -3.0), 0.0132990, (-0.006959, 0.0))
UNREAL_NUMBERS = EngineNumbers(UNREAL, (400.0, 150.0, 220.0), (-300.0, 100.0, 200.0), 0.0142857, (-0.0139183, 0.0))
GODOT_NUMBERS = EngineNumbers(GODOT, (1.5, 2.2, -4.0), (1.0, 2.0, 3.0), 0.0132990, (0.006959, 0.0))


@dataclass(frozen=True)
class Golden:
    """One point in one frame. The camera looks down -Z, now and before."""

    point_m: Vec3 = (1.5, 2.2, -4.0)
    camera_m: Vec3 = (1.0, 2.0, 3.0)
    previous_camera_m: Vec3 = (0.9, 2.0, 3.0)
    vertical_fov_deg: float = 60.0
    aspect: float = 16.0 / 9.0
    near_m: float = 0.1
    far_m: float = 100.0
    depth_m: float = 7.0
    uv: Vec2 = (0.534796, 0.475256)
    previous_uv: Vec2 = (0.541755, 0.475256)
    motion: Vec2 = (0.006959, 0.0)
    motion_px_at_1920: float = 13.36
    gl_ndc_z: float = 0.973402
    unity: EngineNumbers = UNITY_NUMBERS
    unreal: EngineNumbers = UNREAL_NUMBERS
    godot: EngineNumbers = GODOT_NUMBERS
    unreal_codes: tuple[int, int] = (30039, 32767)
    unreal_decoded_u: float = 0.0069589


GOLDEN = Golden()
