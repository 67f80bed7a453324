"""Upper bounds of a manager."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .._protocol import constants
from .check import check_option, is_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A call that would exceed one fails with ERR_SOCKREF_LIMIT_EXCEEDED, which names the limit, and changes no count."""

    max_sockets: int = constants.DEFAULT_MAX_SOCKETS
    """Sockets that are active, starting or stopping here at once."""
    max_references_per_socket: int = constants.DEFAULT_MAX_REFERENCES_PER_SOCKET
    """References to one socket, of all processes."""
    max_members_per_socket: int = constants.DEFAULT_MAX_MEMBERS_PER_SOCKET
    """Other processes that share a socket owned by this process."""
    max_connections_per_socket: int = constants.DEFAULT_MAX_CONNECTIONS_PER_SOCKET
    """Open connections to a socket served by this process; further ones are closed at once."""
    max_pending_acquires: int = constants.DEFAULT_MAX_PENDING_ACQUIRES
    """Acquires that wait at once."""
    cleanup_concurrency: int = constants.DEFAULT_CLEANUP_CONCURRENCY
    """Clean-ups that begin in one turn of the event loop."""
    handler_threads: int = 64
    """Threads that run the `serve` of one socket; further connections wait until a thread is free."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check_option(f"limits.{field.name}", getattr(self, field.name), is_limit)
