"""Our planes in the encodings that a manifest names, and a network's answer as a plate.

This is the plain way, in NumPy, which the fast one of `encoder.py` is held to. Maps are made in 0..1 at the engine's
size, and stretched to the network's range last; `fitting.py` changes sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingPlane
from bridge.planes import PlaneViews
from bridge.poses import matrix_of
from bridge.schema import Camera, PlaneName
from renderer.adapters.manifest import (
    DepthCoding,
    DepthCurve,
    Manifest,
    Map,
    Missing,
    NormalCoding,
    OutputCoding,
    Range,
    Source,
    Space,
    Tone,
    Transfer,
)

F32 = NDArray[np.float32]
BRIGHTEST = 50.0  # of a plate, where a curve that never ends is undone
EVERY = 8  # rows and columns between the depths whose shares are counted
LEAST_SPAN = 1.05  # of far over near
NO_NORMAL = 0.01, 4.0  # squared lengths below and above which there is no normal, so no geometry
NONE: Mapping[Source, F32] = {}


@dataclass(frozen=True)
class Span:
    """The depths, metres, that a stream's depth maps run between. With percentiles it moves slowly from frame to frame;
    whoever keeps a stream's state keeps it, and gives it up at a reset."""

    near_m: float
    far_m: float


def span_of(depth_m: NDArray[np.floating], coding: DepthCoding, before: Span | None) -> Span:
    """The span for a frame [H, W] after `before`: fixed, or percentiles smoothed in 1/z, where steps look equal."""
    last = before or Span(coding.near_m, coding.far_m)
    if coding.percentiles is None:
        return Span(coding.near_m, coding.far_m)
    some = np.asarray(depth_m[::EVERY, ::EVERY], np.float32)
    some = some[(some > 0.0) & np.isfinite(some)]
    if some.size == 0:
        return last
    near_m, far_m = (float(z) for z in np.quantile(some, coding.percentiles))
    kept = 0.0 if before is None else coding.smoothing
    near_m, far_m = (1.0 / (kept / a + (1.0 - kept) / b) for a, b in ((last.near_m, near_m), (last.far_m, far_m)))
    return Span(near_m, max(far_m, near_m * LEAST_SPAN))


def planes_of(manifest: Manifest) -> tuple[frozenset[PlaneName], frozenset[PlaneName]]:
    """The planes that a model needs, and those that it can do without."""
    needs = {map_.source.plane for map_ in manifest.maps if map_.missing is Missing.REFUSE}
    return frozenset(needs), frozenset(map_.source.plane for map_ in manifest.maps) - needs


def channels_of(maps: tuple[Map, ...]) -> int:
    """Of a tensor that these maps are stacked into."""
    return sum(map_.channels + (map_.missing is Missing.MASK) for map_ in maps)


def srgb_from_linear(linear: F32) -> F32:
    """IEC 61966-2-1, of 0..1."""
    power = 1.055 * np.maximum(linear, 0.0031308) ** (1.0 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, power), np.float32)


def linear_from_srgb(coded: F32) -> F32:
    """The inverse of `srgb_from_linear`."""
    return np.asarray(np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4), np.float32)


def light_coded(linear: NDArray[np.floating], gain: float, tone: Tone, transfer: Transfer) -> F32:
    """Linear light times `gain` as 0..1; what is negative or no number is 0."""
    light = np.clip(np.nan_to_num(np.asarray(linear, np.float32), nan=0.0), 0.0, None).astype(np.float64) * gain
    shown = np.asarray(np.minimum(light, 1.0) if tone is Tone.CLIP else light / (1.0 + light), np.float32)
    return srgb_from_linear(shown) if transfer is Transfer.SRGB else shown


def light_decoded(coded: F32, coding: OutputCoding) -> F32:
    """The inverse of `light_coded`, of 0..1: scene-linear up to BRIGHTEST before the exposure."""
    shown = linear_from_srgb(coded) if coding.transfer is Transfer.SRGB else coded
    if coding.tone is Tone.REINHARD:
        shown = shown / np.maximum(1.0 - shown, 1.0 / (1.0 + BRIGHTEST))
    return np.asarray(np.clip(shown, 0.0, BRIGHTEST) * 2.0**-coding.exposure_ev, np.float32)


def depth_coded(depth_m: F32, span: Span, coding: DepthCoding) -> F32:
    """View-space Z [H, W] as 0..1; what is not in front of the camera, or no number, is sky."""
    solid = (depth_m > 0.0) & np.isfinite(depth_m)
    z, near, far = np.where(solid, depth_m, 1.0).astype(np.float64), span.near_m, span.far_m
    if coding.curve is DepthCurve.INVERSE:
        x, end = (1.0 / z - 1.0 / far) / (1.0 / near - 1.0 / far), 0.0
    elif coding.curve is DepthCurve.LOG:
        x, end = np.log(z / near) / math.log(far / near), 1.0
    else:
        x, end = (z - near) / (far - near), 1.0
    x = np.clip(np.where(solid, x, end), 0.0, 1.0)
    x = 1.0 - x if coding.invert else x
    return np.asarray(x if coding.sky is None else np.where(solid, x, coding.sky), np.float32)


