"""Networks of model folders as ONNX: each answers as torch does, and what goes in is what the adapter gives."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto
from tiny_models import tiny_folder
from turbo_folder import added

from bridge.errors import MissingDependency, ModelFailed, NotSupported
from renderer.adapters import framediffuser, sd_turbo_control
from renderer.adapters.exporting import Exported, export, export_folder
from renderer.adapters.folder import open_folder
from renderer.adapters.graphs import Graph
from renderer.adapters.weights import ports_of
from renderer.bench.random_networks import TINY, write_framediffuser, write_turbo
from renderer.cli import main
from renderer.runtimes.engines import Profile
from renderer.runtimes.tensorrt import TensorRtMaker, flavour_for

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers', NumPy 2
REQUIRED = os.environ.get("WORLDPLATE_REQUIRE_TENSORRT") == "1"
SMALL = replace(  # one level is enough: exporting takes its time by the layer
    TINY, up=("CrossAttnUpBlock2D",), coder=(8,),
    unet=TINY.unet | {"block_out_channels": (8,), "down_block_types": ("CrossAttnDownBlock2D",)},
)  # fmt: skip
INPUTS = {
    "paint": {
        "start": (1, 3, 64, 64), "noise": (1, 4, 8, 8), "words": (1, 16, 16), "step": (), "sigma": (),
        "weights": (1,), "controlnet_depth": (1, 3, 64, 64),
    },
    "look": {"maps": (1, 10, 64, 64)},
    "denoise": {
        "x": (1, 4, 8, 8), "before": (1, 4, 8, 8), "seen": (1, 8, 8, 8), "words": (1, 16, 16), "step": (), "hold": (),
    },
    "decode": {"latents": (1, 4, 8, 8)},
    "text_encoder": {"tokens": (1, 16)},
}  # fmt: skip
PRECISION = {"decode": "fp16"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """What became of both families' networks, by their names. One of two that are alike is left out, and one is in half
    precision."""
    place = tmp_path_factory.mktemp("models")
    write_turbo(place / "turbo", SMALL)
    shutil.rmtree(place / "turbo" / "controlnet_normal")
    write_framediffuser(place / "framediffuser", SMALL)
    graphs: dict[str, Graph] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        for family, name in ((sd_turbo_control, "turbo"), (framediffuser, "framediffuser")):
            folder = open_folder(added(place / name, place / "models"))
            graphs |= {graph.name: graph for graph in family.graphs(folder)}
    return {name: export(graphs[name], place, PRECISION.get(name, "fp32")) for name in INPUTS}


def test_each_network_leaves_as_a_file_that_answers_as_torch_does(exported: dict[str, Exported]) -> None:
    for each in exported.values():
        half = PRECISION.get(each.name) == "fp16"
        assert each.apart < (2e-2 if half else 1e-4)
        ports = ports_of(Path(each.path))
        assert {port.dtype for port in ports.outputs} == {"float16" if half else "float32"}
        weights = {TensorProto.DataType.Name(tensor.data_type) for tensor in onnx.load(each.path).graph.initializer}
        assert weights <= {"FLOAT16" if half else "FLOAT", "INT64", "BOOL"}  # of one type throughout
        assert {port.name: port.shape for port in ports.inputs} == INPUTS[each.name]
        assert ports.external == (f"{each.name}.onnx.data",)
        assert each.bytes > 1000
        assert str(Path.cwd()) not in Path(each.path).read_bytes().decode("latin-1")  # nor whose machine it was
        onnx.checker.check_model(each.path)


def test_tensorrt_builds_a_network_for_a_gpu_that_is_not_here(exported: dict[str, Exported]) -> None:
    try:
        flavour_for(None)
    except MissingDependency as error:
        if REQUIRED:
            raise
        pytest.skip(f"TENSORRT IS NOT CHECKED: {error}")
    engine = TensorRtMaker("tensorrt_rtx", "fp32", ["SM89"]).build(Path(exported["denoise"].path), Profile({}, {}, {}))
    assert len(engine) > 1000


def test_a_folder_is_exported_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = [Graph(name, torch.nn.ReLU(), {"input": torch.rand(1, 3)}, ("x",), "y") for name in ("one", "other")]
    monkeypatch.setattr("renderer.adapters.onnx_i2i.graphs", lambda folder: graphs, raising=False)
    made: list[tuple[str, Path, str]] = []

    def export(graph: Graph, out: Path, precision: str) -> Exported:
        made.append((graph.name, out, precision))
        return Exported(graph.name, str(out / graph.name), 1, {"x": [1, 3]}, "y", 0.0)

    monkeypatch.setattr("renderer.adapters.exporting.export", export)
    tiny_folder(tmp_path)
    out = tmp_path / "new"
    told = ["models", "export", "tiny", "--models-dir", str(tmp_path), "--out", str(out), "--precision", "fp16"]
    assert main(told) == 0
    assert made == [("one", out, "fp16"), ("other", out, "fp16")]
    assert out.is_dir()


def test_a_network_that_does_not_answer_as_torch_does_is_refused(tmp_path: Path) -> None:
    class Turns(torch.nn.Module):
        """Something else at each call."""

        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            return x * self.calls

    with pytest.raises(ModelFailed, match="apart from torch"):
        export(Graph("turns", Turns(), {"x": torch.ones(1, 3)}, ("x",), "y"), tmp_path)


def test_what_is_onnx_already_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(NotSupported, match=r"It is ONNX already: model\.onnx"):
        export_folder(tiny_folder(tmp_path), tmp_path / "out")
