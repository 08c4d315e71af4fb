"""The link between two processes: ZeroMQ. The only file that imports zmq.

The renderer listens with a ROUTER, each engine connects with a DEALER; a message is one header part (bridge/wire.py)
and, in the inline transport, one part for each plane. Settings are those of the table below, measured for a link on
one machine. CONFLATE is not used, because it loses parts: the newest frame wins in bridge/mailbox.py instead.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import logging
import math
import os
import secrets
import selectors
import socket as sockets
import struct
import sys
import threading
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

import zmq

from bridge import connection as connections, wire
from bridge.connection import Connection

# For callers, who need not know which file an end is in.
from bridge.ends import (
    CONTROL_QUEUE,
    EngineEnd as EngineEnd,
    Parts,
    Received,
    RendererEnd as RendererEnd,
    memory_pair as memory_pair,
    received,
)
from bridge.errors import EndpointInUse, NotLoopback, TransportError
from bridge.intake import Intake
from bridge.mailbox import Arrived
from bridge.schema import AnyMessage, Limits, Ping

_log = logging.getLogger(__name__)

_Context = zmq.Context[zmq.Socket[bytes]]
_Socket = zmq.Socket[bytes]

FRAME_QUEUE = 2  # messages with planes: they are large, and an old one is worth nothing
MAX_SOCKET_PATH_BYTES = 107  # of a Unix socket: sun_path less its end
_BYE_LINGER_MS = 100  # a closing end waits this long at most for its last message to leave
_MOMENT_S = 0.002  # a fast model is done with a frame in it, and the second thread has nothing to do
_QUIET_S = 1.0  # without a message for so long, the second thread sleeps until the render loop is away again
_PROBES_S = (0.0, 0.02, 0.2)  # after a disconnection: the socket may still know the peer for a moment

_OPTIONS = {
    zmq.LINGER: 0,
    zmq.HEARTBEAT_IVL: 100,
    zmq.HEARTBEAT_TIMEOUT: 300,
    zmq.HEARTBEAT_TTL: 300,
    zmq.HANDSHAKE_IVL: 2000,
    zmq.SNDHWM: CONTROL_QUEUE,
}


def listen(endpoint: str | None = None, limits: Limits = Limits(), runtime_dir: Path | None = None) -> ZmqRendererEnd:
    """Opens the renderer's end and writes the connection file into `runtime_dir` (the user's, when None).

    `endpoint` None takes a Unix socket in that folder, or loopback TCP where there are none or its path is too long.
    Raises NotLoopback for an address that other machines reach, EndpointInUse when a renderer serves here already.
    """
    folder = connections.runtime_dir() if runtime_dir is None else connections.private_dir(runtime_dir)
    with connections.claim(folder):
        endpoint = _default_endpoint(folder) if endpoint is None else check_endpoint(endpoint)
        context = zmq.Context()
        router = _socket(context, zmq.ROUTER, endpoint, limits)
        router.setsockopt(zmq.ROUTER_MANDATORY, 1)  # else a message to a peer that is gone vanishes unnoticed
        router.setsockopt(zmq.RCVHWM, FRAME_QUEUE)
        try:
            router.bind(endpoint)
        except zmq.ZMQError as error:
            context.destroy(linger=0)
            if error.errno == errno.EADDRINUSE:
                raise EndpointInUse(f"{endpoint} is taken", fix="Choose another, or stop who serves there.") from error
            raise TransportError(f"{endpoint} cannot be opened: {error}", fix="Choose another endpoint.") from error
        connection = connections.new_connection(router.getsockopt_string(zmq.LAST_ENDPOINT))
        connections.write(connection, folder / connections.FILE_NAME)
    return ZmqRendererEnd(context, router, connection, folder / connections.FILE_NAME, limits)


def connect(endpoint: str, limits: Limits = Limits()) -> ZmqEngineEnd:
    """Opens the engine's end; it connects in the background, as soon as a renderer is there. An end that has lost
    its connection stays unconnected, because the session was lost with it: open another.

    Raises NotLoopback as `listen` does.
    """
    endpoint = check_endpoint(endpoint)
    context = zmq.Context()
    dealer = _socket(context, zmq.DEALER, endpoint, limits)
    dealer.setsockopt(zmq.RECONNECT_IVL, 10)
    dealer.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    end = ZmqEngineEnd(context, dealer, limits)  # it listens for the connection before there can be one
    try:
        dealer.connect(endpoint)
    except zmq.ZMQError as error:
        end.close()
        raise TransportError(f"{endpoint} cannot be opened: {error}", fix="Choose another endpoint.") from error
    return end


def check_endpoint(endpoint: str) -> str:
    """The endpoint as ZeroMQ takes it, after a check that nobody outside this machine, and for a Unix socket nobody
    but this user, reaches it. Raises NotLoopback, TransportError."""
    parsed = urlsplit(endpoint)
    if parsed.scheme == "ipc":
        path = Path(endpoint.removeprefix("ipc://"))
        connections.private_dir(path.parent)
        if len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
            raise TransportError(f"The socket path {path} is too long", fix="Use a shorter one, or tcp://127.0.0.1:*.")
        return endpoint
    if parsed.scheme != "tcp":
        raise TransportError(f"{endpoint} is not an endpoint", fix="Use ipc://PATH or tcp://127.0.0.1:PORT.")
    host, _, port = parsed.netloc.rpartition(":")
    if host == "localhost":
        return f"tcp://127.0.0.1:{port}"
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(host.strip("[]")).is_loopback:
            return endpoint
    raise NotLoopback(
        f"{endpoint} can be reached from other machines",
        fix="This version serves one machine only: use tcp://127.0.0.1:PORT or an ipc:// endpoint.",
    )


def _default_endpoint(folder: Path) -> str:
    """A new socket path in the private folder; sockets that dead renderers left there are removed."""
    for left in folder.glob("renderer-*"):
        left.unlink(missing_ok=True)  # whoever calls holds the claim: nobody serves here
    path = folder / f"renderer-{secrets.token_hex(4)}"
    if sys.platform == "win32" or len(os.fsencode(path)) > MAX_SOCKET_PATH_BYTES:
        return "tcp://127.0.0.1:*"
    return f"ipc://{path}"


def _socket(context: _Context, kind: int, endpoint: str, limits: Limits) -> _Socket:
    socket = context.socket(kind)
    for option, value in _OPTIONS.items():
        socket.setsockopt(option, value)
    socket.setsockopt(zmq.MAXMSGSIZE, max(limits.max_frame_bytes, limits.max_message_bytes))  # of each part
    socket.setsockopt(zmq.IPV6, int("[" in endpoint))
    return socket


class ZmqRendererEnd:
    """A ROUTER that is read at all times: by the render loop while it waits in `receive`, so that a frame needs no
    change of threads, and by a thread of the link's own while the render loop is away with a frame.

    One thread reads at a time (`_reading`), and the socket itself is only touched under `_lock`: ZeroMQ lets a socket
    change threads with a memory barrier. So an answer leaves at once, from whichever thread has it.
    """

    def __init__(self, context: _Context, router: _Socket, connection: Connection, file: Path, limits: Limits) -> None:
        self.connection = connection
        self._file = file
        self._context = context
        self._router = router
        self._monitor = router.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        self._intake = Intake(limits, self.send)
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._loop_is_away = True
        self._stand_in_wanted = threading.Event()
        self._stand_in_wanted.set()
        self._received_s = -math.inf  # when the last message came
        self._closing = threading.Event()
        self._probes_s: list[float] = []
        self._wake_out, self._wake_in = sockets.socketpair()
        self._wake_out.setblocking(False)
        self._wake_in.setblocking(False)
        self._router_fd = int(router.FD)
        self._selector = selectors.DefaultSelector()
        for readable in (self._router_fd, self._monitor.FD, self._wake_in):
            self._selector.register(readable, selectors.EVENT_READ)
        self._note_disconnections()  # the descriptor tells of what comes after the first look
        self._thread = threading.Thread(target=self._stand_in, name="worldplate link", daemon=True)
        self._thread.start()

    def receive(self, timeout_ms: float) -> Arrived | None:
        arrived = self._intake.mailbox.take(0)
        if arrived is not None or self._closing.is_set():
            return arrived
        self._loop_is_away = False
        try:
            if not self._reading.acquire(blocking=False):
                self._wake()  # the stand-in reads: have it stop
                self._reading.acquire()
            try:
                return self._read_until(time.monotonic() + timeout_ms / 1000)
            finally:
                self._reading.release()
        finally:
            self._loop_is_away = True
            if not self._stand_in_wanted.is_set():
                self._stand_in_wanted.set()

    def keep_frames(self, count: int) -> None:
        self._intake.mailbox.keep_frames = count

    def _read_until(self, end_s: float) -> Arrived | None:
        left_s = end_s - time.monotonic()
        while True:
            arrived = self._intake.mailbox.take(0)  # at first what the stand-in took in until it stopped
            if arrived is not None or left_s < 0 or self._closing.is_set():
                return arrived
            self._read(left_s)
            left_s = end_s - time.monotonic()

    def send(self, peer: bytes, message: AnyMessage, parts: Parts = ()) -> bool:
        header = wire.encode(message)
        with self._lock:
            if self._router.closed:
                return False
            refused = 0
            try:
                self._router.send_multipart([peer, header, *parts], zmq.NOBLOCK, copy=not parts)
            except zmq.ZMQError as error:
                if error.errno not in (errno.EAGAIN, errno.EHOSTUNREACH):
                    raise
                refused = error.errno
            # Sending may have taken the signal of a message that arrived meanwhile, so ask, and pass it on.
            if self._may_receive():
                self._wake()
        if refused:
            why = "it is gone" if refused == errno.EHOSTUNREACH else "its queue is full"
            _log.info("An engine did not get %s: %s", type(message).__name__, why)
        if refused == errno.EHOSTUNREACH:
            self._intake.gone(peer)
        return not refused

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        self._stand_in_wanted.set()
        self._wake()
        self._thread.join()
        connections.remove(self.connection, self._file)
        with self._reading, self._lock:
            self._router.disable_monitor()
            self._monitor.close()
            self._router.close(linger=_BYE_LINGER_MS)
        self._context.term()
        if self.connection.endpoint.startswith("ipc://"):
            Path(self.connection.endpoint.removeprefix("ipc://")).unlink(missing_ok=True)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
        self._intake.mailbox.close()

    def _stand_in(self) -> None:
        """Reads while the render loop is away for longer than a moment. While frames flow it looks by itself whether
        it is wanted: to be woken for each of them would cost the render loop more than this thread saves it."""
        while not self._closing.is_set():
            self._stand_in_wanted.wait()
            time.sleep(_MOMENT_S)
            away = self._loop_is_away
            if away:
                with self._reading:
                    while self._loop_is_away and not self._closing.is_set():
                        self._read(None)
            elif time.monotonic() - self._received_s > _QUIET_S:
                self._stand_in_wanted.clear()
                if self._loop_is_away:  # it left meanwhile, and may have seen the event still set
                    self._stand_in_wanted.set()

    def _read(self, timeout_s: float | None) -> None:
        """Takes in all that is there; when nothing is, waits for something, for a wake-up, or for the time to pass."""
        if self._take_in_all():
            return
        if self._probes_s:
            next_s = max(0.0, self._probes_s[0] - time.monotonic())
            timeout_s = next_s if timeout_s is None else min(timeout_s, next_s)
        for key, _ in self._selector.select(timeout_s):
            if key.fileobj is self._wake_in:
                self._wake_in.recv(4096)
            elif key.fd != self._router_fd:
                self._note_disconnections()
        self._take_in_all()
        if self._probes_s and time.monotonic() >= self._probes_s[0]:
            self._probes_s.pop(0)
            self._probe()

    def _take_in_all(self) -> bool:
        """Until nothing waits, because the descriptor of a ZeroMQ socket tells of changes only."""
        any_came = False
        while True:
            with self._lock:
                if not self._may_receive():
                    return any_came
                peer, *parts = self._router.recv_multipart(zmq.NOBLOCK, copy=False)
            any_came = True
            self._received_s = time.monotonic()
            self._intake.take_in(peer.bytes, [part.buffer for part in parts])

    def _may_receive(self) -> bool:
        return bool(int(self._router.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def _note_disconnections(self) -> None:
        """The event does not say who is gone; sending to everybody does, once the socket knows."""
        with contextlib.suppress(zmq.Again):
            while True:
                self._monitor.recv_multipart(zmq.NOBLOCK)
                self._probes_s = [time.monotonic() + delay_s for delay_s in _PROBES_S]

    def _probe(self) -> None:
        for peer in self._intake.peers:
            self.send(peer, Ping(nonce=0))

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full of wake-ups already
            self._wake_out.send(b"\0")


class ZmqEngineEnd:
    """A DEALER, used by one thread."""

    def __init__(self, context: _Context, dealer: _Socket, limits: Limits) -> None:
        self._context = context
        self._dealer = dealer
        self._limits = limits
        self._monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self._connected = False
        self._lost = False
        self._closed = False
        self._poller = zmq.Poller()
        self._poller.register(dealer, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._leaving: deque[zmq.MessageTracker] = deque()  # planes that the socket has not sent yet

    @property
    def connected(self) -> bool:
        with contextlib.suppress(zmq.Again):
            while not (self._closed or self._lost):
                event, *_ = self._monitor.recv_multipart(zmq.NOBLOCK)
                was_connected = self._connected
                self._connected = struct.unpack_from("=H", event)[0] == zmq.EVENT_HANDSHAKE_SUCCEEDED
                self._lost = was_connected and not self._connected
        return self._connected and not self._closed

    @property
    def parts_on_their_way(self) -> bool:
        while self._leaving and self._leaving[0].done:
            self._leaving.popleft()
        return bool(self._leaving)

    def send(self, message: AnyMessage, parts: Parts = ()) -> bool:
        if self._closed or not (self._connected or self.connected):  # messages are not kept for the next renderer
            return False
        if parts and self.parts_on_their_way and len(self._leaving) >= FRAME_QUEUE:
            return False
        frames = [zmq.Frame(part, track=True, copy=False, copy_threshold=0) for part in parts]
        try:
            self._dealer.send_multipart([wire.encode(message), *frames], zmq.NOBLOCK)
        except zmq.Again:
            return False
        if frames:
            self._leaving.append(zmq.MessageTracker(*frames))
        return True

    def receive(self, timeout_ms: float = 0.0) -> Received | None:
        if self._closed or not (self._may_receive() or (timeout_ms > 0 and self._wait(timeout_ms))):
            return None
        return received([part.buffer for part in self._dealer.recv_multipart(zmq.NOBLOCK, copy=False)], self._limits)

    def _wait(self, timeout_ms: float) -> bool:
        """Waits for a message, or for the connection to be lost."""
        self._poller.poll(math.ceil(timeout_ms))
        return self._may_receive()

    def _may_receive(self) -> bool:
        return bool(int(self._dealer.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def close(self, linger_ms: int = 0) -> None:
        if self._closed:
            return
        self._closed = True
        self._dealer.disable_monitor()
        self._monitor.close()
        self._dealer.close(linger=linger_ms)
        self._context.term()
