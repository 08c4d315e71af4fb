"""The known scene against what it must look like: what frames cannot tell of themselves, such as metres and gamma."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bridge.schema import PlaneName
from bridge.spaces import GOLDEN
from renderer.conformance.measures import Measure, Residual, Shots, each, middle
from renderer.conformance.measures.geometry import facings
from renderer.conformance.measures.header import angle_between
from renderer.conformance.scene import PERIOD, THINGS, body_pose, camera_pose
from renderer.conformance.shot import F64, Mask, Shot
from renderer.conformance.truth import ALBEDOS, TAN, Truth, thin, truth_at

LEAST_PIXELS = 60
LEAST_OF_SIDE, LEAST_OF_THING = 25, 1
PLACE_M = 0.004
NEAR_M = 0.05  # farther from the path than this, a camera is somewhere else
SQUARES = np.array([thing.name.startswith("square") for thing in THINGS])
PATH = np.stack([camera_pose(step) for step in range(PERIOD)])
COLOR, DEPTH, NORMAL, MOTION = PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION


def step_of(shot: Shot) -> tuple[int, float]:
    """The step of the loop whose camera is nearest to the shot's, and how far it is: metres, 2 m for a radian."""
    apart = np.linalg.norm(PATH[:, :3] - shot.now.position_m, axis=-1)
    unit = shot.now.quaternion / np.linalg.norm(shot.now.quaternion)
    apart = apart + 2.0 * angle_between(PATH[:, 3:], np.broadcast_to(unit, (PERIOD, 4)))
    nearest = int(apart.argmin())
    return nearest, float(apart[nearest])


def on_path(shot: Shot) -> Residual | None:
    return Residual(step_of(shot)[1], PLACE_M)


def known_lens(shot: Shot) -> Residual | None:
    """Tangents of half the angles of view against those of the scene: the logarithm of the worse ratio."""
    focal = np.array([1.0 / (TAN * shot.size[0] / shot.size[1]), 1.0 / TAN])
    told = shot.projection[(0, 1), (0, 1)]
    return Residual(float(np.abs(np.log(told / focal)).max()) if (told > 0.0).all() else math.inf, 0.003)


def _truth(shot: Shot) -> Truth | None:
    """None where the camera is not on the path: then it is not known what it sees."""
    step, away = step_of(shot)
    return truth_at(step, shot) if away < NEAR_M else None


def looked_at(shot: Shot, name: PlaneName) -> F64:
    """A plane at the pixels of which truth is known."""
    step_px = thin(shot)
    plane: F64 = shot.planes[name][::step_px, ::step_px]
    return plane


def _known(shot: Shot, name: PlaneName) -> tuple[F64, F64, Mask] | None:
    """The plane as it came and as it must be, and where things are seen; away from edges."""
    truth = _truth(shot) if shot.has(name) else None
    if truth is None:
        return None
    return looked_at(shot, name), truth.planes[name], truth.inside & (truth.index >= 0)


def known_depth(shot: Shot) -> Residual | None:
    """Part of it, in the middle of the solid pixels."""
    if (known := _known(shot, DEPTH)) is None:
        return None
    seen, right, solid = known
    with np.errstate(invalid="ignore"):
        apart = np.abs(seen[solid] / right[solid] - 1.0)
    return Residual(float(np.quantile(np.nan_to_num(apart, nan=np.inf), 0.7)), 0.004) if solid.any() else None


def known_normals(shot: Shot) -> Residual | None:
    """Degrees, of the six facings the one that is farthest off."""
    if (known := _known(shot, NORMAL)) is None:
        return None
    seen, right, solid = known
    told, true = seen[solid][:, :3], right[solid]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.einsum("ni,ni->n", told, true) / np.linalg.norm(told, axis=-1)
    apart = np.degrees(np.arccos(np.clip(np.nan_to_num(cosines, nan=-1.0), -1.0, 1.0)))
    sides = [apart[side] for side in facings(true) if side.sum() >= LEAST_OF_SIDE]
    return Residual(max(middle(side) for side in sides), 3.0) if sides else None


def known_motion(shot: Shot, axis: int) -> Residual | None:
    """Pixels, in the middle of those that move."""
    if shot.fresh or (known := _known(shot, MOTION)) is None:
        return None
    seen, right, solid = known
    px = shot.size[axis]
    moves = solid & (np.abs(right[..., axis]) * px > 0.4) & np.isfinite(seen[..., axis])
    if moves.sum() < LEAST_PIXELS:
        return None
    error_px = middle(np.abs(seen[moves] - right[moves])[:, axis] * px)
    return Residual(error_px, 0.05 + 0.01 * middle(np.abs(right[moves])[:, axis] * px))


def known_labels(shot: Shot) -> Residual | None:
    if (known := _known(shot, PlaneName.LABEL)) is None:
        return None
    seen, right, solid = known
    return Residual(float(np.mean(seen[solid] != right[solid])), 0.05)


def known_values(name: PlaneName, channels: int, allowed: float) -> Callable[[Shot], Residual | None]:
    """How far a plane of materials is from the scene's, on average over the things in sight."""

    def measure(shot: Shot) -> Residual | None:
        truth = _truth(shot) if shot.has(name) else None
        if truth is None:
            return None
        seen = np.nan_to_num(looked_at(shot, name)[..., :channels], nan=9.0)
        apart = per_thing(truth, np.abs(seen - truth.planes[name]).max(axis=-1))
        return Residual(float(np.nanmean(apart)), allowed) if np.isfinite(apart).any() else None

    return measure


