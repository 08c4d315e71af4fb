"""The path tracer's loop, in Dr.Jit: what `Tracer.light` runs. Arrays are Dr.Jit's, vectors world space, metres."""

from __future__ import annotations

import math
from typing import Any

import drjit as dr

from renderer.models.limn.weather import COLUMNS, ROWS, SUN_RADIUS_RAD

OFFSET_M = 2e-3  # off a surface, so that it does not shade itself
FIREFLY = 2.5  # the brightest that one path may bring, exposed units
LAMP_ROWS = 5  # of four numbers each, in the table of lamps
ALL, FEW = 24, 6  # lamps that are weighed at first hits, and at later points of a path
WIDEST = 3.0  # the solid angle of a lamp or window that is very near, at most
SPARK = 0.22  # smoother than this the sun's highlight would be a single spark that few paths meet: left out
# One irrational step per dimension of a path; pairs with small denominators far apart.
STEPS = (
    0.7548776662466927, 0.5698402909980532, 0.4142135623730951, 0.7320508075688772, 0.23606797749978969,
    0.6457513110645906, 0.3166247903554, 0.6055512754639891, 0.1231056256176606, 0.3588989435406740,
    0.7958315233127196, 0.3851648071345037, 0.5677643628300219, 0.0827625302982193, 0.4031242374328485,
    0.5574385243020004, 0.8556546004010439, 0.2801098892805183, 0.6811457478686078, 0.8102496759066540,
)  # fmt: skip


class Samples:
    """Numbers in 0..1 for one sample of every lane: dimension d of sample i is frac(shift_d + i * STEPS[d])."""

    def __init__(self, mi: Any, pixel: Any, index: Any, seed: Any) -> None:
        self._mi, self._pixel, self._index, self._seed = mi, pixel, index, seed
        self._next = 0

    def one(self) -> Any:
        mi, d = self._mi, self._next
        self._next += 1
        h = self._pixel * 0x9E3779B1 + (d * 0x85EBCA6B & 0xFFFFFFFF) + self._seed
        h = (h ^ (h >> 16)) * 0x7FEB352D
        h = (h ^ (h >> 15)) * 0x846CA68B
        shift = mi.UInt32(h ^ (h >> 16))
        step = mi.UInt32(int(STEPS[d % len(STEPS)] * 2**32) & 0xFFFFFFFF)  # in whole numbers: no rounding grows
        return mi.Float((shift + self._index * step) >> 8) * (1.0 / (1 << 24))


