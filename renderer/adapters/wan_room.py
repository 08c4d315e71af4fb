"""How much memory a model of Wan's families takes, worked out before it is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import msgspec

from bridge.errors import ModelTooLarge
from renderer.adapters.families import MB
from renderer.adapters.manifest import Manifest, Size
from renderer.adapters.wan_keys import Dims
from renderer.adapters.wan_options import PER_LATENT, Options

CODED = 64  # channels of the coder's maps at the picture's own size
MAPS = 4  # of them at once, in each direction
HIDDEN = 10  # activations of a token, in widths of the network
SMALLER = ((640, 368), (448, 256))


@dataclass(frozen=True)
class Needs:
    """Of a model: what its memory is worked out from."""

    dims: Dims
    cell: int  # pixels to a side of one latent
    weights: int  # numbers in all its files that stay on the device

    def tokens(self, size: Size) -> int:
        """Of one latent."""
        return (size.height // self.cell // self.dims.patch[1]) * (size.width // self.cell // self.dims.patch[2])

    def memory_mb(self, options: Options, size: Size, each: int) -> int:
        """Of the device, with `each` bytes a number: the weights, keys and values of the window and the block, and what
        the block's tokens and the coder's maps need while they go through, of which the larger counts."""
        dims, tokens = self.dims, self.tokens(size)
        latents = options.block_latents + (options.window_latents if options.causal else 0)
        kept = latents * tokens * dims.layers * 2 * dims.width
        block = options.block_latents * tokens * (HIDDEN * dims.width + dims.ffn)
        coder = PER_LATENT * CODED * MAPS * size.width * size.height
        return round((self.weights + kept + max(block, coder)) * each / MB)


def numbers_of(shapes: dict[str, tuple[int, ...]]) -> int:
    """In all tensors."""
    return sum(prod(shape) for shape in shapes.values())


def check_memory(manifest: Manifest, needs: Needs, options: Options, each: int, free_mb: float, of: str) -> None:
    """Raises ModelTooLarge with what would fit, before anything is loaded."""
    size = manifest.size
    need_mb = needs.memory_mb(options, size, each)
    if need_mb <= free_mb:
        return
    fits = [
        f"{text} and memory_mb to {less_mb}"
        for text, less, smaller in _smaller(options, size)
        if (less_mb := needs.memory_mb(less, smaller, each)) <= free_mb
    ]
    raise ModelTooLarge(
        f"{manifest.name} needs some {need_mb} MB of {of} at {size.width}x{size.height}, and {free_mb:.0f} MB are free",
        fix=f"Set {fits[0]} in its manifest, which fits." if fits else "Serve limn here, or end what holds the memory.",
    )


def _smaller(options: Options, size: Size) -> list[tuple[str, Options, Size]]:
    """From the least that is given up to the most."""
    windows = [options.window_latents] if not options.causal else [
        count for count in range(options.window_latents, options.sink_latents, -options.block_latents) if count > 0
    ]  # fmt: skip
    sizes = [size, *(msgspec.structs.replace(size, width=w, height=h) for w, h in SMALLER
                     if w * h < size.width * size.height)]  # fmt: skip
    return [
        (f"size to {each.width}x{each.height}, window_latents to {count}",
         msgspec.structs.replace(options, window_latents=count), each)
        for each in sizes for count in windows
    ]  # fmt: skip
