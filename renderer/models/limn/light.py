"""The light of a weather as a network and a plate use it: smooth by direction, and what mirrors show of the sky."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from renderer.models.limn.heaven import sky_seen
from renderer.models.limn.weather import COLUMNS, LUMINANCE, ROWS, Sky, Weather, directions, sky_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
GROUND_ALBEDO = 0.2  # of what lies under the horizon
MAP = 64  # side of the mirrored sky's map
BRIGHTEST_MIRRORED = 6.0
LAMP = np.array([14.0, 12.0, 8.5], np.float32)  # radiance of a lamp of power 1, about
# Levels of light are seen as log(level + DIMMEST) * 0.25, and told as log(level + DIMMEST_TOLD) * 0.25.
DIMMEST, DIMMEST_TOLD = 0.01, 1e-3
LAMPS_BY_DAY = 0.6  # of lamps that always burn
BAND = np.array([1.0] + [2.0 / 3.0] * 3 + [0.25] * 5)  # of the cosine's spherical harmonics, over pi (Ramamoorthi 2001)


@dataclass(frozen=True)
class Light:
    """Radiances are scene-linear and exposed."""

    weather: Weather
    seed: int
    sky: Sky
    ambient: F32  # [9, 3] harmonics of what a white sheet of a normal sends back under the open sky
    ground: F32  # [3] radiance below the horizon
    mirrored: F32  # [MAP, MAP, 3] the sky over (x, z) / (1 + y), each in -1..1
    lamp: F32  # [3] radiance of things labelled as lights


@functools.lru_cache(maxsize=4)
def light_of(weather: Weather, seed: int) -> Light:
    """The light of a weather over the world of a seed, whose clouds it shows."""
    sky = sky_of(weather)
    sheet = sky.ambient + sky.sun * max(float(sky.to_sun[1]), 0.0) / math.pi
    ground = (GROUND_ALBEDO * sheet).astype(np.float32)
    power = max(weather.lamps, LAMPS_BY_DAY) * weather.gain
    return Light(weather, seed, sky, _harmonics(sky, ground), ground, _mirrored(sky, seed), LAMP * np.float32(power))


def harmonics_at(direction: F32) -> F32:
    """The nine real spherical harmonics [..., 9] of unit directions [..., 3], up to the second band."""
    x, y, z = (direction[..., k] for k in range(3))
    one = np.ones_like(x)
    return np.stack(
        [0.282095 * one, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
         0.315392 * (3.0 * z * z - 1.0), 1.092548 * x * z, 0.546274 * (x * x - y * y)], axis=-1,
    ).astype(np.float32)  # fmt: skip


def controls_of(light: Light) -> F32:
    """The numbers of a light that a network is told, each about -1..1; `CONTROLS` of them."""
    w, sky = light.weather, light.sky
    levels = [math.log(float(level @ LUMINANCE) + DIMMEST_TOLD) * 0.25 for level in (sky.ambient, sky.sun / math.pi)]
    return np.array(
        [float(sky.to_sun[1]), float(w.night), w.cloud, w.fog, w.wetness, w.snow, w.autumn, w.exposure_ev * 0.2,
         w.turbidity * 0.1, w.lamps, math.log(sky.fog_per_m) * 0.2 + 1.0, *levels], np.float32,
    )  # fmt: skip


CONTROLS = 13
EXPOSURE, LEVELS_TOLD = 7, slice(11, 13)  # of these: stops * 0.2, and log(level + DIMMEST_TOLD) * 0.25


def _harmonics(sky: Sky, ground: F32) -> F32:
    edges = (np.arange(ROWS + 1) / ROWS) ** 2 * (math.pi / 2.0)
    solid_angle = np.repeat(np.diff(np.sin(edges)) * 2.0 * math.pi / COLUMNS, COLUMNS)[:, None]
    above = directions().reshape(-1, 3).astype(np.float32)
    below = above * np.array([1.0, -1.0, 1.0], np.float32)
    total: F64 = harmonics_at(above).T @ (sky.table.reshape(-1, 3) * solid_angle)
    total += harmonics_at(below).T @ (np.broadcast_to(ground, above.shape) * solid_angle)
    return np.asarray(total * BAND[:, None], np.float32)


def _mirrored(sky: Sky, seed: int) -> F32:
    side = ((np.arange(MAP) + 0.5) / MAP * 2.0 - 1.0).astype(np.float32)
    x, z = np.meshgrid(side, side, indexing="xy")
    square = x * x + z * z
    scale = 2.0 / (1.0 + square)
    direction = np.stack([x * scale, np.maximum((1.0 - square) / (1.0 + square), 0.0), z * scale], axis=-1)
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    seen = sky_seen(direction.reshape(-1, 3).astype(np.float32), sky, seed)
    return np.minimum(seen, BRIGHTEST_MIRRORED).reshape(MAP, MAP, 3)
