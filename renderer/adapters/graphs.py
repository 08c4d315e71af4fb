"""Networks in the form in which they leave this package: one call with named tensors of fixed sizes, for ONNX."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from renderer.adapters.folder import ModelFolder
from renderer.adapters.parts import config_of, has_part, latents_of, picture_of, text_part

Inputs = Mapping[str, torch.Tensor | list[torch.Tensor]]


@dataclass(frozen=True)
class Graph:
    """A network, and what it is called with."""

    name: str  # of its file
    network: nn.Module  # in single precision, on the CPU
    inputs: Inputs  # by the names of `forward`, with values of the right sizes
    names: tuple[str, ...]  # of the tensors that go in, one by one
    output: str  # of what comes out, the first
    more: tuple[str, ...] = ()  # the others, where state comes out beside it


class Encode(nn.Module):
    """A picture [1, 3, H, W], -1..1, as latents [1, C, H / 8, W / 8]."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        return latents_of(self.coder, picture)


class Decode(nn.Module):
    """Latents as a picture."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        return picture_of(self.coder, latents)


class Words(nn.Module):
    """Tokens [1, N] as embeddings [1, N, width]."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.encoder(tokens).last_hidden_state
        return found


def text_graphs(folder: ModelFolder) -> list[Graph]:
    """The text encoder's, where the folder has one. Raises what `text_part` does."""
    if not has_part(folder, "text_encoder"):
        return []
    told = config_of(folder, "text_encoder", "CLIPTextModel")
    tokens = torch.arange(int(told["max_position_embeddings"]))[None] % int(told["vocab_size"])
    return [Graph("text_encoder", Words(text_part(folder, "text_encoder")), {"tokens": tokens}, ("tokens",), "words")]


def words_like(folder: ModelFolder) -> torch.Tensor:
    """Embeddings of the size that the UNet takes: as many as the text encoder makes, or CLIP's 77."""
    width = int(config_of(folder, "unet", "UNet2DConditionModel")["cross_attention_dim"])
    count = 77
    if has_part(folder, "text_encoder"):
        count = int(config_of(folder, "text_encoder", "CLIPTextModel")["max_position_embeddings"])
    return noise_like(1, count, width)


def noise_like(*shape: int) -> torch.Tensor:
    """The same numbers in each run."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))
