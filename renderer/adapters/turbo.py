"""The networks of `sd_turbo_control`, and the one step that they paint a picture in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridge.errors import ModelMismatch
from renderer.adapters.folder import ModelFolder
from renderer.adapters.graphs import Graph, Inputs, noise_like, text_graphs, words_like
from renderer.adapters.parts import (
    config_of,
    diffusion_part,
    dtype_on,
    latents_of,
    picture_of,
    prompts_of,
    schedule_of,
    title_of,
    words_of,
)
from renderer.adapters.turbo_folder import CELL, START

F32 = NDArray[np.float32]


def sigmas_of(told: Mapping[str, Any]) -> torch.Tensor:
    """Noise over signal at each of the schedule's steps, float64 [N]: sqrt(1 / a - 1), a the product of 1 - beta.

    Raises ModelMismatch for a schedule of another kind.
    """
    count, schedule = int(told.get("num_train_timesteps", 1000)), told.get("beta_schedule", "linear")
    first, last = float(told.get("beta_start", 0.0001)), float(told.get("beta_end", 0.02))
    if schedule not in ("linear", "scaled_linear"):
        raise ModelMismatch(
            f"the scheduler's betas are '{schedule}'", fix="This family takes linear and scaled_linear."
        )
    power = 2.0 if schedule == "scaled_linear" else 1.0
    roots = torch.linspace(first ** (1.0 / power), last ** (1.0 / power), count, dtype=torch.float64)
    sigmas: torch.Tensor = (1.0 / torch.cumprod(1.0 - roots**power, 0) - 1.0).sqrt()
    return sigmas


def without_noise(x: torch.Tensor, answer: torch.Tensor, sigma: float | torch.Tensor, prediction: str) -> torch.Tensor:
    """The picture's latents, from x = z + sigma n and what the network says of it: the noise, or the velocity."""
    if prediction == "v_prediction":
        return x / (sigma**2 + 1.0) - answer * (sigma / (sigma**2 + 1.0) ** 0.5)
    return x - sigma * answer


