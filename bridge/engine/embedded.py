"""The embedded engine: MuJoCo moves the bodies, exact rays make the planes. It stands in for a game engine in the
demo, and is the ground truth of the tests.

Owned by one thread. Nothing is allocated per frame except what NumPy needs in passing.
"""

from __future__ import annotations

import math

import mujoco
import numpy as np
from numpy.typing import NDArray

from bridge.engine.rays import KINDS, SUN_CELLS, TILE_PX, bin_cells, bounds, trace
from bridge.engine.shading import shade
from bridge.engine.world import CameraKey, Primitive, Sun, World
from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, Label, Mat4, PlaneName, Pose

F64 = NDArray[np.float64]
PHYSICS_STEP_S = 1.0 / 240.0  # the longest; a frame is cut into equal steps no longer than this
LARGE_M = 15.0  # bigger things (the ground) do not stretch the sun's grid; they are in every cell anyway


class EmbeddedEngine:
    """A world that lives: step it, look at it, render its planes."""

    def __init__(self, world: World, width: int, height: int) -> None:
        self.world, self.width, self.height = world, width, height
        self.time_s = 0.0
        self._model = build_physics(world)
        self._data = mujoco.MjData(self._model)
        self._moving = [n for n, p in enumerate(world.primitives) if p.moves]
        self._start_bodies()
        self._describe()
        self._positions, self._rotations = self._read_poses()
        self._before = (self._positions.copy(), self._rotations.copy())
        self._key = world.camera(0.0)
        self._free = False
        self._view = view_of(self._key)
        self._before_view = self._view.copy()
        self._allocate()

    def _start_bodies(self) -> None:
        for n in self._moving:
            joint = self._data.joint(f"free{n}")
            primitive = self.world.primitives[n]
            joint.qvel[:3] = primitive.velocity_m_s
            joint.qvel[3:] = rotation_of(primitive.orientation).T @ np.array(primitive.spin_rad_s)
        mujoco.mj_forward(self._model, self._data)

    def _describe(self) -> None:
        things = self.world.primitives
        self._kinds = np.array([KINDS[p.shape] for p in things], np.int64)
        self._sizes = np.array([p.size_m for p in things], np.float64)
        self._albedos = np.array([p.albedo for p in things], np.float64)
        self._ids = np.array([p.object_id for p in things], np.uint32)
        self._labels = np.array([int(p.label) for p in things], np.uint8)
        self._tables = {
            PlaneName.ALBEDO: np.array([(*p.albedo, 0.0) for p in things] + [(0.0,) * 4], np.float16),
            PlaneName.MATERIAL: np.array([(p.roughness, p.metallic) for p in things] + [(0.0, 0.0)], np.float16),
            PlaneName.OBJECT: np.append(self._ids, np.uint32(0)),
            PlaneName.LABEL: np.append(self._labels, np.uint8(Label.SKY)),
        }
        self._everyone = np.arange(len(things), dtype=np.int32)

    def _allocate(self) -> None:
        height, width, count = self.height, self.width, len(self.world.primitives)
        self._depth = np.empty((height, width))
        self._index = np.empty((height, width), np.int32)
        self._floats = {
            name: np.zeros((height, width, channels), np.float32)
            for name, channels in (
                (PlaneName.COLOR, 4), (PlaneName.NORMAL, 4), (PlaneName.MOTION, 2),
            )
        }  # fmt: skip
        self._floats[PlaneName.DEPTH] = self._depth
        tiles = math.ceil(width / TILE_PX) * math.ceil(height / TILE_PX)
        self._tile_lists = np.empty((tiles, count), np.int32)
        self._tile_counts = np.zeros(tiles, np.int32)
        self._sun_lists = np.empty((SUN_CELLS * SUN_CELLS, count), np.int32)
        self._sun_counts = np.zeros(SUN_CELLS * SUN_CELLS, np.int32)
        self._limits = np.empty((count, 6))

    def step(self, dt_s: float) -> None:
        """Advance physics and the camera by `dt_s` seconds; the state before becomes the previous frame's."""
        self._before = (self._positions, self._rotations)
        self._before_view = self._view
        steps = max(1, math.ceil(dt_s / PHYSICS_STEP_S - 1e-9))
        self._model.opt.timestep = dt_s / steps
        mujoco.mj_step(self._model, self._data, steps)
        mujoco.mj_kinematics(self._model, self._data)
        self.time_s += dt_s
        self._positions, self._rotations = self._read_poses()
        if not self._free:
            self._key = self.world.camera(self.time_s)
        self._view = view_of(self._key)

    def settle(self, seconds: float) -> None:
        """Let physics run without showing it; then there is no motion between this frame and the one before."""
        for _ in range(round(seconds * 60)):
            self.step(1.0 / 60.0)
        self._before = (self._positions, self._rotations)
        self._before_view = self._view

    def look(self, key: CameraKey, *, cut: bool = True) -> None:
        """Take the camera off its path. A cut makes the previous pose equal to this one."""
        self._free, self._key = True, key
        self._view = view_of(key)
        if cut:
            self._before_view = self._view

    @property
    def key(self) -> CameraKey:
        """Where the camera is and what it looks at."""
        return self._key

    def poses(self) -> dict[int, tuple[F64, F64]]:
        """Position (3) in metres and quaternion x,y,z,w (4) of every primitive, by object id."""
        return {
            int(self._ids[n]): (self._positions[n].copy(), quaternion_of(self._rotations[n]))
            for n in range(len(self._ids))
        }

    def camera(self) -> Camera:
        return Camera(
            world_from_camera=pose_of(self._view),
            previous_world_from_camera=pose_of(self._before_view),
            projection=projection_matrix(
                self.world.vertical_fov_deg, self.width / self.height, self.world.near_m, self.world.far_m
            ),
            near_m=self.world.near_m,
            far_m=self.world.far_m,
        )

    def bodies(self) -> Bodies:
        """Every rigid body with pose, previous pose, velocities, and the contacts among all things."""
        moving = self._moving
        spins = self._data.qvel.reshape(-1, 6)  # one free joint per body, in the world's order
        velocities = np.empty((len(moving), 6), np.float32)
        velocities[:, :3] = spins[:, :3]
        # MuJoCo keeps a free joint's spin in the body's own axes.
        velocities[:, 3:] = np.einsum("nij,nj->ni", self._rotations[moving], spins[:, 3:])
        contact_ids, contact_points = self._contacts()
        return Bodies(
            count=len(moving),
            ids=self._ids[moving].astype("<u4").tobytes(),
            labels=self._labels[moving].tobytes(),
            poses=pack_poses(self._positions[moving], self._rotations[moving]),
            previous_poses=pack_poses(self._before[0][moving], self._before[1][moving]),
            velocities=velocities.astype("<f4").tobytes(),
            contact_count=len(contact_ids),
            contact_ids=contact_ids.astype("<u4").tobytes(),
            contact_points=contact_points.astype("<f4").tobytes(),
        )

    def _contacts(self) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        count = self._data.ncon
        points = np.zeros((count, 4), np.float32)
        force = np.zeros(6)
        for row in range(count):
            mujoco.mj_contactForce(self._model, self._data, row, force)
            points[row, 3] = force[0]
        points[:, :3] = self._data.contact.pos
        return self._ids[self._data.contact.geom].reshape(count, 2), points

    def render(self, out: PlaneViews) -> None:
        """Write the planes that `out` names, in place, in canonical values (DESIGN §4)."""
        world = self.world
        tan_y = math.tan(math.radians(world.vertical_fov_deg) / 2.0)
        tan_x = tan_y * self.width / self.height
        scene = (self._kinds, self._sizes, self._positions, self._rotations)
        nearest = self._bin_tiles(tan_x, tan_y)
        trace(*scene, self._view[0], self._view[1:], tan_x, tan_y, nearest, self._tile_lists, self._tile_counts,
              self._depth, self._index)  # fmt: skip
        sun_direction = direction_of(world.sun)
        sun_axes, grid = self._bin_sun(sun_direction)
        floats = self._floats
        shade(self._depth, self._index, *scene, *self._before, self._albedos, self._view, self._before_view, tan_x,
              tan_y, sun_direction, np.array(world.sun.irradiance), np.array(world.sun.sky_radiance), sun_axes, grid,
              self._sun_lists, self._sun_counts, self._everyone, floats[PlaneName.COLOR], floats[PlaneName.NORMAL],
              floats[PlaneName.MOTION])  # fmt: skip
        for name, plane in out.items():
            if name in self._tables:  # constant over a primitive; the table's last row is the sky's
                np.take(self._tables[name], self._index, axis=0, out=plane, mode="wrap")
            else:
                np.copyto(plane, floats[name], casting="same_kind")

    def _bin_tiles(self, tan_x: float, tan_y: float) -> F64:
        """Candidates per 8x8 tile, nearest first; returns each primitive's least view depth."""
        bounds(self._kinds, self._sizes, self._positions, self._rotations, self._view[0], self._view[1:], True,
               self._limits)  # fmt: skip
        nearest = np.ascontiguousarray(self._limits[:, 4])
        origin = np.array([-tan_x, -tan_y])
        cell = np.array([2 * tan_x * TILE_PX / self.width, 2 * tan_y * TILE_PX / self.height])
        columns, rows = math.ceil(self.width / TILE_PX), math.ceil(self.height / TILE_PX)
        order = np.argsort(nearest, kind="stable")
        bin_cells(self._limits, order, origin, cell, columns, rows, self._tile_lists, self._tile_counts)
        return nearest

    def _bin_sun(self, sun: F64) -> tuple[F64, F64]:
        """Candidates per cell of a grid across the sun's rays, those nearest the sun first."""
        side = np.cross(sun, (0.0, 0.0, 1.0) if abs(sun[2]) < 0.9 else (1.0, 0.0, 0.0))
        side /= np.linalg.norm(side)
        axes = np.ascontiguousarray(np.stack([side, np.cross(sun, side), sun]))
        bounds(self._kinds, self._sizes, self._positions, self._rotations, np.zeros(3), axes, False, self._limits)
        sizes = self._limits[:, 1::2] - self._limits[:, 0::2]
        small = (sizes[:, :2] < 2 * LARGE_M).all(axis=1)
        limits = self._limits[small] if small.any() else self._limits
        low = limits[:, (0, 2)].min(axis=0)
        cell_m = float((limits[:, (1, 3)].max(axis=0) - low).max()) / SUN_CELLS + 1e-9
        self._limits[:, 4] = 1.0  # depth along the sun's rays has no near side
        order = np.argsort(-self._limits[:, 5], kind="stable")
        bin_cells(self._limits, order, low, np.array([cell_m, cell_m]), SUN_CELLS, SUN_CELLS, self._sun_lists,
                  self._sun_counts)  # fmt: skip
        return axes, np.array([low[0], low[1], cell_m, float(SUN_CELLS)])

    def _read_poses(self) -> tuple[F64, F64]:
        return self._data.geom_xpos.copy(), self._data.geom_xmat.reshape(-1, 3, 3).copy()


