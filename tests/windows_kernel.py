"""What stands in for Windows where hand-overs call it: one named pipe, events, processes with users and handles.

It is no Windows. ctypes converts every argument to what its caller declares and makes a C function of what is called,
so types are as real as they can be here; what Windows does with them is its documentation's word, written down again.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any

OK, BROKEN, BUSY, DENIED, INVALID = 0, 109, 231, 5, 6  # ERROR_*
NO_DATA, MORE_DATA, CONNECTED, ABORTED, PENDING = 232, 234, 535, 995, 997
FAILED_WAIT, TIMEOUT = 0xFFFF_FFFF, 258
THIS_PROCESS = 2**64 - 1  # the pseudo handle
MINE = "S-1-5-21-1-2-3-1001"


@dataclass
class Process:
    """`closed`: Windows lets this user not open it."""

    user: str
    handles: set[int] = field(default_factory=set)
    closed: bool = False


@dataclass
class Peer:
    """Somebody who has opened the pipe."""

    pid: int
    message: bytes | None = None
    gone: bool = False


class Event:
    on = False


@dataclass
class Operation:
    """What OVERLAPPED stands for while Windows works on it. `error` is PENDING until it has ended."""

    event: Event
    room: int = 0
    room_bytes: int = 0
    error: int = PENDING
    moved: int = 0


class WindowsError(OSError):
    """What ctypes.WinError makes."""

    def __init__(self, code: int) -> None:
        super().__init__(code, f"Windows error {code}")


class Function:
    """Of a library, called through C."""

    restype: Any
    argtypes: tuple[Any, ...]

    def __init__(self, kernel: Kernel, name: str) -> None:
        self._kernel, self._name = kernel, name

    def __call__(self, *arguments: object) -> Any:
        prototype = ctypes.CFUNCTYPE(self.restype, *self.argtypes)
        self._kernel.last.error = OK
        with self._kernel.changed:
            self._kernel.calls.append(self._name)
            self._kernel.changed.notify_all()
        return prototype(getattr(self._kernel, self._name))(*arguments)


class Library:
    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def __getattr__(self, name: str) -> Function:
        function = Function(self._kernel, name)
        setattr(self, name, function)
        return function


class Kernel:
    """`fails` names a function that answers with an error; `at_last` is what comes right before a read is ended."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails, self.at_last = "", b""
        self.changed = threading.Condition()
        self.last = threading.local()
        self.held: dict[int, object] = {}  # this process's handles
        self.memory: dict[int, Any] = {}  # of LocalAlloc
        self.processes = {1: Process(MINE)}
        self.pipe: tuple[object, ...] = ()
        self.protected_by = ""
        self._peers: deque[Peer] = deque()
        self._listening: Operation | None = None
        self._reading: Operation | None = None
        self._operations: dict[int, Operation] = {}
        self._users: dict[int, tuple[str, object]] = {}  # by the address of the security identifier
        self._next = 100

    # ---- the other side's doings ----

    def open_pipe(self, pid: int, message: bytes | None = None, *, gone: bool = False) -> Peer:
        """An engine opens the pipe, and may write and go at once."""
        peer = Peer(pid, message, gone)
        with self.changed:
            self._peers.append(peer)
            if self._listening is not None:
                self._end(self._listening, OK)
                self._listening = None
            self.changed.notify_all()
        return peer

    def _end(self, operation: Operation, error: int, moved: int = 0) -> None:
        operation.error, operation.moved, operation.event.on = error, moved, True
        self.changed.notify_all()

    def _fail(self, error: int) -> int:
        self.last.error = error
        return 0

    def _hold(self, what: object) -> int:
        self._next += 4
        self.held[self._next] = what
        return self._next

    def _allocate(self, memory: Any) -> int:
        address = ctypes.addressof(memory)
        self.memory[address] = memory
        return address

    def _begin(self, pending: Any, **room: int) -> Operation:
        event = self.held[pending.contents.event]
        assert isinstance(event, Event)
        event.on = False
        operation = Operation(event, **room)
        self._operations[ctypes.addressof(pending.contents)] = operation
        return operation

    # ---- kernel32 ----

    def CloseHandle(self, handle: int) -> int:
        with self.changed:
            del self.held[handle]  # whoever closes what is not open fails
            return 1

    def LocalFree(self, memory: int) -> int:
        del self.memory[memory]
        return 0

    def GetCurrentProcess(self) -> int:
        return THIS_PROCESS

    def CreateEventW(self, security: int | None, by_hand: int, on: int, name: str | None) -> int:
        assert (security, bool(by_hand), bool(on), name) == (None, True, False, None)
        return self._fail(INVALID) if self.fails == "CreateEventW" else self._hold(Event())

    def SetEvent(self, handle: int) -> int:
        with self.changed:
            event = self.held[handle]
            assert isinstance(event, Event)
            event.on = True
            self.changed.notify_all()
            return 1

    def CreateNamedPipeW(self, name: str, *numbers: Any) -> int:
        *settings, security = numbers
        assert security.contents.descriptor in self.memory
        if self.fails == "CreateNamedPipeW":
            self._fail(DENIED)
            return THIS_PROCESS  # which is INVALID_HANDLE_VALUE, too
        self.pipe = (name, *settings, bool(security.contents.inherited))
        return self._hold("pipe")

    def ConnectNamedPipe(self, pipe: int, pending: Any) -> int:
        with self.changed:
            assert self.held[pipe] == "pipe"
            if self._peers:
                return self._fail(NO_DATA if self._peers[0].gone else CONNECTED)
            self._listening = self._begin(pending)
            return self._fail(PENDING)

    def DisconnectNamedPipe(self, pipe: int) -> int:
        with self.changed:
            assert self.held[pipe] == "pipe"
            self._peers.popleft()
            return 1

    def GetNamedPipeClientProcessId(self, pipe: int, pid: Any) -> int:
        pid[0] = self._peers[0].pid
        return 1

    def ReadFile(self, pipe: int, room: int, room_bytes: int, moved: Any, pending: Any) -> int:
        with self.changed:
            assert self.held[pipe] == "pipe"
            assert not moved  # which only tells of what is not overlapped
            operation, peer = self._begin(pending, room=room, room_bytes=room_bytes), self._peers[0]
            if peer.message is None:
                return self._fail(BROKEN if peer.gone else PENDING)
            ctypes.memmove(room, peer.message, min(len(peer.message), room_bytes))
            if len(peer.message) > room_bytes:
                return self._fail(MORE_DATA)
            self._end(operation, OK, len(peer.message))
            return 1

    def WaitForMultipleObjects(self, count: int, handles: Any, every: int, patience_ms: int) -> int:
        assert not every
        with self.changed:
            events = [self.held[handles[index]] for index in range(count)]

            def first() -> int:
                return next((n for n, event in enumerate(events) if getattr(event, "on", False)), -1)

            self.changed.wait_for(lambda: first() >= 0, None if patience_ms == 0xFFFF_FFFF else patience_ms / 1000)
            return first() if first() >= 0 else TIMEOUT

    def CancelIoEx(self, pipe: int, pending: Any) -> int:
        with self.changed:
            operation = self._operations[ctypes.addressof(pending.contents)]
            self._listening = None
            if operation.room and self.at_last:
                ctypes.memmove(operation.room, self.at_last, len(self.at_last))
                self._end(operation, OK, len(self.at_last))
            if operation.error == PENDING:
                self._end(operation, ABORTED)
            return 1

    def GetOverlappedResult(self, pipe: int, pending: Any, moved: Any, wait: int) -> int:
        with self.changed:
            operation = self._operations.pop(ctypes.addressof(pending.contents))
            assert operation.error != PENDING
            moved[0] = operation.moved
            return self._fail(operation.error) if operation.error else 1

    def OpenProcess(self, access: int, inherited: int, pid: int) -> int:
        assert (access, inherited) == (0x0040 | 0x1000, 0)  # PROCESS_DUP_HANDLE, PROCESS_QUERY_LIMITED_INFORMATION
        process = self.processes.get(pid)
        return self._fail(DENIED) if process is None or process.closed else self._hold(process)

    def DuplicateHandle(
        self, process: int, handle: int, target: int, mine: Any, access: int, inherited: int, options: int
    ) -> int:
        assert (target, access, inherited, options) == (THIS_PROCESS, 0, 0, 2)  # DUPLICATE_SAME_ACCESS
        owner = self.held[process]
        assert isinstance(owner, Process)
        if handle not in owner.handles:
            return self._fail(INVALID)
        mine[0] = self._hold(("duplicate", handle))
        return 1

    # ---- advapi32 ----

    def OpenProcessToken(self, process: int, access: int, token: Any) -> int:
        assert access == 8  # TOKEN_QUERY
        owner = Process(MINE) if process == THIS_PROCESS else self.held[process]
        assert isinstance(owner, Process)
        token[0] = self._hold(owner.user)
        return 1

    def GetTokenInformation(self, token: int, kind: int, room: int, room_bytes: int, size: Any) -> int:
        assert (kind, room_bytes) == (1, 84)  # TOKEN_USER with SECURITY_MAX_SID_SIZE
        identifier = ctypes.c_uint64()
        self._users[ctypes.addressof(identifier)] = (str(self.held[token]), identifier)
        ctypes.c_void_p.from_address(room).value = ctypes.addressof(identifier)
        return 1

    def ConvertSidToStringSidW(self, identifier: int, text: Any) -> int:
        user, _ = self._users[identifier]
        address = self._allocate(ctypes.create_unicode_buffer(user))
        ctypes.c_void_p.from_address(ctypes.addressof(text.contents)).value = address
        return 1

    def ConvertStringSecurityDescriptorToSecurityDescriptorW(
        self, text: str, revision: int, descriptor: Any, size: Any
    ) -> int:
        assert revision == 1  # SDDL_REVISION_1
        self.protected_by = text
        descriptor[0] = self._allocate(ctypes.create_string_buffer(16))
        return 1
