"""Reprojection: against its plain reference, and against scenes whose answer is known."""

from __future__ import annotations

import math
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import Phase, given, settings, strategies as st
from numpy.typing import NDArray

from bridge.poses import pose_matrix
from bridge.reproject import (
    View,
    Warped,
    close_rims,
    compiled,
    halved,
    lay,
    lay_with_numpy,
    nothing_known,
    reproject,
    source_of,
    widened,
)
from bridge.reproject_plainly import reproject_plainly
from bridge.schema import Bodies, Camera, Mat4, Pose

F64 = NDArray[np.float64]
WIDTH, HEIGHT = 96, 54
GROUND, BOX = 1, 7


def projection(width: int = WIDTH, height: int = HEIGHT, fov_deg: float = 60.0, shift: float = 0.0) -> Mat4:
    f = 1 / math.tan(math.radians(fov_deg) / 2)
    rows: list[list[float]] = [[f * height / width, 0, shift, 0], [0, f, 0, 0], [0, 0, -1.002, -0.2002], [0, 0, -1, 0]]
    flat: Mat4 = msgspec.convert([float(x) for row in rows for x in row], Mat4)
    return flat


def turned(yaw_deg: float, pitch_deg: float = 0.0) -> tuple[float, float, float, float]:
    y, p = math.radians(yaw_deg) / 2, math.radians(pitch_deg) / 2
    return (
        math.cos(y) * math.sin(p),
        math.sin(y) * math.cos(p),
        -math.sin(y) * math.sin(p),
        math.cos(y) * math.cos(p),
    )


def camera(
    x: float = 0.0, y: float = 1.7, z: float = 0.0, yaw_deg: float = 0.0, pitch_deg: float = -10.0, shift: float = 0.0
) -> Camera:
    pose = Pose(position_m=(x, y, z), orientation=turned(yaw_deg, pitch_deg))
    return Camera(world_from_camera=pose, previous_world_from_camera=pose, projection=projection(shift=shift))


def box_at(x: float, z: float = -6.0, turn_deg: float = 0.0, object_id: int = BOX) -> Bodies:
    pose = np.array([[x, 1.0, z, *turned(turn_deg)]])
    return Bodies(
        count=1,
        ids=np.array([object_id], "<u4").tobytes(),
        labels=b"\0",
        poses=pose.astype("<f8").tobytes(),
        previous_poses=pose.astype("<f8").tobytes(),
        velocities=bytes(24),
    )


def matrix(pose: Pose) -> F64:
    return pose_matrix(np.array([*pose.position_m, *pose.orientation]))


class Scene:
    """A ground plane at y=0 and a square card of 1.6 m that stands at a body's pose, each painted with its own
    coordinates: the plate's colour says which point of which thing a pixel shows."""

    def __init__(self, camera: Camera, bodies: Bodies, frame_id: int = 1) -> None:
        self.camera, self.bodies, self.frame_id = camera, bodies, frame_id
        world_from_camera = matrix(camera.world_from_camera)
        p = np.array(camera.projection).reshape(4, 4)
        ndc_x = (np.arange(WIDTH) + 0.5) / WIDTH * 2 - 1
        ndc_y = 1 - (np.arange(HEIGHT) + 0.5) / HEIGHT * 2
        rays = np.stack(
            np.broadcast_arrays((ndc_x[None, :] + p[0, 2]) / p[0, 0], (ndc_y[:, None] + p[1, 2]) / p[1, 1], -1.0), -1
        )
        directions = rays @ world_from_camera[:3, :3].T
        origin = world_from_camera[:3, 3]
        card = pose_matrix(np.frombuffer(bodies.poses, "<f8"))
        local_origin = card[:3, :3].T @ (origin - card[:3, 3])
        local = directions @ card[:3, :3]
        with np.errstate(divide="ignore", invalid="ignore"):
            ground_m = np.where(directions[..., 1] < 0, -origin[1] / directions[..., 1], np.inf)
            card_m = -local_origin[2] / local[..., 2]
            on_card = local_origin + local * card_m[..., None]
            hit = (card_m > 0) & (np.abs(on_card[..., :2]).max(-1) < 0.8) & (card_m < ground_m)
            on_ground = origin + directions * ground_m[..., None]
        self.depth_m = np.where(hit, card_m, ground_m).astype(np.float32)  # rays have unit view-space Z
        self.objects = np.where(hit, BOX, np.where(np.isinf(ground_m), 0, GROUND)).astype(np.uint32)
        point = np.where(hit[..., None], on_card, np.where(np.isinf(self.depth_m)[..., None], directions, on_ground))
        self.points = np.concatenate([point, np.ones((HEIGHT, WIDTH, 1))], -1)

    @property
    def plate(self) -> NDArray[np.float16]:
        return self.points.astype(np.float16)

    def view(self, *, objects: bool = True, motion: NDArray[np.float32] | None = None) -> View:
        return View(self.frame_id, self.camera, self.bodies, self.depth_m, self.objects if objects else None, motion)


