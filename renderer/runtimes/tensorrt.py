"""TensorRT: full (`tensorrt`) or for RTX (`tensorrt_rtx`), whichever is installed and runs on the GPU that is here.

Both have one Python API (11.4 and 1.7 were read). Networks are strongly typed: the precision is the ONNX file's own.
An RTX engine is built without a GPU, for several generations at once, and compiled on the user's GPU when it is first
used; a full one is built on the GPU that runs it. `tensorrt_run.py` runs both.
"""

from __future__ import annotations

import hashlib
import importlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bridge.errors import MissingDependency, ModelFailed, ModelMismatch, ModelUnsafe
from renderer.adapters.weights import ports_of
from renderer.runtimes.half import in_precision

if TYPE_CHECKING:
    from renderer.runtimes.engine_cache import EngineCache
    from renderer.runtimes.engines import Profile
    from renderer.runtimes.gpu import Gpu
    from renderer.runtimes.tensorrt_run import TensorRt

MODULES = ("tensorrt_rtx", "tensorrt")
TITLES = {"tensorrt_rtx": "tensorrt-rtx", "tensorrt": "tensorrt"}
INSTALL = {
    "tensorrt_rtx": 'pip install "worldplate[tensorrt]"',
    "tensorrt": "pip install --extra-index-url https://pypi.nvidia.com tensorrt",
}
# What an RTX engine goes with, all in one file: RTX 30 (and A100), 40, 50, and Turing (RTX 20) where no layer is fp32.
IN_FP32 = ("SM80", "SM86", "SM89", "SM120", "SM121")
PORTABLE = ("SM75", *IN_FP32)
REPORT = "Report it, with the log; torch goes on."
log = logging.getLogger("worldplate.runtimes")


