"""What a world remembers for long goes through a snapshot and comes back, also as a model for other programs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from test_world_operations import Average

from bridge import connection as connections, link
from bridge.client import Client
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.engine.world import CameraKey
from bridge.errors import SnapshotCorrupt
from bridge.schema import Limits, SyncMode
from renderer import snapshots
from renderer.cli import main
from renderer.models import ModelCard, Recall
from renderer.serve import Renderer
from renderer.snapshots import Snapshot
from renderer.worlds import remembered_of

WIDTH, HEIGHT = 64, 36


class Kept(Average):
    """The same model, whose plates are remembered."""

    def __init__(self) -> None:
        super().__init__()
        self.card = ModelCard(
            name="average", needs=self.card.needs, optional=self.card.optional, sha256=self.card.sha256,
            recall=Recall.KEPT,
        )  # fmt: skip


class House:
    """A renderer with a long memory behind the user's own connection file, and an engine in it."""

    def __init__(self, runtime: Path, kept: Path) -> None:
        self.link = link.listen(None, Limits(), runtime)
        self.renderer = Renderer(self.link, Kept(), self.link.connection.token, Limits(), snapshots=kept, memory_mb=64)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.renderer.run, args=(self._stop,))
        self._thread.start()
        self.engine = EmbeddedEngine(courtyard(7), WIDTH, HEIGHT)
        self.client = Client(
            WIDTH, HEIGHT, {name: (kind,) for name, kind in FORMATS.items()}, sync=SyncMode.OFFLINE,
            connection=runtime / connections.FILE_NAME,
        )  # fmt: skip
        self.client.connect(60.0)

    def play(self, frames: int, stream: str = "main", turn: float = 0.0) -> None:
        """Frames of that stream; `turn` turns the camera away, from -1 to 1."""
        for _ in range(frames):
            self.engine.step(1 / 25)
            if turn:
                self.engine.look(CameraKey((0.0, 1.7, 3.0), (9.0 * turn, 1.4, 0.0)))
            slot = self.client.begin()
            self.engine.render({name: plane for name, plane in slot.inputs.items() if name in FORMATS})
            self.client.submit(slot, self.engine.camera(), bodies=self.engine.bodies(), stream=stream)
            assert self.client.present() is not None

    def close(self) -> None:
        self.client.close()
        self._stop.set()
        self._thread.join(30.0)
        self.link.close()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(connections.private_dir(tmp_path / "run")))
    monkeypatch.setenv("WORLDPLATE_SNAPSHOT_DIR", str(tmp_path / "kept"))
    return connections.private_dir(tmp_path / "kept")


@pytest.fixture
def house(kept: Path) -> Iterator[House]:
    opened = House(connections.runtime_dir(), kept)
    yield opened
    opened.close()


def test_the_long_memory_comes_back_and_is_written_as_mesh_and_points(
    house: House, kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house.play(9)
    house.client.worlds.snapshot("court")
    told = remembered_of(snapshots.read("court", kept, Limits()))
    assert len(told["grid.blocks"]) > 10
    house.client.worlds.reset()
    house.play(1)
    house.client.worlds.restore("court")
    house.client.worlds.snapshot("again")
    again = remembered_of(snapshots.read("again", kept, Limits()))
    assert {name: array.tobytes() for name, array in again.items()} == {n: a.tobytes() for n, a in told.items()}
    assert main(["world", "export", str(tmp_path / "court.glb")]) == 0  # as it is now, through the running renderer
    assert (tmp_path / "court.glb").read_bytes()[:4] == b"glTF"
    assert main(["world", "export", str(tmp_path / "court.ply"), "--snapshot", "court"]) == 0
    assert (tmp_path / "court.ply").read_bytes().startswith(b"ply\nformat binary_little_endian")
    assert snapshots.names(kept) == ["court", "again"]  # and not the export's own
    assert main(["world", "list"]) == 0
    listed = capsys.readouterr().out
    assert "worldplate python client" in listed
    assert "snapshot court" in listed


def test_a_fork_remembers_by_itself_and_both_memories_come_back(house: House, kept: Path) -> None:
    def remembered(name: str) -> list[dict[str, bytes]]:
        house.client.worlds.snapshot(name)
        snapshot = snapshots.read(name, kept, Limits())
        both = remembered_of(snapshot), remembered_of(snapshot, "1.memory")
        return [{part: array.tobytes() for part, array in arrays.items() if part != "now_ms"} for arrays in both]

    house.play(5)
    house.client.worlds.fork("right")
    shared, own = remembered("forked")
    assert shared
    assert own == shared
    house.play(5, "right", turn=1.0)
    after, right = remembered("right")
    assert after == shared
    assert right != own
    house.play(5, "main", turn=-1.0)
    left, again = remembered("both")
    assert left != shared
    assert again == right
    house.client.worlds.reset(stream="right")
    house.play(1, "right")
    house.client.worlds.restore("both")
    assert remembered("restored") == [left, right]
    house.client.worlds.fork("right", "main")  # over a fork there is: its memory goes with it
    assert remembered("over") == [left, left]


def test_patches_that_are_no_records_are_refused(kept: Path) -> None:
    house_header = snapshots.Header(
        name="odd", created_ns=1, model="average", model_sha256="", width=8, height=4, controls={},
        streams=(snapshots.SavedStream(name="main", seed=0, epoch=0, steps=0),),
    )  # fmt: skip
    with pytest.raises(SnapshotCorrupt, match="patches"):
        remembered_of(Snapshot(house_header, {"memory.patches": np.zeros(7, np.uint8)}))