def error_px(found: NDArray[np.float16], scene: Scene) -> F64:
    """How far the points that were found lie from those that should be there, in pixels of this scene."""
    footprint = scene.depth_m * 2 * math.tan(math.radians(30)) / HEIGHT
    difference = np.linalg.norm(found[..., :3].astype(np.float64) - scene.points[..., :3], axis=-1)
    # Seen at a grazing angle a pixel covers more ground in depth.
    slant = np.where(scene.objects == GROUND, np.maximum(1.0, scene.depth_m / 1.7), 1.0)
    error: F64 = difference / (footprint * slant)
    return error


MOVES = [camera(x=0.3), camera(yaw_deg=4.0), camera(z=-0.5, pitch_deg=-14.0), camera(x=-0.4, y=1.9, yaw_deg=-5.0)]


def test_the_same_view_gives_the_plate_itself() -> None:
    scene = Scene(camera(), box_at(0.0))
    found = reproject(scene.view(), scene.plate, scene.view())
    np.testing.assert_allclose(found, scene.plate, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("moved", MOVES)
@pytest.mark.parametrize("objects", [True, False])
def test_a_camera_that_moves_finds_the_same_points(moved: Camera, objects: bool) -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(moved, box_at(0.0), 2)
    found = reproject(before.view(objects=objects), before.plate, now.view(objects=objects))
    kept = (found[..., 3] > 0.99) & (now.depth_m < 40)  # half floats know no more of a point further off
    assert kept.mean() > 0.4
    errors = error_px(found, now)[kept]
    assert np.quantile(errors, 0.99) < 0.5
    assert (found[..., 3] > 0).mean() > 0.75


@pytest.mark.parametrize(("x", "turn_deg"), [(0.5, 0.0), (0.0, 20.0), (-0.4, -15.0)])
def test_a_body_that_moves_takes_its_plate_along_and_leaves_a_hole(x: float, turn_deg: float) -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(x=0.1), box_at(x, turn_deg=turn_deg), 2)
    found = reproject(before.view(), before.plate, now.view())
    on_card = (now.objects == BOX) & (found[..., 3] > 0.99)
    assert on_card.sum() > 0.9 * (now.objects == BOX).sum()
    assert error_px(found, now)[on_card].max() < 0.5
    behind = (before.objects == BOX) & (now.objects == GROUND)  # roughly what the card hid
    assert (found[behind][:, 3] < 0.5).mean() > 0.5


def test_a_body_that_was_not_there_is_a_hole() -> None:
    before, now = Scene(camera(), box_at(0.0, object_id=99)), Scene(camera(), box_at(0.0), 2)
    found = reproject(before.view(), before.plate, now.view())
    assert (found[now.objects == BOX] == 0).all()
    assert (found[now.objects == GROUND][:, 3] > 0.99).mean() > 0.95


