"""limn as the renderer uses it: weights from beside this file, checked by hash; planes in, plate out.

Measured at 320x180 the work is most efficient on one thread; the renderer sets the number of threads.
"""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency, ModelIncomplete
from bridge.schema import Control, ControlType, ControlValue, PlaneName

try:
    import numba  # noqa: F401
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    raise MissingDependency(
        f"limn needs torch, safetensors and numba: {error}", fix='Install them with `pip install "worldplate[torch]"`.'
    ) from error

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from renderer.models import ModelCard
from renderer.models.limn.features import BRIGHTEST
from renderer.models.limn.fused import Fused, warm_up
from renderer.models.limn.network import LimnNetwork, to_channels_last
from renderer.models.limn.prompt import controls_of
from renderer.models.limn.sky import SKIES, Light, light_of

if TYPE_CHECKING:
    from bridge.planes import PlaneViews
    from bridge.schema import Bodies, Camera
    from renderer.frame import RenderFrame
    from renderer.recall import World

FOLDER = Path(__file__).parent
MOST_SIZES = 4  # of streams, whose arrays are kept
log = logging.getLogger("worldplate.limn")

CONTROLS = (
    Control(
        name="sky", type=ControlType.CHOICE, text="The weather and the hour of the sky.", default="day", choices=SKIES,
    ),
    Control(
        name="sun_azimuth_deg", type=ControlType.NUMBER, text="Where the sun stands, from -Z (north) to +X (east).",
        default=150.0, unit="deg", minimum=0.0, maximum=360.0, step=1.0,
    ),
    Control(
        name="sun_elevation_deg", type=ControlType.NUMBER, text="How high the sun stands over the horizon.",
        default=45.0, unit="deg", minimum=1.0, maximum=90.0, step=1.0,
    ),
    Control(
        name="prompt", type=ControlType.TEXT, default="",
        text="Words for sky and hour, such as 'dusk' or 'overcast noon'; they go before the other controls.",
    ),
    Control(
        name="strength", type=ControlType.NUMBER, default=1.0,
        text="How much of the plate is limn's: at 0 the engine's own picture comes back.",
    ),
)  # fmt: skip


class Limn:
    """The built-in world model. One frame in, one plate out; it remembers nothing between frames."""

    card = ModelCard(
        name="limn",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.OBJECT}),
        optional=frozenset({PlaneName.ALBEDO, PlaneName.LABEL}),
        controls=CONTROLS,
        memory_bytes=200_000_000,
        runtime="torch cpu",
    )

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises ModelIncomplete when a file that the manifest lists is missing or altered."""
        check_files(folder)
        self._network = LimnNetwork().eval()
        self._network.load_state_dict(load_file(folder / "weights.safetensors"))
        to_channels_last(self._network)
        self._fused: dict[tuple[int, int], Fused] = {}  # by size: each keeps some 300 bytes per pixel
        self._told: set[str] = set()
        warm_up()  # the kernels are compiled at the first start on a machine, which takes seconds, and then kept

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        light, strength = self._steer(frame.controls)
        with torch.inference_mode():
            picture, color = self.paint(frame.planes, frame.header.camera, frame.header.bodies, light)
            if strength < 1.0:
                picture = torch.lerp(color, picture, strength)
            out = torch.from_numpy(plate)
            out[..., :3].copy_(picture.clamp_(0.0, BRIGHTEST))
            out[..., 3] = 1.0

    def paint(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> tuple[Tensor, Tensor]:
        """The plate and the engine's own picture made finite, scene-linear [H, W, 3]."""
        height, width = planes[PlaneName.DEPTH].shape
        fused = self._fused_for(width, height)
        x = fused.features(planes, camera, bodies, light)
        gain = self._network(x)[0, :, :height, :width].permute(1, 2, 0)
        return torch.from_numpy(fused.guess) * torch.exp(gain), torch.from_numpy(fused.color)[..., :3]

    def _fused_for(self, width: int, height: int) -> Fused:
        if (width, height) not in self._fused:
            if len(self._fused) == MOST_SIZES:
                self._fused.clear()
            self._fused[width, height] = Fused(width, height)
        return self._fused[width, height]

    def _steer(self, controls: dict[str, ControlValue]) -> tuple[Light, float]:
        words, unknown = controls_of(str(controls.get("prompt", "")))
        for word in unknown - self._told:
            self._told.add(word)
            log.warning("limn does not understand '%s'; it knows skies, hours and directions", word[:40])
        values = {**controls, **words}
        light = light_of(str(values["sky"]), float(values["sun_azimuth_deg"]), float(values["sun_elevation_deg"]))
        return light, float(values["strength"])

    def close(self) -> None:
        """Nothing is held beyond the weights."""


def check_files(folder: Path) -> None:
    """Compare every file with the manifest. Raises ModelIncomplete naming the first that is not as it should be."""
    fix = "Install worldplate again; its model files are part of the package."
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ModelIncomplete(f"the model folder {folder} has no manifest.json", fix=fix)
    for name, sha256 in json.loads(manifest.read_text())["files"].items():
        file = folder / name
        if not file.is_file():
            raise ModelIncomplete(f"the model's file {name} is missing from {folder}", fix=fix)
        if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            raise ModelIncomplete(f"the model's file {name} is truncated or altered", fix=fix)
