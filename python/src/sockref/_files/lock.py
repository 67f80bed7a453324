"""The lock of an endpoint: whoever holds it on the inode that is linked at the lock's path is the one owner (I1)."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Final, Literal

from .._protocol.constants import LOCK_MODE, MAX_LOCK_REPLACEMENTS, RECORD_MAGIC
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .close import close_anyway
from .directory import Directory
from .foreign import foreign_file
from .held_locks import held_from_now, held_no_more
from .identity import Found, Identity, look_open
from .inherited import forget, remember
from .kernel_lock import try_lock, unlock
from .platform import own_uid
from .record import OwnerRecord, looks_like_record, read_record, read_text

# Not to block on a FIFO, not to follow a link, not to become anybody's terminal.
_FLAGS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Busy:
    """Someone else holds it; the record says who, once it is written."""

    record: OwnerRecord | None


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no lock file, and none was to be made."""


class EndpointLock:
    """A lock that is held by this process. The kernel drops it when the process dies."""

    def __init__(self, directory: Directory, name: str, path: str, fd: int, found: Found) -> None:
        self.directory: Final = directory.retain()
        self.name: Final = name
        self.path: Final = path
        self.fd: Final = fd
        self.identity: Final = found.identity
        # Whether there was no record in it when it was taken: no dead owner left anything.
        self.was_empty: Final = found.stats.st_size == 0
        self._open = True
        remember(self)
        held_from_now(self)

    @staticmethod
    def attempt(directory: Directory, name: str, path: str, create: bool) -> EndpointLock | Busy | Absent:
        """Tries once, without waiting. `create` makes the lock file when it is missing."""
        for _ in range(MAX_LOCK_REPLACEMENTS):
            fd = _open_lock_file(directory, name, path, create)
            if fd is None:
                return Absent()
            keep = False
            try:
                _assert_ours(fd, path)
                if not try_lock(fd):
                    return Busy(read_record(fd))
                found = look_open(fd)
                # I1: an owner removes its lock file before it lets go, so ours may be one that no name leads to any more.
                if not _is_linked(directory, name, found.identity):
                    continue
                keep = True
                return EndpointLock(directory, name, path, fd, found)
            except Exception as error:
                # This very call may have made it.
                if create:
                    _discard_empty(directory, name, path, fd)
                raise system_error(error, path, f"lock the file {path}.lock") from error
            finally:
                if not keep:
                    close_anyway(fd)
        return Busy(None)

    def is_open(self) -> bool:
        """Whether the descriptor is still the file that was locked: anything in the process can close one."""
        if not self._open:
            return False
        try:
            return look_open(self.fd).identity.is_same(self.identity)
        except OSError as error:
            if error.errno == errno.EBADF:
                return False
            raise

    def check(self) -> Literal["linked", "missing", "replaced"]:
        """Whether the lock's path still leads to the file that we hold. If not, this owner was deposed, or must repair it."""
        linked = self.directory.look(self.name)
        if linked is None:
            return "missing"
        return "linked" if linked.identity.is_same(self.identity) else "replaced"

    def remove(self) -> None:
        """Removes the lock file, if it still is ours, and lets go of the lock, in this order (I2). Idempotent."""
        if not self._open:
            return
        try:
            if self.check() == "linked":
                os.unlink(self.name.encode(), dir_fd=self.directory.fd)
        finally:
            self.release()

    def release(self) -> None:
        """Lets go of the lock and leaves the file. Idempotent."""
        if not self._open:
            return
        try:
            # Unlocked, not only closed: a copy of the descriptor in a child would keep the lock.
            unlock(self.fd)
        except OSError:
            # To close it unlocks it, too, but for such a copy. Whoever lets go of a lock must not stop half way.
            pass
        finally:
            # The number is somebody else's as soon as it is closed: nothing may know it by then.
            self._open = False
            forget(self)
            held_no_more(self)
            try:
                close_anyway(self.fd)
            finally:
                self.directory.release()

    def close_in_child(self) -> None:
        self._open = False
        os.close(self.fd)


def peek_record(directory: Directory, name: str, path: str) -> OwnerRecord | None:
    """Reads the record at a lock's path without locking: who the owner is, or was."""
    fd = _open_lock_file(directory, name, path, False)
    if fd is None:
        return None
    try:
        _assert_ours(fd, path)
        return read_record(fd)
    except OSError as error:
        raise system_error(error, path, f"read the lock file {path}.lock") from error
    finally:
        close_anyway(fd)


def _is_linked(directory: Directory, name: str, identity: Identity) -> bool:
    """Whether a name leads to an open file."""
    linked = directory.look(name)
    return linked is not None and linked.identity.is_same(identity)


def _discard_empty(directory: Directory, name: str, path: str, fd: int) -> None:
    """Removes an empty lock file, under its lock as any: a failed acquire leaves nothing. Best effort, since something failed."""
    try:
        _assert_ours(fd, path)
        found = look_open(fd)
        if found.stats.st_size == 0 and _is_free(fd) and _is_linked(directory, name, found.identity):
            os.unlink(name.encode(), dir_fd=directory.fd)
    except (OSError, SocketReferenceError):
        # What failed first is told. The next claim takes an empty file for its own.
        pass


def _is_free(fd: int) -> bool:
    try:
        return try_lock(fd)
    except OSError as error:
        # Where there are no locks nobody holds one.
        if error.errno == errno.ENOLCK:
            return True
        raise


def _open_lock_file(directory: Directory, name: str, path: str, create: bool) -> int | None:
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
    """Never lock, write or remove a file that only happens to have this name."""
    found = look_open(fd)
    if found.is_file and found.uid == own_uid():
        if found.stats.st_nlink > 1:
            # Its other name is somebody else's business: what we write here would be in that file, too.
            raise foreign_file(path, f"{path}.lock", found, ", under more than one name")
        if found.stats.st_size > 0:
            if looks_like_record(read_text(fd, len(RECORD_MAGIC))):
                return
        # Empty: ours if it was made with our mode. A umask may have taken bits from it, an ordinary `touch` adds some.
        elif not found.mode & 0o177:
            if found.mode & 0o777 != LOCK_MODE:
                os.fchmod(fd, LOCK_MODE)
            return
    raise foreign_file(path, f"{path}.lock", found)
