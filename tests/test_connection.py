"""How engines find the renderer: the private folder, the connection file, and who may replace it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from bridge import connection as connections
from bridge.connection import FILE_NAME, Connection
from bridge.errors import EndpointInUse, NoRenderer, TransportError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return connections.private_dir(tmp_path / "run")


def dead_connection() -> Connection:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return Connection(endpoint="ipc:///nowhere", token="0" * 32, pid=process.pid, pid_start=1)


def test_what_is_written_can_be_found_by_this_user_alone(folder: Path) -> None:
    connection = connections.new_connection("tcp://127.0.0.1:5555")
    connections.write(connection, folder / FILE_NAME)
    assert connections.find(folder / FILE_NAME) == connection
    assert (folder / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in folder.iterdir()] == [FILE_NAME]


def test_tokens_are_random_and_stay_out_of_texts() -> None:
    one, two = (connections.new_connection("tcp://127.0.0.1:5555") for _ in range(2))
    assert one.token != two.token
    assert one.token not in repr(one)


def test_no_file_is_no_renderer_and_says_how_to_start_one(folder: Path) -> None:
    with pytest.raises(NoRenderer, match="worldplate serve"):
        connections.find(folder / FILE_NAME)


def test_a_dead_process_is_no_renderer(folder: Path) -> None:
    connections.write(dead_connection(), folder / FILE_NAME)
    with pytest.raises(NoRenderer, match="is gone"):
        connections.find(folder / FILE_NAME)


def test_a_process_that_got_the_pid_of_a_dead_renderer_is_no_renderer(folder: Path) -> None:
    connection = connections.new_connection("tcp://127.0.0.1:5555")
    connections.write(msgspec.structs.replace(connection, pid_start=connection.pid_start + 1), folder / FILE_NAME)
    with pytest.raises(NoRenderer):
        connections.find(folder / FILE_NAME)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"endpoint": "x"}', b"{}" * 4000])
def test_a_broken_file_is_an_error_that_says_what_to_do(folder: Path, content: bytes) -> None:
    file = folder / FILE_NAME
    file.touch(mode=0o600)
    file.write_bytes(content)
    with pytest.raises(TransportError, match=r"not a connection file.*Remove it"):
        connections.find(file)


def test_a_file_that_others_can_read_is_refused(folder: Path) -> None:
    connections.write(connections.new_connection("tcp://127.0.0.1:5555"), folder / FILE_NAME)
    (folder / FILE_NAME).chmod(0o644)
    with pytest.raises(TransportError, match="not private"):
        connections.find(folder / FILE_NAME)


def test_a_link_in_place_of_the_file_is_refused(folder: Path, tmp_path: Path) -> None:
    connections.write(connections.new_connection("tcp://127.0.0.1:5555"), tmp_path / "elsewhere")
    (folder / FILE_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TransportError, match="cannot be read"):
        connections.find(folder / FILE_NAME)


@pytest.mark.parametrize("mode", [0o750, 0o707, 0o777])
def test_a_folder_that_others_can_enter_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(TransportError, match="chmod 700"):
        connections.private_dir(folder)


def test_a_folder_that_is_a_link_or_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").touch()
    for path in (tmp_path / "link", tmp_path / "file"):
        with pytest.raises(TransportError, match="not a folder"):
            connections.private_dir(path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    os.chown(folder, 12345, -1)
    with pytest.raises(TransportError, match="belongs to user 12345"):
        connections.private_dir(folder)


def test_the_folder_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert connections.runtime_dir() == tmp_path / "worldplate"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert connections.runtime_dir() == tmp_path / f"worldplate-{os.getuid()}"


def test_on_windows_the_folder_is_in_the_users_local_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nonexistent")  # some shells have it; engines do not look there
    assert connections.runtime_dir() == tmp_path / "worldplate"


def test_a_live_renderer_is_not_replaced(folder: Path) -> None:
    connections.write(connections.new_connection("tcp://127.0.0.1:5555"), folder / FILE_NAME)
    with pytest.raises(EndpointInUse, match=f"process {os.getpid()}"), connections.claim(folder):
        pytest.fail("claimed")


@pytest.mark.parametrize("content", [b"rubbish", msgspec.json.encode(dead_connection())])
def test_a_stale_file_is_replaced(folder: Path, content: bytes) -> None:
    (folder / FILE_NAME).touch(mode=0o600)
    (folder / FILE_NAME).write_bytes(content)
    fresh = connections.new_connection("tcp://127.0.0.1:5555")
    with connections.claim(folder):
        connections.write(fresh, folder / FILE_NAME)
    assert connections.find(folder / FILE_NAME) == fresh


def test_only_ones_own_file_is_removed(folder: Path) -> None:
    first, second = (connections.new_connection("tcp://127.0.0.1:5555") for _ in range(2))
    connections.write(second, folder / FILE_NAME)
    connections.remove(first, folder / FILE_NAME)
    assert (folder / FILE_NAME).exists()
    connections.remove(second, folder / FILE_NAME)
    assert not (folder / FILE_NAME).exists()
    connections.remove(second, folder / FILE_NAME)
