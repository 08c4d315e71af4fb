"""The renderer's side of the panel: it holds the port, starts the panel's process when a browser first comes, and
carries what pages ask to the render loop and what the loop shows to the pages.

Two threads: the keeper waits for a browser, then hears what the process says until it ends, and waits again; the
teller says what there is to say, and beats. What a page wants of the show is done on the loop's own thread, through
`Renderer.ask`, with the same checks as a message of an engine. `close` ends both threads and the process.
"""

from __future__ import annotations

import logging
import queue
import secrets
import select
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, TimeoutError as TooLate
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from bridge.errors import EndpointInUse, MissingDependency, WorldplateError
from renderer.panel import pipe
from renderer.panel.deeds import Deeds
from renderer.panel.health import health
from renderer.panel.messages import (
    TOKEN_BYTES,
    Answer,
    Ask,
    FromDesk,
    Linked,
    Open,
    Samples,
    Secrets,
    State,
    ToDesk,
    Told,
    Want,
    to_json,
)
from renderer.panel.tap import PanelTap, Shot

if TYPE_CHECKING:
    from renderer.serve import Renderer

log = logging.getLogger("worldplate.panel")

BEAT_S = 0.25  # state and samples go to the pages so often
LOOP_LIMIT_S = 1.5  # the render loop counts as busy when it has not answered by then
CLOSE_LIMIT_S = 3.0
QUICK_END_S, MOST_QUICK_ENDS = 2.0, 3  # a process that cannot live is not started for ever

_to_desk = msgspec.json.Decoder(ToDesk)


