"""Writing takes: never over another, for this user alone, and on a full disk up to where it goes."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from small_take import frames_of, result_of, span_of, write_take

from bridge.errors import TakeExists, TakeNotWritten
from bridge.take import Take
from bridge.take_records import Ending, FrameNote, Opening
from bridge.take_writer import TakeWriter

OPENING = Opening(name="a", created_ns=1, software="tests", model="passthrough", runtime="none")


def test_a_take_is_never_written_over_and_is_the_users_alone(tmp_path: Path) -> None:
    path = write_take(tmp_path / "a.mcap", count=1)
    with pytest.raises(TakeExists, match="a already"):
        TakeWriter(path, OPENING)
    assert path.stat().st_mode & 0o077 == 0


def test_a_folder_that_is_not_there_or_read_only_is_told_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(TakeNotWritten, match="takes_dir"):
        TakeWriter(tmp_path / "nowhere" / "a.mcap", OPENING)


@contextmanager
def disk_of(bytes_: int) -> Iterator[None]:
    """No file may become larger than that: a write over it fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(writer: TakeWriter, count: int) -> None:
    for header, planes in frames_of(64, 36, count):
        writer.frame(header, planes, {}, result_of(header), FrameNote())


@pytest.mark.parametrize("room", [80_000, 90_000, 123_456])
def test_on_a_full_disk_the_take_ends_where_it_stands_and_says_why(tmp_path: Path, room: int) -> None:
    path = tmp_path / "full.mcap"
    writer = TakeWriter(path, OPENING)
    with disk_of(room):
        writer.note(span_of(64, 36))
        with pytest.raises(TakeNotWritten, match="takes_dir"):
            fill(writer, 12)
        writer.finish_shortly(Ending(frames=writer.frames, missed=1, reason="the disk is full"))
    assert path.stat().st_size <= room
    with Take.open(path) as take:
        assert (take.info.complete, take.info.ended) == (True, "the disk is full")
        assert take.info.frames + take.info.missed == writer.frames + 1
        assert len(list(take.frames())) == take.info.frames > 0


def test_a_disk_without_room_for_the_ending_gives_up_the_last_frame_for_it(tmp_path: Path) -> None:
    path = tmp_path / "brim.mcap"
    writer = TakeWriter(path, OPENING)
    writer.note(span_of(64, 36))
    fill(writer, 3)
    with disk_of(writer.stored_bytes + 50):
        writer.finish_shortly(Ending(frames=3, missed=0, reason="the disk is full"))
    with Take.open(path) as take:
        assert (take.info.complete, take.info.frames, take.info.missed) == (True, 2, 1)
