"""Finds the place on disk for a path that a user gave."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .._files.default_directory import default_directory, default_directory_path
from .._files.directory import Directory, canonical_directory
from .._files.paths import BareName, assert_path_fits, invalid_path, join_path, parse_path
from .._files.place import EndpointNames, Place
from ..errors import SocketReferenceError, quote


@dataclass(frozen=True, slots=True)
class Location:
    """Where a path that a user gave leads to; `path` is the canonical path of the data socket."""

    path: str
    directory: str
    name: str
    is_default: bool


def locate(given: object, make: bool, allowed: Sequence[str] | None) -> Location:
    """Finds the canonical path for a path that a user gave.

    `make` creates the default directory if the path is in it. `allowed`: directories, with all below them, that the socket
    may be in.
    """
    requested = parse_path(given)
    is_default = isinstance(requested, BareName)
    asked = default_directory_path() if isinstance(requested, BareName) else requested.directory
    with _for_socket(join_path(asked, requested.name)):
        directory = default_directory(make) if is_default else canonical_directory(asked)
    path = join_path(directory, requested.name)
    assert_path_fits(path)
    if allowed and not any(_is_within(directory, each) for each in allowed):
        listed = ", ".join(quote(each) for each in allowed)
        rule = f"this manager allows only sockets in {listed} and below (allowed_directories)"
        raise invalid_path(path, "not-allowed", rule)
    return Location(path, directory, requested.name, is_default)


def open_place(location: Location) -> Place:
    """Opens and checks the directory of a location. The caller releases it."""
    with _for_socket(location.path):
        opened = Directory.open(location.directory, "private" if location.is_default else "shared")
    return Place(opened, EndpointNames.of(location.name), location.path)


def is_missing(error: BaseException) -> bool:
    """Whether an error says that the directory is not there."""
    return isinstance(error, SocketReferenceError) and error.code == "ERR_SOCKREF_DIRECTORY_NOT_FOUND"


@contextmanager
def _for_socket(path: str) -> Generator[None]:
    """Adds the requested socket to the errors of work that knows only the directory."""
    try:
        yield
    except SocketReferenceError as error:
        if error.code != "ERR_SOCKREF_INVALID_OPTION":
            error.path = path
        raise


def _is_within(directory: str, allowed: str) -> bool:
    try:
        canonical = canonical_directory(allowed)
    except SocketReferenceError:
        # A directory that does not exist contains nothing.
        return False
    return directory == canonical or canonical == "/" or directory.startswith(f"{canonical}/")
