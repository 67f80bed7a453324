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
    """A process.

    `start`, when it began, tells it together with the pid from a later one with the same number. `session` is None where the
    system does not tell. `ended` ones only wait for their parent to ask how; the pid is taken until then. `stopped` ones were
    so by a signal, as SIGSTOP, or by a debugger.
    """

    pid: int
    group: int
    session: int | None
    start: str
    ended: bool
    stopped: bool


def process_table() -> list[ProcessEntry]:
    """Every process that we can see, with those that came or went meanwhile or without them."""
    names = _names_in_proc()
    if names is None:
        return _parse_ps(_ps("-A"))
    entries = (_entry_in_proc(int(name)) for name in names if name.isdecimal())
    return [entry for entry in entries if entry is not None]


def process_entry(pid: int) -> ProcessEntry | None:
    """One process; None if there is none of that number, or the system does not tell."""
    if _names_in_proc() is None:
        return next(iter(_parse_ps(_ps("-p", str(pid)))), None)
    return _entry_in_proc(pid)


def parse_stat(text: str) -> ProcessEntry | None:
    """Reads `/proc/<pid>/stat`; None for what is not one."""
    # The name in field 2 may hold spaces and parentheses, so count from behind its last one, with field 3.
    fields = text[text.rfind(")") + 2 :].split(" ")
    if len(fields) < 20:
        return None
    state, threads = fields[0], int(fields[17])
    # A process whose first thread has ended looks like a zombie, but lives on in the others.
    ended = state in "Xx" or (state == "Z" and threads <= 1)
    pid = int(text.split(" ", 1)[0])
    return ProcessEntry(pid, int(fields[2]), int(fields[3]), fields[19], ended, stopped=state in "Tt")


def _names_in_proc() -> list[str] | None:
    """What lies in /proc; None where there is none, as on macOS, or where we may not look."""
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
        # It is gone, or is none of our business.
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
    # The same moment must read the same in every environment.
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}
    try:
        timeout = PROCESS_TABLE_TIMEOUT_SECONDS
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
