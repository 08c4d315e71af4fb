"""samples/04_what_if.py runs as a person would run it, and an engine's fork is the engine at that moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine
from bridge.errors import InvalidValue

SAMPLE = Path(__file__).parent.parent / "samples" / "04_what_if.py"


@pytest.mark.parametrize("model", ["passthrough", "limn"])
def test_two_futures_of_one_moment_differ_and_the_same_one_twice_does_not(tmp_path: Path, model: str) -> None:
    command = [sys.executable, str(SAMPLE), "--out", str(tmp_path), "--size", "96x54", "--seconds", "0.6",
               "--model", model]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the same bits" in done.stdout
    with Image.open(tmp_path / "04_what_if.png") as picture:
        assert picture.size == (192, 162)
    assert (tmp_path / "04_what_if.mp4").stat().st_size > 1000


def state(engine: EmbeddedEngine) -> bytes:
    return b"".join(part.tobytes() for pose in engine.poses().values() for part in pose)


def test_an_engines_fork_goes_on_bit_for_bit_and_apart_from_it() -> None:
    engine = EmbeddedEngine(courtyard(7), 16, 16)
    for _ in range(10):
        engine.step(1 / 25)
    fork, pushed = engine.fork(), engine.fork()
    pushed.push(engine.world.bodies[0].object_id, (3.0, 1.0, 0.0))
    for each in (engine, fork, pushed):
        for _ in range(10):
            each.step(1 / 25)
    assert state(fork) == state(engine)
    assert fork.camera() == engine.camera()
    assert fork.bodies() == engine.bodies()
    assert state(pushed) != state(engine)


def test_only_bodies_are_pushed() -> None:
    engine = EmbeddedEngine(courtyard(7), 16, 16)
    wall = next(thing.object_id for thing in engine.world.primitives if not thing.moves)
    for object_id, push in ((wall, (1.0, 0.0, 0.0)), (engine.world.bodies[0].object_id, (np.nan, 0.0, 0.0))):
        with pytest.raises(InvalidValue):
            engine.push(object_id, push)
