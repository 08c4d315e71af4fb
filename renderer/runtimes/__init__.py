"""What runs a network: one small interface over torch, OpenVINO, ONNX Runtime and TensorRT, and the choice among them.

Only torch is required. The others are imported when they are chosen. TensorRT comes late: torch serves on the GPU until
its engine is there (`late.py`).
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.errors import ConfigError, MissingDependency

if TYPE_CHECKING:
    from torch import nn

    from renderer.cuda.counters import Counters
    from renderer.runtimes.engines import EngineMaker

F32 = NDArray[np.float32]
log = logging.getLogger("worldplate.runtimes")

NAMES = ("auto", "torch", "onnxruntime", "openvino", "cuda", "tensorrt")  # cuda is torch on the GPU
FASTEST_FIRST = ("openvino", "onnxruntime", "torch")  # on the CPU, by `worldplate bench model` on two cores with AVX2
PRECISIONS = ("fp32", "bf16")
EXTRAS = {"cuda": "gpu"}  # where another than the runtime's own name installs it

Step = Callable[[], None]  # reads and writes the arrays that it was bound to


@dataclass(frozen=True)
class Network:
    """One network in both of its forms."""

    module: Callable[[], nn.Module]  # makes it with its weights; tensors [1, C, H, W] or [1, C] in and out
    onnx: Path  # the same with its channels last, for any H and W that the module takes
    bears_bf16: bool = False  # its answers are good enough in bfloat16, which a test holds


class Runtime(Protocol):
    """A network that is loaded. It is used from one thread."""

    @property
    def name(self) -> str:
        """Package, version, device and precision, such as "openvino 2026.4 cpu fp32"."""

    @property
    def counters(self) -> Counters | None:
        """Of its way to a GPU and back; None where it runs on the CPU."""

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        """A call that reads the inputs and writes the outputs anew each time, in the order of the network's, each
        [1, H, W, C] or [1, C], C-contiguous. The arrays are the caller's; the step keeps them alive. Compiling for the
        sizes happens here, not in the first call."""


@dataclass(frozen=True)
class Loaded:
    """A runtime, and why it is this one."""

    runtime: Runtime
    why: str

    @property
    def label(self) -> str:
        """Runtime and reason in the 64 characters that WELCOME and STATUS have for them."""
        return f"{self.runtime.name}: {self.why}"[:64]


def load_runtime(network: Network, asked: str = "auto", *, threads: int = 1, precision: str = "") -> Loaded:
    """The runtime that was asked for, or with "auto" the fastest that is installed and starts: on the GPU where there
    is one. For "tensorrt" it is torch on the GPU, which serves until the engine of `late_maker` is there.

    Without `precision` it is fp16 on the GPU, and on the CPU fp32, or bf16 by OpenVINO where the processor multiplies
    it by itself and the network bears it. Raises ConfigError for an unknown name or a precision that the runtime does
    not have here, MissingDependency when what was asked for by name is not installed.
    """
    if asked not in NAMES:
        raise ConfigError(f"there is no runtime '{asked}'", fix=f"Choose one of: {', '.join(NAMES)}.")
    if asked == "tensorrt":
        first = "" if precision == "int8" else precision  # which torch has not
        return _told(Loaded(_load("cuda", network, threads, first), "until the engine is there"))
    if asked != "auto":
        return _told(Loaded(_load(asked, network, threads, precision), "asked for"))
    if (on_gpu := _on_gpu(network, threads, precision)) is not None:
        return _told(on_gpu)
    absent: list[str] = []
    for name in FASTEST_FIRST:
        try:
            runtime = _load(name, network, threads, precision)
        except MissingDependency as error:
            log.info("%s", error)
            absent.append(name)
        else:
            return _told(Loaded(runtime, f"no {', no '.join(absent)}" if absent else "the fastest here"))
    raise MissingDependency("no runtime can be loaded", fix='Install one with `pip install "worldplate[torch]"`.')


def late_maker(asked: str, precision: str = "") -> EngineMaker | None:
    """Who makes the engine that is to take over from what `load_runtime` gives; None when nobody is to.

    Raises MissingDependency when TensorRT was asked for by name, and is not installed for the GPU that is here.
    """
    if asked not in ("auto", "tensorrt"):
        return None
    from renderer.runtimes.gpu import gpu_here
    from renderer.runtimes.tensorrt import maker_for

    try:
        return maker_for(gpu_here(), precision or "fp16")
    except MissingDependency as error:
        if asked == "tensorrt":
            raise
        log.info("TensorRT is not used: %s", error)
        return None


def _on_gpu(network: Network, threads: int, precision: str) -> Loaded | None:
    """torch on the GPU where there is one."""
    try:
        return Loaded(_load("cuda", network, threads, precision), "on the GPU")
    except MissingDependency as error:
        log.info("%s", error)
    except RuntimeError as error:  # a driver that is too old, a GPU that this torch has no kernels for
        log.warning("the GPU is not used: %s", error)
    return None


def _told(loaded: Loaded) -> Loaded:
    log.info("the network runs on %s", loaded.label)
    return loaded


def _load(name: str, network: Network, threads: int, precision: str) -> Runtime:
    try:
        if name == "openvino":
            from renderer.runtimes.openvino import OpenVino

            return OpenVino(network, threads, precision)
        if name == "cuda":
            from renderer.runtimes.gpu import gpu_here
            from renderer.runtimes.on_device import Lane, OnDevice

            gpu_here()
            return OnDevice(network, precision or "fp16", Lane("cuda"))
        if name == "onnxruntime":
            from renderer.runtimes.onnxruntime import OnnxRuntime

            return OnnxRuntime(network, threads, precision or "fp32")
        from renderer.runtimes.torch import Torch

        return Torch(network, threads, precision or "fp32")
    except ImportError as error:
        fix = f'Install it with `pip install "worldplate[{EXTRAS.get(name, name)}]"`, or choose another --runtime.'
        raise MissingDependency(f"the runtime {name} cannot be loaded: {error}", fix=fix) from error


def title(distribution: str) -> str:
    """Name and version of a package as a runtime shows them, such as "openvino 2026.4"."""
    return f"{distribution} {'.'.join(importlib.metadata.version(distribution).split('.')[:2])}"


def no_such_precision(name: str, precision: str) -> ConfigError:
    return ConfigError(f"{name} does not run networks in {precision} on this CPU", fix="Use fp32.")
