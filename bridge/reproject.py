"""Plates that were made for other frames, seen from where the engine is now: what a late frame shows.

Every pixel of the new frame is a point of the engine's geometry. Its depth says where, its object id which body it is
on; so it is known where that point was when the plate was made, and whether the plate saw it. What no plate saw is a
hole: matte 0, the engine's own picture. Depth is view-space Z in metres, pixel centres lie at +0.5, y is down.

NumPy does it here. Where numba is installed, one compiled loop does the same in a fraction of the time
(bridge/reproject_kernel.py); both are held to bridge/reproject_plainly.py.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.poses import F64, inverse, matrix_of, moved
from bridge.schema import Bodies, Camera

_log = logging.getLogger(__name__)

F32 = NDArray[np.float32]
U32 = NDArray[np.uint32]

RELATIVE_TOLERANCE = 0.01  # of depth: what differs less is the same surface
TOLERANCE_M = 0.02
LEAST_WEIGHT = 0.5  # of the four taps, that must have seen the point: with less, what is found lies off by too much
RIM_TOLERANCE = 0.1  # of depth, between neighbours on one thing
_QUARTERS = np.full(4, 0.25, np.float32)
NO_OBJECTS = np.zeros((0, 0), np.uint32)


@dataclass(frozen=True)
class View:
    """A frame's geometry: what reprojection needs to know of the new frame and of the plate's."""

    frame_id: int
    camera: Camera
    bodies: Bodies
    depth_m: NDArray[np.float32]  # [H, W], +inf where there is nothing
    objects: NDArray[np.uint32] | None = None  # [H, W] object ids
    motion: NDArray[Any] | None = None  # [H, W, 2] previous_uv - current_uv, NaN where unknown


@dataclass(frozen=True)
class Source:
    """A plate and what it saw, in memory of its own: the frame's buffers are not needed any more."""

    frame_id: int
    camera: Camera
    bodies: Bodies
    inverse_depth: F32  # [H, W], 1/m: linear in the image over a plane, and 0 for the sky
    objects: U32 | None  # [H, W]
    colors: F32  # [H, W, 4], colours times matte, and matte; 0 where the plate was not finite


class Warped(NamedTuple):
    """What is known of a frame from plates of others. `lay` fills it, source by source."""

    plate: F32  # [H, W, 4], straight alpha, matte 0 where nothing is known
    confidence: F32  # [H, W], 0..1; above 0 where a plate saw the point, whatever its matte there


class _Points(NamedTuple):
    """Where the target's pixels, flattened, lie in the source's image."""

    x_px: F32  # of the sample: 0 is the first pixel's centre
    y_px: F32
    depth_m: F32  # view-space Z from the source's camera, +inf for the sky
    trusted: NDArray[np.bool_]  # found by the motion plane, which knows no depth


def source_of(view: View, plate: NDArray[Any]) -> Source:
    """What `lay` takes, of a float plate [H, W, 4] with straight alpha and the frame that it was made for."""
    colors = widened(plate)
    finite = np.isfinite(colors @ _QUARTERS)  # of all four: one product is ten times as fast as looking at each
    if not finite.all():
        colors[~finite] = 0
    for channel in range(3):  # six times as fast as all three at once
        colors[..., channel] *= colors[..., 3]
    with np.errstate(divide="ignore"):
        inverse_depth = np.reciprocal(view.depth_m, dtype=np.float32)
    objects = None if view.objects is None else np.array(view.objects, np.uint32, order="C")
    return Source(view.frame_id, view.camera, view.bodies, inverse_depth, objects, colors)


def nothing_known(height: int, width: int) -> Warped:
    return Warped(np.zeros((height, width, 4), np.float32), np.zeros((height, width), np.float32))


def reproject(source: View, plate: NDArray[np.float16], target: View) -> NDArray[np.float16]:
    """`plate` [H, W, 4], made for `source`, as seen in `target`; straight alpha, matte 0 where it cannot be known."""
    warped = nothing_known(*target.depth_m.shape)
    lay(source_of(source, plate), target, warped)
    return warped.plate.astype(np.float16)


