"""Prompts for Wan's networks: umT5's encoder, for those that are not kept.

It has four times the weights of the network that paints, and reads them where they lie, in its file: what is in memory
of them the system may take back at any time, and a prompt that comes after waits for the disk. So what a show says is
best said once before.
"""

from __future__ import annotations

import hashlib
import html
import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer

from bridge.errors import ModelIncomplete
from renderer.adapters.filling import BRING, fill
from renderer.adapters.folder import ModelFolder
from renderer.adapters.prompts import Prompts, prompts_folder
from renderer.adapters.wan_options import Options

TOKENS = 512  # of a prompt; what it leaves free is zeros
SHARED = ("shared.weight", "encoder.embed_tokens.weight")  # one tensor by two names


def prompts_of(folder: ModelFolder, options: Options) -> Prompts:
    """With the folder's text encoder. Raises ModelIncomplete for an encoder without its configuration or tokenizer, or
    no encoder and no hash of one."""
    if not options.text_encoder:
        if not options.text_encoder_sha256:
            raise ModelIncomplete(
                f"{folder.path} has no text_encoder in its [options]",
                fix="Add umT5's, or name the one whose prompts are kept here in `options.text_encoder_sha256`.",
            )
        return Prompts(None, options.text_encoder_sha256, prompts_folder())
    config = folder.file(str(Path(options.text_encoder[0]).with_name("config.json")))
    texts = [name for name in folder.files(".json") if name.endswith("tokenizer.json")]
    if not texts:
        raise ModelIncomplete(f"{folder.path} has no tokenizer.json in its manifest", fix=BRING)
    tokenizer = Tokenizer.from_file(str(folder.file(texts[0])))
    tokenizer.enable_truncation(TOKENS)
    loaded: list[Any] = []

    def encode(text: str) -> torch.Tensor:
        if not loaded:
            loaded.append(_encoder(folder, options.text_encoder, config))
        ids = tokenizer.encode(" ".join(html.unescape(text).split())).ids
        with torch.inference_mode():
            found = loaded[0](torch.tensor([ids])).last_hidden_state[0].float()
        return torch.cat([found, found.new_zeros(TOKENS - len(found), found.shape[1])])[None]

    return Prompts(encode, _sha256(folder, options.text_encoder), prompts_folder())


def _encoder(folder: ModelFolder, files: tuple[str, ...], config: Path) -> Any:
    """In the files' own precision, on the CPU. Raises what `fill` does."""
    told = transformers.UMT5Config.from_dict(json.loads(config.read_text(encoding="utf-8")))
    state = {name: tensor for file in files for name, tensor in load_file(folder.file(file)).items()}
    for one, other in (SHARED, SHARED[::-1]):
        if one in state and other not in state:
            state[other] = state[one]
    with torch.device("meta"):
        network = transformers.UMT5EncoderModel(told)
    return fill(network, state, folder.path / files[0])


def _sha256(folder: ModelFolder, files: tuple[str, ...]) -> str:
    """One digest of all its files, as the manifest says them and `open_folder` has checked them."""
    told = {file.path: file.sha256 for file in folder.manifest.files}
    return hashlib.sha256(" ".join(told[file] for file in files).encode()).hexdigest()
