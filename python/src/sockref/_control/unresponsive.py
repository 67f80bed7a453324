"""The error about an owner that does not answer."""

from __future__ import annotations

from .._processes.table import process_entry
from ..errors import SocketReferenceError


def state_of_owner(pid: int, start: str | None) -> str:
    """What the system says about that process, and what to do about it.

    It is looked up and never guessed: a process that is only busy must not be killed as dead. `start` is its start time, if
    known: its pid may belong to another process by now, or here.
    """
    entry = process_entry(pid)
    if entry is None or entry.ended or (start is not None and entry.start != start):
        return "its state cannot be seen from here; look at it where it runs, and wait longer if it is busy"
    if entry.stopped:
        return f"it is stopped; continue it with kill -CONT {pid}, or end it with kill -KILL {pid}"
    return "it runs, and is busy or cannot accept another connection; wait longer, or look at what it does"


def unresponsive(path: str, what: str, timeout: float, pid: int, start: str | None) -> SocketReferenceError:
    """The error of a caller that got no answer from a living owner within its time."""
    message = f"The owner of {path} (pid {pid}) {what}; {state_of_owner(pid, start)}"
    return SocketReferenceError("ERR_SOCKREF_OWNER_UNRESPONSIVE", message, path=path, pid=pid, timeout=timeout)