def normal_matrix(camera: Camera, coding: NormalCoding) -> NDArray[np.float64]:
    """The matrix [3, 3] that makes a world normal into the map's, before it is moved to 0..1."""
    axes = np.zeros((3, 3))
    for row in range(3):
        axes[row, "xyz".index(coding.axes[2 * row + 1])] = 1.0 if coding.axes[2 * row] == "+" else -1.0
    if coding.space is Space.WORLD:
        return axes
    return np.asarray(axes @ matrix_of(camera.world_from_camera)[:3, :3].T)


def normal_coded(normal: F32, camera: Camera, coding: NormalCoding) -> F32:
    """World normals [H, W, 3] as 0..1 [H, W, 3]."""
    with np.errstate(invalid="ignore", over="ignore"):
        squared = (normal**2).sum(axis=-1)
    solid = (squared >= NO_NORMAL[0]) & (squared <= NO_NORMAL[1])
    turned = np.where(solid[..., None], normal, 0.0) @ normal_matrix(camera, coding).T
    unit = np.clip(turned * 0.5 + 0.5, 0.0, 1.0)
    return np.asarray(np.where(solid[..., None], unit, np.array(coding.sky)), np.float32)


def finished(unit: F32, map_: Map) -> F32:
    """0..1 as the network takes it."""
    if map_.eight_bit:
        unit = np.floor(unit * np.float32(255.0) + np.float32(0.5)) / np.float32(255.0)
    return unit * np.float32(2.0) - np.float32(1.0) if map_.range is Range.SIGNED else unit


def encoded(maps: tuple[Map, ...], planes: PlaneViews, camera: Camera, manifest: Manifest, span: Span,
            made: Mapping[Source, F32] = NONE) -> F32:  # fmt: skip
    """The tensor [C, H, W] of these maps. `made` holds maps, 0..1 [H, W], that no plane is read for.

    Raises MissingPlane for a plane that may not be missing.
    """
    height, width = next(iter(planes.values())).shape[:2]
    parts: list[F32] = []
    for map_ in maps:
        unit = _unit(map_, planes, camera, manifest, span, made)
        known = np.zeros((height, width, 1), np.float32) if unit is None else np.asarray(unit, np.float32)
        parts.append(np.broadcast_to(finished(known, map_), (height, width, map_.channels)))
        if map_.missing is Missing.MASK:
            parts.append(np.full((height, width, 1), unit is not None, np.float32))
    return np.ascontiguousarray(np.concatenate(parts, axis=-1).transpose(2, 0, 1))


def _unit(map_: Map, planes: PlaneViews, camera: Camera, manifest: Manifest, span: Span,
          made: Mapping[Source, F32]) -> F32 | None:  # fmt: skip
    """One map in 0..1, [H, W, 1] or [H, W, 3]; None when its plane is missing."""
    source = map_.source
    if source in made:
        return made[source][..., None]
    if is_missing(map_, planes):
        return None
    plane = np.asarray(planes[source.plane], np.float32)
    if source is Source.COLOR:
        color = manifest.color
        return light_coded(plane[..., :3], 2.0**color.exposure_ev, color.tone, color.transfer)
    if source is Source.ALBEDO:
        return light_coded(plane[..., :3], 1.0, Tone.CLIP, manifest.albedo.transfer)
    if source is Source.DEPTH:
        return depth_coded(plane, span, manifest.depth)[..., None]
    if source is Source.NORMAL:
        return normal_coded(plane[..., :3], camera, manifest.normal)
    return light_coded(plane[..., [int(source is Source.METALLIC)]], 1.0, Tone.CLIP, Transfer.LINEAR)


def is_missing(map_: Map, planes: PlaneViews) -> bool:
    """Whether a map has nothing to be made of. Raises MissingPlane when it must have."""
    if map_.source is not Source.IRRADIANCE and map_.source.plane in planes:
        return False
    if map_.missing is Missing.REFUSE:
        raise MissingPlane(
            f"the model's map `{map_.source}` needs the plane `{map_.source.plane}`, which the engine does not send",
            fix='Have the engine send it, or let the manifest say `missing = "zero"` for that map.',
        )
    return True


def decoded(answer: F32, coding: OutputCoding) -> F32:
    """A network's answer [3, H, W] as scene-linear [H, W, 3]."""
    unit = answer * np.float32(0.5) + np.float32(0.5) if coding.range is Range.SIGNED else answer
    return light_decoded(np.clip(np.nan_to_num(unit, nan=0.0), 0.0, 1.0).transpose(1, 2, 0), coding)
