"""Segments of shared memory: who may open one, who removes it, and what a killed owner leaves behind."""

from __future__ import annotations

import multiprocessing
import os
import resource
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import segment
from bridge.errors import InvalidValue, LimitExceeded, RingCorrupt, TransportError
from bridge.schema import Limits

SIZE = 64 * 1024


@pytest.fixture
def name() -> Iterator[str]:
    made, _ = segment.create(SIZE)
    yield made
    segment.unlink(made)


def test_two_mappings_share_their_bytes(name: str) -> None:
    first, second = segment.attach(name, SIZE, Limits()), segment.attach(name, SIZE, Limits())
    first[SIZE - 3 :] = b"end"
    assert second[SIZE - 3 :] == b"end"
    assert second[: SIZE - 3] == bytes(SIZE - 3)


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_a_segment_is_for_its_user_alone_whatever_the_umask(umask: int) -> None:
    before = os.umask(umask)
    try:
        made, _ = segment.create(SIZE)
    finally:
        os.umask(before)
    mode = (segment.FOLDER / made).stat().st_mode
    segment.unlink(made)
    assert stat.S_IMODE(mode) == 0o600


def test_names_are_random_and_never_reused(name: str) -> None:
    other, _ = segment.create(SIZE)
    segment.unlink(other)
    assert other != name
    assert segment.NAME.fullmatch(other)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "worldplate-",
        "worldplate-" + "A" * 32,
        "worldplate-" + "a" * 31,
        "worldplate-" + "a" * 33,
        "worldplate-" + "a" * 32 + "\n",
        "worldplate-" + "a" * 32 + "\0",
        "/dev/shm/worldplate-" + "a" * 32,
        "../worldplate-" + "a" * 32,
        "worldplate-" + "../" * 10 + "aa",
        "psm_12345678",
    ],
)
def test_only_names_of_segments_are_opened(bad: str) -> None:
    with pytest.raises(InvalidValue, match="not the name of a segment"):
        segment.attach(bad, SIZE, Limits())


def test_a_segment_that_is_gone_is_a_typed_error() -> None:
    with pytest.raises(RingCorrupt, match="No such file"):
        segment.attach("worldplate-" + "0" * 32, SIZE, Limits())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o610])
def test_a_segment_that_others_can_reach_is_refused(name: str, mode: int) -> None:
    (segment.FOLDER / name).chmod(mode)
    with pytest.raises(RingCorrupt, match="others can reach"):
        segment.attach(name, SIZE, Limits())


def test_a_segment_of_another_user_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: (segment.FOLDER / name).stat().st_uid + 1)
    with pytest.raises(RingCorrupt, match="not a file of this user"):
        segment.attach(name, SIZE, Limits())


def test_a_link_is_not_followed(name: str) -> None:
    link = segment.FOLDER / ("worldplate-" + "f" * 32)
    link.symlink_to(segment.FOLDER / name)
    try:
        with pytest.raises(RingCorrupt, match="symbolic links"):
            segment.attach(link.name, SIZE, Limits())
    finally:
        link.unlink()


@pytest.mark.parametrize("announced", [0, 1, 4095, 4096, SIZE - 1, SIZE + 1, 2**31 - 1])
def test_a_size_other_than_announced_is_refused(name: str, announced: int) -> None:
    with pytest.raises(RingCorrupt):
        segment.attach(name, announced, Limits())


def test_a_segment_over_the_limit_names_its_setting(name: str) -> None:
    with pytest.raises(LimitExceeded) as refusal:
        segment.attach(name, SIZE, Limits(max_shared_bytes=SIZE - 1))
    assert refusal.value.setting == "max_shared_bytes"


def test_a_segment_with_holes_is_refused_before_a_page_is_missing() -> None:
    path = segment.FOLDER / ("worldplate-" + "e" * 32)
    path.touch(mode=0o600)
    try:
        os.truncate(path, SIZE)
        with pytest.raises(RingCorrupt, match="not all there"):
            segment.attach(path.name, SIZE, Limits())
    finally:
        path.unlink()


def test_too_little_memory_is_a_typed_error_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda count: "c" * 2 * count)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, hard))
    try:
        with pytest.raises(TransportError, match=r"No shared memory of 65537 bytes.*inline"):
            segment.create(SIZE + 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (segment.FOLDER / ("worldplate-" + "c" * 32)).exists()


def test_where_python_makes_no_ring_the_error_names_the_transport_to_use(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in ("win32", "darwin"):
        monkeypatch.setattr(sys, "platform", platform)
        with pytest.raises(TransportError, match=r"need Linux.*`inline` transport, which goes over loopback TCP"):
            segment.create(SIZE)


def _attach_and_end(name: str) -> None:
    segment.attach(name, SIZE, Limits())[:5] = b"hello"


def test_an_attacher_that_ends_leaves_the_segment_to_its_owner(name: str) -> None:
    attacher = multiprocessing.get_context("spawn").Process(target=_attach_and_end, args=(name,))
    attacher.start()
    attacher.join(30)
    assert attacher.exitcode == 0
    assert segment.attach(name, SIZE, Limits())[:5] == b"hello"


def test_unlinking_twice_is_no_error(name: str) -> None:
    segment.unlink(name)
    segment.unlink(name)
    assert not (segment.FOLDER / name).exists()


def test_a_process_keeps_its_start_time_and_a_dead_one_has_none() -> None:
    child = subprocess.Popen(["sleep", "60"])
    started = segment.process_start_ticks(child.pid)
    mine = segment.process_start_ticks(os.getpid())
    assert started is not None
    assert mine is not None
    assert mine <= started
    child.kill()
    deadline = time.monotonic() + 10
    while segment.process_start_ticks(child.pid) is not None:  # a zombie from the kill on, and that is dead enough
        assert time.monotonic() < deadline
    child.wait()
    assert segment.process_start_ticks(child.pid) is None
    assert segment.process_start_ticks(2**64 - 1) is None


def test_a_command_with_parentheses_does_not_hide_the_start_time() -> None:
    command, before = Path("/proc/self/comm"), segment.process_start_ticks(os.getpid())
    own_name = command.read_text()
    command.write_text("a) Z (b c")
    try:
        assert segment.process_start_ticks(os.getpid()) == before
    finally:
        command.write_text(own_name)
