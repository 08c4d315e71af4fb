"""World operations while the show goes on: what was saved comes back bit for bit, and no mistake loses anything."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scripted_renderer import CAMERA, PLANES

from bridge import connection as connections, link
from bridge.client import Client
from bridge.errors import (
    InvalidValue,
    LimitExceeded,
    NoRenderer,
    SnapshotCorrupt,
    SnapshotMismatch,
    SnapshotNotFound,
    SnapshotNotWritten,
    UnknownStream,
)
from bridge.operator import Operator
from bridge.schema import (
    Disposition,
    Limits,
    PlaneName,
    Reset,
    SyncMode,
    World as WorldMessage,
    WorldOp,
)
from renderer import snapshots
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.recall import World
from renderer.serve import Renderer

LIMITS = Limits(max_snapshots=3, max_streams=3)
Half = NDArray[np.float16]


class Average:
    """A model that remembers: its plate is the running average of the engine's pictures, and the count of its steps."""

    def __init__(self, sha256: str = "a" * 64, name: str = "average") -> None:
        self.card = ModelCard(
            name=name, needs=frozenset({PlaneName.COLOR}), optional=frozenset(PlaneName), sha256=sha256
        )

    def step(self, frame: RenderFrame, world: World, plate: Half) -> None:
        color = frame.planes[PlaneName.COLOR].astype(np.float32)
        before = world.latents if isinstance(world.latents, np.ndarray) else np.zeros_like(color)
        world.latents = before * np.float32(0.75) + color * np.float32(0.25)
        np.copyto(plate, world.latents, casting="same_kind")
        plate[..., 3] = world.steps % 7

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {"average": latents} if isinstance(latents, np.ndarray) else {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return arrays.get("average")

    def close(self) -> None:
        """Nothing is held."""


class Stage:
    """A renderer's loop, and engines at it."""

    def __init__(self, folder: Path, kept: Path, model: Average) -> None:
        self.kept = kept
        self.link = link.listen(None, LIMITS, connections.private_dir(folder))
        self.file = folder / connections.FILE_NAME
        self.renderer = Renderer(self.link, model, self.link.connection.token, LIMITS, snapshots=kept)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.renderer.run, args=(self._stop,))
        self._thread.start()
        self._clients: list[Client] = []

    def engine(self, width: int = 8, height: int = 4, seed: int = 0) -> Client:
        client = Client(
            width, height, PLANES, sync=SyncMode.OFFLINE, connection=self.file, seed=seed, offline_wait_s=60.0,
        )  # fmt: skip
        self._clients.append(client)
        client.connect()
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self._stop.set()
        self._thread.join(10.0)
        self.link.close()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return connections.private_dir(tmp_path / "kept")


@pytest.fixture
def stage(tmp_path: Path, kept: Path) -> Iterator[Stage]:
    opened = Stage(tmp_path / "rt", kept, Average())
    yield opened
    opened.close()


def show(client: Client, value: float, stream: str = "main", **more: Any) -> Half:
    """The plate of an engine's picture of that value."""
    slot = client.begin()
    slot.inputs[PlaneName.COLOR][...] = value
    slot.inputs[PlaneName.DEPTH][...] = 3.0
    slot.inputs[PlaneName.OBJECT][...] = 1
    client.submit(slot, CAMERA, stream=stream, **more)
    shown = client.present()
    assert shown is not None
    assert shown.disposition is Disposition.GENERATED, shown.reason
    return np.array(shown.plate)


def play(client: Client, values: list[float], stream: str = "main") -> list[bytes]:
    return [show(client, value, stream).tobytes() for value in values]


BEFORE, AFTER = [1.0, 5.0, 2.0, 8.0, 3.0], [4.0, 1.0, 6.0]


def test_a_restored_world_goes_on_bit_for_bit(stage: Stage) -> None:
    client = stage.engine()
    play(client, BEFORE)
    assert "storm" in client.worlds.snapshot("storm")
    expected = play(client, AFTER)
    assert play(client, AFTER) != expected  # the model does remember
    client.worlds.restore("storm")
    assert play(client, AFTER) == expected


def test_another_session_goes_on_from_the_same_world(stage: Stage) -> None:
    first = stage.engine(seed=5)
    play(first, BEFORE)
    first.worlds.snapshot("storm")
    expected = play(first, AFTER)
    second = stage.engine(seed=9)
    play(second, [7.0])
    second.worlds.restore("storm")
    assert play(second, AFTER) == expected
    seeds = stage.renderer.ask(lambda r: [s.worlds["main"].seed for s in r.sessions]).result(5.0)
    assert seeds == [5, 5]