def build_physics(world: World) -> mujoco.MjModel:
    """The MuJoCo model of a world: +Y up by gravity alone, one geom per primitive, in the world's order."""
    spec = mujoco.MjSpec()
    spec.option.gravity = [0.0, -9.81, 0.0]
    spec.option.timestep = PHYSICS_STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    for n, primitive in enumerate(world.primitives):
        body = spec.worldbody
        if primitive.moves:
            body = spec.worldbody.add_body(pos=primitive.position_m, quat=wxyz(primitive))
            body.add_freejoint(name=f"free{n}")
        _add_geom(body, n, primitive)
    model = spec.compile()
    return _in_order(model, world)


def _add_geom(body: mujoco.MjsBody, n: int, primitive: Primitive) -> None:
    shapes = {
        "box": mujoco.mjtGeom.mjGEOM_BOX,
        "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
        "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
        "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
    }
    geom = body.add_geom(name=f"geom{n}", type=shapes[primitive.shape], size=primitive.size_m)
    geom.friction = [0.7, 0.01, 0.002]
    if primitive.moves:
        geom.density = primitive.density_kg_m3
    else:
        geom.pos, geom.quat = primitive.position_m, wxyz(primitive)


def _in_order(model: mujoco.MjModel, world: World) -> mujoco.MjModel:
    """MuJoCo numbers geoms by body, static ones first; a world lists its static primitives first to match."""
    names = [model.geom(n).name for n in range(model.ngeom)]
    if names != [f"geom{n}" for n in range(len(world.primitives))]:
        raise ValueError(f"world '{world.name}' must list its static primitives before those that move")
    return model


