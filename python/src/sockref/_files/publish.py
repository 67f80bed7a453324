"""Makes sockets visible at their final names. Each is complete before that."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .._protocol.constants import PRIVATE_DIRECTORY_MODE, PRIVATE_NAME_DIGITS, PRIVATE_PREFIX, SOCKET_BACKLOG
from .._system_errors import system_error
from .close import close_object
from .directory import Directory
from .foreign import foreign_file
from .identity import Identity
from .paths import assert_path_fits, join_path
from .place import Place
from .platform import MAX_SOCKET_PATH_BYTES, REACHES_THROUGH_DESCRIPTORS
from .record import published_entry, temporary_entry
from .remains import Remains

if TYPE_CHECKING:
    from .lock_file import LockFile


@dataclass(frozen=True, slots=True)
class Publication:
    """A socket to publish: its name and its mode."""

    name: str
    mode: int


def publish(
    lock: LockFile, publications: Sequence[Publication], remains: Remains, *, begin: bool = False
) -> list[tuple[socket.socket, Identity]]:
    """Publishes sockets, in this order. Returns the listeners and their files (I6, I2).

    Each is bound and listening in a private directory, has its mode, and is named in the record; only then it is linked.
    After a failure nothing remains except what the system does not let us remove; `remains` and the record name that.
    `begin`: this process begins its record with this.
    """
    directory, path = lock.place.directory, lock.place.path
    listeners: list[socket.socket] = []
    linked: list[tuple[str, Identity]] = []
    try:
        with _private_directory(lock, remains, begin) as private_name:
            settled: list[tuple[str, str, Identity]] = []
            for publication in publications:
                private = private_name()
                listeners.append(_listen(directory, private))
                settled.append((private, publication.name, _settle(directory, private, publication.mode)))
            # All of them, before the first one gets its name.
            lock.append(*(published_entry(name, file) for _, name, file in settled))
            for private, name, file in settled:
                _link_new(lock.place, private, name)
                linked.append((name, file))
    except Exception as error:
        for listener in listeners:
            close_object(listener)
        for name, file in linked:
            remains.unlink(directory, name, file)
        raise system_error(error, path, f"publish the socket {path}") from error
    return [(listener, file) for listener, (_, file) in zip(listeners, linked, strict=True)]


@contextlib.contextmanager
def _private_directory(lock: LockFile, remains: Remains, begin: bool) -> Generator[Callable[[], str]]:
    """A private directory in which sockets are bound before they are published. Yields a function that gives names in it."""
    name = f"{PRIVATE_PREFIX}{secrets.token_hex(PRIVATE_NAME_DIGITS // 2)}"
    directory = lock.place.directory
    fd = directory.fd
    # Named in the record before it exists: after a crash from here on, the next owner knows all that is left.
    (lock.begin if begin else lock.append)(temporary_entry(name))
    given: list[str] = []

    def private_name() -> str:
        given.append(f"{name}/{secrets.token_hex(PRIVATE_NAME_DIGITS // 2)}")
        return given[-1]

    try:
        os.mkdir(name, PRIVATE_DIRECTORY_MODE, dir_fd=fd)
        os.chmod(name, PRIVATE_DIRECTORY_MODE, dir_fd=fd)
        yield private_name
    finally:
        for each in given:
            # Else it is removed with the directory.
            with contextlib.suppress(OSError):
                os.unlink(each, dir_fd=fd)
        try:
            os.rmdir(name, dir_fd=fd)
        except FileNotFoundError:
            # Already removed, or never created.
            pass
        except OSError:
            remains.remove_directory(directory, name)


def _settle(directory: Directory, name: str, mode: int) -> Identity:
    """Sets the mode of the socket at a private name. Returns which file it is."""
    os.chmod(name, mode, dir_fd=directory.fd)
    found = directory.look(name)
    if found is None:
        raise RuntimeError("another program emptied the private directory")
    return found.identity


def _listen(directory: Directory, name: str) -> socket.socket:
    if not REACHES_THROUGH_DESCRIPTORS:
        assert_path_fits(join_path(directory.path, name), MAX_SOCKET_PATH_BYTES)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(directory.address(name))
        listener.listen(SOCKET_BACKLOG)
    except BaseException:
        close_object(listener)
        raise
    return listener


def _link_new(place: Place, private: str, name: str) -> None:
    """link() never replaces a file: two publishers cannot both succeed."""
    directory = place.directory
    while True:
        try:
            os.link(
                private.encode(),
                name.encode(),
                src_dir_fd=directory.fd,
                dst_dir_fd=directory.fd,
                follow_symlinks=False,
            )
            return
        except FileExistsError as error:
            found = directory.look(name)
            if found:
                raise foreign_file(place.path, join_path(directory.path, name), found) from error
            # The file vanished in between: another owner is ending. Then the name is free.
