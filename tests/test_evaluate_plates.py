"""`worldplate evaluate plates` from data set to report, and what it says to bad input."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import small_world as world
from PIL import Image

from bridge.errors import ConfigError
from renderer.cli import main
from renderer.evaluate import svg
from renderer.evaluate.clips import folders_of, worlds_of
from renderer.evaluate.measure import Measured, Scores
from renderer.evaluate.pictures import picked, sheet_picks
from renderer.evaluate.sheet import COLUMNS, HEAD
from renderer.training.plan import EVERY_CHANGE

NUMBERS = (18, 19, 38, 39, 118, 119)  # of the plan: three worlds, the last of the family that is never trained on
VOID = {"meta", "img", "br", "line"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on two data sets."""
    root = tmp_path_factory.mktemp("evaluated")
    world.save(root / "a", *NUMBERS)
    world.save(root / "b", 18)
    code = main(["evaluate", "plates", "--data", str(root / "a"), str(root / "b"), "--out", str(root / "out"),
                 "--rows", "engine", "curve", "plain"])  # fmt: skip
    assert code == 0
    return root / "out"


@pytest.fixture(scope="module")
def report(made: Path) -> dict[str, Any]:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return dict(json.loads((made / "plates.json").read_text(), parse_constant=refuse))


class Tree(HTMLParser):
    """Checks that every tag is closed in its turn, and keeps the text and what is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_the_report_says_what_it_was_made_of(report: dict[str, Any]) -> None:
    assert [data["sequences"] for data in report["data"]] == [len(NUMBERS), 1]
    assert {data["size"] for data in report["data"]} == {"48x32"}
    assert report["data"][0]["version"] == "0123456789abcdef"
    assert report["data"][0]["digest"] != report["data"][1]["digest"]
    assert report["machine"]["cores"]
    assert list(report["rows"]) == ["engine", "curve"]
    assert "no weights" in report["left_out"]["plain"]


def test_every_frame_of_every_row_is_there(report: dict[str, Any]) -> None:
    assert len(report["sequences"]) == len(NUMBERS) + 1
    for sequence in report["sequences"]:
        for scores in sequence["rows"].values():
            assert len(scores["psnr_db"]) == len(scores["ssim"]) == len(scores["flip"]) == world.FRAMES
            assert len(scores["warp_excess"]) == world.FRAMES - 1
    families = report["rows"]["engine"]["by_family"]
    assert {name: group["sequences"] for name, group in families.items()} == {"street": 3, "courtyard": 2, "hall": 2}
    assert set(report["rows"]["engine"]["by_weather"]) == {s["setting"] for s in report["sequences"]}


def test_the_fitted_curve_beats_the_engine_and_follows_some_prompts(report: dict[str, Any]) -> None:
    engine, curve = (report["rows"][name]["overall"] for name in ("engine", "curve"))
    assert curve["psnr_db"] > engine["psnr_db"] + 3.0
    assert curve["above_curve_db"] == 0.0
    assert curve["adherence"] is not None
    assert engine["adherence"] is None  # it takes no prompt
    assert len(report["rows"]["curve"]["prompts"]) == 3  # a world without its twin is not asked


def test_the_page_is_well_formed_whole_and_loads_nothing(made: Path) -> None:
    page = Tree()
    page.feed((made / "report.html").read_text())
    page.close()
    assert page.open == []
    assert len(page.sources) > 20
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    text = " ".join(page.text)
    for part in (
        "engine",
        "curve",
        "PSNR",
        "FLIP",
        "warp excess",
        "hall",
        "snow",
        "worst",
        "median",
        "best",
        "no plain",
    ):
        assert part in text, part
    assert "://" not in (made / "report.html").read_text()


def test_the_sheet_holds_every_sequence_once_in_rows_of_three(made: Path) -> None:
    with Image.open(made / "sheet.png") as sheet:
        lines = (sheet.height - HEAD) // (126 + 20)
    assert lines == -(-len(NUMBERS) // COLUMNS)


def measured(number: int, family: str, setting: str, *psnr_db: float) -> Measured:
    scores = Scores(list(psnr_db), list(psnr_db), list(psnr_db), [], 0.0, 0.0, [])
    return Measured(
        f"{number:05d}-test-{family}-{setting}", "f", "48x32", family, setting, "walk", True, [], {"a": scores}
    )


def test_pictures_are_picked_from_both_ends_and_the_middle_and_of_every_kind() -> None:
    sequences = [
        measured(k, "street" if k % 2 else "hall", "snow" if k % 3 else "fog", 20.0 + k, 20.5 + k) for k in range(12)
    ]
    picks = picked(sequences, "a")
    by_why = {why: [p.sequence.name[:5] for p in picks if p.why == why] for why in ("worst", "median", "best")}
    assert by_why == {"worst": ["00000", "00001", "00002"], "median": ["00006", "00007", "00008"],
                      "best": ["00011", "00010", "00009"]}  # fmt: skip
    assert [p.t for p in picks if p.why == "best"] == [1, 1, 1]
    assert [p.why for p in picks[9:]] == ["hall", "street", "fog", "snow"]


def test_the_sheet_is_even_over_families_and_weathers_and_shows_nothing_twice() -> None:
    kinds = ("snow", "fog", "night", "clear")
    sequences = [measured(k, f"family {k % 5}", kinds[(k // 5) % 4], 20.0 + k) for k in range(100)]
    sequences += [replace(s, size="96x64", folder="g") for s in sequences]
    picks = sheet_picks(sequences, "a")
    assert len({p.sequence.name for p in picks}) == len(picks) == 24
    for count in (
        np.unique([getattr(p.sequence, key) for p in picks], return_counts=True)[1] for key in ("family", "setting")
    ):
        assert count.max() - count.min() <= 1


def test_worlds_are_the_pairs_of_a_block_of_numbers(tmp_path: Path) -> None:
    world.save(tmp_path, *NUMBERS)
    worlds = worlds_of(folders_of([tmp_path], "test", 5))
    assert [[path.name[:5] for path in w.files] for w in worlds] == [["00018", "00019"], ["00038", "00039"], ["00118"]]


def test_a_world_in_every_change_is_one(tmp_path: Path) -> None:
    numbers = [EVERY_CHANGE + 8 + k for k in range(9)]
    world.save(tmp_path, *numbers)
    worlds = worlds_of(folders_of([tmp_path], "test", None))
    assert [[path.name[:6] for path in w.files] for w in worlds] == [[str(n) for n in numbers[:8]], [str(numbers[8])]]


def test_curves_leave_out_what_is_not_a_number_and_stay_inside_the_picture() -> None:
    drawn = svg.lines({"engine": ([0.0, 1.0, 2.0], [20.0, float("nan"), 31.5]), "curve": ([0.0], [25.0])}, "x", "y")
    points = [point for part in drawn.split('points="')[1:] for point in part.split('"')[0].split()]
    assert len(points) == 3
    for x, y in (map(float, point.split(",")) for point in points):
        assert 0.0 <= x <= svg.WIDTH
        assert 0.0 <= y <= svg.HEIGHT


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["evaluate", "plates", *arguments])
    return code, capsys.readouterr().err


def test_a_folder_that_is_no_data_set_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, "--data", str(tmp_path / "nothing"), "--out", str(tmp_path / "out"))
    assert code == 2
    assert f"{tmp_path / 'nothing'} is not a data set" in said
    assert "worldplate dataset" in said


def test_a_split_without_sequences_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.save(tmp_path / "data", 18)
    arguments = ("--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--split", "validation")
    code, said = refused(capsys, *arguments)
    assert code == 2
    assert "no sequence of the split 'validation'" in said


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"recipe": {"width": 4}, "version": "x"}'])
def test_a_damaged_manifest_is_named(content: str, tmp_path: Path) -> None:
    world.save(tmp_path, 18)
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(ConfigError, match="does not say how"):
        folders_of([tmp_path], "test", None)


def test_a_damaged_sequence_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.save(tmp_path / "data", 18)
    path = next((tmp_path / "data").glob("*.npz"))
    path.write_bytes(path.read_bytes()[:2000])
    arguments = ("--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"), "--rows", "engine")
    code, said = refused(capsys, *arguments)
    assert code == 2
    assert f"{path} cannot be read" in said


def test_without_flip_nothing_is_begun(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    world.save(tmp_path / "data", 18)
    code, said = refused(capsys, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "out"))
    assert code == 3
    assert "FLIP needs flip-evaluator" in said
    assert not list((tmp_path / "out").glob("*"))


def test_weights_of_a_row_that_has_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "plates", "--data", "x", "--out", "y", "--weights", "engine=z"])
    assert stop.value.code == 2
    assert "ROW=PATH" in capsys.readouterr().err
