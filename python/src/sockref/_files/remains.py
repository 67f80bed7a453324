"""What an owner has made and could not remove at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from .directory import Directory
from .each import take_each
from .identity import Identity
from .record import Entry, published_entry, temporary_entry
from .remove import remove_private_directory, unlink_if_same


class Remains:
    """Its record has to name it until it is gone: the record stays as long as anything is left here.

    `tell` is told why something could not be removed, when it is left.
    """

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        self._tell: Final = tell
        self._published: set[tuple[str, Identity]] = set()
        self._temporaries: set[str] = set()

    @property
    def entries(self) -> list[Entry]:
        """What the record has to say of it."""
        return [
            *(temporary_entry(name) for name in self._temporaries),
            *(published_entry(name, file) for name, file in self._published),
        ]

    def unlink(self, directory: Directory, name: str, file: Identity) -> None:
        """Unlinks a published name if it leads to this very file; remembers what the system does not let go of now."""
        self._published.add((name, file))
        try:
            self._unlink(directory, name, file)
        except OSError as error:
            self._tell(error)

    def remove_directory(self, directory: Directory, name: str) -> None:
        """Removes a private directory with all that is in it; remembers what the system does not let go of now."""
        self._temporaries.add(name)
        try:
            self._remove_directory(directory, name)
        except OSError as error:
            self._tell(error)

    def remove(self, directory: Directory) -> None:
        """Tries again to remove all of it. Everything is tried; the first error is raised then, and what it is about stays."""
        errors = take_each(
            *[partial(self._unlink, directory, name, file) for name, file in self._published],
            *[partial(self._remove_directory, directory, name) for name in self._temporaries],
        )
        if errors:
            raise errors[0]

    def _unlink(self, directory: Directory, name: str, file: Identity) -> None:
        unlink_if_same(directory, name, file)
        self._published.discard((name, file))

    def _remove_directory(self, directory: Directory, name: str) -> None:
        remove_private_directory(directory, name)
        self._temporaries.discard(name)
