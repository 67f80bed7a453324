"""Removes what a dead owner left, and nothing else (I2)."""

from __future__ import annotations

import errno
import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from .._processes.end import end_processes, kill_processes
from .._protocol.constants import PROTOCOL_VERSION
from ..errors import SocketReferenceError
from .directory import Directory
from .foreign import foreign_file
from .identity import Identity
from .paths import join_path
from .platform import own_uid
from .record import OwnerRecord, RecordedServer
from .remove import remove_private_directory, unlink_if_same

if TYPE_CHECKING:
    from .lock_file import LockFile

ReclaimRule = Literal["recorded", "stale"]
"""What to do with a dead socket that no record names: leave it, or remove it if it belongs to this user."""


@dataclass(slots=True)
class Reclaimed:
    """The removed files of a dead owner, and the process that left them, if its record named it."""

    pid: int | None
    names: list[str] = field(default_factory=list[str])


def reclaim(lock: LockFile, record: OwnerRecord | None) -> Reclaimed:
    """Removes what the record of a held lock file names: files by identity, private directories by their random name.

    The process can be killed at any step: the record stays until everything is removed.
    """
    if record is None:
        return Reclaimed(None)
    place = lock.place
    assert_known_version(record, place.path)
    done = Reclaimed(record.pid)
    for published in record.published:
        if unlink_if_same(place.directory, published.name, published.file):
            done.names.append(published.name)
    for name in record.temporaries:
        if remove_private_directory(place.directory, name):
            done.names.append(name)
    return done


async def end_orphans(record: OwnerRecord | None) -> None:
    """Ends the processes that remain of the servers in the record of a locked lock file. Called before their files are
    removed."""
    for server in servers_of(record):
        await end_processes(server, getattr(signal, server.signal, signal.SIGTERM), server.grace_ms / 1000)


def kill_orphans(record: OwnerRecord | None) -> None:
    """Kills the same processes at once, for an exit."""
    for server in servers_of(record):
        kill_processes(server)


def servers_of(record: OwnerRecord | None) -> list[RecordedServer]:
    """Servers in the record of another version are left alone."""
    return record.servers if record is not None and record.version == PROTOCOL_VERSION else []


def free_name(lock: LockFile, name: str, rule: ReclaimRule, own: Sequence[Identity]) -> None:
    """Raises if a foreign file is at a name that this endpoint needs.

    `own` are files that this process itself published in an earlier life of the endpoint.
    """
    directory, path = lock.place.directory, lock.place.path
    found = directory.look(name)
    if found is None:
        return
    at = join_path(directory.path, name)
    if not any(known.is_same(found.identity) for known in own):
        if not found.is_socket or rule != "stale":
            raise foreign_file(path, at, found)
        if found.uid != own_uid():
            raise foreign_file(path, at, found, ", and is not yours to reclaim")
        if not _refuses(directory, name):
            raise foreign_file(path, at, found, ", and a server answers there")
    unlink_if_same(directory, name, found.identity)


def _refuses(directory: Directory, name: str) -> bool:
    """Whether a connection is refused, which means that no process listens. With any other result one may listen."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        return sock.connect_ex(directory.address(name)) == errno.ECONNREFUSED


def assert_known_version(record: OwnerRecord, path: str) -> None:
    """Raises if an owner of another version left the record: we cannot understand it."""
    if record.version == PROTOCOL_VERSION:
        return
    raise SocketReferenceError(
        "ERR_SOCKREF_PROTOCOL",
        f"The dead owner of {path} (pid {record.pid}) left files of layout version {record.version}, and this is "
        f"version {PROTOCOL_VERSION}; acquire it once with that version of sockref, or remove its files by hand",
        path=path,
        ours=PROTOCOL_VERSION,
        theirs=record.version,
    )
