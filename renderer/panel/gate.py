"""Who may come in: this machine's own pages, by Host and Origin, and whoever has shown a one-time token, by a cookie.

A page of another site can make a browser send requests here, and with DNS rebinding even read the answers: its Origin
or Host gives it away, and is refused before anything else is looked at. The cookie is strict-same-site and out of
reach of scripts, and its name holds the port, because browsers share cookies between ports.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.errors import BadToken, LimitExceeded, Refused, WorldplateError
from renderer.panel.messages import TOKEN_BYTES

NAMES = ("127.0.0.1", "localhost")
MOST_WRONG, WRONG_S = 5, 30.0  # wrong tokens in that time; then none is looked at until it is over
MOST_COOKIES = 32  # browsers that are let in; the oldest has to come in anew
NEWEST = "Open the newest link in the log of `worldplate serve`."


class Gate:
    """Tokens and cookies of one panel. Used from the server's own thread alone."""

    def __init__(self, token: str, port: int) -> None:
        self.token = token
        self.cookie = f"worldplate_{port}"
        self.hosts = frozenset(f"{name}:{port}" for name in NAMES)
        self.origins = frozenset(f"http://{host}" for host in self.hosts)
        self._inside: deque[str] = deque(maxlen=MOST_COOKIES)
        self._wrong_s: deque[float] = deque(maxlen=MOST_WRONG)

    def enter(self, token: str) -> str:
        """The cookie's value for the right token, which is void from then on: `self.token` is the next. Raises
        LimitExceeded after too many wrong ones, BadToken."""
        now_s = time.monotonic()
        if len(self._wrong_s) == MOST_WRONG and now_s - self._wrong_s[0] < WRONG_S:
            raise LimitExceeded(f"the number of wrong links in {WRONG_S:g} s", MOST_WRONG + 1, MOST_WRONG, "MOST_WRONG")
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            self._wrong_s.append(now_s)
            raise BadToken("This link is wrong, or it was used before", fix=NEWEST)
        self.token = secrets.token_urlsafe(TOKEN_BYTES)
        value = secrets.token_urlsafe(TOKEN_BYTES)
        self._inside.append(value)
        return value

    def knows(self, headers: Headers) -> bool:
        """Whether the request is from a browser that was let in."""
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        shown = cookie.value.encode() if cookie is not None else b""
        return any([hmac.compare_digest(shown, value.encode()) for value in self._inside])  # all, in constant time

    def check_origin(self, headers: Headers, *, needed: bool) -> None:
        """Raises Refused for a request to another name than this machine's, or from a page of another site.
        `needed`: it must say where it is from."""
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            raise Refused(
                f"The panel is not called {', '.join(hosts)[:80] or 'nothing'!r}", fix="Open it as 127.0.0.1:PORT."
            )
        if (origins or needed) and (len(origins) != 1 or origins[0].lower() not in self.origins):
            raise Refused(
                f"A page of {', '.join(origins)[:80] or 'no origin'!r} may not speak to the panel",
                fix="Open the panel itself.",
            )


def refusal(error: WorldplateError, status: int) -> JSONResponse:
    return JSONResponse({"code": error.code, "what": error.what, "fix": error.fix}, status)


class Guard:
    """The outermost layer: checks where a request is from, and says in every answer what the page may do."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        sockets = "; connect-src 'self' " + " ".join(f"ws://{host}" for host in sorted(gate.hosts))
        self._policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:{sockets};"
            " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        socket = scope["type"] == "websocket"
        try:
            self._gate.check_origin(Headers(scope=scope), needed=socket or scope["method"] not in ("GET", "HEAD"))
        except Refused as error:
            if socket:
                await send({"type": "websocket.close", "code": 1008, "reason": error.what[:120]})
            else:
                await refusal(error, 403)(scope, receive, self._marked(send))
            return
        await self._app(scope, receive, send if socket else self._marked(send))

    def _marked(self, send: Send) -> Send:
        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                headers["Referrer-Policy"] = "no-referrer"
                headers["Cross-Origin-Opener-Policy"] = "same-origin"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                headers["Cache-Control"] = "no-store"
            await send(message)

        return marked
