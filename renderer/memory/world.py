"""The renderer's end of a world's long memory: a process of its own, started, fed, watched and restarted here.

It never keeps a frame waiting. A view is handed over when the process is idle; one that comes while it is busy, and
was due to be remembered, is skipped and counted. A process that has died, or has not answered for too long, is
replaced, and the new one gets the last checkpoint. The one exception is `patient`, for the sync mode `offline`: there
every answer is waited for, so that equal frames give equal plates.
"""

from __future__ import annotations

import importlib.util
import logging
import time
from collections import Counter, deque
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MissingDependency, WorldMemoryLost
from bridge.reproject import Source, View
from renderer.memory import kept
from renderer.memory.notes import (
    AnyNote,
    Arrays,
    Clear,
    Frames,
    Fuse,
    Fused,
    Load,
    Loaded,
    Look,
    Packed,
    Recalled,
    Save,
    Segment,
    pack,
)
from renderer.memory.process import Process
from renderer.memory.sight import F32, Sight

HUNG_S = 30.0  # without an answer: Open3D's ray_cast can spin for ever
START_S = 60.0  # until the first answer of a process: importing Open3D takes seconds
SAVE_S = 60.0
CHECKPOINT_S = 60.0  # between checkpoints, and at least so many times what one takes:
CHECKPOINT_SHARE = 20.0
MOST_FAILED_STARTS = 3  # processes in a row that never answered
PATIENT_EVERY = 4  # frames: `offline` counts frames where the show counts seconds
log = logging.getLogger("worldplate.memory")


@dataclass(frozen=True)
class Remembered:
    """What was remembered of one view, in memory of its own; canonical values."""

    view: View
    source: Source  # for `lay`: colours times confidence, and confidence
    depth_m: F32  # [h, w] of the memory's own surface; 0 where it has none
    age_s: F32  # [h, w] since it was seen last; +inf where nothing is remembered


