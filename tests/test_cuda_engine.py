"""An engine in Python leaves its planes where its CUDA has them: the client, the exporter, the hand-over and the
renderer's import, as they are shipped, on a stand-in for the driver alone (tests/cuda_stand_in.py)."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cuda_stand_in import OK, Bindings, engine_gpu, renderer_gpu
from gpu_stage import CAMERA, FORMATS
from gpu_stand_in import UUID

from bridge import link
from bridge.client import Client
from bridge.errors import CudaNotUsable, DeviceFailed, MissingDependency, NotSupported, RingFull
from bridge.handles import path_beside
from bridge.handles_linux import HandleDoor
from bridge.planes import pack_layouts, view
from bridge.schema import (
    Disposition,
    LatePolicy,
    Limits,
    PixelFormat,
    PlaneName,
    RendererState,
    Result,
    SyncMode,
    Transport,
)
from bridge.shown import Shown
from bridge.signals import DONE
from renderer.cuda.export import FILE_DESCRIPTORS, CudaBuffers, EngineGpu, open_engine_gpu
from renderer.cuda.planes import DevicePlane
from renderer.cuda.take import taker_of
from renderer.cuda.words import STREAM_WORDS
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer
from renderer.terms import GpuSide

WIDTH, HEIGHT = 16, 8
EACH = {name: (form,) for name, form in FORMATS.items()}
HELD = {"allocations": 0, "addresses": 0, "registered": 0, "contexts": 0}


class House:
    """A renderer on a thread, whose driver is a stand-in, in a folder of its own."""

    def __init__(self, kernels: Path) -> None:
        self.bindings = Bindings(UUID)
        self.gpu = renderer_gpu(self.bindings, kernels)
        self._folder = tempfile.TemporaryDirectory()  # short: its path is a socket's
        self.folder = Path(self._folder.name)
        self.folder.chmod(0o700)
        self.link = link.listen(None, runtime_dir=self.folder)
        side = GpuSide(self.gpu, "")
        self.renderer = Renderer(self.link, Passthrough(), self.link.connection.token, Limits(), gpu_side=side)
        self.door = HandleDoor(path_beside(self.folder, os.getpid()), taker_of(self.renderer))
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.renderer.run, args=(self.stop,))
        self.thread.start()

    def close(self) -> None:
        self.stop.set()
        self.thread.join(20)
        self.door.close()
        self.link.close()
        self.gpu.close()
        self._folder.cleanup()
        assert self.bindings.held == HELD


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture
def house(kernels: Path) -> Iterator[House]:
    try:
        house = House(kernels)
    except MissingDependency as error:
        if os.environ.get("WORLDPLATE_REQUIRE_NATIVE"):
            pytest.fail(str(error))
        pytest.skip(f"THE KERNELS WERE NOT RUN: {error}")
    yield house
    house.close()


def on_cpu(plane: Any) -> np.ndarray[Any, Any]:
    """What the stand-in's GPU has, or what an array has."""
    if not isinstance(plane, DevicePlane):
        return np.asarray(plane)
    layout = plane.layout
    memory = (ctypes.c_char * (layout.row_pitch_bytes * layout.height)).from_address(plane.address)
    array = view(memory, layout, -layout.offset_bytes, writeable=True)
    array_of_gpu: np.ndarray[Any, Any] = array
    return array_of_gpu


class Engine:
    """A client whose GPU is a stand-in; both are closed together, and nothing of theirs is left."""

    def __init__(self, house: House, *lacks: str, **more: Any) -> None:
        self.bindings = Bindings(UUID, lacks=lacks)
        self.gpu = engine_gpu(self.bindings)
        options: dict[str, Any] = {"sync": SyncMode.LOCKSTEP, "late": LatePolicy.PASSTHROUGH, "frame_period_ms": 9000.0}
        file = house.folder / "connection.json"
        self.client = Client(WIDTH, HEIGHT, EACH, connection=file, gpu=self.gpu, **{**options, **more})
        self.house = house

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        until(lambda: not self.house.renderer.ask(lambda loop: loop.sessions).result(10))
        self.gpu.close()
        assert self.bindings.held == HELD

    def shown(self, color: float) -> Shown:
        """A frame of one colour, and what is shown of it."""
        slot = self.client.begin()
        on_cpu(slot.inputs[PlaneName.COLOR])[...] = color
        self.client.submit(slot, CAMERA)
        shown = self.client.present()
        assert shown is not None
        return shown

    def transport(self) -> Transport | None:
        self.client.tick()
        return self.client.welcome.transport if self.client.welcome is not None and self.client.attached else None


