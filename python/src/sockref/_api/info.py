"""What is known about a socket, in the form of the public API. Times are in seconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .._control.inspect import Answered, Finding, Silent, Stale
from .._files.record import OwnerRecord
from .._protocol.messages import Holder, ServerState

SocketState = Literal["starting", "active", "lingering", "stopping", "unresponsive", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class HolderInfo:
    """One holder of a socket: its owner or a member."""

    pid: int
    thread: int | None
    """The number of a worker thread of Node; None for any other holder."""
    label: str | None
    references: int
    since: float
    can_serve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """The command that serves a socket."""

    pid: int | None
    """The process id of the server; None while there is none."""
    command: str
    """The program and its arguments, shortened, as a text that can be pasted into a shell."""
    argv: tuple[str, ...] | None
    """The same as a list; None if it is too long for a message, or if the owner has an older version."""
    state: Literal["starting", "running", "restarting"]
    restarts: int
    """How often it was restarted after a failure."""
    waiting: bool = False
    """With `activate`: the server ended with status 0, and the next connection starts it."""
    no_log: str | None = None
    """Why its output goes to no log; None if it goes to one, or if that is not known."""
    problem: str | None = None
    """Why clients cannot connect although the server runs: it closed its socket, or made another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketInfo:
    """A socket. `unresponsive`: its owner lives but does not answer. `stale`: its owner is dead."""

    path: str
    state: SocketState
    owner: HolderInfo | None
    """The owner, or the last one. Of an owner that does not answer only `pid` and `since` are known."""
    server: ServerInfo | None
    """The command that serves the socket, if its owner is a keeper."""
    references: int | None
    """All references; None if the owner does not answer."""
    members: tuple[HolderInfo, ...]
    """The members, oldest first; at most 200."""
    more_members: int
    since: float | None


def info_of(path: str, finding: Finding) -> SocketInfo | None:
    """Turns the finding of a query into the public form."""
    match finding:
        case None:
            return None
        case Answered(holders):
            return SocketInfo(
                path=path,
                state=holders["state"],
                owner=_holder_info(holders["owner"]),
                server=_server_info(holders.get("server")),
                references=holders["total"],
                members=tuple(_holder_info(each) for each in holders["members"]),
                more_members=holders["more"],
                since=holders["since"] / 1000,
            )
        case Silent(record, connected):
            # An owner that accepts no connection is starting or ending; the record says which.
            ending = record is not None and record.stopping
            return _unanswered(path, "unresponsive" if connected else "stopping" if ending else "starting", record)
        case Stale(record):
            return _unanswered(path, "stale", record)


def _server_info(server: ServerState | None) -> ServerInfo | None:
    if server is None:
        return None
    argv = server.get("argv")
    return ServerInfo(
        pid=server.get("pid"),
        command=server["command"],
        argv=None if argv is None else tuple(argv),
        state=server["state"],
        restarts=server["restarts"],
        waiting=server.get("waiting", False),
        no_log=server.get("noLog"),
        problem=server.get("problem"),
    )


def _holder_info(holder: Holder) -> HolderInfo:
    return HolderInfo(
        pid=holder["pid"],
        thread=holder.get("thread"),
        label=holder.get("label"),
        references=holder["references"],
        since=holder["since"] / 1000,
        can_serve=holder["canServe"],
    )


def _unanswered(path: str, state: SocketState, record: OwnerRecord | None) -> SocketInfo:
    owner = since = None
    if record is not None:
        since = record.since / 1000
        owner = HolderInfo(pid=record.pid, thread=None, label=None, references=0, since=since, can_serve=True)
    return SocketInfo(path=path, state=state, owner=owner, server=None, references=None, members=(), more_members=0, since=since)
