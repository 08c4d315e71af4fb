"""Stable Diffusion Turbo with ControlNets: from a folder to plates, and a refusal by name for each part that is not so.

The networks are tiny and random; what is tested is everything around them.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import EulerDiscreteScheduler
from safetensors.torch import load_file, save_file
from turbo_folder import added, painted, planes

from bridge.errors import ManifestInvalid, ModelFailed, ModelIncomplete, ModelMismatch, SnapshotCorrupt
from bridge.schema import PlaneName
from renderer.adapters.families import load_folder
from renderer.adapters.folder import open_folder
from renderer.adapters.parts import attention_renamed
from renderer.adapters.turbo import sigmas_of, without_noise
from renderer.bench.random_networks import SCHEDULE, write_turbo
from renderer.models import WorldModel
from renderer.recall import World


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "tiny"
    write_turbo(folder)
    return folder


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return added(source, tmp_path_factory.mktemp("models"))


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> WorldModel:
    """Loaded where there is no network."""

    def refused(*_: object) -> None:
        raise AssertionError("something was looked up")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return load_folder(folder)


def altered(folder: Path, tmp_path: Path) -> Path:
    """A copy of the networks, to be changed before it is added."""
    return Path(shutil.copytree(folder, tmp_path / "changed", ignore=shutil.ignore_patterns("model.toml")))


def weights(folder: Path, part: str) -> tuple[Path, dict[str, torch.Tensor]]:
    (path,) = (folder / part).glob("*.safetensors")
    return path, {
        key: tensor.clone() for key, tensor in load_file(path).items()
    }  # the file is about to be written over


def test_ten_frames_are_plates_and_the_same_again(model: WorldModel) -> None:
    assert model.card.needs == {PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL}
    runs = []
    for _ in range(2):
        world = World(seed=4)
        runs.append([painted(model, world, planes(), n) for n in range(1, 11)])
    for plate, again in zip(*runs, strict=True):
        assert (plate[..., 3] == 1.0).all()
        assert np.isfinite(plate).all()
        assert ((plate >= 0.0) & (plate <= 1.0)).all()
        assert plate[..., :3].std() > 0.01
        np.testing.assert_array_equal(plate, again)
    other = painted(model, World(seed=4), planes(), seed=9)
    assert np.abs(other.astype(np.float32) - runs[0][0]).max() > 0.01


@pytest.mark.parametrize("plane", [PlaneName.DEPTH, PlaneName.NORMAL])
def test_each_controlnet_sees_its_own_plane_alone(model: WorldModel, plane: PlaneName) -> None:
    nets = {PlaneName.DEPTH: "controlnet_depth", PlaneName.NORMAL: "controlnet_normal"}
    one, other = planes(), planes()
    other[plane] = np.ascontiguousarray(other[plane][::-1, ::-1])
    a, b = (painted(model, World(seed=1), each) for each in (one, other))
    c, d = (painted(model, World(seed=1), each, 1, **{nets[plane]: 0.0}) for each in (one, other))
    assert np.abs(a.astype(np.float32) - b).max() > 1e-3
    np.testing.assert_array_equal(c, d)


def test_a_frame_starts_from_the_one_before_and_a_snapshot_holds_it(model: WorldModel) -> None:
    world, fresh = World(seed=2), World(seed=2, steps=1)
    painted(model, world, planes(), 1)
    saved = {name: array.copy() for name, array in model.save_latents(world.latents).items()}
    followed = painted(model, world, planes(), 2)
    assert np.abs(followed.astype(np.float32) - painted(model, fresh, planes(), 2)).max() > 1e-3
    restored = World(seed=2, steps=1, latents=model.load_latents(saved))
    np.testing.assert_array_equal(painted(model, restored, planes(), 2), followed)
    with pytest.raises(SnapshotCorrupt):
        model.load_latents(saved | {"picture": saved["picture"][:, 1:]})


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers' own, with NumPy 2
def test_the_one_step_is_the_published_schedulers() -> None:
    scheduler = EulerDiscreteScheduler(**SCHEDULE)
    scheduler.set_timesteps(1)
    sigmas = sigmas_of(SCHEDULE)
    assert float(sigmas[-1]) == pytest.approx(14.6146, abs=1e-3)
    noise, answer = torch.randn(2, 1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    x = noise * scheduler.init_noise_sigma
    stepped = scheduler.step(answer, scheduler.timesteps[0], x).prev_sample
    torch.testing.assert_close(without_noise(x, answer, float(sigmas[-1]), "epsilon"), stepped, atol=1e-4, rtol=1e-5)
    z, sigma = torch.ones(4), float(sigmas[499])
    a = 1.0 / (sigma**2 + 1.0)
    velocity = a**0.5 * noise[0, 0, 0, :4] - (1.0 - a) ** 0.5 * z
    torch.testing.assert_close(without_noise(z + sigma * noise[0, 0, 0, :4], velocity, sigma, "v_prediction"), z)
    with pytest.raises(ModelMismatch, match="squaredcos"):
        sigmas_of({"beta_schedule": "squaredcos_cap_v2"})


@pytest.mark.parametrize("part", ["unet", "controlnet_normal", "vae", "text_encoder"])
def test_a_tensor_that_is_missing_is_refused_by_name(source: Path, tmp_path: Path, part: str) -> None:
    changed = altered(source, tmp_path)
    path, state = weights(changed, part)
    name = sorted(state)[0]
    save_file({key: tensor for key, tensor in state.items() if key != name}, path, {"format": "pt"})
    with pytest.raises(ModelIncomplete, match=f"{part} lack 1 tensors, the first is '{name}'"):
        load_folder(added(changed, tmp_path / "models"))


def test_a_tensor_that_is_too_much_or_of_another_shape_is_refused_by_name(source: Path, tmp_path: Path) -> None:
    changed = altered(source, tmp_path)
    path, state = weights(changed, "unet")
    name = sorted(state)[0]
    save_file(state | {"more.weight": state[name].clone()}, path, {"format": "pt"})
    with pytest.raises(ModelMismatch, match=r"'more\.weight'"):
        load_folder(added(changed, tmp_path / "more"))
    save_file(state | {name: torch.zeros(3, 5, 7)}, path, {"format": "pt"})
    with pytest.raises(ModelMismatch, match=f"'{name}' of .* is 3x5x7"):
        load_folder(added(changed, tmp_path / "shape"))


def test_a_controlnet_that_the_maps_name_and_the_folder_lacks_is_refused(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    told = (path / "model.toml").read_text()
    (path / "model.toml").write_text(told.replace('into = "controlnet_normal"', 'into = "controlnet_edges"'))
    with pytest.raises(ModelIncomplete, match="no controlnet_edges/config"):
        load_folder(path)
    (path / "model.toml").write_text(told.replace('fit = "stretch"', 'fit = "letterbox"'))
    with pytest.raises(ManifestInvalid, match="fit 'letterbox'"):
        load_folder(path)


def test_networks_of_two_generations_and_of_other_kinds_are_refused(source: Path, tmp_path: Path) -> None:
    changed = altered(source, tmp_path)
    config = changed / "controlnet_depth" / "config.json"
    told = json.loads(config.read_text())
    config.write_text(json.dumps(told | {"cross_attention_dim": 24}))
    with pytest.raises(ModelMismatch, match="cross_attention_dim 24, and the UNet has 16"):
        load_folder(added(changed, tmp_path / "generation"))
    config.write_text(json.dumps(told))
    vae = changed / "vae" / "config.json"
    vae.write_text(json.dumps(json.loads(vae.read_text()) | {"_class_name": "AutoencoderKLWan"}))
    with pytest.raises(ModelMismatch, match="vae is a AutoencoderKLWan"):
        load_folder(added(changed, tmp_path / "kind"))


def test_weights_of_before_the_libraries_renamed_them_load_as_they_are(source: Path, tmp_path: Path) -> None:
    changed = altered(source, tmp_path)
    path = changed / "text_encoder" / "model.safetensors"
    state = {f"text_model.{key}": tensor for key, tensor in load_file(path).items()}
    save_file(state | {"text_model.embeddings.position_ids": torch.arange(16)[None]}, path, {"format": "pt"})
    assert load_folder(added(changed, tmp_path / "models")).card.needs
    old = {"encoder.mid_block.attentions.0.proj_attn.weight": torch.ones(1), "a.attentions.1.query.bias": torch.ones(1)}
    assert list(attention_renamed(old)) == [
        "encoder.mid_block.attentions.0.to_out.0.weight",
        "a.attentions.1.to_q.bias",
    ]


def test_a_prompt_is_understood_once_and_then_without_the_encoder(
    folder: Path, source: Path, tmp_path: Path, model: WorldModel
) -> None:
    dawn = painted(model, World(seed=1), planes(), prompt="dawn")
    assert np.abs(dawn.astype(np.float32) - painted(model, World(seed=1), planes())).max() > 1e-4
    changed = altered(source, tmp_path)
    for part in ("text_encoder", "tokenizer"):
        shutil.rmtree(changed / part)
    path = added(changed, tmp_path / "models")
    with pytest.raises(ModelIncomplete, match="no text_encoder"):
        load_folder(path)
    digest = next(f.sha256 for f in open_folder(folder).manifest.files if f.path == "text_encoder/model.safetensors")
    told = (path / "model.toml").read_text()
    assert told.count("[options]\n") == 1
    (path / "model.toml").write_text(told.replace("[options]\n", f'[options]\ntext_encoder_sha256 = "{digest}"\n'))
    without = load_folder(path)
    np.testing.assert_array_equal(painted(without, World(seed=1), planes(), prompt="dawn"), dawn)
    with pytest.raises(ModelFailed, match="'dusk' was never used here"):
        painted(without, World(seed=1), planes(), prompt="dusk")


def test_what_needs_seconds_to_import_is_not_imported_to_look_around() -> None:
    code = "import sys; from renderer.adapters import families\n"
    code += "all(map(families.module_of, filter(families.is_here, families.Family)))\n"
    code += "sys.exit(bool({'diffusers', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
