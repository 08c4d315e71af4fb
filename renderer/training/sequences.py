"""One sequence of a data set: made, saved as one .npz, and read again.

Frames follow each other in time, so that motion and recurrence can be learned; the first frame has a previous pose
too. See `Sequence` and DATASET.md for what a file holds.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.engine.physics import pack_poses
from bridge.engine.world import Sun
from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, Label, PlaneName
from renderer.models.limn.weather import LUMINANCE, Weather, sky_of
from renderer.training.picture import Painter
from renderer.training.plan import Sequence as Plan
from renderer.training.shot import View, engine_planes, view_of
from renderer.training.tracer import Tracer
from renderer.training.worlds import FAMILIES
from renderer.training.worlds.cameras import drawn_path
from renderer.training.worlds.kit import Blockout
from renderer.training.worlds.moment import Moments, Poses, Things

KEY_LEVEL = 0.16  # what exposure brings the geometric mean of a picture halfway to
METER = (48, 28, 3)  # width, height and paths of the picture that exposure is measured on
PER_PIXEL = (PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION)
PER_THING = (PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.OBJECT, PlaneName.LABEL)


@dataclass(frozen=True)
class Recipe:
    """What a data set is made with. Sizes in pixels; `samples` are paths per surface, four surfaces per pixel."""

    width: int = 192
    height: int = 108
    frames: int = 8
    samples: int = 4
    test_samples: int = 10


@dataclass(frozen=True)
class Clip:
    """A sequence as it was saved. `planes[t]` are the engine's, canonical; `truth` [T, H, W, 3] is scene-linear."""

    plan: dict[str, Any]  # number, split, family, seed, kind, path, captions
    weather: Weather  # exposed for its own light, but for a test clip, which is as its base
    base_exposure_ev: float  # of the same place in fair weather (`plan.Sequence.base`)
    engine_sun: Sun
    dt_s: float
    cameras: tuple[Camera, ...]
    bodies: tuple[Bodies, ...]
    planes: tuple[PlaneViews, ...]
    truth: NDArray[np.float16]


def make(plan: Plan, recipe: Recipe, mi: Any, path: Path) -> None:
    """Make a sequence and put it at `path`, whole or not at all."""
    arrays = frames_of(plan, recipe, mi)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def frames_of(plan: Plan, recipe: Recipe, mi: Any) -> dict[str, NDArray[Any]]:
    """All arrays of a sequence."""
    blockout = FAMILIES[plan.family](plan.seed)
    rng = np.random.default_rng([plan.seed, 53])
    moments = Moments(blockout)
    dt_s = float(rng.choice([1 / 24, 1 / 12, 1 / 8]))
    for _ in range(int(rng.uniform(0.3, 6.0) * 30)):
        moments.step(1.0 / 30.0)
    poses = [moments.poses()]
    for _ in range(recipe.frames):
        moments.step(dt_s)
        poses.append(moments.poses())
    things, fov, far = moments.things, blockout.world.vertical_fov_deg, blockout.world.far_m
    probe = Tracer(mi, blockout, things, poses[1], sky_of(plan.base), plan.base)
    tan_y = float(np.tan(np.radians(fov) / 2.0))
    keys = drawn_path(plan.path, blockout.room, probe, rng, recipe.frames + 1,
                      (tan_y * recipe.width / recipe.height, tan_y))  # fmt: skip
    views = [view_of(b, a, recipe.width, recipe.height, fov, far) for a, b in pairwise(keys)]
    base_ev = own_ev = metered(_meter(blockout, things, plan.base), views[0], probe, poses[1])
    if plan.split != "test":
        lit = Tracer(mi, blockout, things, poses[1], sky_of(plan.weather), plan.weather)
        own_ev = metered(_meter(blockout, things, plan.weather), views[0], lit, poses[1])
    weather = replace(plan.weather, exposure_ev=own_ev)
    samples = recipe.test_samples if plan.split == "test" else recipe.samples
    painter = Painter(blockout, things, weather, sky_of(weather), samples)
    sun = engine_sun(weather, rng)
    rows = [
        _frame(painter, view, mi, poses[t], poses[t + 1], sun, seed=(plan.seed * 1009 + t) & 0xFFFFFFFF)
        for t, view in enumerate(views)
    ]
    about = {"plan": {**asdict(plan), "weather": None, "base": None}, "weather": asdict(weather),
             "base_exposure_ev": base_ev, "engine_sun": asdict(sun), "dt_s": dt_s,
             "recipe": asdict(recipe)}  # fmt: skip
    return {
        **{name: np.stack([row[name] for row in rows]) for name in rows[0]},
        **_tables(things), **_bodies(things, poses),
        "cameras": np.frombuffer(msgspec.msgpack.encode([view.camera() for view in views]), np.uint8),
        "about": np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8),
    }  # fmt: skip


def _frame(painter: Painter, view: View, mi: Any, before: Poses, now: Poses, sun: Sun, seed: int) -> dict[str, Any]:
    things = painter.things
    tracer = Tracer(mi, painter.blockout, things, now, painter.sky, painter.weather)
    planes = engine_planes(view, tracer, things, now, before, sun)
    row_of_id = np.zeros(int(things.object_id.max()) + 1, np.uint16)
    row_of_id[things.object_id] = np.arange(len(things.object_id))
    thing = np.where(
        planes[PlaneName.LABEL] == int(Label.SKY), len(things.object_id), row_of_id[planes[PlaneName.OBJECT]]
    )
    picture = painter.picture(view, tracer, now, seed)
    return {
        **{str(name): planes[name] if planes[name].ndim == 2 else planes[name][..., :3] for name in PER_PIXEL},
        "thing": thing.astype(np.uint16),
        "truth": picture.astype(np.float16),
    }


