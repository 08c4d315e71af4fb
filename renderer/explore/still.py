"""One picture with its depth, from an engine's frame (.npz, .exr) or any image with a depth map beside it."""

from __future__ import annotations

import math
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue, MissingDependency
from bridge.schema import PlaneName, Pose

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
MOST_PX, LEAST_PX = 4096, 16
EYE_M = 1.6  # of a camera that nothing is said of: level, and as high as a person's
PLANES = {  # that a frame may have beside color and depth: channels
    PlaneName.NORMAL: 3, PlaneName.ALBEDO: 3, PlaneName.MATERIAL: 2, PlaneName.OBJECT: 1, PlaneName.LABEL: 1,
}  # fmt: skip


@dataclass(frozen=True)
class Still:
    """What explores starts from: [H, W] or [H, W, C], canonical values (bridge/PROTOCOL.md)."""

    color: F32  # [H, W, 3] scene-linear
    depth_m: F32  # [H, W] view-space Z; +inf where there is nothing
    tangents: tuple[float, float]  # of half the view's angle, right and up
    pose: Pose  # world_from_camera
    planes: dict[PlaneName, NDArray[Any]] = field(default_factory=dict)  # those of PLANES that are there

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.depth_m.shape[1], self.depth_m.shape[0]


def read_still(image: Path, depth: Path | None, fov_deg: float, unit_m: float) -> Still:
    """A still from files. `fov_deg` is the vertical angle of view where the file does not say it, `unit_m` what one
    unit of a depth map of whole numbers is. Raises InvalidValue, MissingDependency, OSError."""
    planes = _read(image)
    if depth is not None:
        planes["depth"] = _depth_of(_read(depth, as_depth=True), unit_m)
    if "color" not in planes or "depth" not in planes:
        lacks = "color" if "color" not in planes else "depth"
        raise _bad(image, f"it has no {lacks}", "Give a frame with color and depth, or a depth map with --depth FILE.")
    color, depth_m = _rgb(image, planes["color"]), _usable(planes["depth"])
    _check(image, color, depth_m)
    told = {name: _plane(image, name, planes[str(name)], depth_m) for name in PLANES if str(name) in planes}
    return Still(color, depth_m, _tangents(image, planes, depth_m, fov_deg), _pose(image, planes), told)


def _read(path: Path, *, as_depth: bool = False) -> dict[str, NDArray[Any]]:
    if path.suffix == ".npz":
        return _read_npz(path)
    if path.suffix == ".npy":
        return {"depth": _loaded(path)}
    if path.suffix == ".exr":
        return _read_exr(path)
    return _read_picture(path, as_depth=as_depth)


def _loaded(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _bad(path, f"it is no file of arrays: {error}", "Save it with numpy.savez or numpy.save.") from error


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with _loaded(path) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, AttributeError, zipfile.BadZipFile, zipfile.LargeZipFile) as error:
        raise _bad(path, f"it is no file of arrays: {error}", "Save it with numpy.savez.") from error


def _read_exr(path: Path) -> dict[str, NDArray[Any]]:
    """Colour from the part `beauty` or the first with colours, depth from the channel Z, ids from `id`."""
    try:
        import OpenEXR
    except ImportError as error:
        raise MissingDependency(
            "EXR needs openexr", fix='Install it with `pip install "worldplate[exports]"`.'
        ) from error
    found: dict[str, NDArray[Any]] = {}
    try:
        with OpenEXR.File(str(path)) as file:
            for part in file.parts:
                for name, channel in part.channels.items():
                    key = {"RGBA": "color", "RGB": "color", "Z": "depth", "id": "object", "Y": "luminance"}.get(name)
                    if key is not None and key not in found:
                        found[key] = np.asarray(channel.pixels)
    except (RuntimeError, ValueError, TypeError) as error:
        raise _bad(path, f"it cannot be read: {error}", "Export it anew.") from error
    if "depth" not in found and "luminance" in found:
        found["depth"] = found["luminance"]
    return found


