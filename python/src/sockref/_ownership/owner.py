"""The owner of an endpoint. It holds the lock, listens, counts, and ends the endpoint with the last reference."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Literal

from .._control.futures import done_future, follow, outcome
from .._files.identity import Identity
from .._protocol.messages import Holder, State
from .._serving.connections import ConnectionStats, Connections
from ..errors import SocketReferenceError
from .attached_member import describe
from .grace import Grace
from .lease import Context, Peers, Role
from .members import Members
from .members_owner import ByeAnswer
from .own_record import OwnRecord
from .owner_end import carry_through, end_owner
from .owner_phase import Deposed, Ending, Lingering, Phase, Serving, Starting
from .owner_start import OwnerStart
from .reasons import directory_replaced, stopped_by_force
from .repair import Repairer
from .settings import OwnerSettings
from .sockets import Sockets


class Owner:
    """Every decision is made in the turn in which the count changes: no member can be welcomed in between (I3)."""

    def __init__(self, start: OwnerStart) -> None:
        self.role: Final[Role] = "owner"
        self.owner_pid: Final = os.getpid()
        self.lock: Final = start.lock
        self.context: Final[Context] = start.context
        self.settings: Final[OwnerSettings] = start.settings
        self._place: Final = start.lock.place
        self._loop: Final = start.context.loop
        self._events: Final = start.events
        self._since: Final = int(time.time() * 1000)
        self._linger = start.settings.linger
        self._grace: Final = Grace(self._loop, start.awaited_dependents)
        self._phase: Phase = Starting()
        self._pending_byes: list[ByeAnswer] = []
        settings = start.settings
        self.server: Final[Connections] = Connections(
            start.serve, self._loop, settings.max_connections, settings.handler_threads, self.fault
        )
        self.members: Final[Members] = Members(self._loop, self, settings)
        self.members.own = start.references
        self.sockets: Final = Sockets(
            start.lock,
            settings.mode,
            self._loop,
            {"control": self.members.accept, "data": self.server.accept},
            self.members.make_room,
            self.fault,
        )
        self.record: Final = OwnRecord(start.lock, self._since, self.sockets, self.server, self.fault)
        self._repairer: Final = Repairer(start.context, settings.heal_interval, self)

    @staticmethod
    def start(start: OwnerStart, accept: Callable[[Owner], None]) -> None:
        """Publishes the sockets and begins to serve. After a failure only the lock remains, which stays the caller's.

        `accept` is called in the turn in which the owner is up, before anything else can happen to it.
        """
        owner = Owner(start)
        owner.sockets.publish(("control", "data"), begin=True)
        owner._phase = Serving()
        owner._repairer.start()
        accept(owner)
        owner._recount()

    @property
    def others(self) -> int:
        return self.members.others

    @property
    def peers(self) -> Peers:
        return self.members.peers

    @property
    def settling(self) -> asyncio.Future[None] | None:
        return self._phase.settling if isinstance(self._phase, Lingering) else None

    @property
    def max_references(self) -> int:
        return self.settings.max_references

    @property
    def published(self) -> Sequence[Identity]:
        return self.sockets.published

    @property
    def connections(self) -> ConnectionStats:
        return self.server.stats

    def update(self, references: int) -> None:
        self.members.own = references
        self.members.announce()
        self._recount()

    def repair(self) -> None:
        self._repairer.check()

    def abandon(self) -> asyncio.Future[None]:
        if isinstance(self._phase, Deposed):
            return done_future(self._loop)
        return self._stop(keep_members=False)

    def _recount(self) -> None:
        total = self.members.total
        if total > 0 and isinstance(self._phase, Lingering):
            self._phase.over()
            self._phase = Serving()
        if total > 0 or not isinstance(self._phase, Serving):
            return
        grace = self._grace.left(self.members.dependents_seen)
        wait = max(self._linger, grace)
        if wait == 0:
            self._stop()
            return
        settling: asyncio.Future[None] | None = self._loop.create_future() if grace > self._linger else None
        self._phase = Lingering(self._loop.call_later(wait, self._stop), settling)

    def _stop(self, keep_members: bool = True) -> asyncio.Future[None]:
        phase = self._phase
        if isinstance(phase, Ending):
            return phase.done
        if isinstance(phase, Lingering):
            phase.timer.cancel()
        self._repairer.stop()
        done: asyncio.Future[None] = self._loop.create_future()
        # Change the phase before the work: a message that arrives during the work must not be welcomed.
        self._phase = Ending(done)
        self._events.stopping(done)
        if isinstance(phase, Lingering) and phase.settling is not None:
            follow(done, phase.settling)
            phase.settling.add_done_callback(outcome)
        self.context.spawn(self._end(keep_members, done))
        return done

    async def _end(self, keep_members: bool, done: asyncio.Future[None]) -> None:
        try:
            await end_owner(self, keep_members)
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def last_words(self, failure: SocketReferenceError | None) -> list[Callable[[], object]]:
        byes = (partial(answer, failure is None, failure) for answer in self._pending_byes)
        return [*byes, partial(self.members.ended, failure)]

    # What the repair needs.

    def deposed(self) -> None:
        if not isinstance(self._phase, (Serving, Lingering)):
            return
        if isinstance(self._phase, Lingering):
            self._phase.over()
        self._phase = Deposed()
        self._repairer.stop()
        # The references continue elsewhere, even if a step fails here.
        carry_through(
            self,
            self.sockets.unlink,
            lambda: self.sockets.remains.remove(self._place.directory),
            self.sockets.close,
            self.server.detach,
            self.lock.release,
            self.members.close,
        )
        self._events.lost("deposed")

    def displaced(self) -> None:
        """The path leads elsewhere now, so that other processes do not find this owner: its references must not appear to be
        live."""
        self._events.ended(directory_replaced(self._place.path))
        self.abandon()

    # What the members need.

    @property
    def stage(self) -> Literal["starting", "ready", "stopping"]:
        if isinstance(self._phase, Starting):
            return "starting"
        return "stopping" if isinstance(self._phase, (Ending, Deposed)) else "ready"

    def changed(self) -> None:
        self.members.announce()
        self._recount()

    def left(self, answer: ByeAnswer) -> None:
        if isinstance(self._phase, Ending) and not self._phase.done.done():
            self._pending_byes.append(answer)
        else:
            answer(False, None)

    def describe(self, members: list[Holder], more: int) -> dict[str, Any]:
        # A request for the holders is a good moment to check the files.
        if isinstance(self._phase, (Serving, Lingering)):
            self._loop.call_soon(self._repairer.check)
        return {
            "type": "holders",
            "state": self._state(),
            "owner": describe(os.getpid(), self.members.own, self._since, True, self.settings.label),
            "members": members,
            "more": more,
            "total": self.members.total,
            "since": self._since,
        }

    def stop_requested(self, force: bool) -> None:
        # A message that arrived after this owner was deposed or began to stop is ignored.
        if isinstance(self._phase, (Deposed, Ending)):
            return
        # "When it is unused": without lingering after the last reference.
        self._linger = 0
        if not force:
            if isinstance(self._phase, Lingering):
                self._stop()
            return
        self.members.end_all()
        self._events.ended(stopped_by_force(self._place.path))
        self._stop()

    def fault(self, error: BaseException) -> None:
        self.context.hooks.fault(self._place.path, error)

    def _state(self) -> State:
        if isinstance(self._phase, Starting):
            return "starting"
        if isinstance(self._phase, Serving):
            return "active"
        return "lingering" if isinstance(self._phase, Lingering) else "stopping"
