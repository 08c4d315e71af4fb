"""A picture with its depth as a place to walk in: what was seen stays as it was, the rest is plain and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from bridge.errors import InvalidValue
from bridge.schema import Label, PlaneName, Pose
from bridge.spaces import gl_projection
from renderer.cli import main
from renderer.explore.still import Still, read_still
from renderer.explore.surfaces import nearest, normals_of, rays_of
from renderer.explore.view import Explorable
from renderer.explore.walk import Walk, path, walk

WIDTH, HEIGHT, EYE_M, WALL_M, BOX_M = 64, 48, 1.6, 8.0, 3.0
PROJECTION = gl_projection(60.0, WIDTH / HEIGHT, 0.1, 100.0)


def frame() -> dict[str, NDArray[Any]]:
    """A level floor, a wall across it, a box before the wall, and sky above; each of one colour but the wall, which
    goes from dark to bright."""
    x = ((np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1) / PROJECTION[0]
    y = (1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2) / PROJECTION[5]
    right, up = np.meshgrid(x, y)
    with np.errstate(divide="ignore"):
        floor = np.where(up < 0, EYE_M / -up, np.inf)
    wall = np.where(up * WALL_M + EYE_M < 4.0, WALL_M, np.inf)
    box = np.where((np.abs(right * BOX_M) < 0.5) & (up * BOX_M + EYE_M < 1.2), BOX_M, np.inf)
    depth = np.minimum(np.minimum(floor, wall), box)
    what = np.select([~np.isfinite(depth), depth == box, depth == wall], [0, 3, 2], 1)
    color = np.array([[0.3, 0.5, 0.9], [0.4, 0.4, 0.4], [0.6, 0.5, 0.4], [0.8, 0.1, 0.1]], np.float32)[what]
    color[what == 2] *= (0.5 + 0.1 * right[what == 2] * WALL_M)[:, None]
    label = np.array([Label.SKY, Label.GROUND, Label.WALL, Label.WOOD], np.uint8)[what]
    return {
        "color": color.astype(np.float32), "depth": depth.astype(np.float32), "label": label,
        "object": what.astype(np.uint32), "projection": np.array(PROJECTION), "position_m": np.array([0.0, EYE_M, 0.0]),
    }  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "frame.npz", **frame())  # type: ignore[arg-type]
    return tmp_path / "frame.npz"


@pytest.fixture
def still(file: Path) -> Still:
    return read_still(file, None, 55.0, 0.001)


def at(x: float, z: float) -> Pose:
    return Pose(position_m=(x, EYE_M, z))


def test_from_its_own_place_the_picture_is_as_it_was(still: Still) -> None:
    seen = Explorable(still).look(still.pose)
    told = frame()
    depth = seen.planes[PlaneName.DEPTH]
    solid = np.isfinite(told["depth"])
    assert (np.isfinite(depth) == solid).mean() > 0.99
    both = solid & np.isfinite(depth)
    assert np.median(np.abs(depth[both] / told["depth"][both] - 1)) < 0.005
    assert (seen.planes[PlaneName.LABEL] == told["label"]).mean() > 0.97
    assert np.abs(seen.planes[PlaneName.COLOR][..., :3] - told["color"]).mean() < 0.02
    assert seen.continued.mean() < 0.1


def test_what_was_hidden_goes_on_as_the_plane_it_was(still: Still) -> None:
    seen = Explorable(still).look(at(0.8, 0.0))
    row = HEIGHT // 2 - 2  # over the floor and under the box's top
    depth, objects = seen.planes[PlaneName.DEPTH][row], seen.planes[PlaneName.OBJECT][row]
    hidden = seen.continued[row] & (objects == 2)
    assert hidden.sum() >= 3  # a piece of wall that the box had covered
    assert np.allclose(depth[hidden], WALL_M, rtol=0.02)


def test_over_the_border_large_planes_go_on_and_the_ground_to_the_horizon(still: Still) -> None:
    turned = Pose(position_m=(0.0, EYE_M, 0.0), orientation=(0.0, np.sin(np.pi / 2), 0.0, np.cos(np.pi / 2)))
    behind = Explorable(still).look(turned).planes
    down = -(1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2) / PROJECTION[5]
    rows = down > 0.1
    expected = np.broadcast_to((EYE_M / down[rows])[:, None], (int(rows.sum()), WIDTH))
    assert np.allclose(behind[PlaneName.DEPTH][rows], expected, rtol=0.03)
    assert np.isinf(behind[PlaneName.DEPTH][: HEIGHT // 2 - 2]).all()
    assert (behind[PlaneName.LABEL][-4:] == Label.GROUND).all()


def test_no_ray_slips_through_between_pixels(still: Still) -> None:
    """From the picture's own place every ray meets a vertex, where two triangles might both let it by."""
    planes = Explorable(still).look(still.pose).planes
    low = planes[PlaneName.DEPTH][HEIGHT // 2 :]
    assert np.isfinite(low).all()


def test_a_place_looks_the_same_whenever_one_comes_back(still: Still) -> None:
    world = Explorable(still)
    first = world.look(at(0.3, -0.5))
    world.look(at(-0.6, -1.0))
    again = world.look(at(0.3, -0.5))
    assert all((first.planes[name] == again.planes[name]).all() for name in first.planes)


def test_the_walk_ends_where_it_began() -> None:
    poses = list(path(at(0.0, 0.0), 2.0, 50))
    assert poses[0] == poses[-1]
    offsets = np.array([pose.position_m for pose in poses]) - poses[0].position_m
    assert np.abs(offsets[:, 1]).max() == 0.0  # level
    assert 1.0 < np.linalg.norm(offsets, axis=-1).max() <= 2.0
    assert np.linalg.norm(np.diff(offsets, axis=0), axis=-1).max() < 0.3  # no jump


def test_a_walk_leaves_a_film_pictures_a_report_and_a_model(still: Still, tmp_path: Path) -> None:
    told = walk(still, Walk(tmp_path / "out", seconds=0.4, glb=True))
    assert (told.return_psnr_db, told.return_ssim, told.return_identical) == (120.0, 1.0, True)
    assert told.start_psnr_db is not None
    assert told.start_psnr_db > 25.0
    assert 0.0 < told.continued_mean < told.continued_most < 0.6
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"explore.mp4", "start.png", "farthest.png", "return.png", "sheet.png", "report.json", "world.glb"}
    assert json.loads((tmp_path / "out" / "report.json").read_text())["frames"] == told.frames
    assert (tmp_path / "out" / "world.glb").read_bytes()[:4] == b"glTF"


