"""The family `onnx_i2i`: one image-to-image network as ONNX, one frame at a time.

Whatever the network was trained for, what it takes is in the manifest: which maps, in which order and range, go into
which of its inputs, and what its answer means.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bridge.errors import ConfigError, ManifestInvalid, ModelFailed, ModelMismatch, SnapshotCorrupt
from renderer.adapters.condition import Span
from renderer.adapters.encoder import Encoder
from renderer.adapters.families import Proposal, card_of, check_room, free_ram_mb
from renderer.adapters.fitting import Fitting
from renderer.adapters.folder import MANIFEST, ModelFolder, options_of
from renderer.adapters.weights import Port, Ports, ports_of
from renderer.runtimes import Network, Runtime, Step, load_runtime

if TYPE_CHECKING:
    from renderer.frame import RenderFrame
    from renderer.recall import World

F32 = NDArray[np.float32]
UNKNOWN_SIDE = 512  # proposed where the network takes any size
STRIDE = 32  # that sides of any size are rounded to: what most networks can halve
MOST_SIZES = 4  # of streams, for which sizes are worked out once
log = logging.getLogger("worldplate.adapters")


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[options]` of this family."""

    network: str = "model.onnx"  # the file
    output: str = ""  # the network's output that is the picture; "" is its first


@dataclass(frozen=True)
class Seen:
    """What a stream's next frame builds on: the span of depths, which moves slowly."""

    span: Span


class OnnxI2i:
    """A network that is loaded. It is used from one thread."""

    def __init__(self, folder: ModelFolder, runtime: str, threads: int) -> None:
        """Raises what `load` does."""
        self._manifest = folder.manifest
        self._encoder = Encoder(self._manifest)
        options = options_of(folder, Options)
        path = folder.file(options.network)
        ports = ports_of(path)
        for name in ports.external:
            folder.file(str(Path(options.network).parent / name))  # so that its hash was checked
        answers = check_ports(folder, ports, options.output)
        loaded = _runtime(path, runtime, threads)
        self.card = card_of(folder, loaded.name)
        size = self._manifest.size
        self._inputs = {port.name: np.zeros(_shape_of(port, size.height, size.width), np.float32)
                        for port in ports.inputs}  # fmt: skip
        self._outputs = [np.zeros(_shape_of(port, size.height, size.width), np.float32) for port in ports.outputs]
        self._answer = self._outputs[answers]
        self._run: Step = loaded.bind(list(self._inputs.values()), self._outputs)
        self._fittings: dict[tuple[int, int], Fitting] = {}
        self._network()  # the first call is slow, and a size that it does not take is found here

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        """Write the plate, float16 [H, W, 4], scene-linear, alpha 1. Raises MissingPlane, ModelFailed."""
        before = world.latents.span if isinstance(world.latents, Seen) else None
        tensors, span = self._encoder.encode(frame.planes, frame.header.camera, before)
        fitting = self._fitting(frame.width, frame.height)
        for name, tensor in tensors.items():
            fitting.into(tensor, self._inputs[name][0])
        self._network()
        self._encoder.into_plate(fitting.back(self._answer[0]), plate)
        world.latents = Seen(span)

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        if not isinstance(latents, Seen):
            return {}
        return {"span_m": np.array([latents.span.near_m, latents.span.far_m], np.float64)}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        if not arrays:
            return None
        span = arrays.get("span_m")
        if len(arrays) != 1 or span is None or span.shape != (2,) or not (0.0 < span[0] < span[1] < np.inf):
            raise SnapshotCorrupt(
                f"the snapshot's latents are not of {self.card.name}", fix="It was altered; take another snapshot."
            )
        return Seen(Span(float(span[0]), float(span[1])))

    def close(self) -> None:
        """Nothing is held beyond memory."""

    def _network(self) -> None:
        try:
            self._run()
        except _runtime_errors() as error:
            raise ModelFailed(
                f"the network of {self.card.name} broke: {error}",
                fix="Export it with fixed sizes of its inputs and outputs, or serve another model.",
            ) from error

    def _fitting(self, width: int, height: int) -> Fitting:
        if (width, height) not in self._fittings:
            if len(self._fittings) == MOST_SIZES:
                self._fittings.clear()
            self._fittings[width, height] = Fitting(self._manifest.size, width, height)
        return self._fittings[width, height]


def load(folder: ModelFolder, *, runtime: str = "auto", threads: int = 1) -> OnnxI2i:
    """Raises ModelMismatch when the network takes or gives other tensors than the manifest says, ModelTooLarge,
    ManifestInvalid, ModelIncomplete, ModelUnsafe, MissingDependency, ConfigError."""
    check_room(folder, free_ram_mb(), "this machine's memory")
    return OnnxI2i(folder, runtime, threads)


