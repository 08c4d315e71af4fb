"""A stage or studio set: a floor, a back wall with pilasters and a wide arch, flats, plinths, drapes, lamps on bars."""

from __future__ import annotations

import math

import numpy as np

from bridge.engine.blockout import FABRICS, FOLIAGE, METAL, STONE, TOYS, WALLS, WOOD, turned
from bridge.engine.world import Sun, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Room, along_line, around, swinging
from renderer.training.worlds.meshes import blob, box, cylinder, extruded
from renderer.training.worlds.people import loose_things, person

GELS: tuple[Vec3, ...] = ((1.0, 0.78, 0.52), (1.0, 0.60, 0.30), (0.62, 0.78, 1.0), (1.0, 0.92, 0.82),
                          (0.95, 0.45, 0.55))  # fmt: skip


def stage(seed: int) -> Blockout:
    """The back wall stands at -Z; the camera is on the house side, +Z. There is no roof: daylight falls in."""
    k = Kit(seed)
    w, d, h = k.between(6.0, 9.0), k.between(4.0, 6.0), k.between(4.2, 6.0)
    floor = (Label.WOOD, WOOD) if k.chance(0.65) else (Label.GROUND, (0.22, 0.21, 0.20))
    k.box(floor[0], (w + 1.0, 0.25, d + 1.0), (0.0, -0.25, 0.0), k.tint(floor[1], 0.2))
    k.box(Label.GROUND, (40.0, 0.25, 40.0), (0.0, -0.95, 8.0), k.tint((0.16, 0.16, 0.17)))
    _back_wall(k, w, d, h)
    _flats(k, w, d, h)
    _dressing(k, w, d)
    _drapes(k, w, d, h)
    _lights(k, w, d, h)
    for _ in range(k.count(1, 3)):
        z, go = k.between(-d * 0.4, d * 0.6), k.between(1.0, w * 0.6)
        pace, phase = k.between(0.5, 1.4), k.between(0.0, 9.0)
        person(k, along_line((-go, 0.0, z), (go, 0.0, z), pace, phase, there_and_back=True))
    person(k, around((k.between(-2.0, 2.0), 0.0, 0.0), k.between(1.0, 2.2), k.between(8.0, 16.0), k.between(0.0, 1.0)))
    loose_things(k, (k.between(-w, w) * 0.4, 0.0, k.between(-1.0, 2.0)), 1.6, k.count(4, 9))
    room = Room(((-w * 0.6, 1.1, d * 0.4), (w * 0.6, 2.2, d + 4.0)),
                ((-w * 0.6, 0.8, -d), (w * 0.6, h * 0.6, -d * 0.2)), walk_m=2.5, crane_m=2.5)  # fmt: skip
    return k.blockout("stage", room, Sun(k.between(120.0, 240.0), k.between(30.0, 60.0)), fov_deg=k.between(45.0, 62.0),
                      dim=(0.5, 0.48, 0.46))  # fmt: skip


def _back_wall(k: Kit, w: float, d: float, h: float) -> None:
    """With an opening in the middle that shows a painted sky, pilasters between panels, a base and a cornice."""
    wall, trim = k.tint(k.pick(WALLS)), k.tint(STONE)
    gate, arch = k.between(0.9, 1.6), k.between(2.2, h - 1.4)
    side = (w - gate) / 2.0
    for s in (-1.0, 1.0):
        k.box(Label.WALL, (side, h / 2, 0.2), (s * (gate + side), h / 2, -d - 0.2), wall)
    k.box(Label.WALL, (gate, (h - arch) / 2, 0.2), (0.0, (h + arch) / 2, -d - 0.2), wall)
    for n in range(7):
        a = math.pi * (n + 0.5) / 7.0
        at = (gate * 0.98 * math.cos(a), arch - 0.15 + 0.45 * math.sin(a), -d + 0.05)
        k.box(Label.STONE, (0.16, gate * 0.26, 0.16), at, k.tint(trim, 0.08), turned("z", math.degrees(a)))
    k.box(Label.STONE, (w, 0.12, 0.35), (0.0, h, -d - 0.1), trim)
    for s in (-1.0, 1.0):
        k.box(Label.STONE, (side, 0.25, 0.06), (s * (gate + side), 0.25, -d + 0.04), trim)
    count = k.count(2, 4)
    for n in range(count):
        for s in (-1.0, 1.0):
            x = s * (gate + 0.5 + (n + 0.3) * (w - gate - 0.5) / count)
            k.box(Label.STONE, (0.22, h / 2 - 0.1, 0.12), (x, h / 2, -d + 0.06), k.tint(trim, 0.04))
            k.box(Label.STONE, (0.30, 0.12, 0.18), (x, h - 0.35, -d + 0.1), trim)
            if k.chance(0.6):
                at = (x + s * 0.9, k.between(2.0, 2.6), -d)
                k.glowing_box(Label.GLASS, (0.4, 0.7, 0.03), at, (0.05, 0.07, 0.09), (1.5, 1.0, 0.5))
                k.box(Label.WOOD, (0.5, 0.06, 0.1), (at[0], at[1] - 0.76, -d + 0.06), k.tint(WOOD))
    k.box(Label.FABRIC, (w + 2.0, h * 0.7, 0.05), (0.0, h * 0.6, -d - 3.0), k.tint((0.30, 0.42, 0.55), 0.2))


