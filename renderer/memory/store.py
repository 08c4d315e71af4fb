"""What a world looked like: the voxel grid for what stands near, patches for bodies, the sky and what is far.

When it forgets, and why nothing old fights what is new:
- A look is the set of controls that a plate is made under. What was remembered under another look has confidence 0, and
  is replaced where it is seen again; so a dial that is turned back finds its own places as they were.
- A remembered surface that the engine now sees through is gone; one that is now of another thing or label has changed.
  Where that is most of what is seen of a thing the whole thing is forgotten, else the voxels that were seen.
- Confidence falls to 0 where the engine's own light on a place is not what it was: a shadow that has come or gone, a
  lamp, a sun that moves.
- An id that becomes a body, or stops being one, is forgotten as what it was.
- When the budget is full those blocks go first that are old and far away, and the oldest patches.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from renderer.memory.grid import Cast, Grid, Voxels, things
from renderer.memory.kept import BLOCK_BYTES, FARTHEST_M, PATCH
from renderer.memory.notes import Gathered
from renderer.memory.patches import Patches, keys_of, patches_of, poses_of
from renderer.memory.sight import F32, F64, Sight, remembered

PATCHES_SHARE = 16  # one part in so many of the budget
ROOM_BLOCKS = 4096  # free after an eviction: a view's worth, and what `integrate` asks for beside it
DOUBT = 2.0  # a place seen n times is trusted n / (n + DOUBT)
SAME_LIGHT, OTHER_LIGHT = 0.1, 0.2  # of the square root of luminance: trusted up to the first, not from the second on
STEEPEST_M = 0.3  # of the engine's own slope from pixel to pixel that counts as tolerance
MOST_OF_IT = 0.5  # of the pixels of a thing: from here on an edit is the whole thing's
FEWEST_PIXELS = 12  # that tell of a whole thing
LIGHT_FLOOR = 0.1


class Recalled(NamedTuple):
    """What is remembered of a view's pixels."""

    color: F32  # [h, w, 3] scene-linear
    confidence: F32  # [h, w] 0..1
    depth_m: F32  # [h, w] of the memory's own surface; 0 where it has none
    age_s: F32  # [h, w] since it was seen last; +inf where nothing is remembered


