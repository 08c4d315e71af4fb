"""Where an engine looks for its renderer."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bridge import connection as connections, link
from bridge.door import FileDoor, HandedDoor
from bridge.ends import memory_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return connections.private_dir(tmp_path / "r")


def test_a_renderer_that_comes_is_found_and_one_that_goes_is_missed(folder: Path) -> None:
    door = FileDoor(folder / connections.FILE_NAME)
    assert door.open() is None
    assert not door.moved()
    renderer = link.listen(None, runtime_dir=folder)
    assert door.moved()
    opened = door.open()
    assert opened is not None
    assert opened.token == renderer.connection.token
    assert not door.moved()
    renderer.close()
    assert door.moved()
    assert door.open() is None
    opened.end.close()


def test_another_renderer_at_the_same_place_is_another(folder: Path) -> None:
    door = FileDoor(folder / connections.FILE_NAME)
    first = link.listen(None, runtime_dir=folder)
    opened = door.open()
    first.close()
    second = link.listen(None, runtime_dir=folder)
    assert door.moved()
    again = door.open()
    assert opened is not None
    assert again is not None
    assert again.token == second.connection.token != opened.token
    for end in (opened.end, again.end, second):
        end.close()


@pytest.mark.parametrize(
    "content", [b"rubbish", b'{"endpoint":"tcp://10.0.0.1:5","token":"%s","pid":1,"pid_start":0}' % (b"0" * 32)]
)
def test_a_file_that_cannot_be_used_is_no_renderer_and_told_once(
    folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / connections.FILE_NAME
    file.touch(mode=0o600)
    file.write_bytes(content)
    door = FileDoor(file)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            assert door.open() is None
    assert len(caplog.records) == 1


def test_a_handed_end_opens_once() -> None:
    engine_end, _ = memory_pair()
    door = HandedDoor(engine_end, "token")
    opened = door.open()
    assert opened is not None
    assert opened.end is engine_end
    assert door.open() is None
    assert not door.moved()
