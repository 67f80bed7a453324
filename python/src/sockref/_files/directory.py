"""Directories that were checked and are held open."""

from __future__ import annotations

import contextlib
import os
from typing import Final, Literal

from .._system_errors import errno_of, system_error
from ..errors import SocketReferenceError, quote
from .close import close_anyway
from .identity import Found, Identity, look, look_open
from .inherited import forget, remember
from .paths import join_path
from .platform import REACHES_THROUGH_DESCRIPTORS, own_uid

Rule = Literal["shared", "private"]
"""How strictly a directory is judged: `shared` is any parent, `private` is the default directory."""

_open: dict[str, Directory] = {}
"""Open directories of this process, by canonical path: endpoints of one directory share its descriptor."""


class Directory:
    """A directory that is held open, so that what is done in it is done in the very directory that was checked.

    Counted: the last `release` closes it. Used by the background thread alone.
    """

    def __init__(self, path: str, fd: int, identity: Identity) -> None:
        self.path: Final = path
        self.fd: Final = fd
        self._identity: Final = identity
        self._holders = 1
        remember(self)

    @staticmethod
    def open(canonical: str, rule: Rule = "shared") -> Directory:
        """Opens and checks the directory at a canonical path."""
        try:
            fd = os.open(canonical.encode(), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise directory_error(error, canonical) from error
        try:
            found = look_open(fd)
            assert_safe(canonical, found.uid, found.mode, rule)
            known = _open.get(canonical)
            if known and known._identity.is_same(found.identity):
                close_anyway(fd)
                known._holders += 1
                return known
            directory = Directory(canonical, fd, found.identity)
        except BaseException as error:
            close_anyway(fd)
            if isinstance(error, OSError):
                raise directory_error(error, canonical) from error
            raise
        _open[canonical] = directory
        return directory

    def address(self, name: str) -> bytes:
        """The path by which bind() and connect() reach a name in this very directory; valid in this process only."""
        if REACHES_THROUGH_DESCRIPTORS:
            return f"/proc/self/fd/{self.fd}/{name}".encode()
        return join_path(self.path, name).encode()

    def look(self, name: str) -> Found | None:
        """What lies at a name in this directory."""
        try:
            return look(name.encode(), self.fd)
        except UnicodeEncodeError:
            # Half of a surrogate pair, from another program's record: no file is called so.
            return None

    def is_in_place(self) -> bool:
        """Whether the canonical path still leads to this directory. If not, no process finds by it what is in here.

        Raises OSError if the system does not say.
        """
        found = None
        # One of its parents is no directory any more. That nothing is there, `look` says itself.
        with contextlib.suppress(NotADirectoryError):
            found = look(self.path.encode())
        return found is not None and found.identity.is_same(self._identity)

    def retain(self) -> Directory:
        """One holder more."""
        self._holders += 1
        return self

    def release(self) -> None:
        """One holder less; the last one closes the descriptor."""
        if self._holders == 0:
            # Its number may be another one's by now.
            raise RuntimeError(f"the directory {self.path} was released more often than it was retained")
        self._holders -= 1
        if self._holders > 0:
            return
        # Only if the entry is still this directory: the path may have been opened again as another one.
        if _open.get(self.path) is self:
            del _open[self.path]
        forget(self)
        close_anyway(self.fd)

    def close_in_child(self) -> None:
        _open.pop(self.path, None)
        os.close(self.fd)


def canonical_directory(path: str) -> str:
    """The canonical form of a directory's path: absolute, without symbolic links."""
    try:
        return os.path.realpath(path.encode(), strict=True).decode(errors="replace")
    except OSError as error:
        raise directory_error(error, path) from error


def directory_error(error: OSError, path: str) -> SocketReferenceError:
    """The error for a directory that cannot be used."""
    errno = errno_of(error)
    if errno in ("ENOENT", "ENOTDIR", "ELOOP"):
        what = "does not exist" if errno == "ENOENT" else "is not a directory"
        typed = SocketReferenceError(
            "ERR_SOCKREF_DIRECTORY_NOT_FOUND",
            f"The directory {quote(path)} {what}; create it first (mkdir -p -m 700), or pass another path",
            directory=path,
        )
        typed.__cause__ = error
        return typed
    return system_error(error, path, f"use the directory {quote(path)}")


def assert_safe(path: str, uid: int, mode: int, rule: Rule) -> None:
    """Refuses a directory in which someone else could put a file of theirs in the place of ours."""

    def refuse(reason: str, what: str, mend: str) -> SocketReferenceError:
        return SocketReferenceError(
            "ERR_SOCKREF_UNSAFE_DIRECTORY",
            f"Unsafe directory {quote(path)}: it {what} (owner uid {uid}, mode {mode:04o}); {mend}",
            directory=path,
            uid=uid,
            mode=mode,
            reason=reason,
        )

    own = own_uid()
    if rule == "private":
        if uid != own:
            raise refuse("owner", f"belongs to another user than uid {own}", "set SOCKREF_DIR to one of yours")
        if mode & 0o077:
            raise refuse("mode", "is open to group or others", f"run: chmod 700 {quote(path)}")
        return
    if uid not in (own, 0):
        raise refuse("owner", f"belongs neither to uid {own} nor to root", "use a directory of your own")
    if mode & 0o022 and not mode & 0o1000:
        raise refuse("mode", "lets group or others replace files", f"run: chmod go-w {quote(path)} (or chmod +t)")
