"""Mistakes that engines make, to be planted into good frames: what the kit is tried with.

Written from the engine's side, and not as inverses of the readings that find them: what a plugin would send that forgot
a conversion. Half floats are rounded again after each, as they would be in the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bridge.schema import PlaneName
from bridge.spaces import (
    OPENTRACKIO,
    UNITY,
    UNREAL,
    Space,
    direction_to,
    gl_from_depth,
    infinite_from_depth,
    motion_to_unreal,
    position_to,
    quaternion_to,
    reversed_from_depth,
)
from renderer.conformance.readings.colour import filmic, reinhard, srgb_of_linear
from renderer.conformance.shot import F64, Plane, Shot, Stand

COLOR, DEPTH, NORMAL, MOTION = PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION
ALBEDO, MATERIAL, OBJECT, LABEL = PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.OBJECT, PlaneName.LABEL
Frames = Sequence[Shot]
Plant = Callable[[Frames], list[Shot]]
CENTIMETRES = np.array([100.0, 100.0, 100.0, 1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Planted:
    """A mistake, and the beginning of what the kit must say of it."""

    name: str
    says: str
    plant: Plant
    needs_scene: bool = False  # no frame of an unknown scene gives it away


def _each(change: Callable[[Shot], Shot]) -> Plant:
    return lambda frames: [change(frame) for frame in frames]


def _late(change: Callable[[Shot, Shot], Shot]) -> Plant:
    """Each frame (second) with something of the one before (first)."""
    return lambda frames: [change(a, b) for a, b in pairwise(frames)]


def _put(frame: Shot, name: PlaneName, values: Plane) -> Shot:
    if values.dtype.kind == "f":
        with np.errstate(over="ignore"):
            values = values.astype(np.float32 if name is DEPTH else np.float16).astype(np.float64)
    return replace(frame, planes={**frame.planes, name: values})


def _plane(name: PlaneName, change: Callable[[Plane, Shot], Plane]) -> Plant:
    def plant(frame: Shot) -> Shot:
        with np.errstate(divide="ignore", invalid="ignore"):
            return _put(frame, name, change(frame.planes[name], frame))

    return _each(plant)


def _normal(change: Callable[[F64, Shot], F64]) -> Plant:
    """The three components, where there is a surface."""

    def three(plane: Plane, frame: Shot) -> Plane:
        solid = np.linalg.norm(plane[..., :3], axis=-1, keepdims=True) > 0.0
        return np.concatenate([np.where(solid, change(plane[..., :3], frame), 0.0), plane[..., 3:]], axis=-1)

    return _plane(NORMAL, three)


def _rgb(change: Callable[[F64], F64]) -> Plant:
    return _plane(COLOR, lambda c, _: np.concatenate([change(np.maximum(c[..., :3], 0.0)), c[..., 3:]], axis=-1))


def _camera(change: Callable[[Stand], Stand]) -> Plant:
    return _each(lambda frame: replace(frame, now=change(frame.now), before=change(frame.before)))


def _bodies(change: Callable[[F64], F64]) -> Plant:
    return _each(lambda f: replace(f, bodies=replace(f.bodies, poses=change(f.bodies.poses),
                                                     previous=change(f.bodies.previous))))  # fmt: skip


def _velocities(scale: F64) -> Plant:
    return _each(lambda f: replace(f, bodies=replace(f.bodies, velocities=f.bodies.velocities * scale)))


def _projection(change: Callable[[F64, Shot], F64]) -> Plant:
    return _each(lambda frame: replace(frame, projection=change(frame.projection.copy(), frame)))


def _in_turn(*plants: Plant) -> Plant:
    def plant(frames: Frames) -> list[Shot]:
        made = list(frames)
        for each in plants:
            made = each(made)
        return made

    return plant


def _world(space: Space) -> Plant:
    """All that is in world space, in another space's numbers."""
    handedness = np.linalg.det(np.array(space.axes))

    def stand(was: Stand) -> Stand:
        return Stand(position_to(space, was.position_m), quaternion_to(space, was.quaternion))

    def poses(was: F64) -> F64:
        return np.concatenate([position_to(space, was[:, :3]), quaternion_to(space, was[:, 3:])], axis=-1)

    def speeds(frame: Shot) -> Shot:
        v = frame.bodies.velocities
        turned = [position_to(space, v[:, :3]), direction_to(space, v[:, 3:]) * handedness]
        return replace(frame, bodies=replace(frame.bodies, velocities=np.concatenate(turned, axis=-1)))

    return _in_turn(_camera(stand), _bodies(poses), _each(speeds), _normal(lambda n, _: direction_to(space, n)))


