"""Set extension: where an engine's set ends under the horizon, its level ground goes on, as a plane of the world.

Only level ground goes on, from what the engine labels as ground; above the horizon an open set already shows limn's
sky. The ground is measured once and kept until the world is reset, so that it stays where it is. A set is open where
the engine has nothing, and where it declares so by a label: a backdrop, a green wall, a dome.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import SnapshotCorrupt
from bridge.planes import PlaneViews
from bridge.schema import Camera, Label, PlaneName
from renderer.models.limn.anchor import rotations

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Look = float | tuple[float, ...] | F32  # of a plane: one value, channels, or a picture of values
LEVEL = 0.98  # of a normal's height
LEAST_SHARE = 0.005  # of the picture that must be level ground for it to be measured
NUMBERS = 9  # of `Ground.row`


@dataclass(frozen=True)
class Ground:
    """The level ground of a set, and what it looks like."""

    height_m: float  # world y
    albedo: tuple[float, float, float]
    color: tuple[float, float, float]  # scene-linear
    object_id: int
    roughness: float

    def row(self) -> F64:
        """As numbers, for a snapshot."""
        return np.array([self.height_m, *self.albedo, *self.color, self.object_id, self.roughness], np.float64)

    @staticmethod
    def saved(arrays: Mapping[str, NDArray[Any]]) -> Ground:
        """From the `row` that a snapshot keeps as `ground`. Raises SnapshotCorrupt."""
        row = arrays.get("ground", np.empty(0))
        if len(arrays) != 1 or row.dtype != np.float64 or row.shape != (NUMBERS,) or not np.isfinite(row).all():
            raise SnapshotCorrupt(
                "the snapshot's latents are not limn's", fix="It was altered, or made by another version; take another."
            )
        n = [float(v) for v in row]
        return Ground(n[0], (n[1], n[2], n[3]), (n[4], n[5], n[6]), int(n[7]), n[8])


def opened(planes: PlaneViews, label: Label) -> PlaneViews:
    """The planes with nothing where the engine has that label. Those of the engine are not written to."""
    if PlaneName.LABEL not in planes:
        return planes
    there = (planes[PlaneName.LABEL] == label) & np.isfinite(planes[PlaneName.DEPTH])
    return _with(planes, there, {PlaneName.DEPTH: np.inf, PlaneName.OBJECT: 0, PlaneName.LABEL: int(Label.SKY),
                                 PlaneName.MOTION: np.nan}) if there.any() else planes  # fmt: skip


def ground_of(planes: PlaneViews, camera: Camera) -> Ground | None:
    """The ground that most of the picture's level ground lies on; None when there is too little to tell."""
    if PlaneName.LABEL not in planes or PlaneName.ALBEDO not in planes:
        return None
    depth = planes[PlaneName.DEPTH]
    level = (planes[PlaneName.LABEL] == Label.GROUND) & np.isfinite(depth) & (planes[PlaneName.NORMAL][..., 1] > LEVEL)
    if level.sum() < LEAST_SHARE * level.size:
        return None
    heights = camera.world_from_camera.position_m[1] + _directions(camera, *depth.shape)[level][:, 1] * depth[level]
    height = float(np.median(heights))
    on_it = np.flatnonzero(level)[np.abs(heights - height) < 0.05]
    albedo, color = (np.median(planes[name].reshape(-1, planes[name].shape[-1])[on_it, :3].astype(np.float64), axis=0)
                     for name in (PlaneName.ALBEDO, PlaneName.COLOR))  # fmt: skip
    ids, counts = np.unique(planes[PlaneName.OBJECT].ravel()[on_it], return_counts=True)
    material = planes.get(PlaneName.MATERIAL)
    roughness = 0.9 if material is None else float(np.median(material.reshape(-1, material.shape[-1])[on_it, 0]))
    a, c = ([float(v) for v in values] for values in (albedo, color))
    return Ground(height, (a[0], a[1], a[2]), (c[0], c[1], c[2]), int(ids[counts.argmax()]), roughness)


def extended(planes: PlaneViews, camera: Camera, ground: Ground, reach_m: float) -> PlaneViews:
    """The planes with the ground going on where there is nothing, up to `reach_m` of view depth. Those of the engine
    are not written to; without a place to go on they are returned as they are."""
    depth = planes[PlaneName.DEPTH]
    below_m = camera.world_from_camera.position_m[1] - ground.height_m
    with np.errstate(divide="ignore", invalid="ignore"):
        reached = below_m / -_directions(camera, *depth.shape)[..., 1]
    empty = ~np.isfinite(depth) & (reached > 0.0) & (reached <= reach_m)
    if below_m <= 0.0 or not empty.any():
        return planes
    looks: dict[PlaneName, Look] = {
        PlaneName.DEPTH: reached, PlaneName.NORMAL: (0.0, 1.0, 0.0), PlaneName.ALBEDO: ground.albedo,
        PlaneName.COLOR: ground.color, PlaneName.OBJECT: ground.object_id, PlaneName.LABEL: int(Label.GROUND),
        PlaneName.MATERIAL: (ground.roughness, 0.0), PlaneName.MOTION: np.nan,
    }  # fmt: skip
    return _with(planes, empty, looks)


def _with(planes: PlaneViews, where: NDArray[np.bool_], looks: Mapping[PlaneName, Look]) -> PlaneViews:
    """Copies of the planes that `looks` names, with its values there; the others as they are."""
    out = dict(planes)
    for name, look in looks.items():
        if name in planes:
            out[name] = planes[name].copy()
            if isinstance(look, tuple):
                out[name][where, : len(look)] = look
            else:
                out[name][where] = look[where] if isinstance(look, np.ndarray) else look
    return out


def _directions(camera: Camera, height: int, width: int) -> F32:
    """World directions [H, W, 3] of unit view depth through the middles of the pixels."""
    u = (np.arange(width) + 0.5) / width * 2.0 - 1.0
    v = 1.0 - (np.arange(height) + 0.5) / height * 2.0
    x = (u + camera.projection[2]) / camera.projection[0]
    y = (v + camera.projection[6]) / camera.projection[5]
    grid = np.meshgrid(x, y)
    turn = rotations(np.array([camera.world_from_camera.orientation]))[0]
    return np.asarray(np.stack([*grid, np.full_like(grid[0], -1.0)], axis=-1) @ turn.T, np.float32)
