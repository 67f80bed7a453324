"""Upper bounds of a manager."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .check import check_option, is_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Meeting one is an ERR_SOCKREF_LIMIT_EXCEEDED that names it, and changes no count."""

    max_sockets: int = 1_024
    """Sockets that are active, starting or stopping here at once."""
    max_references_per_socket: int = 65_536
    """References to one socket, everywhere."""
    max_members_per_socket: int = 1_024
    """Other processes that share a socket owned here."""
    max_connections_per_socket: int = 4_096
    """Connections to a socket served here; more are closed at once."""
    max_pending_acquires: int = 4_096
    """Acquires that wait at once."""
    cleanup_concurrency: int = 16
    """Clean-ups that are begun in one turn of the event loop."""
    handler_threads: int = 64
    """Threads that run the `serve` of one socket; connections beyond wait until one is free."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check_option(f"limits.{field.name}", getattr(self, field.name), is_limit)
