"""The last plate, seen from where the engine is now: what a late frame shows.

Every pixel of the new frame is a point of the engine's geometry. Its depth says where, its object id which body it is
on; so it is known where that point was when the plate was made, and whether the plate saw it. What the plate did not
see is a hole: matte 0, the engine's own picture. Depth is view-space Z in metres, pixel centres lie at +0.5, y is down.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera, Pose

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RELATIVE_TOLERANCE = 0.01  # of depth: what differs less is the same surface
TOLERANCE_M = 0.02
LEAST_WEIGHT = 0.5  # of the four taps, that must have seen the point: with less, what is found lies off by too much


@dataclass(frozen=True)
class View:
    """A frame's geometry: what reprojection needs to know of the new frame and of the plate's."""

    frame_id: int
    camera: Camera
    bodies: Bodies
    depth_m: NDArray[np.float32]  # [H, W], +inf where there is nothing
    objects: NDArray[np.uint32] | None = None  # [H, W] object ids
    motion: NDArray[Any] | None = None  # [H, W, 2] previous_uv - current_uv, NaN where unknown


class _Points(NamedTuple):
    """Where the target's pixels, flattened, lie in the source's image."""

    x_px: F32  # of the sample: 0 is the first pixel's centre
    y_px: F32
    depth_m: F32  # view-space Z from the source's camera, +inf for the sky
    trusted: NDArray[np.bool_]  # found by the motion plane, which knows no depth


def reproject(source: View, plate: NDArray[np.float16], target: View) -> NDArray[np.float16]:
    """`plate` [H, W, 4], made for `source`, as seen in `target`; straight alpha, matte 0 where it cannot be known.

    Bodies are followed by id where the target has an object plane and both frames list them; else, when `source` is
    the frame just before, by the motion plane; else everything counts as standing still. A point counts as seen where
    its depth agrees with the source's plane to 1 % or 2 cm. Both frames have the same size.
    """
    shape = target.depth_m.shape
    points = _points(source, target)
    taps, weights = _taps(points, shape)
    with np.errstate(all="ignore"):
        inverse_depth = (1 / source.depth_m).ravel()  # linear in the image over a plane, and 0 for the sky
        here = 1 / points.depth_m
        there_each = inverse_depth.take(taps, mode="clip")
        same = (there_each > 0) == (here > 0)  # sky is seen in sky alone
        if source.objects is not None and target.objects is not None:
            same &= source.objects.ravel().take(taps, mode="clip") == target.objects.ravel()
        weights *= same
        total = weights.sum(axis=0)
        there = np.einsum("tn,tn->n", weights, there_each) / total
        seen = np.abs(here - there) <= np.maximum(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there)
        seen = (seen | points.trusted) & (total >= LEAST_WEIGHT) & (points.depth_m > 0)
        weights *= np.where(seen, 1 / total, 0)
    return _sample(plate, taps, weights).reshape(*shape, 4)


def _points(source: View, target: View) -> _Points:
    height, width = target.depth_m.shape
    depth_m = target.depth_m.astype(np.float32)
    is_sky = np.isinf(depth_m)
    jitter_x, jitter_y = target.camera.jitter_px
    ndc_x = ((np.arange(width, dtype=np.float32) + (0.5 - jitter_x)) * (2 / width) - 1)[None, :]
    ndc_y = (1 - (np.arange(height, dtype=np.float32) + (0.5 - jitter_y)) * (2 / height))[:, None]
    view = _unproject(target.camera, ndc_x, ndc_y, np.where(is_sky, np.float32(1), depth_m))
    place = np.where(is_sky, np.float32(0), np.float32(1)).ravel()  # the sky is a direction
    source_from_world = _inverse(_matrix(source.camera.world_from_camera))
    world_from_target = _matrix(target.camera.world_from_camera)
    there = _transform(source_from_world @ world_from_target, view, place)
    if target.objects is not None:
        objects = target.objects.ravel()
        moved = _moved(source, target)
        (moving,) = np.nonzero(np.isin(objects, np.array(list(moved), np.uint32)))
        owners = objects[moving]
        for body_id, then_from_now in moved.items():
            pixels = moving[owners == body_id]
            if pixels.size:
                matrix = source_from_world @ then_from_now @ world_from_target
                there[:, pixels] = _transform(matrix, view[:, pixels], place[pixels])
    x_px, y_px = _project(source.camera, there, width, height)
    depth_there_m = np.where(is_sky.ravel() & (there[2] < 0), np.float32(np.inf), -there[2])
    points = _Points(x_px, y_px, depth_there_m, np.zeros(x_px.shape, bool))
    by_motion = target.motion is not None and target.objects is None and source.frame_id + 1 == target.frame_id
    return _follow_motion(points, target) if by_motion else points


def _follow_motion(points: _Points, target: View) -> _Points:
    """The same, with what moves by itself taken from where its motion says it was."""
    assert target.motion is not None
    height, width = target.depth_m.shape
    motion = target.motion.astype(np.float32)
    x_px = (np.arange(width, dtype=np.float32) + motion[..., 0] * width).ravel()
    y_px = (np.arange(height, dtype=np.float32)[:, None] + motion[..., 1] * height).ravel()
    with np.errstate(invalid="ignore"):
        moves = np.hypot(x_px - points.x_px, y_px - points.y_px) > 0.5  # False where the motion is NaN
    return _Points(
        np.where(moves, x_px, points.x_px), np.where(moves, y_px, points.y_px), points.depth_m, points.trusted | moves
    )


def _unproject(camera: Camera, ndc_x: F32, ndc_y: F32, depth_m: F32) -> F32:
    """View-space points [3, H*W] of the pixels at that depth."""
    p = np.array(camera.projection, np.float64).reshape(4, 4)
    (a, b), (c, d) = np.linalg.inv(p[:2, :2]).tolist()
    w = float(p[3, 3]) - float(p[3, 2]) * depth_m
    right = ndc_x * w + float(p[0, 2]) * depth_m - float(p[0, 3])
    up = ndc_y * w + float(p[1, 2]) * depth_m - float(p[1, 3])
    return np.stack([a * right + b * up, c * right + d * up, -depth_m]).reshape(3, -1).astype(np.float32, copy=False)


def _project(camera: Camera, view: F32, width: int, height: int) -> tuple[F32, F32]:
    """Sample position in pixels, 0 at the first pixel's centre; NaN or far outside where it is not in the image."""
    p = np.array(camera.projection, np.float64).reshape(4, 4).tolist()
    x, y, z = view
    with np.errstate(all="ignore"):
        per_w = 1 / (p[3][2] * z + p[3][3])
        ndc_x = (p[0][0] * x + p[0][1] * y + p[0][2] * z + p[0][3]) * per_w
        ndc_y = (p[1][0] * x + p[1][1] * y + p[1][2] * z + p[1][3]) * per_w
    jitter_x, jitter_y = camera.jitter_px
    return (ndc_x + 1) * (width / 2) + (jitter_x - 0.5), (1 - ndc_y) * (height / 2) + (jitter_y - 0.5)


