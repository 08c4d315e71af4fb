"""Bodies that several families share: people, cars, trees of the woods, crates and barrels."""

from __future__ import annotations

import math

import numpy as np

from bridge.engine.blockout import FOLIAGE, METAL, TOYS, WOOD, turned
from bridge.engine.physics import quaternion_of, rotation_of
from bridge.engine.world import Quat, Vec3
from bridge.schema import Label
from renderer.training.worlds.kit import Kit, Motion
from renderer.training.worlds.meshes import Mesh, blob, capsule, cone, cylinder, extruded, sphere

CLOTHES: tuple[Vec3, ...] = (
    (0.10, 0.13, 0.24), (0.36, 0.09, 0.08), (0.13, 0.22, 0.14), (0.45, 0.40, 0.33), (0.06, 0.06, 0.07),
    (0.50, 0.33, 0.10), (0.25, 0.28, 0.32),
)  # fmt: skip
PAINTS: tuple[Vec3, ...] = (
    (0.42, 0.05, 0.04), (0.05, 0.10, 0.26), (0.55, 0.56, 0.57), (0.05, 0.05, 0.055), (0.62, 0.60, 0.55),
    (0.08, 0.22, 0.16), (0.60, 0.36, 0.05),
)  # fmt: skip


def attached(motion: Motion, offset: Vec3, turn: Quat = (0.0, 0.0, 0.0, 1.0)) -> Motion:
    """A part that is fixed to something that moves, at `offset` in its space."""
    part = rotation_of(turn)

    def follow(time_s: float) -> tuple[Vec3, Quat]:
        position, orientation = motion(time_s)
        rotation = rotation_of(orientation)
        x, y, z = (np.array(position) + rotation @ np.array(offset)).tolist()
        qx, qy, qz, qw = quaternion_of(rotation @ part).tolist()
        return (x, y, z), (qx, qy, qz, qw)

    return follow


def person(k: Kit, motion: Motion) -> None:
    """Legs, a body and a head, walking with its front to +X. The motion's origin is between the feet."""
    tall = k.between(0.92, 1.06)
    cloth, trousers = k.tint(k.pick(CLOTHES)), k.tint(k.pick(CLOTHES))
    skin = k.tint((0.50, 0.32, 0.22), 0.35)
    stride = k.between(0.0, 6.0)
    for side in (-1.0, 1.0):
        leg = capsule(0.085 * tall, 0.30 * tall, 12)
        k.mesh(Label.CHARACTER, leg, (0.0, 0.0, 0.0), trousers,
               motion=attached(motion, (0.0, 0.40 * tall, side * 0.10), turned("z", side * 9.0)))  # fmt: skip
        arm = capsule(0.055 * tall, 0.24 * tall, 10)
        swing = attached(motion, (0.02, 1.06 * tall, side * 0.225), turned("z", -side * (8.0 + stride)))
        k.mesh(Label.CHARACTER, arm, (0.0, 0.0, 0.0), cloth, motion=swing)
    body = blob(0.2 * tall, (0.75, 1.75, 1.05), 0.03, k.rng, 2)
    k.mesh(Label.CHARACTER, body, (0.0, 0.0, 0.0), cloth, motion=attached(motion, (0.0, 1.10 * tall, 0.0)))
    k.mesh(Label.CHARACTER, sphere(0.115 * tall, 10, 16), (0.0, 0.0, 0.0), skin,
           motion=attached(motion, (0.02, 1.58 * tall, 0.0)))  # fmt: skip


