"""Planes against each other and against the camera: where depth, normals, motion and poses must tell one story."""

from __future__ import annotations

import numpy as np

from bridge.schema import PlaneName
from renderer.conformance.measures import Measure, Residual, each, middle, pairs
from renderer.conformance.shot import F64, Mask, Shot, rotations, shifted

LEAST_PIXELS = 60
SEEN_PX = 0.4  # motion below this proves nothing
MOVING_PART = 0.1  # of the pixels must move by more
MOTION_PX, MOTION_PART = 0.03, 0.006  # tolerated, beside the part of the motion itself
NORMAL_DEG = 2.0
DEPTH_PART = 0.004
BODY_PIXELS = 12
DEPTH, NORMAL, MOTION, OBJECT = PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION, PlaneName.OBJECT


def motion_of_still(shot: Shot, axis: int) -> Residual | None:
    """The motion plane of things that are not bodies, against their depth seen from both camera poses; pixels along
    u (0) or v (1)."""
    if shot.fresh or not shot.has(DEPTH, MOTION) or not shot.perspective:
        return None
    seen, still = shot.planes[MOTION][..., axis], shot.still_motion[..., axis]
    keep = shot.inside & ~shot.listed & np.isfinite(seen)
    return _motion_residual(seen[keep], still[keep], shot.size[axis])


def _motion_residual(seen: F64, told: F64, size_px: int) -> Residual | None:
    if seen.size < LEAST_PIXELS:
        return None
    told = np.where(np.isfinite(told), told, np.inf)  # behind the camera it was: as wrong as can be
    amount_px = np.maximum(np.abs(seen), np.abs(told)) * size_px
    moves = amount_px > SEEN_PX
    if moves.sum() < max(LEAST_PIXELS, MOVING_PART * seen.size):
        return None
    with np.errstate(invalid="ignore"):
        error_px = middle(np.abs(seen - told)[moves]) * size_px
    return Residual(error_px, MOTION_PX + MOTION_PART * min(middle(amount_px[moves]), 100.0))


