"""Turns errors of the system into typed ones."""

from __future__ import annotations

import contextlib
import errno as numbers
from collections.abc import Generator

from .error_codes import ErrorCode
from .errors import SocketReferenceError

_CODES: dict[str, ErrorCode] = {
    "EACCES": "ERR_SOCKREF_PERMISSION_DENIED",
    "EPERM": "ERR_SOCKREF_PERMISSION_DENIED",
    "EROFS": "ERR_SOCKREF_PERMISSION_DENIED",
    "EMFILE": "ERR_SOCKREF_LIMIT_EXCEEDED",
    "ENFILE": "ERR_SOCKREF_LIMIT_EXCEEDED",
    "ENOSPC": "ERR_SOCKREF_LIMIT_EXCEEDED",
    "EDQUOT": "ERR_SOCKREF_LIMIT_EXCEEDED",
    "ENOTSUP": "ERR_SOCKREF_UNSUPPORTED",
    "EOPNOTSUPP": "ERR_SOCKREF_UNSUPPORTED",
    "ENOSYS": "ERR_SOCKREF_UNSUPPORTED",
    "ENOLCK": "ERR_SOCKREF_UNSUPPORTED",
}

_LIMITS: dict[str, tuple[str, str]] = {
    "EMFILE": ("descriptors of this process", "close what is not needed, or raise `ulimit -n`"),
    "ENFILE": ("descriptors of this machine", "close what is not needed, or raise `fs.file-max`"),
    "ENOSPC": ("disk space", "make room on the file system of the directory"),
    "EDQUOT": ("disk quota", "make room in your quota"),
}


_AWAY = {
    numbers.ECONNREFUSED,
    numbers.ENOENT,
    numbers.ECONNRESET,
    numbers.EAGAIN,
    numbers.EPIPE,
    numbers.ENOTSOCK,
    numbers.EPROTOTYPE,
}


def is_away(error: OSError) -> bool:
    """Whether a connection failed because of the other end, and not because of this process: no process listens, the file was
    removed, or (EAGAIN) the accept queue is full."""
    return error.errno in _AWAY


def errno_of(error: BaseException | None) -> str | None:
    """The name of a system error, such as `ENOENT`; None for anything else."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    return numbers.errorcode.get(error.errno, f"errno {error.errno}")


def system_error(error: BaseException, path: str | None, doing: str, syscall: str | None = None) -> SocketReferenceError:
    """Turns an error of the system into a typed one that keeps it as its cause. `doing` is as in "cannot <doing>"."""
    if isinstance(error, SocketReferenceError):
        return error
    errno = errno_of(error)
    code: ErrorCode = _CODES.get(errno or "", "ERR_SOCKREF_SYSTEM")
    what = f"{type(error).__name__}: {error}" if errno is None else f"{syscall or 'the system'} failed with {errno}"
    fields: dict[str, str] = {} if path is None else {"path": path}
    if errno is not None:
        fields["errno"] = errno
    if syscall is not None:
        fields["syscall"] = syscall
    if errno in _LIMITS:
        fields["limit"] = _LIMITS[errno][0]
    typed = SocketReferenceError(code, f"Cannot {doing}: {what}{_advice(code, errno)}", **fields)
    typed.__cause__ = error
    return typed


@contextlib.contextmanager
def typed(path: str | None, doing: str) -> Generator[None]:
    """Makes each failure within a typed error, for calls of the public API. Exceptions that end a program or a task stay."""
    try:
        yield
    except SocketReferenceError:
        raise
    except Exception as error:
        raise system_error(error, path, doing) from error


def _advice(code: ErrorCode, errno: str | None) -> str:
    known = _LIMITS.get(errno or "")
    if known:
        return f"; the limit is the {known[0]}: {known[1]}"
    if code == "ERR_SOCKREF_PERMISSION_DENIED":
        return "; grant this user write and search permission there, or choose another directory"
    if code == "ERR_SOCKREF_UNSUPPORTED":
        return "; use a local file system with hard links and file locks"
    return ""
