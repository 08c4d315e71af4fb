"""Camera paths through a blockout: walk, orbit, crane, out-and-back; never through things and never against a wall."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bridge.engine.embedded import frame_of
from bridge.engine.world import CameraKey, Vec3
from renderer.training.tracer import Tracer
from renderer.training.worlds.kit import Room

F64 = NDArray[np.float64]
PATHS = ("walk", "orbit", "crane", "out-and-back")
CLEAR_M = 0.45  # nothing is nearer to the eye than this
ATTEMPTS = 60


def drawn_path(kind: str, room: Room, tracer: Tracer, rng: np.random.Generator, count: int,
               tan: tuple[float, float]) -> list[CameraKey]:  # fmt: skip
    """`count` poses of a path. The best of ATTEMPTS draws is taken when none is quite free; `tan` are the tangents of
    the half angles of view."""
    best, best_score = [CameraKey((0.0, 0.0, 0.0), (0.0, 0.0, 1.0))], -math.inf
    for _ in range(ATTEMPTS):
        keys = _PATHS[kind](room, rng, count)
        score = quality(keys, tracer, tan)
        if score > best_score:
            best, best_score = keys, score
        if best_score >= 1.0:
            break
    return best


def quality(keys: list[CameraKey], tracer: Tracer, tan: tuple[float, float]) -> float:
    """1 or more for a good path: the worst of its first, middle and last pose."""
    return min(_pose_quality(keys[n], tracer, tan) for n in (0, len(keys) // 2, len(keys) - 1))


def _pose_quality(key: CameraKey, tracer: Tracer, tan: tuple[float, float]) -> float:
    frame = frame_of(key)
    around = _sphere(64)
    near = tracer.first_hits(np.broadcast_to(frame[0].astype(np.float32), around.shape), around)
    inside = (np.isfinite(near.distance_m) & ((tracer.face_normal[near.face] * around).sum(axis=1) > 0.0)).mean()
    a, b = (np.linspace(-1.0, 1.0, n) * t for n, t in ((15, tan[0]), (9, tan[1])))
    ahead = (frame[1] * a[None, :, None] + frame[2] * b[:, None, None] + frame[3]).reshape(-1, 3)
    ahead = (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).astype(np.float32)
    seen = tracer.first_hits(np.broadcast_to(frame[0].astype(np.float32), ahead.shape), ahead)
    sky, close = np.isinf(seen.distance_m).mean(), (seen.distance_m < 1.3).mean()
    kinds = len(np.unique(seen.face // 12))
    clear = min(1.0, float(near.distance_m.min()) / CLEAR_M)
    return float(clear - 4.0 * (inside > 0.03) - 2.0 * max(0.0, sky - 0.55) - 2.0 * max(0.0, close - 0.15)
                 - max(0.0, 12 - kinds) * 0.1)  # fmt: skip


def _sphere(count: int) -> NDArray[np.float32]:
    """Directions spread evenly (Fibonacci)."""
    y = 1.0 - 2.0 * (np.arange(count) + 0.5) / count
    turn = np.arange(count) * math.pi * (3.0 - math.sqrt(5.0))
    flat = np.sqrt(1.0 - y * y)
    return np.stack([flat * np.cos(turn), y, flat * np.sin(turn)], axis=1).astype(np.float32)


def _inside(box: tuple[Vec3, Vec3], rng: np.random.Generator) -> F64:
    low, high = np.array(box)
    return np.asarray(rng.uniform(low, high), np.float64)


def _keys(eyes: F64, targets: F64) -> list[CameraKey]:
    return [CameraKey(_vec(e), _vec(t)) for e, t in zip(eyes, targets, strict=True)]


def _vec(v: F64) -> Vec3:
    x, y, z = (float(c) for c in v)
    return x, y, z


def _looks(room: Room, eye: F64, rng: np.random.Generator) -> F64:
    """A point to look at, at least 2 m away and never steeply up or down."""
    for _ in range(20):
        target = _inside(room.look, rng)
        flat = float(np.hypot(*(target - eye)[[0, 2]]))
        if flat > 2.0:
            target[1] = eye[1] + float(np.clip(target[1] - eye[1], -0.35 * flat, 0.30 * flat))
            return np.asarray(target, np.float64)
    return np.asarray(eye + np.array([0.0, 0.0, -3.0]), np.float64)


def _walk(room: Room, rng: np.random.Generator, count: int) -> list[CameraKey]:
    """Along a line, mostly forwards, with a step's bob and a slowly turning look."""
    eye = _inside(room.stand, rng)
    target, other = _looks(room, eye, rng), _looks(room, eye, rng)
    ahead = (target - eye) * np.array([1.0, 0.0, 1.0])
    turn = math.radians(float(rng.choice([0.0, 0.0, 90.0, -90.0, 35.0])))
    go = np.array([ahead[0] * math.cos(turn) + ahead[2] * math.sin(turn), 0.0,
                   ahead[2] * math.cos(turn) - ahead[0] * math.sin(turn)])  # fmt: skip
    go *= room.walk_m * float(rng.uniform(0.2, 1.0)) / max(float(np.linalg.norm(go)), 1e-6)
    s = np.linspace(0.0, 1.0, count)[:, None]
    bob = np.array([0.0, 0.02, 0.0]) * np.sin(s * 9.0)
    return _keys(eye + go * s + bob, target + (other - target) * s * float(rng.uniform(0.0, 0.2)))


