"""Exports of a take: what is in each file, that equal takes give equal files, and what is told when it cannot be."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from small_take import write_take

from bridge.composite import composite
from bridge.schema import PlaneName
from bridge.take import Take
from renderer.cli import main
from renderer.provenance.journal import lines

WIDTH, HEIGHT, FRAMES = 161, 91, 4


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_take(tmp_path_factory.mktemp("take") / "court.mcap", ((WIDTH, HEIGHT),), FRAMES)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with nothing yet, in a folder of its own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(take: Path, to: str, out: Path, *more: str) -> int:
    return main(["export", str(take), "--to", to, "--out", str(out), *more])


def pixels(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


def test_stills_have_one_file_a_frame_and_their_size(take: Path, home: Path) -> None:
    assert export(take, "png", home / "out") == 0
    names = [f"court.{n:04d}.png" for n in range(1, FRAMES + 1)]
    assert sorted(p.name for p in (home / "out").iterdir()) == [*names, "export.json"]
    assert pixels(home / "out" / names[0]).shape == (HEIGHT, WIDTH, 3)


def test_the_engines_own_pixels_are_the_same_with_the_mark_and_without(take: Path, home: Path) -> None:
    export(take, "png", home / "marked")
    export(take, "png", home / "plain", "--no-mark")
    marked, plain = (pixels(home / d / "court.0002.png") for d in ("marked", "plain"))
    assert np.array_equal(marked[:, : WIDTH // 2], plain[:, : WIDTH // 2])
    assert not np.array_equal(marked[:, WIDTH // 2 :], plain[:, WIDTH // 2 :])


def test_a_plate_comes_with_its_matte_as_alpha_and_the_engine_without_a_mark(take: Path, home: Path) -> None:
    export(take, "png", home / "plate", "--picture", "plate")
    plate = pixels(home / "plate" / "court.0001.png")
    assert plate.shape == (HEIGHT, WIDTH, 4)
    assert (np.unique(plate[:, : WIDTH // 2, 3]).tolist(), plate[0, -1, 3]) == ([0], 255)
    export(take, "png", home / "engine", "--picture", "engine")
    export(take, "png", home / "engine_plain", "--picture", "engine", "--no-mark")
    marked, plain = (pixels(home / d / "court.0001.png") for d in ("engine", "engine_plain"))
    assert np.array_equal(marked, plain)


def test_a_film_has_every_frame_at_the_takes_rate_in_named_colours(take: Path, home: Path) -> None:
    assert export(take, "mp4", home / "film.mp4") == 0
    with av.open(str(home / "film.mp4")) as film:
        stream = film.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert (len(frames), stream.average_rate) == (FRAMES, 25)
        assert (stream.width, stream.height) == (WIDTH + 1, HEIGHT + 1)  # sides are made even
        assert stream.codec_context.colorspace == 1
    export(take, "png", home / "stills")
    still = pixels(home / "stills" / "court.0001.png").astype(int)
    assert np.abs(frames[0][:HEIGHT, :WIDTH].astype(int) - still).mean() < 8.0


def test_without_marks_equal_takes_give_equal_files(take: Path, home: Path) -> None:
    for to, name in (("png", "a"), ("exr", "b"), ("mp4", "c.mp4"), ("camera", "d.jsonl")):
        for turn in ("1", "2"):
            (home / turn).mkdir(exist_ok=True)
            export(take, to, home / turn / name, "--no-mark")
    for file in sorted(p for p in (home / "1").rglob("*") if p.is_file()):
        assert file.read_bytes() == (home / "2" / file.relative_to(home / "1")).read_bytes(), file.name


def test_with_marks_equal_takes_give_equal_pixels(take: Path, home: Path) -> None:
    for turn in ("1", "2"):
        export(take, "png", home / turn)
    first, second = (pixels(home / turn / "court.0003.png") for turn in ("1", "2"))
    assert np.array_equal(first, second)


def test_a_range_is_exported_alone_and_the_rest_later(
    take: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(take, "png", home / "out", "--frames", "2-3") == 0
    there = {p.name: p.stat().st_mtime_ns for p in (home / "out").glob("*.png")}
    assert sorted(there) == ["court.0002.png", "court.0003.png"]
    capsys.readouterr()
    assert export(take, "png", home / "out", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["frames"], told["written"], told["skipped"], told["marked"]) == (4, 2, 2, True)
    assert all((home / "out" / name).stat().st_mtime_ns == at for name, at in there.items())


@pytest.mark.parametrize("more", [["--picture", "plate"], ["--no-mark"], ["--view", "Un-tone-mapped"]])
def test_a_folder_never_mixes_two_exports(
    take: Path, home: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    export(take, "png", home / "out", "--frames", "1")
    assert export(take, "png", home / "out", *more) == 2
    assert "another" in capsys.readouterr().err
    assert len(list((home / "out").glob("*.png"))) == 1


def test_a_folder_with_pictures_of_somebody_else_is_left_alone(take: Path, home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "holiday.png").write_bytes(b"mine")
    assert export(take, "png", home / "mine") == 2
    assert [p.name for p in (home / "mine").iterdir()] == ["holiday.png"]


def test_a_signed_exr_that_was_altered_is_not_signed_again(
    take: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(take, "exr", home / "out", "--frames", "1-2")
    harmed = home / "out" / "court.0002.exr"
    harmed.write_bytes(harmed.read_bytes()[:-1] + b"\0\0")
    assert export(take, "exr", home / "out") == 2
    assert "court.0002.exr" in capsys.readouterr().err


def test_what_leaves_without_marks_stands_in_the_journal_and_in_the_log(
    take: Path, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    export(take, "png", home / "out", "--no-mark")
    assert [(line.to, line.marked, line.about.watermark) for line in lines()] == [("png", False, "")]
    assert "--no-mark" in caplog.text
    assert not (home / "config").exists()  # no keys are made for it


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--frames", "0-2"], "frames 1 to 4"),
        (["--frames", "3-9"], "frames 1 to 4"),
        (["--frames", "3-2"], "frames 1 to 4"),
        (["--view", "sepia"], "ACES 2.0"),
        (["--stream", "wall"], "main"),
    ],
)
def test_wrong_wishes_are_told_in_one_line_with_what_there_is(
    take: Path, home: Path, more: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(take, "png", home / "out", *more) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("text", ["", "-", "a", "1-2-3", "1,2", "٣"])
def test_a_range_that_is_none_is_wrong_usage(take: Path, home: Path, text: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        export(take, "png", home / "out", f"--frames={text}")
    assert stopped.value.code == 2


def test_a_take_that_is_none_cut_or_mixed_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(home / "none.mcap", "png", home / "out") == 2
    (home / "text.mcap").write_text("hello")
    assert export(home / "text.mcap", "png", home / "out") == 2
    mixed = write_take(home / "mixed.mcap", ((64, 36), (32, 18)), 2)
    assert export(mixed, "mp4", home / "film.mp4") == 2
    assert "64x36, 32x18" in capsys.readouterr().err
    assert export(mixed, "camera", home / "path.jsonl") == 0


def test_a_recorded_take_is_found_by_its_name(take: Path, home: Path) -> None:
    folder = home / "data" / "worldplate" / "takes"
    folder.mkdir(parents=True, mode=0o700)
    (folder / "court.mcap").write_bytes(take.read_bytes())
    assert main(["export", "court", "--to", "camera", "--out", str(home / "path.jsonl")]) == 0
    assert len((home / "path.jsonl").read_text().splitlines()) == FRAMES


def test_a_take_cut_in_half_gives_the_frames_it_has(take: Path, home: Path) -> None:
    half = home / "half.mcap"
    half.write_bytes(take.read_bytes()[: take.stat().st_size * 5 // 8])
    with Take.open(half) as opened:
        count = len(opened)
    assert 0 < count < FRAMES
    assert export(half, "png", home / "out") == 0
    assert len(list((home / "out").glob("*.png"))) == count


def test_a_picture_too_small_for_the_watermark_is_signed_all_the_same(home: Path) -> None:
    small = write_take(home / "small.mcap", ((64, 36),), 2)
    assert export(small, "png", home / "out") == 0
    assert main(["verify", str(home / "out")]) == 0


@pytest.mark.parametrize("name", ["-rf", "a b'\"$(x)", "%d%s", "zeile\nzwei", "concat:a|b", "ünïcode", "\udcff\udcfe"])
def test_hostile_names_are_only_names(take: Path, home: Path, name: str) -> None:
    for to, ending in (("mp4", ".mp4"), ("png", ""), ("exr", ""), ("camera", ".jsonl")):
        out = home / to / (name + ending)
        assert main(["export", str(take), "--to", to, f"--out={out}", "--frames", "1"]) == 0
        assert out.exists()
        assert main(["verify", "--", str(out)]) == (2 if to == "camera" else 0)
        assert not list(out.parent.glob(".part-*"))


def test_a_film_needs_its_ending_and_nothing_is_written_over_the_take(take: Path, home: Path) -> None:
    assert export(take, "mp4", home / "film") == 2
    before = take.read_bytes()
    assert export(take, "camera", take) == 2
    assert take.read_bytes() == before


@pytest.mark.parametrize(("to", "name"), [("mp4", "film.mp4"), ("png", "out"), ("exr", "out")])
def test_a_full_disk_leaves_whole_files_only_and_says_how_to_go_on(take: Path, home: Path, to: str, name: str) -> None:
    """A limit on the size of files stands for the disk: both end a write with an error of the system."""
    export(take, "png", home / "warm", "--frames", "1")  # makes the keys

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        [sys.executable, "-m", "renderer.cli", "export", str(take), "--to", to, "--out", str(home / name)],
        capture_output=True, text=True, check=False, preexec_fn=small_files, cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "goes on where it stopped" in done.stderr.splitlines()[-1]
    left = [p for p in home.rglob("*") if p.is_file() and "warm" not in p.parts and "config" not in p.parts]
    assert {p.name for p in left} <= {"export.json", "exports.jsonl"}
    assert export(take, to, home / name) == 0


def test_a_folder_that_may_not_be_written_is_told(take: Path, home: Path) -> None:
    (home / "file").write_text("x")
    assert export(take, "png", home / "file" / "out") == 3
    assert export(take, "mp4", home / "file" / "film.mp4") == 3


def test_the_composite_in_a_still_is_the_takes(take: Path, home: Path) -> None:
    export(take, "png", home / "out", "--frames", "1", "--no-mark", "--view", "Un-tone-mapped")
    with Take.open(take) as opened:
        frame = opened.frame(1)
    linear = composite(frame.planes[PlaneName.COLOR], frame.outputs[PlaneName.PLATE])[..., :3].astype(np.float32)
    linear = np.clip(linear, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255.0
    assert np.abs(pixels(home / "out" / "court.0001.png") - srgb).max() < 1.0
