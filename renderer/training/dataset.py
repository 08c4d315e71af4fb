"""Make training data: engine planes of courtyards, and their path-traced truth.

    python -m renderer.training.dataset --out DIR --frames 1000 --first-seed 1000

Deterministic: a frame depends on its number, the first seed and the size alone. Resumable: a frame that is there is
not made again. Several processes may share the work with --share i/n. Each frame is one .npz; `manifest.json` has
the settings and the files' hashes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np
from rich.progress import track

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine
from bridge.engine.world import CameraKey, Vec3
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import ALLOWED_FORMATS, Bodies, Camera, PlaneName
from renderer.models.limn.sky import SKIES, light_of
from renderer.training.truth import SUPERSAMPLING, Truth

FRAMES_PER_WORLD = 4
ENGINE_PLANES = (
    PlaneName.COLOR,
    PlaneName.DEPTH,
    PlaneName.NORMAL,
    PlaneName.ALBEDO,
    PlaneName.OBJECT,
    PlaneName.LABEL,
)
log = logging.getLogger("worldplate.dataset")


@dataclass(frozen=True)
class Recipe:
    """What a data set is made with. Sizes in pixels; `samples` per traced pixel."""

    first_seed: int
    width: int = 192
    height: int = 108
    samples: int = 10


class EngineFrames:
    """An engine with buffers for its planes."""

    def __init__(self, seed: int, width: int, height: int) -> None:
        self.engine = EmbeddedEngine(courtyard(seed), width, height)
        layouts = pack_layouts({name: ALLOWED_FORMATS[name][0] for name in ENGINE_PLANES}, width, height)
        self.planes: PlaneViews = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)

    def render(self) -> PlaneViews:
        self.engine.render(self.planes)
        return self.planes


def make_world_frames(recipe: Recipe, number: int, out: Path) -> None:
    """All frames of the `number`-th world: times, cameras and lights drawn from its seed."""
    paths = [out / f"{recipe.first_seed}-{number:05d}-{n}.npz" for n in range(FRAMES_PER_WORLD)]
    if all(p.exists() for p in paths):
        return
    seed = recipe.first_seed + number
    rng = np.random.default_rng([seed, 77])
    coarse = EngineFrames(seed, recipe.width, recipe.height)
    fine = EngineFrames(seed, recipe.width * SUPERSAMPLING, recipe.height * SUPERSAMPLING)
    for path in paths:
        wait_s = float(rng.uniform(0.2, 2.4))
        for frames in (coarse, fine):
            frames.engine.settle(wait_s)
        key = free_camera(coarse, rng)
        for frames in (coarse, fine):
            frames.engine.look(key)
        _save(path, recipe, coarse, fine, rng, seed)


def free_camera(frames: EngineFrames, rng: np.random.Generator) -> CameraKey:
    """A camera near the walked path that stands free: nothing within 0.6 m, and a scene before it."""
    engine = frames.engine
    for _ in range(50):
        key = engine.world.camera(float(rng.uniform(0.0, 10.0)))
        moved = CameraKey(_jitter(key.eye_m, rng, (1.6, 0.5, 1.6)), _jitter(key.target_m, rng, (2.5, 0.8, 1.0)))
        engine.look(moved)
        depth = frames.render()[PlaneName.DEPTH]
        if moved.eye_m[1] > 0.5 and depth.min() > 0.6 and np.isfinite(depth).mean() > 0.4:
            return moved
    return engine.world.camera(0.0)


def _jitter(point: Vec3, rng: np.random.Generator, reach_m: Vec3) -> Vec3:
    x, y, z = (float(p + rng.uniform(-r, r)) for p, r in zip(point, reach_m, strict=True))
    return x, y, z


def draw_light(engine: EmbeddedEngine, rng: np.random.Generator) -> tuple[str, float, float]:
    """Sky, azimuth and elevation: mostly the engine's own sun, else another one."""
    sky = str(rng.choice(SKIES, p=(0.56, 0.24, 0.20)))
    sun = engine.world.sun
    if rng.uniform() < 0.75:
        return sky, sun.azimuth_deg, sun.elevation_deg
    return sky, float(rng.uniform(0.0, 360.0)), float(rng.uniform(15.0, 65.0))


def _save(
    path: Path, recipe: Recipe, coarse: EngineFrames, fine: EngineFrames, rng: np.random.Generator, seed: int
) -> None:
    sky, azimuth_deg, elevation_deg = draw_light(coarse.engine, rng)
    tracer = Truth(recipe.width, recipe.height, recipe.samples)
    truth = tracer.picture(fine.engine, fine.render(), light_of(sky, azimuth_deg, elevation_deg), seed)
    half = path.with_suffix(f".{os.getpid()}.part")
    with half.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            truth=truth.astype(np.float16),
            camera=np.frombuffer(msgspec.msgpack.encode(coarse.engine.camera()), np.uint8),
            bodies=np.frombuffer(msgspec.msgpack.encode(coarse.engine.bodies()), np.uint8),
            light=np.array([SKIES.index(sky), azimuth_deg, elevation_deg]),
            **{str(name): plane for name, plane in coarse.render().items()},
        )
    half.replace(path)


@dataclass(frozen=True)
class Sample:
    """One frame of a data set, as it was saved."""

    planes: PlaneViews
    camera: Camera
    bodies: Bodies
    sky: str
    azimuth_deg: float
    elevation_deg: float
    truth: np.ndarray[tuple[int, ...], np.dtype[np.float32]]  # [H, W, 3], scene-linear


def load(path: Path) -> Sample:
    with np.load(path) as data:
        sky, azimuth_deg, elevation_deg = data["light"]
        return Sample(
            planes={name: data[str(name)] for name in ENGINE_PLANES},
            camera=msgspec.msgpack.decode(data["camera"].tobytes(), type=Camera),
            bodies=msgspec.msgpack.decode(data["bodies"].tobytes(), type=Bodies),
            sky=SKIES[int(sky)],
            azimuth_deg=float(azimuth_deg),
            elevation_deg=float(elevation_deg),
            truth=data["truth"].astype(np.float32),
        )


def write_manifest(out: Path, recipe: Recipe) -> None:
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.glob(f"{recipe.first_seed}-*.npz"))}
    text = json.dumps({"recipe": asdict(recipe), "made": time.strftime("%Y-%m-%d"), "files": files}, indent=1)
    (out / f"manifest-{recipe.first_seed}.json").write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--first-seed", type=int, default=1000, help="1000 trains, 5000 validates, 9000 tests")
    parser.add_argument("--size", default="192x108")
    parser.add_argument("--samples", type=int, default=10)
    parser.add_argument("--share", default="0/1", help="i/n: make every n-th world, from the i-th")
    options = parser.parse_args()
    width, height = (int(v) for v in options.size.split("x"))
    recipe = Recipe(options.first_seed, width, height, options.samples)
    options.out.mkdir(parents=True, exist_ok=True)
    share, shares = (int(v) for v in options.share.split("/"))
    worlds = range(share, -(-options.frames // FRAMES_PER_WORLD), shares)
    for number in track(worlds, description="path tracing"):
        make_world_frames(recipe, number, options.out)
    write_manifest(options.out, recipe)


if __name__ == "__main__":
    main()
