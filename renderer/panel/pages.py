"""The open pages: what each watches, what is on its way to it, and nothing for one that does not read.

A page has room for AHEAD pictures that it has not drawn yet; with none left it is asked nothing for, so that a browser
that was stopped costs no copy, no picture and no byte. What is told is the newest state; answers wait in a short line.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray
from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.errors import LimitExceeded
from renderer.panel.messages import LOOKED_AT, NEEDS, Answer, Picture, Sample, Samples, View, Want, Watch, to_json
from renderer.panel.pictures import Display, for_page

AHEAD = 2  # pictures on their way to a page: one is drawn while the next is made
MOST_PAGES = 8
MOST_ANSWERS = 256  # that wait for a page; one that asks more and does not read is shown the door
MESSAGES_PER_S, MESSAGES_AHEAD = 200.0, 400.0


class Page:
    """One open page. `run` sends until the page is gone."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.watch: Watch | None = None
        self.room = AHEAD
        self.shown: tuple[Picture, dict[str, NDArray[Any]]] | None = None  # the picture that was sent last
        self._state: bytes | None = None
        self._answers: deque[bytes] = deque()
        self._samples: deque[Sample] = deque(maxlen=1024)
        self._pictures: deque[bytes] = deque()
        self._ready = asyncio.Event()
        self._gone = False
        self._tokens, self._at_s = MESSAGES_AHEAD, time.monotonic()

    def take_one(self) -> None:
        """A message came. Raises LimitExceeded when there are too many of them."""
        now_s = time.monotonic()
        self._tokens = min(MESSAGES_AHEAD, self._tokens + (now_s - self._at_s) * MESSAGES_PER_S) - 1.0
        self._at_s = now_s
        if self._tokens < 0.0 or len(self._answers) > MOST_ANSWERS:
            raise LimitExceeded("messages per second of a page", MESSAGES_PER_S + 1, MESSAGES_PER_S, "MESSAGES_PER_S")

    def tell(self, state: bytes) -> None:
        self._state = state
        self._ready.set()

    def answer(self, answer: bytes) -> None:
        self._answers.append(answer)
        self._ready.set()

    def sample(self, samples: tuple[Sample, ...]) -> None:
        self._samples.extend(samples)
        self._ready.set()

    def show(self, picture: bytes) -> None:
        self.room -= 1
        self._pictures.append(picture)
        self._ready.set()

    def drawn(self) -> None:
        self.room = min(AHEAD, self.room + 1)

    def leave(self) -> None:
        self._gone = True
        self._ready.set()

    async def run(self) -> None:
        """Everything that goes to the page goes from here, one thing after the other."""
        try:
            while not self._gone:
                await self._ready.wait()
                self._ready.clear()
                while self._answers:
                    await self.socket.send_text(self._answers.popleft().decode())
                if self._state is not None:
                    state, self._state = self._state, None
                    await self.socket.send_text(state.decode())
                while self._pictures:
                    await self.socket.send_bytes(self._pictures.popleft())
                if self._samples:
                    samples = Samples(samples=tuple(self._samples))
                    self._samples.clear()
                    await self.socket.send_text(to_json(samples).decode())
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # the reader of the same socket ends too


class Pages:
    """All of them, and what they want together. Used from the server's own thread alone."""

    def __init__(self, want: Callable[[Want], None], count: Callable[[int], None], display: Display) -> None:
        self._want, self._display = want, display
        self._count = count
        self._open: list[Page] = []
        self._state: bytes | None = None
        self._asked: dict[tuple[str, str], tuple[str, ...]] = {}  # wishes that were not answered yet

    def join(self, page: Page) -> None:
        """Raises LimitExceeded."""
        if len(self._open) >= MOST_PAGES:
            raise LimitExceeded("open pages", len(self._open) + 1, MOST_PAGES, "MOST_PAGES")
        self._open.append(page)
        self._count(len(self._open))
        if self._state is not None:
            page.tell(self._state)

    def part(self, page: Page) -> None:
        page.leave()
        self._open.remove(page)
        self._count(len(self._open))

    def tell(self, state: bytes) -> None:
        self._state = state
        for page in self._open:
            page.tell(state)

    def sample(self, samples: Samples) -> None:
        for page in self._open:
            page.sample(samples.samples)

    def wish(self, room: int = 1) -> None:
        """Ask for the next frame of every stream that a page with at least that room watches."""
        wanted: dict[tuple[str, str], set[str]] = {}
        for page in self._open:
            if page.watch is not None and page.watch.views and page.room >= room:
                names = wanted.setdefault((page.watch.session, page.watch.stream), set(LOOKED_AT))
                names.update(name for view in page.watch.views for name in NEEDS[view])
        for key, names in wanted.items():
            planes = tuple(sorted(names))
            if self._asked.get(key) != planes:
                self._asked[key] = planes
                self._want(Want(session=key[0], stream=key[1], planes=planes))

    async def show(self, picture: Picture, planes: dict[str, NDArray[Any]]) -> None:
        """To every page that watches that stream and has room; made once for those that watch the same views."""
        self._asked.pop((picture.session, picture.stream), None)
        self.wish(room=2)  # the next is copied while this one is made
        made: dict[tuple[View, ...], bytes] = {}
        for page in tuple(self._open):
            watch = page.watch
            if watch is None or page.room <= 0 or (watch.session, watch.stream) != (picture.session, picture.stream):
                continue
            if watch.views not in made:
                made[watch.views] = await asyncio.to_thread(for_page, picture, planes, watch.views, self._display)
            page.shown = (picture, planes)
            page.show(made[watch.views])
        self.wish()

    def forget(self) -> None:
        """The sessions have changed: wishes for one that is gone are not waited for."""
        self._asked.clear()
        self.wish()


def answer_of(n: int, error: Exception | None = None) -> bytes:
    """`error` is a WorldplateError, or None for what was done."""
    what, fix = getattr(error, "what", str(error or "")), getattr(error, "fix", "")
    return to_json(Answer(n=n, code=getattr(error, "code", "internal") if error else "", what=what, fix=fix))
