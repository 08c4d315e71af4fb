"""`worldplate bench gpu` says of each row that it was not run, and why, where there is no GPU; what it does with one is
run against the recorder of calls, on the CPU, or with processes that stand in for an engine and a renderer."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch
from cuda_recorder import VALUES, PyCuda, Recorder
from test_limn_fused import court

from bridge.errors import MissingDependency, ModelIncomplete, NoRenderer, NotSupported
from renderer.bench import gpu as bench, gpu_limn, gpu_loop, gpu_part, gpu_planes
from renderer.bench.model import View
from renderer.cli import main
from renderer.cuda.driver import Driver, why_not
from renderer.cuda.frame import DeviceFrame, copy_color
from renderer.models import load_model
from renderer.models.limn.held import shapes_of
from renderer.models.passthrough import Passthrough
from renderer.runtimes.gpu import Gpu

SIZE = (64, 32)
NOTHING = {"host_to_device_bytes": 0, "device_to_host_bytes": 0, "allocations": 0, "cpu_waits": 0}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here: run `worldplate bench gpu` instead")
def test_without_a_gpu_every_row_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "gpu", "--size", "64x32", "--kills", "3", "--json", str(tmp_path / "gpu.json")]) == 0
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert [row["row"] for row in report["rows"]] == [
        "does TensorRT for RTX run here", "identity, five planes, 64x32", "matte by depth, label and id, 64x32",
        "late frame of two plates, 64x32", "limn whole, planes on the GPU, 64x32",
        "Vulkan engine and passthrough, 64x32", "Vulkan engine and limn, 64x32",
        "limn's network by torch eager, 64x32", "limn's network by torch + CUDA graph, 64x32",
        "limn's network by torch.compile + CUDA graph, 64x32", "limn's network by TensorRT, 64x32",
        "limn through the host, torch + CUDA graph, 64x32", "either process killed, 3 times",
    ]  # fmt: skip
    ours = [row["not_run"] for row in report["rows"] if row["row"].startswith(("identity", "Vulkan", "limn whole"))]
    assert set(ours) == {why_not()}
    assert report["gpu"]["not_usable"] == report["rows"][0]["not_run"]
    said = capsys.readouterr().out
    assert all(f"{row['row']}: not run: {row['not_run']}" in said for row in report["rows"])


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder, pycuda = Recorder(), cast(Any, PyCuda())
    pycuda.memcpy_htod = lambda place, planes: None
    monkeypatch.setattr(gpu_planes, "driver", lambda: Driver(recorder, pycuda))
    monkeypatch.setitem(VALUES, "cuEventElapsedTime", (0.25,))
    monkeypatch.setattr(gpu_planes, "TURNS", 5)
    return recorder


@pytest.mark.parametrize("row", [gpu_planes.identity, gpu_planes.matte, gpu_planes.late])
def test_a_row_times_what_it_enqueues_and_nothing_else(recorder: Recorder, row: Callable[[Any], Any]) -> None:
    figures = row(SIZE)
    assert figures["gpu_ms"] == {"p50": 0.25, "p99": 0.25}
    assert figures["counters"] == {"frames": 0, **NOTHING}
    assert recorder.names.count("cuEventRecord") == 2 * (gpu_planes.WARM + 5)
    assert recorder.names.count("cuEventDestroy") == recorder.names.count("cuEventCreate") == 2
    assert recorder.names[0] == "cuCtxSynchronize"  # the planes are filled before they are read


class Painter:
    """A model of one kernel, on the queue of models."""

    def __init__(self, runtime: str) -> None:
        self.card = replace(Passthrough.card, runtime=runtime, on_device=runtime == "torch")
        self.closed = 0

    def prepare_on_device(self, frame: DeviceFrame) -> None: ...

    def step_on_device(self, frame: DeviceFrame, world: object) -> None:
        copy_color(frame)

    def close(self) -> None:
        self.closed += 1


def test_a_whole_frame_is_timed_over_both_queues(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    painters = [Painter("torch"), Painter("openvino")]
    ready = [*painters]
    monkeypatch.setattr(
        gpu_planes, "load_model", lambda name, runtime="auto": ready.pop(0) if name == "limn" else load_model(name)
    )
    figures = gpu_planes.limn(SIZE)
    assert figures["gpu_ms"] == {"p50": 0.25, "p99": 0.25}
    assert figures["counters"] == {"frames": 0, **NOTHING}
    turns = gpu_planes.WARM + 5
    assert recorder.names.count("cuStreamWaitEvent") == 2 * turns  # there, and back
    with pytest.raises(NotSupported, match="limn on openvino reads planes on the CPU"):
        gpu_planes.limn(SIZE)
    assert all(painter.closed for painter in painters)


def test_a_row_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: Exception) -> dict[str, object]:
        raise error

    def kind(told: object) -> Iterator[Callable[[], dict[str, Any]]]:
        yield lambda: {"wall_ms": 1.0}
        yield partial(fail, NoRenderer("the planes did not stay on the GPU", fix="None."))
        yield partial(fail, RuntimeError("CUDA error: an illegal memory access"))

    monkeypatch.setitem(gpu_part.KINDS, "some", kind)
    assert list(gpu_part.measured({"kind": "some", "rows": ["a", "b", "c"]})) == [
        {"row": "a", "wall_ms": 1.0}, {"row": "b", "not_run": "the planes did not stay on the GPU"},
        {"row": "c", "not_run": "it broke: RuntimeError('CUDA error: an illegal memory access')"},
    ]  # fmt: skip


SAYS = """
import json, subprocess, sys, time
child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print("a library's own words")
print(json.dumps({"row": "a", "pid": child.pid}), flush=True)
sys.stderr.write("the GPU is lost")
sys.stderr.flush()
time.sleep(float(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("sleeps", "limit_s", "words"), [("60", 3.0, "was ended after 3 s"), ("0", 60.0, "ended with 0")]
)
def test_a_process_that_hangs_or_ends_leaves_its_rows_and_nothing_else(sleeps: str, limit_s: float, words: str) -> None:
    (row,), why = bench.in_a_process([sys.executable, "-S", "-c", SAYS, sleeps], limit_s)
    assert why == f"its process {words}: the GPU is lost"
    until_s = time.monotonic() + 10.0
    while Path(f"/proc/{row['pid']}/cmdline").exists() and Path(f"/proc/{row['pid']}/cmdline").read_bytes():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_a_loops_interval_is_held_to_what_its_gpu_needs() -> None:
    rows: list[dict[str, Any]] = [
        {"row": "identity, five planes, 64x32", "gpu_ms": {"p50": 0.5}},
        {"row": "Vulkan engine and passthrough, 64x32", "interval_ms": {"p50": 0.6}},
        {"row": "Vulkan engine and limn, 64x32", "interval_ms": {"p50": 4.2}},
        {"row": "limn whole, planes on the GPU, 64x32", "gpu_ms": {"p50": 4.0}},
        {"row": "Vulkan engine and limn, 32x32", "interval_ms": {"p50": 1.0}},
    ]
    bench.tell_intervals(rows)
    assert [row.get("publication_over_render") for row in rows] == [None, 1.2, 1.05, None, None]
    assert "publication_over_render 1.05" in bench._rest(rows[2])


def test_without_a_build_of_the_engine_it_is_named(tmp_path: Path) -> None:
    for place in (None, tmp_path):
        with pytest.raises(MissingDependency, match="Vulkan engine is not built"):
            gpu_loop.start_engine(place, tmp_path / "connection.json", SIZE, 1)


class Street:
    """A GPU's memory, and stand-ins for the two processes that hold some of it."""

    def __init__(self) -> None:
        self.taken, self.hang, self.leak = dict[str, int](), False, 0
        self.own_from, self.ended = 3, cast(int | None, None)

    def free_bytes(self) -> int:
        return 1000 - sum(self.taken.values())

    def renderer(self, model: str) -> Any:
        self.taken["renderer"] = 100

        def end() -> None:
            self.taken.pop("renderer", None)
            self.taken["leak"] = self.leak

        return SimpleNamespace(wait_until_ready=lambda: None, connection=Path(), alive=True, kill=lambda: None, end=end)

    def engine(self, *_: object) -> Any:
        self.taken["engine"] = 50
        now_ns = time.monotonic_ns()
        told = {
            "own_from": self.own_from,
            "reason": "no CUDA",
            "shown_ns": [now_ns, now_ns + 10**12, now_ns + 2 * 10**12],
        }

        def communicate(timeout: float | None = None) -> tuple[str, str]:
            if self.hang and timeout is not None:
                raise subprocess.TimeoutExpired("engine", timeout)
            self.taken.pop("engine", None)
            return json.dumps(told), ""

        return SimpleNamespace(
            kill=lambda: None, terminate=lambda: None, communicate=communicate, poll=lambda: self.ended
        )  # fmt: skip


def on_the(street: Street, monkeypatch: pytest.MonkeyPatch) -> gpu_loop.Killing:
    monkeypatch.setattr(gpu_loop, "RendererProcess", street.renderer)
    monkeypatch.setattr(gpu_loop, "start_engine", street.engine)
    for name in ("START_S", "AFTER_S", "ALONE_S", "BACK_S"):
        monkeypatch.setattr(gpu_loop, name, 0.0)
    return gpu_loop.Killing(None, street.free_bytes)


def ten(killing: gpu_loop.Killing) -> None:
    for _ in range(10):
        killing.once()


@pytest.mark.parametrize(("hang", "leak"), [(False, 0), (True, 0), (False, 64)])
def test_each_death_is_followed_to_its_end(monkeypatch: pytest.MonkeyPatch, hang: bool, leak: int) -> None:
    street = Street()
    street.hang, street.leak = hang, leak
    killing = on_the(street, monkeypatch)
    ten(killing)
    killing.close()
    told = killing.seen.figures()
    assert told["kills"] == told["of_renderers"] + told["of_engines"] == 10
    assert min(told["of_renderers"], told["of_engines"]) > 0
    assert told["hangs"] == (told["of_renderers"] if hang else 0)
    assert told["most_leaked_bytes"] == leak
    assert told["most_frames_to_own_picture"] == (None if hang else 2)  # one with a plate, and its own


@pytest.mark.parametrize(("own_from", "ended", "words"), [(1, None, "not stay on the GPU: no CUDA"), (3, 1, "ended")])
def test_an_engine_that_was_never_on_the_gpu_is_no_proof(
    monkeypatch: pytest.MonkeyPatch, own_from: int, ended: int | None, words: str
) -> None:
    street = Street()
    street.own_from, street.ended = own_from, ended
    killing = on_the(street, monkeypatch)
    with pytest.raises(NoRenderer, match=words):
        ten(killing)
    killing.close()
    assert street.free_bytes() == 1000


def test_frames_are_counted_from_the_kill_to_the_first_own_picture() -> None:
    told = {"own_from": 4, "shown_ns": [10, 20, 30, 40, 50]}
    assert gpu_loop.frames_to_own(told, 25) == [2]
    assert gpu_loop.frames_to_own(told, 35) == [1]
    assert gpu_loop.frames_to_own(told, 45) == []  # it had given up before
    assert gpu_loop.frames_to_own({"own_from": 0, "shown_ns": [10]}, 5) == []  # it never did


def test_runtimes_take_turns_over_the_same_tensors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_limn, "TURNS", 2)
    monkeypatch.setattr(gpu_limn, "BURST", 3)
    beside = gpu_limn.Beside(SIZE, "cpu")
    row = beside.row(beside.graph)
    assert row["differs_rms"] == 0.0
    assert row["counters"] == {"frames": 6, **NOTHING}
    assert min(row["gpu_ms"]["p50"], row["eager_gpu_ms"]["p50"]) > 0.0
    ours = [torch.ones(4), torch.tensor([3.0])]
    assert gpu_limn.differs_rms(ours, [torch.ones(4), torch.tensor([3.0])]) == 0.0
    assert math.isnan(gpu_limn.differs_rms([torch.tensor([math.nan])], [torch.ones(1)]))


