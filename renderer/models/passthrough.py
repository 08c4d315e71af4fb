"""The identity model: the plate is the engine's colour, bit for bit. It proves the path and costs one copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import SnapshotCorrupt
from bridge.schema import PlaneName
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.recall import World

if TYPE_CHECKING:
    from renderer.cuda.frame import DeviceFrame

OF_ANOTHER = "It was altered; take another snapshot."


class Passthrough:
    """Copies `color` to the plate; alpha included, so a float16 plane comes back bit-identical."""

    card = ModelCard(
        name="passthrough",
        needs=frozenset({PlaneName.COLOR}),
        optional=frozenset(PlaneName) - {PlaneName.PLATE, PlaneName.PLATE_DEPTH, PlaneName.CONFIDENCE},
        on_device=True,
    )

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        # A float32 colour beyond half precision's range becomes inf by design: nothing is clamped in silence.
        with np.errstate(over="ignore"):
            np.copyto(plate, frame.planes[PlaneName.COLOR], casting="same_kind")

    def prepare_on_device(self, frame: DeviceFrame) -> None:
        """It needs nothing of its own."""

    def step_on_device(self, frame: DeviceFrame, world: World) -> None:
        """The same on the GPU, by one kernel."""
        from renderer.cuda.frame import copy_color

        copy_color(frame)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {}  # it remembers nothing

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        if arrays:
            raise SnapshotCorrupt("the snapshot holds latents, and passthrough has none", fix=OF_ANOTHER)
        return None

    def close(self) -> None:
        """Nothing is held."""
