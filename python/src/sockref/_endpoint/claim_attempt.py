"""One attempt of an endpoint to obtain a lease."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from .._files.identity import Identity
from .._files.place import Place
from .._ownership.claim import claim
from .._ownership.claim_request import Claim
from .._ownership.keeper_deaths import KeeperDeaths
from .._ownership.lease import Context, Lease, LeaseEvents
from .._ownership.remove_leftovers import remove_leftovers
from .._ownership.settings import OwnerSettings
from .._ownership.wait_reason import WaitReason
from .._serving.server_spec import ServerSpec


class ClaimingEndpoint(LeaseEvents, Protocol):
    """What a claim attempt needs from its endpoint, and reports to it.

    The lease that it obtains reports its own end to the endpoint.
    """

    @property
    def place(self) -> Place: ...

    @property
    def settings(self) -> OwnerSettings: ...

    @property
    def context(self) -> Context: ...

    @property
    def keeper_deaths(self) -> KeeperDeaths: ...

    @property
    def server_spec(self) -> ServerSpec | None:
        """What the endpoint can serve with at this moment."""
        ...

    @property
    def claimed_references(self) -> int:
        """The references that the claim brings with it."""
        ...

    def waits_for(self, what: WaitReason) -> None:
        """What the attempt waits for now."""
        ...

    def claimed(self, lease: Lease, attempt: ClaimAttempt) -> None:
        """The lease was obtained, in this turn."""
        ...

    def claim_failed(self, error: Exception) -> None: ...

    def claim_timed_out(self, attempt: ClaimAttempt) -> None:
        """No new owner was found in the allowed time."""
        ...


class ClaimAttempt:
    """It succeeds, fails or is abandoned, and reports only that.

    If an abandoned attempt still obtains a lease, it gives the lease up. `own`: files that this process published in
    earlier lives of the endpoint. `lost`: the lease that was lost, if a new owner is sought.
    """

    def __init__(self, endpoint: ClaimingEndpoint, own: Sequence[Identity], lost: Lease | None = None) -> None:
        self._endpoint: Final = endpoint
        self._own: Final = own
        self._failover: Final = None if lost is None else lost.peers
        self._lost_owner_pid: Final = None if lost is None else lost.owner_pid
        self._abandoned = False
        self._late_lease: asyncio.Future[None] | None = None
        """The end of a lease that was obtained too late."""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def failover(self) -> bool:
        """Whether it seeks a new owner for references that exist."""
        return self._failover is not None

    def begin(self) -> None:
        """Begins to claim. Callable once."""
        endpoint = self._endpoint
        request = Claim(
            place=endpoint.place,
            settings=endpoint.settings,
            context=endpoint.context,
            events=endpoint,
            claimant=self,
            own=self._own,
            failover=self._failover,
            keeper_deaths=endpoint.keeper_deaths,
        )
        self._task = endpoint.context.spawn(self._run(request))
        if self.failover:
            timeout = endpoint.settings.failover_timeout
            self._timer = endpoint.context.loop.call_later(timeout, endpoint.claim_timed_out, self)

    def abandon(self) -> asyncio.Future[None]:
        """Abandons the attempt.

        Done when nothing of it is left, and nothing of the lost owner, unless another process serves in its place.
        """
        self._cancel_timer()
        self._abandoned = True
        assert self._task is not None
        self._task.cancel()
        return self._endpoint.context.spawn(self._after(self._task))

    def server_spec(self) -> ServerSpec | None:
        return self._endpoint.server_spec

    def references(self) -> int:
        return self._endpoint.claimed_references

    def waits_for(self, what: WaitReason) -> None:
        self._endpoint.waits_for(what)

    def accept(self, lease: Lease) -> None:
        if self._abandoned:
            self._late_lease = lease.abandon()
            return
        self._cancel_timer()
        self._endpoint.claimed(lease, self)

    async def _run(self, request: Claim) -> None:
        try:
            await claim(request)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            if not self._abandoned:
                self._endpoint.claim_failed(error)
        if self._late_lease is not None:
            await self._late_lease

    async def _after(self, task: asyncio.Task[None]) -> None:
        try:
            await task
        except asyncio.CancelledError:
            # It had not even begun.
            pass
        if self._lost_owner_pid is not None:
            # The last of the references that outlived the owner removes what it left.
            await remove_leftovers(self._endpoint.place, self._lost_owner_pid)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
