"""Hand-overs of GPU buffers on Windows: the packet through a named pipe, handles pulled out of the engine's process.

This user alone can open the pipe, and who has opened it is asked of the kernel. The numbers in the packet mean nothing
outside the engine's process: its handles are duplicated into this one, as Windows lets a process of the same user do.

Nothing here has been run on Windows: there was no Python for it at hand, and no GPU with it. Its types are checked
for win32; tests/test_handles_windows.py holds the calls, their order and what is closed to a stand-in for Windows;
and the same calls, in the same order, are the door's of plugins/native/gpu/tests/d3d12_tool.cpp, which runs under Wine.
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
import threading
from collections.abc import Callable
from ctypes import wintypes
from typing import Any, cast

from bridge.errors import HandleRefused, TransportError
from bridge.handles import OF_D3D12, PATIENCE_S, Handed, Offer, unpack
from bridge.schema import HANDLES_BYTES

assert sys.platform == "win32"

_log = logging.getLogger(__name__)

_INBOUND, _OVERLAPPED, _FIRST = 0x1, 0x4000_0000, 0x0008_0000  # PIPE_ACCESS_INBOUND, FILE_FLAG_*
_MESSAGES, _NOBODY_REMOTE = 0x4 | 0x2, 0x8  # PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS
_MAY_DUPLICATE, _MAY_ASK = 0x0040, 0x1000  # PROCESS_DUP_HANDLE, PROCESS_QUERY_LIMITED_INFORMATION
_SAME_ACCESS = 0x2  # DUPLICATE_SAME_ACCESS
_TOKEN_QUERY, _TOKEN_USER, _USER_BYTES = 0x8, 1, 16 + 68  # TOKEN_USER with the longest security identifier
_MORE_DATA, _CONNECTED, _NO_DATA, _ABORTED, _PENDING = 234, 535, 232, 995, 997  # ERROR_*
_FOR_EVER = 0xFFFF_FFFF
_NONE = ctypes.c_void_p(-1).value  # INVALID_HANDLE_VALUE
_ONE_USER = "Run engine and renderer as one user, both or neither as administrator."
_AGAIN = "Hand the buffers over again, as PROTOCOL.md says."


class _Pending(ctypes.Structure):
    """OVERLAPPED: an operation that goes on while others are waited for."""

    _fields_ = (
        ("internal", ctypes.c_size_t), ("internal_high", ctypes.c_size_t), ("offset", wintypes.DWORD),
        ("offset_high", wintypes.DWORD), ("event", wintypes.HANDLE),
    )  # fmt: skip


class _Security(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (("size", wintypes.DWORD), ("descriptor", wintypes.LPVOID), ("inherited", wintypes.BOOL))


def _declared(library: ctypes.WinDLL, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    function = getattr(library, name)
    function.restype, function.argtypes = result, arguments
    return cast(Callable[..., Any], function)


def _sure(*declaration: Any) -> Callable[..., Any]:
    """The same, and a result of 0 is raised as OSError."""
    function = _declared(*declaration)

    def call(*arguments: object) -> Any:
        result = function(*arguments)
        if not result:
            raise ctypes.WinError(ctypes.get_last_error())
        return result

    return call


_K, _A = (ctypes.WinDLL(name, use_last_error=True) for name in ("kernel32", "advapi32"))
_BOOL, _DWORD, _HANDLE, _VOID, _TEXT = (
    wintypes.BOOL, wintypes.DWORD, wintypes.HANDLE, wintypes.LPVOID, wintypes.LPCWSTR,
)  # fmt: skip
_TO_DWORD, _TO_HANDLE, _TO_PENDING = (ctypes.POINTER(kind) for kind in (_DWORD, _HANDLE, _Pending))

close_handle = _declared(_K, "CloseHandle", _BOOL, _HANDLE)
_local_free = _declared(_K, "LocalFree", _VOID, _VOID)
_this_process = _declared(_K, "GetCurrentProcess", _HANDLE)
_create_event = _sure(_K, "CreateEventW", _HANDLE, _VOID, _BOOL, _BOOL, _TEXT)
_set_event = _declared(_K, "SetEvent", _BOOL, _HANDLE)
_create_pipe = _declared(
    _K, "CreateNamedPipeW", _HANDLE, _TEXT, _DWORD, _DWORD, _DWORD, _DWORD, _DWORD, _DWORD, ctypes.POINTER(_Security)
)
_connect = _declared(_K, "ConnectNamedPipe", _BOOL, _HANDLE, _TO_PENDING)
_disconnect = _declared(_K, "DisconnectNamedPipe", _BOOL, _HANDLE)
_client_of = _sure(_K, "GetNamedPipeClientProcessId", _BOOL, _HANDLE, _TO_DWORD)
_read = _declared(_K, "ReadFile", _BOOL, _HANDLE, _VOID, _DWORD, _TO_DWORD, _TO_PENDING)
_wait = _declared(_K, "WaitForMultipleObjects", _DWORD, _DWORD, _TO_HANDLE, _BOOL, _DWORD)
_cancel = _declared(_K, "CancelIoEx", _BOOL, _HANDLE, _TO_PENDING)
_result_of = _declared(_K, "GetOverlappedResult", _BOOL, _HANDLE, _TO_PENDING, _TO_DWORD, _BOOL)
_open_process = _sure(_K, "OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
_duplicate = _sure(
    _K, "DuplicateHandle", _BOOL, _HANDLE, _HANDLE, _HANDLE, _TO_HANDLE, _DWORD, _BOOL, _DWORD
)  # fmt: skip
_open_token = _sure(_A, "OpenProcessToken", _BOOL, _HANDLE, _DWORD, _TO_HANDLE)
_ask_token = _sure(_A, "GetTokenInformation", _BOOL, _HANDLE, ctypes.c_int, _VOID, _DWORD, _TO_DWORD)
_text_of_sid = _sure(_A, "ConvertSidToStringSidW", _BOOL, _VOID, ctypes.POINTER(wintypes.LPWSTR))
_descriptor_of = _sure(
    _A, "ConvertStringSecurityDescriptorToSecurityDescriptorW", _BOOL, _TEXT, _DWORD, ctypes.POINTER(_VOID), _TO_DWORD
)


class HandleDoor:
    """Takes hand-overs on a thread of its own, from one process at a time."""

    def __init__(self, take: Callable[[Handed], None]) -> None:
        """`take` is called on that thread, and what it gets is its own. Raises TransportError."""
        self._take = take
        name = pipe_name(os.getpid())
        try:
            self._pipe = Pipe(name)
        except OSError as error:
            raise TransportError(f"No pipe {name}: {error}", fix="Use `shm` or `inline`.") from error
        self._thread = threading.Thread(target=self._serve, name="worldplate handles", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wakes the thread, waits for it, and lets go of the pipe."""
        self._pipe.stop()
        self._thread.join()  # it ends what Windows still writes to, and nothing in it takes long
        self._pipe.close()

    def _serve(self) -> None:
        while self._pipe.connect():
            try:
                handed = received(self._pipe)
            except (HandleRefused, OSError) as error:
                _log.warning("a hand-over was refused: %s", error)
                continue
            finally:
                self._pipe.disconnect()
            self._take(handed)


