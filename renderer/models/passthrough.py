"""The identity model: the plate is the engine's colour, bit for bit. It proves the path and costs one copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.schema import PlaneName
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.recall import World


class Passthrough:
    """Copies `color` to the plate; alpha included, so a float16 plane comes back bit-identical."""

    card = ModelCard(
        name="passthrough",
        needs=frozenset({PlaneName.COLOR}),
        optional=frozenset(PlaneName) - {PlaneName.PLATE, PlaneName.PLATE_DEPTH, PlaneName.CONFIDENCE},
    )

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        # A float32 colour beyond half precision's range becomes inf by design: nothing is clamped in silence.
        with np.errstate(over="ignore"):
            np.copyto(plate, frame.planes[PlaneName.COLOR], casting="same_kind")

    def close(self) -> None:
        """Nothing is held."""
