"""Reference-counted Unix domain sockets.

The first reference to a socket starts its server. All other references share it, in this process or another one, in Python
or Node. The last reference stops the server and removes every file.

    import sockref

    with sockref.acquire("app.sock", serve=handler) as ref:
        connection = ref.connect()
"""

from __future__ import annotations

from . import aio
from ._api.events import Event, EventKind, Listener
from ._api.info import HolderInfo, ServerInfo, SocketInfo
from ._api.limits import Limits
from ._api.manager import SocketManager, default_manager
from ._api.module import acquire
from ._api.reference import SocketReference
from ._api.stats import ManagerStats
from ._files.leftovers import ReclaimRule
from ._serving.connections import ConnectionStats
from ._serving.server_spec import ConnectionHandler, ServerCommand, StreamHandler
from .error_codes import ErrorCode
from .errors import SocketReferenceError

__all__ = [
    "ConnectionHandler",
    "ConnectionStats",
    "ErrorCode",
    "Event",
    "EventKind",
    "HolderInfo",
    "Limits",
    "Listener",
    "ManagerStats",
    "ReclaimRule",
    "ServerCommand",
    "ServerInfo",
    "SocketInfo",
    "SocketManager",
    "SocketReference",
    "SocketReferenceError",
    "StreamHandler",
    "acquire",
    "aio",
    "default_manager",
]
