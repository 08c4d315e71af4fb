"""A ring of a few pixels with both its ends in one process, for the tests of the ring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge import segment
from bridge.planes import pack_layouts
from bridge.ring import Ring, RingReader
from bridge.schema import ALLOWED_FORMATS, Camera, Frame, Limits, PixelFormat, PlaneName, Pose

SESSION = "a" * 32
CAMERA = Camera(world_from_camera=Pose(), previous_world_from_camera=Pose(), projection=(1.0,) * 16)
INPUTS = pack_layouts({name: ALLOWED_FORMATS[name][0] for name in list(PlaneName)[:8]}, 13, 6)
OUTPUTS = pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F, PlaneName.CONFIDENCE: PixelFormat.R16F}, 13, 6)


@contextmanager
def opened() -> Iterator[Ring]:
    made = Ring.create(INPUTS, OUTPUTS, 3, 1)
    yield made
    made.close()


def attach(ring: Ring) -> RingReader:
    return RingReader.attach(ring.message(SESSION), Limits())


def frame(frame_id: int, slot: int, generation: int = 1) -> Frame:
    return Frame(session=SESSION, id=frame_id, generation=generation, slot=slot, capture_ns=1, camera=CAMERA)


def submit(ring: Ring, frame_id: int) -> Frame:
    slot = ring.begin(frame_id)
    for plane in slot.inputs.values():
        plane[:] = frame_id
    assert ring.commit(slot) == ()
    return frame(frame_id, slot.index)


def render(reader: RingReader, of: Frame, value: float) -> None:
    reader.inputs(of, ())
    for plane in reader.begin_plate(of).values():
        plane[:] = value
    assert reader.commit_plate(of) == ()


def path_of(ring: Ring) -> Path:
    return segment.FOLDER / ring.message(SESSION).segment


def poke(ring: Ring, offset: int, value: bytes) -> None:
    with path_of(ring).open("r+b") as file:
        file.seek(offset)
        file.write(value)
