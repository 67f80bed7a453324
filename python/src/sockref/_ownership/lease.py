"""A process's stake in an endpoint: as its owner, or as a member that is attached to the owner."""

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
    """Those who hold an endpoint besides its owner; the references of `dependents` are lost without one."""

    members: int = 0
    dependents: int = 0


class Lease(Protocol):
    """What an endpoint has of an owner or member."""

    @property
    def role(self) -> Role: ...

    @property
    def owner_pid(self) -> int: ...

    @property
    def others(self) -> int:
        """Live references elsewhere, as far as it is known here."""
        ...

    @property
    def peers(self) -> Peers:
        """Who else would seek a new owner, as far as it is known here."""
        ...

    @property
    def max_references(self) -> int:
        """How many references the owner allows in all."""
        ...

    @property
    def published(self) -> Sequence[Identity]:
        """Files that this process published, for the next claim to recognise."""
        ...

    @property
    def settling(self) -> asyncio.Future[None] | None:
        """When it is known whether the last release ends the endpoint; None if nothing is to be waited for."""
        ...

    def update(self, references: int) -> None:
        """The number of references here has changed. May call `LeaseEvents.stopping` before it returns."""
        ...

    def abandon(self) -> asyncio.Future[None]:
        """Gives the stake up whatever the counts are; takes effect at once."""
        ...

    def heal(self) -> None:
        """Looks after the files now, if it is the owner."""
        ...


class LeaseEvents(Protocol):
    """What a lease tells the endpoint that holds it."""

    def stopping(self, done: asyncio.Future[None]) -> None:
        """It has begun to end, and no reference can be given out any more; `done` when every file is gone."""
        ...

    def lost(self, cause: Cause) -> None:
        """It ended against the will of its holder. The references can go on with another one."""
        ...

    def ended(self, reason: SocketReferenceError) -> None:
        """Someone ended the endpoint by force, for everybody."""
        ...


class Hooks(Protocol):
    """What happens below the endpoints and is worth telling."""

    def reclaimed(self, path: str, pid: int | None, names: Sequence[str]) -> None: ...

    def healed(self, path: str, names: Sequence[str]) -> None: ...

    def fault(self, path: str, error: BaseException) -> None:
        """Something failed that no call is waiting for."""
        ...

    def clean_up(self, work: Callable[[], None]) -> Awaitable[None]:
        """Runs the work of a clean-up, a bounded number in one turn of the loop."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the layers below the endpoints are given by the manager."""

    loop: asyncio.AbstractEventLoop
    hooks: Hooks
    spawn: Callable[[Any], asyncio.Task[Any]]
