"""A wall, a box that moves before it and a sky, seen by a camera that moves: sequences whose every value is known.

Surfaces are painted with gradients that stick to them, wall in the world and box in its own space, so that reading a
picture between its pixels is exact.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.engine.world import Sun
from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, Label, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.models.limn.weather import Weather
from renderer.training.plan import planned
from renderer.training.sequences import Clip

F64 = NDArray[np.float64]
WIDTH, HEIGHT, FRAMES = 48, 32, 4
WALL_M, BOX_M, BOX_HALF_M = 4.0, 3.0, 0.5  # depths from a camera at z = 0, and half a side of the box
SKY_ABOVE_M, BOX_ID, WALL_ID = 1.2, 5, 2
DT_S = 1.0 / 8.0
SLOPE = np.array([0.05, 0.03, -0.04])  # of the gradients, per metre


def camera_x(t: int) -> float:
    return 0.11 * t


def box_at(t: int) -> F64:
    return np.array([0.6 - 0.2 * t, 0.0, -BOX_M])


def camera(t: int, last: int) -> Camera:
    projection = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
    now, then = (Pose(position_m=(camera_x(k), 0.0, 0.0)) for k in (t, last))
    return Camera(world_from_camera=now, previous_world_from_camera=then, projection=projection)


def bodies(t: int, last: int) -> Bodies:
    now, then = (np.array([[*box_at(k), 0.0, 0.0, 0.0, 1.0]]) for k in (t, last))
    velocity = np.zeros((1, 6), "<f4")
    velocity[0, :3] = (now - then)[0, :3] / DT_S
    return Bodies(count=1, ids=np.array([BOX_ID], "<u4").tobytes(), labels=bytes([int(Label.WALL)]),
                  poses=now.tobytes(), previous_poses=then.tobytes(), velocities=velocity.tobytes())  # fmt: skip


def at_depth(t: int, depth_m: float) -> tuple[F64, F64]:
    """World x and y [H, W] of the pixels, were they that far away."""
    projection = camera(t, t).projection
    u, v = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT)
    return (u * 2.0 - 1.0) / projection[0] * depth_m + camera_x(t), (1.0 - v * 2.0) / projection[5] * depth_m


def things(t: int) -> NDArray[np.uint32]:
    """Object ids; 0 is the sky."""
    _, wall_y = at_depth(t, WALL_M)
    x, y = at_depth(t, BOX_M)
    box = (np.abs(x - box_at(t)[0]) < BOX_HALF_M) & (np.abs(y - box_at(t)[1]) < BOX_HALF_M)
    return np.where(box, BOX_ID, np.where(wall_y > SKY_ABOVE_M, 0, WALL_ID)).astype(np.uint32)


def depth_m(t: int) -> NDArray[np.float32]:
    objects = things(t)
    return np.where(objects == BOX_ID, BOX_M, np.where(objects == 0, np.inf, WALL_M)).astype(np.float32)


def painted(t: int) -> F64:
    """Display values [H, W, 3] that stick to the surfaces."""
    objects = things(t)[..., None]
    x, y = at_depth(t, WALL_M)
    box_x, box_y = at_depth(t, BOX_M)
    wall = 0.5 + (x + 0.5 * y)[..., None] * SLOPE
    box = 0.7 + (box_x - box_at(t)[0] - 0.3 * (box_y - box_at(t)[1]))[..., None] * SLOPE
    return np.where(objects == BOX_ID, box, np.where(objects == 0, 0.8, wall))


def motion(t: int, last: int) -> NDArray[np.float16]:
    """Previous uv - uv. Everything moves sideways."""
    objects, focal = things(t), camera(t, t).projection[0]
    moved_m = camera_x(t) - camera_x(last)
    box_m = moved_m - (box_at(t)[0] - box_at(last)[0])
    across = np.where(objects == BOX_ID, box_m / BOX_M, np.where(objects == 0, 0.0, moved_m / WALL_M)) * focal / 2.0
    return np.stack([across, np.zeros_like(across)], axis=-1).astype(np.float16)


def linear(display: F64) -> NDArray[np.float32]:
    """Scene-linear values that the evaluation's tone map shows as `display`."""
    levels = np.linspace(0.0, 12.0, 80_001)
    shown = (levels * (2.51 * levels + 0.03) / (levels * (2.43 * levels + 0.59) + 0.14)) ** (1.0 / 2.2)
    return np.interp(display, shown, levels).astype(np.float32)


