"""Stand-ins for slow models whose plates are known everywhere, and how far edges lie from where they should.

The plate is painted from depth and object ids: things that stand get squares of half a metre that stick to the world,
bodies that move get one colour each. So the true plate of any engine state can be had at once, whatever the speed of
the model that painted an older one. A model that takes its time sleeps: on a GPU it would not take the engine's cores
either.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.poses import matrix_of
from bridge.reproject import View
from bridge.schema import PlaneName
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.recall import World

F64 = NDArray[np.float64]

SQUARE_M = 0.5
FADES_M = 9.0  # squares further off have no contrast: they would be smaller than pixels
REACH_PX = 4  # an edge is looked for this far from where it should be
STEP_PX = 0.125
HALF_WINDOW_PX = 5
LEAST_STEP = 0.08  # of brightness between two pixels, for an edge
LEAST_LIKENESS = 0.5  # correlation; with less it is another edge, or none


COLORS = np.random.default_rng(5).uniform(0.2, 0.8, (4096, 4)).astype(np.float32)  # by object id
COLORS[:, 3] = 1.0


class Painter:
    """Paints a plate, one at a time, after thinking for `think_ms`."""

    def __init__(self, think_ms: float = 0.0, chunk_frames: int = 1, name: str = "painter") -> None:
        self.calls: list[list[int]] = []  # the ids that each call got
        self._think_s = think_ms / 1000
        self.card = ModelCard(
            name=name,
            needs=frozenset({PlaneName.COLOR, PlaneName.DEPTH, PlaneName.OBJECT}),
            optional=frozenset(),
            chunk_frames=chunk_frames,
            response_window_ms=think_ms,
        )

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        self.calls.append([frame.header.id])
        time.sleep(self._think_s)
        plate[...] = painted(view_of(frame))

    def save_latents(self, latents: object) -> dict[str, NDArray[Any]]:
        return {}

    def load_latents(self, arrays: Mapping[str, NDArray[Any]]) -> object:
        return None

    def close(self) -> None:
        """Nothing is held."""


class ChunkPainter(Painter):
    """The same, several plates in one call: each as it is ready."""

    def steps(self, frames: Sequence[RenderFrame], world: World) -> Iterator[None]:
        self.calls.append([frame.header.id for frame in frames])
        for frame in frames:
            time.sleep(self._think_s / len(frames))
            frame.plate[...] = painted(view_of(frame))
            yield


def view_of(frame: RenderFrame) -> View:
    header, planes = frame.header, frame.planes
    return View(header.id, header.camera, header.bodies, planes[PlaneName.DEPTH], planes[PlaneName.OBJECT])


def painted(view: View) -> NDArray[np.float16]:
    """The plate [H, W, 4] of an engine state; matte 1."""
    assert view.objects is not None
    height, width = view.depth_m.shape
    projection = np.array(view.camera.projection).reshape(4, 4)
    right = ((np.arange(width) + 0.5) / width * 2 - 1 + projection[0, 2]) / projection[0, 0]
    up = (1 - (np.arange(height) + 0.5) / height * 2 + projection[1, 2]) / projection[1, 1]
    world_from_camera = matrix_of(view.camera.world_from_camera)
    depth_m = np.minimum(view.depth_m, np.float32(2 * FADES_M))  # further off there is no contrast
    odd = np.zeros((height, width), np.bool_)
    for axis in range(3):
        r, u, back, offset = (world_from_camera[axis] / SQUARE_M).astype(np.float32)
        ray = (r * right)[None, :] + (u * up)[:, None] - back
        odd ^= np.floor(depth_m * ray.astype(np.float32) + (offset + np.float32(0.274))).astype(np.int32) & 1 == 1
    rows = view.objects % len(COLORS)
    bodies = np.zeros(len(COLORS), np.bool_)
    bodies[np.frombuffer(view.bodies.ids, "<u4") % len(COLORS)] = True
    contrast = np.maximum(1 - depth_m / np.float32(FADES_M), 0) * ~bodies[rows]
    plate = COLORS[rows]
    plate[..., :3] *= (1 + np.where(odd, 0.5, -0.5).astype(np.float32) * contrast)[..., None]
    return plate.astype(np.float16)


def edge_offsets_px(shown: NDArray[Any], truth: NDArray[Any]) -> F64:
    """How far the edges of `truth` lie from there in `shown`, both [H, W, 3 or more] linear: one value for each edge
    pixel that is found, across the edge, for upright and lying edges. The steps of brightness around it are moved by
    fractions of a pixel until they are most alike (normalised correlation)."""
    pictures = [picture[..., :3].astype(np.float64).mean(axis=-1) for picture in (shown, truth)]
    upright = _offsets(*pictures)
    lying = _offsets(*(np.ascontiguousarray(picture.T) for picture in pictures))
    return np.concatenate([upright, lying])


def _offsets(shown: F64, truth: F64) -> F64:
    slopes = [np.diff(picture, axis=1) for picture in (shown, truth)]
    height = np.abs(slopes[1])
    margin = HALF_WINDOW_PX + REACH_PX + 1
    inner = height[:, margin:-margin]
    edge = (
        (inner > LEAST_STEP)
        & (inner > height[:, margin - 1 : -margin - 1])
        & (inner >= height[:, margin + 1 : -margin + 1])
    )
    rows, columns = np.nonzero(edge)
    window = np.arange(-HALF_WINDOW_PX, HALF_WINDOW_PX + 1)
    wanted = slopes[1][rows[:, None], columns[:, None] + margin + window]
    reach = np.arange(-HALF_WINDOW_PX - REACH_PX, HALF_WINDOW_PX + REACH_PX + 1)
    found = slopes[0][rows[:, None], columns[:, None] + margin + reach]
    shifts = np.arange(-REACH_PX, REACH_PX + STEP_PX / 2, STEP_PX)
    likeness = np.stack([_likeness(wanted, found, shift) for shift in shifts], axis=-1)
    best = likeness.argmax(axis=-1) if len(rows) else np.zeros(0, np.intp)
    alike = likeness[np.arange(len(rows)), best] >= LEAST_LIKENESS
    offsets: F64 = np.abs(shifts[best[alike]])
    return offsets


def _likeness(wanted: F64, found: F64, shift: float) -> F64:
    """Correlation [N] of windows [N, n] with those of `found` [N, n + 2 * REACH_PX], `shift` px to the right."""
    start, count = shift + REACH_PX, wanted.shape[1]
    left = min(int(start), found.shape[1] - count - 1)
    part = start - left
    there = found[:, left : left + count] * (1 - part) + found[:, left + 1 : left + 1 + count] * part
    norm = np.sqrt((wanted**2).sum(axis=-1) * (there**2).sum(axis=-1))
    alike: F64 = (wanted * there).sum(axis=-1) / np.where(norm > 0, norm, 1)
    return alike
