"""A real take for tests: the embedded engine's planes, a model's plates, written as the recorder writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.planes import PlaneViews, pack_layouts, payload_bytes, views
from bridge.schema import (
    Disposition,
    Frame,
    Hello,
    PixelFormat,
    PlaneName,
    PlaneOffer,
    Reset,
    Result,
    SyncMode,
    Transport,
    Welcome,
)
from bridge.take_records import Ending, FrameNote, Opening, Ownership, Span
from bridge.take_writer import TakeWriter

SESSION = "0" * 32
PERIOD_NS = 40_000_000  # 25 frames per second
Planes = dict[PlaneName, Any]


def span_of(width: int, height: int, seed: int = 7, *, fresh: bool = True) -> Span:
    hello = Hello(
        token="", client="small take", engine="embedded", width=width, height=height, seed=seed, sync=SyncMode.OFFLINE,
        planes=tuple(PlaneOffer(name=name, formats=(form,)) for name, form in FORMATS.items()),
        transports=(Transport.INLINE,),
    )  # fmt: skip
    welcome = Welcome(
        session=SESSION, model="passthrough", runtime="none", planes=pack_layouts(FORMATS, width, height),
        outputs=pack_layouts({PlaneName.PLATE: PixelFormat.RGBA16F}, width, height), transport=Transport.INLINE,
        sync=SyncMode.OFFLINE,
    )  # fmt: skip
    return Span(hello=hello, welcome=welcome, fresh=fresh)


def frames_of(width: int, height: int, count: int, first_id: int = 1) -> list[tuple[Frame, PlaneViews]]:
    """`count` frames of the courtyard, 25 per second, with every plane the embedded engine gives."""
    engine, layouts, made = EmbeddedEngine(courtyard(7), width, height), pack_layouts(FORMATS, width, height), []
    for number in range(count):
        engine.step(PERIOD_NS / 1e9)
        planes = views(np.zeros(payload_bytes(layouts), np.uint8), layouts, writeable=True)
        engine.render(planes)
        header = Frame(
            session=SESSION, id=first_id + number, capture_ns=(first_id + number) * PERIOD_NS, camera=engine.camera(),
            bodies=engine.bodies(), reset=Reset.CUT if number == 0 else Reset.NONE,
        )  # fmt: skip
        made.append((header, planes))
    return made


def result_of(header: Frame) -> Result:
    return Result(
        session=SESSION, id=header.id, disposition=Disposition.GENERATED, camera=header.camera,
        capture_ns=header.capture_ns, model="passthrough", runtime="none",
    )  # fmt: skip


def write_take(path: Path, sizes: Sequence[tuple[int, int]] = ((64, 36),), count: int = 8) -> Path:
    """A take at `path` with `count` frames of each size, one after another; plates are the engine's colour, with the
    engine's own left half."""
    writer = TakeWriter(
        path,
        Opening(
            name=path.stem, created_ns=1_700_000_000 * 10**9, software="tests", model="passthrough", runtime="none"
        ),
    )
    for width, height in sizes:
        writer.note(span_of(width, height))
        for header, planes in frames_of(width, height, count, first_id=writer.frames + 1):
            plate = np.array(planes[PlaneName.COLOR], np.float16)
            plate[:, : width // 2, 3] = 0.0
            writer.frame(
                header, planes, {PlaneName.PLATE: plate}, result_of(header),
                FrameNote(controls={"strength": 0.5}, ownership=Ownership(labels=(3,))),
            )  # fmt: skip
    writer.finish(Ending(frames=writer.frames, missed=0, reason="the test is over"))
    return path
