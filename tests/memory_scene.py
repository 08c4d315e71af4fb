"""A wall, a box before it and a sky, seen by a camera that moves sideways: what the tests of the memory look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.reproject import View
from bridge.schema import Bodies, Camera, ControlValue, Frame, Label, PlaneName, Pose, Reset
from bridge.spaces import gl_projection
from renderer.frame import Ownership, RenderFrame
from renderer.memory.sight import Sight, lit_of

WIDTH, HEIGHT = 64, 40
WALL_M, BOX_M, BOX_HALF_M, SKY_ABOVE_M = 3.0, 2.0, 0.5, 1.2
WALL_ID, BOX_ID = 2, 5
PROJECTION = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """What there is to see; change it with `dataclasses.replace`."""

    eye_x: float = 0.0
    box_x: float | None = 0.0  # None: there is no box
    box_moves: bool = False  # it is a body of the physics
    wall_label: Label = Label.WALL
    light: float = 1.0  # of the engine
    frame: int = 1

    def camera(self) -> Camera:
        pose = Pose(position_m=(self.eye_x, 0.0, 0.0))
        return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=PROJECTION)

    def bodies(self) -> Bodies:
        if not self.box_moves or self.box_x is None:
            return Bodies()
        pose = np.array([[self.box_x, 0.0, -BOX_M, 0.0, 0.0, 0.0, 1.0]]).tobytes()
        return Bodies(count=1, ids=np.array([BOX_ID], "<u4").tobytes(), labels=bytes([int(Label.WOOD)]), poses=pose,
                      previous_poses=pose, velocities=bytes(24))  # fmt: skip

    def at_depth(self, depth_m: float) -> tuple[F32, F32]:
        """World x and y [H, W] of the pixels, were they that far away."""
        u, v = np.meshgrid((np.arange(WIDTH) + 0.5) / WIDTH, (np.arange(HEIGHT) + 0.5) / HEIGHT)
        x, y = (u * 2 - 1) / PROJECTION[0] * depth_m + self.eye_x, (1 - v * 2) / PROJECTION[5] * depth_m
        return x.astype(np.float32), y.astype(np.float32)

    def objects(self) -> NDArray[np.uint32]:
        x, y = self.at_depth(BOX_M)
        box = np.zeros(x.shape, bool)
        if self.box_x is not None:
            box = (np.abs(x - self.box_x) < BOX_HALF_M) & (np.abs(y) < BOX_HALF_M)
        return np.where(box, BOX_ID, np.where(self.at_depth(WALL_M)[1] > SKY_ABOVE_M, 0, WALL_ID)).astype(np.uint32)

    def depth_m(self) -> F32:
        objects = self.objects()
        return np.where(objects == BOX_ID, BOX_M, np.where(objects == 0, np.inf, WALL_M)).astype(np.float32)

    def labels(self) -> NDArray[np.uint8]:
        of = {0: Label.SKY, WALL_ID: self.wall_label, BOX_ID: Label.WOOD}
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for thing, label in of.items():
            labels[self.objects() == thing] = int(label)
        return labels

    def paint(self) -> F32:
        """Colours [H, W, 3] that stick to the surfaces, smooth over a voxel."""
        x, y = self.at_depth(WALL_M)
        wall = np.stack([0.5 + 0.2 * np.sin(2 * x), 0.5 + 0.2 * np.cos(2 * y), np.full_like(x, 0.3)], axis=-1)
        box_x, box_y = self.at_depth(BOX_M)
        own = box_x - (self.box_x or 0.0)
        box = np.stack([0.6 + 0.3 * own, np.full_like(own, 0.2), 0.5 + 0.3 * box_y], axis=-1)
        objects = self.objects()[..., None]
        return np.where(objects == BOX_ID, box, np.where(objects == 0, [0.3, 0.5, 0.9], wall)).astype(np.float32)

    def color(self) -> NDArray[np.float16]:
        """The engine's own picture [H, W, 4]."""
        return np.concatenate([np.full((HEIGHT, WIDTH, 3), 0.4 * self.light), np.ones((HEIGHT, WIDTH, 1))], -1).astype(
            np.float16
        )

    def plate(self, gain: float = 1.0) -> NDArray[np.float16]:
        """A plate [H, W, 4]."""
        return np.concatenate([self.paint() * gain, np.ones((HEIGHT, WIDTH, 1))], -1).astype(np.float16)

    def sight(self, look: int = 7, now_ms: int = 0) -> Sight:
        view = View(self.frame, self.camera(), self.bodies(), self.depth_m(), self.objects())
        return Sight(view, self.labels(), lit_of(self.color(), (HEIGHT, WIDTH)), look, now_ms)

    def render_frame(self, reset: Reset = Reset.NONE, **controls: ControlValue) -> RenderFrame:
        header = Frame(session="0" * 32, id=self.frame, capture_ns=self.frame * 40_000_000, camera=self.camera(),
                       bodies=self.bodies(), reset=reset)  # fmt: skip
        planes: dict[PlaneName, NDArray[Any]] = {
            PlaneName.COLOR: self.color(), PlaneName.DEPTH: self.depth_m(), PlaneName.OBJECT: self.objects(),
            PlaneName.LABEL: self.labels(),
        }  # fmt: skip
        plate = np.zeros((HEIGHT, WIDTH, 4), np.float16)
        return RenderFrame(header, planes, plate, {"remember": 0.8, **controls}, Ownership())
