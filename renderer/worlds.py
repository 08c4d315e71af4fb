"""What can be done to a session's worlds while the show goes on: reset, snapshot, restore, fork.

Worlds are read and changed on the render loop's thread, between two frames; files are written and read on a thread of
the keeper's own, one after the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bridge.errors import InvalidValue, LimitExceeded, SnapshotCorrupt, SnapshotMismatch, UnknownStream, WorldMemoryLost
from bridge.schema import ControlValue, Limits, Reset, World as WorldMessage, WorldOp
from renderer import snapshots
from renderer.frame import Ownership
from renderer.ingest import check_controls
from renderer.memory import kept
from renderer.memory.kept import PATCH
from renderer.memory.world import WorldMemory
from renderer.models import WorldModel
from renderer.recall import World
from renderer.session import Session
from renderer.snapshots import Arrays, Header, SavedStream, Snapshot
from renderer.steering import Steering

if TYPE_CHECKING:
    from renderer.memory.notes import Packed

T = TypeVar("T")
MEMORY_S = 120.0  # until the long memory has said what it holds
MOST_WAITING = 4  # files to be written or read; each holds a world in memory
OnLoop = Callable[[Callable[[], T]], Future[T]]


class WorldKeeper:
    """Carries out WORLD messages. Used from the render loop's thread alone, but for its own one."""

    def __init__(self, model: WorldModel, limits: Limits, folder: Path | None, on_loop: OnLoop[str]) -> None:
        """`folder` holds the snapshots; None is the user's, looked for when it is first needed. `on_loop` has the
        loop's thread call something and returns the future of it."""
        self._model = model
        self._limits = limits
        self._folder = folder
        self._on_loop = on_loop
        self._files = ThreadPoolExecutor(1, "worldplate snapshots")
        self._works: list[Future[Any]] = []

    def change(self, session: Session, message: WorldMessage) -> Future[str]:
        """Carries out an operation; the future has what was done, for a person, once it is done. It is set on the
        loop's thread. Raises InvalidValue, UnknownStream, LimitExceeded, NotSupported at once; the future may raise
        them later, and what `renderer.snapshots` raises. After an error everything is as it was."""
        match message.op:
            case WorldOp.RESET:
                return _done(reset(session, message.reset, message.stream))
            case WorldOp.FORK:
                return _done(fork(session, self._model, message.stream, message.to_stream))
            case WorldOp.SNAPSHOT:
                snapshot = save(session, self._model, message.name)
                work = partial(_write, snapshot, _asked(session), self._where(), self._limits)
                return self._beside(work, partial(_written, message.name))
            case WorldOp.RESTORE:
                load = partial(snapshots.read, message.name, self._where(), self._limits)
                return self._beside(load, lambda snapshot: restore(session, self._model, snapshot))

    def adopt(self, model: WorldModel) -> None:
        """Snapshots are of this model from now on."""
        self._model = model

    @property
    def busy(self) -> bool:
        """Whether files are being written or read."""
        return any(not each.done() for each in self._works)

    def close(self) -> None:
        """Finishes the files that are being written; what was done is still told on the loop's thread."""
        self._files.shutdown()

    def _where(self) -> Path:
        self._folder = self._folder or snapshots.data_dir()
        return self._folder

    def _beside(self, work: Callable[[], T], then: Callable[[T], str]) -> Future[str]:
        """`work` on the keeper's thread, then `then` with its result on the loop's."""
        self._works = [each for each in self._works if not each.done()]
        if len(self._works) >= MOST_WAITING:
            raise LimitExceeded(
                "snapshots that wait to be written or read", MOST_WAITING + 1, MOST_WAITING, "MOST_WAITING"
            )
        outcome: Future[str] = Future()

        def finished(done: Future[T]) -> None:
            told = self._on_loop(lambda: then(done.result()))
            told.add_done_callback(partial(pass_on, outcome))

        self._works.append(self._files.submit(work))
        self._works[-1].add_done_callback(finished)
        return outcome


