"""The scripted episodes of the suite, on the embedded engine: seeded, and equal bits for equal seeds and sizes.

Every change of a world is a new description of it (bridge/engine/world.py): a world as it is now with other velocities
is a fork, one with another primitive is an edit, one whose bodies no longer move is a place to come back to.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bridge.engine.blockout import GROUND, METAL, STONE, TOYS, WALLS, WOOD, Builder
from bridge.engine.courtyard import PERIOD_S, courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.world import CameraKey, CameraPath, Primitive, Sun, Vec3, World
from bridge.planes import CHANNELS, DTYPE, Plane
from bridge.schema import Label, PlaneName
from renderer.evaluate.world.truth import Truth

SETTLE_S = 22.0  # until the last of what falls has come down
FPS = 25.0  # of what stands still, and of edits
WALK_FPS = 12.5  # of what moves: every other frame, so that a frame's motion is some pixels in a small picture too
EXTRA_S = 1.0 / FPS  # after the first frame of a loop comes one this much later, so that a loop has a true pair
EYE: Vec3 = (0.0, 1.7, 4.2)  # where the place is seen from that the walk never sees
TURN_FROM_DEG, TURN_TO_DEG = 90.0, 40.0  # of a visit's pan: right of south (+Z), where the walk does not look
TURN_FRAMES, TURN_FPS = 8, 5.0


@dataclass(frozen=True)
class Size:
    width: int
    height: int


def shot(engine: EmbeddedEngine, time_s: float | None = None) -> Truth:
    """The engine's frame as it stands, in planes of its own."""
    planes: dict[PlaneName, Plane] = {}
    for name, form in FORMATS.items():
        channels = (CHANNELS[form],) if CHANNELS[form] > 1 else ()
        planes[name] = np.zeros((engine.height, engine.width, *channels), DTYPE[form])
    engine.render(planes)
    return Truth(engine.time_s if time_s is None else time_s, planes, engine.camera(), engine.bodies())


def as_it_is(engine: EmbeddedEngine, *, moving: bool) -> World:
    """The engine's world from now on: with every body where it is, at its speed, or `moving` no more."""
    bodies = engine.bodies()
    speeds = dict(
        zip(
            np.frombuffer(bodies.ids, "<u4").tolist(),
            np.frombuffer(bodies.velocities, "<f4").reshape(-1, 6).tolist(),
            strict=True,
        )
    )
    things = []
    for thing in engine.world.primitives:
        at, turn = engine.poses()[thing.object_id]
        speed = speeds.get(thing.object_id, [0.0] * 6)
        things.append(replace(thing, position_m=_vec(at), orientation=tuple(turn.tolist()),
                              density_kg_m3=thing.density_kg_m3 if moving else 0.0,
                              velocity_m_s=_vec(speed[:3]), spin_rad_s=_vec(speed[3:])))  # fmt: skip
    return replace(engine.world, primitives=tuple(things))


def _vec(values: Iterable[float]) -> Vec3:
    x, y, z = (float(v) for v in values)
    return (x, y, z)


def at_rest(seed: int) -> World:
    """The courtyard of a seed after its bodies have come down, where nothing moves any more."""
    engine = EmbeddedEngine(courtyard(seed), 16, 9)
    engine.settle(SETTLE_S)
    return as_it_is(engine, moving=False)


def still(world: World, size: Size, count: int = 12) -> list[Truth]:
    """Camera and scene stand still."""
    engine = EmbeddedEngine(world, size.width, size.height)
    first = shot(engine)
    return [first.at(n / FPS) for n in range(count)]


def walk(seed: int, size: Size, seconds: float = 3.0) -> list[Truth]:
    """A walking pan along the courtyard's own path, with all its bodies in motion."""
    engine = EmbeddedEngine(courtyard(seed), size.width, size.height)
    engine.settle(1.0)
    return list(_steps(engine, round(seconds * WALK_FPS)))


def drop(seed: int, size: Size, seconds: float = 3.0, fps: float = WALK_FPS) -> list[Truth]:
    """The camera stands still; things fall, roll and collide."""
    engine = EmbeddedEngine(courtyard(seed), size.width, size.height)
    engine.look(engine.key)
    return list(_steps(engine, round(seconds * fps), fps))


def _steps(engine: EmbeddedEngine, count: int, fps: float = WALK_FPS) -> Iterator[Truth]:
    start_s = engine.time_s
    for _ in range(count):
        engine.step(1.0 / fps)
        yield shot(engine, engine.time_s - start_s)


def along(world: World, size: Size, times_s: Sequence[float], path: CameraPath) -> Iterator[Truth]:
    """A world at rest, seen along a path at those times. The camera of before is that of the time before."""
    engine = EmbeddedEngine(world, size.width, size.height)
    last = None
    for time_s in times_s:
        engine.step(0.0)
        engine.look(path(time_s), cut=last is None)
        last = time_s
        yield shot(engine, time_s)


