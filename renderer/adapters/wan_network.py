"""Wan's transformer in blocks of latents, each of which sees those before it by their keys and values.

The layers are diffusers' own; the positions and the attention over what is remembered are ours. Positions are rotary
(Su et al. 2021, 2104.09864): what two tokens have to do with each other depends on how far apart they are alone, so
positions go on for ever. Of what was, a sink and a window are kept; the sink goes along with the window, always just
before it, so that no two tokens are further apart than they were in training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import WanTransformer3DModel
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from bridge.errors import SnapshotCorrupt
from renderer.adapters.wan_keys import Dims

Turn = tuple[torch.Tensor, torch.Tensor]  # cosines and sines [tokens, 1, head / 2]
THETA = 10_000.0
SINGLE = ("rope", "time_embedder", "scale_shift_table", "norm1", "norm2", "norm3")  # kept in single precision


class Context:
    """What a stream's next block sees of the blocks before it: keys and values of every layer.

    It is written in place, and belongs to one stream; its memory is let go with it. Keys are kept turned to their
    positions. The block at hand has a place of its own behind what is remembered, so nothing is ever moved to make
    room; when all places are taken, a finished block goes where the oldest of the window was.
    """

    def __init__(self, dims: Dims, tokens: int, window: int, sink: int, block: int, where: torch.Tensor) -> None:
        """`tokens` are those of a latent; `window`, `sink` (of the window's) and `block` count latents. `where` is any
        tensor of the device and type that it is to have."""
        self._block, self._tokens, self._sink = block, tokens, sink
        self._places, self._head = window // block, dims.head
        shape = (1, (window + block) * tokens, dims.heads, dims.head)
        self.keys = [torch.zeros(shape, dtype=where.dtype, device=where.device) for _ in range(dims.layers)]
        self.values = [torch.zeros_like(each) for each in self.keys]
        held = sink * tokens
        self._sink_keys = [torch.zeros_like(each[:, :held]) for each in self.keys]  # where they were at first
        self.blocks = 0  # that were finished

    def forget(self) -> None:
        """As it was when it was made, at the same places."""
        self.blocks = 0

    @property
    def position(self) -> int:
        """Of the block at hand's first latent, since the stream began."""
        return self.blocks * self._block

    @property
    def is_full(self) -> bool:
        """Whether the sizes of everything stay as they are from now on."""
        return self.blocks >= self._places

    def seen(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Turn:
        """Keys and values that the block at hand sees [1, tokens, heads, head], its own among them."""
        first = min(self.blocks, self._places) * self._block * self._tokens
        last = first + key.shape[1]
        self.keys[layer][:, first:last] = key
        self.values[layer][:, first:last] = value
        return self.keys[layer][:, :last], self.values[layer][:, :last]

    def finish(self) -> None:
        """The block at hand, whose keys are those of the finished latents, is remembered from now on."""
        size = self._block * self._tokens
        if self.is_full and self._places:
            held = self._sink // self._block
            oldest = held + (self.blocks - self._places) % (self._places - held)
            for stack in (self.keys, self.values):
                for each in stack:
                    each[:, oldest * size : (oldest + 1) * size] = each[:, -size:]
        if self.position < self._sink:
            part = slice(self.position * self._tokens, (self.position + self._block) * self._tokens)
            for kept, keys in zip(self._sink_keys, self.keys, strict=True):
                kept[:, part] = keys[:, part]
        self.blocks += 1
        self._move_sink()

    def _move_sink(self) -> None:
        """To just before the window's oldest block, from where it was at first: turned anew, so no error adds up."""
        by = (self.blocks - self._places) * self._block
        if not self._sink or by <= 0:
            return
        cosines, sines = turns(self._head, (0, 0, 0), (1, 1, 1), by)
        turn = (cosines.to(self.keys[0].device), sines.to(self.keys[0].device))
        for keys, first in zip(self.keys, self._sink_keys, strict=True):
            keys[:, : first.shape[1]] = turned(first, turn)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all that it holds; half precision as its bits, which NumPy has no type for."""
        last = min(self.blocks, self._places) * self._block * self._tokens
        told: dict[str, NDArray[Any]] = {"blocks": np.array([self.blocks], np.int64)}
        for name, stack in (("keys", self.keys), ("values", self.values)):
            told[name] = np.stack([bits(each[0, :last]) for each in stack])
        told["sink_keys"] = np.stack([bits(each[0]) for each in self._sink_keys])
        return told

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """The inverse of `arrays`, into an empty one. Raises SnapshotCorrupt."""
        told = arrays.get("blocks", np.zeros(0, np.int64))
        blocks = int(told[0]) if told.shape == (1,) else -1
        size = min(blocks, self._places) * self._block * self._tokens
        stacks = {"keys": self.keys, "values": self.values, "sink_keys": self._sink_keys}
        for name, stack in stacks.items():
            each, given = stack[0], arrays.get(name)
            shape = len(stack), each.shape[1] if name == "sink_keys" else size, *each.shape[2:]
            if blocks < 0 or given is None or (given.shape, given.dtype) != (shape, bits(each[:0]).dtype):
                raise SnapshotCorrupt(
                    f"the snapshot's {name} are not of this model and size",
                    fix="Serve the model and settings that it was taken with.",
                )
        for name, stack in stacks.items():
            for layer, each in enumerate(stack):
                kept = torch.from_numpy(arrays[name][layer]).view(each.dtype)
                each[0, : len(kept)] = kept.to(each.device)
        self.blocks = blocks


def bits(tensor: torch.Tensor) -> NDArray[Any]:
    """A copy on the CPU; bfloat16 as int16 of the same bits."""
    plain = tensor.view(torch.int16) if tensor.dtype is torch.bfloat16 else tensor
    copied: NDArray[Any] = plain.cpu().numpy().copy()
    return copied


def turns(head: int, first: tuple[int, int, int], counts: tuple[int, int, int], by: int = 0) -> Turn:
    """Cosines and sines of a grid of positions, latents by rows by columns, from `first` on; `by` are latents more.
    A head's pairs are shared out between the three axes as Wan has them: a third each for rows and columns."""
    across = 2 * (head // 6)
    angles: list[torch.Tensor] = []
    for axis, width in enumerate((head - 2 * across, across, across)):
        places = torch.arange(first[axis], first[axis] + counts[axis], dtype=torch.float64) + (by if axis == 0 else 0)
        speeds = THETA ** -(torch.arange(0, width, 2, dtype=torch.float64) / width)
        shape = [1, 1, 1, width // 2]
        shape[axis] = counts[axis]
        angles.append((places[:, None] * speeds).reshape(shape).expand(*counts, -1))
    whole = torch.cat(angles, -1).reshape(-1, 1, head // 2)
    return whole.cos().float(), whole.sin().float()


def turned(x: torch.Tensor, turn: Turn) -> torch.Tensor:
    """Tokens [1, tokens, heads, head] turned: each pair of numbers by its angle."""
    cosines, sines = turn
    a, b = x.float().reshape(*x.shape[:-1], -1, 2).unbind(-1)
    pairs = torch.stack([a * cosines - b * sines, a * sines + b * cosines], -1)
    return pairs.flatten(-2).type_as(x)


class Places(nn.Module):
    """Stands where diffusers' own positions are, which begin at nought for every call."""

    def __init__(self) -> None:
        super().__init__()
        self.turn: Turn | None = None

    def forward(self, _: torch.Tensor) -> Turn:
        assert self.turn is not None
        return self.turn


class Seen(Protocol):
    """What a block sees, itself among it."""

    def seen(self, layer: int, key: torch.Tensor, value: torch.Tensor) -> Turn:
        """Keys and values [1, tokens, heads, head], those of the block at hand last."""


class Attention:
    """A layer's attention to the block at hand and to the context before it."""

    def __init__(self, layer: int) -> None:
        self._layer = layer
        self.context: Seen | None = None

    def __call__(self, attn: Any, x: torch.Tensor, text: torch.Tensor | None = None, mask: torch.Tensor | None = None,
                 turn: Turn | None = None) -> torch.Tensor:  # fmt: skip
        assert turn is not None
        assert self.context is not None
        query, key = (turned(norm(to(x)).unflatten(2, (attn.heads, -1)), turn)
                      for norm, to in ((attn.norm_q, attn.to_q), (attn.norm_k, attn.to_k)))  # fmt: skip
        keys, values = self.context.seen(self._layer, key, attn.to_v(x).unflatten(2, (attn.heads, -1)))
        query, keys, values = (each.transpose(1, 2) for each in (query, keys, values))
        seen = functional.scaled_dot_product_attention(query, keys, values)
        out: torch.Tensor = attn.to_out[0](seen.transpose(1, 2).flatten(2))
        return out


class Transformer:
    """diffusers' network, with our positions and attention."""

    def __init__(self, dims: Dims, state: Mapping[str, torch.Tensor], device: torch.device, dtype: torch.dtype) -> None:
        """`state` are all of its tensors by diffusers' names, which was checked. Those that lose by half precision
        stay in single, as its makers keep them."""
        self.dims = dims
        network = empty(dims)
        placed = {name: tensor.to(device, torch.float32 if any(part in name for part in SINGLE) else dtype)
                  for name, tensor in state.items()}  # fmt: skip
        network.load_state_dict(placed, strict=True, assign=True)
        self.places, self.network = Places(), network.eval().requires_grad_(False)
        network.rope = self.places
        self.attentions = [Attention(layer) for layer in range(dims.layers)]
        for block, attention in zip(network.blocks, self.attentions, strict=True):
            block.attn1.set_processor(attention)
        self.where = torch.empty(0, device=device, dtype=dtype)

    def begin(self, context: Context, latents: torch.Tensor) -> None:
        """The block at hand is this stream's, of latents [1, C, T, h, w]: positions are worked out once for it."""
        for attention in self.attentions:
            attention.context = context
        counts = [side // part for side, part in zip(latents.shape[2:], self.dims.patch, strict=True)]
        turn = turns(self.dims.head, (context.position, 0, 0), (counts[0], counts[1], counts[2]))
        moved = turn[0].to(self.where.device), turn[1].to(self.where.device)
        if self.places.turn is not None and self.places.turn[0].shape == moved[0].shape:
            for place, value in zip(self.places.turn, moved, strict=True):
                place.copy_(value)  # a graph reads them where they are
        else:
            self.places.turn = moved

    def __call__(self, latents: torch.Tensor, step: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """The velocity, noise less picture, float32 [1, C, T, h, w], at a step 0..1000 [1] for words [1, n, text].
        Leaves the block's keys and values in the context."""
        (made,) = self.network(latents.type_as(self.where), step, words.type_as(self.where), return_dict=False)
        velocity: torch.Tensor = made.float()
        return velocity


def empty(dims: Dims) -> Any:
    """The network without weights, which takes no memory."""
    told = asdict(dims)
    with torch.device("meta"):
        return WanTransformer3DModel(
            patch_size=told["patch"], num_attention_heads=dims.heads, attention_head_dim=dims.head,
            in_channels=dims.in_channels, out_channels=dims.out_channels, text_dim=dims.text,
            freq_dim=dims.frequencies, ffn_dim=dims.ffn, num_layers=dims.layers, cross_attn_norm=dims.normed,
        )  # fmt: skip
