"""The embedded engine: MuJoCo moves the bodies, exact rays make the planes. It stands in for a game engine in the
demo, and is the ground truth of the tests.

Owned by one thread. The first `render` in a fresh checkout compiles the kernels (five seconds or so, cached on disk);
`warm_up` does that at a moment of the caller's choosing.
"""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.engine.output import write_floats, write_rows
from bridge.engine.physics import Physics, Poses, pack_poses, quaternion_of
from bridge.engine.rays import F64, KINDS, Solids, View, trace
from bridge.engine.scripted import Scripted
from bridge.engine.shading import Light, find_surfaces, light_surfaces
from bridge.engine.sunlight import empty_grid, fill_grid, find_shades
from bridge.engine.world import CameraKey, Primitive, World
from bridge.errors import InvalidValue
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import Bodies, Camera, Label, PixelFormat, PlaneName, Pose
from bridge.spaces import gl_projection

# What the engine gives, in the format it gives it.
FORMATS: dict[PlaneName, PixelFormat] = {
    PlaneName.COLOR: PixelFormat.RGBA16F,
    PlaneName.DEPTH: PixelFormat.R32F,
    PlaneName.NORMAL: PixelFormat.RGBA16F,
    PlaneName.MOTION: PixelFormat.RG16F,
    PlaneName.ALBEDO: PixelFormat.RGBA16F,
    PlaneName.MATERIAL: PixelFormat.RG16F,
    PlaneName.OBJECT: PixelFormat.R32UI,
    PlaneName.LABEL: PixelFormat.R8UI,
}


class EmbeddedEngine:
    """A world that lives: step it, look at it, render its planes. Equal worlds, sizes and steps give equal bits."""

    def __init__(self, world: World, width: int, height: int, *, script: Scripted | None = None) -> None:
        """`script` moves the bodies instead of physics."""
        self.world, self.width, self.height = world, width, height
        self.time_s = 0.0
        self._physics = script or Physics(world)
        things = world.primitives
        self._kinds = np.array([KINDS[p.shape] for p in things], np.int64)
        self._sizes = np.array([p.size_m for p in things], np.float64)
        self._albedos = np.array([p.albedo for p in things], np.float64)
        self._ids = np.array([p.object_id for p in things], np.uint32)
        self._labels = np.array([int(p.label) for p in things], np.uint8)
        self._tables = plane_tables(things)
        self._light = Light(np.array(world.sun.irradiance), np.array(world.sun.sky_radiance))
        self._grid = empty_grid(world.sun, self._kinds)
        self._depth = np.empty((height, width))
        self._index = np.empty((height, width), np.int32)
        self._facing = np.empty((height, width))
        self._points = np.empty((height, width, 3))
        self._shader = np.empty((height, width), np.int32)
        self._color = np.ones((height, width, 4), np.float32)
        self._normal = np.zeros((height, width, 4), np.float32)
        self._motion = np.empty((height, width, 2), np.float32)
        self._poses = self._before = self._physics.poses()
        self._free = False
        self._key = world.camera(0.0)
        self._frame = self._before_frame = frame_of(self._key)

    def step(self, dt_s: float) -> None:
        """Advance physics and the camera by `dt_s` >= 0 seconds; the state until now becomes the previous frame's."""
        self._before, self._before_frame = self._poses, self._frame
        self._physics.step(dt_s)
        self._poses = self._physics.poses()
        self.time_s += dt_s
        if not self._free:
            self._key = self.world.camera(self.time_s)
            self._frame = frame_of(self._key)

    def fork(self) -> EmbeddedEngine:
        """The same world at the same moment, on its own from now on: equal actions and steps give equal bits."""
        fork = EmbeddedEngine(self.world, self.width, self.height)
        physics = self._physics
        fork._physics = physics.fork() if isinstance(physics, Physics) else copy.copy(physics)
        fork.time_s = self.time_s
        fork._poses, fork._before = self._poses, self._before
        fork._free, fork._key = self._free, self._key
        fork._frame, fork._before_frame = self._frame, self._before_frame
        return fork

    def push(self, object_id: int, change_m_s: tuple[float, float, float]) -> None:
        """Change the velocity of a rigid body, world space; seen from the next `step` on. InvalidValue for what is
        none."""
        bodies = [body.object_id for body in self.world.bodies]
        physics = self._physics
        if isinstance(physics, Physics) and object_id in bodies and np.isfinite(change_m_s).all():
            physics.push(bodies.index(object_id), np.array(change_m_s))
        else:
            raise InvalidValue(f"object {object_id} is pushed by {change_m_s} m/s", fix="Push a body that moves.")

    def settle(self, seconds: float) -> None:
        """Step through `seconds` in sixtieths without showing it; then nothing has moved since the frame before."""
        for _ in range(round(seconds * 60)):
            self.step(1.0 / 60.0)
        self._before, self._before_frame = self._poses, self._frame

    def look(self, key: CameraKey, *, cut: bool = True) -> None:
        """Take the camera off its path, for good. A cut makes the previous pose equal to this one; without it the
        previous pose is that of the last `step`."""
        self._frame = frame_of(key)
        self._free, self._key = True, key
        if cut:
            self._before_frame = self._frame

    @property
    def key(self) -> CameraKey:
        """Where the camera is and what it looks at."""
        return self._key

    def poses(self) -> dict[int, tuple[F64, F64]]:
        """Position (3) in metres and quaternion x,y,z,w (4) of every primitive, by object id."""
        position, rotation = self._poses
        return {int(i): (position[n].copy(), quaternion_of(rotation[n])) for n, i in enumerate(self._ids)}

    def camera(self) -> Camera:
        """The viewpoint of `render`, and that of the frame before."""
        world = self.world
        return Camera(
            world_from_camera=pose_of(self._frame),
            previous_world_from_camera=pose_of(self._before_frame),
            projection=gl_projection(world.vertical_fov_deg, self.width / self.height, world.near_m, world.far_m),
            near_m=world.near_m,
            far_m=world.far_m,
        )

    def bodies(self) -> Bodies:
        """Every rigid body with pose, previous pose, velocities, and the contacts among all things."""
        moving = self._physics.moving
        now, before = (Poses(p.position_m[moving], p.rotation[moving]) for p in (self._poses, self._before))
        contacts = self._physics.contacts()
        return Bodies(
            count=len(moving),
            ids=self._ids[moving].astype("<u4").tobytes(),
            labels=self._labels[moving].tobytes(),
            poses=pack_poses(*now),
            previous_poses=pack_poses(*before),
            velocities=self._physics.velocities(now.rotation).astype("<f4").tobytes(),
            contact_count=len(contacts.pair),
            contact_ids=self._ids[contacts.pair].astype("<u4").tobytes(),
            contact_points=contacts.point.astype("<f4").tobytes(),
        )

    def render(self, out: PlaneViews) -> None:
        """Write the planes that `out` names, in place, in canonical values (DESIGN §4). InvalidValue for a plane that
        an engine does not make or a view of another size."""
        for name, plane in out.items():
            if name not in FORMATS or plane.shape[:2] != (self.height, self.width):
                raise InvalidValue(
                    f"a {name} plane of {plane.shape[1]}x{plane.shape[0]} from an engine of {self.width}x{self.height}",
                    fix="Ask for input planes, at the engine's own size.",
                )
        view, before = self._view(self._frame), self._view(self._before_frame)
        solids, before_solids = self._solids(self._poses), self._solids(self._before)
        trace(solids, view, self._depth, self._index)
        if not self._tables.keys() >= out.keys() - {PlaneName.DEPTH}:
            find_surfaces(self._depth, self._index, solids, before_solids, view, before, self._grid.frame[3],
                          self._normal, self._motion, self._facing, self._points)  # fmt: skip
        if PlaneName.COLOR in out:
            grid = fill_grid(self._grid, solids, len(self._ids) - len(self._physics.moving))
            find_shades(grid, self._points, self._index, self._facing, self._shader)
            light_surfaces(self._index, self._facing, self._shader, self._normal, self._albedos, self._light,
                           self._color)  # fmt: skip
        for name, plane in out.items():
            self._write(name, plane)

    def _write(self, name: PlaneName, plane: NDArray[Any]) -> None:
        if name in self._tables:
            write_rows(plane, self._tables[name], self._index)
            return
        sources: dict[PlaneName, NDArray[Any]] = {
            PlaneName.DEPTH: self._depth,
            PlaneName.COLOR: self._color,
            PlaneName.NORMAL: self._normal,
            PlaneName.MOTION: self._motion,
        }
        write_floats(plane, sources[name])

    def _solids(self, poses: Poses) -> Solids:
        return Solids(self._kinds, self._sizes, poses.position_m, poses.rotation)

    def _view(self, frame: F64) -> View:
        tan_y = math.tan(math.radians(self.world.vertical_fov_deg) / 2.0)
        return View(frame, tan_y * self.width / self.height, tan_y)