class WorldMemory:
    """One session's long memory. Used from one thread; `close` ends its process."""

    def __init__(self, budget_mb: int, *, patient: bool = False) -> None:
        """Starts the process, which may hold `budget_mb` and what Open3D itself takes. Raises MissingDependency without
        Open3D."""
        if importlib.util.find_spec("open3d") is None:
            raise MissingDependency(
                "the world's long memory needs open3d", fix='Install it with `pip install "worldplate[world]"`.'
            )
        self.patient = patient
        self.latest: Remembered | None = None
        self.counts: Counter[str] = Counter(fused=0, missed=0, restarts=0, evicted=0, forgotten=0, left_out=0, blocks=0)
        self.bytes = 0
        self.budget_mb = budget_mb
        self._epoch = 0
        self._segment: Segment | None = None
        self._view: View | None = None  # that was handed over last
        self._checkpoint: Packed | None = None  # what a process that is started anew gets
        self._checkpoint_due_s = time.monotonic() + CHECKPOINT_S
        self._wanted: deque[tuple[str, Future[Packed], int]] = deque()  # and the epoch that it is asked of
        self._must_clear = self._must_load = False
        self._due_s = 0.0
        self._failed_starts = 0
        self._troubles: set[str] = set()
        self._earlier: Counter[str] = Counter()  # counted by processes that are gone
        self._start()

    # -- the process --

    def _start(self) -> None:
        self._process = Process(self.budget_mb * 1_000_000)
        self._owed: list[type[AnyNote]] = []  # answers that are still to come, in their order
        self._asked_s, self._answered = time.monotonic(), False
        self._segment_sent = False
        self._must_clear = False  # a new process knows nothing

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has given up: processes died one after the other before they answered."""
        return self._failed_starts >= MOST_FAILED_STARTS

    def _restart(self, why: str) -> None:
        self._stop()
        self.counts["restarts"] += 1
        self._earlier.update({name: self.counts[name] for name in ("fused", "evicted", "forgotten", "left_out")})
        self._failed_starts = 0 if self._answered else self._failed_starts + 1
        if self.gone:
            log.error("the world's long memory %s, %d times in a row: this session goes on without", why,
                      self._failed_starts)  # fmt: skip
            while self._wanted:
                self._hand_out(None)
            return
        rest = "its last checkpoint is loaded" if self._checkpoint else "what it held is lost"
        log.warning("the world's long memory %s; a new one starts, %s", why, rest)
        self._start()
        self._must_load = self._checkpoint is not None

    def _stop(self) -> None:
        self._process.end()
        if Arrays in self._owed:
            self._hand_out(None)
        self._owed = []

    def close(self) -> None:
        """Ends the process, and lets go of the shared memory."""
        self._stop()
        self._checkpoint = None
        while self._wanted:
            self._hand_out(None)
        if self._segment is not None:
            self._segment.close()

    # -- notes --

    def _send(self, note: AnyNote, answer: type[AnyNote] | None, descriptor: int | None = None) -> bool:
        """Whether it went out; if not the process is replaced."""
        try:
            self._process.wire.send(note, descriptor)
        except OSError as error:
            self._restart(f"is gone ({error.strerror})")
            return False
        if answer is not None:
            if not self._owed:
                self._asked_s = time.monotonic()
            self._owed.append(answer)
        return True

    def _poll(self, timeout_s: float = 0.0) -> AnyNote | None:
        """Takes one answer in, if there is one in time. A process that is gone or hangs is replaced."""
        if self.gone or not self._owed:
            return None
        try:
            arrived = self._process.wire.receive(timeout_s)
        except OSError:
            self._restart("is gone")
            return None
        if arrived is None:
            limit_s = HUNG_S if self._answered else START_S
            if self._owed[0] in (Arrays, Loaded):
                limit_s = max(limit_s, SAVE_S)
            if time.monotonic() - self._asked_s > limit_s:
                self._restart(f"did not answer for {limit_s:.0f} s")
            return None
        note, descriptor = arrived
        self._owed.pop(0)
        self._asked_s, self._answered, self._failed_starts = time.monotonic(), True, 0
        self._take(note, descriptor)
        return note

    def _take(self, note: AnyNote, descriptor: int | None) -> None:
        if isinstance(note, Recalled) and note.epoch == self._epoch:
            self._take_recalled(note)
        elif isinstance(note, Fused):
            self.bytes = note.bytes
            for name, count in note.counts.items():
                self.counts[name] = self._earlier[name] + count
            self._tell(note.trouble)
        elif isinstance(note, Loaded):
            self._tell(note.trouble)
        elif isinstance(note, Arrays) and descriptor is not None:
            self._hand_out(Packed(note, descriptor))

    def _take_recalled(self, note: Recalled) -> None:
        if self._segment is None or self._view is None or self._view.frame_id != note.frame_id:
            return
        planes, view = self._segment.planes, self._view
        source = Source(
            view.frame_id, view.camera, view.bodies, planes["inverse_depth"].copy(), view.objects,
            planes["prior"].copy(),
        )  # fmt: skip
        self.latest = Remembered(view, source, planes["prior_depth_m"].copy(), planes["prior_age_s"].copy())

    def _tell(self, trouble: str) -> None:
        if trouble and trouble not in self._troubles:
            self._troubles.add(trouble)
            log.warning("the world's long memory: %s", trouble)

    def _settle(self, limit_s: float) -> None:
        """Wait until every answer is there, and nothing is left to be loaded."""
        until_s = time.monotonic() + limit_s
        while self._behind() and not self.gone and time.monotonic() < until_s:
            self._wait()
            self.tick()

    def _behind(self) -> bool:
        """Whether answers are to come, or something is to be loaded."""
        return bool(self._owed) or self._must_load

    def _wait(self) -> None:
        """For the next answer, a tenth of a second at most."""
        self._poll(0.1)

    # -- the show --

    def tick(self) -> bool:
        """Take in what has come, and start what is due; whether the process is free for a view. To be called at
        least now and then."""
        while self._poll() is not None:
            pass
        return self._serve_wanted()

    def look(self, sight: Sight, capture_ns: int, *, due: bool, wanted: bool) -> None:
        """Hand a view over, when the process is free. `wanted`: what is remembered of it is to come back as `latest`;
        `due`: its plate is to be remembered, and counts as missed when it is not. The sight's arrays stay with the
        memory."""
        free, until_s = self.tick(), time.monotonic() + START_S + SAVE_S
        while self.patient and not (free or self.gone) and time.monotonic() < until_s:
            self._wait()
            free = self.tick()
        segment = self._frames(*sight.view.depth_m.shape) if free else None
        if segment is None:
            self.counts["missed"] += due
            return
        segment.write_sight(sight)
        camera = sight.view.camera
        pose = camera.world_from_camera
        note = Look(
            epoch=self._epoch, frame_id=sight.view.frame_id, pose=(*pose.position_m, *pose.orientation),
            projection=camera.projection, jitter_px=camera.jitter_px, bodies=sight.view.bodies.count, look=sight.look,
            capture_ms=capture_ns // 1_000_000, wanted=wanted,
        )  # fmt: skip
        self._view = sight.view if self._send(note, Recalled) else None

    def await_recalled(self) -> None:
        """Take in what has come; `patient`, wait for what is to come."""
        if self.patient:
            self._settle(START_S + SAVE_S)
        while self._poll() is not None:
            pass

    def fuse(self, view: View, plate: NDArray[np.float16]) -> None:
        """The plate [h, w, 4] of a view that was due. It is remembered when that very view was handed over."""
        if self.gone or self._view is not view or self._segment is None:
            return  # it was counted as missed
        self._segment.planes["plate"][:] = plate
        if not self._send(Fuse(epoch=self._epoch, frame_id=view.frame_id), Fused):
            self._view = None

    def _tell_clear(self) -> bool:
        """Whether the process has forgotten what it should."""
        if self._must_clear:
            self._must_clear = not self._send(Clear(epoch=self._epoch), None)
        return not self._must_clear

    def _frames(self, height: int, width: int) -> Segment | None:
        """The segment for views of that size, which the process has too; None when the process is gone."""
        if self._segment is None or self._segment.size != (height, width):
            if self._segment is not None:
                self._segment.close()
            self._segment, self._segment_sent = Segment(height, width), False
        if not self._segment_sent:
            self._segment_sent = self._send(Frames(height=height, width=width), None, self._segment.descriptor)
        return self._segment if self._segment_sent else None

    def clear(self) -> None:
        """A reset: forget everything, the checkpoint too. Nothing that was remembered before comes back after it."""
        self._epoch += 1
        self.latest = self._view = None
        self._checkpoint, self._must_load = None, False
        self._must_clear = True  # told when the process is next free: a world may be reset at every frame

    def is_due(self, steps: int, every_s: float) -> bool:
        """Whether the plate of a world's frame number `steps` is to be remembered; asked once per frame."""
        if self.patient:
            return steps % PATIENT_EVERY == 1
        now_s = time.monotonic()
        if now_s < self._due_s:
            return False
        self._due_s = now_s + every_s
        return True

    # -- to keep --

    def ask(self, what: Literal["world", "mesh", "points"]) -> Future[Packed]:
        """What the process holds, when it is next free; the answer is set on this thread, by `tick`, and may be
        unpacked on any. It may be WorldMemoryLost.

        "world" is what `load` takes. "mesh" is the remembered surface: `vertices_m` float64 [n, 3], `triangles` int32
        [m, 3], counter-clockwise from outside, `colors` float32 [n, 3], scene-linear. "points" are `points_m` float64
        [n, 3], `normals` float32 [n, 3] and `colors`.
        """
        answer: Future[Packed] = Future()
        self._wanted.append((what, answer, self._epoch))
        self.tick()
        if self.gone and not answer.done():
            self._hand_out(None)
        return answer

    def save(self) -> dict[str, NDArray[Any]]:
        """All that is remembered, as arrays that are not to be written to; waits for it. Raises WorldMemoryLost."""
        return self.arrays("world")

    def arrays(self, what: Literal["world", "mesh", "points"]) -> dict[str, NDArray[Any]]:
        """As `ask`, but waits. Raises WorldMemoryLost."""
        answer, until_s = self.ask(what), time.monotonic() + START_S + SAVE_S
        while not answer.done() and time.monotonic() < until_s:
            self._wait()
            self.tick()
        if not answer.done():
            raise _lost()
        return answer.result().arrays()

    def fork(self) -> WorldMemory:
        """A twin that goes on from what this one holds now, apart from it (ForkedMemory); the caller's to close."""
        from renderer.memory.forked import ForkedMemory

        return ForkedMemory(self)

    def load(self, arrays: dict[str, NDArray[Any]]) -> None:
        """What `save` gave, in place of what is remembered. Raises InvalidValue for other arrays, then nothing changes.

        The process reads them beside the show; frames meanwhile are missed. If it is killed the next one reads them.
        """
        kept.check(arrays)
        self.clear()
        self._must_clear = False  # what is loaded takes the place of all that was
        self._checkpoint = Packed(*pack(arrays))
        self._must_load = True
        self.tick()

    def _serve_wanted(self) -> bool:
        """Whether the process is free for a view: nothing is to be loaded or saved first."""
        if self._owed or self.gone:
            return False
        if self._wanted and self._wanted[0][2] < self._epoch:  # asked before what is to be forgotten or loaded
            return self._save_wanted()
        if self._must_load and self._checkpoint is not None:
            packed = self._checkpoint
            self._must_load = not self._send(Load(epoch=self._epoch, arrays=packed.note), Loaded, packed.descriptor)
            return False
        if not self._tell_clear():
            return False
        if not self._wanted and self.counts["fused"] and time.monotonic() > self._checkpoint_due_s:
            keep: Future[Packed] = Future()
            keep.add_done_callback(partial(self._keep_checkpoint, self._epoch, time.monotonic()))
            self._wanted.append(("world", keep, self._epoch))
        return self._save_wanted() if self._wanted else True

    def _save_wanted(self) -> bool:
        self._send(Save(epoch=self._epoch, what=self._wanted[0][0]), Arrays)
        return False

    def _keep_checkpoint(self, epoch: int, began_s: float, answer: Future[Packed]) -> None:
        took_s = time.monotonic() - began_s
        self._checkpoint_due_s = time.monotonic() + max(CHECKPOINT_S, CHECKPOINT_SHARE * took_s)
        if answer.exception() is None and epoch == self._epoch:
            self._checkpoint = answer.result()

    def _hand_out(self, packed: Packed | None) -> None:
        """Answer the one who asked first; None when the process is gone."""
        _, answer, _ = self._wanted.popleft()
        if not answer.set_running_or_notify_cancel():
            return
        if packed is None:
            answer.set_exception(_lost())
        else:
            answer.set_result(packed)

    def figures(self) -> dict[str, int]:
        """For STATUS: views fused and missed, processes restarted, blocks and patches let go, places forgotten, blocks
        left out for want of room, blocks and bytes held."""
        return {**self.counts, "bytes": self.bytes}


def _lost() -> WorldMemoryLost:
    return WorldMemoryLost("The process that remembers the world is gone, or does not answer", fix="Try again.")
