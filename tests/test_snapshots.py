"""The file of a snapshot: what was written is read, and whatever else is there instead is refused by name."""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from msgspec.structs import replace
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scripted_renderer import CAMERA

from bridge import wire
from bridge.connection import private_dir
from bridge.errors import (
    InvalidValue,
    LimitExceeded,
    SnapshotCorrupt,
    SnapshotMismatch,
    SnapshotNotFound,
    TransportError,
)
from bridge.schema import Bodies, Frame, Limits
from renderer import snapshots
from renderer.snapshots import ENDING, HEADER, Header, SavedStream, Snapshot

LIMITS = Limits()
LAST = Frame(session="0" * 32, id=9, capture_ns=5, camera=CAMERA, bodies=Bodies())
STREAMS = (SavedStream(name="main", seed=2**63 - 1, epoch=3, steps=40, last=LAST),)
KINDS = [np.float16, np.float32, np.float64, np.uint8, np.int32, np.uint32, np.int64, np.uint64, np.bool_]


def header(name: str = "storm", **more: Any) -> Header:
    told: dict[str, Any] = {
        "name": name, "created_ns": 1, "model": "limn", "model_sha256": "a" * 64, "width": 8, "height": 4,
        "streams": STREAMS, "controls": {"fog": 0.5, "prompt": "dusk", "on": True},
    }  # fmt: skip
    return Header(**{**told, **more})


