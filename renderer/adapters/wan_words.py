"""What is said to the network: a prompt's embedding, and that of what it is to be led away from."""

from __future__ import annotations

import torch

from bridge.errors import ModelMismatch
from renderer.adapters.prompts import Prompts
from renderer.adapters.wan_options import Options

MOST_KEPT = 4  # prompts, on the device


class Words:
    """Embeddings [1, 512, width] on one device, each brought there once."""

    def __init__(self, prompts: Prompts, options: Options, width: int, where: torch.Tensor) -> None:
        """`width` is what the network takes; `where` is any tensor of the device and type that they are to have."""
        self._prompts, self._width, self._where = prompts, width, where
        self._away = options.negative_prompt if options.guidance != 1.0 else None
        self._kept: dict[str, torch.Tensor] = {}

    def of(self, prompt: str) -> list[torch.Tensor]:
        """Raises ModelFailed for a prompt that cannot be understood here, ModelMismatch for another network's text
        encoder."""
        return [self._brought(text) for text in (prompt, self._away) if text is not None]

    def _brought(self, text: str) -> torch.Tensor:
        if text not in self._kept:
            made = self._prompts.embedding(text)
            if made.shape[-1] != self._width:
                raise ModelMismatch(
                    f"the text encoder's embeddings are {made.shape[-1]} wide, and the network takes {self._width}",
                    fix="Use the text encoder that the transformer was trained with: umT5-xxl for Wan.",
                )
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[text] = made.to(self._where.device, self._where.dtype)
        return self._kept[text]
