"""The engine starts, draws on the CPU, and is ended when it does not end; the runner's own rules hold."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from godot import PROJECTS, Godot, Outcome, make_project

PROJECT = PROJECTS / "triangle"


def test_a_triangle_reaches_the_screen(godot: Godot, tmp_path: Path, pictures: Path) -> None:
    project = make_project(PROJECT, tmp_path / "project", addon=False)
    outcome = godot.run(project, str(pictures / "triangle.png"), size=(320, 180))
    outcome.check(2)
    assert (pictures / "triangle.png").stat().st_size > 200


def test_what_does_not_end_is_killed_with_its_screen(godot: Godot, tmp_path: Path) -> None:
    project = make_project(PROJECT, tmp_path / "project", addon=False)
    (project / "main.gd").write_text("extends Node3D\n")
    began = time.monotonic()
    outcome = godot.run(project, timeout_s=3.0)
    assert outcome.status == -9
    assert time.monotonic() - began < 20.0
    with pytest.raises(AssertionError, match="0 end marks"):
        outcome.check()


@pytest.mark.parametrize(
    ("lines", "status", "match"),
    [
        ([], 0, "0 end marks"),
        (["WORLDPLATE-END 3 1"], 0, "3 1"),
        (["WORLDPLATE-END 3 0"], 1, "status 1"),
        (["WORLDPLATE-END 1 0"], 0, "only 1 checks"),
        (["ERROR: it broke", "WORLDPLATE-END 3 0"], 0, "it broke"),
        (["WORLDPLATE-END 3 0", "WARNING: 1 RID of type Texture was leaked."], 0, "leaked"),
    ],
)
def test_a_run_passes_by_its_end_mark_alone(lines: list[str], status: int, match: str) -> None:
    with pytest.raises(AssertionError, match=match):
        Outcome(status, lines).check(2)
    Outcome(0, ["WORLDPLATE-END 3 0"]).check(2)
