"""The last frame of a stream, for models that begin from it: its picture and its noise, followed to where their points
are now by the engine's geometry, so that nothing crawls over things that move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from bridge.errors import SnapshotCorrupt
from bridge.reproject import View, lay, nothing_known, source_of
from bridge.schema import Bodies, Camera, PlaneName
from renderer.adapters.condition import Span
from renderer.frame import RenderFrame

if TYPE_CHECKING:
    from renderer.recall import World

F32 = NDArray[np.float32]
ROUNDING = 1e-3  # of a cell: what a movement of whole cells may be off by
COARSE_ROWS = 96  # at least, of the geometry by which noise is followed: its cells are coarser
LATENTS = {
    "picture": (np.float32, 3), "noise": (np.float32, 3), "off": (np.float32, 3), "depth_m": (np.float32, 2),
    "objects": (np.uint32, 2), "camera": (np.float64, 1), "body_ids": (np.uint32, 1), "body_poses": (np.float64, 2),
    "span_m": (np.float64, 1),
}  # fmt: skip
CAMERA_NUMBERS = 7 + 16 + 2
RESTORED = -1  # the id of a frame that came from a snapshot: the next one follows on it, whatever its own id is


@dataclass(frozen=True)
class Past:
    """What a stream's next frame builds on; arrays are its own."""

    picture: F32  # [3, H, W] at the engine's size, -1..1, as the network's answer was
    noise: F32  # [C, rows, columns], cells that cover the picture
    off: F32  # [2, rows, columns]: how far from its cell's middle each noise belongs, down and to the right, in cells
    view: View
    span: Span

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a snapshot keeps of it."""
        camera, bodies, view = self.view.camera, self.view.bodies, self.view
        pose = camera.world_from_camera
        objects = np.zeros((0, 0), np.uint32) if view.objects is None else view.objects
        numbers = [*pose.position_m, *pose.orientation, *camera.projection, *camera.jitter_px]
        return {
            "picture": self.picture, "noise": self.noise, "off": self.off, "depth_m": view.depth_m, "objects": objects,
            "camera": np.array(numbers, np.float64), "body_ids": np.frombuffer(bodies.ids, "<u4").astype(np.uint32),
            "body_poses": np.frombuffer(bodies.poses, "<f8").reshape(-1, 7).astype(np.float64),
            "span_m": np.array([self.span.near_m, self.span.far_m], np.float64),
        }  # fmt: skip

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> Past:
        """From `arrays`. Raises SnapshotCorrupt."""
        told = {name: (array.dtype, array.ndim) for name, array in arrays.items()}
        if told != {name: (np.dtype(kind), ndim) for name, (kind, ndim) in LATENTS.items()} or not _fit(arrays):
            raise SnapshotCorrupt(
                "the snapshot's latents are not of a model of this family", fix="It was altered; take another snapshot."
            )
        numbers = [float(v) for v in arrays["camera"]]
        pose = {"position_m": numbers[:3], "orientation": numbers[3:7]}
        named = {"projection": numbers[7:23], "jitter_px": numbers[23:]}
        camera = msgspec.convert({"world_from_camera": pose, "previous_world_from_camera": pose, **named}, Camera)
        ids, poses = arrays["body_ids"], arrays["body_poses"]
        bodies = Bodies(count=len(ids), ids=ids.astype("<u4").tobytes(), labels=bytes(len(ids)),
                        poses=poses.astype("<f8").tobytes(), previous_poses=poses.astype("<f8").tobytes(),
                        velocities=bytes(24 * len(ids)))  # fmt: skip
        objects = arrays["objects"] if arrays["objects"].size else None
        view = View(RESTORED, camera, bodies, arrays["depth_m"], objects)
        near_m, far_m = (float(v) for v in arrays["span_m"])
        return Past(arrays["picture"], arrays["noise"], arrays["off"], view, Span(near_m, far_m))


def _fit(arrays: Mapping[str, NDArray[Any]]) -> bool:
    """Whether arrays of the right kinds have sizes and values that go together."""
    size, span_m, objects = arrays["depth_m"].shape, arrays["span_m"], arrays["objects"]
    finite = all(
        np.isfinite(arrays[name]).all() for name in ("picture", "noise", "off", "camera", "body_poses", "span_m")
    )
    return bool(
        finite and arrays["picture"].shape == (3, *size) and objects.shape in ((0, 0), size)
        and arrays["camera"].shape == (CAMERA_NUMBERS,) and arrays["body_poses"].shape == (len(arrays["body_ids"]), 7)
        and arrays["off"].shape == (2, *arrays["noise"].shape[1:])
        and span_m.shape == (2,) and 0.0 < span_m[0] < span_m[1]
    )  # fmt: skip


def fresh_noise(world: World, seed: int, shape: tuple[int, int, int]) -> F32:
    """Noise that owes nothing to the frame before: another at each step, and the same in each run."""
    rng = np.random.default_rng([world.seed % (1 << 63), seed % (1 << 63), world.epoch, world.steps])
    return rng.standard_normal(shape, np.float32)


def view_of(frame: RenderFrame) -> View:
    """A frame's geometry, in memory of its own. `depth` has to be there."""
    header, motion = frame.header, frame.plane(PlaneName.MOTION)
    depth_m = np.array(frame.planes[PlaneName.DEPTH], np.float32)
    depth_m[~(depth_m > 0.0)] = np.inf
    objects = frame.plane(PlaneName.OBJECT)
    return View(header.id, header.camera, header.bodies, depth_m,
                None if objects is None else np.array(objects, np.uint32),
                None if motion is None else np.array(motion, np.float32))  # fmt: skip