class Store:
    """One session's world. Owned by one thread, that of the memory's process."""

    def __init__(self, budget_bytes: int) -> None:
        patches = max(1024, min(budget_bytes // PATCHES_SHARE, 1 << 25) // PATCH.itemsize)
        blocks = max(2 * ROOM_BLOCKS, (budget_bytes - patches * PATCH.itemsize) // BLOCK_BYTES)
        self.grid, self.patches = Grid(blocks), Patches(patches)
        self.counts: Counter[str] = Counter(fused=0, evicted=0, forgotten=0, left_out=0)
        self._listed: frozenset[int] = frozenset()  # bodies of the last view
        self._empty = True
        self._cast: tuple[Sight, Cast] | None = None  # of the view that was recalled last

    @property
    def bytes(self) -> int:
        return self.grid.bytes + self.patches.bytes

    def clear(self) -> None:
        if not self._empty:
            self.grid.clear()
            self.patches.clear()
        self._listed, self._empty, self._cast = frozenset(), True, None

    def recall(self, sight: Sight) -> Recalled:
        """What is remembered of a view."""
        standing, elsewhere, _ = self._split(sight)
        cast = self.grid.cast(sight)
        self._cast = (sight, cast)
        at = self.grid.at(np.maximum(cast.voxel, 0))
        trust = np.where(self._agrees(sight, cast, at) & standing, _trust(sight, at.weight, at.look, at.lit), 0)
        color = cast.color.copy()
        age_s = np.where(cast.voxel >= 0, _age_s(sight, at.stamp), np.inf).astype(np.float32)
        depth = cast.depth_m.copy()
        keys = keys_of(sight, elsewhere, poses_of(sight))
        row, there = self.patches.read(keys)
        if there.any():
            found, where = self.patches.rows[row[there]], np.flatnonzero(elsewhere)[there]
            same = found["label"] == sight.labels.ravel()[where]
            flat = Sight(sight.view, sight.labels, sight.lit.ravel()[where], sight.look, sight.now_ms)
            trust.ravel()[where] = np.where(same, _trust(flat, found["weight"], found["look"], found["lit"]), 0)
            color.reshape(-1, 3)[where] = found["color"]
            age_s.ravel()[where] = _age_s(sight, found["stamp"])
            depth.ravel()[where] = sight.view.depth_m.ravel()[where]
        return Recalled(color**2, trust.astype(np.float32), depth, age_s)

    def fuse(self, sight: Sight, plate: NDArray[Any]) -> None:
        """Take in a view and its plate [h, w, 4]: pixels that the plate does not own (matte 0) are left out."""
        if self._empty:
            self.grid.move(self._eye_m(sight))
            self._empty = False
        self._note_bodies(sight)
        cast = self._cast[1] if self._cast and self._cast[0] is sight else self.grid.cast(sight)
        self._cast = None
        self._forget_edits(sight, cast)
        standing, elsewhere, of_body = self._split(sight)
        made = plate[..., 3] > 0.5
        color = remembered(plate)
        self.counts["evicted"] += self.grid.evict(self._eye_m(sight), ROOM_BLOCKS)
        self.grid.fuse(sight, color, standing & made)
        elsewhere &= made
        self.patches.fuse(patches_of(sight, keys_of(sight, elsewhere, poses_of(sight)), elsewhere, color, of_body))
        self.counts["evicted"] += self.patches.evict()
        self.counts["fused"] += 1
        self.counts["left_out"] = self.grid.left_out

    def _eye_m(self, sight: Sight) -> F64:
        return np.array(sight.view.camera.world_from_camera.position_m)

    def _split(self, sight: Sight) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
        """The pixels [h, w] that are the grid's, the patches', and those that are on bodies."""
        assert sight.view.objects is not None
        depth, ids = sight.view.depth_m, np.frombuffer(sight.view.bodies.ids, "<u4")
        of_body = np.isin(sight.view.objects, ids) & np.isfinite(depth)
        standing = (depth > 0) & (depth < FARTHEST_M) & ~of_body
        return standing, (depth > 0) & ~standing, of_body

    def _agrees(self, sight: Sight, cast: Cast, at: Voxels) -> NDArray[np.bool_]:
        """Where the remembered surface is the engine's: as deep, and of the same thing."""
        assert sight.view.objects is not None
        depth = np.where(np.isfinite(sight.view.depth_m), sight.view.depth_m, np.float32(1e6))
        slope = np.maximum(np.abs(np.gradient(depth, axis=0)), np.abs(np.gradient(depth, axis=1)))
        tolerance = 1.5 * self.grid.voxel_m + np.minimum(slope, STEEPEST_M)
        near = np.abs(cast.depth_m - depth) <= tolerance
        return np.asarray((cast.voxel >= 0) & near & (at.thing == things(sight.view.objects, sight.labels)))

    def _forget_edits(self, sight: Sight, cast: Cast) -> None:
        """Forget what the engine no longer has, or has as something else."""
        assert sight.view.objects is not None
        hit = (cast.voxel >= 0) & (sight.view.depth_m > 0)
        if not hit.any():
            return
        at = self.grid.at(np.maximum(cast.voxel, 0))
        now = things(sight.view.objects, sight.labels)
        gone = hit & (cast.depth_m < self._nearest_around(sight, cast) - 2.5 * self.grid.voxel_m)
        near = np.abs(cast.depth_m - sight.view.depth_m) <= 1.5 * self.grid.voxel_m
        other = hit & near & (at.thing != now)
        whole = _mostly(at.thing, hit, gone | other)
        if len(whole):
            self.counts["forgotten"] += self.grid.forget_things(whole)
        replaced = other & np.isin(now, _mostly(now, hit & near, other))
        wrong = cast.corners[(gone | replaced) & ~np.isin(at.thing, whole)]
        self.counts["forgotten"] += self.grid.forget_voxels(wrong.ravel())

    def _nearest_around(self, sight: Sight, cast: Cast) -> F32:
        """The engine's least depth [h, w] within a voxel and a half of each pixel: an edge is not known better."""
        voxel_px = sight.view.camera.projection[5] * sight.view.depth_m.shape[0] / 2 * self.grid.voxel_m
        radius = np.ceil(1.5 * voxel_px / np.maximum(cast.depth_m, 0.2))
        least = around = _least(sight.view.depth_m)
        for reach in (1, 3, 7):  # after so many pixels on either side
            least = np.where(radius > reach, around := _least(around, (reach + 1) // 2), least)
        return least

    def _note_bodies(self, sight: Sight) -> None:
        """Ids that became bodies, or no longer are, are forgotten as what they were."""
        listed = frozenset(np.frombuffer(sight.view.bodies.ids, "<u4").tolist())
        rows = self.patches.rows
        if joined := sorted(listed - self._listed):
            ids = np.array(joined, np.uint32)
            every = things(np.repeat(ids, 256), np.tile(np.arange(256, dtype=np.uint8), len(ids)))
            self.counts["forgotten"] += self.grid.forget_things(every)
            self.counts["forgotten"] += self.patches.forget(np.isin(rows["object"], ids) & ~rows["of_body"])
        assert sight.view.objects is not None
        rows = self.patches.rows
        left = np.unique(
            rows["object"][rows["of_body"] & ~np.isin(rows["object"], np.array(sorted(listed), np.uint32))]
        )
        if len(left := np.intersect1d(left, sight.view.objects)):
            self.counts["forgotten"] += self.patches.forget(np.isin(rows["object"], left) & rows["of_body"])
        self._listed = listed

    def save(self) -> dict[str, NDArray[Any] | Gathered]:
        """Everything, as arrays; `load` of them gives a store that saves the same bytes and recalls the same bits. They
        are to be taken before the store is changed."""
        listed = np.array(sorted(self._listed), np.uint32)
        return {**self.grid.save(), "patches": self.patches.rows.copy(), "bodies": listed}

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """What `save` gave, in place of what is there."""
        self.clear()
        self.grid.load(arrays)
        self.patches.rows = arrays["patches"].copy()
        self._listed, self._empty = frozenset(arrays["bodies"].tolist()), False


def _trust(sight: Sight, weight: F32, look: NDArray[np.uint32], lit: F32) -> F32:
    """Confidence 0..1 of colours seen `weight` times, under `look`, in the light `lit`."""
    with np.errstate(invalid="ignore"):
        change = np.abs(sight.lit - lit) / (LIGHT_FLOOR + np.maximum(sight.lit, lit))
    same_light = np.clip((OTHER_LIGHT - change) / (OTHER_LIGHT - SAME_LIGHT), 0, 1)
    same_light = np.where(np.isnan(change), 1, same_light)  # the engine gives no light to compare
    return np.asarray(weight / (weight + DOUBT) * same_light * (look == sight.look), np.float32)


def _age_s(sight: Sight, stamp: NDArray[np.uint32]) -> F32:
    age_ms = np.maximum(np.int64(sight.now_ms) - stamp.astype(np.int64), 0)
    return np.asarray(age_ms / 1000, np.float32)


def _mostly(of: NDArray[np.uint32], seen: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The things of which most pixels that are seen are wrong."""
    found, inverse = np.unique(of[seen], return_inverse=True)
    pixels = np.bincount(inverse, minlength=len(found))
    bad = np.bincount(inverse, wrong[seen], minlength=len(found))
    return found[(pixels >= FEWEST_PIXELS) & (bad > MOST_OF_IT * pixels)]


def _least(values: F32, reach: int = 1) -> F32:
    """The least of each value and its neighbours `reach` pixels away in rows and columns."""
    padded = np.pad(values, reach, mode="edge")
    rows = np.minimum(np.minimum(padded[: -2 * reach], padded[2 * reach :]), padded[reach:-reach])
    least = np.minimum(np.minimum(rows[:, : -2 * reach], rows[:, 2 * reach :]), rows[:, reach:-reach])
    return np.asarray(least, np.float32)
