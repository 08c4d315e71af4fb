"""The shared ring between processes, one of which is killed while it writes: nothing torn is ever shown."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest

from bridge import ring_header, segment
from bridge.errors import RingCorrupt
from bridge.planes import Plane, pack_layouts, view
from bridge.ring import Ring, RingReader, reap_dead_rings
from bridge.schema import (
    RING_HEADER_BYTES,
    RING_SLOT_HEADER_BYTES,
    Camera,
    Frame,
    Limits,
    PixelFormat,
    PlaneLayout,
    PlaneName,
    Planes,
    Pose,
)

SESSION = "a" * 32
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=(1.0,) * 16)
INPUTS = pack_layouts({PlaneName.OBJECT: PixelFormat.R32UI}, 512, 512)
OUTPUTS = pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, 512, 256)
KILLS = 60

PROCESSES = multiprocessing.get_context("forkserver")  # imports once, then starts a process in milliseconds
PROCESSES.set_forkserver_preload(["pytest", "bridge.ring"])


def frame(frame_id: int, slot: int) -> Frame:
    return Frame(session=SESSION, id=frame_id, generation=1, slot=slot, capture_ns=1, camera=CAMERA)


def start(target: object, *args: object) -> BaseProcess:
    process = PROCESSES.Process(target=target, args=args, daemon=True)  # type: ignore[arg-type]
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert process.exitcode == -signal.SIGKILL


def is_uniform(plane: Plane, value: float) -> bool:
    return bool((plane == value).all())


class Peek:
    """Reads a ring's memory as it is, without asking whether it is whole."""

    def __init__(self, planes: Planes) -> None:
        self._memory = np.memmap(segment.FOLDER / planes.segment, np.uint8, "r")
        self._planes = planes

    def input_frame_id(self, slot: int) -> int:
        start = ring_header.slot_offset(slot, self._planes.slot_bytes) + 8
        return int(self._memory[start : start + 8].view(np.uint64)[0])

    def plane(self, slot: int, layout: PlaneLayout) -> Plane:
        start = ring_header.slot_offset(slot, self._planes.slot_bytes) + RING_SLOT_HEADER_BYTES
        return view(self._memory, layout, start, writeable=False)


def write_inputs(pipe: Connection) -> None:
    """An engine that never waits: frame after frame, each filled with its own id."""
    ring = Ring.create(INPUTS, OUTPUTS, 3, 1)
    pipe.send(ring.message(SESSION))
    frame_id = 0
    while True:
        frame_id += 1
        slot = ring.begin(frame_id)
        slot.inputs[PlaneName.OBJECT].fill(frame_id)
        ring.commit(slot)
        ring.release(slot.index)


def write_plates(pipe: Connection, planes: Planes, of: Frame) -> None:
    """A renderer that paints one frame over and over, every time in another value."""
    reader = RingReader.attach(planes, Limits())
    pipe.send(planes)
    value = 0
    while True:
        value = value % 1000 + 1
        reader.inputs(of, ())
        reader.begin_plate(of)[PlaneName.PLATE].fill(value)
        reader.commit_plate(of)


def echo(pipe: Connection, planes: Planes) -> None:
    """A renderer that answers each frame with its object ids halved, and tells where it read them."""
    reader = RingReader.attach(planes, Limits())
    while (of := pipe.recv()) is not None:
        ids = reader.inputs(of, ())[PlaneName.OBJECT]
        reader.begin_plate(of)[PlaneName.PLATE][:] = ids[0, 0] / 2
        reader.commit_plate(of)
        reader.beat(of.id)
        maps = [line for line in Path("/proc/self/maps").read_text().splitlines() if planes.segment in line]
        begin, end = (int(edge, 16) for edge in maps[0].split()[0].split("-"))
        pipe.send((begin <= ids.__array_interface__["data"][0] < end, reader.copies.bytes))


@pytest.fixture
def pipe() -> Iterator[tuple[Connection, Connection]]:
    here, there = PROCESSES.Pipe()
    with here, there:
        yield here, there


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring.create(INPUTS, OUTPUTS, 3, 1)
    yield made
    made.close()


def test_frames_go_through_another_process_and_back_in_place(ring: Ring, pipe: tuple[Connection, Connection]) -> None:
    here, there = pipe
    renderer = start(echo, there, ring.message(SESSION))
    for frame_id in range(1, 8):
        slot = ring.begin(frame_id)
        slot.inputs[PlaneName.OBJECT].fill(frame_id)
        ring.commit(slot)
        here.send(frame(frame_id, slot.index))
        assert here.recv() == (True, 0)  # read inside the segment, and no byte copied
        plate = ring.plate(slot.index, frame_id)
        assert plate is not None
        assert is_uniform(plate[PlaneName.PLATE], frame_id / 2)
        assert ring.plate_whole(slot.index, frame_id)
        assert (ring.beat, ring.beat_ns, ring.reader_pid) == (frame_id, frame_id, renderer.pid)
        ring.release(slot.index)
    assert ring.copies.bytes == 0
    here.send(None)
    renderer.join(30)
    assert renderer.exitcode == 0
    assert ring.message(SESSION).segment in {path.name for path in segment.FOLDER.iterdir()}


