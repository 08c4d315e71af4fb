"""What a folder of FrameDiffuser's is, told by its configurations and the names of its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from renderer.adapters.families import Proposal
from renderer.adapters.turbo_folder import START, TEXT_PARTS, configs_of, is_used
from renderer.adapters.weights import LORA, tensors_of

MAPS = "controlnet"  # the tensor of the G-buffer, which is that network's
CLASSES = ("ControlNetModel", "ControlNetModelEx")  # the ControlNet's, saved by the library's means or by its makers'
TEN = (  # in the order that its makers trained with, each as a picture of 256 steps
    {"source": "albedo"}, {"source": "normal"}, {"source": "depth", "channels": 1},
    {"source": "roughness", "channels": 1}, {"source": "metallic", "channels": 1, "missing": "zero"},
    {"source": "irradiance", "channels": 1},
)  # fmt: skip


def proposed(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """None for what is no UNet with one ControlNet of more than three channels."""
    configs = configs_of(folder, files)
    net, unet = configs.get(MAPS, {}), configs.get("unet", {})
    channels = net.get("gbuffer_channels") or net.get("conditioning_channels", 3)
    if net.get("_class_name") not in CLASSES or channels == 3:
        return None
    if unet and (unet.get("_class_name") != "UNet2DConditionModel" or unet.get("in_channels") != 4):
        return None
    parts = {"unet", "vae", "scheduler", MAPS, *TEXT_PARTS}
    loras = [file.name for file in files if file.parent == folder and _is_lora(file)]
    used = [str(file.relative_to(folder)) for file in files if is_used(folder, file, parts)]
    told: dict[str, Any] = {
        "family": "framediffuser", "size": {"width": 512, "height": 512, "fit": "stretch"},
        "maps": [{"source": "color", "into": START}, *(map_ | {"into": MAPS, "eight_bit": True} for map_ in TEN)],
        "depth": {"curve": "inverse", "near_m": 0.5, "far_m": 100.0},
        "normal": {"space": "world", "axes": "-z+x+y", "sky": [0.5, 0.5, 0.5]},
        "options": {"lora": loras[0]} if loras else {},
    }  # fmt: skip
    missing = _missing(channels, loras, {file.parent.name for file in files})
    return Proposal(told, (*sorted(used), *loras[:1]), tuple(missing))


def _missing(channels: int, loras: list[str], parts: set[str]) -> list[str]:
    told = [
        "depth, normal: what they were trained on is not published; near depth is bright and sky black, and normals are"
        " of Unreal's world, which is what its makers' pictures come from",
        "prompt: put in the one that the scene was trained with, as `options.prompt`",
    ]
    if channels != 10:
        told.append(f"maps: it looks at {channels} channels, and what they are is not said; ten were put in")
    if not loras:
        told.append("controllora.safetensors: there is none, and without it the frame before reaches nothing")
    if len(loras) > 1:
        told.append(f"lora: {loras[0]} was put in, and {', '.join(loras[1:])} left out")
    told += [f"{part}: the folder has none; it is Stable Diffusion 1.5's" for part in ("unet", "vae", "scheduler")
             if part not in parts]  # fmt: skip
    if not parts.issuperset(TEXT_PARTS):
        told.append("text_encoder, tokenizer: without them only prompts that were used before are understood")
    return told


def _is_lora(file: Path) -> bool:
    if file.suffix != ".safetensors":
        return False
    names = tensors_of(file)
    return any(LORA.search(name) for name in names)
