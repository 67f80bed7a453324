"""Connects to a socket. Waits while its owner is being replaced."""

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

# They mean "not now": no server listens yet, the file is being replaced, or the queue is full.
_TEMPORARY = {errno.ECONNREFUSED, errno.ENOENT, errno.ECONNRESET, errno.EAGAIN}


async def connect_to(state: ReferenceState, timeout: float) -> socket.socket:
    """A connected, blocking socket."""
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
            # A cleaner may have removed the file. An owner knows that at once; a member waits until its owner has looked.
            lease.repair()
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
    # In a shared directory another user can put a socket where ours was removed. Never talk to that one.
    if not found.is_socket or found.uid != own_uid():
        raise foreign_file(place.path, place.path, found)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Does not block here: the kernel connects or refuses a Unix socket at once.
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
