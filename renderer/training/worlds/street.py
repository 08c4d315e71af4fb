"""A street between two rows of houses: shop fronts with awnings, lamps, trees, parked and moving cars, people."""

from __future__ import annotations

import math

from bridge.engine.blockout import DOORS, FABRICS, FOLIAGE, GLASS, ROOFS, STONE, WALLS, WOOD, turned
from bridge.engine.world import Sun, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Room, along_line
from renderer.training.worlds.meshes import blob, extruded
from renderer.training.worlds.people import car, person

ASPHALT: Vec3 = (0.115, 0.115, 0.12)
PAVEMENT: Vec3 = (0.36, 0.35, 0.33)
LENGTH_M = 46.0  # from the middle of the street to either end


def street(seed: int) -> Blockout:
    """The street runs along z; the camera stands about the middle, +-12 m of it."""
    k = Kit(seed)
    road, walk = k.between(3.0, 4.2), k.between(2.0, 3.2)
    k.box(Label.GROUND, (road, 0.5, LENGTH_M), (0.0, -0.5, 0.0), k.tint(ASPHALT))
    for side in (-1.0, 1.0):
        k.box(Label.STONE, (walk / 2, 0.5, LENGTH_M), (side * (road + walk / 2), -0.36, 0.0), k.tint(PAVEMENT))
        k.box(Label.STONE, (0.09, 0.5, LENGTH_M), (side * (road + 0.09), -0.352, 0.0), k.tint(STONE, 0.05))
        _houses(k, side, road + walk)
        _furniture(k, side, road, walk)
    for z in (-LENGTH_M, LENGTH_M):
        _house(k, z, 0.0, road + walk + 1.0, 4.0, across=True)
    _traffic(k, road, walk)
    room = Room(
        ((-road - walk * 0.6, 1.4, -14.0), (road + walk * 0.6, 2.1, 14.0)),
        ((-road - walk, 1.0, -40.0), (road + walk, 5.0, 40.0)),
        walk_m=k.between(1.0, 4.0), crane_m=5.0,
    )  # fmt: skip
    return k.blockout("street", room, Sun(k.between(0.0, 360.0), k.between(25.0, 60.0)), fov_deg=k.between(50.0, 68.0),
                      dim=(0.42, 0.42, 0.42))  # fmt: skip


def _houses(k: Kit, side: float, face_x: float) -> None:
    z = -LENGTH_M
    while z < LENGTH_M - 1.0:
        half = min(k.between(3.0, 5.5), (LENGTH_M - z) / 2.0)
        _house(k, side * face_x, z + half, half, side, across=False)
        z += 2.0 * half


def _house(k: Kit, face: float, middle: float, half: float, side: float, *, across: bool) -> None:
    """A front at x = face (or at z = face when it closes the street off `across`)."""
    storeys, storey = k.count(1, 4), k.between(2.8, 3.3)
    tall, deep = storeys * storey + 0.5, 4.0
    away = math.copysign(1.0, face)

    def put(label: Label, along: float, height: float, thick: float, at: float, y: float, out: float, albedo: Vec3,
            shines: Vec3 | None = None) -> None:  # fmt: skip
        """A box on the front: half sizes along, up and through it; `out` is how far its middle stands before it."""
        x, z = (middle + at, face - away * out) if across else (face - away * out, middle + at)
        sizes = (along, height, thick) if across else (thick, height, along)
        if shines is None:
            k.box(label, sizes, (x, y, z), albedo)
        else:
            k.glowing_box(label, sizes, (x, y, z), albedo, shines)

    wall = k.tint(k.pick(WALLS))
    put(Label.WALL, half - 0.01, tall / 2, deep, 0.0, tall / 2, -deep, wall)
    put(Label.STONE, half, 0.14, 0.16, 0.0, tall - 0.3, 0.05, k.tint(STONE))
    put(Label.STONE, half - 0.02, 0.30, 0.05, 0.0, 0.30, 0.03, k.tint(STONE))
    _roof(k, face, middle, half, tall, deep, away, across=across)
    columns = max(1, int(half / 1.15))
    for storey_n in range(storeys):
        for c in range(columns):
            at = (c + 0.5) / columns * 2.0 * half - half
            y = storey_n * storey + 1.75
            if storey_n == 0 and c == columns // 2:
                put(Label.WOOD, 0.5, 1.05, 0.06, at, 1.05 + 0.1, 0.02, k.tint(k.pick(DOORS)))
                put(Label.STONE, 0.62, 0.1, 0.14, at, 2.3, 0.04, k.tint(STONE))
                continue
            lit = k.chance(0.35)
            warm = (k.between(0.7, 1.5), k.between(0.45, 0.9), k.between(0.18, 0.5))
            put(Label.GLASS, 0.46, 0.72, 0.03, at, y, 0.0, k.tint(GLASS), warm if lit else None)
            put(Label.STONE, 0.58, 0.07, 0.13, at, y - 0.8, 0.06, k.tint(STONE))
            if k.chance(0.25) and storey_n > 0:
                for shutter in (-0.66, 0.66):
                    put(Label.WOOD, 0.18, 0.74, 0.04, at + shutter, y, 0.05, k.tint(k.pick(DOORS)))
    if k.chance(0.45) and not across:
        _awning(k, face, middle, half * 0.7, away)


