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
"""What to do with a dead socket that no record names: leave it, or remove it if it is ours and refuses connections."""


@dataclass(slots=True)
class Reclaimed:
    """What was removed of a dead owner, and the process that left it, if its record said so."""

    pid: int | None
    names: list[str] = field(default_factory=list[str])


def reclaim(lock: LockFile, record: OwnerRecord | None) -> Reclaimed:
    """Removes what the record of a held lock file names: files by identity, private directories by their random name.

    Safe to be killed in at any step: the record stays until all is done.
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
    """Ends what still runs of the servers that the record in a held lock file names. Before their files are reclaimed."""
    for server in servers_of(record):
        await end_processes(server, getattr(signal, server.signal, signal.SIGTERM), server.grace_ms / 1000)


def kill_orphans(record: OwnerRecord | None) -> None:
    """The same by force and at once, while the process exits."""
    for server in servers_of(record):
        kill_processes(server)


def servers_of(record: OwnerRecord | None) -> list[RecordedServer]:
    """Of a version that is not ours nothing is touched."""
    return record.servers if record is not None and record.version == PROTOCOL_VERSION else []


def free_name(lock: LockFile, name: str, rule: ReclaimRule, own: Sequence[Identity]) -> None:
    """Refuses to go on while something foreign lies at a name that this endpoint needs.

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
    """Whether a connection is refused: no process listens there. After a full queue or any other answer one may."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        return sock.connect_ex(directory.address(name)) == errno.ECONNREFUSED


def assert_known_version(record: OwnerRecord, path: str) -> None:
    """What an owner of another version left is not ours to understand."""
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
