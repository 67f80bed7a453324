"""The lock file of an endpoint: its lock, its record, and its clean-up at exit."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from typing import Final, Literal

from .._protocol.constants import LOCK_MODE, MAX_RECORD_BYTES
from .close import close_anyway
from .descriptor_text import read_text, write_text
from .held_locks import held_from_now, held_no_more
from .identity import Found, Identity, look_open
from .inherited import forget, remember
from .kernel_lock import unlock
from .leftovers import kill_orphans, reclaim
from .locking import Absent, Busy, Locked, lock_at
from .place import Place
from .record import Entry, OwnerRecord, assert_record_fits, parse_record, record_header, record_lines


class LockFile:
    """A lock file that this process has locked.

    The process that holds the lock on the inode that is linked at the lock's path is the one owner (I1); the kernel drops the
    lock when the process dies. The exit cleans up after a lock file, and a forked child closes its copy, exactly as long as its
    descriptor is open: it enters and leaves both lists in the step in which the descriptor becomes or ceases to be this
    object's.
    """

    def __init__(self, place: Place, fd: int, found: Found) -> None:
        self.place: Final = place
        # Whether there was no record in it when it was taken: no dead owner left anything.
        self.was_empty: Final = found.stats.st_size == 0
        self._fd = fd
        self._identity = found.identity
        self._open = True
        # What a `retake` that failed has left at the lock's path: no rival's.
        self._unfinished: Identity | None = None
        place.directory.retain()
        remember(self)
        held_from_now(self)

    @staticmethod
    def attempt(place: Place, create: bool) -> LockFile | Busy | Absent:
        """Tries once, without waiting. `create` makes the lock file when it is missing."""
        locked = lock_at(place, create)
        return LockFile(place, locked.fd, locked.found) if isinstance(locked, Locked) else locked

    @property
    def fd(self) -> int:
        """The descriptor."""
        return self._fd

    def is_open(self) -> bool:
        """Whether the descriptor is still the file that was locked: anything in the process can close one."""
        if not self._open:
            return False
        try:
            return look_open(self._fd).identity.is_same(self._identity)
        except OSError as error:
            if error.errno == errno.EBADF:
                return False
            raise

    def check(self) -> Literal["linked", "missing", "replaced"]:
        """Whether the lock's path still leads to the file that we hold.

        One that is missing its owner can `retake`; one that was replaced means that this owner has been deposed.
        """
        linked = self.place.directory.look(self.place.names.lock)
        if linked is None:
            return "missing"
        if linked.identity.is_same(self._identity):
            return "linked"
        is_unfinished = self._unfinished is not None and linked.identity.is_same(self._unfinished)
        return "missing" if is_unfinished else "replaced"

    def restore_mode(self) -> tuple[int, int] | None:
        """Gives the file its mode back. Returns the mode that it had and the one that it has, if they differ."""
        mode = os.fstat(self._fd).st_mode & 0o7777
        if mode == LOCK_MODE:
            return None
        os.fchmod(self._fd, LOCK_MODE)
        return mode, LOCK_MODE

    def retake(self, entries: Callable[[], Iterable[Entry]], tell: Callable[[Exception], None]) -> bool:
        """Takes the lock again after its file was removed: with a new file and a new record, in place of those that were lost.

        False if another process was quicker. After a failure the lost file goes on to be the one that is held, until the next
        call. `entries` gives what the new record has to say; `tell` is told why the new file could not be taken back after a
        failure.
        """
        taken = LockFile.attempt(self.place, create=True)
        if not isinstance(taken, LockFile):
            return False
        # Two files are held from here on, and the exit cleans up after both.
        self._unfinished = taken._identity
        reclaimed = False
        try:
            # Another process may have been owner in between, and be dead already.
            record = taken.record()
            kill_orphans(record)
            reclaim(taken, record)
            reclaimed = True
            taken.begin(*entries())
        except BaseException:
            # An empty file would only invite others; a record that names what a dead owner left is needed.
            if reclaimed:
                _tell_of(taken.remove, tell)
            taken.release()
            raise
        self._unfinished = None
        self._exchange(taken)
        # What else closed the lost file's descriptor has left its number to others.
        if taken.is_open():
            taken.release()
        else:
            taken._forget()
        return True

    def _exchange(self, other: LockFile) -> None:
        """Both stay in the lists: each has an open descriptor before and after."""
        self._fd, other._fd = other._fd, self._fd
        self._identity, other._identity = other._identity, self._identity

    def record(self) -> OwnerRecord | None:
        """The record in it; of a dead owner, until this process begins its own."""
        return parse_record(read_text(self._fd, MAX_RECORD_BYTES))

    def begin(self, *entries: Entry) -> None:
        """Starts the record of this process, in place of a dead owner's."""
        # Not without need: ext4 takes a truncation for the beginning of a replacement, and begins to write it to the disk.
        if os.fstat(self._fd).st_size > 0:
            os.ftruncate(self._fd, 0)
        self._append(0, [record_header(), *entries])

    def append(self, *entries: Entry) -> None:
        """Adds lines. Done before the things themselves, so that no crash leaves anything that no record names."""
        self._append(os.fstat(self._fd).st_size, entries)

    def _append(self, size: int, entries: Iterable[Entry]) -> None:
        lines = record_lines(entries)
        assert_record_fits(size + len(lines))
        try:
            write_text(self._fd, lines, size)
        except OSError:
            # A full disk may take a part of the lines before it refuses the rest: the next line must not be lost behind it.
            os.ftruncate(self._fd, size)
            raise

    def remove(self) -> None:
        """Removes the lock file, if it still is ours, and lets go of the lock, in this order (I2). Idempotent."""
        if not self._open:
            return
        try:
            if self.check() == "linked":
                os.unlink(self.place.names.lock.encode(), dir_fd=self.place.directory.fd)
        finally:
            self.release()

    def release(self) -> None:
        """Lets go of the lock and leaves the file. Idempotent."""
        if not self._open:
            return
        try:
            # Unlocked, not only closed: a copy of the descriptor in a child would keep the lock.
            unlock(self._fd)
        except OSError:
            # To close it unlocks it, too, but for such a copy. To let go of a lock must not stop half way.
            pass
        finally:
            self._leave_lists()
            try:
                close_anyway(self._fd)
            finally:
                self.place.directory.release()

    def _forget(self) -> None:
        """Lets go of a descriptor that something else has closed: neither reads nor closes what has its number by now."""
        self._leave_lists()
        self.place.directory.release()

    def _leave_lists(self) -> None:
        """The number is another file's as soon as it is closed: nothing may know it by then."""
        self._open = False
        forget(self)
        held_no_more(self)

    def close_in_child(self) -> None:
        self._open = False
        os.close(self._fd)


def _tell_of(work: Callable[[], object], tell: Callable[[Exception], None]) -> None:
    try:
        work()
    except Exception as error:
        tell(error)
