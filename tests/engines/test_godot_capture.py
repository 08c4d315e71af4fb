"""Every plane that the add-on captures in a real Godot, in every frame, against rays cast here at a scene of boxes and
spheres whose poses are written down: nothing of the engine or of the add-on is used for the truth but the pixels."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from godot import PROJECTS, Godot, make_project
from numpy.typing import NDArray
from rays import F64, Lens, Solid, Truth, cast, linear, product, read_planes, turn

PROJECT = PROJECTS / "capture"
FOV_DEG, NEAR_M, FAR_M = 60.0, 0.1, 100.0
FRAMES, FIRST_DUMPED = 20, 8
LABELS = ["unknown", "sky", "ground", "wall", "stone", "roof", "wood", "metal", "fabric", "foliage", "plastic", "water"]
TRANSLATING, ROTATING = 4, 5  # indices of THINGS
THINGS: list[dict[str, Any]] = [
    {"kind": "box", "size": [14, 0.4, 14], "label": "ground", "albedo": [120, 110, 90], "roughness": 1.0},
    {"kind": "box", "size": [1, 2, 1], "label": "wood", "albedo": [200, 60, 30], "roughness": 0.7, "unshaded": True},
    {"kind": "box", "size": [2, 1, 0.5], "label": "wall", "albedo": [10, 128, 255], "roughness": 0.5},
    {"kind": "sphere", "size": [0.8, 0, 0], "label": "metal", "albedo": [255, 255, 255], "metallic": 1.0},
    {"kind": "box", "size": [0.8, 0.8, 0.8], "label": "plastic", "albedo": [0, 200, 1], "roughness": 0.2},
    {"kind": "box", "size": [1.5, 0.7, 1.2], "label": "stone", "albedo": [77, 33, 199], "roughness": 0.9},
    {"kind": "sphere", "size": [0.5, 0, 0], "label": "fabric", "albedo": [1, 2, 3], "roughness": 0.6},
]
PLACES = [
    (0, -0.2, -2),
    (-2.2, 1, -2),
    (1.5, 0.5, -4.5),
    (2.6, 0.8, -1.5),
    (-1, 1.2, -3.5),
    (0.4, 0.9, -1),
    (-3.5, 2, -5),
]


def camera_pose(k: int) -> list[float]:
    yaw = turn((0, 1, 0), 0.15 * math.sin(0.21 * k))
    quaternion = product(yaw, turn((1, 0, 0), -0.22 + 0.01 * math.sin(0.4 * k)))
    return [0.5 * math.sin(0.17 * k), 2.2 + 0.1 * math.sin(0.3 * k), 5.0 - 0.05 * k, *quaternion]


def thing_pose(i: int, k: int) -> list[float]:
    place, quaternion = np.array(PLACES[i], dtype=float), np.array([0.0, 0.0, 0.0, 1.0])
    if i == TRANSLATING:
        place = place + np.array([0.06 * k, 0.02 * k, 0.01 * k])
    if i == ROTATING:
        quaternion = turn((0.3, 1, 0.2), 0.07 * k)
    return [*place, *quaternion]


def plan(crowd: int = 0, frame_count: int = FRAMES) -> dict[str, Any]:
    filled = [{"roughness": 0.4, "metallic": 0.0, "unshaded": False} | thing for thing in THINGS]
    frames = [
        {"camera": camera_pose(k), "things": [thing_pose(i, k) for i in range(len(THINGS))]} for k in range(frame_count)
    ]
    return {
        "things": filled, "frames": frames, "first_dumped": FIRST_DUMPED, "crowd": crowd,
        "fov_deg": FOV_DEG, "near_m": NEAR_M, "far_m": FAR_M,
    }  # fmt: skip


def cast_frame(k: int, width: int, height: int) -> Truth:
    solids = [
        Solid(thing["kind"], thing["size"], thing_pose(i, k), thing_pose(i, k - 1)) for i, thing in enumerate(THINGS)
    ]
    return cast(camera_pose(k), camera_pose(k - 1), solids, (width, height), Lens(math.tan(math.radians(FOV_DEG / 2))))


@pytest.fixture(scope="module", params=[(320, 180), (317, 179), (640, 360)], ids=lambda size: f"{size[0]}x{size[1]}")
def captured(
    request: pytest.FixtureRequest, godot: Godot, extension: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, int, int]:
    width, height = request.param
    folder = tmp_path_factory.mktemp("capture")
    project = make_project(PROJECT, folder / "project", library=extension)
    (folder / "plan.json").write_text(json.dumps(plan()))
    flags = ("--resolution", f"{width}x{height}")
    godot.run(project, str(folder), flags=flags).check(at_least=FRAMES - FIRST_DUMPED)
    return folder, width, height


@pytest.fixture(scope="module")
def frames(captured: tuple[Path, int, int]) -> list[tuple[int, dict[str, NDArray[Any]], F64, Truth]]:
    folder, width, height = captured
    return [(k, *read_planes(folder / str(k))[:2], cast_frame(k, width, height)) for k in range(FIRST_DUMPED, FRAMES)]


Frames = list[tuple[int, dict[str, NDArray[Any]], F64, Truth]]


def test_the_camera_is_told_as_it_was_put(frames: Frames) -> None:
    for k, planes, camera, _ in frames:
        height, width = planes["depth"].shape
        np.testing.assert_allclose(camera[:3], camera_pose(k)[:3], atol=1e-5)
        np.testing.assert_allclose(camera[7:10], camera_pose(k - 1)[:3], atol=1e-5)
        assert abs(camera[3:7] @ np.array(camera_pose(k)[3:])) > 1 - 1e-6
        focal = 1 / math.tan(math.radians(FOV_DEG / 2))
        expected = np.zeros((4, 4))
        expected[0, 0], expected[1, 1], expected[3, 2] = focal * height / width, focal, -1
        expected[2, 2] = -(FAR_M + NEAR_M) / (FAR_M - NEAR_M)
        expected[2, 3] = -2 * FAR_M * NEAR_M / (FAR_M - NEAR_M)
        np.testing.assert_allclose(camera[14:30].reshape(4, 4), expected, atol=1e-5)
        np.testing.assert_allclose(camera[30:34], [0, 0, NEAR_M, FAR_M], atol=1e-5)


def test_few_pixels_are_left_out(frames: Frames) -> None:
    for _, _, _, truth in frames:
        assert truth.inside.mean() > 0.85


def test_depth_is_right_in_every_frame(frames: Frames) -> None:
    for k, planes, _, truth in frames:
        depth = planes["depth"].astype(float)
        sky = truth.inside & (truth.index < 0)
        assert sky.any()
        assert np.isposinf(depth[sky]).all(), k
        solid = truth.inside & (truth.index >= 0)
        assert np.abs(depth[solid] / truth.depth[solid] - 1).max() < 1e-3, k


def test_normals_are_right_in_every_frame(frames: Frames) -> None:
    for k, planes, _, truth in frames:
        normal = planes["normal"][..., :3].astype(float)
        assert not normal[truth.inside & (truth.index < 0)].any()
        solid = truth.inside & (truth.index >= 0)
        np.testing.assert_allclose(np.linalg.norm(normal[solid], axis=-1), 1, atol=2e-3)
        degrees = np.degrees(np.arccos(np.clip((normal[solid] * truth.normal[solid]).sum(-1), -1, 1)))
        assert np.median(degrees) < 2, k
        assert np.quantile(degrees, 0.99) < 4, k


@pytest.mark.parametrize("thing", [-1, 0, TRANSLATING, ROTATING])
def test_motion_is_right_in_every_frame(frames: Frames, thing: int) -> None:
    for k, planes, _, truth in frames:
        where = truth.inside & (truth.index == thing)
        assert where.sum() > 50, k
        motion, right = planes["motion"][where].astype(float), truth.motion[where]
        along = (motion * right).sum(-1) / (right * right).sum(-1)
        parts = np.quantile(along, [0.05, 0.5, 0.95])
        assert parts.min() > 0.999, (k, parts)
        assert parts.max() < 1.001, (k, parts)
        assert np.abs(motion - right).max() < 2e-4, k


def test_ids_and_labels_are_right_in_every_frame(frames: Frames) -> None:
    known: dict[int, int] = {-1: 0}
    for k, planes, _, truth in frames:
        for i in range(-1, len(THINGS)):
            where = truth.inside & (truth.index == i)
            if not where.any():
                continue
            ids = np.unique(planes["object"][where])
            assert len(ids) == 1, (k, i, ids)
            assert known.setdefault(i, int(ids[0])) == ids[0], (k, i, ids)
            label = LABELS.index(THINGS[i]["label"]) if i >= 0 else 0
            assert (planes["label"][where] == label).all(), (k, i)
    assert len(set(known.values())) == len(THINGS) + 1


def test_edges_of_ids_are_those_of_the_depth(frames: Frames) -> None:
    """Both come from one rasterisation of the same triangles: where one has something, so has the other."""
    for k, planes, _, _ in frames:
        assert ((planes["object"] == 0) == np.isposinf(planes["depth"])).all(), k


def test_albedo_and_material_are_right_in_every_frame(frames: Frames) -> None:
    for k, planes, _, truth in frames:
        for i, thing in enumerate(THINGS):
            where = truth.inside & (truth.index == i)
            albedo = linear(np.array(thing["albedo"]))
            assert np.abs(planes["albedo"][where][:, :3] - albedo).max(initial=0) < 1 / 255, (k, i)
            material = planes["material"][where].astype(float)
            assert np.abs(material[:, 1] - thing.get("metallic", 0.0)).max(initial=0) < 1e-3
            assert np.abs(material[:, 0] - thing.get("roughness", 0.4)).max(initial=0) < 0.02, (k, i)


def test_color_is_linear_and_finite_in_every_frame(frames: Frames) -> None:
    for k, planes, _, truth in frames:
        assert np.isfinite(planes["color"]).all()
        plain = truth.inside & (truth.index == 1)
        shown = planes["color"][plain][:, :3].astype(float)
        np.testing.assert_allclose(shown, planes["albedo"][plain][:, :3].astype(float), atol=2e-3, err_msg=str(k))