def _awning(k: Kit, face: float, middle: float, half: float, away: float) -> None:
    lean = turned("z", away * 22.0)
    k.box(Label.FABRIC, (0.75, 0.03, half), (face - away * 0.7, 2.75, middle), k.tint(k.pick(FABRICS)), lean)


def _roof(k: Kit, face: float, middle: float, half: float, tall: float, deep: float, away: float, *,
          across: bool) -> None:  # fmt: skip
    if k.chance(0.25):
        return
    rise = k.between(1.2, 2.6)
    gable = extruded([(-deep - 0.4, 0.0), (deep + 0.4, 0.0), (0.0, rise)], half + 0.05)
    x, z = (middle, face + away * deep) if across else (face + away * deep, middle)
    k.mesh(Label.ROOF, gable, (x, tall, z), k.tint(k.pick(ROOFS)), turned("y", 90.0) if across else turned("y", 0.0))
    if k.chance(0.6):
        k.box(Label.WALL, (0.3, 0.7, 0.3), (x + 0.8, tall + rise, z), k.tint(k.pick(WALLS)))


def _furniture(k: Kit, side: float, road: float, walk: float) -> None:
    kerb = side * (road + 0.5)
    metal = k.tint((0.08, 0.085, 0.09))
    for z in range(-40, 41, 16):
        k.street_lamp((kerb, 0.14, z + side * 4.0 + k.between(-1.0, 1.0)), k.between(3.2, 4.4), metal)
    for z in range(-36, 37, 9):
        if k.chance(0.45):
            _tree(k, kerb + side * 0.2, z + side * 2.0)
        elif k.chance(0.4):
            k.box(Label.WOOD, (0.25, 0.04, 0.8), (kerb + side * 0.4, 0.6, z), k.tint(WOOD))
            k.box(Label.METAL, (0.2, 0.23, 0.05), (kerb + side * 0.4, 0.37, z - 0.5), metal)
            k.box(Label.METAL, (0.2, 0.23, 0.05), (kerb + side * 0.4, 0.37, z + 0.5), metal)
        elif k.chance(0.5):
            at = (side * (road + walk - 0.6), 0.14 + 0.4, z + 1.0)
            k.box(Label.WOOD, (0.4, 0.4, 0.4), at, k.tint(WOOD), turned("y", k.between(0.0, 90.0)))


def _tree(k: Kit, x: float, z: float) -> None:
    tall, r = k.between(2.0, 2.8), k.between(1.0, 1.6)
    k.post(Label.WOOD, 0.13, tall + 0.6, (x, 0.0, z), k.tint((0.16, 0.12, 0.09)))
    crown = blob(r, (1.0, k.between(0.85, 1.2), 1.0), 0.28, k.rng)
    k.mesh(Label.FOLIAGE, crown, (x, tall + 0.75 * r, z), k.tint(FOLIAGE, 0.25))


def _traffic(k: Kit, road: float, walk: float) -> None:
    for side in (-1.0, 1.0):
        for z in range(-30, 31, 7):
            if k.chance(0.3):
                car(k, along_line((side * (road - 1.0), 0.0, z), (side * (road - 1.0), 0.0, z + side), 0.0, 0.0))
        if k.chance(0.8):
            lane = side * road * 0.38
            start, end = (lane, 0.0, side * 40.0), (lane, 0.0, -side * 40.0)
            car(k, along_line(start, end, k.between(4.0, 9.0), k.between(0.0, 12.0)))
        for _ in range(k.count(2, 5)):
            x = side * (road + walk * k.between(0.3, 0.85))
            go = 20.0 if k.chance(0.5) else -20.0
            person(k, along_line((x, 0.14, go), (x, 0.14, -go), k.between(0.8, 1.6), k.between(0.0, 40.0),
                                 there_and_back=True))  # fmt: skip
