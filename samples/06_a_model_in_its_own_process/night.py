"""A world model that runs in a process of its own, and may so in an environment of its own: day for night.

    worldplate models add samples/06_a_model_in_its_own_process --name night
    worldplate serve --model night

To make it yours: put your class here, list its planes under `maps` in model.toml, and set `python` there to the
interpreter of the environment that your model needs. That environment has worldplate installed, and nothing of the
renderer's own has to agree with it: neither versions nor licences.
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

MOON = np.array([0.30, 0.45, 0.85], np.float32)  # linear Rec.709
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
FADES_M = 40.0  # where what is far has lost half of its colour


class Night:
    """What is far turns blue and dark, as film did it before it could see at night."""

    card = ModelCard(
        name="night",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH}),
        optional=frozenset(),
        controls=(Control(name="darkness", type=ControlType.NUMBER, text="How dark the night is.", default=0.8),),
    )

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate [H, W, 4] in place: scene-linear colour, alpha 1."""
        color = np.asarray(frame.planes[PlaneName.COLOR], np.float32)[..., :3]
        depth_m = np.asarray(frame.planes[PlaneName.DEPTH], np.float32)
        near = (FADES_M / (FADES_M + depth_m))[..., None]  # 0 for the sky, which is at +inf
        grey = (color @ LUMA)[..., None] * MOON
        dark = 1.0 - 0.9 * float(frame.controls["darkness"])
        plate[..., :3] = (color * near + grey * (1.0 - near)) * dark
        plate[..., 3] = 1.0

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        """For snapshots of a world: this model remembers nothing."""
        return {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return None

    def close(self) -> None:
        """Nothing is held."""
