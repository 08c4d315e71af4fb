"""The exporter of a D3D12 engine, and its way through the renderer's pipe: two Windows processes under Wine, which is
not Windows. The device is made up (plugins/native/gpu/tests/d3d12_stand_in.cpp): its heaps and fences are file
mappings. The renderer's side makes the calls of bridge/handles_windows.py, in that order."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec
import native
import pytest
import windows

from bridge import connection as connections, link
from bridge.handles import Offer, check, unpack
from bridge.planes import pack_layouts
from bridge.schema import (
    AnyMessage,
    Bye,
    Disposition,
    Error,
    Frame,
    HandleKind,
    Hello,
    Limits,
    PixelFormat,
    PlaneName,
    PlanesAck,
    Result,
    Transport,
    Welcome,
)
from renderer import windows_build
from renderer.process import START_LIMIT_S

T = TypeVar("T")

SESSION = "0123456789abcdef" * 2
LUID = "0102030405060708"  # of the device that is made up, as it lies in memory
WIDTH, HEIGHT = 33, 17
INPUTS = {PlaneName.COLOR: PixelFormat.RGBA16F, PlaneName.DEPTH: PixelFormat.R32F}
OUTPUTS = {PlaneName.PLATE: PixelFormat.RGBA16F}
PLACEMENT_BYTES, PITCH_BYTES, HEAP_BYTES = 512, 256, 65536  # what CopyTextureRegion wants, and heaps
NOBODY = 4242  # no process has that id: Windows gives multiples of four


class Side:
    """A running `d3d12_tool`."""

    def __init__(self, program: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [windows.home() / "wine", program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1,
        )  # fmt: skip

    def say(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")

    def hear(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.say(command)
        return self.hear()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder, home = tmp_path_factory.mktemp("d3d12"), windows.home()
    options = windows_build.options(native.SOURCE, home / "windows")
    options += [f"-DWORLDPLATE_NATIVE={windows.build()}", "-DWORLDPLATE_TESTS=ON"]
    options += ["-DCMAKE_CXX_FLAGS=-Werror", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"]
    for arguments in (["-S", str(native.SOURCE / "gpu"), "-B", str(folder), "-G", "Ninja", *options],
                      ["--build", str(folder), "--parallel", "2"]):  # fmt: skip
        done = subprocess.run([home / "compile", "cmake", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    with windows.running():
        yield folder / "d3d12_tool.exe"


@pytest.fixture
def start(program: Path) -> Iterator[Callable[..., Side]]:
    sides: list[Side] = []

    def started(*arguments: str) -> Side:
        sides.append(Side(program, *arguments))
        return sides[-1]

    yield started
    for side in sides:
        side.process.communicate(timeout=START_LIMIT_S)


@pytest.fixture
def engine(start: Callable[..., Side]) -> Side:
    return start("engine")


@pytest.fixture
def door(start: Callable[..., Side]) -> Side:
    return start("door")


@pytest.fixture
def pid(door: Side) -> str:
    """The renderer's process, as Windows numbers it."""
    return door.hear()


def taken(engine: Side, door: Side, pid: str, generation: int = 1) -> Offer:
    door.say("take")
    assert engine.ask(f"hand {pid} {SESSION} {generation}") == "handed"
    return unpack(bytes.fromhex(door.hear()))


def test_the_packet_says_where_planes_lie_in_a_heap_and_on_which_gpu(engine: Side, door: Side, pid: str) -> None:
    offer = taken(engine, door, pid, 7)
    assert (offer.kind, offer.session, offer.generation) == (HandleKind.D3D12_HEAP, SESSION, 7)
    assert offer.device == LUID
    assert (offer.semaphores, offer.dedicated) == (2, False)
    assert [layout.name for layout in offer.planes] == list(INPUTS)
    assert [layout.name for layout in offer.outputs] == list(OUTPUTS)
    check(offer, Limits())
    layouts = (*offer.planes, *offer.outputs)
    assert [layout.row_pitch_bytes for layout in layouts] == [2 * PITCH_BYTES, PITCH_BYTES, 2 * PITCH_BYTES]
    assert {layout.offset_bytes % PLACEMENT_BYTES for layout in layouts} == {0}
    assert (offer.slot_bytes % PLACEMENT_BYTES, offer.memory_bytes % HEAP_BYTES) == (0, 0)


