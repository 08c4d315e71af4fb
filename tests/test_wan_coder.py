"""The tiny coder of Wan's latents: in parts as at once, and what of a file it can be made of."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional
from wan_folder import LATENT, coder_state

from bridge.errors import ModelMismatch
from renderer.adapters.filling import fill
from renderer.adapters.wan_coder import UNSEEN, Memory, Remembering, TinyCoder, memory_shapes
from renderer.bench.random_wan import TINY_CODER

T, ROWS, COLUMNS = 5, 3, 4


@pytest.fixture(scope="module")
def coder() -> TinyCoder:
    return fill(TinyCoder(TINY_CODER, "tiny"), coder_state(), "tiny")


def at_once(layers: torch.nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """The plain way, as it was published: all of [T, C, H, W], and before the first picture of each block there is
    nothing."""
    for layer in layers:
        x = layer(x, functional.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))[:-1]) if isinstance(layer, Remembering) else layer(x)
    return x


def test_what_is_decoded_latent_by_latent_is_what_is_decoded_at_once(coder: TinyCoder) -> None:
    latents = torch.randn(1, T, LATENT, ROWS, COLUMNS, generator=torch.Generator().manual_seed(2))
    plain = at_once(coder.decoder, latents[0]).clamp(0.0, 1.0)
    whole, _ = coder.decode(latents)
    parts: list[torch.Tensor] = []
    memory: Memory = ()
    for at in range(T):
        pictures, memory = coder.decode(latents[:, at : at + 1], memory)
        parts.append(pictures[0])
    assert [len(part) for part in parts] == [4] * T
    assert plain.shape == (4 * T, 3, 8 * ROWS, 8 * COLUMNS)
    assert plain[UNSEEN:].std() > 0.05
    torch.testing.assert_close(whole[0], plain, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(torch.cat(parts), plain, atol=1e-5, rtol=1e-4)
    assert [tuple(each.shape) for each in memory] == memory_shapes(coder.decoder, ROWS, COLUMNS)


def test_what_is_encoded_four_pictures_at_a_time_is_what_is_encoded_at_once(coder: TinyCoder) -> None:
    pictures = torch.rand(1, 4 * T, 3, 16, 24, generator=torch.Generator().manual_seed(2))
    plain = at_once(coder.encoder, pictures[0])
    memory: Memory = ()
    parts: list[torch.Tensor] = []
    for at in range(0, 4 * T, 4):
        latents, memory = coder.encode(pictures[:, at : at + 4], memory)
        parts.append(latents[0])
    assert plain.shape == (T, LATENT, 2, 3)
    torch.testing.assert_close(torch.cat(parts), plain, atol=1e-5, rtol=1e-4)
    assert [tuple(each.shape) for each in memory] == memory_shapes(coder.encoder, 16, 24)


def test_the_names_of_its_tensors_are_the_published_ones(coder: TinyCoder) -> None:
    names = set(coder.state_dict())
    starts = [("encoder", at) for at in (4, 9, 14)] + [("decoder", at) for at in (3, 9, 15)]
    remembering = {f"{way}.{at}.conv.{layer}.{kind}" for way, start in starts for at in range(start, start + 3)
                   for layer in (0, 2, 4) for kind in ("weight", "bias")}  # fmt: skip
    resized = {f"encoder.{at}.{end}" for at in (2, 7, 12) for end in ("conv.weight",)}
    resized |= {f"encoder.{at}.weight" for at in (3, 8, 13)} | {f"decoder.{at}.weight" for at in (8, 14, 20)}
    resized |= {f"decoder.{at}.conv.weight" for at in (7, 13, 19)}
    ends = {
        f"{at}.{kind}" for at in ("encoder.0", "encoder.17", "decoder.1", "decoder.22") for kind in ("weight", "bias")
    }
    assert names == remembering | resized | ends


def test_the_coder_of_another_family_is_refused_by_what_it_makes(coder: TinyCoder) -> None:
    shapes = TINY_CODER
    for name, words in (("decoder.7.conv.weight", "makes 8 pictures"), ("encoder.12.conv.weight", "takes 8")):
        out, into = shapes[name][:2]
        grown = (2 * out, into, 1, 1) if name.startswith("decoder") else (out, 2 * into, 1, 1)
        with pytest.raises(ModelMismatch, match=words):
            TinyCoder(shapes | {name: grown}, "other")
    with pytest.raises(ModelMismatch, match=r"no 'decoder\.1\.weight'"):
        TinyCoder({name: shape for name, shape in shapes.items() if name != "decoder.1.weight"}, "other")
