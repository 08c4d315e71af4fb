"""The voxel grid, held to a plain volume: what goes in comes back, within a voxel and in its colours."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from memory_scene import BOX_ID, HEIGHT, WALL_ID, WIDTH, Scene
from numpy.typing import NDArray

from bridge.errors import InvalidValue, NotSupported
from renderer.memory import kept
from renderer.memory.grid import COLOR_SCALE, Grid, things
from renderer.memory.notes import Gathered, pack, unpack
from renderer.memory.plain import PlainVolume
from renderer.memory.sight import Sight, pinhole, points_m, remembered, stride_of, thinned

COARSE_M = 0.1  # so that the plain volume is done in seconds


def fused(grid: Grid, scene: Scene, look: int = 7, now_ms: int = 0) -> Sight:
    sight = scene.sight(look, now_ms)
    pixels = np.isfinite(sight.view.depth_m)
    grid.fuse(sight, remembered(scene.plate()), pixels)
    return sight


def test_the_grid_and_the_plain_volume_hold_the_same_voxels() -> None:
    grid, plain = (
        Grid(20_000, COARSE_M),
        PlainVolume(np.array([-2.0, -1.5, -3.5]), np.array([2.0, 1.5, -1.5]), COARSE_M),
    )
    grid.origin_m = np.zeros(3)
    for eye_x in (0.0, 0.3, -0.2):
        scene = Scene(eye_x=eye_x)
        sight = fused(grid, scene)
        depth = np.where(np.isfinite(sight.view.depth_m), sight.view.depth_m, 0)
        plain.fuse(depth, remembered(scene.plate()), *pinhole(scene.camera(), HEIGHT, WIDTH, np.zeros(3)))
    voxels = np.flatnonzero(grid.values("weight")[:, 0] > 0)
    index = np.rint((np.stack(grid.places(voxels), axis=-1) - plain.low_m) / COARSE_M).astype(int)
    inside = ((index >= 0) & (index < plain.tsdf.shape)).all(axis=1)
    voxels, at = voxels[inside], tuple(index[inside].T)
    near = plain.tsdf[at] < 0.9
    voxels, at = voxels[near], tuple(index[inside][near].T)
    as_often = grid.values("weight")[voxels, 0] == plain.weight[at]
    same = (np.abs(grid.values("tsdf")[voxels, 0] - plain.tsdf[at]) < 1e-3) & (
        np.abs(grid.values("color")[voxels] / COLOR_SCALE - plain.color[at]).max(axis=-1) < 1e-3
    )
    assert len(voxels) > 3000
    assert as_often.mean() > 0.9  # a view updates the blocks near what it sees, the plain volume every voxel
    assert same[as_often].mean() > 0.995  # the rest lie between two pixels, where single floats round otherwise


def test_both_cast_the_known_scene_back_within_a_voxel_and_in_its_colours() -> None:
    grid, plain = (
        Grid(20_000, COARSE_M),
        PlainVolume(np.array([-2.5, -1.5, -3.5]), np.array([2.5, 1.5, -1.5]), COARSE_M),
    )
    scene = Scene()
    sight = fused(grid, scene)
    intrinsics, extrinsics = pinhole(scene.camera(), HEIGHT, WIDTH, np.zeros(3))
    depth = np.where(np.isfinite(sight.view.depth_m), sight.view.depth_m, 0)
    plain.fuse(depth, remembered(scene.plate()), intrinsics, extrinsics)
    half = np.diag([0.5, 0.5, 1.0]) @ intrinsics  # every second pixel: the plain volume takes its time
    plain_depth, plain_color = plain.cast(HEIGHT // 2, WIDTH // 2, half, extrinsics, 3.3)
    whole = grid.cast(sight)
    cast_depth, cast_color = whole.depth_m[::2, ::2], whole.color[::2, ::2]
    truth, depth = remembered(scene.plate())[::2, ::2], depth[::2, ::2]
    both = (plain_depth > 0) & (cast_depth > 0)
    near = np.abs(cast_depth - depth) <= COARSE_M
    assert both.mean() > 0.5  # two fifths are sky
    assert near[both].mean() > 0.95  # the rest is at the box's silhouette, where a ray passes between two depths
    assert (np.abs(plain_depth - depth) <= COARSE_M)[both].mean() > 0.95
    assert np.abs(cast_depth - plain_depth)[both & near].mean() < COARSE_M
    assert np.abs(cast_color - truth)[both & near].mean() < 0.02
    assert np.abs(plain_color - truth)[both & near].mean() < 0.03


@pytest.mark.parametrize(("height", "width"), [(180, 320), (181, 318), (37, 50)])
def test_a_cast_of_any_height_returns_and_knows_every_row(height: int, width: int) -> None:
    scene = Scene(box_x=None)
    grid = Grid(20_000)
    for _ in range(2):
        fused(grid, scene)
    small = scene.sight()
    depth = np.full((height, width), 3.0, np.float32)
    wide = replace(small.view, depth_m=depth, objects=np.full((height, width), WALL_ID, np.uint32))
    cast = grid.cast(replace(small, view=wide))
    assert cast.depth_m.shape == (height, width)
    assert (cast.depth_m[height // 2] > 0).mean() > 0.9
    assert (cast.depth_m[-1 - height // 10] > 0).mean() > 0.9


def test_a_grid_without_anything_casts_nothing() -> None:
    cast = Grid(10_000).cast(Scene().sight())
    assert not cast.depth_m.any()
    assert (cast.voxel == -1).all()


def test_voxels_know_what_they_are_of_and_when_and_how_they_were_lit() -> None:
    grid, scene = Grid(20_000), Scene()
    fused(grid, scene, look=11, now_ms=4000)
    cast = grid.cast(scene.sight())
    hit = cast.voxel >= 0
    at = grid.at(np.maximum(cast.voxel, 0))
    expected = things(scene.objects(), scene.labels())
    assert (at.thing == expected)[hit].mean() > 0.97
    assert set(at.stamp[hit].tolist()) == {4000}
    assert set(at.look[hit].tolist()) == {11}
    np.testing.assert_allclose(at.lit[hit], np.sqrt(0.4), atol=0.02)


def test_another_look_replaces_what_was_there() -> None:
    grid, scene = Grid(20_000), Scene()
    for _ in range(5):
        fused(grid, scene, look=1)
    sight = scene.sight(look=2)
    grid.fuse(sight, remembered(scene.plate(0.25)), np.isfinite(sight.view.depth_m))
    cast = grid.cast(sight)
    hit = cast.depth_m > 0
    assert np.abs(cast.color - remembered(scene.plate(0.25)))[hit].mean() < 0.02
    assert grid.at(np.maximum(cast.voxel, 0)).weight[hit].max() == 1.0


def test_what_is_forgotten_by_thing_leaves_the_others() -> None:
    grid, scene = Grid(20_000), Scene()
    fused(grid, scene)
    cast = grid.cast(scene.sight())
    box = scene.objects() == BOX_ID
    assert (cast.depth_m[box] > 0).mean() > 0.8
    code = things(np.array([BOX_ID], np.uint32), np.array([scene.labels()[box][0]], np.uint8))
    assert grid.forget_things(code) > 0
    after = grid.cast(scene.sight())
    assert (after.depth_m[box] > 0).mean() < 0.1
    np.testing.assert_array_equal(after.depth_m[:, :10], cast.depth_m[:, :10])


def test_a_full_grid_lets_go_of_old_and_far_blocks_and_stays_in_its_budget() -> None:
    grid = Grid(4600)
    for n in range(16):
        scene = Scene(eye_x=4.0 * n)
        grid.evict(np.array([4.0 * n, 0.0, 0.0]), 4096)
        fused(grid, scene, now_ms=n * 1000)
        assert grid.blocks <= 4600
    assert grid.bytes <= 4600 * kept.BLOCK_BYTES
    assert grid.left_out == 0
    here, first = grid.cast(Scene(eye_x=4.0 * 15).sight()), grid.cast(Scene(eye_x=0.0).sight())
    assert (here.depth_m > 0).mean() > 0.5
    assert not first.depth_m.any()


def test_blocks_that_do_not_fit_are_left_out_and_counted() -> None:
    grid = Grid(150)
    fused(grid, Scene())
    assert grid.left_out > 0
    assert grid.blocks <= 150


def test_a_block_that_was_let_go_and_comes_back_is_empty() -> None:
    grid = Grid(20_000)
    fused(grid, Scene())
    grid.most_blocks = 0
    grid.evict(np.zeros(3), 0)
    assert grid.blocks == 0
    grid.most_blocks = 20_000
    fused(grid, Scene())
    assert grid.values("weight").max() == 1.0


def whole(saved: dict[str, NDArray[Any] | Gathered]) -> dict[str, NDArray[Any]]:
    """As whoever asked for it reads it."""
    note, descriptor = pack(saved)
    try:
        return unpack(note, descriptor)
    finally:
        os.close(descriptor)


def test_what_is_saved_and_loaded_is_the_same_bit_for_bit() -> None:
    grid = Grid(20_000)
    for eye_x in (0.0, 0.4):
        fused(grid, Scene(eye_x=eye_x), now_ms=99)
    arrays = whole(grid.save())
    other = Grid(20_000)
    other.load(arrays)
    again = whole(other.save())
    assert arrays.keys() == again.keys()
    for name, gathered in grid.save().items():
        assert arrays[name].tobytes() == again[name].tobytes() == np.asarray(gathered).tobytes(), name
    one, two = grid.cast(Scene(eye_x=0.2).sight()), other.cast(Scene(eye_x=0.2).sight())
    np.testing.assert_array_equal(one.depth_m, two.depth_m)
    np.testing.assert_array_equal(one.color, two.color)


def test_what_lay_in_a_grids_memory_before_is_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    grid, other, new = Grid(20_000), Grid(20_000), Grid._new
    fused(grid, Scene())
    arrays = whole(grid.save())

    def used_before(self: Grid, blocks: int) -> Any:
        made = new(self, blocks)
        for name in kept.ATTRIBUTES:
            made.attribute(name).numpy()[:] = 7
        return made

    monkeypatch.setattr(Grid, "_new", used_before)
    other.load(arrays)
    again = whole(other.save())
    assert all(again[name].tobytes() == arrays[name].tobytes() for name in arrays)


def test_arrays_that_are_no_memory_are_refused_by_name() -> None:
    grid = Grid(20_000)
    fused(grid, Scene())
    saved = {**whole(grid.save()), "patches": np.zeros(0, kept.PATCH), "bodies": np.zeros(0, np.uint32),
             "now_ms": np.zeros(1, np.int64)}  # fmt: skip
    kept.check(saved)
    for name, bad in (
        ("grid.tsdf", saved["grid.tsdf"][:-1]), ("grid.blocks", np.zeros((2, 3), np.int32)),
        ("patches", np.zeros(3, np.uint8)), ("grid.voxel_m", np.array([0.5])),
        ("grid.origin_m", np.array([np.nan, 0.0, 0.0])),
    ):  # fmt: skip
        with pytest.raises(InvalidValue, match=name.split(".")[0]):
            kept.check({**saved, name: bad})
    with pytest.raises(InvalidValue, match="bodies"):
        kept.check({name: array for name, array in saved.items() if name != "bodies"})


def test_a_projection_that_is_no_perspective_is_refused_by_name() -> None:
    flat = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    with pytest.raises(NotSupported, match="perspective"):
        pinhole(msgspec.structs.replace(Scene().camera(), projection=flat), HEIGHT, WIDTH, np.zeros(3))


@pytest.mark.parametrize("size", [(180, 320), (720, 1280), (1081, 1921)])
def test_a_thin_picture_shows_the_same_places(size: tuple[int, int]) -> None:
    height, width = size
    stride = stride_of(height, width)
    depth = np.full(size, 3.0, np.float32)
    camera = Scene().camera()
    whole = points_m(camera, depth, np.zeros(3))[::stride, ::stride]
    thin = points_m(thinned(camera, height, width, stride), depth[::stride, ::stride], np.zeros(3))
    np.testing.assert_allclose(thin, whole, atol=1e-9)
    assert thin.shape[0] * thin.shape[1] <= 90_000
