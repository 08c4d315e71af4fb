"""A courtyard blockout: four walls, an arcade, a terrace with a ramp and steps, an awning, trees, a fountain, and 44
bodies that fall, roll and collide (bridge/engine/props.py).

Every seed gives another court of the same family: its size, arches, walls, colours, sun, and which side the arcade
is on. Nothing is random beyond the seed: the same seed is the same world on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.engine.blockout import (
    DOORS,
    FABRICS,
    FOLIAGE,
    GLASS,
    GROUND,
    LAMP,
    ROOFS,
    STONE,
    WALLS,
    WATER,
    WOOD,
    Builder,
    closed_spline,
    mirror_path,
    mirror_sun,
    turned,
)
from bridge.engine.props import add_props
from bridge.engine.world import CameraKey, CameraPath, Sun, Vec3, World
from bridge.schema import Label

PERIOD_S = 10.0  # the camera leaves and is back, exactly, after this long
WALL_M = 0.35  # half the thickness of a wall


@dataclass(frozen=True)
class Plan:
    """The measures everything else keeps to, in metres. North (-Z) is ahead of the camera, the arcade is west."""

    half_w: float  # inner faces of the walls are at x = -half_w, +half_w
    half_d: float  # and at z = -half_d, +half_d
    arcade_x: float  # middle of the arcade's pillars
    terrace: tuple[float, float, float]  # west edge, south edge, height
    fountain: tuple[float, float]  # x, z
    roof: Vec3
    stone: Vec3


def courtyard(seed: int) -> World:
    """The court of a seed: 18-21 m wide and 18-21 m deep around the origin, entered from +Z."""
    b = Builder(seed)
    plan = _plan(b)
    b.box(Label.GROUND, (26.0, 1.0, 26.0), (0.0, -1.0, 0.0), b.tint(GROUND))
    _walls(b, plan)
    _windows(b, plan)
    _arcade(b, plan)
    _terrace(b, plan)
    _fountain(b, plan)
    _market(b, plan)
    _garden(b, plan)
    add_props(b, plan.half_w, plan.half_d, plan.terrace, plan.fountain)
    sun, path = _sun(b), _camera_path(b, plan)
    mirrored = bool(b.rng.integers(2))
    if mirrored:
        sun, path = mirror_sun(sun), mirror_path(path)
    return World("courtyard", seed, b.finish(mirrored=mirrored), sun, path)


def _plan(b: Builder) -> Plan:
    half_w, half_d = b.between(9.0, 10.5), b.between(9.0, 10.5)
    terrace = (half_w - b.between(3.8, 4.6), -half_d + b.between(3.6, 4.4), b.between(1.1, 1.5))
    fountain = (b.between(-0.6, 0.6), b.between(-3.4, -2.4))
    roof, stone = b.tint(b.pick(ROOFS)), b.tint(STONE)
    return Plan(half_w, half_d, -half_w + b.between(2.1, 2.6), terrace, fountain, roof, stone)


def _walls(b: Builder, plan: Plan) -> None:
    """Four buildings of different heights; the north one has a gate that stands back in a recess."""
    w, d, t = plan.half_w, plan.half_d, WALL_M
    north, south, west, east = b.between(5.4, 6.9), b.between(2.8, 3.6), b.between(6.3, 7.6), b.between(3.6, 4.8)
    colors = [b.tint(WALLS[int(n)]) for n in b.rng.permutation(len(WALLS))[:4]]
    gate_x, gate_h, gate = b.between(-2.6, -1.6), b.between(2.7, 3.2), b.between(1.0, 1.3)
    left, right = (-w + gate_x - gate) / 2.0, (w + gate_x + gate) / 2.0
    z = -d - t
    b.box(Label.WALL, (left + w, north / 2, t), (left, north / 2, z), colors[0])
    b.box(Label.WALL, (w - right, north / 2, t), (right, north / 2, z), colors[0])
    b.box(Label.WALL, (gate, (north - gate_h) / 2, t), (gate_x, (north + gate_h) / 2, z), colors[0])
    b.box(Label.WOOD, (gate, gate_h / 2, 0.08), (gate_x, gate_h / 2, z - 0.2), b.tint(b.pick(DOORS)))
    b.box(Label.STONE, (gate + 0.35, 0.2, 0.12), (gate_x, gate_h + 0.18, -d + 0.02), plan.stone)
    b.box(Label.WALL, (w + 2 * t, south / 2, t), (0.0, south / 2, d + t), colors[1])
    b.box(Label.WALL, (t, west / 2, d), (-w - t, west / 2, 0.0), colors[2])
    b.box(Label.WALL, (t, east / 2, d), (w + t, east / 2, 0.0), colors[3])
    for height, x, z, along_x in ((north, 0.0, -d - t, True), (west, -w - t, 0.0, False), (east, w + t, 0.0, False)):
        half = (w + 1.0, 0.13, 0.75) if along_x else (0.75, 0.13, d + 0.95)
        lean = turned("x", 12.0) if along_x else turned("z", 12.0 if x > 0 else -12.0)
        b.box(Label.ROOF, half, (x, height + 0.12, z), b.tint(plan.roof, 0.06), lean)


def _windows(b: Builder, plan: Plan) -> None:
    w, d = plan.half_w, plan.half_d
    for x in (-w * 0.62, w * 0.16, w * 0.62):
        b.box(Label.GLASS, (0.48, 0.75, 0.05), (x, 4.35, -d), b.tint(GLASS))
        b.box(Label.STONE, (0.68, 0.09, 0.2), (x, 3.5, -d), plan.stone)
    for z in (-d * 0.55, 0.0, d * 0.5):
        b.box(Label.GLASS, (0.05, 0.7, 0.45), (-w, 5.35, z), b.tint(GLASS))
    for z in (-d * 0.12, d * 0.62):
        b.box(Label.GLASS, (0.05, 0.6, 0.5), (w, 2.35, z), b.tint(GLASS))


def _arcade(b: Builder, plan: Plan) -> None:
    """Pillars, round arches of wedge stones, and a lean-to roof, along the west wall."""
    bays = int(b.rng.integers(3, 5))
    stones = 7 if bays == 3 else 5
    north, south = -plan.half_d + 0.7, b.between(2.6, 3.6)
    span = (south - north) / bays
    springing, radius = b.between(1.9, 2.2), min(span / 2.0 - 0.22, 1.75)
    x, top = plan.arcade_x, springing + radius + 0.55
    for n in range(bays + 1):
        z = north + n * span
        b.box(Label.STONE, (0.26, springing / 2, 0.26), (x, springing / 2, z), b.tint(plan.stone, 0.05))
        b.box(Label.STONE, (0.34, 0.1, 0.34), (x, springing - 0.1, z), plan.stone)
        reach, outer = span / 2 - radius + 0.3, 0.3  # the filling above a pillar; an end one stops at its pillar
        low, high = (outer if n == 0 else reach), (outer if n == bays else reach)
        b.box(Label.STONE, (0.2, (top - springing) / 2, (low + high) / 2),
              (x, (top + springing) / 2, z + (high - low) / 2), b.tint(plan.stone, 0.04))  # fmt: skip
    for n in range(bays):
        _arch(b, (x, springing, north + (n + 0.5) * span), radius, stones, plan.stone)
    middle, half = (north + south) / 2.0, (south - north) / 2.0 + 0.6
    b.box(Label.STONE, (0.36, 0.14, half), (x, top + 0.14, middle), plan.stone)
    reach = (x + plan.half_w) / 2.0
    lean = turned("z", -math.degrees(math.atan2(0.9, 2.0 * reach)))
    b.box(Label.ROOF, (math.hypot(reach, 0.45) + 0.35, 0.08, half + 0.1), (x - reach, top + 0.72, middle),
          b.tint(plan.roof, 0.06), lean)  # fmt: skip


def _arch(b: Builder, centre: Vec3, radius: float, stones: int, albedo: Vec3) -> None:
    """A half circle of stones in the plane x = centre; every second stone is a little deeper, so no two faces meet."""
    x, y, z = centre
    for k in range(stones):
        angle = math.pi * (k + 0.5) / stones
        half = (0.29 + 0.025 * (k % 2), 0.19, (radius + 0.17) * math.tan(math.pi / (2 * stones)) * 0.98)
        at = (x, y + (radius + 0.16) * math.sin(angle), z - (radius + 0.16) * math.cos(angle))
        b.box(Label.STONE, half, at, b.tint(albedo, 0.08), turned("x", math.degrees(angle) - 90.0))


def _terrace(b: Builder, plan: Plan) -> None:
    """A raised corner in the north-east: steps lead up to it from the west, and a ramp down
    to the south; a plank on a stone makes a second ramp beside the fountain."""
    west, south, height = plan.terrace
    north, east = -plan.half_d, plan.half_w
    stone = b.tint(plan.stone)
    b.box(Label.STONE, ((east - west) / 2, height / 2, (south - north) / 2),
          ((east + west) / 2, height / 2, (south + north) / 2), stone)  # fmt: skip
    for n in range(3):
        rise = height * (n + 1) / 4.0
        at = (west - 0.38 * (2.5 - n), rise / 2, north + 1.3)
        b.box(Label.STONE, (0.19 + 0.005 * n, rise / 2, 1.25 - 0.02 * n), at, b.tint(stone, 0.05))
    slope = math.radians(b.between(15.0, 19.0))
    _ramp(b, ((east + west) / 2 + 0.3, height, south), slope, 1.15)
    x, z = plan.fountain
    b.box(Label.WOOD, (1.5, 0.05, 0.55), (x + 3.0, 0.43, z + 2.4), b.tint(WOOD), turned("z", 15.0))
    b.box(Label.STONE, (0.3, 0.33, 0.5), (x + 4.0, 0.33, z + 2.4), b.tint(plan.stone))


def _ramp(b: Builder, head: Vec3, slope: float, half_width: float) -> None:
    """A plank from the middle of its top edge down to the ground, towards +Z."""
    length = head[1] / math.sin(slope) + 0.1
    x, y, z = head
    thick = 0.09
    down = (y / 2 - thick * math.cos(slope), z + (length / 2) * math.cos(slope) - thick * math.sin(slope))
    b.box(Label.WOOD, (half_width, thick, length / 2), (x, *down), b.tint(WOOD), turned("x", math.degrees(slope)))


def _fountain(b: Builder, plan: Plan) -> None:
    x, z = plan.fountain
    b.post(Label.STONE, 1.25, 0.5, (x, 0.0, z), plan.stone)
    b.post(Label.WATER, 1.08, 0.03, (x, 0.49, z), WATER)
    b.post(Label.STONE, 0.2, 1.25, (x, 0.0, z), b.tint(plan.stone))
    b.ball(Label.STONE, 0.34, (x, 1.5, z), b.tint(plan.stone))


def _market(b: Builder, plan: Plan) -> None:
    """An awning on two poles over a table, against the east wall."""
    x, z = plan.half_w - 1.25, b.between(0.2, 1.2)
    b.box(Label.FABRIC, (1.4, 0.03, 1.9), (x + 0.05, 2.55, z), b.tint(b.pick(FABRICS)), turned("z", 16.0))
    for side in (-1.75, 1.75):
        b.post(Label.METAL, 0.05, 2.2, (x - 1.2, 0.0, z + side), (0.2, 0.2, 0.22))
    b.box(Label.WOOD, (0.5, 0.42, 1.4), (x + 0.3, 0.42, z), b.tint(WOOD))


def _garden(b: Builder, plan: Plan) -> None:
    """Two trees, two planted boxes near the camera, and a lamp."""
    w, d = plan.half_w, plan.half_d
    for x, z in ((plan.terrace[0] - 2.1, -d + 1.6), (w - 1.9, 5.4)):
        tall, r = b.between(1.7, 2.4), b.between(0.9, 1.2)
        b.post(Label.WOOD, 0.13, tall + 0.3, (x, 0.0, z), b.tint((0.22, 0.15, 0.10)))
        b.ball(Label.FOLIAGE, r, (x, tall + 0.8 * r, z), b.tint(FOLIAGE, 0.2))
        b.ball(Label.FOLIAGE, 0.7 * r, (x - 0.65 * r, tall + 0.45 * r, z + 0.5 * r), b.tint(FOLIAGE, 0.2))
    for x, z, long in ((-4.6, 5.0, 1.3), (4.4, 3.4, 0.8)):
        b.box(Label.STONE, (0.42, 0.25, long), (x, 0.25, z), b.tint(plan.stone))
        b.box(Label.FOLIAGE, (0.34, b.between(0.22, 0.36), long - 0.08), (x, 0.66, z), b.tint(FOLIAGE, 0.2))
    b.post(Label.METAL, 0.06, 2.9, (-3.9, 0.0, 1.6), (0.12, 0.13, 0.14))
    b.ball(Label.LIGHT, 0.2, (-3.9, 3.05, 1.6), LAMP)


def _sun(b: Builder) -> Sun:
    """From behind the camera's right shoulder, over the lower walls; warmer the lower it stands."""
    elevation = b.between(32.0, 58.0)
    warmth = (58.0 - elevation) / 26.0
    irradiance = (3.4, 3.2 - 0.35 * warmth, 2.9 - 0.85 * warmth)
    return Sun(b.between(105.0, 165.0), elevation, irradiance, (0.36, 0.44, 0.58))