def test_limn_whole_tells_its_parts_and_what_was_copied() -> None:
    row = gpu_limn.whole(SIZE, gpu_limn.Staged("cpu"), [View(*court(*SIZE))])
    assert list(row["stages_ms"]) == ["features", "network", "plate"]
    assert all(ms["p50"] > 0.0 for ms in row["gpu_stages_ms"].values())
    shapes = shapes_of(*SIZE)
    there = 4 * sum(math.prod(shape) for shape in shapes.values())
    assert row["per_frame"]["host_to_device_bytes_per_frame"] == there
    assert (row["counters"]["frames"], row["per_frame"]["cpu_waits_per_frame"]) == (gpu_limn.WHOLE_FRAMES, 1.0)


def test_what_tensorrt_for_rtx_says_of_a_gpu_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(maker: object) -> Any:
        raise ModelIncomplete("no engine on this GPU: unsupported compute capability", fix="None.")

    monkeypatch.setattr(gpu_limn, "gpu_here", lambda: Gpu("a GPU", (9, 0), "580.0"))
    monkeypatch.setattr(gpu_limn, "TensorRtMaker", lambda module: SimpleNamespace(name="tensorrt-rtx 1.7"))
    monkeypatch.setattr(gpu_limn, "Beside", lambda size: SimpleNamespace(bound=lambda it: it))
    monkeypatch.setattr(gpu_limn, "loaded", refuse)
    told = gpu_limn.answer()
    assert (told["runs"], told["gpu"]["capability"]) == (False, (9, 0))
    assert "unsupported compute capability" in told["said"]
    bound = SimpleNamespace(
        name="tensorrt-rtx 1.7 cuda fp16", step=lambda: None, lane=SimpleNamespace(wait=lambda: None)
    )
    monkeypatch.setattr(gpu_limn, "loaded", lambda maker: cast(Any, bound))
    assert gpu_limn.answer()["runs"]
