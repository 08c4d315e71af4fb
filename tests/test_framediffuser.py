"""FrameDiffuser: ten channels of G-buffer and the frame before, from a folder as its makers publish it to plates, and a
refusal by name for each part without which a condition would silently be lost.

The networks are tiny and random; what is tested is everything around them.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, UniPCMultistepScheduler
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional
from turbo_folder import HEIGHT, WIDTH, added, painted, planes

from bridge.errors import ManifestInvalid, ModelIncomplete, ModelMismatch, SnapshotCorrupt
from bridge.planes import PlaneViews
from bridge.schema import PlaneName, Reset
from renderer.adapters.families import load_folder
from renderer.adapters.folder import open_folder
from renderer.adapters.framediffuser import FrameDiffuser, irradiance
from renderer.adapters.framediffuser_networks import course_of, unet_of
from renderer.adapters.lora import layers_of
from renderer.adapters.parts import diffusion_part
from renderer.bench.random_networks import SCHEDULE_15, TINY, write_framediffuser
from renderer.recall import World

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # diffusers', NumPy 2
LORA = "controllora.safetensors"
STEPS = 3


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published") / "tiny"
    write_framediffuser(folder)
    return folder


@pytest.fixture(scope="module")
def folder(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = added(source, tmp_path_factory.mktemp("models"))
    manifest = path / "model.toml"
    manifest.write_text(manifest.read_text().replace("[options]\n", f"[options]\nsteps = {STEPS}\n"))
    return path


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FrameDiffuser:
    """Loaded where there is no network."""

    def refused(*_: object) -> None:
        raise AssertionError("something was looked up")

    monkeypatch.setattr(socket.socket, "connect", refused)
    return cast(FrameDiffuser, load_folder(folder))


def g_buffer(seed: int = 3) -> PlaneViews:
    rng = np.random.default_rng(seed)
    albedo = rng.uniform(0.1, 0.9, (HEIGHT, WIDTH, 4)).astype(np.float16)
    material = rng.uniform(0.0, 1.0, (HEIGHT, WIDTH, 4)).astype(np.float16)
    return {**planes(seed), PlaneName.ALBEDO: albedo, PlaneName.MATERIAL: material}


def seen_by(model: FrameDiffuser) -> list[NDArray[np.float32]]:
    """What the ControlNet's layers are given from now on, [10, h, w] each."""
    taken: list[NDArray[np.float32]] = []
    model.networks.look.register_forward_pre_hook(lambda _, given: taken.append(given[0][0].numpy().copy()))
    return taken


def test_ten_frames_are_plates_and_the_same_again(folder: Path, model: FrameDiffuser) -> None:
    assert open_folder(folder).manifest.family == "framediffuser"
    assert model.card.needs == {
        PlaneName.COLOR, PlaneName.ALBEDO, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MATERIAL,
    }  # fmt: skip
    runs = []
    for _ in range(2):
        world = World(seed=4)
        runs.append([painted(model, world, g_buffer(n), n) for n in range(1, 11)])
    for plate, again in zip(*runs, strict=True):
        assert (plate[..., 3] == 1.0).all()
        assert ((plate >= 0.0) & (plate <= 1.0)).all()
        assert plate[..., :3].std() > 0.01
        np.testing.assert_array_equal(plate, again)
    other = painted(model, World(seed=4), g_buffer(1), seed=9)
    assert np.abs(other.astype(np.float32) - runs[0][0]).max() > 0.01


@pytest.mark.parametrize(
    ("plane", "channels"),
    [
        (PlaneName.NORMAL, {3, 4, 5}),
        (PlaneName.DEPTH, {6}),
        (PlaneName.MATERIAL, {7, 8}),
        (PlaneName.ALBEDO, {0, 1, 2, 9}),  # 9 is the irradiance, which is of color over it
        (PlaneName.COLOR, {9}),
    ],
)
def test_each_plane_reaches_its_own_channels_alone(model: FrameDiffuser, plane: PlaneName, channels: set[int]) -> None:
    taken = seen_by(model)
    one = g_buffer()
    for each in (one, {**one, plane: np.ascontiguousarray(one[plane][::-1, ::-1])}):
        painted(model, World(seed=1), each, steps=1)
    a, b = taken
    assert a.shape == (10, 64, 64)
    assert {channel for channel in range(10) if np.abs(a[channel] - b[channel]).max() > 1e-3} == channels


