"""limn as the renderer uses it: weights from beside this file, checked by hash; planes in, plate out.

What a frame is made of and the plate are compiled here (`fused.py`, `finish.py`); between them the network runs on one
of `renderer.runtimes`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import MissingDependency, ModelIncomplete
from bridge.schema import Label, PlaneName

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

from renderer.models import ModelCard, Recall
from renderer.models.limn import finish
from renderer.models.limn.controls import CONTROLS, weather_of
from renderer.models.limn.extension import Ground, extended, ground_of, opened
from renderer.models.limn.finish import compose, exponents, soften
from renderer.models.limn.fused import STRIP_ROWS, Fused, warm_up
from renderer.models.limn.held import Held, profile
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.network import SIZES, STRIDE, LimnNetwork, to_channels_last
from renderer.models.limn.on_device import MOST_SIZES, DeviceSide
from renderer.models.limn.plate import ANSWERS
from renderer.models.limn.words import Words
from renderer.runtimes import F32, Network, Runtime, Step, late_maker, load_runtime
from renderer.runtimes.engine_cache import EngineCache, user_cache
from renderer.runtimes.engines import EngineMaker, Order
from renderer.runtimes.late import LateEngine
from renderer.runtimes.on_device import OnDevice
from renderer.runtimes.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.planes import PlaneViews
    from bridge.schema import Bodies, Camera, ControlValue
    from renderer.cuda.counters import Counters
    from renderer.cuda.frame import DeviceFrame
    from renderer.frame import RenderFrame
    from renderer.recall import World

FOLDER = Path(__file__).parent
WEIGHTS, ONNX = "weights.safetensors", "network.onnx"
EXPORT_AGAIN = "Run `python -m renderer.runtimes.export` after the weights have changed."
MOST_WHY = 900  # characters of a reason
log = logging.getLogger("worldplate.limn")


class Canvas:
    """Pictures of one size: some 330 bytes per pixel, and what the runtime keeps. A frame is the three calls below, in
    their order; the arrays are the canvas's own and are written anew at each."""

    def __init__(self, width: int, height: int, runtime: Runtime, threads: int) -> None:
        self.picture: F32 = np.zeros((height, width, 4), np.float32)
        self._hard = np.zeros_like(self.picture)
        self.fused = Fused(width, height, STRIDE, threads)
        self._answers: F32 = np.zeros((1, *self.fused.x.shape[:2], ANSWERS), np.float32)
        self._step: Step = runtime.bind(list(self.inputs().values()), [self._answers])
        self._exponents = exponents(width)
        self._threads = ThreadPoolExecutor(threads, "limn-plate") if threads > 1 else None

    def inputs(self) -> dict[str, F32]:
        """The network's, by name and in their order, as `see` leaves them."""
        return {"x": self.fused.x[None], "low": self.fused.low[None], "told": self.fused.told}

    def see(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> None:
        """Take in a frame."""
        self.fused.see(planes, camera, bodies, light)

    def network(self) -> None:
        self._step()

    def plate(self, light: Light, strength: float) -> F32:
        """The plate [H, W, 4], scene-linear, alpha 1."""
        height, sky = len(self.picture), light.sky
        strips = [(first, min(first + STRIP_ROWS, height)) for first in range(0, height, STRIP_ROWS)]
        each = map if self._threads is None else self._threads.map
        color, share = self.fused.color, np.float32(strength)
        list(
            each(
                lambda s: compose(self.fused.parts, self._answers, self._exponents, sky.sun, sky.fog, self._hard, *s),
                strips,
            )
        )
        list(each(lambda s: soften(self._hard, self.fused.x, color, share, self.picture, *s), strips))
        return self.picture


class Limn:
    """The built-in world model: a frame in, a plate out. The same view of a world is the same plate, whatever was seen
    before; a stream's world keeps the ground alone that goes on where the engine's set ends."""

    card = ModelCard(
        name="limn",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.OBJECT}),
        # Motion is not for limn itself: late frames and the memory follow it.
        optional=frozenset({PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL, PlaneName.MOTION}),
        controls=CONTROLS,
        memory_bytes=300_000_000,
        recall=Recall.KEPT,  # its revisits are the same bits
    )

    def __init__(
        self,
        folder: Path = FOLDER,
        *,
        runtime: str = "auto",
        threads: int = 1,
        precision: str = "",
        maker: EngineMaker | None = None,
        engines: EngineCache | None = None,
    ) -> None:
        """Sets torch's number of threads, with which half floats are converted whatever runs the network.

        `maker`'s engine takes over between two frames once it is there; without one it is `late_maker`'s. `engines` is
        where they are kept; None is the user's own cache.

        Raises ModelIncomplete when a file that the manifest lists is missing or altered, and what `load_runtime` and
        `late_maker` do.
        """
        told = check_files(folder)
        torch.set_num_threads(threads)
        network = Network(module=partial(network_of, folder), onnx=folder / ONNX, bears_bf16=True)
        loaded = load_runtime(network, runtime, threads=threads, precision=precision)
        self._runtime, self._threads = Relay(loaded), threads
        on_device = isinstance(loaded.runtime, OnDevice)  # torch runs there, and so it can between kernels
        self._device = DeviceSide(network, precision)
        self.card = replace(Limn.card, runtime=loaded.label, sha256=told["files"][WEIGHTS], on_device=on_device)
        maker = maker or late_maker(runtime, precision)
        self.late = self._begin(maker, network, engines) if maker is not None else None
        self._canvases: dict[tuple[int, int], Canvas] = {}
        self._words = _words()
        finish.warm_up()
        warm_up(STRIDE)  # the kernels are compiled at the first start on a machine, which takes a while, and then kept

    def _begin(self, maker: EngineMaker, network: Network, engines: EngineCache | None) -> LateEngine:
        """Has an engine made that is to take over."""

        def torch_itself() -> Runtime:
            return load_runtime(network, "torch", threads=self._threads, precision="fp32").runtime

        self._held = Held(torch_itself, self.new_canvas)
        order = Order(maker, network.onnx, profile())
        return LateEngine(self._runtime, order, engines or user_cache(), self._held)

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        controls, light = frame.controls, self._light(frame.controls, world)
        header, reach_m = frame.header, float(controls.get("extend_m", 0.0))
        declared = str(controls.get("extend_label", "none"))
        planes = frame.planes if declared == "none" else opened(frame.planes, Label[declared.upper()])
        ground = world.latents if isinstance(world.latents, Ground) else None
        if reach_m > 0.0:
            ground = world.latents = ground or ground_of(planes, header.camera)
            planes = planes if ground is None else extended(planes, header.camera, ground, reach_m)
        strength = float(controls["strength"])
        to_half(self.paint(planes, header.camera, header.bodies, light, strength, steady=frame.steady), plate)

    def prepare_on_device(self, frame: DeviceFrame) -> None:
        """Compile kernels and network for a frame's size where planes stay on the GPU, and take their memory there."""
        self._device.prepare(frame)

    def step_on_device(self, frame: DeviceFrame, world: World) -> None:
        """The same where planes stay on the GPU, by torch's network; see `on_device.DeviceSide.paint`."""
        self._device.paint(frame, self._light(frame.controls, world))

    def _light(self, controls: Mapping[str, ControlValue], world: World) -> Light:
        """The light that the dials and words ask for."""
        said = self._words.controls(str(controls["prompt"])) if self._words is not None else {}
        return light_of(weather_of(controls, said), world.seed + int(float(controls["seed"])))

    def paint(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light,
              strength: float = 1.0, steady: bool = False) -> F32:  # fmt: skip
        """The plate [H, W, 4], scene-linear, alpha 1; the array is limn's own, and written anew at each frame.
        `steady`: no other runtime takes over with it."""
        height, width = planes[PlaneName.DEPTH].shape
        if self.late is not None:
            self._held.record(planes, camera, bodies, light)
            if not steady and self._runtime.settle():
                why = self._runtime.why[:MOST_WHY]
                self.card = replace(self.card, runtime=self._runtime.label, runtime_why=f"limn: {why}")
        canvas = self.canvas(width, height)
        canvas.see(planes, camera, bodies, light)
        canvas.network()
        return canvas.plate(light, strength)

    def canvas(self, width: int, height: int) -> Canvas:
        if (width, height) not in self._canvases:
            if len(self._canvases) == MOST_SIZES:
                self._canvases.clear()
            self._canvases[width, height] = self.new_canvas(width, height, self._runtime)
        return self._canvases[width, height]

    def new_canvas(self, width: int, height: int, runtime: Runtime) -> Canvas:
        """The caller's own, on any runtime of this network."""
        return Canvas(width, height, runtime, self._threads)

    def counters(self) -> Counters | None:
        """Of the network's way to a GPU and back; None where it runs on the CPU."""
        return self._runtime.counters

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {"ground": latents.row()} if isinstance(latents, Ground) else {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return Ground.saved(arrays) if arrays else None

    def close(self) -> None:
        """Ends the making of an engine, and lets go of the GPU; else nothing is held beyond memory."""
        self._device.close()
        if self.late is not None:
            self.late.close()


def _words() -> Words | None:
    """What understands prompts, where it is installed."""
    try:
        return Words()
    except MissingDependency as error:
        log.info("prompts are not understood, the typed controls alone steer: %s", error)
        return None


def to_half(picture: F32, plate: NDArray[np.float16]) -> None:
    """Copy into the plate; torch converts eight half floats at a time, NumPy one."""
    torch.from_numpy(plate).copy_(torch.from_numpy(picture))


def network_of(folder: Path) -> LimnNetwork:
    """The network with a folder's weights."""
    network = LimnNetwork(SIZES[json.loads((folder / "manifest.json").read_text())["size"]]).eval()
    network.load_state_dict(load_file(folder / WEIGHTS))
    return to_channels_last(network)


def check_files(folder: Path) -> dict[str, Any]:
    """The manifest, after comparing every file with it. Raises ModelIncomplete naming the first that is not as told."""
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
    return dict(told)


def write_manifest(folder: Path) -> None:
    """Tell the manifest the hashes of weights and network, which was made from them."""
    manifest = folder / "manifest.json"
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (WEIGHTS, ONNX)}
    told = json.loads(manifest.read_text()) | {"files": files, "onnx_of": files[WEIGHTS]}
    manifest.write_text(json.dumps(told, indent=1) + "\n")
