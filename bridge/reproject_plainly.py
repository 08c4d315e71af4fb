"""Reprojection pixel by pixel, with plain numbers: the reference that bridge/reproject.py is held to."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.poses import matrix_of, pose_matrix
from bridge.reproject import LEAST_WEIGHT, RELATIVE_TOLERANCE, TOLERANCE_M, View
from bridge.schema import Bodies, Camera

F64 = NDArray[np.float64]


def reproject_plainly(source: View, plate: NDArray[np.float16], target: View) -> NDArray[np.float64]:
    """As `bridge.reproject.lay` of one source onto nothing, with trust 1: straight RGBA and confidence [H, W, 5]."""
    out = np.zeros((*target.depth_m.shape, 5))
    for row, column in np.ndindex(target.depth_m.shape):
        x_px, y_px, depth_m, trusted = _in_source(source, target, row, column)
        if depth_m > 0 and math.isfinite(x_px) and math.isfinite(y_px):
            out[row, column] = _pixel(source, plate, target, (row, column), x_px, y_px, depth_m, trusted)
    return out


def _in_source(source: View, target: View, row: int, column: int) -> tuple[float, float, float, bool]:
    """Where the source's image has the pixel (0 is the first pixel's centre), how deep, and whether motion said so."""
    height, width = target.depth_m.shape
    depth_m = float(target.depth_m[row, column])
    jitter_x, jitter_y = target.camera.jitter_px
    ndc = np.array([(column + 0.5 - jitter_x) / width * 2 - 1, 1 - (row + 0.5 - jitter_y) / height * 2])
    is_sky = math.isinf(depth_m)
    view = np.append(_unproject(target.camera, ndc, 1.0 if is_sky else depth_m), 0.0 if is_sky else 1.0)
    world = matrix_of(target.camera.world_from_camera) @ view
    if target.objects is not None:
        world = _then(int(target.objects[row, column]), world, source.bodies, target.bodies)
    there = np.linalg.inv(matrix_of(source.camera.world_from_camera)) @ world
    x_px, y_px = _project(source.camera, there, width, height)
    depth_there_m = math.inf if is_sky and there[2] < 0 else -float(there[2])
    if target.motion is not None and target.objects is None and source.frame_id + 1 == target.frame_id:
        u, v = (float(component) for component in target.motion[row, column])
        moved_x, moved_y = column + u * width, row + v * height
        if math.hypot(moved_x - x_px, moved_y - y_px) > 0.5:
            return moved_x, moved_y, depth_there_m, True
    return x_px, y_px, depth_there_m, False


def _pixel(
    source: View,
    plate: NDArray[np.float16],
    target: View,
    at: tuple[int, int],
    x_px: float,
    y_px: float,
    depth_m: float,
    trusted: bool,
) -> list[float]:
    height, width = target.depth_m.shape
    left, top = math.floor(x_px), math.floor(y_px)
    total, inverse_depth, matte, color = 0.0, 0.0, 0.0, np.zeros(3)
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        if not (0 <= row < height and 0 <= column < width):
            continue
        if (
            source.objects is not None
            and target.objects is not None
            and source.objects[row, column] != target.objects[at]
        ):
            continue
        if math.isinf(source.depth_m[row, column]) != math.isinf(depth_m):
            continue
        weight = (1 - abs(x_px - column)) * (1 - abs(y_px - row))
        total += weight
        inverse_depth += weight / float(source.depth_m[row, column])
        pixel = plate[row, column].astype(np.float64)
        if np.isfinite(pixel).all():
            matte += weight * pixel[3]
            color += weight * pixel[3] * pixel[:3]
    if total < LEAST_WEIGHT:
        return [0.0] * 5
    there, here = inverse_depth / total, 1 / depth_m
    if not trusted and abs(here - there) > max(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there):
        return [0.0] * 5
    size = min(float(target.depth_m[at]) * there, 1.0) if there > 0 else 1.0
    return [*(color / matte if matte > 0 else color), matte / total, total * size]


def _then(object_id: int, world: F64, before: Bodies, now: Bodies) -> F64:
    """Where the point of that object was, in world space; NaN for a body that was not there."""
    poses = [
        dict(zip(np.frombuffer(b.ids, "<u4").tolist(), np.frombuffer(b.poses, "<f8").reshape(-1, 7), strict=True))
        for b in (before, now)
    ]
    if object_id not in poses[1]:
        return world
    if object_id not in poses[0]:
        return np.full(4, np.nan)
    return pose_matrix(poses[0][object_id]) @ np.linalg.inv(pose_matrix(poses[1][object_id])) @ world


def _unproject(camera: Camera, ndc: F64, depth_m: float) -> F64:
    p = np.array(camera.projection).reshape(4, 4)
    w = p[3, 3] - p[3, 2] * depth_m
    return np.append(np.linalg.solve(p[:2, :2], ndc * w + p[:2, 2] * depth_m - p[:2, 3]), -depth_m)


def _project(camera: Camera, view: F64, width: int, height: int) -> tuple[float, float]:
    clip = np.array(camera.projection).reshape(4, 4) @ np.append(view[:3], 1.0)
    if clip[3] == 0:
        return math.nan, math.nan
    jitter_x, jitter_y = camera.jitter_px
    x_px = (clip[0] / clip[3] + 1) / 2 * width + jitter_x - 0.5
    return float(x_px), float((1 - clip[1] / clip[3]) / 2 * height + jitter_y - 0.5)
