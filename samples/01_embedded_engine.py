"""Drive the embedded engine by hand and look at its planes.

    python samples/01_embedded_engine.py

No renderer and no network: this is what an engine gives to Worldplate. Writes out/01_embedded_engine.png, all eight
planes of a frame, and beside it what the bodies do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import PlaneName

Bytes = NDArray[np.uint8]


def to_bytes(values: NDArray[np.floating[Any]]) -> Bytes:
    """0..1 to 0..255, clipped."""
    return np.asarray(np.clip(values, 0.0, 1.0) * 255.0 + 0.5, np.float32).astype(np.uint8)


def display(color: NDArray[np.float32]) -> Bytes:
    """Scene-linear to sRGB bytes, with a soft shoulder so that bright walls keep their colour."""
    x = np.maximum(color, 0.0) * 1.1
    x = x * (2.51 * x + 0.03) / (x * (2.43 * x + 0.59) + 0.14)  # Narkowicz 2015, a fit to the ACES film curve
    return to_bytes(x ** (1.0 / 2.2))


def spread(values: NDArray[np.uint32]) -> Bytes:
    """A colour of its own for every number; black for 0."""
    hashed = values.astype(np.uint64) * 2654435761 % 2**32
    parts = [hashed >> shift & 255 for shift in (0, 11, 22)]
    return (np.stack(parts, axis=-1) * (values > 0)[..., None]).astype(np.uint8)


def pictures(planes: PlaneViews) -> dict[PlaneName, Bytes]:
    """Every plane as something to look at, [height, width, 3]."""
    floats = {name: plane.astype(np.float32) for name, plane in planes.items()}
    motion = np.nan_to_num(floats[PlaneName.MOTION]) * 20.0 + 0.5
    material = floats[PlaneName.MATERIAL]
    zeros = np.zeros_like(material[..., :1])
    return {
        PlaneName.COLOR: display(floats[PlaneName.COLOR][..., :3]),
        PlaneName.DEPTH: display(np.repeat(2.0 / floats[PlaneName.DEPTH][..., None], 3, axis=2)),
        PlaneName.NORMAL: to_bytes(floats[PlaneName.NORMAL][..., :3] * 0.5 + 0.5),
        PlaneName.MOTION: to_bytes(np.concatenate([motion, zeros + 0.5], axis=2)),
        PlaneName.ALBEDO: display(floats[PlaneName.ALBEDO][..., :3]),
        PlaneName.MATERIAL: to_bytes(np.concatenate([material, zeros], axis=2)),
        PlaneName.OBJECT: spread(planes[PlaneName.OBJECT]),
        PlaneName.LABEL: spread(planes[PlaneName.LABEL].astype(np.uint32)),
    }


def sheet(planes: PlaneViews) -> Image.Image:
    """The eight planes, four to a row."""
    tiles = list(pictures(planes).values())
    return Image.fromarray(np.concatenate([np.concatenate(tiles[:4], axis=1), np.concatenate(tiles[4:], axis=1)]))


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="which court")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long to let it run")
    parser.add_argument("--width", type=int, default=480, help="pixels of one plane")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder to write to")
    options = parser.parse_args(arguments)

    engine = EmbeddedEngine(courtyard(options.seed), options.width, options.width * 9 // 16)
    layouts = pack_layouts(FORMATS, engine.width, engine.height)
    planes = views(bytearray(payload_bytes(layouts)), layouts, writeable=True)
    for _ in range(round(options.seconds * 30)):
        engine.step(1.0 / 30.0)
    engine.render(planes)

    options.out.mkdir(parents=True, exist_ok=True)
    path = options.out / "01_embedded_engine.png"
    sheet(planes).save(path)
    bodies = engine.bodies()
    sys.stdout.write(
        f"{path}: {', '.join(planes)} of '{engine.world.name}' {options.seed} after {engine.time_s:.1f} s; "
        f"{bodies.count} bodies, {bodies.contact_count} contacts\n"
    )


if __name__ == "__main__":
    main()
