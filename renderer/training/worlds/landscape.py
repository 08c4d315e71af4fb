"""Hills around a lake: meadows, woods, boulders, a path, a jetty, a hut, boats and walkers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bridge.engine.blockout import FABRICS, ROOFS, STONE, WALLS, WOOD, turned
from bridge.engine.world import Sun, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Room, around
from renderer.training.worlds.meshes import blob, extruded, terrain
from renderer.training.worlds.people import attached, broadleaf, conifer, person

SIDE = 97  # heights along a side of the ground
CELL_M = 1.6
GRASS: Vec3 = (0.13, 0.19, 0.055)


class Ground:
    """Heights of a world's ground, in metres; the lake's level is 0."""

    def __init__(self, k: Kit) -> None:
        along = (np.arange(SIDE) - (SIDE - 1) / 2.0) * CELL_M
        x, z = np.meshgrid(along, along)
        height = np.zeros_like(x)
        for size, amount in ((55.0, 3.4), (26.0, 1.5), (11.0, 0.45), (5.0, 0.10)):
            for _ in range(3):
                a = k.between(0.0, math.tau)
                wave = (x * math.cos(a) + z * math.sin(a)) / size * math.tau / 1.6 + k.between(0.0, math.tau)
                height += amount * np.sin(wave) / 2.0
        self.lake = (k.between(-8.0, 8.0), k.between(-16.0, -8.0), k.between(11.0, 17.0))
        lx, lz, lr = self.lake
        away = np.hypot((x - lx) / 1.3, z - lz) / lr
        height = np.abs(height) ** 1.1 * np.sign(height) + 1.5
        height = height * np.clip((away - 0.85) / 0.9, 0.06, 1.0) + np.clip(away - 1.0, 0.0, 6.0) * 0.9
        height -= 1.6 * np.clip(1.15 - away, 0.0, 0.5)
        far = np.clip((np.hypot(x, z) - 48.0) / 30.0, 0.0, 1.0)
        self.height: NDArray[np.float64] = np.where(away > 1.0, np.maximum(height, 0.12), height) + 11.0 * far**1.5

    def at(self, x: float, z: float) -> float:
        """Between the four heights around a point."""
        u, v = (min(max(c / CELL_M + (SIDE - 1) / 2.0, 0.0), SIDE - 1.001) for c in (x, z))
        i, j = int(u), int(v)
        s, t = u - i, v - j
        h = self.height
        top = h[j, i] * (1 - s) + h[j, i + 1] * s
        return float(top * (1 - t) + (h[j + 1, i] * (1 - s) + h[j + 1, i + 1] * s) * t)

    def foot(self, x: float, z: float, sunk: float = 0.08) -> Vec3:
        return (x, self.at(x, z) - sunk, z)

    def dry(self, x: float, z: float) -> bool:
        return self.at(x, z) > 0.35


def landscape(seed: int) -> Blockout:
    k = Kit(seed)
    ground = Ground(k)
    k.mesh(Label.FOLIAGE, terrain(ground.height, CELL_M), (0.0, 0.0, 0.0), k.tint(GRASS, 0.2))
    lx, lz, lr = ground.lake
    k.box(Label.WATER, (lr * 1.75, 0.5, lr * 1.4), (lx, -0.5, lz), k.tint((0.035, 0.10, 0.10)))
    _woods(k, ground)
    _stones(k, ground)
    _works(k, ground)
    _alive(k, ground)
    here = (k.between(-14.0, 14.0), k.between(10.0, 24.0))
    eye = max(ground.at(here[0] + dx, here[1] + dz) for dx in (-4.0, 0.0, 4.0) for dz in (-4.0, 0.0, 4.0))
    room = Room(((here[0] - 5.0, eye + 1.0, here[1] - 6.0), (here[0] + 5.0, eye + 2.2, here[1] + 6.0)),
                ((lx - 16.0, 0.5, lz - 14.0), (lx + 16.0, 4.0, lz + 4.0)), walk_m=3.5, crane_m=5.0)  # fmt: skip
    return k.blockout("landscape", room, Sun(k.between(0.0, 360.0), k.between(25.0, 60.0)),
                      fov_deg=k.between(48.0, 64.0), far_m=200.0, dim=(0.7, 0.75, 0.6))  # fmt: skip


def _woods(k: Kit, ground: Ground) -> None:
    needles = k.chance(0.5)
    groves = [(k.between(-45.0, 45.0), k.between(-45.0, 30.0)) for _ in range(7)]
    for _ in range(58):
        gx, gz = groves[k.count(0, len(groves) - 1)]
        x, z = gx + float(k.rng.normal(0.0, 5.0)), gz + float(k.rng.normal(0.0, 5.0))
        if not ground.dry(x, z) or abs(x) > 70.0 or abs(z) > 70.0:
            continue
        if k.chance(0.75) == needles:
            conifer(k, ground.foot(x, z), k.between(4.0, 9.0))
        else:
            broadleaf(k, ground.foot(x, z), k.between(3.5, 6.5))
    for _ in range(36):
        x, z = k.between(-30.0, 30.0), k.between(-30.0, 26.0)
        if ground.dry(x, z):
            r = k.between(0.25, 0.7)
            bush = blob(r, (1.0, k.between(0.6, 0.9), 1.0), 0.3, k.rng, 2)
            k.mesh(Label.FOLIAGE, bush, ground.foot(x, z, -0.3 * r), k.tint((0.10, 0.17, 0.05), 0.35))


def _stones(k: Kit, ground: Ground) -> None:
    lx, lz, lr = ground.lake
    for n in range(34):
        if n < 20:  # along the shore
            a, r = k.between(0.0, math.tau), lr * k.between(0.95, 1.15)
            x, z = lx + 1.3 * r * math.cos(a), lz + r * math.sin(a)
        else:
            x, z = k.between(-26.0, 26.0), k.between(-20.0, 26.0)
        size = k.between(0.2, 0.9)
        rock = blob(size, (k.between(0.8, 1.5), k.between(0.5, 0.9), 1.0), 0.22, k.rng, 2)
        k.mesh(Label.STONE, rock, ground.foot(x, z, 0.15 * size), k.tint((0.30, 0.29, 0.27), 0.25),
               turned("y", k.between(0.0, 360.0)))  # fmt: skip


def _works(k: Kit, ground: Ground) -> None:
    """A jetty into the lake, a hut, a fence, a path of flat stones, a lamp."""
    lx, lz, lr = ground.lake
    shore = lz + lr * 1.1
    jetty = lx + k.between(-4.0, 4.0)
    for n in range(9):
        k.box(Label.WOOD, (0.75, 0.04, 0.42), (jetty, 0.42, shore - n * 0.9), k.tint(WOOD, 0.12))
        for side in (-0.7, 0.7):
            if n % 3 == 0:
                k.post(Label.WOOD, 0.08, 2.2, (jetty + side, -1.3, shore - n * 0.9), k.tint(WOOD, 0.2))
    x, z = lx + k.between(10.0, 15.0) * (1.0 if k.chance(0.5) else -1.0), lz + lr * k.between(0.9, 1.3)
    _hut(k, ground.foot(x, z, 0.3))
    bend = k.between(-0.4, 0.4)
    for n in range(26):
        z = shore + 0.5 + n * 1.1
        x = jetty + 3.0 * math.sin(n * 0.25 + bend)
        turn = turned("y", 30.0 * math.sin(n))
        k.box(Label.STONE, (0.42, 0.12, 0.38), ground.foot(x, z, 0.07), k.tint(STONE, 0.2), turn)
        if n % 2 == 0:
            post = ground.foot(x + 2.2, z)
            k.post(Label.WOOD, 0.05, 1.0, post, k.tint(WOOD, 0.2))
            k.box(Label.WOOD, (0.03, 0.05, 1.1), (post[0], post[1] + 0.8, post[2]), k.tint(WOOD, 0.2))
    k.street_lamp(ground.foot(jetty - 1.2, shore + 1.0), 2.6, (0.08, 0.08, 0.08), power=150.0)
    k.street_lamp(ground.foot(jetty - 2.0, shore + 12.0), 2.6, (0.08, 0.08, 0.08), power=150.0)


def _hut(k: Kit, foot: Vec3) -> None:
    x, y, z = foot
    w, d, h = k.between(1.8, 2.6), k.between(1.6, 2.4), k.between(2.2, 2.8)
    label, colors = (Label.WOOD, (WOOD,)) if k.chance(0.5) else (Label.WALL, WALLS)
    k.box(label, (w, h / 2 + 0.4, d), (x, y + h / 2, z), k.tint(k.pick(colors)))
    gable = extruded([(-d - 0.4, 0.0), (d + 0.4, 0.0), (0.0, 1.5)], w + 0.35)
    k.mesh(Label.ROOF, gable, (x, y + h + 0.38, z), k.tint(k.pick(ROOFS)), turned("y", 90.0))
    k.box(Label.WOOD, (0.42, 0.95, 0.05), (x - w * 0.4, y + 1.25, z + d), k.tint((0.2, 0.1, 0.07)))
    k.glowing_box(Label.GLASS, (0.45, 0.4, 0.05), (x + w * 0.4, y + 1.5, z + d), (0.05, 0.06, 0.08), (2.2, 1.4, 0.6))
    k.shining_ball(0.1, (x - w * 0.4, y + 2.4, z + d + 0.25), (130.0, 80.0, 35.0))
    k.box(Label.STONE, (0.25, 0.9, 0.25), (x + w * 0.5, y + h + 1.3, z - 0.3), k.tint(STONE))


def _alive(k: Kit, ground: Ground) -> None:
    """Boats that circle on the lake and people around it."""
    lx, lz, lr = ground.lake
    hull = [(-1.5, 0.35), (-1.1, -0.2), (1.2, -0.2), (1.7, 0.4)]
    for n in range(k.count(1, 3)):
        motion = around((lx, 0.12, lz), lr * k.between(0.25, 0.6), k.between(40.0, 80.0), n / 3.0, bob_m=0.04)
        k.mesh(Label.WOOD, extruded(hull, 0.5), (0.0, 0.0, 0.0), k.tint(k.pick(FABRICS)), motion=motion)
        sail = extruded([(-0.9, 0.0), (0.7, 0.0), (0.62, 2.6)], 0.02)
        aloft = attached(motion, (0.0, 0.6, 0.0))
        k.mesh(Label.FABRIC, sail, (0.0, 0.0, 0.0), k.tint((0.72, 0.70, 0.64)), motion=aloft)
    for _ in range(k.count(1, 4)):
        x, z, r = k.between(-12.0, 12.0), lz + lr * 1.25 + k.between(2.0, 9.0), k.between(0.8, 2.0)
        level = max(ground.at(x + r * math.cos(a), z + r * math.sin(a)) for a in (0.0, 1.6, 3.1, 4.7))
        person(k, around((x, level - 0.06, z), r, k.between(7.0, 14.0), k.between(0.0, 1.0)))
