"""What every blockout is built with: a numbered list of primitives, a palette per label, turns and the mirror."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from bridge.engine.world import CameraKey, CameraPath, Primitive, Quat, Shape, Sun, Vec3
from bridge.schema import Label

FINISH: dict[Label, tuple[float, float]] = {  # roughness, metallic; others are (0.85, 0)
    Label.METAL: (0.35, 1.0),
    Label.PLASTIC: (0.4, 0.0),
    Label.GLASS: (0.1, 0.0),
    Label.WATER: (0.05, 0.0),
    Label.WOOD: (0.7, 0.0),
    Label.LIGHT: (0.3, 0.0),
}
GROUND: Vec3 = (0.33, 0.30, 0.26)
STONE: Vec3 = (0.52, 0.48, 0.41)
WOOD: Vec3 = (0.38, 0.23, 0.12)
METAL: Vec3 = (0.36, 0.37, 0.39)
FOLIAGE: Vec3 = (0.12, 0.24, 0.07)
GLASS: Vec3 = (0.05, 0.07, 0.09)
WATER: Vec3 = (0.06, 0.19, 0.23)
LAMP: Vec3 = (0.85, 0.78, 0.60)
ROOFS: tuple[Vec3, ...] = ((0.42, 0.17, 0.10), (0.36, 0.20, 0.14), (0.24, 0.23, 0.25))
WALLS: tuple[Vec3, ...] = (
    (0.62, 0.50, 0.35), (0.60, 0.34, 0.22), (0.68, 0.63, 0.54), (0.50, 0.43, 0.33), (0.63, 0.42, 0.20),
    (0.40, 0.46, 0.47),
)  # fmt: skip
FABRICS: tuple[Vec3, ...] = ((0.58, 0.09, 0.07), (0.10, 0.20, 0.45), (0.70, 0.50, 0.10), (0.10, 0.33, 0.20))
DOORS: tuple[Vec3, ...] = ((0.10, 0.24, 0.27), (0.30, 0.10, 0.07), (0.13, 0.23, 0.12), (0.25, 0.16, 0.09))
TOYS: tuple[Vec3, ...] = (
    (0.78, 0.10, 0.06), (0.07, 0.28, 0.72), (0.85, 0.60, 0.06), (0.14, 0.52, 0.20), (0.74, 0.72, 0.68),
    (0.80, 0.30, 0.05),
)  # fmt: skip


def turned(axis: str, degrees: float) -> Quat:
    """Quaternion x,y,z,w of a right-handed turn about a world axis, 'x', 'y' or 'z'."""
    half = math.radians(degrees) / 2.0
    s = math.sin(half)
    return (s * (axis == "x"), s * (axis == "y"), s * (axis == "z"), math.cos(half))


UPRIGHT = turned("x", -90.0)  # stands a cylinder or capsule on its end
ALONG_X = turned("y", 90.0)  # lays it down along x


class Builder:
    """Collects primitives and numbers them from 1; static ones first, as the physics lists them."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.still: list[Primitive] = []
        self.moving: list[Primitive] = []

    def add(self, label: Label, shape: Shape, size: Vec3, at: Vec3, albedo: Vec3, *, turn: Quat = (0.0, 0.0, 0.0, 1.0),
            density: float = 0.0, velocity: Vec3 = (0.0, 0.0, 0.0), spin: Vec3 = (0.0, 0.0, 0.0)) -> None:  # fmt: skip
        roughness, metallic = FINISH.get(label, (0.85, 0.0))
        primitive = Primitive(0, label, shape, size, at, turn, albedo, roughness, metallic, density, velocity, spin)
        (self.moving if density else self.still).append(primitive)

    def box(self, label: Label, half: Vec3, at: Vec3, albedo: Vec3, turn: Quat = (0.0, 0.0, 0.0, 1.0)) -> None:
        self.add(label, "box", half, at, albedo, turn=turn)

    def post(self, label: Label, radius_m: float, height_m: float, foot: Vec3, albedo: Vec3) -> None:
        """A standing cylinder, given by the middle of its foot."""
        at = (foot[0], foot[1] + height_m / 2.0, foot[2])
        self.add(label, "cylinder", (radius_m, height_m / 2.0, 0.0), at, albedo, turn=UPRIGHT)

    def ball(self, label: Label, radius_m: float, at: Vec3, albedo: Vec3) -> None:
        self.add(label, "sphere", (radius_m, 0.0, 0.0), at, albedo)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def pick(self, albedos: tuple[Vec3, ...]) -> Vec3:
        return albedos[int(self.rng.integers(len(albedos)))]

    def tint(self, albedo: Vec3, spread: float = 0.1) -> Vec3:
        """The colour, a little lighter or darker and a little shifted."""
        level = self.between(1.0 - spread, 1.0 + spread)
        r, g, b = (min(0.9, max(0.02, c * level * self.between(0.97, 1.03))) for c in albedo)
        return (r, g, b)

    def finish(self, *, mirrored: bool) -> tuple[Primitive, ...]:
        things = [mirror(p) for p in self.still + self.moving] if mirrored else self.still + self.moving
        return tuple(replace(p, object_id=n + 1) for n, p in enumerate(things))


def mirror(p: Primitive) -> Primitive:
    """The same thing seen in a mirror at x = 0. Every shape is its own mirror image in its own space."""
    x, y, z, w = p.orientation
    return replace(
        p,
        position_m=flip(p.position_m),
        orientation=(x, -y, -z, w),
        velocity_m_s=flip(p.velocity_m_s),
        spin_rad_s=(p.spin_rad_s[0], -p.spin_rad_s[1], -p.spin_rad_s[2]),  # an axial vector
    )


def mirror_sun(sun: Sun) -> Sun:
    return replace(sun, azimuth_deg=360.0 - sun.azimuth_deg)


def mirror_path(path: CameraPath) -> CameraPath:
    def mirrored(time_s: float) -> CameraKey:
        key = path(time_s)
        return CameraKey(flip(key.eye_m), flip(key.target_m))

    return mirrored


def flip(v: Vec3) -> Vec3:
    return (-v[0], v[1], v[2])


def closed_spline(points: tuple[Vec3, ...]) -> Callable[[float], Vec3]:
    """A smooth closed curve through points, evenly in phase 0..1: periodic uniform Catmull-Rom."""
    knots = np.array(points)

    def at(phase: float) -> Vec3:
        place = phase * len(knots)
        n = int(place)
        s = place - n
        p0, p1, p2, p3 = (knots[(n + k) % len(knots)] for k in (-1, 0, 1, 2))
        p = p1 + 0.5 * s * ((p2 - p0) + s * ((2 * p0 - 5 * p1 + 4 * p2 - p3) + s * (3 * (p1 - p2) + p3 - p0)))
        return (float(p[0]), float(p[1]), float(p[2]))

    return at
