"""The families of models, and what loads a folder of one.

A family is a module of this room with its name, which holds two functions:

    load(folder, *, runtime, threads) -> WorldModel      from a ModelFolder, whose files were checked
    propose(folder, files) -> Proposal | None            what a folder without a manifest could be

`KNOWN` says what models of each family need, before anything is downloaded. Figures are of their makers' pages.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

from bridge.errors import ModelError, ModelTooLarge, NotSupported
from renderer.adapters.condition import planes_of
from renderer.adapters.folder import ModelFolder, found, open_folder, read_manifest
from renderer.adapters.manifest import Family, Manifest
from renderer.models import ModelCard, WorldModel

MB = 1 << 20


@dataclass(frozen=True)
class Known:
    """What models of a family are and need, for people."""

    text: str
    example: str  # published weights of it
    download: str
    licence: str
    window: str  # from a state to its plate
    memory: str
    regions: str = "no limits known"


KNOWN = {
    Family.ONNX_I2I: Known(
        "any image-to-image network as ONNX, with or without G-buffer maps", "REGEN (distilled pix2pixHD)",
        "as the file", "of the file's makers; REGEN's code is BSD-2-Clause", "1 frame", "of the CPU, some 4x the file",
    ),
    Family.SD_TURBO_CONTROL: Known(
        "Stable Diffusion Turbo in one step, held to depth and normals by ControlNets",
        "SD-Turbo, two SD 2.1 ControlNets, TAESD", "3.2 GB", "Stability AI Community or research only, by the file's"
        " date; ControlNets CreativeML Open RAIL++-M", "1 frame", "some 3.5 GB of a GPU, and what 512x512 needs",
    ),
    Family.FRAMEDIFFUSER: Known(
        "Stable Diffusion 1.5 on ten G-buffer channels and the frame before, trained for one scene",
        "FrameDiffuser", "3 GB", "code MIT, weights by scene, base CreativeML Open RAIL-M", "1 frame of 20 steps",
        "some 3 GB of a GPU",
    ),
    Family.WAN_CAUSAL: Known(
        "Wan 2.1 1.3B in causal blocks, which repaints the engine's colour", "Self-Forcing, TAEW2.1", "3 GB, and 11 GB"
        " for its text encoder", "Apache-2.0; the checkpoint's own is not said", "12 frames in 2 steps and 1 more",
        "some 9 GB of a GPU at 832x480; 4 GB at 448x256 with a window of 6",
    ),
    Family.WAN_GBUFFER: Known(
        "Wan 2.1 1.3B on five G-buffer maps", "AlayaRenderer", "2.9 GB, and 11 GB for its text encoder",
        "code Apache-2.0; the weights' is not said", "17 frames in 100 passes; fewer are by choice",
        "some 5 GB of a GPU at 832x480",
    ),
    Family.PROCESS: Known(
        "a model in a process and an environment of its own", "samples/06_a_model_in_its_own_process",
        "none", "of the program", "of the program", "of the program",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Proposal:
    """What a folder seems to be: keys of its manifest, and what a person must still see to."""

    told: dict[str, Any]
    files: tuple[str, ...]  # of the folder that the model needs
    missing: tuple[str, ...] = field(default=())  # sentences


class FamilyModule(Protocol):
    """What a family's module holds."""

    def load(self, folder: ModelFolder, *, runtime: str, threads: int) -> WorldModel:
        """Raises ModelMismatch, ModelTooLarge, ManifestInvalid, MissingDependency."""

    def propose(self, folder: Path, files: Sequence[Path]) -> Proposal | None:
        """None when it is nothing of this family. Raises ModelError for what is, and cannot be used."""


def is_here(family: Family) -> bool:
    """Whether this version runs models of that family."""
    return importlib.util.find_spec(f"renderer.adapters.{family}") is not None


def module_of(family: Family) -> FamilyModule:
    """Raises NotSupported for a family that is only known by name."""
    if not is_here(family):
        here = ", ".join(each for each in Family if is_here(each))
        raise NotSupported(f"this version does not run the family '{family}'", fix=f"It runs: {here}.")
    return cast(FamilyModule, importlib.import_module(f"renderer.adapters.{family}"))


def load_folder(path: Path, *, runtime: str = "auto", threads: int = 1) -> WorldModel:
    """The model of a folder. Raises what `open_folder` and its family's `load` do."""
    folder = open_folder(path)
    return module_of(folder.manifest.family).load(folder, runtime=runtime, threads=threads)


def card_of(folder: ModelFolder, runtime: str) -> ModelCard:
    """What a manifest declares, as a model's card."""
    manifest = folder.manifest
    needs, optional = planes_of(manifest)
    return ModelCard(
        name=manifest.name, needs=needs, optional=optional, chunk_frames=manifest.chunk_frames,
        response_window_ms=manifest.response_window_ms, memory_bytes=manifest.memory_mb * MB,
        licence=manifest.licence, runtime=runtime, sha256=folder.sha256, recall=manifest.recall,
    )  # fmt: skip


def check_room(folder: ModelFolder, free_mb: float, of: str) -> None:
    """Raises ModelTooLarge when the manifest asks for more memory than is free, before anything is loaded."""
    need_mb = folder.manifest.memory_mb
    if need_mb <= free_mb:
        return
    smaller = [each.name for each in _others(folder) if 0 < each.memory_mb <= free_mb]
    raise ModelTooLarge(
        f"{folder.manifest.name} needs {need_mb} MB of {of}, and {free_mb:.0f} MB are free",
        fix=f"Serve a smaller one ({', '.join(smaller) or 'limn is'} here), or end what holds the memory.",
    )


def free_ram_mb() -> float:
    """What this machine can give without swapping; unlimited where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1024
    except (OSError, StopIteration):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / MB if hasattr(os, "sysconf") else float("inf")


def _others(folder: ModelFolder) -> list[Manifest]:
    """Manifests beside this one; what is wrong with one is said where it is loaded."""
    there: list[Manifest] = []
    for path in found(folder.path.parent):
        try:
            there.append(read_manifest(path))
        except ModelError:
            continue
    return [each for each in there if each.name != folder.manifest.name]
