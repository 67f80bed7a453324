"""A control connection: one JSON object a line."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, Final, Protocol

from .._files.close import close_object
from .._files.inherited import close_copy, forget, remember
from .._protocol.json_text import write_json
from .lines import BadLine, LineSplitter
from .messages import MalformedMessage

_CHUNK = 65_536


class ChannelEvents(Protocol):
    """The events of a channel."""

    def received(self, line: str) -> None:
        """A line has arrived. Raises MalformedMessage if it cannot be understood."""
        ...

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        """What to tell the peer before the connection is closed because of a malformed message; None for nothing."""
        ...

    def closed(self, malformed: MalformedMessage | None) -> None:
        """Called once, when the connection has ended for any reason; with an error if the peer's message was malformed."""
        ...


class Channel:
    """A faulty peer can end this connection and nothing else (I8).

    A peer that does not read must not make us buffer without limit: the sender asks `backed_up` first.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, events: ChannelEvents) -> None:
        self._loop: Final = loop
        self._sock: Final = sock
        self._events: Final = events
        self._lines: Final = LineSplitter()
        self._unsent = bytearray()
        self._when_read: list[Callable[[], None]] = []
        self._malformed: MalformedMessage | None = None
        self._open = True
        self._last_word = False
        self._deaf = False
        # The error of the system, if that ended the connection.
        self.failure: OSError | None = None
        sock.setblocking(False)
        remember(self)
        loop.add_reader(sock, self._readable)

    @property
    def backed_up(self) -> bool:
        """Whether the peer has not yet read what was sent before."""
        return len(self._unsent) > 0

    def when_read(self, call: Callable[[], None]) -> None:
        """Calls once, when the peer has read what was sent."""
        self._when_read.append(call)

    def send(self, message: object) -> None:
        """Sends a message. Does nothing if the connection is over, because `closed` reports that."""
        if not self._open or self._last_word:
            return
        data = write_json(message) + b"\n"
        if self._unsent:
            self._unsent += data
            return
        sent = self._write(data)
        if sent < len(data) and self._open:
            self._unsent += data[sent:]
            self._loop.add_writer(self._sock, self._writable)

    def end(self, message: object = None) -> None:
        """Sends a last message, if any, and closes the connection."""
        if message is not None:
            self.send(message)
        self._last_word = True
        if not self._unsent:
            self._finish()

    def deafen(self, message: object) -> None:
        """Sends a last message, and waits for the end of the connection. Everything received until then is ignored."""
        self._deaf = True
        self.end(message)

    def destroy(self) -> None:
        """Closes the connection at once."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._sock)
        self._loop.remove_writer(self._sock)
        forget(self)
        close_object(self._sock)
        # In a later turn, not in the middle of the caller's work.
        self._loop.call_soon(lambda: self._events.closed(self._malformed))

    def close_in_child(self) -> None:
        close_copy(self._sock)

    def _readable(self) -> None:
        try:
            chunk = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.failure = error
            chunk = b""
        if not chunk:
            # The peer is gone or has closed its side. Both end the membership.
            self.destroy()
            return
        if self._deaf:
            return
        try:
            for line in self._lines.push(chunk):
                self._events.received(line)
                if not self._open or self._deaf:
                    return
        except MalformedMessage as malformed:
            self._refuse(malformed)
        except BadLine as bad:
            self._refuse(MalformedMessage(str(bad)))

    def _refuse(self, malformed: MalformedMessage) -> None:
        self._malformed = malformed
        last = self._events.refuse(malformed)
        if last is None or self._last_word or not self._open:
            self.destroy()
            return
        # What it sends is ignored from here on.
        self._loop.remove_reader(self._sock)
        self.end(last)

    def _writable(self) -> None:
        sent = self._write(bytes(self._unsent))
        if not self._open:
            return
        del self._unsent[:sent]
        if self._unsent:
            return
        self._loop.remove_writer(self._sock)
        calls, self._when_read = self._when_read, []
        for call in calls:
            call()
        if self._last_word and not self._unsent:
            self._finish()

    def _write(self, data: bytes) -> int:
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.failure = error
            self.destroy()
            return 0

    def _finish(self) -> None:
        if not self._open:
            return
        if self._malformed is not None:
            self.destroy()
            return
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.destroy()