def test_the_sky_turns_with_the_camera_and_does_not_move_with_it() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(x=50.0, yaw_deg=3.0), box_at(0.0), 2)
    found = reproject(before.view(), before.plate, now.view())
    sky = now.objects == 0
    kept = sky & (found[..., 3] > 0.99)
    assert kept.sum() > 0.8 * sky.sum()
    expected = now.points[..., :3] / np.linalg.norm(now.points[..., :3], axis=-1, keepdims=True)
    got = found[..., :3].astype(np.float64)
    got /= np.maximum(np.linalg.norm(got, axis=-1, keepdims=True), 1e-9)
    pixel_deg = math.degrees(2 * math.tan(math.radians(30)) / HEIGHT)  # in the middle of the picture
    assert np.degrees(np.arccos(np.clip((got * expected).sum(-1), -1, 1)))[kept].max() < pixel_deg / 2


def test_what_came_into_the_picture_is_a_hole() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(yaw_deg=180.0), box_at(0.0), 2)
    assert not reproject(before.view(), before.plate, now.view()).any()


def test_without_objects_the_motion_plane_of_the_frame_before_is_followed() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(), box_at(0.2), 2)
    motion = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    view = np.linalg.inv(matrix(camera().world_from_camera)) @ np.append(np.array([0.2, 1.0, -6.0]), 1.0)
    motion[now.objects == BOX, 0] = -0.2 * projection()[0] / -view[2] / 2
    motion[0, 0] = np.nan
    still = reproject(before.view(objects=False), before.plate, now.view(objects=False))
    found = reproject(before.view(objects=False), before.plate, now.view(objects=False, motion=motion))
    middle = np.zeros_like(now.objects, bool)
    middle[1:-1, 1:-1] = (now.objects[1:-1, :-2] == BOX) & (now.objects[1:-1, 2:] == BOX)
    assert np.quantile(error_px(found, now)[middle], 0.9) < 0.5
    assert np.median(error_px(still, now)[middle]) > 1.0
    later = View(9, now.camera, now.bodies, now.depth_m, None, motion)  # its motion is not since the plate
    assert np.array_equal(reproject(before.view(objects=False), before.plate, later), still, equal_nan=True)


def test_mattes_weigh_colours_and_broken_pixels_are_holes() -> None:
    scene = Scene(camera(), box_at(0.0))
    plate = scene.plate
    plate[:, : WIDTH // 2] = (9, 9, 9, 0)
    plate[5, 60] = (np.nan, 1, 1, 1)
    found = reproject(scene.view(), plate, Scene(camera(yaw_deg=0.3), box_at(0.0), 2).view())
    assert np.isfinite(found).all()
    assert (found[..., 3] <= 1.001).all()
    assert not ((found[..., 0] > 5) & (found[..., 3] > 0.01) & (found[..., 3] < 0.99)).any()


@settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    x=st.floats(-1, 1),
    z=st.floats(-1, 1),
    yaw_deg=st.floats(-20, 20),
    shift=st.floats(-0.3, 0.3),
    step=st.floats(-0.5, 0.5),
    objects=st.booleans(),
    jitter=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    seed=st.integers(0, 99),
)
def test_it_agrees_with_the_plain_reference(
    x: float, z: float, yaw_deg: float, shift: float, step: float, objects: bool, jitter: tuple[float, float], seed: int
) -> None:
    x, yaw_deg, step = x + 0.0317, yaw_deg + 0.0713, step + 0.0171  # single precision decides otherwise at a threshold
    before = Scene(camera(), box_at(0.0))
    now = Scene(camera(x=x, z=z, yaw_deg=yaw_deg, shift=shift), box_at(step), 2)
    rng = np.random.default_rng(seed)
    plate = rng.uniform(0, 1, (12, 24, 4)).astype(np.float16)
    motion = rng.normal(0, 0.02, (12, 24, 2)).astype(np.float32)
    views = [
        View(
            scene.frame_id,
            msgspec.structs.replace(scene.camera, jitter_px=jitter, projection=projection(24, 12, 30.0, shift)),
            scene.bodies,
            np.ascontiguousarray(scene.depth_m[10:34:2, 20:68:2]),
            np.ascontiguousarray(scene.objects[10:34:2, 20:68:2]) if objects else None,
            motion,
        )
        for scene in (before, now)
    ]
    plain = reproject_plainly(views[0], plate, views[1])
    for warped in both_ways(views[0], plate, views[1]):
        differs = (np.abs(together(warped) - plain) > 0.02).any(-1)
        assert differs.mean() < 0.01


