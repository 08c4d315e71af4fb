"""The demo's courtyard with its tumbling bodies (bridge/engine/courtyard.py), with people and burning lamps in it."""

from __future__ import annotations

from dataclasses import replace

from bridge.engine.courtyard import courtyard
from bridge.engine.world import World
from bridge.schema import Label
from renderer.training.worlds.kit import Blockout, Kit, Lamp, Room, along_line, around
from renderer.training.worlds.moment import LAMP_SHINES
from renderer.training.worlds.people import person


def court(seed: int) -> Blockout:
    world = courtyard(seed)
    k = Kit(seed)
    k.street_lamp((k.between(-5.5, -4.5), 0.0, k.between(3.0, 6.0)), 2.9, (0.10, 0.10, 0.11), power=80.0)
    k.street_lamp((k.between(3.8, 5.5), 0.0, k.between(5.0, 7.0)), 2.9, (0.10, 0.10, 0.11), power=80.0)
    for x in (k.between(-6.5, -4.0), k.between(2.5, 4.5)):
        k.shining_ball(0.12, (x, 2.6, -7.5), (120.0, 70.0, 30.0))
    for _ in range(k.count(1, 3)):
        x, z = k.between(-3.0, 3.0), k.between(0.5, 6.0)
        person(k, along_line((x - 2.5, 0.0, z), (x + 2.5, 0.0, z), k.between(0.7, 1.3), k.between(0.0, 9.0),
                             there_and_back=True))  # fmt: skip
    person(k, around((0.0, 0.0, 1.5), k.between(3.0, 5.0), k.between(18.0, 30.0), k.between(0.0, 1.0)))
    room = Room(((-7.0, 1.3, -3.5), (7.0, 2.4, 8.0)), ((-8.0, 0.8, -8.0), (8.0, 3.4, 6.0)), walk_m=3.0, crane_m=3.0)
    return _joined(world, k.blockout("courtyard", room, world.sun, dim=(0.4, 0.4, 0.4)))


def _joined(world: World, added: Blockout) -> Blockout:
    """Both in one world: what stands first, then loose bodies, then meshes, numbered anew."""
    primitives = [*(p for p in world.primitives if not p.moves), *added.world.primitives, *world.bodies]
    numbered = tuple(replace(p, object_id=n + 1) for n, p in enumerate(primitives))
    solids = tuple(replace(s, object_id=len(numbered) + 1 + n) for n, s in enumerate(added.solids))
    lit = tuple(Lamp(p.position_m, LAMP_SHINES, radius_m=p.size_m[0]) for p in numbered if p.label == Label.LIGHT)
    return replace(added, world=replace(world, primitives=numbered), solids=solids, lamps=lit + added.lamps)
