"""What a folder of Wan's files is, told by the headers of its weights alone."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import ModelIncomplete, ModelMismatch
from renderer.adapters.families import Proposal
from renderer.adapters.folder import ModelFolder
from renderer.adapters.manifest import Family, Size
from renderer.adapters.wan_keys import HEAD, Dims, Kind, cell_of, check_no_flash, dims_of, kind_of, renamed
from renderer.adapters.wan_options import START, Options, Sampler
from renderer.adapters.wan_room import Needs, numbers_of
from renderer.adapters.weights import Tensor, check_no_lora, tensors_of

PART = re.compile(r"-\d{5}-of-\d{5}\Z")
PLAIN = frozenset({"F32", "F16", "BF16"})
HALF = 2  # bytes, on a GPU
SIZE = Size(width=832, height=480)
ORDER = ("albedo", "depth", "metallic", "normal", "roughness")  # AlayaRenderer's
CONVERT = (
    "Put its safetensors beside it. Of Self-Forcing's .pt they are made where nothing else can be reached:"
    ' safetensors.torch.save_file(torch.load(file, weights_only=True)["generator_ema"], "wan.safetensors").'
)
BESIDE = ("config.json", "tokenizer.json")
NEGATIVE = (  # Wan's own, in the words that it was trained with
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，JPEG压缩残留，丑陋的，残缺的，"
    "多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)


@dataclass(frozen=True)
class Weights:
    """One network's files, and its tensors by diffusers' names."""

    files: tuple[str, ...]
    tensors: dict[str, Tensor]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: tensor.shape for name, tensor in self.tensors.items()}


def weights_of(root: Path, files: Sequence[str]) -> Weights:
    """Raises ModelIncomplete for a file that is not whole, ModelMismatch for one in which a tensor stands twice or is
    of a type that is not simply a number."""
    tensors: dict[str, Tensor] = {}
    for file in files:
        own = tensors_of(root / file)
        check_no_lora(root / file, own)
        for name, tensor in own.items():
            known = renamed(name)
            if known in tensors or tensor.dtype not in PLAIN:
                why = "stands there twice" if known in tensors else f"is {tensor.dtype}"
                raise ModelMismatch(
                    f"'{name}' of {root / file} {why}", fix="Bring the file in F32, F16 or BF16, one network in each."
                )
            tensors[known] = tensor
    return Weights(tuple(files), tensors)


def named_weights(folder: ModelFolder, key: str, files: tuple[str, ...]) -> Weights:
    """Of a network that the options name by `key`. Raises ModelIncomplete when they name none, ManifestInvalid for
    files that were not checked, and what `weights_of` does."""
    if not files:
        raise ModelIncomplete(f"{folder.path} has no {key} in its [options]", fix=_fix(key))
    for file in files:
        folder.file(file)
    return weights_of(folder.path, files)


def transformer_dims(folder: ModelFolder, weights: Weights) -> Dims:
    """Raises ModelMismatch for what is no transformer of Wan's, or AlayaRenderer-Flash."""
    place = str(folder.path / weights.files[0])
    check_no_flash(weights.tensors, place)
    config = Path(weights.files[0]).with_name("config.json").as_posix()
    told = config in folder.files(".json")  # and so was checked
    return dims_of(weights.shapes, place, _head(folder.path, weights.files[0]) if told else HEAD)


def needs_of(dims: Dims, transformer: Weights, coder: Weights | None) -> Needs:
    shapes = {} if coder is None else coder.shapes
    return Needs(dims, cell_of(shapes), numbers_of(transformer.shapes) + numbers_of(shapes))


