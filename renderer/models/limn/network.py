"""The network: it says how much of a weather's light arrives at each pixel.

A trunk sees a small version of the frame, so that a room looks the same in a small picture and a large one; what it
has learned of the light lies at half the trunk's size and meets the full picture in a head of 1x1 convolutions, which
keeps the engine's edges. Levels are joined by adding, after a 1x1 convolution at the smaller size: it costs a third
less than concatenating. It is told nothing of the frames before: the same view of a world is the same picture, whatever
way one came. Cells that were carried from frame to frame by the engine's motion were worth 0.07 dB, and no steadiness.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from renderer.models.limn.features import CELL as CELL, CHANNELS, TOLD
from renderer.models.limn.plate import ANSWERS

STRIDE = 16  # the trunk's sides are multiples of it


@dataclass(frozen=True)
class Size:
    """Widths of the trunk at 1/2, 1/4, 1/8 and 1/16 of its picture, of the head, and of what is told of a frame."""

    widths: tuple[int, int, int, int]
    head: int
    told: int = 48


SIZES = {"limn-s": Size((32, 64, 96, 144), 32), "limn-l": Size((48, 96, 160, 224), 48, 96)}


class LimnNetwork(nn.Module):
    """From what `features.py` shows to what `plate.py` takes.

    x [N, CHANNELS, H, W] and the same averaged over f x f pixels, low [N, CHANNELS, H/f, W/f], sides of low multiples
    of 16; told [N, TOLD]. Returns answers [N, ANSWERS, H, W], unbounded, alone in a tuple.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        half, quarter, eighth, far = size.widths
        self.told = nn.Sequential(nn.Linear(TOLD, size.told), nn.ReLU(), nn.Linear(size.told, size.told), nn.ReLU())
        self.down1 = nn.Conv2d(CHANNELS, half, 3, 2, 1)
        self.down2 = nn.Conv2d(half, quarter, 3, 2, 1)
        self.mix2 = nn.Conv2d(quarter, quarter, 3, 1, 1)
        self.down3 = nn.Conv2d(quarter, eighth, 3, 2, 1)
        self.mix3 = nn.ModuleList(nn.Conv2d(eighth, eighth, 3, 1, d, dilation=d) for d in (1, 2))
        self.down4 = nn.Conv2d(eighth, far, 3, 2, 1)
        self.mix4 = nn.ModuleList(nn.Conv2d(far, far, 3, 1, d, dilation=d) for d in (1, 2, 3))
        self.everywhere = nn.Linear(far, far)
        self.join3 = nn.Conv2d(far, eighth, 1)
        self.up3 = nn.Conv2d(eighth, eighth, 3, 1, 1)
        self.join2 = nn.Conv2d(eighth, quarter, 1)
        self.up2 = nn.Conv2d(quarter, quarter, 3, 1, 1)
        self.join1 = nn.Conv2d(quarter, half, 1)
        self.up1 = nn.Conv2d(half, half, 3, 1, 1)
        self.join0 = nn.Conv2d(half, size.head, 1, bias=False)
        self.head1 = nn.Conv2d(CHANNELS, size.head, 1)
        self.head2 = nn.Conv2d(size.head, size.head, 1)
        self.out = nn.Conv2d(size.head, ANSWERS, 1)
        self.level = nn.Linear(size.told + far, ANSWERS)
        self.tell = nn.ModuleList(nn.Linear(size.told, width) for width in (*size.widths, size.head))
        for layer in (self.out, self.level):  # training starts from the open sky's light
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, low: Tensor, told: Tensor) -> tuple[Tensor]:
        frame = self.told(told)
        said = [tell(frame)[..., None, None] for tell in self.tell]
        half = F.relu(self.down1(low) + said[0])
        quarter = F.relu(self.mix2(F.relu(self.down2(half) + said[1])))
        eighth = F.relu(self.down3(quarter) + said[2])
        for mix in self.mix3:
            eighth = eighth + F.relu(mix(eighth))
        far = F.relu(self.down4(eighth) + said[3])
        for mix in self.mix4:
            far = far + F.relu(mix(far))
        mean = far.mean((2, 3))
        far = far + F.relu(self.everywhere(mean))[..., None, None]
        eighth = F.relu(self.up3(eighth + _to(self.join3(far), eighth)))
        quarter = F.relu(self.up2(quarter + _to(self.join2(eighth), quarter)))
        light = F.relu(self.up1(half + _to(self.join1(quarter), half)))
        y = F.relu(self.head1(x) + _to(self.join0(light), x) + said[4])
        return (self.out(F.relu(self.head2(y))) + self.level(torch.cat([frame, mean], 1))[..., None, None],)


def _to(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[2:], mode="bilinear", align_corners=False)


def to_channels_last(network: LimnNetwork) -> LimnNetwork:
    """Keep the weights as the CPU's convolutions want them: a third faster here than channels first."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
