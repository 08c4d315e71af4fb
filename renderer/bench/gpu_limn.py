"""Rows of `worldplate bench gpu`: limn's network by runtime, each in turns with torch's plain calls; limn whole, with
planes of the host; and whether TensorRT for RTX runs on this GPU."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import torch
from torch import nn

from bridge.errors import WorldplateError
from renderer.bench.model import View, views_of
from renderer.bench.moments import between_ms, moment
from renderer.cuda.counters import per_frame
from renderer.models.limn.held import profile, shapes_of
from renderer.models.limn.light import light_of
from renderer.models.limn.model import FOLDER, ONNX, Limn, network_of
from renderer.models.limn.plate import ANSWERS
from renderer.models.limn.weather import Weather
from renderer.report import percentiles
from renderer.runtimes import Network, Step
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.gpu import gpu_here
from renderer.runtimes.on_device import Lane, OnDevice, Tensors
from renderer.runtimes.tensorrt import TensorRtMaker, maker_for
from renderer.runtimes.tensorrt_run import TensorRt

Figures = dict[str, Any]
Size = tuple[int, int]
TURNS, BURST = 20, 10  # of each runtime, and calls in each
WHOLE_FRAMES = 9
MOST_THREADS = 8  # for what limn does on the CPU
SMALL = (320, 180)
SHIPPED = Network(module=partial(network_of, FOLDER), onnx=FOLDER / ONNX)
PRECISIONS = {"cuda": "fp16", "cpu": "fp32"}  # the CPU stands for a GPU in tests


class Eager(Lane):
    """Without CUDA graphs: each kernel is launched by a call of its own."""

    def captured(self, step: Step) -> Step:
        return step


class Staged(Lane):
    """Tells how long the way there, the network and the way back take, on the GPU's clock."""

    def __init__(self, device: str) -> None:
        super().__init__(device)
        self._moments: list[Any] = []
        self._is_bound = False  # before, and in a capture, nothing is told
        self.stages_ms: dict[str, list[float]] = {"to the GPU": [], "network": [], "back": []}

    def used(self) -> AbstractContextManager[object]:
        if self._is_bound and not self._moments:  # the first that a call asks for
            self._moments.append(moment(self.stream))
        return super().used()

    def captured(self, step: Step) -> Step:
        inner = super().captured(step)
        self._is_bound = True

        def told() -> None:
            self._moments.append(moment(self.stream))
            inner()
            self._moments.append(moment(self.stream))

        return told

    def wait(self) -> None:
        moments, self._moments = [*self._moments, moment(self.stream)], []
        super().wait()
        if len(moments) == len(self.stages_ms) + 1:  # a whole call, and not the binding
            for taken_ms, start, end in zip(self.stages_ms.values(), moments, moments[1:], strict=False):
                taken_ms.append(between_ms(start, end))


@dataclass(frozen=True)
class Bound:
    """A runtime over tensors that lie on the device."""

    name: str
    lane: Lane
    step: Step
    outputs: Tensors


class Beside:
    """Runtimes of limn's network for pictures of one size, over the same tensors."""

    def __init__(self, size: Size, device: str = "cuda") -> None:
        self._device, self._precision = device, PRECISIONS[device]
        shapes = shapes_of(*size)
        self._answers = (*shapes["x"][:3], ANSWERS)
        torch.manual_seed(0)
        self._inputs = [torch.rand(shape).to(device) for shape in shapes.values()]
        self._eager = self.bound(OnDevice(SHIPPED, self._precision, Eager(device)))

    def bound(self, runtime: OnDevice | TensorRt) -> Bound:
        """Its first calls are made here."""
        with runtime.lane.used():
            outputs = [torch.zeros(self._answers, device=self._device)]
        step = runtime.bind_device(self._inputs, outputs)
        return Bound(runtime.name, runtime.lane, step, outputs)

    def row(self, make: Callable[[], OnDevice | TensorRt]) -> Figures:
        """A runtime in turns with the plain calls."""
        bound = self.bound(make())
        plain_ms, own_ms, counted = list[float](), list[float](), Counter[str]()
        for _ in range(TURNS):
            plain_ms += burst(self._eager)[0]
            times_ms, figures = burst(bound)
            own_ms += times_ms
            counted.update(figures)
        return {
            "runtime": bound.name, "gpu_ms": percentiles(own_ms, (50, 99)),
            "eager_gpu_ms": percentiles(plain_ms, (50, 99)), "counters": dict(counted),
            "differs_rms": differs_rms(bound.outputs, self._eager.outputs),
        }  # fmt: skip

    def eager(self) -> OnDevice:
        return OnDevice(SHIPPED, self._precision, Eager(self._device))

    def graph(self) -> OnDevice:
        return OnDevice(SHIPPED, self._precision, Lane(self._device))

    def compiled(self) -> OnDevice:
        return OnDevice(Network(module=_compiled, onnx=SHIPPED.onnx), self._precision, Lane(self._device))

    def engine(self) -> TensorRt:
        """Raises MissingDependency where no TensorRT runs on this GPU, and what building and loading do."""
        return loaded(maker_for(gpu_here(), self._precision))


