"""A blockout at a moment: every triangle where it is, and what each belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.engine.physics import Physics, rotation_of
from bridge.engine.world import Primitive, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Solid
from renderer.training.worlds.meshes import F32, I32, mesh_of

F64 = NDArray[np.float64]
FARTHEST_M = 400.0  # a body that was squeezed out of a solid and flew off stays here, out of sight
LAMP_SHINES = (60.0, 48.0, 30.0)  # radiance of a primitive that is a lamp


@dataclass(frozen=True)
class Things:
    """What is the same all through a world. Rows are things: primitives in the world's order, then meshes."""

    object_id: NDArray[np.uint32]  # [n]
    label: NDArray[np.uint8]  # [n]
    albedo: F32  # [n, 3] linear
    material: F32  # [n, 2] roughness, metallic
    shines: F32  # [n, 3] radiance beside lamps of power 1
    moves: NDArray[np.bool_]  # [n] bodies: physical ones and those that follow a path
    corners: F32  # [v, 3] in the thing's own space
    normals: F32  # [v, 3]
    faces: I32  # [f, 3]
    of_corner: I32  # [v] row
    of_face: I32  # [f] row


@dataclass(frozen=True)
class Poses:
    """world_from_thing of every thing."""

    position_m: F64  # [n, 3]
    rotation: F64  # [n, 3, 3]


class Moments:
    """Steps a blockout through time: MuJoCo for loose bodies, their paths for the others."""

    def __init__(self, blockout: Blockout) -> None:
        self.blockout = blockout
        self.things = things_of(blockout)
        self._physics = Physics(blockout.world) if blockout.world.primitives else None
        self.time_s = 0.0

    def step(self, dt_s: float) -> None:
        if self._physics is not None:
            self._physics.step(dt_s)
        self.time_s += dt_s

    def poses(self) -> Poses:
        solids = self.blockout.solids
        placed = [s.motion(self.time_s) if s.motion else (s.position_m, s.orientation) for s in solids]
        position = np.array([p for p, _ in placed], np.float64).reshape(-1, 3)
        rotation = np.array([rotation_of(q) for _, q in placed], np.float64).reshape(-1, 3, 3)
        if self._physics is None:
            return Poses(position, rotation)
        loose = self._physics.poses()
        kept = np.clip(loose.position_m, -FARTHEST_M, FARTHEST_M)
        return Poses(np.concatenate([kept, position]), np.concatenate([loose.rotation, rotation]))


def things_of(blockout: Blockout) -> Things:
    primitives, solids = blockout.world.primitives, blockout.solids
    everything: list[Primitive | Solid] = [*primitives, *solids]
    meshes = [mesh_of(p) for p in primitives] + [s.mesh for s in solids]
    corners = np.array([len(m.corners) for m in meshes])
    first = np.concatenate([[0], np.cumsum(corners)[:-1]])
    return Things(
        object_id=np.array([t.object_id for t in everything], np.uint32),
        label=np.array([int(t.label) for t in everything], np.uint8),
        albedo=np.array([t.albedo for t in everything], np.float32),
        material=np.array([(t.roughness, t.metallic) for t in everything], np.float32),
        shines=np.array([_shines(t) for t in everything], np.float32),
        moves=np.array([p.moves for p in primitives] + [s.motion is not None for s in solids]),
        corners=np.concatenate([m.corners for m in meshes]),
        normals=np.concatenate([m.normals for m in meshes]),
        faces=np.concatenate([m.faces + n for m, n in zip(meshes, first, strict=True)]).astype(np.int32),
        of_corner=np.repeat(np.arange(len(meshes)), corners).astype(np.int32),
        of_face=np.repeat(np.arange(len(meshes)), [len(m.faces) for m in meshes]).astype(np.int32),
    )


def _shines(thing: Primitive | Solid) -> Vec3:
    if isinstance(thing, Solid):
        return thing.shines
    return LAMP_SHINES if thing.label == Label.LIGHT else (0.0, 0.0, 0.0)


def placed(things: Things, poses: Poses) -> F32:
    """World positions of all corners [v, 3]."""
    rotation = poses.rotation.astype(np.float32)[things.of_corner]
    out: F32 = np.einsum("vij,vj->vi", rotation, things.corners) + poses.position_m.astype(np.float32)[things.of_corner]
    return np.ascontiguousarray(out)
