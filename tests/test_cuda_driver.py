"""CUDA is used where it can be and told in words where it cannot; what is imported is let go of in the right order.

There is no GPU here. `Recorder` is no pretend GPU: it writes down the calls that are made and answers each with
success. Enums, structs and the names of functions are the real package's, which needs no driver for them.
"""

from __future__ import annotations

import ctypes
import importlib
import os
from types import SimpleNamespace
from typing import Any

import pytest
from cuda.bindings import driver as api
from cuda_recorder import SUCCESS, VALUES, PyCuda, Recorder

from bridge.errors import CudaNotUsable, DeviceError, DeviceFailed, DeviceMismatch, HandleRefused
from bridge.planes import view
from bridge.schema import HandleKind, PixelFormat, PlaneLayout, PlaneName
from bridge.signals import DONE, LET_GO, READY, Signals
from renderer import doctor
from renderer.cuda import driver as driver_module
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Driver, find, why_not
from renderer.cuda.gpu import CudaGpu, open_gpu
from renderer.cuda.kernels import FRAME
from renderer.cuda.planes import DevicePlane


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def pycuda() -> PyCuda:
    return PyCuda()


@pytest.fixture
def gpu(recorder: Recorder, pycuda: PyCuda) -> CudaGpu:
    return CudaGpu(GpuContext(Driver(recorder, pycuda)))


@pytest.fixture
def fd() -> int:
    return os.memfd_create("handed over")


def is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def test_here_cuda_is_not_usable_and_doctor_says_why() -> None:
    assert why_not() in ("there is no NVIDIA driver on this machine", "pycuda is not installed")
    row = next(found for found in doctor.examine() if found.name == "CUDA")
    assert not row.ok
    assert row.found == why_not()
    assert row.fix


