"""The lock file of an endpoint: its lock, its record, and its clean-up at exit."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterable
from typing import Final, Literal

from .._protocol.constants import LOCK_MODE, MAX_RECORD_BYTES
from .close import close_anyway
from .descriptor_text import read_text, write_text
from .held_locks import add_held_lock, remove_held_lock
from .identity import Found, Identity, look_open
from .inherited import forget, remember
from .kernel_lock import unlock
from .leftovers import kill_orphans, reclaim
from .locking import Absent, Busy, Locked, lock_at
from .place import Place
from .record import Entry, OwnerRecord, assert_record_fits, parse_record, record_header, record_lines


class LockFile:
    """A lock file that this process has locked.

    The owner is the process that holds the lock on the inode at the lock's path (I1). The kernel releases the lock when the
    process dies. The exit cleans up after a lock file exactly as long as its descriptor is open, and a forked child closes its
    copy. This object enters and leaves both lists in the step that opens or closes its descriptor.
    """

    def __init__(self, place: Place, fd: int, found: Found) -> None:
        self.place: Final = place
        # Whether the file had no record when it was locked: no dead owner left anything.
        self.was_empty: Final = found.stats.st_size == 0
        self._fd = fd
        self._identity = found.identity
        # How many bytes the file must have: no other program writes to it.
        self._length = found.stats.st_size
        self._open = True
        # The file that a failed `retake` left at the lock's path. It is ours, not a rival's.
        self._unfinished: Identity | None = None
        place.directory.retain()
        remember(self)
        add_held_lock(self)

    @staticmethod
    def attempt(place: Place, create: bool) -> LockFile | Busy | Absent:
        """Tries once, without waiting. `create` creates a missing lock file."""
        locked = lock_at(place, create)
        return LockFile(place, locked.fd, locked.found) if isinstance(locked, Locked) else locked

    @property
    def fd(self) -> int:
        """The descriptor."""
        return self._fd

    def is_open(self) -> bool:
        """Whether the descriptor still leads to the locked file. Any code in the process can close a descriptor."""
        if not self._open:
            return False
        try:
            return look_open(self._fd).identity.is_same(self._identity)
        except OSError as error:
            if error.errno == errno.EBADF:
                return False
            raise

    def check(self) -> Literal["linked", "missing", "replaced"]:
        """Whether the lock's path still leads to our file.

        The owner can `retake` a missing one. A replaced one means that this owner was deposed.
        """
        linked = self.place.directory.look(self.place.names.lock)
        if linked is None:
            return "missing"
        if linked.identity.is_same(self._identity):
            return "linked"
        is_unfinished = self._unfinished is not None and linked.identity.is_same(self._unfinished)
        return "missing" if is_unfinished else "replaced"

    def restore_mode(self) -> tuple[int, int] | None:
        """Restores the mode of the file. Returns the changed mode and the restored one, or None if it was right."""
        mode = os.fstat(self._fd).st_mode & 0o7777
        if mode == LOCK_MODE:
            return None
        os.fchmod(self._fd, LOCK_MODE)
        return mode, LOCK_MODE

    def retake(self, entries: Callable[[], Iterable[Entry]], tell: Callable[[Exception], None]) -> bool:
        """Takes the lock again after its file was removed: with a new file and a new record in place of the lost ones.

        Returns False if another process took it first. After a failure the lost file stays the held one until the next call.
        `entries` gives the lines of the new record. `tell` is called with the reason if the new file could not be removed
        after a failure.
        """
        taken = LockFile.attempt(self.place, create=True)
        if not isinstance(taken, LockFile):
            return False
        # From here on two files are held, and the exit cleans up after both.
        self._unfinished = taken._identity
        reclaimed = is_open = False
        try:
            # Another process may have been the owner in between, and died.
            record = taken.record()
            kill_orphans(record)
            reclaim(taken, record)
            reclaimed = True
            taken.begin(*entries())
            # If other code closed the lost file's descriptor, its number may belong to another file now.
            is_open = self.is_open()
        except BaseException:
            # An empty file would only invite others. A record that names what a dead owner left must stay.
            if reclaimed:
                _tell_of(taken.remove, tell)
            taken.release()
            raise
        self._unfinished = None
        self._exchange(taken)
        if is_open:
            taken.release()
        else:
            taken._forget()
        return True

    def _exchange(self, other: LockFile) -> None:
        """Both stay in the lists, because each has an open descriptor before and after."""
        self._fd, other._fd = other._fd, self._fd
        self._identity, other._identity = other._identity, self._identity
        self._length, other._length = other._length, self._length

    def record(self) -> OwnerRecord | None:
        """The record in the file. It is a dead owner's until this process begins its own."""
        return parse_record(read_text(self._fd, MAX_RECORD_BYTES))

    def begin(self, *entries: Entry) -> None:
        """Begins the record of this process, in place of a dead owner's."""
        # Only if needed: ext4 takes a truncation for the start of a replacement, and begins to write the file to disk.
        if os.fstat(self._fd).st_size > 0:
            os.ftruncate(self._fd, 0)
        self._length = 0
        self._append(0, [record_header(int(time.time() * 1000)), *entries])

    def append(self, *entries: Entry) -> None:
        """Adds lines. Called before the named things exist, so that a crash leaves nothing that no record names."""
        self._append(os.fstat(self._fd).st_size, entries)

    def restore_record(self, since: int, entries: Callable[[], Iterable[Entry]]) -> bool:
        """Writes the record again if another program has emptied, cut off or extended it.

        Without its record, what a killed owner left would stay. Returns whether that was necessary.
        """
        if os.fstat(self._fd).st_size == self._length:
            return False
        lines = record_lines([record_header(since), *entries()])
        write_text(self._fd, lines, 0)
        os.ftruncate(self._fd, len(lines))
        self._length = len(lines)
        return True

    def _append(self, size: int, entries: Iterable[Entry]) -> None:
        lines = record_lines(entries)
        assert_record_fits(size + len(lines))
        try:
            write_text(self._fd, lines, size)
        except OSError:
            # A full disk may accept some of the lines and refuse the rest. The next line must not follow a torn one.
            os.ftruncate(self._fd, size)
            raise
        self._length += len(lines)

    def remove(self) -> None:
        """Removes the lock file, if it is still ours, and then releases the lock (I2). Idempotent."""
        if not self._open:
            return
        try:
            if self.check() == "linked":
                os.unlink(self.place.names.lock.encode(), dir_fd=self.place.directory.fd)
        finally:
            self.release()

    def release(self) -> None:
        """Releases the lock and leaves the file. Idempotent."""
        if not self._open:
            return
        try:
            # Unlocks, not only closes: a copy of the descriptor in a child would keep the lock.
            unlock(self._fd)
        except OSError:
            # Closing unlocks it as well, unless there is such a copy. The release of a lock must not stop half way.
            pass
        finally:
            self._leave_lists()
            try:
                close_anyway(self._fd)
            finally:
                self.place.directory.release()

    def _forget(self) -> None:
        """Forgets a descriptor that other code closed. Neither reads nor closes the file that has its number now."""
        self._leave_lists()
        self.place.directory.release()

    def _leave_lists(self) -> None:
        """After the close another file may have the number at once: forget it before."""
        self._open = False
        forget(self)
        remove_held_lock(self)

    def close_in_child(self) -> None:
        self._open = False
        os.close(self._fd)


def _tell_of(work: Callable[[], object], tell: Callable[[Exception], None]) -> None:
    try:
        work()
    except Exception as error:
        tell(error)