def test_a_renderer_that_was_started_anew_goes_on_from_the_same_world(tmp_path: Path, kept: Path) -> None:
    one = Stage(tmp_path / "rt", kept, Average())
    client = one.engine()
    play(client, BEFORE)
    client.worlds.snapshot("storm")
    expected = play(client, AFTER)
    one.close()
    other = Stage(tmp_path / "rt2", kept, Average())
    client = other.engine()
    client.worlds.restore("storm")
    assert play(client, AFTER) == expected
    other.close()


def test_controls_and_ownership_come_back_with_a_world(stage: Stage) -> None:
    client = stage.engine()
    client.set_controls({}, engine_objects=(1,), plate_near_m=0.5)
    show(client, 1.0)
    client.worlds.snapshot("owned")
    client.set_controls({}, engine_objects=(), plate_near_m=0.0)
    assert show(client, 1.0)[0, 0, 3] != 0.0
    client.worlds.restore("owned")
    assert show(client, 1.0)[0, 0, 3] == 0.0
    owned = stage.renderer.ask(lambda r: r.sessions[0].steering.ownership).result(5.0)
    assert (owned.objects, owned.plate_near_m) == (frozenset({1}), 0.5)


def test_a_fork_goes_on_from_the_same_world_and_apart_from_it(stage: Stage) -> None:
    client = stage.engine()
    play(client, BEFORE)
    client.worlds.fork("what if")
    one = play(client, AFTER)
    assert play(client, AFTER, "what if") == one  # the same action: not a bit is different
    other = play(client, [9.0], "what if")
    assert play(client, [2.0]) != other


def test_a_snapshot_holds_every_stream(stage: Stage) -> None:
    client = stage.engine()
    play(client, BEFORE)
    client.worlds.fork("right")
    play(client, [9.0], "right")
    client.worlds.snapshot("both")
    expected = play(client, AFTER), play(client, AFTER, "right")
    client.worlds.restore("both")
    assert (play(client, AFTER), play(client, AFTER, "right")) == expected


def test_a_reset_forgets_one_stream_or_all(stage: Stage) -> None:
    client = stage.engine()
    fresh = play(client, AFTER)
    client.worlds.fork("right")
    client.worlds.reset(stream="right")
    assert play(client, AFTER, "right") == fresh
    client.worlds.reset()
    assert play(client, AFTER) == fresh
    assert play(client, AFTER, "right") == fresh


@pytest.mark.parametrize("kind", [Reset.CUT, Reset.TELEPORT, Reset.NEW])
def test_after_every_kind_of_reset_nothing_of_the_frames_before_is_seen(stage: Stage, kind: Reset) -> None:
    client = stage.engine()
    fresh = play(client, AFTER)
    assert kind in client.worlds.reset(kind) or kind is Reset.NEW
    assert play(client, AFTER) == fresh
    assert show(client, AFTER[0], reset=kind).tobytes() == fresh[0]


