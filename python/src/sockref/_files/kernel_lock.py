"""The kernel's lock on a whole file, which every implementation of the protocol takes."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import sys


def _flock(kind: int) -> bytes:
    # struct flock: type, whence, start, length, pid. All zero but the type: the whole file, and no pid, as the kernel
    # asks for locks of this kind. `0q` pads it to the alignment of its longest member.
    return struct.pack("hhqqi0q", kind, os.SEEK_SET, 0, 0, 0)


if sys.platform == "linux":

    def try_lock(fd: int) -> bool:
        """Takes the lock of an open file description, without waiting; says whether it was granted."""
        try:
            fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_WRLCK))
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def unlock(fd: int) -> None:
        """Releases the lock, for all copies of the descriptor."""
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, _flock(fcntl.F_UNLCK))

else:

    def try_lock(fd: int) -> bool:
        """Takes the lock of an open file description, without waiting; says whether it was granted."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK):
                return False
            raise
        return True

    def unlock(fd: int) -> None:
        """Releases the lock, for all copies of the descriptor."""
        fcntl.flock(fd, fcntl.LOCK_UN)
