"""The memory's process as the renderer has it: started with one end of a pair of sockets, and ended."""

from __future__ import annotations

import socket
import subprocess
import sys

from renderer.memory.notes import Wire

SOCKET_BYTES = 1 << 18


class Process:
    """One process and the wire to it. `end` kills it and closes the wire; what it held is gone with it."""

    def __init__(self, budget_bytes: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        ours.setblocking(False)
        command = [sys.executable, "-m", "renderer.memory.worker", str(theirs.fileno()), str(budget_bytes)]
        self._process = subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL)
        theirs.close()
        self.wire = Wire(ours)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self.wire.close()
