"""Networks of model folders as ONNX: each answers as torch does, and what goes in is what the adapter gives."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch
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
    TINY, up=("CrossAttnUpBlock2D",),
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
    "encode": {"picture": (1, 3, 64, 64)},
    "decode": {"latents": (1, 4, 8, 8)},
    "text_encoder": {"tokens": (1, 16)},
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Exported]:
    """What became of both families' networks, by their names; the text encoder's is alike in both."""
    place = tmp_path_factory.mktemp("models")
    write_turbo(place / "turbo", SMALL)
    shutil.rmtree(place / "turbo" / "controlnet_normal")
    write_framediffuser(place / "framediffuser", SMALL)
    done: dict[str, Exported] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        for family, name in ((sd_turbo_control, "turbo"), (framediffuser, "framediffuser")):
            for graph in family.graphs(open_folder(added(place / name, place / "models"))):
                if name == "framediffuser" or graph.name == "paint":
                    done[graph.name] = export(graph, place)
    return done


def test_each_network_leaves_as_a_file_that_answers_as_torch_does(exported: dict[str, Exported]) -> None:
    assert list(exported) == list(INPUTS)
    for each in exported.values():
        assert each.apart < 1e-4
        ports = ports_of(Path(each.path))
        assert {port.name: port.shape for port in ports.inputs} == INPUTS[each.name]
        assert ports.external == (f"{each.name}.onnx.data",)
        assert each.bytes > 1000
        assert str(Path.cwd()) not in Path(each.path).read_bytes().decode("latin-1")  # nor whose machine it was
        onnx.checker.check_model(each.path)


@pytest.mark.parametrize("name", ["paint", "denoise"])
def test_tensorrt_builds_a_network_for_a_gpu_that_is_not_here(exported: dict[str, Exported], name: str) -> None:
    try:
        flavour_for(None)
    except MissingDependency as error:
        if REQUIRED:
            raise
        pytest.skip(f"TENSORRT IS NOT CHECKED: {error}")
    engine = TensorRtMaker("tensorrt_rtx", "fp32", ["SM89"]).build(Path(exported[name].path), Profile({}, {}, {}))
    assert len(engine) > 1000


def test_a_folder_is_exported_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph("half", torch.nn.ReLU(), {"input": torch.rand(1, 3)}, ("x",), "y")
    monkeypatch.setattr("renderer.adapters.onnx_i2i.graphs", lambda folder: [graph], raising=False)
    tiny_folder(tmp_path)
    assert main(["models", "export", "tiny", "--models-dir", str(tmp_path), "--out", str(tmp_path / "new")]) == 0
    assert (tmp_path / "new" / "half.onnx").is_file()


def test_in_half_precision_a_network_is_of_one_type_throughout(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.GroupNorm(2, 4), torch.nn.SiLU())
    done = export(Graph("half", network, {"input": torch.rand(1, 3, 8, 8)}, ("x",), "y"), tmp_path, "fp16")
    assert 0.0 < done.apart < 2e-2
    ports = ports_of(Path(done.path))
    assert {port.dtype for port in (*ports.inputs, *ports.outputs)} == {"float16"}
    weights = onnx.load(done.path).graph.initializer
    assert {each.data_type for each in weights} <= {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64}


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
