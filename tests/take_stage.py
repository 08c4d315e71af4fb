"""A renderer's loop that records, in this process, and an embedded engine attached to it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.client import Client
from bridge.ends import memory_pair
from bridge.engine.courtyard import courtyard
from bridge.engine.embedded import FORMATS, EmbeddedEngine
from bridge.schema import Limits, Record, RendererState, Reset, Status, SyncMode, Transport
from bridge.shown import Shown
from renderer.models import WorldModel
from renderer.models.passthrough import Passthrough
from renderer.recorder import Recorder
from renderer.serve import Renderer
from renderer.session import Session

PERIOD_S = 0.04


class Stage:
    """Use as a context manager: the loop's thread and the take are over when it ends."""

    def __init__(self, folder: Path, model: WorldModel | None = None, size: tuple[int, int] = (64, 36)) -> None:
        engine_end, renderer_end = memory_pair()
        model = model or Passthrough()
        self.recorder = Recorder(model, folder)
        self.renderer = Renderer(renderer_end, model, "", Limits(), snapshots=folder, recorder=self.recorder)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.renderer.run, args=(self._stop,))
        self._thread.start()
        self.engine = EmbeddedEngine(courtyard(7), *size)
        self.client = Client(
            *size, {name: (form,) for name, form in FORMATS.items()}, sync=SyncMode.OFFLINE, seed=7,
            transports=(Transport.INLINE,), connection=engine_end, name="stage", engine="embedded", offline_wait_s=20.0,
        )  # fmt: skip
        self.client.connect()

    def record(self, name: str, on: bool = True) -> str:
        """Asks the loop; what it says."""
        return self.renderer.ask(
            lambda r: r.record(r.sessions[0], Record(session=r.sessions[0].id, on=on, name=name))
        ).result(10.0)

    def stop(self) -> None:
        """Ends the take, and waits until its file is closed."""
        taking = self.recorder._takings[self.session.peer]
        self.record("", on=False)
        assert taking.join(20.0)

    @property
    def session(self) -> Session:
        return self.renderer.ask(lambda r: r.sessions[0]).result(10.0)

    def show(self, count: int = 1, reset: Reset = Reset.NONE) -> Shown:
        """Steps the engine and shows a frame, so many times; the last one."""
        shown = None
        for number in range(count):
            self.engine.step(PERIOD_S)
            slot = self.client.begin()
            self.engine.render(slot.inputs)
            self.client.submit(
                slot, self.engine.camera(), bodies=self.engine.bodies(), reset=reset if number == 0 else Reset.NONE
            )
            shown = self.client.present()
        assert shown is not None
        return shown

    def resize(self, width: int, height: int) -> None:
        self.client.resize(width, height)
        self.engine = EmbeddedEngine(courtyard(7), width, height)
        self.client.connect()

    def status(self) -> Status:
        """As the renderer would tell it now."""
        return self.renderer.ask(lambda r: r.sessions[0].status(RendererState.RUNNING, "")).result(10.0)

    def wait_until_written(self, frames: int) -> None:
        """Until so many frames of the take are on disk."""
        until_s = time.monotonic() + 10.0
        while (take := self.session.take) is None or take.frames < frames:
            assert time.monotonic() < until_s, f"{frames} frames are not written"
            time.sleep(0.01)

    def stop_renderer(self) -> None:
        self._stop.set()
        self._thread.join(20.0)
        assert not self._thread.is_alive()

    def wait_for(self, what: str) -> None:
        """Until the session's take has a `problem`, or frames that are `missed`."""
        until_s = time.monotonic() + 10.0
        while not getattr(self.session.take, what):
            assert time.monotonic() < until_s, f"the take has no {what}"
            time.sleep(0.01)

    def close(self) -> None:
        self.client.close()
        self.stop_renderer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
