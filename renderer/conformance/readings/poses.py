"""Mistakes in headers: axes and units of the world, camera and body poses, projections, clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bridge.schema import PlaneName
from bridge.spaces import OPENTRACKIO, UNITY, UNREAL, Space, direction_from, position_from, quaternion_from
from renderer.conformance.readings import Reading, Shots, Undo, every, from_next, with_planes
from renderer.conformance.shot import F64, Shot, Stand

NORMAL, DEPTH = PlaneName.NORMAL, PlaneName.DEPTH
CAMERA = frozenset({"camera", "previous"})
BODIES = frozenset({"bodies", "velocity"})
MIRROR_X = Space("mirrored in x", ((-1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
MIRROR_Y = Space("mirrored in y", ((1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)))
UNREAL_METRES = Space("unreal, in metres", UNREAL.axes)


def moved(shot: Shot, change: Callable[[Stand], Stand]) -> Shot:
    """Both camera poses."""
    return replace(shot, now=change(shot.now), before=change(shot.before))


def placed(shot: Shot, change: Callable[[F64], F64]) -> Shot:
    """Both poses [n, 7] of every body."""
    bodies = replace(shot.bodies, poses=change(shot.bodies.poses), previous=change(shot.bodies.previous))
    return replace(shot, bodies=bodies)


def from_space(space: Space, *, normals: bool) -> Callable[[Shot], Shot]:
    """A shot whose poses, and with `normals` whose normals, are an engine's own numbers, in canonical ones."""

    def stand(was: Stand) -> Stand:
        return Stand(position_from(space, was.position_m), quaternion_from(space, was.quaternion))

    def poses(was: F64) -> F64:
        return np.concatenate([position_from(space, was[:, :3]), quaternion_from(space, was[:, 3:])], axis=-1)

    def change(shot: Shot) -> Shot:
        read = placed(moved(shot, stand), poses)
        speeds, handedness = shot.bodies.velocities, np.linalg.det(np.array(space.axes))
        turned = [position_from(space, speeds[:, :3]), direction_from(space, speeds[:, 3:]) * handedness]
        read = replace(read, bodies=replace(read.bodies, velocities=np.concatenate(turned, axis=-1)))
        if normals and shot.has(NORMAL):
            return with_planes(read, {NORMAL: direction_from(space, shot.planes[NORMAL][..., :3])})
        return read

    return change


_WORLDS = (
    (MIRROR_X, "mirrored along x", "change the sign of x, and of y and z of quaternions"),
    (MIRROR_Y, "mirrored along y", "change the sign of y, and of x and z of quaternions"),
    (UNITY, "left-handed (mirrored along z, as Unity's)",
     "convert it: (x, y, -z) and quaternions (-x, -y, z, w), bridge.spaces.UNITY"),
    (UNREAL, "Unreal's: left-handed, +Z up, centimetres",
     "convert it: (y, z, -x) / 100 and quaternions (-y, -z, x, w), bridge.spaces.UNREAL"),
    (UNREAL_METRES, "in Unreal's axes (left-handed, +Z up), though in metres",
     "convert it: (y, z, -x) and quaternions (-y, -z, x, w), bridge.spaces.UNREAL"),
    (OPENTRACKIO, "right-handed with +Z up", "convert it: (x, z, -y) and quaternions (x, z, -y, w)"),
)  # fmt: skip
WORLDS = tuple(
    Reading("world axes", f"the world is {says}{'' if normals else ' in its poses (not in its normals)'}", fix,
            CAMERA | BODIES | ({NORMAL} if normals else frozenset()), every(from_space(space, normals=normals)))
    for space, says, fix in _WORLDS
    for normals in (True, False)
)  # fmt: skip


def _metres(shot: Shot) -> Shot:
    """Everything that is a length, from centimetres."""
    read = moved(shot, lambda s: replace(s, position_m=s.position_m / 100.0))
    read = placed(read, lambda p: np.concatenate([p[:, :3] / 100.0, p[:, 3:]], axis=-1))
    speeds = shot.bodies.velocities / (100.0, 100.0, 100.0, 1.0, 1.0, 1.0)
    read = replace(read, bodies=replace(read.bodies, velocities=speeds))
    projection = shot.projection / np.where(np.arange(16).reshape(4, 4) == 11, 100.0, 1.0)
    read = replace(read, near_m=shot.near_m / 100.0, far_m=shot.far_m / 100.0, projection=projection)
    return with_planes(read, {DEPTH: shot.planes[DEPTH] / 100.0}) if shot.has(DEPTH) else read


