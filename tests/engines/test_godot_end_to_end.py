"""The whole way in the real engine: stream, capture, extension, `worldplate serve`, and the plate on the screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from godot import PROJECTS, Godot, Outcome, make_project
from PIL import Image
from segments import made_by
from served import Renderer

SAVED = 12  # as main.gd


@pytest.fixture
def project(tmp_path: Path, extension: Path) -> Path:
    return make_project(PROJECTS / "end_to_end", tmp_path / "project", library=extension)


def play(
    godot: Godot,
    project: Path,
    scenario: str,
    folder: Path,
    renderer: Renderer | None,
    on: dict[str, Callable[[], None]],
) -> Outcome:
    connection = str(renderer.connection) if renderer is not None else ""
    return godot.run(project, scenario, str(folder), connection, size=(320, 240), timeout_s=240.0, on=on)


def test_colour_that_a_model_gives_back_changes_no_pixel_on_the_screen(
    godot: Godot, project: Path, renderer: Renderer, tmp_path: Path
) -> None:
    """`passthrough` in offline mode: every frame shows its own plate, and is bit by bit the engine's picture."""
    folders = [tmp_path / "alone", tmp_path / "plates"]
    for folder, served in zip(folders, (None, renderer), strict=True):
        folder.mkdir()
        play(godot, project, "exact", folder, served, {}).check(SAVED)
    for i in range(SAVED):
        alone, plates = (np.asarray(Image.open(folder / f"{i}.png")) for folder in folders)
        assert alone.std() > 20
        np.testing.assert_array_equal(plates, alone, f"frame {i}")


def test_what_the_engine_owns_is_of_the_frame_and_the_rest_of_its_plate(
    godot: Godot, project: Path, renderer: Renderer, pictures: Path
) -> None:
    play(godot, project, "owned_pixels", pictures, renderer, {}).check(120)


def test_a_renderer_that_dies_is_left_within_two_frames_and_the_next_one_taken(
    godot: Godot, project: Path, renderer: Renderer, pictures: Path
) -> None:
    play(godot, project, "killed", pictures, renderer, {"START": renderer.start}).check(25)


def test_a_hundred_times_play_and_stop_leave_nothing_behind(
    godot: Godot, project: Path, renderer: Renderer, pictures: Path
) -> None:
    outcome = play(godot, project, "cycles", pictures, renderer, {})
    outcome.check(100)
    assert not made_by(outcome.pid)


def test_a_stream_lives_through_what_happens_to_a_game(
    godot: Godot, project: Path, renderer: Renderer, pictures: Path
) -> None:
    play(godot, project, "changes", pictures, renderer, {}).check(8)
