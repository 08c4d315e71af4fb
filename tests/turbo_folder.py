"""Frames for models of diffusers' networks, and their folders as they are added."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, ControlValue, Frame, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.adapters.adding import add
from renderer.frame import Ownership, RenderFrame
from renderer.models import WorldModel
from renderer.recall import World

WIDTH, HEIGHT = 96, 64  # of the engine
PROPOSED, SIDES = r"width = 512\nheight = \d+", "width = 64\nheight = 64"  # what the tests have time for


def added(source: Path, models: Path) -> Path:
    """The folder as `worldplate models add` leaves it, at the tests' size."""
    path = add(source, models, licence="LicenseRef-tests").path
    manifest = path / "model.toml"
    told, count = re.subn(PROPOSED, SIDES, manifest.read_text())
    assert count == 1
    manifest.write_text(told)
    return path


def planes(seed: int = 3) -> PlaneViews:
    """A wall with a slope, of any colour."""
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(HEIGHT, WIDTH, 4))
    normal /= np.linalg.norm(normal[..., :3], axis=2, keepdims=True)
    return {
        PlaneName.COLOR: rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 4)).astype(np.float16),
        PlaneName.DEPTH: np.linspace(3.0, 9.0, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH),
        PlaneName.NORMAL: normal.astype(np.float16),
    }


def camera(x_m: float) -> Camera:
    pose = Pose(position_m=(x_m, 0.0, 0.0))
    projection = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=projection)


def painted(model: WorldModel, world: World, planes: PlaneViews, number: int = 1, **controls: ControlValue
            ) -> NDArray[np.float16]:  # fmt: skip
    """One frame's plate, after what `recall` does to the world."""
    world.steps += 1
    plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
    header = Frame(session="5" * 32, id=number, capture_ns=number, camera=camera(0.02 * number), bodies=Bodies())
    values = {control.name: control.default for control in model.card.controls} | controls
    model.step(RenderFrame(header, planes, plate, values, Ownership()), world, plate)
    return plate
