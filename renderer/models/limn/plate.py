"""The plate from what a frame is made of (`features.py`) and what the network says of the light there.

Every answer is bounded, so a plate is never brighter than BRIGHTEST nor far from the weather's own light, whatever
comes out of a network: shares are sigmoids, gains exponentials of a clamped logarithm.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from renderer.models.limn.features import DEPTH_SCALE

# Channels of a network's answer.
OPEN_ABOVE, SUNLIT, REST, MIRROR, AIR, GLOWS, SOFT, ERROR = (
    slice(0, 1), slice(1, 2), slice(2, 5), slice(5, 8), slice(8, 9), slice(9, 10), slice(10, 11), slice(11, 12)
)  # fmt: skip
ANSWERS = 12
MOST_LOG_GAIN = 6.0  # of bounced light and mirrors, on the open sky's
MOST_LOG_GLOW = 3.0
SOFTEST = 0.6  # share of its neighbours that a pixel on an edge takes
SAME_DEPTH, SAME_NORMAL = 0.05, 0.3  # more is an edge: difference of the logarithms of 1 + depth in metres, of normals


def bounded(raw: Tensor, most: float) -> Tensor:
    return torch.exp(raw.clamp(-most, most))


def edges_of(x: Tensor) -> Tensor:
    """1 on pixels whose depth, normal or solidity is not their neighbours' [N, 1, H, W]; x is `features.seen`'s."""
    shown = torch.cat([x[:, :2], x[:, 3:6]], dim=1)  # solidity, depth's logarithm, normal
    around = F.pad(shown, (1, 1, 1, 1), mode="replicate")
    beside = (around[..., 1:-1, 2:], around[..., 1:-1, :-2], around[..., 2:, 1:-1], around[..., :-2, 1:-1])
    limit = x.new_tensor([0.5, SAME_DEPTH * DEPTH_SCALE, *[SAME_NORMAL] * 3]).reshape(1, -1, 1, 1)
    differs = [((other - shown).abs() > limit).any(dim=1, keepdim=True) for other in beside]
    return torch.stack(differs).any(dim=0).to(x.dtype)


def plate_of(raw: Tensor, parts: Tensor, edges: Tensor, sun: Tensor, fog: Tensor) -> Tensor:
    """Scene-linear plates [N, 3, H, W] from answers [N, ANSWERS, H, W], parts [N, PARTS, H, W] and `edges_of`
    [N, 1, H, W]; `sun` [N, 3] is the sun's irradiance, `fog` [N, 3] the radiance of endless fog."""
    opened, covered, mirrored, ambient, glow = (parts[:, k : k + 3] for k in (0, 3, 6, 10, 13))
    facing, clear, forward = (parts[:, k : k + 1] for k in (9, 16, 17))
    sun, fog = sun[..., None, None], fog[..., None, None]
    albedo = covered + torch.sigmoid(raw[:, OPEN_ABOVE] + 1.0) * (opened - covered)
    sunlight = torch.sigmoid(raw[:, SUNLIT]) * facing * sun * (1.0 / math.pi)
    light = sunlight + ambient * bounded(raw[:, REST], MOST_LOG_GAIN)
    solid = ambient[:, :1] > 0.0  # the sky's colour is in `glow`, as it is
    shone = glow * torch.where(solid, bounded(raw[:, GLOWS], MOST_LOG_GLOW), 1.0)
    seen = albedo * light + mirrored * bounded(raw[:, MIRROR], MOST_LOG_GAIN) + shone
    air = (1.0 - clear) * torch.sigmoid(raw[:, AIR] + 3.0)
    plate = seen + ((fog + 0.1 * forward * sun) - seen) * air
    around = F.pad(plate, (1, 1, 1, 1), mode="replicate")
    beside = 0.25 * (around[..., 1:-1, 2:] + around[..., 1:-1, :-2] + around[..., 2:, 1:-1] + around[..., :-2, 1:-1])
    soft: Tensor = plate + SOFTEST * edges * torch.sigmoid(raw[:, SOFT] - 2.0) * (beside - plate)
    return soft
