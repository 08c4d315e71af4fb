"""A courtyard blockout: walls with windows, an arcade, a ramp, trees, a fountain, and 44 bodies that fall and roll.

Every seed gives another court of the same family: its size, walls, colours, props and sun. Nothing here is random
beyond the seed, so the same seed is the same world on every machine.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bridge.engine.world import CameraKey, CameraPath, Primitive, Quat, Shape, Sun, Vec3, World
from bridge.schema import Label

PERIOD_S = 10.0  # the camera leaves and is back, exactly, after this long


class Builder:
    """Collects primitives and numbers them; static ones first, as the physics wants."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.still: list[Primitive] = []
        self.moving: list[Primitive] = []

    def add(self, label: Label, shape: Shape, size: Vec3, at: Vec3, albedo: Vec3, *, turn: Quat = (0.0, 0.0, 0.0, 1.0),
            density: float = 0.0, velocity: Vec3 = (0.0, 0.0, 0.0), spin: Vec3 = (0.0, 0.0, 0.0)) -> None:  # fmt: skip
        roughness, metallic = FINISH.get(label, (0.8, 0.0))
        primitive = Primitive(0, label, shape, size, at, turn, albedo, roughness, metallic, density, velocity, spin)
        (self.moving if density else self.still).append(primitive)

    def between(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def tint(self, albedo: Vec3, spread: float = 0.12) -> Vec3:
        r, g, b = (float(np.clip(c * self.between(1 - spread, 1 + spread), 0.02, 0.9)) for c in albedo)
        return (r, g, b)

    def finish(self) -> tuple[Primitive, ...]:
        return tuple(replace(p, object_id=n + 1) for n, p in enumerate(self.still + self.moving))


FINISH = {
    Label.METAL: (0.35, 1.0),
    Label.PLASTIC: (0.4, 0.0),
    Label.GLASS: (0.1, 0.0),
    Label.WATER: (0.05, 0.0),
    Label.WOOD: (0.7, 0.0),
}
GROUND_ALBEDO = (0.36, 0.33, 0.29)
STONE_ALBEDO = (0.50, 0.47, 0.42)
WOOD_ALBEDO = (0.40, 0.26, 0.14)
METAL_ALBEDO = (0.45, 0.46, 0.48)
FOLIAGE_ALBEDO = (0.13, 0.27, 0.08)
GLASS_ALBEDO = (0.06, 0.08, 0.10)
WATER_ALBEDO = (0.08, 0.20, 0.24)
ROOF_ALBEDO = (0.42, 0.20, 0.13)
WALL_ALBEDOS = ((0.62, 0.53, 0.40), (0.58, 0.36, 0.26), (0.66, 0.62, 0.54), (0.52, 0.46, 0.36), (0.60, 0.44, 0.30))
FABRIC_ALBEDOS = ((0.62, 0.12, 0.10), (0.14, 0.24, 0.48), (0.70, 0.52, 0.12), (0.16, 0.36, 0.22))
BALL_ALBEDOS = ((0.80, 0.14, 0.10), (0.12, 0.35, 0.75), (0.85, 0.65, 0.10), (0.20, 0.60, 0.25), (0.75, 0.75, 0.72))


def courtyard(seed: int) -> World:
    """The court of a seed: 22-28 m wide and 20-24 m deep around the origin, entered from +Z."""
    b = Builder(seed)
    half_w, half_d = b.between(11.0, 14.0), b.between(10.0, 12.0)
    b.add(Label.GROUND, "box", (40.0, 0.5, 40.0), (0.0, -0.5, 0.0), b.tint(GROUND_ALBEDO))
    _walls(b, half_w, half_d)
    _arcade(b, half_d)
    _ramp_and_steps(b, half_w)
    _market(b, half_w)
    _garden(b, half_w, half_d)
    _fountain(b)
    _crates(b)
    _barrels(b, half_w)
    _balls(b)
    _rubble(b)
    sun = Sun(azimuth_deg=b.between(100.0, 260.0), elevation_deg=b.between(28.0, 62.0))
    return World("courtyard", seed, b.finish(), sun, _camera_path(b, half_d))


def _walls(b: Builder, half_w: float, half_d: float) -> None:
    thick = 0.4
    sides = ((0.0, -half_d, half_w, 0), (0.0, half_d, half_w, 0), (-half_w, 0.0, half_d, 1), (half_w, 0.0, half_d, 1))
    for n, (x, z, reach, turned) in enumerate(sides):
        height = b.between(5.0, 8.5)
        albedo = b.tint(WALL_ALBEDOS[int(b.rng.integers(len(WALL_ALBEDOS)))])
        size = (thick, height / 2, reach + thick) if turned else (reach + thick, height / 2, thick)
        b.add(Label.WALL, "box", size, (x, height / 2, z), albedo)
        eave = (thick + 0.5, 0.15, reach + 0.9) if turned else (reach + 0.9, 0.15, thick + 0.5)
        b.add(Label.ROOF, "box", eave, (x, height + 0.15, z), b.tint(ROOF_ALBEDO))
        if n != 1:  # the wall behind the camera stays plain
            _windows(b, x, z, reach, bool(turned), height)


def _windows(b: Builder, x: float, z: float, reach: float, turned: bool, height: float) -> None:
    inward = 1.0 if (x if turned else z) < 0 else -1.0
    count = 4 if turned else 5
    sill_m = max(1.6, height - 3.4)
    for n in range(count):
        along = (n + 0.5) / count * 2 * reach - reach
        for label, albedo, half, up, out in (
            (Label.GLASS, GLASS_ALBEDO, (0.5, 0.8, 0.04), 0.9, 0.42),
            (Label.STONE, STONE_ALBEDO, (0.65, 0.07, 0.14), 0.0, 0.46),
        ):
            size = (half[2], half[1], half[0]) if turned else half
            at = (x + inward * out, sill_m + up, along) if turned else (along, sill_m + up, z + inward * out)
            b.add(label, "box", size, at, b.tint(albedo, 0.05))


def _arcade(b: Builder, half_d: float) -> None:
    """Pillars and round arches of seven stones each, in front of the far wall."""
    bays = int(b.rng.integers(3, 5))
    span, z = b.between(3.0, 3.4), -half_d + 2.6
    albedo, springing = b.tint(STONE_ALBEDO), 2.3
    radius = span / 2 - 0.25
    left = -bays * span / 2
    for n in range(bays + 1):
        b.add(Label.STONE, "box", (0.32, springing / 2, 0.32), (left + n * span, springing / 2, z), albedo)
    for n in range(bays):
        for k in range(7):
            angle = math.pi * (k + 0.5) / 7
            x, y = left + (n + 0.5) * span - radius * math.cos(angle), springing + radius * math.sin(angle)
            turn = (0.0, 0.0, math.sin((math.pi / 2 - angle) / 2), math.cos((math.pi / 2 - angle) / 2))
            b.add(Label.STONE, "box", (0.33, 0.2, 0.3), (x, y, z), b.tint(albedo, 0.05), turn=turn)
    top = springing + radius + 0.45
    b.add(Label.STONE, "box", (bays * span / 2 + 0.5, 0.24, 0.5), (0.0, top, z), albedo)


def _ramp_and_steps(b: Builder, half_w: float) -> None:
    tilt = math.radians(b.between(14.0, 19.0))
    turn = (0.0, 0.0, -math.sin(tilt / 2), math.cos(tilt / 2))
    b.add(Label.WOOD, "box", (3.4, 0.08, 1.4), (-half_w + 5.0, 1.0, -1.5), b.tint(WOOD_ALBEDO), turn=turn)
    b.add(Label.STONE, "box", (1.1, 1.0, 1.6), (-half_w + 1.5, 1.0, -1.5), b.tint(STONE_ALBEDO))
    for n in range(3):
        rise = 0.18 * (n + 1)
        b.add(
            Label.STONE, "box", (1.6 - 0.35 * n, rise / 2, 2.2), (half_w - 1.9 + 0.35 * n, rise / 2, -4.5), STONE_ALBEDO
        )


def _market(b: Builder, half_w: float) -> None:
    """An awning on two poles over a table, against the right wall."""
    x, z = half_w - 2.4, b.between(0.0, 2.0)
    fabric = b.tint(FABRIC_ALBEDOS[int(b.rng.integers(len(FABRIC_ALBEDOS)))])
    lean = math.radians(14.0)
    b.add(
        Label.FABRIC,
        "box",
        (1.7, 0.03, 2.0),
        (x, 2.6, z),
        fabric,
        turn=(0.0, 0.0, math.sin(lean / 2), math.cos(lean / 2)),
    )
    upright = (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))
    for side in (-1.8, 1.8):
        b.add(Label.WOOD, "cylinder", (0.06, 1.1, 0.0), (x - 1.5, 1.1, z + side), b.tint(WOOD_ALBEDO), turn=upright)
    b.add(Label.WOOD, "box", (0.6, 0.45, 1.6), (x, 0.45, z), b.tint(WOOD_ALBEDO))


