"""Connects to a socket, waiting out a change of its owner."""

from __future__ import annotations

import asyncio
import errno
import socket

from .._endpoint.reference_state import ReferenceState
from .._files.close import close_object
from .._files.foreign import foreign_file
from .._files.platform import own_uid
from .._protocol.constants import CONNECT_PAUSE_SECONDS
from .._system_errors import system_error, typed
from ..errors import SocketReferenceError

# They say "not now": no process listens yet, the file is being replaced, or the queue is full.
_TEMPORARY = {errno.ECONNREFUSED, errno.ENOENT, errno.ECONNRESET, errno.EAGAIN}


async def connect_to(state: ReferenceState, timeout: float) -> socket.socket:
    """A connected socket that blocks."""
    endpoint = state.endpoint
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        if not state.active:
            raise endpoint.closed_error(state.open)
        lease = endpoint.lease
        if lease is not None:
            sock = _attempt(state)
            if sock is not None:
                return sock
            # A cleaner may have removed the file; an owner knows at once, and a member waits until its owner has looked.
            lease.heal()
        left = deadline - loop.time()
        if left <= 0:
            raise _timeout_error(endpoint.place.path, timeout)
        pause = min(CONNECT_PAUSE_SECONDS, left) if endpoint.lease is not None else left
        await asyncio.wait([endpoint.changed], timeout=pause)


def _attempt(state: ReferenceState) -> socket.socket | None:
    path = state.endpoint.place.path
    with typed(path, f"connect to {path}"):
        return _connect(state)


def _connect(state: ReferenceState) -> socket.socket | None:
    place = state.endpoint.place
    found = place.directory.look(place.names.data)
    if found is None:
        return None
    # In a shared directory anybody can put a socket where ours was removed; never talk to it.
    if not found.is_socket or found.uid != own_uid():
        raise foreign_file(place.path, place.path, found)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Not to wait here: a Unix socket connects at once, or not at all.
        sock.setblocking(False)
        sock.connect(place.directory.address(place.names.data))
        sock.setblocking(True)
    except OSError as error:
        close_object(sock)
        if error.errno in _TEMPORARY:
            return None
        raise system_error(error, place.path, f"connect to {place.path}", "connect") from error
    return sock


def _timeout_error(path: str, timeout: float) -> SocketReferenceError:
    waiting_for = "the socket to accept connections"
    message = f"No connection to {path} within {timeout:g} s; it was waiting for {waiting_for}; pass a longer timeout"
    return SocketReferenceError(
        "ERR_SOCKREF_TIMEOUT", message, path=path, timeout=timeout, waiting_for=waiting_for
    )
