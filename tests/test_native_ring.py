"""The native engine's side of the ring against Python's renderer side, in two processes; and the connection file."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import native
import numpy as np
import pytest

from bridge import connection, ring_header, segment, wire
from bridge.errors import RingCorrupt
from bridge.ring import RingReader, reap_dead_rings
from bridge.schema import RING_HEADER_BYTES, Camera, Frame, Limits, PlaneName, Planes, Pose

WIDTH, HEIGHT, SLOTS = 37, 11, 3
RACE_FRAMES = 5000
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=(1.0,) * 16)
BUILDS = {
    "g++": ("g++",),
}


class Engine:
    """A running ring_tool."""

    def __init__(self, *tool: str | Path, width: int = WIDTH, height: int = HEIGHT) -> None:
        """`tool` is the command that runs it."""
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*tool, str(width), str(height), str(SLOTS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        message = wire.decode(bytes.fromhex(self.answer()), Limits())
        assert isinstance(message, Planes)
        self.planes = message

    def send(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")

    def answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.send(command)
        return self.answer()

    def end(self) -> int:
        self.process.communicate(timeout=10)
        return self.process.returncode


@pytest.fixture(params=BUILDS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    started = Engine(native.build(*BUILDS[request.param]) / "ring_tool")
    yield started
    assert started.end() == 0
    assert not (segment.FOLDER / started.planes.segment).exists()


def frame(planes: Planes, frame_id: int, slot: int) -> Frame:
    return Frame(
        session=planes.session, id=frame_id, generation=planes.generation, slot=slot, capture_ns=0, camera=CAMERA
    )


def written(frame_id: int, plane: int, count: int) -> bytes:
    """The bytes that ring_tool puts into a plane, its rows without gaps."""
    return ((frame_id * 31 + plane * 17 + np.arange(count) * 7) % 256).astype(np.uint8).tobytes()


def test_planes_arrive_bit_for_bit_in_both_directions(engine: Engine) -> None:
    reader = RingReader.attach(engine.planes, Limits())
    for frame_id in range(1, 3 * SLOTS):
        slot = int(engine.ask(f"frame {frame_id}"))
        sent = frame(engine.planes, frame_id, slot)
        for index, plane in enumerate(reader.inputs(sent, ()).values()):
            assert plane.tobytes() == written(frame_id, index, plane.nbytes)
        plate = reader.begin_plate(sent)[PlaneName.PLATE]
        plate[:] = np.random.default_rng(frame_id).normal(size=plate.shape).astype(np.float16)
        assert engine.ask(f"plate {slot} {frame_id}") == "none"  # before it is committed
        reader.commit_plate(sent)
        assert bytes.fromhex(engine.ask(f"plate {slot} {frame_id}")) == plate.tobytes()
        assert engine.ask(f"plate {slot} {frame_id + 1}") == "none"
        assert engine.ask("release " + str(slot)) == "ok"
    reader.beat(12345)
    assert engine.ask("beat") == "12345"
    reader.close()


def test_torn_planes_and_plates_are_noticed_and_full_rings_say_so(engine: Engine) -> None:
    reader = RingReader.attach(engine.planes, Limits())
    torn = int(engine.ask("tear 1"))
    with pytest.raises(RingCorrupt):
        reader.inputs(frame(engine.planes, 1, torn), ())
    slot = int(engine.ask("frame 2"))
    sent = frame(engine.planes, 2, slot)
    reader.inputs(sent, ())
    reader.begin_plate(sent)
    reader.commit_plate(sent)
    assert engine.ask(f"plate {slot} 2") != "none"
    assert engine.ask("whole") == "yes"
    reader.begin_plate(sent)
    assert engine.ask("whole") == "no"
    engine.ask("frame 3")
    assert engine.ask("frame 4") == "full"
    engine.ask(f"release {slot}")
    assert [engine.ask("release " + str(slot)), int(engine.ask("frame 5"))] == ["no", slot]
    assert [engine.ask(f"release {wrong}") for wrong in (-1, SLOTS, 2**40)] == ["no"] * 3
    assert engine.ask(f"plate {SLOTS} 5") == "none"
    assert engine.ask("frame 6") == "full"  # a second release of a slot does not give it out twice
    with pytest.raises(RingCorrupt):
        reader.commit_plate(sent)  # its inputs were overwritten while the plate was made
    reader.close()


def test_the_header_is_the_one_that_python_writes(engine: Engine) -> None:
    path = segment.FOLDER / engine.planes.segment
    header, pid = path.read_bytes()[:RING_HEADER_BYTES], engine.process.pid
    assert header == ring_header.pack(engine.planes, pid, segment.process_start_ticks(pid) or 0)
    assert path.stat().st_mode & 0o777 == 0o600
    for name in ("magic", "generation", "slot_count", "slot_bytes", "plane_count"):
        place = ring_header.HEADER[name].offset
        mutant = header[:place] + bytes([header[place] ^ 1]) + header[place + 1 :]
        with pytest.raises(RingCorrupt):
            ring_header.check(mutant, engine.planes)


def test_a_killed_engines_ring_is_reaped() -> None:
    engine = Engine(native.build() / "ring_tool")
    assert engine.planes.segment not in reap_dead_rings()
    engine.process.kill()
    engine.end()
    assert engine.planes.segment in reap_dead_rings()
    assert not (segment.FOLDER / engine.planes.segment).exists()


@pytest.mark.parametrize("build", ["g++"])
def test_no_mixture_is_taken_for_whole_when_both_sides_race(build: str) -> None:
    engine = Engine(native.build(*BUILDS[build]) / "ring_tool", width=96, height=64)
    reader = RingReader.attach(engine.planes, Limits())
    engine.send(f"race {RACE_FRAMES}")
    whole = torn = last = 0
    end = time.monotonic() + 60
    while last < RACE_FRAMES and time.monotonic() < end:
        for slot, words in enumerate(reader._slots):
            frame_id = words[1]
            sent = frame(engine.planes, frame_id, slot)
            try:
                copies = [plane.tobytes() for plane in reader.inputs(sent, ()).values()]
                reader.begin_plate(sent)[PlaneName.PLATE].view(np.uint8)[:] = frame_id % 251
                reader.commit_plate(sent)
            except RingCorrupt:
                torn += 1
                continue
            whole += frame_id > 0
            assert all(copy == bytes([frame_id % 251]) * len(copy) for copy in copies)
            last = max(last, frame_id)
    plates, mixed = map(int, engine.answer().split())
    assert mixed == 0
    assert min(whole, torn, plates) > 0
    reader.close()
    assert engine.end() == 0


def found(path: Path, build: str = "g++") -> tuple[int, str]:
    tool = native.build(*BUILDS[build]) / "ring_tool"
    done = subprocess.run([tool, "find", path], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


def test_the_connection_file_that_python_writes_is_found(tmp_path: Path) -> None:
    here, path = connection.new_connection("ipc:///tmp/somewhere"), tmp_path / "connection.json"
    connection.write(here, path)
    assert found(path) == (0, f"{here.endpoint} {here.token} {here.pid}")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_an_open_connection_file_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "connection.json"
    connection.write(connection.new_connection("ipc:///tmp/somewhere"), path)
    path.chmod(mode)
    status, text = found(path)
    assert status == 1
    assert "not private" in text


def test_links_pipes_and_other_users_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    connection.write(connection.new_connection("ipc:///tmp/somewhere"), path)
    (tmp_path / "link").symlink_to(path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "pipe", "absent", "."):
        assert found(tmp_path / name)[0] == 1
    if os.getuid() == 0:
        os.chown(path, 12345, 12345)
        assert "not private" in found(path)[1]


def test_the_file_of_a_renderer_that_is_gone_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "connection.json"
    here = connection.new_connection("ipc:///tmp/somewhere")
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    for stale in ({"pid": gone.pid}, {"pid_start": here.pid_start + 1}):
        connection.write(msgspec.structs.replace(here, **stale), path)
        assert "is gone" in found(path)[1]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff" * 50, b'{"endpoint": 1}', b"[" * 4096, b" " * 5000 + b"{}"],
)
def test_garbage_is_not_a_connection_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "connection.json"
    path.write_bytes(content)
    path.chmod(0o600)
    assert "is not a connection file" in found(path)[1]


@pytest.mark.parametrize("endpoint", ["tcp://10.0.0.1:5555", "tcp://127.0.0.1:", "ipc://", "udp://127.0.0.1:1", ""])
def test_only_this_machine_is_an_endpoint(tmp_path: Path, endpoint: str) -> None:
    path = tmp_path / "connection.json"
    connection.write(connection.new_connection(endpoint), path)
    assert "does not name a renderer on this machine" in found(path)[1]
