"""`worldplate world` on a renderer that serves, as a person types it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_world_operations import AFTER, BEFORE, Average, Stage, play

from bridge import connection as connections
from renderer import snapshots
from renderer.cli import main


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(connections.private_dir(tmp_path / "run")))
    monkeypatch.setenv("WORLDPLATE_SNAPSHOT_DIR", str(tmp_path / "kept"))
    return connections.private_dir(tmp_path / "kept")


@pytest.fixture
def stage(kept: Path) -> Iterator[Stage]:
    opened = Stage(connections.runtime_dir(), kept, Average())
    yield opened
    opened.close()


def world(*words: str) -> int:
    return main(["world", *words])


def test_a_world_is_saved_restored_forked_reset_and_removed(
    stage: Stage, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client = stage.engine()
    play(client, BEFORE)
    assert world("snapshot", "storm") == 0
    expected = play(client, AFTER)
    assert world("restore", "storm") == 0
    assert play(client, AFTER) == expected
    assert world("fork", "right") == 0
    assert world("list") == 0
    out = capsys.readouterr().out
    for told in ("saved as 'storm'", "restored from 'storm'", "'right' goes on from 'main'", "snapshot storm", "8x4"):
        assert told in out
    assert world("reset", "--kind", "cut", "--stream", "right") == 0
    assert world("remove", "storm") == 0
    assert snapshots.names(kept) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("restore", "calm"), 3, "There is no snapshot 'calm'"),
        (("snapshot", "../storm"), 2, "never a path"),
        (("remove", "calm"), 3, "There is no snapshot 'calm'"),
        (("fork", "right"), 3, "No stream is named"),
        (("reset", "--session", "balcony"), 3, "balcony"),
        (("export", "world.obj"), 2, "neither a mesh nor points"),
    ],
)
def test_mistakes_are_told_in_one_line(
    stage: Stage, words: tuple[str, ...], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.engine()
    assert world(*words) == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_without_a_renderer_the_snapshots_are_listed_all_the_same(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kept / f"odd{snapshots.ENDING}").write_bytes(b"this is none")
    assert world("list") == 0
    out = capsys.readouterr().out
    assert "no sessions" in out
    assert "'odd' cannot be read" in out
    assert world("snapshot", "storm") == 3
