"""What serves a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

ConnectionHandler = Callable[[socket.socket], object]
"""Gets each connection, on a thread of the pool. The connection is closed when it returns."""

StreamHandler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]
"""Gets each connection in its event loop. The connection is closed when it returns."""


@dataclass(frozen=True, slots=True)
class StreamServe:
    """A coroutine function, and the event loop that it runs in."""

    handler: StreamHandler
    loop: asyncio.AbstractEventLoop


Serve = ConnectionHandler | StreamServe
"""A handler in this process."""


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """A command that serves a socket. `{socket}` in its words is the path at which it must listen. Times are in seconds."""

    command: Sequence[str]
    activate: bool = False
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    ready_timeout: float | None = None
    stop_timeout: float | None = None


ServerSpec = Serve | ServerCommand
"""How a process would serve a socket: by a handler, or by a command."""
