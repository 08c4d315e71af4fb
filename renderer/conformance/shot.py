"""One frame as the kit keeps it: its planes at a bounded size, its header as arrays, and the geometry of both.

What is derived (rays, points, masks) is computed once per shot and dies with it. A reading that changes a shot makes
another one with `dataclasses.replace`, so nothing derived is ever stale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Bodies, Camera, Frame, PlaneName, Pose, Reset

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Plane = NDArray[Any]
LONGEST_SIDE_PX = 256  # of the planes that are kept; larger ones are thinned out, pixel by pixel, never mixed
EDGE = 0.1  # relative step of depth between neighbours that counts as an edge
BENT = 0.02  # relative second difference of 1 / depth above which a surface is not flat


@dataclass(frozen=True)
class Stand:
    """Where a camera stands: world_from_camera."""

    position_m: F64  # [3]
    quaternion: F64  # [4] x, y, z, w

    @cached_property
    def rotation(self) -> F64:
        return rotations(self.quaternion)


@dataclass(frozen=True)
class BodyTable:
    """The n bodies of a frame; poses are position x,y,z in metres and quaternion x,y,z,w, world_from_body."""

    ids: NDArray[np.uint32]  # [n]
    poses: F64  # [n, 7]
    previous: F64  # [n, 7]
    velocities: F64  # [n, 6] m/s and rad/s, world space
    touching: NDArray[np.uint32]  # ids that are in contact with something

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Shot:
    """One frame. Planes are [h, w] or [h, w, c], float64 (ids and labels as they came), at pixels `columns`, `rows`."""

    number: int  # frame id
    fresh: bool  # a break in time: nothing is known of a frame before
    capture_ns: int
    arrived_ns: int
    size: tuple[int, int]  # full width and height in pixels
    columns: F64  # [w] centres of the kept pixels, in full pixels from the left
    rows: F64  # [h] the same, from the top
    now: Stand
    before: Stand
    projection: F64  # [4, 4]
    jitter_px: F64  # [2]
    near_m: float
    far_m: float
    bodies: BodyTable
    planes: Mapping[PlaneName, Plane]

    def has(self, *names: PlaneName) -> bool:
        return all(name in self.planes for name in names)

    def follows(self, other: Shot) -> bool:
        """Whether `other` is the engine's frame right before this one."""
        return not self.fresh and self.number == other.number + 1

    @property
    def perspective(self) -> bool:
        return bool(abs(self.projection[3, 3]) < 0.5)

    @cached_property
    def uv(self) -> F64:
        """[h, w, 2] of what the kept pixels show, jitter taken off."""
        u, v = (self.columns - self.jitter_px[0]) / self.size[0], (self.rows - self.jitter_px[1]) / self.size[1]
        return np.stack(np.meshgrid(u, v), axis=-1)

    @cached_property
    def rays(self) -> F64:
        """[h, w, 3] in view space, a view depth of 1 m long: x right, y up, z = -1."""
        m, uv = self.projection, self.uv
        x = (2.0 * uv[..., 0] - 1.0 + m[0, 2]) / m[0, 0]
        y = (1.0 - 2.0 * uv[..., 1] + m[1, 2]) / m[1, 1]
        return np.stack([x, y, np.full_like(x, -1.0)], axis=-1)

    @cached_property
    def solid(self) -> Mask:
        """Where there is geometry: a finite depth in front of the camera."""
        depth = self.planes[PlaneName.DEPTH]
        return np.isfinite(depth) & (depth > 0.0)

    @cached_property
    def depth_m(self) -> F64:
        """Depth with NaN where there is no geometry."""
        return np.where(self.solid, self.planes[PlaneName.DEPTH], np.nan)

    @cached_property
    def points_m(self) -> F64:
        """[h, w, 3] what the pixels show, world space; NaN where there is no geometry."""
        seen: F64 = (self.rays * self.depth_m[..., None]) @ self.now.rotation.T + self.now.position_m
        return seen

    @cached_property
    def inside(self) -> Mask:
        """Geometry whose eight neighbours are the same thing, flat or gently bent, away from the picture's border."""
        keep = np.zeros(self.solid.shape, np.bool_)
        core = (slice(1, -1), slice(1, -1))
        z = self.depth_m
        keep[core] = self.solid[core]
        for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
            a, b = shifted(z, dy, dx), shifted(z, -dy, -dx)
            middle = z[core]
            with np.errstate(invalid="ignore", divide="ignore"):
                bent = np.abs(middle / a + middle / b - 2.0)
                keep[core] &= (
                    (bent < BENT) & (np.abs(a - middle) < EDGE * middle) & (np.abs(b - middle) < EDGE * middle)
                )
            if PlaneName.OBJECT in self.planes:
                ids = self.planes[PlaneName.OBJECT]
                keep[core] &= (shifted(ids, dy, dx) == ids[core]) & (shifted(ids, -dy, -dx) == ids[core])
        return keep

    @cached_property
    def listed(self) -> Mask:
        """Where something is seen that is among the bodies."""
        if PlaneName.OBJECT not in self.planes:
            return np.zeros(self.solid.shape, np.bool_)
        return np.isin(self.planes[PlaneName.OBJECT], self.bodies.ids)

    def uv_from(self, stand: Stand, points_m: F64) -> tuple[F64, F64]:
        """uv [..., 2] and depth in metres of world points [..., 3] for a camera elsewhere; NaN behind it."""
        view = (points_m - stand.position_m) @ stand.rotation
        depth = np.where(view[..., 2] < 0.0, -view[..., 2], np.nan)
        m = self.projection
        x = m[0, 0] * view[..., 0] / depth - m[0, 2]
        y = m[1, 1] * view[..., 1] / depth - m[1, 2]
        return np.stack([(1.0 + x) / 2.0, (1.0 - y) / 2.0], axis=-1), depth

    @cached_property
    def still_motion(self) -> F64:
        """[h, w, 2] motion that still things must have: from depth, both camera poses and the projection alone."""
        return self.uv_from(self.before, self.points_m)[0] - self.uv