def both_ways(source: View, plate: NDArray[np.float16], target: View, *more: Scene) -> list[Warped]:
    """What the compiled loop and NumPy make of it; of `more`, each fills holes and gets half of the rest."""
    results = []
    assert compiled() is not None, "numba is not installed"
    for way in (lay, lay_with_numpy):
        warped = nothing_known(*target.depth_m.shape)
        way(source_of(source, plate), target, warped, share=0.0, trust=1.0)
        for scene in more:
            way(source_of(scene.view(), scene.plate), target, warped, share=0.5, trust=0.25)
        results.append(warped)
    return results


def together(warped: Warped) -> F64:
    both: F64 = np.concatenate([warped.plate, warped.confidence[..., None]], -1).astype(np.float64)
    return both


def test_compiled_and_numpy_agree_on_several_plates_with_shares() -> None:
    scenes = [Scene(camera(), box_at(0.0)), Scene(camera(x=-0.5, yaw_deg=8.0), box_at(0.4), 2)]
    now = Scene(camera(x=0.4, yaw_deg=-3.0), box_at(0.7), 3)
    compiled_, numpy = (together(w) for w in both_ways(scenes[0].view(), scenes[0].plate, now.view(), scenes[1]))
    assert ((np.abs(compiled_ - numpy) > 1e-2 * np.maximum(1, np.abs(numpy))).any(-1)).mean() < 0.01


def test_another_plate_fills_what_the_first_did_not_see_and_changes_nothing_else() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(x=0.2), box_at(0.9), 3)
    beside = Scene(camera(x=1.5, yaw_deg=14.0), box_at(0.9), 2)  # it sees what the box hid
    warped = nothing_known(HEIGHT, WIDTH)
    lay(source_of(before.view(), before.plate), now.view(), warped)
    alone, knew = warped.plate.copy(), warped.confidence > 0
    given = lay(source_of(beside.view(), beside.plate), now.view(), warped)
    filled = (warped.confidence > 0) & ~knew
    assert given == filled.sum() > 0.2 * (~knew).sum()
    assert np.array_equal(warped.plate[knew], alone[knew])
    good = filled & (warped.plate[..., 3] > 0.99) & (now.depth_m < 40)
    assert np.quantile(error_px(warped.plate.astype(np.float16), now)[good], 0.9) < 0.5


def test_a_share_mixes_what_both_saw_and_takes_whole_what_one_saw() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(x=0.2), box_at(0.0), 3)
    first, second = (np.full((HEIGHT, WIDTH, 4), (value, value, value, 1.0), np.float16) for value in (1.0, 3.0))
    sources = (source_of(before.view(), first), source_of(Scene(camera(x=1.0), box_at(0.0)).view(), second))
    seen = [nothing_known(HEIGHT, WIDTH) for _ in sources]
    for source, alone in zip(sources, seen, strict=True):
        lay(source, now.view(), alone)
    both = nothing_known(HEIGHT, WIDTH)
    lay(sources[0], now.view(), both)
    lay(sources[1], now.view(), both, share=0.25)
    knew, also = (alone.confidence > 0 for alone in seen)
    for where, expected in ((knew & also, 1.5), (knew & ~also, 1.0), (also & ~knew, 3.0), (~knew & ~also, 0.0)):
        assert where.any()
        np.testing.assert_allclose(both.plate[where][:, 0], expected, atol=1e-5)


