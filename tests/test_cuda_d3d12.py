"""A D3D12 engine's planes: packets go there and back, CUDA is asked for what they are, and every NT handle is closed.

There is neither Windows nor a GPU here. What CUDA is asked is written down (tests/cuda_recorder.py); handles are mere
numbers.
"""

from __future__ import annotations

import ctypes
import os
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from cuda.bindings import driver as api
from cuda_recorder import PyCuda, Recorder

from bridge import handles
from bridge.errors import DeviceFailed, DeviceMismatch, HandleRefused, WorldplateError
from bridge.handles import OF_D3D12, SEMAPHORES, SIGNALS, Handed, Offer, check, pack, unpack
from bridge.planes import BYTES_PER_PIXEL, payload_bytes, place
from bridge.schema import HandleKind, Limits, PixelFormat, PlaneLayout, PlaneName, Transport, Welcome
from renderer.cuda.context import GpuContext
from renderer.cuda.driver import Driver
from renderer.cuda.gpu import CudaGpu, open_gpu
from renderer.cuda.share import Share, check_device

LUID = "a1c3000500000000"  # 0x050000C3A1: most of its bytes are zeros, as most LUIDs' are
HEAP, RESOURCE = HandleKind.D3D12_HEAP, HandleKind.D3D12_RESOURCE
MEMORY, READY, DONE = 0x1A4, 0x1A8, 0x1AC
TOKEN = b"".join(value.to_bytes(8, "little") for value in (MEMORY, READY, DONE, 0, 0, 0, 0, 0))


def layout(name: PlaneName, form: PixelFormat, width: int = 16) -> PlaneLayout:
    row_pitch_bytes = width * BYTES_PER_PIXEL[form]
    return PlaneLayout(name=name, format=form, width=width, height=8, row_pitch_bytes=row_pitch_bytes, offset_bytes=0)


def offered(kind: HandleKind = HEAP, **changes: Any) -> Offer:
    inputs = place([layout(PlaneName.COLOR, PixelFormat.RGBA16F), layout(PlaneName.DEPTH, PixelFormat.R32F)], 0)
    outputs = place([layout(PlaneName.PLATE, PixelFormat.RGBA16F)], payload_bytes(inputs))
    slot_bytes = payload_bytes((*inputs, *outputs))
    offer = Offer(
        kind, "5" * 32, LUID, 1, 1 << 16, slot_bytes, 3, inputs, outputs, dedicated=kind is RESOURCE, token=TOKEN
    )
    return replace(offer, **changes)


