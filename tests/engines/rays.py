"""Truth about simple scenes: rays cast in NumPy at boxes and spheres, and the planes that the add-on packed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
FORMATS = {"rgba16f": ("<f2", 4), "rg16f": ("<f2", 2), "r32f": ("<f4", 1), "r32ui": ("<u4", 1), "r8ui": ("u1", 1)}


@dataclass(frozen=True)
class Lens:
    """`tan`: half the height at 1 m. `center`: of the picture at 1 m, x right, y up. `jitter_px`: x right, y down."""

    tan: float = math.tan(math.radians(30))
    center: tuple[float, float] = (0.0, 0.0)
    jitter_px: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Solid:
    """Poses are position and quaternion x, y, z, w, now and in the frame before. A box of no depth is a quad.

    `there`: of hits in the solid's own axes, those that count.
    """

    kind: str
    size: Sequence[float]
    pose: Sequence[float]
    before: Sequence[float]
    there: Callable[[F64], Mask] | None = None


@dataclass
class Truth:
    """What a frame must show: [height, width, ...]; index -1 is the sky; `inside` leaves silhouettes out.

    `local`: the point that is seen, in the axes of its solid.
    """

    depth: F64
    index: NDArray[np.int64]
    normal: F64
    motion: F64
    local: F64
    inside: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.inside = find_inside(self.index, self.normal)


def turn(axis: tuple[float, float, float], angle: float) -> F64:
    """Quaternion x, y, z, w."""
    unit = np.array(axis) / np.linalg.norm(axis)
    return np.array([*(unit * math.sin(angle / 2)), math.cos(angle / 2)])


def matrix(q: F64) -> F64:
    x, y, z, w = q
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def product(a: F64, b: F64) -> F64:
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return np.array([
        aw * bx + ax * bw + ay * bz - az * by, aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw, aw * bw - ax * bx - ay * by - az * bz,
    ])  # fmt: skip


def cast(
    camera: Sequence[float], before: Sequence[float], solids: Sequence[Solid], size: tuple[int, int], lens: Lens
) -> Truth:
    """`camera`, `before`: its pose now and in the frame before. `size`: width and height."""
    width, height = size
    eye, rotation = np.array(camera[:3]), matrix(np.array(camera[3:]))
    u = (np.arange(width) + 0.5 - lens.jitter_px[0]) / width
    v = (np.arange(height) + 0.5 - lens.jitter_px[1]) / height
    uv = np.stack(np.meshgrid(u, v), -1)
    x, y = (2 * uv[..., 0] - 1) * lens.tan * width / height, (1 - 2 * uv[..., 1]) * lens.tan
    view = np.stack([x + lens.center[0], y + lens.center[1], -np.ones_like(x)], -1)
    rays = view @ rotation.T
    depth, index = np.full(x.shape, np.inf), np.full(x.shape, -1)
    normal, local = np.zeros(rays.shape), np.zeros(rays.shape)
    for i, solid in enumerate(solids):
        r = matrix(np.array(solid.pose[3:]))
        o, d = (eye - np.array(solid.pose[:3])) @ r, rays @ r
        t, n = hit_box(o, d, solid.size) if solid.kind == "box" else hit_sphere(o, d, solid.size[0])
        hit = o + d * np.where(np.isfinite(t), t, 0)[..., None]
        nearer = t < depth
        if solid.there is not None:
            nearer &= solid.there(hit)
        depth[nearer], index[nearer] = t[nearer], i
        normal[nearer], local[nearer] = (n @ r.T)[nearer], hit[nearer]
    motion = previous_uv(before, solids, rays, index, local, width / height, lens) - uv
    return Truth(depth, index, normal, motion, local)


def hit_box(o: F64, d: F64, size: Sequence[float]) -> tuple[F64, F64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (-np.array(size) / 2 - o) / d, (np.array(size) / 2 - o) / d
    near, far = np.minimum(a, b), np.maximum(a, b)
    t, axis = near.max(-1), near.argmax(-1)
    normal = -np.sign(d) * (np.arange(3) == axis[..., None])
    return np.where((t <= far.min(-1)) & (t > 0), t, np.inf), normal


def hit_sphere(o: F64, d: F64, radius: float) -> tuple[F64, F64]:
    a, b, c = (d * d).sum(-1), d @ o, o @ o - radius * radius
    inner = b * b - a * c
    t = np.where(inner >= 0, (-b - np.sqrt(np.maximum(inner, 0))) / a, np.inf)
    return t, (o + d * np.where(np.isfinite(t), t, 0)[..., None]) / radius


def previous_uv(
    camera: Sequence[float],
    solids: Sequence[Solid],
    rays: F64,
    index: NDArray[np.int64],
    local: F64,
    aspect: float,
    lens: Lens,
) -> F64:
    seen = np.where((index < 0)[..., None], rays, 0.0)
    for i, solid in enumerate(solids):
        world = local @ matrix(np.array(solid.before[3:])).T + np.array(solid.before[:3]) - np.array(camera[:3])
        seen = np.where((index == i)[..., None], world, seen)
    view = seen @ matrix(np.array(camera[3:]))
    x, y = view[..., 0] / -view[..., 2] - lens.center[0], view[..., 1] / -view[..., 2] - lens.center[1]
    return np.stack([0.5 + 0.5 * x / (lens.tan * aspect), 0.5 - 0.5 * y / lens.tan], -1)


def find_inside(index: NDArray[np.int64], normal: F64) -> Mask:
    """Where the eight neighbours show the same thing, and nearly the same way it faces."""
    inside = np.ones(index.shape, bool)
    inside[[0, -1]] = False
    inside[:, [0, -1]] = False
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            inside &= np.roll(index, (dy, dx), (0, 1)) == index
            inside &= (np.roll(normal, (dy, dx), (0, 1)) * normal).sum(-1) > 0.7 * (index >= 0) - 0.5
    return inside


def linear(coded: NDArray[Any]) -> F64:
    """Of sRGB bytes."""
    part = coded / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def read_planes(file: Path) -> tuple[dict[str, NDArray[Any]], F64, dict[str, Any]]:
    """Planes by name, the camera's 36 numbers, and all that was told, of a dump without its suffix."""
    told = json.loads(file.with_suffix(".json").read_text())
    data, width, height = file.with_suffix(".bin").read_bytes(), told["width"], told["height"]
    assert len(data) == told["layout"]["bytes"]
    planes: dict[str, NDArray[Any]] = {}
    for name, place in told["layout"].items():
        if name == "bytes":
            continue
        assert place["offset"] % 64 == 0
        dtype, channels = FORMATS[place["format"]]
        assert place["pitch"] == width * channels * np.dtype(dtype).itemsize
        flat = np.frombuffer(data, dtype, width * height * channels, place["offset"])
        planes[name] = flat.reshape((height, width, channels) if channels > 1 else (height, width))
    return planes, np.array(told["camera"]), told
