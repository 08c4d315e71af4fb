"""A frame that no engine sent: a slope under a sky, to try a model on and to have it warm before a show."""

from __future__ import annotations

import time
from collections.abc import Collection

import numpy as np

from bridge.planes import PlaneViews
from bridge.schema import Camera, Frame, Label, PlaneName, Pose
from renderer.frame import Ownership, RenderFrame
from renderer.models import ModelCard
from renderer.recall import controls_of

SKY_ROWS = 0.25  # of the picture
NEAR_M, FAR_M = 2.0, 60.0
SQUARE_PX = 16  # of the pattern that lies on the slope
SESSION = "0" * 32


def probe_frame(card: ModelCard, names: Collection[PlaneName], width: int, height: int, number: int = 1) -> RenderFrame:
    """Frame `number` with the planes of `names`, canonical values, and the model's controls at their defaults."""
    planes = _planes(width, height, number)
    aspect = width / height
    projection = (1.0 / aspect, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2002, 0.0, 0.0, -1.0, 0.0)
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=projection)
    header = Frame(session=SESSION, id=number, capture_ns=time.monotonic_ns(), camera=camera)
    controls = {control.name: control.default for control in controls_of(card)}
    plate = np.zeros((height, width, 4), np.float16)
    given = {name: plane for name, plane in planes.items() if name in names}
    return RenderFrame(header, given, plate, controls, Ownership())


def _planes(width: int, height: int, number: int) -> PlaneViews:
    rows, columns = np.arange(height)[:, None], np.arange(width)
    sky = np.broadcast_to(rows < SKY_ROWS * height, (height, width))
    square = ((rows // SQUARE_PX + (columns + number) // SQUARE_PX) % 2).astype(np.float16)
    ground = np.broadcast_to(np.linspace(FAR_M, NEAR_M, height, dtype=np.float32)[:, None], (height, width))
    color = np.ones((height, width, 4), np.float16)
    color[..., :3] = np.where(sky, 1.0, 0.2 + 0.4 * square)[..., None]
    normal = np.zeros((height, width, 4), np.float16)
    normal[..., 1] = ~sky
    material = np.zeros((height, width, 2), np.float16)
    material[..., 0] = 0.8
    planes: PlaneViews = {
        PlaneName.COLOR: color,
        PlaneName.DEPTH: np.where(sky, np.inf, ground).astype(np.float32),
        PlaneName.NORMAL: normal,
        PlaneName.MOTION: np.zeros((height, width, 2), np.float16),
        PlaneName.ALBEDO: color,
        PlaneName.MATERIAL: material,
        PlaneName.OBJECT: (~sky).astype(np.uint32),
        PlaneName.LABEL: np.where(sky, Label.SKY, Label.GROUND).astype(np.uint8),
    }
    for plane in planes.values():
        plane.flags.writeable = False  # as an engine's are
    return planes