def _garden(b: Builder, half_w: float, half_d: float) -> None:
    upright = (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))
    for x, z in ((half_w - 3.6, -half_d + 5.2), (-half_w + 2.6, 3.5 + b.between(0.0, 2.0))):
        tall = b.between(1.3, 1.9)
        b.add(Label.WOOD, "cylinder", (0.17, tall / 2, 0.0), (x, tall / 2, z), b.tint(WOOD_ALBEDO), turn=upright)
        for dx, dy, dz, r in ((0.0, 0.9, 0.0, 1.15), (0.7, 0.5, 0.3, 0.8), (-0.6, 0.55, -0.35, 0.85)):
            b.add(Label.FOLIAGE, "sphere", (r, 0.0, 0.0), (x + dx, tall + dy, z + dz), b.tint(FOLIAGE_ALBEDO, 0.2))
    for side in (-1.0, 1.0):
        size = (0.45, 0.5, b.between(1.5, 2.2))
        b.add(Label.FOLIAGE, "box", size, (side * (half_w - 1.1), 0.5, 6.4), b.tint(FOLIAGE_ALBEDO, 0.2))


def _fountain(b: Builder) -> None:
    upright = (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))
    x, z = b.between(3.0, 4.2), b.between(-3.4, -2.2)
    stone = b.tint(STONE_ALBEDO)
    b.add(Label.STONE, "cylinder", (1.5, 0.28, 0.0), (x, 0.28, z), stone, turn=upright)
    b.add(Label.WATER, "cylinder", (1.3, 0.02, 0.0), (x, 0.565, z), WATER_ALBEDO, turn=upright)
    b.add(Label.STONE, "cylinder", (0.22, 0.7, 0.0), (x, 0.9, z), stone, turn=upright)
    b.add(Label.STONE, "sphere", (0.3, 0.0, 0.0), (x, 1.75, z), stone)


