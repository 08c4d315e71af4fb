"""An industrial hall: a nave of steel frames under a roof with skylights, machines, tanks, racks, a gantry crane."""

from __future__ import annotations

from bridge.engine.blockout import METAL, TOYS, WALLS, WOOD, turned
from bridge.engine.world import Sun, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Lamp, Room, along_line
from renderer.training.worlds.meshes import box, cylinder, sphere
from renderer.training.worlds.people import attached, loose_things, person

STEEL: tuple[Vec3, ...] = ((0.16, 0.20, 0.24), (0.30, 0.12, 0.06), (0.34, 0.30, 0.10), (0.20, 0.22, 0.20))
MACHINES: tuple[Vec3, ...] = ((0.12, 0.26, 0.20), (0.42, 0.28, 0.05), (0.12, 0.20, 0.34), (0.38, 0.38, 0.36))


def hall(seed: int) -> Blockout:
    """The nave runs along z; its roof has a row of openings, its walls bands of windows high up."""
    k = Kit(seed)
    w, d, h = k.between(6.0, 9.0), k.between(11.0, 17.0), k.between(5.5, 8.0)
    k.box(Label.GROUND, (w, 0.25, d), (0.0, -0.25, 0.0), k.tint((0.30, 0.29, 0.28)))
    steel, wall = k.tint(k.pick(STEEL)), k.tint(k.pick(WALLS))
    _walls(k, w, d, h, wall)
    _roof(k, w, d, h)
    bays = k.count(4, 6)
    for n in range(bays + 1):
        z = -d + 0.4 + n * (2.0 * d - 0.8) / bays
        for s in (-1.0, 1.0):
            k.box(Label.METAL, (0.14, h / 2, 0.14), (s * (w - 0.3), h / 2, z), steel)
        k.box(Label.METAL, (w - 0.2, 0.18, 0.1), (0.0, h - 0.2, z), steel)
        for s in (-1.0, 1.0):
            k.box(Label.METAL, (0.8, 0.08, 0.07), (s * (w - 0.9), h - 0.85, z), steel, turned("z", s * -45.0))
        if n < bays:
            _lamp(k, h, z + d / bays)
    _crane(k, w, d, h)
    for s in (-1.0, 1.0):
        z = -d + 1.8
        while z < d - 2.0:
            z += _station(k, s, w, z) + k.between(0.5, 1.4)
    loose_things(k, (0.0, 0.0, k.between(-d, d) * 0.4), 2.0, k.count(5, 10))
    for _ in range(k.count(1, 3)):
        x = k.between(-1.6, 1.6)
        person(k, along_line((x, 0.0, -d * 0.7), (x, 0.0, d * 0.7), k.between(0.8, 1.5), k.between(0.0, 20.0),
                             there_and_back=True))  # fmt: skip
    _truck(k, d)
    k.box(Label.GROUND, (50.0, 0.2, 50.0), (0.0, -0.6, 0.0), (0.24, 0.23, 0.22))
    room = Room(((-1.8, 1.3, -d + 2.5), (1.8, 2.2, d - 2.5)), ((-w + 1.0, 0.6, -d), (w - 1.0, h * 0.6, d)),
                walk_m=3.5, crane_m=2.5)  # fmt: skip
    sun, fov_deg = Sun(k.between(0.0, 360.0), k.between(30.0, 60.0)), k.between(55.0, 72.0)
    inside = ((-w - 0.3, -0.3, -d - 0.1), (w + 0.3, h + 0.3, d + 0.1))
    return k.blockout("hall", room, sun, fov_deg=fov_deg, inside=inside, dim=(0.06, 0.06, 0.06))


