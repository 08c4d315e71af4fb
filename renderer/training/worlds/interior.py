"""A furnished room: windows on one or two sides with a street's worth of outside, carpet, tables, shelves, lamps."""

from __future__ import annotations

import math

from bridge.engine.blockout import DOORS, FABRICS, FOLIAGE, METAL, TOYS, WALLS, WOOD, turned
from bridge.engine.world import Sun, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Lamp, Room, along_line, around, swinging
from renderer.training.worlds.meshes import blob, cone, cylinder
from renderer.training.worlds.people import broadleaf, person

PLASTERS: tuple[Vec3, ...] = ((0.72, 0.69, 0.63), (0.62, 0.60, 0.55), (0.55, 0.60, 0.57), (0.66, 0.55, 0.45), *WALLS)
SOFAS: tuple[Vec3, ...] = (*FABRICS, (0.30, 0.28, 0.26), (0.45, 0.42, 0.36), (0.14, 0.17, 0.20))
WALL_M = 0.15  # half the thickness of a wall


def interior(seed: int) -> Blockout:
    """The room is around the origin, its floor at y = 0; windows look north (-Z), some also west (-X)."""
    k = Kit(seed)
    w, d, h = k.between(2.8, 4.6), k.between(2.8, 5.2), k.between(2.6, 3.4)
    wall = k.tint(k.pick(PLASTERS))
    floor = Label.WOOD if k.chance(0.7) else Label.STONE
    k.box(floor, (w, 0.2, d), (0.0, -0.2, 0.0), k.tint(WOOD if floor == Label.WOOD else (0.42, 0.38, 0.33), 0.25))
    k.box(Label.UNKNOWN, (w + 0.3, 0.2, d + 0.3), (0.0, h + 0.2, 0.0), (0.74, 0.73, 0.70))
    _wall_with_windows(k, "north", w, d, h, wall, k.count(1, 3))
    if k.chance(0.5):
        _wall_with_windows(k, "west", d, w, h, wall, k.count(1, 2))
    else:
        k.box(Label.WALL, (WALL_M, h / 2, d), (-w - WALL_M, h / 2, 0.0), wall)
    k.box(Label.WALL, (WALL_M, h / 2, d), (w + WALL_M, h / 2, 0.0), k.tint(wall, 0.05))
    k.box(Label.WALL, (w, h / 2, WALL_M), (0.0, h / 2, d + WALL_M), k.tint(wall, 0.05))
    _trim(k, w, d, h)
    _furnish(k, w, d, h)
    _outside(k, w, d)
    room = Room(
        ((-w + 0.7, 1.1, -d + 1.2), (w - 0.7, 1.8, d - 0.7)), ((-w, 0.3, -d), (w, h * 0.5, d)), walk_m=1.6, crane_m=0.8
    )
    sun, fov_deg = Sun(k.between(0.0, 360.0), k.between(25.0, 55.0)), k.between(58.0, 75.0)
    inside = ((-w - 0.28, -0.3, -d - 0.28), (w + 0.1, h + 0.1, d + 0.1))
    return k.blockout("interior", room, sun, fov_deg=fov_deg, far_m=120.0, inside=inside, dim=(0.05, 0.048, 0.044))


def _wall_with_windows(k: Kit, side: str, half: float, away: float, h: float, wall: Vec3, count: int) -> None:
    """A wall of half length `half` at distance `away`, with `count` openings that let the sky in."""
    sill, lintel = k.between(0.3, 0.9), h - k.between(0.25, 0.5)
    width = min(k.between(0.7, 1.3), half / count * 0.7)
    north = side == "north"

    def put(label: Label, along: float, y: float, half_along: float, half_y: float, albedo: Vec3, thick: float = WALL_M,
            out: float = WALL_M) -> None:  # fmt: skip
        at = (along, y, -away - out) if north else (-away - out, y, along)
        k.box(label, (half_along, half_y, thick) if north else (thick, half_y, half_along), at, albedo)

    put(Label.WALL, 0.0, sill / 2, half, sill / 2, wall)
    put(Label.WALL, 0.0, (lintel + h) / 2, half, (h - lintel) / 2, wall)
    edge = -half
    frame = k.tint((0.62, 0.60, 0.55) if k.chance(0.6) else WOOD)
    curtain = k.tint(k.pick(FABRICS)) if k.chance(0.6) else None
    for n in range(count):
        middle = -half + (n + 0.5) * 2.0 * half / count
        put(Label.WALL, (edge + middle - width) / 2, (sill + lintel) / 2, (middle - width - edge) / 2,
            (lintel - sill) / 2, wall)  # fmt: skip
        edge = middle + width
        y, tall = (sill + lintel) / 2, (lintel - sill) / 2
        bars = ((0.025, tall, y), (width, 0.025, y + tall * 0.3), (width + 0.04, 0.03, sill), (width, 0.03, lintel))
        for half_along, half_y, at_y in bars:
            put(Label.WOOD, middle, at_y, half_along, half_y, frame, 0.04, WALL_M)
        if curtain is not None:
            for s in (-1.0, 1.0):
                put(Label.FABRIC, middle + s * (width + 0.1), h / 2, 0.2, h / 2 - 0.08, curtain, 0.035, -0.09)
        at = (middle, y, -away + 0.02 - 2 * WALL_M) if north else (-away + 0.02 - 2 * WALL_M, y, middle)
        across = (width, 0.0, 0.0) if north else (0.0, 0.0, -width)
        k.lamps.append(Lamp(at, (0.0, 0.0, 0.0), across=across, up=(0.0, tall, 0.0), window=True))
    put(Label.WALL, (edge + half) / 2, (sill + lintel) / 2, (half - edge) / 2, (lintel - sill) / 2, wall)