def _read_picture(path: Path, *, as_depth: bool) -> dict[str, NDArray[Any]]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise MissingDependency(
            "Pictures need pillow", fix='Install it with `pip install "worldplate[demo]"`.'
        ) from error
    try:
        with Image.open(path) as file:
            if max(file.size) > MOST_PX:
                raise _bad(path, f"it has {file.size[0]}x{file.size[1]} pixels", f"Each side may have {MOST_PX}.")
            pixels = np.asarray(file if as_depth else file.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise _bad(path, "it is no picture", "Give PNG, JPEG, EXR or .npz.") from error
    if as_depth:
        return {"depth": pixels}
    display = pixels.astype(np.float32) / 255.0
    linear = np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1
    return {"color": linear.astype(np.float32)}


def _depth_of(planes: dict[str, NDArray[Any]], unit_m: float) -> NDArray[Any]:
    depth = next(iter(planes.values())) if "depth" not in planes else planes["depth"]
    whole = np.issubdtype(depth.dtype, np.integer)
    return depth.astype(np.float32) * np.float32(unit_m) if whole else depth


def _usable(depth: NDArray[Any]) -> F32:
    flat = depth[..., 0] if depth.ndim == 3 else depth
    metres = np.asarray(flat, np.float32)
    with np.errstate(invalid="ignore"):
        return np.where(metres > 0.0, metres, np.float32(np.inf)).astype(np.float32)  # NaN and 0: nothing is known


def _rgb(path: Path, color: NDArray[Any]) -> F32:
    if color.ndim != 3 or color.shape[2] not in (3, 4):
        raise _bad(path, f"its color has the shape {list(color.shape)}", "It is [height, width, 3 or 4].")
    finite = np.nan_to_num(np.asarray(color[..., :3], np.float32), nan=0.0, posinf=100.0, neginf=0.0)
    return np.asarray(finite.clip(0.0, 100.0), np.float32)


def _check(path: Path, color: F32, depth_m: F32) -> None:
    if depth_m.ndim != 2 or color.shape[:2] != depth_m.shape:
        raise _bad(path, f"color is {list(color.shape)} and depth {list(depth_m.shape)}", "Both are of one size.")
    if not LEAST_PX <= min(depth_m.shape) <= max(depth_m.shape) <= MOST_PX:
        raise _bad(
            path, f"it has {depth_m.shape[1]}x{depth_m.shape[0]} pixels", f"From {LEAST_PX} to {MOST_PX} a side."
        )
    solid = np.isfinite(depth_m)
    if solid.mean() < 0.05 or float(np.ptp(1.0 / depth_m)) < 1e-6:
        raise _bad(path, "its depth says nothing: it is empty, or the same everywhere", "Give depth in metres.")


def _plane(path: Path, name: PlaneName, plane: NDArray[Any], depth_m: F32) -> NDArray[Any]:
    channels = PLANES[name]
    shown = plane[..., :channels] if plane.ndim == 3 else plane
    if shown.shape != (*depth_m.shape, channels)[: 2 + (channels > 1)]:
        raise _bad(path, f"its {name} has the shape {list(plane.shape)}", "All planes are of one size.")
    kind = {PlaneName.OBJECT: np.uint32, PlaneName.LABEL: np.uint8}.get(name, np.float32)
    return np.asarray(np.nan_to_num(shown), kind)


def _tangents(path: Path, planes: dict[str, NDArray[Any]], depth_m: F32, fov_deg: float) -> tuple[float, float]:
    if "projection" in planes:
        matrix = np.asarray(planes["projection"], np.float64).ravel()
        if matrix.size != 16 or not (matrix[0] > 0.0 and matrix[5] > 0.0 and np.isfinite(matrix).all()):
            raise _bad(path, "its projection is none", "It is clip_from_view, 16 numbers, row-major.")
        return float(1.0 / matrix[0]), float(1.0 / matrix[5])
    up = math.tan(math.radians(fov_deg) / 2.0)
    return up * depth_m.shape[1] / depth_m.shape[0], up


def _pose(path: Path, planes: dict[str, NDArray[Any]]) -> Pose:
    position = np.asarray(planes.get("position_m", (0.0, EYE_M, 0.0)), np.float64).ravel()
    turn = np.asarray(planes.get("orientation", (0.0, 0.0, 0.0, 1.0)), np.float64).ravel()
    if position.size != 3 or turn.size != 4 or not np.isfinite([*position, *turn]).all() or not np.abs(turn).any():
        raise _bad(path, "its pose is none", "position_m is 3 numbers, orientation a quaternion x,y,z,w.")
    x, y, z, w = (float(v) for v in turn / np.linalg.norm(turn))
    return Pose(position_m=(float(position[0]), float(position[1]), float(position[2])), orientation=(x, y, z, w))


def _bad(path: Path, what: str, fix: str) -> InvalidValue:
    return InvalidValue(f"{path.name} cannot be explored: {what}", fix=fix)