def warm_up(world: World) -> None:
    """Compile every kernel, or load it from the disk's cache: what the first frame would otherwise wait for."""
    layouts = pack_layouts(FORMATS, 16, 9)
    EmbeddedEngine(world, 16, 9).render(views(bytearray(payload_bytes(layouts)), layouts, writeable=True))


def plane_tables(things: tuple[Primitive, ...]) -> dict[PlaneName, NDArray[Any]]:
    """Values that are the same all over a primitive, one row each, and a last row for the sky."""
    return {
        PlaneName.ALBEDO: np.array([(*p.albedo, 0.0) for p in things] + [(0.0,) * 4], np.float16),
        PlaneName.MATERIAL: np.array([(p.roughness, p.metallic) for p in things] + [(0.0, 0.0)], np.float16),
        PlaneName.OBJECT: np.array([p.object_id for p in things] + [0], np.uint32),
        PlaneName.LABEL: np.array([int(p.label) for p in things] + [int(Label.SKY)], np.uint8),
    }


def frame_of(key: CameraKey) -> F64:
    """Eye, right, down, forward as rows of a 4x3, the horizon level. InvalidValue when that leaves `right` open."""
    eye = np.array(key.eye_m, np.float64)
    forward = np.array(key.target_m, np.float64) - eye
    right = np.cross(forward, (0.0, 1.0, 0.0))
    if not np.linalg.norm(right) > 1e-9 * np.linalg.norm(forward) > 0.0:
        raise InvalidValue(f"a camera at {key.eye_m} looking at {key.target_m}",
                           fix="Look elsewhere than straight up, straight down or at the eye itself.")  # fmt: skip
    forward /= np.linalg.norm(forward)
    right /= np.linalg.norm(right)
    return np.stack([eye, right, np.cross(forward, right), forward])


def pose_of(frame: F64) -> Pose:
    """World-from-camera of a view's frame: the camera's axes are right, up, backward."""
    x, y, z = (float(v) for v in frame[0])
    qx, qy, qz, qw = (float(v) for v in quaternion_of(np.stack([frame[1], -frame[2], -frame[3]], axis=1)))
    return Pose(position_m=(x, y, z), orientation=(qx, qy, qz, qw))
