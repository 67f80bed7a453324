"""Lines of a record: how they are checked.

Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.
"""

from __future__ import annotations

from typing import Final

from .shapes import Optional, Shape, at_least, between, matching, number, object_of, signal_or, text, true, whole

IDENTITY: Final[Shape] = {
    "dev": text,
    "ino": text,
    "birth": text,
}

PUBLISHED: Final[Shape] = {
    "name": matching(r"^(?!\.{1,2}\Z)[^/\0]+\Z"),
    "file": object_of(IDENTITY),
}

SERVER_PROCESSES: Final[Shape] = {
    "pgid": at_least(2),
    "start": Optional(text),
    "leash": Optional(text),
    "signal": signal_or("SIGTERM"),
    "graceMs": between(0, 2_147_483_647),
}

HEADER_LINE: Final[Shape] = {
    "sockref": whole,
    "pid": at_least(1),
    "start": Optional(text),
    "since": number,
}
"""Begins the record."""

TEMPORARY_LINE: Final[Shape] = {
    "temporary": matching(r"^\.sr-[0-9a-f]{16}\Z"),
}
"""A private directory that may exist."""

PUBLISHED_LINE: Final[Shape] = {
    "published": object_of(PUBLISHED),
}
"""A socket that may have its name."""

SERVER_LINE: Final[Shape] = {
    "server": object_of(SERVER_PROCESSES),
}
"""A server that a keeper runs."""

STOPPING_LINE: Final[Shape] = {
    "stopping": true,
}
"""The owner is ending, and waits for open connections."""
