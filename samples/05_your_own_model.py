"""A world model of your own: the scene as a blueprint, drawn from depth and normals. No network, no weights.

    worldplate demo --model samples/05_your_own_model.py:Blueprint
    worldplate serve --model samples/05_your_own_model.py:Blueprint

A model has a card, which says what it needs and what a person can turn, and `step`, which writes one plate. Everything
else of the bridge is as with any other: late frames, ownership, takes, the panel with sliders for these controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Control, ControlType, PlaneName
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.recall import World

F32 = NDArray[np.float32]
PAPER, INK = np.array([0.012, 0.055, 0.19], np.float32), np.array([0.72, 0.82, 0.95], np.float32)  # linear Rec.709
GRID_M = 1.0  # of the lines that lie on the world
FADES_M = 60.0  # where ink has half its strength


class Blueprint:
    """White lines on blue: where depth bends, where normals turn, and a grid of metres that lies on the world."""

    card = ModelCard(
        name="blueprint",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL}),
        optional=frozenset(),
        controls=(
            Control(
                name="ink", type=ControlType.NUMBER, text="How strongly edges are drawn.", default=1.0, maximum=2.0
            ),
            Control(
                name="grid", type=ControlType.NUMBER, text="How strongly the grid of metres is drawn.", default=0.25
            ),
        ),
    )

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate [H, W, 4] in place: scene-linear colour, alpha 1."""
        depth_m = np.asarray(frame.planes[PlaneName.DEPTH], np.float32)  # view-space Z, +inf for the sky
        normal = np.asarray(frame.planes[PlaneName.NORMAL][..., :3], np.float32)  # world space
        near = 1.0 / (1.0 + np.where(np.isfinite(depth_m), depth_m, np.inf) / FADES_M)
        edges = np.clip(_bends(depth_m) + _turns(normal), 0.0, 1.0) * (0.4 + 0.6 * near)
        lines = _grid(frame, depth_m, normal) * near
        ink = np.clip(edges * float(frame.controls["ink"]) + lines * float(frame.controls["grid"]), 0.0, 1.0)
        light = 0.75 + 0.5 * np.clip(normal[..., 1], 0.0, 1.0) * np.isfinite(depth_m)
        plate[..., :3] = PAPER * light[..., None] * (1.0 - ink[..., None]) + INK * ink[..., None]
        plate[..., 3] = 1.0

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        """For snapshots of a world: this model remembers nothing."""
        return {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return None

    def close(self) -> None:
        """Nothing is held."""


def _bends(depth_m: F32) -> F32:
    """0..1 where the surface is not flat: 1/depth is linear over a plane, so its second difference is not 0 there."""
    inverse = np.where(np.isfinite(depth_m) & (depth_m > 0.0), 1.0 / np.maximum(depth_m, 1e-3), 0.0)
    around = np.pad(inverse, 1, mode="edge")
    across = np.abs(around[1:-1, 2:] + around[1:-1, :-2] - 2.0 * inverse)
    down = np.abs(around[2:, 1:-1] + around[:-2, 1:-1] - 2.0 * inverse)
    return np.asarray(np.clip(np.maximum(across, down) / (inverse + 1e-3) * 12.0 - 0.2, 0.0, 1.0), np.float32)


def _turns(normal: F32) -> F32:
    """0..1 where normals of neighbours differ."""
    around = np.pad(normal, ((0, 1), (0, 1), (0, 0)), mode="edge")
    across = np.abs(around[:-1, 1:] - normal).sum(axis=-1)
    down = np.abs(around[1:, :-1] - normal).sum(axis=-1)
    return np.asarray(np.clip(np.maximum(across, down) * 1.5 - 0.3, 0.0, 1.0), np.float32)


def _grid(frame: RenderFrame, depth_m: F32, normal: F32) -> F32:
    """0..1 on lines of a grid in world coordinates, so that it stays where it is when the camera moves."""
    height, width = depth_m.shape
    camera = frame.header.camera
    u = ((np.arange(width) + 0.5) / width * 2.0 - 1.0) / camera.projection[0]
    v = (1.0 - (np.arange(height) + 0.5) / height * 2.0) / camera.projection[5]
    ray = np.stack(np.broadcast_arrays(u[None], v[:, None], -1.0), axis=-1)
    x, y, z, w = camera.world_from_camera.orientation
    axis = np.array([x, y, z])
    turned = ray + 2.0 * np.cross(axis, np.cross(axis, ray) + w * ray)  # by the quaternion
    deep = np.where(np.isfinite(depth_m), depth_m, 0.0)
    place_m = turned * deep[..., None] + np.array(camera.world_from_camera.position_m)
    pixel_m = deep * 2.0 / height / camera.projection[5]  # height of a pixel on the surface, seen straight
    to_line_m = np.abs((place_m / GRID_M + 0.5) % 1.0 - 0.5) * GRID_M
    lies_across = np.abs(normal) < 0.7  # lines of the two axes that run along the surface
    line = np.clip(1.5 - to_line_m / np.maximum(pixel_m, 1e-4)[..., None], 0.0, 1.0) * lies_across
    return np.asarray(line.max(axis=-1) * np.isfinite(depth_m), np.float32)