def welcome_to(offer: Offer) -> Welcome:
    return Welcome(
        session=offer.session, model="passthrough", runtime="none", planes=offer.planes, outputs=offer.outputs,
        transport=Transport.CUDA,
    )  # fmt: skip


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def gpu(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> CudaGpu:
    """As on Windows."""
    monkeypatch.setattr(handles, "HERE", OF_D3D12)
    gpu = CudaGpu(GpuContext(Driver(recorder, PyCuda())))
    gpu.luid = LUID
    return gpu


class Pulled:
    """Handles of this process, and those that were closed."""

    def __init__(self, offer: Offer) -> None:
        self.closed: list[int] = []
        self.handed = Handed(offer, [11, 12, 13], os.getpid(), self.closed.append)


@pytest.mark.parametrize("kind", [HEAP, RESOURCE])
def test_a_packet_comes_back_as_it_was_with_the_engines_handles_and_its_luid(kind: HandleKind) -> None:
    offer = offered(kind)
    again = unpack(pack(offer))
    assert again == offer
    assert (again.engine_handles, again.handle_count) == ((MEMORY, READY, DONE), 3)
    packet = pack(offer)
    assert int.from_bytes(packet[32:40], "little") == int(LUID, 16)
    assert packet[40:48] == bytes(8)
    check(again, Limits())


@pytest.mark.parametrize("semaphores", [0, SIGNALS, 3])
def test_both_fences_come_always(semaphores: int) -> None:
    packet = bytearray(pack(offered()))
    packet[80] = semaphores
    with pytest.raises(HandleRefused, match=f"{semaphores} semaphores are announced for d3d12_heap"):
        unpack(bytes(packet))
    assert unpack(pack(offered())).semaphores == SEMAPHORES


def test_a_resource_that_is_not_dedicated_is_refused() -> None:
    with pytest.raises(HandleRefused, match="a d3d12_resource came with `dedicated` 0"):
        check(offered(RESOURCE, dedicated=False), Limits())


def test_a_packet_with_a_longer_name_of_the_gpu_than_a_luid_is_of_another_gpu(gpu: CudaGpu) -> None:
    pulled = Pulled(unpack(pack(offered(device=LUID + "0" * 15 + "1"))))
    with pytest.raises(DeviceMismatch, match=f"on GPU {LUID}0000000000000001, and the renderer's is {gpu.uuid}"):
        Share(gpu, pulled.handed, welcome_to(pulled.handed.offer), Limits())


@pytest.mark.parametrize(
    ("kind", "name", "flags"),
    [(HEAP, "D3D12_HEAP", 0), (RESOURCE, "D3D12_RESOURCE", int(api.CUDA_EXTERNAL_MEMORY_DEDICATED))],
)
def test_cuda_is_asked_for_the_memory_and_both_fences_and_handles_stay_ours_to_close(
    gpu: CudaGpu, recorder: Recorder, kind: HandleKind, name: str, flags: int
) -> None:
    pulled = Pulled(offered(kind))
    share = Share(gpu, pulled.handed, welcome_to(pulled.handed.offer), Limits())
    asked = [(name, given[0]) for name, given in recorder.calls if name.startswith("cuImport")]
    assert [name for name, _ in asked] == ["cuImportExternalMemory", *["cuImportExternalSemaphore"] * 2]
    memory, ready, done = (description for _, description in asked)
    assert memory.type == getattr(api.CUexternalMemoryHandleType, f"CU_EXTERNAL_MEMORY_HANDLE_TYPE_{name}")
    assert (memory.handle.win32.handle, memory.handle.win32.name, memory.size, memory.flags) == (11, 0, 1 << 16, flags)
    for fence, handle in ((ready, 12), (done, 13)):
        assert fence.type == api.CUexternalSemaphoreHandleType.CU_EXTERNAL_SEMAPHORE_HANDLE_TYPE_D3D12_FENCE
        assert (fence.handle.win32.handle, fence.handle.win32.name, fence.flags) == (handle, 0, 0)
    pulled.handed.close()
    pulled.handed.close()
    assert sorted(pulled.closed) == [11, 12, 13]
    recorder.calls = []
    share.close()
    assert recorder.names == [
        "cuDestroyExternalSemaphore", "cuDestroyExternalSemaphore", "cuMemFree", "cuDestroyExternalMemory",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("function", "left"),
    [
        ("cuImportExternalMemory", []),
        ("cuExternalMemoryGetMappedBuffer", ["cuDestroyExternalMemory"]),
        ("cuImportExternalSemaphore", ["cuMemFree", "cuDestroyExternalMemory"]),
    ],
)
def test_what_the_driver_refuses_is_named_let_go_of_and_closed(
    gpu: CudaGpu, recorder: Recorder, function: str, left: list[str]
) -> None:
    pulled = Pulled(offered())
    recorder.fails = function
    with pytest.raises(DeviceFailed, match=f"{function} failed with CUDA_ERROR_INVALID_HANDLE"):
        Share(gpu, pulled.handed, welcome_to(pulled.handed.offer), Limits())
    assert recorder.names[recorder.names.index(function) + 1 :] == left
    pulled.handed.close()
    assert sorted(pulled.closed) == [11, 12, 13]


@pytest.mark.parametrize(
    ("offer", "words"),
    [
        (offered(device="b1c3000500000000"), "on GPU b1c3000500000000, and the renderer's is a1c3000500000000"),
        (offered(RESOURCE, dedicated=False), "`dedicated` 0"),
        (offered(HandleKind.VULKAN_FD, device=bytes(range(16)).hex()), "vulkan_fd is not handed over on this system"),
        (offered(session="6" * 32), "of another session"),
        (offered(outputs=()), "what WELCOME agreed: plate rgba16f 16x8"),
    ],
    ids=["another GPU", "not dedicated", "a kind of Linux", "another session", "without a plate"],
)
def test_what_is_not_as_agreed_is_refused_before_cuda_hears_of_it(
    gpu: CudaGpu, recorder: Recorder, offer: Offer, words: str
) -> None:
    pulled = Pulled(offer)
    with pytest.raises(WorldplateError, match=words):
        Share(gpu, pulled.handed, welcome_to(offered()), Limits())
    pulled.handed.close()
    assert recorder.names == []
    assert sorted(pulled.closed) == [11, 12, 13]


def test_elsewhere_than_on_windows_a_d3d12_engines_packet_is_refused_by_name(
    gpu: CudaGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handles, "HERE", frozenset(HandleKind) - OF_D3D12)
    pulled = Pulled(offered())
    words = "d3d12_heap is not handed over on this system. Hand over one of: vulkan_fd, cuda_fd, cuda_ipc"
    with pytest.raises(HandleRefused) as refused:
        Share(gpu, pulled.handed, welcome_to(pulled.handed.offer), Limits())
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("device", "luid", "words"),
    [
        (LUID, LUID, ""),
        ("0" * 31 + "7", LUID, ""),
        (LUID, "", f"names its GPU by the LUID {LUID}, and the renderer's system has none"),
        ("0" * 16, LUID, f"on GPU {'0' * 16}, and the renderer's is {LUID}"),
        ("", LUID, "on GPU unknown, and the renderer's is 0000"),
    ],
)
def test_a_gpu_is_known_by_its_uuid_or_its_luid(device: str, luid: str, words: str) -> None:
    gpu: Any = SimpleNamespace(uuid="0" * 31 + "7", luid=luid, name="a GPU")
    if not words:
        check_device(device, gpu)
        return
    with pytest.raises(DeviceMismatch, match=words) as refused:
        check_device(device, gpu)
    assert refused.value.fix


@pytest.mark.parametrize(("status", "found"), [(0, LUID), (801, "")], ids=["a GPU for graphics", "one without a LUID"])
def test_a_luid_is_asked_of_the_driver_itself_and_has_all_its_bytes(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, status: int, found: str
) -> None:
    """cuda-bindings would end the bytes at the first zero."""

    def answer(luid: Any, nodes: Any, device: int) -> int:
        luid.raw, nodes._obj.value = bytes.fromhex(LUID), 1
        return status

    monkeypatch.setattr(ctypes, "WinDLL", lambda name: SimpleNamespace(cuDeviceGetLuid=answer), raising=False)
    driver = Driver(recorder, PyCuda())
    assert driver.luid(0) == ""  # here
    monkeypatch.setattr(sys, "platform", "win32")
    assert driver.luid(0) == found


def test_planes_stay_on_the_gpu_under_windows_too(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("renderer.cuda.gpu.driver", lambda: Driver(recorder, PyCuda()))
    monkeypatch.setattr(Driver, "luid", lambda self, index: LUID)
    for platform, is_there in (("win32", True), ("linux", True), ("darwin", False)):
        monkeypatch.setattr(sys, "platform", platform)
        opened, why = open_gpu()
        assert (opened is not None) == is_there
        assert is_there or "under Linux and Windows alone" in why
        if opened is not None:
            assert opened.luid == LUID
            opened.close()
