"""Two queues on one GPU, and memory of the renderer's own: which calls of the driver they are."""

from __future__ import annotations

import pytest
from cuda_recorder import PyCuda, Recorder

from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Driver
from renderer.cuda.gpu import CudaGpu
from renderer.cuda.kernels import COPY, Copy


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def pycuda() -> PyCuda:
    return PyCuda()


@pytest.fixture
def gpu(recorder: Recorder, pycuda: PyCuda) -> CudaGpu:
    return CudaGpu(GpuContext(Driver(recorder, pycuda)))


def test_models_have_a_queue_of_their_own_that_follows_the_first_and_is_followed(
    gpu: CudaGpu, recorder: Recorder, pycuda: PyCuda
) -> None:
    first, aside = 77, 79
    recorder.calls = []
    with gpu.aside():
        gpu.run(COPY, Copy(width=8, height=8), 8, 8)
        made = gpu.mark()
    gpu.join(made)
    gpu.run(COPY, Copy(width=8, height=8), 8, 8)
    told = [(name, arguments) for name, arguments in recorder.calls if name in ("cuEventRecord", "cuStreamWaitEvent")]
    assert told == [
        ("cuEventRecord", ("event", first)), ("cuStreamWaitEvent", (aside, "event", 0)),
        ("cuEventRecord", ("event", aside)), ("cuStreamWaitEvent", (first, "event", 0)),
    ]  # fmt: skip
    assert [getattr(launched[3], "handle", 0) for launched in pycuda.launched[-2:]] == [aside, first]
    assert gpu.counters.cpu_waits == 0


def test_memory_of_its_own_is_counted_and_freed_once(gpu: CudaGpu, pycuda: PyCuda) -> None:
    memory = gpu.allocate(4096)
    assert (memory.address, gpu.counters.allocations) == (0x10000, 1)
    memory.close()
    memory.close()
    assert pycuda.calls.count("free") == 1
