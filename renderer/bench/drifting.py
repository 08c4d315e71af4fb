"""A per-frame model made to be inconsistent: it has no recurrence, its colours wander from frame to frame and over
minutes, and its texture is another one in every frame. What the memory does for such a model is measured with it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.schema import Control, ControlType, PlaneName
from renderer.frame import RenderFrame
from renderer.models import ModelCard, Recall
from renderer.recall import World

FASTEST, SLOWEST = 40.0, 700.0  # frames in which a channel's brightness comes round


class Drifting:
    """The engine's colour times a gain that wanders by `drift`, and times noise of `grain`, new in every frame."""

    card = ModelCard(
        name="drifting",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH}),
        optional=frozenset({PlaneName.OBJECT, PlaneName.LABEL, PlaneName.MOTION}),
        controls=(Control(name="warmth", type=ControlType.NUMBER, text="How warm the picture is.", default=0.5),),
        recall=Recall.MIXED,
    )

    def __init__(self, drift: float = 0.3, grain: float = 0.05) -> None:
        self.drift, self.grain = drift, grain
        self._steps = 0

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        self._steps += 1
        phase = 2.0 * np.pi * self._steps / np.array([SLOWEST, SLOWEST * 0.7, SLOWEST * 0.4])
        quick = np.sin(2.0 * np.pi * self._steps / FASTEST) * 0.3
        gain = 1.0 + self.drift * (np.sin(phase) + quick) / 1.3
        warm = float(frame.controls.get("warmth", 0.5)) - 0.5
        gain = gain * np.array([1.0 + warm, 1.0, 1.0 - warm])
        noise = np.random.default_rng(self._steps).normal(1.0, self.grain, (*plate.shape[:2], 1))
        plate[..., :3] = np.clip(frame.planes[PlaneName.COLOR][..., :3] * gain * noise, 0.0, 1000.0)
        plate[..., 3] = 1.0

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {}

    def load_latents(self, arrays: Any) -> object:
        return None

    def close(self) -> None:
        """Nothing is held."""
