"""Removes the files that dead owners of nameless sockets left. No other process would, because their names are random."""

from __future__ import annotations

import os
import random
import re
from typing import Final

from .._files.lock_file import LockFile
from .._files.paths import join_path
from .._ownership.lease import Context
from .._ownership.remove_leftovers import remove_leftovers_under
from .._protocol.constants import GENERATED_NAME_DIGITS, LOCK_SUFFIX, MAX_NAMELESS_TRIED
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .locate import Location, open_place

_GENERATED: Final = re.compile(rf"[0-9a-f]{{{GENERATED_NAME_DIGITS}}}\.sock")
"""The generated name of a socket that was acquired without a name."""

_NOT_OURS = ("ERR_SOCKREF_ADDRESS_IN_USE", "ERR_SOCKREF_PROTOCOL")
"""Errors for a file that is no lock of ours, or one of another version: leave it alone. Nothing is wrong."""


def remove_nameless_leftovers(directory: str, context: Context) -> None:
    """Removes some of the leftovers in the default directory.

    An acquire of a nameless socket calls this and does not wait for it. Live owners hold their locks, so their files stay. An
    owner that is just starting finds its lock taken for a moment, as by any other claim.
    """
    try:
        names = _some_nameless(directory)
    except OSError as error:
        context.hooks.fault(directory, system_error(error, directory, f"list the directory {directory}", "scandir"))
        return
    for name in names:
        context.spawn(_remove_leftovers(Location(join_path(directory, name), directory, name, True), context))


def _some_nameless(directory: str) -> list[str]:
    """Begins at a random file, so that live sockets do not hide the others for ever."""
    locks = (name for name in os.listdir(directory) if name.endswith(LOCK_SUFFIX))
    names = [name for name in (lock.removesuffix(LOCK_SUFFIX) for lock in locks) if _GENERATED.fullmatch(name)]
    first = random.randrange(len(names)) if names else 0
    return (names[first:] + names[:first])[:MAX_NAMELESS_TRIED]


async def _remove_leftovers(location: Location, context: Context) -> None:
    try:
        await _remove_if_stale(location, context)
    except SocketReferenceError as error:
        if error.code not in _NOT_OURS:
            context.hooks.fault(location.path, error)
    except Exception as error:
        path = location.path
        context.hooks.fault(path, system_error(error, path, f"remove what is left of {path}"))


async def _remove_if_stale(location: Location, context: Context) -> None:
    place = open_place(location)
    try:
        attempt = LockFile.attempt(place, create=False)
        if not isinstance(attempt, LockFile):
            return
        swept = await remove_leftovers_under(attempt)
        if swept.names:
            context.hooks.reclaimed(place.path, swept.pid, swept.names)
    finally:
        place.directory.release()
