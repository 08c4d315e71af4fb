"""The last step: say truthfully what the plate is, so that nobody downstream has to guess.

The plate's pixels stay as they were made; the watermark comes when pictures leave (renderer/provenance/watermark.py).
"""

from __future__ import annotations

import time
from typing import Protocol

from bridge.errors import WorldplateError
from bridge.schema import AnyMessage, Disposition, Error, Frame, PlaneLayout, Record, Result, UseModel, World
from renderer.models import ModelCard


class Made(Protocol):
    """What is said of a frame, wherever its planes are."""

    @property
    def header(self) -> Frame: ...
    @property
    def stages_ms(self) -> dict[str, float]: ...


def mark(frame: Made, card: ModelCard, host_bytes_copied: int, part_layouts: tuple[PlaneLayout, ...] = ()) -> Result:
    """The RESULT of a finished plate: its frame, camera, age, stages and maker, and, when it travels inline, what its
    message parts hold."""
    header = frame.header
    return Result(
        session=header.session,
        id=header.id,
        stream=header.stream,
        generation=header.generation,
        slot=header.slot,
        disposition=Disposition.GENERATED,
        camera=header.camera,
        capture_ns=header.capture_ns,
        age_ms=max(0.0, (time.monotonic_ns() - header.capture_ns) / 1e6),
        stages_ms=frame.stages_ms,
        outputs=part_layouts,
        host_bytes_copied=host_bytes_copied,
        model=card.name,
        runtime=card.runtime,
    )


def mark_unmade(header: Frame, disposition: Disposition, reason: str) -> Result:
    """The RESULT of a frame that got no plate, with the reason in words."""
    return Result(
        session=header.session,
        id=header.id,
        stream=header.stream,
        generation=header.generation,
        slot=header.slot,
        disposition=disposition,
        reason=reason[:1024],
        capture_ns=header.capture_ns,
    )


def error_for(message: AnyMessage, error: BaseException) -> Error:
    """The ERROR that answers a message; of a frame, which is thereby dropped, it names the id. What is none of our own
    errors is a fault of the renderer."""
    frame = message if isinstance(message, Frame) else None
    code, text, fix = "internal", f"the renderer broke: {error!r}", "Please report it."
    if isinstance(error, WorldplateError):
        code, text, fix = error.code, error.what, error.fix
    return Error(
        code=code,
        text=text[:1024],
        fix=fix[:1024],
        frame_id=frame.id if frame else 0,
        stream=frame.stream if frame else "",
        nonce=message.nonce if isinstance(message, Record | UseModel | World) else 0,
    )
