"""A claim on an endpoint, and what it needs from the endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .._files.identity import Identity
from .._files.place import Place
from .._serving.server_spec import ServerSpec
from .keeper_deaths import KeeperDeaths
from .lease import Context, Lease, LeaseEvents, Peers
from .settings import OwnerSettings
from .wait_reason import WaitReason


class Claimant(Protocol):
    """What a claim needs from its endpoint."""

    def server_spec(self) -> ServerSpec | None:
        """What to serve with; None for a claim that can only join. Called at each attempt."""
        ...

    def references(self) -> int:
        """References here, including pending acquires; at least 1."""
        ...

    def waits_for(self, what: WaitReason) -> None: ...

    def accept(self, lease: Lease) -> None:
        """Called in the turn in which the claim gets its lease."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim needs.

    `own` are files that this process published in an earlier life of this endpoint. `failover` is set when the owner was
    lost: the holders at that moment. They wait for a successor, even if they cannot serve.
    """

    place: Place
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    claimant: Claimant
    own: Sequence[Identity]
    failover: Peers | None
    keeper_deaths: KeeperDeaths
