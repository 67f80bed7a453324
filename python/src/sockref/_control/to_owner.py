"""How a process talks to the owner of an endpoint: only over the control socket, and only if it belongs to this user.

In a shared directory another user could have put a socket there.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from .._files.close import close_object
from .._files.place import Place
from .._files.platform import own_uid
from .._protocol.messages import ToMember, ToOwner
from .._system_errors import is_away, system_error
from .channel import Channel
from .messages import MalformedMessage, parse_to_member


def connect_to_owner(place: Place, doing: str) -> socket.socket | Literal["no-owner", "busy"]:
    """Connects to the control socket of this user's owner; or says that no process listens there, or that its queue is full.

    Raises SocketReferenceError, "cannot <doing>", if this process failed, which says nothing about the owner.
    """
    found = place.directory.look(place.names.control)
    if found is None or not found.is_socket or found.uid != own_uid():
        return "no-owner"
    sock: socket.socket | None = None
    try:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect(place.directory.address(place.names.control))
    except OSError as error:
        if sock is not None:
            close_object(sock)
        # The accept queue is full.
        if error.errno == errno.EAGAIN:
            return "busy"
        # No owner listens; the lock tells why.
        if is_away(error):
            return "no-owner"
        raise system_error(error, place.path, doing, "connect") from error
    return sock


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection ended without an answer. `malformed`: what the owner sent could not be understood. `failure`: it broke."""

    malformed: MalformedMessage | None
    failure: OSError | None


Reply = ToMember | Closed | Literal["late"]
"""The outcome of a question."""


async def ask_owner(
    sock: socket.socket, question: ToOwner, is_answer: Callable[[ToMember], bool], timeout: float | None
) -> Reply:
    """Asks one question over a connection, waits for one answer, and closes the connection.

    `is_answer` says which message is the answer; others are ignored. Without a `timeout`, in seconds, it waits until the
    connection ends.
    """
    loop = asyncio.get_running_loop()
    asking = _Asking(loop, sock, is_answer)
    timer = None if timeout is None else loop.call_later(timeout, asking.settle, "late")
    asking.channel.send(question)
    try:
        return await asking.reply
    finally:
        if timer is not None:
            timer.cancel()
        asking.channel.destroy()


class _Asking:
    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, is_answer: Callable[[ToMember], bool]
    ) -> None:
        self._is_answer: Final = is_answer
        self.reply: Final[asyncio.Future[Reply]] = loop.create_future()
        self.channel: Final = Channel(loop, sock, self)

    def settle(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)

    def received(self, line: str) -> None:
        message = parse_to_member(line)
        if self._is_answer(message):
            self.settle(message)

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return None

    def closed(self, malformed: MalformedMessage | None) -> None:
        self.settle(Closed(malformed, self.channel.failure))
