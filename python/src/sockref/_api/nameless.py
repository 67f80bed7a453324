"""Nameless sockets that dead owners have left: nobody else could remove them, since nobody knows their names."""

from __future__ import annotations

import os
import random
import re
from typing import Final

from .._files.lock import EndpointLock
from .._files.paths import join_path
from .._protocol.constants import GENERATED_NAME_DIGITS, LOCK_SUFFIX, MAX_NAMELESS_TRIED
from .._sharing.lease import Surroundings
from .._sharing.sweep import sweep_held
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .locate import Location, open_place

_GENERATED: Final = re.compile(rf"[0-9a-f]{{{GENERATED_NAME_DIGITS}}}\.sock")
"""What a socket is called that was acquired without a name."""

_NOT_OURS = ("ERR_SOCKREF_ADDRESS_IN_USE", "ERR_SOCKREF_PROTOCOL")
"""What is said of a file that is no lock of ours, or is one of another version: nothing is wrong, and nothing to remove."""


def sweep_nameless(directory: str, surroundings: Surroundings) -> None:
    """Removes some of what is left in the default directory.

    For one that makes a nameless socket, which does not wait for it. A live owner holds its lock, and is left alone; one that
    is about to start finds the lock taken for a moment, as it would by any other claim.
    """
    try:
        names = _some_nameless(directory)
    except OSError as error:
        surroundings.hooks.fault(directory, system_error(error, directory, f"list the directory {directory}", "scandir"))
        return
    for name in names:
        surroundings.spawn(_sweep(Location(join_path(directory, name), directory, name, True), surroundings))


def _some_nameless(directory: str) -> list[str]:
    """Begins anywhere, so that those that live do not hide the others for ever."""
    locks = (name for name in os.listdir(directory) if name.endswith(LOCK_SUFFIX))
    names = [name for name in (lock.removesuffix(LOCK_SUFFIX) for lock in locks) if _GENERATED.fullmatch(name)]
    first = random.randrange(len(names)) if names else 0
    return (names[first:] + names[:first])[:MAX_NAMELESS_TRIED]


async def _sweep(location: Location, surroundings: Surroundings) -> None:
    try:
        await _sweep_if_stale(location, surroundings)
    except SocketReferenceError as error:
        if error.code not in _NOT_OURS:
            surroundings.hooks.fault(location.path, error)
    except Exception as error:
        path = location.path
        surroundings.hooks.fault(path, system_error(error, path, f"remove what is left of {path}"))


async def _sweep_if_stale(location: Location, surroundings: Surroundings) -> None:
    place = open_place(location)
    try:
        attempt = EndpointLock.attempt(place.directory, place.names.lock, place.path, create=False)
        if not isinstance(attempt, EndpointLock):
            return
        swept = await sweep_held(attempt, place.path)
        if swept.names:
            surroundings.hooks.reclaimed(place.path, swept.pid, swept.names)
    finally:
        place.directory.release()