def until(happens: Callable[[], object]) -> None:
    for _ in range(4000):
        if happens():
            return
        time.sleep(0.005)
    pytest.fail("it does not happen")


@pytest.mark.parametrize(
    ("lacks", "waits"), [((), 0), ((FILE_DESCRIPTORS,), 0), ((STREAM_WORDS,), 6)],
    ids=["file descriptor", "IPC handle", "no words"],
)  # fmt: skip
def test_planes_and_plates_stay_where_the_engines_cuda_has_them(
    house: House, lacks: tuple[str, ...], waits: int
) -> None:
    with Engine(house, *lacks) as engine:
        engine.client.connect()
        assert engine.transport() is Transport.CUDA
        for number in range(1, 7):
            shown = engine.shown(number / 8)
            assert (shown.disposition, shown.on_device) == (Disposition.GENERATED, True)
            assert np.all(on_cpu(shown.plate) == on_cpu(shown.planes[PlaneName.COLOR]))
            assert on_cpu(shown.plate)[0, 0, 0] == np.float16(number / 8)
        with pytest.raises(NotSupported, match="lies on the GPU"):
            shown.picture()
        state = RendererState.RUNNING
        figures = house.renderer.ask(lambda loop: loop.sessions[0].status(state, "").gpu).result(10)
        assert figures == {
            "frames": 6, "host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": waits,
        }  # fmt: skip
        assert engine.client.bytes_copied == 0


def test_what_was_shared_by_ipc_is_freed_when_the_renderer_has_let_go_and_not_before(house: House) -> None:
    with Engine(house, FILE_DESCRIPTORS) as engine:
        engine.client.connect()
        stands_still, goes_on = threading.Event(), threading.Event()

        def stand(loop: Renderer) -> None:
            stands_still.set()
            goes_on.wait(20)

        house.renderer.ask(stand)
        assert stands_still.wait(20)
        engine.client.close()
        assert engine.bindings.held["allocations"] == 1
        goes_on.set()

        def is_free() -> bool:
            engine.gpu.free_closed()
            return engine.bindings.held["allocations"] == 0

        until(is_free)


def walk(folder: Path, lacks: tuple[str, ...], told: Connection) -> None:
    """An engine in a process of its own, until it is killed."""
    gpu = engine_gpu(Bindings(UUID, lacks=lacks))
    late, sync = LatePolicy.PASSTHROUGH, SyncMode.LOCKSTEP
    client = Client(
        WIDTH,
        HEIGHT,
        EACH,
        connection=folder / "connection.json",
        gpu=gpu,
        late=late,
        sync=sync,
        frame_period_ms=9000.0,
    )
    client.connect(60.0)
    for _ in range(3):
        client.submit(client.begin(), CAMERA)
        shown = client.present()
        told.send((shown.disposition, shown.on_device) if shown is not None else None)
    time.sleep(120)


@pytest.mark.parametrize("lacks", [(), (FILE_DESCRIPTORS,)], ids=["file descriptor", "IPC handle"])
def test_an_engine_that_is_killed_leaves_nothing_open_in_the_renderer(house: House, lacks: tuple[str, ...]) -> None:
    processes = multiprocessing.get_context("spawn")
    hears, told = processes.Pipe()
    engine = processes.Process(target=walk, args=(house.folder, lacks, told))
    engine.start()
    try:
        for _ in range(3):
            assert hears.poll(60)
            assert hears.recv() == (Disposition.GENERATED, True)
        assert (house.bindings.held["allocations"], house.bindings.held["registered"]) == (1, 1)
    finally:
        engine.kill()
        engine.join(20)
    until(lambda: not house.renderer.ask(lambda loop: loop.sessions).result(10))
    assert house.bindings.held == HELD


def test_an_engine_whose_own_driver_fails_goes_on_through_the_cpu(house: House) -> None:
    with Engine(house) as engine:
        engine.client.connect()
        assert engine.shown(0.5).disposition is Disposition.GENERATED
        engine.bindings.fails = "cuStreamWriteValue64"
        lost = engine.shown(0.25)
        assert lost.disposition is Disposition.PASSTHROUGH
        assert "cuStreamWriteValue64 failed with CUDA_ERROR_LAUNCH_FAILED" in lost.reason
        until(lambda: engine.transport() is Transport.SHM)
        shown = engine.shown(0.75)
        assert (shown.disposition, shown.on_device) == (Disposition.GENERATED, False)
        assert np.all(shown.picture()[..., :3] == np.float16(0.75))
        engine.bindings.fails = ""