def _trim(k: Kit, w: float, d: float, h: float) -> None:
    """Skirting boards, a door in the south wall, pictures on the east one, beams under some ceilings."""
    board = k.tint((0.6, 0.58, 0.53) if k.chance(0.5) else WOOD)
    k.box(Label.WOOD, (0.02, 0.06, d), (w - 0.02, 0.06, 0.0), board)
    k.box(Label.WOOD, (w, 0.06, 0.02), (0.0, 0.06, d - 0.02), board)
    x = k.between(-w + 0.9, w - 0.9)
    k.box(Label.WOOD, (0.46, 1.02, 0.04), (x, 1.02, d), k.tint(k.pick(DOORS)))
    k.ball(Label.METAL, 0.035, (x + 0.36, 1.0, d - 0.08), METAL)
    for z in (-d * 0.5, d * 0.1, d * 0.55):
        if k.chance(0.7):
            tall, wide = k.between(0.25, 0.5), k.between(0.25, 0.55)
            k.box(Label.WOOD, (0.025, tall + 0.04, wide + 0.04), (w - 0.01, 1.6, z), k.tint(WOOD, 0.3))
            k.box(Label.FABRIC, (0.03, tall, wide), (w - 0.01, 1.6, z), k.tint(k.pick(TOYS), 0.3))
    if k.chance(0.3):
        for n in range(4):
            k.box(Label.WOOD, (w, 0.09, 0.08), (0.0, h - 0.09, -d + (n + 0.5) * d / 2.0), k.tint(WOOD))


def _furnish(k: Kit, w: float, d: float, h: float) -> None:
    k.box(Label.FABRIC, (min(1.6, w * 0.5), 0.012, min(1.3, d * 0.45)), (0.0, 0.012, 0.0), k.tint(k.pick(SOFAS)))
    _table(k, k.between(-0.5, 0.5), k.between(-0.6, 0.4))
    _sofa(k, -w + 0.55, k.between(-0.3, d - 1.5))
    _shelf(k, k.between(-w + 1.0, w - 1.2), d - 0.2, h)
    if k.chance(0.6):
        _shelf(k, k.between(-w + 1.0, w - 1.2), d - 0.2, h)
    _plant(k, w - 0.5, -d + 0.6)
    k.shining_ball(0.11, (0.0, h - 0.55, 0.0), (75.0, 52.0, 27.0), always=k.chance(0.4))
    k.post(Label.METAL, 0.012, 0.45, (0.0, h - 0.45, 0.0), (0.1, 0.1, 0.1))
    x, z = w - 0.5, k.between(0.0, d - 0.7)
    k.post(Label.METAL, 0.02, 1.4, (x, 0.0, z), (0.12, 0.11, 0.10))
    k.shining_ball(0.13, (x, 1.52, z), (60.0, 40.0, 19.0), always=k.chance(0.6))
    if k.chance(0.6):
        person(k, along_line((-w * 0.5, 0.0, d * 0.55), (w * 0.5, 0.0, d * 0.45), k.between(0.4, 0.9),
                             k.between(0.0, 6.0), there_and_back=True))  # fmt: skip
    k.mesh(Label.PLASTIC, cylinder(0.12, 0.005), (0.0, 0.0, 0.0), k.tint(k.pick(TOYS)),
           motion=swinging((w * 0.3, h - 0.3, -d * 0.4), 20.0, 2.2, k.between(0.0, 1.0)))  # fmt: skip
    for _ in range(k.count(2, 5)):
        x, z = k.between(-w + 0.8, w - 0.8), k.between(-d + 0.8, d - 0.8)
        r = k.between(0.07, 0.16)
        k.drop(Label.PLASTIC, "sphere", (r, 0.0, 0.0), (x, k.between(0.3, 1.6), z), k.tint(k.pick(TOYS)), 100.0)


def _table(k: Kit, x: float, z: float) -> None:
    wood = k.tint(WOOD, 0.3)
    long, wide, top = k.between(0.6, 1.0), k.between(0.4, 0.5), k.between(0.42, 0.75)
    k.box(Label.WOOD, (long, 0.025, wide), (x, top, z), wood)
    for sx in (-1.0, 1.0):
        for sz in (-1.0, 1.0):
            k.box(Label.WOOD, (0.03, top / 2 - 0.012, 0.03), (x + sx * (long - 0.06), top / 2 - 0.013,
                                                              z + sz * (wide - 0.06)), wood)  # fmt: skip
    k.post(Label.GLASS, 0.05, 0.22, (x + 0.1, top + 0.026, z), (0.10, 0.16, 0.14))
    k.box(Label.FABRIC, (0.12, 0.02, 0.09), (x - 0.25, top + 0.045, z + 0.1), k.tint(k.pick(TOYS)), turned("y", 25.0))
    k.post(Label.STONE, 0.09, 0.07, (x + 0.35, top + 0.026, z - 0.1), (0.55, 0.52, 0.48))
    for side in (-1.0, 1.0):
        if k.chance(0.75) and top > 0.6:
            _chair(k, x + k.between(-0.3, 0.3), z + side * (wide + 0.35), side, k.tint(wood, 0.15))


