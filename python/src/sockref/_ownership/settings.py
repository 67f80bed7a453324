"""The settings of an owner or member, all normalised."""

from __future__ import annotations

from dataclasses import dataclass

from .._files.leftovers import ReclaimRule


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """The settings of an endpoint. Times are in seconds."""

    mode: int
    linger: float
    drain_timeout: float
    failover_timeout: float
    heal_interval: float
    reclaim: ReclaimRule
    label: str | None
    max_references: int
    max_members: int
    max_connections: int
    handler_threads: int
