"""Folders of networks with random weights, laid out as their makers publish them: tiny ones, which tests load and a CPU
can run, and ones of full size, whose speed and memory are those of the published weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, AutoencoderTiny, ControlNetModel, EulerDiscreteScheduler, UNet2DConditionModel
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

from renderer.adapters.framediffuser_networks import looking

SCHEDULE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "timestep_spacing": "trailing"}
SCHEDULE_15 = {  # as Stable Diffusion 1.5's file has it, of which the sampler takes what it knows
    "_class_name": "PNDMScheduler", "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085,
    "num_train_timesteps": 1000, "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1,
    "trained_betas": None, "clip_sample": False,
}  # fmt: skip
TURBO_NETS = ("controlnet_depth", "controlnet_normal")
CHANNELS = 10  # of FrameDiffuser's G-buffer
ALPHABET = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Shape:
    """How large the networks are."""

    unet: dict[str, Any]
    up: tuple[str, ...]
    maps: tuple[int, ...]  # widths of a ControlNet's layers that look at maps
    coder: tuple[int, ...]  # widths of the picture coder
    tiny_coder: int
    text: dict[str, int]
    rank: int  # of the LoRA
    dtype: torch.dtype


ATTENDING = "CrossAttnDownBlock2D"
TINY = Shape(
    {"block_out_channels": (8, 16), "layers_per_block": 1, "norm_num_groups": 4, "attention_head_dim": 2,
     "cross_attention_dim": 16, "down_block_types": (ATTENDING, "DownBlock2D")},
    ("UpBlock2D", "CrossAttnUpBlock2D"), (4, 4, 8, 8), (8, 8, 8, 8), 8,
    {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
     "max_position_embeddings": 16},
    2, torch.float32,
)  # fmt: skip
FULL = Shape(  # Stable Diffusion 1.5's
    {"block_out_channels": (320, 640, 1280, 1280), "layers_per_block": 2, "norm_num_groups": 32,
     "attention_head_dim": 8, "cross_attention_dim": 768,
     "down_block_types": (ATTENDING, ATTENDING, ATTENDING, "DownBlock2D")},
    ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    (16, 32, 96, 256), (128, 256, 512, 512), 64,
    {"vocab_size": 49408, "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
     "num_attention_heads": 12, "max_position_embeddings": 77},
    64, torch.float16,
)  # fmt: skip
FULL_TURBO = Shape(  # Stable Diffusion 2.1's
    FULL.unet | {"cross_attention_dim": 1024, "attention_head_dim": (5, 10, 20, 20), "use_linear_projection": True},
    FULL.up, FULL.maps, FULL.coder, FULL.tiny_coder,
    FULL.text | {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16},
    FULL.rank, FULL.dtype,
)  # fmt: skip


def quiet() -> None:
    """Of the libraries' bars and advice nothing is shown, in this process."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.set_verbosity_error()
        library.disable_progress_bar()


