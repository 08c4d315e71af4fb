"""The networks of `sd_turbo_control`, and the one step that they paint a picture in."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.errors import ModelIncomplete, ModelMismatch
from renderer.adapters.folder import ModelFolder
from renderer.adapters.parts import (
    BRING,
    config_of,
    diffusion_part,
    dtype_on,
    has_part,
    hash_of,
    text_part,
    tokenizer_of,
)
from renderer.adapters.prompts import Prompts, prompts_folder
from renderer.adapters.turbo_folder import START

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


def without_noise(x: torch.Tensor, answer: torch.Tensor, sigma: float, prediction: str) -> torch.Tensor:
    """The picture's latents, from x = z + sigma n and what the network says of it: the noise, or the velocity."""
    if prediction == "v_prediction":
        return x / (sigma**2 + 1.0) - answer * (sigma / math.hypot(sigma, 1.0))
    return x - sigma * answer


class Turbo:
    """UNet, picture coder and ControlNets on one device, and the prompts' embeddings."""

    def __init__(self, folder: ModelFolder, device: torch.device, text_encoder_sha256: str) -> None:
        """Raises ModelIncomplete, ModelMismatch."""
        self._device, self._dtype = device, dtype_on(device)
        told = config_of(folder, "unet", "UNet2DConditionModel")
        self.names = tuple(sorted({map_.into for map_ in folder.manifest.maps} - {START}))
        check_together(folder, told, self.names)
        self._width, self.latent_channels = int(told["cross_attention_dim"]), int(told["in_channels"])
        self._unet = self._placed(diffusion_part(folder, "unet", "UNet2DConditionModel"))
        self._vae = self._placed(diffusion_part(folder, "vae", "AutoencoderTiny", "AutoencoderKL"))
        self._nets = {name: self._placed(diffusion_part(folder, name, "ControlNetModel")) for name in self.names}
        schedule = json.loads(scheduler_of(folder))
        self._sigmas = [float(sigma) for sigma in sigmas_of(schedule)]
        self._prediction = str(schedule.get("prediction_type", "epsilon"))
        self.prompts = prompts_of(folder, text_encoder_sha256)
        self.title = f"torch {device.type} {str(self._dtype).removeprefix('torch.')}"

    def _placed(self, network: Any) -> Any:
        return torch.nn.Module.to(network, self._device, self._dtype)  # diffusers' own warns of layers it has not

    @torch.inference_mode()
    def paint(self, inputs: Mapping[str, F32], noise: F32, prompt: str, strength: float,
              weights: Mapping[str, float]) -> F32:  # fmt: skip
        """The picture [3, H, W], -1..1, from `start` and what the ControlNets see, each [3, H, W], and noise
        [C, H/8, W/8]. `strength`, 0..1, is how far up the schedule it starts. Raises ModelFailed for a prompt that
        cannot be understood."""
        pictures = {name: self._moved(torch.from_numpy(array)[None]) for name, array in inputs.items()}
        step = min(max(round(strength * len(self._sigmas)) - 1, 0), len(self._sigmas) - 1)
        sigma = self._sigmas[step]
        words = self._moved(self.prompts.embedding(prompt))
        if words.shape[-1] != self._width:
            raise ModelMismatch(
                f"the text encoder's embeddings are {words.shape[-1]} wide, and the UNet takes {self._width}",
                fix="Use the text encoder of the UNet's own generation.",
            )
        x = self.latents(pictures[START]) + sigma * self._moved(torch.from_numpy(noise)[None])
        seen = x / math.hypot(sigma, 1.0)
        down, middle = self.held({name: pictures[name] for name in self.names}, seen, step, words, weights)
        (answer,) = self._unet(seen, step, words, down_block_additional_residuals=down,
                               mid_block_additional_residual=middle, return_dict=False)  # fmt: skip
        clean = without_noise(x.float(), answer.float(), sigma, self._prediction).to(self._dtype)
        return np.ascontiguousarray(self.picture(clean)[0].float().clamp(-1.0, 1.0).cpu().numpy())

    def held(self, pictures: Mapping[str, torch.Tensor], seen: torch.Tensor, step: int, words: torch.Tensor,
             weights: Mapping[str, float]) -> tuple[list[torch.Tensor], torch.Tensor]:  # fmt: skip
        """What the ControlNets add to the UNet's way down and to its middle, summed over them."""
        down: list[torch.Tensor] = []
        middle = torch.zeros((), device=self._device, dtype=self._dtype)
        for name, picture in pictures.items():
            more, mid = self._nets[name](seen, step, words, controlnet_cond=picture,
                                         conditioning_scale=weights[name], return_dict=False)  # fmt: skip
            down = [a + b for a, b in zip(down, more, strict=True)] if down else list(more)
            middle = middle + mid
        return down, middle

    def latents(self, picture: torch.Tensor) -> torch.Tensor:
        """Of a picture [1, 3, H, W], without the coder's own noise."""
        coded = self._vae.encode(picture)
        found: torch.Tensor = coded.latents if hasattr(coded, "latents") else coded.latent_dist.mode()
        found = found * self._vae.config.scaling_factor
        return found

    def picture(self, latents: torch.Tensor) -> torch.Tensor:
        """The inverse of `latents`."""
        decoded: torch.Tensor = self._vae.decode(latents / self._vae.config.scaling_factor).sample
        return decoded

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


def scheduler_of(folder: ModelFolder) -> str:
    """The schedule's configuration. Raises ModelIncomplete without one."""
    name = "scheduler/scheduler_config.json"
    if name not in folder.files(".json"):
        raise ModelIncomplete(f"{folder.path} has no {name} in its manifest", fix=BRING)
    return folder.file(name).read_text(encoding="utf-8")


def prompts_of(folder: ModelFolder, sha256: str) -> Prompts:
    """With the folder's text encoder, which is loaded when the first prompt that is not kept needs it. Raises
    ModelIncomplete for an encoder without its tokenizer, or no encoder and no hash of one."""
    if not has_part(folder, "text_encoder"):
        if not sha256:
            raise ModelIncomplete(
                f"{folder.path} has no text_encoder in its manifest",
                fix="Add it, or name the one whose prompts are kept here in `options.text_encoder_sha256`.",
            )
        return Prompts(None, sha256, prompts_folder())
    tokenizer = tokenizer_of(folder)
    loaded: list[Any] = []

    def encode(text: str) -> torch.Tensor:
        if not loaded:
            loaded.append(text_part(folder, "text_encoder"))
        (encoder,) = loaded
        tokens = tokenizer(text, padding="max_length", truncation=True, return_tensors="pt",
                           max_length=encoder.config.max_position_embeddings)  # fmt: skip
        with torch.inference_mode():
            found: torch.Tensor = encoder(tokens.input_ids).last_hidden_state
        return found.clone()

    return Prompts(encode, hash_of(folder, "text_encoder"), prompts_folder())
