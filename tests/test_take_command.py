"""`worldplate record` at a renderer that serves, over a real link, while an engine plays."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scripted_renderer import CAMERA, PLANES

from bridge import connection as connections, link
from bridge.client import Client
from bridge.schema import Limits, PlaneName, SyncMode
from bridge.take import Take
from renderer.cli import main
from renderer.models.passthrough import Passthrough
from renderer.recorder import Recorder
from renderer.serve import Renderer


class Playing:
    """A renderer behind a connection file of its own, and an engine that shows frames until it is stopped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.link = link.listen(None, Limits(), folder)
        self.file = folder / connections.FILE_NAME
        model = Passthrough()
        token = self.link.connection.token
        self.renderer = Renderer(self.link, model, token, Limits(), recorder=Recorder(model, folder))
        self._stop = threading.Event()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self.renderer.run, args=(self._stop,))]
        self._threads[0].start()

    def start_engine(self) -> None:
        joined = threading.Event()
        self._threads.append(threading.Thread(target=self._play, args=(joined,)))
        self._threads[1].start()
        assert joined.wait(20.0)

    def _play(self, joined: threading.Event) -> None:
        with Client(8, 4, PLANES, sync=SyncMode.OFFLINE, connection=self.file, name="engine") as client:
            client.connect()
            joined.set()
            while not self._over.is_set():
                slot = client.begin()
                slot.inputs[PlaneName.COLOR][...] = np.float16(slot.frame_id % 100)
                slot.inputs[PlaneName.DEPTH][...] = 3.0
                slot.inputs[PlaneName.OBJECT][...] = 1
                client.submit(slot, CAMERA)
                client.present()
                time.sleep(0.01)

    def close(self) -> None:
        self._over.set()
        for engine in self._threads[1:]:
            engine.join(20.0)
        self._stop.set()
        self._threads[0].join(20.0)
        self.link.close()


@pytest.fixture
def playing(tmp_path: Path) -> Iterator[Playing]:
    tmp_path.chmod(0o700)
    opened = Playing(tmp_path)
    yield opened
    opened.close()


def test_a_session_is_recorded_for_the_seconds_that_are_asked_for(
    playing: Playing, capsys: pytest.CaptureFixture[str]
) -> None:
    playing.start_engine()
    assert main(["record", "--name", "court", "--seconds", "0.5", "--connection", str(playing.file)]) == 0
    told = capsys.readouterr().out
    assert "engine: recording into" in told
    assert "court is written" in told
    with Take.open(playing.folder / "court.mcap") as take:
        assert take.info.complete
        assert take.info.frames > 1
        assert take.info.client == "engine"


def test_a_name_that_is_taken_is_refused_from_there_in_one_line(
    playing: Playing, capsys: pytest.CaptureFixture[str]
) -> None:
    playing.start_engine()
    arguments = ["record", "--name", "court", "--seconds", "0.2", "--connection", str(playing.file)]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert capsys.readouterr().err == "worldplate: There is a take court already. Choose another name.\n"


def test_without_an_engine_or_a_renderer_there_is_nothing_to_record(
    playing: Playing, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["record", "--connection", str(playing.file)]) == 3
    assert main(["record", "--connection", str(tmp_path / "absent.json")]) == 3
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_replay_plays_to_the_renderer_that_serves(playing: Playing, capsys: pytest.CaptureFixture[str]) -> None:
    playing.start_engine()
    main(["record", "--name", "court", "--seconds", "0.3", "--connection", str(playing.file)])
    capsys.readouterr()
    take = str(playing.folder / "court.mcap")
    assert main(["replay", take, "--times", "3", "--json", "--connection", str(playing.file)]) == 0
    turns = json.loads(capsys.readouterr().out)["turns"]
    assert len(turns) == 3
    assert all(turn["equal"] == turn["frames"] > 0 for turn in turns)
