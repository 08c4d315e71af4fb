"""GPU buffers are handed over by a pipe and by handles that are pulled, of this user's processes alone; all is closed.

There is no Windows here. Its functions are those of tests/windows_kernel.py, which is no Windows; the packets are real.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import queue
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pytest
from windows_kernel import MINE, Kernel, Library, Process, WindowsError

from bridge import handles
from bridge.errors import HandleRefused, TransportError
from bridge.handles import OF_D3D12, Handed, Offer, check_handles, pack
from bridge.schema import HandleKind
from renderer.cuda.take import open_door
from renderer.serve import Renderer

ENGINE = 4242
OFFER = Offer(
    HandleKind.D3D12_HEAP, "0" * 32, "a1c3000500000000", 1, 1 << 16, 1024, 2, (), (),
    token=b"".join(value.to_bytes(8, "little") for value in (0x1A4, 0x1A8, 0x1AC, 0, 0, 0, 0, 0)),
)  # fmt: skip
PACKET = pack(OFFER)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    kernel.processes[ENGINE] = Process(MINE, {0x1A4, 0x1A8, 0x1AC})
    yield kernel
    assert (kernel.held, kernel.memory) == ({}, {})


@pytest.fixture
def windows(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """bridge.handles_windows over the stand-in."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "WinDLL", lambda name, use_last_error: Library(kernel), raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: kernel.last.error, raising=False)
    monkeypatch.setattr(ctypes, "WinError", WindowsError, raising=False)
    monkeypatch.delitem(sys.modules, "bridge.handles_windows", raising=False)
    module = importlib.import_module("bridge.handles_windows")
    monkeypatch.setattr(module, "PATIENCE_S", 0.05)
    monkeypatch.setattr(handles, "HERE", OF_D3D12)
    yield module
    del sys.modules["bridge.handles_windows"]


class Stage:
    """A door, and what came in by it."""

    def __init__(self, windows: ModuleType) -> None:
        self.came: queue.Queue[Handed] = queue.Queue()
        self.door = windows.HandleDoor(self.came.put)

    def next(self) -> Handed:
        return self.came.get(timeout=30)


@pytest.fixture
def stage(windows: ModuleType) -> Iterator[Stage]:
    stage = Stage(windows)
    yield stage
    stage.door.close()
    assert stage.came.empty()


def test_an_engines_handles_are_pulled_out_of_its_process_and_closed_once(kernel: Kernel, stage: Stage) -> None:
    kernel.calls.clear()
    kernel.open_pipe(ENGINE, PACKET)
    handed = stage.next()
    assert (handed.offer, handed.pid, handed.refusal) == (OFFER, ENGINE, None)
    assert [kernel.held[handle] for handle in handed.handles] == [
        ("duplicate", 0x1A4),
        ("duplicate", 0x1A8),
        ("duplicate", 0x1AC),
    ]
    order = [
        "GetNamedPipeClientProcessId", "OpenProcess", "OpenProcessToken", "ReadFile", *["DuplicateHandle"] * 3,
        "DisconnectNamedPipe",
    ]  # fmt: skip
    assert [name for name in kernel.calls if name in order] == order
    check_handles(handed)
    assert kernel.held[handed.take()] == ("duplicate", 0x1A4)  # for CUDA, which leaves it open
    handed.close()
    handed.close()


def test_the_pipe_is_one_for_this_user_and_this_machine_alone(kernel: Kernel, stage: Stage) -> None:
    first, overlapped, inbound = 0x0008_0000, 0x4000_0000, 1
    messages, read_messages, nobody_remote = 4, 2, 8
    assert kernel.pipe == (
        rf"\\.\pipe\worldplate-handles-{os.getpid()}", inbound | overlapped | first,
        messages | read_messages | nobody_remote, 1, 0, 1024, 0, False,
    )  # fmt: skip
    assert kernel.protected_by == f"D:P(A;;GA;;;{MINE})"


@pytest.mark.parametrize("gone", [False, True], ids=["still there", "gone again"])
def test_an_engine_that_came_before_anybody_listened_is_served(kernel: Kernel, windows: ModuleType, gone: bool) -> None:
    kernel.open_pipe(ENGINE, PACKET, gone=gone)
    stage = Stage(windows)
    stage.next().close()
    stage.door.close()


def test_one_engine_after_the_other_is_served(kernel: Kernel, stage: Stage) -> None:
    kernel.processes[77] = Process(MINE, {0x1A4, 0x1A8, 0x1AC})
    for pid in (ENGINE, 77, ENGINE):
        kernel.open_pipe(pid, PACKET)
    for pid in (ENGINE, 77, ENGINE):
        handed = stage.next()
        assert handed.pid == pid
        handed.close()