def lay(source: Source, target: View, onto: Warped, *, share: float = 0.0, trust: float = 1.0) -> int:
    """Adds what `source` knows of `target` to what is known already, in place; returns how many pixels it gave
    something to. It fills what nothing else saw; where something did, it gets that share, 0..1.

    Bodies are followed by id where the target has an object plane and both frames list them; else, when `source` is
    the frame just before, by the motion plane; else everything counts as standing still. A point counts as seen where
    its depth agrees with the source's plane to 1 % or 2 cm. Both frames have the same size.

    The confidence of a point is `trust` (0..1, above 0), times the share of the four pixels around it that saw it,
    times how large the plate shows it for its size in the target: what is nearer now is known less well.
    """
    by_motion = target.motion is not None and target.objects is None and source.frame_id + 1 == target.frame_id
    fast = None if by_motion else compiled()
    return (fast.lay if fast else lay_with_numpy)(source, target, onto, share, trust)


def close_rims(onto: Warped, target: View) -> None:
    """Gives a pixel that no plate saw what its neighbours have that lie on the same thing, in place, at half their
    confidence: along the edges of things the plates lack up to a pixel, which would be a line of dots of the engine's
    picture. Wider holes stay."""
    height, width = target.depth_m.shape
    plate, known = onto.plate.reshape(-1, 4), onto.confidence.reshape(-1)
    depth_m = target.depth_m.ravel()
    (holes,) = np.nonzero(known == 0)
    column = holes % width
    total, count, found = np.zeros(len(holes), np.float32), np.zeros(len(holes)), np.zeros((len(holes), 4), np.float32)
    beside = (
        (-1, column > 0),
        (1, column < width - 1),
        (-width, holes >= width),
        (width, holes < width * (height - 1)),
    )
    for step, inside in beside:
        (at,) = np.nonzero(inside & (known.take(holes + step, mode="clip") > 0))
        here, there = holes[at], holes[at] + step
        with np.errstate(invalid="ignore"):
            near = np.abs(depth_m[here] - depth_m[there]) <= RIM_TOLERANCE * depth_m[there]
        same = np.where(np.isinf(depth_m[there]), np.isinf(depth_m[here]), near)  # inf <= 0.1 inf
        if target.objects is not None:
            same &= target.objects.ravel()[here] == target.objects.ravel()[there]
        at, there = at[same], there[same]
        weights = known[there]
        total[at] += weights
        found[at, :3] += plate[there, :3] * (plate[there, 3] * weights)[:, None]
        found[at, 3] += plate[there, 3] * weights
        count[at] += 1
    (rim,) = np.nonzero(total > 0)
    matte = found[rim, 3:]
    plate[holes[rim], :3] = found[rim, :3] / np.where(matte > 0, matte, 1)
    plate[holes[rim], 3] = found[rim, 3] / total[rim]
    known[holes[rim]] = total[rim] / count[rim] / 2


class Compiled(NamedTuple):
    """The compiled twins of `lay_with_numpy`, `land_with_numpy` and NumPy's own conversions to halves and back."""

    lay: Callable[[Source, View, Warped, float, float], int]
    land: Callable[[View, Camera, Bodies], tuple[F32, U32 | None]]
    halve: Callable[[F32], NDArray[np.float16]]
    widen: Callable[[NDArray[np.float16]], F32]


@functools.cache
def compiled() -> Compiled | None:
    """None without numba. The first call compiles them, or loads them from the disk's cache; that takes seconds, so
    whoever may need them asks when it starts."""
    try:
        from bridge.reproject_kernel import halve_with_numba, land_with_numba, lay_with_numba, widen_with_numba
    except ImportError as error:
        _log.info("Plates are warped by NumPy, which takes four times as long as numba would: %s", error)
        return None
    return Compiled(lay_with_numba, land_with_numba, halve_with_numba, widen_with_numba)


