"""The same for asyncio: handlers are coroutines, connections are streams.

    async with sockref.aio.acquire("app.sock", serve=handler) as ref:
        reader, writer = await ref.open_connection()
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from ._api import check
from ._api.connect import connect_to
from ._api.manager import SocketManager, default_manager
from ._api.options import AcquireOptions, provider_of
from ._api.reference import Handle
from ._files.close import close_object
from ._files.leftovers import ReclaimRule
from ._protocol.constants import (
    DEFAULT_CONNECT_TIMEOUT_SECONDS,
    DEFAULT_DRAIN_TIMEOUT_SECONDS,
    DEFAULT_FAILOVER_TIMEOUT_SECONDS,
    DEFAULT_SOCKET_MODE,
    DEFAULT_TIMEOUT_SECONDS,
)
from ._serving.connections import streams_of
from ._serving.server_spec import ServerCommand, StreamHandler, StreamServe

__all__ = ["SocketReference", "acquire"]


class SocketReference(Handle):
    """A counted reference to a socket, for asyncio. A reference that is dropped without `close()` is released once it is
    collected, with a `ResourceWarning`."""

    __slots__ = ()

    def clone(self) -> SocketReference:
        """Returns another reference to the same socket, at once."""
        return SocketReference(self._core, self._clone_slot())

    async def open_connection(
        self, timeout: float = DEFAULT_CONNECT_TIMEOUT_SECONDS
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connects to the socket. Waits while the owner is being replaced, for at most so many seconds."""
        check.check_option("timeout", timeout, check.is_timeout)
        state = self._state
        if not state.active:
            raise state.endpoint.closed_error(state.open)
        sock = await self._core.background.bring(lambda: connect_to(state, timeout), close_object)
        try:
            return await streams_of(sock)
        except BaseException:
            close_object(sock)
            raise

    async def close(self) -> None:
        """Releases it; idempotent. Waits until the release is done: for the last reference in any process, until every file
        is removed. It does not wait for a socket that lingers. Cancelling the wait does not undo the release."""
        if self._is_over():
            return
        core, state = self._core, self._state
        await asyncio.shield(asyncio.wrap_future(core.background.submit(lambda: core.close(state), cancellable=False)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.close()


class Acquiring:
    """An acquire that has not begun: `async with` it, or `await` it."""

    def __init__(self, manager: SocketManager, path: str | None, options: AcquireOptions) -> None:
        self._manager: Final = manager
        self._path: Final = path
        self._options: Final = options
        self._reference: SocketReference | None = None

    def __await__(self) -> Generator[Any, Any, SocketReference]:
        return self._acquire().__await__()

    async def __aenter__(self) -> SocketReference:
        self._reference = await self._acquire()
        return self._reference

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._reference is not None:
            await self._reference.close()

    async def _acquire(self) -> SocketReference:
        core, location, trace = self._manager.prepare(self._path, self._options)
        options = self._options
        state = await core.background.bring(
            lambda: core.acquire(location, options, trace, self._path is None),
            lambda state: core.background.soon(lambda: state.endpoint.release(state)),
        )
        return SocketReference(core, state)


def acquire(
    path: str | None = None,
    *,
    serve: StreamHandler | None = None,
    server: Sequence[str] | ServerCommand | None = None,
    mode: int = DEFAULT_SOCKET_MODE,
    linger: float = 0.0,
    drain_timeout: float = DEFAULT_DRAIN_TIMEOUT_SECONDS,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    failover_timeout: float = DEFAULT_FAILOVER_TIMEOUT_SECONDS,
    reclaim: ReclaimRule = "recorded",
    label: str | None = None,
    manager: SocketManager | None = None,
) -> Acquiring:
    """A reference to the socket at a path, for `async with` or `await`; see `SocketManager.acquire`.

    `serve` is a coroutine function that gets `(reader, writer)` of each connection, in the event loop that runs now; the
    connection is closed when it returns. Cancelling the acquire undoes it.
    """
    stream = None if serve is None else StreamServe(serve, asyncio.get_running_loop())
    options = AcquireOptions(provider_of(stream, server), timeout, mode, linger, drain_timeout, failover_timeout, reclaim, label)
    return Acquiring(manager or default_manager(), path, options)
