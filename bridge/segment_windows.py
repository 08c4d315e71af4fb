"""A named file mapping of Windows, which the native client has made: the side that only maps it.

Nothing here has been run: there was no Python for Windows at hand. Its types are checked for win32, and the same calls,
in the same order, are those of plugins/native/tests/windows_tool.cpp, which the tests run under Wine.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from ctypes import wintypes

assert sys.platform == "win32"

_READ_AND_WRITE = 0x0004 | 0x0002  # FILE_MAP_READ, FILE_MAP_WRITE


def map_existing(name: str, size_bytes: int) -> mmap.mmap:
    """The memory of the mapping of that name in this session's namespace, as long as the result is kept.

    Raises OSError when there is none, when it is not this user's to open, or when it is smaller.
    """
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenFileMappingW.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.LPCWSTR)
    kernel.OpenFileMappingW.restype = wintypes.HANDLE
    kernel.CloseHandle.argtypes = (wintypes.HANDLE,)
    tag = f"Local\\{name}"
    handle = kernel.OpenFileMappingW(_READ_AND_WRITE, False, tag)  # mmap alone would make one where there is none
    if not handle:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        return mmap.mmap(-1, size_bytes, tagname=tag)
    finally:
        kernel.CloseHandle(handle)
