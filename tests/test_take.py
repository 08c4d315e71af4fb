"""Takes: what is written comes back bit for bit, what was cut reads up to the cut, and hostile files get a name."""

from __future__ import annotations

import os
import random
import resource
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mcap.reader
import msgspec
import numpy as np
import pytest
from mcap.data_stream import RecordBuilder
from mcap.records import Channel, Chunk, Message
from mcap.writer import CompressionType, Writer
from small_take import SESSION, frames_of, result_of, span_of, write_take

from bridge import wire
from bridge.errors import (
    InvalidValue,
    LimitExceeded,
    TakeCorrupt,
    TakeEmpty,
    TakeError,
    TakeMixed,
    TakeNotFound,
    TakeVersion,
    WorldplateError,
)
from bridge.schema import PlaneName, Reset, World, WorldOp
from bridge.take import Take
from bridge.take_index import CHUNK_HEAD, RECORD_HEAD
from bridge.take_records import TOPIC_OPENING, Ending, Failed, FrameNote, Missed, Opening
from bridge.take_writer import TakeWriter, sha256_of

MUTANTS = 400
SEED = 20260
OPENING = Opening(name="a", created_ns=1, software="tests", model="passthrough", runtime="none")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_take(tmp_path_factory.mktemp("takes") / "a.mcap")


@pytest.fixture(scope="module")
def whole(path: Path) -> bytes:
    return path.read_bytes()


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "changed.mcap"
    path.write_bytes(data)
    return path


def test_every_plane_comes_back_bit_for_bit(path: Path) -> None:
    with Take.open(path) as take:
        read = list(take.frames())
    assert [frame.number for frame in read] == list(range(1, 9))
    for frame, (header, planes) in zip(read, frames_of(64, 36, 8), strict=True):
        assert frame.header == header
        assert frame.planes.keys() == planes.keys()
        for name, plane in planes.items():
            assert frame.planes[name].dtype == plane.dtype
            assert frame.planes[name].shape == plane.shape
            assert frame.planes[name].tobytes() == plane.tobytes(), name
            assert not frame.planes[name].flags.writeable


def test_plates_results_controls_and_ownership_come_back_with_the_hash_of_the_plate(path: Path) -> None:
    with Take.open(path) as take:
        frame = take.frame(3)
    plate = frame.outputs[PlaneName.PLATE]
    assert np.all(plate[:, :32, 3] == 0.0)
    assert frame.outputs_sha256 == {PlaneName.PLATE: sha256_of(plate)}
    assert frame.controls == {"strength": 0.5}
    assert frame.ownership.labels == (3,)
    assert frame.result == result_of(frame.header)
    assert frame.span.hello.token == ""


def test_info_says_what_the_take_is(path: Path) -> None:
    with Take.open(path) as take:
        info = take.info
    assert (info.name, info.frames, info.complete, info.problem) == ("a", 8, True, "")
    assert (info.width, info.height, info.sizes, info.streams) == (64, 36, ((64, 36),), ("main",))
    assert (info.model, info.seed, info.fresh) == ("passthrough", 7, True)
    assert info.fps == pytest.approx(25.0)
    assert info.raw_bytes == 8 * 64 * 36 * 49
    assert info.stored_bytes == path.stat().st_size < info.raw_bytes


def test_a_range_of_frames_is_read_without_the_others(path: Path) -> None:
    with Take.open(path) as take:
        assert [frame.header.id for frame in take.frames(3, 5)] == [3, 4, 5]
        assert take.header(7).id == 7
        for first, last in ((0, 3), (3, 9), (5, 4), (9, None)):
            with pytest.raises(InvalidValue, match="has frames 1 to 8"):
                list(take.frames(first, last))


def test_the_file_is_mcap_that_other_tools_read(path: Path) -> None:
    with path.open("rb") as file:
        reader = mcap.reader.make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        topics = {channel.topic for _, channel, _ in reader.iter_messages()}
    assert summary is not None
    assert summary.statistics is not None
    assert summary.statistics.chunk_count == 8 + 3
    assert {"/plane/depth", "/plane/plate", "/message/FRAME", "/take/frame", "/take/ending"} <= topics
    assert {schema.encoding for schema in summary.schemas.values()} == {"jsonschema"}


