"""What a world remembers and when it forgets: bodies, edits, looks, light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from memory_scene import BOX_ID, Scene

from bridge.schema import Label
from renderer.memory.sight import usable_depth
from renderer.memory.store import Recalled, Store


def seen(scene: Scene, times: int = 3, store: Store | None = None, look: int = 7, gain: float = 1.0) -> Store:
    """A store that has seen the scene so often."""
    store = store or Store(200_000_000)
    for n in range(times):
        store.fuse(scene.sight(look, now_ms=n * 100), scene.plate(gain))
    return store


def off_by(recalled: Recalled, scene: Scene, pixels: object = ...) -> float:
    """Mean difference of the remembered colours from the scene's, where there is confidence."""
    sure = recalled.confidence > 0.3
    assert sure.any()
    return float(np.abs(recalled.color - scene.paint())[sure].mean())


def test_a_place_is_remembered_in_its_colours_from_another_viewpoint() -> None:
    store = seen(Scene())
    there = Scene(eye_x=0.25)
    recalled = store.recall(there.sight(now_ms=60_000))
    assert (recalled.confidence > 0.3).mean() > 0.75
    assert off_by(recalled, there) < 0.02
    sure = recalled.confidence > 0
    assert recalled.age_s[sure] == pytest.approx(59.8)


def test_a_place_that_was_never_seen_has_no_confidence() -> None:
    recalled = seen(Scene()).recall(Scene(eye_x=30.0).sight())
    solid = np.isfinite(Scene(eye_x=30.0).depth_m())
    assert not recalled.confidence[solid].any()
    assert np.isinf(recalled.age_s[solid]).all()


def test_a_moving_body_keeps_its_looks_and_leaves_no_smear() -> None:
    store = Store(200_000_000)
    for n in range(6):
        scene = Scene(box_x=-0.6 + 0.2 * n, box_moves=True)
        store.fuse(scene.sight(now_ms=n * 100), scene.plate())
    there = Scene(box_x=-0.1, box_moves=True)
    recalled = store.recall(there.sight(now_ms=1000))
    box = there.objects() == BOX_ID
    assert (recalled.confidence[box] > 0.5).mean() > 0.8
    assert np.abs(recalled.color - there.paint())[box & (recalled.confidence > 0.5)].mean() < 0.02
    wall = (there.objects() == 2) & (recalled.confidence > 0)
    assert np.abs(recalled.color - there.paint())[wall].mean() < 0.02
    assert (store.patches.rows["object"] == BOX_ID).any()


def test_a_thing_that_was_deleted_is_forgotten_and_nothing_else_is() -> None:
    store, scene = seen(Scene()), Scene()
    empty = Scene(box_x=None)
    before = store.recall(empty.sight())
    store.fuse(empty.sight(now_ms=500), empty.plate())
    assert store.counts["forgotten"] > 0
    back = store.recall(scene.sight(now_ms=600))
    box = scene.objects() == BOX_ID
    assert not (back.confidence[box] > 0).any()
    wall = scene.objects() == 2
    assert (store.recall(empty.sight()).confidence >= before.confidence)[wall].all()


def test_a_thing_that_was_moved_is_remembered_where_it_is_alone() -> None:
    store = seen(Scene(box_x=-0.4))
    moved = Scene(box_x=0.4)
    seen(moved, store=store)
    box = moved.objects() == BOX_ID
    recalled = store.recall(moved.sight())
    assert (recalled.confidence[box] > 0.4).mean() > 0.6
    assert off_by(recalled, moved) < 0.03
    gone = store.recall(Scene(box_x=-0.4).sight())
    left = (Scene(box_x=-0.4).objects() == BOX_ID) & ~box
    assert not (gone.confidence[left] > 0).any()


def test_a_thing_that_was_relabelled_is_forgotten() -> None:
    store = seen(Scene())
    other = Scene(wall_label=Label.STONE)
    assert not store.recall(other.sight()).confidence[other.objects() == 2].any()
    seen(other, times=1, store=store, gain=0.3)
    recalled = store.recall(other.sight())
    wall = (other.objects() == 2) & (recalled.confidence > 0)
    assert wall.any()
    assert np.abs(recalled.color - other.paint() * 0.3)[wall].mean() < 0.03  # nothing of the old colours in it


