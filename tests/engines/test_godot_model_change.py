"""The add-on's stream tells a change of the model in an open session from a renderer that has left; its dock lists the
models and says how far a change is."""

from __future__ import annotations

import shutil
from pathlib import Path

from godot import ADDON, PROJECTS, Godot, copy_project


def test_a_change_of_the_model_is_told_without_a_renderer_that_leaves(godot: Godot, tmp_path: Path) -> None:
    copy_project(PROJECTS / "editor", tmp_path / "project")
    shutil.copytree(ADDON, tmp_path / "project/addons/worldplate", ignore=shutil.ignore_patterns("bin"))
    godot.run(tmp_path / "project", flags=("--script", "follow.gd"), display=False).check(at_least=13)