def _walls(k: Kit, w: float, d: float, h: float, wall: Vec3) -> None:
    low, high = h * 0.45, h * 0.8
    for s in (-1.0, 1.0):
        k.box(Label.WALL, (0.15, low / 2, d), (s * (w + 0.15), low / 2, 0.0), wall)
        k.box(Label.ROOF, (0.15, (h - high) / 2 + 0.2, d), (s * (w + 0.15), (h + high) / 2 + 0.2, 0.0), k.tint(wall))
        panes = 5
        for n in range(panes + 1):
            z = -d + n * 2.0 * d / panes
            k.box(Label.METAL, (0.1, (high - low) / 2, 0.12), (s * (w + 0.1), (low + high) / 2, z), (0.2, 0.2, 0.2))
        for n in range(panes):
            z = -d + (n + 0.5) * 2.0 * d / panes
            at, across = (s * (w + 0.32), (low + high) / 2, z), (0.0, 0.0, s * d / panes)
            k.lamps.append(Lamp(at, (0.0, 0.0, 0.0), across=across, up=(0.0, (high - low) / 2, 0.0), window=True))
    for s in (-1.0, 1.0):
        k.box(Label.WALL, (w + 0.3, h / 2 + 0.4, 0.15), (0.0, h / 2 + 0.4, s * (d + 0.15)), wall)
        door = k.tint(k.pick(MACHINES))
        k.box(Label.METAL, (1.7, 1.6, 0.06), (k.between(-2.0, 2.0), 1.6, s * d), door)


def _roof(k: Kit, w: float, d: float, h: float) -> None:
    """Sheets with a slot along the middle; the slot's rims stand up a little."""
    slot = k.between(0.8, 1.5)
    side = (w - slot) / 2.0
    for s in (-1.0, 1.0):
        sheet = k.tint((0.34, 0.35, 0.36))
        k.box(Label.ROOF, (side + 0.15, 0.08, d + 0.3), (s * (slot + side + 0.15), h + 0.2, 0.0), sheet)
        k.box(Label.METAL, (0.05, 0.2, d), (s * slot, h + 0.4, 0.0), (0.25, 0.25, 0.25))
    for n in range(4):
        z = -d + (n + 0.5) * d / 2.0
        k.lamps.append(Lamp((0.0, h + 0.35, z), (0.0, 0.0, 0.0), across=(slot, 0.0, 0.0), up=(0.0, 0.0, d / 4.0),
                            window=True))  # fmt: skip


def _lamp(k: Kit, h: float, z: float) -> None:
    warm = (1.0, k.between(0.8, 0.95), k.between(0.6, 0.9))
    glow = (170.0 * warm[0], 170.0 * warm[1], 170.0 * warm[2])
    k.mesh(Label.METAL, cylinder(0.28, 0.05), (0.0, h - 1.0, z), (0.1, 0.1, 0.1))
    k.shining_ball(0.14, (0.0, h - 1.22, z), glow, always=k.chance(0.6))


def _crane(k: Kit, w: float, d: float, h: float) -> None:
    """A yellow bridge that travels along the nave with a hook that hangs from it."""
    color, y = k.tint((0.62, 0.42, 0.04)), h - 1.0
    travel = along_line((0.0, y, -d * 0.6), (0.0, y, d * 0.6), k.between(0.3, 0.9), k.between(0.0, 40.0),
                        there_and_back=True)  # fmt: skip
    for half, offset, label, albedo in (
        ((0.25, 0.28, w - 0.5), (0.0, 0.0, 0.0), Label.METAL, color),
        ((0.35, 0.22, 0.4), (0.0, -0.45, 1.0), Label.METAL, color),
        ((0.02, 0.8, 0.02), (0.0, -1.4, 1.0), Label.METAL, METAL),
        ((0.14, 0.18, 0.1), (0.0, -2.3, 1.0), Label.METAL, (0.4, 0.08, 0.05)),
    ):
        k.mesh(label, box(half), (0.0, 0.0, 0.0), albedo, motion=attached(travel, offset))


