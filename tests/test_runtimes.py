"""Every runtime paints the same plate, from run to run the same bits, in memory that does not grow."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import openvino
import pytest
import torch
from numpy.typing import NDArray
from rich.console import Console
from test_limn_fused import court

from bridge.errors import ConfigError, MissingDependency, ModelIncomplete
from renderer.bench import model as bench
from renderer.evaluate.image import psnr_db, tone_map
from renderer.models import load_model
from renderer.models.limn.light import light_of
from renderer.models.limn.model import FOLDER, ONNX, Limn, check_files, network_of
from renderer.models.limn.weather import Weather
from renderer.runtimes import FASTEST_FIRST, Network, Runtime, late_maker, load_runtime
from renderer.runtimes.on_device import Lane, OnDevice
from renderer.runtimes.torch import Torch

RUNTIMES = list(FASTEST_FIRST)  # on the CPU
SHIPPED = Network(module=lambda: network_of(FOLDER), onnx=FOLDER / ONNX)
F32 = NDArray[np.float32]


LIGHTS = [
    light_of(weather, 3) for weather in (Weather(), Weather(sun_elevation_deg=1.0, wetness=0.8), Weather(fog=0.6))
]


def plates_of(limn: Limn, width: int = 320, height: int = 180) -> list[F32]:
    """One in each light."""
    frame = court(width, height)
    return [limn.paint(*frame, light).copy() for light in LIGHTS]


def likeness_db(limn: Limn, width: int = 320, height: int = 180) -> float:
    """The worst PSNR of its plates against torch's in fp32, on the display."""
    pairs = zip(plates_of(limn, width, height), plates_of(Limn(runtime="torch"), width, height), strict=True)
    return min(psnr_db(tone_map(a[..., :3]), tone_map(b[..., :3])) for a, b in pairs)


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("width", "height"), [(320, 180), (61, 35), (1, 1)])
def test_every_runtime_paints_as_torch_does(name: str, width: int, height: int) -> None:
    assert likeness_db(Limn(runtime=name), width, height) >= 50.0  # a picture of 8 bits has 59


def test_in_fp32_openvino_paints_as_torch_does() -> None:
    """Which it takes by itself where the processor has no bfloat16."""
    assert likeness_db(Limn(runtime="openvino", precision="fp32")) >= 80.0


def test_bfloat16_is_taken_where_the_processor_has_it_and_the_network_bears_it() -> None:
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    quick = "bf16" if "BF16" in able else "fp32"
    assert Limn(runtime="openvino").card.runtime.split(":")[0].endswith(f"cpu {quick}")
    assert load_runtime(SHIPPED, "openvino").runtime.name.endswith("cpu fp32")


def test_half_the_bits_paint_nearly_the_same() -> None:
    likeness = likeness_db(Limn(runtime="torch", precision="bf16"))
    assert 40.0 <= likeness < 90.0  # and it is another precision


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_size_may_change_from_frame_to_frame_and_back(name: str) -> None:
    limn = Limn(runtime=name)
    first = plates_of(limn, 64, 36)
    plates_of(limn, 96, 72)
    for a, b in zip(first, plates_of(limn, 64, 36), strict=True):
        np.testing.assert_array_equal(a, b)


RUN = """
import hashlib, json, os, sys, time
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # as `worldplate serve` sets it
calls = []
sys.addaudithook(lambda event, _: calls.append(event) if event == "socket.connect" else None)
sys.path.insert(0, "tests")
import psutil
from test_runtimes import LIGHTS, Limn, court, plates_of

one, frame, light = Limn(runtime=sys.argv[1], threads=1), court(160, 90), LIGHTS[0]
one.paint(*frame, light)
start_s, busy_s = time.perf_counter(), time.process_time()
for _ in range(20):
    one.paint(*frame, light)
cores = (time.process_time() - busy_s) / (time.perf_counter() - start_s)

two, frame, resident = Limn(runtime=sys.argv[1], threads=2), court(64, 36), []
digest = hashlib.sha256(b"".join(plate.tobytes() for plate in plates_of(two, 160, 90))).hexdigest()
for turn in range(int(sys.argv[2]) + 1):
    two.paint(*frame, light)
    if turn in (100, 500):
        resident.append(psutil.Process().memory_info().rss)
print(json.dumps({"cores": cores, "digest": digest, "resident": resident, "calls": calls}))
"""