def proposed(root: Path, files: Sequence[Path], family: Family) -> Proposal | None:
    """None for what is of neither of Wan's families, or of the other. Raises ModelMismatch, ModelIncomplete for what is
    Wan's and cannot be used."""
    found = _networks(root, files)
    if Kind.FLASH in found:
        check_no_flash(found[Kind.FLASH].tensors, str(root / found[Kind.FLASH].files[0]))
    if Kind.TRANSFORMER not in found and Kind.CODER in found:
        raise ModelIncomplete(f"{root} has the tiny coder of Wan's latents, and no transformer of Wan's", fix=CONVERT)
    if Kind.TRANSFORMER not in found:
        return None
    network = found[Kind.TRANSFORMER]
    dims = dims_of(network.shapes, str(root / network.files[0]), _head(root, network.files[0]))
    more = dims.in_channels - dims.out_channels
    if more < 0 or more % dims.out_channels or more // dims.out_channels > len(ORDER):
        raise ModelMismatch(
            f"{root / network.files[0]} takes {dims.in_channels} channels and answers {dims.out_channels}",
            fix="These families take Wan's own latents alone, or as many again for each of one to five maps.",
        )
    if (family is Family.WAN_GBUFFER) != (more > 0):
        return None
    return _proposal(root, found, dims, more // dims.out_channels)


def _proposal(root: Path, found: dict[Kind, Weights], dims: Dims, maps: int) -> Proposal:
    options = _gbuffer_options() if maps else Options()
    options = msgspec.structs.replace(options, **{
        key: found[kind].files for key, kind in (("transformer", Kind.TRANSFORMER), ("coder", Kind.CODER),
                                                 ("text_encoder", Kind.TEXT)) if kind in found
    })  # fmt: skip
    sources = ORDER[:maps] or ("color",)
    told: dict[str, Any] = {
        "family": "wan_gbuffer" if maps else "wan_causal", "size": msgspec.to_builtins(SIZE),
        "maps": [{"source": each, "into": each if maps else START, "range": "0..1", "eight_bit": bool(maps)}
                 for each in sources],
        "depth": {"curve": "inverse", "percentiles": [0.02, 0.98]}, "output": {"range": "0..1"},
        "chunk_frames": options.pictures, "options": msgspec.to_builtins(options),
        "memory_mb": needs_of(dims, found[Kind.TRANSFORMER], found.get(Kind.CODER)).memory_mb(options, SIZE, HALF),
    }  # fmt: skip
    return Proposal(told, tuple(_used(root, found)), tuple(_missing(found, maps)))


def _gbuffer_options() -> Options:
    """AlayaRenderer's: every chunk a film of its own, in 50 steps led away from Wan's negative prompt."""
    steps = tuple(1000.0 - 20.0 * step for step in range(50))
    return Options(
        causal=False, block_latents=5, window_latents=0, sink_latents=0, steps=steps, sampler=Sampler.EULER,
        guidance=5.0, negative_prompt=NEGATIVE, strength=1.0,
    )  # fmt: skip


def _missing(found: dict[Kind, Weights], maps: int) -> list[str]:
    told = [f"{kind}: {_fix(str(kind))}" for kind in (Kind.CODER,) if kind not in found]
    if Kind.TEXT not in found:
        told.append("text_encoder: without umT5 only prompts that were used before are understood")
    if maps:
        told.append(
            "depth, normal: their makers do not say how these are coded; inverse depth and camera space are put in"
        )
        told.append(
            "steps: 50 with guidance are what it was trained for, and no show waits so long; fewer are for your eyes"
        )
    if maps not in (0, len(ORDER)):
        told.append(f"maps: what the {maps} maps are is not said; {', '.join(ORDER[:maps])} were put in")
    return told


def _fix(key: str) -> str:
    if key == "coder":
        return "Put taew2_1.safetensors of madebyollin/taehv beside it, and add the folder anew."
    return "Put its safetensors beside it, and add the folder anew."


def _networks(root: Path, files: Sequence[Path]) -> dict[Kind, Weights]:
    """The first of each kind."""
    parts: dict[tuple[str, str], list[str]] = {}
    for file in sorted(files):
        if file.suffix == ".safetensors":
            name = str(file.relative_to(root))
            parts.setdefault((str(file.parent), PART.sub("", file.stem)), []).append(name)
    found: dict[Kind, Weights] = {}
    for names in parts.values():
        told = {name for file in names for name in tensors_of(root / file)}
        kind = kind_of(told)
        if kind is not Kind.OTHER and kind not in found:
            found[kind] = Weights((*names,), {}) if kind is Kind.TEXT else weights_of(root, names)
    return found


def _used(root: Path, found: dict[Kind, Weights]) -> list[str]:
    """The networks' files, and the texts that go with them."""
    used = [file for weights in found.values() for file in weights.files]
    folders = {(root / file).parent for file in used} | {root / "tokenizer"}
    used += [
        str((folder / name).relative_to(root)) for folder in folders for name in BESIDE if (folder / name).is_file()
    ]
    return sorted(used)


def _head(root: Path, file: str) -> int:
    """How many numbers a head has, where a configuration beside the weights says it."""
    try:
        told = json.loads((root / file).with_name("config.json").read_text(encoding="utf-8"))
        if "attention_head_dim" in told:
            return int(told["attention_head_dim"])
        return int(told["dim"]) // int(told["num_heads"]) if "num_heads" in told else HEAD
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError):
        return HEAD