def propose(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """One ONNX that takes pictures and gives one, with the files of its weights."""
    networks = [file for file in files if file.suffix == ".onnx"]
    if len(networks) != 1:
        return None
    network = networks[0]
    ports = ports_of(network)
    pictures = [port for port in ports.inputs if len(port.shape) == 4]
    if not pictures or len(pictures) != len(ports.inputs) or len(ports.outputs[0].shape) != 4:
        return None
    beside = network.parent.relative_to(folder)
    used = (str(network.relative_to(folder)), *(str(beside / name) for name in ports.external))
    maps = [each for port in pictures for each in _maps_for(port)]
    height, width = (side or UNKNOWN_SIDE for side in pictures[0].shape[2:])
    told = {
        "family": "onnx_i2i", "size": {"width": width, "height": height}, "maps": maps,
        "options": {"network": used[0]},
    }  # fmt: skip
    missing = ["ranges: the file does not say whether it takes -1..1 or 0..1, and -1..1 is what most networks take"]
    if None in pictures[0].shape[2:]:
        missing.append(f"size: it takes any, {width}x{height} was put in")
    if any(port.shape[1] != 3 for port in pictures) or len(pictures) > 1:
        missing.append("maps: the file does not say which of its channels is what; see what its makers say")
    return Proposal(told, used, tuple(missing))


def check_ports(folder: ModelFolder, ports: Ports, output: str) -> int:
    """Which of the network's outputs is the picture. Raises ModelMismatch, ManifestInvalid."""
    manifest, place = folder.manifest, folder.path / MANIFEST
    tensors: Counter[str] = Counter()
    for map_ in manifest.maps:
        tensors[map_.into] += map_.planes_wide
    names = [port.name for port in ports.inputs]
    if sorted(names) != sorted(tensors):
        raise ModelMismatch(
            f"the network takes {', '.join(names)}, and the maps of {place} go into {', '.join(sorted(tensors))}",
            fix="Let `into` of each map name the network's input.",
        )
    for port in ports.inputs:
        _check_picture(folder, port, tensors[port.name], fixed=True)
    outputs = [port.name for port in ports.outputs]
    if output and output not in outputs:
        raise ManifestInvalid(f"{place}: the network has no output '{output}'", fix=f"It has: {', '.join(outputs)}.")
    index = outputs.index(output) if output else 0
    _check_picture(folder, ports.outputs[index], 3, fixed=False)
    return index


def _check_picture(folder: ModelFolder, port: Port, channels: int, *, fixed: bool) -> None:
    """Raises ModelMismatch for what is not [1, channels, H, W] in single precision; `fixed`: of the manifest's size."""
    place = f"'{port.name}' of {folder.manifest.name}'s network"
    shape = "x".join("any" if side is None else str(side) for side in port.shape)
    if port.dtype != "float32":
        raise ModelMismatch(
            f"{place} is {port.dtype or 'of no type'}, and is needed in float32",
            fix="Export it with float32 inputs and outputs; inside it may be of any type.",
        )
    if len(port.shape) != 4 or port.shape[0] not in (1, None) or port.shape[1] not in (channels, None):
        raise ModelMismatch(
            f"{place} is {shape}, and the manifest's maps make 1x{channels}xHxW",
            fix="Correct `maps`, or use the network that they were written for.",
        )
    size = folder.manifest.size
    sides = (size.height, size.width)
    if fixed and any(side not in (want, None) for side, want in zip(port.shape[2:], sides, strict=True)):
        raise ModelMismatch(
            f"{place} is {shape}, and the manifest's size is {size.width}x{size.height}",
            fix=f"Set it to width {port.shape[3]} and height {port.shape[2]}.",
        )


def _shape_of(port: Port, height: int, width: int) -> tuple[int, ...]:
    """Free sides are the network's size."""
    free = (1, port.shape[1] or 3, height, width)
    return tuple(free[axis] if side is None else side for axis, side in enumerate(port.shape))


def _maps_for(port: Port) -> list[dict[str, Any]]:
    """A guess at an input's channels: colour, then grey maps for what is over."""
    channels = port.shape[1] or 3
    order = ["color", "normal", "albedo"][: channels // 3]
    grey = ["depth", "roughness", "metallic"][: channels - 3 * len(order)]
    return [{"source": source, "into": port.name, "channels": 3} for source in order] + [
        {"source": source, "into": port.name, "channels": 1} for source in grey
    ]


def _runtime(path: Path, asked: str, threads: int) -> Runtime:
    """ONNX Runtime, or another that was asked for by name."""

    def no_module() -> Any:
        raise ConfigError("torch does not run ONNX files", fix="Choose onnxruntime or openvino as the runtime.")

    name = "onnxruntime" if asked == "auto" else asked
    try:
        return load_runtime(Network(no_module, path), name, threads=threads).runtime
    except _runtime_errors() as error:
        raise ModelMismatch(f"{path} cannot be run by {name}: {error}", fix="Export it anew.") from error


def _runtime_errors() -> tuple[type[Exception], ...]:
    """What runtimes raise; ONNX Runtime's have no root of their own."""
    try:
        from onnxruntime.capi import onnxruntime_pybind11_state as state
    except ImportError:
        return (RuntimeError,)
    own = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    return (RuntimeError, *own)
