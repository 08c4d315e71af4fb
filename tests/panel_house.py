"""A renderer with a panel, an engine that feeds it, and a browser's side of the line, for the tests of the panel."""

from __future__ import annotations

import http.client
import json
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from scripted_renderer import CAMERA
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from bridge.client import Client
from bridge.link import listen
from bridge.schema import (
    Control,
    ControlType,
    Label,
    Limits,
    PixelFormat,
    PlaneName,
    Reset,
    SyncMode,
    Transport,
)
from renderer.frame import RenderFrame
from renderer.models import ModelCard
from renderer.models.passthrough import Passthrough
from renderer.panel.desk import Desk
from renderer.recall import World
from renderer.recorder import Recorder
from renderer.serve import Renderer

WIDTH, HEIGHT = 96, 54
LEFT, RIGHT = 11, 12  # object ids of the picture's halves
PLANES = {
    PlaneName.COLOR: (PixelFormat.RGBA16F,),
    PlaneName.DEPTH: (PixelFormat.R32F,),
    PlaneName.OBJECT: (PixelFormat.R32UI,),
    PlaneName.LABEL: (PixelFormat.R8UI,),
}
ENGINE_RED = 0.9  # of the engine's own picture; the plate has none unless `red` says so


def number(name: str, default: float, low: float, high: float, step: float = 0.01, unit: str = "") -> Control:
    return Control(
        name=name, type=ControlType.NUMBER, text=f"How {name} it is.", default=default, minimum=low, maximum=high,
        step=step, unit=unit,
    )  # fmt: skip


CONTROLS = (
    Control(name="prompt", type=ControlType.TEXT, default="", text="Words; the plate is green with any."),
    Control(name="sun_from", type=ControlType.CHOICE, default="angles", choices=("angles", "hour"), text="Of the sun."),
    number("sun_azimuth_deg", 0.0, 0.0, 360.0, 1.0, "deg"),
    number("sun_elevation_deg", 45.0, -30.0, 90.0, 0.5, "deg"),
    number("hour", 12.0, 0.0, 24.0, 0.1, "h"),
    number("red", 0.0, 0.0, 1.0),
    Control(name="blue", type=ControlType.TOGGLE, default=False, text="Whether the plate is blue."),
    Control(name="bands", type=ControlType.INTEGER, default=0, minimum=0, maximum=8, step=1, text="Dark rows."),
    number("seed", 0.0, 0.0, 65535.0, 1.0),
)


class Painter(Passthrough):
    """Its controls are the colour of its plates."""

    card = ModelCard(
        name="painter", needs=frozenset({PlaneName.COLOR}), optional=frozenset(PlaneName) - {PlaneName.PLATE},
        controls=CONTROLS,
    )  # fmt: skip

    def __init__(self) -> None:
        self.held = threading.Event()  # while it is set a frame takes as long as that
        self.broken = self.always_blue = False
        self.resets = 0

    def step(self, frame: RenderFrame, world: World, plate: NDArray[np.float16]) -> None:
        while self.held.is_set():
            time.sleep(0.01)
        if self.broken:
            raise RuntimeError("its brush is gone")
        self.resets = world.epoch
        values = frame.controls
        is_blue = values["blue"] or self.always_blue
        plate[...] = (float(values["red"]), 0.6 if values["prompt"] else 0.0, 0.8 if is_blue else 0.0, 1.0)
        plate[: int(values["bands"])] = (0.0, 0.0, 0.0, 1.0)


