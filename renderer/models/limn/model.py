"""limn as the renderer uses it: weights from beside this file, checked by hash; planes in, plate out.

Features and plate are compiled here (`fused.py`, `plate.py`); between them the network runs on one of
`renderer.runtimes`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import replace
from functools import partial
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
from torch import Tensor, nn

from renderer.models import ModelCard
from renderer.models.limn.fused import STRIDE_PX, Fused, warm_up
from renderer.models.limn.network import LimnNetwork, to_channels_last
from renderer.models.limn.plate import finish
from renderer.models.limn.prompt import controls_of
from renderer.models.limn.sky import SKIES, Light, light_of
from renderer.runtimes import F32, Network, Runtime, Step, load_runtime

if TYPE_CHECKING:
    from bridge.planes import PlaneViews
    from bridge.schema import Bodies, Camera
    from renderer.frame import RenderFrame
    from renderer.recall import World

FOLDER = Path(__file__).parent
WEIGHTS, ONNX = "weights.safetensors", "network.onnx"
EXPORT_AGAIN = "Run `python -m renderer.runtimes.export` after the weights have changed."
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


class Canvas:
    """Pictures of one size: some 330 bytes per pixel, and what the runtime keeps. A frame is the three calls below, in
    their order; the arrays are the canvas's own and are written anew at each."""

    def __init__(self, width: int, height: int, runtime: Runtime, threads: int) -> None:
        rows, columns = (-(-side // STRIDE_PX) * STRIDE_PX for side in (height, width))
        self.picture: F32 = np.zeros((height, width, 4), np.float32)
        self._raw: F32 = np.zeros((1, rows, columns, 3), np.float32)
        self._fused = Fused(width, height, threads)
        self._runtime = runtime
        self._step: Step | None = None  # bound at the first frame

    def features(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> None:
        x = self._fused.features(planes, camera, bodies, light)
        if self._step is None:
            self._step = self._runtime.bind(x.permute(0, 2, 3, 1).numpy(), self._raw)

    def network(self) -> None:
        if self._step is None:
            raise RuntimeError("a canvas sees features before its network runs")
        self._step()

    def head(self, strength: float) -> F32:
        """The plate [H, W, 4], scene-linear, alpha 1."""
        finish(self._fused.guess, self._raw, self._fused.color, np.float32(strength), self.picture)
        return self.picture


class Limn:
    """The built-in world model. One frame in, one plate out; it remembers nothing between frames."""

    card = ModelCard(
        name="limn",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.OBJECT}),
        optional=frozenset({PlaneName.ALBEDO, PlaneName.LABEL}),
        controls=CONTROLS,
        memory_bytes=200_000_000,
    )

    def __init__(
        self, folder: Path = FOLDER, *, runtime: str = "auto", threads: int = 1, precision: str = "fp32"
    ) -> None:
        """Sets torch's number of threads, with which half floats are converted whatever runs the network.

        Raises ModelIncomplete when a file that the manifest lists is missing or altered, and what `load_runtime` does.
        """
        check_files(folder)
        torch.set_num_threads(threads)
        network = Network(module=partial(network_of, folder), onnx=folder / ONNX)
        loaded = load_runtime(network, runtime, threads=threads, precision=precision)
        self._runtime, self._threads = loaded.runtime, threads
        self.card = replace(Limn.card, runtime=loaded.label)
        self._canvases: dict[tuple[int, int], Canvas] = {}
        self._told: set[str] = set()
        warm_up()  # the kernels are compiled at the first start on a machine, which takes seconds, and then kept

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        light, strength = self._steer(frame.controls)
        picture = self.paint(frame.planes, frame.header.camera, frame.header.bodies, light, strength)
        to_half(picture, plate)

    def paint(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light, strength: float = 1.0) -> F32:
        """The plate [H, W, 4], scene-linear, alpha 1; the array is limn's own, and written anew at each frame."""
        height, width = planes[PlaneName.DEPTH].shape
        canvas = self.canvas(width, height)
        canvas.features(planes, camera, bodies, light)
        canvas.network()
        return canvas.head(strength)

    def canvas(self, width: int, height: int) -> Canvas:
        if (width, height) not in self._canvases:
            if len(self._canvases) == MOST_SIZES:
                self._canvases.clear()
            self._canvases[width, height] = Canvas(width, height, self._runtime, self._threads)
        return self._canvases[width, height]

    def _steer(self, controls: dict[str, ControlValue]) -> tuple[Light, float]:
        words, unknown = controls_of(str(controls.get("prompt", "")))
        for word in unknown - self._told:
            self._told.add(word)
            log.warning("limn does not understand '%s'; it knows skies, hours and directions", word[:40])
        values = {**controls, **words}
        light = light_of(str(values["sky"]), float(values["sun_azimuth_deg"]), float(values["sun_elevation_deg"]))
        return light, float(values["strength"])

    def close(self) -> None:
        """Nothing is held beyond memory."""


def to_half(picture: F32, plate: NDArray[np.float16]) -> None:
    """Copy into the plate; torch converts eight half floats at a time, NumPy one."""
    torch.from_numpy(plate).copy_(torch.from_numpy(picture))


def network_of(folder: Path) -> nn.Module:
    """The network [1, CHANNELS, H, W] -> [1, 3, H, W] with a folder's weights, unbounded: `plate.finish` bounds it."""
    network = LimnNetwork().eval()
    network.load_state_dict(load_file(folder / WEIGHTS))
    return _Unbounded(to_channels_last(network))


class _Unbounded(nn.Module):
    def __init__(self, network: LimnNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.unbounded(x)


def check_files(folder: Path) -> None:
    """Compare every file with the manifest. Raises ModelIncomplete naming the first that is not as it should be."""
    fix = "Install worldplate again; its model files are part of the package."
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ModelIncomplete(f"the model folder {folder} has no manifest.json", fix=fix)
    told = json.loads(manifest.read_text())
    for name, sha256 in told["files"].items():
        file = folder / name
        if not file.is_file():
            raise ModelIncomplete(f"the model's file {name} is missing from {folder}", fix=fix)
        if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
            raise ModelIncomplete(f"the model's file {name} is truncated or altered", fix=fix)
    if told.get("onnx_of") != told["files"].get(WEIGHTS):
        raise ModelIncomplete(f"the model's file {ONNX} was not made from its weights", fix=EXPORT_AGAIN)


def write_manifest(folder: Path) -> None:
    """Tell the manifest the hashes of weights and network, which was made from them."""
    manifest = folder / "manifest.json"
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, ONNX)}
    told = json.loads(manifest.read_text()) | {"files": files, "onnx_of": files[WEIGHTS]}
    manifest.write_text(json.dumps(told, indent=1) + "\n")
