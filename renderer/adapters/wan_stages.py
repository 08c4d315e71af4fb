"""What happens to a chunk, in three stages: conditioning, denoising, decoding.

On a GPU all of it goes through one stream, and what no longer changes its sizes is a graph; the CPU waits where a
picture is handed over and nowhere else. On a CPU the stages follow each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridge.errors import SnapshotCorrupt
from renderer.adapters.manifest import Size
from renderer.adapters.wan_coder import PER_LATENT, Memory, TinyCoder, memory_shapes
from renderer.adapters.wan_graph import Captured
from renderer.adapters.wan_network import Context, Transformer
from renderer.adapters.wan_options import Options, sigmas_of

F32 = NDArray[np.float32]
DECODED = "decoded"  # what the decoder remembers, among a snapshot's arrays; no tensor of the maps has a dot


@dataclass
class Reel:
    """A stream's state on the device, which belongs to it alone. Nothing of a chunk counts until it is finished."""

    context: Context
    coded: dict[str, Memory] = field(default_factory=dict)  # by tensor
    decoded: Memory = ()
    graph: Captured | None = None  # of the network, once the context is full

    def forget(self) -> None:
        """As it was when it was made, at the same places, which its graph reads."""
        self.context.forget()
        self.coded, self.decoded = {}, ()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Copies of all that it holds, in single precision."""
        told = self.context.arrays()
        for name, memory in (*self.coded.items(), (DECODED, self.decoded)):
            told |= {f"{name}.{at}": each.float().cpu().numpy().copy() for at, each in enumerate(memory)}
        return told


class Stages:
    """Network and coder on one device. Used from one thread; pictures are [T, 3, H, W], 0..1."""

    def __init__(self, network: Transformer, coder: TinyCoder, options: Options, tokens: int) -> None:
        """`tokens` are those of a latent."""
        self._network, self._coder, self._options, self._tokens = network, coder, options, tokens
        self._device = network.where.device
        self._stream: torch.cuda.Stream | None = None
        if self._device.type == "cuda":
            self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._dtype = next(coder.parameters()).dtype
        self._decode = Captured(self._decoded, self._stream)
        self._encode = Captured(self._encoded, self._stream)
        self.sigmas = sigmas_of(options)

    @property
    def channels(self) -> int:
        """Of a latent."""
        return self._coder.channels

    @property
    def cell(self) -> int:
        """Pixels to a side of one."""
        return self._coder.cell

    def reel(self) -> Reel:
        """Of a stream that begins."""
        options = self._options
        window, sink = (options.window_latents, options.sink_latents) if options.causal else (0, 0)
        return Reel(Context(self._network.dims, self._tokens, window, sink, options.block_latents, self._network.where))

    def take(self, reel: Reel, arrays: Mapping[str, NDArray[Any]], names: Sequence[str], size: Size) -> None:
        """The inverse of `Reel.arrays` of a stream that goes on, into one that is empty; `names` are of the maps'
        tensors. Raises SnapshotCorrupt."""
        reel.context.take(arrays)
        rows, columns = size.height // self.cell, size.width // self.cell
        packed = size.height // self._coder.patch, size.width // self._coder.patch
        reel.coded = {name: self._taken(arrays, name, self._coder.encoder, *packed) for name in names}
        reel.decoded = self._taken(arrays, DECODED, self._coder.decoder, rows, columns)

    def _taken(self, arrays: Mapping[str, NDArray[Any]], name: str, layers: nn.Sequential, rows: int,
               columns: int) -> Memory:  # fmt: skip
        shapes = memory_shapes(layers, rows, columns)
        given = [arrays.get(f"{name}.{at}") for at in range(len(shapes))]
        if any(each is None or each.shape != shape for each, shape in zip(given, shapes, strict=True)):
            raise SnapshotCorrupt(
                f"what the snapshot's coder remembers of '{name}' is not of this model and size",
                fix="Serve the model and settings that it was taken with.",
            )
        return tuple(torch.from_numpy(each).to(self._device, self._dtype) for each in given if each is not None)

    def condition(self, reel: Reel, pictures: dict[str, F32]) -> tuple[dict[str, torch.Tensor], dict[str, Memory]]:
        """The latents [1, C, T, h, w] of each tensor's pictures, and what the coder remembers of them."""
        latents: dict[str, torch.Tensor] = {}
        memories: dict[str, Memory] = {}
        with self._on_stream():
            for name, each in pictures.items():
                moved = torch.from_numpy(each).to(self._device, self._dtype, non_blocking=True)
                memory, made = reel.coded.get(name, ()), []
                for first in range(0, len(moved), PER_LATENT):
                    latent, memory = self._coded(self._encode, moved[None, first : first + PER_LATENT], memory)
                    made.append(latent)
                latents[name] = torch.cat(made, 1).transpose(1, 2).float()
                memories[name] = memory
        return latents, memories

    def denoise(self, reel: Reel, start: torch.Tensor | None, beside: Sequence[torch.Tensor], noise: F32, first: int,
                words: Sequence[torch.Tensor]) -> torch.Tensor:  # fmt: skip
        """The block's latents [1, C, T, h, w], from those of `start` and the noise of each step that is taken,
        [steps, C, T, h, w], the `first` of the schedule on. `words` are the prompt's, and what guides away from it."""
        with self._on_stream():
            noises = torch.from_numpy(noise).to(self._device, non_blocking=True)[:, None]
            sigma = self.sigmas[first]
            x = noises[0] if start is None else (1.0 - sigma) * start + sigma * noises[0]
            self._network.begin(reel.context, x)
            for step in range(first, len(self.sigmas)):
                after = self.sigmas[step + 1] if step + 1 < len(self.sigmas) else 0.0
                velocity = self._velocity(reel, x, beside, self.sigmas[step], words)
                if not self._options.redraws:
                    x = x + (after - self.sigmas[step]) * velocity
                    continue
                x = x - self.sigmas[step] * velocity
                if after:
                    x = (1.0 - after) * x + after * noises[step + 1 - first]
        return x

    def decode(self, reel: Reel, latents: torch.Tensor) -> Iterator[tuple[F32, Memory]]:
        """The pictures of one latent after the other, and what the coder remembers of all so far."""
        memory = reel.decoded
        for at in range(latents.shape[2]):
            with self._on_stream():
                pictures, memory = self._coded(self._decode, latents[:, None, :, at].to(self._dtype), memory)
                made = pictures[0].float().cpu().numpy()
            yield made, memory

    def finish(self, reel: Reel, latents: torch.Tensor, beside: Sequence[torch.Tensor], words: torch.Tensor) -> None:
        """The block's finished latents are what the next one sees."""
        with self._on_stream():
            self._network.begin(reel.context, latents)
            self._velocity(reel, latents, beside, 0.0, [words])
            reel.context.finish()

    def _velocity(self, reel: Reel, x: torch.Tensor, beside: Sequence[torch.Tensor], sigma: float,
                  words: Sequence[torch.Tensor]) -> torch.Tensor:  # fmt: skip
        """With guidance, from the second words' velocity through the first's and on."""
        step = torch.full((1,), sigma * 1000.0, device=self._device)
        whole = torch.cat([x, *beside], 1)
        each = [self._run(reel, whole, step, some) for some in words]
        made = each[0] if len(each) == 1 else each[1] + self._options.guidance * (each[0] - each[1])
        return made

    def _run(self, reel: Reel, *given: torch.Tensor) -> torch.Tensor:
        if self._stream is None or not reel.context.is_full:
            return self._network(*given)
        if reel.graph is None:
            reel.graph = Captured(self._network, self._stream)
        made: torch.Tensor = reel.graph(*given).clone()
        return made

    def _coded(self, way: Captured, given: torch.Tensor, memory: Memory) -> tuple[torch.Tensor, Memory]:
        """An empty memory is another size than a full one: that once, no graph is used."""
        if not memory:
            return self._encoded(given) if way is self._encode else self._decoded(given)
        made, kept = way(given, *memory)
        return made.clone(), tuple(each.clone() for each in kept)

    def _encoded(self, pictures: torch.Tensor, *memory: torch.Tensor) -> tuple[torch.Tensor, Memory]:
        return self._coder.encode(pictures, memory)

    def _decoded(self, latents: torch.Tensor, *memory: torch.Tensor) -> tuple[torch.Tensor, Memory]:
        return self._coder.decode(latents, memory)

    @contextmanager
    def _on_stream(self) -> Iterator[None]:
        """What was put on the device by others is there before work on it begins."""
        if self._stream is None:
            yield
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            yield