def per_thing(truth: Truth, values: F64) -> F64:
    """The mean [n] over each thing's pixels of values [h, w]; NaN for what is hardly in sight."""
    solid = truth.inside & (truth.index >= 0)
    rows = truth.index[solid]
    counts = np.bincount(rows, minlength=len(THINGS))
    sums = np.bincount(rows, np.minimum(values[solid], 1e6), minlength=len(THINGS))
    return np.where(counts >= LEAST_OF_THING, sums / np.maximum(counts, 1), np.nan)


def squares(shot: Shot) -> tuple[F64, F64] | None:
    """Colours [n, 3] of the checker's squares in sight as they came, and as they must be."""
    truth = _truth(shot) if shot.has(COLOR) else None
    if truth is None:
        return None
    seen = np.nan_to_num(looked_at(shot, COLOR), nan=0.0)
    means = np.stack([per_thing(truth, seen[..., channel]) for channel in range(3)], axis=-1)
    shown = SQUARES & np.isfinite(means).all(axis=-1)
    return (means[shown], ALBEDOS[shown]) if shown.sum() >= 4 else None


def known_colors(shot: Shot) -> Residual | None:
    """Colour of the unlit squares against their base colour: the logarithm of the ratio, on average."""
    if (both := squares(shot)) is None:
        return None
    came, right = both
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(np.log(came / right))
    return Residual(float(np.mean(np.minimum(np.nan_to_num(apart, nan=9.0), 9.0))), 0.03)


def known_bodies(shot: Shot) -> Residual | None:
    """Metres from where the slider and the spinner must be to the nearest body, with half a metre for a radian."""
    poses = shot.bodies.poses
    if not len(poses):
        return None
    (step, away), worst = step_of(shot), 0.0
    if away >= NEAR_M:
        return None
    for thing in THINGS:
        if thing.moves:
            right = body_pose(thing, step)
            unit = poses[:, 3:] / np.linalg.norm(poses[:, 3:], axis=-1, keepdims=True)
            apart = np.linalg.norm(poses[:, :3] - right[:3], axis=-1)
            apart = apart + 0.5 * angle_between(unit, np.broadcast_to(right[3:], unit.shape))
            worst = max(worst, float(apart.min()))
    return Residual(worst, 0.02)


def golden(shots: Shots) -> Residual | None:
    """The golden point, in the frame of the golden step: its depth (part of it) and motion (in ten pixels at 1920)."""
    for shot in shots:
        if not shot.fresh and step_of(shot)[0] == 1 and shot.has(DEPTH, MOTION):
            if abs(shot.size[0] / shot.size[1] - GOLDEN.aspect) > 0.01:
                return None
            column, row = (int(np.abs(at - where * size).argmin()) for at, where, size in
                           zip((shot.columns, shot.rows), GOLDEN.uv, shot.size, strict=True))  # fmt: skip
            depth = abs(float(shot.planes[DEPTH][row, column]) / GOLDEN.depth_m - 1.0)
            motion = float(np.abs(shot.planes[MOTION][row, column] - GOLDEN.motion).max()) * 192.0
            return Residual(max(depth, motion), 0.01)
    return None


_CAMERA = frozenset({"camera", "projection"})
SCENE = (
    Measure("the camera on the scene's path", "away (with 2 m for a radian)", "m", "the known scene",
            ("camera", "metres", "world axes"), frozenset({"camera"}), each(on_path)),
    Measure("the scene's angle of view", "off (logarithm)", "", "the known scene",
            ("projection",), frozenset({"projection"}), each(known_lens)),
    Measure("depth of the known scene", "of it off", "", "the known scene",
            ("depth", "metres", "rows", "planes in step"), frozenset({"camera", DEPTH}), each(known_depth)),
    Measure("normals of the known scene", "off", "degrees", "the known scene",
            ("normal", "world axes", "rows"), frozenset({"camera", NORMAL}), each(known_normals)),
    Measure("motion of the known scene along u", "off", "px", "the known scene",
            ("motion", "planes in step"), frozenset({"camera", MOTION}), each(lambda s: known_motion(s, 0))),
    Measure("motion of the known scene along v", "off", "px", "the known scene",
            ("motion", "planes in step"), frozenset({"camera", MOTION}), each(lambda s: known_motion(s, 1))),
    Measure("labels of the known scene", "of the pixels have another", "", "the known scene",
            ("labels", "rows"), frozenset({"camera", PlaneName.LABEL}), each(known_labels)),
    Measure("base colours of the known scene", "off", "", "the known scene",
            ("albedo", "rows"), frozenset({"camera", PlaneName.ALBEDO}),
            each(known_values(PlaneName.ALBEDO, 3, 0.02))),
    Measure("materials of the known scene", "off", "", "the known scene",
            ("material", "rows"), frozenset({"camera", PlaneName.MATERIAL}),
            each(known_values(PlaneName.MATERIAL, 2, 0.06))),
    Measure("unlit squares of the known scene", "off (logarithm)", "", "the known scene",
            ("color", "exposure", "rows"), frozenset({"camera", COLOR}), each(known_colors)),
    Measure("bodies of the known scene", "away (with half a metre for a radian)", "m", "the known scene",
            ("bodies", "metres"), frozenset({"camera", "bodies"}), each(known_bodies)),
    Measure("golden vector", "off in depth or motion", "", "step 1 of the known scene, at 16:9",
            ("depth", "motion"), frozenset({"camera", DEPTH, MOTION}), golden),
)  # fmt: skip