@pytest.mark.parametrize(
    ("absent", "status", "version", "count", "words"),
    [
        ("cuda.bindings.driver", SUCCESS, 13_000, 1, "cuda-bindings is not installed"),
        ("pycuda.driver", SUCCESS, 13_000, 1, "pycuda is not installed"),
        ("", api.CUresult.CUDA_ERROR_NO_DEVICE, 13_000, 1, "a driver and no NVIDIA GPU"),
        ("", api.CUresult.CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 13_000, 1, "SYSTEM_DRIVER_MISMATCH"),
        ("", SUCCESS, 11_080, 1, "for CUDA 11.8, and 12.0 is needed"),
        ("", SUCCESS, 13_000, 0, "has no GPU"),
        ("", SUCCESS, 13_000, 1, ""),
    ],
)
def test_each_reason_has_its_words(
    recorder: Recorder, pycuda: PyCuda, monkeypatch: pytest.MonkeyPatch, absent: str, status: Any, version: int,
    count: int, words: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(VALUES, "cuDriverGetVersion", (version,))
    monkeypatch.setitem(VALUES, "cuDeviceGetCount", (count,))
    recorder.init_status = status

    def load(module: str) -> object:
        if module == absent:
            raise ModuleNotFoundError(module)
        return recorder if module == "cuda.bindings.driver" else pycuda

    if not words:
        assert find(load).bindings is recorder
        assert pycuda.calls == ["init"]
        return
    with pytest.raises(CudaNotUsable, match=words) as refused:
        find(load)
    assert refused.value.fix


def test_a_refusal_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def refuse(module: str) -> object:
        tried.append(module)
        raise ModuleNotFoundError(module)

    monkeypatch.setattr(importlib, "import_module", refuse)
    driver_module._found.cache_clear()
    for _ in range(3):
        with pytest.raises(CudaNotUsable):
            driver_module.driver()
    driver_module._found.cache_clear()
    assert tried == ["cuda.bindings.driver"]


def test_a_context_is_the_primary_one_and_is_left_last(recorder: Recorder, pycuda: PyCuda) -> None:
    context = GpuContext(Driver(recorder, pycuda))
    assert (context.uuid, context.stream, context.capability) == (bytes(range(16)).hex(), 77, (9, 0))
    context.wait()
    assert context.counters.cpu_waits == 1
    context.close()
    context.close()
    assert pycuda.calls == ["push", "synchronize", "pop"]


def test_an_error_of_pycuda_is_told_as_ours_and_nothing_stays_open(
    recorder: Recorder, pycuda: PyCuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: bytes) -> object:
        raise PyCuda.Error("module_from_buffer: PTX JIT compilation failed")

    pycuda.module_from_buffer = refuse  # type: ignore[assignment]
    monkeypatch.setattr("renderer.cuda.gpu.driver", lambda: Driver(recorder, pycuda))
    opened, why = open_gpu()
    assert opened is None
    assert "PTX JIT compilation failed" in why
    assert pycuda.calls[-1] == "pop"


def test_memory_is_imported_mapped_and_let_go_of_in_order(gpu: CudaGpu, recorder: Recorder, fd: int) -> None:
    memory = gpu.take_memory(HandleKind.VULKAN_FD, fd, 1 << 20, dedicated=True)
    handle = recorder.calls[-2][1][0]
    assert (handle.handle.fd, handle.size, handle.flags) == (fd, 1 << 20, 1)
    assert handle.type == api.CUexternalMemoryHandleType.CU_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD
    assert memory.address == 0x7000
    assert is_open(fd)  # the driver's now
    memory.close()
    memory.close()
    assert recorder.names == [
        "cuImportExternalMemory", "cuExternalMemoryGetMappedBuffer", "cuMemFree", "cuDestroyExternalMemory",
    ]  # fmt: skip
    os.close(fd)


def test_what_the_driver_refuses_is_held_by_nobody(gpu: CudaGpu, recorder: Recorder, fd: int) -> None:
    recorder.fails = "cuImportExternalMemory"
    with pytest.raises(DeviceFailed, match="cuImportExternalMemory failed with CUDA_ERROR_INVALID_HANDLE"):
        gpu.take_memory(HandleKind.VULKAN_FD, fd, 4096, dedicated=False)
    assert not is_open(fd)
    recorder.fails, recorder.calls = "cuExternalMemoryGetMappedBuffer", []
    with pytest.raises(DeviceFailed):
        gpu.take_memory(HandleKind.VULKAN_FD, fd, 4096, dedicated=False)
    assert recorder.names[-1] == "cuDestroyExternalMemory"
    recorder.fails, recorder.calls, other = "cuMemMap", [], os.memfd_create("another")
    with pytest.raises(HandleRefused, match="not of 4096 bytes: cuMemMap failed"):  # the driver knows its size
        gpu.take_memory(HandleKind.CUDA_FD, other, 4096, dedicated=False)
    assert recorder.names[-2:] == ["cuMemAddressFree", "cuMemRelease"]
    assert not is_open(other)


@pytest.mark.parametrize(
    ("size_bytes", "index", "refusal", "words"),
    [
        (4097, 0, HandleRefused, "multiples of 4096"),
        (4096, 1, DeviceMismatch, "lies on GPU 1, and the renderer's is 0"),
    ],
)
def test_cuda_memory_that_is_not_as_announced_is_refused_by_name(
    gpu: CudaGpu, recorder: Recorder, fd: int, monkeypatch: pytest.MonkeyPatch, size_bytes: int, index: int,
    refusal: type[Exception], words: str,
) -> None:  # fmt: skip
    made_of = SimpleNamespace(location=SimpleNamespace(id=index))
    monkeypatch.setitem(VALUES, "cuMemGetAllocationPropertiesFromHandle", (made_of,))
    with pytest.raises(refusal, match=words):
        gpu.take_memory(HandleKind.CUDA_FD, fd, size_bytes, dedicated=False)
    assert recorder.names == ["cuMemImportFromShareableHandle", "cuMemRelease"]
    assert not is_open(fd)


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(1 << 20, ""), (1 << 21, f"not of {1 << 21} bytes: it has {1 << 20}")]
)
def test_memory_is_opened_by_its_ipc_handle_and_closed(
    gpu: CudaGpu, recorder: Recorder, size_bytes: int, words: str
) -> None:
    token = bytes(range(64))
    if words:
        with pytest.raises(DeviceError, match=words):
            gpu.take_memory(HandleKind.CUDA_IPC, token, size_bytes, dedicated=False)
    else:
        memory = gpu.take_memory(HandleKind.CUDA_IPC, token, size_bytes, dedicated=False)
        assert memory.address == 0xA000
        memory.close()
        memory.close()
    handle, flags = recorder.calls[[name for name, _ in recorder.calls].index("cuIpcOpenMemHandle")][1]
    assert (ctypes.string_at(handle.getPtr(), 64), flags) == (token, 1)
    assert recorder.names[-1] == "cuIpcCloseMemHandle"
    assert recorder.names.count("cuIpcCloseMemHandle") == 1


