"""Sequences of a data set as the network sees them: one array of half floats a sequence, mapped from disk.

Each training sequence does without some optional planes, chosen by its name, as engines do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.planes import PlaneViews
from bridge.schema import PlaneName
from renderer.models.limn.features import CELL, CHANNELS, PARTS, TOLD
from renderer.models.limn.fused import Fused
from renderer.models.limn.light import light_of
from renderer.models.limn.network import STRIDE
from renderer.training.sequences import Clip, load
from renderer.training.steadiness import traced_back

WITHOUT = {PlaneName.ALBEDO: 0.06, PlaneName.LABEL: 0.08, PlaneName.MATERIAL: 0.12, PlaneName.MOTION: 0.10}
_KNOWN = CHANNELS + PARTS
X, PARTED = slice(0, CHANNELS), slice(CHANNELS, _KNOWN)
TRUTH, COLOR, ALBEDO = (slice(_KNOWN + 3 * k, _KNOWN + 3 * k + 3) for k in range(3))
PLANES = _KNOWN + 9
F16 = NDArray[np.float16]
F32 = NDArray[np.float32]


@dataclass(frozen=True)
class Prepared:
    """T frames, padded to the network's stride; `height` and `width` are the picture's own."""

    name: str
    height: int
    width: int
    pixels: F16  # [T, H, W, PLANES]: X, PARTED, TRUTH, COLOR, ALBEDO
    traced: F32  # [T, H / CELL, W / CELL, 3] of `steadiness.traced_back`
    told: F32  # [T, TOLD]
    sun: F32  # [3]
    fog: F32  # [3]
    stops: F32  # [] by which the place's exposure in fair weather is brighter than this one


def prepared(data: Path, cache: Path, split: str, known: set[str]) -> Iterator[Prepared]:
    """The sequences of a split that are not yet in `known`, to which each is added."""
    cache.mkdir(parents=True, exist_ok=True)
    for path in sorted(data.glob(f"*-{split}-*.npz")):
        if path.name in known:
            continue
        known.add(path.name)
        if not (cache / f"{path.stem}.npz").exists():
            _prepare(path, cache)
        with np.load(cache / f"{path.stem}.npz") as small:
            arrays = {name: small[name] for name in small.files}
        height, width = (int(side) for side in arrays.pop("size"))
        yield Prepared(path.stem, height, width, np.load(cache / f"{path.stem}.npy", mmap_mode="r"), **arrays)


def _prepare(path: Path, cache: Path) -> None:
    clip = load(path)
    light = light_of(clip.weather, clip.plan["seed"])
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8], "little"))
    without = {n for n, share in WITHOUT.items() if clip.plan["split"] == "train" and rng.uniform() < share}
    count, height, width, _ = clip.truth.shape
    rows, columns = (-(-side // STRIDE) * STRIDE for side in (height, width))
    fused = Fused(width, height, STRIDE)  # training sees what the product sees
    pixels = np.zeros((count, rows, columns, PLANES), np.float16)
    traced = np.zeros((count, rows // CELL, columns // CELL, 3), np.float32)
    told = np.zeros((count, TOLD), np.float32)
    for t in range(count):
        planes = {n: p for n, p in clip.planes[t].items() if n not in without}
        fused.see(planes, clip.cameras[t], clip.bodies[t], light)
        color, albedo = (planes.get(n, np.zeros((height, width, 4))) for n in (PlaneName.COLOR, PlaneName.ALBEDO))
        rows_of = (fused.x[:height, :width], fused.parts, clip.truth[t], color[..., :3], albedo[..., :3])
        pixels[t, :height, :width] = np.concatenate([np.minimum(r, 6e4).astype(np.float16) for r in rows_of], axis=-1)
        told[t] = fused.told[0]
        if t > 0 and PlaneName.MOTION not in without:
            traced[t] = _traced(clip, t, traced.shape[1:3])
    part = cache / f"{path.stem}.part.npy"
    np.save(part, pixels)
    part.replace(cache / f"{path.stem}.npy")
    np.savez(cache / f"{path.stem}.npz", size=np.array([height, width]), traced=traced, told=told,
             sun=light.sky.sun, fog=light.sky.fog,
             stops=np.array(clip.base_exposure_ev - clip.weather.exposure_ev, np.float32))  # fmt: skip


def _traced(clip: Clip, t: int, shape: tuple[int, int]) -> F32:
    now: PlaneViews = clip.planes[t]
    depth_m, before_m = (planes[PlaneName.DEPTH].astype(np.float32) for planes in (now, clip.planes[t - 1]))
    return traced_back(clip.cameras[t], depth_m, before_m, CELL, shape, now[PlaneName.MOTION].astype(np.float32))
