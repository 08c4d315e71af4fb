"""The plain U-Net that limn is compared with: trunk, head and answers of the same sizes, and nothing else of limn.

It sees the engine's planes as they are (color, albedo, normal, depth, label classes) and where the asked-for sun
stands, is told the same numbers of a frame as a whole, knows no world coordinates and no materials, and answers a
bounded gain on the engine's color. It is trained by the same loop with the same loss:

    python -m renderer.training.plain --data DIR --out DIR --minutes 60
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from renderer.models.limn.network import SIZES, LimnNetwork
from renderer.models.limn.plate import ANSWERS, MOST_LOG_GAIN, REST, bounded
from renderer.training.train import Batch, Job, train

# Of what `features.seen` shows: planes as they are, and how far a surface faces the asked-for sun.
SOLID, DEPTH, NORMAL, FACING, CLASSES = 0, 1, slice(3, 6), 6, slice(20, 23)
SHOWN = 15
DARKEST = 0.01  # is added to the engine's color, so that a gain can lift what is black there


class PlainNetwork(LimnNetwork):
    """limn-s for other inputs, [N, SHOWN, H, W]."""

    def __init__(self) -> None:
        size = SIZES["limn-s"]
        super().__init__(size)
        self.down1 = nn.Conv2d(SHOWN, size.widths[0], 3, 2, 1)
        self.head1 = nn.Conv2d(SHOWN, size.head, 1)


def shown(x: Tensor, engine: Tensor) -> Tensor:
    """The network's input of `features.seen`'s x [N, CHANNELS, H, W] and the engine's color and albedo [N, 6, H, W]."""
    color = torch.log(engine[:, :3].clamp(min=0.0) + 0.02) * 0.25
    planes = [x[:, k : k + 1] for k in (SOLID, DEPTH, FACING)] + [x[:, NORMAL], x[:, CLASSES]]
    return torch.cat([color, engine[:, 3:], *planes], dim=1).contiguous(memory_format=torch.channels_last)


def plain_plate(
    network: LimnNetwork, x: Tensor, engine: Tensor, told: Tensor, factor: int = 1
) -> tuple[Tensor, Tensor]:
    """The plates [N, 3, H, W] of single frames, and the network's answers; its trunk sees a picture `factor` times
    smaller."""
    seen = shown(x, engine)
    low = F.avg_pool2d(seen, factor) if factor > 1 else seen
    (raw,) = network(seen, low, told)
    answers = raw.float()
    assert answers.shape[1] == ANSWERS
    return (engine[:, :3].clamp(min=0.0) + DARKEST) * bounded(answers[:, REST], MOST_LOG_GAIN), answers


def plain_painted(network: LimnNetwork, batch: Batch, factor: int = 1) -> tuple[Tensor, Tensor]:
    """`train.painted` for the plain network."""
    each = batch.x.shape[:2]
    x, engine, told = (part.flatten(0, 1) for part in (batch.x, batch.engine, batch.told))
    plates, answers = plain_plate(network, x, engine, told, factor)
    return plates.reshape(*each, *plates.shape[1:]), answers.reshape(*each, *answers.shape[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=0, help="0 is torch's choice")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    job = Job(options.data, options.out, "plain", options.minutes, options.threads)
    train(job, PlainNetwork, plain_painted)


if __name__ == "__main__":
    main()
