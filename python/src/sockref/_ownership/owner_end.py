"""The end of an owner: removes all that belongs to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from .._files.each import take_each
from .._files.lock_file import LockFile
from .._serving.connections import Connections
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .lease import Context
from .members import Members
from .own_record import OwnRecord
from .settings import OwnerSettings
from .sockets import Sockets


class EndingOwner(Protocol):
    """An owner, as seen by its end."""

    @property
    def lock(self) -> LockFile: ...

    @property
    def context(self) -> Context: ...

    @property
    def settings(self) -> OwnerSettings: ...

    @property
    def server(self) -> Connections: ...

    @property
    def sockets(self) -> Sockets: ...

    @property
    def record(self) -> OwnRecord: ...

    @property
    def members(self) -> Members: ...

    def fault(self, error: BaseException) -> None: ...

    def last_words(self, failure: SocketReferenceError | None) -> list[Callable[[], object]]:
        """Tells those that wait for the end that it has come; with a failure, if something is left."""
        ...


async def end_owner(owner: EndingOwner, keep_members: bool) -> None:
    """Each thing goes after what depends on it: first the names of the sockets, then the server, then the lock file with the
    record. A failure is raised after the other steps, and the record of what is left stays.

    `keep_members`: members stay attached until everything has ended; otherwise they are released as soon as no name leads
    here any more, and seek another owner.
    """
    lock, hooks, sockets, record = owner.lock, owner.context.hooks, owner.sockets, owner.record
    failure: SocketReferenceError | None = None
    try:
        record.say_stopping()
        await hooks.clean_up(sockets.unlink)
        sockets.close()
        early: Exception | None = None
        if not keep_members:
            # Before the connections drain: members have limited time to find another owner.
            try:
                await hooks.clean_up(partial(_remove_lock, owner))
            except Exception as error:
                early = error
            carry_through(owner, lock.release, owner.members.close)
        else:
            record.say_stopping()
        await owner.server.drain(owner.settings.drain_timeout)
        if early is not None:
            raise early
        await hooks.clean_up(partial(_remove_lock, owner))
    except Exception as error:
        path = lock.place.path
        failure = system_error(error, path, f"remove all that belongs to {path} (the next acquire will)")
        raise failure from error
    finally:
        carry_through(
            owner,
            sockets.close,
            # After a failure the lock is released and its file stays: the next owner cleans up the rest from the record.
            lock.release,
            *owner.last_words(failure),
            owner.members.close,
        )


def carry_through(owner: EndingOwner, *steps: Callable[[], object]) -> None:
    """Completes a change of state: a step that fails is reported, and the other steps are still taken."""
    path = owner.lock.place.path
    for error in take_each(*steps):
        owner.fault(system_error(error, path, f"remove the files of {path}"))


def _remove_lock(owner: EndingOwner) -> None:
    """The record goes with the lock file, so what the record names must go first."""
    owner.sockets.remains.remove(owner.lock.place.directory)
    owner.lock.remove()