def _near_far(scale: float) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, near_m=shot.near_m * scale, far_m=shot.far_m * scale)


UNITS = (
    Reading("metres", "everything is in centimetres", "divide positions, velocities, depth, near and far by 100",
            CAMERA | BODIES | {DEPTH, "clip", "projection"}, every(_metres)),
    Reading("camera", "the camera's position is in centimetres", "divide it by 100", CAMERA,
            every(lambda s: moved(s, lambda p: replace(p, position_m=p.position_m / 100.0)))),
    Reading("bodies", "bodies' positions are in centimetres", "divide them by 100", frozenset({"bodies"}),
            every(lambda s: placed(s, lambda p: np.concatenate([p[:, :3] / 100.0, p[:, 3:]], axis=-1)))),
    Reading("near and far", "near and far are in centimetres", "divide them by 100", frozenset({"clip"}),
            every(_near_far(0.01))),
    Reading("body velocities", "linear velocities are in centimetres per second", "divide them by 100",
            frozenset({"velocity"}), every(lambda s: replace(s, bodies=replace(
                s.bodies, velocities=s.bodies.velocities / (100.0, 100.0, 100.0, 1.0, 1.0, 1.0))))),
    Reading("body velocities", "angular velocities are in degrees per second", "convert them to radians",
            frozenset({"velocity"}), every(lambda s: replace(s, bodies=replace(
                s.bodies, velocities=np.concatenate([s.bodies.velocities[:, :3],
                                                     np.radians(s.bodies.velocities[:, 3:])], axis=-1))))),
    *(Reading("capture time", f"capture times are in {unit}, not in nanoseconds", f"multiply them by {scale:,}",
              frozenset({"time"}), every(lambda s, scale=scale: replace(s, capture_ns=s.capture_ns * scale)))  # type: ignore[misc]
      for unit, scale in (("microseconds", 10**3), ("milliseconds", 10**6), ("seconds", 10**9))),
)  # fmt: skip


def _axis(n: int) -> F64:
    return np.where(np.arange(3) == n, -1.0, 1.0)


def _w_last(quaternions: F64) -> F64:
    return quaternions[..., [1, 2, 3, 0]]


def _inverse(stand: Stand) -> Stand:
    quaternion = stand.quaternion * (-1.0, -1.0, -1.0, 1.0)
    return Stand(-stand.rotation.T @ stand.position_m, quaternion)


def _about(stand: Stand) -> Stand:
    """The camera turned half a turn about its own y axis: q * (0, 1, 0, 0)."""
    x, y, z, w = stand.quaternion
    return replace(stand, quaternion=np.array([-z, w, x, -y]))


def _poses_late(was: Callable[[Shot, Shot], F64], told: Callable[[Shot], F64]) -> Callable[[Shots], bool]:
    """Whether what is told of the frame before is, in most frames, what was so another frame before."""

    def late(shots: Shots) -> bool:
        runs = [run for run in zip(shots, shots[1:], shots[2:], strict=False) if run[2].follows(run[1])]
        hits = [np.abs(told(c) - was(a, c)).max(initial=0.0) < 1e-4 for a, b, c in runs if b.follows(a)]
        return len(hits) >= 3 and float(np.mean(hits)) > 0.7

    return late


def _camera_7(stand: Stand) -> F64:
    sign = np.sign(stand.quaternion[np.abs(stand.quaternion).argmax()])  # a quaternion and its negative are one turn
    return np.concatenate([stand.position_m, stand.quaternion * sign])