def arrays() -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(1)
    return {f"0.latents.{np.dtype(kind).name}": rng.integers(0, 2, (3, 2, 5)).astype(kind) for kind in KINDS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return private_dir(tmp_path / "worlds")


@pytest.fixture
def file(folder: Path) -> Path:
    snapshots.write(Snapshot(header(), arrays()), folder, LIMITS)
    return folder / f"storm{ENDING}"


def test_what_was_written_is_read(folder: Path, file: Path) -> None:
    read = snapshots.read("storm", folder, LIMITS)
    assert replace(read.header, arrays_sha256="") == header()
    assert read.header == snapshots.read_header("storm", folder, LIMITS)
    assert {n: (a.dtype, a.shape, a.tobytes()) for n, a in read.arrays.items()} == {
        n: (a.dtype, a.shape, a.tobytes()) for n, a in arrays().items()
    }
    assert read.part("0.latents").keys() == {np.dtype(kind).name for kind in KINDS}


def test_it_is_the_users_alone(folder: Path, file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [file]


def test_any_reader_of_safetensors_opens_it(file: Path) -> None:
    assert load_file(file).keys() == {HEADER, *arrays()}


def test_the_users_folder_is_made_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    folder = snapshots.data_dir()
    assert folder == tmp_path / "data" / "worldplate" / "worlds"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(TransportError, match="chmod 700"):
        snapshots.data_dir()
    assert snapshots.data_dir(str(tmp_path / "mine")) == tmp_path / "mine"


def test_snapshots_are_listed_oldest_first_and_removed_by_name(folder: Path) -> None:
    for age, name in enumerate(("c", "a", "b")):
        snapshots.write(Snapshot(header(name), {}), folder, LIMITS)
        os.utime(folder / f"{name}{ENDING}", ns=(age, age))
    (folder / "notes.txt").write_text("not ours")
    assert snapshots.names(folder) == ["c", "a", "b"]
    snapshots.remove("a", folder)
    assert snapshots.names(folder) == ["c", "b"]
    with pytest.raises(SnapshotNotFound, match="c, b"):
        snapshots.remove("a", folder)


@pytest.mark.parametrize("name", ["", "a/b", "../storm", "a.b", "ä", "a\n", "x" * 65])
def test_a_name_is_never_a_path(folder: Path, name: str) -> None:
    for action in (lambda: snapshots.read(name, folder, LIMITS), lambda: snapshots.remove(name, folder)):
        with pytest.raises(InvalidValue):
            action()


def test_what_is_not_there_is_told_with_what_is(folder: Path, file: Path) -> None:
    with pytest.raises(SnapshotNotFound, match="There are: storm"):
        snapshots.read("calm", folder, LIMITS)


def test_all_snapshots_together_are_bounded(folder: Path, file: Path) -> None:
    tight = Limits(max_snapshot_bytes=file.stat().st_size + 100)
    with pytest.raises(LimitExceeded, match="max_snapshot_bytes"):
        snapshots.write(Snapshot(header("other"), arrays()), folder, tight)
    snapshots.write(Snapshot(header(), arrays()), folder, tight)  # in the place of itself
    with pytest.raises(LimitExceeded, match="max_snapshot_bytes"):
        snapshots.read("storm", folder, Limits(max_snapshot_bytes=100))


def test_what_a_dead_writer_left_is_removed_and_a_live_ones_stays(folder: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    dead, alive = folder / f".draft-{done.pid}-0", folder / f".draft-{os.getpid()}-0"
    for draft in (dead, alive):
        draft.touch()
    snapshots.write(Snapshot(header(), {}), folder, LIMITS)
    assert (dead.exists(), alive.exists()) == (False, True)


def test_a_full_disk_is_told_and_what_was_there_stays(folder: Path, file: Path) -> None:
    """In a process of its own whose files may not grow: the system's own error, from the library's own write."""
    before = file.read_bytes()
    code = f"""
import resource, signal, numpy as np
from pathlib import Path
from bridge.errors import SnapshotNotWritten
from bridge.schema import Limits
from renderer import snapshots
old = snapshots.read("storm", Path({str(folder)!r}), Limits())
new = snapshots.Snapshot(old.header, {{"0.memory.big": np.zeros(1 << 20, np.uint8)}})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    snapshots.write(new, Path({str(folder)!r}), Limits())
except SnapshotNotWritten as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'storm' was not written" in done.stdout
    assert "large" in done.stdout
    assert file.read_bytes() == before
    assert list(folder.iterdir()) == [file]


def rewritten(file: Path, told: bytes, more: dict[str, NDArray[Any]] | None = None) -> None:
    save_file({HEADER: np.frombuffer(told, np.uint8), **(arrays() if more is None else more)}, file)


def test_another_version_is_refused_as_that(folder: Path, file: Path) -> None:
    rewritten(file, wire.encode(header(version=2)))
    with pytest.raises(SnapshotMismatch, match="version 2"):
        snapshots.read("storm", folder, LIMITS)


def test_an_altered_array_is_noticed(folder: Path, file: Path) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(SnapshotCorrupt, match="altered"):
        snapshots.read("storm", folder, LIMITS)


def test_arrays_that_the_header_does_not_tell_of_are_noticed(folder: Path, file: Path) -> None:
    told = wire.encode(snapshots.read_header("storm", folder, LIMITS))
    rewritten(file, told, {**arrays(), "0.latents.more": np.zeros(3)})
    with pytest.raises(SnapshotCorrupt, match="altered"):
        snapshots.read("storm", folder, LIMITS)


@pytest.mark.parametrize(
    "told",
    [b"", b"\xc1", b"\x80", wire.encode(header(streams=())), wire.encode(header(width=-1)), b"\xdf\xff\xff\xff\xff",
     wire.encode(header(streams=(replace(STREAMS[0], last=replace(LAST, id=0)),))),
     wire.encode(header()).replace(b"limn", b"\xff\xff\xff\xff")],
)  # fmt: skip
def test_a_header_that_is_none_is_refused(folder: Path, file: Path, told: bytes) -> None:
    rewritten(file, told)
    with pytest.raises(SnapshotCorrupt):
        snapshots.read("storm", folder, LIMITS)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00" * 8, b"\xff" * 8 + b"{}", (1 << 40).to_bytes(8, "little") + b"{}", b"\x80\x04N." * 20],
)
def test_a_file_that_is_no_snapshot_is_refused(folder: Path, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(SnapshotCorrupt):
        snapshots.read("storm", folder, LIMITS)


@pytest.mark.parametrize("shape", [[1 << 40], [1 << 62, 4], [-1], [0, 1 << 63], [2] * 5000])
def test_hostile_sizes_take_no_memory(folder: Path, file: Path, shape: list[int]) -> None:
    told = {HEADER: {"dtype": "U8", "shape": shape, "data_offsets": [0, 1 << 40]}}
    head = json.dumps(told).encode()
    file.write_bytes(len(head).to_bytes(8, "little") + head + b"\x00" * 64)
    with pytest.raises(SnapshotCorrupt):
        snapshots.read("storm", folder, LIMITS)


def test_a_link_is_not_followed(folder: Path, file: Path, tmp_path: Path) -> None:
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SnapshotCorrupt, match="link"):
        snapshots.read("storm", folder, LIMITS)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_file_is_read_whole_or_refused_by_name(folder: Path, data: st.DataObject) -> None:
    file = folder / f"storm{ENDING}"
    if not (folder / "whole").exists():
        snapshots.write(Snapshot(header(), arrays()), folder, LIMITS)
        (folder / "whole").write_bytes(file.read_bytes())
    content = bytearray((folder / "whole").read_bytes())
    match data.draw(st.sampled_from(["cut", "flip", "splice", "grow"])):
        case "cut":
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        case "flip":
            for _ in range(data.draw(st.integers(1, 4))):
                content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        case "splice":
            at = data.draw(st.integers(0, len(content)))
            content[at : at + data.draw(st.integers(0, 64))] = data.draw(st.binary(max_size=64))
        case "grow":
            content += data.draw(st.binary(min_size=1, max_size=64))
    file.write_bytes(content)
    with contextlib.suppress(SnapshotCorrupt, SnapshotMismatch):
        read = snapshots.read("storm", folder, LIMITS)
        assert {n: a.tobytes() for n, a in read.arrays.items()} == {n: a.tobytes() for n, a in arrays().items()}
