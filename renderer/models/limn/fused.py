"""What the network sees, in one pass over the picture: the fast twin of `features.inputs_of` and `features.prepare`.

The torch functions, which training uses and which the twin is held to, read and write every plane some eighty times;
here 64 pixels at a time stay in the first cache (`lanes.py`).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridge.schema import Bodies, Camera, Label, PlaneName, Pose
from renderer.models.limn import lanes
from renderer.models.limn.anchor import rotations
from renderer.models.limn.basis import MATERIAL_TABLE
from renderer.models.limn.features import BRIGHTEST, CHANNELS, GLOSSY
from renderer.models.limn.lanes import F32, LANES, U32, kernel
from renderer.models.limn.sky import SKIES, Light, glow_strength, light_of, whiteness

if TYPE_CHECKING:
    from bridge.planes import PlaneViews

STRIDE_PX = 8  # the network's sizes are multiples of it
STRIP_ROWS = 16  # what one thread takes at a time; sums are by strips, so that they do not depend on how many threads


class Fused:
    """Features and guess of pictures of one size; the arrays are its own and are written anew at each frame. Its
    threads end with it."""

    def __init__(self, width: int, height: int, threads: int = 1) -> None:
        self.size = (width, height)
        self._strips = range(0, height, STRIP_ROWS)
        self._sums = np.zeros((len(self._strips), 6, LANES), np.float64)
        self._threads = ThreadPoolExecutor(threads, "limn") if threads > 1 else None
        rows, columns = (-(-side // STRIDE_PX) * STRIDE_PX for side in (height, width))
        self.color: F32 = np.zeros((height, width, 4), np.float32)
        self.guess: F32 = np.zeros((height, width, 3), np.float32)
        self._features: F32 = np.zeros((rows, columns, CHANNELS), np.float32)
        self._normal, self._albedo = np.zeros_like(self.color), np.zeros_like(self.color)
        self._depth_m: F32 = np.zeros((height, width), np.float32)
        self._label: NDArray[np.uint8] = np.zeros((height, width), np.uint8)
        self._objects: U32 = np.zeros((height, width), np.uint32)

    def features(self, planes: PlaneViews, camera: Camera, bodies: Bodies, light: Light) -> Tensor:
        """The network's input [1, CHANNELS, rows, columns], channels last, padded to multiples of 8; `color` and
        `guess` [H, W, ...] are then this frame's too."""
        for name, own in ((PlaneName.COLOR, self.color), (PlaneName.NORMAL, self._normal)):
            _convert(own, planes[name])
        np.copyto(self._depth_m, planes[PlaneName.DEPTH])
        np.copyto(self._objects, planes[PlaneName.OBJECT])
        has_albedo, has_label = PlaneName.ALBEDO in planes, PlaneName.LABEL in planes
        if has_albedo:
            _convert(self._albedo, planes[PlaneName.ALBEDO])
        if has_label:
            np.copyto(self._label, planes[PlaneName.LABEL])
        else:
            self._label.fill(0)
        source = Source(self.color, self._depth_m, self._normal, self._albedo, self._label, self._objects)
        flags = [float(light.sky == name) for name in SKIES]
        constants = np.array([light.to_sun[1], 0.0, *flags, has_albedo, has_label], np.float32)
        state = (source, has_albedo, _pinhole(camera, *self.size), *_poses(bodies), _TABLE, _numbers(light), constants,
                 _CLASSES, self._features, self.guess, self._sums)  # fmt: skip
        each = map if self._threads is None else self._threads.map
        for _ in each(lambda strip: _run(strip, *state), range(len(self._strips))):
            pass
        lanes.finish(self._features, *self.size, np.float32(lanes.agreement(self._sums.sum(axis=0))))
        return torch.from_numpy(self._features).permute(2, 0, 1)[None]


def warm_up() -> None:
    """Compiles the kernels, or loads them from where they were kept."""
    planes: PlaneViews = {
        PlaneName.COLOR: np.zeros((1, 1, 4), np.float16), PlaneName.NORMAL: np.zeros((1, 1, 4), np.float16),
        PlaneName.DEPTH: np.ones((1, 1), np.float32), PlaneName.OBJECT: np.zeros((1, 1), np.uint32),
    }  # fmt: skip
    projection = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, -0.2, 0.0, 0.0, -1.0, 0.0)
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=projection)
    Fused(1, 1).features(planes, camera, Bodies(), light_of("day", 0.0, 45.0))


