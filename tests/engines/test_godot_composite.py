"""The add-on's composite in a real Godot, held to the Python references pixel by pixel."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from godot import PROJECTS, Godot, make_project
from numpy.typing import NDArray

from bridge.composite import composite, composite_plainly
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import EmbeddedEngine
from bridge.engine.world import CameraKey
from bridge.planes import pack_layouts
from bridge.poses import inverse, matrix_of, moved
from bridge.reproject import View, reproject
from bridge.schema import PixelFormat, PlaneName

PROJECT = PROJECTS / "composite"
FORMATS = {
    PlaneName.COLOR: PixelFormat.RGBA16F,
    PlaneName.DEPTH: PixelFormat.R32F,
    PlaneName.OBJECT: PixelFormat.R32UI,
}
Image = NDArray[np.float16]


def pack(planes: dict[PlaneName, NDArray[Any]]) -> bytes:
    height, width = planes[PlaneName.COLOR].shape[:2]
    packed = bytearray()
    for layout in pack_layouts(FORMATS, width, height):
        packed = packed.ljust(layout.offset_bytes, b"\0") + planes[layout.name].tobytes()
    return bytes(packed)


def write_case(
    folder: Path, mode: str, color: Image, plate: Image, packs: tuple[bytes, bytes], carry: bytes, strength: float = 1.0
) -> Path:
    """`packs`: the target's and the source's planes."""
    folder.mkdir(parents=True)
    height, width = color.shape[:2]
    layout = {entry.name.value: {"offset": entry.offset_bytes} for entry in pack_layouts(FORMATS, width, height)}
    about = {"size": [width, height], "mode": mode, "strength": strength, "layout": layout}
    (folder / "case.json").write_text(json.dumps(about))
    parts = {"color": color.tobytes(), "plate": plate.tobytes(), "target": packs[0], "source": packs[1], "carry": carry}
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    return folder


def draw(godot: Godot, tmp_path: Path, cases: list[Path]) -> list[Image]:
    project = make_project(PROJECT, tmp_path / "project")
    outcome = godot.run(project, str(cases[0].parent), flags=("--script", "main.gd"), size=(64, 64))
    outcome.check(len(cases))
    shapes = [json.loads((case / "case.json").read_text())["size"] for case in cases]
    return [
        np.frombuffer((case / "drawn").read_bytes(), np.float16).reshape(height, width, 4)
        for case, (width, height) in zip(cases, shapes, strict=True)
    ]


def ulps(a: Image, b: Image) -> NDArray[np.int32]:
    """How many half floats lie between; signs are told apart."""
    ordered = []
    for image in (a, b):
        bits = image.view(np.int16).astype(np.int32)
        ordered.append(np.where(bits < 0, -(bits & 0x7FFF), bits))
    apart: NDArray[np.int32] = np.abs(ordered[0] - ordered[1])
    return apart


def noise(seed: int, height: int, width: int) -> Image:
    rng = np.random.default_rng(seed)
    image = rng.uniform(-2, 60, (height, width, 4)).astype(np.float16)
    image[..., 3] = rng.choice([0, 1, 0.5, 0.001, 0.999, 1.5, -1], (height, width))
    odd = rng.random((height, width, 4)) < 0.02
    image[odd] = rng.choice([np.nan, np.inf, -np.inf], odd.sum())
    return image


def test_a_plate_of_this_frame_lies_over_it(godot: Godot, tmp_path: Path) -> None:
    sides = [(8, 8), (37, 61), (1, 1), (90, 160)]
    pairs = [(noise(i, *shape), noise(100 + i, *shape)) for i, shape in enumerate(sides)]
    empty = [bytes(pack_bytes(*color.shape[:2])) for color, _ in pairs]
    cases = [
        write_case(tmp_path / f"cases/{i}", "exact", *pair, (empty[i], empty[i]), b"") for i, pair in enumerate(pairs)
    ]
    for drawn, (color, plate) in zip(draw(godot, tmp_path, cases), pairs, strict=True):
        wanted = composite_plainly(color, plate)
        untouched = ~np.isfinite(plate).all(-1) | ~(plate[..., 3] > 0)
        np.testing.assert_array_equal(drawn[untouched].view(np.uint16), color[untouched].view(np.uint16))
        assert ulps(drawn[~untouched], wanted[~untouched]).max(initial=0) <= 1


def pack_bytes(height: int, width: int) -> int:
    last = pack_layouts(FORMATS, width, height)[-1]
    return last.offset_bytes + height * width * 4


def frame(engine: EmbeddedEngine, frame_id: int, height: int, width: int) -> tuple[View, bytes, Image]:
    color = np.zeros((height, width, 4), np.float16)
    planes: dict[PlaneName, NDArray[Any]] = {
        PlaneName.COLOR: color,
        PlaneName.DEPTH: np.zeros((height, width), np.float32),
        PlaneName.OBJECT: np.zeros((height, width), np.uint32),
    }
    engine.render(planes)
    view = View(frame_id, engine.camera(), engine.bodies(), planes[PlaneName.DEPTH], planes[PlaneName.OBJECT])
    return view, pack(planes), color


def carry_of(source: View, target: View) -> bytes:
    """The buffer as the link writes it: column-major float32 matrices, bodies by ascending id."""
    source_from_world, world_from_target = (
        inverse(matrix_of(source.camera.world_from_camera)),
        matrix_of(target.camera.world_from_camera),
    )
    projections = [np.array(view.camera.projection).reshape(4, 4) for view in (source, target)]
    matrices = [source_from_world @ world_from_target, *projections]
    data = b"".join(matrix.T.astype("<f4").tobytes() for matrix in matrices)
    data += np.array([*source.camera.jitter_px, *target.camera.jitter_px], "<f4").tobytes()
    ids = sorted(np.frombuffer(target.bodies.ids, "<u4").tolist())
    data += np.array([len(ids), 0, 0, 0], "<u4").tobytes()
    changed = moved(source.bodies, target.bodies)
    then_from_now = dict(zip(changed.ids.tolist(), changed.then_from_now, strict=True))
    for body_id in ids:
        motion = then_from_now.get(body_id, np.eye(4))
        known = not math.isnan(motion[0, 0])
        matrix = source_from_world @ (motion if known else np.eye(4)) @ world_from_target
        data += np.array([body_id, known, 0, 0], "<u4").tobytes() + matrix.T.astype("<f4").tobytes()
    return data


def looks(key: CameraKey) -> dict[str, CameraKey]:
    ex, ey, ez = key.eye_m
    tx, ty, tz = key.target_m
    return {
        "still": key,
        "step": CameraKey(eye_m=(ex + 0.3, ey, ez - 0.2), target_m=(tx + 0.1, ty, tz)),
        "round": CameraKey(eye_m=key.eye_m, target_m=(2 * ex - tx, ty, 2 * ez - tz)),
    }


@pytest.mark.parametrize("shape", [(90, 160), (71, 133)])
def test_an_older_plate_is_carried_into_the_new_view(godot: Godot, tmp_path: Path, shape: tuple[int, int]) -> None:
    """Over the frame that was just drawn, and over that of a target that is older than it."""
    engine = EmbeddedEngine(courtyard(7), shape[1], shape[0])
    engine.settle(0.5)
    source, source_pack, _ = frame(engine, 1, *shape)
    plate = np.abs(noise(5, *shape))
    for _ in range(6):
        engine.step(1 / 30)
    cases, wanted = [], []
    for name, key in sorted(looks(engine.key).items()):
        engine.look(key, cut=False)
        target, target_pack, color = frame(engine, 7, *shape)
        carried = reproject(source, plate, target)
        for mode, drawn_over in (("reproject", color), ("whole_reproject", noise(6, *shape))):
            wanted.append((composite(color, carried), color, ~(carried[..., 3] > 0)))
            packs, carry = (target_pack, source_pack), carry_of(source, target)
            cases.append(write_case(tmp_path / "cases" / f"{name}-{mode}", mode, drawn_over, plate, packs, carry))
    for case, drawn, (image, color, hole) in zip(cases, draw(godot, tmp_path, cases), wanted, strict=True):
        off = ~np.isclose(drawn.astype(np.float32), image.astype(np.float32), rtol=1e-2, atol=2e-2).all(-1)
        assert off.mean() < 2e-3, f"{case.name}: {off.mean():.4%} of the pixels"
        touched_holes = (drawn.view(np.uint16) != color.view(np.uint16)).any(-1) & hole
        assert touched_holes.mean() < 1e-3
        assert hole.mean() > 0.99 if case.name.startswith("round") else hole.mean() < 0.9


def test_the_old_picture_is_shown_whole(godot: Godot, tmp_path: Path) -> None:
    color, old, plate = (noise(seed, 37, 61) for seed in (1, 2, 3))
    planes: dict[PlaneName, NDArray[Any]] = {
        PlaneName.COLOR: old,
        PlaneName.DEPTH: np.ones((37, 61), np.float32),
        PlaneName.OBJECT: np.ones((37, 61), np.uint32),
    }
    case = write_case(tmp_path / "cases/0", "whole", color, plate, (pack(planes), pack(planes)), b"")
    (drawn,) = draw(godot, tmp_path, [case])
    wanted = composite(old, plate)  # float32 as on the GPU: where colours cancel out, float64 differs by more
    known = np.isfinite(wanted).all(-1)
    assert ulps(drawn[known], wanted[known]).max() <= 1
    assert not np.isfinite(drawn[~known]).all(-1).any()
