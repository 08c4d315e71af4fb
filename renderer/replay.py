"""`worldplate replay`: a take fed back to a renderer through the real client, as the engine that it was.

`offline` waits for every plate and compares it with the recorded one; otherwise frames come at the pace of their
capture, and plates are late as they may be. Frame ids keep their gaps, because a model may ask whether a frame follows
on the one before.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bridge.client import Client
from bridge.door import Door
from bridge.ends import EngineEnd
from bridge.errors import InvalidValue, NoRenderer, TakeMixed
from bridge.planes import PlaneViews
from bridge.schema import ControlValue, Disposition, PixelFormat, PlaneName, Reset, SyncMode, World, WorldOp
from bridge.shown import Shown
from bridge.take import Take, TakeFrame
from bridge.take_records import Failed, Missed, Ownership, Span
from bridge.take_writer import sha256_of

MOST_NAMED = 8  # frames in a report
MOST_GAP = 100_000  # ids that are left out between two frames
CONNECT_LIMIT_S = 60.0
Formats = Mapping[PlaneName, tuple[PixelFormat, ...]]


@dataclass
class Played:
    """What came of one time through a take."""

    frames: int = 0
    equal: int = 0  # plates as recorded, bit for bit
    different: int = 0
    unchecked: int = 0  # shown at the recorded pace, or of a world that the take does not begin with
    first_different: list[int] = field(default_factory=list)
    dispositions: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def fps(self) -> float:
        return self.frames / self.seconds if self.seconds else 0.0


class Player:
    """Plays one stream of a take, once. Use `play`."""

    def __init__(self, take: Take, connection: Path | EngineEnd | Door | None, *, offline: bool = True) -> None:
        """`connection` is a connection file (the user's, when None), a door, or an end of `memory_pair`.

        Raises TakeEmpty for a take without frames, TakeMixed for one of several streams.
        """
        take.require_frames()
        if len(take.info.streams) > 1:
            raise TakeMixed(
                f"The take {take.info.name} has the streams {', '.join(take.info.streams)}",
                fix="Render it again with `worldplate rerender`, which makes them all.",
            )
        self._take, self._offline = take, offline
        self._events: dict[int, list[object]] = {}
        for number, event in take.events():
            self._events.setdefault(number, []).append(event)
        first = take.frame(1).span
        self._formats = _formats(first)
        self._span = first
        self._exact = first.fresh or _remembers_nothing(take)
        self._id = 0  # of the frame before, as recorded
        self._told: tuple[dict[str, ControlValue], Ownership] | None = None
        self.client = Client(
            first.hello.width, first.hello.height, self._formats,
            sync=SyncMode.OFFLINE if offline else SyncMode.FREERUN,
            seed=first.hello.seed, late=first.hello.late, connection=connection, name="worldplate replay",
            engine=first.hello.engine, frame_period_ms=1000.0 / (take.info.fps or 25.0),
        )  # fmt: skip

    def play(self, tell: Callable[[int, int], None]) -> Played:
        """All of it; closes the client. Raises NoRenderer, the renderer's refusal, and what reading a take does."""
        played, began_s = Played(), time.monotonic()
        with self.client as client:
            client.connect(CONNECT_LIMIT_S)
            for frame in self._paced():
                shown = self._show(frame)
                self._judge(played, frame, shown)
                tell(frame.number, len(self._take))
                if not client.attached:
                    raise NoRenderer(f"The renderer was lost at frame {frame.number}", fix="Look at its log.")
            played.dispositions.update({str(k): v for k, v in client.ledger.counts.items()})
        played.seconds = time.monotonic() - began_s
        return played

    def _paced(self) -> Iterator[TakeFrame]:
        """Each frame when it is due: at once, or as long after the first as it was captured."""
        began_ns: int | None = None
        for frame in self._take.frames():
            now_ns = time.monotonic_ns()
            began_ns = began_ns if began_ns is not None else now_ns - frame.header.capture_ns
            if not self._offline:
                time.sleep(max(0, began_ns + frame.header.capture_ns - now_ns) / 1e9)
            yield frame

    def _show(self, frame: TakeFrame) -> Shown | None:
        self._follow(frame)
        self._steer(frame)
        header = frame.header
        self._skip_ids(header.id)
        slot = self.client.begin()
        _fill(slot.inputs, frame.planes)
        self.client.submit(
            slot, header.camera, bodies=header.bodies, reset=header.reset, timecode=header.timecode, seed=header.seed
        )
        return self.client.present()

    def _follow(self, frame: TakeFrame) -> None:
        """What happened between the frame before and this one."""
        for event in self._events.get(frame.number - 1, ()):
            if isinstance(event, World) and event.op is WorldOp.RESET:
                self.client.worlds.reset(event.reset)
                self._exact |= event.reset is Reset.NEW
            elif isinstance(event, Missed | Failed) or (isinstance(event, World) and event.op is not WorldOp.SNAPSHOT):
                self._exact = False
        if frame.span is not self._span:
            self._agree_anew(frame.span)
        self._exact |= frame.header.reset is Reset.NEW

    def _agree_anew(self, span: Span) -> None:
        if _formats(span) != self._formats:
            raise TakeMixed("The take's planes change their formats within it", fix="Replay the parts apart.")
        self._span, self._exact, self._told, self._id = span, span.fresh, None, 0
        self.client.resize(span.hello.width, span.hello.height)
        self.client.connect(CONNECT_LIMIT_S)

    def _steer(self, frame: TakeFrame) -> None:
        """Controls and ownership as they held for the frame, as far as this renderer's model has them."""
        wanted = (frame.controls, frame.ownership)
        if wanted == self._told or self.client.welcome is None:
            return
        known = {control.name for control in self.client.welcome.controls}
        owned = frame.ownership
        self.client.set_controls(
            {name: value for name, value in frame.controls.items() if name in known}, engine_objects=owned.objects,
            engine_labels=owned.labels, plate_near_m=owned.plate_near_m, plate_far_m=owned.plate_far_m,
        )  # fmt: skip
        self._told = wanted

    def _skip_ids(self, frame_id: int) -> None:
        """Leave out as many ids as the take does: a slot that is begun and not submitted takes one."""
        gap = frame_id - self._id - 1 if self._id else 0
        if not 0 <= gap <= MOST_GAP:
            raise InvalidValue(
                f"Frame id {frame_id} follows {self._id}", fix=f"A take counts up and leaves out at most {MOST_GAP}."
            )
        for _ in range(gap):
            self.client.begin()
        self._id = frame_id

    def _judge(self, played: Played, frame: TakeFrame, shown: Shown | None) -> None:
        played.frames += 1
        plate = shown.plate if shown is not None and shown.disposition is Disposition.GENERATED else None
        if not self._offline or not self._exact or PlaneName.PLATE not in frame.outputs_sha256:
            played.unchecked += 1
        elif plate is not None and sha256_of(np.asarray(plate)) == frame.outputs_sha256[PlaneName.PLATE]:
            played.equal += 1
        else:
            played.different += 1
            if len(played.first_different) < MOST_NAMED:
                played.first_different.append(frame.number)


def _remembers_nothing(take: Take) -> bool:
    """Whether the world that the take begins with is as good as a new one: its model keeps nothing."""
    return any(number == 0 and not state.arrays for number, state in take.worlds)


def _fill(slot: PlaneViews, planes: PlaneViews) -> None:
    for name, plane in planes.items():
        if name in slot:  # the renderer's model asks for less than the one that was recorded
            np.copyto(slot[name], plane, casting="no")


def _formats(span: Span) -> Formats:
    """The planes that were sent, each in the format that was agreed."""
    return {layout.name: (layout.format,) for layout in span.welcome.planes}