def test_an_engine_killed_while_it_writes_shows_no_torn_frame(pipe: tuple[Connection, Connection]) -> None:
    rng, here, there = random.Random(2), *pipe
    torn_in_memory = torn_shown = whole_shown = 0
    for _ in range(KILLS):
        engine = start(write_inputs, there)
        planes: Planes = here.recv()
        reader, peek = RingReader.attach(planes, Limits()), Peek(planes)
        time.sleep(rng.uniform(0.001, 0.006))
        kill(engine)
        for slot in range(3):
            frame_id = peek.input_frame_id(slot)
            torn_in_memory += not is_uniform(peek.plane(slot, planes.planes[0]), frame_id)
            try:
                seen = reader.inputs(frame(frame_id, slot), ())
            except RingCorrupt:
                continue
            torn_shown += not is_uniform(seen[PlaneName.OBJECT], frame_id)
            whole_shown += 1
        reap_dead_rings()
        assert not (segment.FOLDER / planes.segment).exists()
    assert torn_in_memory > 0  # without the sequence these would have been shown
    assert torn_shown == 0
    assert whole_shown >= KILLS


def test_a_renderer_killed_while_it_writes_shows_no_torn_plate(ring: Ring, pipe: tuple[Connection, Connection]) -> None:
    rng, here, there = random.Random(3), *pipe
    planes = ring.message(SESSION)
    peek, slot = Peek(planes), ring.begin(1)
    ring.commit(slot)
    torn_in_memory = torn_shown = 0
    for _ in range(KILLS):
        renderer = start(write_plates, there, planes, frame(1, slot.index))
        here.recv()
        time.sleep(rng.uniform(0.001, 0.006))
        kill(renderer)
        raw = peek.plane(slot.index, planes.outputs[0])
        torn_in_memory += not is_uniform(raw, float(raw[0, 0, 0]))
        plate = ring.plate(slot.index, 1)
        if plate is not None:
            torn_shown += not is_uniform(plate[PlaneName.PLATE], float(raw[0, 0, 0]))
            assert ring.plate_whole(slot.index, 1)
    assert torn_in_memory > 0
    assert torn_shown == 0
    render = RingReader.attach(planes, Limits())  # the next renderer takes over where the dead one stopped
    render.inputs(frame(1, slot.index), ())
    render.begin_plate(frame(1, slot.index))[PlaneName.PLATE].fill(0.5)
    render.commit_plate(frame(1, slot.index))
    plate = ring.plate(slot.index, 1)
    assert plate is not None
    assert is_uniform(plate[PlaneName.PLATE], 0.5)


def test_inputs_overwritten_while_they_are_read_are_noticed(pipe: tuple[Connection, Connection]) -> None:
    here, there = pipe
    engine = start(write_inputs, there)
    planes: Planes = here.recv()
    reader, peek = RingReader.attach(planes, Limits()), Peek(planes)
    torn_read = torn_shown = whole_shown = 0
    deadline = time.monotonic() + 20
    while (torn_read == 0 or whole_shown < 100) and time.monotonic() < deadline:
        for slot in range(3):
            of = frame(peek.input_frame_id(slot), slot)
            try:
                whole = is_uniform(reader.inputs(of, ())[PlaneName.OBJECT], of.id)
                torn_read += not whole
                reader.begin_plate(of)
                reader.commit_plate(of)
            except RingCorrupt:
                continue
            torn_shown += not whole
            whole_shown += 1
    kill(engine)
    reap_dead_rings()
    assert not (segment.FOLDER / planes.segment).exists()
    assert torn_read > 0  # pixels changed under the reader, and only the sequence told
    assert whole_shown >= 100
    assert torn_shown == 0


def test_the_reaper_leaves_what_is_alive_young_or_not_ours(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    young, _ = segment.create(RING_HEADER_BYTES)
    short, _ = segment.create(RING_HEADER_BYTES)
    old, _ = segment.create(RING_HEADER_BYTES)
    os.truncate(segment.FOLDER / short, 3)
    for name in (short, old):
        os.utime(segment.FOLDER / name, (time.time() - 61, time.time() - 61))
    stranger = segment.FOLDER / "worldplate-notes.txt"
    stranger.write_text("not a ring")
    os.utime(stranger, (0, 0))
    link = segment.FOLDER / ("worldplate-" + "d" * 32)
    link.symlink_to(stranger)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "getuid", lambda: stranger.stat().st_uid + 1)
            assert reap_dead_rings() == []
        reaped = reap_dead_rings()
        assert {short, old} <= set(reaped)
        kept = {path.name for path in segment.FOLDER.iterdir()}
        assert {young, ring.message(SESSION).segment, stranger.name, link.name} <= kept
        assert not {short, old} & kept
    finally:
        for name in (young, short, old, stranger.name, link.name):
            segment.unlink(name)


@pytest.mark.parametrize(("field", "value"), [("owner_start", 12345), ("owner_pid", 2**22 + 1), ("owner_pid", 2**63)])
def test_an_owner_whose_number_went_to_another_process_is_dead(ring: Ring, field: str, value: int) -> None:
    name = ring.message(SESSION).segment
    assert name not in reap_dead_rings()
    with (segment.FOLDER / name).open("r+b") as file:
        file.seek(ring_header.HEADER[field].offset)
        file.write(value.to_bytes(8, "little"))
    assert name in reap_dead_rings()
