"""Mistakes in single planes: depth, normals, motion, ids, labels, materials, and how planes are laid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bridge.schema import Label, PlaneName
from bridge.spaces import (
    OPENTRACKIO,
    UNREAL,
    depth_from_gl,
    depth_from_infinite,
    depth_from_reversed,
    direction_from,
)
from renderer.conformance.measures.geometry import places
from renderer.conformance.readings import Reading, Shots, every, from_next, on_plane, with_planes
from renderer.conformance.shot import F64, BodyTable, Plane, Shot

DEPTH, NORMAL, MOTION = PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION
OBJECT, LABEL, MATERIAL, ALBEDO, COLOR = (
    PlaneName.OBJECT, PlaneName.LABEL, PlaneName.MATERIAL, PlaneName.ALBEDO, PlaneName.COLOR,
)  # fmt: skip
PLANES = frozenset(PlaneName)


def _depth(says: str, fix: str, change: Callable[[F64, Shot], F64]) -> Reading:
    def guarded(depth: Plane, shot: Shot) -> Plane:
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return change(depth, shot)

    return Reading("depth", f"depth is {says}", fix, frozenset({DEPTH}), on_plane(DEPTH, guarded))


DEPTHS = (
    _depth("in centimetres", "divide it by 100 (Unreal: WorldToMeters)", lambda d, _: d / 100.0),
    _depth("in millimetres", "divide it by 1000", lambda d, _: d / 1000.0),
    _depth("not linear view-space Z: it looks like reversed device depth (near 1, far 0)",
           "n f / (n + d (f - n)) in the shader: bridge.spaces.depth_from_reversed; 0 is +inf",
           lambda d, s: depth_from_reversed(d, s.near_m, s.far_m)),
    _depth("not linear view-space Z: it looks like reversed device depth with an infinite far plane",
           "near / d, with near in metres: bridge.spaces.depth_from_infinite; 0 is +inf",
           lambda d, s: depth_from_infinite(d, s.near_m)),
    _depth("not linear view-space Z: it looks like an OpenGL depth buffer (near 0, far 1)",
           "n f / (f - d (f - n)): bridge.spaces.depth_from_gl; 1 is +inf",
           lambda d, s: depth_from_gl(d, s.near_m, s.far_m)),
    _depth("not linear view-space Z: it looks like OpenGL ndc z (-1 to 1)",
           "take d = (z + 1) / 2 and then bridge.spaces.depth_from_gl",
           lambda d, s: depth_from_gl((d + 1.0) / 2.0, s.near_m, s.far_m)),
    _depth("divided by the far plane (0 to 1)", "multiply it by far; 1 is +inf (Unity: Linear01Depth)",
           lambda d, s: np.where(d < 0.9999, d * s.far_m, np.inf)),
    _depth("the distance along the ray, not view-space Z", "divide it by the length of the ray through (x, y, -1)",
           lambda d, s: d / np.linalg.norm(s.rays, axis=-1)),
    _depth("negative: it is z of the view space, which looks down -Z", "change its sign", lambda d, _: np.abs(d)),
)  # fmt: skip


def _far_away(shot: Shot) -> Shot | None:
    """Depth infinite where no thing is, or on the plateau far away."""
    if not shot.has(DEPTH):
        return None
    depth = shot.planes[DEPTH]
    nothing = (
        shot.planes[OBJECT] == 0 if shot.has(OBJECT) else depth >= np.max(depth, where=np.isfinite(depth), initial=0)
    )
    return with_planes(shot, {DEPTH: np.where(nothing, np.inf, depth)})


SKY = Reading("sky", "depth is finite where there is no geometry", "write +inf there (the cleared value of the buffer)",
              frozenset({DEPTH}), every(_far_away), fitted=True)  # fmt: skip


def _normal(says: str, fix: str, change: Callable[[F64, Shot], F64]) -> Reading:
    def three(normal: Plane, shot: Shot) -> Plane:
        known = np.linalg.norm(normal[..., :3], axis=-1, keepdims=True) > 1e-6
        return np.where(known, change(normal[..., :3], shot), 0.0)

    return Reading("normal", f"normals are {says}", fix, frozenset({NORMAL}), on_plane(NORMAL, three))


def _signed(n: F64) -> F64:
    return n * 2.0 - 1.0


def _to_world(n: F64, shot: Shot) -> F64:
    return n @ shot.now.rotation.T


NORMALS = (
    _normal("in view space", "turn them by world_from_camera's rotation", _to_world),
    _normal("encoded from 0 to 1", "decode them: n * 2 - 1", lambda n, _: _signed(n)),
    _normal("in view space and encoded from 0 to 1",
            "decode them, n * 2 - 1, and turn them by world_from_camera's rotation (bridge.spaces.normal_from_godot)",
            lambda n, s: _to_world(_signed(n), s)),
    _normal("inward", "change their sign", lambda n, _: -n),
    _normal("flipped along x", "change the sign of x", lambda n, _: n * (-1.0, 1.0, 1.0)),
    _normal("flipped along y", "change the sign of y", lambda n, _: n * (1.0, -1.0, 1.0)),
    _normal("flipped along z, as in a left-handed world", "change the sign of z", lambda n, _: n * (1.0, 1.0, -1.0)),
    _normal("flipped along z, as in a left-handed world, and encoded from 0 to 1",
            "decode them, n * 2 - 1, and change the sign of z", lambda n, _: _signed(n) * (1.0, 1.0, -1.0)),
    _normal("in Unreal's axes", "take (y, z, -x): bridge.spaces.UNREAL", lambda n, _: direction_from(UNREAL, n)),
    _normal("in Unreal's axes and encoded from 0 to 1", "decode them: bridge.spaces.normal_from_unreal",
            lambda n, _: direction_from(UNREAL, _signed(n))),
    _normal("in a world whose up is +Z", "take (x, z, -y): bridge.spaces.OPENTRACKIO",
            lambda n, _: direction_from(OPENTRACKIO, n)),
)  # fmt: skip


def _motion(says: str, fix: str, change: Callable[[F64, Shot], F64]) -> Reading:
    return Reading("motion", f"motion: {says}", fix, frozenset({MOTION}), on_plane(MOTION, change))


_SIGNS = {
    (1, 1): ("", ""),
    (-1, -1): ("the sign is flipped (current - previous)", "send previous_uv - current_uv"),
    (1, -1): ("v is flipped", "send previous_uv - current_uv with v down"),
    (-1, 1): ("u is flipped", "send previous_uv - current_uv with u to the right"),
}


def _scaled(unit: str, fix: str, size: Callable[[Shot], F64]) -> list[Reading]:
    """A unit with every sign; the right one of both is no mistake."""
    readings = []
    for signs, (flipped, put_right) in _SIGNS.items():
        says, how = (", and ".join(filter(None, words)) for words in ((unit, flipped), (fix, put_right)))
        if says:
            readings.append(_motion(says, how, lambda m, s, signs=signs: m * signs / size(s)))  # type: ignore[misc]
    return readings


MOTIONS = (
    *_scaled("", "", lambda _: np.ones(2)),
    *_scaled("it is in ndc (twice as long)", "halve it", lambda _: np.full(2, 2.0)),
    *_scaled("it is in pixels", "divide it by the picture's width and height", lambda s: np.array(s.size, np.float64)),
    _motion("its square-root encoding is read as if it were linear",
            "decode it with the engine's own function (DecodeVelocityFromTexture): bridge.spaces.motion_from_unreal",
            lambda m, _: np.sign(m) * m * m),
    _motion("its square-root encoding is read as if it were linear, and the sign is flipped",
            "decode it with the engine's own function, and send previous_uv - current_uv",
            lambda m, _: -np.sign(m) * m * m),
    _motion("the mark (-1, -1) of what was not written is left in",
            "write NaN, or derive it from depth and both cameras: bridge.spaces.motion_from_godot",
            lambda m, _: np.where((m == -1.0).all(axis=-1, keepdims=True), np.nan, m)),
)  # fmt: skip


def _upside_down(names: frozenset[PlaneName]) -> Callable[[Shots], Shots | None]:
    return every(lambda s: with_planes(s, {n: p[::-1] for n, p in s.planes.items() if n in names})
                 if names & s.planes.keys() else None)  # fmt: skip


LAYOUTS = (
    Reading("rows", "the planes are bottom row first", "flip them: the top row comes first", PLANES,
            _upside_down(PLANES)),
    Reading("rows", "the planes are mirrored left to right", "flip the columns", PLANES,
            every(lambda s: with_planes(s, {n: p[:, ::-1] for n, p in s.planes.items()}))),
    *(
        Reading("rows", f"the {name} plane alone is bottom row first", "flip its rows: the top row comes first",
                frozenset({name}), _upside_down(frozenset({name})))
        for name in (DEPTH, NORMAL, MOTION, OBJECT, LABEL, COLOR, ALBEDO, MATERIAL)
    ),
    Reading("planes in step", "the planes are one frame late: they are of the frame before the header's",
            "send a frame's header with the planes that were drawn from it (keep it until the read-back is there)",
            PLANES, from_next(lambda a, b: replace(a, planes=b.planes))),
    Reading("planes in step", "the motion plane is one frame late",
            "read motion back with the other planes of its frame", frozenset({MOTION}),
            from_next(lambda a, b: with_planes(a, {MOTION: b.planes[MOTION]}) if b.has(MOTION) else a)),
)  # fmt: skip


def _ids_as_before(shots: Shots) -> Shots | None:
    """Ids renamed to those of the first frame, by what is seen again where it was; bodies no longer fit and are left
    out."""
    named = [replace(shot, bodies=_no_bodies(shot)) for shot in shots]
    if not all(shot.has(OBJECT, DEPTH) for shot in named):
        return None
    for n in range(1, len(named)):
        named[n] = with_planes(named[n], {OBJECT: _renamed(named[n], named[n - 1])})
    return named


def _no_bodies(shot: Shot) -> BodyTable:
    table = shot.bodies
    return replace(table, ids=table.ids[:0], poses=table.poses[:0], previous=table.previous[:0],
                   velocities=table.velocities[:0])  # fmt: skip


def _renamed(shot: Shot, before: Shot) -> Plane:
    keep = shot.inside
    row, column, inside = places(before, shot.uv_from(before.now, shot.points_m[keep])[0])
    then = before.planes[OBJECT][np.rint(row).astype(int), np.rint(column).astype(int)][inside]
    votes = Counter(zip(shot.planes[OBJECT][keep][inside].tolist(), then.tolist(), strict=True))
    renamed = shot.planes[OBJECT].copy()
    done: set[int] = set()
    for (now, was), _ in votes.most_common():
        if now not in done:
            done.add(now)
            renamed[shot.planes[OBJECT] == now] = was
    return renamed


def _swapped(shot: Shot) -> Shot | None:
    return with_planes(shot, {MATERIAL: shot.planes[MATERIAL][..., ::-1]}) if shot.has(MATERIAL) else None


def _unlabelled(shots: Shots) -> Shots | None:
    empty = all(shot.has(LABEL) and not (shot.planes[LABEL] > Label.SKY).any() for shot in shots)
    return [replace(shot) for shot in shots] if empty else None


VALUES = (
    Reading("object ids", "object ids are not the same from frame to frame",
            "keep an id for as long as the thing lives; do not number draw calls",
            frozenset({OBJECT, "bodies"}), _ids_as_before,
            frozenset({"motion of bodies", "places of bodies", "one label for one thing"})),
    Reading("labels", "labels are all zero: nothing says what it is",
            "map the engine's tags or layers to Label, or do not offer the plane", frozenset({LABEL}), _unlabelled,
            frozenset({"labels of things", "labels of the known scene"})),
    Reading("material", "material has its channels exchanged (metallic, roughness)", "write roughness, then metallic",
            frozenset({MATERIAL}), every(_swapped)),
    Reading("material", "material has smoothness in place of roughness", "write 1 - smoothness", frozenset({MATERIAL}),
            on_plane(MATERIAL, lambda m, _: np.stack([1.0 - m[..., 0], m[..., 1]], axis=-1))),
)  # fmt: skip

PLANE_READINGS = (*DEPTHS, SKY, *NORMALS, *MOTIONS, *LAYOUTS, *VALUES)
