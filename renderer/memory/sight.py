"""What the memory sees of a frame: its geometry, what is where, and the engine's own light on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from bridge.errors import NotSupported
from bridge.poses import pose_matrix
from bridge.reproject import View
from bridge.schema import Camera

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Singles = Callable[[NDArray[Any]], F32]
Lit = Callable[[NDArray[Any] | None, tuple[int, int]], F32]  # `lit_of`, or what does as it does

RED, GREEN, BLUE = (np.float32(share) for share in (0.2126, 0.7152, 0.0722))  # of luminance, Rec.709
MOST_PIXELS = 90_000  # of a view that is remembered: larger frames are seen through every n-th pixel
BRIGHTEST = 64.0  # scene-linear: what shines more is remembered as this


@dataclass(frozen=True)
class Sight:
    """One view, at the memory's resolution.

    `view.depth_m` [h, w] is finite and > 0, +inf in the sky, and 0 where the engine's value cannot be used.
    `view.objects` is there. `look` names the controls that the plate is made under; `now_ms` is the world's time.
    """

    view: View
    labels: NDArray[np.uint8]  # [h, w]
    lit: F32  # [h, w] square root of the engine's own luminance; NaN where it gives none
    look: int  # uint32
    now_ms: int


def stride_of(height: int, width: int) -> int:
    """Every how many pixels the memory looks."""
    stride = 1
    while -(-height // stride) * -(-width // stride) > MOST_PIXELS:
        stride += 1
    return stride


def thinned(camera: Camera, height: int, width: int, stride: int) -> Camera:
    """The camera of every `stride`-th row and column of its picture, from the first on.

    Pixel i of the thin picture is pixel i * stride of the whole one: its projection is stretched from the left and top
    edges, where the two pictures begin, and its pixels' centres lie (stride - 1) / (2 stride) further to the left.
    """
    if stride == 1:
        return camera
    p = np.array(camera.projection).reshape(4, 4)
    for row, side, towards in ((0, width, 1.0), (1, height, -1.0)):
        stretch = -(-side // stride) * stride / side
        p[row] = p[row] / stretch + towards * (1.0 / stretch - 1.0) * p[3]
    shift = 0.5 - 0.5 / stride
    jitter_px = (camera.jitter_px[0] / stride + shift, camera.jitter_px[1] / stride + shift)
    return replace(camera, projection=tuple(p.ravel().tolist()), jitter_px=jitter_px)


def pinhole(camera: Camera, height: int, width: int, origin_m: F64) -> tuple[F64, F64]:
    """Intrinsics [3, 3], whose pixel centres are whole numbers, and view_from_world [4, 4] of a camera that looks down
    +Z with y down, in a world that begins at `origin_m`. Raises NotSupported for a projection that is no perspective.
    """
    p = np.array(camera.projection, np.float64).reshape(4, 4)
    plain = p[0, 1] == p[1, 0] == p[0, 3] == p[1, 3] == p[3, 3] == 0.0 and p[3, 2] == -1.0
    if not plain or p[0, 0] <= 0.0 or p[1, 1] <= 0.0:
        raise NotSupported(
            "a projection that is not a plain perspective cannot be remembered",
            fix="Use a perspective camera, or serve without the long memory (`memory_mb = 0`).",
        )
    jitter_x, jitter_y = camera.jitter_px
    intrinsics = np.eye(3)
    intrinsics[0] = [p[0, 0] * width / 2.0, 0.0, (1.0 - p[0, 2]) * width / 2.0 + jitter_x - 0.5]
    intrinsics[1] = [0.0, p[1, 1] * height / 2.0, (1.0 + p[1, 2]) * height / 2.0 + jitter_y - 0.5]
    pose = camera.world_from_camera
    world_from_view = pose_matrix(np.array([*pose.position_m, *pose.orientation])) @ np.diag([1.0, -1.0, -1.0, 1.0])
    world_from_view[:3, 3] -= origin_m
    return intrinsics, np.asarray(np.linalg.inv(world_from_view), np.float64)


def points_m(camera: Camera, depth_m: F32, origin_m: F64) -> F64:
    """World points [h, w, 3] of the pixels at that depth, from `origin_m`."""
    height, width = depth_m.shape
    intrinsics, view_from_world = pinhole(camera, height, width, origin_m)
    x = (np.arange(width) - intrinsics[0, 2]) / intrinsics[0, 0]
    y = (np.arange(height) - intrinsics[1, 2]) / intrinsics[1, 1]
    ray = np.stack(np.broadcast_arrays(x[None, :], y[:, None], 1.0), axis=-1)
    world_from_view = np.linalg.inv(view_from_world)
    return np.asarray(ray * depth_m[..., None].astype(np.float64) @ world_from_view[:3, :3].T + world_from_view[:3, 3])


def usable_depth(depth_m: NDArray[Any]) -> F32:
    """The same in float32, 0 where it is NaN, 0 or less."""
    with np.errstate(invalid="ignore"):
        return np.where(depth_m > 0, depth_m, 0).astype(np.float32, copy=False)


def plain_singles(values: NDArray[Any]) -> F32:
    """A copy in single precision, by NumPy."""
    return np.array(values, np.float32, order="C")


def lit_of(color: NDArray[Any] | None, shape: tuple[int, int], singles: Singles = plain_singles) -> F32:
    """Square root of the luminance [h, w] (Rec.709) of the engine's own picture; NaN where there is none. `singles`
    copies halves to single precision."""
    if color is None:
        return np.full(shape, np.nan, np.float32)
    whole = singles(color)
    with np.errstate(invalid="ignore"):
        luminance: F32 = RED * whole[..., 0]
        luminance += GREEN * whole[..., 1]
        luminance += BLUE * whole[..., 2]
        np.minimum(np.maximum(luminance, 0, out=luminance), BRIGHTEST, out=luminance)
        np.sqrt(luminance, out=luminance)
    return luminance


def remembered(plate: NDArray[Any]) -> F32:
    """Plate colours [h, w, 3] as they are kept: square roots; 0 where they are not numbers."""
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.clip(np.nan_to_num(plate[..., :3].astype(np.float32), posinf=BRIGHTEST), 0.0, BRIGHTEST))