class Paths:
    """The scene and its light, as kernels see them; see tracer.py for the tables."""

    def __init__(self, mi: Any, scene: Any, tables: Any, light: Any) -> None:
        self.mi, self.scene, self.tables, self.light = mi, scene, tables, light
        self.nothing = (mi.Vector3f(0.0), mi.Vector3f(0.0, 1.0, 0.0))

    def row(self, table: Any, index: Any, active: Any = True) -> Any:
        """Four numbers of a table's row; four are read in one go."""
        return dr.gather(self.mi.Vector4f, table, index, active)

    def color(self, table: Any, index: Any, active: Any = True) -> Any:
        return self.mi.Vector3f(self.row(table, index, active).xyz)

    def sky(self, direction: Any, u: Any, v: Any) -> Any:
        """Radiance towards unit directions; the table's cell is picked at random between its neighbours."""
        mi = self.mi
        up = dr.clip(direction.y, 0.0, 1.0)
        row = dr.sqrt(dr.asin(up) * (2.0 / math.pi)) * ROWS - 0.5 + (u - 0.5)
        azimuth = dr.atan2(direction.x, -direction.z) * (0.5 / math.pi)
        column = (azimuth - dr.floor(azimuth)) * COLUMNS + (v - 0.5)
        r = mi.UInt32(dr.clip(dr.round(row), 0, ROWS - 1))
        c = mi.UInt32(mi.Int32(dr.floor(column)) + COLUMNS) % COLUMNS
        below = dr.clip(1.0 + direction.y * 6.0, 0.25, 1.0)
        return self.color(self.tables.sky, r * COLUMNS + c) * below

    def outside(self, point: Any) -> Any:
        """Whether a point is under the open sky; within a room the sky comes through windows alone."""
        low, high = self.light.room_low, self.light.room_high
        return dr.any((point < low) | (point > high))

    def visible(self, point: Any, direction: Any, distance: Any, active: Any) -> Any:
        ray = self.mi.Ray3f(point, direction)
        ray.maxt = distance
        return ~self.scene.ray_test(ray, active) & active

    def sunlight(self, point: Any, normal: Any, face: Any, s: Samples, active: Any) -> tuple[Any, Any]:
        """Irradiance of the sun at a point, not yet times its cosine; and the direction that was sampled."""
        mi, light = self.mi, self.light
        if not light.has_sun:  # known when the kernel is made: most of what it costs is saved
            return self.nothing
        u, v = s.one(), s.one()
        r, a = dr.sqrt(u) * math.tan(SUN_RADIUS_RAD), v * (2.0 * math.pi)
        frame = mi.Frame3f(light.to_sun)
        direction = dr.normalize(light.to_sun + frame.s * (r * dr.cos(a)) + frame.t * (r * dr.sin(a)))
        faces = (dr.dot(direction, face) > 0.0) & (dr.dot(direction, normal) > 0.0) & active
        seen = self.visible(point + face * OFFSET_M, direction, 1e4, faces)
        return dr.select(seen, light.sun, mi.Vector3f(0.0)), direction

    def lamplight(self, point: Any, normal: Any, face: Any, s: Samples, active: Any, most: int) -> tuple[Any, Any]:
        """Irradiance of all lamps and windows, estimated from one that is picked among `most` of them by what it
        would give; as above."""
        mi, count = self.mi, self.light.lamp_count
        if not self.light.has_lamps:
            return self.nothing
        pick, first, u, v = s.one(), s.one(), s.one(), s.one()
        tried = dr.minimum(count, most)
        total, kept, lamp = self._pick(point, normal, face, pick, first, u, v, tried)
        way, far, spread, window = self._toward(lamp, point, u, v)
        shine = self.row(self.tables.lamps, lamp * LAMP_ROWS + 4)
        radiance = dr.select(window > 0.5, self.sky(way, u, v), mi.Vector3f(shine.xyz))
        far = dr.select(window > 0.5, 1e4, dr.maximum(far - shine.w, 0.01))
        chosen = (kept > 0.0) & active
        seen = self.visible(point + face * OFFSET_M, way, far, chosen)
        scale = spread * total / dr.maximum(kept, 1e-9) * (mi.Float(count) / mi.Float(dr.maximum(tried, 1)))
        return dr.select(seen, radiance * scale, mi.Vector3f(0.0)), way

    @dr.syntax
    def _pick(self, point: Any, normal: Any, face: Any, pick: Any, first: Any, u: Any, v: Any, tried: Any) -> Any:
        """Weighted reservoir over `tried` lamps, spread over the list from a random first: total weight, and the kept
        one's weight and number."""
        mi, count = self.mi, self.light.lamp_count
        i, lamp = mi.UInt32(0), mi.UInt32(0)
        total, kept, draw = mi.Float(0.0), mi.Float(0.0), mi.Float(pick)
        start = mi.UInt32(first * mi.Float(count))
        while i < tried:
            n = (start + (i * count) // tried) % count
            way, _, spread, _ = self._toward(n, point, u, v)
            about = self.row(self.tables.lamps, n * LAMP_ROWS + 3).w
            cosine = dr.select(dr.dot(face, way) > 0.0, dr.maximum(dr.dot(normal, way), 0.0), 0.0)
            weight = about * spread * cosine
            total += weight
            share = dr.select(total > 0.0, weight / dr.maximum(total, 1e-12), 0.0)
            take = draw < share
            draw = dr.select(take, draw / dr.maximum(share, 1e-9), (draw - share) / dr.maximum(1.0 - share, 1e-9))
            kept = dr.select(take, weight, kept)
            lamp = dr.select(take, n, lamp)
            i += 1
        return total, kept, lamp

    def _toward(self, lamp: Any, point: Any, u: Any, v: Any) -> tuple[Any, Any, Any, Any]:
        """The way to a random place on a lamp, the distance, the solid angle it stands for, and whether it is a
        window."""
        mi, row = self.mi, lamp * LAMP_ROWS
        centre, across, up = (self.row(self.tables.lamps, row + k) for k in range(3))
        front = self.row(self.tables.lamps, row + 3)
        radius, area = centre.w, across.w
        a, z = u * (2.0 * math.pi), v * 2.0 - 1.0
        flat = dr.sqrt(dr.maximum(1.0 - z * z, 0.0))
        on_ball = mi.Vector3f(dr.cos(a) * flat, z, dr.sin(a) * flat) * (0.7 * radius)
        on_sheet = mi.Vector3f(across.xyz) * (2.0 * u - 1.0) + mi.Vector3f(up.xyz) * (2.0 * v - 1.0)
        offset = mi.Vector3f(centre.xyz) + dr.select(area > 0.0, on_sheet, on_ball) - mi.Vector3f(point)
        square = dr.maximum(dr.squared_norm(offset), 0.01)
        distance = dr.sqrt(square)
        way = offset / distance
        facing = dr.maximum(-dr.dot(mi.Vector3f(front.xyz), way), 0.0)
        spread = dr.select(area > 0.0, facing * area, math.pi * radius * radius) / square
        return way, distance, dr.minimum(spread, WIDEST), up.w

    def lit(
        self, point: Any, normal: Any, face: Any, s: Samples, active: Any, *, first: bool = True
    ) -> tuple[Any, Any]:
        """Radiance that a white surface sends back of the sun, and of lamps. Indoors the sun that has bounced once is
        among the lamps (Tracer's sunlit patches), so points that are not the `first` leave it out."""
        by_sun = active if first else active & self.outside(point)
        sun, way = self.sunlight(point, normal, face, s, by_sun)
        lamp, lamp_way = self.lamplight(point, normal, face, s, active, ALL if first else FEW)
        cosine, lamp_cosine = dr.maximum(dr.dot(normal, way), 0.0), dr.maximum(dr.dot(normal, lamp_way), 0.0)
        return sun * (cosine / math.pi), lamp * (lamp_cosine / math.pi)

    def come_from(self, point: Any, direction: Any, bounces: int, s: Samples, *, lamps: bool, active: Any) -> Any:
        """Radiance that arrives along a ray. `lamps` says whether a lamp that is hit is counted."""
        mi, light = self.mi, self.light
        radiance, weight = mi.Vector3f(0.0), mi.Vector3f(1.0)
        alive = mi.Mask(active)
        for bounce in range(bounces):
            found = self.scene.ray_intersect_preliminary(mi.Ray3f(point, direction), coherent=False, active=alive)
            hit = found.is_valid() & alive
            free = alive & ~hit
            if bounce > 0 or not lamps:
                free &= self.outside(point)
            radiance += dr.select(free, weight * self.sky(direction, s.one(), s.one()), 0.0)
            face = self.color(self.tables.normal, found.prim_index, hit)
            facing = dr.dot(face, direction)
            face = dr.select(facing > 0.0, -face, face)
            if bounce == 0 and lamps:
                radiance += dr.select(hit, weight * self.color(self.tables.shines, found.prim_index, hit), 0.0)
            point = mi.Point3f(point + direction * found.t)
            weight *= dr.select(hit, self.color(self.tables.albedo, found.prim_index, hit), 0.0)
            alive = hit
            sun, lamp = self.lit(point, face, face, s, alive, first=lamps)
            radiance += dr.select(alive, weight * (sun + lamp), 0.0)
            point = point + face * OFFSET_M
            if bounce == bounces - 1:
                radiance += dr.select(alive, weight * light.rest, 0.0)
            else:
                direction = mi.Frame3f(face).to_world(mi.warp.square_to_cosine_hemisphere(mi.Point2f(s.one(), s.one())))
        return dr.minimum(radiance, FIREFLY)

    def diffuse(self, point: Any, face: Any, normal: Any, s: Samples, bounces: int) -> tuple[Any, Any]:
        """Radiance that a white surface sends back: of the sun itself, and of everything else."""
        mi = self.mi
        direction = mi.Frame3f(normal).to_world(mi.warp.square_to_cosine_hemisphere(mi.Point2f(s.one(), s.one())))
        leaves = dr.dot(direction, face) > 0.0
        direction = dr.select(leaves, direction, direction - face * (2.0 * dr.dot(direction, face)))
        around = self.come_from(point + face * OFFSET_M, direction, bounces, s, lamps=False, active=True)
        sun, lamp = self.lit(point, normal, face, s, True)
        return sun, lamp + around

    def mirrored(self, point: Any, face: Any, normal: Any, eye: Any, roughness: Any, s: Samples) -> Any:
        """What a glossy surface shows: one reflected path (GGX half vectors), and highlights of sun and lamps."""
        mi = self.mi
        alpha = dr.maximum(roughness * roughness, 1e-3)
        u, v = s.one() * 0.98, s.one()
        cosine = dr.sqrt((1.0 - u) / (1.0 + (alpha * alpha - 1.0) * u))
        sine, a = dr.sqrt(dr.maximum(1.0 - cosine * cosine, 0.0)), v * (2.0 * math.pi)
        half = mi.Frame3f(normal).to_world(mi.Vector3f(sine * dr.cos(a), sine * dr.sin(a), cosine))
        direction = half * (2.0 * dr.dot(eye, half)) - eye
        direction = dr.normalize(dr.select(dr.dot(direction, face) > 0.02, direction,
                                           direction + face * (0.04 - dr.dot(direction, face))))  # fmt: skip
        glossy = roughness > SPARK
        shown = self.come_from(
            point + face * OFFSET_M, direction, self.light.mirror_bounces, s, lamps=True, active=True
        )
        sun, way = self.sunlight(point, normal, face, s, glossy)
        lamp, lamp_way = self.lamplight(point, normal, face, s, glossy, FEW)
        wide = dr.maximum(alpha, 0.015)
        sparkle = sun * self._lobe(normal, eye, way, wide) + lamp * self._lobe(normal, eye, lamp_way, wide)
        return shown + dr.select(glossy, dr.minimum(sparkle, FIREFLY), 0.0)

    def _lobe(self, normal: Any, eye: Any, way: Any, alpha: Any) -> Any:
        """GGX distribution over 4 cos(eye): what multiplies an irradiance that already lacks its cosine."""
        half = dr.normalize(eye + way)
        c = dr.maximum(dr.dot(normal, half), 0.0)
        d = c * c * (alpha * alpha - 1.0) + 1.0
        lobe = alpha * alpha / (math.pi * d * d) / (4.0 * dr.maximum(dr.dot(normal, eye), 0.12))
        return dr.select(dr.dot(normal, way) > 0.0, lobe, 0.0)


@dr.syntax
def gather_diffuse(
    mi: Any, scene: Any, tables: Any, light: Any, columns: Any, samples: Any, seed: Any, bounces: Any
) -> Any:
    """Mean over `samples` of what a white surface at every point sends back, of the sun itself and of everything
    else: two Vector3f."""
    point, face, normal, pixel, member = columns
    paths = Paths(mi, scene, tables, light)
    salt, count = dr.opaque(mi.UInt32, seed & 0xFFFFFFFF), dr.opaque(mi.UInt32, samples)
    i, sun, rest = mi.UInt32(0), mi.Vector3f(0.0), mi.Vector3f(0.0)
    while i < count:
        one, other = paths.diffuse(point, face, normal, Samples(mi, pixel, member * count + i, salt), bounces)
        sun += one
        rest += other
        i += 1
    return sun / mi.Float(count), rest / mi.Float(count)


@dr.syntax
def gather_mirrored(mi: Any, scene: Any, tables: Any, light: Any, columns: Any, samples: Any, seed: Any) -> Any:
    """Mean over `samples` of what glossy surfaces at the points show: Vector3f."""
    point, face, normal, eye, roughness, pixel, member = columns
    paths = Paths(mi, scene, tables, light)
    salt, count = dr.opaque(mi.UInt32, ~seed & 0xFFFFFFFF), dr.opaque(mi.UInt32, samples)
    i, total = mi.UInt32(0), mi.Vector3f(0.0)
    while i < count:
        total += paths.mirrored(point, face, normal, eye, roughness, Samples(mi, pixel, member * count + i, salt))
        i += 1
    return total / mi.Float(count)