def _meter(blockout: Blockout, things: Things, weather: Weather) -> Painter:
    return Painter(blockout, things, weather, sky_of(weather), METER[2])


def metered(painter: Painter, view: View, tracer: Tracer, poses: Poses) -> float:
    """Stops that bring a picture's mean level some way to a pleasant one, in quarters."""
    width, height, _ = METER
    small = replace(view, width=width, height=height)
    level = painter.picture(small, tracer, poses, seed=1).astype(np.float64) @ LUMINANCE
    mean = float(np.exp(np.log(np.clip(level, 0.004, 4.0)).mean()))
    share, most = (0.85, 5.0) if painter.blockout.inside is not None else (0.5, 1.25)
    wanted = KEY_LEVEL * float(np.clip(0.7 + painter.weather.sun_elevation_deg / 30.0, 0.5, 1.0))  # evenings are darker
    return float(np.round(np.clip(share * np.log2(wanted / mean), -0.75, most) * 4.0) / 4.0)


def engine_sun(weather: Weather, rng: np.random.Generator) -> Sun:
    """The sun that the engine itself draws with: mostly the asked-for one, else one of its own."""
    if rng.uniform() < 0.65 and weather.sun_elevation_deg > 5.0:
        return Sun(weather.sun_azimuth_deg, weather.sun_elevation_deg)
    return Sun(float(rng.uniform(0.0, 360.0)), float(rng.uniform(25.0, 65.0)))


def _tables(things: Things) -> dict[str, NDArray[Any]]:
    """What is the same all over a thing, one row each, and a last row for the sky."""
    return {
        "thing_albedo": np.concatenate([things.albedo, np.zeros((1, 3))]).astype(np.float16),
        "thing_material": np.concatenate([things.material, np.zeros((1, 2))]).astype(np.float16),
        "thing_object": np.concatenate([things.object_id, [0]]).astype(np.uint32),
        "thing_label": np.concatenate([things.label, [int(Label.SKY)]]).astype(np.uint8),
    }


def _bodies(things: Things, poses: list[Poses]) -> dict[str, NDArray[Any]]:
    """Everything that moves: ids, labels and poses [T + 1, n, 7], of which the first is before the first frame."""
    moving = np.flatnonzero(things.moves)
    packed = [np.frombuffer(pack_poses(p.position_m[moving], p.rotation[moving]), "<f8") for p in poses]
    return {
        "body_id": things.object_id[moving],
        "body_label": things.label[moving],
        "body_pose": np.stack(packed).reshape(len(poses), len(moving), 7),
    }


def load(path: Path) -> Clip:
    with np.load(path) as data:
        about = json.loads(data["about"].tobytes())
        arrays = {name: data[name] for name in data.files}
    count = len(arrays["truth"])
    return Clip(
        plan=about["plan"],
        weather=Weather(**about["weather"]),
        base_exposure_ev=about.get("base_exposure_ev", about["weather"]["exposure_ev"]),  # older data sets have none
        engine_sun=msgspec.convert(about["engine_sun"], Sun),
        dt_s=about["dt_s"],
        cameras=tuple(msgspec.msgpack.decode(arrays["cameras"].tobytes(), type=list[Camera])),
        bodies=tuple(_bodies_at(arrays, t, about["dt_s"]) for t in range(count)),
        planes=tuple(_planes_at(arrays, t) for t in range(count)),
        truth=arrays["truth"],
    )


def _planes_at(arrays: dict[str, NDArray[Any]], t: int) -> PlaneViews:
    """Planes in the formats that an engine sends: four channels where it sends four."""
    planes: PlaneViews = {name: arrays[str(name)][t] for name in PER_PIXEL}
    thing = arrays["thing"][t]
    for name in PER_THING:
        planes[name] = arrays[f"thing_{name}"][thing]
    for name, alpha in ((PlaneName.COLOR, 1.0), (PlaneName.NORMAL, 0.0), (PlaneName.ALBEDO, 0.0)):
        plane = planes[name]
        planes[name] = np.concatenate([plane, np.full((*plane.shape[:2], 1), alpha, plane.dtype)], axis=2)
    return planes


def _bodies_at(arrays: dict[str, NDArray[Any]], t: int, dt_s: float) -> Bodies:
    """Bodies of a frame. Linear velocity is that of the frame; spin and contacts are not kept."""
    before, now = arrays["body_pose"][t], arrays["body_pose"][t + 1]
    velocity = np.zeros((len(now), 6), "<f4")
    velocity[:, :3] = (now[:, :3] - before[:, :3]) / dt_s
    return Bodies(
        count=len(now), ids=arrays["body_id"].astype("<u4").tobytes(), labels=arrays["body_label"].tobytes(),
        poses=now.astype("<f8").tobytes(), previous_poses=before.astype("<f8").tobytes(),
        velocities=velocity.tobytes(),
    )  # fmt: skip
