"""What a blockout world is: labelled primitives with materials, a sun, a sky and a camera path.

One description serves three readers: the embedded engine (MuJoCo physics and exact rays), the path tracer that
makes training truth, and the tests. Everything is in canonical space (DESIGN §4): right-handed, +Y up, metres,
quaternions x,y,z,w, colours scene-linear Rec.709.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bridge.schema import Label

Shape = Literal["box", "sphere", "capsule", "cylinder"]
Vec3 = tuple[float, float, float]
Quat = tuple[float, float, float, float]

GRAVITY_M_S2 = 9.81  # down -Y
AIR_KG_M3 = 18.0  # thick, so that what falls from 100 m does not arrive at a speed that no physics step can catch


@dataclass(frozen=True)
class Primitive:
    """One solid. `size_m` is half extents for a box, (radius, -, -) for a sphere and (radius, half length, -) for
    a capsule or cylinder, whose axis is the local +Z; a capsule's half length excludes its caps."""

    object_id: int  # 1.. 2**32-1, unique in the world; 0 is the sky
    label: Label
    shape: Shape
    size_m: Vec3
    position_m: Vec3
    orientation: Quat = (0.0, 0.0, 0.0, 1.0)
    albedo: Vec3 = (0.5, 0.5, 0.5)  # linear base colour, 0..1
    roughness: float = 0.8  # 0..1
    metallic: float = 0.0  # 0..1
    density_kg_m3: float = 0.0  # 0 is static; anything else is a rigid body that moves
    velocity_m_s: Vec3 = (0.0, 0.0, 0.0)  # at the start; world space
    spin_rad_s: Vec3 = (0.0, 0.0, 0.0)  # at the start; world space

    @property
    def moves(self) -> bool:
        return self.density_kg_m3 > 0.0


@dataclass(frozen=True)
class Sun:
    """A distant light. Azimuth turns from -Z (north, the way an unrotated camera looks) towards +X (east)."""

    azimuth_deg: float = 135.0  # 0..360
    elevation_deg: float = 45.0  # -90..90, above the horizon
    irradiance: Vec3 = (3.0, 2.85, 2.6)  # on a surface facing the sun, scene-linear
    sky_radiance: Vec3 = (0.35, 0.45, 0.65)  # the uniform ambient the engine shades with, scene-linear


@dataclass(frozen=True)
class CameraKey:
    """A camera pose at a time: the eye and the point it looks at, both in metres."""

    eye_m: Vec3
    target_m: Vec3


CameraPath = Callable[[float], CameraKey]  # seconds since the start -> pose; defined for every t >= 0


@dataclass(frozen=True)
class World:
    """A blockout world, complete: what stands, what moves, the light, and where the camera walks."""

    name: str
    seed: int
    primitives: tuple[Primitive, ...]
    sun: Sun
    camera: CameraPath
    vertical_fov_deg: float = 60.0
    near_m: float = 0.1
    far_m: float = 100.0

    @property
    def bodies(self) -> tuple[Primitive, ...]:
        return tuple(p for p in self.primitives if p.moves)
