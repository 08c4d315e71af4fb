"""The network: a half-resolution trunk that sees light, and a full-resolution head that keeps the engine's edges.

Levels are joined by adding, after a 1x1 convolution at the smaller size: it costs a third less than concatenating.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from renderer.models.limn.features import CHANNELS

WIDTHS = (16, 24, 48)
HEAD = 20
LARGEST_LOG_GAIN = 2.3  # the plate is within a factor of 10 of the lit guess, whatever comes in


class LimnNetwork(nn.Module):
    """[N, CHANNELS, H, W] -> log gain [N, 3, H, W] on the lit guess, within +-2.3. H and W are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth = WIDTHS
        self.down1 = nn.Conv2d(CHANNELS, half, 3, 2, 1)
        self.down2 = nn.Conv2d(half, quarter, 3, 2, 1)
        self.mix2 = nn.Conv2d(quarter, quarter, 3, 1, 1)
        self.down3 = nn.Conv2d(quarter, eighth, 3, 2, 1)
        self.mix3 = nn.Conv2d(eighth, eighth, 3, 1, 1)
        self.wide3 = nn.Conv2d(eighth, eighth, 3, 1, 2, dilation=2)
        self.far3 = nn.Conv2d(eighth, eighth, 3, 1, 4, dilation=4)
        self.join2 = nn.Conv2d(eighth, quarter, 1)
        self.up2 = nn.Conv2d(quarter, quarter, 3, 1, 1)
        self.join1 = nn.Conv2d(quarter, half, 1)
        self.up1 = nn.Conv2d(half, half, 3, 1, 1)
        self.join0 = nn.Conv2d(half, HEAD, 1, bias=False)
        self.head1 = nn.Conv2d(CHANNELS, HEAD, 1)
        self.head2 = nn.Conv2d(HEAD, HEAD, 1)
        self.out = nn.Conv2d(HEAD, 3, 1)
        nn.init.zeros_(self.out.weight)  # training starts from the lit guess itself

    def forward(self, x: Tensor) -> Tensor:
        gain: Tensor = torch.tanh(self.unbounded(x)) * LARGEST_LOG_GAIN
        return gain

    def unbounded(self, x: Tensor) -> Tensor:
        """[N, 3, H, W], what `forward` bounds. Runtimes end here: the bound costs them a seventh of the network, and
        next to nothing where the plate is written (`plate.py`)."""
        half = F.relu(self.down1(x))
        quarter = F.relu(self.mix2(F.relu(self.down2(half))))
        eighth = F.relu(self.mix3(F.relu(self.down3(quarter))))
        eighth = eighth + F.relu(self.wide3(eighth))
        eighth = eighth + F.relu(self.far3(eighth))
        quarter = F.relu(self.up2(quarter + _to(self.join2(eighth), quarter)))
        half = F.relu(self.up1(half + _to(self.join1(quarter), half)))
        y = F.relu(self.head1(x) + _to(self.join0(half), x))
        y = F.relu(self.head2(y))
        raw: Tensor = self.out(y)
        return raw


def _to(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[2:], mode="bilinear", align_corners=False)


def to_channels_last(network: LimnNetwork) -> LimnNetwork:
    """Keep the weights as the CPU's convolutions want them: a third faster here than channels first."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network
