"""A renderer of our own that does not start says why, and one that takes long is waited for, but not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import NoRenderer
from renderer import process
from renderer.process import RendererProcess


def python_that(says: str, then: str, folder: Path) -> str:
    """A program in the interpreter's place: its last words, and what it does after them."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\necho '{says}'\n{then}\n")
    program.chmod(0o700)
    return str(program)


def test_one_that_ends_is_told_by_its_last_words(tmp_path: Path) -> None:
    with (
        RendererProcess("limn", python=python_that("worldplate: no model. Add one.", "exit 3", tmp_path)) as renderer,
        pytest.raises(NoRenderer) as refusal,
    ):
        renderer.wait_until_ready()
    assert "did not start: no model" in refusal.value.what
    assert refusal.value.fix == "Add one."


def test_one_that_hangs_is_given_up_with_the_time_it_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_LIMIT_S", 0.5)
    with (
        RendererProcess("limn", python=python_that("loading limn", "exec sleep 60", tmp_path)) as renderer,
        pytest.raises(NoRenderer) as refusal,
    ):
        renderer.wait_until_ready()
    assert "not started after" in refusal.value.what
    assert "loading limn" in refusal.value.what