def measures(size: Size) -> Iterator[Callable[[], Figures]]:
    """The rows of one size, in the order of renderer.bench.gpu.LANES; the whole is last."""
    beside = Beside(size)
    for make in (beside.eager, beside.graph, beside.compiled, beside.engine):
        yield partial(beside.row, make)
    yield partial(whole, size, Staged("cuda"), views_of(*size))


def burst(bound: Bound) -> tuple[list[float], dict[str, int]]:
    """Milliseconds of BURST calls, queued one behind the other, and what they counted."""
    stream, before = bound.lane.stream, bound.lane.counters.so_far()
    moments = [moment(stream)]
    for _ in range(BURST):
        bound.step()
        moments.append(moment(stream))
    counted = bound.lane.counters.since(before)
    bound.lane.wait()  # ours, and none of the runtime's
    times_ms = [between_ms(start, end) for start, end in pairwise(moments)]
    return times_ms, counted | {"frames": BURST}


def differs_rms(ours: Tensors, theirs: Tensors) -> float:
    """The difference's share of what should be there; 0 is the same. NaN where either is not finite."""
    gap = sum(float((a - b).double().square().sum()) for a, b in zip(ours, theirs, strict=True))
    return round(math.sqrt(gap / sum(float(b.double().square().sum()) for b in theirs)), 6)


def whole(size: Size, lane: Lane, looks: list[View]) -> Figures:
    """limn's frame with planes of the host: features and plate on the CPU, the network on the lane's device."""
    limn = Limn(runtime="torch", threads=min(os.cpu_count() or 1, MOST_THREADS))
    canvas = limn.new_canvas(*size, OnDevice(SHIPPED, PRECISIONS[lane.device.type], lane))
    light = light_of(Weather(), 0)
    taken_ms: dict[str, list[float]] = {"features": [], "network": [], "plate": []}
    before = lane.counters.so_far()
    for number in range(WHOLE_FRAMES):
        see, plate = partial(canvas.see, *looks[number % len(looks)], light), partial(canvas.plate, light, 1.0)
        for name, call in (("features", see), ("network", canvas.network), ("plate", plate)):
            begun_s = time.perf_counter()
            call()
            taken_ms[name].append((time.perf_counter() - begun_s) * 1e3)
    on_gpu = lane.stages_ms if isinstance(lane, Staged) else {}
    return {
        "wall_ms": percentiles(map(sum, zip(*taken_ms.values(), strict=True)), (50, 99)),
        "stages_ms": {name: percentiles(ms, (50,)) for name, ms in taken_ms.items()},
        "gpu_stages_ms": {name: percentiles(ms, (50,)) for name, ms in on_gpu.items()},
        "counters": lane.counters.since(before), "per_frame": per_frame(lane.counters.since(before)),
    }  # fmt: skip


def answer() -> Figures:
    """Whether TensorRT for RTX runs here, whatever its documentation says; and what it says where it does not.

    Raises MissingDependency where it is not installed.
    """
    told: Figures = {"gpu": asdict(gpu_here())}
    maker = TensorRtMaker("tensorrt_rtx")
    try:
        bound = Beside(SMALL).bound(loaded(maker))
        bound.step()
        bound.lane.wait()
    except (WorldplateError, RuntimeError) as error:
        return told | {"runs": False, "runtime": maker.name, "said": str(error)[:600]}
    return told | {"runs": True, "runtime": bound.name}


def loaded(maker: TensorRtMaker) -> TensorRt:
    """Built and loaded here, past the user's cache."""
    engine = maker.build(SHIPPED.onnx, profile())
    with TemporaryDirectory(prefix="wp-engine-") as folder:
        return maker.load(engine, EngineCache(Path(folder) / "engines", Path(folder) / "engines.key"))


def _compiled() -> nn.Module:
    return cast(nn.Module, torch.compile(network_of(FOLDER), dynamic=False))
