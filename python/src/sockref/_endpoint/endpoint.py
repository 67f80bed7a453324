"""One socket in this manager: its counted references, the acquires that wait for one, and the lease that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from .._control.futures import done_future, outcome, when_done
from .._files.identity import Identity
from .._files.place import Place
from .._ownership.keeper_deaths import KeeperDeaths
from .._ownership.lease import Cause, Context, Lease, Role
from .._ownership.settings import OwnerSettings
from .._ownership.wait_reason import WaitReason
from .._processes.generation import generation
from .._protocol.json_text import MAX_SAFE_INTEGER
from .._serving.server_spec import ServerSpec
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .claim_attempt import ClaimAttempt
from .endpoint_life import Active, EndpointLife, Recovering, State, Stopping
from .host import EndpointHost
from .reasons import cleaned_up_by_force, closed_by_user, owner_lost, too_many_references
from .reference_state import ReferenceState
from .references import References
from .waiter import Result, WaiterOptions
from .waiters import Waiters

_PREVIOUS_TO_STOP = WaitReason("the previous server to stop")


class Endpoint:
    """It goes from claiming to ended once; the next acquire makes another.

    Only the background thread changes it. Other threads read `live`, `references`, `role` and `closed_error`, each in one
    step.
    """

    def __init__(self, place: Place, settings: OwnerSettings, server_spec: ServerSpec | None, host: EndpointHost) -> None:
        self.place: Final = place
        self.settings: Final = settings
        self.context: Final[Context] = host.context
        self.keeper_deaths: Final = KeeperDeaths()
        self._generation: Final = generation()
        self._host: Final = host
        self._loop: Final = host.context.loop
        self.server_spec = server_spec
        self._waiters: Final = Waiters(self)
        self._references: Final = References()
        self._wait_reason = WaitReason("the socket to start")
        self._own: Sequence[Identity] = ()
        """Files that this process published under owners that were lost."""
        attempt = ClaimAttempt(self, self._own)
        self._life: Final = EndpointLife(self._loop, attempt)
        attempt.begin()

    @property
    def inherited(self) -> bool:
        """Whether it belongs to a process from which this one was forked."""
        return self._generation != generation()

    @property
    def live(self) -> bool:
        """Whether references to it count: also while a new owner is sought."""
        if self.inherited or self._host.process_ended:
            return False
        return self._life.live

    @property
    def state(self) -> State:
        return self._life.state

    @property
    def role(self) -> Role:
        """The role that it has, or had last."""
        return self._life.role

    @property
    def lease(self) -> Lease | None:
        return self._life.lease

    @property
    def references(self) -> int:
        """References of all processes, as far as this process knows."""
        state = self._life.state
        if isinstance(state, Active):
            return self._references.count + state.lease.others
        return self._references.count if isinstance(state, Recovering) else 0

    @property
    def own_references(self) -> int:
        """References of this manager."""
        return self._references.count if self.live else 0

    @property
    def changed(self) -> asyncio.Future[None]:
        """Done when clients can connect to the socket, or never can again."""
        return self._life.changed

    @property
    def claimed_references(self) -> int:
        """All waiters count as one reference here; the limit applies when each gets its own."""
        return max(1, self._references.count)

    @property
    def full(self) -> SocketReferenceError | None:
        """The error if no further reference can be given out."""
        maximum = min(self._host.max_references, self.lease.max_references if self.lease else MAX_SAFE_INTEGER)
        return None if self.references < maximum else too_many_references(self.place.path, maximum)

    @property
    def wait_reason(self) -> WaitReason:
        return _PREVIOUS_TO_STOP if isinstance(self._life.state, Stopping) else self._wait_reason

    async def wait(self, options: WaiterOptions, server_spec: ServerSpec | None) -> Result:
        """Waits for a reference. If the endpoint is ending, waits for its end."""
        self.offer(server_spec)
        return await self._waiters.wait(options)

    def offer(self, server_spec: ServerSpec | None) -> None:
        """Gives it something to serve with, if it has nothing yet and must take over."""
        if self.server_spec is None:
            self.server_spec = server_spec

    def share(self, trace: str | None) -> ReferenceState:
        """Gives out one more reference at once (I5). Only while it is live."""
        full = self.full
        if full:
            raise full
        reference = self.grant(trace)
        self._update()
        return reference

    def grant(self, trace: str | None) -> ReferenceState:
        self._references.add()
        reference = ReferenceState(self, trace)
        self._host.told("acquired", self)
        return reference

    def release(self, reference: ReferenceState) -> asyncio.Future[None]:
        """Releases one reference. If it was the last one, the future is that of the endpoint's end."""
        if not reference.open:
            return reference.closing or done_future(self._loop)
        reference.close()
        if not self.live:
            return self._life.ending or done_future(self._loop)
        self._references.remove()
        self._update()
        self._host.told("released", self)
        self._end_if_unused()
        settling = self.lease.settling if self.lease else None
        reference.closing = self._life.ending or settling or done_future(self._loop)
        return reference.closing

    def collected(self, reference: ReferenceState) -> None:
        """The handle of a reference was collected. No caller waits for the end, so its failure is reported as a fault."""
        if self.inherited or not reference.active:
            return
        self._host.told("leak", self, trace=reference.trace)
        self.release(reference).add_done_callback(outcome)

    def force(self) -> asyncio.Future[None]:
        """Ends it at once, even if it has references here. Other processes that share the socket continue without this one."""
        attempt, lease = self._life.attempt, self.lease
        if attempt is None and lease is None:
            return self._life.ending or done_future(self._loop)
        reason = cleaned_up_by_force(self.place.path)
        self._references.end(reason)
        if lease is not None:
            done = lease.abandon()
            return self._life.ending or done
        self._waiters.reject_all(reason)
        self._abandon_attempt()
        return self._life.ending or done_future(self._loop)

    def closed_error(self, is_open: bool) -> SocketReferenceError:
        """The error for using an ended reference."""
        path, inherited, process_ended = self.place.path, self.inherited, self._host.process_ended
        return self._references.closed_error(path, inherited, process_ended) if is_open else closed_by_user(path)

    # What the waiters and the claim attempt report.

    def gave_up(self) -> None:
        self._end_if_unused()

    def waits_for(self, what: WaitReason) -> None:
        self._wait_reason = what

    def claimed(self, lease: Lease, attempt: ClaimAttempt) -> None:
        self._life.activate(lease)
        if lease.role == "owner":
            self._host.told("started", self)
        if attempt.failover:
            self._host.told("failover", self)
        self._waiters.grant()
        self._update()

    def claim_failed(self, error: Exception) -> None:
        failure = system_error(error, self.place.path, f"acquire {self.place.path}")
        self._waiters.claim_failed(failure)
        if not isinstance(self._life.state, Recovering):
            self._end()
            return
        # The server could not be started again: the references have nothing to wait for.
        self._references.end(failure)
        self._abandon_attempt()
        self._host.told("lost", self, reason=failure)

    def claim_timed_out(self, attempt: ClaimAttempt) -> None:
        state = self._life.state
        if not isinstance(state, Recovering) or state.attempt is not attempt:
            return
        timeout = self.settings.failover_timeout
        reason = owner_lost(self.place.path, state.cause, timeout, self._wait_reason.waiting_for)
        self._references.end(reason)
        self._abandon_attempt()
        self._host.told("lost", self, reason=reason)

    # What the lease reports.

    def stopping(self, done: asyncio.Future[None]) -> None:
        lease = self.lease
        self._stop(done, served=lease is not None and lease.role == "owner")

    def lost(self, cause: Cause) -> None:
        lease = self.lease
        if lease is None:
            return
        self._own = (*self._own, *lease.published)
        self.keeper_deaths.owner_lost(self._loop.time())
        attempt = ClaimAttempt(self, self._own, lease)
        if lease.role == "owner":
            self._host.told("stopped", self)
        self._wait_reason = WaitReason("a new owner")
        self._life.recover(attempt, cause)
        attempt.begin()
        self._end_if_unused()

    def ended(self, reason: SocketReferenceError) -> None:
        lease = self.lease
        if lease is None:
            # It has no references yet, and the next claim finds the reason.
            return
        self._references.end(reason)
        if lease.role == "member":
            self._end()
        self._host.told("lost", self, reason=reason)

    def _update(self) -> None:
        lease = self.lease
        if lease is not None:
            lease.update(self._references.count + self._waiters.count)

    def _end_if_unused(self) -> None:
        """While there is no lease that says when it ends, it ends when neither a reference nor a waiter is left."""
        if self._references.count == 0 and self._waiters.count == 0:
            self._abandon_attempt()

    def _abandon_attempt(self) -> None:
        attempt = self._life.attempt
        if attempt is not None:
            self._stop(attempt.abandon(), served=False)

    def _stop(self, done: asyncio.Future[None], served: bool) -> None:
        if self._life.ending is not None:
            return
        ended: asyncio.Future[None] = self._loop.create_future()

        def over(error: BaseException | None) -> None:
            try:
                if served:
                    self._host.told("stopped", self)
                self._end()
            except Exception as late:
                # Its waiters must not wait for ever.
                error = error or late
            if error is None:
                ended.set_result(None)
                return
            error = system_error(error, self.place.path, f"end the references to {self.place.path}")
            ended.set_exception(error)
            # Callers that wait for it get the error too; without one it is reported here.
            ended.exception()
            self._host.hooks.fault(self.place.path, error)

        self._life.stop(ended)
        when_done(done, over)

    def _end(self) -> None:
        self._life.end()
        try:
            self._host.gone(self)
        finally:
            self._waiters.start_over()
