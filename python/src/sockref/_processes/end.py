"""Ends the processes of a server, and no others."""

from __future__ import annotations

import asyncio
import signal
import time

from .._protocol.constants import (
    EMPTY_PROCESS_LOOKS,
    PROCESS_FIRST_PAUSE_SECONDS,
    PROCESS_LONGEST_PAUSE_SECONDS,
    PROCESS_LOOKS_AT_EXIT,
    PROCESS_PAUSE_GROWTH,
)
from .group import Pack, ServerProcesses, may_end


def kill_processes(server: ServerProcesses) -> None:
    """Kills a server's processes without waiting for their end, for an exit. Never raises: the next owner ends what is
    left."""
    try:
        pack = Pack(server)
        for _ in range(PROCESS_LOOKS_AT_EXIT):
            living = pack.look()
            if not living:
                return
            pack.send(signal.SIGKILL, living)
    except (OSError, ValueError):
        pass


async def end_processes(server: ServerProcesses, first: signal.Signals, grace: float) -> None:
    """Ends a server. Sends the signal to all its processes, and SIGKILL to those that are left after `grace` seconds or
    appear later.

    Returns when none is alive. Does not wait for processes that the system does not let us end.
    """
    pack = Pack(server)
    deadline = time.monotonic() + grace
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
            pack.send(first, living)
            # A stopped process would receive the signal only when it continues.
            pack.send(signal.SIGCONT, living)
            told = True
        await asyncio.sleep(min(wait, left) if left > 0 else wait)
        # After a look that found none, the second look follows soon.
        wait = PROCESS_FIRST_PAUSE_SECONDS if empty else min(wait * PROCESS_PAUSE_GROWTH, PROCESS_LONGEST_PAUSE_SECONDS)
