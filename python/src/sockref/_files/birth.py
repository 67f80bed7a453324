"""Birth times of files. They distinguish a file from a later one with the same inode number."""

from __future__ import annotations

import ctypes
import sys
from typing import Any, Final

_AT_FDCWD: Final = -100
_AT_SYMLINK_NOFOLLOW: Final = 0x100
_AT_EMPTY_PATH: Final = 0x1000
_STATX_BTIME: Final = 0x800
_BTIME_OFFSET: Final = 80
"""The offset of `stx_btime` in `struct statx`. The mask in its first four bytes says whether the field is set."""
_STATX_BYTES: Final = 256


def _find_statx() -> Any:
    """The C library's `statx`: Python has no birth times on Linux. None where there is none."""
    if sys.platform != "linux":
        return None
    try:
        statx = ctypes.CDLL(None, use_errno=True).statx
    except (OSError, AttributeError):
        return None
    statx.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p]
    statx.restype = ctypes.c_int
    return statx


_statx: Final = _find_statx()


def birth_of(fd: int | None, name: bytes | None) -> str:
    """The birth time, in nanoseconds, of a name in an open directory (links are not followed), of a path, or of an open file.

    `"0"` where it is unknown. Then device and inode decide.
    """
    if _statx is None:
        return "0"
    flags = _AT_EMPTY_PATH if name is None else _AT_SYMLINK_NOFOLLOW
    buffer = ctypes.create_string_buffer(_STATX_BYTES)
    if _statx(_AT_FDCWD if fd is None else fd, name or b"", flags, _STATX_BTIME, buffer) != 0:
        return "0"
    raw = buffer.raw
    if not int.from_bytes(raw[:4], sys.byteorder) & _STATX_BTIME:
        return "0"
    seconds = int.from_bytes(raw[_BTIME_OFFSET : _BTIME_OFFSET + 8], sys.byteorder, signed=True)
    nanoseconds = int.from_bytes(raw[_BTIME_OFFSET + 8 : _BTIME_OFFSET + 12], sys.byteorder)
    return str(seconds * 1_000_000_000 + nanoseconds)
