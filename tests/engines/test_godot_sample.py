"""The sample court in the real engine: it runs and ends without an error or a leak, the camera walks through nothing,
bodies move, and what is on the screen is a picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from godot import ROOT, Godot, Outcome, make_project
from PIL import Image

SAMPLE = ROOT / "samples/godot"
LABELS = {"ground", "wall", "stone", "roof", "wood", "metal", "fabric", "foliage", "plastic", "water", "glass", "light"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(SAMPLE, tmp_path / "project", addon=False)


def play(godot: Godot, project: Path, *arguments: str, display: bool = True) -> Outcome:
    flags = ("--fixed-fps", "30")
    return godot.run(project, *arguments, flags=flags, size=(320, 180), display=display, timeout_s=240.0)


@pytest.mark.parametrize("start_m", [0, 24])
def test_the_court_is_drawn_and_ends_clean(godot: Godot, project: Path, pictures: Path, start_m: int) -> None:
    picture, report = pictures / f"court-{start_m}.png", pictures / "report.json"
    outcome = play(
        godot, project, "--size", "320x180", "--frames", "60", "--start", str(start_m),
        "--screenshot", str(picture), "--report", str(report),
    )  # fmt: skip
    outcome.check(3)
    frames = json.loads(report.read_text())["frames"]
    assert len(frames) == 60
    walked = [frame["walked_m"] for frame in frames]
    assert np.diff(walked)[10:] == pytest.approx(1.2 / 30, abs=1e-6)  # the engine smooths its first steps
    pixels = np.asarray(Image.open(picture).convert("RGB"), np.float32) / 255.0
    assert pixels.shape == (180, 320, 3)
    assert 0.25 < pixels.mean() < 0.75
    assert pixels.std() > 0.12
    assert (pixels.max(axis=2) < 0.02).mean() < 0.02  # hardly a black pixel


def test_the_whole_walk_touches_nothing(godot: Godot, project: Path) -> None:
    """Without pixels, so that a minute of walking takes little."""
    outcome = play(godot, project, "--frames", "1200", display=False)
    outcome.check(3)
    assert "camera blocked in 0 steps" in outcome.text


def test_a_wrong_argument_is_named(godot: Godot, project: Path) -> None:
    outcome = play(godot, project, "--sizes", "1", display=False)
    assert outcome.status == 2
    assert "--sizes" in outcome.text


def test_things_are_labelled_with_words_of_the_schema(godot: Godot, project: Path) -> None:
    (project / "labels.gd").write_text(
        "extends Node\n\n\nfunc _ready() -> void:\n\tawait get_tree().process_frame\n"
        '\tfor mesh: Node in get_tree().root.find_children("*", "MeshInstance3D", true, false):\n'
        "\t\tvar node: Node = mesh\n"
        "\t\twhile node != null and node.get_groups().is_empty():\n\t\t\tnode = node.get_parent()\n"
        '\t\tprint("LABEL ", node.get_groups()[0] if node != null else &"none of " + mesh.name)\n'
    )
    settings = project / "project.godot"
    settings.write_text(settings.read_text() + '\n[autoload]\n\nLabels="*res://labels.gd"\n')
    outcome = play(godot, project, "--frames", "3", display=False)
    found = {line.split()[1] for line in outcome.lines if line.startswith("LABEL ")}
    assert found == {f"worldplate_{label}" for label in LABELS | {"vehicle"}}
