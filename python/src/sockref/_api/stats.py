"""What a manager has now, and what it has done since it was made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .._endpoint.clean_ups import CleanUps
from .._endpoint.endpoint import Endpoint
from .._ownership.owner import Owner
from .._serving.connections import ConnectionStats
from .events import EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagerStats:
    """The first fields say what there is now; the others count events since the manager was made."""

    active_sockets: int
    references: int
    pending_acquires: int
    running_cleanups: int
    queued_cleanups: int
    connections: ConnectionStats
    started: int
    stopped: int
    acquired: int
    released: int
    failovers: int
    lost: int
    healed: int
    reclaimed: int
    leaked: int
    faults: int


def snapshot(
    counters: Counter[EventKind], endpoints: Iterable[Endpoint], pending: int, queue: CleanUps
) -> ManagerStats:
    """The current numbers."""
    active = references = 0
    connections = ConnectionStats()
    for endpoint in endpoints:
        active += endpoint.live
        references += endpoint.own_references
        lease = endpoint.lease
        if isinstance(lease, Owner):
            connections.open += lease.connections.open
            connections.accepted += lease.connections.accepted
            connections.dropped += lease.connections.dropped
            connections.failed += lease.connections.failed
    return ManagerStats(
        active_sockets=active,
        references=references,
        pending_acquires=pending,
        running_cleanups=queue.running,
        queued_cleanups=queue.queued,
        connections=connections,
        started=counters["started"],
        stopped=counters["stopped"],
        acquired=counters["acquired"],
        released=counters["released"],
        failovers=counters["failover"],
        lost=counters["lost"],
        healed=counters["healed"],
        reclaimed=counters["reclaimed"],
        leaked=counters["leak"],
        faults=counters["fault"],
    )
