"""`worldplate bench gpu` says of each row that it was not run, and why, where there is no GPU; what it does with one is
run against the recorder of calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console
from test_cuda_driver import VALUES, PyCuda, Recorder

from bridge.errors import CudaNotUsable, MissingDependency, NoRenderer
from renderer.bench import gpu as bench
from renderer.cli import main
from renderer.cuda.driver import Driver, why_not

SIZE = (64, 32)


def test_without_a_gpu_every_row_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not why_not():
        pytest.fail("there is a GPU here: run `worldplate bench gpu` instead")
    assert main(["bench", "gpu", "--size", "64x32", "--kills", "3", "--json", str(tmp_path / "gpu.json")]) == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["gpu"] == {"not_usable": why_not()}
    names = [row["row"] for row in report["rows"]]
    assert names == [
        "identity, five planes, 64x32", "matte by depth, label and id, 64x32", "Vulkan engine and renderer, 64x32",
        "limn on cuda, 64x32", "limn on tensorrt, 64x32", "renderer killed 3 times",
    ]  # fmt: skip
    assert {row["not_run"] for row in report["rows"]} == {why_not()}
    assert "not run" in capsys.readouterr().out


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder()
    monkeypatch.setattr(bench, "driver", lambda: Driver(recorder, PyCuda()))
    monkeypatch.setitem(VALUES, "cuEventElapsedTime", (0.25,))
    monkeypatch.setattr(bench, "TURNS", 5)
    return recorder


@pytest.mark.parametrize(("row", "launches"), [(bench.identity, 1), (bench.matte, 1)])
def test_a_row_times_what_it_enqueues_and_nothing_else(recorder: Recorder, row: object, launches: int) -> None:
    assert callable(row)
    figures = row(SIZE)
    assert figures["gpu_ms"] == {"p50": 0.25, "p99": 0.25}
    assert figures["counters"] == {
        "frames": 0, "host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": 0,
    }  # fmt: skip
    turns = bench.WARM + 5
    assert recorder.names.count("cuEventRecord") == 2 * turns * launches
    assert recorder.names.count("cuEventDestroy") == recorder.names.count("cuEventCreate") == 2


def test_what_is_missing_is_named(recorder: Recorder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Ready:
        connection = tmp_path / "connection.json"

    with pytest.raises(MissingDependency, match="Vulkan engine is not built"):
        bench._engine(None, Ready(), SIZE, 1)  # type: ignore[arg-type]

    def refuse() -> Driver:
        raise CudaNotUsable("there is no GPU today", fix="None.")

    monkeypatch.setattr(bench, "driver", refuse)
    row = bench.Row("a row", lambda: {"never": "reached"})
    assert bench._measured(row) == {"not_run": "there is no GPU today"}
    monkeypatch.setattr(bench, "driver", lambda: None)

    def fail() -> dict[str, object]:
        raise NoRenderer("the planes did not stay on the GPU", fix="None.")

    assert bench._measured(bench.Row("a row", fail)) == {"not_run": "the planes did not stay on the GPU"}
    console = Console(width=200, record=True)
    console.print(bench._table([{"row": "a row", "gpu_ms": {"p50": 1.0, "p99": 2.0}, "wall_ms": {"p50": 3.0}}]))
    assert "1.000" in console.export_text()
