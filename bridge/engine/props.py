"""The 44 bodies of the courtyard: crates, barrels, balls, stones and capsules, and when each comes into play.

Some stand from the start, some roll off the terrace, and the rest come down one after the other: `fall_m` says how
high a body must start to land at a given time.
"""

from __future__ import annotations

import math

from bridge.engine.blockout import ALONG_X, FABRICS, METAL, STONE, TOYS, UPRIGHT, WOOD, Builder, turned
from bridge.engine.world import AIR_KG_M3, GRAVITY_M_S2, Vec3
from bridge.schema import Label

CRATE_KG_M3 = 320.0
BARREL_KG_M3 = 260.0
BALL_KG_M3 = 180.0
STONE_KG_M3 = 1200.0
CAPSULE_KG_M3 = 300.0


def fall_m(seconds: float, mass_kg: float, area_m2: float) -> float:
    """How far a body falls from rest, in metres, under drag AIR * v² * area / 2: (v²/g) ln cosh(g t / v) at terminal
    speed v."""
    square = 2.0 * mass_kg * GRAVITY_M_S2 / (AIR_KG_M3 * area_m2)
    return square / GRAVITY_M_S2 * math.log(math.cosh(GRAVITY_M_S2 * seconds / math.sqrt(square)))


def add_props(b: Builder, half_w: float, half_d: float, terrace: tuple[float, float, float],
              fountain: tuple[float, float]) -> None:  # fmt: skip
    """Add the bodies. `terrace` is its west edge, south edge and height, `fountain` its x and z, metres."""
    _stack(b, (fountain[0] - 2.6, fountain[1] - 1.6))
    _loose_crates(b, half_d)
    _barrels(b, half_w, terrace)
    _balls(b, terrace, fountain)
    _stones(b)
    _capsules(b)


def _landing(b: Builder, lands_s: float) -> tuple[float, float]:
    """Where a thing comes down, x and z: in sight of the camera, clear of its path, of the arcade and of the terrace.
    What lands within a second starts low, so it has open ground to itself."""
    if lands_s < 1.0:
        return 0.8 + 5.0 * (lands_s - 0.3), b.between(1.3, 1.5)
    return b.between(-4.6, 4.2), b.between(-5.2, 0.4)


def _spin(b: Builder, lands_s: float) -> Vec3:
    """A tumble for what lands soon; what falls for long must not, or the air carries it over the walls."""
    reach = 2.5 if lands_s < 4.0 else 0.0
    return (b.between(-reach, reach), b.between(-reach, reach), b.between(-reach, reach))


def _stack(b: Builder, at: tuple[float, float]) -> None:
    """Six crates in a pyramid, beside the fountain."""
    half = b.between(0.34, 0.4)
    for row, count in enumerate((3, 2, 1)):
        for n in range(count):
            x = at[0] + (n - (count - 1) / 2) * (2 * half + 0.04)
            place = (x, half + row * 2 * half, at[1])
            b.add(Label.WOOD, "box", (half, half, half), place, b.tint(WOOD, 0.2), turn=turned("y", 4.0 * (row - n)),
                  density=CRATE_KG_M3)  # fmt: skip


def _loose_crates(b: Builder, half_d: float) -> None:
    """Two stand near where the camera starts, five come down over the first eighteen seconds."""
    for x, up, z in ((-1.9, 0.36, half_d - 5.2), (3.2, 0.3, half_d - 4.6)):
        b.add(Label.WOOD, "box", (up, up, up), (x, up, z), b.tint(WOOD, 0.2), turn=turned("y", b.between(10.0, 70.0)),
              density=CRATE_KG_M3)  # fmt: skip
    for lands_s in (0.7, 2.2, 4.8, 7.6, 14.0):
        half = b.between(0.24, 0.42)
        x, z = _landing(b, lands_s)
        high = half + fall_m(lands_s, CRATE_KG_M3 * (2 * half) ** 3, (2 * half) ** 2)
        spin = _spin(b, lands_s)
        b.add(Label.WOOD, "box", (half, half, half), (x, high, z), b.tint(WOOD, 0.2), density=CRATE_KG_M3, spin=spin)


