"""A sheet of every family in several weathers: the engine's picture, then truth.

python -m renderer.training.sheet --out docs/worlds.png
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from renderer.evaluate.image import tone_map
from renderer.models.limn.weather import Weather
from renderer.training.plan import SEEN, UNSEEN, Sequence
from renderer.training.sequences import Recipe, frames_of
from renderer.training.tracer import find_mitsuba

WEATHERS = (
    Weather(sun_azimuth_deg=140.0, sun_elevation_deg=44.0),
    Weather(sun_azimuth_deg=215.0, sun_elevation_deg=6.0, turbidity=3.5, cloud=0.3),
    Weather(sun_azimuth_deg=140.0, cloud=0.8, wetness=0.95),
    Weather(sun_azimuth_deg=140.0, sun_elevation_deg=24.0, snow=0.9),
    Weather(sun_azimuth_deg=140.0, sun_elevation_deg=20.0, autumn=0.95, fog=0.4, cloud=0.5),
    Weather(sun_azimuth_deg=140.0, sun_elevation_deg=-12.0, cloud=0.2, wetness=0.4),
)


def row_of(family: str, seed: int, recipe: Recipe) -> NDArray[np.uint8]:
    """The engine's picture and the truth in every weather, side by side: [H, W * (1 + weathers), 3]."""
    mi = find_mitsuba()
    plan = Sequence(0, "train", family, seed, "sheet", WEATHERS[0], WEATHERS[0], "walk", ())
    made = [frames_of(replace(plan, weather=w, base=w), recipe, mi) for w in WEATHERS]
    pictures = [made[0]["color"][0], *(frames["truth"][0] for frames in made)]
    return np.concatenate([(tone_map(p) * 255.0 + 0.5).astype(np.uint8) for p in pictures], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="one row of every family for each")
    parser.add_argument("--samples", type=int, default=16)
    options = parser.parse_args()
    recipe = Recipe(frames=1, samples=options.samples)
    rows = []
    for seed in options.seeds:
        for family in (*SEEN, UNSEEN):
            rows.append(row_of(family, seed, recipe))
            sys.stdout.write(f"{family}, seed {seed}\n")
    Image.fromarray(np.concatenate(rows)).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
