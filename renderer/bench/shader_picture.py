"""The picture that shader functions read from: a plate over a ground and a card that moves, seen by two cameras."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.poses import F64, inverse, matrix_of, pose_matrix
from bridge.reproject import View, owners
from bridge.reproject_plainly import reproject_plainly
from bridge.schema import Bodies, Camera, Mat4, Pose
from renderer.bench.shader_cases import LISTED, cases
from renderer.bench.shaders import HEIGHT, WIDTH, Case

GROUND, CARD = 1, 7
FOCAL = 1.4
STEPS = (-1e-4, 1e-4)  # px, and parts of depth: what may jump over as little is not decided


def camera(x: float, y: float, z: float, turn: float, jitter_px: tuple[float, float] = (0.0, 0.0)) -> Camera:
    """At that place, turned that far about the vertical (rad), looking down by 0.2 rad."""
    yaw, pitch = turn / 2, -0.1
    pose = Pose(
        position_m=(x, y, z),
        orientation=(
            float(np.cos(yaw) * np.sin(pitch)), float(np.sin(yaw) * np.cos(pitch)),
            float(-np.sin(yaw) * np.sin(pitch)), float(np.cos(yaw) * np.cos(pitch)),
        ),
    )  # fmt: skip
    rows: list[list[float]] = [
        [FOCAL * HEIGHT / WIDTH, 0, 0.03, 0],
        [0, FOCAL, -0.02, 0],
        [0, 0, -1.002, -0.2],
        [0, 0, -1, 0],
    ]
    flat: Mat4 = msgspec.convert([float(x) for row in rows for x in row], Mat4)
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=flat, jitter_px=jitter_px)


def card_at(x: float, z: float, turn: float) -> Bodies:
    pose = np.array([[x, 1.2, z, 0.0, np.sin(turn / 2), 0.0, np.cos(turn / 2)]]).astype("<f8").tobytes()
    return Bodies(
        count=1,
        ids=np.array([CARD], "<u4").tobytes(),
        labels=b"\0",
        poses=pose,
        previous_poses=pose,
        velocities=bytes(24),
    )


def view(frame_id: int, seen_by: Camera, bodies: Bodies) -> View:
    """What that camera sees of the ground and the card."""
    p, world = np.array(seen_by.projection).reshape(4, 4), matrix_of(seen_by.world_from_camera)
    jitter_x, jitter_y = seen_by.jitter_px
    ndc_x = (np.arange(WIDTH) + 0.5 - jitter_x) / WIDTH * 2 - 1
    ndc_y = 1 - (np.arange(HEIGHT) + 0.5 - jitter_y) / HEIGHT * 2
    rays = np.stack(
        np.broadcast_arrays((ndc_x + p[0, 2]) / p[0, 0], ((ndc_y + p[1, 2]) / p[1, 1])[:, None], -1.0), axis=-1
    )
    along, origin = rays @ world[:3, :3].T, world[:3, 3]
    local = inverse(pose_matrix(np.frombuffer(bodies.poses, "<f8")))
    on_card, off_card = along @ local[:3, :3].T, local[:3, :3] @ origin + local[:3, 3]
    with np.errstate(divide="ignore", invalid="ignore"):
        ground_m = np.where(along[..., 1] < 0, -origin[1] / along[..., 1], np.inf)
        card_m = -off_card[2] / on_card[..., 2]
        inside = np.abs(off_card[:2] + on_card[..., :2] * card_m[..., None]).max(axis=-1) < 0.9
    hit = (card_m > 0) & inside & (card_m < ground_m)
    depth_m = np.where(hit, card_m, ground_m).astype(np.float32)
    objects = np.where(hit, CARD, np.where(np.isinf(depth_m), 0, GROUND)).astype(np.uint32)
    return View(frame_id, seen_by, bodies, depth_m, objects)


SOURCE = view(1, camera(0.0, 1.6, 0.0, 0.0, (0.2, -0.3)), card_at(0.3, -5.0, 0.1))
TARGET = view(2, camera(0.25, 1.7, -0.3, 0.08, (-0.1, 0.25)), card_at(0.6, -4.8, 0.3))


def plate() -> NDArray[np.float16]:
    """Smooth colours, mattes from 0 to 1, and pixels that are not finite."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    made = np.stack([x / WIDTH, y / HEIGHT, 0.5 + 0.2 * np.sin(x), np.clip(x / 8, 0, 1)], axis=-1).astype(np.float16)
    made[3, 4, 1], made[8, 9, 3] = np.nan, np.inf
    return made


def planes() -> NDArray[np.uint32]:
    """The source's depth, object ids and plate, and the ids that are searched, in words."""
    assert SOURCE.objects is not None
    parts = [SOURCE.depth_m, SOURCE.objects, plate().astype(np.float32)]
    return np.concatenate([*(part.ravel().view(np.uint32) for part in parts), LISTED])


def carried() -> Case:
    """Every pixel of the target asked for."""
    assert TARGET.objects is not None
    expected = _answers(0.0, 0.0, 0.0)
    decided = np.ones(len(expected), np.bool_)
    for step in STEPS:
        for moved in (_answers(step, 0.0, 0.0), _answers(0.0, step, 0.0), _answers(0.0, 0.0, step)):
            decided &= ~(np.abs(moved - expected) > 1e-2).any(axis=1)
    ids, matrices = owners(SOURCE, TARGET)
    things = TARGET.objects.ravel()
    of_thing = [matrices[ids.tolist().index(thing) if thing in ids else -1] for thing in things]
    count = len(things)
    column, row = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    jitter = np.tile(np.array([*SOURCE.camera.jitter_px, *TARGET.camera.jitter_px], np.float32), (count, 1))
    given = (
        np.stack([column.ravel(), row.ravel()], axis=1).astype(np.int32), TARGET.depth_m.reshape(-1, 1),
        things.reshape(-1, 1), _rows(of_thing), _rows([_matrix(SOURCE.camera)] * count),
        _rows([_matrix(TARGET.camera)] * count), jitter, np.tile(np.array([WIDTH, HEIGHT], np.int32), (count, 1)),
    )  # fmt: skip
    return Case("wp_carried", given, expected, decided)


def every_case() -> list[Case]:
    """One for each function of the text."""
    return [*cases(), carried()]


def _answers(x_px: float, y_px: float, deeper: float) -> F64:
    """The reference with the jitter moved, and the depth by that part."""
    jitter_x, jitter_y = TARGET.camera.jitter_px
    moved = msgspec.structs.replace(TARGET.camera, jitter_px=(jitter_x + x_px, jitter_y + y_px))
    target = replace(TARGET, camera=moved, depth_m=TARGET.depth_m * np.float32(1 + deeper))
    return reproject_plainly(SOURCE, plate(), target).reshape(-1, 5)


def _matrix(of: Camera) -> F64:
    return np.array(of.projection).reshape(4, 4)


def _rows(matrices: list[F64]) -> NDArray[np.float32]:
    return np.stack(matrices).reshape(len(matrices), 16).astype(np.float32)
