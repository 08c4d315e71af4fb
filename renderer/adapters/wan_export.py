"""Wan's networks in the form in which they leave this package: state goes in and comes out, and every size is fixed.

The sizes are those of a stream that sees as much as it ever will. The loop around them stays here: the schedule, where
a finished block's keys and values go, and the sink's turn.
"""

from __future__ import annotations

import torch
from torch import nn

from renderer.adapters.folder import ModelFolder
from renderer.adapters.graphs import Graph, noise_like
from renderer.adapters.wan_coder import PER_LATENT, TinyCoder, memory_shapes
from renderer.adapters.wan_load import Found, looked_into
from renderer.adapters.wan_network import Transformer, Turn, turns
from renderer.adapters.wan_text import TOKENS


class Given:
    """A context that is handed over with each call."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        """[layers, 1, tokens, heads, head]; keys are turned to their positions."""
        self._keys, self._values = keys, values
        self.fresh: list[Turn] = []

    def seen(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Turn:
        self.fresh.append((key, value))
        return torch.cat([self._keys[layer], key], 1), torch.cat([self._values[layer], value], 1)


class Denoise(nn.Module):
    """One pass over a block: its velocity, and its own keys and values [layers, 1, tokens, heads, head]."""

    def __init__(self, transformer: Transformer) -> None:
        super().__init__()
        self.network, self._transformer = transformer.network, transformer

    def forward(self, latents: torch.Tensor, step: torch.Tensor, words: torch.Tensor, cosines: torch.Tensor,
                sines: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, ...]:  # fmt: skip
        """Latents [1, C, T, h, w], a step 0..1000 [1], words [1, n, text], the block's positions as cosines and sines
        [tokens, 1, head / 2], and what it sees beside itself."""
        given = Given(keys, values)
        self._transformer.places.turn = cosines, sines
        for attention in self._transformer.attentions:
            attention.context = given
        (velocity,) = self.network(latents, step, words, return_dict=False)
        own_keys, own_values = (torch.stack(each) for each in zip(*given.fresh, strict=True))
        return velocity, own_keys, own_values


class Encode(nn.Module):
    """Four pictures [1, 4, 3, H, W], 0..1, as a latent [1, 1, C, h, w], and what the coder then remembers."""

    def __init__(self, coder: TinyCoder) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, pictures: torch.Tensor, memory: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        latent, kept = self.coder.encode(pictures, tuple(memory))
        return latent, *kept


class Decode(nn.Module):
    """A latent as four pictures, and what the coder then remembers."""

    def __init__(self, coder: TinyCoder) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, latent: torch.Tensor, memory: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
        pictures, kept = self.coder.decode(latent, tuple(memory))
        return pictures, *kept


def graphs_of(folder: ModelFolder) -> list[Graph]:
    """The transformer's pass and both ways of the coder. The text encoder, which is run once for a prompt, stays."""
    found = looked_into(folder)
    network, coder = found.networks(torch.device("cpu"), torch.float32)
    size = folder.manifest.size
    rows, columns = size.height // found.needs.cell, size.width // found.needs.cell
    pictures = noise_like(1, PER_LATENT, 3, size.height, size.width).abs().clamp(max=1.0)
    latent = noise_like(1, 1, coder.channels, rows, columns)
    packed = size.height // coder.patch, size.width // coder.patch
    return [
        _denoise(found, network, rows, columns),
        _coding("encode", Encode(coder), "pictures", pictures, memory_shapes(coder.encoder, *packed), "latent"),
        _coding("decode", Decode(coder), "latent", latent, memory_shapes(coder.decoder, rows, columns), "pictures"),
    ]


def _denoise(found: Found, network: Transformer, rows: int, columns: int) -> Graph:
    dims, options = found.needs.dims, found.options
    counts = options.block_latents, rows // dims.patch[1], columns // dims.patch[2]
    window = options.window_latents if options.causal else 0
    cosines, sines = turns(dims.head, (window, 0, 0), counts)
    seen = dims.layers, 1, window * found.needs.tokens(found.folder.manifest.size), dims.heads, dims.head
    inputs = {
        "latents": noise_like(1, dims.in_channels, options.block_latents, rows, columns),
        "step": torch.full((1,), 500.0), "words": noise_like(1, TOKENS, dims.text), "cosines": cosines, "sines": sines,
        "keys": noise_like(*seen), "values": noise_like(*seen) * 0.5,
    }  # fmt: skip
    return Graph("denoise", Denoise(network), inputs, tuple(inputs), "velocity", ("own_keys", "own_values"))


def _coding(name: str, network: nn.Module, given: str, value: torch.Tensor, shapes: list[tuple[int, ...]],
            made: str) -> Graph:  # fmt: skip
    memory = [noise_like(*shape).abs() for shape in shapes]
    names = tuple(f"memory_{at}" for at in range(len(memory)))
    return Graph(name, network, {given: value, "memory": memory}, (given, *names), made,
                 tuple(f"{each}_after" for each in names))  # fmt: skip
