"""Buffers are handed over by real file descriptors, used in place, refused by name, and let go of whatever happens.

There is no GPU here: memory is a memfd, kernels run on the CPU (tests/gpu_stand_in.py). All else is the product's.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from gpu_stage import SLOTS, Stage, frame_of
from gpu_stand_in import UUID, StandIn

from bridge import handles, handles_linux
from bridge.errors import DeviceFailed, DeviceTimeout, HandleRefused, NotSupported, ProtocolError, TransportError
from bridge.handles import SEMAPHORES, SIGNALS, Handed, pack, unpack
from bridge.planes import views
from bridge.schema import (
    Disposition,
    Error,
    HandleKind,
    Limits,
    PlaneName,
    PlanesAck,
    Record,
    Release,
    RendererState,
    Result,
    Transport,
    Welcome,
)
from renderer.cuda.share import PATIENCE_MS, Share
from renderer.models import ModelCard
from renderer.terms import GpuSide


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("share")


@pytest.fixture
def stage(folder: Path) -> Iterator[Stage]:
    stage = Stage(StandIn.or_skip(folder), folder)
    yield stage
    stage.close()


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_packet_comes_back_as_it_was(stage: Stage) -> None:
    welcome = stage.hello()
    assert isinstance(welcome, Welcome)
    offer = stage.offer(welcome, dedicated=True, generation=9, kind=HandleKind.CUDA_FD, semaphores=0)
    assert unpack(pack(offer)) == offer
    named = replace(offer, kind=HandleKind.CUDA_IPC, semaphores=SIGNALS, token=bytes(range(64)))
    assert unpack(pack(named)) == named
    assert named.handle_count == 1
    for other in (replace(named, semaphores=SEMAPHORES), replace(named, kind=HandleKind.VULKAN_FD)):
        with pytest.raises(HandleRefused, match="semaphores are announced for"):
            unpack(pack(other))


def test_every_broken_packet_is_refused(stage: Stage) -> None:
    welcome = stage.hello()
    assert isinstance(welcome, Welcome)
    packet = pack(stage.offer(welcome))
    for at, value in ((0, 0), (8, 9), (12, 7), (80, 1), (84, 17), (256, 99), (260, 99)):
        broken = bytearray(packet)
        broken[at : at + 4] = value.to_bytes(4, "little")
        with pytest.raises(HandleRefused):
            unpack(bytes(broken))
    with pytest.raises(HandleRefused):
        unpack(packet[:-1])


def test_no_packet_whatever_breaks_the_reader(stage: Stage) -> None:
    welcome = stage.hello()
    assert isinstance(welcome, Welcome)
    packet, rng, refused = pack(stage.offer(welcome)), np.random.default_rng(3), 0
    for turn in range(2000):
        broken = np.frombuffer(packet, np.uint8).copy()
        places = rng.integers(0, 512, rng.integers(1, 9))  # where head and planes are
        broken[places] = rng.choice(np.array([0, 1, 127, 128, 255], np.uint8), len(places))
        try:
            handles.check(unpack(broken.tobytes() if turn % 10 else rng.bytes(turn % 1100)), Limits())
        except (HandleRefused, ProtocolError):
            refused += 1
    assert 1000 < refused < 2000  # a session's or a device's other name is for whoever knows them to refuse


def test_a_frame_goes_round_in_the_engines_own_memory_and_nothing_is_copied(stage: Stage) -> None:
    welcome, offer = stage.handed_over()
    assert stage.memory is not None
    ready, done = stage.gpu.timelines
    rng = np.random.default_rng(1)
    for number in range(1, 7):
        base = number % SLOTS * offer.slot_bytes
        color = views(stage.memory, offer.planes, base, writeable=True)[PlaneName.COLOR]
        color[...] = rng.normal(0, 1, color.shape)
        ready.value = number
        result = stage.ask(frame_of(welcome, number, number % SLOTS))
        assert isinstance(result, Result)
        assert (result.disposition, result.done_value, result.host_bytes_copied) == (
            Disposition.GENERATED, number, 0,
        )  # fmt: skip
        assert done.value == number
        plate = views(stage.memory, offer.outputs, base, writeable=False)[PlaneName.PLATE]
        assert np.array_equal(plate, color)
    assert ready.waited == [1, 2, 3, 4, 5, 6]
    figures = stage.renderer.sessions[0].status(RendererState.RUNNING, "").gpu
    assert figures == {
        "frames": 6, "host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": 0,
    }  # fmt: skip


def test_without_semaphores_each_waits_for_itself_and_it_is_counted(stage: Stage) -> None:
    welcome, _ = stage.handed_over(semaphores=0)
    result = stage.ask(frame_of(welcome, 1, 0, ready_value=0))
    assert isinstance(result, Result)
    assert result.done_value == 0
    assert stage.renderer.sessions[0].status(RendererState.RUNNING, "").gpu["cpu_waits"] == 1
    refused = stage.ask(frame_of(welcome, 2, 0, ready_value=5))
    assert isinstance(refused, Error)
    assert "semaphores were not handed over" in refused.text


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"device": "f" * 32}, "device_mismatch", "GPU " + "f" * 32),
        ({"slot_count": 99}, "limit_exceeded", "max_slots"),
        ({"memory_bytes": 1 << 40}, "limit_exceeded", "max_shared_bytes"),
        ({"memory_bytes": 640}, "handle_refused", "do not lie in 640"),
        ({"slot_bytes": 1000}, "handle_refused", "multiple of 64"),
        ({"pitch": 132}, "handle_refused", "row pitch of 132"),
        ({"pitch": 64}, "invalid_value", "row pitch of 64"),
        ({"width": 15}, "invalid_value", "15x8"),
        ({"like": "file"}, "handle_refused", "of a file"),
        ({"pid": 1}, "handle_refused", "of process 1"),
        ({"fails": "timeline"}, "device_failed", "cuImportExternalSemaphore"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_not_as_agreed_is_refused_by_name_and_nothing_is_held(
    stage: Stage, changes: dict[str, Any], code: str, words: str
) -> None:
    welcome = stage.hello(pid=changes.pop("pid", os.getpid()))
    assert isinstance(welcome, Welcome)
    stage.gpu.fails = changes.pop("fails", "")
    like = changes.pop("like", "memfd")
    asked = welcome
    if pitch := changes.pop("pitch", 0):
        color = msgspec.structs.replace(welcome.planes[0], row_pitch_bytes=pitch)
        asked = msgspec.structs.replace(welcome, planes=(color, *welcome.planes[1:]))
    if width := changes.pop("width", 0):
        changes["outputs"] = tuple(msgspec.structs.replace(p, width=width) for p in stage.offer(welcome).outputs)
    before = open_fds()
    offer = stage.offer(asked, **changes)
    if offer.memory_bytes > 1 << 30:
        handles_linux.send(stage.door.path, offer, [0, 0, 0])
    else:
        stage.send(offer, like=like)
        if stage.memory is not None:
            stage.memory.close()
    answer = stage.next()
    assert isinstance(answer, PlanesAck)
    assert (answer.ok, answer.code) == (False, code)
    assert words in answer.text
    assert open_fds() <= before
    refused = stage.ask(frame_of(welcome, 1, 0))
    assert isinstance(refused, Error)
    assert "came before the hand-over" in refused.text


def test_a_value_that_never_comes_ends_the_hand_over_by_name(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    welcome, _ = stage.handed_over()
    ready = stage.gpu.timelines[0]
    assert isinstance(stage.ask(frame_of(welcome, 1, 0, ready_value=7)), Result)
    monkeypatch.setattr("renderer.cuda.share.PATIENCE_MS", 20)
    told = stage.next()
    assert isinstance(told, Error)
    assert (told.code, told.frame_id, told.fatal) == ("device_timeout", 0, False)
    assert "did not reach 7, which frame 1 waits for" in told.text
    assert ready.freed == [7]  # what waited in vain goes on, so that memory can be let go of
    assert stage.gpu.memories[0].closed == 1
    moved = stage.next()  # the same session, by the next transport
    assert isinstance(moved, Welcome)
    assert (moved.session, moved.transport) == (welcome.session, Transport.SHM)
    assert "planes left the GPU: the semaphore `ready` did not reach 7" in moved.transport_reason
    refused = stage.ask(frame_of(welcome, 2, 1))
    assert isinstance(refused, Error)
    assert "came before PLANES" in refused.text
    again = stage.hello()  # the GPU is as it was
    assert isinstance(again, Welcome)
    assert again.transport is Transport.CUDA


def test_a_driver_that_fails_in_a_frame_ends_the_hand_over(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    welcome, _ = stage.handed_over()

    def lost(*arguments: object) -> None:
        raise DeviceFailed("cuLaunchKernel failed with CUDA_ERROR_LAUNCH_FAILED", fix="None.")

    monkeypatch.setattr(stage.gpu, "run", lost)
    refused, told, moved = stage.ask(frame_of(welcome, 1, 0)), stage.next(), stage.next()
    for error, frame_id in ((refused, 1), (told, 0)):
        assert isinstance(error, Error)
        assert (error.code, error.frame_id) == ("device_failed", frame_id)
        assert "LAUNCH_FAILED" in error.text
    assert stage.gpu.memories[0].closed == 1
    assert isinstance(moved, Welcome)
    assert (moved.session, moved.transport) == (welcome.session, Transport.SHM)
    again = stage.hello()
    assert isinstance(again, Welcome)
    assert again.transport is Transport.SHM
    assert "the GPU has failed since the renderer started" in again.transport_reason


def test_an_engine_that_offers_nothing_but_the_gpu_is_refused_its_frames_when_that_breaks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    welcome = stage.hello(transports=(Transport.CUDA,))
    assert isinstance(welcome, Welcome)
    stage.send(stage.offer(welcome))
    assert isinstance(stage.next(), PlanesAck)

    def lost(*arguments: object) -> None:
        raise DeviceFailed("cuLaunchKernel failed with CUDA_ERROR_LAUNCH_FAILED", fix="None.")

    monkeypatch.setattr(stage.gpu, "run", lost)
    assert isinstance(stage.ask(frame_of(welcome, 1, 0)), Error)
    assert (getattr(stage.next(), "frame_id", -1), stage.next()) == (0, welcome)
    refused = stage.ask(frame_of(welcome, 2, 0))
    assert (getattr(refused, "code", ""), getattr(refused, "frame_id", 0)) == ("device_failed", 2)
    assert stage.renderer.sessions[0].status(RendererState.RUNNING, "").state is RendererState.DEGRADED


def test_a_renderer_that_waits_patiently_says_nothing(stage: Stage) -> None:
    welcome, _ = stage.handed_over()
    stage.ask(frame_of(welcome, 1, 0))
    on_gpu = stage.renderer.sessions[0].on_gpu
    assert on_gpu is not None
    now_ns = time.monotonic_ns()
    assert on_gpu.watch(now_ns) is None
    stage.gpu.timelines[0].value = 1
    assert on_gpu.watch(now_ns + 10 * PATIENCE_MS * 1_000_000) is None


def test_an_engine_that_dies_leaves_nothing_mapped(stage: Stage) -> None:
    welcome, _ = stage.handed_over()
    stage.ask(frame_of(welcome, 1, 0))  # whose planes never come
    stage.end.close()
    for _ in range(100):
        stage.renderer.step(0.0)
    assert stage.renderer.sessions == ()
    assert stage.gpu.memories[0].closed == 1
    assert stage.gpu.timelines[0].freed == [1]


def test_the_next_hand_over_replaces_the_one_before_and_release_ends_it(stage: Stage) -> None:
    welcome, offer = stage.handed_over()
    stage.send(replace(offer, generation=2))
    assert stage.next() == PlanesAck(session=welcome.session, generation=2, ok=True)
    assert [memory.closed for memory in stage.gpu.memories] == [1, 0]
    stale = stage.ask(frame_of(welcome, 1, 0))
    assert isinstance(stale, Error)
    assert "hand-over 1; this is 2" in stale.text
    stage.end.send(Release(session=welcome.session, generation=2))
    stage.renderer.step(0.0)
    assert [memory.closed for memory in stage.gpu.memories] == [1, 1]


def test_a_packet_of_no_session_and_a_peer_that_sends_rubbish_hold_nothing_up(stage: Stage) -> None:
    welcome, offer = stage.handed_over()
    before = open_fds()
    stage.send(replace(offer, session="9" * 32))
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        end.connect(str(stage.door.path))
        socket.send_fds(end, [b"rubbish"], [0, 0, 0, 0])
    result = stage.ask(frame_of(welcome, 1, 0))
    assert isinstance(result, Result)
    for _ in range(200):
        stage.renderer.step(0.0)
        if open_fds() <= before + 1:  # the memory that the test itself maps
            break
        time.sleep(0.005)
    assert open_fds() <= before + 1
    with pytest.raises(TransportError, match="Nobody takes GPU buffers"):
        handles_linux.send(stage.door.path.with_name("elsewhere.sock"), offer, [])


@pytest.mark.parametrize(
    ("side", "device", "card", "words"),
    [
        (GpuSide(None, "there is no NVIDIA driver on this machine"), UUID, None, "no NVIDIA driver"),
        ("stand-in", "0" * 32, None, "the engine's planes are on GPU " + "0" * 32),
        ("stand-in", UUID, ModelCard("limn", frozenset(), frozenset()), "limn reads planes on the CPU"),
    ],
    ids=["no GPU", "another GPU", "a model of the CPU"],
)
def test_a_transport_that_is_not_the_best_says_why(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, side: Any, device: str, card: ModelCard | None, words: str
) -> None:
    if isinstance(side, GpuSide):
        stage.renderer._gpu_side = side
    if card is not None:
        stage.renderer._model.card = card
    welcome = stage.hello(device=device)
    assert isinstance(welcome, Welcome)
    assert welcome.transport is Transport.SHM
    assert words in welcome.transport_reason
    refused = stage.hello(device=device, transports=(Transport.CUDA,))
    assert words in getattr(refused, "text", "")


def test_what_stays_on_the_gpu_cannot_be_recorded(stage: Stage) -> None:
    stage.handed_over()
    session = stage.renderer.sessions[0]
    stage.renderer._recorder = object()  # type: ignore[assignment]
    with pytest.raises(NotSupported, match="stay on the GPU"):
        stage.renderer.record(session, Record(session=session.id, on=True))
    stage.renderer._recorder = None


def test_a_driver_that_fails_while_letting_go_stops_nothing(stage: Stage) -> None:
    welcome = stage.hello()
    assert isinstance(welcome, Welcome)
    offer = stage.offer(welcome)
    memory = os.memfd_create("planes")
    os.ftruncate(memory, offer.memory_bytes)
    handed = Handed(offer, [memory, *(os.memfd_create("semaphore") for _ in range(2))], os.getpid())
    share = Share(stage.gpu, handed, welcome, Limits())

    def lost() -> None:
        raise DeviceTimeout("the device is lost", fix="None.")

    stage.gpu.wait = lost  # type: ignore[method-assign]
    share.close()
    assert stage.gpu.memories[-1].closed == 1
