"""Planes by themselves and beside each other: ranges, the sky, unit lengths, ids and labels, what is up."""

from __future__ import annotations

import numpy as np

from bridge.schema import Label, PlaneName
from renderer.conformance.measures import Measure, Residual, each, middle
from renderer.conformance.shot import Mask, Plane, Shot

LEAST_PIXELS = 60
PLATEAU = 0.03  # of the picture with the very same, farthest depth: that is no surface
COLOR, DEPTH, NORMAL, MOTION = PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION
ALBEDO, MATERIAL, OBJECT, LABEL = PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.OBJECT, PlaneName.LABEL


def part(wrong: Plane | np.bool_, of: Mask | None = None) -> float:
    """Part of the pixels, or of those that count."""
    return float(np.mean(wrong if of is None else np.asarray(wrong)[of]))


def positive(shot: Shot) -> Residual | None:
    if not shot.has(DEPTH):
        return None
    return Residual(part(~(shot.planes[DEPTH] > 0.0)), 0.002)


def within(shot: Shot) -> Residual | None:
    if not shot.has(DEPTH) or not shot.solid.any():
        return None
    depth = shot.planes[DEPTH][shot.solid]
    return Residual(part((depth < 0.9 * shot.near_m) | (depth > 1.5 * shot.far_m)), 0.01)


def sky(shot: Shot) -> Residual | None:
    """Part of the pixels that have a depth and no thing, or a thing and no depth; without ids, a plateau far away."""
    if not shot.has(DEPTH):
        return None
    depth = shot.planes[DEPTH]
    if shot.has(OBJECT):
        return Residual(part(np.isposinf(depth) != (shot.planes[OBJECT] == 0)), 0.02)
    finite = depth[np.isfinite(depth)]
    return Residual(float(np.sum(finite == finite.max())) / depth.size, PLATEAU) if finite.size else None


def unit_normals(shot: Shot) -> Residual | None:
    if not shot.has(NORMAL, DEPTH) or shot.inside.sum() < LEAST_PIXELS:
        return None
    return Residual(middle(np.abs(np.linalg.norm(shot.planes[NORMAL][..., :3][shot.inside], axis=-1) - 1.0)), 0.02)


def sentinels(shot: Shot) -> Residual | None:
    """Motions of more than twice the picture, or of exactly (-1, -1): marks of an engine, or another unit."""
    if not shot.has(MOTION):
        return None
    motion = shot.planes[MOTION]
    with np.errstate(invalid="ignore"):
        return Residual(part((np.abs(motion) > 2.0).any(axis=-1) | (motion == -1.0).all(axis=-1)), 0.002)


def things(shot: Shot) -> Mask | None:
    """Where a thing is seen, or None when that cannot be said or is too little."""
    if not shot.has(LABEL):
        return None
    if not shot.has(OBJECT) and not shot.has(DEPTH):
        return None
    seen: Mask = shot.planes[OBJECT] > 0 if shot.has(OBJECT) else shot.solid
    return seen if seen.sum() >= LEAST_PIXELS else None


def labelled(shot: Shot) -> Residual | None:
    seen = things(shot)
    return None if seen is None else Residual(part(shot.planes[LABEL] == Label.UNKNOWN, seen), 0.97)


def known_labels(shot: Shot) -> Residual | None:
    return Residual(part(shot.planes[LABEL] > max(Label)), 0.001) if shot.has(LABEL) else None


def one_label(shot: Shot) -> Residual | None:
    """Part of the things' pixels whose label is not the one that most of the thing has."""
    seen = things(shot)
    if seen is None or not shot.has(OBJECT):
        return None
    rows, labels = np.unique(shot.planes[OBJECT][seen], return_inverse=True)[1], shot.planes[LABEL][seen]
    counts = np.zeros((rows.max() + 1, 256), np.int64)
    np.add.at(counts, (rows, labels), 1)
    return Residual(1.0 - counts.max(axis=1).sum() / len(rows), 0.02)


def finite_color(shot: Shot) -> Residual | None:
    if not shot.has(COLOR):
        return None
    color = shot.planes[COLOR][..., :3]
    return Residual(part(~(np.isfinite(color) & (color >= -1e-3)).all(axis=-1)), 0.002)


