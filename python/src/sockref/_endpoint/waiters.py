"""The acquires that wait for one endpoint."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from .._files.place import Place
from .._ownership.lease import Context
from .._ownership.wait_reason import WaitReason
from ..errors import SocketReferenceError
from .reference_state import ReferenceState
from .waiter import Result, Waiter, WaiterOptions


class WaitingEndpoint(Protocol):
    """What waiters need from their endpoint."""

    @property
    def place(self) -> Place: ...

    @property
    def context(self) -> Context: ...

    @property
    def wait_reason(self) -> WaitReason:
        """What a reference waits for now."""
        ...

    @property
    def full(self) -> SocketReferenceError | None:
        """The error if no further reference can be given out."""
        ...

    def grant(self, trace: str | None) -> ReferenceState:
        """Creates a reference, which counts from now on. The endpoint tells the lease."""
        ...

    def release(self, reference: ReferenceState) -> asyncio.Future[None]: ...

    def gave_up(self) -> None:
        """A waiter has left without a reference."""
        ...


class Waiters:
    """Each leaves with one outcome: a reference, an error, or to start over."""

    def __init__(self, endpoint: WaitingEndpoint) -> None:
        self._endpoint: Final = endpoint
        self._waiters: dict[Waiter, None] = {}

    @property
    def count(self) -> int:
        return len(self._waiters)

    async def wait(self, options: WaiterOptions) -> Result:
        endpoint = self._endpoint
        waiter = Waiter(
            endpoint.place.path, options, endpoint.context.loop, lambda: endpoint.wait_reason, self._gave_up
        )
        self._waiters[waiter] = None
        try:
            return await waiter.outcome
        except asyncio.CancelledError:
            if waiter.outcome.done() and not waiter.outcome.cancelled() and waiter.outcome.exception() is None:
                # It was granted in the turn in which its caller gave up.
                reference = waiter.outcome.result()
                if isinstance(reference, ReferenceState):
                    endpoint.release(reference)
            else:
                waiter.resolve("start-over")
                self._gave_up(waiter)
            raise

    def grant(self) -> None:
        """Gives each waiter its reference, in the order of arrival.

        A waiter counts until its turn, so that the socket does not end before.
        """
        while self._waiters:
            waiter = next(iter(self._waiters))
            full = self._endpoint.full
            del self._waiters[waiter]
            if full:
                waiter.reject(full)
            elif not waiter.outcome.done():
                waiter.resolve(self._endpoint.grant(waiter.options.trace))

    def claim_failed(self, error: SocketReferenceError) -> None:
        """Ends all waiters because the claim failed.

        One that can serve starts over if the claim failed because none could serve.
        """
        not_served = error.code == "ERR_SOCKREF_NOT_SERVED"
        for waiter in self._take_all():
            if not_served and waiter.options.can_serve:
                waiter.resolve("start-over")
            else:
                waiter.reject(error)

    def reject_all(self, error: SocketReferenceError) -> None:
        for waiter in self._take_all():
            waiter.reject(error)

    def start_over(self) -> None:
        """Makes all waiters start over with the next life of the socket."""
        for waiter in self._take_all():
            waiter.resolve("start-over")

    def _gave_up(self, waiter: Waiter) -> None:
        self._waiters.pop(waiter, None)
        self._endpoint.gave_up()

    def _take_all(self) -> dict[Waiter, None]:
        waiters, self._waiters = self._waiters, {}
        return waiters
