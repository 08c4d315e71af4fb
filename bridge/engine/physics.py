"""MuJoCo moves the bodies of a world. The model is built from the world's primitives alone: +Y is up because gravity
points down -Y, no axis is swapped, and geoms keep the world's order.
"""

from __future__ import annotations

import copy
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.engine.world import AIR_KG_M3, GRAVITY_M_S2, Primitive, Quat, World
from bridge.errors import InvalidValue, MissingDependency

try:
    import mujoco
except ModuleNotFoundError as missing:
    raise MissingDependency("the embedded engine needs mujoco", fix="Run: pip install 'worldplate[demo]'") from missing

F64 = NDArray[np.float64]
LONGEST_STEP_S = 1.0 / 180.0  # a frame is cut into equal steps no longer than this
FRICTION = (0.7, 0.005, 0.0004)  # sliding, spinning and rolling, MuJoCo's units
BOUNCY = (0.025, 0.25)  # MuJoCo's contact spring: time constant in seconds, damping ratio
GEOMS = {
    "box": mujoco.mjtGeom.mjGEOM_BOX,
    "sphere": mujoco.mjtGeom.mjGEOM_SPHERE,
    "capsule": mujoco.mjtGeom.mjGEOM_CAPSULE,
    "cylinder": mujoco.mjtGeom.mjGEOM_CYLINDER,
}


class Poses(NamedTuple):
    """Where n things are: world_from_local."""

    position_m: F64  # [n, 3]
    rotation: F64  # [n, 3, 3]


class Contacts(NamedTuple):
    """Where m pairs of things touch."""

    pair: NDArray[np.int32]  # [m, 2] indices into the world's primitives
    point: NDArray[np.float32]  # [m, 4] world x, y, z in metres, normal force in newtons


class Physics:
    """The bodies of one world in motion. Equal steps from equal worlds give equal bits."""

    def __init__(self, world: World) -> None:
        self.model = build_model(world)
        self.data = mujoco.MjData(self.model)
        self.moving = np.array([n for n, p in enumerate(world.primitives) if p.moves], np.int64)
        velocities = self.data.qvel.reshape(-1, 6)  # a view: one free joint per body, in the world's order
        for row, primitive in zip(velocities, world.bodies, strict=True):
            row[:3] = primitive.velocity_m_s
            row[3:] = rotation_of(primitive.orientation).T @ np.array(primitive.spin_rad_s)
        mujoco.mj_forward(self.model, self.data)

    def step(self, dt_s: float) -> None:
        """Advance by `dt_s` seconds, >= 0, in equal steps no longer than LONGEST_STEP_S."""
        if not 0.0 <= dt_s < math.inf:
            raise InvalidValue(f"a step of {dt_s:g} s", fix="Step forwards, by a finite number of seconds.")
        if dt_s == 0.0:
            return
        steps = math.ceil(dt_s / LONGEST_STEP_S - 1e-9)
        self.model.opt.timestep = dt_s / steps
        mujoco.mj_step(self.model, self.data, steps)
        mujoco.mj_kinematics(self.model, self.data)  # mj_step leaves poses one step behind the coordinates

    def fork(self) -> Physics:
        """The same bodies at the same moment, on their own from now on: equal steps give equal bits."""
        fork = object.__new__(Physics)
        fork.model, fork.moving = self.model, self.moving  # neither changes but for the time step, set at each step
        fork.data = copy.copy(self.data)
        return fork

    def push(self, body: int, change_m_s: NDArray[np.float64]) -> None:
        """Change the velocity of the `body`-th moving body, world space [3]."""
        self.data.qvel.reshape(-1, 6)[body, :3] += change_m_s

    def poses(self) -> Poses:
        return Poses(self.data.geom_xpos.copy(), self.data.geom_xmat.reshape(-1, 3, 3).copy())

    def velocities(self, rotation: F64) -> NDArray[np.float32]:
        """Linear m/s and angular rad/s of every body in world space, [n, 6]; `rotation` is theirs, [n, 3, 3].

        MuJoCo keeps a free joint's spin in the body's own axes.
        """
        state = self.data.qvel.reshape(-1, 6)
        out = np.empty((len(self.moving), 6), np.float32)
        out[:, :3] = state[:, :3]
        out[:, 3:] = np.einsum("nij,nj->ni", rotation, state[:, 3:])
        return out

    def contacts(self) -> Contacts:
        """Everything that touches, as of the last physics step."""
        count = self.data.ncon
        point, force = np.zeros((count, 4), np.float32), np.zeros(6)
        for row in range(count):
            mujoco.mj_contactForce(self.model, self.data, row, force)
            point[row, 3] = force[0]
        point[:, :3] = self.data.contact.pos
        return Contacts(self.data.contact.geom.reshape(count, 2), point)


def build_model(world: World) -> mujoco.MjModel:
    """The MuJoCo model of a world, geom n for primitive n. InvalidValue when a static primitive follows a moving one,
    because MuJoCo numbers the static ones first."""
    moves = [p.moves for p in world.primitives]
    if moves != sorted(moves):
        raise InvalidValue(
            f"world '{world.name}' lists a static primitive after one that moves",
            fix="List the static primitives first.",
        )
    spec = mujoco.MjSpec()
    spec.option.gravity = [0.0, -GRAVITY_M_S2, 0.0]
    spec.option.density = AIR_KG_M3
    spec.option.timestep = LONGEST_STEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    for primitive in world.primitives:
        _add(spec, primitive)
    return spec.compile()


def _add(spec: mujoco.MjSpec, primitive: Primitive) -> None:
    body, place = spec.worldbody, {"pos": primitive.position_m, "quat": wxyz(primitive.orientation)}
    if primitive.moves:
        body, place = spec.worldbody.add_body(**place), {}
        body.add_freejoint()
    geom = body.add_geom(type=GEOMS[primitive.shape], size=primitive.size_m, friction=FRICTION, **place)
    geom.density = primitive.density_kg_m3
    if primitive.shape == "sphere":
        geom.solref, geom.priority = BOUNCY, 1  # whatever a ball hits, it bounces like a ball
    if primitive.shape != "box":
        geom.condim = 6  # round things have rolling friction, or they would never stop


def wxyz(quaternion: Quat) -> tuple[float, float, float, float]:
    """MuJoCo's order of a quaternion x,y,z,w."""
    x, y, z, w = quaternion
    return (w, x, y, z)


def rotation_of(quaternion: Quat) -> F64:
    """World-from-local rotation matrix (3x3) of a unit quaternion x,y,z,w."""
    out = np.empty(9)
    mujoco.mju_quat2Mat(out, np.array(wxyz(quaternion)))
    return out.reshape(3, 3)


def quaternion_of(rotation: F64) -> F64:
    """Unit quaternion x,y,z,w of a rotation matrix (3x3)."""
    out = np.empty(4)
    mujoco.mju_mat2Quat(out, rotation.reshape(9))
    return out[[1, 2, 3, 0]]


def pack_poses(position_m: F64, rotation: F64) -> bytes:
    """float64[n, 7], little-endian: position x,y,z in metres and quaternion x,y,z,w."""
    rows = [np.concatenate([p, quaternion_of(r)]) for p, r in zip(position_m, rotation, strict=True)]
    return np.array(rows, "<f8").reshape(-1, 7).tobytes()
