"""Light in a blockout, path-traced with Mitsuba's and Dr.Jit's llvm backend (Embree finds the hits).

The picture is made as a deferred renderer would, so that textures carry no noise: first hits come back to NumPy,
which finds what their surfaces are (renderer/models/limn/surface.py); then `light` gathers what arrives at them.
Every path: sun and lamps are sampled at each point, the sky by the directions that paths take; after three bounces a
constant share of the open sky stands in for the rest. Light that bounces sees a thing's mean colour, not its texture.

The samples are Kronecker sequences shifted per pixel, so equal seeds give equal bits on any number of threads.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bridge.engine.world import Vec3
from bridge.errors import MissingDependency
from renderer.models.limn.weather import Sky, Weather
from renderer.training.worlds.kit import Blockout, Lamp
from renderer.training.worlds.moment import Poses, Things, placed

F32 = NDArray[np.float32]
BOUNCES = 2  # of the diffuse paths
NOWHERE = ((1e9, 1e9, 1e9), (-1e9, -1e9, -1e9))
PATCHES = 14  # sunlit places in a room, about
BY_DAY = 0.6  # how bright lamps burn by day that always burn


def find_mitsuba(threads: int = 0) -> Any:
    """Mitsuba in its llvm variant, on all cores or on `threads`. Raises MissingDependency with what installs it."""
    fix = 'Install `pip install "worldplate[train]"` and the LLVM library (`apt-get install libllvm19`).'
    if "DRJIT_LIBLLVM_PATH" not in os.environ:
        listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"=> (\S*libLLVM[.-]19\S*)", listed)
        if found:  # other versions crash on some processors
            os.environ["DRJIT_LIBLLVM_PATH"] = found.group(1)
    try:
        import drjit
        import mitsuba
    except ImportError as error:
        raise MissingDependency(f"path-traced truth needs Mitsuba: {error}", fix=fix) from error
    mitsuba.set_variant("llvm_ad_rgb")
    if threads:
        drjit.set_thread_count(threads)
    return mitsuba


class Hits(NamedTuple):
    """First hits of rays."""

    distance_m: F32  # [n] along the ray, inf where nothing is hit
    face: NDArray[np.int32]  # [n]; 0 where nothing is hit
    barycentric: F32  # [n, 2] of the second and third corner


class Points(NamedTuple):
    """Where light is asked for: n points on surfaces that are seen from `toward_eye`."""

    position_m: F32  # [n, 3]
    face_normal: F32  # [n, 3] towards the eye's side
    normal: F32  # [n, 3] with relief
    toward_eye: F32  # [n, 3] unit
    roughness: F32  # [n]
    mirror: F32  # [n] reflectance at normal incidence, mean of channels; 0 takes no reflected path
    pixel: NDArray[np.uint32]  # [n] chooses the shift of the samples; points of one pixel share it
    member: NDArray[np.uint32]  # [n] which of the pixel's points


@dataclass(frozen=True)
class Arriving:
    """Radiance that a white surface would send back, of the sun itself and of everything else, and what a mirror there
    would show; each [n, 3]."""

    sun: F32
    rest: F32
    mirrored: F32


class Tracer:
    """Traces one blockout at one moment in one weather. Owns Mitsuba's scene; make another for another moment."""

    def __init__(self, mi: Any, blockout: Blockout, things: Things, poses: Poses, sky: Sky, weather: Weather) -> None:
        self._mi = mi
        corners = placed(things, poses)
        self._scene = _scene_of(mi, corners, things)
        a, b, c = (corners[things.faces[:, k]] for k in range(3))
        normal = np.cross(b - a, c - a)
        self.face_normal: F32 = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        lamps, power = lamps_of(blockout, weather), lamp_power(blockout, weather)
        if blockout.inside is not None:
            lamps += self._sunlit_patches(blockout, things, sky)
        self._tables = _tables_of(mi, things, self.face_normal, sky, lamps, power)
        self._light = _light_of(mi, blockout, sky, len(lamps))

    def first_hits(self, origin: F32, direction: F32) -> Hits:
        """Of rays [n, 3]; directions are unit."""
        import drjit as dr

        mi = self._mi
        ray = mi.Ray3f(mi.Point3f(*_columns(mi, origin)), mi.Vector3f(*_columns(mi, direction)))
        found = self._scene.ray_intersect_preliminary(ray, coherent=True)
        hit = found.is_valid()
        face = dr.select(hit, found.prim_index, 0)
        u, v = (dr.select(hit, c, 0.0) for c in found.prim_uv)
        distance = dr.select(hit, found.t, dr.inf)
        dr.eval(distance, face, u, v)
        return Hits(np.array(distance), np.array(face).astype(np.int32), np.stack([np.array(u), np.array(v)], axis=1))

    def blocked(self, origin: F32, direction: F32, distance_m: float = 1e4) -> NDArray[np.bool_]:
        """Whether something stands within `distance_m` of origins [n, 3] along unit directions [n, 3] or [3]."""
        mi = self._mi
        rows = np.broadcast_to(direction, origin.shape)
        ray = mi.Ray3f(mi.Point3f(*_columns(mi, origin)), mi.Vector3f(*_columns(mi, rows)))
        ray.maxt = mi.Float(distance_m)
        return np.array(self._scene.ray_test(ray))

    def _sunlit_patches(self, blockout: Blockout, things: Things, sky: Sky) -> list[tuple[Lamp, float]]:
        """Where the sun falls in through windows, as flat lamps: few paths would find these small bright places."""
        windows = [lamp for lamp in blockout.lamps if lamp.window]
        lit = [(lamp, share) for lamp in windows if (share := _inward(lamp, -sky.to_sun)) > 0.05]
        if not lit or float(sky.sun.max()) <= 0.0:
            return []
        side = max(1, round(math.sqrt(PATCHES / len(lit))))
        steps = (np.arange(side) + 0.5) / side * 2.0 - 1.0
        starts = np.array([np.array(w.position_m) + np.multiply(a, w.across) + np.multiply(b, w.up)
                           for w, _ in lit for a in steps for b in steps], np.float32)  # fmt: skip
        flux = np.repeat([share * _area(w) / side**2 for w, share in lit], side**2)
        hits = self.first_hits(starts, np.broadcast_to(-sky.to_sun, starts.shape))
        open_to_sun = ~self.blocked(starts, sky.to_sun) & np.isfinite(hits.distance_m)
        patches = []
        for n in np.flatnonzero(open_to_sun):
            normal = self.face_normal[hits.face[n]].astype(np.float64)
            cosine = float(normal @ sky.to_sun)
            if cosine > 0.03:
                at = starts[n] - sky.to_sun * hits.distance_m[n] + normal * 0.01
                albedo = things.albedo[things.of_face[hits.face[n]]]
                patches.append((_patch(at, normal, flux[n] / cosine, albedo * sky.sun * (cosine / math.pi)), 1.0))
        return patches

    def light(self, points: Points, samples: int, seed: int) -> Arriving:
        """Gather light at points with `samples` paths each, and half as many mirrored ones where `mirror` > 0."""
        import drjit as dr

        from renderer.training.paths import gather_diffuse, gather_mirrored

        mi, known = self._mi, (self._mi, self._scene, self._tables, self._light)
        vectors = [points.position_m, points.face_normal, points.normal]
        columns = [mi.Vector3f(*_columns(mi, v)) for v in vectors]
        numbers = [mi.UInt32(points.pixel), mi.UInt32(points.member)]
        sun, rest = gather_diffuse(*known, columns + numbers, samples, seed, BOUNCES)
        dr.eval(sun, rest)
        mirrored = np.zeros_like(points.position_m)
        glossy = np.flatnonzero(points.mirror > 0.0)
        if len(glossy):  # gathered apart, so that no lane of the processor waits for a matte one
            columns = [mi.Vector3f(*_columns(mi, v[glossy])) for v in [*vectors, points.toward_eye]]
            numbers = [mi.Float(points.roughness[glossy]), *(mi.UInt32(v[glossy]) for v in points[-2:])]
            mirrored[glossy] = _rows(gather_mirrored(*known, columns + numbers, -(-samples // 2), seed))
        return Arriving(_rows(sun), _rows(rest), mirrored)


def _rows(vectors: Any) -> F32:
    """A Dr.Jit Vector3f as [n, 3]."""
    return np.ascontiguousarray(np.nan_to_num(np.array(vectors).T), np.float32)


def _area(lamp: Lamp) -> float:
    return 4.0 * float(np.linalg.norm(np.cross(lamp.across, lamp.up)))


def _inward(window: Lamp, direction: F32) -> float:
    """Cosine between a direction and the way a window lets light in."""
    normal = np.cross(window.across, window.up)
    return float(normal @ direction / np.linalg.norm(normal))


def _patch(at: F32, normal: NDArray[np.float64], area: float, radiance: F32) -> Lamp:
    """A square of that area, facing along `normal`."""
    across = np.cross(normal, (0.0, 1.0, 0.0) if abs(normal[1]) < 0.9 else (1.0, 0.0, 0.0))
    across *= math.sqrt(area) / 2.0 / np.linalg.norm(across)
    up = np.cross(normal, across)
    triples = (tuple(float(c) for c in v) for v in (at, radiance, across, up))
    position, shine, a, b = triples
    return Lamp(position, shine, across=a, up=b)  # type: ignore[arg-type]


def lamps_of(blockout: Blockout, weather: Weather) -> list[tuple[Lamp, float]]:
    """Lamps that burn, and how bright beside their own radiance. Windows let in the sky as it is."""
    by_day = {True: max(weather.lamps, BY_DAY) * weather.gain, False: weather.lamps * weather.gain}
    shares = [(lamp, 1.0 if lamp.window else by_day[lamp.always]) for lamp in blockout.lamps]
    return [(lamp, share) for lamp, share in shares if share > 0.0]


def lamp_power(blockout: Blockout, weather: Weather) -> float:
    """How bright things shine that shine like lamps."""
    return max((share for lamp, share in lamps_of(blockout, weather) if not lamp.window), default=0.0)


def _columns(mi: Any, rows: F32) -> list[Any]:
    return [mi.Float(np.ascontiguousarray(rows[:, k], np.float32)) for k in range(3)]


def _scene_of(mi: Any, corners: F32, things: Things) -> Any:
    mesh = mi.Mesh("blockout", len(corners), len(things.faces))
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = np.ascontiguousarray(corners.ravel())
    parameters["faces"] = np.ascontiguousarray(things.faces.ravel().astype(np.uint32))
    parameters.update()
    return mi.load_dict({"type": "scene", "mesh": mesh})


class _Tables(NamedTuple):
    """Dr.Jit arrays that kernels gather from, in rows of four."""

    normal: Any  # [f * 4], the fourth numbers unused
    albedo: Any
    shines: Any
    sky: Any  # [ROWS * COLUMNS * 4]
    lamps: Any  # [l * 20]: centre, radius; across, area; up, window; front, weight; radiance, shadow gap


class _Light(NamedTuple):
    """Opaque scalars: a kernel is compiled once and not once per weather."""

    to_sun: Any
    sun: Any
    rest: Any  # [3] radiance of a white sheet at the end of a path
    lamp_count: Any
    room_low: Any  # corners of the room, within which the sky comes through windows alone
    room_high: Any
    has_sun: bool  # these three are part of the kernel
    has_lamps: bool
    mirror_bounces: int


def _tables_of(mi: Any, things: Things, face_normal: F32, sky: Sky, lamps: list[tuple[Lamp, float]],
               power: float) -> _Tables:  # fmt: skip
    rows = [_lamp_row(lamp, share, float(sky.ambient.mean())) for lamp, share in lamps] or [np.zeros(20)]
    shines = things.shines[things.of_face] * power
    three = [face_normal, things.albedo[things.of_face], shines, sky.table.reshape(-1, 3)]
    four = [np.concatenate([v, np.zeros((len(v), 1))], axis=1) for v in three]
    return _Tables(*(mi.Float(np.ascontiguousarray(v, np.float32).ravel()) for v in [*four, np.stack(rows)]))


def _lamp_row(lamp: Lamp, share: float, sky_level: float) -> NDArray[np.float64]:
    radiance = np.array(lamp.radiance) * share
    front = np.cross(lamp.across, lamp.up)
    front /= max(float(np.linalg.norm(front)), 1e-12)
    weight = sky_level if lamp.window else float(radiance.mean())
    return np.array([*lamp.position_m, lamp.radius_m, *lamp.across, _area(lamp), *lamp.up, float(lamp.window),
                     *front, weight, *radiance, 1.1 * lamp.radius_m + 0.03])  # fmt: skip


def _light_of(mi: Any, blockout: Blockout, sky: Sky, lamps: int) -> _Light:
    import drjit as dr

    def opaque(v: F32 | Vec3) -> Any:
        return mi.Vector3f(*(dr.opaque(mi.Float, float(c)) for c in v))

    rest = sky.ambient * np.array(blockout.dim, np.float32)
    low, high = blockout.inside or NOWHERE
    return _Light(opaque(sky.to_sun), opaque(sky.sun), opaque(rest), dr.opaque(mi.UInt32, lamps), opaque(low),
                  opaque(high), float(sky.sun.max()) > 0.0, lamps > 0, 1 if blockout.inside is None else 2)  # fmt: skip