def weathered(display: F64, weather: Weather) -> F64:
    """A display picture in a weather: every control has a tint of its own."""
    low_sun = np.clip(30.0 - weather.sun_elevation_deg, 0.0, 60.0) / 300.0
    tints = (
        (weather.snow, (0.2, 0.2, 0.2)), (weather.fog, (0.12, 0.1, 0.02)), (weather.wetness, (-0.1, -0.02, 0.06)),
        (weather.autumn, (0.1, -0.08, -0.1)), (weather.cloud, (-0.03, 0.05, -0.12)), (low_sun, (-0.2, -0.9, -0.5)),
    )  # fmt: skip
    return np.clip(display + sum(share * np.array(tint) for share, tint in tints), 0.0, 1.0)


def clip(number: int = 18, frames: int = FRAMES) -> Clip:
    """The sequence of a number of the plan: its world's weather on the wall and the box."""
    plan = planned(number)
    planes = tuple(_planes(t, t - 1) for t in range(frames))
    truth = np.stack([linear(weathered(painted(t), plan.weather)) for t in range(frames)]).astype(np.float16)
    told = {**asdict(plan), "weather": None, "base": None}
    return Clip(told, plan.weather, plan.weather.exposure_ev, Sun(120.0, 40.0), DT_S,
                tuple(camera(t, t - 1) for t in range(frames)), tuple(bodies(t, t - 1) for t in range(frames)),
                planes, truth)  # fmt: skip


def _planes(t: int, last: int) -> PlaneViews:
    objects = things(t)
    solid = (objects > 0)[..., None]
    label = np.where(objects == 0, int(Label.SKY), int(Label.WALL)).astype(np.uint8)
    color = np.where(solid, linear(painted(t) * 0.6), 0.5)
    return {
        PlaneName.COLOR: np.concatenate([color, np.ones((HEIGHT, WIDTH, 1))], axis=-1).astype(np.float16),
        PlaneName.DEPTH: depth_m(t),
        PlaneName.NORMAL: np.where(solid, [0.0, 0.0, 1.0, 0.0], 0.0).astype(np.float16),
        PlaneName.MOTION: motion(t, last),
        PlaneName.ALBEDO: np.where(solid, [0.5, 0.4, 0.3, 0.0], 0.0).astype(np.float16),
        PlaneName.MATERIAL: np.where(solid, [0.8, 0.0], 0.0).astype(np.float16),
        PlaneName.OBJECT: objects,
        PlaneName.LABEL: label,
    }


def save(folder: Path, *numbers: int) -> None:
    """A data set of these numbers, as `worldplate dataset` leaves one."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = {"width": WIDTH, "height": HEIGHT, "frames": FRAMES, "samples": 1, "test_samples": 1}
    for number in numbers:
        made = clip(number)
        about = {"plan": made.plan, "weather": asdict(made.weather), "engine_sun": asdict(made.engine_sun),
                 "dt_s": DT_S, "recipe": recipe}  # fmt: skip
        np.savez(folder / f"{planned(number).name}.npz", allow_pickle=False, **_arrays(made),
                 about=np.frombuffer(json.dumps(about).encode(), np.uint8))  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps({"recipe": recipe, "version": "0123456789abcdef", "files": {}}))


def _arrays(made: Clip) -> dict[str, NDArray[Any]]:
    row_of_id = {WALL_ID: 0, BOX_ID: 1, 0: 2}
    poses = [np.array([[*box_at(t), 0.0, 0.0, 0.0, 1.0]]) for t in range(-1, FRAMES)]
    planes = {name: np.stack([frame[name] for frame in made.planes]) for name in made.planes[0]}
    return {
        "color": planes[PlaneName.COLOR][..., :3], "normal": planes[PlaneName.NORMAL][..., :3],
        "depth": planes[PlaneName.DEPTH], "motion": planes[PlaneName.MOTION],
        "thing": np.vectorize(row_of_id.get)(planes[PlaneName.OBJECT]).astype(np.uint16),
        "truth": made.truth,
        "thing_albedo": np.array([[0.5, 0.4, 0.3], [0.5, 0.4, 0.3], [0.0, 0.0, 0.0]], np.float16),
        "thing_material": np.array([[0.8, 0.0], [0.8, 0.0], [0.0, 0.0]], np.float16),
        "thing_object": np.array([WALL_ID, BOX_ID, 0], np.uint32),
        "thing_label": np.array([int(Label.WALL), int(Label.WALL), int(Label.SKY)], np.uint8),
        "body_id": np.array([BOX_ID], np.uint32), "body_label": np.array([int(Label.WALL)], np.uint8),
        "body_pose": np.stack(poses),
        "cameras": np.frombuffer(msgspec.msgpack.encode(list(made.cameras)), np.uint8),
    }  # fmt: skip
