"""What the memory keeps: sizes of its cells, what is known of each, and the check of arrays that claim to be one.

Knows no Open3D, so that the renderer can check a snapshot without it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import InvalidValue

VOXEL_M = 0.05
SIDE = 8  # voxels along a block's edge
VOXELS = SIDE**3
FARTHEST_M = 12.0  # of what goes into the grid: beyond it a pixel is wider than a voxel, and patches do
BAND_VOXELS = 3.0  # of the grid on either side of a surface
TOUCH_VOXELS = (
    SIDE + 2.0
)  # on either side of a surface there are blocks: a ray that meets none leaps over a block's width
BODY_CELL_M = 0.04
FAR_CELL_M = 0.25
SKY_CELL = 0.01  # of a unit direction

ATTRIBUTES: dict[str, tuple[str, int]] = {  # of a voxel: type, channels; Open3D knows the first three
    "tsdf": ("float32", 1), "weight": ("float32", 1), "color": ("float32", 3),
    "lit": ("float32", 1),  # square root of the engine's own luminance
    "stamp": ("uint32", 1),  # the world's time when it was seen last, ms
    "thing": ("uint32", 1),  # see `grid.things`
    "look": ("uint32", 1),
}  # fmt: skip
BLOCK_BYTES = VOXELS * sum(np.dtype(kind).itemsize * channels for kind, channels in ATTRIBUTES.values())
PATCH = np.dtype([
    ("key", "<u8"), ("object", "<u4"), ("label", "u1"), ("of_body", "?"), ("weight", "<f4"), ("color", "<f4", 3),
    ("lit", "<f4"), ("stamp", "<u4"), ("look", "<u4"),
])  # fmt: skip
SAVED: dict[str, tuple[Any, tuple[int | None, ...]]] = {  # name: type, shape; None is any length
    "grid.blocks": (np.int32, (None, 3)),
    "grid.held": (np.uint8, (None, VOXELS // 8)),
    "grid.origin_m": (np.float64, (3,)),
    "grid.voxel_m": (np.float64, (1,)),
    **{f"grid.{name}": (np.dtype(kind), (None, channels)) for name, (kind, channels) in ATTRIBUTES.items()},
    "patches": (PATCH, (None,)),
    "bodies": (np.uint32, (None,)),
    "now_ms": (np.int64, (1,)),
}


def check(arrays: dict[str, NDArray[Any]]) -> None:
    """Raises InvalidValue, naming the array, when these are not what `WorldMemory.save` gives."""
    if arrays.keys() != SAVED.keys():
        odd = sorted(arrays.keys() ^ SAVED.keys())[0]
        raise _wrong(odd, "missing" if odd in SAVED else "not one of them")
    for name, (kind, shape) in SAVED.items():
        array = arrays[name]
        fits = len(array.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        if array.dtype != kind or not fits:
            raise _wrong(name, f"{array.dtype}{list(array.shape)}")
    blocks, keys = arrays["grid.blocks"], arrays["patches"]["key"]
    if len(arrays["grid.held"]) != len(blocks) or len(np.unique(blocks, axis=0)) != len(blocks):
        raise _wrong("grid.blocks", "not one row per block")
    held = int(np.unpackbits(arrays["grid.held"]).sum())
    for name in ATTRIBUTES:
        if len(arrays[f"grid.{name}"]) != held:
            raise _wrong(f"grid.{name}", f"{len(arrays[f'grid.{name}'])} values for {held} voxels")
    if not (keys[1:] > keys[:-1]).all():
        raise _wrong("patches", "not in order")
    if not (arrays["grid.voxel_m"][0] == VOXEL_M and np.isfinite(arrays["grid.origin_m"]).all()):
        raise _wrong("grid.voxel_m", f"{arrays['grid.voxel_m'][0]} m, where this version has {VOXEL_M}")


def _wrong(name: str, what: str) -> InvalidValue:
    return InvalidValue(
        f"the array '{name}' of a world's memory is {what}", fix="Use a snapshot that this version of worldplate made."
    )
