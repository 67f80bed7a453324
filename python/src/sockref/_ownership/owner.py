"""The owner of an endpoint. It holds the lock, listens, counts, and ends the endpoint with the last reference."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from .._control.futures import done_future, follow, outcome
from .._files.each import take_each
from .._files.identity import Identity
from .._files.lock_file import LockFile
from .._protocol.constants import SUCCESSOR_GRACE_SECONDS
from .._protocol.messages import Holder, State
from .._serving.connections import ConnectionStats, Connections
from .._serving.server_spec import Serve
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .attached_member import describe
from .lease import Context, LeaseEvents, Peers, Role
from .members import Members
from .members_owner import ByeAnswer
from .own_record import OwnRecord
from .owner_phase import Deposed, Ending, Lingering, Phase, Serving, Starting
from .repair import Repairer
from .settings import OwnerSettings
from .sockets import Sockets


@dataclass(frozen=True, slots=True)
class OwnerStart:
    """What an owner needs to start. The lock is taken and checked, and its dead owner's files are removed.

    `references`: those here, including pending acquires. `expected`: members that cannot serve and had references when the
    last owner was lost.
    """

    lock: LockFile
    serve: Serve
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    references: int
    expected: int


class Owner:
    """Every decision is made in the turn in which the count changes: no member can be welcomed in between (I3)."""

    def __init__(self, start: OwnerStart) -> None:
        self.role: Final[Role] = "owner"
        self.owner_pid: Final = os.getpid()
        self.lock: Final = start.lock
        self._start: Final = start
        self._place: Final = start.lock.place
        self._settings: Final = start.settings
        self._loop: Final = start.context.loop
        self._events: Final = start.events
        self._since: Final = int(time.time() * 1000)
        self._linger = start.settings.linger
        self._grace_until: Final = self._loop.time() + SUCCESSOR_GRACE_SECONDS
        self._phase: Phase = Starting()
        self._pending_byes: list[ByeAnswer] = []
        settings = start.settings
        self._data: Final = Connections(
            start.serve, self._loop, settings.max_connections, settings.handler_threads, self.fault
        )
        self._members: Final = Members(self._loop, self, settings)
        self._members.own = start.references
        self.sockets: Final = Sockets(
            start.lock,
            settings.mode,
            self._loop,
            {"control": self._members.accept, "data": self._data.accept},
            self._members.make_room,
            self.fault,
        )
        self.record: Final = OwnRecord(start.lock, self.sockets, self._data, self.fault)
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
        return self._members.others

    @property
    def peers(self) -> Peers:
        return self._members.peers

    @property
    def settling(self) -> asyncio.Future[None] | None:
        return self._phase.settling if isinstance(self._phase, Lingering) else None

    @property
    def max_references(self) -> int:
        return self._settings.max_references

    @property
    def published(self) -> Sequence[Identity]:
        return self.sockets.published

    @property
    def connections(self) -> ConnectionStats:
        return self._data.stats

    def update(self, references: int) -> None:
        self._members.own = references
        self._members.announce()
        self._recount()

    def repair(self) -> None:
        self._repairer.check()

    def abandon(self) -> asyncio.Future[None]:
        if isinstance(self._phase, Deposed):
            return done_future(self._loop)
        return self._stop(keep_members=False)

    def _recount(self) -> None:
        total = self._members.total
        if total > 0 and isinstance(self._phase, Lingering):
            self._phase.over()
            self._phase = Serving()
        if total > 0 or not isinstance(self._phase, Serving):
            return
        grace = self._grace()
        wait = max(self._linger, grace)
        if wait == 0:
            self._stop()
            return
        settling: asyncio.Future[None] | None = self._loop.create_future() if grace > self._linger else None
        self._phase = Lingering(self._loop.call_later(wait, self._stop), settling)

    def _grace(self) -> float:
        """How long to wait for the members that cannot serve, had references when the last owner was lost, and are not back."""
        if self._members.dependents_seen >= self._start.expected:
            return 0
        return max(0.0, self._grace_until - self._loop.time())

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
        self._start.context.spawn(self._end(keep_members, done))
        return done

    async def _end(self, keep_members: bool, done: asyncio.Future[None]) -> None:
        try:
            await self._take_down(keep_members)
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(None)

    async def _take_down(self, keep_members: bool) -> None:
        hooks = self._start.context.hooks
        failure: SocketReferenceError | None = None
        try:
            self.record.say_stopping()
            await hooks.clean_up(self.sockets.unlink)
            self.sockets.close()
            early: Exception | None = None
            if not keep_members:
                # Before the connections drain: members have limited time to find another owner.
                try:
                    await hooks.clean_up(self._remove_lock)
                except Exception as error:
                    early = error
                self._carry_through(self.lock.release, self._members.close)
            else:
                self.record.say_stopping()
            await self._data.drain(self._settings.drain_timeout)
            if early is not None:
                raise early
            await hooks.clean_up(self._remove_lock)
        except Exception as error:
            path = self._place.path
            failure = system_error(error, path, f"remove all that belongs to {path} (the next acquire will)")
            raise failure from error
        finally:
            self._carry_through(
                self.sockets.close,
                # After a failure the lock is released and its file stays: the next owner cleans up the rest from the record.
                self.lock.release,
                *(partial(answer, failure is None, failure) for answer in self._pending_byes),
                partial(self._members.ended, failure),
                self._members.close,
            )

    def _remove_lock(self) -> None:
        """The record goes with the lock file, so what the record names must go first."""
        self.sockets.remains.remove(self._place.directory)
        self.lock.remove()

    def _carry_through(self, *steps: Callable[[], object]) -> None:
        """Completes a change of state: a step that fails is reported, and the other steps are still taken."""
        path = self._place.path
        for error in take_each(*steps):
            self.fault(system_error(error, path, f"remove the files of {path}"))

    # What the repair needs.

    def deposed(self) -> None:
        if not isinstance(self._phase, (Serving, Lingering)):
            return
        if isinstance(self._phase, Lingering):
            self._phase.over()
        self._phase = Deposed()
        self._repairer.stop()
        # The references continue elsewhere, even if a step fails here.
        self._carry_through(
            self.sockets.unlink,
            lambda: self.sockets.remains.remove(self._place.directory),
            self.sockets.close,
            self._data.detach,
            self.lock.release,
            self._members.close,
        )
        self._events.lost("deposed")

    def displaced(self) -> None:
        """The path leads elsewhere now, so that other processes do not find this owner: its references must not appear to be
        live."""
        path = self._place.path
        message = f"The directory of {path} was removed or replaced, and its socket is gone; acquire it again"
        reason = SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="directory-replaced")
        self._events.ended(reason)
        self.abandon()

    # What the members need.

    @property
    def stage(self) -> Literal["starting", "ready", "stopping"]:
        if isinstance(self._phase, Starting):
            return "starting"
        return "stopping" if isinstance(self._phase, (Ending, Deposed)) else "ready"

    def changed(self) -> None:
        self._members.announce()
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
            "owner": describe(os.getpid(), self._members.own, self._since, True, self._settings.label),
            "members": members,
            "more": more,
            "total": self._members.total,
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
        path = self._place.path
        self._members.end_all()
        message = f"The socket {path} was stopped by force"
        self._events.ended(SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="stopped"))
        self._stop()

    def fault(self, error: BaseException) -> None:
        self._start.context.hooks.fault(self._place.path, error)

    def _state(self) -> State:
        if isinstance(self._phase, Starting):
            return "starting"
        if isinstance(self._phase, Serving):
            return "active"
        return "lingering" if isinstance(self._phase, Lingering) else "stopping"
