"""sheet.png: engine, plate and truth of frames that stand for the whole test, with a label each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from renderer.evaluate.pictures import Pictures

TILE = (224, 126)  # pixels of a picture
COLUMNS = 3  # of frames, three pictures each
GAP, SLIT, LABEL, HEAD = 14, 2, 20, 30
PAPER, INK, FAINT = (16, 18, 22), (226, 230, 236), (140, 148, 160)


def draw_sheet(frames: Sequence[Pictures], row: str, path: Path) -> None:
    """At least one frame."""
    lines = -(-len(frames) // COLUMNS)
    step, high = TILE[0] + SLIT, TILE[1] + LABEL
    wide = 3 * step - SLIT
    size = (GAP + COLUMNS * (wide + GAP), HEAD + lines * high + GAP // 2)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for column in range(min(COLUMNS, len(frames))):
        for k, title in enumerate(("engine", row, "truth")):
            _centred(draw, GAP + column * (wide + GAP) + k * step + TILE[0] / 2, 15, title, 15, INK)
    for n, frame in enumerate(frames):
        left, top = GAP + n % COLUMNS * (wide + GAP), HEAD + n // COLUMNS * high
        for k, picture in enumerate((frame.engine, frame.rows[row], frame.truth)):
            sheet.paste(_tile(picture), (left + k * step, top))
        _centred(draw, left + wide / 2, top + TILE[1] + 9, frame.pick.why, 12, FAINT)
    sheet.save(path, optimize=True)


def as_image(picture: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray((np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8))


def _tile(picture: NDArray[np.float32]) -> Image.Image:
    return as_image(picture).resize(TILE, Image.Resampling.LANCZOS)


def _centred(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: int, colour: tuple[int, int, int]) -> None:
    draw.text((x, y), text, colour, ImageFont.load_default(size), anchor="mm")
