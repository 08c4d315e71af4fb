"""The networks of `framediffuser`, and the steps that they take from noise to a picture."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridge.errors import ModelIncomplete, ModelMismatch
from renderer.adapters.condition import channels_of
from renderer.adapters.folder import ModelFolder
from renderer.adapters.framediffuser_folder import CLASSES, MAPS
from renderer.adapters.graphs import Decode, Encode, Graph, Inputs, noise_like, text_graphs, words_like
from renderer.adapters.lora import add_lora
from renderer.adapters.parts import (
    attention_renamed,
    config_of,
    diffusion_part,
    dtype_on,
    filled,
    latents_of,
    made_of,
    picture_of,
    prompts_of,
    schedule_of,
    title_of,
    words_of,
)
from renderer.adapters.turbo_folder import CELL

F32 = NDArray[np.float32]
NO_LINE = ("thresholding", "use_flow_sigmas", "use_dynamic_shifting")  # of a schedule: what is none of its linear ones
WIDTHS = (16, 32, 96, 256)  # of the layers that look at maps, where the configuration does not say


class Denoise(nn.Module):
    """UNet and ControlNet as one network: what is exported is what paints."""

    def __init__(self, unet: nn.Module, net: nn.Module) -> None:
        super().__init__()
        self.unet, self.net = unet, net

    def forward(self, x: torch.Tensor, before: torch.Tensor, seen: torch.Tensor, words: torch.Tensor,
                step: torch.Tensor, hold: torch.Tensor) -> torch.Tensor:  # fmt: skip
        """The noise in x [1, C, h, w], from the frame before as latents of that shape, from what the maps' layers made
        of them [1, width, h, w], words [1, tokens, width], and the schedule's step. The ControlNet sees x alone, and
        `hold` is its weight."""
        down, middle = self.net(x, step, words, controlnet_cond=seen, conditioning_scale=hold, return_dict=False)
        (answer,) = self.unet(torch.cat([x, before], 1), step, words, down_block_additional_residuals=down,
                              mid_block_additional_residual=middle, return_dict=False)  # fmt: skip
        assert isinstance(answer, torch.Tensor)
        return answer


class Networks:
    """UNet with its LoRA, ControlNet, the layers that look at maps and the picture coder on one device, and the
    prompts' embeddings."""

    def __init__(self, folder: ModelFolder, device: torch.device, lora: str, text_encoder_sha256: str) -> None:
        """Raises ModelIncomplete, ModelMismatch."""
        self._device, self._dtype = device, dtype_on(device)
        told, self._schedule = config_of(folder, "unet", "UNet2DConditionModel"), schedule_of(folder)
        self._width, self.latent_channels = int(told["cross_attention_dim"]), int(told["in_channels"])
        net = controlnet_of(folder, told)
        look, net.controlnet_cond_embedding = (
            net.controlnet_cond_embedding,
            nn.Identity(),
        )  # it is the same at each step
        coder = diffusion_part(folder, "vae", "AutoencoderKL", "AutoencoderTiny")
        self.look, self.denoise, self.coder = (
            nn.Module.to(each, device, self._dtype) for each in (look, Denoise(unet_of(folder, lora), net), coder)
        )
        self._courses: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.course(1)  # a schedule that is not linear is refused now
        self.prompts = prompts_of(folder, text_encoder_sha256)
        self.title = title_of(device)

    def course(self, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`course_of` this folder's schedule on the device, found once for each number of steps."""
        if steps not in self._courses:
            times, course = course_of(self._schedule, steps)
            self._courses[steps] = torch.tensor(times, device=self._device), course.float().to(self._device)
        return self._courses[steps]

    @torch.inference_mode()
    def latents(self, picture: F32) -> F32:
        """Of a picture [3, H, W], -1..1: [C, H/8, W/8]."""
        found = latents_of(self.coder, self._moved(picture)[None])[0]
        return np.ascontiguousarray(found.float().cpu().numpy())

    @torch.inference_mode()
    def paint(self, maps: F32, before: F32, noise: F32, prompt: str, steps: int, hold: float) -> F32:
        """The picture [3, H, W], -1..1 in 256 steps as its makers hand it on, from maps [C, H, W] and, as latents
        [C, H/8, W/8], the frame before and noise. Raises ModelFailed for a prompt that cannot be understood."""
        words = self._moved(words_of(self.prompts, prompt, self._width))
        seen, past = self.look(self._moved(maps)[None]), self._moved(before)[None]
        weight = torch.tensor(hold, device=self._device)
        times, course = self.course(steps)
        # What all is made of: the noise, and the network's answer at each step.
        parts = torch.zeros(steps + 1, *noise.shape, device=self._device)
        parts[0] = torch.from_numpy(noise)
        for step in range(steps):
            x = _mixed(course[step], parts).to(self._dtype)
            parts[step + 1] = self.denoise(x, past, seen, words, times[step], weight)[0]
        picture = picture_of(self.coder, _mixed(course[steps], parts).to(self._dtype))[0]
        unit = picture.float().mul(0.5).add(0.5).clamp(0.0, 1.0)
        return np.ascontiguousarray((unit.mul(255.0).round().div(255.0) * 2.0 - 1.0).cpu().numpy())

    def stages(self) -> dict[str, list[nn.Module]]:
        """The networks by what they do."""
        coder: Any = self.coder
        return {
            "look": [self.look], "encode": [coder.encoder], "controlnet": [self.denoise.net],
            "unet": [self.denoise.unet], "decode": [coder.decoder],
        }  # fmt: skip

    def _moved(self, array: F32 | torch.Tensor) -> torch.Tensor:
        tensor = array if isinstance(array, torch.Tensor) else torch.from_numpy(array)
        return tensor.to(self._device, self._dtype)


def course_of(told: Mapping[str, Any], steps: int) -> tuple[list[int], torch.Tensor]:
    """The published sampler's way from noise to latents as a matrix: its times, and float64 [steps + 1, steps + 1],
    whose row k makes what the network sees at step k, and whose last row makes the latents, of the noise and of the
    network's answers so far.

    UniPC (2302.04867) is linear in them, so it is run once, on unit vectors. Raises ModelMismatch for a schedule that
    is not linear.
    """
    wrong = [key for key in NO_LINE if told.get(key)]
    if wrong:
        raise ModelMismatch(f"the scheduler's {wrong[0]} is on", fix="This family takes schedules without.")
    scheduler = made_of("UniPCMultistepScheduler", told)
    scheduler.set_timesteps(steps)
    units = torch.eye(steps + 1, dtype=torch.float64)
    rows = [units[:1] * float(scheduler.init_noise_sigma)]
    for unit, time in zip(units[1:], scheduler.timesteps, strict=True):
        rows.append(scheduler.step(unit[None], time, rows[-1]).prev_sample)
    return [int(time) for time in scheduler.timesteps], torch.cat(rows)


def controlnet_of(folder: ModelFolder, unet: Mapping[str, Any]) -> Any:
    """The ControlNet, which looks at as many channels as the manifest's maps make, through its makers' own layers.

    Raises ModelMismatch for one of another generation than the UNet or of other channels, and what `filled` does.
    """
    told = config_of(folder, MAPS, *CLASSES)
    for key in ("cross_attention_dim", "in_channels", "block_out_channels"):
        if told.get(key) != unet.get(key):
            raise ModelMismatch(
                f"{folder.path / MAPS} has {key} {told.get(key)}, and the UNet has {unet.get(key)}",
                fix="It was trained on Stable Diffusion 1.5: use that one's UNet.",
            )
    channels = int(told.get("gbuffer_channels") or told.get("conditioning_channels") or 0)
    made = channels_of(tuple(map_ for map_ in folder.manifest.maps if map_.into == MAPS))
    if channels != made:
        raise ModelMismatch(
            f"{folder.path / MAPS} looks at {channels} channels, and the manifest's maps make {made}",
            fix="Correct `maps`: each network's own order and number of channels is its makers' to say.",
        )
    known = {key: value for key, value in told.items() if key not in ("gbuffer_channels", "total_parameters")}
    net = made_of("ControlNetModel", known | {"_class_name": "ControlNetModel"})
    widths = told.get("conditioning_embedding_out_channels") or WIDTHS
    net.controlnet_cond_embedding = looking(channels, widths, int(told["block_out_channels"][0]))
    return filled(net, folder, MAPS, attention_renamed)


def looking(channels: int, widths: list[int] | tuple[int, ...], out: int) -> nn.Sequential:
    """The seventeen layers that make an eighth of the size of maps, each third of them with twice the stride, as their
    makers stack them: the library's own class calls the same layers by other names, and would leave them random."""
    conv = partial(nn.Conv2d, kernel_size=3, padding=1)
    layers: list[nn.Module] = [conv(channels, widths[0])]
    for here, there in pairwise(widths):
        layers += [nn.SiLU(), conv(here, here), nn.SiLU(), conv(here, there, stride=2)]
    layers += [nn.SiLU(), conv(widths[-1], widths[-1]), nn.SiLU(), conv(widths[-1], out)]
    return nn.Sequential(*layers)


def unet_of(folder: ModelFolder, lora: str) -> Any:
    """The UNet that takes the frame before after its own latents: as many channels again, on which the base model does
    nothing, and the LoRA all. Raises ModelIncomplete without that file, and what `add_lora` and `filled` do."""
    if lora not in folder.files(".safetensors"):
        raise ModelIncomplete(
            f"{folder.path} has no {lora} in its manifest, without which the frame before reaches nothing",
            fix="Put the scene's LoRA there, and add the folder again; `options.lora` names it.",
        )
    unet = diffusion_part(folder, "unet", "UNet2DConditionModel")
    old = unet.conv_in
    unet.conv_in = nn.Conv2d(2 * old.in_channels, old.out_channels, old.kernel_size, padding=old.padding)
    with torch.no_grad():
        unet.conv_in.weight.zero_()
        unet.conv_in.weight[:, : old.in_channels] = old.weight
        unet.conv_in.bias.copy_(old.bias)
    add_lora(unet, folder.file(lora), "conv_in")
    return unet.eval().requires_grad_(False)


def graphs_of(folder: ModelFolder, lora: str, text_encoder_sha256: str) -> list[Graph]:
    """What is exported, at the manifest's size; the sampler between the steps is a few sums, and `course_of` them."""
    networks, size = Networks(folder, torch.device("cpu"), lora, text_encoder_sha256), folder.manifest.size
    picture = noise_like(1, 3, size.height, size.width).clamp(-1.0, 1.0)
    latents = noise_like(1, networks.latent_channels, size.height // CELL, size.width // CELL)
    maps = channels_of(tuple(map_ for map_ in folder.manifest.maps if map_.into == MAPS))
    seen = noise_like(1, maps, size.height, size.width).clamp(-1.0, 1.0)
    with torch.inference_mode():
        looked = networks.look(seen).clone()
    step: Inputs = {
        "x": latents, "before": latents.flip(-1), "seen": looked, "words": words_like(folder),
        "step": torch.tensor(499), "hold": torch.tensor(1.0),
    }  # fmt: skip
    return [
        Graph("look", networks.look, {"input": seen}, ("maps",), "seen"),
        Graph("denoise", networks.denoise, step, tuple(step), "noise"),
        Graph("encode", Encode(networks.coder), {"picture": picture}, ("picture",), "latents"),
        Graph("decode", Decode(networks.coder), {"latents": latents}, ("latents",), "picture"),
        *text_graphs(folder),
    ]


def _mixed(row: torch.Tensor, parts: torch.Tensor) -> torch.Tensor:
    """Parts [N, C, h, w] by a row [N] of the course: [1, C, h, w]."""
    mixed: torch.Tensor = torch.tensordot(row[None], parts, 1)
    return mixed