class Desk:
    """One panel. Give `tap` to the renderer, then `attend` to it; the renderer's end closes it, or `close` does."""

    def __init__(self, port: int = 0, transform: str = "") -> None:
        """Binds the port on loopback; 0 is any that is free. `transform` is the view that light is shown by, "" the
        renderer's own. Raises EndpointInUse."""
        self._transform = transform
        self._listening = _listen(port)
        self.port: int = self._listening.getsockname()[1]
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self.tap = PanelTap(self._put, self.close)
        self._out: queue.SimpleQueue[FromDesk | Shot] = queue.SimpleQueue()
        self._woken, self._waker = socket.socketpair()
        self._process: socket.socket | None = None  # our end of the line to it
        self.pid: int | None = None  # of it, while there is one
        self._closing = threading.Event()
        self._threads: list[threading.Thread] = []
        self._renderer: Renderer
        self._deeds: Deeds
        self._state: State | None = None  # that was told last
        self._anew = False  # a page came: it is told again
        self._busy_since_s: float | None = None

    @property
    def link(self) -> str:
        """Opens the panel once; then there is a new one. The token is behind #, which browsers keep to themselves."""
        return f"http://127.0.0.1:{self.port}/#token={self._token}"

    def attend(self, renderer: Renderer, snapshot_dir: str = "", *, records: bool = False) -> None:
        """Serve from here on. `snapshot_dir` is the setting; `records`: the renderer can. Any thread calls it."""
        self._renderer, self._deeds = renderer, Deeds(self.tap, snapshot_dir, records=records)
        for work in (self._keep, self._tell):
            thread = threading.Thread(target=work, name=f"worldplate panel {work.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)
        log.info("the panel is at %s (the link works once; then the next one is said here)", self.link)

    def close(self) -> None:
        """Ends the process and both threads, and lets go of the port. Any thread; a second time does nothing."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._waker.close()
        process = self._process
        if process is not None:
            _shut(process)
        for thread in self._threads:
            thread.join(CLOSE_LIMIT_S)
        self._listening.close()
        self._woken.close()

    def _put(self, shot: Shot) -> None:
        self._out.put(shot)

    def _keep(self) -> None:
        """Waits for a browser and serves it by a process, again and again."""
        quick = 0
        while not self._closing.is_set() and quick < MOST_QUICK_ENDS:
            ready, _, _ = select.select([self._listening, self._woken], [], [])
            if self._closing.is_set() or self._woken in ready:
                return
            start_s = time.monotonic()
            self._serve_once()
            quick = quick + 1 if time.monotonic() - start_s < QUICK_END_S else 0
        if not self._closing.is_set():
            log.error("the panel does not start and is given up; the show goes on. Run `worldplate doctor`.")

    def _serve_once(self) -> None:
        """One life of the panel's process."""
        ours, its = socket.socketpair()
        descriptors = (self._listening.fileno(), its.fileno())
        command = [sys.executable, "-m", "renderer.panel.server", *map(str, descriptors)]
        code: int | None = None
        try:
            # Its warnings go where ours go. In a session of its own, so that Ctrl-C is ours alone.
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=descriptors, start_new_session=True)
        except OSError as error:
            log.warning("the panel's process could not be started: %s", error)
        else:
            its.close()
            code = self._live(child, ours)
        finally:
            its.close()
            ours.close()
        if not self._closing.is_set():
            log.warning(
                "the panel's process ended (%s); the show goes on, and reloading the page starts it again", code
            )

    def _live(self, child: subprocess.Popen[bytes], ours: socket.socket) -> int:
        """Until it ends, by itself or because we do; its exit code."""
        try:
            pipe.send(ours, to_json(Secrets(token=self._token, port=self.port, transform=self._transform)))
            self._process, self.pid = ours, child.pid
            if not self._closing.is_set():
                self._hear(ours)
        except OSError:
            log.debug("the panel's process was gone before it could be told anything")
        finally:
            self._process = self.pid = None
            self.tap.pages = 0
            self.tap.forget_wishes()
            _shut(ours)
        return _end(child)

    def _hear(self, line: socket.socket) -> None:
        """Until the process is gone."""
        while True:
            try:
                message = _to_desk.decode(pipe.receive(line)[0])
            except EOFError:
                return
            if isinstance(message, Want):
                self.tap.wish(message)
            elif isinstance(message, Open):
                self.tap.pages = message.pages
                self._anew = True
            elif isinstance(message, Linked):
                self._token = message.token
                log.info("the next link to the panel is %s", self.link)
            else:
                self._do(message)

    def _do(self, ask: Ask) -> None:
        self._deeds.do(self._renderer, ask.deed).add_done_callback(partial(self._done, ask.ask))

    def _done(self, ask: int, done: Future[str]) -> None:
        error = done.exception()
        if error is None:
            answer = Answer(n=0, what=done.result())
        elif isinstance(error, WorldplateError):
            answer = Answer(n=0, code=error.code, what=error.what, fix=error.fix)
        else:
            log.error("a wish of the panel broke", exc_info=error)
            answer = Answer(n=0, code="internal", what=f"the renderer broke: {error!r}", fix="Please report it.")
        self._out.put(Told(ask=ask, answer=answer))

    def _tell(self) -> None:
        """Says what there is to say, pictures first come, and beats while a page is open."""
        due_s = time.monotonic()
        while not self._closing.is_set():
            try:
                self._say(self._out.get(timeout=max(0.0, due_s - time.monotonic())))
            except queue.Empty:
                due_s = time.monotonic() + BEAT_S
                if self.tap.pages:
                    self._beat()

    def _say(self, what: FromDesk | Shot) -> None:
        line = self._process
        try:
            if isinstance(what, Shot):
                if line is not None:
                    pipe.send(line, to_json(what.picture), what.buffer.data[: what.size])
            elif line is not None:
                pipe.send(line, to_json(what))
        except OSError:
            log.debug("the panel's process is gone; the keeper notices")
        finally:
            if isinstance(what, Shot):
                self.tap.give_back(what.buffer)

    def _beat(self) -> None:
        samples = self.tap.take_samples()
        if samples:
            self._say(Samples(samples=samples))
        asked_s = time.monotonic()
        asking = self._renderer.ask(self._deeds.state)
        try:
            told = asking.result(LOOP_LIMIT_S)
            models = self._renderer.models(told.model)
            state = msgspec.structs.replace(told, snapshots=self._deeds.snapshots(), models=models)
            self._busy_since_s = None
        except TooLate:
            asking.cancel()
            self._busy_since_s = self._busy_since_s or asked_s
            if self._state is None:
                return
            state = msgspec.structs.replace(self._state, health=health((), time.monotonic() - self._busy_since_s))
        if self._anew or state != self._state:
            self._anew, self._state = False, state
            self._say(state)


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise EndpointInUse(
            f"The panel's port {port} is not free: {error.strerror}", fix="Set `panel_port` to another, or to 0."
        ) from error
    listening.listen(64)
    return listening


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        log.debug("the line to the panel's process was shut before")


def _end(child: subprocess.Popen[bytes]) -> int:
    """It ends by itself when its line is shut; one that does not is killed. Its exit code."""
    try:
        return child.wait(CLOSE_LIMIT_S - 1.0)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def check_installed() -> None:
    """Raises MissingDependency."""
    import importlib.util

    absent = [name for name in ("starlette", "uvicorn", "websockets", "PIL") if importlib.util.find_spec(name) is None]
    if absent:
        raise MissingDependency(
            f"The panel needs {', '.join(absent)}", fix="Install `pip install 'worldplate[panel]'`."
        )