def albedo_range(shot: Shot) -> Residual | None:
    if not shot.has(ALBEDO):
        return None
    albedo = shot.planes[ALBEDO][..., :3]
    return Residual(part(~((albedo >= -0.002) & (albedo <= 1.002)).all(axis=-1)), 0.002)


def material_range(shot: Shot) -> Residual | None:
    if not shot.has(MATERIAL):
        return None
    material = shot.planes[MATERIAL]
    return Residual(part(~((material >= -0.002) & (material <= 1.002)).all(axis=-1)), 0.002)


def metals(shot: Shot) -> Residual | None:
    """Part of what is labelled, and not as metal, that says it is metal; without labels, of what is half a metal."""
    if not shot.has(MATERIAL):
        return None
    metallic = shot.planes[MATERIAL][..., 1]
    if shot.has(LABEL):
        plain = (shot.planes[LABEL] != Label.METAL) & (shot.planes[LABEL] > Label.SKY)
        if plain.sum() >= LEAST_PIXELS:
            return Residual(part(metallic > 0.3, plain), 0.4)
    seen = shot.solid if shot.has(DEPTH) else np.ones(metallic.shape, np.bool_)
    return Residual(part((metallic > 0.1) & (metallic < 0.95), seen), 0.5) if seen.sum() >= LEAST_PIXELS else None


def ground_is_up(shot: Shot) -> Residual | None:
    """Degrees between +Y and the normals of what is labelled ground."""
    if not shot.has(LABEL, NORMAL):
        return None
    normal = shot.planes[NORMAL][..., :3][shot.planes[LABEL] == Label.GROUND]
    if len(normal) < LEAST_PIXELS:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.nan_to_num(normal[:, 1] / np.linalg.norm(normal, axis=-1), nan=-1.0)
    return Residual(middle(np.degrees(np.arccos(np.clip(up, -1.0, 1.0)))), 50.0)


VALUES = (
    Measure("depth in front of the camera", "of the pixels are not", "", "a depth plane",
            ("depth",), frozenset({DEPTH}), each(positive)),
    Measure("depth between near and far", "of the pixels are not", "", "geometry in sight",
            ("depth", "near and far"), frozenset({DEPTH, "clip"}), each(within)),
    Measure("infinite depth where nothing is", "of the pixels are not so", "", "a depth plane",
            ("sky",), frozenset({DEPTH, OBJECT}), each(sky)),
    Measure("length of normals", "from 1", "", "normals, depth, and geometry in sight",
            ("normal",), frozenset({NORMAL, DEPTH, OBJECT}), each(unit_normals)),
    Measure("motion within the picture's size", "of the pixels are not", "", "a motion plane",
            ("motion",), frozenset({MOTION}), each(sentinels)),
    Measure("labels of things", "of the things' pixels have none", "", "a label plane and things in sight",
            ("labels",), frozenset({LABEL, OBJECT, DEPTH}), each(labelled), beyond=1.0),
    Measure("labels that exist", "of the pixels have another number", "", "a label plane",
            ("labels",), frozenset({LABEL}), each(known_labels)),
    Measure("one label for one thing", "of the pixels have another", "", "label and object planes",
            ("labels", "object ids"), frozenset({LABEL, OBJECT, DEPTH}), each(one_label), beyond=np.inf),
    Measure("finite, positive colour", "of the pixels are not", "", "a colour plane",
            ("color",), frozenset({COLOR}), each(finite_color)),
    Measure("base colour from 0 to 1", "of the pixels are not", "", "an albedo plane",
            ("albedo",), frozenset({ALBEDO}), each(albedo_range)),
    Measure("roughness and metallic from 0 to 1", "of the pixels are not", "", "a material plane",
            ("material",), frozenset({MATERIAL}), each(material_range)),
    Measure("metal where metal is", "of the pixels are not so", "", "a material plane and geometry in sight",
            ("material",), frozenset({MATERIAL, LABEL, DEPTH}), each(metals), beyond=np.inf),
    Measure("ground that faces up", "degrees from +Y", "", "something labelled ground, and normals",
            ("world axes",), frozenset({NORMAL, LABEL}), each(ground_is_up), beyond=np.inf),
)  # fmt: skip
