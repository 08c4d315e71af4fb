"""The native client for Windows, built by mingw-w64 and run under Wine, which is not Windows: with the real renderer
over loopback TCP, its ring between two Windows processes, and the connection file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import native
import pytest
import unreal
import windows
from test_native_ring import HEIGHT, SLOTS, WIDTH, Engine, written
from test_native_wire import VECTORS, by_python, by_tool
from windows import path_of

from bridge import wire
from bridge.schema import Transport
from renderer import windows_build
from renderer.process import START_LIMIT_S

SYSTEM = {"ADVAPI32.dll", "IPHLPAPI.DLL", "KERNEL32.dll", "RPCRT4.dll", "USER32.dll", "WS2_32.dll", "msvcrt.dll"}
CALLS = """
#include <stdio.h>
#include <worldplate.h>
int main(void) {
    wp_client client = {0};
    return printf("%u %s", (unsigned)wp_client_defaults().abi_version, wp_code_text(wp_close(client))) < 0;
}
"""
PLATE_BYTES = WIDTH * HEIGHT * 8


@pytest.fixture(scope="module", autouse=True)
def wine() -> Iterator[None]:
    with windows.running():
        yield


def objdump(*arguments: str) -> str:
    tool = [
        str(windows.home() / "compile"),
        "x86_64-w64-mingw32-objdump",
        *arguments,
        str(windows.build() / "worldplate.dll"),
    ]
    return subprocess.run(tool, capture_output=True, text=True, check=True).stdout


def test_the_library_has_every_function_and_needs_nothing_but_windows() -> None:
    header = (native.SOURCE / "include/worldplate.h").read_text()
    declared = set(re.findall(r"^WP_API .*?\b(wp_\w+)\(", header, re.MULTILINE))
    told = objdump("-p")
    exports = told.split("[Ordinal/Name Pointer] Table")[1].split("\n\n")[0]
    assert set(re.findall(r"(\w+)$", exports, re.MULTILINE)) == declared
    assert set(re.findall(r"DLL Name: (\S+)", told)) <= SYSTEM


def test_a_program_that_was_linked_with_unreals_import_library_calls_it(tmp_path: Path) -> None:
    unreal.need("llvm-dlltool", "llvm")
    source, program, library = (tmp_path / name for name in ("calls.c", "calls.exe", "worldplate.lib"))
    source.write_text(CALLS)
    windows_build.write_import_library(windows.build() / "worldplate.def", library)
    compiler = [str(windows.home() / "compile"), "x86_64-w64-mingw32-gcc-posix", "-DWORLDPLATE_SHARED"]
    includes = f"-I{native.SOURCE / 'include'}"
    subprocess.run([*compiler, includes, str(source), str(library), "-o", str(program)], check=True)
    shutil.copy(windows.build() / "worldplate.dll", tmp_path)
    done = subprocess.run([windows.home() / "wine", program], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 this handle is of no open client")


def test_it_takes_refuses_and_writes_every_vector_as_python_does() -> None:
    messages = [file.read_bytes() for file in sorted(VECTORS.glob("*.msgpack"))]
    assert by_tool(windows.command("wire_tool"), messages) == [by_python(message) for message in messages]


# ---- with the real renderer ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A renderer at loopback TCP, in a folder that outlives it."""
    command = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--no-panel"]
    command += ["--endpoint", "tcp://127.0.0.1:*", "--runtime-dir", str(folder)]
    renderer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield renderer
    finally:
        renderer.kill()
        renderer.wait()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


def on_linux(folder: Path) -> list[str]:
    return [str(native.build() / "tour_tool"), str(folder)]


def under_wine(folder: Path) -> list[str]:
    return windows.command("tour_tool", path_of(folder))


