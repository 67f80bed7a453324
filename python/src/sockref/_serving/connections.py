"""Passes connections to the data socket to the handler, and drains them at the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from .._files.close import close_object
from .._files.inherited import close_copy, forget, remember
from .handler_pool import HandlerPool
from .server_spec import ConnectionHandler, Serve, StreamServe

DEPARTURES: Final = (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
"""Errors of a connection that only mean that its peer went away."""


@dataclass(slots=True)
class ConnectionStats:
    """The numbers of a listener."""

    open: int = 0
    """Open connections."""
    accepted: int = 0
    """Connections that were handed to the handler since the start."""
    dropped: int = 0
    """Connections that were closed at once because of the limit."""
    failed: int = 0
    """Connections that ended because the handler raised."""


class Connection:
    """A connection that is being served. Its handler's thread closes it."""

    def __init__(self, sock: socket.socket, soon: Callable[[Callable[[], object]], None], over: Over) -> None:
        self.sock: Final = sock
        self._soon: Final = soon
        self._over: Final = over
        self._thread: int | None = None
        remember(self)

    def served_here(self) -> None:
        """This thread serves it. A child that the thread forks may continue with it; other children close their copies."""
        self._thread = threading.get_ident()

    def finished(self, error: BaseException | None) -> None:
        """The connection is over. Any thread may call it."""
        self._soon(lambda: self._over(self, error))

    def cut(self) -> None:
        """Shuts it down for both sides, which ends each read and write. The thread that serves it closes it."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)

    def close_in_child(self) -> None:
        if self._thread != threading.get_ident():
            close_copy(self.sock)


Over = Callable[[Connection, BaseException | None], None]


class Server(Protocol):
    """Serves connections: on threads, or in an event loop."""

    def serve(self, connection: Connection) -> None: ...

    def close(self) -> None: ...


class Connections:
    """Counts the connections. Everything except `Connection.finished` runs in the background thread."""

    def __init__(
        self,
        serve: Serve,
        loop: asyncio.AbstractEventLoop,
        max_connections: int,
        threads: int,
        fault: Callable[[BaseException], None],
    ) -> None:
        self.stats: Final = ConnectionStats()
        self._loop: Final = loop
        self._max: Final = max_connections
        self._fault: Final = fault
        self._server: Final[Server] = StreamServer(serve) if isinstance(serve, StreamServe) else ThreadServer(serve, threads)
        self._open: set[Connection] = set()
        self._drained: Callable[[], None] | None = None

    def accept(self, sock: socket.socket) -> None:
        """Takes a new connection."""
        if len(self._open) >= self._max:
            self.stats.dropped += 1
            close_object(sock)
            return
        connection = Connection(sock, self._soon, self._over)
        self._open.add(connection)
        self.stats.open = len(self._open)
        self.stats.accepted += 1
        try:
            self._server.serve(connection)
        except Exception as error:
            close_object(sock)
            self._over(connection, error)

    async def drain(self, seconds: float) -> None:
        """Waits until all connections have ended. Shuts down those that are still open after the time."""
        if self._open:
            ended = asyncio.Event()
            self._drained = ended.set
            timer = self._loop.call_later(seconds, self._cut)
            await ended.wait()
            timer.cancel()
        self._server.close()

    def detach(self) -> None:
        """Stops looking after the connections. They continue without this listener."""
        if self._open:
            self._drained = self._server.close
        else:
            self._server.close()

    def _cut(self) -> None:
        for connection in list(self._open):
            connection.cut()
            # Does not wait: the handler may be busy.
            self._over(connection, None)

    def _over(self, connection: Connection, error: BaseException | None) -> None:
        forget(connection)
        if connection not in self._open:
            return
        self._open.discard(connection)
        self.stats.open = len(self._open)
        if error is not None and not isinstance(error, DEPARTURES):
            self.stats.failed += 1
            self._fault(error)
        if not self._open and self._drained:
            self._drained()

    def _soon(self, call: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call)


class ThreadServer:
    """Runs a function for each connection, on a thread of a bounded pool."""

    def __init__(self, handler: ConnectionHandler, threads: int) -> None:
        self._handler: Final = handler
        self._pool: Final = HandlerPool(threads)

    def serve(self, connection: Connection) -> None:
        connection.sock.setblocking(True)
        self._pool.run(lambda: self._run(connection))

    def close(self) -> None:
        self._pool.close()

    def _run(self, connection: Connection) -> None:
        error: BaseException | None = None
        connection.served_here()
        try:
            self._handler(connection.sock)
        except BaseException as raised:
            error = raised
        finally:
            close_object(connection.sock)
            connection.finished(error)


class StreamServer:
    """Runs a coroutine for each connection, in the event loop of its user."""

    def __init__(self, serve: StreamServe) -> None:
        self._serve: Final = serve
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, connection: Connection) -> None:
        # Raises if that loop is closed; then there is no handler here any more.
        self._serve.loop.call_soon_threadsafe(self._start, connection)

    def close(self) -> None:
        pass

    def _start(self, connection: Connection) -> None:
        task = self._serve.loop.create_task(self._run(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, connection: Connection) -> None:
        error: BaseException | None = None
        try:
            reader, writer = await streams_of(connection.sock)
            try:
                await self._serve.handler(reader, writer)
            finally:
                await close_stream(writer)
        except Exception as raised:
            error = raised
        finally:
            # The end of the loop cancels the task. That is no failure, and the socket is closed in any case.
            close_object(connection.sock)
            connection.finished(error)


async def streams_of(sock: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The streams of a connected socket, in the running loop."""
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport, _ = await loop.create_unix_connection(lambda: protocol, sock=sock)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def close_stream(writer: asyncio.StreamWriter) -> None:
    """Closes a stream after all written data is sent. It is no failure if the peer is gone by then."""
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