_camera_late = _poses_late(lambda a, _: _camera_7(a.now), lambda c: _camera_7(c.before))
_camera_same = _poses_late(lambda _, c: _camera_7(c.now), lambda c: _camera_7(c.before))
_bodies_late = _poses_late(lambda a, c: a.bodies.poses if len(a.bodies) == len(c.bodies) else np.full((1, 7), np.inf),
                           lambda c: c.bodies.previous)  # fmt: skip
_bodies_same = _poses_late(lambda _, c: c.bodies.poses, lambda c: c.bodies.previous)


def _after(change: Callable[[Shot, Shot], Shot], when: Callable[[Shots], bool] = lambda _: True) -> Undo:
    """Frames made of each frame (second) and the one right before it (first)."""

    def undo(shots: Shots) -> Shots | None:
        if not when(shots):
            return None
        return [change(a, b) for a, b in pairwise(shots) if b.follows(a)] or None

    return undo


def _bodies_before(a: Shot, b: Shot) -> Shot:
    """Previous poses are those that the frame before had."""
    _, mine, theirs = np.intersect1d(b.bodies.ids, a.bodies.ids, return_indices=True)
    previous = b.bodies.poses.copy()
    previous[mine] = a.bodies.poses[theirs]
    return replace(b, bodies=replace(b.bodies, previous=previous))


POSES = (
    *(Reading("camera", f"the camera's position is flipped along {name}", f"change the sign of its {name}", CAMERA,
              every(lambda s, n=n: moved(s, lambda p: replace(p, position_m=p.position_m * _axis(n)))))  # type: ignore[misc]
      for n, name in enumerate("xyz")),
    *(Reading("bodies", f"bodies' positions are flipped along {name}", f"change the sign of their {name}",
              frozenset({"bodies"}),
              every(lambda s, n=n: placed(s, lambda p: p * np.append(_axis(n), (1.0,) * 4))))  # type: ignore[misc]
      for n, name in enumerate("xyz")),
    Reading("camera", "the camera's quaternion is w,x,y,z", "send x,y,z,w", CAMERA,
            every(lambda s: moved(s, lambda p: replace(p, quaternion=_w_last(p.quaternion))))),
    Reading("bodies", "bodies' quaternions are w,x,y,z", "send x,y,z,w", frozenset({"bodies"}),
            every(lambda s: placed(s, lambda p: np.concatenate([p[:, :3], _w_last(p[:, 3:])], axis=-1)))),
    Reading("world axes", "all quaternions are w,x,y,z", "send x,y,z,w", CAMERA | {"bodies"},
            every(lambda s: placed(moved(s, lambda p: replace(p, quaternion=_w_last(p.quaternion))),
                                   lambda p: np.concatenate([p[:, :3], _w_last(p[:, 3:])], axis=-1)))),
    Reading("camera", "the camera's pose is camera_from_world (a view matrix)", "send its inverse, world_from_camera",
            CAMERA, every(lambda s: moved(s, _inverse))),
    Reading("camera", "the camera's pose looks down +Z",
            "turn it half a turn about its y axis: it looks down its own -Z", CAMERA,
            every(lambda s: moved(s, _about))),
    Reading("camera", "the camera's pose is one frame late", "send the pose that the planes were drawn from", CAMERA,
            from_next(lambda a, b: replace(a, now=b.now, before=b.before))),
    Reading("previous pose", "the previous camera pose is late by one frame: it is of two frames ago",
            "remember the pose when the frame is sent, after it was used", frozenset({"previous"}),
            _after(lambda a, b: replace(b, before=a.now), _camera_late)),
    Reading("previous pose", "the previous camera pose is the pose now", "send the pose of the frame before",
            frozenset({"previous"}), _after(lambda a, b: replace(b, before=a.now), _camera_same)),
    Reading("bodies", "bodies' poses are one frame late", "send the poses that the planes were drawn from",
            frozenset({"bodies"}), from_next(lambda a, b: replace(a, bodies=b.bodies))),
    Reading("bodies", "bodies' previous poses are late by one frame", "remember them when the frame is sent",
            frozenset({"bodies"}), _after(_bodies_before, _bodies_late)),
    Reading("bodies", "bodies' previous poses are their poses now", "send those of the frame before",
            frozenset({"bodies"}), _after(_bodies_before, _bodies_same)),
)  # fmt: skip