def halved(values: F32) -> NDArray[np.float16]:
    """Rounded to half floats; NumPy takes as long for it as for a warp."""
    fast = compiled()
    return fast.halve(values) if fast else values.astype(np.float16)


def widened(values: NDArray[Any]) -> F32:
    """A copy in single precision, in rows of its own; of halves NumPy makes one at a time."""
    fast = compiled() if values.dtype == np.float16 else None
    return fast.widen(values) if fast else np.array(values, np.float32, order="C")


def lay_with_numpy(source: Source, target: View, onto: Warped, share: float, trust: float) -> int:
    """As `lay`."""
    points = _points(source, target)
    taps, weights = _taps(points, target.depth_m.shape)
    with np.errstate(all="ignore"):
        there_each = source.inverse_depth.ravel().take(taps, mode="clip")
        here = 1 / points.depth_m
        same = (there_each > 0) == (here > 0)  # sky is seen in sky alone
        if source.objects is not None and target.objects is not None:
            same &= source.objects.ravel().take(taps, mode="clip") == target.objects.ravel()
        weights *= same
        total = weights.sum(axis=0)
        there = np.einsum("tn,tn->n", weights, there_each) / total
        seen = np.abs(here - there) <= np.maximum(RELATIVE_TOLERANCE * there, TOLERANCE_M * here * there)
        seen = (seen | points.trusted) & (total >= LEAST_WEIGHT) & (points.depth_m > 0)
        size = np.where(there > 0, np.minimum(target.depth_m.ravel() * there, 1), 1)
        confidence = np.where(seen, trust * total * size, 0).astype(np.float32)
    (pixels,) = np.nonzero(seen & ((onto.confidence.ravel() == 0) | (share > 0)))
    found = _sample(source, taps[:, pixels], weights[:, pixels] / total[pixels])
    _mix(onto, pixels, found, confidence[pixels], share)
    return len(pixels)


def _mix(onto: Warped, pixels: NDArray[np.intp], found: F32, confidence: F32, share: float) -> None:
    """`found` [N, 4], colours times matte, at the flat indices `pixels` [N]."""
    plate, known = onto.plate.reshape(-1, 4), onto.confidence.reshape(-1)
    before = plate[pixels]
    before[:, :3] *= before[:, 3:]
    part = np.where(known[pixels] > 0, np.float32(share), np.float32(1))
    mixed = before + (found - before) * part[:, None]
    mixed[:, :3] /= np.where(mixed[:, 3:] > 0, mixed[:, 3:], 1)
    plate[pixels] = mixed
    known[pixels] += (confidence - known[pixels]) * part


def landed(view: View, camera: Camera, bodies: Bodies) -> tuple[F32, U32 | None]:
    """Depth [H, W] and object ids of the view's points as they lie in another camera's image, with the bodies moved; of
    two at one pixel the nearer. A pixel on which none falls takes the farther of its neighbours, for cracks in surfaces
    that come nearer; NaN is left where there is none either."""
    fast = compiled()
    return (fast.land if fast else land_with_numpy)(view, camera, bodies)


def land_with_numpy(view: View, camera: Camera, bodies: Bodies) -> tuple[F32, U32 | None]:
    """As `landed`."""
    height, width = view.depth_m.shape
    points = _points(View(view.frame_id, camera, bodies, view.depth_m), view)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns, rows = np.rint(points.x_px), np.rint(points.y_px)
        (inside,) = np.nonzero(
            (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height) & (points.depth_m > 0)
        )
        at_centres = _at_centres(points, columns, rows, (height, width))
    inside = inside[np.argsort(-points.depth_m[inside], kind="stable")]  # the nearest is written last
    places = rows[inside].astype(np.intp) * width + columns[inside].astype(np.intp)
    from_pixel = np.full((height + 2, width + 2), -1)
    middle = from_pixel[1:-1, 1:-1]
    middle[np.divmod(places, width)] = inside
    depth_m = np.append(points.depth_m, np.float32(-np.inf))  # of -1, which is nothing
    around = np.stack([from_pixel[1:-1, :-2], from_pixel[1:-1, 2:], from_pixel[:-2, 1:-1], from_pixel[2:, 1:-1]])
    farthest = np.take_along_axis(around, depth_m[around].argmax(axis=0)[None], axis=0)[0]
    found = np.where(middle < 0, farthest, middle)
    depth_m = np.append(at_centres, np.float32(np.nan))
    objects = None if view.objects is None else np.append(view.objects.ravel(), np.uint32(0))[found]
    return depth_m[found], objects