def _chair(k: Kit, x: float, z: float, side: float, wood: Vec3) -> None:
    k.box(Label.WOOD, (0.21, 0.02, 0.21), (x, 0.45, z), wood)
    k.box(Label.WOOD, (0.21, 0.22, 0.018), (x, 0.74, z + side * 0.2), wood)
    for sx in (-0.18, 0.18):
        for sz in (-0.18, 0.18):
            k.box(Label.WOOD, (0.018, 0.215, 0.018), (x + sx, 0.215, z + sz), wood)


def _sofa(k: Kit, x: float, z: float) -> None:
    cloth, half = k.tint(k.pick(SOFAS)), k.between(0.8, 1.1)
    k.box(Label.FABRIC, (0.42, 0.20, half), (x, 0.24, z), cloth)
    k.box(Label.FABRIC, (0.11, 0.36, half), (x - 0.36, 0.55, z), cloth, turned("z", 8.0))
    for side in (-1.0, 1.0):
        k.box(Label.FABRIC, (0.42, 0.30, 0.09), (x, 0.32, z + side * (half + 0.08)), cloth)
        pillow = blob(0.2, (0.55, 0.95, 1.1), 0.06, k.rng, 2)
        k.mesh(Label.FABRIC, pillow, (x - 0.12, 0.62, z + side * half * 0.55), k.tint(k.pick(SOFAS)), turned("z", 18.0))


def _shelf(k: Kit, x: float, z: float, h: float) -> None:
    wood, half, tall = k.tint(WOOD, 0.3), k.between(0.4, 0.7), min(k.between(1.2, 2.2), h - 0.4)
    for side in (-1.0, 1.0):
        k.box(Label.WOOD, (0.02, tall / 2, 0.15), (x + side * half, tall / 2, z), wood)
    levels = int(tall / 0.38)
    for n in range(levels + 1):
        y = 0.05 + n * (tall - 0.07) / levels
        k.box(Label.WOOD, (half - 0.021, 0.015, 0.15), (x, y, z), wood)
        at = -half + 0.08
        while n < levels and at < half - 0.1:
            thick, high = k.between(0.02, 0.05), k.between(0.09, 0.14)
            if k.chance(0.75):
                k.box(Label.FABRIC, (thick, high, 0.10), (x + at, y + 0.016 + high, z), k.tint(k.pick(TOYS), 0.4))
            at += 2.0 * thick + (0.004 if k.chance(0.85) else 0.15)


def _plant(k: Kit, x: float, z: float) -> None:
    k.mesh(Label.STONE, cone(0.24, 0.5), (x, 0.0, z), k.tint((0.45, 0.22, 0.14)))
    k.post(Label.STONE, 0.2, 0.34, (x, 0.0, z), k.tint((0.45, 0.22, 0.14)))
    for n in range(5):
        a = n * 1.3
        leaf = blob(0.2, (0.55, 1.5, 0.5), 0.2, k.rng, 2)
        k.mesh(Label.FOLIAGE, leaf, (x + 0.13 * math.cos(a), 0.68 + 0.08 * n, z + 0.13 * math.sin(a)),
               k.tint(FOLIAGE, 0.25), turned("z", 25.0 * math.cos(a)))  # fmt: skip


def _outside(k: Kit, w: float, d: float) -> None:
    """What stands before the windows: ground, houses, trees, someone walking round."""
    k.box(Label.GROUND, (60.0, 0.2, 60.0), (0.0, -0.75, 0.0), k.tint((0.20, 0.24, 0.13), 0.2))
    for n in range(5):
        x = -22.0 + n * 11.0 + k.between(-2.0, 2.0)
        tall = k.between(2.5, 7.0)
        k.box(Label.WALL, (3.5, tall / 2, 3.0), (x, tall / 2 - 0.6, -d - k.between(16.0, 26.0)), k.tint(k.pick(WALLS)))
        k.box(Label.WALL, (3.0, tall / 2, 3.5), (-w - k.between(16.0, 26.0), tall / 2 - 0.6, x), k.tint(k.pick(WALLS)))
    for _ in range(4):
        broadleaf(k, (k.between(-9.0, 9.0), -0.6, -d - k.between(5.0, 12.0)), k.between(3.0, 5.5))
        broadleaf(k, (-w - k.between(5.0, 12.0), -0.6, k.between(-8.0, 8.0)), k.between(3.0, 5.5))
    person(k, around((0.0, -0.55, 0.0), d + w + 3.0, k.between(60.0, 90.0), k.between(0.0, 1.0)))