def surface_normals(shot: Shot) -> Residual | None:
    """The normal plane against the slope of the depth plane: degrees, of the six facings the one that is farthest off.

    By facing, because most of a picture is ground, which a flipped x or z leaves as it is.
    """
    if not shot.has(DEPTH, NORMAL) or not shot.perspective:
        return None
    p = shot.points_m
    across, down = shifted(p, 0, 1) - shifted(p, 0, -1), shifted(p, 1, 0) - shifted(p, -1, 0)
    keep = shot.inside[1:-1, 1:-1]
    slope, told = np.cross(down[keep], across[keep]), shot.planes[NORMAL][1:-1, 1:-1, :3][keep]
    lengths = np.linalg.norm(slope, axis=-1) * np.linalg.norm(told, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.nan_to_num(np.einsum("ni,ni->n", slope, told) / lengths, nan=-1.0)
    apart = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    sides = [apart[side] for side in facings(slope) if side.sum() >= LEAST_PIXELS]
    return Residual(max(middle(side) for side in sides), NORMAL_DEG) if sides else None


def facings(vectors: F64) -> list[Mask]:
    """Which of vectors [n, 3] point most along +x, -x, +y, -y, +z, -z."""
    largest = np.abs(np.nan_to_num(vectors)).argmax(axis=-1)
    towards = np.take_along_axis(vectors, largest[:, None], -1)[:, 0] > 0.0
    return [(largest == axis) & (towards == sign) for axis in range(3) for sign in (True, False)]


def sight_before(shot: Shot, before: Shot) -> Residual | None:
    """Depth of still things against the depth that the frame before had at the same place of the world: part of it.

    No motion plane is used, and the poses are those of the two frames' own.
    """
    if not (shot.has(DEPTH) and before.has(DEPTH) and shot.perspective and shot.inside.any()):
        return None
    keep = shot.inside & ~shot.listed
    uv, there = shot.uv_from(before.now, shot.points_m[keep])
    moved = middle(np.abs(np.nan_to_num(uv - shot.uv[keep], nan=np.inf)).max(axis=-1) * max(shot.size))
    if moved < SEEN_PX:
        return None
    seen = read_flat(before, uv)
    known = np.isfinite(seen) & np.isfinite(there)
    if known.sum() < max(LEAST_PIXELS, 0.05 * len(there)):
        return None
    return Residual(middle(np.abs(seen[known] / there[known] - 1.0)), DEPTH_PART)


def places(shot: Shot, uv: F64) -> tuple[F64, F64, Mask]:
    """Row and column, in kept pixels, of uv [n, 2]; and which of them lie well inside the picture."""
    u, v = shot.uv[0, :, 0], shot.uv[:, 0, 1]
    with np.errstate(invalid="ignore"):
        column, row = (uv[:, 0] - u[0]) / (u[1] - u[0]), (uv[:, 1] - v[0]) / (v[1] - v[0])
        inside = (column >= 1.0) & (column < len(u) - 2.0) & (row >= 1.0) & (row < len(v) - 2.0)
    return np.where(inside, row, 1.0), np.where(inside, column, 1.0), inside


def read_flat(shot: Shot, uv: F64) -> F64:
    """Depth between pixels, exact on flat surfaces (1 / depth is linear there); NaN at edges and outside."""
    row, column, inside = places(shot, uv)
    y, x = row.astype(int), column.astype(int)
    fy, fx = row - y, column - x
    with np.errstate(invalid="ignore", divide="ignore"):
        inverse = 1.0 / shot.depth_m
        corners = np.stack([inverse[y, x], inverse[y, x + 1], inverse[y + 1, x], inverse[y + 1, x + 1]])
        weights = np.stack([(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx])
        smooth = corners.max(axis=0) - corners.min(axis=0) < 0.05 * corners.max(axis=0)
        return np.where(inside & smooth, 1.0 / (corners * weights).sum(axis=0), np.nan)


def ids_stay(shot: Shot, before: Shot) -> Residual | None:
    """Part of the pixels well inside things whose id was another one where they were in the frame before."""
    if not (shot.has(DEPTH, OBJECT) and before.has(OBJECT) and shot.perspective):
        return None
    keep = shot.inside & ~shot.listed
    uv = shot.uv_from(before.now, shot.points_m[keep])[0]
    row, column, inside = places(before, uv)
    then = before.planes[OBJECT][np.rint(row).astype(int), np.rint(column).astype(int)]
    if inside.sum() < LEAST_PIXELS:
        return None
    return Residual(float(np.mean((then != shot.planes[OBJECT][keep])[inside])), 0.1)


def body_rows(shot: Shot, keep: Mask) -> NDArrayInt:
    """Row of the body table of each kept pixel; every one of them is listed."""
    order = np.argsort(shot.bodies.ids)
    found = np.searchsorted(shot.bodies.ids, shot.planes[OBJECT][keep], sorter=order)
    rows: NDArrayInt = order[found]
    return rows


def motion_of_bodies(shot: Shot) -> Residual | None:
    """The motion plane of bodies that move, against their poses now and before, pixels."""
    if shot.fresh or not len(shot.bodies) or not shot.has(DEPTH, MOTION, OBJECT) or not shot.perspective:
        return None
    seen = shot.planes[MOTION]
    keep = shot.inside & shot.listed & np.isfinite(seen).all(axis=-1)
    if keep.sum() < BODY_PIXELS:
        return None
    rows, now, then = body_rows(shot, keep), shot.bodies.poses, shot.bodies.previous
    local = np.einsum("nji,nj->ni", rotations(now[:, 3:])[rows], shot.points_m[keep] - now[rows, :3])
    earlier = np.einsum("nij,nj->ni", rotations(then[:, 3:])[rows], local) + then[rows, :3]
    told = shot.uv_from(shot.before, earlier)[0] - shot.uv[keep]
    told, observed, size = np.where(np.isfinite(told), told, np.inf), seen[keep], np.array(shot.size)
    own = np.maximum(np.abs(observed - shot.still_motion[keep]), np.abs(told - shot.still_motion[keep]))
    moves = (np.nan_to_num(own, nan=np.inf, posinf=np.inf) * size).max(axis=-1) > SEEN_PX
    if moves.sum() < BODY_PIXELS:
        return None
    with np.errstate(invalid="ignore"):
        error_px = np.linalg.norm((observed - told) * size, axis=-1)[moves]
        amount_px = middle(np.linalg.norm(observed * size, axis=-1)[moves])
    return Residual(middle(error_px), 2.0 * MOTION_PX + 2.0 * MOTION_PART * min(amount_px, 100.0))


def places_of_bodies(shot: Shot) -> Residual | None:
    """How far the bodies' positions are from where they are seen, in their own visible sizes."""
    if not len(shot.bodies) or not shot.has(DEPTH, OBJECT) or not shot.perspective:
        return None
    keep = shot.inside & shot.listed
    if keep.sum() < BODY_PIXELS:
        return None
    rows, points = body_rows(shot, keep), shot.points_m[keep]
    apart = []
    for row in np.unique(rows):
        mine = points[rows == row]
        if len(mine) < BODY_PIXELS:
            continue
        extent_m = float(np.linalg.norm(np.ptp(mine, axis=0))) + 0.1
        apart.append(float(np.linalg.norm(mine.mean(axis=0) - shot.bodies.poses[row, :3])) / extent_m)
    return Residual(float(np.median(apart)), 3.0) if apart else None


NDArrayInt = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
_CAMERA = frozenset({"camera", "projection", DEPTH})
_STILL = _CAMERA | {"previous", MOTION, OBJECT}
GEOMETRY = (
    Measure("motion of still things along u", "apart from depth and camera", "px",
            "motion, depth, and a camera that moves sideways or turns",
            ("motion", "camera", "previous pose", "depth", "projection"), _STILL,
            each(lambda shot: motion_of_still(shot, 0))),
    Measure("motion of still things along v", "apart from depth and camera", "px",
            "motion, depth, and a camera that moves up or down or nods",
            ("motion", "camera", "previous pose", "depth", "projection"), _STILL,
            each(lambda shot: motion_of_still(shot, 1))),
    Measure("normals against the slope of depth", "apart", "degrees",
            "normals, depth, and surfaces larger than a few pixels",
            ("normal", "depth", "camera", "projection", "rows"), _CAMERA | {NORMAL, OBJECT}, each(surface_normals),
            beyond=15.0),
    Measure("depth against depth of the frame before", "of it apart", "", "a camera that moves, depth in every frame",
            ("depth", "camera", "projection", "rows"), _CAMERA | {OBJECT}, pairs(sight_before)),
    Measure("object ids against the frame before", "of the pixels another one", "",
            "ids, depth, and things that stay in sight",
            ("object ids",), _CAMERA | {OBJECT}, pairs(ids_stay), beyond=5.0),
    Measure("motion of bodies", "apart from their poses", "px",
            "bodies that move, in sight, with ids, depth and motion",
            ("bodies", "motion", "object ids", "planes in step"), _STILL | {"bodies"}, each(motion_of_bodies)),
    Measure("places of bodies", "sizes away from where they are seen", "",
            "bodies in sight, with ids and depth",
            ("bodies", "camera", "object ids"), _CAMERA | {"bodies", OBJECT}, each(places_of_bodies)),
)  # fmt: skip
