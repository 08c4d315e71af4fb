"""samples/02_engine_in_c.c: it stays small and plain, and runs as an engine does, also under the sanitizers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import native
import numpy as np
import pytest
from PIL import Image

from renderer.process import RendererProcess

BUILDS = {"g++": ("g++",), "addresses": native.ADDRESSES, "threads": native.THREADS}
FIGURES = r"(\S.*): (\d+\.\d) frames/s, (\d+) plates/s, frame age p50 \d+\.\d ms, p95 \d+\.\d ms"


@pytest.fixture(scope="module")
def passthrough() -> Iterator[RendererProcess]:
    native.build()
    with RendererProcess("passthrough") as renderer:
        renderer.wait_until_ready()
        yield renderer


def start(seconds: str, picture: Path, connection: Path, build: str = "g++") -> subprocess.Popen[str]:
    command = [str(native.build(*BUILDS[build]) / "engine_in_c"), seconds, str(picture), str(connection)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | native.sanitizer_options())


def test_it_is_one_short_file_of_plain_c11(tmp_path: Path) -> None:
    assert len(native.SAMPLE.read_text().splitlines()) < 200
    include = f"-I{native.SOURCE / 'include'}"
    for compiler in ("gcc", "clang"):
        flags = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-c", "-o", str(tmp_path / "engine.o")]
        subprocess.run([compiler, *flags, include, str(native.SAMPLE)], check=True)


@pytest.mark.parametrize("build", BUILDS)
def test_it_shows_plates_of_the_renderer(passthrough: RendererProcess, tmp_path: Path, build: str) -> None:
    engine = start("5", tmp_path / "shown.ppm", passthrough.connection, build)
    lines = engine.communicate()[0].splitlines()
    assert engine.returncode == 0
    figures = [re.fullmatch(FIGURES, line) for line in lines]
    assert None not in figures
    assert lines
    assert [match[1] for match in figures if match][-1] == "passthrough"
    assert any(float(match[3]) > 0 for match in figures if match)
    picture = np.asarray(Image.open(tmp_path / "shown.ppm"))
    assert picture.shape == (180, 320, 3)
    assert picture[0, :, 2].min() > picture[0, :, 0].max()  # a blue sky over
    assert picture[-1].std() > 5  # a floor of tiles


def test_without_a_renderer_it_shows_its_own_picture(tmp_path: Path) -> None:
    engine = start("1.5", tmp_path / "shown.ppm", tmp_path / "connection.json")
    assert "no renderer: " in engine.communicate()[0]
    assert engine.returncode == 0
    assert np.asarray(Image.open(tmp_path / "shown.ppm"))[0, :, 2].min() > 100


def test_an_interrupt_ends_it_as_the_time_does(passthrough: RendererProcess, tmp_path: Path) -> None:
    engine = start("1000", tmp_path / "shown.ppm", passthrough.connection)
    assert engine.stdout is not None
    while not engine.stdout.readline().startswith("passthrough"):
        assert engine.poll() is None
    engine.send_signal(signal.SIGINT)
    engine.communicate()
    assert engine.returncode == 0
    assert (tmp_path / "shown.ppm").exists()


def test_a_picture_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    engine = start("0.1", tmp_path / "absent" / "shown.ppm", tmp_path / "connection.json")
    engine.communicate()
    assert engine.returncode == 1
