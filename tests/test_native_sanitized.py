"""The whole native client under sanitizers of addresses, undefined behaviour and threads, against the real renderer.

What is found ends the tool with a report. plugins/native/tests/thread.supp says what ThreadSanitizer cannot see.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import native
import pytest

from renderer.process import RendererProcess

BUILDS = pytest.mark.parametrize("build", [native.ADDRESSES, native.THREADS], ids=["addresses", "threads"])
FRAMES = 400


@pytest.fixture(scope="module")
def folder() -> Iterator[str]:
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield str(renderer.folder)


@BUILDS
@pytest.mark.parametrize("transport", ["shm", "inline"])
def test_a_crowd_of_threads_finds_no_fault(folder: str, build: tuple[str, ...], transport: str) -> None:
    (counts,) = native.client_tool("crowd", folder, str(FRAMES), transport, of=build)
    words = counts.split()
    frames = dict(zip(words[::2], map(int, words[1::2]), strict=True))
    assert frames["begun"] == FRAMES
    assert frames["answered"] > 0


@BUILDS
def test_a_crowd_of_threads_finds_no_fault_while_renderers_are_killed(build: tuple[str, ...]) -> None:
    native.build(*build)
    with tempfile.TemporaryDirectory(prefix="wp-") as name:
        Path(name).chmod(0o700)
        with dying_renderers(name):
            native.client_tool("crowd", name, str(3 * FRAMES), of=build)


@contextlib.contextmanager
def dying_renderers(folder: str) -> Iterator[None]:
    """One after another, each killed a second after it has begun to serve."""
    over = threading.Event()
    connection = Path(folder, "connection.json")

    def serve_and_kill() -> None:
        command = [sys.executable, "-m", "renderer.cli", "serve", "--model", "passthrough", "--runtime-dir", folder]
        while not over.is_set():
            connection.unlink(missing_ok=True)
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as renderer:
                while not connection.exists() and not over.wait(0.05):
                    pass
                over.wait(1.0)
                renderer.send_signal(signal.SIGKILL)

    thread = threading.Thread(target=serve_and_kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@BUILDS
def test_copying_while_the_history_moves_on_finds_no_fault(folder: str, build: tuple[str, ...]) -> None:
    assert native.client_tool("copying", folder, of=build) == ["OK OK NO_SLOT OK"]


@BUILDS
def test_a_client_without_sockets_finds_no_fault(build: tuple[str, ...]) -> None:
    assert len(native.client_tool("sockets", of=build)) == 2


@pytest.mark.parametrize("times", ["1", "1000000"])
def test_want_of_memory_finds_no_fault(folder: str, times: str) -> None:
    native.client_tool("starved", folder, times, of=native.ADDRESSES)