def save(session: Session, model: WorldModel, name: str) -> Snapshot:
    """The session's worlds now, but for their long memory, under a name. The arrays are those of the worlds themselves,
    which replace and never change them. Raises UnknownStream when nothing was shown yet, InvalidValue for the name."""
    snapshots.check_name(name)
    if not session.worlds:
        raise UnknownStream("The session has shown nothing yet", fix="Send a frame first.")
    arrays: Arrays = {}
    streams: list[SavedStream] = []
    for index, (stream, world) in enumerate(session.worlds.items()):
        saved, own = _saved(stream, world, model)
        streams.append(saved)
        for kind, each in own.items():
            arrays |= snapshots.parts(f"{index}.{kind}", each)
    width, height = session.size
    owned = session.steering.ownership
    header = Header(
        name=name, created_ns=time.time_ns(), model=model.card.name, model_sha256=model.card.sha256, width=width,
        height=height, streams=tuple(streams), controls=session.steering.controls,
        engine_objects=tuple(sorted(owned.objects)), engine_labels=tuple(sorted(owned.labels)),
        plate_near_m=owned.plate_near_m, plate_far_m=owned.plate_far_m,
    )  # fmt: skip
    return Snapshot(header, arrays)


def restore(session: Session, model: WorldModel, snapshot: Snapshot) -> str:
    """Has the session go on from a snapshot. Raises SnapshotMismatch for one of another model or size, SnapshotCorrupt,
    LimitExceeded; then nothing has changed."""
    header = snapshot.header
    check_fits(header, model, session.size)
    worlds = {
        stream.name: _world(stream, {kind: snapshot.part(f"{index}.{kind}") for kind in KINDS}, model)
        for index, stream in enumerate(header.streams)
    }
    controls: dict[str, ControlValue] = check_controls(session.welcome.controls, header.controls, 1 << 20)
    owned = Ownership(
        frozenset(header.engine_objects), frozenset(header.engine_labels), header.plate_near_m, header.plate_far_m
    )
    session.check_streams(worlds)
    memory, remembered = session.memory, remembered_of(snapshot)
    forks = {n: arrays for n in range(len(worlds)) if (arrays := remembered_of(snapshot, f"{n}.{MEMORY}"))}
    for arrays in forks.values():
        kept.check(arrays)
    if memory is not None:
        _load(memory, remembered)
    for n, world in enumerate(worlds.values()):
        world.forked, world.memory = n in forks, memory
        if memory is not None and world.forked:
            world.memory = WorldMemory(memory.budget_mb, patient=memory.patient)
            world.memory.load(forks[n])
    session.put_worlds(worlds)
    session.put_steering(Steering({**session.steering.controls, **controls}, owned))
    without = ", without its long memory, which this session has not" if remembered and memory is None else ""
    return f"the world was restored from '{header.name}' ({', '.join(worlds)}){without}"


def check_fits(header: Header, model: WorldModel, size: tuple[int, int]) -> None:
    """Raises SnapshotMismatch."""
    card = model.card
    if header.model != card.name:
        raise SnapshotMismatch(
            f"The snapshot '{header.name}' is of the model {header.model}, and {card.name} is served",
            fix=f"Serve {header.model}, or take another snapshot.",
        )
    if header.model_sha256 != card.sha256:
        raise SnapshotMismatch(
            f"The snapshot '{header.name}' is of other weights of {card.name} ({header.model_sha256[:8] or 'none'},"
            f" served are {card.sha256[:8] or 'none'})",
            fix="Serve those weights, or take another snapshot.",
        )
    if (header.width, header.height) != size:
        raise SnapshotMismatch(
            f"The snapshot '{header.name}' is of {header.width}x{header.height} pixels, the session of"
            f" {size[0]}x{size[1]}",
            fix="Resize the engine's view, or take another snapshot.",
        )


def fork(session: Session, model: WorldModel, stream: str, to_stream: str) -> str:
    """Has `to_stream` go on from a copy of the world of `stream` (empty: the only one). Raises UnknownStream,
    InvalidValue, LimitExceeded."""
    source = _named(session, stream)
    if to_stream in ("", source):
        raise InvalidValue(f"A fork of '{source}' to '{to_stream}' is none", fix="Name another stream in `to_stream`.")
    world = session.worlds[source]
    copy = _world(*_saved(to_stream, world, model), model)
    session.check_streams([to_stream])
    copy.forked, copy.memory = True, world.memory.fork() if world.memory is not None else None
    session.put_worlds({to_stream: copy})
    return f"'{to_stream}' goes on from '{source}'"


