"""What an owner created and could not remove at once."""

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
    """The record must name these until they are removed: it stays as long as any are left.

    `tell` is called with the reason when something could not be removed.
    """

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        self._tell: Final = tell
        self._published: set[tuple[str, Identity]] = set()
        self._temporaries: set[str] = set()

    @property
    def entries(self) -> list[Entry]:
        """What the record must say about them."""
        return [
            *(temporary_entry(name) for name in self._temporaries),
            *(published_entry(name, file) for name, file in self._published),
        ]

    def unlink(self, directory: Directory, name: str, file: Identity) -> None:
        """Unlinks a published name if it leads to this file. Remembers it if the system does not let us remove it now."""
        self._published.add((name, file))
        try:
            self._unlink(directory, name, file)
        except OSError as error:
            self._tell(error)

    def remove_directory(self, directory: Directory, name: str) -> None:
        """Removes a private directory with its content. Remembers it if the system does not let us remove it now."""
        self._temporaries.add(name)
        try:
            self._remove_directory(directory, name)
        except OSError as error:
            self._tell(error)

    def remove(self, directory: Directory) -> None:
        """Tries again to remove everything. Then raises the first error; what could not be removed stays."""
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
