"""`worldplate conformance` with a live engine: over the ring, by its exit code, words and JSON; and what it does with
engines that come and go."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews
from bridge.schema import Disposition, Limits, PlaneName, SyncMode, Transport
from renderer.conformance.conformance_command import LEAST
from renderer.conformance.embedded import STEP_S, known_engine
from renderer.conformance.kit import judge_for
from renderer.conformance.watch import Watch
from renderer.models.passthrough import Passthrough
from renderer.serve import Renderer

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 96, 54
PLANES = {name: (form,) for name, form in FORMATS.items()}
PATIENCE_S = 120.0
Spoil = Callable[[PlaneViews], None]


def play(client: Client, engine: EmbeddedEngine, frames: int, spoil: Spoil = lambda _: None) -> list[Disposition]:
    """Frames of the known scene, one after the other; what became of each."""
    shown = []
    for _ in range(frames):
        slot = client.begin()
        engine.render(slot.inputs)
        spoil(slot.inputs)
        client.submit(slot, engine.camera(), bodies=engine.bodies(), capture_ns=time.monotonic_ns())
        picture = client.present()
        assert picture is not None
        np.testing.assert_array_equal(picture.picture()[..., :3], slot.inputs[PlaneName.COLOR][..., :3])
        shown.append(picture.disposition)
        engine.step(STEP_S)
    return shown


@contextmanager
def kit(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "renderer.cli", "conformance", *arguments], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"WORLDPLATE_RUNTIME_DIR": str(folder)},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wp-") as name:  # short: sockets lie in it
        yield Path(name)


@pytest.mark.parametrize("scale", [1.0, 100.0], ids=["right", "centimetres"])
def test_an_engine_over_the_ring_is_judged_in_words_by_code_and_in_json(folder: Path, scale: float) -> None:
    report = folder / "verdict.json"

    def spoil(planes: PlaneViews) -> None:
        planes[PlaneName.DEPTH] *= scale

    with kit(folder, "--scene", "--frames", "14", "--json", str(report)) as process:
        assert process.stdout is not None
        assert "connection.json" in process.stdout.readline()
        with Client(WIDTH, HEIGHT, PLANES, sync=SyncMode.OFFLINE, connection=folder / "connection.json",
                    transports=(Transport.SHM,), engine="Unreal 5.6") as client:  # fmt: skip
            client.connect(PATIENCE_S)
            shown = play(client, known_engine(WIDTH, HEIGHT, 10), 14, spoil)
        words, _ = process.communicate(timeout=PATIENCE_S)
    assert set(shown) == {Disposition.GENERATED}
    told = json.loads(report.read_text())
    assert told["frames"] == 14
    assert told["engine"] == "Unreal 5.6"
    assert "golden vector of Unreal" in words
    if scale == 1.0:
        assert (process.returncode, told["wrong"]) == (0, []), words
        assert "conventions that could be judged hold" in words
    else:
        assert process.returncode == 1
        assert [mistake["says"] for mistake in told["wrong"]] == ["depth is in centimetres"], words
        assert "WRONG  depth is in centimetres; divide it by 100" in words


class House:
    """A renderer's loop with the kit's watch, in this process; engines come and go one after the other."""

    def __init__(self, least: int, frames: int) -> None:
        self.enough = threading.Event()
        self.watch = Watch(least, frames, self.enough)
        self._engine_end, renderer_end = memory_pair()
        renderer = Renderer(renderer_end, Passthrough(), "", Limits(), taps=(self.watch,))
        self._thread = threading.Thread(target=renderer.run, args=(self.enough,))
        self._thread.start()

    def join(self) -> Client:
        client = Client(WIDTH, HEIGHT, PLANES, sync=SyncMode.OFFLINE, transports=(Transport.INLINE,),
                        connection=self._engine_end, engine="embedded")  # fmt: skip
        client.connect()
        return client

    def close(self) -> None:
        self.enough.set()
        self._thread.join(10.0)
        assert not self._thread.is_alive()


def test_an_engine_that_leaves_with_enough_frames_is_judged_by_those() -> None:
    house = House(least=LEAST, frames=1000)
    client = house.join()
    play(client, known_engine(WIDTH, HEIGHT, 20), LEAST + 1)
    client.close()
    assert house.enough.wait(10.0)
    house.close()
    assert [shot.number for shot in house.watch.judged.shots] == list(range(1, LEAST + 2))
    verdict = judge_for(scene=True).judge(house.watch.judged.shots)
    assert verdict.holds, verdict.mistakes


def test_an_engine_that_leaves_at_once_is_forgotten() -> None:
    house = House(least=LEAST, frames=1000)
    client = house.join()
    play(client, known_engine(WIDTH, HEIGHT), 2)
    client.close()
    assert not house.enough.wait(0.5)
    assert house.watch.judged.shots == []
    house.close()


def test_an_engine_that_joins_anew_while_its_first_session_lives_is_judged(folder: Path) -> None:
    def join() -> Client:
        return Client(WIDTH, HEIGHT, PLANES, sync=SyncMode.OFFLINE, connection=folder / "connection.json")

    with kit(folder, "--scene", "--frames", "14") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with join() as first, join() as second:
            first.connect(PATIENCE_S)
            second.connect(PATIENCE_S)
            play(first, known_engine(WIDTH, HEIGHT), 2)
            play(second, known_engine(WIDTH, HEIGHT, 10), 14)
            words, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, words


def test_without_an_engine_it_says_so_and_fails(folder: Path) -> None:
    with kit(folder) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        words, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "0 frames came" in words
    assert not (folder / "connection.json").exists()
