"""Ends the processes of a server whose keeper is dead, and nobody else."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from .._protocol.constants import (
    EMPTY_PROCESS_LOOKS,
    PROCESS_FIRST_PAUSE_SECONDS,
    PROCESS_LONGEST_PAUSE_SECONDS,
    PROCESS_LOOKS_AT_EXIT,
    PROCESS_PAUSE_GROWTH,
    PROTOCOL_VERSION,
)
from .leash import bears_mark, holds_leash, is_of_this_boot
from .table import ProcessEntry, process_entry, process_table
from .._files.record import OwnerRecord, RecordedServer


async def end_orphans(record: OwnerRecord | None) -> None:
    """Ends what still runs of the servers that the record in a held lock file names. Before their files are reclaimed."""
    for server in servers_of(record):
        await _end(server)


def kill_orphans(record: OwnerRecord | None) -> None:
    """The same by force and at once, while the process exits. Never raises: whoever comes next ends what is left."""
    for server in servers_of(record):
        try:
            pack = Pack(server)
            for _ in range(PROCESS_LOOKS_AT_EXIT):
                living = pack.look()
                if not living:
                    break
                pack.send(signal.SIGKILL, living)
        except (OSError, ValueError):
            continue


def servers_of(record: OwnerRecord | None) -> list[RecordedServer]:
    """Of a version that is not ours nothing is touched."""
    return record.servers if record is not None and record.version == PROTOCOL_VERSION else []


async def _end(server: RecordedServer) -> None:
    """Sends the signal to all its processes, and SIGKILL to those that are left after a while, or appear later.

    Returns when none lives. Processes that the system does not let us end are not waited for.
    """
    pack = Pack(server)
    deadline = time.monotonic() + server.grace_ms / 1000
    told = False
    empty = 0
    wait = PROCESS_FIRST_PAUSE_SECONDS
    while True:
        living = [entry for entry in pack.look() if may_end(entry.pid)]
        left = deadline - time.monotonic()
        empty = 0 if living else empty + 1
        if empty == EMPTY_PROCESS_LOOKS:
            return
        if told and left <= 0:
            pack.send(signal.SIGKILL, living)
        elif living and not told:
            pack.send(getattr(signal, server.signal, signal.SIGTERM), living)
            # One that is stopped would hear of it only when it goes on.
            pack.send(signal.SIGCONT, living)
            told = True
        await asyncio.sleep(min(wait, left) if left > 0 else wait)
        # The second look at nobody comes soon.
        wait = PROCESS_FIRST_PAUSE_SECONDS if empty else min(wait * PROCESS_PAUSE_GROWTH, PROCESS_LONGEST_PAUSE_SECONDS)


class Pack:
    """The processes of a server, in one look after another.

    The system gives the number of a group to nobody as long as somebody is in that group: where we meet a process again, it
    is still the same group, be its leader gone.
    """

    def __init__(self, server: RecordedServer) -> None:
        self._server = server
        # Those who were in the group at the last look, with their start times.
        self._known: dict[int, str] = {}

    def look(self) -> list[ProcessEntry]:
        """Those that live; never ourselves."""
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
        """Sends a signal to those that a look has just found."""
        group = self._server.pgid
        # As late as possible: a pid may have been given away since.
        same = [entry for entry in living if (now := process_entry(entry.pid)) and now.start == entry.start]
        in_group = any(entry.group == group and entry.pid in self._known for entry in same)
        is_whole = in_group and os.getpgrp() != group
        # All at once: none of them can slip away by making another one.
        if is_whole:
            _send(-group, number)
        for entry in same:
            if not is_whole or entry.group != group:
                _send(entry.pid, number)

    def _is_younger(self, entry: ProcessEntry) -> bool:
        """What began before the server cannot stem from it, and its descriptors need not be read."""
        first = self._server.start
        return first is None or not first.isdecimal() or int(entry.start) >= int(first)

    def _members(self, table: list[ProcessEntry]) -> list[ProcessEntry]:
        """Everybody in our group, or in the session of its leader, the ended ones too; none if they may be strangers."""
        group, start = self._server.pgid, self._server.start
        members = [entry for entry in table if group in (entry.group, entry.session)]
        leader = next((entry for entry in table if entry.pid == group), None)
        if leader is not None:
            return members if leader.start == start else []
        # No system gives the number of a group away as long as somebody is in it.
        known = any(self._known.get(entry.pid) == entry.start or bears_mark(entry.pid, group) for entry in members)
        return members if known else []


def may_end(pid: int) -> bool:
    """Whether the system lets us send signals to a process."""
    return _send(pid, 0)


def _send(pid: int, number: int) -> bool:
    """False if it is not permitted. That nobody is there any more is as good as done."""
    try:
        os.kill(pid, number)
    except PermissionError:
        return False
    except ProcessLookupError:
        pass
    return True
