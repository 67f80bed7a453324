"""Reads the end of a server's output from the file of another process."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from .._protocol.constants import MAX_OUTPUT_BYTES

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OutputPlace:
    """A file that gets output. The relevant output begins after so many bytes."""

    file: str
    begin: int


def end_of(place: OutputPlace) -> str:
    """The end of a file from a position on, in whole lines; empty if the file cannot be read."""
    try:
        fd = os.open(place.file, _FLAGS)
    except (OSError, ValueError):
        # It would only have improved an error.
        return ""
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            return ""
        # The file was shortened since: everything in it was written later.
        begin = 0 if place.begin > found.st_size else place.begin
        start = max(begin, found.st_size - MAX_OUTPUT_BYTES)
        text = os.pread(fd, found.st_size - start, start)
        return (text[text.find(b"\n") + 1 :] if start > begin else text).decode(errors="replace").strip()
    except OSError:
        return ""
    finally:
        os.close(fd)
