"""What is in published files of Wan's family, told by their tensors' names and shapes alone.

The same network is published under two sets of names, its makers' and diffusers', and behind prefixes of whatever
trained it. The tables here are data: what they do not know is left as it is, and refused by name where it is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isqrt, prod

from bridge.errors import ModelMismatch

Shapes = Mapping[str, tuple[int, ...]]

PREFIXES = (  # of whole files: ComfyUI's, trainers' and compilers' wrappers
    "model.diffusion_model.", "diffusion_model.", "generator_ema.", "generator.", "module.", "model.",
    "_fsdp_wrapped_module.", "_orig_mod.",
)  # fmt: skip
RENAMES = tuple((re.compile(old), new) for old, new in (  # its makers' names as diffusers'
    (r"\Atime_embedding\.0\.", "condition_embedder.time_embedder.linear_1."),
    (r"\Atime_embedding\.2\.", "condition_embedder.time_embedder.linear_2."),
    (r"\Atext_embedding\.0\.", "condition_embedder.text_embedder.linear_1."),
    (r"\Atext_embedding\.2\.", "condition_embedder.text_embedder.linear_2."),
    (r"\Atime_projection\.1\.", "condition_embedder.time_proj."),
    (r"\Ahead\.modulation\Z", "scale_shift_table"),
    (r"\Ahead\.head\.", "proj_out."),
    (r"\A(blocks\.\d+)\.modulation\Z", r"\1.scale_shift_table"),
    (r"\A(blocks\.\d+)\.norm3\.", r"\1.norm2."),
    (r"\A(blocks\.\d+)\.ffn\.0\.", r"\1.ffn.net.0.proj."),
    (r"\A(blocks\.\d+)\.ffn\.2\.", r"\1.ffn.net.2."),
    (r"\A(blocks\.\d+)\.self_attn\.", r"\1.attn1."),
    (r"\A(blocks\.\d+)\.cross_attn\.", r"\1.attn2."),
    (r"\A(blocks\.\d+\.attn[12])\.([qkv])\.", r"\1.to_\2."),
    (r"\A(blocks\.\d+\.attn[12])\.o\.", r"\1.to_out.0."),
))  # fmt: skip
HEAD = 128  # numbers of an attention head, in all that is published of Wan
PATCH = "patch_embedding.weight"
HISTORY = re.compile(r"patch_(short|mid|long)\.|history_key_scale|text_sink|gbuf")  # of AlayaRenderer-Flash
FLASH = (
    "Serve AlayaRenderer's base with this family; Flash's encoder, text sink and rule of history are published as"
    " weights alone."
)


class Kind(StrEnum):
    """What a file of weights is."""

    TRANSFORMER = "transformer"
    CODER = "coder"  # TAEHV: pictures to latents and back
    TEXT = "text"  # umT5's encoder
    FLASH = "flash"  # AlayaRenderer-Flash: known, and refused
    OTHER = "other"


@dataclass(frozen=True)
class Dims:
    """Of a transformer."""

    in_channels: int
    out_channels: int
    layers: int
    heads: int
    head: int  # numbers of one
    ffn: int
    text: int  # width of a prompt's embedding
    frequencies: int  # of the step's own embedding
    patch: tuple[int, ...]  # latents, rows, columns of a token
    normed: bool  # whether what looks at the text is normed first

    @property
    def width(self) -> int:
        return self.heads * self.head


def renamed(name: str) -> str:
    """A tensor's name as diffusers has it."""
    while (prefix := next((each for each in PREFIXES if name.startswith(each)), "")) != "":
        name = name.removeprefix(prefix)
    for old, new in RENAMES:
        name = old.sub(new, name)
    return name


def kind_of(names: Iterable[str]) -> Kind:
    """Of the tensors in a file."""
    told = {renamed(name) for name in names}
    if any(HISTORY.search(name) for name in told):
        return Kind.FLASH
    if PATCH in told and "blocks.0.attn1.to_q.weight" in told:
        return Kind.TRANSFORMER
    if "decoder.1.weight" in told and "decoder.3.conv.0.weight" in told:
        return Kind.CODER
    return Kind.TEXT if any("SelfAttention.relative_attention_bias" in name for name in told) else Kind.OTHER


def dims_of(shapes: Shapes, place: str, head: int = HEAD) -> Dims:
    """Of a transformer whose tensors, by diffusers' names, have these shapes; `head` where its configuration says it.
    Raises ModelMismatch naming what is missing or does not go together."""
    patch = _shape(shapes, PATCH, place)
    width = patch[0]
    if width % head:
        raise ModelMismatch(
            f"'{PATCH}' of {place} is {width} wide, which heads of {head} do not divide",
            fix="Put the config.json that its makers publish beside it.",
        )
    return Dims(
        in_channels=patch[1],
        out_channels=_shape(shapes, "proj_out.weight", place)[0] // prod(patch[2:]),
        layers=1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("blocks.")),
        heads=width // head,
        head=head,
        ffn=_shape(shapes, "blocks.0.ffn.net.0.proj.weight", place)[0],
        text=_shape(shapes, "condition_embedder.text_embedder.linear_1.weight", place)[1],
        frequencies=_shape(shapes, "condition_embedder.time_embedder.linear_1.weight", place)[1],
        patch=patch[2:],
        normed="blocks.0.norm2.weight" in shapes,
    )


def cell_of(shapes: Shapes) -> int:
    """Pixels to a side of one latent of a coder with these tensors; 8 where it does not say."""
    return 8 * isqrt(shapes.get("decoder.22.weight", (3,))[0] // 3)


def check_no_flash(names: Iterable[str], place: str) -> None:
    """Raises ModelMismatch naming the first tensor of AlayaRenderer-Flash that no published code explains."""
    names = sorted(names)
    unknown = [name for name in names if HISTORY.search(name)]
    if unknown:
        raise ModelMismatch(
            f"{place} is AlayaRenderer-Flash: {len(unknown)} of its {len(names)} tensors are not Wan's, the first is"
            f" '{unknown[0]}'",
            fix=FLASH,
        )


def _shape(shapes: Shapes, name: str, place: str) -> tuple[int, ...]:
    """Raises ModelMismatch without it."""
    if name not in shapes:
        raise ModelMismatch(
            f"{place} has no '{name}', so it is no Wan transformer", fix="Name the transformer's file in [options]."
        )
    return shapes[name]
