"""The memory's own process: `python -m renderer.memory.worker DESCRIPTOR BUDGET_BYTES`.

It has a process of its own because Open3D holds the interpreter's lock for the whole of a native call, and may hang in
one: here it can be killed and started anew. It ends when the renderer closes its end of the socket.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import WorldplateError
from renderer.memory.notes import (
    Arrays,
    Clear,
    Frames,
    Fuse,
    Fused,
    Gathered,
    Load,
    Loaded,
    Look,
    Recalled,
    Save,
    Segment,
    Wire,
    pack,
    unpack,
)
from renderer.memory.sight import Sight
from renderer.memory.store import Store

NICENESS = 5  # the frame comes first


class Worker:
    """Answers notes, one at a time, until the other side is gone."""

    def __init__(self, wire: Wire, budget_bytes: int) -> None:
        self._wire, self._store = wire, Store(budget_bytes)
        self._segment: Segment | None = None
        self._sight: Sight | None = None
        self._behind_ms: int | None = None  # capture time less the world's own
        self._now_ms = 0
        self._epoch = 0

    def run(self) -> None:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            while (arrived := self._wire.receive(None)) is not None:
                self._answer(*arrived)

    def _answer(self, note: Any, descriptor: int | None) -> None:
        self._epoch = note.epoch
        if isinstance(note, Look):
            self._look(note)
        elif isinstance(note, Fuse):
            self._fuse(note)
        elif isinstance(note, Frames) and descriptor is not None:
            self._segment = Segment(note.height, note.width, descriptor)
        elif isinstance(note, Clear):
            self._store.clear()
            self._sight, self._behind_ms, self._now_ms = None, None, 0
        elif isinstance(note, Save):
            self._save(note.what)
        elif isinstance(note, Load) and descriptor is not None:
            self._load(note.arrays, descriptor)

    def _look(self, note: Look) -> None:
        assert self._segment is not None
        if self._behind_ms is None:
            self._behind_ms = note.capture_ms - self._now_ms
        self._now_ms = max(self._now_ms, note.capture_ms - self._behind_ms)
        self._sight = self._segment.read_sight(note, self._now_ms)
        planes = self._segment.planes
        with np.errstate(divide="ignore"):
            np.divide(1.0, planes["depth_m"], out=planes["inverse_depth"])
        try:
            if note.wanted:
                recalled = self._store.recall(self._sight)
                planes["prior"][..., :3] = recalled.color * recalled.confidence[..., None]
                planes["prior"][..., 3] = recalled.confidence
                planes["prior_depth_m"][:], planes["prior_age_s"][:] = recalled.depth_m, recalled.age_s
        except WorldplateError:  # the same again, and told, when the plate comes
            planes["prior"][:] = 0
        self._wire.send(Recalled(epoch=self._epoch, frame_id=note.frame_id))

    def _fuse(self, note: Fuse) -> None:
        trouble = ""
        if self._segment is not None and self._sight is not None and self._sight.view.frame_id == note.frame_id:
            try:
                self._store.fuse(self._sight, self._segment.planes["plate"])
            except WorldplateError as error:
                trouble = str(error)
        counts = dict(self._store.counts) | {"blocks": self._store.grid.blocks}
        self._wire.send(
            Fused(epoch=self._epoch, frame_id=note.frame_id, bytes=self._store.bytes, counts=counts, trouble=trouble)
        )

    def _save(self, what: str) -> None:
        if what == "mesh":
            arrays: Mapping[str, NDArray[Any] | Gathered] = dict(
                zip(("vertices_m", "triangles", "colors"), self._store.grid.mesh(), strict=True)
            )
        elif what == "points":
            arrays = dict(zip(("points_m", "normals", "colors"), self._store.grid.points(), strict=True))
        else:
            arrays = self._store.save() | {"now_ms": np.array([self._now_ms], np.int64)}
        note, descriptor = pack(arrays)
        self._wire.send(note, descriptor)
        os.close(descriptor)

    def _load(self, note: Arrays, descriptor: int) -> None:
        trouble = ""
        try:
            arrays = unpack(note, descriptor)
            self._store.load(arrays)
            self._now_ms, self._behind_ms, self._sight = int(arrays["now_ms"][0]), None, None
        except WorldplateError as error:
            trouble = str(error)
        finally:
            os.close(descriptor)
        self._wire.send(Loaded(epoch=self._epoch, trouble=trouble))


def main(arguments: list[str]) -> None:
    descriptor, budget_bytes = (int(text) for text in arguments)
    os.nice(NICENESS)
    end = socket.socket(fileno=descriptor)
    Worker(Wire(end), budget_bytes).run()


if __name__ == "__main__":
    main(sys.argv[1:])
