"""Answers requests for the holders, and requests to stop."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Protocol

from .._control.channel import Channel
from .._control.last_words import bye_answer
from .._protocol.constants import MAX_LISTED_MEMBERS, MAX_MESSAGE_BYTES
from .._protocol.json_text import write_json
from .._protocol.messages import Holder
from ..errors import SocketReferenceError
from .attached_member import AttachedMember
from .members_owner import MembersOwner

_MAX_LISTED_BYTES = MAX_MESSAGE_BYTES - 4_096
"""How many bytes the listed members may have together. The same message must have room for the owner."""


class AskingConnection(Protocol):
    """A connection that has asked."""

    @property
    def channel(self) -> Channel: ...

    def end(self, message: object = None) -> None: ...


class Answers:
    """Each connection has at most one answer in progress (I7), and is forgotten when it ends."""

    def __init__(self, owner: MembersOwner, members: Collection[AttachedMember]) -> None:
        self._owner: Final = owner
        self._members: Final = members
        self._stop_asked: dict[AskingConnection, None] = {}
        """The connections to be told when everything has ended."""
        self._due: set[AskingConnection] = set()
        """The connections to be told the holders as soon as they have read the answer before."""

    def who(self, connection: AskingConnection) -> None:
        """Sends the holders. A connection that asks faster than it reads gets fewer answers, and the newest."""
        if not connection.channel.backed_up:
            connection.channel.send(self._listing())
        elif connection not in self._due:
            self._due.add(connection)
            connection.channel.when_read(lambda: self._read(connection))

    def when_ended(self, connection: AskingConnection) -> bool:
        """Remembers to tell a connection when everything has ended. Returns whether it had not asked before."""
        if connection in self._stop_asked:
            return False
        self._stop_asked[connection] = None
        return True

    def forget(self, connection: AskingConnection) -> None:
        """A connection has ended."""
        self._stop_asked.pop(connection, None)
        self._due.discard(connection)

    def ended(self, failure: SocketReferenceError | None) -> None:
        """Everything has ended, except what `failure` says could not be removed."""
        for connection in list(self._stop_asked):
            connection.end(bye_answer(failure is None, failure))

    def _read(self, connection: AskingConnection) -> None:
        """A connection has read the answer before."""
        if connection in self._due:
            self._due.discard(connection)
            self.who(connection)

    def _listing(self) -> dict[str, Any]:
        shown = listed(self._members)
        return self._owner.describe(shown, len(self._members) - len(shown))


def listed(members: Collection[AttachedMember]) -> list[Holder]:
    """The members, oldest first, as many as fit into a message."""
    shown: list[Holder] = []
    size = 0
    for member in members:
        holder = member.describe()
        size += len(write_json(holder)) + 1
        if len(shown) == MAX_LISTED_MEMBERS or size > _MAX_LISTED_BYTES:
            break
        shown.append(holder)
    return shown