@dataclass(frozen=True)
class Flavour:
    """A TensorRT that is installed."""

    module: str  # a name of MODULES
    trt: Any  # what it imports as
    version: str

    @property
    def is_rtx(self) -> bool:
        return self.module == "tensorrt_rtx"

    @property
    def name(self) -> str:
        return f"{TITLES[self.module]} {'.'.join(self.version.split('.')[:2])}"

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Full TensorRT runs on all that its release knows, RTX on its targets alone: not on Hopper (9.0)."""
        return not self.is_rtx or target_of(capability) in PORTABLE


def wanted_for(capability: tuple[int, int] | None) -> str:
    """Which of MODULES a GPU of that compute capability wants; RTX where there is none, since it builds without one."""
    return "tensorrt_rtx" if capability is None or target_of(capability) in PORTABLE else "tensorrt"


def target_of(capability: tuple[int, int]) -> str:
    """As RTX calls it."""
    return f"SM{capability[0]}{capability[1]}"


def flavour(module: str) -> Flavour:
    """The one of that name. Raises MissingDependency."""
    try:
        trt = importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # without the driver's libraries the full one is an OSError
        raise MissingDependency(f"{module} cannot be loaded: {error}", fix=f"`{INSTALL[module]}`.") from error
    return Flavour(module, trt, str(trt.__version__))


def flavour_for(capability: tuple[int, int] | None) -> Flavour:
    """For a GPU of that compute capability, or with None for building ahead, which RTX alone can.

    Raises MissingDependency, saying which flavour the GPU wants.
    """
    missing = ""
    for module in MODULES:
        try:
            found = flavour(module)
        except MissingDependency as error:
            log.debug("%s", error)
            continue
        if found.is_rtx if capability is None else found.runs_on(capability):
            return found
        missing = f"{found.name} does not run on compute capability {capability}"
    raise MissingDependency(missing or "TensorRT is not installed", fix=f"`{INSTALL[wanted_for(capability)]}`.")


def maker_for(gpu: Gpu | None, precision: str = "fp16") -> TensorRtMaker:
    """With the flavour that runs on this GPU; with None one that builds ahead. Raises MissingDependency."""
    found = flavour_for(gpu.capability if gpu is not None else None)
    return TensorRtMaker(found.module, precision, gpu=str(gpu or ""))


class TensorRtMaker:
    """Makes and runs TensorRT's engines."""

    def __init__(self, module: str, precision: str = "fp16", targets: Sequence[str] = (), gpu: str = "") -> None:
        """`targets` are for RTX, all of the precision's without; `gpu` is for the full one: name, capability and driver
        of the GPU that it is for. Raises MissingDependency."""
        self._flavour = flavour(module)
        self.name, self.precision = self._flavour.name, precision
        self._targets = tuple(targets) or (PORTABLE if precision == "fp16" else IN_FP32)
        self._gpu = gpu
        self.arguments: Mapping[str, object] = {
            "module": module, "precision": precision, "targets": list(targets), "gpu": gpu,
        }  # fmt: skip

    def identity(self) -> dict[str, str]:
        """RTX engines go with any driver and any of their targets; what is compiled of them on the GPU does not, and is
        kept under its own identity."""
        device = " ".join(self._targets) if self._flavour.is_rtx else self._gpu
        return {"library": f"{self._flavour.module} {self._flavour.version}", "device": device}

    def build(self, network: Path, profile: Profile) -> bytes:
        """Raises ModelUnsafe for weights outside the ONNX's folder and operators of others, ModelMismatch for an ONNX
        that TensorRT does not take, ModelFailed when it does not build."""
        ports_of(network)
        with TemporaryDirectory(prefix="wp-half-") as place:  # weights may be read until the engine is there
            return self._built(network, in_precision(network, self.precision, Path(place)), profile)

    def _built(self, network: Path, prepared: Path, profile: Profile) -> bytes:
        """Of `prepared`, which is the network in the engine's precision."""
        trt, said = self._flavour.trt, _logger(self._flavour.trt)
        builder = trt.Builder(said)
        typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        definition = builder.create_network(typed)
        parser = trt.OnnxParser(definition, said)
        if not parser.parse_from_file(str(prepared)):
            errors = [parser.get_error(n) for n in range(parser.num_errors)]
            why = "; ".join(f"{error.node_operator()}: {error.desc()}" for error in errors)
            raise ModelMismatch(f"{self.name} does not take {network}: {why[:400]}", fix="Serve it with torch.")
        if parser.get_used_vc_plugin_libraries():
            raise ModelUnsafe(f"{network} wants a plugin", fix="Export it with ONNX's own operators.")
        engine = builder.build_serialized_network(definition, self._settings(builder, profile))
        if engine is None:
            raise ModelFailed(f"{self.name} did not build {network}: {said.last}", fix=REPORT)
        return bytes(engine)

    def _settings(self, builder: Any, profile: Profile) -> Any:
        trt, settings = self._flavour.trt, builder.create_builder_config()
        if self._flavour.is_rtx:
            settings.num_compute_capabilities = len(self._targets)
            for index, target in enumerate(self._targets):
                settings.set_compute_capability(getattr(trt.ComputeCapability, target), index)
        if hasattr(trt.BuilderFlag, "REQUIRE_USER_ALLOCATION"):
            settings.set_flag(trt.BuilderFlag.REQUIRE_USER_ALLOCATION)  # or the stream cannot be captured
        shapes = builder.create_optimization_profile()
        for name in profile.usual:
            shapes.set_shape(name, profile.least[name], profile.usual[name], profile.most[name])
        settings.add_optimization_profile(shapes)
        return settings

    def load(self, engine: bytes, cache: EngineCache) -> TensorRt:
        """Raises what `gpu_here` and `TensorRt` do."""
        from renderer.runtimes.gpu import gpu_here
        from renderer.runtimes.on_device import Lane
        from renderer.runtimes.tensorrt_run import Kernels, TensorRt

        identity = {"kernels_of": hashlib.sha256(engine).hexdigest(), "gpu": str(gpu_here()), **self.identity()}
        return TensorRt(self._flavour, engine, Lane("cuda"), self.precision, Kernels(cache, identity))


def _logger(trt: Any) -> Any:
    """Passes on what TensorRT says, and keeps its last complaint, which is all that there is of a reason."""

    class Said(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.last = "it does not say why"

        def log(self, severity: Any, message: str) -> None:
            if severity <= trt.ILogger.Severity.ERROR:
                self.last = message[:400]
                log.error("TensorRT: %s", message)
            else:
                log.debug("TensorRT: %s", message)

    return Said()