def test_channels_are_in_the_range_and_of_the_kind_that_its_makers_trained_with(model: FrameDiffuser) -> None:
    taken, world = seen_by(model), World(seed=1)
    flat: dict[PlaneName, NDArray[np.generic]] = {
        PlaneName.COLOR: np.full((HEIGHT, WIDTH, 4), 0.5, np.float16),
        PlaneName.ALBEDO: np.full((HEIGHT, WIDTH, 4), 0.5, np.float16),
        PlaneName.DEPTH: np.full((HEIGHT, WIDTH), 0.5, np.float32),
        PlaneName.NORMAL: np.broadcast_to(np.array([0, 1, 0, 0], np.float16), (HEIGHT, WIDTH, 4)).copy(),
        PlaneName.MATERIAL: np.broadcast_to(np.array([0.25, 1, 0, 0], np.float16), (HEIGHT, WIDTH, 4)).copy(),
    }
    painted(model, world, flat, 1)
    half = 2.0 * 188 / 255 - 1.0  # sRGB of 0.5
    light = 2.0 * np.floor(0.5 * 255.0) / 255.0 - 1.0  # color over base colour is 1 of 2
    up = [2.0 * 128 / 255 - 1.0, 2.0 * 128 / 255 - 1.0, 1.0]  # Unreal's Z is up
    golden = [half, half, half, *up, 1.0, 2.0 * 64 / 255 - 1.0, 1.0, light]
    np.testing.assert_allclose(taken[0].reshape(10, -1).mean(axis=1), golden, atol=1e-5)


def test_irradiance_is_the_last_pictures_luma_over_the_last_base_colours(model: FrameDiffuser) -> None:
    base = np.stack([np.full((1, 4), v, np.float32) for v in (0.5, 0.5, 0.5)])
    base[:, 0, 3] = 0.005
    shown = np.array([[[0.0, 0.25, 2.0, 0.5]]] * 3, np.float32)
    np.testing.assert_allclose(irradiance(shown, base)[0], [0.0, 63 / 255, 254 / 255, 1.0], atol=1e-6)
    red = np.zeros((3, 1, 1), np.float32)
    red[0] = 1.0
    assert irradiance(red, np.ones((3, 1, 1), np.float32))[0, 0] == pytest.approx(np.floor(0.299 / 2 * 255) / 255)
    taken, world = seen_by(model), World(seed=1)
    plate = painted(model, world, g_buffer(1), 1)
    painted(model, world, g_buffer(2), 2)
    coded = (plate[..., :3].astype(np.float32).clip(0.0031308, 1.0) ** (1 / 2.4) * 1.055 - 0.055).transpose(2, 0, 1)
    albedo = g_buffer(1)[PlaneName.ALBEDO][..., :3].astype(np.float32) ** (1 / 2.4) * 1.055 - 0.055
    base = np.asarray(np.round(albedo.transpose(2, 0, 1) * 255.0) / 255.0, np.float32)
    wanted = irradiance(np.asarray(coded, np.float32), base)
    found = functional.interpolate(torch.from_numpy(wanted)[None, None], (64, 64), mode="bilinear", antialias=True)
    assert np.abs(taken[1][9] * 0.5 + 0.5 - found[0, 0].numpy()).mean() < 0.01