def reset(session: Session, kind: Reset, stream: str) -> str:
    """Has the stream's world forget what `kind` says; all streams when it is empty. Raises InvalidValue,
    UnknownStream."""
    if kind is Reset.NONE:
        raise InvalidValue("A reset of kind 'none' is none", fix="Choose cut, teleport or new.")
    if stream:
        _named(session, stream)
    for name, world in session.worlds.items():
        if stream in ("", name):
            world.reset(kind)
    return "the world was reset" if kind is Reset.NEW else f"the world was reset: {kind}"


KINDS = ("latents", "short")
MEMORY = "memory"  # that streams share; INDEX.memory is that of a fork
PATCHES = "patches"  # of the long memory: records, which safetensors keeps as bytes


def with_memory(snapshot: Snapshot, arrays: Arrays, of: str = MEMORY) -> Snapshot:
    """The same with what `WorldMemory.save` gave."""
    told = {**arrays, PATCHES: arrays[PATCHES].view(np.uint8)}  # safetensors knows no records
    return Snapshot(snapshot.header, {**snapshot.arrays, **snapshots.parts(of, told)})


def _asked(session: Session) -> dict[str, Future[Packed]]:
    """What every long memory holds, once it has told: by the part of a snapshot that it is."""
    asked = {} if session.memory is None else {MEMORY: session.memory.ask("world")}
    for index, world in enumerate(session.worlds.values()):
        if world.memory is not None and world.memory is not session.memory:
            asked[f"{index}.{MEMORY}"] = world.memory.ask("world")
    return asked


def _write(snapshot: Snapshot, remembered: dict[str, Future[Packed]], folder: Path, limits: Limits) -> int:
    """On the keeper's thread; the memories answer on the loop's, between two frames."""
    try:
        for of, told in remembered.items():
            snapshot = with_memory(snapshot, told.result(MEMORY_S).arrays(), of)
    except TimeoutError as error:
        raise WorldMemoryLost("the world's long memory does not answer", fix="Try again.") from error
    return snapshots.write(snapshot, folder, limits)


def remembered_of(snapshot: Snapshot, of: str = MEMORY) -> Arrays:
    """What `WorldMemory.load` takes; nothing when there was no such long memory. Raises SnapshotCorrupt."""
    arrays = snapshot.part(of)
    patches = arrays.get(PATCHES)
    if patches is None:
        return arrays
    if patches.dtype != np.uint8 or patches.ndim != 1 or patches.size % PATCH.itemsize:
        raise SnapshotCorrupt(f"The patches of '{snapshot.header.name}' are none", fix="Take another snapshot.")
    return {**arrays, PATCHES: patches.view(PATCH)}


def _load(memory: WorldMemory, arrays: Arrays) -> None:
    if arrays:
        memory.load(arrays)
    else:
        memory.clear()  # nothing was remembered then


def _saved(stream: str, world: World, model: WorldModel) -> tuple[SavedStream, dict[str, Arrays]]:
    saved = SavedStream(name=stream, seed=world.seed, epoch=world.epoch, steps=world.steps, last=world.last)
    return saved, {"latents": model.save_latents(world.latents), "short": world.short.save()}


def _world(saved: SavedStream, arrays: dict[str, Arrays], model: WorldModel) -> World:
    """A world of its own, as it was saved, but for the long memory."""
    world = World(seed=saved.seed, epoch=saved.epoch, steps=saved.steps, last=saved.last)
    world.latents = model.load_latents(arrays["latents"])
    world.short.load(arrays["short"])
    return world


def _named(session: Session, stream: str) -> str:
    known = ", ".join(session.worlds) or "none yet"
    if not stream and len(session.worlds) == 1:
        return next(iter(session.worlds))
    if stream not in session.worlds:
        what = f"There is no stream '{stream}'" if stream else "No stream is named"
        raise UnknownStream(what, fix=f"There are: {known}.")
    return stream


def _written(name: str, size: int) -> str:
    return f"the world was saved as '{name}' ({size / 1e6:.1f} MB)"


def _done(text: str) -> Future[str]:
    done: Future[str] = Future()
    done.set_result(text)
    return done


def pass_on(outcome: Future[str], told: Future[str]) -> None:
    """What came of `told`, which is done, as what came of `outcome`."""
    error = told.exception()
    if error is None:
        outcome.set_result(told.result())
    else:
        outcome.set_exception(error)
