"""The end of a server's output, which another process has in a file."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

_MAX_BYTES = 4096
"""Bytes of a server's output that an error carries, as those of its own failures do."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """Output that goes to a file; what counts begins after so many bytes."""

    file: str
    begin: int


def end_of(place: OutputPlace) -> str:
    """The end of what a file holds from a position on, in whole lines; nothing if it cannot be read."""
    try:
        fd = os.open(place.file, _FLAGS)
    except (OSError, ValueError):
        # It would only make an error better.
        return ""
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return ""
        # It was cut off since: all that is there was written later.
        begin = 0 if place.begin > found.st_size else place.begin
        start = max(begin, found.st_size - _MAX_BYTES)
        text = os.pread(fd, found.st_size - start, start)
        return (text[text.find(b"\n") + 1 :] if start > begin else text).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(fd)