def shifted(plane: Plane, dy: int, dx: int) -> Plane:
    """The values `dy` rows below and `dx` columns right of the pixels that are not on the border."""
    height, width = plane.shape[:2]
    return plane[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]


def rotations(quaternions: F64) -> F64:
    """World-from-local matrices [..., 3, 3] of quaternions x,y,z,w [..., 4]; of any length but 0."""
    q = quaternions / np.linalg.norm(quaternions, axis=-1, keepdims=True)
    x, y, z, w = np.moveaxis(q, -1, 0)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def shot_of(header: Frame, planes: Mapping[PlaneName, Plane], arrived_ns: int) -> Shot:
    """A copy of what a frame brought; the planes are read once and not kept."""
    height, width = next(iter(planes.values())).shape[:2]
    step = -(-max(width, height) // LONGEST_SIDE_PX)
    rows, columns = (np.arange((n % step or step) // 2, n, step) for n in (height, width))
    kept = {name: _copy(plane[rows[0] :: step, columns[0] :: step]) for name, plane in planes.items()}
    camera = header.camera
    return Shot(
        number=header.id,
        fresh=header.reset is not Reset.NONE,
        capture_ns=header.capture_ns,
        arrived_ns=arrived_ns,
        size=(width, height),
        columns=columns + 0.5,
        rows=rows + 0.5,
        now=_stand(camera.world_from_camera),
        before=_stand(camera.previous_world_from_camera),
        projection=projection_of(camera),
        jitter_px=np.array(camera.jitter_px, np.float64),
        near_m=camera.near_m,
        far_m=camera.far_m,
        bodies=_table(header.bodies),
        planes=kept,
    )


def thinned(shot: Shot) -> Shot:
    """Every second pixel each way, for searches that look often."""
    planes = {name: plane[::2, ::2] for name, plane in shot.planes.items()}
    return replace(shot, rows=shot.rows[::2], columns=shot.columns[::2], planes=planes)


def projection_of(camera: Camera) -> F64:
    return np.array(camera.projection, np.float64).reshape(4, 4)


def _copy(plane: Plane) -> Plane:
    return plane.astype(np.float64) if plane.dtype.kind == "f" else plane.copy()


def _stand(pose: Pose) -> Stand:
    return Stand(np.array(pose.position_m, np.float64), np.array(pose.orientation, np.float64))


def _table(bodies: Bodies) -> BodyTable:
    return BodyTable(
        ids=np.frombuffer(bodies.ids, "<u4").copy(),
        poses=np.frombuffer(bodies.poses, "<f8").reshape(-1, 7).copy(),
        previous=np.frombuffer(bodies.previous_poses, "<f8").reshape(-1, 7).copy(),
        velocities=np.frombuffer(bodies.velocities, "<f4").reshape(-1, 6).astype(np.float64),
        touching=np.unique(np.frombuffer(bodies.contact_ids, "<u4")),
    )