def test_both_processes_see_one_memory_and_its_fences(engine: Side, door: Side, pid: str) -> None:
    assert engine.ask("write 5 0badcafe") == "ok"
    assert engine.ask("ready 3") == "ok"
    offer = taken(engine, door, pid)
    assert (door.ask("read 5 4"), door.ask("ready")) == ("0badcafe", "3")
    last = offer.slot_count * offer.slot_bytes - 2
    assert door.ask(f"write {last} 1234") == "ok"
    assert engine.ask(f"read {last} 2") == "1234"
    assert engine.ask("done 7") == "no"
    assert door.ask("done 7") == "ok"
    assert (engine.ask("done 7"), engine.ask("wait 7 1000")) == ("yes", "whole")


def test_a_plate_that_does_not_come_frees_what_waits_for_it(engine: Side, door: Side, pid: str) -> None:
    taken(engine, door, pid)
    assert (engine.ask("wait 8 1"), engine.ask("done 8")) == ("freed", "yes")


def test_a_device_that_is_removed_is_no_plate_that_is_whole(engine: Side) -> None:
    """Its fences tell the highest of all values."""
    assert engine.ask("remove") == "ok"
    for command in ("done 1", "wait 1 1000"):
        assert engine.ask(command) == "the D3D12 device failed with HRESULT 0x887a0005"  # DXGI_ERROR_DEVICE_REMOVED


def test_what_was_taken_outlives_the_engine_and_its_end_is_no_hindrance(
    start: Callable[..., Side], engine: Side, door: Side, pid: str
) -> None:
    assert engine.ask("write 0 77") == "ok"
    taken(engine, door, pid)
    engine.process.communicate(timeout=START_LIMIT_S)
    assert door.ask("read 0 1") == "77"
    assert taken(start("engine"), door, pid).kind is HandleKind.D3D12_HEAP
    assert door.ask("read 0 1") == "00"


def test_a_packet_that_comes_before_the_renderer_looks_is_taken(engine: Side, door: Side, pid: str) -> None:
    assert engine.ask(f"hand {pid} {SESSION} 1") == "handed"
    assert unpack(bytes.fromhex(door.ask("take"))).generation == 1


def test_without_a_renderer_the_pipe_is_named_with_what_windows_says(engine: Side) -> None:
    said = engine.ask(f"hand {NOBODY} {SESSION} 1")
    pipe = re.escape(rf"\\.\pipe\worldplate-handles-{NOBODY}")
    assert re.fullmatch(rf"nobody takes GPU buffers at {pipe}: CreateFile: Windows error 2", said)  # no such file


def test_a_pipe_that_another_process_serves_is_told_nothing(start: Callable[..., Side], engine: Side) -> None:
    other = start("door", str(NOBODY))
    process = other.hear()
    other.say("take")
    assert engine.ask(f"hand {NOBODY} {SESSION} 1").endswith(f": process {process} serves it")
    assert re.fullmatch(r"(ReadFile|ConnectNamedPipe): Windows error \d+", other.hear())
    assert start("door", str(NOBODY)).hear().startswith("CreateNamedPipe: Windows error")  # there is one already


def test_handles_that_are_closed_are_refused_and_the_next_are_taken(engine: Side, door: Side, pid: str) -> None:
    door.say("take")
    assert engine.ask(f"forge {pid}") == "handed"
    assert door.hear() == "DuplicateHandle: Windows error 6"  # ERROR_INVALID_HANDLE
    assert taken(engine, door, pid).kind is HandleKind.D3D12_HEAP


def test_one_who_says_nothing_is_dropped_and_the_next_has_waited(
    start: Callable[..., Side], engine: Side, door: Side, pid: str
) -> None:
    door.say("take")
    assert engine.ask(f"call {pid}") == "called"
    assert door.hear() == "ReadFile: Windows error 258"  # WAIT_TIMEOUT
    late = start("engine")
    late.say(f"hand {pid} {SESSION} 1")
    door.say("take")
    assert late.hear() == "handed"
    assert unpack(bytes.fromhex(door.hear())).session == SESSION