def test_what_happens_between_frames_is_kept_in_its_order(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "b.mcap", OPENING)
    reset = World(session=SESSION, op=WorldOp.RESET, reset=Reset.NEW)
    missed = Missed(stream="main", first_id=2, last_id=4, count=3, reason="the disk cannot keep up")
    failed = Failed(stream="main", frame_id=5, code="model_failed", text="it broke")
    writer.note(span_of(16, 8))
    (first, planes), (second, more) = frames_of(16, 8, 2)
    writer.frame(first, planes, {}, result_of(first), FrameNote())
    for record in (reset, missed, failed):
        writer.note(record)
    writer.frame(second, more, {}, result_of(second), FrameNote())
    writer.finish(Ending(frames=2, missed=3, reason="stopped"))
    with Take.open(tmp_path / "b.mcap") as take:
        events = list(take.events())
        info = take.info
    assert [(number, type(event).__name__) for number, event in events] == [
        (0, "Span"), (1, "World"), (1, "Missed"), (1, "Failed"),
    ]  # fmt: skip
    assert [event for _, event in events[1:]] == [reset, missed, failed]
    assert (info.missed, info.failed, info.ended) == (3, 1, "stopped")


def test_a_take_of_a_session_that_was_resized_names_its_sizes(tmp_path: Path) -> None:
    path = write_take(tmp_path / "mixed.mcap", ((32, 18), (16, 10)), count=2)
    with Take.open(path) as take:
        assert take.info.sizes == ((32, 18), (16, 10))
        shapes = [frame.planes[PlaneName.DEPTH].shape for frame in take.frames()]
        assert [take.span_of(n).hello.width for n in (1, 2, 3, 4)] == [32, 32, 16, 16]
        with pytest.raises(TakeMixed, match="32x18, 16x10"):
            take.require_one_size()
    assert shapes == [(18, 32), (18, 32), (10, 16), (10, 16)]


def test_a_take_without_a_frame_can_be_opened_and_says_so(tmp_path: Path) -> None:
    with Take.open(write_take(tmp_path / "empty.mcap", count=0)) as take:
        assert (take.info.frames, take.info.fps, take.info.complete) == (0, 0.0, True)
        assert list(take.frames()) == []
        with pytest.raises(TakeEmpty, match="empty"):
            take.require_one_size()


def test_a_take_cut_anywhere_reads_up_to_its_last_whole_frame(whole: bytes, tmp_path: Path) -> None:
    counts = []
    for cut in np.linspace(17_000, len(whole) - 1, 60).astype(int):
        with Take.open(written(tmp_path, whole[:cut])) as take:
            assert not take.info.complete
            assert take.info.problem
            counts.append(take.info.frames)
            assert [frame.number for frame in take.frames()] == list(range(1, take.info.frames + 1))
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, 8)


def test_a_take_cut_before_its_first_frame_says_so(whole: bytes, tmp_path: Path) -> None:
    for cut in (200, 2000, 10_000):
        with pytest.raises(TakeCorrupt, match="before its first frame"), Take.open(written(tmp_path, whole[:cut])):
            pass


