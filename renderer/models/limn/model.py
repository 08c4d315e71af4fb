"""limn as the renderer uses it: weights from beside this file, checked by hash; planes in, plate out.

What a frame is made of and the plate are compiled here (`fused.py`, `finish.py`); between them the network runs on one
of `renderer.runtimes`.
"""

from __future__ import annotations

import hashlib
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import MissingDependency, ModelIncomplete, SnapshotCorrupt
from bridge.schema import Label, PlaneName, Pose

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
from renderer.models.limn.extension import NUMBERS, Ground, extended, ground_of, opened
from renderer.models.limn.finish import compose, exponents, soften
from renderer.models.limn.fused import STRIP_ROWS, Fused, warm_up
from renderer.models.limn.held import Held, profile_of
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.memory import carried, traced_back
from renderer.models.limn.network import CELL, SIZES, STRIDE, LimnNetwork, to_channels_last
from renderer.models.limn.plate import ANSWERS
from renderer.models.limn.weather import Weather
from renderer.models.limn.words import Words
from renderer.runtimes import F32, Network, Runtime, Step, late_maker, load_runtime
from renderer.runtimes.engine_cache import EngineCache, user_cache
from renderer.runtimes.engines import EngineMaker, Order
from renderer.runtimes.late import LateEngine
from renderer.runtimes.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bridge.planes import PlaneViews
    from bridge.schema import Bodies, Camera
    from renderer.frame import RenderFrame
    from renderer.recall import World

FOLDER = Path(__file__).parent
WEIGHTS, ONNX = "weights.safetensors", "network.onnx"
EXPORT_AGAIN = "Run `python -m renderer.runtimes.export` after the weights have changed."
MOST_WHY = 900  # characters of a reason
MOST_SIZES = 4  # of streams, whose arrays are kept
log = logging.getLogger("worldplate.limn")


