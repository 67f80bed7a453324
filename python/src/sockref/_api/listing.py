"""All sockets of a directory."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from .._files.default_directory import default_directory
from .._files.directory import canonical_directory
from .._files.paths import join_path
from .._protocol.constants import LOCK_SUFFIX
from .._system_errors import system_error
from ..errors import SocketReferenceError, quote
from .info import SocketInfo
from .locate import is_missing

_NOT_OURS = ("ERR_SOCKREF_ADDRESS_IN_USE", "ERR_SOCKREF_PATH_TOO_LONG", "ERR_SOCKREF_INVALID_PATH")
"""Errors for files that have the name of a lock file but are none of ours."""


def sockets_in(directory: str | None) -> list[str]:
    """The paths of the sockets that have a lock file in a directory; in the default directory if none is given."""
    try:
        canonical = default_directory(False) if directory is None else canonical_directory(directory)
        names = [name.decode(errors="replace") for name in os.listdir(canonical.encode())]
    except SocketReferenceError as error:
        # The default directory does not exist yet.
        if directory is None and is_missing(error):
            return []
        raise
    except FileNotFoundError:
        return []
    except OSError as error:
        raise system_error(error, directory or "", f"list the directory {quote(directory)}", "scandir") from error
    found = (name.removesuffix(LOCK_SUFFIX) for name in names if name.endswith(LOCK_SUFFIX) and name != LOCK_SUFFIX)
    return sorted(join_path(canonical, name) for name in found)


async def list_sockets(
    paths: list[str], inspect: Callable[[str], Awaitable[SocketInfo | None]]
) -> list[SocketInfo]:
    """What `inspect` says of each socket."""
    infos: list[SocketInfo] = []
    for path in paths:
        try:
            info = await inspect(path)
        except SocketReferenceError as error:
            if error.code in _NOT_OURS:
                continue
            raise
        if info is not None:
            infos.append(info)
    return infos
