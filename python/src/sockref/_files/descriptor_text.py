"""Reads and writes text of open files at a position, without moving the file's own position."""

from __future__ import annotations

import os


def read_text(fd: int, size: int) -> str:
    """The first bytes of an open file, as text."""
    parts: list[bytes] = []
    length = 0
    while length < size and (part := os.pread(fd, size - length, length)):
        parts.append(part)
        length += len(part)
    return b"".join(parts).decode(errors="replace")


def write_text(fd: int, text: bytes, at: int) -> None:
    """Writes all bytes at a position in the file."""
    written = 0
    while written < len(text):
        written += os.pwrite(fd, text[written:], at + written)