@dataclass(frozen=True)
class Memory:
    """What a stream's next frame may build on: the light of this one, and where it was seen from."""

    light: Light
    cells: F32  # [1, rows, columns, C] of the network
    depth_m: F32  # [H, W]
    world_from_camera: Pose
    frame: int | None  # its id; None: the next frame follows on it, whatever its own id is
    ground: Ground | None = None  # that goes on where the engine has nothing, once it was measured

    def fits(self, light: Light, cells: F32, depth_m: F32) -> bool:
        """Whether it is of the same light and size."""
        same_light = (self.light.weather, self.light.seed) == (light.weather, light.seed)
        return same_light and self.cells.shape == cells.shape and self.depth_m.shape == depth_m.shape

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a snapshot keeps of it; the light is worked out anew from its weather."""
        pose = self.world_from_camera
        ground = {} if self.ground is None else {"ground": self.ground.row()}
        return ground | {
            "cells": self.cells, "depth_m": self.depth_m, "weather": np.array(astuple(self.light.weather), np.float64),
            "seed": np.array([self.light.seed], np.uint64),
            "world_from_camera": np.array([*pose.position_m, *pose.orientation], np.float64),
        }  # fmt: skip

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> Memory:
        """From `arrays`. Raises SnapshotCorrupt."""
        told = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        sizes = {name: array.size for name, array in arrays.items() if array.ndim == 1}
        whole = {**SAVED_MAYBE, **told} == SAVED | SAVED_MAYBE and {**GROUND_SIZE, **sizes} == SAVED_SIZES | GROUND_SIZE
        if not whole or not all(np.isfinite(arrays[name]).all() for name in ("cells", *sizes)):
            raise SnapshotCorrupt(
                "the snapshot's latents are not limn's", fix="It was altered, or made by another version; take another."
            )
        light = light_of(Weather(*map(float, arrays["weather"])).clamped(), int(arrays["seed"][0]))
        place = [float(v) for v in arrays["world_from_camera"]]
        pose = Pose(position_m=(place[0], place[1], place[2]), orientation=(place[3], place[4], place[5], place[6]))
        ground = Ground.of(arrays["ground"]) if "ground" in arrays else None
        return Memory(light, arrays["cells"], arrays["depth_m"], pose, None, ground)


SAVED = {
    "cells": (np.dtype(np.float32), 4), "depth_m": (np.dtype(np.float32), 2), "weather": (np.dtype(np.float64), 1),
    "seed": (np.dtype(np.uint64), 1), "world_from_camera": (np.dtype(np.float64), 1),
}  # fmt: skip
SAVED_MAYBE, GROUND_SIZE = {"ground": (np.dtype(np.float64), 1)}, {"ground": NUMBERS}
SAVED_SIZES = {"weather": len(fields(Weather)), "seed": 1, "world_from_camera": 7}


class Canvas:
    """Pictures of one size: some 330 bytes per pixel, and what the runtime keeps. A frame is the three calls below, in
    their order; the arrays are the canvas's own and are written anew at each."""

    def __init__(self, width: int, height: int, runtime: Runtime, threads: int, memory_channels: int) -> None:
        self.picture: F32 = np.zeros((height, width, 4), np.float32)
        self._hard = np.zeros_like(self.picture)
        self.fused = Fused(width, height, STRIDE, threads)
        rows, columns = (side // CELL for side in self.fused.low.shape[:2])
        self._answers: F32 = np.zeros((1, *self.fused.x.shape[:2], ANSWERS), np.float32)
        self._before, self.cells = (np.zeros((1, rows, columns, memory_channels), np.float32) for _ in range(2))
        self._trust: F32 = np.zeros((1, rows, columns, 1), np.float32)
        self._step: Step = runtime.bind(list(self.inputs().values()), [self._answers, self.cells])
        self._exponents = exponents(width)
        self._threads = ThreadPoolExecutor(threads, "limn-plate") if threads > 1 else None

    def inputs(self) -> dict[str, F32]:
        """The network's, by name and in their order, as `see` leaves them."""
        x, low = self.fused.x[None], self.fused.low[None]
        return {"x": x, "low": low, "told": self.fused.told, "memory": self._before, "trust": self._trust}

    def see(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light, frame: int = 0,
            memory: Memory | None = None) -> None:  # fmt: skip
        """Take in a frame, and what is known from the one before."""
        self.fused.see(planes, camera, bodies, light)
        self._trust.fill(0.0)
        if memory is None or not memory.fits(light, self.cells, self.fused.depth_m):
            return
        next_one = memory.frame in (None, frame - 1) and camera.previous_world_from_camera == memory.world_from_camera
        motion = planes.get(PlaneName.MOTION) if next_one else None
        moving = None if motion is not None else np.isin(planes[PlaneName.OBJECT], np.frombuffer(bodies.ids, "<u4"))
        traced = traced_back(camera, memory.world_from_camera, self.fused.depth_m, memory.depth_m,
                             CELL * self.fused.factor, self.cells.shape[1:3], motion, moving)  # fmt: skip
        with torch.inference_mode():
            before, trust = carried(torch.from_numpy(memory.cells).permute(0, 3, 1, 2), torch.from_numpy(traced)[None])
            torch.from_numpy(self._before).permute(0, 3, 1, 2).copy_(before)
            torch.from_numpy(self._trust).permute(0, 3, 1, 2).copy_(trust)

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

    def remember(self, camera: Camera, light: Light, frame: int) -> Memory:
        return Memory(light, self.cells.copy(), self.fused.depth_m.copy(), camera.world_from_camera, frame)


class Limn:
    """The built-in world model: a frame in, a plate out. What it remembers of a stream lies in the stream's world."""

    card = ModelCard(
        name="limn",
        needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.OBJECT}),
        optional=frozenset({PlaneName.ALBEDO, PlaneName.LABEL, PlaneName.MATERIAL, PlaneName.MOTION}),
        controls=CONTROLS,
        memory_bytes=300_000_000,
        recall=Recall.KEPT,  # its revisits are alike to 70 dB, and held to the memory to 48: benchmarks/memory.py
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
        network = Network(module=partial(network_of, folder), onnx=folder / ONNX)
        loaded = load_runtime(network, runtime, threads=threads, precision=precision)
        self._runtime, self._threads = Relay(loaded), threads
        self._memory_channels = SIZES[told["size"]].widths[0]
        self.card = replace(Limn.card, runtime=loaded.label, sha256=told["files"][WEIGHTS])
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
        order = Order(maker, network.onnx, profile_of(self._memory_channels))
        return LateEngine(self._runtime, order, engines or user_cache(), self._held)

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        controls, prompt = frame.controls, str(frame.controls["prompt"])
        said = self._words.controls(prompt) if self._words is not None else {}
        light = light_of(weather_of(controls, said), world.seed + int(float(controls["seed"])))
        header, reach_m = frame.header, float(controls.get("extend_m", 0.0))
        declared = str(controls.get("extend_label", "none"))
        planes = frame.planes if declared == "none" else opened(frame.planes, Label[declared.upper()])
        ground = world.latents.ground if isinstance(world.latents, Memory) else None
        if reach_m > 0.0:
            ground = ground or ground_of(planes, header.camera)
            planes = planes if ground is None else extended(planes, header.camera, ground, reach_m)
        strength = float(controls["strength"])
        picture = self.paint(
            planes, header.camera, header.bodies, light, world, strength, header.id, steady=frame.steady
        )  # fmt: skip
        if ground is not None and isinstance(world.latents, Memory):
            world.latents = replace(world.latents, ground=ground)
        to_half(picture, plate)

    def paint(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light, world: World,
              strength: float = 1.0, frame: int = 0, steady: bool = False) -> F32:  # fmt: skip
        """The plate [H, W, 4], scene-linear, alpha 1; the array is limn's own, and written anew at each frame. `frame`
        is the frame's id: motion planes are believed when it follows on the one before. `steady`: no other runtime
        takes over with it."""
        height, width = planes[PlaneName.DEPTH].shape
        if self.late is not None:
            self._held.record(planes, camera, bodies, light)
            if not steady and self._runtime.settle():
                why = self._runtime.why[:MOST_WHY]
                self.card = replace(self.card, runtime=self._runtime.label, runtime_why=f"limn: {why}")
        canvas = self.canvas(width, height)
        memory = world.latents if isinstance(world.latents, Memory) else None
        canvas.see(planes, camera, bodies, light, frame, memory)
        canvas.network()
        world.latents = canvas.remember(camera, light, frame)
        return canvas.plate(light, strength)

    def canvas(self, width: int, height: int) -> Canvas:
        if (width, height) not in self._canvases:
            if len(self._canvases) == MOST_SIZES:
                self._canvases.clear()
            self._canvases[width, height] = self.new_canvas(width, height, self._runtime)
        return self._canvases[width, height]

    def new_canvas(self, width: int, height: int, runtime: Runtime) -> Canvas:
        """The caller's own, on any runtime of this network."""
        return Canvas(width, height, runtime, self._threads, self._memory_channels)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return latents.arrays() if isinstance(latents, Memory) else {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return Memory.of(arrays) if arrays else None

    def close(self) -> None:
        """Ends the making of an engine; else nothing is held beyond memory."""
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