def wxyz(primitive: Primitive) -> list[float]:
    x, y, z, w = primitive.orientation
    return [w, x, y, z]


def rotation_of(quaternion: tuple[float, float, float, float]) -> F64:
    """World-from-local rotation matrix (3x3) of a unit quaternion x,y,z,w."""
    out = np.empty(9)
    x, y, z, w = quaternion
    mujoco.mju_quat2Mat(out, np.array([w, x, y, z]))
    return out.reshape(3, 3)


def quaternion_of(rotation: F64) -> F64:
    """Unit quaternion x,y,z,w of a rotation matrix (3x3)."""
    out = np.empty(4)
    mujoco.mju_mat2Quat(out, rotation.reshape(9))
    return out[[1, 2, 3, 0]]


def view_of(key: CameraKey) -> F64:
    """Eye, right, down, forward as rows of a 4x3; +Y is up."""
    eye = np.array(key.eye_m, np.float64)
    forward = np.array(key.target_m, np.float64) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    return np.stack([eye, right, np.cross(forward, right), forward])


def pose_of(view: F64) -> Pose:
    """World-from-camera of a view: the camera's axes are right, up, backward."""
    rotation = np.stack([view[1], -view[2], -view[3]], axis=1)
    x, y, z = (float(v) for v in view[0])
    qx, qy, qz, qw = (float(v) for v in quaternion_of(rotation))
    return Pose(position_m=(x, y, z), orientation=(qx, qy, qz, qw))


def pack_poses(positions: F64, rotations: F64) -> bytes:
    """float64[n, 7], little-endian: position and quaternion x,y,z,w."""
    rows = [np.concatenate([p, quaternion_of(r)]) for p, r in zip(positions, rotations, strict=True)]
    return np.array(rows, "<f8").tobytes()


def direction_of(sun: Sun) -> F64:
    """Unit vector from the ground to the sun; azimuth from -Z towards +X."""
    azimuth, elevation = math.radians(sun.azimuth_deg), math.radians(sun.elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.sin(azimuth), math.sin(elevation), -flat * math.cos(azimuth)])


def projection_matrix(vertical_fov_deg: float, aspect: float, near_m: float, far_m: float) -> Mat4:
    """OpenGL style clip_from_view, row-major, acting on column vectors; z runs -1..1 after division."""
    f = 1.0 / math.tan(math.radians(vertical_fov_deg) / 2.0)
    a, b = (far_m + near_m) / (near_m - far_m), 2.0 * far_m * near_m / (near_m - far_m)
    return (f / aspect, 0.0, 0.0, 0.0, 0.0, f, 0.0, 0.0, 0.0, 0.0, a, b, 0.0, 0.0, -1.0, 0.0)
