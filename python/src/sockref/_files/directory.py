"""Directories that were checked and stay open."""

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
"""How strictly a directory is checked: `shared` is any parent directory, `private` is the default directory."""

_open: dict[str, Directory] = {}
"""The open directories of this process, by canonical path. Endpoints in one directory share its descriptor."""


class Directory:
    """A checked directory that stays open, so that operations in it reach the directory that was checked.

    It is counted: the last `release` closes it. Only the background thread uses it.
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
        """The path by which bind() and connect() reach a name in this directory. It is valid in this process only."""
        if REACHES_THROUGH_DESCRIPTORS:
            return f"/proc/self/fd/{self.fd}/{name}".encode()
        return join_path(self.path, name).encode()

    def look(self, name: str) -> Found | None:
        """The file at a name in this directory."""
        try:
            return look(name.encode(), self.fd)
        except UnicodeEncodeError:
            # Half of a surrogate pair, from another program's record: no file has that name.
            return None

    def is_in_place(self) -> bool:
        """Whether the canonical path still leads to this directory. If not, no other process finds the files in it by that path.

        Raises OSError if the system does not say.
        """
        found = None
        # One of its parents is not a directory any more. `look` reports a missing file without an error.
        with contextlib.suppress(NotADirectoryError):
            found = look(self.path.encode())
        return found is not None and found.identity.is_same(self._identity)

    def retain(self) -> Directory:
        """Counts one more user."""
        self._holders += 1
        return self

    def release(self) -> None:
        """Counts one user less. The last one closes the descriptor."""
        if self._holders == 0:
            # By now another file may have its number.
            raise RuntimeError(f"the directory {self.path} was released more often than it was retained")
        self._holders -= 1
        if self._holders > 0:
            return
        # Only if the entry is this directory: the path may have been opened again as another one.
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
    """Refuses a directory in which another user could replace our files."""

    def refuse(reason: str, what: str, advice: str) -> SocketReferenceError:
        return SocketReferenceError(
            "ERR_SOCKREF_UNSAFE_DIRECTORY",
            f"Unsafe directory {quote(path)}: it {what} (owner uid {uid}, mode {mode:04o}); {advice}",
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
        raise refuse("owner", f"belongs neither to uid {own} nor to root", "use a directory that belongs to you")
    if mode & 0o022 and not mode & 0o1000:
        raise refuse("mode", "lets group or others replace files", f"run: chmod go-w {quote(path)} (or chmod +t)")
