"""What a frame's header says of itself: poses that follow each other, clocks, velocities, the projection's form."""

from __future__ import annotations

import math

import numpy as np

from renderer.conformance.measures import Measure, Residual, Shots, each, middle, pairs
from renderer.conformance.shot import F64, Shot

FAST_M_S, FAST_RAD_S = 0.3, 0.5  # below these a body's velocity proves nothing
CLOCK_DECADES = 1.6  # an engine may run this much slower or faster than the clock: offline, slow motion
SLOWEST_S = 0.2  # between frames
GRAVITY_M_S2, LEAST_M_S2 = 9.81, 1.5  # what slows down by less rolls, and does not fall


def angle_between(a: F64, b: F64) -> F64:
    """Radians between unit quaternions [..., 4]. Small angles keep their digits."""
    sign = np.where(np.sum(a * b, axis=-1, keepdims=True) < 0.0, -1.0, 1.0)
    angles: F64 = 4.0 * np.arcsin(np.clip(np.linalg.norm(a - sign * b, axis=-1) / 2.0, 0.0, 1.0))
    return angles


def _apart(told: F64, was: F64, now: F64) -> tuple[F64, F64]:
    """How far poses [..., 7] lie from where they were, and these from now; metres, with 2 m for a radian."""
    apart = np.linalg.norm(told[..., :3] - was[..., :3], axis=-1) + 2.0 * angle_between(told[..., 3:], was[..., 3:])
    moved = np.linalg.norm(now[..., :3] - was[..., :3], axis=-1) + 2.0 * angle_between(now[..., 3:], was[..., 3:])
    return apart, moved


def previous_camera(shot: Shot, before: Shot) -> Residual | None:
    told, was, now = (np.concatenate([s.position_m, s.quaternion]) for s in (shot.before, before.now, shot.now))
    apart, moved = (float(x) for x in _apart(told, was, now))
    return Residual(apart, 0.0005 + 0.02 * moved) if moved > 0.003 else None


def previous_bodies(shot: Shot, before: Shot) -> Residual | None:
    both, mine, theirs = np.intersect1d(shot.bodies.ids, before.bodies.ids, return_indices=True)
    if not len(both):
        return None
    apart, moved = _apart(shot.bodies.previous[mine], before.bodies.poses[theirs], shot.bodies.poses[mine])
    moves = moved > 0.01
    if not moves.any():
        return None
    return Residual(middle(apart[moves]), 0.002 + 0.02 * middle(moved[moves]))


def _step_s(shot: Shot, before: Shot) -> float | None:
    """Seconds between two frames; None when they are so far apart that the engine cannot keep up with its own clock."""
    step_s = (shot.capture_ns - before.capture_ns) / 1e9
    return step_s if 0.0 < step_s < SLOWEST_S else None


def speeds(shot: Shot, before: Shot) -> Residual | None:
    """Velocities of bodies against the way they went in the time between two frames: decades, or a cosine's lack."""
    step_s, bodies = _step_s(shot, before), shot.bodies
    moved, told = bodies.poses[:, :3] - bodies.previous[:, :3], bodies.velocities[:, :3]
    way, speed = np.linalg.norm(moved, axis=-1), np.linalg.norm(told, axis=-1)
    fast = (way > 0.005) & (speed > FAST_M_S)
    if step_s is None or not fast.any():
        return None
    decades = abs(middle(np.log10(way[fast] / step_s / speed[fast])))
    turned = 1.0 - middle(np.einsum("ni,ni->n", moved[fast], told[fast]) / (way[fast] * speed[fast]))
    return Residual(max(decades, turned * 3.0), CLOCK_DECADES)


def spins(shot: Shot, before: Shot) -> Residual | None:
    """The same of turning: decades."""
    step_s, bodies = _step_s(shot, before), shot.bodies
    turned = angle_between(bodies.poses[:, 3:], bodies.previous[:, 3:])
    rate = np.linalg.norm(bodies.velocities[:, 3:], axis=-1)
    fast = (turned > 0.01) & (turned < 1.0) & (rate > FAST_RAD_S)
    if step_s is None or not fast.any():
        return None
    return Residual(abs(middle(np.log10(turned[fast] / step_s / rate[fast]))), CLOCK_DECADES)


