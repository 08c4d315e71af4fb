"""A TensorRT engine on a GPU: its memory, its calls, its CUDA graphs. One thread uses it, on one stream.

Scratch memory is ours, taken per buffer set once its size is known, so that a call can be captured into a CUDA graph;
addresses of buffers are given as they are, and nothing is copied.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from bridge.errors import ConfigError, ModelFailed, ModelIncomplete, ModelMismatch, ModelTooLarge, ModelUnsafe
from renderer.runtimes import F32, Step
from renderer.runtimes.on_device import Lane, Tensors, staged

if TYPE_CHECKING:
    from renderer.runtimes.engine_cache import EngineCache
    from renderer.runtimes.tensorrt import Flavour

MIB = 1 << 20
WARM_CALLS = 2  # the first compiles what the size needs, the second is as all after it
log = logging.getLogger("worldplate.runtimes")


class Kernels:
    """What RTX has compiled of an engine on this GPU, kept for the next start; a cache that is not there costs that."""

    def __init__(self, cache: EngineCache, identity: Mapping[str, object]) -> None:
        self._cache, self._identity = cache, identity
        self._known = b""

    def find(self) -> bytes:
        try:
            self._known = self._cache.find(self._identity) or b""
        except (ModelUnsafe, ConfigError) as error:
            log.warning("kernels are compiled anew: %s", error)
        return self._known

    def keep(self, kernels: bytes) -> None:
        if kernels != self._known:
            try:
                self._cache.keep(self._identity, kernels)
            except (OSError, ConfigError) as error:
                log.warning("kernels are not kept for the next start: %s", error)
            self._known = kernels


class TensorRt:
    """An engine that is loaded. `weights_bytes` lie on the GPU from here on; scratch is taken for each set of buffers
    that is bound, and goes with its step."""

    def __init__(self, flavour: Flavour, engine: bytes, lane: Lane, precision: str, kernels: Kernels) -> None:
        """Raises ModelTooLarge when the GPU has no room for its weights, ModelIncomplete when this GPU or this release
        does not take the engine."""
        self._trt, self.lane, self._kernels, self.counters = flavour.trt, lane, kernels, lane.counters
        self.name = f"{flavour.name} {lane.device.type} {precision}"
        _check_room(lane, len(engine), "weights")  # the file is its weights, and a little
        # Its own logger: one of Python's would be called by threads that compile, which may wait for each other then.
        self._logger = self._trt.Logger(self._trt.Logger.WARNING)
        self._runtime = self._trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(engine)
        if self._engine is None:
            raise ModelIncomplete(
                f"{flavour.name} does not take the engine on this GPU{_why_not(self._runtime, engine)}",
                fix="Run `worldplate doctor`; the log has what it says.",
            )
        self.weights_bytes = int(self._engine.get_engine_stat(self._trt.EngineStat.TOTAL_WEIGHTS_SIZE))
        self.most_scratch_bytes = int(self._engine.get_device_memory_size_for_profile_v2(0))
        names = [self._engine.get_tensor_name(n) for n in range(self._engine.num_io_tensors)]
        modes = {name: self._engine.get_tensor_mode(name) for name in names}
        self._inputs = [name for name in names if modes[name] == self._trt.TensorIOMode.INPUT]
        self._outputs = [name for name in names if modes[name] == self._trt.TensorIOMode.OUTPUT]
        self._settings = self._runtime_settings(flavour.is_rtx)
        log.info("%s: %.1f MiB of weights, up to %.1f MiB of scratch for the largest picture", self.name,
                 self.weights_bytes / MIB, self.most_scratch_bytes / MIB)  # fmt: skip

    def _runtime_settings(self, is_rtx: bool) -> Any:
        trt, settings = self._trt, self._engine.create_runtime_config()
        settings.set_execution_context_allocation_strategy(trt.ExecutionContextAllocationStrategy.USER_MANAGED)
        if is_rtx:
            # Kernels of a size are compiled when it is bound, not behind the frames: a graph keeps those it has.
            eager = trt.DynamicShapesKernelSpecializationStrategy.EAGER
            settings.dynamic_shapes_kernel_specialization_strategy = eager
            self._compiled = settings.create_runtime_cache()
            if kept := self._kernels.find():
                self._compiled.deserialize(kept)
            settings.set_runtime_cache(self._compiled)
        return settings

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        return staged(inputs, outputs, self.lane, self.bind_device)

    def bind_device(self, inputs: Tensors, outputs: Tensors) -> Step:
        """A step over tensors on the GPU, float32 and contiguous, in the network's order: their addresses are given to
        TensorRT as they are, and the step only queues. They are the caller's; binding writes the outputs.

        Raises ModelMismatch for shapes that the engine does not take, ModelTooLarge when there is no room for its
        scratch, ModelFailed when it does not run.
        """
        context = self._engine.create_execution_context(self._settings)
        if context is None:
            raise ModelFailed(f"{self.name} gives no room to run in", fix="See the renderer's log.")
        self._place(context, inputs, outputs)
        scratch = self._scratch(context)

        def step(_alive: tuple[Tensors, Tensors, torch.Tensor] = (inputs, outputs, scratch)) -> None:
            if not context.execute_async_v3(self.lane.handle):
                raise ModelFailed(f"{self.name} did not run", fix="See the renderer's log.")

        for _ in range(WARM_CALLS):
            step()
        self.lane.rest()
        self._keep_kernels()
        capturable = getattr(context, "is_stream_capturable", None)
        return self.lane.captured(step) if capturable is None or capturable(self.lane.handle) else step

    def _place(self, context: Any, inputs: Tensors, outputs: Tensors) -> None:
        for name, tensor in zip(self._inputs, inputs, strict=True):
            if not context.set_input_shape(name, tuple(tensor.shape)):
                raise ModelMismatch(
                    f"the engine takes '{name}' not as {tuple(tensor.shape)}", fix="Show a picture of up to 3840x2160."
                )
        for name, tensor in zip([*self._inputs, *self._outputs], [*inputs, *outputs], strict=True):
            wanted = tuple(context.get_tensor_shape(name))
            if wanted != tuple(tensor.shape) or not tensor.is_contiguous() or tensor.dtype != torch.float32:
                raise ModelMismatch(
                    f"'{name}' is {tuple(tensor.shape)} of {tensor.dtype}, and {wanted} of float32 is what it must be",
                    fix="Bind buffers of the network's own shapes.",
                )
            if not context.set_tensor_address(name, tensor.data_ptr()):
                raise ModelMismatch(f"the engine does not take the memory of '{name}'", fix="See the renderer's log.")

    def _scratch(self, context: Any) -> torch.Tensor:
        needed = int(context.update_device_memory_size_for_shapes())
        _check_room(self.lane, needed, "scratch for this size of picture")
        with self.lane.used():  # torch hands it out again to this stream alone
            scratch = torch.empty(max(needed, 1), dtype=torch.uint8, device=self.lane.device)
        context.set_device_memory(scratch.data_ptr(), needed)
        return scratch

    def _keep_kernels(self) -> None:
        if hasattr(self, "_compiled"):
            self._kernels.keep(bytes(self._compiled.serialize()))


def _why_not(runtime: Any, engine: bytes) -> str:
    """What RTX makes of an engine that it did not load; the full one tells its log alone."""
    if not hasattr(runtime, "get_engine_validity"):
        return ""
    validity, diagnostics = runtime.get_engine_validity(engine)
    return f": {validity}, diagnostics {diagnostics}"


def _check_room(lane: Lane, needed_bytes: int, what: str) -> None:
    if lane.device.type != "cuda":
        return
    free_bytes, _ = torch.cuda.mem_get_info(lane.device)
    if needed_bytes > free_bytes:
        raise ModelTooLarge(
            f"{what} are {needed_bytes / MIB:.0f} MiB, and the GPU has {free_bytes / MIB:.0f} MiB free",
            fix="Close what else uses the GPU, show smaller pictures, or serve with --runtime onnxruntime.",
        )
