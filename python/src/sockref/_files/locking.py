"""The file at the path of a lock, before it is known which process holds it.

A file that only happens to have this name is not locked, written or removed.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from .._protocol.constants import LOCK_MODE, MAX_LOCK_REPLACEMENTS, MAX_RECORD_BYTES, RECORD_MAGIC
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .close import close_anyway
from .descriptor_text import read_text
from .foreign import foreign_file
from .identity import Found, Identity, look_open
from .kernel_lock import try_lock
from .place import Place
from .platform import own_uid
from .record import OwnerRecord, looks_like_record, parse_record

# Does not block on a FIFO, follow a link, or make a terminal the controlling one.
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Busy:
    """Another process holds it. The record says which, once it is written."""

    record: OwnerRecord | None


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no lock file, and none was to be created."""


@dataclass(frozen=True, slots=True)
class Locked:
    """A descriptor that holds a lock."""

    fd: int
    found: Found


def lock_at(place: Place, create: bool) -> Locked | Busy | Absent:
    """Tries once, without waiting, to lock the file at the lock's path. `create` creates a missing one."""
    path = place.path
    for _ in range(MAX_LOCK_REPLACEMENTS):
        fd = _open_lock_file(place, create)
        if fd is None:
            return Absent()
        keep = False
        try:
            _assert_ours(fd, path)
            if not try_lock(fd):
                return Busy(parse_record(read_text(fd, MAX_RECORD_BYTES)))
            found = look_open(fd)
            # I1: an owner removes its lock file before it releases the lock, so our file may have lost its name.
            if not _is_linked(place, found.identity):
                continue
            keep = True
            return Locked(fd, found)
        except Exception as error:
            # This call may have created it.
            if create:
                _discard_empty(place, fd)
            raise system_error(error, path, f"lock the file {path}.lock") from error
        finally:
            if not keep:
                close_anyway(fd)
    return Busy(None)


def peek_record(place: Place) -> OwnerRecord | None:
    """Reads the record at a lock's path without locking: it names the owner, or the last one."""
    path = place.path
    fd = _open_lock_file(place, create=False)
    if fd is None:
        return None
    try:
        _assert_ours(fd, path)
        return parse_record(read_text(fd, MAX_RECORD_BYTES))
    except OSError as error:
        raise system_error(error, path, f"read the lock file {path}.lock") from error
    finally:
        close_anyway(fd)


def _is_linked(place: Place, identity: Identity) -> bool:
    """Whether the lock's path leads to an open file."""
    linked = place.directory.look(place.names.lock)
    return linked is not None and linked.identity.is_same(identity)


def _discard_empty(place: Place, fd: int) -> None:
    """Removes an empty lock file, under its lock: a failed acquire leaves nothing. Best effort, because something failed."""
    try:
        _assert_ours(fd, place.path)
        found = look_open(fd)
        if found.stats.st_size == 0 and _is_free(fd) and _is_linked(place, found.identity):
            os.unlink(place.names.lock.encode(), dir_fd=place.directory.fd)
    except (OSError, SocketReferenceError):
        # The first failure is reported. The next claim uses the empty file.
        pass


def _is_free(fd: int) -> bool:
    try:
        return try_lock(fd)
    except OSError as error:
        # Where there are no locks, no process holds one.
        if error.errno == errno.ENOLCK:
            return True
        raise


def _open_lock_file(place: Place, create: bool) -> int | None:
    """Opens the lock file; `create` creates a missing one. None if there is none."""
    directory, name, path = place.directory, place.names.lock, place.path
    try:
        return os.open(name.encode(), _FLAGS | os.O_CREAT if create else _FLAGS, LOCK_MODE, dir_fd=directory.fd)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not create:
            return None
        found = directory.look(name)
        if found and (not found.is_file or found.uid != own_uid()):
            raise foreign_file(path, f"{path}.lock", found) from error
        raise system_error(error, path, f"open the lock file {path}.lock", "open") from error


def _assert_ours(fd: int, path: str) -> None:
    """Refuses a file that only happens to have this name: it is never locked, written or removed."""
    found = look_open(fd)
    if found.is_file and found.uid == own_uid():
        if found.stats.st_nlink > 1:
            # What we write here would appear under its other name, too.
            raise foreign_file(path, f"{path}.lock", found, ", under more than one name")
        if found.stats.st_size > 0:
            if looks_like_record(read_text(fd, len(RECORD_MAGIC))):
                return
        # An empty file is ours if it has our mode. A umask may have removed bits; a plain `touch` adds some.
        elif not found.mode & 0o177:
            if found.mode & 0o777 != LOCK_MODE:
                os.fchmod(fd, LOCK_MODE)
            return
    raise foreign_file(path, f"{path}.lock", found)
