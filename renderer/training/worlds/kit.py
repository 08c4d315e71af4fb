"""What the families build with: primitives and meshes with labels, lamps, windows, movers, and places for cameras."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bridge.engine.blockout import FINISH, Builder, turned
from bridge.engine.world import CameraKey, Quat, Sun, Vec3, World
from bridge.schema import Label
from renderer.training.worlds.meshes import Mesh, box, flat_faces, sphere

F64 = NDArray[np.float64]
Motion = Callable[[float], tuple[Vec3, Quat]]  # seconds -> position and orientation
STILL: Quat = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Solid:
    """A mesh in the world. `motion` is None for what stands; `shines` is its own radiance beside lamps of power 1."""

    object_id: int
    label: Label
    mesh: Mesh
    position_m: Vec3
    orientation: Quat
    albedo: Vec3
    roughness: float
    metallic: float
    motion: Motion | None = None
    shines: Vec3 = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Lamp:
    """Something that lights its surroundings: a ball (`across` and `up` zero, `radius_m` its radius) or a rectangle
    of half sides `across` and `up` that shines along `across` x `up`. A window is a rectangle that lets in the sky."""

    position_m: Vec3
    radiance: Vec3
    radius_m: float = 0.0
    across: Vec3 = (0.0, 0.0, 0.0)
    up: Vec3 = (0.0, 0.0, 0.0)
    window: bool = False
    always: bool = False  # burns by day too


@dataclass(frozen=True)
class Room:
    """Where cameras may stand and what they look at: boxes (least and greatest corner) in metres."""

    stand: tuple[Vec3, Vec3]
    look: tuple[Vec3, Vec3]
    walk_m: float = 2.5  # how far a camera goes in one path
    crane_m: float = 3.0  # how far it may rise


@dataclass(frozen=True)
class Blockout:
    """A world to be traced: `world` has primitives, sun and fov; `solids` are the meshes beside them."""

    world: World
    solids: tuple[Solid, ...]
    lamps: tuple[Lamp, ...]
    room: Room
    inside: tuple[Vec3, Vec3] | None = None  # corners of a room, within which the sky comes through windows alone
    dim: Vec3 = (1.0, 1.0, 1.0)  # light at the end of a path, as a share of the open sky's


@dataclass
class Kit(Builder):
    """A builder of one world: the engine's own, with meshes, lamps and movers."""

    seed: int
    solids: list[Solid] = field(default_factory=list)
    lamps: list[Lamp] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.seed)

    def chance(self, share: float) -> bool:
        return bool(self.rng.uniform() < share)

    def count(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return int(self.rng.integers(least, most + 1))

    def mesh(self, label: Label, mesh: Mesh, at: Vec3, albedo: Vec3, turn: Quat = STILL, motion: Motion | None = None,
             shines: Vec3 = (0.0, 0.0, 0.0)) -> None:  # fmt: skip
        roughness, metallic = FINISH.get(label, (0.85, 0.0))
        self.solids.append(Solid(0, label, mesh, at, turn, albedo, roughness, metallic, motion, shines))

    def drop(self, label: Label, shape: str, size: Vec3, at: Vec3, albedo: Vec3, density: float = 300.0) -> None:
        """A loose body that falls from where it is put."""
        spin = tuple(float(v) for v in self.rng.uniform(-2.0, 2.0, 3))
        push = tuple(float(v) for v in self.rng.uniform(-0.8, 0.8, 3))
        turn = turned("y", self.between(0.0, 360.0))
        self.add(label, shape, size, at, albedo, turn=turn, density=density, velocity=push, spin=spin)  # type: ignore[arg-type]

    def street_lamp(self, foot: Vec3, height: float, metal: Vec3, power: float = 110.0) -> None:
        """A post with a shining ball, warm or white."""
        warm = (1.0, self.between(0.62, 0.85), self.between(0.30, 0.62))
        glow = tuple(c * power for c in warm)
        at = (foot[0], foot[1] + height + 0.18, foot[2])
        self.post(Label.METAL, 0.06, height, foot, metal)
        self.shining_ball(0.2, at, glow)  # type: ignore[arg-type]

    def shining_ball(self, radius: float, at: Vec3, radiance: Vec3, *, always: bool = False) -> None:
        self.mesh(Label.LIGHT, sphere(radius, 8, 12), at, (0.85, 0.8, 0.7), shines=radiance)
        self.lamps.append(Lamp(at, radiance, radius_m=radius, always=always))

    def glowing_box(self, label: Label, half: Vec3, at: Vec3, albedo: Vec3, radiance: Vec3) -> None:
        """A box that shines by itself when lamps do, but lights nothing else: a window with a light behind it."""
        self.mesh(label, box(half), at, albedo, shines=radiance)

    def panel(self, at: Vec3, across: Vec3, up: Vec3, radiance: Vec3, *, always: bool = False) -> None:
        """A flat light of half sides `across` and `up`, shining along their cross product; its mesh is a thin box's
        face a little behind it."""
        a, u, p = np.array(across), np.array(up), np.array(at)
        sheet = flat_faces([np.stack([-a - u, a - u, a + u, -a + u])])
        self.mesh(Label.LIGHT, sheet, at, (0.85, 0.83, 0.8), shines=radiance)
        self.lamps.append(Lamp(tuple(p + 0.01 * np.cross(a, u) / np.linalg.norm(np.cross(a, u))), radiance,
                               across=across, up=up, always=always))  # fmt: skip

    def blockout(self, name: str, room: Room, sun: Sun, *, fov_deg: float = 60.0, far_m: float = 150.0,
                 inside: tuple[Vec3, Vec3] | None = None, dim: Vec3 = (0.5, 0.5, 0.5)) -> Blockout:  # fmt: skip
        primitives = self.finish(mirrored=False)
        first = len(primitives) + 1
        solids = tuple(replace(s, object_id=first + n) for n, s in enumerate(self.solids))
        camera = CameraKey(*(tuple(float((a + b) / 2) for a, b in zip(*pair, strict=True))
                             for pair in (room.stand, room.look)))  # type: ignore[arg-type]  # fmt: skip
        world = World(name, self.seed, primitives, sun, lambda _: camera, fov_deg, 0.1, far_m)
        return Blockout(world, solids, tuple(self.lamps), room, inside, dim)


def along_line(start: Vec3, end: Vec3, speed_m_s: float, phase_s: float, *, there_and_back: bool = False) -> Motion:
    """Moves from start to end and again from the start (or back), facing where it goes; its front is +X."""
    a, b = np.array(start), np.array(end)
    length = float(np.linalg.norm(b - a))
    heading = math.degrees(math.atan2(-(b - a)[2], (b - a)[0]))

    def motion(time_s: float) -> tuple[Vec3, Quat]:
        place = (time_s + phase_s) * speed_m_s
        lap, share = divmod(place / length, 1.0)
        back = there_and_back and int(lap) % 2 == 1
        x, y, z = (a + (b - a) * (1.0 - share if back else share)).tolist()
        return (x, y, z), turned("y", heading + (180.0 if back else 0.0))

    return motion


def around(centre: Vec3, radius: float, period_s: float, phase: float, *, bob_m: float = 0.0) -> Motion:
    """Circles about a point, facing along the circle; its front is +X."""

    def motion(time_s: float) -> tuple[Vec3, Quat]:
        angle = 2.0 * math.pi * (time_s / period_s + phase)
        x, z = centre[0] + radius * math.cos(angle), centre[2] - radius * math.sin(angle)
        y = centre[1] + bob_m * math.sin(2.7 * angle)
        return (x, y, z), turned("y", math.degrees(angle) + 90.0)

    return motion


def swinging(pivot: Vec3, degrees: float, period_s: float, phase: float) -> Motion:
    """Swings about the z axis at its pivot, which is its own origin."""

    def motion(time_s: float) -> tuple[Vec3, Quat]:
        return pivot, turned("z", degrees * math.sin(2.0 * math.pi * (time_s / period_s + phase)))

    return motion
