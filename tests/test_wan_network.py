"""Wan's transformer block by block is what it is in one masked pass; its names and positions are the published ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import WanTransformer3DModel
from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers
from wan_folder import LATENT, TEXT, published, transformer_state

from bridge.errors import ModelMismatch, SnapshotCorrupt
from renderer.adapters.wan_keys import Kind, check_no_flash, dims_of, kind_of, renamed
from renderer.adapters.wan_network import SINGLE, Context, Transformer, Turn, turned, turns
from renderer.bench.random_wan import dims_tiny

ROWS, COLUMNS, TOKENS, BLOCK = 4, 6, 6, 2
CPU = torch.device("cpu")


def theirs() -> WanTransformer3DModel:
    """diffusers' own network, as it is."""
    told = dims_tiny()
    network = WanTransformer3DModel(
        patch_size=told.patch, num_attention_heads=told.heads, attention_head_dim=told.head, in_channels=LATENT,
        out_channels=LATENT, text_dim=TEXT, freq_dim=told.frequencies, ffn_dim=told.ffn, num_layers=told.layers,
    )  # fmt: skip
    network.load_state_dict(transformer_state())
    return network.eval().requires_grad_(False)


def ours() -> Transformer:
    return Transformer(dims_tiny(), transformer_state(), CPU, torch.float32)


