"""The rows that are networks: limn as the product runs it, and the plain U-Net beside it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency, ModelIncomplete, ModelNotFound
from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, PlaneName
from renderer.evaluate.frames import Frame
from renderer.evaluate.image import tone_map
from renderer.evaluate.rows import Row

try:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
except ImportError as error:
    raise MissingDependency(
        f"the networks need torch and safetensors: {error}", fix='Install `pip install "worldplate[train]"`.'
    ) from error

from renderer.models.limn.fused import Fused
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.model import FOLDER, WEIGHTS, Limn
from renderer.models.limn.network import STRIDE
from renderer.training.plain import PlainNetwork, plain_plate

F32 = NDArray[np.float32]


def limn_row(name: str, folder: Path | None) -> Row:
    """limn of a model folder, of the size that `name` says. Raises ModelNotFound where there is none,
    ModelIncomplete for a folder whose files are not what its manifest says."""
    folder = folder or FOLDER
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        raise ModelNotFound(f"{folder} holds no model", fix=f"Name its folder with --weights {name}=FOLDER.")
    try:
        size = json.loads(manifest.read_text())["size"]
    except (ValueError, KeyError, TypeError) as error:
        raise ModelIncomplete(f"{manifest} does not say its size", fix="Install worldplate again.") from error
    if size != name:
        raise ModelNotFound(f"{folder} holds {size}, not {name}", fix=f"Name its folder with --weights {name}=FOLDER.")
    return LimnRow(name, folder)


class LimnRow:
    """`Limn`, frame after frame."""

    remembers, steered_by = True, "weather"  # nothing of a frame: that its plates stand still is measured all the same

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._folder = folder
        self._limn = Limn(folder, threads=os.cpu_count() or 1)

    def files(self) -> Mapping[str, str]:
        told = json.loads((self._folder / "manifest.json").read_text())
        return {str(self._folder / file): str(sha256) for file, sha256 in told["files"].items()}

    def reset(self) -> None:
        """It remembers nothing."""

    def shown(self, frame: Frame) -> F32:
        light = light_of(frame.weather, frame.seed)
        return tone_map(self._limn.paint(frame.planes, frame.camera, frame.bodies, light)[..., :3])


def plain_row(path: Path | None) -> Row:
    """The plain network with the weights in a file, or in `weights.safetensors` of a folder. Raises ModelNotFound where
    there are none, ModelIncomplete for a file that holds something else."""
    fix = "Train it with `python -m renderer.training.plain` and name its folder with --weights plain=FOLDER."
    if path is None:
        raise ModelNotFound("the plain network has no weights", fix=fix)
    file = path / WEIGHTS if path.is_dir() else path
    if not file.is_file():
        raise ModelNotFound(f"there is no {file}", fix=fix)
    return PlainRow(file)


class PlainRow:
    """Each frame on its own."""

    name, remembers, steered_by = "plain", False, "weather"

    def __init__(self, file: Path) -> None:
        self._file = file
        network = PlainNetwork().eval()
        try:
            network.load_state_dict(load_file(file))
        except (RuntimeError, SafetensorError) as error:
            what = f"{file} does not hold the plain network: {str(error).splitlines()[0]}"
            raise ModelIncomplete(what, fix="Train it again with `python -m renderer.training.plain`.") from error
        self._network = network
        self._fused: dict[tuple[int, int], Fused] = {}

    def files(self) -> Mapping[str, str]:
        return {str(self._file): hashlib.sha256(self._file.read_bytes()).hexdigest()}

    def reset(self) -> None:
        """It remembers nothing."""

    def shown(self, frame: Frame) -> F32:
        return tone_map(self.plate(frame.planes, frame.camera, frame.bodies, light_of(frame.weather, frame.seed)))

    def plate(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> F32:
        """The plate [H, W, 3], scene-linear."""
        height, width = planes[PlaneName.DEPTH].shape
        if (width, height) not in self._fused:
            self._fused[width, height] = Fused(width, height, STRIDE)
        known = self._fused[width, height]
        known.see(planes, camera, bodies, light)
        engine = np.zeros((*known.x.shape[:2], 6), np.float32)  # padded with zeros, as in training
        engine[:height, :width, :3] = planes[PlaneName.COLOR][..., :3]
        engine[:height, :width, 3:] = planes[PlaneName.ALBEDO][..., :3]
        told = torch.from_numpy(known.told)
        with torch.inference_mode():
            plate, _ = plain_plate(self._network, _channels_first(known.x), _channels_first(engine), told, known.factor)
        shown: F32 = plate[0, :, :height, :width].permute(1, 2, 0).numpy()
        return shown


def _channels_first(picture: F32) -> torch.Tensor:
    """[H, W, C] as [1, C, H, W]."""
    return torch.from_numpy(picture).permute(2, 0, 1)[None]