class OneStep(nn.Module):
    """All networks of a frame, as one: what is exported is what paints."""

    def __init__(self, unet: nn.Module, coder: nn.Module, nets: Sequence[nn.Module], prediction: str) -> None:
        super().__init__()
        self.unet, self.coder, self.nets = unet, coder, nn.ModuleList(nets)
        self.prediction = prediction

    def forward(self, start: torch.Tensor, noise: torch.Tensor, words: torch.Tensor, step: torch.Tensor,
                sigma: torch.Tensor, weights: torch.Tensor, seen: list[torch.Tensor]) -> torch.Tensor:  # fmt: skip
        """The picture [1, 3, H, W], -1..1 or beyond, from the picture `start` that it begins with, noise
        [1, C, H/8, W/8], words [1, tokens, width], the schedule's step and its sigma, and for each ControlNet its
        weight and what it sees [1, 3, H, W]."""
        x = latents_of(self.coder, start) + sigma * noise
        scaled = x / (sigma**2 + 1.0) ** 0.5
        down, middle = self.held(scaled, step, words, weights, seen)
        (answer,) = self.unet(scaled, step, words, down_block_additional_residuals=down,
                              mid_block_additional_residual=middle, return_dict=False)  # fmt: skip
        clean = without_noise(x.float(), answer.float(), sigma, self.prediction)
        return picture_of(self.coder, clean.to(x.dtype))

    def held(self, scaled: torch.Tensor, step: torch.Tensor, words: torch.Tensor, weights: torch.Tensor,
             seen: list[torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor]:  # fmt: skip
        """What the ControlNets add to the UNet's way down and to its middle, summed over them."""
        each = [net(scaled, step, words, controlnet_cond=picture, conditioning_scale=weight, return_dict=False)
                for net, picture, weight in zip(self.nets, seen, weights, strict=True)]  # fmt: skip
        down = [torch.stack(more).sum(0) for more in zip(*(some for some, _ in each), strict=True)]
        return down, torch.stack([middle for _, middle in each]).sum(0)


class Turbo:
    """UNet, picture coder and ControlNets on one device, and the prompts' embeddings."""

    def __init__(self, folder: ModelFolder, device: torch.device, text_encoder_sha256: str) -> None:
        """Raises ModelIncomplete, ModelMismatch."""
        self._device, self._dtype = device, dtype_on(device)
        told, schedule = config_of(folder, "unet", "UNet2DConditionModel"), schedule_of(folder)
        self.names = tuple(sorted({map_.into for map_ in folder.manifest.maps} - {START}))
        check_together(folder, told, self.names)
        self._width, self.latent_channels = int(told["cross_attention_dim"]), int(told["in_channels"])
        self._sigmas = [float(sigma) for sigma in sigmas_of(schedule)]
        self.network = OneStep(
            diffusion_part(folder, "unet", "UNet2DConditionModel"),
            diffusion_part(folder, "vae", "AutoencoderTiny", "AutoencoderKL"),
            [diffusion_part(folder, name, "ControlNetModel") for name in self.names],
            str(schedule.get("prediction_type", "epsilon")),
        ).to(device, self._dtype)
        self.prompts = prompts_of(folder, text_encoder_sha256)
        self.title = title_of(device)

    @torch.inference_mode()
    def paint(self, inputs: Mapping[str, F32], noise: F32, prompt: str, strength: float,
              weights: Mapping[str, float]) -> F32:  # fmt: skip
        """The picture [3, H, W], -1..1, from `start` and what the ControlNets see, each [3, H, W], and noise
        [C, H/8, W/8]. `strength`, 0..1, is how far up the schedule it starts. Raises ModelFailed for a prompt that
        cannot be understood."""
        pictures = {name: self._moved(torch.from_numpy(array)[None]) for name, array in inputs.items()}
        step = min(max(round(strength * len(self._sigmas)) - 1, 0), len(self._sigmas) - 1)
        words = words_of(self.prompts, prompt, self._width)
        picture = self.network(
            pictures[START], self._moved(torch.from_numpy(noise)[None]), self._moved(words),
            torch.tensor(step, device=self._device), torch.tensor(self._sigmas[step], device=self._device),
            torch.tensor([weights[name] for name in self.names], device=self._device),
            [pictures[name] for name in self.names],
        )  # fmt: skip
        return np.ascontiguousarray(picture[0].float().clamp(-1.0, 1.0).cpu().numpy())

    def stages(self) -> dict[str, list[nn.Module]]:
        """The networks by what they do."""
        coder: Any = self.network.coder
        return {
            "encode": [coder.encoder], "controlnets": list(self.network.nets), "unet": [self.network.unet],
            "decode": [coder.decoder],
        }  # fmt: skip

    def _moved(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self._device, self._dtype)


def check_together(folder: ModelFolder, unet: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Raises ModelMismatch for ControlNets of another generation than the UNet, ModelIncomplete for one that is not
    there."""
    for name in names:
        told = config_of(folder, name, "ControlNetModel")
        for key in ("cross_attention_dim", "in_channels", "block_out_channels"):
            if told.get(key) != unet.get(key):
                raise ModelMismatch(
                    f"{folder.path / name} has {key} {told.get(key)}, and the UNet has {unet.get(key)}",
                    fix="Use a ControlNet made for this UNet's generation: for SD-Turbo one of Stable Diffusion 2.1.",
                )


def graphs_of(folder: ModelFolder, text_encoder_sha256: str) -> list[Graph]:
    """What is exported: `OneStep` at the manifest's size, and the text encoder."""
    turbo, size = Turbo(folder, torch.device("cpu"), text_encoder_sha256), folder.manifest.size
    pictures = [noise_like(1, 3, size.height, size.width).clamp(-1.0, 1.0) for _ in (START, *turbo.names)]
    inputs: Inputs = {
        "start": pictures[0], "noise": noise_like(1, turbo.latent_channels, size.height // CELL, size.width // CELL),
        "words": words_like(folder), "step": torch.tensor(499), "sigma": torch.tensor(1.6),
        "weights": torch.ones(len(turbo.names)), "seen": [each * 0.5 + 0.5 for each in pictures[1:]],
    }  # fmt: skip
    names = ("start", "noise", "words", "step", "sigma", "weights", *turbo.names)
    return [Graph("paint", turbo.network, inputs, names, "picture"), *text_graphs(folder)]