def test_a_show_whose_renderer_s_gpu_breaks_goes_on_through_shared_memory_and_says_why(house: House) -> None:
    with Engine(house) as engine:
        engine.client.connect()
        assert engine.shown(0.5).disposition is Disposition.GENERATED
        session = house.renderer.ask(lambda loop: loop.sessions[0]).result(10)
        identity, world = session.id, session.worlds["main"]
        house.bindings.fails = "cuEventCreate"
        lost = engine.shown(0.25)
        why = "cuEventCreate failed with CUDA_ERROR_LAUNCH_FAILED"
        assert (lost.disposition, why in lost.reason) == (Disposition.PASSTHROUGH, True)
        until(lambda: engine.transport() is Transport.SHM)
        shown = engine.shown(0.75)
        assert (shown.disposition, shown.on_device) == (Disposition.GENERATED, False)
        assert np.all(shown.picture()[..., :3] == np.float16(0.75))
        status = house.renderer.ask(lambda loop: loop.sessions[0].status(RendererState.RUNNING, "")).result(10)
        assert (status.session, status.state) == (identity, RendererState.DEGRADED)
        assert f"planes left the GPU: {why}" in status.text
        assert session.worlds["main"] is world
    with Engine(house) as later:
        later.client.connect()
        assert later.transport() is Transport.SHM
        assert later.client.welcome is not None
        assert "the GPU has failed since the renderer started" in later.client.welcome.transport_reason


def test_an_engine_whose_word_never_comes_loses_the_gpu_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with Engine(house) as engine:
        engine.client.connect()
        monkeypatch.setattr("renderer.cuda.share.PATIENCE_MS", 20)
        monkeypatch.setattr(engine.bindings, "cuStreamWriteValue64", lambda *arguments: (OK,), raising=False)
        lost = engine.shown(0.25)
        assert (lost.disposition, "did not reach 1" in lost.reason) == (Disposition.PASSTHROUGH, True)
        until(lambda: engine.transport() is Transport.SHM)
        assert engine.shown(0.75).disposition is Disposition.GENERATED
    with Engine(house) as later:
        later.client.connect()
        assert later.transport() is Transport.CUDA


def buffers_of(gpu: EngineGpu) -> CudaBuffers:
    """Two slots of one plane each way."""
    inputs = pack_layouts({PlaneName.COLOR: PixelFormat.RGBA16F}, WIDTH, HEIGHT)
    return gpu.buffers(inputs, pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, WIDTH, HEIGHT), 2, 1, Limits())


def test_a_plate_is_given_once_the_renderer_s_gpu_says_that_it_is_whole() -> None:
    bindings = Bindings(UUID)
    gpu = engine_gpu(bindings)
    buffers = buffers_of(gpu)
    slot = buffers.begin(1)
    buffers.commit(slot)
    assert buffers.ready_value == 1
    result = Result(session="0" * 32, id=1, slot=slot.index, disposition=Disposition.GENERATED, done_value=1)
    buffers.accept(result, ())
    assert not buffers.is_done(result)
    assert buffers.plate(slot.index, 1) is None
    assert buffers._words is not None
    buffers._words.page[DONE] = 1
    assert buffers.is_done(result)
    assert buffers.plate(slot.index, 1) is not None
    assert buffers.plate(slot.index, 2) is None
    buffers.begin(2)
    with pytest.raises(RingFull, match="All 2 slots"):
        buffers.begin(3)
    buffers.close()
    buffers.close()
    gpu.close()
    assert bindings.held == HELD


@pytest.mark.parametrize("fails", ["cuMemMap", "cuMemHostRegister", "cuMemCreate"])
def test_what_cannot_be_made_leaves_nothing_behind(fails: str) -> None:
    bindings = Bindings(UUID)
    gpu = engine_gpu(bindings)
    bindings.fails = fails
    with pytest.raises(DeviceFailed, match=fails):
        buffers_of(gpu)
    gpu.close()
    assert bindings.held == HELD


def test_an_engine_without_cuda_is_told_why() -> None:
    with pytest.raises(CudaNotUsable, match="there is no NVIDIA driver on this machine"):
        open_engine_gpu()
