"""`worldplate evaluate world` from the engine to the report, tiny, and what it says to bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import ModelFailed
from bridge.schema import PlaneName
from renderer.cli import main
from renderer.evaluate.world import ROWS, report as world_report
from renderer.evaluate.world.controls import controlled
from renderer.evaluate.world.long_walk import planned
from renderer.evaluate.world.metrics import METRICS
from renderer.evaluate.world.rows import SPECS, Means, Row, gathered
from renderer.evaluate.world.scenes import Size, at_rest, still
from renderer.frame import RenderFrame
from renderer.models.passthrough import Passthrough
from renderer.recall import World

SMALL = ["--size", "96x54", "--minutes", "0.5", "--seconds", "1.2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world")
    assert main(["evaluate", "world", "--out", str(out), "--rows", "engine", "plain", *SMALL]) == 0
    return out


def report_of(made: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((made / "world.json").read_text())
    return report


def test_the_engines_frames_pass_every_metric_through_the_whole_path(made: Path) -> None:
    report = report_of(made)
    assert set(report["rows"]) == {"engine"}
    assert report["rows"]["engine"]["verdicts"] == dict.fromkeys(METRICS, "holds") | {"W8": "not measured"}
    assert report["loops"] == 3
    assert all(figure["holds"] is not False for figure in report["rows"]["engine"]["figures"])


def test_a_row_that_cannot_be_had_is_left_out_with_the_reason(made: Path) -> None:
    assert "plain network has no weights" in report_of(made)["left_out"]["plain"]


def test_the_page_shows_every_metric_with_curves_and_pictures_and_loads_nothing(made: Path) -> None:
    page = (made / "report.html").read_text()
    assert all(f'id="{metric}"' in page for metric in METRICS)
    assert page.count("<svg") >= 10
    assert page.count("data:image/jpeg;base64,") >= 20
    assert 'src="http' not in page
    assert "NaN" not in page


class Reddening(Passthrough):
    """Remembers too well: every plate is redder than the one before. It shows the engine's own pixels elsewhere."""

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        super().step(frame, world, plate)
        count = world.latents if isinstance(world.latents, int) else 0
        world.latents = count + 1
        plate[..., 0] *= np.float16(1.0 + 0.002 * count)


def test_what_a_model_does_wrong_is_found_and_a_forgetful_row_does_not_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renderer.evaluate.world.rows.load_model", lambda *_, **__: Reddening())
    job = world_report.Job(tmp_path, ("forgetful", "model"), size=Size(96, 54), minutes=(0.5,), walk_s=1.2)
    world_report.run(job)
    rows = report_of(tmp_path)["rows"]
    assert set(rows["passthrough, forgetful"]["verdicts"].values()) == {"holds", "not measured"}
    told = rows["passthrough"]["verdicts"]
    assert told["W9"].startswith("does not hold: gap")
    assert told["W10"].startswith("does not hold")
    assert told["W6"] == told["W7"] == "holds"


def test_a_row_whose_model_breaks_says_so() -> None:
    class Broken(Passthrough):
        def step(self, *_: object) -> None:
            raise RuntimeError("it is broken")

    world = at_rest(7)
    row = Row(SPECS["model"], Broken())
    row.begin(64, 36, world.sun)
    with pytest.raises(ModelFailed, match="it is broken"):
        row.composite(still(world, Size(64, 36), 1)[0])
    row.close()


def test_a_row_shows_the_engines_own_bits_where_nothing_is_painted() -> None:
    world = at_rest(7)
    truth = still(world, Size(64, 36), 1)[0]
    (row,), models, left_out = gathered(["engine"], Means())
    row.begin(64, 36, world.sun)
    np.testing.assert_array_equal(row.composite(truth), truth.planes[PlaneName.COLOR])
    row.close()
    row.close()
    assert not left_out
    for model in models:
        model.close()


def test_a_plan_visits_walks_and_visits_again() -> None:
    stops = planned((1.0, 0.5))
    assert [stop.kind for stop in stops] == ["visit", *["loop"] * 6, "visit", *["loop"] * 3, "visit"]
    assert [stop.away_s for stop in stops if stop.kind == "visit"] == [0.0, 60.0, 30.0]
    assert [stop.number for stop in planned((10.0,), 20) if stop.kind == "loop"] == [0, 20, 40]
    assert tuple(SPECS) == ROWS


@pytest.mark.parametrize("wrong", [["--size", "10x10"], ["--minutes", "0"], ["--weights", "limn=x"],
                                   ["--controls", "0"], ["--long", "--controls", "3"]])  # fmt: skip
def test_wrong_usage_is_refused(tmp_path: Path, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "world", "--out", str(tmp_path), *wrong])
    assert left.value.code == 2


def test_an_unknown_model_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "world", "--out", str(tmp_path), "--rows", "model", "--model", "limm"]) == 3
    assert "there is no model 'limm'" in capsys.readouterr().err


def test_the_controls_are_a_command_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("renderer.evaluate.world.controls.FAULTS", ())
    monkeypatch.setattr("renderer.evaluate.world.controls.SIZE", Size(64, 36))
    assert main(["evaluate", "world", "--out", str(tmp_path), "--controls", "1"]) == 0
    controls = json.loads((tmp_path / "controls.json").read_text())
    assert controls["seeds"] == 1
    assert controls["engine_failed"] == {}


def test_controls_that_were_ended_go_on_with_the_seeds_that_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def once(seed: int, size: Size) -> tuple[list[str], list[list[str]]]:
        asked.append(seed)
        return ["W3"] if seed == 2 else [], []

    monkeypatch.setattr("renderer.evaluate.world.controls.FAULTS", ())
    monkeypatch.setattr("renderer.evaluate.world.controls.tripped", once)
    kept = tmp_path / "controls.jsonl"
    controlled([2], lambda done: None, kept)
    kept.write_text(kept.read_text() + '{"of": "another", "seed": 1, "engine": ["W1"], "faults": []}\n{"of": "cut')
    told: list[int] = []
    report = controlled([1, 2], told.append, kept)
    assert asked == [2, 1]
    assert told == [2]
    assert report["engine_failed"] == {2: ["W3"]}
    controlled([1, 2], told.append, kept)
    assert asked == [2, 1]
