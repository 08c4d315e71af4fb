"""What the panel sees of the show: planes copied when a page has asked for the next picture, and a line per frame.

On the render loop's thread everything here is a dictionary's look-up, and with a picture a copy of its planes; making
something of them is the panel's process's work. A buffer that has not been sent yet is not waited for: then the wish
stands until the next frame.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import WorldplateError
from bridge.planes import PlaneViews
from bridge.schema import AnyMessage, Frame, Hello, PlaneName, Result
from renderer.frame import RenderFrame
from renderer.panel.messages import Picture, Plane, Sample, Want
from renderer.session import Session

MOST_SIDE_PX = 960  # of a preview: of larger planes every second pixel is taken, or third, ...
WORDS = {4: np.uint32, 8: np.uint64, 16: np.complex128}  # one for a pixel of so many bytes
BUFFERS = 2  # one is sent while the next is copied
MOST_SAMPLES = 512  # between two beats of the desk
U8 = NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """A copied frame on its way to the panel's process; `give_back` when it is sent."""

    picture: Picture
    buffer: U8
    size: int  # of its bytes, those that are the planes'


@dataclass(frozen=True)
class Trouble:
    """A frame that got no plate, and why."""

    what: str
    fix: str
    at_ns: int  # monotonic


class PanelTap:
    """The tap. `wish`, `pages` and `take_samples` are called from other threads."""

    def __init__(self, put: Callable[[Shot], None], closed: Callable[[], None]) -> None:
        """`put` must not wait. `closed` is called when the renderer stops."""
        self._put = put
        self._closed = closed
        self.pages = 0  # that are open; with none nothing is kept
        self._wishes: dict[tuple[str, str], Want] = {}
        self._samples: deque[Sample] = deque(maxlen=MOST_SAMPLES)
        self._free: SimpleQueue[U8] = SimpleQueue()
        for _ in range(BUFFERS):
            self._free.put(np.empty(0, np.uint8))
        # Of the loop's thread alone, by session:
        self.engines: dict[str, str] = {}
        self.seen_ns: dict[str, int] = {}
        self.troubles: dict[str, Trouble] = {}
        self.stages: dict[str, tuple[tuple[str, float], ...]] = {}  # of the last frame, in milliseconds

    def wish(self, want: Want) -> None:
        """The next frame of that stream; instead of an older wish for it. Of a session that has ended nothing."""
        if want.session in self.engines:
            self._wishes[want.session, want.stream] = want

    def forget_wishes(self) -> None:
        self._wishes.clear()

    def give_back(self, buffer: U8) -> None:
        self._free.put(buffer)

    def take_samples(self) -> tuple[Sample, ...]:
        return tuple(self._samples.popleft() for _ in range(len(self._samples)))

    def joined(self, session: Session, hello: Hello) -> None:
        self.engines[session.id] = hello.engine

    def told(self, session: Session, message: AnyMessage) -> None:
        """The desk reads what holds from the session itself."""

    def made(self, session: Session, frame: RenderFrame, result: Result) -> None:
        now_ns = time.monotonic_ns()
        self.seen_ns[session.id] = now_ns
        if not self.pages:
            return
        self.stages[session.id] = tuple(result.stages_ms.items())
        self._samples.append(
            Sample(
                session=session.id, stream=result.stream, frame=result.id, at_ms=now_ns / 1e6, age_ms=result.age_ms,
                stages_ms=result.stages_ms,
            )
        )  # fmt: skip
        want = self._wishes.pop((session.id, result.stream), None)
        if want is not None and not self._shoot(want, session, frame, result):
            self._wishes.setdefault((session.id, result.stream), want)

    def failed(self, session: Session, header: Frame, error: WorldplateError) -> None:
        now_ns = time.monotonic_ns()
        self.seen_ns[session.id] = now_ns
        self.troubles[session.id] = Trouble(error.what, error.fix, now_ns)

    def left(self, session: Session) -> None:
        for kept in (self.engines, self.seen_ns, self.troubles, self.stages):
            kept.pop(session.id, None)
        for key in [key for key in tuple(self._wishes) if key[0] == session.id]:
            self._wishes.pop(key, None)

    def close(self) -> None:
        self._closed()

    def _shoot(self, want: Want, session: Session, frame: RenderFrame, result: Result) -> bool:
        try:
            buffer = self._free.get_nowait()
        except Empty:
            return False
        planes: PlaneViews = {**frame.planes, PlaneName.PLATE: frame.plate}
        world = session.worlds.get(result.stream)
        if world is not None and world.prior is not None:
            planes[PlaneName.CONFIDENCE] = world.prior.confidence  # smaller than the others, and small enough
        step = -(-max(frame.width, frame.height) // MOST_SIDE_PX)
        steps = {name: 1 if name == PlaneName.CONFIDENCE else step for name in want.planes}
        chosen = [(name, planes[PlaneName(name)][::n, ::n]) for name, n in steps.items() if name in planes]
        chosen.sort(key=lambda named: -named[1].dtype.itemsize)  # one after the other, and each aligned
        size = sum(plane.nbytes for _, plane in chosen)
        if buffer.nbytes < size:
            buffer = np.empty(size, np.uint8)
        at = 0
        for _, plane in chosen:
            view = buffer[at : at + plane.nbytes].view(plane.dtype).reshape(plane.shape)
            np.copyto(_words(view), _words(plane), casting="no")
            at += plane.nbytes
        picture = Picture(
            session=session.id, stream=result.stream, frame=result.id, capture_ns=frame.header.capture_ns,
            width=frame.width, height=frame.height, disposition=result.disposition,
            planes=tuple(Plane(name=name, dtype=plane.dtype.str, shape=plane.shape) for name, plane in chosen),
        )  # fmt: skip
        self._put(Shot(picture, buffer, size))
        return True


def _words(plane: NDArray[Any]) -> NDArray[Any]:
    """A plane's pixels as one number each, the same bits: with every second pixel a copy takes a third."""
    if plane.ndim < 3:
        return plane
    return plane.view(WORDS[plane.itemsize * plane.shape[2]])[..., 0]
