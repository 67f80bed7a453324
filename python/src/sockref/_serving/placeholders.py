"""The words in a command that stand for the place where the server must listen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_KNOWN: Final = re.compile(r"\{(socket|dir)\}")

# A word in braces, but not a shell's `${word}` and not a template's `{{word}}`.
_IN_BRACES: Final = re.compile(r"(?<![${\\])\{([A-Za-z_-]+)\}(?!\})")


def _names(socket: str, directory: str) -> Mapping[str, str]:
    def pairs(names: str, meant: str) -> Iterable[tuple[str, str]]:
        return ((name, meant) for name in names.split())

    return dict([*pairs(socket, "{socket}"), *pairs(directory, "{dir}")])


_MEANT: Final = _names(
    "socket sock socks sockets socke socet soket scoket sokcet sockte socktet sockett "
    "socketpath socket_path socket-path sockpath sock_path sock-path unixsocket unix_socket",
    "dir dirs directory folder socketdir socket_dir socket-dir sockdir sock_dir sock-dir",
)


def misspelt_placeholder(command: Sequence[str]) -> tuple[str, str] | None:
    """A word in braces that looks like a misspelt placeholder, and the probable one. Looks only if the command has none."""
    if any(_KNOWN.search(word) for word in command):
        return None
    for word in command:
        for match in _IN_BRACES.finditer(word):
            meant = _MEANT.get(match[1].lower())
            if meant is not None:
                return match[0], meant
    return None