def _taps(points: _Points, shape: tuple[int, ...]) -> tuple[NDArray[np.intp], F32]:
    """The four source pixels around each point, as flat indices [4, N], and their bilinear weights [4, N], 0 outside
    the image."""
    height, width = shape
    with np.errstate(invalid="ignore"):
        inside = (points.x_px > -1) & (points.x_px < width) & (points.y_px > -1) & (points.y_px < height)
    x_px, y_px = np.where(inside, points.x_px, 0), np.where(inside, points.y_px, 0)
    left, top = np.floor(x_px), np.floor(y_px)
    along, down = x_px - left, y_px - top
    columns, rows = left.astype(np.intp), top.astype(np.intp)
    taps, weights = [], []
    for step_y, weight_y in ((0, 1 - down), (1, down)):
        for step_x, weight_x in ((0, 1 - along), (1, along)):
            row, column = rows + step_y, columns + step_x
            there = inside & (row >= 0) & (row < height) & (column >= 0) & (column < width)
            taps.append(np.where(there, row * width + column, 0))
            weights.append(np.where(there, weight_x * weight_y, np.float32(0)))
    return np.stack(taps), np.stack(weights)


def _sample(plate: NDArray[np.float16], taps: NDArray[np.intp], weights: F32) -> NDArray[np.float16]:
    """The weighted plate [N, 4]; colours weigh by their matte, as straight alpha needs it."""
    pixels = np.ascontiguousarray(plate.reshape(-1, 4).astype(np.float32).T)  # [4, N]: a channel at a time is faster
    finite = np.isfinite(pixels).all(axis=0)
    if not finite.all():
        pixels[:, ~finite] = 0
    pixels[:3] *= pixels[3]
    mixed = np.empty((taps.shape[1], 4), np.float32)
    for channel in (3, 0, 1, 2):
        mixed[:, channel] = np.einsum("tn,tn->n", weights, pixels[channel].take(taps, mode="clip"))
    mixed[:, :3] /= np.where(mixed[:, 3:] > 0, mixed[:, 3:], 1)
    return mixed.astype(np.float16)


def _moved(source: View, target: View) -> dict[int, F64]:
    """By object id, world_then_from_now of the bodies that are not where they were; NaN for one that was not there."""
    before, now = _poses(source.bodies), _poses(target.bodies)
    moved: dict[int, F64] = {}
    for body_id, pose in now.items():
        if body_id not in before:
            moved[body_id] = np.full((4, 4), math.nan)
        elif not np.array_equal(before[body_id], pose):
            moved[body_id] = pose_matrix(before[body_id]) @ _inverse(pose_matrix(pose))
    return moved


def _poses(bodies: Bodies) -> dict[int, F64]:
    ids = np.frombuffer(bodies.ids, "<u4").tolist()
    return dict(zip(ids, np.frombuffer(bodies.poses, "<f8").reshape(-1, 7), strict=True))


def _matrix(pose: Pose) -> F64:
    return pose_matrix(np.array([*pose.position_m, *pose.orientation]))


def pose_matrix(pose: F64) -> F64:
    """world_from_local [4, 4] of position x,y,z and unit quaternion x,y,z,w."""
    px, py, pz, x, y, z, w = pose.tolist()
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w), px],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w), py],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y), pz],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def _inverse(rigid: F64) -> F64:
    inverse = np.eye(4)
    inverse[:3, :3] = rigid[:3, :3].T
    inverse[:3, 3] = -rigid[:3, :3].T @ rigid[:3, 3]
    return inverse


def _transform(matrix: F64, points: F32, place: F32) -> F32:
    """Points [3, N] moved; `place` [N] is 1, or 0 for a direction."""
    m = matrix.astype(np.float32)
    return m[:3, :3] @ points + m[:3, 3:] * place