@pytest.fixture(scope="module", params=RUNTIMES)
def runs(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """What two processes of their own say of the same frames on the same runtime; the first goes on for 500 more."""
    return [json.loads(said(RUN, request.param, turns)) for turns in ("500", "0")]


def said(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=FOLDER.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_another_run_with_the_same_runtime_gives_the_same_bits(runs: list[dict[str, Any]]) -> None:
    assert runs[0]["digest"] == runs[1]["digest"]


def test_memory_does_not_grow(runs: list[dict[str, Any]]) -> None:
    """Over 400 frames; a leak of the network's input would be 110 MB, of its output 11 MB."""
    first, last = runs[0]["resident"]
    assert last - first < 4_000_000


def test_one_thread_is_one_core(runs: list[dict[str, Any]]) -> None:
    """However busy the machine is, a process of one thread cannot use more than one core of it."""
    assert max(run["cores"] for run in runs) <= 1.1


def test_nobody_is_called(runs: list[dict[str, Any]]) -> None:
    assert [run["calls"] for run in runs] == [[], []]


def test_offline_two_whole_loops_show_the_same_plates(tmp_path: Path) -> None:
    reports = []
    for turn in "ab":
        options = ["--seconds", "0.4", "--sync", "offline", "--size", "64x36", "--out", str(tmp_path / turn), "--json"]
        reports.append(json.loads(said("from renderer.cli import main; raise SystemExit(main())", "demo", *options)))
    assert reports[0]["dispositions"] == {"generated": 10}
    assert reports[0]["runtime"].startswith(FASTEST_FIRST[0])
    assert reports[0]["plates_sha256"] == reports[1]["plates_sha256"]


def test_by_itself_the_fastest_runtime_that_is_installed_is_taken() -> None:
    loaded = load_runtime(SHIPPED)
    assert loaded.runtime.name.startswith(FASTEST_FIRST[0])
    assert loaded.why == "the fastest here"


@pytest.mark.parametrize("count", [1, 2])
def test_without_the_fastest_the_next_is_taken_and_says_why(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    for name in FASTEST_FIRST[:count]:
        hide(monkeypatch, name)
    loaded = load_runtime(SHIPPED)
    assert loaded.runtime.name.startswith(FASTEST_FIRST[count])
    assert all(f"no {name}" in loaded.why for name in FASTEST_FIRST[:count])
    assert load_model("limn").card.runtime == loaded.label
    assert loaded.label.endswith(loaded.why)  # the whole of it has room


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_a_runtime_that_is_asked_for_and_absent_says_what_installs_it(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    hide(monkeypatch, name)
    with pytest.raises(MissingDependency, match=rf'pip install "worldplate\[{name}\]"'):
        load_model("limn", runtime=name)


def hide(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """As if the package were not installed."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"renderer.runtimes.{package}", raising=False)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("name", ["cuda", "tensorrt"])
def test_without_a_gpu_what_needs_one_says_so(name: str) -> None:
    with pytest.raises(MissingDependency, match=r"without CUDA|no NVIDIA GPU"):
        load_model("limn", runtime=name)
    assert late_maker("auto") is None


def test_torch_on_a_device_paints_as_torch_does() -> None:
    """The CPU stands for the GPU: arrays go there and back, in fp32 and in bf16, which the CPU has too."""
    canvas, answers = Limn(runtime="torch").canvas(64, 36), []
    canvas.see(*court(64, 36), LIGHTS[0])
    inputs = list(canvas.inputs().values())
    there: list[Runtime] = [OnDevice(SHIPPED, each, Lane("cpu")) for each in ("fp32", "bf16")]
    for runtime in (Torch(SHIPPED, 1, "fp32"), *there):
        out = np.zeros((1, 48, 64, 12), np.float32)
        runtime.bind(inputs, [out])()
        answers.append(out)
    plain, moved, half = answers
    np.testing.assert_array_equal(moved, plain)
    assert 0.0 < np.abs(half - plain).mean() < 0.05


def test_an_unknown_runtime_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"abacus.*auto, torch, onnxruntime, openvino"):
        load_model("limn", runtime="abacus")


@pytest.mark.parametrize("name", RUNTIMES)
def test_a_precision_that_a_runtime_lacks_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="fp4"):
        load_runtime(SHIPPED, name, precision="fp4")


@pytest.mark.parametrize("name", RUNTIMES)
def test_what_the_engine_is_told_names_runtime_and_reason(name: str) -> None:
    runtime = Limn(runtime=name).card.runtime
    assert runtime.startswith(f"{name} ")
    assert runtime.endswith(": asked for")
    assert len(runtime) <= 64


def test_a_network_of_other_weights_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    check_files(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["onnx_of"] = hashlib.sha256(b"the weights of before").hexdigest()
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelIncomplete, match=r"network\.onnx.*renderer\.runtimes\.export"):
        check_files(tmp_path)


def test_the_shipped_network_is_small_and_an_export_gives_the_same(tmp_path: Path) -> None:
    from renderer.runtimes.export import export

    network = network_of(FOLDER)
    made = tmp_path / ONNX
    made.write_bytes(export(network))
    canvas = Limn(runtime="torch").canvas(64, 36)
    canvas.see(*court(64, 36), LIGHTS[0])
    answers = []
    for onnx in (FOLDER / ONNX, made):
        out = np.zeros((1, 48, 64, 12), np.float32)
        runtime = load_runtime(Network(module=SHIPPED.module, onnx=onnx), "onnxruntime").runtime
        runtime.bind(list(canvas.inputs().values()), [out])()
        answers.append(out)
    shipped, again = answers
    assert shipped.std() > 0.0
    np.testing.assert_array_equal(shipped, again)
    assert (FOLDER / ONNX).stat().st_size < 12_000_000


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_in_int8_the_picture_is_nearly_the_same(name: str, tmp_path: Path) -> None:
    from renderer.runtimes.quantize import quantize

    canvas, frame, inputs = Limn(runtime="torch").canvas(320, 180), court(320, 180), []
    for light in LIGHTS:
        canvas.see(*frame, light)
        inputs.append({key: array.copy() for key, array in canvas.inputs().items()})
    quantize(FOLDER, inputs, tmp_path)
    assert 40.0 <= likeness_db(Limn(tmp_path, runtime=name)) < 90.0


def test_the_bench_measures_every_runtime_and_says_what_it_left_out() -> None:
    report = bench.run([(64, 40)], [1], 3, Console(quiet=True))
    rows = cast(list[dict[str, Any]], report["rows"])
    left_out = cast(dict[str, str], report["left_out"])
    assert {row["runtime"] for row in rows} == set(RUNTIMES)
    assert len(rows) + len(left_out) == len(bench.ROWS) - 1  # torch has no int8
    memory_mb = cast(dict[str, dict[str, float]], report["memory_mb"])["64x40"]
    assert set(memory_mb) == (set(RUNTIMES) if sys.platform == "linux" else set())
    assert all(50.0 < most < 1000.0 for most in memory_mb.values())
    for row in rows:
        whole, parts = row["processor_ms"]["whole"], [row["processor_ms"][part] for part in bench.PARTS]
        assert 0.0 < whole["p50"] <= whole["p95"]
        assert all(part["p50"] <= whole["p95"] for part in parts)
        assert row["likeness_db"] >= (50.0 if row["precision"] == "fp32" else 40.0)
