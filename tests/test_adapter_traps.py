"""What the libraries under the adapters do in silence, and what stands here instead."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from turbo_folder import added, painted, planes

from bridge.errors import ModelIncomplete, ModelNotFound, ModelTooLarge
from bridge.schema import Reset
from renderer.adapters.families import load_folder
from renderer.adapters.folder import open_folder
from renderer.adapters.manifest import Range
from renderer.adapters.parts import diffusion_part, latents_of, picture_of
from renderer.bench.random_networks import write_turbo
from renderer.recall import World

ROOT = Path(__file__).parents[1]
ADAPTERS = sorted((ROOT / "renderer" / "adapters").glob("*.py"))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "tiny"
    write_turbo(folder)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_no_extra_brings_torchvision_which_would_put_another_torch_in_place_of_this_one() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*told["dependencies"], *(each for extra in told["optional-dependencies"].values() for each in extra)]
    assert not [each for each in wanted if each.startswith("torchvision")]


def test_libraries_that_rename_their_insides_have_an_upper_bound() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for package in ("diffusers", "transformers", "huggingface_hub", "onnx"):
        (told,) = [each for each in extras["adapters"] if re.match(rf"{package}\b", each)]
        assert "<" in told


@pytest.mark.parametrize("path", ADAPTERS, ids=lambda path: path.stem)
def test_no_adapter_uses_a_pipeline_which_would_bring_a_safety_checker_or_look_on_the_hub(path: Path) -> None:
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom | ast.Import)
              for alias in node.names}  # fmt: skip
    assert not [name for name in names if name.endswith("Pipeline") or name in ("*", "from_single_file", "torchvision")]


def test_the_hub_is_out_of_reach_before_the_libraries_are_there() -> None:
    code = (
        "import renderer.adapters.parts, huggingface_hub, sys\nsys.exit(not huggingface_hub.constants.HF_HUB_OFFLINE)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_path_that_is_none_is_said_to_be_and_not_taken_for_a_name_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"has no model\.toml"):
        load_folder(tmp_path / "nowhere")


def test_a_pickle_is_not_taken_where_the_safe_file_is_missing(source: Path, tmp_path: Path) -> None:
    changed = Path(shutil.copytree(source, tmp_path / "changed"))
    weights = changed / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    path = added(changed, tmp_path / "models")
    assert not list(path.rglob("*.bin"))
    with pytest.raises(ModelIncomplete, match="unet has no weights in its manifest"):
        load_folder(path)


def test_controlnets_see_0_to_1_and_the_picture_coder_minus_1_to_1(source: Path, tmp_path: Path) -> None:
    maps = open_folder(added(source, tmp_path / "models")).manifest.maps
    assert {map_.into: map_.range for map_ in maps} == {
        "start": Range.SIGNED, "controlnet_depth": Range.UNIT, "controlnet_normal": Range.UNIT,
    }  # fmt: skip


def test_the_scale_of_latents_is_the_coders_own(source: Path, tmp_path: Path) -> None:
    coder = diffusion_part(open_folder(added(source, tmp_path / "models")), "vae", "AutoencoderTiny")
    picture = torch.rand(1, 3, 16, 16) * 2.0 - 1.0
    with torch.inference_mode():
        one = latents_of(coder, picture)
        back = picture_of(coder, one)
        coder.register_to_config(scaling_factor=0.5)
        torch.testing.assert_close(latents_of(coder, picture), one * 0.5)
        torch.testing.assert_close(picture_of(coder, one * 0.5), back)


def test_after_a_reset_nothing_of_the_shot_before_is_left(source: Path, tmp_path: Path) -> None:
    model = load_folder(added(source, tmp_path / "models"))
    world, fresh = World(seed=2), World(seed=2, epoch=1)
    painted(model, world, planes(1), 1)
    world.reset(Reset.CUT)
    for number in (3, 4):
        np.testing.assert_array_equal(
            painted(model, world, planes(number), number), painted(model, fresh, planes(number), number)
        )


def test_a_model_too_large_for_what_is_free_is_refused_before_it_is_loaded_though_nobody_said_its_memory(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = added(source, tmp_path / "models")
    assert open_folder(path).manifest.memory_mb == 0
    monkeypatch.setattr("renderer.adapters.parts.free_ram_mb", lambda: 0.5)
    monkeypatch.setattr("renderer.adapters.parts.load_file", lambda _: pytest.fail("weights were loaded"))
    with pytest.raises(ModelTooLarge, match=r"needs 1 MB of this machine's memory, and 0 MB are free"):
        load_folder(path)