def test_any_picture_with_a_depth_map_will_do(tmp_path: Path) -> None:
    told = frame()
    display = np.clip(told["color"], 0, 1) ** (1 / 2.2)
    Image.fromarray((display * 255).astype(np.uint8)).save(tmp_path / "photo.png")
    millimetres = np.where(np.isfinite(told["depth"]), told["depth"] * 1000, 0).clip(0, 65535).astype(np.uint16)
    Image.fromarray(millimetres).save(tmp_path / "depth.png")
    out = tmp_path / "out"
    command = ["explore", str(tmp_path / "photo.png"), "--depth", str(tmp_path / "depth.png"), "--fov", "60"]
    assert main([*command, "--seconds", "0.32", "--out", str(out)]) == 0
    report = json.loads((out / "report.json").read_text())
    assert report["return_identical"]
    assert report["painted_by"] == "picture"


def test_the_nearest_source_is_found() -> None:
    sources = np.zeros((13, 21), np.bool_)
    sources[[2, 9, 12], [3, 15, 0]] = True
    row, column = nearest(sources)
    rows, columns = np.indices(sources.shape)
    places = np.argwhere(sources)
    exact = ((rows[..., None] - places[:, 0]) ** 2 + (columns[..., None] - places[:, 1]) ** 2).min(axis=-1)
    assert ((rows - row) ** 2 + (columns - column) ** 2 == exact).all()


def test_normals_look_at_the_camera_and_are_those_of_the_planes(still: Still) -> None:
    normal = normals_of(still.depth_m, rays_of(still))
    what = frame()["object"]
    floor, wall = normal[(what == 1)], normal[(what == 2)]
    assert np.allclose(np.median(floor, axis=0), (0, 1, 0), atol=0.02)
    assert np.allclose(np.median(wall, axis=0), (0, 0, 1), atol=0.02)


def spoiled(tmp_path: Path, **changed: Any) -> Path:
    told = {name: array for name, array in {**frame(), **changed}.items() if array is not None}
    np.savez(tmp_path / "bad.npz", **told)
    return tmp_path / "bad.npz"


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"depth": None}, "no depth"),
        ({"color": None}, "no color"),
        ({"depth": np.ones((4, 4), np.float32)}, "depth"),
        ({"depth": np.full((HEIGHT, WIDTH), np.nan, np.float32)}, "says nothing"),
        ({"depth": np.full((HEIGHT, WIDTH), 3.0, np.float32)}, "says nothing"),
        ({"color": np.zeros((HEIGHT, WIDTH), np.float32)}, "shape"),
        ({"label": np.zeros((3, 3), np.uint8)}, "label"),
        ({"projection": np.zeros(16)}, "projection"),
        ({"position_m": np.array([np.nan, 0.0, 0.0])}, "pose"),
        ({"orientation": np.zeros(4)}, "pose"),
        ({"color": np.array([{}], dtype=object)}, "arrays"),
    ],
)
def test_what_cannot_be_explored_is_told_by_name(tmp_path: Path, changed: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidValue, match=match):
        read_still(spoiled(tmp_path, **changed), None, 55.0, 0.001)


@pytest.mark.parametrize("name", ["frame.npz", "frame.npy", "frame.png", "frame.exr"])
def test_a_file_that_is_something_else_is_told_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"this is no picture" * 10)
    with pytest.raises(InvalidValue, match="frame"):
        read_still(tmp_path / name, None, 55.0, 0.001)


def test_limn_paints_the_place_one_comes_back_to_as_the_one_that_one_left(file: Path, tmp_path: Path) -> None:
    told = frame()
    np.savez(file, **told, albedo=told["color"])  # type: ignore[arg-type]
    assert main(["explore", str(file), "--seconds", "0.4", "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert report["painted_by"] == "limn"
    assert report["return_psnr_db"] > 30.0
    assert report["return_ssim"] > 0.95