def film(blocks: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents [1, C, T, h, w] and a prompt."""
    generator = torch.Generator().manual_seed(4)
    latents = torch.randn(1, LATENT, blocks * BLOCK, ROWS, COLUMNS, generator=generator)
    return latents, torch.randn(1, 5, TEXT, generator=generator)


class Masked:
    """The plain way: all blocks in one pass, and for each the mask of what it may see; a sink is turned to just before
    the window for each block that has lost sight of what lay between."""

    def __init__(self, window: int, sink: int) -> None:
        self._window, self._sink = window // BLOCK, sink // BLOCK

    def __call__(self, attn: WanTransformer3DModel, x: torch.Tensor, text: torch.Tensor | None = None,
                 mask: torch.Tensor | None = None, turn: Turn | None = None) -> torch.Tensor:  # fmt: skip
        query, key, value = (to(x) for to in (attn.to_q, attn.to_k, attn.to_v))
        query, key, value = (each.unflatten(2, (attn.heads, -1)) for each in
                             (attn.norm_q(query), attn.norm_k(key), value))  # fmt: skip
        size, count = BLOCK * TOKENS, x.shape[1] // (BLOCK * TOKENS)
        made = []
        for block in range(count):
            seen = list(range(max(0, block - self._window + self._sink), block + 1))
            kept = [each for each in range(min(self._sink, block)) if each not in seen]
            places = [seen[0] - len(kept) + at for at in range(len(kept))] + seen
            keys = [
                turned(key[:, of * size : (of + 1) * size], turn_at(at))
                for of, at in zip(kept + seen, places, strict=True)
            ]
            values = [value[:, of * size : (of + 1) * size] for of in kept + seen]
            asked = turned(query[:, block * size : (block + 1) * size], turn_at(block))
            logits = (
                torch.einsum("bqhd,bkhd->bhqk", asked, torch.cat(keys, 1))
                / attn.to_q.out_features**0.5
                * attn.heads**0.5
            )
            made.append(torch.einsum("bhqk,bkhd->bqhd", logits.softmax(-1), torch.cat(values, 1)).flatten(2))
        whole: torch.Tensor = attn.to_out[0](torch.cat(made, 1))
        return whole


def turn_at(block: int) -> Turn:
    return turns(dims_tiny().head, (block * BLOCK, 0, 0), (BLOCK, ROWS // 2, COLUMNS // 2))


@pytest.mark.parametrize(("window", "sink", "blocks"), [(8, 0, 4), (4, 0, 6), (4, 2, 6)])
def test_blocks_with_what_is_remembered_equal_the_masked_pass(window: int, sink: int, blocks: int) -> None:
    latents, words = film(blocks)
    plain = theirs()
    for block in plain.blocks:
        block.attn1.set_processor(Masked(window, sink))
    nought = torch.zeros(1)
    (wanted,) = plain(latents, nought, words, return_dict=False)
    network = ours()
    context = Context(dims_tiny(), TOKENS, window, sink, BLOCK, network.where)
    made = []
    for at in range(0, blocks * BLOCK, BLOCK):
        part = latents[:, :, at : at + BLOCK]
        network.begin(context, part)
        network(torch.randn_like(part), torch.full((1,), 900.0), words)  # a noisy pass leaves no trace
        made.append(network(part, nought, words))
        context.finish()
    assert wanted.std() > 0.1
    torch.testing.assert_close(torch.cat(made, 2), wanted, atol=1e-5, rtol=1e-5)


def test_one_block_alone_is_the_published_network() -> None:
    latents, words = film(1)
    network = ours()
    context = Context(dims_tiny(), TOKENS, 0, 0, BLOCK, network.where)
    network.begin(context, latents)
    made = network(latents, torch.full((1,), 500.0), words)
    (wanted,) = theirs()(latents, torch.full((1,), 500.0), words, return_dict=False)
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=1e-5)


def test_positions_go_on_without_an_end_and_only_distances_count() -> None:
    late = 1_000_000
    a, b = torch.randn(2, 1, TOKENS, 1, 12, generator=torch.Generator().manual_seed(1))
    counts = (1, ROWS // 2, COLUMNS // 2)
    products = [(turned(a, turns(12, (at + 3, 0, 0), counts)) * turned(b, turns(12, (at, 0, 0), counts))).sum(-1)
                for at in (0, late)]  # fmt: skip
    torch.testing.assert_close(*products, atol=1e-5, rtol=1e-5)


def test_what_is_remembered_is_forgotten_kept_and_refused_by_name() -> None:
    latents, words = film(5)
    network = ours()

    def painted(context: Context, blocks: range) -> torch.Tensor:
        made = torch.zeros(0)
        for at in blocks:
            part = latents[:, :, at * BLOCK : (at + 1) * BLOCK]
            network.begin(context, part)
            made = network(part, torch.zeros(1), words)
            context.finish()
        return made

    def fresh() -> Context:
        return Context(dims_tiny(), TOKENS, 4, 2, BLOCK, network.where)

    context = fresh()
    painted(context, range(4))
    arrays = context.arrays()
    wanted = painted(context, range(4, 5))
    other = fresh()
    other.take(arrays)
    torch.testing.assert_close(painted(other, range(4, 5)), wanted)
    context.forget()
    torch.testing.assert_close(painted(context, range(4, 5)), painted(fresh(), range(4, 5)))
    assert (painted(fresh(), range(4, 5)) - wanted).abs().max() > 1e-3
    with pytest.raises(SnapshotCorrupt, match="sink_keys"):
        fresh().take(arrays | {"sink_keys": arrays["sink_keys"][:, 1:]})
    with pytest.raises(SnapshotCorrupt, match="keys"):
        fresh().take(arrays | {"blocks": np.array([1])})


@pytest.mark.parametrize(
    "prefix", ["", "model.", "model.diffusion_model.", "generator_ema.model._fsdp_wrapped_module."]
)
def test_published_names_are_read_as_diffusers_own_converter_reads_them(prefix: str) -> None:
    state = transformer_state()
    names = published(state)
    assert {renamed(prefix + name) for name in names} == set(state)
    assert set(convert_wan_transformer_to_diffusers(dict(names))) == set(state)
    assert kind_of(prefix + name for name in names) is Kind.TRANSFORMER
    assert dims_of({name: tuple(tensor.shape) for name, tensor in state.items()}, "it", 12) == dims_tiny()


def test_flash_is_told_by_its_tensors_and_refused_by_the_first_that_nothing_explains() -> None:
    names = [*transformer_state(), "patch_short.weight", "text_sink.k"]
    assert kind_of(names) is Kind.FLASH
    with pytest.raises(ModelMismatch, match=r"Flash: 2 of its \d+ tensors are not Wan's, the first is 'patch_short"):
        check_no_flash(names, "it")
    with pytest.raises(ModelMismatch, match="heads of 128 do not divide"):
        dims_of({"patch_embedding.weight": (24, 4, 1, 2, 2)}, "it")


def test_half_precision_spares_what_its_makers_keep_in_single() -> None:
    """A library that loads in half keeps these single, and one that casts all of it is another network."""
    network = Transformer(dims_tiny(), transformer_state(), CPU, torch.bfloat16)
    types = {name: tensor.dtype for name, tensor in network.network.state_dict().items()}
    assert set(WanTransformer3DModel._keep_in_fp32_modules) == set(SINGLE)
    assert {kind for name, kind in types.items() if any(part in name for part in SINGLE)} == {torch.float32}
    assert types["blocks.0.attn1.to_q.weight"] is torch.bfloat16
    latents, words = film(1)
    context = Context(dims_tiny(), TOKENS, 0, 0, BLOCK, network.where)
    network.begin(context, latents)
    made = network(latents, torch.full((1,), 500.0), words)
    (wanted,) = theirs()(latents, torch.full((1,), 500.0), words, return_dict=False)
    assert (made - wanted).abs().mean() < 0.05 * wanted.abs().mean()
    context = Context(dims_tiny(), TOKENS, 4, 2, BLOCK, network.where)
    for _ in range(3):
        network.begin(context, latents)
        network(latents, torch.zeros(1), words)
        context.finish()
    other = Context(dims_tiny(), TOKENS, 4, 2, BLOCK, network.where)
    other.take(context.arrays())  # to the bit
    assert all(torch.equal(a[:, :24], b[:, :24]) for a, b in zip(other.keys, context.keys, strict=True))