def falling(shot: Shot, before: Shot) -> Residual | None:
    """What falls freely gains speed downwards, by some 9.81 m/s²: decades, or how far from straight down."""
    both, mine, theirs = np.intersect1d(shot.bodies.ids, before.bodies.ids, return_indices=True)
    free = ~np.isin(both, np.union1d(shot.bodies.touching, before.bodies.touching))
    step_s = _step_s(shot, before)
    if step_s is None or not free.any():
        return None
    gained = (shot.bodies.velocities[mine, :3] - before.bodies.velocities[theirs, :3])[free] / step_s
    rate = np.linalg.norm(gained, axis=-1)
    moves = (rate > LEAST_M_S2) & (np.linalg.norm(shot.bodies.velocities[mine, :3][free], axis=-1) > FAST_M_S)
    if not moves.any():
        return None
    downwards = middle(gained[moves][:, 1] / rate[moves])
    return Residual(max(abs(middle(np.log10(rate[moves] / GRAVITY_M_S2))), 0.8 * (1.0 + downwards)), CLOCK_DECADES)


def clock(shots: Shots) -> Residual | None:
    """Capture times against the renderer's own clock: decades between the two spans."""
    captured, arrived = (
        np.array([getattr(s, name) for s in shots], np.float64) for name in ("capture_ns", "arrived_ns")
    )
    if len(shots) < 3 or arrived[-1] <= arrived[0]:
        return None
    if not (np.diff(captured) > 0.0).all():
        return Residual(math.inf, CLOCK_DECADES)
    return Residual(abs(math.log10((captured[-1] - captured[0]) / (arrived[-1] - arrived[0]))), CLOCK_DECADES)


def form(shot: Shot) -> Residual | None:
    """Numbers of the projection that are where none belong, or not what they must be."""
    m = shot.projection
    last = (0.0, 0.0, -1.0, 0.0) if abs(m[3]).argmax() != 3 else (0.0, 0.0, 0.0, 1.0)
    wrong = [*(m[3] - last), m[0, 1], m[1, 0], m[0, 3] * (last[3] == 0.0), m[1, 3] * (last[3] == 0.0)]
    wrong += [min(m[0, 0], 0.0), min(m[1, 1], 0.0)]
    return Residual(float(np.abs(wrong).max()), 0.01)


def clip_planes(shot: Shot) -> Residual | None:
    """near_m and far_m against those that the projection has: logarithm of the worse ratio."""
    m = shot.projection
    if not shot.perspective:
        return None
    near, far = (m[2, 3] / (m[2, 2] + k) if m[2, 2] + k else math.inf for k in (-1.0, 1.0))
    if near <= 0.0 or far <= 0.0:
        return Residual(math.inf, 0.02)
    apart = abs(math.log(near / shot.near_m))
    if min(far, shot.far_m) < 1e4 * near:  # beyond, single precision no longer tells
        apart = max(apart, abs(math.log(far / shot.far_m)) if math.isfinite(far / shot.far_m) else math.inf)
    return Residual(apart, 0.02)


def steady(shot: Shot, before: Shot) -> Residual | None:
    """How far the projection's centre went, pixels: what shakes by parts of a pixel is jitter."""
    moved = np.abs((shot.projection - before.projection)[:2, 2]) * np.array(shot.size) / 2.0
    return Residual(float(moved.max()) if moved.max() < 1.5 else 0.0, 0.02)


_CLOCK = frozenset({"time"})
HEADER = (
    Measure("previous camera pose against the pose one frame before", "apart", "m", "a camera that moves",
            ("previous pose",), frozenset({"camera", "previous"}), pairs(previous_camera), beyond=math.inf),
    Measure("previous poses of bodies against their poses one frame before", "apart", "m", "bodies that move",
            ("bodies",), frozenset({"bodies"}), pairs(previous_bodies), beyond=math.inf),
    Measure("velocities of bodies against the way they went", "decades apart", "", "bodies that move",
            ("body velocities", "capture time"), _CLOCK | {"bodies", "velocity"}, pairs(speeds), beyond=2.0),
    Measure("spins of bodies against how far they turned", "decades apart", "", "bodies that turn",
            ("body velocities", "capture time"), _CLOCK | {"bodies", "velocity"}, pairs(spins), beyond=2.0),
    Measure("speed gained by what falls", "from 9.81 m/s² straight down", "", "bodies that fall freely",
            ("world axes", "metres", "body velocities"), _CLOCK | {"velocity", "bodies"}, pairs(falling),
            beyond=math.inf),
    Measure("capture times against the clock", "decades apart", "", "frames that arrive one after the other",
            ("capture time",), _CLOCK, clock, beyond=1.5),
    Measure("form of the projection", "off", "", "any frame", ("projection",), frozenset({"projection"}), each(form)),
    Measure("near and far against the projection", "apart (logarithm)", "", "a perspective camera",
            ("near and far", "projection"), frozenset({"projection", "clip"}), each(clip_planes)),
    Measure("centre of the projection", "px shaken", "", "frames one after the other",
            ("jitter",), frozenset({"projection"}), pairs(steady), beyond=math.inf),
)  # fmt: skip