def test_where_the_renderer_is_busy_for_too_long_an_engine_says_so(engine: Side, door: Side, pid: str) -> None:
    """The pipe has one end here, and nobody is let go of it."""
    assert engine.ask(f"call {pid}") == "called"
    assert engine.ask(f"hand {pid} {SESSION} 1").endswith("CreateFile: Windows error 231")  # ERROR_PIPE_BUSY


# ---- a whole show: the link over TCP, the packet through the pipe, planes and plates in the heap ---------------------


class Renderer:
    """The renderer of a link, with the door of another process."""

    def __init__(self, folder: Path, door: Side, pid: str) -> None:
        self.link = link.listen("tcp://127.0.0.1:*", runtime_dir=folder)
        known = self.link.connection
        connections.write(msgspec.structs.replace(known, pid=int(pid)), folder / connections.FILE_NAME)
        self.door = door
        self.peer = b""

    def hear(self, kind: type[T]) -> T:
        arrived = self.link.receive(START_LIMIT_S * 1000)
        assert arrived is not None
        assert isinstance(arrived.message, kind)
        self.peer = arrived.peer
        return arrived.message

    def say(self, message: AnyMessage) -> None:
        assert self.link.send(self.peer, message)

    def open(self) -> Offer:
        """HELLO to PLANES_ACK."""
        hello = self.hear(Hello)
        assert (hello.device, hello.transports[0]) == (LUID, Transport.CUDA)
        self.door.say("take")
        self.welcome = Welcome(
            session=SESSION, model="none", runtime="none", transport=Transport.CUDA,
            planes=pack_layouts(INPUTS, WIDTH, HEIGHT), outputs=pack_layouts(OUTPUTS, WIDTH, HEIGHT),
        )  # fmt: skip
        self.say(self.welcome)
        offer = unpack(bytes.fromhex(self.door.hear()))
        self.say(PlanesAck(session=SESSION, generation=offer.generation, ok=True))
        return offer


@pytest.fixture
def renderer(tmp_path: Path, door: Side, pid: str) -> Iterator[Renderer]:
    tmp_path.chmod(0o700)
    renderer = Renderer(tmp_path, door, pid)
    yield renderer
    renderer.link.close()


def test_a_show_orders_planes_and_plates_by_the_fences(
    start: Callable[..., Side], renderer: Renderer, door: Side, tmp_path: Path
) -> None:
    engine = start("show", windows.path_of(tmp_path / connections.FILE_NAME), "5")
    offer = renderer.open()
    for frame_id in range(1, 6):
        frame = renderer.hear(Frame)
        assert (frame.id, frame.generation, frame.slot) == (frame_id, offer.generation, frame_id % offer.slot_count)
        assert door.ask("ready") == str(frame.ready_value)
        slot = frame.slot * offer.slot_bytes
        assert door.ask(f"read {slot + offer.planes[0].offset_bytes} 8") == f"{frame_id:02x}" * 8
        door.ask(f"write {slot + offer.outputs[0].offset_bytes} {0xA0 + frame_id:02x}")
        door.ask(f"done {frame_id}")
        renderer.say(Result(session=SESSION, id=frame_id, disposition=Disposition.GENERATED, done_value=frame_id))
        assert engine.hear() == f"{0xA0 + frame_id:02x}"
    renderer.hear(Bye)


def test_a_show_that_leaves_the_gpu_says_why_and_where_to(
    start: Callable[..., Side], renderer: Renderer, tmp_path: Path
) -> None:
    engine = start("show", windows.path_of(tmp_path / connections.FILE_NAME), "5")
    renderer.open()
    frame = renderer.hear(Frame)
    renderer.say(Error(code="device_failed", text="the GPU is gone", fix="None.", frame_id=frame.id))
    why = "planes left the GPU: the GPU is gone"
    renderer.say(msgspec.structs.replace(renderer.welcome, transport=Transport.INLINE, transport_reason=why))
    assert engine.hear() == f"inline: {why}"
    renderer.hear(Bye)