def test_another_look_is_not_fought_and_the_old_one_is_still_known_where_it_was_not_seen_again() -> None:
    store = seen(Scene(), look=1)
    assert not store.recall(Scene().sight(look=2)).confidence.any()
    seen(Scene(), times=2, store=store, look=2, gain=0.25)
    there = store.recall(Scene().sight(look=2))
    sure = there.confidence > 0.3
    assert np.abs(there.color - Scene().paint() * 0.25)[sure].mean() < 0.02
    elsewhere = Scene(eye_x=40.0)
    other = seen(elsewhere, look=1)
    seen(Scene(), store=other, look=2)
    assert (other.recall(elsewhere.sight(look=1)).confidence > 0.3).mean() > 0.4


def test_a_place_in_another_light_is_not_held_to_what_it_was() -> None:
    store = seen(Scene(light=1.0))
    assert (store.recall(Scene(light=1.02).sight()).confidence > 0.3).mean() > 0.75
    assert not store.recall(Scene(light=0.4).sight()).confidence.any()


def test_an_id_that_becomes_a_body_is_forgotten_as_what_stood_still_and_back() -> None:
    store = seen(Scene())
    seen(Scene(box_moves=True), times=1, store=store)
    box = Scene().objects() == BOX_ID
    assert store.grid.cast(Scene().sight()).depth_m[box].mean() != pytest.approx(2.0, abs=0.1)
    seen(Scene(box_moves=False), times=1, store=store)
    assert not (store.patches.rows["object"] == BOX_ID).any()


def test_pixels_that_the_engine_owns_are_not_remembered() -> None:
    store, scene = Store(200_000_000), Scene()
    plate = scene.plate()
    plate[:, :32] = 0
    for _ in range(3):
        store.fuse(scene.sight(), plate)
    confidence = store.recall(scene.sight()).confidence
    assert (confidence[:, 36:] > 0).mean() > 0.7
    assert not confidence[:, :28].any()


def test_depth_that_is_no_number_is_left_out_and_the_rest_is_remembered() -> None:
    scene = Scene()
    depth = scene.depth_m()
    depth[::2, ::2], depth[5, 5], depth[7, 7] = np.nan, -1.0, 0.0
    usable = usable_depth(depth)
    assert np.count_nonzero(usable == 0) == np.count_nonzero(~(depth > 0))
    sight = scene.sight()
    sight = replace(sight, view=replace(sight.view, depth_m=usable))
    store = Store(200_000_000)
    for _ in range(3):
        store.fuse(sight, scene.plate())
    assert off_by(store.recall(scene.sight()), scene) < 0.03
    nothing = replace(sight, view=replace(sight.view, depth_m=np.zeros_like(usable)))
    store.fuse(nothing, scene.plate())
    assert not store.recall(nothing).confidence.any()


def test_depth_that_contradicts_itself_forgets_and_never_shows_what_is_wrong() -> None:
    store = Store(200_000_000)
    for n in range(8):
        scene = Scene()
        sight = scene.sight(now_ms=n)
        wrong = np.where(np.isfinite(scene.depth_m()), scene.depth_m() * (1.5 if n % 2 else 1.0), np.inf)
        store.fuse(replace(sight, view=replace(sight.view, depth_m=wrong.astype(np.float32))), scene.plate())
    assert store.counts["forgotten"] > 0
    recalled = store.recall(Scene().sight())
    truth = Scene().depth_m()
    solid = (recalled.confidence > 0) & np.isfinite(truth)
    assert (np.abs(recalled.depth_m[solid] - truth[solid]) < 0.5).all()


def test_a_store_saves_and_loads_bit_for_bit_and_clears_to_nothing() -> None:
    store = seen(Scene(box_moves=True))
    arrays = {name: np.asarray(array) for name, array in store.save().items()}
    other = Store(200_000_000)
    other.load(arrays)
    again = other.save()
    assert all(arrays[name].tobytes() == np.asarray(again[name]).tobytes() for name in arrays)
    one, two = (s.recall(Scene(eye_x=0.1, box_moves=True).sight()) for s in (store, other))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    store.clear()
    assert not store.recall(Scene().sight()).confidence.any()
    assert store.grid.blocks == 0