def _flats(k: Kit, w: float, d: float, h: float) -> None:
    """Painted walls at the sides, turned inwards, held by braces."""
    for s in (-1.0, 1.0):
        for n in range(k.count(1, 2)):
            tall, z = h * k.between(0.55, 0.85), -d + 1.4 + n * 2.4
            label = Label.WALL if k.chance(0.6) else Label.WOOD
            color = k.tint(k.pick(WALLS) if label == Label.WALL else WOOD)
            turn = turned("y", s * k.between(-35.0, -10.0))
            k.box(label, (0.07, tall / 2, 1.0), (s * (w - 0.6 + 0.5 * n), tall / 2, z), color, turn)


def _dressing(k: Kit, w: float, d: float) -> None:
    """Steps, plinths with vases, columns, a table, a tree in a tub."""
    x = k.between(-w * 0.5, w * 0.5)
    for n in range(3):
        k.box(Label.STONE, (1.4 - 0.3 * n, 0.1, 1.2 - 0.3 * n), (x, 0.1 + 0.2 * n, -d + 1.6), k.tint(STONE, 0.08))
    for s in (-1.0, 1.0):
        at = s * k.between(1.6, w * 0.75)
        z = k.between(-d + 1.0, 0.0)
        if k.chance(0.6):
            k.post(Label.STONE, k.between(0.2, 0.3), k.between(2.0, 3.4), (at, 0.0, z), k.tint(STONE))
        else:
            k.box(Label.STONE, (0.3, 0.45, 0.3), (at, 0.45, z), k.tint(STONE))
            k.mesh(Label.PLASTIC, blob(0.25, (1.0, 1.35, 1.0), 0.04, k.rng), (at, 1.2, z), k.tint(k.pick(TOYS)))
    at, z = k.between(-w * 0.4, w * 0.4), k.between(-1.0, d * 0.5)
    k.box(Label.WOOD, (0.8, 0.03, 0.45), (at, 0.75, z), k.tint(WOOD))
    k.box(Label.WOOD, (0.06, 0.36, 0.35), (at - 0.6, 0.36, z), k.tint(WOOD))
    k.box(Label.WOOD, (0.06, 0.36, 0.35), (at + 0.6, 0.36, z), k.tint(WOOD))
    k.box(Label.FABRIC, (0.5, 0.008, 0.47), (at, 0.79, z), k.tint(k.pick(FABRICS)))
    k.mesh(Label.WOOD, cylinder(0.35, 0.25), (w * 0.7, 0.25, d * 0.3), k.tint(WOOD))
    k.mesh(Label.FOLIAGE, blob(0.65, (1.0, 1.3, 1.0), 0.25, k.rng), (w * 0.7, 1.2, d * 0.3), k.tint(FOLIAGE, 0.2))
    ramp = extruded([(-1.2, 0.0), (1.2, 0.0), (1.2, 0.6)], 0.7)
    k.mesh(Label.WOOD, ramp, (-w * 0.6, 0.0, k.between(-d + 1.5, 0.0)), k.tint(WOOD), turned("y", 90.0))


def _drapes(k: Kit, w: float, d: float, h: float) -> None:
    """Curtains in folds on both sides, and a swag above them in front of the set."""
    cloth = k.tint(k.pick(FABRICS))
    for s in (-1.0, 1.0):
        for n in range(6):
            x = s * (w - 0.1 + 0.24 * n)
            fold = cylinder(0.17, h / 2, 12)
            k.mesh(Label.FABRIC, fold, (x, h / 2, d * 0.55 + (0.1 if n % 2 else 0.0)), k.tint(cloth, 0.04))
    if k.chance(0.5):
        k.box(Label.FABRIC, (w + 1.2, 0.35, 0.06), (0.0, h - 0.1, d * 0.55), k.tint(cloth, 0.05))
    if k.chance(0.5):
        banner = box((0.5, 0.9, 0.015))
        banner = banner._replace(corners=banner.corners - np.array((0.0, 0.9, 0.0), np.float32))
        k.mesh(Label.FABRIC, banner, (0.0, 0.0, 0.0), k.tint(k.pick(FABRICS)),
               motion=swinging((k.between(-2.0, 2.0), h - 0.2, -d + 0.6), 9.0, 2.6, k.between(0.0, 1.0)))  # fmt: skip


def _lights(k: Kit, w: float, d: float, h: float) -> None:
    """Lamps on two bars over the set, in gels; some burn by day too."""
    gel, fill = k.pick(GELS), k.pick(GELS)
    for z, color in ((d * 0.35, gel), (-d * 0.4, fill)):
        k.box(Label.METAL, (w, 0.04, 0.04), (0.0, h + 0.6, z), METAL)
        for n in range(4):
            x = -w * 0.75 + n * w * 0.5
            glow = (190.0 * color[0], 190.0 * color[1], 190.0 * color[2])
            k.shining_ball(0.13, (x, h + 0.42, z), glow, always=n % 2 == 0)