def _at_centres(points: _Points, columns: F32, rows: F32, shape: tuple[int, int]) -> F32:
    """The points' depth where the pixels' centres are: half a pixel along a floor is more than the tolerance of depth.
    Inverse depth is linear in the image over a plane; at edges the smaller slope is that of the surface."""
    inverse = (1 / points.depth_m).reshape(shape)
    slopes = []
    for axis in (1, 0):
        step = np.diff(inverse, axis=axis)
        nothing = np.zeros_like(np.take(step, [0], axis=axis))
        after, before = np.concatenate([step, nothing], axis=axis), np.concatenate([nothing, step], axis=axis)
        slopes.append(np.where(np.abs(after) < np.abs(before), after, before).ravel())
    moved = inverse.ravel() + slopes[0] * (columns - points.x_px) + slopes[1] * (rows - points.y_px)
    found: F32 = np.where(moved > 0, 1 / moved, points.depth_m).astype(np.float32)
    return found


def owners(source: Source | View, target: View) -> tuple[U32, F64]:
    """Ids [N], rising, of the bodies that have moved between the two, and of each source_camera_from_target_camera
    [N + 1, 4, 4]; the last is that of what stands still."""
    now = matrix_of(target.camera.world_from_camera)
    back = inverse(matrix_of(source.camera.world_from_camera))
    if target.objects is None:
        return np.zeros(0, np.uint32), (back @ now)[None]
    ids, then_from_now = moved(source.bodies, target.bodies)
    return ids, back @ np.concatenate([then_from_now, np.eye(4)[None]]) @ now


def _points(source: Source | View, target: View) -> _Points:
    height, width = target.depth_m.shape
    depth_m = target.depth_m.astype(np.float32)
    is_sky = np.isinf(depth_m)
    jitter_x, jitter_y = target.camera.jitter_px
    ndc_x = ((np.arange(width, dtype=np.float32) + (0.5 - jitter_x)) * (2 / width) - 1)[None, :]
    ndc_y = (1 - (np.arange(height, dtype=np.float32) + (0.5 - jitter_y)) * (2 / height))[:, None]
    view = _unproject(target.camera, ndc_x, ndc_y, np.where(is_sky, np.float32(1), depth_m))
    place = np.where(is_sky, np.float32(0), np.float32(1)).ravel()  # the sky is a direction
    ids, matrices = owners(source, target)
    there = _transform(matrices[-1], view, place)
    if target.objects is not None:
        objects = target.objects.ravel()
        (moving,) = np.nonzero(np.isin(objects, ids))
        on = objects[moving]
        for body_id, matrix in zip(ids, matrices, strict=False):
            pixels = moving[on == body_id]
            if pixels.size:
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


def _sample(source: Source, taps: NDArray[np.intp], weights: F32) -> F32:
    """The weighted plate [N, 4]; colours weigh by their matte, as straight alpha needs it."""
    pixels = source.colors.reshape(-1, 4)
    found = np.empty((taps.shape[1], 4), np.float32)
    for channel in range(4):
        found[:, channel] = np.einsum("tn,tn->n", weights, pixels[:, channel].take(taps, mode="clip"))
    return found


def _transform(matrix: F64, points: F32, place: F32) -> F32:
    """Points [3, N] moved; `place` [N] is 1, or 0 for a direction."""
    m = matrix.astype(np.float32)
    return m[:3, :3] @ points + m[:3, 3:] * place
