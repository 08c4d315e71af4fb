"""Recorded takes are signed when they end, unless that was refused, and stay as they were recorded."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from small_take import write_take
from take_stage import Stage

from bridge.schema import Record
from renderer.cli import main
from renderer.provenance.journal import lines
from renderer.provenance.keys import keys_folder
from renderer.provenance.recording import sign_recording


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return write_take(tmp_path / "court.mcap", ((64, 36),), 3)


def test_a_take_is_signed_and_not_changed(take: Path) -> None:
    before = take.read_bytes()
    sign_recording(take, "worldplate 0.1.0")
    assert take.read_bytes() == before
    assert main(["verify", str(take)]) == 0
    (line,) = lines()
    assert (line.to, line.marked, line.about.take, line.about.watermark) == ("take", True, "court", "")


def test_a_take_that_was_not_to_be_marked_stands_in_the_journal(take: Path, caplog: pytest.LogCaptureFixture) -> None:
    sign_recording(take, "worldplate 0.1.0", marked=False)
    assert main(["verify", str(take)]) == 1
    assert [line.marked for line in lines()] == [False]
    assert "without marks" in caplog.text


def test_a_take_that_cannot_be_signed_is_told_and_stops_nothing(take: Path, caplog: pytest.LogCaptureFixture) -> None:
    sign_recording(take, "worldplate 0.1.0")
    (keys_folder() / "signer.key").chmod(0o644)
    with caplog.at_level(logging.WARNING):
        sign_recording(take, "worldplate 0.1.0")
        sign_recording(take.with_name("none.mcap"), "worldplate 0.1.0")
    assert "chmod 600" in caplog.text
    assert "none.mcap is not signed" in caplog.text


def test_a_take_rendered_again_is_signed_too(take: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.mcap"
    assert main(["rerender", str(take), "--out", str(again)]) in (0, 1)
    assert main(["verify", str(again)]) == 0
    unmarked = tmp_path / "unmarked.mcap"
    assert main(["rerender", str(take), "--out", str(unmarked), "--no-mark"]) in (0, 1)
    assert main(["verify", str(unmarked)]) == 1


@pytest.mark.parametrize(("mark", "code"), [(True, 0), (False, 1)])
def test_a_session_is_signed_when_its_take_ends_unless_record_says_not_to(
    tmp_path: Path, mark: bool, code: int
) -> None:
    with Stage(tmp_path) as stage:
        session = stage.session
        stage.renderer.ask(
            lambda r: r.record(session, Record(session=session.id, on=True, name="court", mark=mark))
        ).result(10.0)
        stage.show(2)
        stage.stop()
    assert main(["verify", str(tmp_path / "court.mcap")]) == code
