"""Frames as a manifest's tensors, and answers as plates: what `condition.py` computes, fast.

An encoder belongs to one model and is used from its thread. The arrays that it hands out are its own, and written anew
at each frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency

try:
    from renderer.adapters import condition_kernels as kernels
except ImportError as error:
    raise MissingDependency(
        f"models from folders need numba: {error}", fix='Install it with `pip install "worldplate[torch]"`.'
    ) from error

from bridge.planes import PlaneViews
from bridge.schema import Camera
from renderer.adapters.condition import (
    F32,
    NONE,
    Span,
    channels_of,
    finished,
    is_missing,
    light_coded,
    light_decoded,
    normal_matrix,
    span_of,
)
from renderer.adapters.manifest import (
    DepthCoding,
    DepthCurve,
    Manifest,
    Map,
    Missing,
    OutputCoding,
    Range,
    Source,
    Tone,
    Transfer,
)

U16 = NDArray[np.uint16]
LIGHT = frozenset({Source.COLOR, Source.ALBEDO, Source.ROUGHNESS, Source.METALLIC})


class Encoder:
    """Some 4 bytes per pixel and channel, and 256 kB for each map of light."""

    def __init__(self, manifest: Manifest) -> None:
        """Compiles what it needs, or loads it from the disk's cache, which takes seconds once on a machine."""
        self.manifest = manifest
        self.tensors: dict[str, tuple[Map, ...]] = {}
        for map_ in manifest.maps:
            self.tensors[map_.into] = (*self.tensors.get(map_.into, ()), map_)
        self._tables = {map_: _table(map_, manifest) for map_ in manifest.maps if map_.source in LIGHT}
        self._answers = _light_of(manifest.output)
        self._out: dict[str, F32] = {}
        warm_up()

    def encode(self, planes: PlaneViews, camera: Camera, before: Span | None,
               made: Mapping[Source, F32] = NONE) -> tuple[dict[str, F32], Span]:  # fmt: skip
        """The tensors [C, H, W] at the planes' size, by name, and the span of depths for the next frame. `made` holds
        maps, 0..1 [H, W], that no plane is read for. Raises MissingPlane for a plane that may not be missing."""
        shape = next(iter(planes.values())).shape[:2]
        depth_m = planes.get(Source.DEPTH.plane)
        coding = self.manifest.depth
        span = before or Span(coding.near_m, coding.far_m)
        if depth_m is not None:
            span = span_of(depth_m, coding, before)
        tensors: dict[str, F32] = {}
        for name, maps in self.tensors.items():
            out = tensors[name] = self._array(name, (channels_of(maps), *shape))
            first = 0
            for map_ in maps:
                rows = out[first : first + map_.channels].reshape(map_.channels, -1)
                known = self._fill(map_, planes, camera, span, made, rows)
                first += map_.channels
                if map_.missing is Missing.MASK:
                    out[first] = known
                    first += 1
        return tensors, span

    def into_plate(self, answer: F32, plate: NDArray[np.float16]) -> None:
        """Write an answer [3, H, W] at the plate's size as the plate [H, W, 4]: scene-linear, alpha 1."""
        signed = self.manifest.output.range is Range.SIGNED
        half = np.float32(0.5 if signed else 0.0)
        gain = np.float32(0.5 if signed else 1.0)
        kernels.into_plate(np.ascontiguousarray(answer, np.float32), gain, half, self._answers, plate.view(np.uint16))

    def _array(self, name: str, shape: tuple[int, ...]) -> F32:
        if name not in self._out or self._out[name].shape != shape:
            self._out[name] = np.zeros(shape, np.float32)
        return self._out[name]

    def _fill(self, map_: Map, planes: PlaneViews, camera: Camera, span: Span, made: Mapping[Source, F32],
              rows: F32) -> bool:  # fmt: skip
        """One map into rows [channels, H * W]; False when its plane is missing."""
        if map_.source in made:
            rows[:] = finished(made[map_.source].reshape(1, -1), map_)
            return True
        if is_missing(map_, planes):
            rows[:] = -1.0 if map_.range is Range.SIGNED else 0.0
            return False
        plane = np.ascontiguousarray(planes[map_.source.plane])
        if map_.source is Source.DEPTH:
            self._depth(map_, plane, span, rows)
        elif map_.source is Source.NORMAL:
            self._normal(map_, plane, camera, rows)
        else:
            self._light(map_, plane, rows)
        return True

    def _light(self, map_: Map, plane: NDArray[Any], rows: F32) -> None:
        grey = map_.source in (Source.ROUGHNESS, Source.METALLIC)
        first = int(map_.source is Source.METALLIC)
        pixels, table = plane.reshape(-1, plane.shape[-1]), self._tables[map_]
        if plane.dtype != np.float16:
            for channel in range(1 if grey else 3):
                kernels.look_up_single(pixels, first + channel, table, rows[channel])
        elif grey:
            kernels.look_up_half(pixels.view(np.uint16), first, table, rows[0])
        else:
            kernels.look_up_halves(pixels.view(np.uint16), table, *rows)
        if grey:
            rows[1:] = rows[0]

    def _depth(self, map_: Map, plane: NDArray[Any], span: Span, rows: F32) -> None:
        coding, values = self.manifest.depth, np.ascontiguousarray(plane, np.float32).ravel()
        a, b, sky = _line(coding, span)
        if coding.curve is DepthCurve.LOG:
            kernels.logarithms(values, a, b, sky, rows[0])
        else:
            kernels.depths(values, coding.curve is DepthCurve.INVERSE, a, b, sky, rows[0])
        kernels.finish(rows[0], map_.eight_bit, *_stretch(map_))
        rows[1:] = rows[0]

    def _normal(self, map_: Map, plane: NDArray[Any], camera: Camera, rows: F32) -> None:
        coding, pixels = self.manifest.normal, plane.reshape(-1, plane.shape[-1])
        if plane.dtype == np.float16:
            kernels.vectors_of_halves(pixels.view(np.uint16), *rows)
        else:
            kernels.vectors_of_singles(pixels, *rows)
        matrix = np.ascontiguousarray(normal_matrix(camera, coding).ravel(), np.float32)
        kernels.turn(rows[0], rows[1], rows[2], matrix, np.array(coding.sky, np.float32))
        for row in rows:
            kernels.finish(row, map_.eight_bit, *_stretch(map_))


