"""The lease of an endpoint: what a process has as its owner, or as a member that is attached to its owner."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .._files.identity import Identity
from ..errors import SocketReferenceError

Role = Literal["owner", "member"]
Cause = Literal["owner-died", "deposed"]


@dataclass(frozen=True, slots=True)
class Peers:
    """The holders of an endpoint besides its owner. `dependents` cannot serve: without an owner they lose their references."""

    members: int = 0
    dependents: int = 0


class Lease(Protocol):
    """What an endpoint holds while it is served."""

    @property
    def role(self) -> Role: ...

    @property
    def owner_pid(self) -> int: ...

    @property
    def others(self) -> int:
        """Live references elsewhere, as far as this process knows."""
        ...

    @property
    def peers(self) -> Peers:
        """The other holders, which would also seek a new owner, as far as this process knows."""
        ...

    @property
    def max_references(self) -> int:
        """How many references the owner allows in total."""
        ...

    @property
    def published(self) -> Sequence[Identity]:
        """Files that this process published; its next claim recognises them."""
        ...

    @property
    def settling(self) -> asyncio.Future[None] | None:
        """Done when it is known whether the last release ends the endpoint; None if there is nothing to wait for."""
        ...

    def update(self, references: int) -> None:
        """The number of references here changed. May call `LeaseEvents.stopping` before it returns."""
        ...

    def abandon(self) -> asyncio.Future[None]:
        """Gives up the lease at once, even if there are references."""
        ...

    def repair(self) -> None:
        """Checks and repairs the files now, if this is the owner; else asks the owner to."""
        ...


class LeaseEvents(Protocol):
    """What a lease tells its endpoint."""

    def stopping(self, done: asyncio.Future[None]) -> None:
        """The endpoint has begun to end, and no reference can be given out any more. `done`: every file is removed."""
        ...

    def lost(self, cause: Cause) -> None:
        """The lease ended: the owner died, or was deposed. The references can continue with another owner."""
        ...

    def ended(self, reason: SocketReferenceError) -> None:
        """Another process ended the endpoint by force, for all its holders."""
        ...


class Hooks(Protocol):
    """Reports what happens below the endpoints while no call waits for it."""

    def reclaimed(self, path: str, pid: int | None, names: Sequence[str]) -> None: ...

    def healed(self, path: str, names: Sequence[str]) -> None: ...

    def fault(self, path: str, error: BaseException) -> None:
        """An operation failed for which no call waits."""
        ...

    def clean_up(self, work: Callable[[], None]) -> Awaitable[None]:
        """Runs the work of a clean-up. The number that begins in one turn of the loop is limited."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the manager provides to the layers below it."""

    loop: asyncio.AbstractEventLoop
    hooks: Hooks
    spawn: Callable[[Any], asyncio.Task[Any]]
