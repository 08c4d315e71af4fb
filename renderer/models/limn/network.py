"""The network: a half-resolution trunk that sees light, and a full-resolution head that keeps the engine's edges."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from renderer.models.limn.features import CHANNELS

WIDTHS = (16, 28, 48)
HEAD = 32
LARGEST_LOG_GAIN = 2.3  # the plate is within a factor of 10 of the lit guess, whatever comes in


class LimnNetwork(nn.Module):
    """[N, CHANNELS, H, W] -> log gain [N, 3, H, W] on the lit guess, within +-2.3. H and W are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c = WIDTHS
        self.down1 = nn.Conv2d(CHANNELS, a, 3, 2, 1)
        self.down2 = nn.Conv2d(a, b, 3, 2, 1)
        self.mix2 = nn.Conv2d(b, b, 3, 1, 1)
        self.down3 = nn.Conv2d(b, c, 3, 2, 1)
        self.mix3 = nn.Conv2d(c, c, 3, 1, 1)
        self.wide3 = nn.Conv2d(c, c, 3, 1, 2, dilation=2)
        self.far3 = nn.Conv2d(c, c, 3, 1, 4, dilation=4)
        self.up2 = nn.Conv2d(c + b, b, 3, 1, 1)
        self.up1 = nn.Conv2d(b + a, a, 3, 1, 1)
        self.head1 = nn.Conv2d(a + CHANNELS, HEAD, 1)
        self.head2 = nn.Conv2d(HEAD, HEAD, 1)
        self.out = nn.Conv2d(HEAD, 3, 1)
        nn.init.zeros_(self.out.weight)
        if self.out.bias is not None:
            nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        half = F.relu(self.down1(x))
        quarter = F.relu(self.mix2(F.relu(self.down2(half))))
        eighth = F.relu(self.mix3(F.relu(self.down3(quarter))))
        eighth = eighth + F.relu(self.wide3(eighth))
        eighth = eighth + F.relu(self.far3(eighth))
        quarter = F.relu(self.up2(torch.cat([_to(eighth, quarter), quarter], 1)))
        half = F.relu(self.up1(torch.cat([_to(quarter, half), half], 1)))
        y = F.relu(self.head1(torch.cat([_to(half, x), x], 1)))
        y = F.relu(self.head2(y))
        gain: Tensor = torch.tanh(self.out(y)) * LARGEST_LOG_GAIN
        return gain


def _to(small: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(small, size=like.shape[2:], mode="bilinear", align_corners=False)
