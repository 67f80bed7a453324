"""Splits bytes into lines."""

from __future__ import annotations

from collections.abc import Iterator

from .._protocol.constants import MAX_MESSAGE_BYTES


class BadLine(ValueError):
    """A line that is too long, or not UTF-8."""


class LineSplitter:
    """Splits a stream of bytes into lines of UTF-8, holding at most one unfinished line in memory."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def push(self, chunk: bytes) -> Iterator[str]:
        """Yields each complete line. Raises BadLine after the good lines before it."""
        start = 0
        while (end := chunk.find(b"\n", start)) != -1:
            yield self._take(chunk[start:end])
            start = end + 1
        self._keep(chunk[start:])

    def _take(self, last: bytes) -> str:
        self._keep(last)
        line = bytes(self._rest)
        self._rest.clear()
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise BadLine("a message that is no UTF-8") from error

    def _keep(self, more: bytes) -> None:
        if len(self._rest) + len(more) > MAX_MESSAGE_BYTES:
            raise BadLine(f"a message of more than {MAX_MESSAGE_BYTES} bytes")
        self._rest += more
