"""What limn knows of a frame before its network runs, in one pass over the picture: the fast twin of `features.seen`.

The plain functions, which training uses and which the twin is held to, read and write every plane some hundred times;
here 64 pixels at a time stay in the first caches (`lanes.py`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.compiled import kernel, part
from bridge.schema import Bodies, Camera, PlaneName, Pose
from renderer.models.limn import lanes, lanes_light, lanes_shadows, lanes_surface
from renderer.models.limn.anchor import rotations
from renderer.models.limn.features import (
    BRIGHTEST,
    CELL,
    CHANNELS,
    PARTS,
    PLAIN_MATERIAL,
    TOLD,
    agreement_of,
    factor_of,
    told_of,
)  # fmt: skip
from renderer.models.limn.lanes import F32, LANES, U32
from renderer.models.limn.lanes_light import CHANNEL_ROWS, PART_ROWS, Numbers, numbers_of
from renderer.models.limn.light import Light, light_of
from renderer.models.limn.shadows import lamps_of, sun_of
from renderer.models.limn.weather import Weather

if TYPE_CHECKING:
    from bridge.planes import PlaneViews

STRIP_ROWS = 16  # what one thread takes at a time


class Fused:
    """Pictures of one size, padded to `stride` pixels of the trunk. The arrays are its own and are written anew at each
    frame: x [rows, columns, CHANNELS], low (the same where the trunk sees the whole picture), parts [H, W, PARTS],
    told [1, TOLD], depth_m [H, W], infinite for sky, and color [H, W, 4]. Its threads end with it."""

    def __init__(self, width: int, height: int, stride: int, threads: int = 1) -> None:
        self.size, self.factor = (width, height), factor_of(width)
        rows, columns = (-(-side // (stride * self.factor)) * stride for side in (height, width))
        self._strips = range(0, height, STRIP_ROWS)
        self._threads = ThreadPoolExecutor(threads, "limn") if threads > 1 else None
        self._each = map if self._threads is None else self._threads.map
        self.x: F32 = np.zeros((rows * self.factor, columns * self.factor, CHANNELS), np.float32)
        self.low: F32 = self.x if self.factor == 1 else np.zeros((rows, columns, CHANNELS), np.float32)
        self.parts: F32 = np.zeros((height, width, PARTS), np.float32)
        self.told: F32 = np.zeros((1, TOLD), np.float32)
        self.color: F32 = np.zeros((height, width, 4), np.float32)
        self.depth_m: F32 = np.zeros((height, width), np.float32)
        self._normal, self._albedo = np.zeros_like(self.color), np.zeros_like(self.color)
        self._material: F32 = np.zeros((height, width, 2), np.float32)
        self._label: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
        self._objects: U32 = np.zeros((height, width), np.uint32)

    def see(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> None:
        """Fill the arrays with a frame's."""
        for name, own in ((PlaneName.COLOR, self.color), (PlaneName.NORMAL, self._normal)):
            _convert(own, planes[name])
        np.copyto(self.depth_m, planes[PlaneName.DEPTH])
        self.depth_m[~(self.depth_m > 0.0)] = np.inf  # NaN and what is not in front are sky
        np.copyto(self._objects, planes[PlaneName.OBJECT])
        has_albedo = PlaneName.ALBEDO in planes
        if has_albedo:
            _convert(self._albedo, planes[PlaneName.ALBEDO])
        if PlaneName.MATERIAL in planes:
            _convert(self._material, planes[PlaneName.MATERIAL])
        else:
            self._material[:] = PLAIN_MATERIAL
        if PlaneName.LABEL in planes:
            np.copyto(self._label, planes[PlaneName.LABEL])
        else:
            self._label.fill(0)
        agreement = agreement_of(planes, light)
        source = Source(
            self.color, self.depth_m, self._normal, self._albedo, self._material, self._label, self._objects
        )
        weather = light.weather
        season = np.array([weather.wetness, weather.snow, weather.autumn], np.float32)
        seeds = np.array([light.seed & 0xFFFFFFFF, (light.seed * 7919) & 0xFFFFFFFF], np.uint32)
        shading = self._shade(camera, light)
        table = lanes_surface.table_of(light.seed)
        state = (
            source, shading, has_albedo, pinhole_of(camera, *self.size), *poses_of(bodies), table, seeds, season,
            numbers_of(light, agreement), _CHANNEL_ROWS, _PART_ROWS, self.x, self.parts, self.low, self.factor,
        )  # fmt: skip
        solid = sum(self._each(lambda strip: _run(strip, *state), range(len(self._strips))))
        share = solid / self.depth_m.size
        self.told[0] = told_of(planes, light, agreement, share)

    def _shade(self, camera: Camera, light: Light) -> lanes_shadows.Shading:
        grid = lanes_shadows.grid_of(camera, self.depth_m, self._normal, CELL * self.factor)
        lamps = lamps_of(grid, self._label, self._objects, light)
        shading = lanes_shadows.shading_of(grid, self.size, sun_of(camera, light), lamps)
        strips = range(-(-len(grid.depth_m) // lanes_shadows.CELL_ROWS))
        list(self._each(lambda strip: lanes_shadows.shade(strip, shading), strips))
        return shading


def warm_up(stride: int) -> None:
    """Compiles the kernels, or loads them from where they were kept."""
    planes: PlaneViews = {
        PlaneName.COLOR: np.zeros((1, 1, 4), np.float16), PlaneName.NORMAL: np.zeros((1, 1, 4), np.float16),
        PlaneName.DEPTH: np.ones((1, 1), np.float32), PlaneName.OBJECT: np.zeros((1, 1), np.uint32),
    }  # fmt: skip
    projection = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=projection)
    Fused(1, 1, stride).see(planes, camera, Bodies(), light_of(Weather(), 0))


class Source(NamedTuple):
    """The planes of a frame as the kernels read them, [H, W] or [H, W, C], contiguous."""

    color: F32
    depth_m: F32
    normal: F32
    albedo: F32
    material: F32
    label: NDArray[np.uint8]
    objects: U32


_CHANNEL_ROWS, _PART_ROWS = np.array(CHANNEL_ROWS), np.array(PART_ROWS)


def _convert(own: F32, plane: NDArray[np.generic]) -> None:
    # torch converts half floats eight at a time, NumPy one by one.
    torch.from_numpy(own).copy_(torch.utils.dlpack.from_dlpack(plane))


def pinhole_of(camera: Camera, width: int, height: int) -> F32:
    """Rotation 3x3 and position of the camera, u at the first pixel's centre and its step, v the same, pixel width."""
    per_u, per_v = 1.0 / camera.projection[0], 1.0 / camera.projection[5]
    steps = [(1.0 / width - 1.0) * per_u, 2.0 / width * per_u, (1.0 - 1.0 / height) * per_v, -2.0 / height * per_v]
    rotation = rotations(np.array([camera.world_from_camera.orientation]))[0]
    return np.array([*rotation.ravel(), *camera.world_from_camera.position_m, *steps, 2.0 / height * per_v], np.float32)


def poses_of(bodies: Bodies) -> tuple[U32, F32]:
    """Ids in ascending order, and the rotation and origin [n, 12] of each."""
    ids, poses = np.frombuffer(bodies.ids, "<u4"), np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)
    order = np.argsort(ids)
    rows = np.concatenate([rotations(poses[:, 3:]).reshape(-1, 9), poses[:, :3]], axis=1)
    return ids[order], np.ascontiguousarray(rows[order], np.float32)


