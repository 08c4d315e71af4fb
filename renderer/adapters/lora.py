"""A LoRA's weights, added to those of the network that it was trained for.

The libraries drop what they do not recognise and say so in a log alone, at worst the layers by which a condition comes
in. Here every tensor of the file has to be of a layer, and the layers have to be a whole choice of the network's; what
runs afterwards is a plain network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from bridge.errors import ModelIncomplete, ModelMismatch

# Two spellings of one layer stand in one file: PEFT's, and that of diffusers' attention layers before it.
DOWN, UP = "down", "up"
PART = re.compile(
    r"(?:unet\.)?(?P<layer>.+?)\."
    r"(?:(?P<half>lora_A|lora_B|lora\.down|lora\.up)(?:\.(?!weight)\w+)?\.weight|(?P<alpha>alpha))"
)
HALVES = {"lora_A": DOWN, "lora.down": DOWN, "lora_B": UP, "lora.up": UP}
ATTENTION = (".to_q", ".to_k", ".to_v", ".to_out.0")
BRING = "Bring that file anew from where the model came; then run `worldplate models add` again."
Layers = dict[str, dict[str, torch.Tensor]]


def add_lora(network: nn.Module, path: Path, through: str) -> None:
    """Add the file's weights to the network's, in place. `through` is the layer that its condition comes in by.

    Raises ModelIncomplete naming a layer that the file lacks, ModelMismatch naming a tensor that is of no layer of the
    network, or of another shape.
    """
    layers, modules = layers_of(path), dict(network.named_modules())
    strange = sorted(layers.keys() - set(choices_of(network)[-1]))
    if strange:
        raise ModelMismatch(
            f"{path} changes '{strange[0]}', which the network has not", fix="It was trained for another base model."
        )
    missing = missing_of(layers.keys(), network, through)
    if missing:
        raise ModelIncomplete(f"{path} lacks {len(missing)} layers, the first is '{missing[0]}'", fix=BRING)
    for name, parts in sorted(layers.items()):
        weight, change = modules[name].weight, change_of(parts)
        assert isinstance(weight, torch.Tensor)
        if change.numel() != weight.numel() or change.shape[0] != weight.shape[0]:
            shapes = ["x".join(map(str, t.shape)) for t in (change, weight)]
            raise ModelMismatch(
                f"'{name}' of {path} makes {shapes[0]}, and its network's is {shapes[1]}",
                fix="It was trained for another base model.",
            )
        with torch.no_grad():
            weight += change.reshape(weight.shape).to(weight.dtype)


def layers_of(path: Path) -> Layers:
    """The file's tensors by layer: `down`, `up` and, where it is told, `alpha`. Raises ModelMismatch naming a tensor
    that is no part of a layer, ModelIncomplete naming a layer of which a half is missing."""
    layers: Layers = {}
    for key, tensor in load_file(path).items():
        found = PART.fullmatch(key)
        if found is None:
            raise ModelMismatch(
                f"{path} holds '{key}', which is no layer's half", fix="Convert it to PEFT's or diffusers' names."
            )
        part = HALVES[found["half"]] if found["half"] else "alpha"
        layers.setdefault(found["layer"], {})[part] = tensor.float()
    for name, parts in sorted(layers.items()):
        if not parts.keys() >= {DOWN, UP}:
            raise ModelIncomplete(f"{path} holds a part of '{name}' alone", fix=BRING)
    return layers


def change_of(parts: dict[str, torch.Tensor]) -> torch.Tensor:
    """What a layer's weight gains, [out, ...]: up @ down alpha / rank, alpha the rank where it is not told."""
    down, up = parts[DOWN], parts[UP]
    scale = float(parts["alpha"]) / down.shape[0] if "alpha" in parts else 1.0
    return (up.flatten(1) @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:]) * scale


def choices_of(network: nn.Module) -> list[frozenset[str]]:
    """The layers that trainers choose among, the smallest first: without or with attention's projections, of a UNet's
    way down and middle or of all of it."""
    whole = {name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)}
    half = {name for name in whole if "conv_out" not in name and "up_blocks" not in name}
    choices = [frozenset(name for name in some if not name.endswith(ATTENTION)) for some in (half, whole)]
    return [choices[0], frozenset(half), choices[1], frozenset(whole)]


def missing_of(layers: Iterable[str], network: nn.Module, through: str) -> list[str]:
    """Layers of the smallest choice that has all of these, and `through`, that are not among them."""
    there = set(layers)
    if through not in there:
        return [through]
    whole = min((choice for choice in choices_of(network) if choice >= there), key=len)
    return sorted(whole - there)
