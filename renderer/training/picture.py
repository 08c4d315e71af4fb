"""The truth: a finished picture of a blockout in a weather, from surfaces, the light that reaches them, and the air."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.compiled import kernel
from renderer.models.limn.heaven import sky_seen
from renderer.models.limn.surface import Surfaces, paint
from renderer.models.limn.weather import Sky, Weather
from renderer.training.shot import Seen, View, seen
from renderer.training.tracer import F32, Arriving, Points, Tracer, lamp_power, lamps_of
from renderer.training.worlds.kit import Blockout
from renderer.training.worlds.moment import Poses, Things

SPLIT = 2  # surfaces per pixel and side: edges and textures are antialiased by a box of 2x2
WORTH_A_MIRROR = 0.012  # reflectance below which no reflected path is traced
BRIGHTEST = 60.0  # scene-linear, in the finished picture
KEEN, EASY = 2.5, 0.4  # how much the denoiser minds differing values: shadows of the sun are sharp, the rest soft
INDOORS_M = 9.0  # within a room the air is clear this far
REACH = 2  # of the denoiser, in pixels at each of its two scales


@dataclass(frozen=True)
class Painter:
    """Makes truth of one blockout. `samples` are paths per surface, SPLIT^2 times as many per pixel."""

    blockout: Blockout
    things: Things
    weather: Weather
    sky: Sky
    samples: int
    denoise: bool = True

    def picture(self, view: View, tracer: Tracer, poses: Poses, seed: int) -> F32:
        """Scene-linear [H, W, 3], float32."""
        direction, _ = view.rays(SPLIT)
        hit = seen(tracer, self.things, poses, view.frame[0], direction)
        solid = np.flatnonzero(hit.solid)
        radiance = sky_seen(direction, self.sky, self.blockout.world.seed)
        if len(solid):
            radiance[solid] = self._surfaces(view, tracer, poses, hit, direction, solid, seed)
        self._lamps_in_fog(view, hit, direction, radiance)
        rows = np.minimum(radiance, BRIGHTEST).reshape(view.height, SPLIT, view.width, SPLIT, 3)
        return np.asarray(rows.mean(axis=(1, 3)), np.float32)

    def _surfaces(self, view: View, tracer: Tracer, poses: Poses, hit: Seen, direction: F32, solid: NDArray[np.int64],
                  seed: int) -> F32:  # fmt: skip
        surface = self._paint(view, tracer, poses, hit, direction, solid)
        normal = self._in_world(poses, hit, solid, surface.normal)
        toward_eye = -direction[solid]
        facing = np.maximum((normal * toward_eye).sum(axis=1), 0.02)
        mirror = _fresnel(surface, facing)
        strength = mirror.mean(axis=1)
        row, column = np.divmod(solid, view.width * SPLIT)
        points = Points(
            hit.position_m[solid], hit.face_normal[solid], normal, toward_eye, surface.roughness,
            np.where(strength > WORTH_A_MIRROR, strength, 0.0).astype(np.float32),
            ((row // SPLIT) * view.width + column // SPLIT).astype(np.uint32),
            (row % SPLIT * SPLIT + column % SPLIT).astype(np.uint32),
        )  # fmt: skip
        arriving = tracer.light(points, self.samples, seed)
        if self.denoise:
            arriving = self._denoised(view, hit, solid, normal, surface.roughness, arriving)
        shines = self.things.shines[hit.thing[solid]] * lamp_power(self.blockout, self.weather)
        lit = surface.albedo * (1.0 - mirror) * (arriving.sun + arriving.rest) + mirror * arriving.mirrored + shines
        return self._through_air(hit.distance_m[solid], direction[solid], lit)

    def _paint(self, view: View, tracer: Tracer, poses: Poses, hit: Seen, direction: F32,
               solid: NDArray[np.int64]) -> Surfaces:  # fmt: skip
        thing = hit.thing[solid]
        moves = self.things.moves[thing][:, None]
        up = np.where(moves, poses.rotation[thing][:, 1, :], np.array([0.0, 1.0, 0.0])).astype(np.float32)
        face = hit.face_normal[solid]
        slant = np.clip(1.0 / np.maximum(np.abs((hit.normal[solid] * direction[solid]).sum(axis=1)), 0.5), 1.0, 2.0)
        footprint = hit.distance_m[solid] * (2.0 * view.tan_y / (view.height * SPLIT)) * slant
        outdoors = self.weather.wetness + self.weather.snow + self.weather.autumn > 0.0
        start = hit.position_m[solid] + face * 0.01
        above = np.array([0.08, 1.0, 0.06], np.float32) / np.float32(math.sqrt(1.01))
        covered = tracer.blocked(start, above) if outdoors else np.zeros(len(solid), np.bool_)
        return paint(
            np.where(moves, hit.local_m[solid], hit.position_m[solid]).astype(np.float32),
            np.where(moves, hit.local_normal[solid], hit.normal[solid]).astype(np.float32),
            up, self.things.label[thing], self.things.albedo[thing], self.things.material[thing],
            footprint.astype(np.float32), ~covered, self.blockout.world.seed, self.weather,
        )  # fmt: skip

    def _in_world(self, poses: Poses, hit: Seen, solid: NDArray[np.int64], normal: F32) -> F32:
        """Relief of moving things back into the world; never facing away from the eye's side of the triangle."""
        thing = hit.thing[solid]
        turned = np.einsum("nij,nj->ni", poses.rotation[thing], normal).astype(np.float32)
        return np.where(self.things.moves[thing][:, None], turned, normal).astype(np.float32)

    def _denoised(self, view: View, hit: Seen, solid: NDArray[np.int64], normal: F32, roughness: F32,
                  arriving: Arriving) -> Arriving:  # fmt: skip
        shape = (view.height * SPLIT, view.width * SPLIT)
        place = np.full(shape, -1, np.int32)
        place.ravel()[solid] = np.arange(len(solid), dtype=np.int32)
        pixel_m = 2.0 * view.tan_y / (view.height * SPLIT)
        guide = (hit.face_normal[solid], normal, hit.position_m[solid], hit.distance_m[solid])
        thing, whole = hit.thing[solid], np.ones(len(solid), np.float32)
        sun = smoothed(place, *guide, arriving.sun, whole, 1, pixel_m, KEEN)
        rest = despeckled(place, guide[0], thing, arriving.rest)
        for stride in (1, 2, 4) if self.blockout.inside is not None else (1, 2):
            rest = smoothed(place, *guide, rest, whole, stride, pixel_m, EASY)
        shown = arriving.mirrored
        if bool((shown > 0.0).any()):
            shown = despeckled(place, guide[0], thing, shown)
            for stride in (1, 2):
                share = np.clip(roughness * 2.0 - 0.3, 0.0, 1.0)
                shown = smoothed(place, *guide, shown, share, stride, pixel_m, KEEN)
        return Arriving(sun, rest, shown)

    def _through_air(self, distance_m: F32, direction: F32, radiance: F32) -> F32:
        outside = np.maximum(distance_m - INDOORS_M, 0.0) if self.blockout.inside is not None else distance_m
        clear = np.exp(-self.sky.fog_per_m * outside)[:, None]
        forward = np.clip(direction @ self.sky.to_sun, 0.0, 1.0)[:, None] ** 10
        air = self.sky.fog + 0.10 * forward * self.sky.sun
        return np.asarray(radiance * clear + air * (1.0 - clear), np.float32)

    def _lamps_in_fog(self, view: View, hit: Seen, direction: F32, radiance: F32) -> None:
        """Lamps glow in the air around them: single scattering of a point's light along the ray, without shadows."""
        if self.weather.fog_per_m < 0.003 or self.blockout.inside is not None:
            return
        for lamp, share in lamps_of(self.blockout, self.weather):
            if lamp.window or lamp.radius_m == 0.0:
                continue
            offset = np.array(lamp.position_m) - view.frame[0]
            along = direction @ offset.astype(np.float32)
            height = np.sqrt(np.maximum(float(offset @ offset) - along**2, 0.02))
            far = np.minimum(hit.distance_m, 120.0)
            span = (np.arctan((far - along) / height) + np.arctan(along / height)) / height
            flux = np.array(lamp.radiance) * share * math.pi * lamp.radius_m**2
            radiance += (self.sky.fog_per_m / (4.0 * math.pi) * span)[:, None] * flux.astype(np.float32)