def _crates(b: Builder) -> None:
    """A stack that is hit, and loose ones that drop in later."""
    half, x0, z0 = 0.38, b.between(-3.6, -2.6), b.between(-5.2, -4.2)
    for row, count in enumerate((4, 3, 2, 1)):
        for n in range(count):
            x = x0 + (n - (count - 1) / 2) * (2 * half + 0.03)
            b.add(
                Label.WOOD,
                "box",
                (half, half, half),
                (x, half + row * 2 * half, z0),
                b.tint(WOOD_ALBEDO),
                density=350.0,
            )
    for n in range(6):
        at = (b.between(-2.5, 3.0), 5.0 + 7.0 * n, b.between(-5.0, 0.0))
        spin = (b.between(-2, 2), b.between(-2, 2), b.between(-2, 2))
        size = b.between(0.25, 0.42)
        b.add(Label.WOOD, "box", (size, size, size), at, b.tint(WOOD_ALBEDO), density=350.0, spin=spin)


def _barrels(b: Builder, half_w: float) -> None:
    """Barrels that lie on the ramp's head and roll down, and some that stand."""
    for n in range(4):
        at = (-half_w + 2.0 + 0.8 * n, 2.6 + 0.9 * n, -1.5 + b.between(-0.4, 0.4))
        b.add(
            Label.METAL,
            "cylinder",
            (0.33, 0.45, 0.0),
            at,
            b.tint(METAL_ALBEDO),
            density=300.0,
            velocity=(1.0, 0.0, 0.0),
        )
    upright = (math.sqrt(0.5), 0.0, 0.0, math.sqrt(0.5))
    for n in range(4):
        at = (b.between(1.5, 5.5), 0.46, -5.2 - 0.7 * n)
        b.add(Label.METAL, "cylinder", (0.33, 0.45, 0.0), at, b.tint(METAL_ALBEDO), turn=upright, density=300.0)


def _balls(b: Builder) -> None:
    """Balls thrown in high arcs so that one lands every second or so, one of them at the stack of crates."""
    b.add(
        Label.PLASTIC,
        "sphere",
        (0.42, 0.0, 0.0),
        (-3.0, 2.0, 3.0),
        BALL_ALBEDOS[0],
        density=900.0,
        velocity=(0.0, 3.0, -9.0),
    )
    for n in range(11):
        radius = b.between(0.18, 0.42)
        at = (b.between(-4.5, 4.5), 1.0 + 0.5 * n, b.between(-6.0, -0.5))
        up = 4.0 + 3.6 * n  # comes down after 2 v / g seconds: 0.8 s to 8 s
        velocity = (b.between(-0.4, 0.4), up, b.between(-0.4, 0.4))
        b.add(Label.PLASTIC, "sphere", (radius, 0.0, 0.0), at, BALL_ALBEDOS[n % 5], density=250.0, velocity=velocity)


def _rubble(b: Builder) -> None:
    for n in range(7):
        size = (b.between(0.15, 0.4), b.between(0.12, 0.25), b.between(0.15, 0.35))
        b.add(
            Label.STONE,
            "box",
            size,
            (b.between(-5.5, 5.5), 0.6 + 2.0 * n, b.between(-6.5, -1.0)),
            b.tint(STONE_ALBEDO),
            density=1800.0,
        )
    for n in range(7):
        at = (b.between(-4.0, 4.0), 3.0 + 1.5 * n, b.between(-5.5, 0.0))
        spin = (b.between(-3, 3), 0.0, b.between(-3, 3))
        albedo = FABRIC_ALBEDOS[n % 4]
        b.add(Label.PLASTIC, "capsule", (0.16, b.between(0.2, 0.4), 0.0), at, albedo, density=500.0, spin=spin)


def _camera_path(b: Builder, half_d: float) -> CameraPath:
    """Walks in, drifts aside, turns and walks back: the pose after PERIOD_S is the pose at the start."""
    start_z, reach, sway = half_d - 2.2, b.between(4.0, 5.0), b.between(1.4, 2.4)

    def path(time_s: float) -> CameraKey:
        phase = 2.0 * math.pi * math.fmod(time_s, PERIOD_S) / PERIOD_S
        walk = (1.0 - math.cos(phase)) / 2.0
        eye = (sway * math.sin(phase), 1.75 + 0.5 * walk, start_z - reach * walk)
        return CameraKey(eye, (-0.8 * math.sin(phase), 1.9 - 0.3 * walk, -3.0))

    return path