def then_of(past: Past, now: View) -> View:
    """The last frame's geometry; after a snapshot it is of the frame just before."""
    return past.view if past.view.frame_id != RESTORED else replace(past.view, frame_id=now.frame_id - 1)


def picture_before(past: Past, now: View, else_: F32) -> F32:
    """The last picture as it is seen now [3, H, W]; `else_`, of that shape, where it was not seen."""
    painted = np.ones((*now.depth_m.shape, 4), np.float32)
    painted[..., :3] = past.picture.transpose(1, 2, 0)
    warped = nothing_known(*now.depth_m.shape)
    lay(source_of(then_of(past, now), painted), now, warped)
    return np.asarray(np.where(warped.confidence > 0.0, warped.plate[..., :3].transpose(2, 0, 1), else_), np.float32)


def noise_before(past: Past, now: View, fresh: F32) -> tuple[F32, F32]:
    """The last noise where its points are now, and its `off`; `fresh`, of its shape, where nothing came.

    Each cell takes the noise that belongs nearest to where its middle was, within half a cell; a cell's noise goes on
    once at most, since noise that is repeated or averaged is none. What is left over of a movement is kept in `off`:
    were it rounded away, noise would stand still under a slow camera.
    """
    channels, rows, columns = fresh.shape
    was, known = _middles_before(then_of(past, now), now, rows, columns)
    middles = np.indices((rows, columns)).astype(np.float32)
    places = middles + past.off
    nearest, best = np.zeros((rows, columns), int), np.full((rows, columns), np.inf, np.float32)
    apart = np.zeros((2, rows, columns), np.float32)
    for step in np.ndindex(3, 3):
        row, column = (np.round(was[k]).astype(int) + step[k] - 1 for k in (0, 1))
        inside = known & (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        cell = np.where(inside, row * columns + column, 0)
        difference = np.where(inside, places.reshape(2, -1)[:, cell] - was, np.inf)
        distance = np.abs(difference + ROUNDING / 2.0).max(axis=0)  # of two that are as near, all cells take one side's
        better = distance < best
        nearest, best = np.where(better, cell, nearest), np.where(better, distance, best)
        apart = np.where(better, difference, apart)
    (taken,) = np.nonzero(best.ravel() <= 0.5 + ROUNDING)
    _, first = np.unique(nearest.ravel()[taken], return_index=True)
    taken = taken[first]
    noise, off = fresh.copy().reshape(channels, -1), np.zeros((2, rows * columns), np.float32)
    noise[:, taken] = past.noise.reshape(channels, -1)[:, nearest.ravel()[taken]]
    off[:, taken] = apart.reshape(2, -1)[:, taken]
    return noise.reshape(fresh.shape), off.reshape(past.off.shape)


def _middles_before(then: View, now: View, rows: int, columns: int) -> tuple[F32, NDArray[np.bool_]]:
    """Where the cells' middles were in the last frame, row and column in cells [2, rows, columns], and which were
    seen."""
    stride = max(1, now.depth_m.shape[0] // COARSE_ROWS)
    then, now = (_thinned(view, stride) for view in (then, now))
    height, width = now.depth_m.shape
    places = np.ones((height, width, 4), np.float32)
    places[..., 0] = ((np.arange(height) + 0.5) / height)[:, None] * rows
    places[..., 1] = (np.arange(width) + 0.5) / width * columns
    warped = nothing_known(height, width)
    lay(source_of(then, places), now, warped)
    pick = (
        ((np.arange(rows) + 0.5) * height / rows).astype(int)[:, None],
        ((np.arange(columns) + 0.5) * width / columns).astype(int),
    )
    moved = (warped.plate[..., :2] - places[..., :2])[pick]  # of the pixels, which are not the cells' middles
    was = np.indices((rows, columns)) + moved.transpose(2, 0, 1)
    return was.astype(np.float32), warped.confidence[pick] > 0.0


def _thinned(view: View, stride: int) -> View:
    """Every `stride`-th pixel. That their rays lie off the coarse pixels' centres cancels out between two of them."""
    few = slice(None, None, stride)
    objects, motion = (None if plane is None else np.ascontiguousarray(plane[few, few])
                       for plane in (view.objects, view.motion))  # fmt: skip
    return View(view.frame_id, view.camera, view.bodies, np.ascontiguousarray(view.depth_m[few, few]), objects, motion)
