"""The directory of bare names."""

from __future__ import annotations

import contextlib
import os
import stat

from .._protocol.constants import PRIVATE_DIRECTORY_MODE
from .._system_errors import system_error
from ..errors import SocketReferenceError, quote
from .directory import assert_safe, canonical_directory, directory_error
from .paths import join_path
from .platform import own_uid


def default_directory_path() -> str:
    """`$SOCKREF_DIR`, else `$XDG_RUNTIME_DIR/sockref`, else `/tmp/sockref-<uid>`."""
    own = _variable(b"SOCKREF_DIR")
    if own:
        if own.startswith("/"):
            return own
        raise SocketReferenceError(
            "ERR_SOCKREF_INVALID_OPTION",
            f"The environment variable SOCKREF_DIR must be an absolute path, but is {quote(own)}",
            option="SOCKREF_DIR",
            expected="an absolute path",
            received=quote(own),
        )
    runtime = _variable(b"XDG_RUNTIME_DIR")
    # The XDG specification says that a relative value must be ignored.
    if runtime.startswith("/"):
        return join_path(runtime, "sockref")
    return f"/tmp/sockref-{own_uid()}"


def default_directory(make: bool) -> str:
    """The canonical path of the default directory. `make` creates it with mode 0700 if it is missing."""
    path = default_directory_path().rstrip("/") or "/"
    above, _, name = path.rpartition("/")
    parent = canonical_directory(above or "/")
    canonical = join_path(parent, name)
    if make:
        _make_private(canonical, parent)
    _assert_real_directory(canonical)
    return canonical


def _variable(name: bytes) -> str:
    # Node reads them as UTF-8 in every locale, and so must we.
    return os.environb.get(name, b"").decode(errors="replace")


def _make_private(path: str, parent: str) -> None:
    try:
        stats = os.lstat(parent.encode())
        assert_safe(parent, stats.st_uid, stat.S_IMODE(stats.st_mode), "shared")
        with contextlib.suppress(FileExistsError):
            os.mkdir(path.encode(), PRIVATE_DIRECTORY_MODE)
    except OSError as error:
        raise system_error(error, path, f"create the directory {quote(path)}", "mkdir") from error


def _assert_real_directory(path: str) -> None:
    """The directory is opened without following links later; this only gives a better message for a missing one or a link."""
    try:
        stats = os.lstat(path.encode())
    except OSError as error:
        raise directory_error(error, path) from error
    if stat.S_ISDIR(stats.st_mode):
        return
    raise SocketReferenceError(
        "ERR_SOCKREF_UNSAFE_DIRECTORY",
        f"Unsafe directory {quote(path)}: it is not a real directory; remove it, or set SOCKREF_DIR to another one",
        directory=path,
        uid=stats.st_uid,
        mode=stat.S_IMODE(stats.st_mode),
        reason="not-a-directory",
    )