def loop_times(loop: int, frames: int) -> list[float]:
    """The times of one walk around the court: evenly, and one EXTRA_S after the first."""
    start = loop * PERIOD_S
    even = [start + PERIOD_S * n / frames for n in range(frames)]
    return sorted([*even, start + EXTRA_S])


def out_and_back(world: World, size: Size, seconds: float = 3.0, fps: float = 10.0) -> list[Truth]:
    """Along the court's path and the same way back: frame n and frame -1 - n have the same pose."""
    half = [n / fps for n in range(round(seconds * fps))]
    times = [*half, *(2.0 * half[-1] + 1.0 / fps - t for t in reversed(half))]
    turn = half[-1] + 0.5 / fps
    return list(along(world, size, times, lambda t: world.camera(t if t < turn else 2.0 * half[-1] + 1.0 / fps - t)))


def visit(world: World, size: Size, start_s: float) -> list[Truth]:
    """A pan over the corner that the court's walk turns its back on."""

    def path(time_s: float) -> CameraKey:
        share = min((time_s - start_s) * TURN_FPS / (TURN_FRAMES - 1), 1.0)
        angle = math.radians(TURN_FROM_DEG + share * (TURN_TO_DEG - TURN_FROM_DEG))
        x, y, z = EYE
        return CameraKey(EYE, (x + math.sin(angle), y - 0.04, z + math.cos(angle)))

    return list(along(world, size, [start_s + n / TURN_FPS for n in range(TURN_FRAMES)], path))


@dataclass(frozen=True)
class Hiding:
    """An episode in which things pass wholly behind others, and the same frames without what hides them."""

    truths: list[Truth]
    unhidden: list[Truth]
    actors: tuple[int, ...]  # object ids
    sun: Sun


def _hiding_world(seed: int, *, rolling: bool) -> tuple[World, int]:
    """A yard with a wall to hide behind and things beyond it, and the id of the wall."""
    b = Builder(seed)
    b.box(Label.GROUND, (30.0, 1.0, 30.0), (0.0, -1.0, 0.0), b.tint(GROUND))
    b.box(Label.WALL, (16.0, 3.0, 0.3), (0.0, 3.0, -14.0), b.tint(b.pick(WALLS)))
    half, x = (1.3, 0.0) if rolling else (2.0, 2.1)
    b.box(Label.STONE, (half, 1.6, 0.2), (x, 1.6, -4.0), b.tint(STONE))
    if rolling:
        for n, (side, z) in enumerate(((-1.0, -6.5), (1.0, -8.5))):
            radius, speed = b.between(0.45, 0.55), b.between(3.6, 4.4)
            b.add(Label.PLASTIC, "sphere", (radius, 0.0, 0.0), (4.6 * side, radius, z), TOYS[n], density=2000.0,
                  velocity=(-side * speed, 0.0, 0.0), spin=(0.0, 0.0, side * speed / radius))  # fmt: skip
    else:
        for n, (x, z) in enumerate(((-1.1, -8.0), (0.0, -7.6), (1.1, -8.2))):
            half = b.between(0.38, 0.5)
            label, albedo = ((Label.WOOD, WOOD), (Label.PLASTIC, TOYS[2]), (Label.METAL, METAL))[n]
            shape = ("box", "sphere", "box")[n]
            b.add(label, "sphere" if shape == "sphere" else "box", (half, half, half), (x, half, z), b.tint(albedo))
    sun = Sun(b.between(140.0, 160.0), b.between(40.0, 55.0))
    world = World("yard", seed, b.finish(mirrored=False), sun, lambda _: CameraKey((0.0, 1.6, 0.0), (0.0, 0.8, -8.0)))
    return world, 3


def without(world: World, thing: int) -> World:
    return replace(world, primitives=tuple(p for p in world.primitives if p.object_id != thing))


def rolled_behind(seed: int, size: Size, seconds: float = 2.4, fps: float = WALK_FPS) -> Hiding:
    """Balls roll through the physics and pass wholly behind a wall, for about a second. The camera stands still."""
    world, wall = _hiding_world(seed, rolling=True)

    def taken(described: World) -> list[Truth]:
        engine = EmbeddedEngine(described, size.width, size.height)
        engine.look(engine.key)
        return list(_steps(engine, round(seconds * fps), fps))

    return Hiding(taken(world), taken(without(world, wall)), tuple(p.object_id for p in world.bodies), world.sun)


