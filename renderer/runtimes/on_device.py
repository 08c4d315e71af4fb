"""A network on a device with memory of its own: torch there, and the way there and back for arrays of the host.

`bind_device` takes tensors that lie on the device already: that is the way without a copy. `bind` is the way round for
arrays of the host, through page-locked memory: one copy each way, and one wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch

from renderer.cuda.counters import Counters
from renderer.runtimes import F32, Network, Step, no_such_precision, title

Tensors = Sequence[torch.Tensor]
BindDevice = Callable[[Tensors, Tensors], Step]
KINDS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}

CAPTURING = threading.Lock()  # torch captures one graph at a time in a process
REST_S = 2.0  # that a queue has to come to rest in, when something is bound: longer than an engine is waited for
REST_STEP_S = 0.0005


class Lane:
    """A device's queue of work: a CUDA stream, or the CPU, where each call has ended when it returns."""

    def __init__(self, device: str, stream: torch.cuda.Stream | None = None, counters: Counters | None = None) -> None:
        """`stream` and `counters` are the caller's; without a stream the lane makes its own on a CUDA device."""
        self.device = torch.device(device)
        self.stream, self.counters = stream, counters or Counters()
        if stream is None and self.device.type == "cuda":
            self.stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call]

    @property
    def handle(self) -> int:
        """cudaStream_t as a number; 0 on the CPU."""
        return 0 if self.stream is None else int(self.stream.cuda_stream)

    def used(self) -> AbstractContextManager[object]:
        """What torch does inside is queued here."""
        return nullcontext() if self.stream is None else torch.cuda.stream(self.stream)

    def wait(self) -> None:
        """Until all that is queued has been done. The CPU stands still meanwhile, and it is counted."""
        self.counters.cpu_waits += 1
        if self.stream is not None:
            self.stream.synchronize()

    def rest(self) -> None:
        """As `wait`, and not for ever: what is queued may wait for an engine that is dead, and it may be the caller who
        is to end that. Raises RuntimeError."""
        self.counters.cpu_waits += 1
        until_s = time.monotonic() + REST_S
        while self.stream is not None and not self.stream.query():
            if time.monotonic() > until_s:
                raise RuntimeError(f"the GPU's queue did not come to rest in {REST_S:.0f} s")
            time.sleep(REST_STEP_S)

    def captured(self, step: Step) -> Step:
        """The step as one CUDA graph, which reads and writes the same addresses each time; on the CPU as it is.

        A graph holds addresses and nothing that lies there, so the step is kept with it, and what the step holds.
        """
        if self.stream is None:
            return step
        graph = torch.cuda.CUDAGraph()
        with CAPTURING, self.used():
            self.rest()
            # `torch.cuda.graph` would wait for every queue of the GPU first, an engine's too.
            graph.capture_begin(capture_error_mode="thread_local")
            try:
                step()
            finally:
                graph.capture_end()

        def replay(_alive: Step = step) -> None:
            with self.used():
                graph.replay()

        return replay


def staged(inputs: Sequence[F32], outputs: Sequence[F32], lane: Lane, bind_device: BindDevice) -> Step:
    """A step over arrays of the host, by way of twins on the lane's device. It returns when the outputs are there, and
    counts what it copied."""
    pinned, counters = lane.device.type == "cuda", lane.counters
    there_bytes, back_bytes = (sum(array.nbytes for array in arrays) for arrays in (inputs, outputs))
    ours, theirs = ([torch.from_numpy(array) for array in arrays] for arrays in (inputs, outputs))
    with lane.used():  # or they would be filled on another stream, which this one does not wait for
        there = [[torch.zeros(t.shape, device=lane.device) for t in tensors] for tensors in (ours, theirs)]
    locked = [[torch.empty(t.shape, pin_memory=pinned) for t in tensors] for tensors in (ours, theirs)]
    step = bind_device(*there)

    def call() -> None:
        with torch.inference_mode(), lane.used():
            for source, page, twin in zip(ours, locked[0], there[0], strict=True):
                twin.copy_(page.copy_(source), non_blocking=True)
            counters.host_to_device_bytes += there_bytes
            step()
            for page, twin in zip(locked[1], there[1], strict=True):
                page.copy_(twin, non_blocking=True)
            counters.device_to_host_bytes += back_bytes
            lane.wait()
            counters.frames += 1
            for target, page in zip(theirs, locked[1], strict=True):
                target.copy_(page)

    return call


class OnDevice:
    """torch's own kernels on a device."""

    def __init__(self, network: Network, precision: str, lane: Lane) -> None:
        """Raises ConfigError for a precision that torch does not have there, RuntimeError for a device that is not."""
        if precision not in KINDS:
            raise no_such_precision("torch", precision)
        self.lane, self._kind, self.counters = lane, KINDS[precision], lane.counters
        _try_out(lane, self._kind)
        with lane.used():
            self._module = network.module().eval().to(lane.device, self._kind)
        self.name = f"{title('torch')} {lane.device.type} {precision}"

    def bind(self, inputs: Sequence[F32], outputs: Sequence[F32]) -> Step:
        return staged(inputs, outputs, self.lane, self.bind_device)

    def bind_device(self, inputs: Tensors, outputs: Tensors) -> Step:
        """As `bind`, over float32 tensors on the device, in the network's order and channels last: they are read and
        written in place, and the step only queues. They are the caller's; binding writes the outputs once."""
        sources, targets = ([_channels_second(tensor) for tensor in tensors] for tensors in (inputs, outputs))

        def step() -> None:
            with torch.inference_mode(), self.lane.used():
                for target, answer in zip(targets, self._module(*(s.to(self._kind) for s in sources)), strict=True):
                    target.copy_(answer)

        step()  # the first call of a size looks for its kernels, and takes its memory
        self.lane.rest()
        return self.lane.captured(step)


def _try_out(lane: Lane, kind: torch.dtype) -> None:
    """Raises RuntimeError on a GPU that this torch has no kernels for, before a frame needs one."""
    with torch.inference_mode(), lane.used():
        pixel = torch.zeros(1, 1, 1, 1, device=lane.device, dtype=kind)
        torch.nn.functional.conv2d(pixel, pixel)
    lane.wait()


def _channels_second(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.permute(0, 3, 1, 2) if tensor.dim() == 4 else tensor