def test_words_are_waited_for_and_written_on_the_one_stream_and_freed_without_the_driver(
    gpu: CudaGpu, recorder: Recorder
) -> None:
    engines = Signals.create()
    words = gpu.take_words(os.dup(engines.fd))
    words.ready.wait(41)
    words.done.signal(42)
    (_, waited), (_, written) = recorder.calls[-2:]
    assert waited == (77, 0xB000 + READY, 41, int(api.CUstreamWaitValue_flags.CU_STREAM_WAIT_VALUE_GEQ))
    assert written == (77, 0xB000 + DONE, 42, int(api.CUstreamWriteValue_flags.CU_STREAM_WRITE_VALUE_DEFAULT))
    recorder.calls = []
    words.ready.free(41)
    words.let_go()
    assert recorder.calls == []
    assert (engines[READY], engines[DONE], engines[LET_GO]) == (41, 0, 1)
    words.close()
    words.close()
    assert recorder.names == ["cuMemHostUnregister"]
    engines.close()


def test_what_is_no_page_of_signals_is_refused_and_so_is_a_gpu_that_cannot_wait_for_words(
    gpu: CudaGpu, recorder: Recorder, fd: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.ftruncate(fd, 4096)  # which could be cut off again
    file, engines = os.open(__file__, os.O_RDONLY), Signals.create()
    for refused in (fd, file):
        with pytest.raises(HandleRefused, match="no sealed page of 4096 bytes"):
            gpu.take_words(refused)
        assert not is_open(refused)
    monkeypatch.setitem(VALUES, "cuDeviceGetAttribute", (0,))
    page = os.dup(engines.fd)
    with pytest.raises(HandleRefused, match="cannot wait for words"):
        gpu.take_words(page)
    assert not is_open(page)
    engines.close()
    assert "cuMemHostRegister" not in recorder.names


def test_another_process_s_cuda_memory_is_unmapped_before_it_is_let_go_of(
    gpu: CudaGpu, recorder: Recorder, fd: int
) -> None:
    memory = gpu.take_memory(HandleKind.CUDA_FD, fd, 1 << 21, dedicated=False)
    assert memory.address == 0x9000
    assert not is_open(fd)  # an import leaves it ours
    assert recorder.names[-1] == "cuMemSetAccess"
    recorder.calls = []
    memory.close()
    assert recorder.names == ["cuMemUnmap", "cuMemAddressFree", "cuMemRelease"]


def test_a_semaphore_is_waited_for_and_signalled_on_the_one_stream(gpu: CudaGpu, recorder: Recorder, fd: int) -> None:
    timeline = gpu.take_timeline(HandleKind.VULKAN_FD, fd)
    timeline.wait(41)
    timeline.signal(42)
    (_, waited), (_, signalled) = recorder.calls[-2:]
    assert (waited[1][0].params.fence.value, waited[3]) == (41, 77)
    assert (signalled[1][0].params.fence.value, signalled[3]) == (42, 77)
    timeline.close()
    timeline.close()
    assert recorder.names.count("cuDestroyExternalSemaphore") == 1
    assert gpu.counters.cpu_waits == 0
    os.close(fd)


def test_a_kernel_is_given_one_struct_on_the_one_stream(gpu: CudaGpu, pycuda: PyCuda) -> None:
    for name, kind in FRAME.kinds.items():
        gpu.run(name, kind(width=640, height=360), 640, 360)
        launched = pycuda.launched[-1]
        assert launched[:3] == (name, (20, 45, 1), (32, 8, 1))
        assert launched[4] == bytes(kind(width=640, height=360))
        assert f"{name} {len(bytes(kind()))}s" in pycuda.calls


@pytest.mark.parametrize("form", [PixelFormat.RGBA16F, PixelFormat.R32F, PixelFormat.R32UI])
def test_a_tensor_is_told_the_same_places_as_an_array(form: PixelFormat) -> None:
    layout = PlaneLayout(name=PlaneName.COLOR, format=form, width=5, height=3, row_pitch_bytes=64, offset_bytes=64)
    array = view(bytearray(64 * 5), layout, writeable=True)
    told = DevicePlane(0x7040, layout, None).__cuda_array_interface__
    assert (told["shape"], told["strides"], told["typestr"]) == (array.shape, array.strides, array.dtype.str)
    assert told["data"] == (0x7040, False)