def test_the_skys_base_colour_is_the_engines_own_picture(model: FrameDiffuser) -> None:
    taken = seen_by(model)
    scene = {name: plane.copy() for name, plane in g_buffer().items()}
    scene[PlaneName.DEPTH][: HEIGHT // 2] = np.inf
    scene[PlaneName.ALBEDO][: HEIGHT // 2] = 0.0
    scene[PlaneName.COLOR][:] = 1.0
    painted(model, World(seed=1), scene, steps=1)
    np.testing.assert_allclose(taken[0][:3, :28], 1.0, atol=1e-5)  # white
    assert taken[0][:3, 36:].std() > 0.05
    np.testing.assert_allclose(taken[0][6, :28], -1.0, atol=1e-5)  # and black in depth
    np.testing.assert_allclose(taken[0][9, :28], 1.0, atol=1e-5)  # while its light is told of the black one


@pytest.mark.parametrize("steps", [1, 2, 20])
def test_the_course_from_noise_to_picture_is_the_published_samplers(steps: int) -> None:
    scheduler = UniPCMultistepScheduler.from_config(SCHEDULE_15)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(3)
    noise, *answers = torch.randn(steps + 1, 1, 4, 8, 8, generator=generator)
    x = noise * scheduler.init_noise_sigma
    times, course = course_of(SCHEDULE_15, steps)
    assert times == scheduler.timesteps.tolist()
    parts = torch.stack([noise, *answers])[:, 0]
    for step, answer in enumerate(answers):
        mixed = torch.tensordot(course[step].float(), parts, 1)[None]
        torch.testing.assert_close(mixed, x, atol=2e-4, rtol=1e-4)
        assert not course[step, step + 1 :].any()  # of no answer that is yet to come
        x = scheduler.step(answer, scheduler.timesteps[step], x).prev_sample
    torch.testing.assert_close(torch.tensordot(course[-1].float(), parts, 1)[None], x, atol=2e-4, rtol=1e-4)
    with pytest.raises(ModelMismatch, match="thresholding"):
        course_of(SCHEDULE_15 | {"thresholding": True}, 2)


def test_a_frame_follows_on_the_one_before_and_a_snapshot_holds_it(model: FrameDiffuser) -> None:
    world, fresh = World(seed=2), World(seed=2, steps=1)
    painted(model, world, g_buffer(1), 1)
    saved = {name: array.copy() for name, array in model.save_latents(world.latents).items()}
    followed = painted(model, world, g_buffer(2), 2)
    assert np.abs(followed.astype(np.float32) - painted(model, fresh, g_buffer(2), 2)).max() > 1e-3
    restored = World(seed=2, steps=1, latents=model.load_latents(saved))
    np.testing.assert_array_equal(painted(model, restored, g_buffer(2), 2), followed)
    with pytest.raises(SnapshotCorrupt):
        model.load_latents(saved | {"latent": saved["latent"][:, 1:]})


def test_after_a_reset_nothing_of_the_shot_before_is_left(model: FrameDiffuser) -> None:
    world, fresh = World(seed=2), World(seed=2, epoch=1)
    for number in (1, 2):
        painted(model, world, g_buffer(number), number)
    world.reset(Reset.CUT)
    for number in (3, 4):
        np.testing.assert_array_equal(
            painted(model, world, g_buffer(number), number), painted(model, fresh, g_buffer(number), number)
        )


def test_the_frame_before_comes_in_by_the_lora_and_the_controlnet_sees_the_noise_alone(model: FrameDiffuser) -> None:
    denoise = model.networks.denoise
    generator = torch.Generator().manual_seed(1)
    x, one, other = torch.randn(3, 1, 4, 8, 8, generator=generator)
    seen, words = torch.zeros(1, 8, 8, 8), torch.zeros(1, 16, 16)
    given: list[torch.Tensor] = []
    denoise.net.register_forward_pre_hook(lambda _, args: given.append(args[0]))
    with torch.inference_mode():
        a, b = (denoise(x, before, seen, words, torch.tensor(500), torch.tensor(1.0)) for before in (one, other))
    assert (a - b).abs().max() > 1e-3
    for each in given:
        torch.testing.assert_close(each, x)


def test_both_spellings_of_a_lora_change_the_layers_that_they_name(folder: Path) -> None:
    opened = open_folder(folder)
    path = opened.file(LORA)
    layers, names = layers_of(path), set(load_file(path))
    assert any(".lora.down." in name for name in names)
    assert any(".lora_A." in name for name in names)
    assert 2 * len(layers) == len(names)
    base, unet = diffusion_part(opened, "unet", "UNet2DConditionModel"), unet_of(opened, LORA)
    generator = torch.Generator().manual_seed(2)
    with torch.inference_mode():
        for name, parts in layers.items():
            old, new = base.get_submodule(name), unet.get_submodule(name)
            x = torch.randn(
                1, new.weight.shape[1], *((6, 6) if isinstance(new, nn.Conv2d) else ()), generator=generator
            )
            if isinstance(new, nn.Conv2d):
                inner = functional.conv2d(x, parts["down"], stride=new.stride, padding=new.padding)
                change = functional.conv2d(inner, parts["up"])
            else:
                change = x @ parts["down"].T @ parts["up"].T
            torch.testing.assert_close(new(x), old(x[:, : old.weight.shape[1]]) + change, atol=1e-5, rtol=1e-4)


def test_a_loras_strength_is_told_by_its_alpha(tmp_path: Path) -> None:
    from renderer.adapters.lora import change_of

    down, up = torch.randn(2, 5), torch.randn(3, 2)
    save_file({"a.lora_A.weight": down, "a.lora_B.weight": up, "a.alpha": torch.tensor(1.0)}, tmp_path / LORA)
    torch.testing.assert_close(change_of(layers_of(tmp_path / LORA)["a"]), 0.5 * up @ down)


def without(pattern: str) -> Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]:
    return lambda state: {key: tensor for key, tensor in state.items() if not re.search(pattern, key)}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (without(r"unet\.conv_in\."), ModelIncomplete, "lacks 1 layers, the first is 'conv_in'"),
        (without(r"attn1\.to_q\.lora\.up"), ModelIncomplete, r"a part of '.*attn1\.to_q' alone"),
        (without(r"attn1\.to_q\."), ModelIncomplete, r"lacks \d layers, the first is '.*attn1\.to_q'"),
        (without(r"resnets\.0\.conv1"), ModelIncomplete, r"lacks \d layers, the first is '.*resnets\.0\.conv1'"),
        (lambda s: s | {"unet.conv_in.bias": torch.zeros(1)}, ModelMismatch, r"holds 'unet\.conv_in\.bias'"),
        (
            lambda s: s | {f"nowhere.lora_{half}.weight": torch.zeros(2, 2) for half in "AB"},
            ModelMismatch,
            "changes 'nowhere'",
        ),
        (
            lambda s: s | {"unet.conv_in.lora_A.weight": torch.zeros(2, 4, 3, 3)},  # of before it was widened
            ModelMismatch,
            r"'conv_in' of .* makes 8x4x3x3, and its network's is 8x8x3x3",
        ),
    ],
)
def test_a_lora_without_which_the_frame_before_would_be_lost_is_refused_by_name(
    source: Path, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    error: type[Exception], words: str,
) -> None:  # fmt: skip
    changed = altered(source, tmp_path)
    save_file(change({key: tensor.clone() for key, tensor in load_file(source / LORA).items()}), changed / LORA)
    with pytest.raises(error, match=words):
        unet_of(open_folder(added(changed, tmp_path / "models")), LORA)


