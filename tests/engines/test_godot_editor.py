"""The add-on as its user meets it: installed by the command, in the real editor, its dock used as a person would."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from godot import PROJECTS, ROOT, Godot, Outcome, copy_project

from renderer import plugins

EDITOR = (1600, 900)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The plugin without its built extension."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "plugins/godot/addons", source / "addons", ignore=shutil.ignore_patterns("bin"))
    return source


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    copy_project(PROJECTS / "editor", folder)
    return folder


def edit(godot: Godot, project: Path, scenario: str, pictures: Path, **environment: str) -> Outcome:
    """Opens the project in the editor, where its driver plugin plays the scenario.

    The status is left out: on a software GPU this editor aborts in its last exit handlers now and then, add-on or not.
    """
    env = {"DOCK_SCENARIO": scenario, "DOCK_PICTURES": str(pictures)} | environment
    outcome = godot.run(project, flags=("--editor",), size=EDITOR, timeout_s=180.0, env=env)
    return Outcome(0, outcome.lines)


def test_the_self_test_names_the_convention_that_is_broken(godot: Godot, project: Path, scripts: Path) -> None:
    plugins.install_godot(project, source=scripts)
    godot.run(project, flags=("--script", "conventions.gd"), display=False).check(at_least=60)


def test_the_editor_opens_with_the_dock_and_says_nothing_wrong(
    godot: Godot, project: Path, scripts: Path, pictures: Path
) -> None:
    plugins.install_godot(project, source=scripts, enable=True)
    edit(godot, project, "look", pictures).check()
    assert (pictures / "dock.png").stat().st_size > 10_000


def test_without_its_extension_the_addon_says_what_to_do_and_harms_nothing(
    godot: Godot, project: Path, scripts: Path, pictures: Path
) -> None:
    plugins.install_godot(project, source=scripts, enable=True)
    edit(godot, project, "bare", pictures).check()