def shuffled(network: nn.Module, seed: int = 7) -> Any:
    """With random weights in every layer: a ControlNet's own last layers begin as zeros, and would add nothing."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.named_parameters():
        random = torch.randn(tensor.shape, generator=generator)
        if tensor.dim() > 1:
            tensor.data = random * (1.5 * tensor.shape[0] / tensor.numel()) ** 0.5
        else:
            tensor.data = random * 0.1 + float(name.endswith("norm.weight"))
    return network


def write_turbo(folder: Path, shape: Shape = TINY) -> None:
    """What `sd_turbo_control` takes: a UNet, two ControlNets, a tiny picture coder, and a text encoder."""
    _write(UNet2DConditionModel(**shape.unet, up_block_types=shape.up), folder / "unet", shape)
    for name in TURBO_NETS:
        net = ControlNetModel(**shape.unet, conditioning_embedding_out_channels=shape.maps)
        _write(net, folder / name, shape, len(name))
    sides: dict[str, Any] = {f"{way}_block_out_channels": (shape.tiny_coder,) * 4 for way in ("encoder", "decoder")}
    blocks = ((1,) * 4, (1,) * 4) if shape.unet["layers_per_block"] == 1 else ((1, 3, 3, 3), (3, 3, 3, 1))
    sides |= {"num_encoder_blocks": blocks[0], "num_decoder_blocks": blocks[1]}
    _write(AutoencoderTiny(**sides), folder / "vae", shape)
    EulerDiscreteScheduler(**SCHEDULE).save_pretrained(folder / "scheduler")
    write_words(folder, shape)


def write_framediffuser(folder: Path, shape: Shape = TINY) -> None:
    """What `framediffuser` takes, as its makers save it: a base model, a ControlNet whose layers have names of their
    own, and a LoRA in both spellings."""
    unet = UNet2DConditionModel(**shape.unet, up_block_types=shape.up)
    _write(unet, folder / "unet", shape)
    net = ControlNetModel(**shape.unet, conditioning_embedding_out_channels=shape.maps)
    net.controlnet_cond_embedding = looking(CHANNELS, shape.maps, shape.unet["block_out_channels"][0])
    _write(net, folder / "controlnet", shape, 3)
    config = folder / "controlnet" / "config.json"
    told = json.loads(config.read_text()) | {"_class_name": "ControlNetModelEx", "conditioning_channels": CHANNELS}
    config.write_text(json.dumps(told | {"gbuffer_channels": CHANNELS, "total_parameters": 1}))
    save_file(dict(lora_of(unet, shape)), folder / "controllora.safetensors")
    levels = len(shape.coder)
    blocks = {"down_block_types": ("DownEncoderBlock2D",) * levels, "up_block_types": ("UpDecoderBlock2D",) * levels}
    groups = {"norm_num_groups": shape.unet["norm_num_groups"]}
    layers = {"layers_per_block": shape.unet["layers_per_block"]}
    _write(AutoencoderKL(block_out_channels=shape.coder, **blocks, **groups, **layers), folder / "vae", shape)
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULE_15))
    write_words(folder, shape)


def lora_of(unet: nn.Module, shape: Shape) -> Iterator[tuple[str, torch.Tensor]]:
    """Of the UNet's way down and its middle: attention in the spelling before PEFT, all else in PEFT's."""
    generator = torch.Generator().manual_seed(5)
    for name, module in unet.named_modules():
        if not isinstance(module, nn.Linear | nn.Conv2d) or "conv_out" in name or "up_blocks" in name:
            continue
        wide = 2 if name == "conv_in" else 1  # it takes the frame before as well
        out, into, *kernel = module.weight.shape
        halves = (shape.rank, wide * into, *kernel), (out, shape.rank, *(1 for _ in kernel))
        old = name.endswith((".to_q", ".to_k", ".to_v", ".to_out.0"))
        for half, spelled in zip(halves, ("lora.down", "lora.up") if old else ("lora_A", "lora_B"), strict=True):
            random = torch.randn(half, generator=generator) * (0.5 * half[0] / torch.Size(half).numel()) ** 0.5
            yield f"unet.{name}.{spelled}.weight", random.to(shape.dtype)


def write_words(folder: Path, shape: Shape) -> None:
    """A text encoder, and a tokenizer that knows letters."""
    text = CLIPTextConfig(**shape.text, bos_token_id=1, eos_token_id=2, pad_token_id=2)
    _write(CLIPTextModel(text), folder / "text_encoder", shape)
    letters = [*ALPHABET, *(f"{letter}</w>" for letter in ALPHABET)]
    vocabulary = {"<pad>": 0, "<|startoftext|>": 1, "<|endoftext|>": 2} | {c: 3 + i for i, c in enumerate(letters)}
    (folder / "tokenizer").mkdir()
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocabulary))
    (folder / "tokenizer" / "merges.txt").write_text("#version: 0.2\n")
    told = {"tokenizer_class": "CLIPTokenizer", "model_max_length": shape.text["max_position_embeddings"]}
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(told))


def _write(network: Any, folder: Path, shape: Shape, seed: int = 7) -> None:
    nn.Module.to(shuffled(network, seed), dtype=shape.dtype)
    network.save_pretrained(folder)
