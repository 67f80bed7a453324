"""The state of an endpoint."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from .._control.futures import done_future
from .._ownership.lease import Cause, Lease, Role
from .claim_attempt import ClaimAttempt


@dataclass(frozen=True, slots=True)
class Claiming:
    """No reference exists here yet; acquires wait."""

    attempt: ClaimAttempt


@dataclass(frozen=True, slots=True)
class Active:
    """References count."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Recovering:
    """The owner is gone, the references are kept, and a new owner is sought."""

    attempt: ClaimAttempt
    cause: Cause


@dataclass(frozen=True, slots=True)
class Stopping:
    """No reference can be given out any more. `done`: everything is removed."""

    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over."""


State = Claiming | Active | Recovering | Stopping | Ended


class EndpointLife:
    """From claiming to active, then any number of times to recovering and back, at last to stopping and ended.

    Once it is stopping no reference is given out again: the next acquire makes another endpoint (I3).
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, attempt: ClaimAttempt) -> None:
        self._loop: Final = loop
        self._state: State = Claiming(attempt)
        self._role: Role = "member"
        self._changed: asyncio.Future[None] = loop.create_future()

    @property
    def state(self) -> State:
        return self._state

    @property
    def role(self) -> Role:
        """Its current or last role: the events of its end name it, too."""
        return self._role

    @property
    def live(self) -> bool:
        return isinstance(self._state, (Active, Recovering))

    @property
    def lease(self) -> Lease | None:
        state = self._state
        return state.lease if isinstance(state, Active) else None

    @property
    def attempt(self) -> ClaimAttempt | None:
        """The claim in progress."""
        state = self._state
        return state.attempt if isinstance(state, (Claiming, Recovering)) else None

    @property
    def ending(self) -> asyncio.Future[None] | None:
        """Done when it is over; None until it stops."""
        state = self._state
        if isinstance(state, Stopping):
            return state.done
        return done_future(self._loop) if isinstance(state, Ended) else None

    @property
    def changed(self) -> asyncio.Future[None]:
        """Done when it becomes active, stops or ends."""
        return self._changed

    def activate(self, lease: Lease) -> None:
        self._role = lease.role
        self._enter(Active(lease))

    def recover(self, attempt: ClaimAttempt, cause: Cause) -> None:
        """Callers that wait for a change keep waiting, because they cannot connect yet."""
        self._role = "member"
        self._state = Recovering(attempt, cause)

    def stop(self, done: asyncio.Future[None]) -> None:
        self._enter(Stopping(done))

    def end(self) -> None:
        self._enter(Ended())

    def _enter(self, following: State) -> None:
        self._state = following
        changed, self._changed = self._changed, self._loop.create_future()
        changed.set_result(None)
