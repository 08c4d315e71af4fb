"""Mistakes in the projection: its form, its depth range, its angle, its jitter."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bridge.schema import PlaneName
from renderer.conformance.measures.geometry import motion_of_still, sight_before, surface_normals
from renderer.conformance.readings import Reading, Shots, every, with_planes
from renderer.conformance.shot import F64, Shot, thinned

PROJECTION = frozenset({"projection"})
MOTION, DEPTH = PlaneName.MOTION, PlaneName.DEPTH
WIDEST = 1.3  # logarithm of how much too long or short a focal length may be
GRIDS = (13, 9, 9, 9, 9)  # points of the searches, each four times as fine as the one before
FITTED_FRAMES = 4


def _form(change: Callable[[F64], F64]) -> Callable[[Shot], Shot]:
    return lambda shot: replace(shot, projection=change(shot.projection))


def _rows(m: F64, third: tuple[float, float]) -> F64:
    changed = m.copy()
    changed[2, 2:] = third
    return changed


def _device(near_far: Callable[[float, float], tuple[float, float]]) -> Callable[[Shot], Shot | None]:
    """The OpenGL form of a projection whose third row is a device's; None when it is not."""

    def change(shot: Shot) -> Shot | None:
        n, f = shot.near_m, shot.far_m
        if not np.allclose(shot.projection[2, 2:], near_far(n, f), rtol=1e-3, atol=1e-6):
            return None
        ratio = n / f
        third = (-(1.0 + ratio) / (1.0 - ratio), -2.0 * n / (1.0 - ratio))
        return replace(shot, projection=_rows(shot.projection, third))

    return change


def _signs(*signs: float) -> Callable[[Shot], Shot]:
    return _form(lambda m: m * np.array(signs)[:, None])


def _still_centre(shots: Shots) -> Shots | None:
    """The centre that the projection has on average."""
    centre = np.median([shot.projection[:2, 2] for shot in shots], axis=0)
    made = []
    for shot in shots:
        projection = shot.projection.copy()
        projection[:2, 2] = centre
        made.append(replace(shot, projection=projection))
    return made


def _without_jitter(shots: Shots) -> Shots | None:
    """Motion less what it is off by in the middle of each frame; None unless that shakes by less than a pixel or so."""
    offsets = np.array([_offset(shot) for shot in shots])
    known = np.isfinite(offsets).all(axis=-1)
    if known.sum() < 3:
        return None
    size_px = np.array(shots[0].size)
    px = np.abs(offsets[known] * size_px)
    lopsided = np.abs(offsets[known].mean(axis=0) * size_px).max()
    if px.max() > 1.6 or lopsided > 0.5 * float(np.median(px.max(axis=-1))):
        return None
    offsets[~known] = 0.0
    return [with_planes(s, {MOTION: s.planes[MOTION] - o}) if s.has(MOTION) else s
            for s, o in zip(shots, offsets, strict=True)]  # fmt: skip


def _offset(shot: Shot) -> F64:
    if shot.fresh or not shot.has(DEPTH, MOTION) or not shot.perspective:
        return np.full(2, np.nan)
    off = (shot.planes[MOTION] - shot.still_motion)[shot.inside & ~shot.listed]
    off = off[np.isfinite(off).all(axis=-1)]
    return np.median(off, axis=0) if len(off) else np.full(2, np.nan)


def scaled(shot: Shot, x: float, y: float) -> Shot:
    """A projection whose focal lengths along x and y are so many times as long."""
    return replace(shot, projection=shot.projection * np.array([x, y, 1.0, 1.0])[:, None])