def car(k: Kit, motion: Motion) -> None:
    """A body, a glass house, four wheels; its front is +X, its origin on the road."""
    paint = k.tint(k.pick(PAINTS))
    long, wide = k.between(1.9, 2.2), k.between(0.82, 0.9)
    shell = [(-long, 0.32), (long, 0.32), (long, 0.62), (long * 0.86, 0.80), (-long * 0.94, 0.86), (-long, 0.7)]
    cabin = [(-long * 0.82, 0.84), (long * 0.42, 0.84), (long * 0.10, 1.36), (-long * 0.56, 1.40)]
    roof = [(-long * 0.57, 1.395), (long * 0.11, 1.355), (long * 0.08, 1.42), (-long * 0.55, 1.45)]
    for label, outline, half, albedo in (
        (Label.VEHICLE, shell, wide, paint), (Label.GLASS, cabin, wide * 0.86, (0.03, 0.04, 0.05)),
        (Label.VEHICLE, roof, wide * 0.84, paint),
    ):  # fmt: skip
        k.mesh(label, extruded(outline, half), (0.0, 0.0, 0.0), albedo, motion=motion)
    wheel = cylinder(0.33, 0.1, 16)
    for x in (-long * 0.62, long * 0.62):
        for z in (-wide + 0.07, wide - 0.07):
            k.mesh(Label.PLASTIC, wheel, (0.0, 0.0, 0.0), (0.025, 0.025, 0.027),
                   motion=attached(motion, (x, 0.33, z), turned("x", 90.0)))  # fmt: skip
    for z in (-wide * 0.66, wide * 0.66):
        k.mesh(Label.LIGHT, sphere(0.09, 6, 10), (0.0, 0.0, 0.0), (0.8, 0.8, 0.75), shines=(14.0, 13.0, 11.0),
               motion=attached(motion, (long - 0.02, 0.6, z)))  # fmt: skip


def conifer(k: Kit, foot: Vec3, height: float) -> None:
    k.post(Label.WOOD, 0.05 * height**0.8, height * 0.3, foot, k.tint((0.17, 0.12, 0.08)))
    green = k.tint((0.055, 0.13, 0.05), 0.3)
    for n in range(3):
        base, size = height * (0.16 + 0.25 * n), height * (0.42 - 0.06 * n)
        k.mesh(Label.FOLIAGE, ragged(cone(height * (0.24 - 0.055 * n), size, 16), k),
               (foot[0], foot[1] + base, foot[2]), green)  # fmt: skip


def ragged(mesh: Mesh, k: Kit) -> Mesh:
    """The same shape with every radius a little different around, so that it does not look turned on a lathe."""
    angle = np.arctan2(mesh.corners[:, 2], mesh.corners[:, 0])
    wave = 1.0 + 0.12 * np.sin(5.0 * angle + k.between(0.0, 6.0)) + 0.06 * np.sin(8.0 * angle)
    return mesh._replace(corners=(mesh.corners * np.stack([wave, np.ones_like(wave), wave], 1)).astype(np.float32))


def broadleaf(k: Kit, foot: Vec3, height: float) -> None:
    k.post(Label.WOOD, 0.045 * height**0.9, height * 0.6, foot, k.tint((0.20, 0.15, 0.10)))
    green = k.tint(FOLIAGE, 0.3)
    r = height * k.between(0.26, 0.34)
    x, y, z = foot
    k.mesh(Label.FOLIAGE, blob(r, (1.0, 0.95, 1.0), 0.25, k.rng), (x, y + height - r, z), green)
    turn = k.between(0.0, 6.28)
    for n in range(3):
        a, s = turn + n * 2.1, r * k.between(0.55, 0.75)
        at = (x + 0.8 * r * math.cos(a), y + height - 1.5 * r + k.between(-0.2, 0.4) * r, z + 0.8 * r * math.sin(a))
        k.mesh(Label.FOLIAGE, blob(s, (1.0, 0.85, 1.0), 0.25, k.rng, 2), at, k.tint(green, 0.08))


def loose_things(k: Kit, centre: Vec3, spread: float, count: int) -> None:
    """Crates, barrels and balls that fall about a point."""
    for _ in range(count):
        x, z = centre[0] + k.between(-spread, spread), centre[2] + k.between(-spread, spread)
        at = (x, centre[1] + k.between(0.6, 3.5), z)
        kind = k.count(0, 3)
        if kind == 0:
            s = k.between(0.18, 0.4)
            k.drop(Label.WOOD, "box", (s, s, s), at, k.tint(WOOD))
        elif kind == 1:
            k.drop(Label.METAL, "cylinder", (k.between(0.2, 0.3), k.between(0.3, 0.45), 0.0), at, k.tint(METAL))
        elif kind == 2:
            k.drop(Label.PLASTIC, "sphere", (k.between(0.12, 0.28), 0.0, 0.0), at, k.tint(k.pick(TOYS)), 120.0)
        else:
            k.drop(Label.FABRIC, "capsule", (k.between(0.12, 0.2), k.between(0.15, 0.3), 0.0), at,
                   k.tint((0.42, 0.34, 0.22)), 250.0)  # fmt: skip