def _orbit(room: Room, rng: np.random.Generator, count: int) -> list[CameraKey]:
    """Around a point that stays in the middle."""
    eye = _inside(room.stand, rng)
    target = _looks(room, eye, rng)
    arm = eye - target
    arm *= min(1.0, 9.0 / float(np.linalg.norm(arm)))
    angle = math.radians(float(rng.uniform(5.0, 22.0) * rng.choice([-1.0, 1.0]))) * np.linspace(0.0, 1.0, count)
    c, s = np.cos(angle), np.sin(angle)
    eyes = target + np.stack([arm[0] * c + arm[2] * s, np.full(count, arm[1]), arm[2] * c - arm[0] * s], axis=1)
    return _keys(eyes, np.broadcast_to(target, eyes.shape))


def _crane(room: Room, rng: np.random.Generator, count: int) -> list[CameraKey]:
    """Up or down, looking at the same place."""
    eye = _inside(room.stand, rng)
    target = _looks(room, eye, rng)
    rise = np.array([0.0, room.crane_m * float(rng.uniform(0.3, 1.0)), 0.0])
    s = np.linspace(0.0, 1.0, count)[:, None]
    s = s if rng.uniform() < 0.5 else 1.0 - s
    return _keys(eye + rise * s, np.broadcast_to(target, (count, 3)) + 0.4 * rise * s)


def _out_and_back(room: Room, rng: np.random.Generator, count: int) -> list[CameraKey]:
    """Away from a pose and back to it, by going or by turning: what was seen is seen again."""
    eye = _inside(room.stand, rng)
    target, other = _looks(room, eye, rng), _looks(room, eye, rng)
    s = (1.0 - np.abs(np.linspace(-1.0, 1.0, count)))[:, None]
    if rng.uniform() < 0.5:
        arm = target - eye
        angle = math.radians(float(rng.uniform(25.0, 80.0) * rng.choice([-1.0, 1.0]))) * s[:, 0]
        c, n = np.cos(angle), np.sin(angle)
        looks = eye + np.stack([arm[0] * c + arm[2] * n, np.full(count, arm[1]), arm[2] * c - arm[0] * n], axis=1)
        return _keys(np.broadcast_to(eye, (count, 3)), looks)
    go = (other - eye) * np.array([1.0, 0.0, 1.0])
    go *= room.walk_m * float(rng.uniform(0.4, 1.0)) / max(float(np.linalg.norm(go)), 1e-6)
    return _keys(eye + go * s, np.broadcast_to(target, (count, 3)))


_PATHS: dict[str, Callable[[Room, np.random.Generator, int], list[CameraKey]]] = {
    "walk": _walk, "orbit": _orbit, "crane": _crane, "out-and-back": _out_and_back,
}  # fmt: skip
