"""What serves a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class ServerCommand:
    """A command that serves a socket; `{socket}` in its words is where it has to listen. Times are in seconds."""

    command: Sequence[str]
    activate: bool = False
    cwd: str | None = None
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    ready_timeout: float | None = None
    stop_timeout: float | None = None


ServerSpec = Serve | ServerCommand
"""What serves, be it in this process or another one."""