def stood_behind(seed: int, size: Size, away_s: float, strafe_s: float = 0.8, fps: float = 10.0) -> Hiding:
    """The camera steps aside until a wall hides three things, waits there, seeing one frame in two seconds at least and
    some sixteen at most, and steps back."""
    world, wall = _hiding_world(seed, rolling=False)
    steps = round(strafe_s * fps)
    waits = min(16, max(2, round(away_s / 2.0)))
    out = [n / fps for n in range(steps)]
    hidden = [strafe_s + away_s * (n + 1) / (waits + 1) for n in range(waits)]
    back = [strafe_s + away_s + n / fps for n in range(steps)]

    def path(time_s: float) -> CameraKey:
        share = min(time_s, 2.0 * strafe_s + away_s - 1.0 / fps - time_s) / (strafe_s - 1.0 / fps)
        side = -1.0 + 2.0 * min(1.0, max(0.0, share))
        return CameraKey((4.0 * side, 1.6, 0.0), (0.8 * side, 0.8, -8.0))

    times = [*out, *hidden, *back]
    truths, unhidden = (list(along(w, size, times, path)) for w in (world, without(world, wall)))
    return Hiding(truths, unhidden, tuple(p.object_id for p in world.primitives[-3:]), world.sun)


@dataclass(frozen=True)
class Fork:
    """Two futures of one past: what happens by itself, and with a body pushed at frame `at`."""

    calm: list[Truth]
    pushed: list[Truth]
    at: int


def fork(seed: int, size: Size, before: int = 5, after: int = 15, fps: float = WALK_FPS) -> Fork:
    """The court, seen from where it is entered; a body in sight gets a push. Both futures begin at the same world, made
    anew from where everything was at the fork."""
    engine = EmbeddedEngine(courtyard(seed), size.width, size.height)
    engine.settle(3.0)
    engine.look(engine.world.camera(0.0))
    past = list(_steps(engine, before, fps))
    world = as_it_is(engine, moving=True)
    pushed = _most_seen(past[-1], [p.object_id for p in world.bodies])
    rng = np.random.default_rng(seed)
    push = (float(rng.uniform(1.0, 2.0) * rng.choice([-1.0, 1.0])), float(rng.uniform(2.5, 3.5)), -1.0)

    def future(kick: Vec3) -> list[Truth]:
        things = tuple(
            replace(p, velocity_m_s=_vec(np.add(p.velocity_m_s, kick))) if p.object_id == pushed else p
            for p in world.primitives
        )
        twin = EmbeddedEngine(replace(world, primitives=things), size.width, size.height)
        twin.look(engine.key)
        return [*past, *(t.at(t.time_s + before / fps) for t in _steps(twin, after, fps))]

    return Fork(future((0.0, 0.0, 0.0)), future(push), before)


def _most_seen(truth: Truth, ids: Sequence[int]) -> int:
    counts = {thing: int((truth.objects == thing).sum()) for thing in ids}
    return max(ids, key=lambda thing: counts[thing])


@dataclass(frozen=True)
class Edit:
    """A world at rest that a person changes at frame `at`, seen by a camera that stands still."""

    kind: str
    truths: list[Truth]
    at: int


def edits(world: World, size: Size, before: int = 4, after: int = 8) -> list[Edit]:
    """A thing in sight is moved, taken away and given another material, and another thing is put there."""
    engine = EmbeddedEngine(world, size.width, size.height)
    first = shot(engine)
    bodies = [p for p in world.primitives if p.label in (Label.WOOD, Label.METAL, Label.PLASTIC) and _small(p)]
    chosen = _most_seen(first, [p.object_id for p in bodies])
    thing = next(p for p in bodies if p.object_id == chosen)
    x, y, z = thing.position_m
    new = replace(thing, object_id=max(p.object_id for p in world.primitives) + 1, position_m=(x + 0.9, y + 0.2, z),
                  albedo=TOYS[1], label=Label.PLASTIC, roughness=0.4, metallic=0.0)  # fmt: skip
    changed = {
        "move": _with(world, replace(thing, position_m=(x - 0.7, y, z + 0.5))),
        "add": replace(world, primitives=(*world.primitives, new)),
        "delete": without(world, chosen),
        "re-material": _with(world, replace(thing, albedo=TOYS[3], label=Label.FABRIC, roughness=0.9, metallic=0.0)),
    }
    made = []
    for kind, described in changed.items():
        later = shot(EmbeddedEngine(described, size.width, size.height))
        made.append(Edit(kind, [t.at(n / FPS) for n, t in enumerate([first] * before + [later] * after)], before))
    return made


def _small(thing: Primitive) -> bool:
    return max(thing.size_m) < 0.7


def _with(world: World, thing: Primitive) -> World:
    return replace(world, primitives=tuple(thing if p.object_id == thing.object_id else p for p in world.primitives))
