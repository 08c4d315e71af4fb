"""Data sets: deterministic, resumable after a kill, honest about what is in the folder; sequences that fit together."""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import ConfigError, TransportError
from bridge.schema import Label, PlaneName
from renderer.cli import main
from renderer.models.limn.anchor import rotations
from renderer.training import produce
from renderer.training.plan import planned
from renderer.training.produce import Job, progress, run, verify
from renderer.training.sequences import Clip, Recipe, load

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mitsuba") is None,
    reason='Mitsuba is absent: data sets are NOT tested; `pip install "worldplate[train]"` brings it',
)
TINY = Recipe(width=40, height=24, frames=3, samples=1, test_samples=2)
SEQUENCES = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the first sequences, whole."""
    out = tmp_path_factory.mktemp("made")
    assert run(Job(out, TINY, SEQUENCES)) == SEQUENCES
    return out


@pytest.fixture(scope="module")
def clips(made: Path) -> list[Clip]:
    return [load(path) for path in sorted(made.glob("*.npz"))]


def hashes(out: Path) -> dict[str, str]:
    files: dict[str, str] = json.loads((out / "manifest.json").read_text())["files"]
    return files


def test_a_folder_has_every_sequence_and_a_manifest_that_fits(made: Path) -> None:
    assert [p.stem for p in sorted(made.glob("*.npz"))] == [planned(n).name for n in range(SEQUENCES)]
    assert verify(made) == []
    assert not list(made.glob("*.part"))


def test_killed_at_any_moment_and_run_again_it_comes_out_the_same(made: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "renderer.cli", "dataset", "--out", str(tmp_path), "--sequences", str(SEQUENCES),
               "--size", "40x24", "--frames", "3", "--samples", "1"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    while not list(tmp_path.glob("*.npz")):
        assert process.poll() is None
        time.sleep(0.02)
    import os

    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (tmp_path / "00001-train-courtyard-dusk.123.part").write_bytes(b"half a sequence")
    assert run(Job(tmp_path, TINY, SEQUENCES)) == SEQUENCES
    assert hashes(tmp_path) == hashes(made)
    assert not list(tmp_path.glob("*.part"))


def test_two_workers_make_the_same_files_as_one(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With new processes after each sequence, as they come now and then to give memory back."""
    monkeypatch.setattr(produce, "TASKS_PER_PROCESS", 1)
    assert run(Job(tmp_path, TINY, 3, workers=2)) == 3
    assert hashes(tmp_path).items() <= hashes(made).items()


def test_a_folder_of_another_recipe_is_refused(made: Path) -> None:
    with pytest.raises(ConfigError, match="recipe"):
        run(Job(made, Recipe(width=40, height=24, frames=4), SEQUENCES))


def test_a_folder_that_another_process_is_making_is_refused(made: Path) -> None:
    import fcntl

    with (made / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TransportError, match="another process"):
            run(Job(made, TINY, SEQUENCES))


def test_an_altered_file_is_found(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sorted(made.glob("*.npz"))[0]
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    assert verify(made) == [path.name]
    assert main(["dataset", "--out", str(made), "--verify"]) == 1
    assert path.name in capsys.readouterr().out
    path.write_bytes(whole)
    assert main(["dataset", "--out", str(made), "--verify"]) == 0


@pytest.mark.parametrize("arguments", [["--size", "0x4"], ["--size", "big"], ["--sequences", "-1"]])
def test_odd_settings_are_refused_in_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["dataset", *arguments])
    assert refused.value.code == 2
    assert arguments[1] in capsys.readouterr().err


def test_a_family_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "--out", str(tmp_path / "new"), "--family", "castle"]) == 2
    told = capsys.readouterr().err
    assert "'castle'" in told
    assert "interior" in told
    assert not (tmp_path / "new").exists()


def test_only_the_families_that_are_named_are_made() -> None:
    job = Job(Path("unused"), TINY, 200, split="train", families=("interior", "street"))
    wanted = [planned(n) for n in range(200) if job.wants(n)]
    assert len(wanted) == 200 * 16 // 20 * 2 // 5
    assert {(p.split, p.family) for p in wanted} == {("train", "interior"), ("train", "street")}


