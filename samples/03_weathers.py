"""One frame of the courtyard as the engine draws it, and limn's plates of it in five weathers.

    python samples/03_weathers.py [--out FILE] [--size WxH] [--seed N]

No renderer process and no network: the model is called as the renderer calls it, with typed controls.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import pack_layouts, payload_bytes, views
from bridge.schema import ControlValue, PlaneName
from renderer.evaluate.image import tone_map
from renderer.models.limn.controls import CONTROLS, weather_of
from renderer.models.limn.light import light_of
from renderer.models.limn.model import Limn

SECONDS, FPS = 2, 25
COLUMNS = 3
WEATHERS: dict[str, dict[str, ControlValue]] = {
    "day": {},
    "sundown": {"sun_elevation_deg": 1.5},
    "snow": {"snow": 0.9},
    "night after rain": {"sun_elevation_deg": -15.0, "wetness": 0.8},
    "foggy morning": {"sun_elevation_deg": 14.0, "fog": 0.5, "cloud": 0.5},
}


def pictures(width: int, height: int, seed: int) -> dict[str, NDArray[np.float32]]:
    """Display pictures [H, W, 3], 0..1, by name."""
    engine, limn = EmbeddedEngine(courtyard(seed), width, height), Limn()
    for _ in range(SECONDS * FPS):
        engine.step(1.0 / FPS)
    layouts = pack_layouts(FORMATS, width, height)
    planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
    engine.render(planes)
    shown = {"the engine's own": tone_map(planes[PlaneName.COLOR][..., :3])}
    sun = engine.world.sun
    dials = {c.name: c.default for c in CONTROLS}
    dials |= {"sun_azimuth_deg": sun.azimuth_deg, "sun_elevation_deg": sun.elevation_deg}
    for name, changed in WEATHERS.items():
        light = light_of(weather_of(dials | changed, {}), seed)
        plate = limn.paint(planes, engine.camera(), engine.bodies(), light)
        shown[name] = tone_map(plate[..., :3])
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/03_weathers.png"))
    parser.add_argument("--size", default="640x360")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    width, height = (int(side) for side in options.size.split("x"))
    shown = pictures(width, height, options.seed)
    sheet = Image.new("RGB", (COLUMNS * width, -(-len(shown) // COLUMNS) * height))
    for n, (name, picture) in enumerate(shown.items()):
        tile = Image.fromarray((picture * 255.0 + 0.5).astype(np.uint8))
        ImageDraw.Draw(tile).text((10, 8), name, fill="white", stroke_width=2, stroke_fill="black", font_size=18)
        sheet.paste(tile, (n % COLUMNS * width, n // COLUMNS * height))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(options.out)
    sys.stdout.write(f"{options.out}\n")


if __name__ == "__main__":
    main()
