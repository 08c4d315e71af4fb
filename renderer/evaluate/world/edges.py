"""Whether a picture's edges are the engine's: boundary recall, and how far silhouettes are off.

Edges lie between two pixels, so everything here is counted on the lines between neighbours: `across` [H, W - 1] between
columns, `down` [H - 1, W] between rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import PlaneName
from renderer.evaluate.world.truth import F32, F64, Mask, grown, luma

WITHIN_PX = 2  # of a discontinuity an image edge counts
EDGE = 5.0  # levels between neighbours, and no less than beside it
JUMP = 0.1  # of the nearer depth: a step, not a slope
TURN_COS = 0.9  # of neighbouring normals: a corner
REACH_PX = 4  # of a silhouette's profile, to both sides
CLEAR = 0.5  # of the steepest step of a profile: a step that may be the silhouette's, beside those of a texture
CONTRAST = 10.0  # levels, in the engine's frame, of a silhouette whose place is compared


class Lines(NamedTuple):
    """Something on the lines between neighbouring pixels."""

    across: NDArray[np.generic]  # [H, W - 1]
    down: NDArray[np.generic]  # [H - 1, W]


def discontinuities(planes: PlaneViews) -> Lines:
    """Where depth, normal or object id break: what the picture must show as an edge, if light and colour let it."""
    depth_m = np.asarray(planes[PlaneName.DEPTH], np.float64)
    normal = np.asarray(planes[PlaneName.NORMAL][..., :3], np.float32)

    def broken(one: tuple[slice, slice], other: tuple[slice, slice]) -> Mask:
        solid = np.isfinite(depth_m[one]) & np.isfinite(depth_m[other])
        near, far = np.minimum(depth_m[one], depth_m[other]), np.maximum(depth_m[one], depth_m[other])
        jump = np.where(solid, far, 0.0) > np.where(solid, near, 0.0) * (1.0 + JUMP)
        corner = solid & ((normal[one] * normal[other]).sum(axis=-1) < TURN_COS)
        return np.asarray(jump | corner | _other_things(planes[PlaneName.OBJECT], one, other))

    return Lines(broken(*_COLUMNS), broken(*_ROWS))


def jumps(planes: PlaneViews) -> Mask:
    """[H, W]: pixels beside a step in depth, where what is behind shows or hides as the camera moves."""
    depth_m = np.minimum(np.asarray(planes[PlaneName.DEPTH], np.float64), 1e6)
    out: Mask = np.zeros(depth_m.shape, np.bool_)
    for one, other in (_COLUMNS, _ROWS):
        near, far = np.minimum(depth_m[one], depth_m[other]), np.maximum(depth_m[one], depth_m[other])
        jump = far > near * (1.0 + JUMP)
        out[one] |= jump
        out[other] |= jump
    return out


def silhouettes(objects: NDArray[np.generic], thing: int | None = None) -> Lines:
    """Where one object ends and another begins; of one thing alone where that is told."""

    def ends(one: tuple[slice, slice], other: tuple[slice, slice]) -> Mask:
        differ = _other_things(objects, one, other)
        return differ if thing is None else differ & ((objects[one] == thing) | (objects[other] == thing))

    return Lines(ends(*_COLUMNS), ends(*_ROWS))


_ALL = slice(None)
_COLUMNS = ((_ALL, slice(None, -1)), (_ALL, slice(1, None)))
_ROWS = ((slice(None, -1), _ALL), (slice(1, None), _ALL))


def _other_things(objects: NDArray[np.generic], one: tuple[slice, slice], other: tuple[slice, slice]) -> Mask:
    return np.asarray(objects[one] != objects[other])


def image_edges(picture: F32) -> Lines:
    """Steps of EDGE levels or more between neighbours, as steep as any beside them."""
    across, down = steps(picture)
    return Lines(_ridges(across), _ridges(down.T).T)


def steps(picture: F32) -> tuple[F64, F64]:
    """Absolute difference of neighbouring pixels, in levels: [H, W - 1] and [H - 1, W]."""
    level = luma(picture)
    return np.abs(np.diff(level, axis=1)), np.abs(np.diff(level, axis=0))


def _ridges(step: F64) -> Mask:
    beside = np.pad(step, ((0, 0), (1, 1)))
    return np.asarray((step >= EDGE) & (step >= beside[:, :-2]) & (step >= beside[:, 2:]))


def recalled(picture: F32, wanted: Lines, within: Mask | None = None) -> float:
    """Share of the wanted lines with an image edge within WITHIN_PX; NaN of none. `within` [H, W] is where to look."""
    edges = image_edges(picture)
    found, count = 0, 0
    for lines, edge, sides in zip(wanted, edges, (_COLUMNS, _ROWS), strict=True):
        asked = np.asarray(lines, np.bool_)
        if within is not None:
            asked = asked & within[sides[0]] & within[sides[1]]
        near = grown(np.asarray(edge), WITHIN_PX)
        found, count = found + int((asked & near).sum()), count + int(asked.sum())
    return found / count if count else float("nan")


def silhouette_offsets(picture: F32, engine: F32, objects: NDArray[np.generic]) -> tuple[F64, F64]:
    """How far, in pixels, the nearest clear step of a picture is from silhouettes, and the same of the engine's own
    frame, [n] each: along rows and columns, for silhouettes that stand alone in their profile and are the steepest step
    of it in the engine's frame. In between two steps the place is that of the parabola through it and its neighbours;
    where there is no step at all it is the profile's end."""
    own: list[F64] = []
    theirs: list[F64] = []
    for k, lines in enumerate(silhouettes(objects)):
        step, engine_step = (steps(p)[k] if k == 0 else steps(p)[k].T for p in (picture, engine))
        ends = np.asarray(lines if k == 0 else lines.T, np.bool_)
        for step_of, out in ((step, own), (engine_step, theirs)):
            out.append(_offsets(step_of, engine_step, ends))
    return np.concatenate(own), np.concatenate(theirs)


def _offsets(step: F64, engine_step: F64, ends: Mask) -> F64:
    width = ends.shape[1]
    padded = np.pad(ends, ((0, 0), (REACH_PX, REACH_PX)))
    crowd = sum(padded[:, k : k + width].astype(np.intp) for k in range(2 * REACH_PX + 1))
    alone = ends & (crowd == 1) & (engine_step >= CONTRAST)
    alone[:, : REACH_PX + 1] = alone[:, width - REACH_PX - 1 :] = False
    row, column = np.nonzero(alone)
    reach = np.arange(-REACH_PX - 1, REACH_PX + 2)
    steepest = engine_step[row[:, None], column[:, None] + reach].max(axis=1, initial=0.0)
    row, column = (v[engine_step[row, column] >= steepest] for v in (row, column))
    profile = step[row[:, None], column[:, None] + reach]
    if not len(profile):
        return np.zeros(0)
    inner = profile[:, 1:-1]
    ridge = (inner >= profile[:, :-2]) & (inner >= profile[:, 2:])
    ridge &= inner >= np.maximum(CLEAR * inner.max(axis=1, keepdims=True), 1e-6)
    peak = np.where(ridge, np.abs(reach[1:-1]), REACH_PX + 1).argmin(axis=1) + 1
    at = np.arange(len(profile))
    before, top, after = profile[at, peak - 1], profile[at, peak], profile[at, peak + 1]
    bend = before - 2.0 * top + after
    between = np.where(bend < -1e-9, 0.5 * (before - after) / np.where(bend < -1e-9, bend, 1.0), 0.0)
    return np.asarray(np.abs(peak - (REACH_PX + 1) + np.clip(between, -0.5, 0.5)))
