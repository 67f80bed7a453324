"""The processes of a server: finds them, and signals them."""

from __future__ import annotations

import os
import signal
from typing import Protocol

from .leash import bears_mark, holds_leash, is_of_this_boot
from .table import ProcessEntry, process_entry, process_table


class ServerProcesses(Protocol):
    """What distinguishes the processes of a server from all others, as in the record."""

    @property
    def pgid(self) -> int:
        """The process group. Its number is the pid of the server's first process."""
        ...

    @property
    def start(self) -> str | None:
        """When that process started, in the kernel's ticks."""
        ...

    @property
    def leash(self) -> str | None:
        """A socket that only the server's processes have open."""
        ...


class Pack:
    """The processes of a server, in successive looks.

    The system does not reuse the number of a group while a process is in it. If we see a known process again, it is still the
    same group, even without its leader.
    """

    def __init__(self, server: ServerProcesses) -> None:
        self._server = server
        # The processes that were in the group at the last look, with their start times.
        self._known: dict[int, str] = {}

    def look(self) -> list[ProcessEntry]:
        """The living processes; never this one."""
        leash = self._server.leash
        if leash is not None and not is_of_this_boot(leash):
            return []
        table = process_table()
        members = self._members(table)
        self._known = {entry.pid: entry.start for entry in members}
        return [
            entry
            for entry in table
            if not entry.ended
            and entry.pid > 1
            and entry.pid != os.getpid()
            and (entry in members or (leash and self._is_younger(entry) and holds_leash(entry.pid, leash)))
        ]

    def send(self, number: signal.Signals, living: list[ProcessEntry]) -> None:
        """Sends a signal to processes that a look has just found."""
        group = self._server.pgid
        # As late as possible: a pid may have been reused since.
        same = [entry for entry in living if (now := process_entry(entry.pid)) and now.start == entry.start]
        in_group = any(entry.group == group and entry.pid in self._known for entry in same)
        is_whole = in_group and os.getpgrp() != group
        # To all at once, so that none can escape by starting another one.
        if is_whole:
            _send(-group, number)
        for entry in same:
            if not is_whole or entry.group != group:
                _send(entry.pid, number)

    def _is_younger(self, entry: ProcessEntry) -> bool:
        """A process that started before the server cannot come from it, so its descriptors need not be read."""
        first = self._server.start
        return first is None or not first.isdecimal() or int(entry.start) >= int(first)

    def _members(self, table: list[ProcessEntry]) -> list[ProcessEntry]:
        """Every process in our group, or in the session of its leader, including ended ones; none if they may be of a later
        group."""
        group, start = self._server.pgid, self._server.start
        members = [entry for entry in table if group in (entry.group, entry.session)]
        leader = next((entry for entry in table if entry.pid == group), None)
        if leader is not None:
            return members if leader.start == start else []
        # No system reuses the number of a group while a process is in it.
        known = any(self._known.get(entry.pid) == entry.start or bears_mark(entry.pid, group) for entry in members)
        return members if known else []


def may_end(pid: int) -> bool:
    """Whether the system lets us signal a process."""
    return _send(pid, 0)


def _send(pid: int, number: int) -> bool:
    """False if it is not permitted. A process that no longer exists counts as success."""
    try:
        os.kill(pid, number)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    return True
