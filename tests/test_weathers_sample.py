"""samples/03_weathers.py runs as a person would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parent.parent / "samples" / "03_weathers.py"


def test_the_sample_paints_one_frame_in_five_weathers(tmp_path: Path) -> None:
    out = tmp_path / "weathers.png"
    command = [sys.executable, str(SAMPLE), "--out", str(out), "--size", "96x54"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    picture = Image.open(out)
    assert picture.size == (3 * 96, 2 * 54)
    tiles = [picture.crop((x, y, x + 96, y + 54)).tobytes() for y in (0, 54) for x in (0, 96, 192)]
    assert len(set(tiles)) == 6
