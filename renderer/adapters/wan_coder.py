"""The tiny coder between pictures and Wan's latents (TAEHV, such as taew2_1): four pictures to a latent, with memory.

Layers and the names of their tensors are those of madebyollin/taehv (MIT). Pictures are RGB 0..1 [N, T, 3, H, W], top
row first; latents [N, T, C, H / 8, W / 8] are Wan's normalised ones, as they are. Each memory block sees the feature
map before its own, so a video can go through at once or in parts: the parts hand on the last maps, which are all the
state there is. An empty memory is zeros; the first three pictures that are decoded after one are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod

import torch
from torch import nn
from torch.nn import functional

from bridge.errors import ModelMismatch
from renderer.adapters.wan_keys import Shapes

Memory = tuple[torch.Tensor, ...]  # of each memory block, in order: [N, C, H, W]
PER_LATENT = 4  # pictures
UNSEEN = PER_LATENT - 1  # of those that the first latent decodes to
BLOCKS = 3  # memory blocks of one width, one behind the other
ANOTHER = "Wan 2.1 goes with taew2_1.safetensors, Wan 2.2's 5B with taew2_2.safetensors, of madebyollin/taehv."


def conv(into: int, out: int, *, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(into, out, 3, stride, padding=1, bias=bias)


class Softened(nn.Module):
    """What lies far out is drawn in."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tanh(x / 3.0) * 3.0


class Remembering(nn.Module):
    """A block that sees the map before its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.conv = nn.Sequential(
            conv(2 * width, width), nn.ReLU(), conv(width, width), nn.ReLU(), conv(width, width)
        )  # fmt: skip

    def forward(self, x: torch.Tensor, before: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.conv(torch.cat([x, before], 1)) + x)


class Pool(nn.Module):
    """`count` maps become one."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width * count, width, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        taken: torch.Tensor = self.conv(x.reshape(-1, self.conv.in_channels, *x.shape[2:]))
        return taken


class Grow(nn.Module):
    """One map becomes `count`."""

    def __init__(self, width: int, count: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width * count, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        grown: torch.Tensor = self.conv(x)
        return grown.reshape(-1, *x.shape[1:])


class TinyCoder(nn.Module):
    """Both directions. It holds no state of a stream."""

    def __init__(self, shapes: Shapes, place: str) -> None:
        """With the widths that its file's tensors have. Raises ModelMismatch for a file that is no such coder."""
        super().__init__()
        rows, columns = (_sides(shapes, name, place) for name in ("decoder.22.weight", "decoder.1.weight"))
        self.patch, self.channels = isqrt(rows[0] // 3), columns[1]
        pools = [_count(shapes, f"encoder.{at}.conv.weight", place) for at in (2, 7, 12)]
        grows = [_count(shapes, f"decoder.{at}.conv.weight", place) for at in (7, 13, 19)]
        if prod(pools) != 1 / PER_LATENT or prod(grows) != PER_LATENT:
            raise ModelMismatch(
                f"{place} makes {prod(grows):g} pictures of a latent and takes {1 / prod(pools):g}; Wan's are 4",
                fix=ANOTHER,
            )
        width = _sides(shapes, "encoder.0.weight", place)[0]
        down = [(width, round(1 / share)) for share in pools]
        up = [(_sides(shapes, f"decoder.{at}.weight", place), round(share))
              for at, share in zip((8, 14, 20), grows, strict=True)]  # fmt: skip
        self.encoder = nn.Sequential(
            conv(3 * self.patch**2, width), nn.ReLU(),
            *(layer for wide, count in down for layer in (Pool(wide, count), conv(wide, wide, stride=2, bias=False),
                                                          *(Remembering(wide) for _ in range(BLOCKS)))),
            conv(width, self.channels),
        )  # fmt: skip
        self.decoder = nn.Sequential(
            Softened(), conv(self.channels, columns[0]), nn.ReLU(),
            *(layer for (out, wide), count in up for layer in (*(Remembering(wide) for _ in range(BLOCKS)),
                                                               nn.Upsample(scale_factor=2), Grow(wide, count),
                                                               conv(wide, out, bias=False))),
            nn.ReLU(), conv(up[-1][0][0], 3 * self.patch**2),
        )  # fmt: skip

    @property
    def cell(self) -> int:
        """Pixels to a side of one latent."""
        return 8 * self.patch

    def encode(self, pictures: torch.Tensor, before: Memory = ()) -> tuple[torch.Tensor, Memory]:
        """Latents of pictures, a multiple of four, and the memory for those that follow. `before` is () at first."""
        packed = functional.pixel_unshuffle(pictures.flatten(0, 1), self.patch)
        return through(self.encoder, packed.reshape(*pictures.shape[:2], *packed.shape[1:]), before)

    def decode(self, latents: torch.Tensor, before: Memory = ()) -> tuple[torch.Tensor, Memory]:
        """Pictures 0..1, four of each latent, and the memory for those that follow; after an empty one the first
        UNSEEN pictures are to be thrown away."""
        packed, memory = through(self.decoder, latents, before)
        pictures = functional.pixel_shuffle(packed.flatten(0, 1), self.patch)
        return pictures.reshape(*packed.shape[:2], *pictures.shape[1:]).clamp(0.0, 1.0), memory


def memory_shapes(layers: nn.Sequential, rows: int, columns: int) -> list[tuple[int, ...]]:
    """Of each memory block, when what goes in has so many rows and columns."""
    shapes: list[tuple[int, ...]] = []
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            rows, columns = rows // layer.stride[0], columns // layer.stride[0]
        elif isinstance(layer, nn.Upsample):
            rows, columns = 2 * rows, 2 * columns
        elif isinstance(layer, Remembering):
            shapes.append((1, layer.width, rows, columns))
    return shapes


def through(layers: nn.Sequential, x: torch.Tensor, before: Sequence[torch.Tensor]) -> tuple[torch.Tensor, Memory]:
    """[N, T, C, H, W] through the layers, all T at once, and each memory block's last map."""
    kept: list[torch.Tensor] = []
    for layer in layers:
        flat = x.flatten(0, 1)
        if isinstance(layer, Remembering):
            first = before[len(kept)] if before else torch.zeros_like(x[:, 0])
            kept.append(x[:, -1].clone())
            made = layer(flat, torch.cat([first[:, None], x[:, :-1]], 1).flatten(0, 1))
        else:
            made = layer(flat)
        x = made.unflatten(0, (len(x), -1))
    return x, tuple(kept)


def _sides(shapes: Shapes, name: str, place: str) -> tuple[int, int]:
    """Out and in of a convolution. Raises ModelMismatch without it."""
    if len(shapes.get(name, ())) != 4:
        raise ModelMismatch(f"{place} has no '{name}', so it is no tiny coder of Wan's latents", fix=ANOTHER)
    out, into = shapes[name][:2]
    return out, into


def _count(shapes: Shapes, name: str, place: str) -> float:
    """Maps out for each map in. Raises ModelMismatch without it."""
    out, into = _sides(shapes, name, place)
    return out / into