def _mirror(axis: int) -> Space:
    rows = -2.0 * np.diag(np.arange(3) == axis) + np.eye(3)
    (a, b, c) = ((float(r[0]), float(r[1]), float(r[2])) for r in rows)
    return Space("mirrored", (a, b, c))


def _flip(axis: int, length: int) -> F64:
    return np.where(np.arange(length) == axis, -1.0, 1.0)


def halton(index: int, base: int) -> float:
    """The jitter sequence of temporal anti-aliasing, 0..1."""
    value, part = 0.0, 1.0
    while index:
        part /= base
        value += part * (index % base)
        index //= base
    return value


def _jitter_px(number: int) -> F64:
    return np.array([halton(number % 8 + 1, 2) - 0.5, halton(number % 8 + 1, 3) - 0.5])


def _jittered_motion(motion: Plane, frame: Shot) -> Plane:
    shake: F64 = (_jitter_px(frame.number - 1) - _jitter_px(frame.number)) / frame.size
    return motion + shake


def _jittered_projection(m: F64, frame: Shot) -> F64:
    m[:2, 2] += 2.0 * _jitter_px(frame.number) / frame.size
    return m


def _exposed(color: Plane, frame: Shot) -> Plane:
    """An eye that adapts: three per cent from frame to frame."""
    gain = 0.6 * 1.03 ** (frame.number % 40)
    seen: Plane = color * np.array([gain, gain, gain, 1.0])
    return seen


