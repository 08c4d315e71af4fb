"""How an engine is run, against a TensorRT of Python that works on the CPU's addresses: the calls, their order and what
is refused. The real library runs nothing without a GPU."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from bridge.errors import ModelFailed, ModelIncomplete, ModelMismatch, ModelTooLarge
from renderer.cuda.counters import Counters
from renderer.runtimes.engine_cache import EngineCache
from renderer.runtimes.on_device import Lane
from renderer.runtimes.tensorrt import Flavour
from renderer.runtimes.tensorrt_run import Kernels, TensorRt

SCRATCH = 4096


class Context:
    """Doubles `x` into `y`, [1, n]."""

    def __init__(self, said: list[str]) -> None:
        self.said, self.shape, self.places = said, (1, 0), dict[str, int]()
        self.scratch, self.runs, self.works = 0, 0, True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        self.shape = (shape[0], shape[1])
        return shape[1] <= 8

    def get_tensor_shape(self, name: str) -> tuple[int, ...]:
        return self.shape

    def set_tensor_address(self, name: str, place: int) -> bool:
        self.places[name] = place
        return True

    def update_device_memory_size_for_shapes(self) -> int:
        self.said.append("sized")
        return SCRATCH

    def set_device_memory(self, place: int, size: int) -> None:
        assert size == SCRATCH
        self.scratch = place

    def execute_async_v3(self, stream: int) -> bool:
        assert self.scratch
        self.said.append(f"run on {stream}")
        count = self.shape[1]
        x, y = (np.ctypeslib.as_array((ctypes.c_float * count).from_address(self.places[name])) for name in "xy")
        y[:] = 2.0 * x
        return self.works

    def is_stream_capturable(self, stream: int) -> bool:
        self.said.append("asked whether it can be captured")
        return True


class Compiled:
    def __init__(self) -> None:
        self.data = b""

    def deserialize(self, data: bytes) -> bool:
        self.data = data
        return True

    def serialize(self) -> bytes:
        return b"kernels"


class Fake:
    """What `tensorrt_run` uses of the module."""

    EngineStat = SimpleNamespace(TOTAL_WEIGHTS_SIZE=0)
    TensorIOMode = SimpleNamespace(INPUT=0, OUTPUT=1)
    ExecutionContextAllocationStrategy = SimpleNamespace(USER_MANAGED=2)
    DynamicShapesKernelSpecializationStrategy = SimpleNamespace(EAGER=1)

    class Logger:
        WARNING = 1

        def __init__(self, level: int) -> None: ...

    def __init__(self, *, takes: bool = True) -> None:
        self.said: list[str] = []
        self.context, self.compiled = Context(self.said), Compiled()
        settings = SimpleNamespace(
            set_execution_context_allocation_strategy=lambda it: None, create_runtime_cache=lambda: self.compiled,
            set_runtime_cache=lambda it: None,
        )  # fmt: skip
        engine = SimpleNamespace(
            num_io_tensors=2, get_tensor_name="xy".__getitem__, get_tensor_mode=lambda name: "xy".index(name),
            get_engine_stat=lambda it: 1000, get_device_memory_size_for_profile_v2=lambda n: 2 * SCRATCH,
            create_runtime_config=lambda: settings, create_execution_context=lambda it: self.context,
        )  # fmt: skip
        self.Runtime = lambda said: SimpleNamespace(
            deserialize_cuda_engine=lambda data: engine if takes else None,
            get_engine_validity=lambda data: ("INVALID", 64),
        )


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "engines", tmp_path / "key")


def loaded(fake: Fake, cache: EngineCache) -> TensorRt:
    flavour = Flavour("tensorrt_rtx", fake, "1.7.1")
    return TensorRt(flavour, b"engine", Lane("cpu"), "fp16", Kernels(cache, {"kernels_of": "this"}))


def test_addresses_are_given_as_they_are_and_a_step_only_queues(cache: EngineCache) -> None:
    fake = Fake()
    runtime = loaded(fake, cache)
    x, y = torch.arange(4.0).reshape(1, 4), torch.zeros(1, 4)
    step = runtime.bind_device([x], [y])
    assert fake.context.places == {"x": x.data_ptr(), "y": y.data_ptr()}
    assert fake.said == ["sized", "run on 0", "run on 0", "asked whether it can be captured"]
    x += 1.0
    step()
    assert y.tolist() == [[2.0, 4.0, 6.0, 8.0]]
    assert runtime.name == "tensorrt-rtx 1.7 cpu fp16"
    assert (runtime.weights_bytes, runtime.most_scratch_bytes) == (1000, 2 * SCRATCH)


def test_arrays_of_the_host_go_there_and_back(cache: EngineCache) -> None:
    x, y = np.ones((1, 4), np.float32), np.zeros((1, 4), np.float32)
    step = loaded(Fake(), cache).bind([x], [y])
    x[:] = 3.0
    step()
    assert y.tolist() == [[6.0] * 4]


def test_what_was_compiled_on_this_gpu_is_there_at_the_next_start(cache: EngineCache) -> None:
    first, second = Fake(), Fake()
    loaded(first, cache).bind_device([torch.zeros(1, 4)], [torch.zeros(1, 4)])
    assert first.compiled.data == b""
    loaded(second, cache)
    assert second.compiled.data == b"kernels"
    path = cache.path_of({"kernels_of": "this"})
    path.write_bytes(b"of somebody else")
    third = Fake()
    loaded(third, cache)
    assert third.compiled.data == b""


@pytest.mark.parametrize(
    ("x", "y"),
    [(torch.zeros(1, 9), torch.zeros(1, 9)), (torch.zeros(1, 4), torch.zeros(1, 5)),
     (torch.zeros(1, 4, dtype=torch.float16), torch.zeros(1, 4)), (torch.zeros(1, 8)[:, ::2], torch.zeros(1, 4))],
    ids=["larger than the profile", "another output", "half", "scattered"],
)  # fmt: skip
def test_buffers_of_another_kind_are_refused(cache: EngineCache, x: torch.Tensor, y: torch.Tensor) -> None:
    with pytest.raises(ModelMismatch):
        loaded(Fake(), cache).bind_device([x], [y])


def test_an_engine_that_this_gpu_does_not_take_is_named(cache: EngineCache) -> None:
    with pytest.raises(ModelIncomplete, match="does not take the engine on this GPU: INVALID, diagnostics 64"):
        loaded(Fake(takes=False), cache)


def test_a_call_that_does_not_run_is_an_error(cache: EngineCache) -> None:
    fake = Fake()
    step = loaded(fake, cache).bind_device([torch.zeros(1, 4)], [torch.zeros(1, 4)])
    fake.context.works = False
    with pytest.raises(ModelFailed, match="did not run"):
        step()


def test_memory_that_the_gpu_has_not_is_said_before_it_is_taken(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 << 20, 8 << 30))
    lane = cast(Lane, SimpleNamespace(device=torch.device("cuda"), handle=0, counters=Counters()))
    fake: Any = Fake()
    with pytest.raises(ModelTooLarge, match="weights are 4 MiB, and the GPU has 3 MiB free"):
        TensorRt(Flavour("tensorrt_rtx", fake, "1.7"), bytes(4 << 20), lane, "fp16", Kernels(cache, {}))
    assert fake.said == []
