"""`sockref.acquire`."""

from __future__ import annotations

from collections.abc import Sequence

from .._files.leftovers import ReclaimRule
from .._protocol.constants import (
    DEFAULT_DRAIN_TIMEOUT_SECONDS,
    DEFAULT_FAILOVER_TIMEOUT_SECONDS,
    DEFAULT_SOCKET_MODE,
    DEFAULT_TIMEOUT_SECONDS,
)
from .._serving.server_spec import ConnectionHandler, ServerCommand
from .manager import default_manager
from .reference import SocketReference


def acquire(
    path: str | None = None,
    *,
    serve: ConnectionHandler | None = None,
    server: Sequence[str] | ServerCommand | None = None,
    mode: int = DEFAULT_SOCKET_MODE,
    linger: float = 0.0,
    drain_timeout: float = DEFAULT_DRAIN_TIMEOUT_SECONDS,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    failover_timeout: float = DEFAULT_FAILOVER_TIMEOUT_SECONDS,
    reclaim: ReclaimRule = "recorded",
    label: str | None = None,
) -> SocketReference:
    """A reference on the default manager of this process; see `SocketManager.acquire`.

        with sockref.acquire("hello.sock", serve=lambda connection: connection.sendall(b"hello")) as ref:
            print(ref.connect().recv(100))
    """
    return default_manager().acquire(
        path,
        serve=serve,
        server=server,
        mode=mode,
        linger=linger,
        drain_timeout=drain_timeout,
        timeout=timeout,
        failover_timeout=failover_timeout,
        reclaim=reclaim,
        label=label,
    )