class PanelHouse:
    """All of it in this process, but for the panel's own. `engine` runs while it is not paused."""

    def __init__(
        self, folder: Path, *, width: int = WIDTH, height: int = HEIGHT, with_engine: bool = True, records: bool = False
    ) -> None:
        self.run_dir = folder / "run"
        self.run_dir.mkdir(mode=0o700)
        self.link = listen(None, Limits(), self.run_dir)
        self.model = Painter()
        self.desk = Desk()
        self.snapshots = folder / "worlds"
        self.snapshots.mkdir(mode=0o700, exist_ok=True)
        recorder = Recorder(self.model, folder) if records else None
        self.renderer = Renderer(
            self.link, self.model, self.link.connection.token, Limits(), [self.desk.tap], snapshots=self.snapshots,
            recorder=recorder, load=self._load, names=lambda: ("painter", "other_painter"),
        )  # fmt: skip
        self.desk.attend(self.renderer, str(self.snapshots), records=records)
        self.stop = threading.Event()
        self.paused = threading.Event()
        self.size = (width, height)
        self.threads: list[threading.Thread] = []
        self.client = self._client("test engine")
        self._start(self._render)
        if with_engine:
            self._start(lambda: self._drive(self.client, self.stop))

    @contextmanager
    def another_engine(self, name: str) -> Iterator[None]:
        """A second one, while the block runs."""
        over = threading.Event()
        thread = self._start(lambda: self._drive(self._client(name), over))
        try:
            yield
        finally:
            over.set()
            thread.join(20.0)

    def _load(self, name: str) -> Painter:
        """Another painter, whose pictures are blue, or the first one's twin."""
        self.model = Painter()
        if name != "painter":
            self.model.card, self.model.always_blue = replace(Painter.card, name=name), True
        return self.model

    def _client(self, name: str) -> Client:
        return Client(
            *self.size, PLANES, sync=SyncMode.FREERUN, transports=(Transport.INLINE,),
            connection=self.run_dir / "connection.json", name=name, engine="embedded",
        )  # fmt: skip

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        self.threads.append(thread)
        return thread

    def _render(self) -> None:
        self.renderer.run(self.stop)

    def _drive(self, client: Client, over: threading.Event) -> None:
        while not over.is_set():
            if not self.paused.is_set():
                slot = client.begin()
                slot.inputs[PlaneName.COLOR][...] = (ENGINE_RED, 0.0, 0.0, 1.0)
                slot.inputs[PlaneName.DEPTH][...] = 4.0
                slot.inputs[PlaneName.DEPTH][: slot.inputs[PlaneName.DEPTH].shape[0] // 2] = np.inf
                half = slot.inputs[PlaneName.OBJECT].shape[1] // 2
                slot.inputs[PlaneName.OBJECT][:, :half], slot.inputs[PlaneName.OBJECT][:, half:] = LEFT, RIGHT
                slot.inputs[PlaneName.LABEL][:, :half] = Label.WOOD
                slot.inputs[PlaneName.LABEL][:, half:] = Label.PLASTIC
                client.submit(slot, CAMERA, reset=Reset.NONE)
                client.present()
            else:
                client.tick()
            time.sleep(0.04)
        client.close()

    def close(self) -> None:
        self.model.held.clear()
        self.stop.set()
        for thread in self.threads:
            thread.join(20.0)
            assert not thread.is_alive()
        self.desk.close()
        self.link.close()


@contextmanager
def stopped(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Not one of them runs, while the block does."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a browser may replace one that does not answer
                process.send_signal(signal.SIGCONT)


class Browser:
    """What a browser sends, without one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.port = desk.port
        self.host = f"127.0.0.1:{desk.port}"
        self.origin = f"http://{self.host}"
        self.cookie = ""

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60.0)
        try:
            line.request(method, path, body, {**({"Cookie": self.cookie} if self.cookie else {}), **(headers or {})})
            answer = line.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            line.close()

    def enter(self, token: str, origin: str | None = None) -> tuple[int, Mapping[str, str], bytes]:
        """Where it is let in, until the desk has heard of the next token: the answer may come before that."""
        body = json.dumps({"token": token}).encode()
        status, headers, said = self.request("POST", "/enter", body, {"Origin": origin or self.origin})
        if status == 204:
            self.cookie = headers["set-cookie"].split(";")[0]
            limit_s = time.monotonic() + 30.0
            while token_of(self._desk) == token:
                assert time.monotonic() < limit_s, "the desk heard of no other token"
                time.sleep(0.001)
        return status, headers, said

    def live(self, origin: str | None = None) -> AbstractContextManager[ClientConnection]:
        return connect(
            f"ws://{self.host}/live", origin=Origin(origin or self.origin), open_timeout=60.0, max_size=None,
            additional_headers={"Cookie": self.cookie} if self.cookie else {}, compression=None, proxy=None,
        )  # fmt: skip


def token_of(desk: Desk) -> str:
    return desk.link.split("#token=")[1]


class Page:
    """An open WebSocket, and what came over it."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self._last = 0

    def tell(self, **message: Any) -> None:
        self.line.send(json.dumps(message))

    def hear(self, wanted: Callable[[Any], object], timeout_s: float = 60.0) -> Any:
        """The first message of which that is true; pictures come as (head, images), and each is said to be drawn."""
        until_s = time.monotonic() + timeout_s
        while True:
            said = self.line.recv(timeout=max(0.01, until_s - time.monotonic()))
            message = picture_of(said) if isinstance(said, bytes) else json.loads(said)
            if isinstance(message, tuple):
                self.tell(do="drawn")
            if wanted(message):
                return message

    def ask(self, **message: Any) -> Any:
        self._last += 1
        n = self._last
        self.tell(**message, n=n)
        return self.hear(lambda said: isinstance(said, dict) and said.get("n") == n)

    def state(self, when: Callable[[Any], object] = lambda _: True) -> Any:
        return self.hear(lambda said: isinstance(said, dict) and said["is"] == "state" and when(said))

    def picture(self, when: Callable[[Any], object] = lambda _: True) -> Any:
        """The next picture for which that is true."""
        return self.hear(lambda said: isinstance(said, tuple) and when(said))

    def watch(self, *views: str) -> Any:
        """From the first session's first stream; the session."""
        state = self.state(lambda said: said["sessions"] and said["sessions"][0]["streams"])
        session = state["sessions"][0]
        self.tell(do="watch", session=session["id"], stream=session["streams"][0], views=views)
        return session


def picture_of(said: bytes) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = struct.unpack_from("<I", said)
    head = json.loads(said[4 : 4 + length])
    images, at = [], 4 + length
    for size in head["sizes"]:
        images.append(said[at : at + size])
        at += size
    assert at == len(said)
    return head, images