def test_confidence_falls_with_trust_with_what_is_hidden_and_with_what_comes_nearer() -> None:
    before, nearer = Scene(camera(), box_at(0.0)), Scene(camera(z=-3.0), box_at(0.0), 2)
    same, half, near = (nothing_known(HEIGHT, WIDTH) for _ in range(3))
    lay(source_of(before.view(), before.plate), before.view(), same)
    lay(source_of(before.view(), before.plate), before.view(), half, trust=0.5)
    lay(source_of(before.view(), before.plate), nearer.view(), near)
    np.testing.assert_allclose(same.confidence, 1.0, atol=1e-4)
    np.testing.assert_allclose(half.confidence, 0.5, atol=1e-4)
    on_card = (nearer.objects == BOX) & (near.confidence > 0)
    assert np.median(near.confidence[on_card]) == pytest.approx(0.5, abs=0.06)  # 3 m away instead of 6


def test_rims_are_closed_from_the_same_thing_and_wider_holes_stay() -> None:
    before, now = Scene(camera(), box_at(0.0)), Scene(camera(x=0.07), box_at(0.9), 2)
    warped = nothing_known(HEIGHT, WIDTH)
    lay(source_of(before.view(), before.plate), now.view(), warped)
    plate, knew = warped.plate.copy(), warped.confidence > 0
    close_rims(warped, now.view())
    closed = (warped.confidence > 0) & ~knew
    assert closed.any()
    assert np.array_equal(warped.plate[knew], plate[knew])
    assert warped.confidence[closed].max() <= 0.5
    beside = np.zeros_like(knew)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        beside |= np.roll(knew, step, axis)
    assert beside[closed].all()
    assert ((warped.confidence == 0) & (before.objects == BOX) & (now.objects == GROUND)).any()  # what the card hid
    near = closed & (now.objects == BOX)
    assert error_px(warped.plate.astype(np.float16), now)[near].max() < 1.5


def test_a_rim_takes_nothing_from_the_sky_beside_it() -> None:
    depth_m = np.array([[np.inf, 3.0, np.inf]], np.float32)
    warped = nothing_known(1, 3)
    warped.plate[0, [0, 2]], warped.confidence[0, [0, 2]] = 1.0, 1.0
    close_rims(warped, View(1, camera(), Bodies(), depth_m))
    assert warped.confidence[0, 1] == 0.0


def test_without_numba_numpy_does_it_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "bridge.reproject_kernel", raising=False)
    caplog.set_level("INFO")
    compiled.cache_clear()
    try:
        assert compiled() is None
        assert "numba" in caplog.text
        scene = Scene(camera(), box_at(0.0))
        assert (reproject(scene.view(), scene.plate, scene.view())[..., 3] > 0.99).all()
    finally:
        compiled.cache_clear()


def test_halves_are_numpy_s_own() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).astype(np.float32)
    with np.errstate(invalid="ignore"):
        between = (every[:-1] + every[1:]) / 2  # ties
    near = np.nextafter(between, np.float32(np.inf))
    odd = np.array([65519.0, 65520.0, 65536.0, 1e30, -1e30, 1e-8, -1e-8, 2.9802322e-08, 3e-08], np.float32)
    values = np.concatenate([every, between, near, odd])
    with np.errstate(over="ignore", invalid="ignore"):
        plain = values.astype(np.float16)
    fast = halved(values)
    known = ~np.isnan(plain)
    assert (fast[known].view(np.uint16) == plain[known].view(np.uint16)).all()
    assert np.isnan(fast[~known]).all()


def test_widened_halves_are_numpy_s_own() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256).T
    plain, fast = every.astype(np.float32), widened(every)
    known = ~np.isnan(plain)
    assert fast.flags.c_contiguous
    assert (fast[known].view(np.uint32) == plain[known].view(np.uint32)).all()
    assert np.isnan(fast[~known]).all()