def _fresnel(surface: Surfaces, facing: F32) -> F32:
    """Schlick's reflectance [n, 3], held back by roughness."""
    grazing = np.maximum(1.0 - surface.roughness[:, None], surface.mirror)
    edge = (1.0 - facing[:, None]) ** 5
    reflect = surface.mirror + (grazing - surface.mirror) * edge * (surface.mirror.max(axis=1, keepdims=True) > 0.0)
    return np.asarray(reflect, np.float32)


@kernel
def despeckled(place: Any, face_normal: Any, thing: Any, value: Any) -> Any:
    """Points that are far brighter than all but one of the eight around them on the same thing, brought down to the
    second brightest: single paths that met a lamp by chance."""
    height, width = place.shape
    out = value.copy()
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            n = place[y, x]
            if n < 0:
                continue
            first, second, count = 0.0, 0.0, 0
            for j in range(-1, 2):
                for i in range(-1, 2):
                    m = place[y + j, x + i]
                    if m < 0 or m == n or thing[m] != thing[n]:
                        continue
                    count += 1
                    level = value[m, 0] + value[m, 1] + value[m, 2]
                    if level > first:
                        first, second = level, first
                    elif level > second:
                        second = level
            level = value[n, 0] + value[n, 1] + value[n, 2]
            if count >= 4 and level > 1.15 * second + 0.01:
                scale = (1.15 * second + 0.01) / level
                for c in range(3):
                    out[n, c] = value[n, c] * scale
    return out


