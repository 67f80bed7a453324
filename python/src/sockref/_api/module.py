"""`sockref.acquire`."""

from __future__ import annotations

from collections.abc import Sequence

from .._files.reclaim import ReclaimRule
from .._sharing.command import ServerCommand
from .._sharing.serving import ConnectionHandler
from .manager import default_manager
from .options import DEFAULT_DRAIN_TIMEOUT, DEFAULT_FAILOVER_TIMEOUT, DEFAULT_MODE, DEFAULT_TIMEOUT
from .reference import SocketReference


def acquire(
    path: str | None = None,
    *,
    serve: ConnectionHandler | None = None,
    server: Sequence[str] | ServerCommand | None = None,
    mode: int = DEFAULT_MODE,
    linger: float = 0.0,
    drain_timeout: float = DEFAULT_DRAIN_TIMEOUT,
    timeout: float = DEFAULT_TIMEOUT,
    failover_timeout: float = DEFAULT_FAILOVER_TIMEOUT,
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