def pipe_name(pid: int) -> str:
    """Of the pipe by which the renderer of that process takes hand-overs."""
    return rf"\\.\pipe\worldplate-handles-{pid}"


def received(pipe: Pipe) -> Handed:
    """What the peer hands over. Where its handles cannot be had `refusal` says why, for the engine to hear of it.

    Raises HandleRefused for another user, for nothing, and for what is no packet, OSError.
    """
    pid = pipe.peer()
    try:
        process = _open_process(_MAY_DUPLICATE | _MAY_ASK, False, pid)
    except OSError as error:
        raise HandleRefused(f"its process {pid} cannot be opened: {error}", fix=_ONE_USER) from error
    try:
        if (user := user_of(process)) != pipe.user:
            raise HandleRefused(f"it comes from user {user}", fix=_ONE_USER)
        offer = unpack(pipe.read())
        try:
            return Handed(offer, pulled(process, offer), pid, close_handle)
        except HandleRefused as refusal:
            return Handed(offer, [], pid, close_handle, refusal)
    finally:
        close_handle(process)


def pulled(process: int, offer: Offer) -> list[int]:
    """Duplicates of a D3D12 engine's handles, which the caller closes. Raises HandleRefused, and holds none then."""
    handles: list[int] = []
    if offer.kind not in OF_D3D12:
        return handles
    for name, value in zip(("memory", "ready", "done"), offer.engine_handles, strict=True):
        mine = wintypes.HANDLE()
        try:
            _duplicate(process, value, _this_process(), ctypes.byref(mine), 0, False, _SAME_ACCESS)
        except OSError as error:
            for held in handles:
                close_handle(held)
            raise HandleRefused(
                f"the handle {value:#x} of `{name}` cannot be duplicated: {error}",
                fix="Keep it open until PLANES_ACK has come.",
            ) from error
        assert mine.value is not None  # it was duplicated
        handles.append(mine.value)
    return handles


