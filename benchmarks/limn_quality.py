"""How near limn comes to path-traced truth on worlds it never saw, beside the engine's own picture.

    python benchmarks/limn_quality.py --data DIR [--json FILE] [--sheet FILE]

DIR holds frames of test seeds (`python -m renderer.training.dataset --out DIR --frames 32 --first-seed 9000
--samples 48`). Rows: the engine's colour as it is; the same through the best exposure and contrast curve, fitted to
the truth for each sky; limn. PSNR in dB and FLIP after the tone map of renderer/evaluate/image.py.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.table import Table

from bridge.schema import PlaneName
from renderer.evaluate.image import flip, psnr_db, tone_map
from renderer.models.limn.model import Limn
from renderer.models.limn.sky import SKIES, light_of
from renderer.report import machine
from renderer.training.dataset import Sample, load

F32 = NDArray[np.float32]
FIRST_TEST_SEED = 9000


def plate_of(model: Limn, sample: Sample) -> F32:
    light = light_of(sample.sky, sample.azimuth_deg, sample.elevation_deg)
    return model.paint(sample.planes, sample.camera, sample.bodies, light)[..., :3].copy()


def fit_curve(pairs: list[tuple[F32, F32]]) -> tuple[F32, F32]:
    """Per channel, the gain and power that bring the engine's colour nearest the truth: least squares of logarithms."""
    gain, power = np.ones(3, np.float32), np.ones(3, np.float32)
    for c in range(3):
        x = np.concatenate([np.log(np.clip(e[..., c], 1e-3, None)).ravel() for e, _ in pairs])
        y = np.concatenate([np.log(np.clip(t[..., c], 1e-3, None)).ravel() for _, t in pairs])
        power[c], offset = np.polyfit(x, y, 1)
        gain[c] = np.exp(offset)
    return gain, power


def rows_of(model: Limn, samples: list[Sample]) -> list[dict[str, F32]]:
    """For every frame the display pictures of truth and of each row."""
    engines = [np.asarray(s.planes[PlaneName.COLOR][..., :3], np.float32) for s in samples]
    curves = {
        sky: fit_curve([(e, s.truth) for e, s in zip(engines, samples, strict=True) if s.sky == sky])
        for sky in {s.sky for s in samples}
    }
    rows = []
    for engine, sample in zip(engines, samples, strict=True):
        gain, power = curves[sample.sky]
        pictures = {
            "engine as it is": engine,
            "engine, fitted curve": gain * np.clip(engine, 0.0, None) ** power,
            "limn": plate_of(model, sample),
            "truth": sample.truth,
        }
        rows.append({name: tone_map(picture) for name, picture in pictures.items()})
    return rows


def measure(rows: list[dict[str, F32]], samples: list[Sample]) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for name in ("engine as it is", "engine, fitted curve", "limn"):
        psnrs = [psnr_db(row[name], row["truth"]) for row in rows]
        figures[name] = {
            "psnr_db": float(np.mean(psnrs)),
            "flip": float(np.mean([flip(r[name], r["truth"]) for r in rows])),
        }
        for sky in SKIES:
            of_sky = [p for p, s in zip(psnrs, samples, strict=True) if s.sky == sky]
            if of_sky:
                figures[name][f"psnr_db {sky}"] = float(np.mean(of_sky))
    return {name: {k: round(v, 3) for k, v in values.items()} for name, values in figures.items()}


def draw_sheet(path: Path, rows: list[dict[str, F32]], most: int) -> None:
    """Frames in two columns of engine | limn | truth."""
    picked = rows[:: max(1, len(rows) // most)][:most]
    strips = [np.concatenate([row[n] for n in ("engine as it is", "limn", "truth")], axis=1) for row in picked]
    half = len(strips) // 2
    columns = [np.concatenate(part, axis=0) for part in (strips[:half], strips[half : 2 * half])]
    sheet = (np.concatenate(columns, axis=1) * 255.0).astype(np.uint8)
    Image.fromarray(sheet).save(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    samples = [load(path) for path in sorted(options.data.glob(f"{FIRST_TEST_SEED}-*.npz"))]
    if not samples:
        sys.stderr.write(f"no frames of test seeds in {options.data}; make them with renderer.training.dataset\n")
        return 3
    rows = rows_of(Limn(), samples)
    figures = measure(rows, samples)
    table = Table(title=f"{len(samples)} frames of unseen worlds", title_justify="left")
    columns = list(dict.fromkeys(key for values in figures.values() for key in values))
    for column in ("row", *columns):
        table.add_column(column)
    for name, values in figures.items():
        table.add_row(name, *(f"{values.get(key, float('nan')):.2f}" for key in columns))
    Console().print(table)
    if options.json:
        report = {"bench": "limn_quality", "frames": len(samples), "figures": figures, "machine": machine()}
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    if options.sheet:
        draw_sheet(options.sheet, rows, 16)
    return 0


if __name__ == "__main__":
    sys.exit(main())