def test_the_show_goes_on_while_a_snapshot_is_written(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, write = threading.Event(), snapshots.write
    monkeypatch.setattr(snapshots, "write", lambda *told: (go_on.wait(10.0), write(*told))[1])
    client = stage.engine()
    play(client, BEFORE)
    saving = stage.renderer.ask(
        lambda r: r.change_world(
            r.sessions[0], WorldMessage(session=r.sessions[0].id, op=WorldOp.SNAPSHOT, name="storm")
        )
    ).result(5.0)
    expected = play(client, AFTER)
    assert not saving.done()
    go_on.set()
    assert "saved" in saving.result(10.0)
    client.worlds.restore("storm")  # of the moment it was asked for
    assert play(client, AFTER) == expected


def test_a_snapshot_that_is_being_written_when_the_renderer_stops_is_finished(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopping, write = threading.Event(), snapshots.write
    monkeypatch.setattr(snapshots, "write", lambda *told: (stopping.wait(10.0), write(*told))[1])
    stage = Stage(tmp_path / "rt", kept, Average())
    play(stage.engine(), BEFORE)

    def save(renderer: Renderer) -> None:
        session = renderer.sessions[0]
        renderer.change_world(session, WorldMessage(session=session.id, op=WorldOp.SNAPSHOT, name="last"))

    stage.renderer.ask(save).result(5.0)
    threading.Timer(0.1, stopping.set).start()
    stage.close()
    assert snapshots.names(kept) == ["last"]


def test_an_operator_saves_and_restores_for_an_engine(stage: Stage) -> None:
    client = stage.engine()
    play(client, BEFORE)
    with Operator("test tool", stage.file) as operator:
        session = operator.session().session
        saved = operator.ask(WorldMessage(session=session, op=WorldOp.SNAPSHOT, name="storm"))
        assert "saved as 'storm'" in saved.text
        expected = play(client, AFTER)
        assert "restored" in operator.ask(WorldMessage(session=session, op=WorldOp.RESTORE, name="storm")).text
        assert play(client, AFTER) == expected
        with pytest.raises(SnapshotNotFound, match="storm"):
            operator.ask(WorldMessage(session=session, op=WorldOp.RESTORE, name="calm"))


def test_a_snapshot_of_nothing_is_refused(stage: Stage) -> None:
    with pytest.raises(UnknownStream):
        stage.engine().worlds.snapshot("storm")


@pytest.mark.parametrize("name", ["", "a b", "x" * 64])
def test_only_names_are_taken(stage: Stage, name: str) -> None:
    client = stage.engine()
    show(client, 1.0)
    if name == "x" * 64:
        client.worlds.snapshot(name)
        assert snapshots.names(stage.kept) == [name]
        return
    with pytest.raises((InvalidValue, NoRenderer)):  # what the wire refuses names no operation
        client.worlds.snapshot(name, timeout_s=0.5)
    assert snapshots.names(stage.kept) == []


def refused(client: Client, error: type[Exception], match: str, name: str = "storm") -> None:
    """Not restored, and the world that is there goes on as if nothing had been asked."""
    with pytest.raises(error, match=match):
        client.worlds.restore(name)


def test_a_snapshot_of_another_size_is_refused_and_the_world_goes_on(stage: Stage) -> None:
    first = stage.engine()
    play(first, BEFORE)
    first.worlds.snapshot("storm")
    larger = stage.engine(16, 8)
    play(larger, BEFORE)
    refused(larger, SnapshotMismatch, "8x4 pixels")
    expected = play(first, AFTER)
    assert [plate[:8] for plate in play(larger, AFTER)] == [plate[:8] for plate in expected]


@pytest.mark.parametrize(("sha256", "name"), [("b" * 64, "average"), ("a" * 64, "mean")])
def test_a_snapshot_of_another_model_is_refused(tmp_path: Path, kept: Path, sha256: str, name: str) -> None:
    one = Stage(tmp_path / "rt", kept, Average())
    client = one.engine()
    play(client, BEFORE)
    client.worlds.snapshot("storm")
    one.close()
    other = Stage(tmp_path / "rt2", kept, Average(sha256, name))
    client = other.engine()
    refused(client, SnapshotMismatch, "average")
    show(client, 1.0)
    other.close()


def test_a_damaged_snapshot_is_refused_and_the_world_goes_on(stage: Stage) -> None:
    client = stage.engine()
    play(client, BEFORE)
    client.worlds.snapshot("storm")
    client.worlds.fork("twin")
    file = stage.kept / f"storm{snapshots.ENDING}"
    file.write_bytes(file.read_bytes()[:-7])
    refused(client, SnapshotCorrupt, "storm")
    assert play(client, AFTER) == play(client, AFTER, "twin")


def test_a_snapshot_that_cannot_be_written_is_told_and_the_one_before_stays(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = stage.engine()
    play(client, BEFORE)
    client.worlds.snapshot("storm")
    expected = play(client, AFTER)

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device", str(stage.kept))

    monkeypatch.setattr(snapshots, "_sync", full)
    with pytest.raises(SnapshotNotWritten, match="No space left on device") as caught:
        client.worlds.snapshot("storm")
    assert str(stage.kept) not in str(caught.value)  # no paths on the wire
    client.worlds.restore("storm")
    assert play(client, AFTER) == expected
    assert [path.name for path in stage.kept.iterdir()] == [f"storm{snapshots.ENDING}"]


def test_snapshots_are_counted(stage: Stage) -> None:
    client = stage.engine()
    show(client, 1.0)
    for name in ("one", "two", "three", "two"):
        client.worlds.snapshot(name)
    with pytest.raises(LimitExceeded, match="max_snapshots"):
        client.worlds.snapshot("four")
    assert set(snapshots.names(stage.kept)) == {"one", "two", "three"}


def test_forks_that_cannot_be_are_refused_by_name(stage: Stage) -> None:
    client = stage.engine()
    with pytest.raises(UnknownStream):
        client.worlds.fork("right")
    show(client, 1.0)
    for to_stream in ("", "main"):
        with pytest.raises(InvalidValue):
            client.worlds.fork(to_stream)
    with pytest.raises(UnknownStream, match="balcony"):
        client.worlds.fork("right", "balcony")
    client.worlds.fork("right")
    with pytest.raises(UnknownStream, match="main, right"):
        client.worlds.fork("left")  # of which?
    client.worlds.fork("left", "right")
    with pytest.raises(LimitExceeded, match="max_streams"):
        client.worlds.fork("top", "right")
    with pytest.raises(InvalidValue, match="none"):
        client.worlds.reset(Reset.NONE)


def test_an_engine_without_a_renderer_is_told_so(stage: Stage) -> None:
    client = stage.engine()
    stage.close()
    with pytest.raises(NoRenderer):
        client.worlds.snapshot("storm", timeout_s=1.0)