def user_of(process: int) -> str:
    """The security identifier of the user whose process that is, such as S-1-5-18. Raises OSError."""
    token = wintypes.HANDLE()
    _open_token(process, _TOKEN_QUERY, ctypes.byref(token))
    try:
        told, size, text = ctypes.create_string_buffer(_USER_BYTES), wintypes.DWORD(), wintypes.LPWSTR()
        _ask_token(token, _TOKEN_USER, told, len(told), ctypes.byref(size))
        _text_of_sid(ctypes.c_void_p.from_buffer(told), ctypes.byref(text))  # which TOKEN_USER begins with
        try:
            return str(text.value)
        finally:
            _local_free(text)
    finally:
        close_handle(token)


class Pipe:
    """The renderer's end. Used from one thread, but for `stop`."""

    def __init__(self, name: str) -> None:
        """For this user alone. Raises OSError, also when somebody else has a pipe of that name."""
        self.user = user_of(_this_process())
        self._handle = _pipe_for(self.user, name)
        self._events: list[int] = []
        try:
            for _ in range(2):
                self._events.append(_create_event(None, True, False, None))
        except OSError:
            self.close()
            raise
        self._ended, self._stopped = self._events
        self._pending = _Pending(event=self._ended)

    def connect(self) -> bool:
        """Waits until somebody has opened the pipe; False once it is stopped, or fails, which the log tells."""
        error, _ = self._outcome(_connect(self._handle, ctypes.byref(self._pending)), _FOR_EVER)
        if error not in (0, _CONNECTED, _NO_DATA, _ABORTED):  # NO_DATA: he has written and gone, and it can be read
            _log.error("no GPU buffers are taken any more: %s", ctypes.WinError(error))
        return error in (0, _CONNECTED, _NO_DATA)

    def peer(self) -> int:
        """The process that has opened it. Raises OSError."""
        pid = wintypes.DWORD()
        _client_of(self._handle, ctypes.byref(pid))
        return pid.value

    def read(self) -> bytes:
        """One message; of a longer one than a packet, a byte more than a packet has. Raises OSError, and HandleRefused
        when none has come after PATIENCE_S."""
        room = ctypes.create_string_buffer(HANDLES_BYTES + 1)
        started = _read(self._handle, room, len(room), None, ctypes.byref(self._pending))
        error, moved = self._outcome(started, round(PATIENCE_S * 1000))
        if error == _ABORTED:
            raise HandleRefused(f"it sent nothing within {PATIENCE_S:g} s", fix=_AGAIN)
        if error not in (0, _MORE_DATA):
            raise ctypes.WinError(error)
        return room.raw[:moved] if error == 0 else room.raw

    def disconnect(self) -> None:
        """From whoever has opened it."""
        _disconnect(self._handle)

    def stop(self) -> None:
        """Ends what is waited for; for another thread."""
        _set_event(self._stopped)

    def close(self) -> None:
        """Once, when nobody uses it any more."""
        for handle in (self._handle, *self._events):
            close_handle(handle)

    def _outcome(self, started: int, patience_ms: int) -> tuple[int, int]:
        """Error and bytes of an operation, once Windows is done with it: it is ended when `stop` is called, or when it
        takes longer. The error is then _ABORTED, unless it had come to an end by itself."""
        error = 0 if started else ctypes.get_last_error()
        if error not in (0, _PENDING):
            return error, 0
        events = (wintypes.HANDLE * 2)(self._ended, self._stopped)
        if error == _PENDING and _wait(2, events, False, patience_ms) != 0:  # WAIT_OBJECT_0: it has ended
            _cancel(self._handle, ctypes.byref(self._pending))
        moved = wintypes.DWORD()
        if not _result_of(self._handle, ctypes.byref(self._pending), ctypes.byref(moved), True):
            return ctypes.get_last_error(), 0
        return 0, moved.value


def _pipe_for(user: str, name: str) -> int:
    """A new pipe that this user alone may open, from this machine. Raises OSError."""
    descriptor = wintypes.LPVOID()
    _descriptor_of(f"D:P(A;;GA;;;{user})", 1, ctypes.byref(descriptor), None)  # nothing is inherited
    try:
        security = _Security(ctypes.sizeof(_Security), descriptor, False)
        pipe = _create_pipe(
            name, _INBOUND | _OVERLAPPED | _FIRST, _MESSAGES | _NOBODY_REMOTE, 1, 0, HANDLES_BYTES, 0,
            ctypes.byref(security),
        )  # fmt: skip
        if pipe == _NONE:
            raise ctypes.WinError(ctypes.get_last_error())
        return int(pipe)
    finally:
        _local_free(descriptor)
