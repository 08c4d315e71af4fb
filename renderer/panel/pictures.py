"""From planes to the pictures that a page shows: one function per view, then JPEG.

Display values are those of renderer/display.py, or of a view transform that is named; what is no light (depth, matte,
confidence) has a scale of its own, said at each function. Pictures are uint8 [H, W, 3].
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.composite import composite
from renderer.display import U8, display_rgba, on_checker
from renderer.panel.messages import LOOKED_AT, NEEDS, Picture, View

Planes = Mapping[str, NDArray[Any]]
Display = Callable[[NDArray[Any]], U8]  # scene-linear [H, W, 4] as 8-bit display values [H, W, 4]
QUALITY = 85  # of JPEG; measured by benchmarks/panel.py beside WebP, which takes several times as long
DIFFERENCE_GAIN = 2  # so that a few levels are seen
NEAR_M, FAR_M = 0.5, 200.0  # of the depth scale's ends
# Near is light and warm, far dark and blue; where there is no geometry it is black.
DEPTH_STOPS = ((253, 231, 190), (240, 160, 104), (186, 84, 98), (98, 50, 110), (32, 28, 72))


def planes_of(picture: Picture, tail: bytes) -> dict[str, NDArray[Any]]:
    """Read-only views of `tail`."""
    planes, at = {}, 0
    for plane in picture.planes:
        dtype = np.dtype(plane.dtype)
        count = math.prod(plane.shape)
        planes[plane.name] = np.frombuffer(tail, dtype, count, at).reshape(plane.shape)
        at += count * dtype.itemsize
    return planes


def engine(planes: Planes, display: Display = display_rgba) -> U8:
    return display(planes["color"])[..., :3]


def plate(planes: Planes, display: Display = display_rgba) -> U8:
    """Over dark squares where the pixel is the engine's."""
    return on_checker(display(planes["plate"]))


def composed(planes: Planes, display: Display = display_rgba) -> U8:
    return display(composite(planes["color"], planes["plate"]))[..., :3]


def depth(planes: Planes, _: Display = display_rgba) -> U8:
    """By the logarithm of the distance, from NEAR_M to FAR_M."""
    depth_m = planes["depth"]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(depth_m / NEAR_M) / np.log(FAR_M / NEAR_M)
    level = np.clip(np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0) * 255.0, 0.0, 255.0).astype(np.uint8)
    out = _depth_colors()[level]
    out[~np.isfinite(depth_m)] = 0
    return np.asarray(out, np.uint8)


def matte(planes: Planes, _: Display = display_rgba) -> U8:
    """White is the plate's, black the engine's."""
    return _grey(planes["plate"][..., 3].astype(np.float32))


def confidence(planes: Planes, _: Display = display_rgba) -> U8:
    """White is trusted whole, black not at all."""
    return _grey(planes["confidence"].astype(np.float32))


def difference(planes: Planes, display: Display = display_rgba) -> U8:
    """Between the composite and the engine's picture as both are shown, times DIFFERENCE_GAIN."""
    apart = (
        np.abs(composed(planes, display).astype(np.int16) - engine(planes, display).astype(np.int16)) * DIFFERENCE_GAIN
    )
    return np.asarray(np.minimum(apart, 255), np.uint8)


DRAW: dict[View, Callable[[Planes, Display], U8]] = {
    View.ENGINE: engine,
    View.PLATE: plate,
    View.COMPOSITE: composed,
    View.DEPTH: depth,
    View.MATTE: matte,
    View.CONFIDENCE: confidence,
    View.DIFFERENCE: difference,
}


def encode(picture: U8) -> bytes:
    """JPEG with whole colour: edges between engine and plate are what one looks for."""
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=QUALITY, subsampling=0)
    return out.getvalue()


def display_of(transform: str) -> Display:
    """OpenColorIO's view transform of that name on an sRGB display, through its baked table; "" is the renderer's own
    tone map. Raises ConfigError for a name that there is not, MissingDependency."""
    if not transform:
        return display_rgba
    from renderer.exports.color import STILLS, View as Transform

    view = Transform(STILLS, transform)

    def display(linear: NDArray[Any]) -> U8:
        out = np.empty(linear.shape, np.uint8)
        out[..., :3] = view.baked(linear[..., :3]) * 255.0 + 0.5
        out[..., 3] = np.clip(linear[..., 3].astype(np.float32) * 255.0 + 0.5, 0.0, 255.0)
        return out

    return display


def for_page(picture: Picture, planes: Planes, views: Sequence[View], display: Display = display_rgba) -> bytes:
    """What a page is sent: the length of a JSON head (uint32, little-endian), the head, the JPEG of each view. A view
    whose planes the frame lacks is left out of `views`."""
    there = [view for view in views if all(name in planes for name in NEEDS[view])]
    images = [encode(DRAW[view](planes, display)) for view in there]
    head = msgspec.json.encode(
        {
            "session": picture.session, "stream": picture.stream, "frame": picture.frame,
            "capture_ms": picture.capture_ns / 1e6, "width": picture.width, "height": picture.height,
            "disposition": picture.disposition, "views": there, "sizes": [len(image) for image in images],
        }
    )  # fmt: skip
    return b"".join([struct.pack("<I", len(head)), head, *images])


def look(planes: Planes, x: float, y: float) -> dict[str, float | int | None]:
    """Object id, label and depth (metres; None: no geometry) at a place, 0..1 from the left and from the top."""
    found: dict[str, float | int | None] = {}
    for name in LOOKED_AT:
        plane = planes.get(name)
        if plane is not None:
            height, width = plane.shape[:2]
            value = plane[min(int(y * height), height - 1), min(int(x * width), width - 1)]
            if name == "depth":
                found["depth_m"] = float(value) if np.isfinite(value) else None
            else:
                found[name] = int(value)
    return found


def _grey(share: NDArray[np.float32]) -> U8:
    level = np.clip(np.nan_to_num(share) * 255.0 + 0.5, 0.0, 255.0).astype(np.uint8)
    return np.repeat(level[..., None], 3, axis=2)


def _depth_colors() -> U8:
    places = np.linspace(0.0, 255.0, len(DEPTH_STOPS))
    channels = [np.interp(np.arange(256), places, [stop[c] for stop in DEPTH_STOPS]) for c in range(3)]
    return np.stack(channels, axis=1).astype(np.uint8)
