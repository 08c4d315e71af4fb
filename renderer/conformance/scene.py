"""The known scene: boxes whose every pixel is known, a camera and two bodies that move in a known way.

It is built here, and `scene.json` beside it is the same as data, for the sample of any engine:

    python -m renderer.conformance.scene

World: right-handed, +Y up, metres, quaternions x,y,z,w, colours scene-linear Rec.709. Every frame is one step of a loop
of PERIOD frames; at step 1 camera and previous camera are those of the golden vector (bridge.spaces.GOLDEN), whose
point lies on the front of the blue wall.
"""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridge.schema import Label
from bridge.spaces import GOLDEN
from renderer.conformance.shot import F64

PERIOD = 60  # frames of the loop
FRAMES_PER_S = 30
FILE = Path(__file__).with_name("scene.json")
Vec3 = tuple[float, float, float]


@dataclass(frozen=True)
class Thing:
    """A box. `size_m` are its full sides. What is `unlit` shows its base colour whatever light there is; the others
    may be lit in any way."""

    name: str
    label: Label
    size_m: Vec3
    position_m: Vec3
    albedo: Vec3
    roughness: float = 0.8
    metallic: float = 0.0
    unlit: bool = False
    moves: bool = False  # as a body: `body_pose`


GREYS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)
HUES: tuple[Vec3, ...] = ((0.8, 0.06, 0.05), (0.08, 0.6, 0.1), (0.05, 0.1, 0.7), (0.7, 0.6, 0.06))
SQUARE_M = 0.62