def _camera_path(b: Builder, plan: Plan) -> CameraPath:
    """Walks in along the arcade, turns past the fountain to the terrace and the awning, and walks back."""
    z, h = plan.half_d - 1.9, b.between(1.6, 1.8)
    x, f = b.between(1.2, 2.2), plan.fountain
    west, east = plan.arcade_x, plan.half_w
    eye = closed_spline(
        ((x, h, z), (x - 1.6, h, z - 2.2), (x - 3.3, h + 0.1, z - 4.2), (x - 1.9, h + 0.25, z - 4.9),
         (x + 0.2, h + 0.1, z - 4.0), (x + 0.9, h, z - 1.8))
    )  # fmt: skip
    target = closed_spline(
        ((f[0] - 1.6, 1.9, -3.0), (west + 1.4, 2.0, -3.4), (west + 0.6, 1.9, -4.6), (f[0] + 0.6, 1.6, -6.0),
         (east - 3.4, 1.5, -4.2), (f[0] + 2.4, 1.7, -3.6))
    )  # fmt: skip

    def path(time_s: float) -> CameraKey:
        phase = math.fmod(round(time_s, 9), PERIOD_S) / PERIOD_S  # 300 thirtieths of a second are ten seconds
        return CameraKey(eye(phase), target(phase))

    return path