@kernel
def smoothed(
    place: Any,
    face_normal: Any,
    normal: Any,
    position: Any,
    distance: Any,
    value: Any,
    share: Any,
    stride: Any,
    pixel_m: Any,
    keen: Any,
) -> Any:
    """One pass of an edge-keeping blur over points that lie in a picture: `place` [H, W] is each pixel's point or -1;
    neighbours count when they lie in the same plane and their relief faces the same way, and the less the more their
    values differ (`keen`). `share` 0..1 of the blur."""
    height, width = place.shape
    out = value.copy()
    for y in range(height):
        for x in range(width):
            n = place[y, x]
            if n < 0 or share[n] <= 0.0:
                continue
            total, r, g, b = 1.0, value[n, 0], value[n, 1], value[n, 2]
            size = distance[n] * pixel_m
            for j in range(-REACH, REACH + 1):
                for i in range(-REACH, REACH + 1):
                    yy, xx = y + j * stride, x + i * stride
                    if yy < 0 or xx < 0 or yy >= height or xx >= width or (i == 0 and j == 0):
                        continue
                    m = place[yy, xx]
                    if m < 0:
                        continue
                    f = (face_normal[n, 0] * face_normal[m, 0] + face_normal[n, 1] * face_normal[m, 1]
                         + face_normal[n, 2] * face_normal[m, 2])  # fmt: skip
                    k = normal[n, 0] * normal[m, 0] + normal[n, 1] * normal[m, 1] + normal[n, 2] * normal[m, 2]
                    if f < 0.85 or k < 0.90:
                        continue
                    out_of_plane = abs(
                        (position[m, 0] - position[n, 0]) * face_normal[n, 0]
                        + (position[m, 1] - position[n, 1]) * face_normal[n, 1]
                        + (position[m, 2] - position[n, 2]) * face_normal[n, 2]
                    )
                    if out_of_plane > 2.0 * stride * size + 0.01:
                        continue
                    dr = value[m, 0] - value[n, 0]
                    dg = value[m, 1] - value[n, 1]
                    db = value[m, 2] - value[n, 2]
                    both = value[n, 0] + value[n, 1] + value[n, 2] + value[m, 0] + value[m, 1] + value[m, 2]
                    level = 0.05 + both / 6.0
                    unlike = (dr * dr + dg * dg + db * db) / (level * level)
                    w = math.exp(-0.35 * (i * i + j * j) / REACH - unlike * keen) * share[n] * (k - 0.9) * 10.0
                    total += w
                    r += w * value[m, 0]
                    g += w * value[m, 1]
                    b += w * value[m, 2]
            out[n, 0], out[n, 1], out[n, 2] = r / total, g / total, b / total
    return out