def test_progress_says_how_long_it_will_take() -> None:
    assert progress(10, 40, 100.0, 4) == "10 of 40 sequences, 2.50 s a frame, 0:05:00 left"


def test_a_place_is_metered_in_fair_weather_too(tmp_path: Path) -> None:
    night = next(n for n in range(400) if planned(n).name.endswith("train-interior-night"))
    assert run(Job(tmp_path, TINY, 1, first=night)) == 1
    clip = load(next(tmp_path.glob("*.npz")))
    plan = planned(night)
    assert plan.base.sun_elevation_deg > 0.0
    assert plan.base.sun_azimuth_deg == plan.weather.sun_azimuth_deg
    assert clip.base_exposure_ev != clip.weather.exposure_ev  # lamps burn at night, and no sun comes in
    tested = tmp_path / "tested"
    assert run(Job(tested, TINY, 1, first=19)) == 1
    changed = load(next(tested.glob("*.npz")))
    assert changed.base_exposure_ev == changed.weather.exposure_ev


def test_a_clip_has_all_planes_and_a_truth_that_is_a_picture(clips: list[Clip]) -> None:
    for n, clip in enumerate(clips):
        assert clip.plan["number"] == n
        assert len(clip.planes) == len(clip.cameras) == len(clip.bodies) == len(clip.truth) == 3
        for planes, truth in zip(clip.planes, clip.truth, strict=True):
            assert set(planes) == set(PlaneName) & set(planes)
            assert {PlaneName.COLOR, PlaneName.DEPTH, PlaneName.NORMAL, PlaneName.MOTION, PlaneName.ALBEDO,
                    PlaneName.MATERIAL, PlaneName.OBJECT, PlaneName.LABEL} == set(planes)  # fmt: skip
            sky = planes[PlaneName.LABEL] == int(Label.SKY)
            np.testing.assert_array_equal(sky, np.isinf(planes[PlaneName.DEPTH]))
            assert ((planes[PlaneName.OBJECT] == 0) == sky).all()
            assert np.isfinite(truth).all()
            assert 0.01 < float(truth.astype(np.float32).mean()) < 3.0
            assert float(truth.astype(np.float32).std()) > 0.005


def test_motion_leads_every_still_point_to_where_it_was(clips: list[Clip]) -> None:
    """From depth and the two camera poses alone."""
    for clip in clips:
        for planes, camera, bodies in zip(clip.planes, clip.cameras, clip.bodies, strict=True):
            depth_m = planes[PlaneName.DEPTH]
            height, width = depth_m.shape
            v, u = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
            now, before = (rotations(np.array([pose.orientation]))[0]
                           for pose in (camera.world_from_camera, camera.previous_world_from_camera))  # fmt: skip
            local = np.stack([(2 * u - 1) / camera.projection[0], (1 - 2 * v) / camera.projection[5], -np.ones_like(u)])
            moving = np.isin(planes[PlaneName.OBJECT], np.frombuffer(bodies.ids, "<u4"))
            still = np.isfinite(depth_m) & ~moving
            point = np.einsum("ij,jhw->ihw", now, local * np.where(still, depth_m, 1.0))
            point += np.array(camera.world_from_camera.position_m)[:, None, None]
            point -= np.array(camera.previous_world_from_camera.position_m)[:, None, None]
            seen = np.einsum("ji,jhw->ihw", before, point)
            was = np.stack([(seen[0] / -seen[2] * camera.projection[0] + 1) / 2,
                            (1 - seen[1] / -seen[2] * camera.projection[5]) / 2], axis=-1)  # fmt: skip
            wanted = was - np.stack([u, v], axis=-1)
            got = planes[PlaneName.MOTION].astype(np.float64)
            assert still.sum() > 100
            assert np.abs(got - wanted)[still & np.isfinite(got).all(axis=-1)].max() < 3e-3


def test_frames_follow_each_other(clips: list[Clip]) -> None:
    for clip in clips:
        for earlier, later in zip(clip.cameras[:-1], clip.cameras[1:], strict=True):
            assert later.previous_world_from_camera == earlier.world_from_camera
        for earlier_bodies, later_bodies in zip(clip.bodies[:-1], clip.bodies[1:], strict=True):
            assert later_bodies.previous_poses == earlier_bodies.poses
        assert clip.bodies[0].poses != clip.bodies[-1].poses
