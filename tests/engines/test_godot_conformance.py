"""The real engine judged by `worldplate conformance`: the sample court and the known scene keep every convention, and a
mistake in the packing shader is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from godot import PROJECTS, ROOT, Godot, make_project

from renderer.conformance.scene import FILE

SAMPLE = ROOT / "samples/godot"
FRAMES = 36  # of the known scene's loop: half of it, with its turns
WALKED = 200  # frames of the sample: enough to attach in, and to be judged
PATIENCE_S = 60.0
IN_ANY_SCENE = {
    "motion", "camera", "previous pose", "depth", "normal", "projection", "rows", "object ids", "sky", "color",
    "albedo", "material", "capture time", "near and far", "jitter",
}  # fmt: skip


class Kit:
    """`worldplate conformance` in a private runtime folder, ready when it is entered and ended when it is left."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.connection, self._json, self._log = folder / "connection.json", folder / "verdict.json", folder / "log"
        command = [sys.executable, "-m", "renderer.cli", "conformance", "--frames", str(FRAMES), *arguments]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--json", str(self._json)], stdout=log, stderr=subprocess.STDOUT, cwd=ROOT,
                env=os.environ | {"WORLDPLATE_RUNTIME_DIR": str(folder)},
            )  # fmt: skip

    @property
    def words(self) -> str:
        return self._log.read_text()

    def __enter__(self) -> Kit:
        limit_s = time.monotonic() + PATIENCE_S
        while not self.connection.exists():
            assert self._process.poll() is None, self.words
            assert time.monotonic() < limit_s, self.words
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def verdict(self) -> tuple[int, dict[str, Any]]:
        """Waits for its end: exit code and JSON."""
        try:
            status = self._process.wait(8 * PATIENCE_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the kit did not come to an end: {self.words}")
        assert self._json.exists(), self.words
        return status, json.loads(self._json.read_text())


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wp-") as name:  # short: sockets lie in it
        yield Path(name)


def walk(godot: Godot, project: Path, folder: Path, start_m: float) -> tuple[int, dict[str, Any], str]:
    """The sample's walk, judged: exit code, verdict, words."""
    with Kit(folder) as kit:
        outcome = godot.run(
            project, "--size", "320x180", "--frames", str(WALKED), "--start", str(start_m), "--sync", "freerun",
            "--connection", str(kit.connection), flags=("--fixed-fps", "30"), size=(320, 180), timeout_s=500.0,
        )  # fmt: skip
        outcome.check(3)
        return *kit.verdict(), kit.words


def show(godot: Godot, project: Path, folder: Path) -> tuple[int, dict[str, Any], str]:
    """The known scene, judged: exit code, verdict, words."""
    with Kit(folder, "--scene") as kit:
        arguments = (str(FILE), str(kit.connection), str(FRAMES + 6))
        godot.run(project, *arguments, size=(320, 180), timeout_s=500.0).check(1)
        return *kit.verdict(), kit.words


@pytest.mark.parametrize("start_m", [0.0, 20.0])
def test_the_court_is_found_to_keep_every_convention(
    godot: Godot, extension: Path, folder: Path, tmp_path: Path, start_m: float
) -> None:
    project = make_project(SAMPLE, tmp_path / "project", library=extension)
    status, verdict, words = walk(godot, project, folder, start_m)
    assert verdict["wrong"] == [], words
    assert status == 0
    assert verdict["frames"] == FRAMES
    assert "godot" in verdict["engine"].lower()
    assert set(verdict["held"]) >= IN_ANY_SCENE | {"labels", "bodies"}, words


def test_the_known_scene_is_found_to_keep_every_convention(
    godot: Godot, extension: Path, folder: Path, tmp_path: Path
) -> None:
    project = make_project(PROJECTS / "conformance", tmp_path / "project", library=extension)
    status, verdict, words = show(godot, project, folder)
    assert verdict["wrong"] == [], words
    assert status == 0
    assert set(verdict["held"]) >= IN_ANY_SCENE | {"labels", "bodies", "metres", "exposure"}, words
    assert verdict["measured"]["golden vector"]["score"] < 1.0


def test_a_mistake_in_the_packing_shader_is_named(godot: Godot, extension: Path, folder: Path, tmp_path: Path) -> None:
    project = make_project(PROJECTS / "conformance", tmp_path / "project", library=extension)
    shader = project / "addons/worldplate/capture/pack_shader.gd"
    right, wrong = "wp_normal_from_godot(coded.xyz, frame.world_from_view)", "wp_unit(coded.xyz * 2.0 - 1.0)"
    assert right in shader.read_text()
    shader.write_text(shader.read_text().replace(right, wrong))
    status, verdict, words = show(godot, project, folder)
    assert status == 1
    assert [mistake["says"] for mistake in verdict["wrong"]] == ["normals are in view space"], words
