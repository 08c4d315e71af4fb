"""The add-on as its user meets it: installed by the command, in the real editor, its dock used as a person would."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
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


@pytest.fixture
def whole(scripts: Path, extension: Path) -> Path:
    """The plugin with its extension."""
    shutil.copytree(extension, scripts / "addons/worldplate/bin")
    return scripts


@pytest.fixture
def machine() -> Iterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:  # short: sockets lie in it
        machine = Machine(Path(folder))
        try:
            yield machine
        finally:
            machine.end_renderer()


class Machine:
    """What a user of the editor has: `worldplate` on PATH, and a runtime folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.runtime = folder / "run"
        self.runtime.mkdir(mode=0o700)
        self._pids = folder / "pids"
        command = folder / "worldplate"
        command.write_text(f'#!/bin/sh\necho $$ >> {self._pids}\nexec {sys.executable} -m renderer.cli "$@"\n')
        command.chmod(0o755)
        self.env = {
            "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(self.runtime)
        }  # fmt: skip

    def started(self) -> list[int]:
        """The processes of the renderers that the editor has started."""
        return [int(pid) for pid in self._pids.read_text().split()] if self._pids.exists() else []

    def renderer_runs(self) -> bool:
        """Whether a renderer that the editor started is still there, after the time that one takes to load a model on
        a busy machine: it ends when it has."""
        limit_s = time.monotonic() + 60
        while (runs := any(map(_lives, self.started()))) and time.monotonic() < limit_s:
            time.sleep(0.1)
        return runs

    def end_renderer(self) -> None:
        for pid in filter(_lives, self.started()):
            os.kill(pid, signal.SIGKILL)


def _lives(pid: int) -> bool:
    return Path("/proc", str(pid)).exists()


def set_up(project: Path, whole: Path) -> None:
    """The project with the whole add-on, known to the editor from its first start; it listens for games."""
    plugins.install_godot(project, source=whole, enable=True)
    (project / ".godot").mkdir()
    (project / ".godot/extension_list.cfg").write_text("res://addons/worldplate/worldplate.gdextension\n")
    (project / ".godot/editor").mkdir()
    (project / ".godot/editor/project_metadata.cfg").write_text("[debug_options]\n\nserver_keep_open=true\n")


def edit(
    godot: Godot, project: Path, scenario: str, pictures: Path, environment: dict[str, str] | None = None
) -> Outcome:
    """Opens the project in the editor, where its driver plugin plays the scenario.

    The status is left out: on a software GPU this editor aborts in its last exit handlers now and then, add-on or not.
    """
    env = {"DOCK_SCENARIO": scenario, "DOCK_PICTURES": str(pictures), "DOCK_GODOT": str(godot.executable)}
    env |= environment or {}
    outcome = godot.run(project, flags=("--editor",), size=EDITOR, timeout_s=300.0, env=env)
    return Outcome(0, outcome.lines)


def test_the_self_test_names_the_convention_that_is_broken(godot: Godot, project: Path, scripts: Path) -> None:
    plugins.install_godot(project, source=scripts)
    godot.run(project, flags=("--script", "conventions.gd"), display=False).check(at_least=60)


def test_without_its_extension_the_addon_opens_its_dock_says_what_to_do_and_harms_nothing(
    godot: Godot, project: Path, scripts: Path, pictures: Path
) -> None:
    plugins.install_godot(project, source=scripts, enable=True)
    edit(godot, project, "bare", pictures).check(at_least=2)
    assert (pictures / "dock.png").stat().st_size > 10_000


def test_a_day_in_the_editor(godot: Godot, project: Path, whole: Path, machine: Machine, pictures: Path) -> None:
    """A renderer that the dock starts, plates in the view, a control, the self-test, a game that reports, and another
    model; all ends. Then another renderer, which ends with the editor."""
    set_up(project, whole)
    edit(godot, project, "work", pictures, machine.env).check(at_least=19)
    assert len(machine.started()) == 2
    assert not machine.renderer_runs()
    assert not list(machine.runtime.rglob("connection.json"))
    assert {file.stem for file in pictures.glob("*.png")} >= {"work", "steered", "self_test", "play", "another_model"}
