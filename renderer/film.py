"""Pictures that people look at: panels side by side, a contact sheet, an MP4.

Everything goes through one tone map (renderer/evaluate/image.py), so that panels can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bridge.errors import MissingDependency
from renderer.evaluate.image import tone_map

U8 = NDArray[np.uint8]
PANELS = ("engine", "plate", "composite")
INK, PAPER, QUIET = (236, 236, 232), (22, 23, 26), (150, 152, 156)
CODECS = ("libx264", "libopenh264", "mpeg4")


def display(linear: NDArray[np.floating]) -> U8:
    """Scene-linear [H, W, 3 or 4] as 8-bit display values [H, W, 3]."""
    return np.asarray(tone_map(linear[..., :3]) * 255.0 + 0.5, np.uint8)


def plate_on_black(plate: NDArray[np.floating]) -> NDArray[np.float32]:
    """A plate's colour where its matte is, black elsewhere: [H, W, 3]. What the engine owns shows as black."""
    return np.asarray(plate[..., :3], np.float32) * np.asarray(plate[..., 3:], np.float32)


def triptych(panels: Sequence[U8], scale: int = 1) -> U8:
    """Panels [H, W, 3] side by side, each with its name in a corner; sides come out even, as video wants."""
    wide = np.concatenate(panels, axis=1)
    height, width = (side * scale // 2 * 2 for side in wide.shape[:2])
    image = Image.fromarray(wide).resize((width, height), Image.Resampling.LANCZOS)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(11 * max(1, scale))
    step = width / len(panels)
    for n, name in enumerate(PANELS):
        box = draw.textbbox((n * step + 8, 6), name, font=font)
        draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill=(0, 0, 0, 130))
        draw.text((n * step + 8, 6), name, font=font, fill=INK)
    return np.asarray(image)


def write_mp4(path: Path, frames: Iterable[U8], fps: int) -> str:
    """Encode frames [H, W, 3] of one even size; returns the codec's name. Raises MissingDependency with none."""
    codec = next((name for name in CODECS if name in av.codecs_available), None)
    if codec is None:
        raise MissingDependency(
            "PyAV has no H.264 or MPEG-4 encoder", fix="Install `pip install --force-reinstall av`."
        )
    with av.open(str(path), "w") as container:
        stream = None
        for frame in frames:
            if stream is None:
                options = {"crf": "17", "preset": "veryfast"} if codec == "libx264" else {}
                stream = container.add_stream(codec, rate=Fraction(fps), options=options)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))
    return codec


def contact_sheet(path: Path, rows: Sequence[tuple[str, Sequence[U8]]], title: str, caption: str) -> None:
    """Rows of (label, three panels) as one picture with column heads, a title and a line of small print."""
    scale, gap, margin, head, left = 2, 10, 36, 96, 74
    height, width = (side * scale for side in rows[0][1][0].shape[:2])
    sheet_width = left + margin + 3 * width + 2 * gap
    sheet_height = head + len(rows) * (height + gap) + 44
    sheet = Image.new("RGB", (sheet_width, sheet_height), PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(26), ImageFont.load_default(16)
    draw.text((left, 20), title, font=large, fill=INK)
    for n, name in enumerate(PANELS):
        draw.text((left + n * (width + gap), head - 28), name, font=small, fill=QUIET)
    for row, (label, panels) in enumerate(rows):
        top = head + row * (height + gap)
        draw.text((18, top + height // 2 - 8), label, font=small, fill=QUIET)
        for n, panel in enumerate(panels):
            picture = Image.fromarray(panel).resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left + n * (width + gap), top))
    draw.text((left, sheet_height - 34), caption, font=small, fill=QUIET)
    sheet.save(path)