def test_a_take_cut_in_half_has_about_half_of_its_frames(whole: bytes, tmp_path: Path) -> None:
    with Take.open(written(tmp_path, whole[: len(whole) // 2])) as take:
        assert 2 <= take.info.frames <= 5
        assert take.info.problem.startswith("The record at byte")


def test_a_flipped_bit_in_a_frame_is_noticed(whole: bytes, tmp_path: Path) -> None:
    data = bytearray(whole)
    with Take.open(written(tmp_path, whole)) as take:
        place = take._index.frames[4]
    data[place.offset + place.length // 2] ^= 16
    with Take.open(written(tmp_path, bytes(data))) as take:
        assert take.frame(4).number == 4
        with pytest.raises(TakeCorrupt, match="checksum"):
            take.frame(5)


@contextmanager
def most_memory(more_bytes: int) -> Iterator[None]:
    """The process may not map more than that in addition to what it has."""
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def mutant(whole: bytes, rng: random.Random) -> bytes:
    """The file with a few changes: bits, bytes, cuts, splices, and lengths that promise more than follows."""
    data = bytearray(whole)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(data))
        match rng.randrange(6):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at : at + 8] = struct.pack("<Q", rng.choice((0, 1, 2**31, 2**40, 2**63, 2**64 - 1)))
            case 2:
                data[at : at + 4] = struct.pack("<I", rng.choice((0, 2**24, 2**31, 2**32 - 1)))
            case 3:
                del data[at : at + rng.randint(1, 4096)]
            case 4:
                start = rng.randrange(len(data))
                data[at:at] = data[start : start + rng.randint(1, 4096)]
            case _:
                del data[at:]
        if not data:
            return b""
    return bytes(data)


def test_mutants_are_read_or_refused_by_name_within_little_memory(whole: bytes, tmp_path: Path) -> None:
    rng, refused, read = random.Random(SEED), 0, 0
    # Where lengths stand, too: a chance hit among the pixels says little.
    front = whole[:20_000]
    with most_memory(512 * 2**20):
        for n in range(MUTANTS):
            data = mutant(front, rng) + whole[20_000:] if n % 2 else mutant(whole, rng)
            try:
                with Take.open(written(tmp_path, data)) as take:
                    read += len(list(take.frames())) > 0
                    list(take.events())
            except (TakeError, LimitExceeded, InvalidValue):
                refused += 1
    assert refused > MUTANTS // 10
    assert read > MUTANTS // 10


def chunk_of(*records: Channel | Message) -> bytes:
    builder = RecordBuilder()
    for record in records:
        record.write(builder)
    data = builder.end()
    Chunk(
        compression="", data=data, message_start_time=0, message_end_time=0, uncompressed_crc=0,
        uncompressed_size=len(data),
    ).write(builder)  # fmt: skip
    return bytes(builder.end())


def plane_channel(**about: str) -> bytes:
    told = {"format": "rgba16f", "width": "64", "height": "36", "coding": "across", **about}
    return chunk_of(
        Channel(id=900, topic="/plane/color", message_encoding="worldplate-plane", metadata=told, schema_id=0)
    )


def front_of(whole: bytes) -> bytes:
    """The magic and the header."""
    _, length = RECORD_HEAD.unpack_from(whole, 8)
    return whole[: 8 + RECORD_HEAD.size + length]


@pytest.mark.parametrize(
    ("about", "error"),
    [
        ({"width": "1000000"}, LimitExceeded),
        ({"width": "8192", "height": "8192", "format": "rgba32f"}, LimitExceeded),
        ({"width": "0"}, InvalidValue),
        ({"width": "-64"}, InvalidValue),
        ({"format": "r8ui"}, InvalidValue),
        ({"format": "rgba128f"}, TakeCorrupt),
        ({"width": "many"}, TakeCorrupt),
        ({"width": "9" * 5000}, TakeCorrupt),
    ],
)  # fmt: skip
def test_a_plane_of_an_impossible_size_is_refused_before_it_is_read(
    whole: bytes, tmp_path: Path, about: dict[str, str], error: type[WorldplateError]
) -> None:
    # A file breaks off at what is damaged in it; here that is before its first record.
    with pytest.raises(error), Take.open(written(tmp_path, front_of(whole) + plane_channel(**about))):
        pass


def test_a_chunk_of_another_tools_compression_is_refused_by_name(whole: bytes, tmp_path: Path) -> None:
    path = tmp_path / "zstd.mcap"
    with path.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)
        writer.start("worldplate-take", "another tool")
        channel = writer.register_channel(TOPIC_OPENING, "msgpack", 0)
        writer.add_message(channel, 1, wire.encode(OPENING), 1)
        writer.finish()
    with pytest.raises(TakeCorrupt, match="compressed by another tool"), Take.open(path):
        pass


def test_a_take_of_another_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    newer = msgspec.structs.replace(OPENING, format_version=2)
    TakeWriter(tmp_path / "newer.mcap", newer).abandon()
    with pytest.raises(TakeVersion, match=r"version 2 .* Update worldplate"), Take.open(tmp_path / "newer.mcap"):
        pass


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not an MCAP file"),
        (b"RIFF" + bytes(100), "not an MCAP file"),
        (b"\x89MCAP0\r\n", "no header"),
        (b"\x89MCAP0\r\n\x01" + struct.pack("<Q", 2**63) + b"x", "does not end"),
    ],
)
def test_what_is_no_take_is_refused(tmp_path: Path, data: bytes, what: str) -> None:
    with pytest.raises(TakeCorrupt, match=what), Take.open(written(tmp_path, data)):
        pass


def test_an_mcap_file_of_something_else_is_no_take(tmp_path: Path) -> None:
    path = tmp_path / "ros.mcap"
    with path.open("wb") as file:
        writer = Writer(file)
        writer.start("ros2", "rosbag2")
        writer.finish()
    with pytest.raises(TakeCorrupt, match="but no take"), Take.open(path):
        pass


def test_a_folder_a_pipe_and_nothing_at_all_are_no_takes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mcap")
    for path in (tmp_path, tmp_path / "pipe.mcap", tmp_path / "absent.mcap"):
        with pytest.raises(TakeNotFound), Take.open(path):
            pass


def test_a_chunk_that_does_not_fill_its_record_is_refused(whole: bytes, tmp_path: Path) -> None:
    head = CHUNK_HEAD.pack(0, 0, 10**15, 0, 0, 10**15)
    record = RECORD_HEAD.pack(6, len(head)) + head
    with pytest.raises(TakeCorrupt, match="does not fill"), Take.open(written(tmp_path, front_of(whole) + record)):
        pass
