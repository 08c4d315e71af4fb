"""Prompts as embeddings, each made once: kept in memory, and on disk by the text encoder's hash.

A machine on which every prompt of a show was used once may run without the text encoder's gigabytes.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from bridge.errors import ModelFailed

KEY = "embedding"
MOST_KEPT = 64  # in memory
Encode = Callable[[str], torch.Tensor]
log = logging.getLogger("worldplate.adapters")


def prompts_folder() -> Path:
    """`worldplate/prompts` in $XDG_CACHE_HOME or ~/.cache. Not made here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "worldplate" / "prompts"


class Prompts:
    """Embeddings [1, tokens, width], float32 on the CPU."""

    def __init__(self, encode: Encode | None, encoder_sha256: str, folder: Path) -> None:
        """`encode` is None on a machine without the encoder, which then knows what lies in `folder` alone."""
        self._encode, self._sha256, self._folder = encode, encoder_sha256, folder
        self._kept: dict[str, torch.Tensor] = {}

    def embedding(self, text: str) -> torch.Tensor:
        """Raises ModelFailed for a prompt that was never used with this encoder, when there is none."""
        if text not in self._kept:
            if len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[text] = self._found(text)
        return self._kept[text]

    def _found(self, text: str) -> torch.Tensor:
        path = self._folder / f"{hashlib.sha256(f'{self._sha256} {text}'.encode()).hexdigest()}.safetensors"
        try:
            return load_file(path)[KEY]
        except (OSError, SafetensorError, KeyError) as error:
            if path.exists():
                log.warning("the prompt kept in %s is no longer whole, and is made anew: %s", path, error)
        if self._encode is None:
            raise ModelFailed(
                f"the prompt '{text}' was never used here, and the model's folder has no text encoder",
                fix="Add the encoder's folder, or use a prompt that was used before.",
            )
        made = self._encode(text).float().cpu().contiguous()
        self._keep(path, made)
        return made

    def _keep(self, path: Path, made: torch.Tensor) -> None:
        """On disk, whole or not at all; a disk that cannot be written costs time at the next start, and no frame."""
        beside = path.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file({KEY: made}, beside)
            os.replace(beside, path)
        except (OSError, SafetensorError) as error:
            log.warning("prompts are not kept in %s: %s", self._folder, error)