def _checker() -> list[Thing]:
    """Two rows of greys and one of hues, facing +Z: what tells a curve, an exposure, an order of channels."""
    colors = [(g, g, g) for g in GREYS] + list(HUES)
    return [
        Thing(f"square {n}", Label.FABRIC, (SQUARE_M, SQUARE_M, 0.1),
              (-3.0 + SQUARE_M * 1.05 * (n % 4), 3.5 - SQUARE_M * 1.05 * (n // 4), -4.0), color, unlit=True)
        for n, color in enumerate(colors)
    ]  # fmt: skip


def _arrow(name: str, axis: int, albedo: Vec3) -> list[Thing]:
    """A shaft and a head along an axis of the world, from (-1.6, 0.6, -1.6)."""
    direction = np.eye(3)[axis]
    shaft, head = (np.array((-1.6, 0.6, -1.6)) + direction * at for at in (0.55, 1.15))
    thin = np.where(direction > 0.0, 1.0, 0.12)
    return [Thing(f"shaft of {name}", Label.PLASTIC, _vec3(thin), _vec3(shaft), albedo, 0.5),
            Thing(f"head of {name}", Label.PLASTIC, (0.26, 0.26, 0.26), _vec3(head), albedo, 0.5)]  # fmt: skip


def _vec3(values: Any) -> Vec3:
    x, y, z = (round(float(v), 6) for v in values)
    return (x, y, z)


# Their order is that of the ids that the embedded engine gives them, from 1; bodies come last.
THINGS: tuple[Thing, ...] = (
    Thing("ground", Label.GROUND, (18.0, 0.5, 18.0), (1.0, -0.25, -3.0), (0.35, 0.33, 0.3), 1.0),
    Thing("golden wall", Label.WALL, (1.6, 1.2, 0.5), (1.5, 2.2, -4.25), (0.2, 0.3, 0.7), 0.9, unlit=True),
    Thing("west wall", Label.WALL, (0.3, 2.2, 3.0), (-4.2, 1.1, -4.0), (0.6, 0.34, 0.22)),
    Thing("east wall", Label.WALL, (0.3, 2.2, 3.0), (6.2, 1.1, -4.0), (0.25, 0.42, 0.5)),
    Thing("cube of a metre", Label.STONE, (1.0, 1.0, 1.0), (3.4, 0.5, -3.2), (0.55, 0.5, 0.42), 0.7),
    Thing("metal", Label.METAL, (0.7, 1.4, 0.7), (0.2, 0.7, -3.6), (0.6, 0.6, 0.62), 0.3, 1.0),
    *_arrow("+X", 0, (0.8, 0.06, 0.05)),
    *_arrow("+Y", 1, (0.08, 0.6, 0.1)),
    *_arrow("+Z", 2, (0.05, 0.1, 0.7)),
    *_checker(),
    Thing("slider", Label.VEHICLE, (0.7, 0.5, 0.6), (0.6, 0.9, -1.4), (0.75, 0.45, 0.1), 0.4, moves=True),
    Thing("spinner", Label.CHARACTER, (0.9, 0.35, 0.55), (2.5, 1.5, -1.6), (0.5, 0.15, 0.5), 0.6, moves=True),
)


def _wave(step: float, turns: int) -> float:
    return math.sin(2.0 * math.pi * turns * step / PERIOD)


def camera_pose(step: float) -> F64:
    """Position and quaternion [7] at a step: a pan with a speed that always changes, still in nod and turn around the
    golden steps 0 and 1."""
    away = (
        (1.0 - math.cos(2.0 * math.pi * step / PERIOD)) * (1.0 - math.cos(2.0 * math.pi * (step - 1.0) / PERIOD)) / 4.0
    )
    reach = (GOLDEN.camera_m[0] - GOLDEN.previous_camera_m[0]) / _wave(1.0, 1)
    x, y, z = GOLDEN.camera_m
    eye = (
        x + reach * _wave(step - 1.0, 1),
        y + 0.5 * away * _wave(step, 3),
        z - 0.7 * away * (1.0 + 0.4 * _wave(step, 4)),
    )
    yaw, nod = 0.30 * away * _wave(step, 2), -0.08 * away * (1.0 + _wave(step, 3))
    turn = _product(_about((0.0, 1.0, 0.0), yaw), _about((1.0, 0.0, 0.0), nod))
    return np.concatenate([eye, turn])


def body_pose(thing: Thing, step: float) -> F64:
    """Position and quaternion [7] of a thing at a step: the slider swings, the spinner turns, neither evenly."""
    if not thing.moves:
        return np.array([*thing.position_m, 0.0, 0.0, 0.0, 1.0])
    if thing.name == "slider":
        swing = (0.8 * _wave(step, 2), 0.3 * _wave(step, 3), 0.4 * _wave(step, 1))
        return np.array([*np.add(thing.position_m, swing), 0.0, 0.0, 0.0, 1.0])
    return np.array([*thing.position_m, *_about((0.3, 1.0, 0.2), 4.0 * math.pi * step / PERIOD + 0.5 * _wave(step, 3))])


def body_velocity(thing: Thing, step: float) -> F64:
    """Linear m/s and angular rad/s [6] of a thing at a step, by central differences."""
    h = 1e-4
    before, after = (body_pose(thing, step + d) for d in (-h, h))
    turn = _product(after[3:], before[3:] * (-1.0, -1.0, -1.0, 1.0))
    rate = FRAMES_PER_S / (2.0 * h)
    return np.concatenate([(after[:3] - before[:3]) * rate, 2.0 * turn[:3] * np.sign(turn[3]) * rate])


def _about(axis: Vec3, angle: float) -> F64:
    unit = np.array(axis) / np.linalg.norm(axis)
    return np.array([*(unit * math.sin(angle / 2.0)), math.cos(angle / 2.0)])


def _product(a: F64, b: F64) -> F64:
    """The turn b, and then a."""
    vector = a[3] * b[:3] + b[3] * a[:3] + np.cross(a[:3], b[:3])
    return np.array([*vector, a[3] * b[3] - a[:3] @ b[:3]])


def as_data() -> dict[str, Any]:
    """The scene as scene.json has it: everything that an engine's sample needs, in numbers."""
    steps = range(PERIOD)
    return {
        "scene": "worldplate conformance, 1",
        "space": "right-handed, +Y up, metres, quaternions x,y,z,w; colours scene-linear Rec.709; boxes by full sides",
        "frames_per_s": FRAMES_PER_S,
        "vertical_fov_deg": GOLDEN.vertical_fov_deg, "near_m": GOLDEN.near_m, "far_m": GOLDEN.far_m,
        "things": [{**asdict(thing), "label": thing.label.name.lower()} for thing in THINGS],
        "camera": [_rounded(camera_pose(step)) for step in steps],
        "bodies": {thing.name: [_rounded(body_pose(thing, step)) for step in steps] for thing in THINGS if thing.moves},
        "velocities": {thing.name: [_rounded(body_velocity(thing, step)) for step in steps]
                       for thing in THINGS if thing.moves},
    }  # fmt: skip


def _rounded(values: F64) -> list[float]:
    return [round(float(v), 6) + 0.0 for v in values]


def as_text() -> str:
    """What scene.json must be, with a list of numbers on one line."""
    spread = json.dumps(as_data(), indent=1)
    numbers = re.compile(r"\[\s*(-?\d[^\[\]{}\"a-df-z]*?)\s*\]")
    return numbers.sub(lambda found: "[" + re.sub(r"\s+", " ", found[1]) + "]", spread) + "\n"


if __name__ == "__main__":
    FILE.write_text(as_text())
    sys.stdout.write(f"{FILE}: {len(THINGS)} things, {PERIOD} steps\n")