def _station(k: Kit, s: float, w: float, z: float) -> float:
    """A machine, a tank, a rack or a stack of crates against a wall from z on; returns the length it takes."""
    x, kind = s * (w - 1.7), k.count(0, 3)
    paint = k.tint(k.pick(MACHINES))
    if kind == 0:
        k.box(Label.METAL, (0.7, 0.55, 1.0), (x, 0.55, z + 1.0), paint)
        k.box(Label.METAL, (0.45, 0.5, 0.5), (x, 1.6, z + 0.8), k.tint(paint))
        k.post(Label.METAL, 0.1, 1.2, (x - s * 0.3, 1.1, z + 1.7), METAL)
        k.box(Label.GLASS, (0.02, 0.22, 0.3), (x - s * 0.46, 1.7, z + 0.8), (0.05, 0.09, 0.08))
        k.glowing_box(Label.LIGHT, (0.03, 0.05, 0.05), (x - s * 0.71, 0.95, z + 1.6), (0.5, 0.1, 0.1), (4.0, 0.5, 0.3))
        return 2.0
    if kind == 1:
        r, tall = k.between(0.7, 1.1), k.between(1.8, 3.4)
        k.post(Label.METAL, r, tall, (x, 0.35, z + r), paint)
        k.mesh(Label.METAL, sphere(r * 0.98, 12), (x, tall + 0.35, z + r), paint)
        k.box(Label.METAL, (0.06, tall / 2, 0.25), (x - s * (r + 0.1), tall / 2, z + r), METAL)
        k.box(Label.STONE, (r, 0.2, r), (x, 0.2, z + r), (0.35, 0.34, 0.33))
        return 2.0 * r
    if kind == 2:
        for level in range(3):
            y = 0.15 + level * 1.0
            k.box(Label.WOOD, (0.5, 0.03, 1.3), (x, y, z + 1.3), k.tint(WOOD))
            for n in range(3):
                high = k.between(0.18, 0.38)
                label, color = (Label.WOOD, WOOD) if k.chance(0.5) else (Label.PLASTIC, k.pick(TOYS))
                if k.chance(0.85):
                    k.box(label, (0.35, high, 0.34), (x, y + 0.031 + high, z + 0.45 + n * 0.85), k.tint(color))
        for at in (0.0, 2.6):
            k.box(Label.METAL, (0.04, 1.5, 0.04), (x - s * 0.5, 1.5, z + at), (0.05, 0.12, 0.32))
        return 2.6
    for n in range(k.count(2, 5)):
        size = k.between(0.3, 0.5)
        spot = (x + k.between(-0.3, 0.3), size + (1.02 if n > 2 else 0.0), z + 0.5 + (n % 3) * 0.95)
        k.box(Label.WOOD, (size, size, size * 0.9), spot, k.tint(WOOD), turned("y", k.between(-6.0, 6.0)))
    return 3.0


def _truck(k: Kit, d: float) -> None:
    """A fork lift that drives up and down the nave."""
    paint = k.tint((0.70, 0.38, 0.03))
    drive = along_line((1.2, 0.0, -d * 0.6), (1.2, 0.0, d * 0.6), k.between(1.0, 2.2), k.between(0.0, 20.0),
                       there_and_back=True)  # fmt: skip
    for label, half, offset, albedo in (
        (Label.VEHICLE, (0.8, 0.35, 0.5), (0.0, 0.6, 0.0), paint),
        (Label.METAL, (0.05, 1.0, 0.4), (0.85, 1.1, 0.0), (0.08, 0.08, 0.08)),
        (Label.METAL, (0.5, 0.025, 0.06), (1.35, 0.15, 0.25), METAL),
        (Label.METAL, (0.5, 0.025, 0.06), (1.35, 0.15, -0.25), METAL),
        (Label.METAL, (0.6, 0.03, 0.48), (-0.1, 2.0, 0.0), paint),
        (Label.METAL, (0.03, 0.55, 0.03), (-0.6, 1.45, 0.45), paint),
        (Label.METAL, (0.03, 0.55, 0.03), (-0.6, 1.45, -0.45), paint),
    ):
        k.mesh(label, box(half), (0.0, 0.0, 0.0), albedo, motion=attached(drive, offset))
    for x in (-0.5, 0.55):
        for z in (-0.45, 0.45):
            k.mesh(Label.PLASTIC, cylinder(0.26, 0.1, 16), (0.0, 0.0, 0.0), (0.03, 0.03, 0.03),
                   motion=attached(drive, (x, 0.26, z), turned("x", 90.0)))  # fmt: skip