@dataclass(frozen=True)
class Focal:
    """Undoes a wrong focal length by the one under which depth, normals and motion agree best."""

    x: float  # exponent of the factor along x
    y: float

    def __call__(self, shots: Shots) -> Shots | None:
        spread = np.unique(np.linspace(1, len(shots) - 1, FITTED_FRAMES).astype(int))
        runs = [(thinned(shots[k - 1]), thinned(shots[k])) for k in spread if shots[k].follows(shots[k - 1])]
        if not runs or not all(shot.has(DEPTH) and shot.perspective for run in runs for shot in run):
            return None
        best = 0.0
        reach = WIDEST
        for count in GRIDS:
            tried = best + np.linspace(-reach, reach, count)
            costs = [self._cost(runs, float(k)) for k in tried]
            best, reach = float(tried[int(np.argmin(costs))]), 2.0 * reach / (count - 1)
        factor = math.exp(best)
        return [scaled(shot, factor**self.x, factor**self.y) for shot in shots]

    def _cost(self, runs: Sequence[tuple[Shot, Shot]], k: float) -> float:
        factor = math.exp(k)
        total = 0.0
        for pair in runs:
            before, shot = (scaled(s, factor**self.x, factor**self.y) for s in pair)
            found = [
                motion_of_still(shot, 0),
                motion_of_still(shot, 1),
                surface_normals(shot),
                sight_before(shot, before),
            ]
            total += sum(
                math.log(max(r.score, 1e-4)) if math.isfinite(r.score) else 12.0 for r in found if r is not None
            )
        return total


def _angles(shots: Shots) -> str:
    """The field of view as it was told, and as it is seen."""
    seen = (Focal(1.0, 1.0)(shots) or shots)[0]
    told_deg, seen_deg = (2.0 * math.degrees(math.atan(1.0 / shot.projection[1, 1])) for shot in (shots[0], seen))
    return f"the field of view is told as {told_deg:.1f} degrees (vertical), and the planes show {seen_deg:.1f}"


def _aspects(shots: Shots) -> str:
    seen = (Focal(1.0, 0.0)(shots) or shots)[0]
    told, shown = (shot.projection[1, 1] / shot.projection[0, 0] for shot in (shots[0], seen))
    return f"the aspect is told as {told:.3f}, and the planes show {shown:.3f}"


PROJECTIONS = (
    Reading("projection", "the projection is transposed", "send it row-major, acting on column vectors", PROJECTION,
            every(_form(lambda m: m.T))),
    Reading("projection", "the projection looks down +Z (left-handed)", "change the sign of its third column",
            PROJECTION, every(_form(lambda m: m * (1.0, 1.0, -1.0, 1.0)))),
    Reading("projection", "the projection is upside down (a device's, y flipped)", "change the sign of its second row",
            PROJECTION, every(_signs(1.0, -1.0, 1.0, 1.0))),
    Reading("projection", "the projection is mirrored", "change the sign of its first row", PROJECTION,
            every(_signs(-1.0, 1.0, 1.0, 1.0))),
    Reading("projection", "the projection is the device's reversed one (depth 1 to 0)",
            "send the OpenGL form: z in -1..1 after division, bridge.spaces.gl_projection", PROJECTION,
            every(_device(lambda n, f: (n / (f - n), n * f / (f - n))))),
    Reading("projection", "the projection is the device's reversed one with an infinite far plane",
            "send the OpenGL form: z in -1..1 after division, bridge.spaces.gl_projection", PROJECTION,
            every(_device(lambda n, f: (0.0, n)))),
    Reading("projection", "the projection is the device's (depth 0 to 1)",
            "send the OpenGL form: z in -1..1 after division, bridge.spaces.gl_projection", PROJECTION,
            every(_device(lambda n, f: (f / (n - f), n * f / (n - f))))),
    Reading("jitter", "jitter is left in the projection", "send the projection without it, and jitter_px beside it",
            PROJECTION, _still_centre),
    Reading("jitter", "jitter is left in the motion", "take previous and current uv through projections without jitter",
            frozenset({MOTION}), _without_jitter, fitted=True),
    Reading("projection", "the field of view is not the one that the planes were drawn with",
            "send the projection of the very camera; mind vertical against horizontal angles, degrees, half angles",
            PROJECTION, Focal(1.0, 1.0), fitted=True, words=_angles),
    Reading("projection", "the aspect is not the one that the planes were drawn with",
            "make the projection with width / height of the planes", PROJECTION, Focal(1.0, 0.0), fitted=True,
            words=_aspects),
)  # fmt: skip
