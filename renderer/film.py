"""Pictures that people look at: panels side by side, a contact sheet, an MP4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
from PIL import Image, ImageDraw, ImageFont

from bridge.errors import MissingDependency
from renderer.display import U8, on_checker

PANELS = ("engine", "plate", "composite")
INK, PAPER, QUIET = (236, 236, 232), (22, 23, 26), (150, 152, 156)
CODECS = ("libx264", "libopenh264", "mpeg4")
# x264's macroblock tree reads memory that nobody wrote where a side is not a multiple of 16 (core 165: one encode in
# some hundreds of the same frames has other bytes), so it is off: equal frames give equal files.
X264 = {"crf": "17", "preset": "veryfast", "mbtree": "0"}
BT709 = 1  # ITU-T H.273: primaries, transfer and matrix of Rec.709


def panels_of(pictures: U8) -> tuple[U8, U8, U8]:
    """Engine, plate and composite [3, H, W, 4] as panels [H, W, 3]; the plate's gaps show as squares."""
    engine, plate, composite = pictures
    return engine[..., :3], on_checker(plate), composite[..., :3]


def triptych(panels: Sequence[U8], scale: int = 1, note: str = "") -> U8:
    """Panels [H, W, 3] side by side, each with its name in a corner and `note` after the last one's; sides come out
    even, as video wants."""
    wide = np.concatenate(panels, axis=1)
    height, width = (side * scale // 2 * 2 for side in wide.shape[:2])
    image = Image.fromarray(wide).resize((width, height), Image.Resampling.LANCZOS)
    draw, font = ImageDraw.Draw(image, "RGBA"), ImageFont.load_default(11 * max(1, scale))
    step = width / len(panels)
    for n, name in enumerate((*PANELS[:-1], f"{PANELS[-1]}, {note}" if note else PANELS[-1])):
        box = draw.textbbox((n * step + 8, 6), name, font=font)
        draw.rectangle((box[0] - 4, box[1] - 3, box[2] + 4, box[3] + 3), fill=(0, 0, 0, 130))
        draw.text((n * step + 8, 6), name, font=font, fill=INK)
    return np.asarray(image)


def write_mp4(path: Path, frames: Iterable[U8], fps: int | Fraction) -> str:
    """Encode frames [H, W, 3] of one even size; returns the codec's name. Raises MissingDependency with none."""
    codec = next((name for name in CODECS if name in av.codecs_available), None)
    if codec is None:
        raise MissingDependency(
            "PyAV has no H.264 or MPEG-4 encoder", fix="Install `pip install --force-reinstall av`."
        )
    # The index goes to the front, so that a browser can start before it has the whole file.
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = None
        for frame in frames:
            if stream is None:
                options = X264 if codec == "libx264" else {}
                stream = container.add_stream(codec, rate=Fraction(fps), options=options)
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
                context = stream.codec_context  # said in the file, or players guess by the size of the picture
                context.colorspace, context.color_primaries, context.color_trc = BT709, BT709, BT709
                context.color_range = ColorRange.MPEG
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            container.mux(stream.encode(picture.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        if stream is not None:
            container.mux(stream.encode(None))
    return codec


def contact_sheet(path: Path, rows: Sequence[tuple[str, Sequence[U8]]], title: str, caption: str) -> None:
    """Rows of (label, three panels) as one picture with column heads, a title and a line of small print."""
    height, width = rows[0][1][0].shape[:2]
    scale = max(1.0, 640 / width)  # small frames are enlarged to be looked at
    height, width = round(height * scale), round(width * scale)
    gap, margin, head, left = 10, 36, 100, 84
    sheet_width = left + margin + 3 * width + 2 * gap
    sheet_height = head + len(rows) * (height + gap) + 48
    sheet = Image.new("RGB", (sheet_width, sheet_height), PAPER)
    draw = ImageDraw.Draw(sheet)
    large, small = ImageFont.load_default(28), ImageFont.load_default(18)
    draw.text((left, 20), title, font=large, fill=INK)
    for n, name in enumerate(PANELS):
        draw.text((left + n * (width + gap), head - 30), name, font=small, fill=QUIET)
    for row, (label, panels) in enumerate(rows):
        top = head + row * (height + gap)
        draw.text((left - 14, top + height // 2), label, font=small, fill=QUIET, anchor="rm")
        for n, panel in enumerate(panels):
            picture = Image.fromarray(panel).resize((width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (left + n * (width + gap), top))
    draw.text((left, sheet_height - 36), caption, font=small, fill=QUIET)
    sheet.save(path, optimize=True)
