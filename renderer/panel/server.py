"""The panel's own process: HTTP and WebSocket on loopback, and what pages ask for, passed on to the renderer's desk.

    python -m renderer.panel.server LISTENING_FD DESK_FD

It is started by renderer/panel/desk.py with two sockets and ends when the desk's is closed: with the renderer.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from bridge.errors import BadToken, LimitExceeded, MalformedMessage, WorldplateError
from renderer.panel import pipe
from renderer.panel.gate import NEWEST, Gate, Guard, refusal
from renderer.panel.messages import (
    PAGE_BYTES,
    Ask,
    AskTime,
    Drawn,
    FromDesk,
    FromPage,
    Linked,
    Look,
    NewLink,
    Open,
    Picture,
    Samples,
    Secrets,
    State,
    ToDesk,
    Told,
    Watch,
    from_page,
    to_json,
)
from renderer.panel.pages import Page, Pages, answer_of
from renderer.panel.pictures import Display, display_of, look, planes_of

STATIC = Path(__file__).parent / "static"
NICENESS = 5  # the engine and the model come first
CLOSE_LIMIT_S = 1
ENTER_BYTES = 1024  # of the request that shows a token

_from_desk = msgspec.json.Decoder(FromDesk)


class Server:
    """One panel's pages, and the line to its desk."""

    def __init__(self, gate: Gate, writer: asyncio.StreamWriter, display: Display) -> None:
        self._gate = gate
        self._writer = writer
        self._pages = Pages(self._tell_desk, lambda count: self._tell_desk(Open(pages=count)), display)
        self._asks: dict[int, tuple[Page, int]] = {}
        self._last_ask = 0
        self._sessions: tuple[str, ...] = ()
        self.app = Guard(
            Starlette(
                routes=[
                    Route("/", self._home),
                    Route("/entered", self._entered),
                    Route("/enter", self._enter, methods=["POST"]),
                    WebSocketRoute("/live", self._live),
                    Mount("/static", StaticFiles(directory=STATIC)),
                ]
            ),
            gate,
        )

    async def listen_to_desk(self, reader: asyncio.StreamReader) -> None:
        """Until the renderer stops."""
        while True:
            try:
                message, tail = await pipe.receive_async(reader)
            except (EOFError, OSError):
                return
            await self._from_desk(_from_desk.decode(message), message, tail)

    async def _from_desk(self, message: FromDesk, raw: bytes, tail: bytes) -> None:
        if isinstance(message, Picture):
            await self._pages.show(message, planes_of(message, tail))
        elif isinstance(message, Samples):
            self._pages.sample(message)
        elif isinstance(message, State):
            self._pages.tell(raw)
            sessions = tuple(session.id for session in message.sessions)
            if sessions != self._sessions:
                self._sessions = sessions
                self._pages.forget()
        elif isinstance(message, Told):
            page, n = self._asks.pop(message.ask, (None, 0))
            if page is not None:
                page.answer(to_json(msgspec.structs.replace(message.answer, n=n)))

    def _tell_desk(self, message: ToDesk) -> None:
        if not self._writer.is_closing():
            encoded = to_json(message)
            self._writer.write(pipe.HEAD.pack(len(encoded), 0) + encoded)

    async def _home(self, _: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _entered(self, request: Request) -> Response:
        """Whether this browser was let in."""
        if self._gate.knows(request.headers):
            return Response(status_code=204)
        return refusal(BadToken("This browser was not let in yet", fix=NEWEST), 403)

    async def _enter(self, request: Request) -> Response:
        """A one-time token for a cookie."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > ENTER_BYTES:
                return refusal(LimitExceeded("the request in bytes", len(body), ENTER_BYTES, "ENTER_BYTES"), 413)
        try:
            said = json.loads(body)
            cookie = self._gate.enter(said["token"])
        except LimitExceeded as error:
            return refusal(error, 429)
        except BadToken as error:
            return refusal(error, 403)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return refusal(MalformedMessage("The request holds no token", fix=NEWEST), 400)
        self._tell_desk(Linked(token=self._gate.token))
        answer = Response(status_code=204)
        answer.set_cookie(self._gate.cookie, cookie, httponly=True, samesite="strict", path="/")
        return answer

    async def _live(self, socket: WebSocket) -> None:
        if not self._gate.knows(socket.headers):
            await socket.close(1008, "this browser was not let in")
            return
        await socket.accept()
        page = Page(socket)
        try:
            self._pages.join(page)
        except LimitExceeded as error:
            await socket.send_text(answer_of(0, error).decode())
            await socket.close(1013, error.what[:120])
            return
        sender = asyncio.create_task(page.run())
        try:
            await self._hear(page)
        except WebSocketDisconnect:
            pass
        except LimitExceeded as error:
            await socket.close(1008, error.what[:120])
        finally:
            self._pages.part(page)
            await sender

    async def _hear(self, page: Page) -> None:
        """Everything that the page says. Raises WebSocketDisconnect, and LimitExceeded when it says too much."""
        while True:
            said = await page.socket.receive()
            if said["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(said.get("code", 1000))
            page.take_one()
            text = said.get("text")
            try:
                self._take(page, from_page(said["bytes"] if text is None else text))
            except WorldplateError as error:
                page.answer(answer_of(0, error))

    def _take(self, page: Page, message: FromPage) -> None:
        if isinstance(message, Drawn):
            page.drawn()
            self._pages.wish()
        elif isinstance(message, Watch):
            page.watch = message
            self._pages.wish()
        elif isinstance(message, Look):
            found = {} if page.shown is None else look(page.shown[1], message.x, message.y)
            page.answer(to_json({"is": "seen", "n": message.n, "x": message.x, "y": message.y, **found}))
        elif isinstance(message, AskTime):
            page.answer(to_json({"is": "time", "n": message.n, "t": message.t, "ms": time.monotonic_ns() / 1e6}))
        elif isinstance(message, NewLink):
            self._tell_desk(Linked(token=self._gate.token))
            page.answer(to_json({"is": "link", "n": message.n, "token": self._gate.token}))
        else:
            self._last_ask += 1
            self._asks[self._last_ask] = (page, message.n)
            self._tell_desk(Ask(ask=self._last_ask, deed=message))


@asynccontextmanager
async def _served(app: Guard, listening: socket.socket) -> AsyncIterator[None]:
    """uvicorn on that socket. Messages that are too long are refused below us as well, before they are memory."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", ws="websockets-sansio", ws_max_size=4 * PAGE_BYTES,
        ws_per_message_deflate=False, server_header=False, timeout_graceful_shutdown=CLOSE_LIMIT_S,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await running


async def serve(listening: socket.socket, desk: socket.socket) -> None:
    """Until the desk's socket is closed."""
    reader, writer = await asyncio.open_unix_connection(sock=desk, limit=1 << 22)
    try:
        message, _ = await pipe.receive_async(reader)
    except EOFError:
        return
    known = _from_desk.decode(message)
    if isinstance(known, Secrets):
        server = Server(Gate(known.token, known.port), writer, display_of(known.transform))
        async with _served(server.app, listening):
            await server.listen_to_desk(reader)
    writer.close()


def main() -> None:
    os.nice(NICENESS)
    listening, desk = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    asyncio.run(serve(listening, desk))


if __name__ == "__main__":
    main()