def _with_interface(color: Plane, _: Shot) -> Plane:
    """A bar of health with letters beside it, low on the left."""
    height, width = color.shape[:2]
    shown = color.copy()
    bar = shown[int(0.8 * height) : int(0.92 * height), int(0.05 * width) : int(0.4 * width)]
    bar[:] = (0.03, 0.03, 0.05, 1.0)
    bar[2:-2, 2 : bar.shape[1] // 2] = (0.8, 0.05, 0.05, 1.0)
    bar[3:-3, bar.shape[1] // 2 + 2 :: 4] = (0.9, 0.9, 0.9, 1.0)
    return shown


def _shuffled(ids: Plane, frame: Shot) -> Plane:
    """Numbers of draw calls: sorted anew in every frame."""
    kinds, rows = np.unique(ids, return_inverse=True)
    drawn = kinds[kinds > 0]
    renamed = np.concatenate([kinds[kinds == 0], np.random.default_rng(frame.number).permutation(drawn)])
    return renamed[rows].reshape(ids.shape).astype(ids.dtype)


def _square_root(motion: Plane, _: Shot) -> Plane:
    """Unreal's codes, decoded without the square."""
    root: Plane = (motion_to_unreal(motion) / 65535.0 - 32767.0 / 65535.0) / 0.2495
    read: Plane = np.asarray(root * (-0.5, 0.5))
    return read


def _w_first(quaternions: F64) -> F64:
    return quaternions[..., [3, 0, 1, 2]]


def _view_matrix(stand: Stand) -> Stand:
    return Stand(-stand.rotation.T @ stand.position_m, stand.quaternion * (-1.0, -1.0, -1.0, 1.0))


def _focal(x: float, y: float) -> Plant:
    return _projection(lambda m, _: m * np.array([x, y, 1.0, 1.0])[:, None])


def _reversed_projection(m: F64, frame: Shot) -> F64:
    n, f = frame.near_m, frame.far_m
    m[2, 2:] = n / (f - n), n * f / (f - n)
    return m


def _upside_down(frame: Shot) -> Shot:
    return replace(frame, planes={name: plane[::-1] for name, plane in frame.planes.items()})


def _before_last(frames: Frames) -> list[Shot]:
    return [replace(c, before=a.now) for a, c in zip(frames, frames[2:], strict=False)]


_ALL_CENTIMETRES = _in_turn(
    _plane(DEPTH, lambda d, _: d * 100.0), _camera(lambda s: replace(s, position_m=s.position_m * 100.0)),
    _bodies(lambda p: p * np.append((100.0,) * 3, (1.0,) * 4)), _velocities(CENTIMETRES),
    _each(lambda f: replace(f, near_m=f.near_m * 100.0, far_m=f.far_m * 100.0,
                            projection=f.projection * np.where(np.arange(16).reshape(4, 4) == 11, 100.0, 1.0))),
)  # fmt: skip

MISTAKES = (
    Planted("world mirrored along x", "the world is mirrored along x", _world(_mirror(0))),
    Planted("world mirrored along y", "the world is mirrored along y", _world(_mirror(1))),
    Planted("left-handed world", "the world is left-handed", _world(UNITY)),
    Planted("Unreal's world", "the world is Unreal's", _world(UNREAL)),
    Planted("world with +Z up", "the world is right-handed with +Z up", _world(OPENTRACKIO)),
    *(Planted(f"camera position flipped along {name}", f"the camera's position is flipped along {name}",
              _camera(lambda s, n=n: replace(s, position_m=s.position_m * _flip(n, 3))))  # type: ignore[misc]
      for n, name in enumerate("xyz")),
    *(Planted(f"body positions flipped along {name}", f"bodies' positions are flipped along {name}",
              _bodies(lambda p, n=n: p * _flip(n, 7)))  # type: ignore[misc]
      for n, name in enumerate("xyz")),
    Planted("everything in centimetres", "everything is in centimetres", _ALL_CENTIMETRES),
    Planted("depth in centimetres", "depth is in centimetres", _plane(DEPTH, lambda d, _: d * 100.0)),
    Planted("camera in centimetres", "the camera's position is in centimetres",
            _camera(lambda s: replace(s, position_m=s.position_m * 100.0))),
    Planted("bodies in centimetres", "bodies' positions are in centimetres",
            _bodies(lambda p: p * np.append((100.0,) * 3, (1.0,) * 4))),
    Planted("near and far in centimetres", "near and far are in centimetres",
            _each(lambda f: replace(f, near_m=f.near_m * 100.0, far_m=f.far_m * 100.0))),
    Planted("reversed device depth", "depth is not linear view-space Z: it looks like reversed device depth (near",
            _plane(DEPTH, lambda d, f: reversed_from_depth(d, f.near_m, f.far_m))),
    Planted("reversed device depth, infinite far",
            "depth is not linear view-space Z: it looks like reversed device depth with",
            _plane(DEPTH, lambda d, f: infinite_from_depth(d, f.near_m))),
    Planted("OpenGL depth buffer", "depth is not linear view-space Z: it looks like an OpenGL depth buffer",
            _plane(DEPTH, lambda d, f: gl_from_depth(d, f.near_m, f.far_m))),
    Planted("depth divided by far", "depth is divided by the far plane",
            _plane(DEPTH, lambda d, f: np.minimum(d / f.far_m, 1.0))),
    Planted("distance along the ray", "depth is the distance along the ray",
            _plane(DEPTH, lambda d, f: d * np.linalg.norm(f.rays, axis=-1))),
    Planted("negative depth", "depth is negative", _plane(DEPTH, lambda d, _: -d)),
    Planted("finite sky", "depth is finite where there is no geometry",
            _plane(DEPTH, lambda d, f: np.where(np.isinf(d), f.far_m, d))),
    Planted("normals in view space", "normals are in view space", _normal(lambda n, f: n @ f.now.rotation)),
    Planted("normals from 0 to 1", "normals are encoded from 0 to 1", _normal(lambda n, _: n * 0.5 + 0.5)),
    Planted("normals in view space, 0 to 1", "normals are in view space and encoded from 0 to 1",
            _normal(lambda n, f: n @ f.now.rotation * 0.5 + 0.5)),
    Planted("normals inward", "normals are inward", _normal(lambda n, _: -n)),
    *(Planted(f"normals flipped along {name}", f"normals are flipped along {name}",
              _normal(lambda n, _, k=k: n * _flip(k, 3)))  # type: ignore[misc]
      for k, name in enumerate("xyz")),
    Planted("normals in Unreal's axes", "normals are in Unreal's axes", _normal(lambda n, _: direction_to(UNREAL, n))),
    Planted("motion as current - previous", "motion: the sign is flipped", _plane(MOTION, lambda m, _: -m)),
    Planted("motion with v up", "motion: v is flipped", _plane(MOTION, lambda m, _: m * (1.0, -1.0))),
    Planted("motion with u left", "motion: u is flipped", _plane(MOTION, lambda m, _: m * (-1.0, 1.0))),
    Planted("motion in pixels", "motion: it is in pixels", _plane(MOTION, lambda m, f: m * f.size)),
    Planted("Unreal's velocity in ndc", "motion: it is in ndc (twice as long), and u is flipped",
            _plane(MOTION, lambda m, _: m * (-2.0, 2.0))),
    Planted("square-root motion read as linear", "motion: its square-root encoding", _plane(MOTION, _square_root)),
    Planted("jitter left in motion", "jitter is left in the motion", _plane(MOTION, _jittered_motion)),
    Planted("jitter left in the projection", "jitter is left in the projection", _projection(_jittered_projection)),
    Planted("previous pose late", "the previous camera pose is late by one frame", _before_last),
    Planted("previous pose is the pose now", "the previous camera pose is the pose now",
            _each(lambda f: replace(f, before=f.now))),
    Planted("camera pose late", "the camera's pose is one frame late",
            _late(lambda a, b: replace(b, now=a.now, before=a.before))),
    Planted("planes late", "the planes are one frame late", _late(lambda a, b: replace(b, planes=a.planes))),
    Planted("bodies late", "bodies' poses are one frame late", _late(lambda a, b: replace(b, bodies=a.bodies))),
    Planted("previous poses of bodies are those of now", "bodies' previous poses are their poses now",
            _each(lambda f: replace(f, bodies=replace(f.bodies, previous=f.bodies.poses)))),
    Planted("camera quaternion w first", "the camera's quaternion is w,x,y,z",
            _camera(lambda s: replace(s, quaternion=_w_first(s.quaternion)))),
    Planted("body quaternions w first", "bodies' quaternions are w,x,y,z",
            _bodies(lambda p: np.concatenate([p[:, :3], _w_first(p[:, 3:])], axis=-1))),
    Planted("view matrix as the camera's pose", "the camera's pose is camera_from_world", _camera(_view_matrix)),
    Planted("projection transposed", "the projection is transposed", _projection(lambda m, _: m.T)),
    Planted("device projection", "the projection is the device's reversed one (depth",
            _projection(_reversed_projection)),
    Planted("projection upside down", "the projection is upside down",
            _projection(lambda m, _: m * np.array([1.0, -1.0, 1.0, 1.0])[:, None])),
    Planted("wrong field of view", "the field of view", _focal(0.8, 0.8)),
    Planted("wrong aspect", "the aspect", _focal(4.0 / 3.0, 1.0)),
    Planted("rows bottom first", "the planes are bottom row first", _each(_upside_down)),
    Planted("normals bottom row first", "the normal plane alone is bottom row first",
            _plane(NORMAL, lambda p, _: p[::-1])),
    Planted("sRGB colour", "colour is sRGB-encoded", _rgb(srgb_of_linear)),
    Planted("filmic colour", "colour is tone-mapped (a filmic curve)", _rgb(filmic), needs_scene=True),
    Planted("exposure left in", "colour is 2.5 times too bright", _rgb(lambda c: c * 2.5), needs_scene=True),
    Planted("smoothness for roughness", "material has smoothness",
            _plane(MATERIAL, lambda m, _: np.stack([1.0 - m[..., 0], m[..., 1]], axis=-1)), needs_scene=True),
    Planted("filmic and sRGB colour", "colour is tone-mapped (a filmic curve) and sRGB",
            _rgb(lambda c: srgb_of_linear(filmic(c)))),
    Planted("Reinhard and sRGB colour", "colour is tone-mapped (a Reinhard curve) and sRGB",
            _rgb(lambda c: srgb_of_linear(reinhard(c)))),
    Planted("blue first", "colour is blue, green, red", _rgb(lambda c: c[..., ::-1])),
    Planted("colour bottom row first", "the color plane alone is bottom row first", _plane(COLOR, lambda p, _: p[::-1]),
            needs_scene=True),
    Planted("sRGB base colour", "base colour is sRGB-encoded",
            _plane(ALBEDO, lambda a, _: np.concatenate([srgb_of_linear(a[..., :3]), a[..., 3:]], axis=-1))),
    Planted("pre-exposure left in", "an exposure that changes", _plane(COLOR, _exposed)),
    Planted("interface in the colour", "the interface is in the colour", _plane(COLOR, _with_interface)),
    Planted("ids shuffled", "object ids are not the same", _plane(OBJECT, _shuffled)),
    Planted("labels all zero", "labels are all zero", _plane(LABEL, lambda p, _: np.zeros_like(p))),
    Planted("material channels exchanged", "material has its channels exchanged",
            _plane(MATERIAL, lambda m, _: m[..., ::-1])),
    Planted("velocities in centimetres", "linear velocities are in centimetres", _velocities(CENTIMETRES)),
    Planted("spins in degrees", "angular velocities are in degrees",
            _velocities(np.array([1.0, 1.0, 1.0, *(180.0 / np.pi,) * 3]))),
    Planted("capture time in milliseconds", "capture times are in milliseconds",
            _each(lambda f: replace(f, capture_ns=f.capture_ns // 10**6))),
    Planted("capture time in microseconds", "capture times are in microseconds",
            _each(lambda f: replace(f, capture_ns=f.capture_ns // 10**3))),
)  # fmt: skip
