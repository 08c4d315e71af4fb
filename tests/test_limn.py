"""limn: a sane plate from whatever comes in, the same plate for the same input, and no plate from altered files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import ModelIncomplete
from bridge.planes import PlaneViews
from bridge.schema import Bodies, Camera, ControlValue, Frame, Label, PlaneName, Pose
from renderer.frame import Ownership, RenderFrame
from renderer.models.limn.model import FOLDER, Limn, check_files
from renderer.recall import World

PROJECTION = (0.97, 0.0, 0.0, 0.0, 0.0, 1.73, 0.0, 0.0, 0.0, 0.0, -1.002, -0.2, 0.0, 0.0, -1.0, 0.0)
CONTROLS: dict[str, ControlValue] = {c.name: c.default for c in Limn.card.controls}


@pytest.fixture(scope="module")
def limn() -> Limn:
    return Limn()


def planes_of(height: int, width: int, *, sky_rows: int = 4) -> PlaneViews:
    """A wall under a strip of sky, with a box in the middle."""
    rng = np.random.default_rng(1)
    depth = np.full((height, width), 6.0, np.float32)
    depth[:sky_rows] = np.inf
    solid = np.isfinite(depth)
    normal = np.zeros((height, width, 4), np.float16)
    normal[solid] = (0.0, 0.0, 1.0, 0.0)
    color = rng.uniform(0.1, 0.6, (height, width, 4)).astype(np.float16)
    albedo = np.full((height, width, 4), 0.5, np.float16)
    label = np.where(solid, int(Label.WALL), int(Label.SKY)).astype(np.uint8)
    objects = solid.astype(np.uint32)
    return {
        PlaneName.COLOR: color, PlaneName.DEPTH: depth, PlaneName.NORMAL: normal, PlaneName.ALBEDO: albedo,
        PlaneName.LABEL: label, PlaneName.OBJECT: objects,
        PlaneName.MATERIAL: np.full((height, width, 2), 0.5, np.float16),
        PlaneName.MOTION: np.zeros((height, width, 2), np.float16),
    }  # fmt: skip


F16 = np.ndarray[tuple[int, ...], np.dtype[np.float16]]


def paint(limn: Limn, planes: PlaneViews, world: World | None = None, frame: int = 1, **controls: ControlValue) -> F16:
    height, width = planes[PlaneName.DEPTH].shape
    camera = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=PROJECTION)
    header = Frame(session="0" * 32, id=frame, capture_ns=1, camera=camera, bodies=Bodies())
    plate = np.full((height, width, 4), np.nan, np.float16)
    limn.step(RenderFrame(header, planes, plate, CONTROLS | controls, Ownership()), world or World(seed=0), plate)
    return plate


def test_the_plate_is_whole_finite_and_bounded(limn: Limn) -> None:
    plate = paint(limn, planes_of(24, 40))
    assert np.isfinite(plate).all()
    assert (plate[..., :3] >= 0).all()
    assert (plate[..., 3] == 1).all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 13), (24, 33), (45, 80)])
def test_any_size_is_taken(limn: Limn, height: int, width: int) -> None:
    assert np.isfinite(paint(limn, planes_of(height, width, sky_rows=0))).all()


def test_what_is_not_a_number_in_the_planes_does_not_reach_the_plate(limn: Limn) -> None:
    planes = planes_of(24, 40)
    for name in (PlaneName.COLOR, PlaneName.NORMAL, PlaneName.ALBEDO, PlaneName.MATERIAL, PlaneName.MOTION):
        planes[name][8:12] = np.nan
        planes[name][12:14] = np.inf
    planes[PlaneName.DEPTH][10] = np.nan
    planes[PlaneName.DEPTH][11] = -3.0
    world = World(seed=0)
    for frame in (1, 2):
        assert np.isfinite(paint(limn, planes, world, frame)).all()


def test_a_frame_of_sky_alone_is_a_sky(limn: Limn) -> None:
    plate = paint(limn, planes_of(24, 40, sky_rows=24))
    assert np.isfinite(plate).all()
    assert plate[..., 2].mean() > plate[..., 0].mean()  # by day it is blue


def test_the_same_input_gives_the_same_bits(limn: Limn) -> None:
    first = paint(limn, planes_of(24, 40))
    assert first.tobytes() == paint(limn, planes_of(24, 40)).tobytes()


@pytest.mark.parametrize("absent", sorted(Limn.card.optional))
def test_it_does_without_optional_planes(limn: Limn, absent: PlaneName) -> None:
    planes = planes_of(24, 40)
    del planes[absent]
    assert np.isfinite(paint(limn, planes)).all()


def test_a_black_frame_is_a_plate_all_the_same(limn: Limn) -> None:
    planes = planes_of(24, 40)
    planes[PlaneName.COLOR][:] = 0
    assert np.isfinite(paint(limn, planes)).all()


def test_the_hour_and_the_weather_change_the_light(limn: Limn) -> None:
    day, dusk, night = (
        paint(limn, planes_of(24, 40), sun_elevation_deg=up)[..., :3].astype(np.float32) for up in (45.0, 1.0, -20.0)
    )
    assert day.mean() > dusk.mean() > night.mean()
    assert dusk[:4].mean() > 5.0 * night[:4].mean()  # the sky; walls have lamps
    assert dusk[6:, :, 0].mean() / dusk[6:, :, 2].mean() > 1.2 * day[6:, :, 0].mean() / day[6:, :, 2].mean()
    far = planes_of(24, 40)
    far[PlaneName.DEPTH] *= 10.0
    clear, foggy = (paint(limn, far, fog=fog)[6:, :, :3].astype(np.float32) for fog in (0.0, 1.0))
    assert foggy.std(axis=(0, 1)).max() < 0.3 * clear.std(axis=(0, 1)).max()


def test_another_seed_is_another_finish(limn: Limn) -> None:
    plates = {paint(limn, planes_of(24, 40), seed=float(seed)).tobytes() for seed in range(4)}
    assert len(plates) == 4
    by_world = paint(limn, planes_of(24, 40), World(seed=3)).tobytes()
    assert by_world == paint(limn, planes_of(24, 40), seed=3.0).tobytes()


def test_the_same_view_of_a_world_is_the_same_plate_whatever_was_seen_before(limn: Limn) -> None:
    planes, darker, world = planes_of(24, 40), planes_of(24, 40), World(seed=0)
    darker[PlaneName.COLOR] *= 0.2
    alone = paint(limn, planes)
    assert paint(limn, darker, world, 1).tobytes() != alone.tobytes()
    paint(limn, planes, world, 2, sun_elevation_deg=2.0)
    assert paint(limn, planes, world, 3).tobytes() == alone.tobytes()


def test_the_sun_control_moves_the_light(limn: Limn) -> None:
    front = paint(limn, planes_of(24, 40), sun_azimuth_deg=180.0, sun_elevation_deg=30.0)
    behind = paint(limn, planes_of(24, 40), sun_azimuth_deg=0.0, sun_elevation_deg=30.0)
    assert front[8:, :, :3].mean() > 1.1 * behind[8:, :, :3].mean()  # the wall faces +Z, which is 180 degrees


def test_at_no_strength_the_engines_own_picture_comes_back(limn: Limn) -> None:
    planes = planes_of(24, 40)
    np.testing.assert_array_equal(paint(limn, planes, strength=0.0)[..., :3], planes[PlaneName.COLOR][..., :3])


@pytest.mark.parametrize("damage", ["missing", "truncated", "altered", "no manifest"])
def test_a_folder_that_is_not_whole_is_refused_by_file(tmp_path: Path, damage: str) -> None:
    for name in ("manifest.json", "weights.safetensors"):
        shutil.copy(FOLDER / name, tmp_path / name)
    weights = tmp_path / "weights.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif damage == "altered":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(bytes(data))
    else:
        (tmp_path / "manifest.json").unlink()
    with pytest.raises(ModelIncomplete, match="manifest" if damage == "no manifest" else "weights") as caught:
        Limn(tmp_path)
    assert "Install" in caught.value.fix


def test_the_shipped_files_are_whole_and_small() -> None:
    check_files(FOLDER)
    assert (FOLDER / "weights.safetensors").stat().st_size < 12_000_000
    assert json.loads((FOLDER / "manifest.json").read_text())["name"] == "limn"
