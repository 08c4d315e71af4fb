"""From the engine's size to the network's and back.

Pictures are [C, H, W], top row first; pixels are areas, so edges of the one lie on edges of the other. Where many
pixels become one they are averaged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency
from renderer.adapters.manifest import Fit, Size

try:
    import torch
    from torch.nn import functional
except ImportError as error:
    raise MissingDependency(
        f"models from folders need torch: {error}", fix='Install it with `pip install "worldplate[torch]"`.'
    ) from error

F32 = NDArray[np.float32]


class Fitting:
    """Between one size of the engine's and the network's. It holds no pixels."""

    def __init__(self, size: Size, width: int, height: int) -> None:
        """`width` and `height` are the engine's, in pixels."""
        self._network = size.height, size.width
        self._engine = height, width
        scale = min(size.width / width, size.height / height)
        whole = max(1, round(height * scale)), max(1, round(width * scale))
        self._inner = whole if size.fit is Fit.LETTERBOX else self._network
        self._top, self._left = ((all_ - some) // 2 for all_, some in zip(self._network, self._inner, strict=True))

    def into(self, picture: F32, out: F32) -> None:
        """A picture of the engine's size into `out` [C, h, w] of the network's. What a letterbox leaves free repeats
        the picture's edge: a bar of one colour would shine into it through the network."""
        inner = _resized(torch.from_numpy(picture), self._inner)
        bottom, right = self._network[0] - self._inner[0] - self._top, self._network[1] - self._inner[1] - self._left
        if inner.shape[-2:] != self._network:
            inner = functional.pad(inner[None], (self._left, right, self._top, bottom), mode="replicate")[0]
        torch.from_numpy(out).copy_(inner)

    def back(self, answer: F32) -> F32:
        """An answer [C, h, w], of the network's size or of a multiple of it, at the engine's size."""
        down, across = (answer.shape[1 + axis] / self._network[axis] for axis in (0, 1))
        top, left = round(self._top * down), round(self._left * across)
        height, width = round(self._inner[0] * down), round(self._inner[1] * across)
        inner = np.ascontiguousarray(answer[:, top : top + height, left : left + width])
        return np.ascontiguousarray(_resized(torch.from_numpy(inner), self._engine).numpy())


def _resized(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[C, H, W] of another height and width, bilinear."""
    if picture.shape[-2:] == size:
        return picture
    return functional.interpolate(picture[None], size=size, mode="bilinear", align_corners=False, antialias=True)[0]
