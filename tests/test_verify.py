"""`worldplate verify`: what it finds in words, for a machine, and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from small_take import write_take

from renderer.cli import main
from renderer.provenance.generation import generation_of
from renderer.provenance.journal import Line, journal_path, lines, note, with_payload
from renderer.provenance.keys import load_keys
from renderer.provenance.manifest import sign_take

SIZE = (480, 270)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A take exported every way by a user whose home is this folder."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        at_home(home, patch)
        take = write_take(home / "court.mcap", (SIZE,), 3)
        for to, out in (("mp4", "film.mp4"), ("png", "png"), ("exr", "exr")):
            assert main(["export", str(take), "--to", to, "--out", str(home / out)]) == 0
    return home


def at_home(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    patch.setenv("XDG_STATE_HOME", str(home / "state"))


@pytest.fixture(autouse=True)
def _home(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home(exported, monkeypatch)


def told(capsys: pytest.CaptureFixture[str], *files: Path) -> tuple[int, list[dict[str, Any]]]:
    capsys.readouterr()
    code = main(["verify", "--json", *map(str, files)])
    return code, json.loads(capsys.readouterr().out)


def test_a_film_is_trusted_and_names_its_take_twice(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (film,) = told(capsys, exported / "film.mp4")
    assert (code, film["verdict"], film["credentials"]["state"]) == (0, "marked", "trusted")
    about, mark = film["credentials"]["generation"], film["watermark"]
    assert (about["take"], about["model"], about["seed"]) == ("court", "passthrough", 7)
    assert (mark["found"], mark["take"], mark["frames"]) == (True, "court", 3)
    assert about["watermark"] == about["take_id"][:8]


def test_it_says_so_in_words(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["verify", str(exported / "film.mp4")]) == 0
    verdict, credentials, watermark = capsys.readouterr().out.splitlines()
    assert verdict.endswith("film.mp4: marked")
    assert "intact, signed by Worldplate local signer" in credentials
    assert "whose root is this machine's" in credentials
    assert "take court" in credentials
    assert "found, payload" in watermark


def test_a_folder_is_checked_as_a_whole_and_file_by_file(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, (folder, *files) = told(capsys, exported / "exr")
    assert (code, folder["manifest"]["state"], folder["manifest"]["files"], len(files)) == (0, "trusted", 3, 3)
    code, (folder, *files) = told(capsys, exported / "png")
    assert (code, len(files), folder["watermark"]["found"]) == (0, 3, True)
    assert all(file["credentials"]["state"] == "trusted" for file in files)


@pytest.mark.parametrize("name", ["film.mp4", "png/court.0001.png", "exr/court.0001.exr"])
def test_one_changed_bit_is_told_and_ends_with_1(
    exported: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = exported / name
    harmed = tmp_path / source.name
    data = bytearray(source.read_bytes())
    data[len(data) * 3 // 4] ^= 4
    harmed.write_bytes(data)
    if (source.parent / "manifest.json").exists():
        (tmp_path / "manifest.json").write_bytes((source.parent / "manifest.json").read_bytes())
    capsys.readouterr()
    code = main(["verify", str(harmed)])
    out, error = capsys.readouterr()
    assert "ALTERED" in out if code == 1 else "cannot be read as a picture" in error
    assert code in (1, 2)


def test_a_frame_that_is_gone_from_a_folder_is_missed(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("manifest.json", "court.0001.exr", "court.0003.exr"):
        (tmp_path / name).write_bytes((exported / "exr" / name).read_bytes())
    capsys.readouterr()
    assert main(["verify", str(tmp_path)]) == 1
    assert "court.0002.exr is missing" in capsys.readouterr().out


def test_credentials_that_were_taken_off_leave_the_watermark(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Image.open(exported / "png" / "court.0001.png") as image:
        image.save(tmp_path / "copy.jpg", quality=90)
    code, (copy,) = told(capsys, tmp_path / "copy.jpg")
    assert (code, copy["credentials"]["state"], copy["watermark"]["found"]) == (0, "absent", True)
    assert copy["watermark"]["take"] == "court"


def test_a_picture_of_somebody_else_has_no_mark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Image.effect_noise(SIZE, 40).convert("RGB").save(tmp_path / "noise.png")
    code, (noise,) = told(capsys, tmp_path / "noise.png")
    assert (code, noise["verdict"], noise["watermark"]["found"]) == (1, "unmarked", False)


def test_an_export_without_marks_has_none(exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", str(exported / "court.mcap"), "--to", "png", "--out", str(tmp_path / "out"), "--no-mark"])
    code, (folder, *_) = told(capsys, tmp_path / "out")
    assert (code, folder["verdict"]) == (1, "unmarked")


def test_another_machine_finds_it_intact_and_looks_for_no_watermark(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_home(tmp_path, monkeypatch)
    capsys.readouterr()
    assert main(["verify", str(exported / "film.mp4"), str(exported / "exr" / "court.0001.exr")]) == 0
    out = capsys.readouterr().out
    assert "whom this machine does not know" in out
    assert "no key of its own" in out
    assert not (tmp_path / "config").exists()


def test_a_take_is_as_it_was_signed(exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from bridge.take import Take

    path, keys = exported / "court.mcap", load_keys()
    assert keys is not None
    assert told(capsys, path)[0] == 1
    with Take.open(path) as take:
        sign_take(path, generation_of(take.info, "Worldplate 0.1.0"), keys)
    code, (found,) = told(capsys, path)
    assert (code, found["manifest"]["state"]) == (0, "trusted")
    path.write_bytes(path.read_bytes() + b"\0")
    assert told(capsys, path)[0] == 1


@pytest.mark.parametrize("name", ["none.png", "notes.txt", "", "empty"])
def test_what_is_no_such_file_is_wrong_usage(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    target = tmp_path / name if name else tmp_path / "none"
    assert main(["verify", str(target)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".mp4", ".exr"])
def test_a_file_that_is_no_picture_is_told(tmp_path: Path, suffix: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / f"fake{suffix}").write_bytes(b"\x89PNG not at all" * 40)
    assert main(["verify", str(tmp_path / f"fake{suffix}")]) in (1, 2)
    assert "Traceback" not in capsys.readouterr().err


def test_the_journal_forgets_nothing_and_survives_a_cut_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from renderer.provenance.generation import Generation

    at_home(tmp_path, monkeypatch)
    about = Generation(take="a", take_id="0" * 32, model="limn", watermark="0000000f")
    for take in ("old", "new"):
        one = Generation(**{**{f: getattr(about, f) for f in about.__struct_fields__}, "take": take})
        note(Line(at="2026-01-01T00:00:00+00:00", out="x", to="png", marked=True, about=one))
    with journal_path().open("ab") as file:
        file.write(b'{"at": "20')
    assert [line.about.take for line in lines()] == ["old", "new"]
    near = with_payload(0x0F ^ 0b101)
    assert near is not None
    assert (near[0].about.take, near[1]) == ("new", 2)
    assert with_payload(0xFFFF_FFFF) is None
    assert journal_path().stat().st_mode & 0o777 == 0o600