@kernel
def _run(
    strip: int, source: Source, shading: lanes_shadows.Shading, has_albedo: bool,
    pinhole: F32, ids: U32, poses: F32, table: F32, seeds: U32,
    season: F32, numbers: Numbers, channel_rows: NDArray[np.int64], part_rows: NDArray[np.int64], out: F32, parts: F32,
    low: F32, factor: int,
) -> int:  # fmt: skip
    """One strip of rows; returns how many of its pixels are solid."""
    height, width = source.depth_m.shape
    block = np.zeros(lanes.BLOCK, np.float32)
    solid = 0
    last = min((strip + 1) * STRIP_ROWS, height)
    for y in range(strip * STRIP_ROWS, last):
        v = pinhole[14] + np.float32(y) * pinhole[15]
        for start in range(0, width, LANES):
            count = min(LANES, width - start)
            _load(block, source, has_albedo, y, start, count)
            u = pinhole[12] + np.float32(start) * pinhole[13]
            lanes.place(block, pinhole, u, pinhole[13], v)
            if lanes_light.all_sky(block):
                lanes_light.nothing_solid(block)
            else:
                moves = lanes.into_bodies(block, source.objects[y], start, count, ids, poses)
                lanes_surface.paint(block, table, seeds[0], season)
                if moves:
                    lanes.out_of_bodies(block, count, poses)
                lanes_light.mirror(block, numbers)
                lanes_light.light_up(block, numbers)
            if lanes_light.any_sky(block):
                lanes_light.sky(block, numbers, seeds[1])
            lanes_shadows.spread(block, shading, y, start, count)
            solid += lanes_light.channels(block, numbers, count)
            lanes_light.store(block, channel_rows, out[y], start, count)
            lanes_light.store(block, part_rows, parts[y], start, count)
    if factor > 1:
        lanes.reduced(out, low, factor, strip * STRIP_ROWS // factor, -(-last // factor))
    return solid


@part
def _load(block: F32, source: Source, has_albedo: bool, y: int, start: int, count: int) -> None:
    one, none, most = np.float32(1.0), np.float32(0.0), np.float32(BRIGHTEST)
    lanes.load(block, lanes.R, source.color[y], 3, start, count, none, most)
    lanes.load(block, lanes.NX, source.normal[y], 3, start, count, -one, one)
    if has_albedo:
        lanes.load(block, lanes.AR, source.albedo[y], 3, start, count, none, one)
    else:
        lanes.dull(block)
    lanes.load(block, lanes.MATTE, source.material[y], 2, start, count, none, one)
    lanes.load_scalars(block, source.depth_m[y], source.label[y], start, count)
    lanes.upright(block)
