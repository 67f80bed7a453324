"""The processes of this machine, as the system lists them."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass

from .._protocol.constants import PROCESS_TABLE_TIMEOUT_SECONDS

_PS_LINE = re.compile(r"\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)\s*")


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """A process, as the system lists it.

    `start` together with the pid distinguishes it from a later process with the same pid. `session` is None where the system
    does not tell. `ended`: it only waits for its parent to read its status; until then its pid is not reused. `stopped`: for
    example by SIGSTOP or a debugger.
    """

    pid: int
    group: int
    session: int | None
    start: str
    ended: bool
    stopped: bool


def process_table() -> list[ProcessEntry]:
    """Every visible process. Processes that start or end during the look may be missing."""
    names = _names_in_proc()
    if names is None:
        return _parse_ps(_ps("-A"))
    entries = (_entry_in_proc(int(name)) for name in names if name.isdecimal())
    return [entry for entry in entries if entry is not None]


def process_entry(pid: int) -> ProcessEntry | None:
    """One process; None if no process has that pid, or the system does not tell."""
    if _names_in_proc() is None:
        return next(iter(_parse_ps(_ps("-p", str(pid)))), None)
    return _entry_in_proc(pid)


def parse_stat(text: str) -> ProcessEntry | None:
    """Parses `/proc/<pid>/stat`; None if the text is something else."""
    # The name in field 2 may contain spaces and parentheses, so count from its last parenthesis, with field 3.
    fields = text[text.rfind(")") + 2 :].split(" ")
    if len(fields) < 20:
        return None
    state, threads = fields[0], int(fields[17])
    # A process whose first thread has ended looks like a zombie, but its other threads are alive.
    ended = state in "Xx" or (state == "Z" and threads <= 1)
    pid = int(text.split(" ", 1)[0])
    return ProcessEntry(pid, int(fields[2]), int(fields[3]), fields[19], ended, stopped=state in "Tt")


def _names_in_proc() -> list[str] | None:
    """The names in /proc; None where there is none, as on macOS, or without permission."""
    try:
        names = os.listdir("/proc")
    except OSError:
        return None
    return names if "self" in names else None


def _entry_in_proc(pid: int) -> ProcessEntry | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return parse_stat(file.read())
    except OSError:
        # The process is gone, or belongs to another user.
        return None


def _parse_ps(text: str) -> list[ProcessEntry]:
    found = (_PS_LINE.fullmatch(line) for line in text.split("\n"))
    return [
        ProcessEntry(int(line[1]), int(line[2]), None, line[4], line[3].startswith(("Z", "X")), line[3].startswith("T"))
        for line in found
        if line is not None
    ]


def _ps(*which: str) -> str:
    command = ["ps", *which, "-o", "pid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="]
    # The same moment must have the same text in every environment.
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    try:
        timeout = PROCESS_TABLE_TIMEOUT_SECONDS
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
