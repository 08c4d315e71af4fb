"""The luma of picture files, frame by frame, as the watermark's reader takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.errors import ConfigError, MissingDependency
from renderer.provenance.watermark import REC709, Evidence, shown

STILLS = (".png", ".jpg", ".jpeg")
FILMS = (".mp4",)
LINEAR = (".exr",)
PICTURES = (*STILLS, *FILMS, *LINEAR)
MOST_FRAMES = 500  # of a film: more say nothing new
ACESCG_LUMA = np.array([0.2722287, 0.6740818, 0.0536895], np.float32)  # Y of AP1, SMPTE ST 2065-1 white
PLATE_PARTS = ("plate", "beauty")


def evidence_of(path: Path) -> Evidence:
    """What a picture or a film says. Raises ConfigError for a file that is none, OSError."""
    evidence, suffix = Evidence(), path.suffix.lower()
    if suffix in STILLS:
        evidence.add_picture(_still(path))
    elif suffix in FILMS:
        _add_film(path, evidence)
    else:
        evidence.add(_linear(path))
    return evidence


def _still(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise _unreadable(path, error) from error


def _add_film(path: Path, evidence: Evidence) -> None:
    import av

    try:
        with av.open(str(path.absolute())) as film:
            for number, frame in enumerate(film.decode(video=0)):
                if number == MOST_FRAMES:
                    break
                planar = frame.reformat(format="gray")
                evidence.add(planar.to_ndarray())
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise _unreadable(path, error) from error


def _linear(path: Path) -> NDArray[np.float32]:
    try:
        import OpenEXR
    except ImportError as error:
        raise MissingDependency("EXR needs openexr", fix='Install `pip install "worldplate[exports]"`.') from error
    try:
        with path.open("rb") as stream, OpenEXR.File(stream, separate_channels=False) as file:
            parts = {part.name(): part for part in file.parts}
            part = next((parts[name] for name in PLATE_PARTS if name in parts), file.parts[0])
            pixels = next(part.channels[c].pixels for c in ("RGBA", "RGB") if c in part.channels)
            weights = REC709 if _is_rec709(part.header) else ACESCG_LUMA
    except (RuntimeError, OSError, StopIteration, IndexError, ValueError) as error:
        raise _unreadable(path, error) from error
    luma = np.nan_to_num(pixels[..., :3].astype(np.float32), posinf=65504.0) @ weights
    return shown(np.maximum(luma, 0.0))


def _is_rec709(header: dict[str, object]) -> bool:
    told = header.get("chromaticities")
    return told is None or abs(float(np.asarray(told).ravel()[0]) - 0.64) < 1e-3


def _unreadable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"{path.name!r} cannot be read as a picture: {' '.join(str(error).split())[:160]}",
        fix="Name a whole PNG, JPEG, MP4 or EXR.",
    )
