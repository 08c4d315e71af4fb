"""What a folder of Stable Diffusion's components is, told by their configurations alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from renderer.adapters.families import Proposal

CELL = 8  # pixels of the network's picture to a side of one latent
START = "start"  # the tensor that painting starts from
TEXT_PARTS = ("text_encoder", "tokenizer")
RANGES = {"range": "0..1"}  # what ControlNets were trained on; pictures elsewhere are -1..1


def proposed(folder: Path, files: Sequence[Path]) -> Proposal | None:
    """None for what is no UNet with ControlNets of three channels."""
    configs = configs_of(folder, files)
    unet = configs.get("unet", {})
    nets = sorted(name for name, told in configs.items() if str(told.get("_class_name")).startswith("ControlNetModel"))
    if unet.get("_class_name") != "UNet2DConditionModel" or unet.get("in_channels") != 4:
        return None
    if any(configs[name].get("conditioning_channels", 3) != 3 for name in nets):
        return None
    parts = {"unet", "vae", "scheduler", *TEXT_PARTS, *nets}
    used = [str(file.relative_to(folder)) for file in files if is_used(folder, file, parts)]
    maps: list[dict[str, Any]] = [{"source": "color", "into": START}]
    maps += [{"source": "normal" if "normal" in name else "depth", "into": name} | RANGES for name in nets]
    told: dict[str, Any] = {
        "family": "sd_turbo_control", "maps": maps, "size": {"width": 512, "height": 320, "fit": "stretch"},
        "depth": {"curve": "inverse", "percentiles": [0.02, 0.98]}, "normal": {"space": "camera", "axes": "-x+y+z"},
    }  # fmt: skip
    return Proposal(told, tuple(sorted(used)), tuple(_missing(nets, {file.parent.name for file in files})))


def _missing(nets: list[str], parts: set[str]) -> list[str]:
    told = ["size: 512x320 was put in; use multiples of 64 in the engine's proportions"]
    if not nets:
        told.append("controlnet_depth: no ControlNet is there, and without one nothing holds the picture to the engine")
    unsure = [name for name in nets if "normal" not in name and "depth" not in name]
    told += [f"maps: what {name} was trained on is not said; depth was put in" for name in unsure]
    told += [f"{part}: the folder has none" for part in ("vae", "scheduler") if part not in parts]
    if not parts.issuperset(TEXT_PARTS):
        told.append("text_encoder, tokenizer: without them only prompts that were used before are understood")
    return told


def configs_of(folder: Path, files: Sequence[Path]) -> dict[str, dict[str, Any]]:
    """The configurations of a folder's parts, by the parts' names."""
    return {file.parent.name: _config(file) for file in files
            if file.name == "config.json" and file.parent.parent == folder}  # fmt: skip


def is_used(folder: Path, file: Path, parts: set[str]) -> bool:
    """Whether a file is of one of these parts."""
    return (
        file.parent.parent == folder and file.parent.name in parts and file.suffix in (".json", ".txt", ".safetensors")
    )


def _config(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