@pytest.mark.parametrize(
    ("changes", "message", "gone", "words"),
    [
        ({"user": "S-1-5-21-9-9-9-1002"}, PACKET, False, "comes from user S-1-5-21-9-9-9-1002"),
        ({"closed": True}, PACKET, False, "process 4242 cannot be opened"),
        ({}, None, False, "sent nothing within"),
        ({}, None, True, "Windows error 109"),
        ({}, PACKET[:-1], False, "has 1023 bytes and not 1024"),
        ({}, PACKET + b"!", False, "has 1025 bytes and not 1024"),
        ({}, PACKET * 3, False, "has 1025 bytes and not 1024"),
        ({}, bytes(1024), False, "of another kind or version"),
    ],
    ids=["another user", "not to be opened", "silent", "gone", "too short", "too long", "far too long", "no packet"],
)
def test_who_may_not_or_sends_no_packet_gets_nothing_and_holds_nobody_up(
    kernel: Kernel, stage: Stage, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], message: bytes | None,
    gone: bool, words: str,
) -> None:  # fmt: skip
    for name, value in changes.items():
        setattr(kernel.processes[ENGINE], name, value)
    kernel.open_pipe(ENGINE, message, gone=gone)
    kernel.processes[77] = Process(MINE, {0x1A4, 0x1A8, 0x1AC})
    kernel.open_pipe(77, PACKET)
    handed = stage.next()
    assert handed.pid == 77
    handed.close()
    assert kernel.calls.count("DuplicateHandle") == 3
    assert words in caplog.text
    assert ("CancelIoEx" in kernel.calls) == (words == "sent nothing within")


@pytest.mark.parametrize(("left", "name", "calls"), [(0, "memory", 1), (1, "ready", 2), (2, "done", 3)])
def test_a_handle_that_cannot_be_duplicated_is_refused_by_name_and_none_is_kept(
    kernel: Kernel, stage: Stage, left: int, name: str, calls: int
) -> None:
    kernel.processes[ENGINE].handles = set(OFFER.engine_handles[:left])
    kernel.open_pipe(ENGINE, PACKET)
    handed = stage.next()
    assert handed.handles == []
    assert kernel.calls.count("DuplicateHandle") == calls
    with pytest.raises(
        HandleRefused, match=f"the handle {OFFER.engine_handles[left]:#x} of `{name}` cannot be duplicated"
    ):
        check_handles(handed)
    handed.close()


def test_a_packet_of_an_engine_on_linux_is_refused_and_nothing_is_pulled(kernel: Kernel, stage: Stage) -> None:
    kernel.open_pipe(ENGINE, pack(replace(OFFER, kind=HandleKind.VULKAN_FD)))
    handed = stage.next()
    assert "DuplicateHandle" not in kernel.calls
    with pytest.raises(HandleRefused, match="vulkan_fd is not handed over on this system"):
        check_handles(handed)


@pytest.mark.parametrize("function", ["CreateNamedPipeW", "CreateEventW"])
def test_a_pipe_that_cannot_be_had_is_a_typed_error_and_leaves_nothing(
    kernel: Kernel, windows: ModuleType, function: str
) -> None:
    kernel.fails = function  # such as when somebody else has a pipe of that name
    with pytest.raises(TransportError, match=r"No pipe \\\\\.\\pipe\\worldplate-handles-\d+: .*Windows error"):
        windows.HandleDoor(lambda handed: None)


def test_a_door_is_closed_while_a_silent_engine_has_it_open(
    kernel: Kernel, windows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "PATIENCE_S", 3600.0)
    kernel.open_pipe(ENGINE)
    stage = Stage(windows)
    with kernel.changed:
        assert kernel.changed.wait_for(lambda: "WaitForMultipleObjects" in kernel.calls, 30)
    stage.door.close()


def test_a_packet_that_comes_as_patience_ends_counts(kernel: Kernel, stage: Stage) -> None:
    kernel.at_last = PACKET
    kernel.open_pipe(ENGINE)
    stage.next().close()
    assert "CancelIoEx" in kernel.calls


def test_on_windows_the_renderer_s_door_is_the_pipe(kernel: Kernel, windows: ModuleType, tmp_path: Path) -> None:
    asked: queue.Queue[Any] = queue.Queue()
    renderer = type("Asked", (), {"ask": staticmethod(asked.put)})()
    door = open_door(tmp_path, cast(Renderer, renderer))
    assert isinstance(door, windows.HandleDoor)
    kernel.open_pipe(ENGINE, PACKET)
    taken: list[Handed] = []
    loop = type("Loop", (), {"hand_over": staticmethod(taken.append)})()
    asked.get(timeout=30)(loop)
    taken[0].close()
    door.close()
    assert os.listdir(tmp_path) == []


def test_the_renderer_loads_without_what_only_unix_has() -> None:
    absent = ("fcntl", "grp", "pwd", "resource", "termios")
    script = f"import sys; sys.modules.update(dict.fromkeys({absent})); import renderer.start"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