@pytest.mark.parametrize(("tour", "transport"), [(on_linux, Transport.SHM), (under_wine, Transport.INLINE)])
def test_an_engine_has_the_same_day_on_both_systems(
    folder: Path, tour: Callable[[Path], list[str]], transport: Transport
) -> None:
    """A Windows client offers its ring first, and goes on inline when the renderer of Linux cannot map it."""
    with subprocess.Popen([*tour(folder), "61", "35", "12"], stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout is not None
        lines: list[str] = []
        with serving(folder) as renderer:
            for line in engine.stdout:
                lines.append(line.strip())
                if lines[-1] == "renderer, please go":
                    renderer.kill()
                    break
        with serving(folder):
            lines += [line.strip() for line in engine.stdout]
    assert engine.returncode == 0, lines
    assert lines == [
        "attached to passthrough",
        f"transport {list(Transport).index(transport)}",
        "13 plates to the bit",
        "in a hurry 60 ticks, 60 in the books",
        "resized to 33x17",
        "control: the model has no control of this name: wp_control lists them",
        "frame: camera.world_from_camera.orientation is of length 0.000000. Send a unit quaternion x,y,z,w.",
        "renderer, please go",
        "it is gone",
        "there is another",
        "done",
    ]


def test_clients_and_rings_that_are_closed_leave_no_handle_open(folder: Path) -> None:
    with serving(folder):
        before, after = map(int, windows.run("windows_tool", "handles", path_of(folder), "5")[0].split())
    assert after <= before


# ---- the ring between two Windows processes ------------------------------------------------------------------------


class Renderer:
    """A running `windows_tool map`: what the renderer does with a ring, in a Windows process of its own."""

    def __init__(self, engine: Engine, *others: str) -> None:
        self.process = subprocess.Popen(
            windows.command("windows_tool", "map", *others), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            bufsize=1,
        )  # fmt: skip
        self.attached = self.ask(wire.encode(engine.planes).hex())

    def ask(self, command: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(command + "\n")
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        self.process.communicate(timeout=START_LIMIT_S)
        return self.process.returncode

    def kill(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def engine() -> Iterator[Engine]:
    started = Engine(*windows.command("ring_tool"))
    with started.process:  # which closes its pipes
        yield started
        started.process.kill()


def test_planes_cross_between_two_processes_to_the_bit_and_torn_ones_are_noticed(engine: Engine) -> None:
    renderer = Renderer(engine)
    assert renderer.attached == "mapped"
    for frame_id in range(1, 3 * SLOTS):
        slot = engine.ask(f"frame {frame_id}")
        for index, layout in enumerate(engine.planes.planes):
            count = layout.width * layout.height * (8, 4, 1)[index]
            assert bytes.fromhex(renderer.ask(f"input {slot} {frame_id} {index}")) == written(frame_id, index, count)
        assert renderer.ask(f"input {slot} {frame_id + 1} 0") == "torn"
        assert engine.ask(f"plate {slot} {frame_id}") == "none"
        assert renderer.ask(f"begin {slot} {frame_id} 17") == "ok"
        assert engine.ask(f"plate {slot} {frame_id}") == "none"
        assert renderer.ask(f"plate {slot} {frame_id} {frame_id}") == "ok"
        assert bytes.fromhex(engine.ask(f"plate {slot} {frame_id}")) == bytes([frame_id]) * PLATE_BYTES
        assert engine.ask("whole") == "yes"
        renderer.ask(f"begin {slot} {frame_id} 17")
        assert engine.ask("whole") == "no"
        assert engine.ask(f"release {slot}") == "ok"
    assert renderer.ask(f"input {engine.ask('tear 99')} 99 0") == "torn"
    assert renderer.ask("beat 12345") == "ok"
    assert engine.ask("beat") == "12345"
    assert (renderer.end(), engine.end()) == (0, 0)


def test_a_ring_of_another_name_or_size_is_not_mapped(engine: Engine) -> None:
    size = engine.planes.segment_bytes
    other = "worldplate-" + "0" * 32
    for arguments, why in (
        ((other,), "not opened: error 2"),  # ERROR_FILE_NOT_FOUND
        (
            (engine.planes.segment, str(size + (1 << 20))),
            "not mapped: error 5",
        ),  # ERROR_ACCESS_DENIED, as it is smaller
        ((engine.planes.segment, str(size - 4096)), "not the ring that was announced"),
    ):
        renderer = Renderer(engine, *arguments)
        assert (renderer.attached, renderer.end()) == (why, 1)


def test_the_ring_is_for_this_user_alone(engine: Engine) -> None:
    (user,) = windows.run("windows_tool", "user")
    (access,) = windows.run("windows_tool", "access", standard_input=wire.encode(engine.planes).hex() + "\n")
    entries = re.fullmatch(r"D:P((?:\([^()]*\))+)", access)
    assert entries is not None, access
    for kind, flags, _, _, _, who in (entry.split(";") for entry in entries[1].strip("()").split(")(")):
        assert (kind, flags, who) == ("A", "", user)


def test_a_ring_outlives_its_killed_engine_only_for_who_has_mapped_it(engine: Engine) -> None:
    renderer = Renderer(engine)
    slot = engine.ask("frame 5")
    engine.process.kill()
    engine.process.wait()
    assert len(renderer.ask(f"input {slot} 5 0")) == 2 * WIDTH * HEIGHT * 8
    assert renderer.ask(f"plate {slot} 5 1") == "ok"
    late = Renderer(engine)
    assert (late.attached, late.end()) == ("not opened: error 2", 1)
    assert renderer.end() == 0


def test_a_renderer_that_is_killed_in_the_middle_of_a_plate_leaves_none_and_the_next_goes_on(engine: Engine) -> None:
    renderer = Renderer(engine)
    slot = engine.ask("frame 5")
    renderer.ask(f"begin {slot} 5 1")
    renderer.kill()
    assert engine.ask(f"plate {slot} 5") == "none"
    following = Renderer(engine)
    assert following.ask(f"plate {slot} 5 2") == "ok"
    assert bytes.fromhex(engine.ask(f"plate {slot} 5")) == bytes([2]) * PLATE_BYTES
    assert (following.end(), engine.end()) == (0, 0)


# ---- the connection file -------------------------------------------------------------------------------------------


def find(path: Path) -> str:
    return windows.run("windows_tool", "find", standard_input=path_of(path) + "\n")[0]


def connection_file(path: Path, mode: int = 0o600, **fields: object) -> Path:
    known = {"endpoint": "tcp://127.0.0.1:5555", "token": "a" * 32, "pid": os.getpid(), "pid_start": 1, "protocol": 1}
    path.write_text(json.dumps(known | fields))
    path.chmod(mode)
    return path


def test_the_connection_file_lies_in_the_users_local_data() -> None:
    (place,) = windows.run("windows_tool", "place")
    assert re.fullmatch(r"C:\\users\\.+\\AppData\\Local\\worldplate\\connection\.json", place), place


def test_the_connection_file_is_found_under_a_long_path_and_in_any_script(folder: Path) -> None:
    deep = folder
    for name in ("plätze", "世界", "x" * 120, "y" * 120):
        deep = deep / name
        deep.mkdir()
    file = connection_file(deep / "connection.json")
    assert len(str(file)) > 260
    assert find(file) == f"tcp://127.0.0.1:5555 {'a' * 32} {os.getpid()}"


def test_a_connection_file_that_others_can_read_is_refused(folder: Path) -> None:
    file = connection_file(folder / "connection.json", 0o644)
    assert find(file) == f"{path_of(file)} is not private to this user: remove it. Start one with `worldplate serve`."


def test_a_file_that_is_not_there_or_whose_process_is_gone_names_no_renderer(folder: Path) -> None:
    assert re.search(r"cannot be opened\. Start one", find(folder / "connection.json"))
    file = connection_file(folder / "connection.json", pid=0x7FFFFFF0, pid_start=0)  # of Windows, where none has it
    assert re.search(rf"process {0x7FFFFFF0} of .* is gone", find(file))
    assert find(connection_file(file, pid=0x7FFFFFF0)).startswith("tcp://")  # of the system that runs Wine