def _stretch(map_: Map) -> tuple[np.float32, np.float32]:
    """Gain and offset from 0..1 to the network's range."""
    return (np.float32(2.0), np.float32(-1.0)) if map_.range is Range.SIGNED else (np.float32(1.0), np.float32(0.0))


def _line(coding: DepthCoding, span: Span) -> tuple[np.float32, np.float32, np.float32]:
    """a, b and the sky's value, for x = a * g(z) + b where g(z) is 1/z, log z or z."""
    near, far = span.near_m, span.far_m
    if coding.curve is DepthCurve.INVERSE:
        a, end = 1.0 / (1.0 / near - 1.0 / far), 0.0
        b = -a / far
    elif coding.curve is DepthCurve.LOG:
        a, end = 1.0 / math.log(far / near), 1.0
        b = -a * math.log(near)
    else:
        a, end = 1.0 / (far - near), 1.0
        b = -a * near
    if coding.invert:
        a, b, end = -a, 1.0 - b, 1.0 - end
    return np.float32(a), np.float32(b), np.float32(end if coding.sky is None else coding.sky)


def _table(map_: Map, manifest: Manifest) -> F32:
    """A map's value for each half float, by its bits."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    gain, tone, transfer = 1.0, Tone.CLIP, Transfer.LINEAR
    if map_.source is Source.COLOR:
        gain, tone, transfer = 2.0**manifest.color.exposure_ev, manifest.color.tone, manifest.color.transfer
    if map_.source is Source.ALBEDO:
        transfer = manifest.albedo.transfer
    with np.errstate(invalid="ignore"):
        linear = halves.astype(np.float32)
    return np.ascontiguousarray(finished(light_coded(linear, gain, tone, transfer), map_), np.float32)


def _light_of(coding: OutputCoding) -> U16:
    """The half floats, as bits, of answers 0..1 in STEPS steps."""
    unit = np.linspace(0.0, 1.0, kernels.STEPS + 1, dtype=np.float32)
    return light_decoded(unit, coding).astype(np.float16).view(np.uint16)


@cache
def warm_up() -> None:
    """Compile every kernel for both kinds of float, or load it from where it was kept."""
    halves, singles, depth = np.zeros((1, 4), np.uint16), np.zeros((1, 4), np.float32), np.ones(1, np.float32)
    table, one, nine = np.zeros(1 << 16, np.float32), np.float32(2.0), np.ones(9, np.float32)
    rows = np.zeros((3, 1), np.float32)
    for plane in (halves, singles, depth):
        plane.flags.writeable = False  # as an engine's are
    kernels.look_up_halves(halves, table, *rows)
    kernels.look_up_half(halves, 0, table, rows[0])
    kernels.look_up_single(singles, 0, table, rows[0])
    kernels.depths(depth, True, one, one, one, rows[0])
    kernels.logarithms(depth, one, one, one, rows[0])
    kernels.vectors_of_halves(halves, *rows)
    kernels.vectors_of_singles(singles, *rows)
    kernels.turn(rows[0], rows[1], rows[2], nine, nine[:3])
    kernels.finish(rows[0], True, one, one)
    kernels.into_plate(np.zeros((3, 1, 1), np.float32), one, one, np.zeros(kernels.STEPS + 1, np.uint16),
                       np.zeros((1, 1, 4), np.uint16))  # fmt: skip
