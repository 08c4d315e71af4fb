"""limn as the renderer uses it: weights from beside this file, checked by hash; planes in, plate out.

Measured at 320x180 the work is most efficient on one thread; the renderer sets the number of threads.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.errors import MissingDependency, ModelIncomplete
from bridge.schema import Control, ControlType, ControlValue, PlaneName

try:
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    raise MissingDependency(
        f"limn needs torch and safetensors: {error}", fix='Install them with `pip install "worldplate[torch]"`.'
    ) from error

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from renderer.models import ModelCard
from renderer.models.limn.anchor import anchored
from renderer.models.limn.features import Inputs, prepare
from renderer.models.limn.network import LimnNetwork, to_channels_last
from renderer.models.limn.prompt import controls_of
from renderer.models.limn.sky import SKIES, Light, light_of

if TYPE_CHECKING:
    from bridge.planes import PlaneViews
    from bridge.schema import Bodies, Camera
    from renderer.frame import RenderFrame
    from renderer.recall import World

FOLDER = Path(__file__).parent
STRIDE_PX = 8
BRIGHTEST = 1000.0  # scene-linear; the plate never exceeds it
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
        self._told: set[str] = set()

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        light, strength = self._steer(frame.controls)
        with torch.inference_mode():
            inputs = inputs_of(frame.planes, frame.header.camera, frame.header.bodies)
            picture = self.paint(inputs, light)
            if strength < 1.0:
                picture = torch.lerp(inputs.color, picture, strength)
            out = torch.from_numpy(plate)
            out[..., :3].copy_(picture.clamp(0.0, BRIGHTEST).permute(1, 2, 0))
            out[..., 3] = 1.0

    def paint(self, inputs: Inputs, light: Light) -> Tensor:
        """The plate, scene-linear [3, H, W]."""
        features, guess = prepare(inputs, light)
        height, width = guess.shape[1:]
        padding = (0, -width % STRIDE_PX, 0, -height % STRIDE_PX)
        x = features[None].contiguous(memory_format=torch.channels_last)
        gain = self._network(F.pad(x, padding, mode="replicate"))[0, :, :height, :width]
        return guess * torch.exp(gain)

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


def inputs_of(planes: PlaneViews, camera: Camera, bodies: Bodies) -> Inputs:
    """Planes as float32 tensors, with what is not a number made harmless: no geometry where depth is not one."""
    color = _channels(planes[PlaneName.COLOR], BRIGHTEST)
    depth_m = _tensor(planes[PlaneName.DEPTH])
    depth_m = torch.where((depth_m > 0.0) & torch.isfinite(depth_m), depth_m, math.inf)
    normal = _channels(planes[PlaneName.NORMAL], 1.0)
    objects = torch.from_numpy(planes[PlaneName.OBJECT].astype(np.int64))
    albedo = planes.get(PlaneName.ALBEDO)
    label = planes.get(PlaneName.LABEL)
    place = anchored(camera, bodies, depth_m, normal, objects)
    return Inputs(
        color=color,
        depth_m=depth_m,
        normal=normal,
        albedo=None if albedo is None else _channels(albedo, 1.0),
        label=None if label is None else _tensor(label),
        ray=place.ray,
        world_y_m=place.world_y_m,
        anchor_m=place.anchor_m,
        anchor_normal=place.anchor_normal,
        footprint_m=place.footprint_m,
    )


def _tensor(plane: NDArray[np.generic]) -> Tensor:
    """A plane in place; from_dlpack takes read-only views, which from_numpy warns about."""
    tensor: Tensor = torch.utils.dlpack.from_dlpack(plane)
    return tensor


def _channels(plane: NDArray[np.generic], largest: float) -> Tensor:
    """The first three channels as finite float32 [3, H, W] within +-largest; 0 where the plane holds no number."""
    planar = _tensor(plane)[..., :3].permute(2, 0, 1)
    x = planar.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    return x.nan_to_num_(nan=0.0, posinf=largest, neginf=-largest).clamp_(-largest, largest)


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