def altered(folder: Path, tmp_path: Path) -> Path:
    """A copy of the networks, to be changed before it is added."""
    return Path(shutil.copytree(folder, tmp_path / "changed"))


def test_a_folder_without_its_lora_is_refused(source: Path, tmp_path: Path) -> None:
    changed = altered(source, tmp_path)
    (changed / LORA).unlink()
    path = added(changed, tmp_path / "models")
    assert "without it the frame before reaches nothing" in (path / "model.toml").read_text()
    with pytest.raises(ModelIncomplete, match=f"has no {LORA} in its manifest"):
        load_folder(path)


def test_a_controlnet_whose_layers_have_the_librarys_names_is_refused_by_them(source: Path, tmp_path: Path) -> None:
    changed = altered(source, tmp_path)
    config = changed / "controlnet" / "config.json"
    told = json.loads(config.read_text())
    plain = ControlNetModel(**TINY.unet, conditioning_channels=10, conditioning_embedding_out_channels=TINY.maps)
    plain.save_pretrained(changed / "controlnet")
    config.write_text(json.dumps(told))
    with pytest.raises(ModelIncomplete, match=r"controlnet lack \d+ tensors, .* 'controlnet_cond_embedding\.0\.bias'"):
        load_folder(added(changed, tmp_path / "models"))


@pytest.mark.parametrize("part", ["unet", "controlnet", "vae", "text_encoder"])
def test_a_tensor_that_is_missing_is_refused_by_name(source: Path, tmp_path: Path, part: str) -> None:
    changed = altered(source, tmp_path)
    (path,) = (changed / part).glob("*.safetensors")
    state = {key: tensor.clone() for key, tensor in load_file(path).items()}
    name = sorted(state)[0]
    del state[name]
    save_file(state, path, {"format": "pt"})
    with pytest.raises(ModelIncomplete, match=f"{part} lack 1 tensors, the first is '{name}'"):
        load_folder(added(changed, tmp_path / "models"))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('range = "-1..1"\n', 'range = "0..1"\n', "'start' is 0..1"),
        ('source = "color"\ninto = "start"', 'source = "color"\ninto = "begin"', "maps go into begin"),
        ("width = 64", "width = 60", "size is 60x64"),
    ],
)
def test_maps_that_this_family_cannot_use_are_refused(
    folder: Path, tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    told = (path / "model.toml").read_text()
    assert old in told
    (path / "model.toml").write_text(told.replace(old, new, 1))
    with pytest.raises(ManifestInvalid, match=words):
        load_folder(path)


def test_maps_of_other_channels_than_the_controlnet_looks_at_are_refused(folder: Path, tmp_path: Path) -> None:
    path = Path(shutil.copytree(folder, tmp_path / folder.name))
    told = (path / "model.toml").read_text()
    masked = re.sub(r'(source = "roughness"\n(?:\w.*\n)*?missing = )"refuse"', r'\1"mask"', told)
    assert masked != told
    (path / "model.toml").write_text(masked)
    with pytest.raises(ModelMismatch, match="looks at 10 channels, and the manifest's maps make 11"):
        load_folder(path)
