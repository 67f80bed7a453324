"""One socket in this manager: its counted references, the acquires that wait for one, and the lease that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from .._control.futures import done_future, outcome, when_done
from .._files.identity import Identity
from .._files.place import Place
from .._ownership.claim import Claim, WaitReason, claim
from .._ownership.keeper_deaths import KeeperDeaths
from .._ownership.lease import Cause, Context, Hooks, Lease, Peers, Role
from .._ownership.remove_leftovers import remove_leftovers
from .._ownership.settings import OwnerSettings
from .._processes.generation import generation
from .._serving.server_spec import ServerSpec
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .reasons import (
    belongs_to_parent,
    cleaned_up_by_force,
    closed_by_user,
    owner_lost,
    process_ends,
    too_many_references,
)
from .reference_state import ReferenceState
from .waiter import Result, Waiter, WaiterOptions

_MAX_SAFE = 2**53 - 1

EndpointEvent = Literal["started", "stopped", "acquired", "released", "failover", "lost", "leak"]


class EndpointHost(Protocol):
    """What an endpoint needs from its manager."""

    @property
    def context(self) -> Context: ...

    @property
    def hooks(self) -> Hooks: ...

    @property
    def max_references(self) -> int: ...

    @property
    def process_ended(self) -> bool: ...

    def told(self, name: EndpointEvent, endpoint: Endpoint, **more: Any) -> None:
        """An event of the endpoint."""
        ...

    def gone(self, endpoint: Endpoint) -> None:
        """The endpoint is over. The next acquire of its path needs a new one."""
        ...


class _Attempt:
    """A claim in progress. `settled`: it is over, and a lease that came too late is given up."""

    def __init__(self) -> None:
        self.aborted = False
        self.abandoned: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None


@dataclass(frozen=True, slots=True)
class Claiming:
    """No reference exists here yet; acquires wait."""

    attempt: _Attempt


@dataclass(frozen=True, slots=True)
class Active:
    """References count."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class Recovering:
    """The owner is gone, the references are kept, and a new owner is sought."""

    attempt: _Attempt
    timer: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class Stopping:
    """No reference can be given out any more. `done`: everything is removed."""

    done: asyncio.Future[None]


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over."""


State = Claiming | Active | Recovering | Stopping | Ended

_PREVIOUS_TO_STOP = WaitReason("the previous server to stop")


class Endpoint:
    """It goes from claiming to ended once; the next acquire makes another.

    Only the background thread changes it. Other threads read `live`, `references`, `role` and `closed_error`, each in one
    step.
    """

    def __init__(self, place: Place, settings: OwnerSettings, server_spec: ServerSpec | None, host: EndpointHost) -> None:
        self.place: Final = place
        self._generation: Final = generation()
        self._host: Final = host
        self._settings: Final = settings
        self._server_spec = server_spec
        self._loop: Final = host.context.loop
        self._waiters: dict[Waiter, None] = {}
        self._references = 0
        self._role: Role = "member"
        self._lost_owner_pid = 0
        self._reason: SocketReferenceError | None = None
        self._wait_reason = WaitReason("the socket to start")
        self._own: Sequence[Identity] = ()
        self._keeper_deaths: Final = KeeperDeaths()
        # Wakes the callers that wait for an active socket, when the state changes.
        self._changed: asyncio.Future[None] = self._loop.create_future()
        self._state: State = Claiming(self._claim(None))

    @property
    def inherited(self) -> bool:
        """Whether it belongs to a process from which this one was forked."""
        return self._generation != generation()

    @property
    def live(self) -> bool:
        """Whether references to it count: also while a new owner is sought."""
        if self.inherited or self._host.process_ended:
            return False
        return isinstance(self._state, (Active, Recovering))

    @property
    def state(self) -> State:
        return self._state

    @property
    def role(self) -> Role:
        """The role that it has, or had last."""
        return self._role

    @property
    def lease(self) -> Lease | None:
        state = self._state
        return state.lease if isinstance(state, Active) else None

    @property
    def references(self) -> int:
        """References of all processes, as far as this process knows."""
        state = self._state
        if isinstance(state, Active):
            return self._references + state.lease.others
        return self._references if isinstance(state, Recovering) else 0

    @property
    def own_references(self) -> int:
        """References of this manager."""
        return self._references if self.live else 0

    @property
    def ending(self) -> asyncio.Future[None] | None:
        """Done when it is over; None until it begins to end."""
        state = self._state
        if isinstance(state, Stopping):
            return state.done
        return done_future(self._loop) if isinstance(state, Ended) else None

    @property
    def changed(self) -> asyncio.Future[None]:
        """Done when clients can connect to the socket, or never can again."""
        return self._changed

    async def wait(self, options: WaiterOptions, server_spec: ServerSpec | None) -> Result:
        """Waits for a reference. If the endpoint is ending, waits for its end."""
        self.offer(server_spec)
        waiter = Waiter(self.place.path, options, self._loop, self._current_obstacle, self._given_up)
        self._waiters[waiter] = None
        try:
            return await waiter.outcome
        except asyncio.CancelledError:
            if waiter.outcome.done() and not waiter.outcome.cancelled() and waiter.outcome.exception() is None:
                # It was granted in the turn in which its caller gave up.
                reference = waiter.outcome.result()
                if isinstance(reference, ReferenceState):
                    self.release(reference)
            else:
                waiter.resolve("start-over")
                self._given_up(waiter)
            raise

    def offer(self, server_spec: ServerSpec | None) -> None:
        """Gives it something to serve with, if it has nothing yet and must take over."""
        if self._server_spec is None:
            self._server_spec = server_spec

    def share(self, trace: str | None) -> ReferenceState:
        """Gives out one more reference at once (I5). Only while it is live."""
        full = self._limit_met()
        if full:
            raise full
        reference = self._grant(trace)
        self._update()
        return reference

    def release(self, reference: ReferenceState) -> asyncio.Future[None]:
        """Releases one reference. If it was the last one, the future is that of the endpoint's end."""
        if not reference.open:
            return reference.closing or done_future(self._loop)
        reference.close()
        if not self.live:
            return self.ending or done_future(self._loop)
        self._references -= 1
        self._update()
        self._host.told("released", self)
        self._end_if_unused()
        settling = self.lease.settling if self.lease else None
        reference.closing = self.ending or settling or done_future(self._loop)
        return reference.closing

    def collected(self, reference: ReferenceState) -> None:
        """The handle of a reference was collected. No caller waits for the end, so its failure is reported as a fault."""
        if self.inherited or not reference.active:
            return
        self._host.told("leak", self, trace=reference.trace)
        self.release(reference).add_done_callback(outcome)

    def force(self) -> asyncio.Future[None]:
        """Ends it at once, even if it has references here. Other processes that share the socket continue without this one."""
        reason = cleaned_up_by_force(self.place.path)
        state = self._state
        match state:
            case Active(lease):
                self._reason = reason
                done = lease.abandon()
                return self.ending or done
            case Claiming(attempt) | Recovering(attempt):
                self._reason = reason
                waiters, self._waiters = self._waiters, {}
                for waiter in waiters:
                    waiter.reject(reason)
                self._abandon_attempt(attempt)
                return self.ending or done_future(self._loop)
            case Stopping(done):
                return done
            case Ended():
                return done_future(self._loop)

    def closed_error(self, is_open: bool) -> SocketReferenceError:
        """The error for using an ended reference."""
        path = self.place.path
        if is_open and self.inherited:
            return belongs_to_parent(path)
        if is_open and self._reason:
            return self._reason.again()
        return process_ends(path) if is_open and self._host.process_ended else closed_by_user(path)

    # What the claim needs.

    def server_spec(self) -> ServerSpec | None:
        return self._server_spec

    def claimed_references(self) -> int:
        # All waiters count as one reference here; the limit applies when each gets its own.
        return max(1, self._references)

    def waits_for(self, what: WaitReason) -> None:
        self._wait_reason = what

    def accept(self, lease: Lease, attempt: _Attempt, failover: bool) -> None:
        if attempt.aborted:
            attempt.abandoned = lease.abandon()
            return
        if isinstance(self._state, Recovering):
            self._state.timer.cancel()
        self._role = lease.role
        self._state = Active(lease)
        if lease.role == "owner":
            self._host.told("started", self)
        if failover:
            self._host.told("failover", self)
        # A waiter counts until its turn, so that the socket does not end before.
        while self._waiters:
            waiter = next(iter(self._waiters))
            full = self._limit_met()
            del self._waiters[waiter]
            if full:
                waiter.reject(full)
            elif not waiter.outcome.done():
                waiter.resolve(self._grant(waiter.options.trace))
        self._update()
        if self.lease is lease:
            self._tell_changed()

    # What the lease reports.

    def stopping(self, done: asyncio.Future[None]) -> None:
        lease = self.lease
        self._stop(done, served=lease is not None and lease.role == "owner")

    def lost(self, cause: Cause) -> None:
        if not isinstance(self._state, Active):
            return
        lease = self._state.lease
        peers = lease.peers
        self._lost_owner_pid = lease.owner_pid
        self._own = (*self._own, *lease.published)
        self._keeper_deaths.owner_lost(self._loop.time())
        if lease.role == "owner":
            self._host.told("stopped", self)
        self._role = "member"
        self._wait_reason = WaitReason("a new owner")
        attempt = self._claim(peers)
        timer = self._loop.call_later(self._settings.failover_timeout, self._give_up, attempt, cause)
        self._state = Recovering(attempt, timer)
        self._end_if_unused()

    def ended(self, reason: SocketReferenceError) -> None:
        lease = self.lease
        if lease is None:
            # It has no references yet, and the next claim finds the reason.
            return
        self._reason = reason
        if lease.role == "member":
            self._end()
        self._host.told("lost", self, reason=reason)

    def _current_obstacle(self) -> WaitReason:
        return _PREVIOUS_TO_STOP if isinstance(self._state, Stopping) else self._wait_reason

    def _given_up(self, waiter: Waiter) -> None:
        self._waiters.pop(waiter, None)
        self._end_if_unused()

    def _grant(self, trace: str | None) -> ReferenceState:
        self._references += 1
        reference = ReferenceState(self, trace)
        self._host.told("acquired", self)
        return reference

    def _limit_met(self) -> SocketReferenceError | None:
        maximum = min(self._host.max_references, self.lease.max_references if self.lease else _MAX_SAFE)
        return None if self.references < maximum else too_many_references(self.place.path, maximum)

    def _update(self) -> None:
        if isinstance(self._state, Active):
            self._state.lease.update(self._references + len(self._waiters))

    def _claim(self, failover: Peers | None) -> _Attempt:
        attempt = _Attempt()
        request = Claim(
            place=self.place,
            settings=self._settings,
            context=self._host.context,
            events=self,
            claimant=_Claimant(self, attempt, failover is not None),
            own=self._own,
            failover=failover,
            keeper_deaths=self._keeper_deaths,
        )
        attempt.task = self._host.context.spawn(self._run_claim(request, attempt))
        return attempt

    async def _run_claim(self, request: Claim, attempt: _Attempt) -> None:
        try:
            await claim(request)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            if not attempt.aborted:
                self._claim_failed(error)
        if attempt.abandoned is not None:
            await attempt.abandoned

    def _claim_failed(self, cause: Exception) -> None:
        error = system_error(cause, self.place.path, f"acquire {self.place.path}")
        waiters, self._waiters = self._waiters, {}
        for waiter in waiters:
            # A waiter that can serve came while the claim failed because none could.
            if waiter.options.can_serve and _is_not_served(error):
                waiter.resolve("start-over")
            else:
                waiter.reject(error)
        if isinstance(self._state, Recovering):
            # The server could not be started again: the references have nothing to wait for.
            self._reason = error
            self._abandon_attempt(self._state.attempt)
            self._host.told("lost", self, reason=error)
            return
        self._end()

    def _give_up(self, attempt: _Attempt, cause: Cause) -> None:
        state = self._state
        if not isinstance(state, Recovering) or state.attempt is not attempt:
            return
        timeout = self._settings.failover_timeout
        reason = owner_lost(self.place.path, cause, timeout, self._wait_reason.waiting_for)
        self._reason = reason
        self._abandon_attempt(attempt)
        self._host.told("lost", self, reason=reason)

    def _end_if_unused(self) -> None:
        """No reference here needs it any more, and no lease says when it ends."""
        state = self._state
        if isinstance(state, (Claiming, Recovering)) and self._references == 0 and not self._waiters:
            self._abandon_attempt(state.attempt)

    def _abandon_attempt(self, attempt: _Attempt) -> None:
        state = self._state
        if isinstance(state, Recovering):
            state.timer.cancel()
        attempt.aborted = True
        assert attempt.task is not None
        attempt.task.cancel()
        done: asyncio.Future[None] = self._host.context.spawn(
            self._after_attempt(attempt.task, recovering=isinstance(state, Recovering))
        )
        self._stop(done, served=False)

    async def _after_attempt(self, task: asyncio.Task[None], recovering: bool) -> None:
        try:
            await task
        except asyncio.CancelledError:
            # It had not even begun.
            pass
        if recovering:
            # The last of the references that outlived the owner removes what it left.
            await remove_leftovers(self.place, self._lost_owner_pid)

    def _stop(self, done: asyncio.Future[None], served: bool) -> None:
        if isinstance(self._state, (Stopping, Ended)):
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

        self._state = Stopping(ended)
        self._tell_changed()
        when_done(done, over)

    def _end(self) -> None:
        self._state = Ended()
        self._tell_changed()
        try:
            self._host.gone(self)
        finally:
            waiters, self._waiters = self._waiters, {}
            for waiter in waiters:
                waiter.resolve("start-over")

    def _tell_changed(self) -> None:
        changed, self._changed = self._changed, self._loop.create_future()
        changed.set_result(None)


class _Claimant:
    """The endpoint of an attempt, as the claim sees it."""

    def __init__(self, endpoint: Endpoint, attempt: _Attempt, failover: bool) -> None:
        self._endpoint: Final = endpoint
        self._attempt: Final = attempt
        self._failover: Final = failover

    def server_spec(self) -> ServerSpec | None:
        return self._endpoint.server_spec()

    def references(self) -> int:
        return self._endpoint.claimed_references()

    def waits_for(self, what: WaitReason) -> None:
        self._endpoint.waits_for(what)

    def accept(self, lease: Lease) -> None:
        self._endpoint.accept(lease, self._attempt, self._failover)


def _is_not_served(error: SocketReferenceError) -> bool:
    return error.code == "ERR_SOCKREF_NOT_SERVED"
