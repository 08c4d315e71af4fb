"""Where camera and bodies will be when a picture is on the display, the picture as it is seen from there, and how far
that was from the truth.

The camera goes on as between its last two states, bodies by the velocities that the engine tells (constant velocity and
spin). Nothing new is seen: what a moved thing uncovers keeps the pixel that was there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.flight import Flight
from bridge.late import Substitute
from bridge.poses import F64, matrix_of
from bridge.reproject import View, halved, landed, lay, nothing_known, source_of
from bridge.schema import Bodies, Camera, Disposition, PlaneName, Pose

HISTORY = 1024  # errors that are kept to look at
MOST_MS = 100.0  # ahead: further off the guess is worse than the state as it was


@dataclass(frozen=True)
class PredictionError:
    """How far a prediction was from the state that the engine then had at that time, between two that it told."""

    ahead_ms: float  # from the engine state to the time it was predicted for
    camera_m: float
    camera_deg: float
    offset_px: float  # of a point straight ahead at the picture's median depth
    unpredicted_px: float  # the same, had the state been shown as it was
    bodies_m: float  # the body that was furthest from its place; 0 without bodies


@dataclass(frozen=True)
class Guess:
    """A state at a time to come."""

    frame_id: int
    at_ns: int
    ahead_ms: float
    camera: Camera
    bodies: Bodies
    was: Camera  # the state it was made of
    depth_m: float  # the picture's median
    height_px: int


class Predictor:
    """Of one client, on its thread. `ahead_ms` is the time from `present` to the display."""

    def __init__(self, ahead_ms: float) -> None:
        self.errors: deque[PredictionError] = deque(maxlen=HISTORY)
        self._ahead_ms = ahead_ms
        self._open: deque[Guess] = deque(maxlen=64)
        self._last: Flight | None = None

    def submitted(self, flight: Flight, before: Flight | None) -> None:
        """A state is known; guesses for a time before it can be judged."""
        if before is None or before.epoch != flight.epoch:
            self._open.clear()
            return
        while self._open and self._open[0].at_ns <= flight.capture_ns:
            guess = self._open.popleft()
            if guess.at_ns >= before.capture_ns:
                self.errors.append(_error(guess, before, flight))

    def ahead(self, target: Flight, before: Flight | None, picture: Substitute, now_ns: int) -> Ahead | None:
        """The picture as it will be seen; None where there is nothing to go by."""
        view, at_ns = target.view(), now_ns + round(self._ahead_ms * 1e6)
        if picture.plate is None or view is None or before is None or before.epoch != target.epoch:
            return None
        ahead_ms, since_ms = (at_ns - target.capture_ns) / 1e6, (target.capture_ns - before.capture_ns) / 1e6
        if since_ms <= 0 or not 0 < ahead_ms <= MOST_MS:
            return None
        camera = camera_ahead(before.camera.world_from_camera, target.camera, ahead_ms / since_ms)
        bodies = bodies_ahead(target.bodies, ahead_ms / 1000)
        finite = view.depth_m[np.isfinite(view.depth_m)]
        depth_m = float(np.median(finite)) if finite.size else np.inf
        guess = Guess(target.frame_id, at_ns, ahead_ms, camera, bodies, target.camera, depth_m, view.depth_m.shape[0])
        self._open.append(guess)
        return _seen(target, view, picture, guess)


@dataclass(frozen=True)
class Ahead:
    """A picture that was moved to a time to come."""

    picture: Substitute
    color: NDArray[Any]  # the engine's own, [H, W, 4], in the dtype of its plane


def camera_ahead(before: Pose, camera: Camera, steps: float) -> Camera:
    """The camera after `steps` more of the step from `before` to its pose."""
    now = camera.world_from_camera
    then_m, now_m = np.array(before.position_m), np.array(now.position_m)
    turn = _product(np.array(now.orientation), np.array(before.orientation) * (-1, -1, -1, 1))
    position_m, orientation = now_m + (now_m - then_m) * steps, _product(_power(turn, steps), np.array(now.orientation))
    x, y, z = position_m.tolist()
    qx, qy, qz, qw = (orientation / np.linalg.norm(orientation)).tolist()
    pose = Pose(position_m=(x, y, z), orientation=(qx, qy, qz, qw))
    return msgspec.structs.replace(camera, world_from_camera=pose, previous_world_from_camera=now)


def bodies_ahead(bodies: Bodies, seconds: float) -> Bodies:
    """The bodies where their velocities take them."""
    if not bodies.count:
        return bodies
    poses = np.frombuffer(bodies.poses, "<f8").reshape(-1, 7).astype(np.float64)
    velocities = np.frombuffer(bodies.velocities, "<f4").reshape(-1, 6).astype(np.float64)
    poses[:, :3] += velocities[:, :3] * seconds
    angle = np.linalg.norm(velocities[:, 3:], axis=1, keepdims=True) * seconds
    axis = velocities[:, 3:] * seconds / np.where(angle > 0, angle, 1)
    spin = np.concatenate([axis * np.sin(angle / 2), np.cos(angle / 2)], axis=1)
    turned = _product(spin, poses[:, 3:])
    poses[:, 3:] = turned / np.linalg.norm(turned, axis=1, keepdims=True)
    return msgspec.structs.replace(bodies, poses=poses.astype("<f8").tobytes(), previous_poses=bodies.poses)


def _seen(target: Flight, view: View, picture: Substitute, guess: Guess) -> Ahead:
    """Both pictures from the guessed state: its depth is that of the points that are known, where they will be."""
    height, width = view.depth_m.shape
    depth_m, objects = landed(view, guess.camera, guess.bodies)
    there = View(guess.frame_id, guess.camera, guess.bodies, depth_m, objects)
    own = target.slot.inputs[PlaneName.COLOR]
    opaque = np.array(own, np.float32)
    opaque[..., 3] = 1.0
    moved, plate = nothing_known(height, width), nothing_known(height, width)
    lay(source_of(view, opaque), there, moved)
    assert picture.plate is not None
    lay(source_of(view, picture.plate), there, plate)
    is_half = own.dtype == np.float16
    color = np.array(own)
    moved_color = halved(moved.plate) if is_half else moved.plate
    np.copyto(color[..., :3], moved_color[..., :3], where=(moved.confidence > 0)[..., None], casting="same_kind")
    why = picture.reason or f"predicted by {guess.ahead_ms:.0f} ms"
    seen = plate.confidence > 0
    over = np.array(picture.plate)
    np.copyto(over, halved(plate.plate), where=seen[..., None], casting="same_kind")
    confidence = plate.confidence if picture.confidence is None else np.minimum(plate.confidence, picture.confidence)
    return Ahead(Substitute(Disposition.REPROJECTED, over, why, picture.oldest_capture_ns, confidence), color)


def _error(guess: Guess, before: Flight, after: Flight) -> PredictionError:
    """`before` and `after` are the states around the guessed time."""
    span_ns = after.capture_ns - before.capture_ns
    share = (guess.at_ns - before.capture_ns) / span_ns if span_ns else 1.0
    truth = camera_ahead(before.camera.world_from_camera, after.camera, share - 1.0)
    true_pose, pose = truth.world_from_camera, guess.camera.world_from_camera
    apart = _product(np.array(pose.orientation), np.array(true_pose.orientation) * (-1, -1, -1, 1))
    return PredictionError(
        ahead_ms=guess.ahead_ms,
        camera_m=float(np.linalg.norm(np.subtract(pose.position_m, true_pose.position_m))),
        camera_deg=float(np.degrees(2 * np.arctan2(np.linalg.norm(apart[:3]), abs(apart[3])))),
        offset_px=_offset_px(guess, pose, true_pose),
        unpredicted_px=_offset_px(guess, guess.was.world_from_camera, true_pose),
        bodies_m=_bodies_m(guess.bodies, before.bodies, after.bodies, share),
    )


def _offset_px(guess: Guess, shown: Pose, truth: Pose) -> float:
    """Between where a point straight ahead is shown and where it should be."""
    depth_m = guess.depth_m if np.isfinite(guess.depth_m) else 1e6
    point = matrix_of(truth) @ np.array([0.0, 0.0, -depth_m, 1.0])
    x, y, z, _ = np.linalg.inv(matrix_of(shown)) @ point
    vertical = abs(guess.camera.projection[5]) * guess.height_px / 2
    return float(np.hypot(x, y) / max(-z, 1e-6) * vertical)


def _bodies_m(guess: Bodies, before: Bodies, after: Bodies, share: float) -> float:
    """The largest distance of a body that all three list, in the same order."""
    if not guess.count or not guess.ids == before.ids == after.ids:
        return 0.0
    there, first, last = (np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)[:, :3] for bodies in (guess, before, after))
    return float(np.linalg.norm(there - (first + (last - first) * share), axis=1).max())


def _power(turn: F64, exponent: float) -> F64:
    """A rotation, so many times; the short way round."""
    turn = turn if turn[3] >= 0 else -turn
    sine = float(np.linalg.norm(turn[:3]))
    if sine < 1e-12:
        return np.array([0.0, 0.0, 0.0, 1.0])
    half = np.arctan2(sine, turn[3]) * exponent
    return np.append(turn[:3] / sine * np.sin(half), np.cos(half))


def _product(a: F64, b: F64) -> F64:
    """Of quaternions [..., 4] x,y,z,w: first `b`, then `a`."""
    vector = a[..., 3:] * b[..., :3] + b[..., 3:] * a[..., :3] + np.cross(a[..., :3], b[..., :3])
    scalar = a[..., 3:] * b[..., 3:] - (a[..., :3] * b[..., :3]).sum(axis=-1, keepdims=True)
    product: F64 = np.concatenate([vector, scalar], axis=-1)
    return product


def before_of(flights: Sequence[Flight], flight: Flight) -> Flight | None:
    """The state before, if it is known still."""
    return max((f for f in flights if f.frame_id < flight.frame_id), key=lambda f: f.frame_id, default=None)