def _barrels(b: Builder, half_w: float, terrace: tuple[float, float, float]) -> None:
    """Four roll along the terrace and down the ramp, one after the other; four stand about."""
    west, south, height = terrace
    radius, x = 0.32, (half_w + west) / 2 + 0.3
    for lead_m, leaves_s in ((0.35, 0.5), (1.15, 2.4), (1.95, 4.9), (2.75, 7.6)):
        speed = lead_m / leaves_s
        b.add(Label.METAL, "cylinder", (radius, 0.45, 0.0), (x + b.between(-0.2, 0.2), height + radius, south - lead_m),
              b.tint(METAL, 0.3), turn=ALONG_X, density=BARREL_KG_M3, velocity=(0.0, 0.0, speed),
              spin=(speed / radius, 0.0, 0.0))  # fmt: skip
    for x, z in ((half_w - 2.9, 3.2), (half_w - 3.5, 2.7), (-3.2, 3.3), (-2.9, -0.4)):
        b.add(Label.METAL, "cylinder", (0.3, 0.44, 0.0), (x, 0.441, z), b.tint((0.10, 0.22, 0.30), 0.3), turn=UPRIGHT,
              density=BARREL_KG_M3)  # fmt: skip


def _balls(b: Builder, terrace: tuple[float, float, float], fountain: tuple[float, float]) -> None:
    """One is thrown at the stack, two roll off the terrace, eight come down over the first twenty seconds."""
    aim = (fountain[0] - 2.6, fountain[1] - 1.6)
    start: Vec3 = (aim[0] + 1.8, 1.2, aim[1] + 6.4)
    b.add(Label.PLASTIC, "sphere", (0.4, 0.0, 0.0), start, TOYS[0], density=700.0,
          velocity=((aim[0] - start[0]) * 1.5, 2.8, (aim[1] - start[2]) * 1.5))  # fmt: skip
    for n, (aside, speed) in enumerate(((0.5, 0.35), (1.1, 0.15))):
        place = (terrace[0] + aside, terrace[2] + 0.3, terrace[1] - 0.6 - 0.5 * n)
        b.add(Label.PLASTIC, "sphere", (0.3, 0.0, 0.0), place, TOYS[1 + n], density=BALL_KG_M3,
              velocity=(-speed, 0.0, 0.0), spin=(0.0, 0.0, speed / 0.3))  # fmt: skip
    for n, lands_s in enumerate((0.5, 1.1, 1.9, 3.0, 4.4, 6.2, 8.4, 19.0)):
        radius = b.between(0.18, 0.38)
        x, z = _landing(b, lands_s)
        high = radius + fall_m(lands_s, BALL_KG_M3 * 4.19 * radius**3, 2.4 * radius**2)
        b.add(Label.PLASTIC, "sphere", (radius, 0.0, 0.0), (x, high, z), TOYS[n % len(TOYS)], density=BALL_KG_M3,
              velocity=(b.between(-0.3, 0.3), 0.0, b.between(-0.3, 0.3)))  # fmt: skip


def _stones(b: Builder) -> None:
    """Two lie about, four come down over the first eleven seconds."""
    for n, lands_s in enumerate((0.0, 0.0, 1.5, 3.6, 6.2, 11.0)):
        half = (b.between(0.18, 0.36), b.between(0.14, 0.22), b.between(0.18, 0.3))
        x, z = _landing(b, lands_s) if lands_s else (b.between(-4.6, -4.2), b.between(-1.4, -1.0) + 1.6 * n)
        high = half[1] + fall_m(lands_s, STONE_KG_M3 * 8 * half[0] * half[1] * half[2], 4 * half[0] * half[2])
        b.add(Label.STONE, "box", half, (x, high, z), b.tint(STONE, 0.15), turn=turned("y", b.between(0.0, 90.0)),
              density=STONE_KG_M3)  # fmt: skip


def _capsules(b: Builder) -> None:
    for n, lands_s in enumerate((0.3, 1.3, 2.7, 5.2, 9.2, 16.0)):
        radius, half = b.between(0.13, 0.18), b.between(0.2, 0.38)
        x, z = _landing(b, lands_s)
        mass = CAPSULE_KG_M3 * math.pi * radius**2 * (2 * half + 1.33 * radius)
        high = 0.4 + fall_m(lands_s, mass, 3.0 * radius * (half + radius))
        b.add(Label.PLASTIC, "capsule", (radius, half, 0.0), (x, high, z), b.tint(FABRICS[n % 4]),
              turn=turned("y", b.between(0.0, 90.0)), density=CAPSULE_KG_M3, spin=_spin(b, lands_s))  # fmt: skip
