"""Hand-overs of GPU buffers on Linux: file descriptors over a Unix socket, in the user's private folder (mode 0700)."""

from __future__ import annotations

import array
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.errors import HandleRefused, TransportError
from bridge.handles import MOST_HANDLES, PATIENCE_S, Handed, Offer, pack, unpack
from bridge.schema import HANDLES_BYTES

_log = logging.getLogger(__name__)


def send(path: Path, offer: Offer, fds: Sequence[int]) -> int:
    """Hands buffers over; returns the process that listens. The file descriptors stay the caller's, who may close them
    afterwards.

    Raises TransportError when nobody listens.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as end:
        try:
            end.connect(str(path))
            end.sendmsg([pack(offer)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
        except OSError as error:
            raise TransportError(f"Nobody takes GPU buffers at {path}: {error.strerror}", fix="Use `shm`.") from error
        return _peer(end)[0]


class HandleDoor:
    """Takes hand-overs on a thread of its own, so that a slow or hostile peer holds up nobody's frames."""

    def __init__(self, path: Path, take: Callable[[Handed], None]) -> None:
        """`take` is called on that thread, and what it gets is its own. Raises TransportError."""
        self.path = path
        self._take = take
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path.unlink(missing_ok=True)  # of a process that had this pid before
        try:
            self._socket.bind(str(path))
            path.chmod(0o600)
            self._socket.listen(8)
        except OSError as error:
            self._socket.close()
            raise TransportError(f"No socket at {path}: {error.strerror}", fix="Use a shorter runtime_dir.") from error
        self._thread = threading.Thread(target=self._serve, name="worldplate handles", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Lets go of the socket and its name; waits for the thread, PATIENCE_S at most."""
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        self._thread.join(PATIENCE_S + 1.0)
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                end, _ = self._socket.accept()
            except OSError:  # closed
                return
            with end:
                end.settimeout(PATIENCE_S)
                try:
                    handed = received(end)
                except (HandleRefused, OSError) as error:
                    _log.warning("a hand-over was refused: %s", error)
                    continue
            self._take(handed)


def received(end: socket.socket) -> Handed:
    """The one packet of a connection. Raises HandleRefused for another user, and for what is no packet."""
    pid, uid = _peer(end)
    # Room for one more of each, so that too much is seen as such; the kernel closes what does not fit.
    packet, fds, _, _ = socket.recv_fds(end, HANDLES_BYTES + 1, MOST_HANDLES + 1, socket.MSG_CMSG_CLOEXEC)
    try:
        if uid != os.getuid():
            raise HandleRefused(f"it comes from user {uid}", fix="Run engine and renderer as one user.")
        return Handed(unpack(packet), fds, pid)
    except HandleRefused:
        for fd in fds:
            os.close(fd)
        raise


def _peer(end: socket.socket) -> tuple[int, int]:
    """Process and user at the other end, as the kernel says."""
    pid, uid, _ = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return pid, uid