class Source(NamedTuple):
    """The planes of a frame as the kernels read them, [H, W] or [H, W, 4], contiguous."""

    color: F32
    depth_m: F32
    normal: F32
    albedo: F32
    label: NDArray[np.uint8]
    objects: U32


_TABLE: F32 = np.ascontiguousarray(MATERIAL_TABLE.numpy().T)  # [16, 12]
_CLASSES: F32 = np.array(
    [[label == Label.FOLIAGE, label in GLOSSY, label == Label.GROUND] for label in range(16)], np.float32
)


def _convert(own: F32, plane: NDArray[np.generic]) -> None:
    # torch converts half floats eight at a time, NumPy one by one.
    torch.from_numpy(own).copy_(torch.utils.dlpack.from_dlpack(plane))


def _pinhole(camera: Camera, width: int, height: int) -> F32:
    """Rotation 3x3 and position of the camera, u at the first pixel's centre and its step, v the same, pixel width."""
    per_u, per_v = 1.0 / camera.projection[0], 1.0 / camera.projection[5]
    steps = [(1.0 / width - 1.0) * per_u, 2.0 / width * per_u, (1.0 - 1.0 / height) * per_v, -2.0 / height * per_v]
    rotation = rotations(np.array([camera.world_from_camera.orientation]))[0]
    return np.array([*rotation.ravel(), *camera.world_from_camera.position_m, *steps, 2.0 / height * per_v], np.float32)


def _poses(bodies: Bodies) -> tuple[U32, F32]:
    """Ids in ascending order, and the rotation and origin [n, 12] of each."""
    ids, poses = np.frombuffer(bodies.ids, "<u4"), np.frombuffer(bodies.poses, "<f8").reshape(-1, 7)
    order = np.argsort(ids)
    rows = np.concatenate([rotations(poses[:, 3:]).reshape(-1, 9), poses[:, :3]], axis=1)
    return ids[order], np.ascontiguousarray(rows[order], np.float32)


def _numbers(light: Light) -> F32:
    """Direction and irradiance of the sun, zenith, horizon, and how strong glow and white of the clouds are."""
    colors = [*light.to_sun, *light.sun_irradiance, *light.zenith, *light.horizon]
    return np.array([*colors, glow_strength(light), whiteness(light)], np.float32)


@kernel
def _run(
    strip: int, source: Source, has_albedo: bool, pinhole: F32, ids: U32, poses: F32, table: F32, light: F32,
    constants: F32, classes: F32, out: F32, guess: F32, all_sums: NDArray[np.float64],
) -> None:  # fmt: skip
    height, width = source.depth_m.shape
    block = np.zeros(lanes.BLOCK, np.float32)
    sums = all_sums[strip]
    sums[:] = 0.0
    eye = pinhole[9:12]
    for y in range(strip * STRIP_ROWS, min((strip + 1) * STRIP_ROWS, height)):
        v = pinhole[14] + np.float32(y) * pinhole[15]
        for start in range(0, width, LANES):
            count = min(LANES, width - start)
            _load(block, source, has_albedo, y, start, count)
            u = pinhole[12] + np.float32(start) * pinhole[13]
            lanes.place(block, pinhole, eye, u, pinhole[13], v, pinhole[16])
            lanes.into_bodies(block, source.objects[y], start, count, ids, poses)
            lanes.materials(block, table)
            lanes.cells(block)
            lanes.grain(block)
            lanes.base_color(block, has_albedo)
            lanes.light_surface(block, light)
            lanes.add_up(block, sums, count)
            if lanes.any_sky(block):
                lanes.sky(block, light)
                lanes.open_to_sky(block)
            lanes.logarithms(block)
            lanes.angles(block, light)
            lanes.store(block, out[y], guess[y], start, count, constants, classes)


@kernel
def _load(block: F32, source: Source, has_albedo: bool, y: int, start: int, count: int) -> None:
    lanes.load(block, lanes.R, source.color[y], start, count, np.float32(BRIGHTEST))
    lanes.load(block, lanes.NX, source.normal[y], start, count, np.float32(1.0))
    if has_albedo:
        lanes.load(block, lanes.AR, source.albedo[y], start, count, np.float32(1.0))
    lanes.load_scalars(block, source.depth_m[y], source.label[y], start, count)
