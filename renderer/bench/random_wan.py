"""Wan's networks with random weights, of any size, as files: speed and memory do not depend on what weights are."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from renderer.adapters.prompts import Prompts, prompts_folder
from renderer.adapters.wan_coder import TinyCoder
from renderer.adapters.wan_keys import Dims
from renderer.adapters.wan_network import empty
from renderer.adapters.wan_options import Options
from renderer.adapters.wan_text import TOKENS

State = dict[str, torch.Tensor]
ENCODER = "0" * 64  # of prompts that nobody encoded


def dims_full(maps: int = 0) -> Dims:
    """Wan 2.1's 1.3B, as it is published, with so many maps beside its noise."""
    return Dims(16 * (1 + maps), 16, layers=30, heads=12, head=128, ffn=8960, text=4096, frequencies=256,
                patch=(1, 2, 2), normed=True)  # fmt: skip


def dims_tiny(maps: int = 0) -> Dims:
    """Of numbers that a CPU goes through in milliseconds."""
    return Dims(4 * (1 + maps), 4, layers=2, heads=2, head=12, ffn=24, text=16, frequencies=16, patch=(1, 2, 2),
                normed=True)  # fmt: skip


def coder_shapes(width: int, widths: tuple[int, int, int, int], latent: int) -> dict[str, tuple[int, ...]]:
    """Those that tell a coder's widths, as in its published file: 64 and (256, 128, 64, 64) in all."""
    told: dict[str, tuple[int, ...]] = {
        "encoder.0.weight": (width, 3, 3, 3), "decoder.1.weight": (widths[0], latent, 3, 3),
        "decoder.22.weight": (3, widths[3], 3, 3),
    }  # fmt: skip
    told |= {f"encoder.{at}.conv.weight": (width, width * count, 1, 1) for at, count in ((2, 2), (7, 2), (12, 1))}
    for number, (at, count) in enumerate(((7, 1), (13, 2), (19, 2))):
        told[f"decoder.{at}.conv.weight"] = (widths[number] * count, widths[number], 1, 1)
        told[f"decoder.{at + 1}.weight"] = (widths[number + 1], widths[number], 3, 3)
    return told


FULL_CODER = coder_shapes(64, (256, 128, 64, 64), 16)
TINY_CODER = coder_shapes(4, (8, 8, 4, 4), 4)


def random_state(network: torch.nn.Module, seed: int, gain: float = 1.0) -> State:
    """Weights for every tensor of a network that has none, of a size that keeps signals as large as they are."""
    generator = torch.Generator().manual_seed(seed)
    state: State = {}
    for name, tensor in network.state_dict().items():
        random = torch.randn(tensor.shape, generator=generator)
        fan_in = tensor[0].numel() if tensor.dim() > 1 else 100
        state[name] = random * (gain / fan_in**0.5) + float("norm" in name and name.endswith("weight"))
    return state


def transformer_state(dims: Dims) -> State:
    """By diffusers' names."""
    return random_state(empty(dims), 3 + dims.in_channels)


def coder_state(shapes: dict[str, tuple[int, ...]]) -> State:
    """Its pictures are about the middle of 0..1, and use it."""
    with torch.device("meta"):
        network = TinyCoder(shapes, "random")
    state = random_state(network, 5)
    state["decoder.22.bias"] = torch.full((3,), 0.5)
    return state


def write_wan(folder: Path, dims: Dims, coder: dict[str, tuple[int, ...]]) -> None:
    """Transformer and coder in half precision, and the default prompt's embedding where prompts are kept, for
    `text_encoder_sha256` ENCODER."""
    folder.mkdir(parents=True)
    for name, state in (("transformer", transformer_state(dims)), ("taew2_1", coder_state(coder))):
        save_file({key: tensor.bfloat16() for key, tensor in state.items()}, folder / f"{name}.safetensors")
    (folder / "config.json").write_text(json.dumps({"attention_head_dim": dims.head}))
    random = torch.randn(1, TOKENS, dims.text, generator=torch.Generator().manual_seed(1))
    Prompts(lambda _: random, ENCODER, prompts_folder()).embedding(Options().prompt)
