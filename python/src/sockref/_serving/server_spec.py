"""What serves a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .._ownership.command import ServerCommand

ConnectionHandler = Callable[[socket.socket], object]
"""Gets each connection, on a thread of its own; the connection is closed when it returns."""

StreamHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
"""Gets each connection in its event loop; the connection is closed when it returns."""


@dataclass(frozen=True, slots=True)
class StreamServe:
    """A coroutine function, and the event loop that it runs in."""

    handler: StreamHandler
    loop: asyncio.AbstractEventLoop


Serve = ConnectionHandler | StreamServe
"""What serves in this process."""

ServerSpec = Serve | ServerCommand
"""What serves, be it in this process or another one."""
