"""A model in a process of its own paints as it does in ours; one that dies or hangs is replaced beside the show."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_models import make_folder

from bridge.errors import ManifestInvalid, ModelFailed, ModelIncomplete
from renderer.adapters.families import load_folder
from renderer.adapters.process import OtherProcess
from renderer.cli import main
from renderer.models import load_model
from renderer.models.probe import probe_frame
from renderer.recall import World

SAMPLE = Path(__file__).parent.parent / "samples" / "06_a_model_in_its_own_process"
STUBBORN = """
import os, time
import numpy as np
from bridge.schema import Control, ControlType, PlaneName
from renderer.models import ModelCard

class Stubborn:
    card = ModelCard(name="stubborn", needs=frozenset({PlaneName.COLOR}), optional=frozenset(), controls=tuple(
        Control(name=name, type=ControlType.TOGGLE, text="Does so.", default=False)
        for name in ("dies", "hangs", "breaks")))

    def step(self, frame, world, plate):
        if frame.controls["dies"]:
            os._exit(7)
        if frame.controls["hangs"]:
            time.sleep(600.0)
        if frame.controls["breaks"]:
            raise ValueError("a bad day")
        plate[...] = 0.5

    def save_latents(self, latents):
        return {}

    def load_latents(self, arrays):
        return None

    def close(self):
        pass
"""


def plate_of(model: Any, number: int = 1, **controls: Any) -> NDArray[np.float32]:
    frame = probe_frame(model.card, model.card.needs | model.card.optional, 48, 32, number)
    frame.controls.update(controls)
    model.step(frame, World(seed=0), frame.plate)
    return frame.plate.astype(np.float32)


@pytest.fixture(scope="module")
def stubborn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherProcess]:
    folder = tmp_path_factory.mktemp("models") / "stubborn"
    folder.mkdir()
    (folder / "own.py").write_text(STUBBORN)
    options = {"model": "own.py:Stubborn", "plate_s": 3.0}
    made = make_folder(folder, [folder / "own.py"], family="process", options=options)
    model = load_folder(made)
    assert isinstance(model, OtherProcess)
    yield model
    model.close()


def again(model: OtherProcess) -> NDArray[np.float32]:
    """A plate, once the next process is ready."""
    model._process.wait_until_ready()
    return plate_of(model)


def test_the_sample_paints_in_its_own_process_what_it_does_in_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLDPLATE_MODELS_DIR", str(tmp_path / "models"))
    assert main(["models", "add", str(SAMPLE), "--name", "night"]) == 0
    ours, other = load_model(f"{SAMPLE}/night.py:Night"), load_model("night", models_dir=str(tmp_path / "models"))
    try:
        assert other.card.controls == ours.card.controls
        assert other.card.needs == ours.card.needs
        for number, darkness in ((1, 0.8), (2, 0.0), (3, 1.0)):
            wanted, given = (plate_of(model, number, darkness=darkness) for model in (ours, other))
            np.testing.assert_array_equal(given, wanted)
        pid = other._process.pid  # type: ignore[attr-defined]
    finally:
        other.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_breaks_in_the_process_is_told_and_the_next_frame_is_painted(stubborn: OtherProcess) -> None:
    with pytest.raises(ModelFailed, match="a bad day"):
        plate_of(stubborn, breaks=True)
    assert (plate_of(stubborn) == 0.5).all()


@pytest.mark.parametrize(("deed", "said"), [("dies", "of stubborn ended"), ("hangs", "did not answer in 3 s")])
def test_a_process_that_dies_or_hangs_is_replaced(stubborn: OtherProcess, deed: str, said: str) -> None:
    before = stubborn._process.pid
    with pytest.raises(ModelFailed, match=said):
        plate_of(stubborn, **{deed: True})
    start_s = time.monotonic()
    with pytest.raises(ModelFailed, match="is starting"):
        plate_of(stubborn)
    assert time.monotonic() - start_s < 1.0  # the show does not wait for it
    assert (again(stubborn) == 0.5).all()
    assert stubborn._process.pid != before


def test_an_environment_or_a_class_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "own.py").write_text(STUBBORN)
    for options, kind, said in (
        ({"model": "own.py:Stubborn", "python": "/nowhere/python"}, ModelIncomplete, "no interpreter /nowhere/python"),
        ({"model": "own.py"}, ManifestInvalid, "Write it as FILE.py:Class"),
        ({"model": "other.py:Stubborn"}, ManifestInvalid, "does not name the file 'other.py'"),
        ({"model": "own.py:Nobody"}, ModelFailed, "has no class 'Nobody'"),
    ):
        make_folder(folder, [folder / "own.py"], family="process", options=options)
        with pytest.raises(kind, match=said):
            load_folder(folder)
