"""The members of an endpoint, as its owner sees them: one control connection each."""

from __future__ import annotations

import asyncio
import math
import os
import socket
from typing import Any, Final

from .._control.channel import Channel
from .._control.last_words import bye_answer, refusal
from .._control.messages import MalformedMessage, parse_to_owner
from .._protocol.constants import PROTOCOL_VERSION
from .._protocol.messages import Hello, ToOwner
from ..errors import SocketReferenceError
from .admission import is_possible, limit_met
from .answers import Answers
from .attached_member import AttachedMember
from .lease import Peers
from .members_owner import MembersOwner
from .rounds import Rounds
from .settings import OwnerSettings
from .unidentified import Unidentified


class Members:
    """Counts the members, and tells them the numbers."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, owner: MembersOwner, settings: OwnerSettings
    ) -> None:
        self.own = 0
        """The owner's own references."""
        self.others = 0
        """References of all members."""
        self.loop: Final = loop
        self.owner: Final = owner
        self._settings: Final = settings
        self.dependents_seen = 0
        self._dependents = 0
        self._connections: dict[_Connection, None] = {}
        self._members: dict[AttachedMember, None] = {}
        self.unidentified: Final[Unidentified[_Connection]] = Unidentified(loop, settings.max_members)
        self.answers: Final = Answers(owner, self._members)
        self._rounds: Final[Rounds[AttachedMember]] = Rounds(loop, self._members, self._tell)

    @property
    def total(self) -> int:
        """All references (I5)."""
        return self.own + self.others

    @property
    def peers(self) -> Peers:
        """The numbers of members."""
        return Peers(len(self._members), self._dependents)

    def accept(self, sock: socket.socket) -> None:
        """Takes a new control connection."""
        connection = _Connection(self, sock)
        self._connections[connection] = None
        self.unidentified.admit(connection)

    def make_room(self) -> bool:
        """Closes connections of processes that are not members, for want of descriptors. False if there are none."""
        return self.unidentified.make_room()

    def end_all(self) -> None:
        """Tells all members that the endpoint was ended for all its holders."""
        for member in list(self._members):
            member.channel.send({"type": "stopping", "force": True})

    def ended(self, failure: SocketReferenceError | None) -> None:
        """Answers the requests to stop: everything has ended, except what `failure` says could not be removed."""
        self.answers.ended(failure)

    def announce(self) -> None:
        """Tells all members the newest total, soon and together with other changes until then."""
        self._rounds.announce()

    def close(self) -> None:
        """Closes all connections. Members that were not told to stop start over with another owner, and know the last
        numbers."""
        self._rounds.finish()
        for connection in list(self._connections):
            # A process that inherited the other end of an anchor does not close it.
            if connection.anchor_of is not None:
                connection.channel.destroy()
            else:
                connection.end()

    def destroy(self) -> None:
        """Closes all connections at once, without a message."""
        self._rounds.cancel()
        for connection in list(self._connections):
            connection.channel.destroy()

    def _tell(self, member: AttachedMember) -> None:
        """Tells a member the numbers. A member that was slow to read gets one message when it reads, not all (I7)."""
        if not member.channel.backed_up:
            member.channel.send({"type": "count", **self._numbers(member)})
        elif not member.update_pending:
            member.update_pending = True
            member.channel.when_read(lambda: self._tell_late(member))

    def _tell_late(self, member: AttachedMember) -> None:
        # It may be slow again at once: then the next message must be asked for again.
        member.update_pending = False
        if member in self._members:
            self._tell(member)

    def hello(self, connection: _Connection, hello: Hello) -> None:
        """A connection becomes a member, or is refused."""
        stage = self.owner.stage
        if stage == "stopping":
            connection.end({"type": "stopping"})
            return
        full = limit_met(self._settings, len(self._members), self.total + hello["references"])
        if full:
            connection.end({"type": "failed", **full})
            return
        member = connection.member = AttachedMember(connection.channel, hello)
        self._members[member] = None
        self.unidentified.release(connection)
        if not hello["canServe"]:
            self._dependents += 1
            self.dependents_seen += 1
        self._count(member, hello["references"])
        member.channel.send(
            {
                "type": "welcome",
                "v": PROTOCOL_VERSION,
                "pid": os.getpid(),
                "state": stage,
                **self._numbers(member),
                "maxReferences": self._settings.max_references,
                "stopTimeoutMs": math.ceil(self._settings.drain_timeout * 1000),
                "anchor": member.key,
            }
        )
        self.owner.changed()

    def anchor(self, connection: _Connection, key: str) -> None:
        """A connection becomes a member's anchor: a child of the member inherits the other end.

        A program must be able to do anything with an unknown descriptor: so nothing is read from an anchor, and only its end
        counts.
        """
        member = next((each for each in self._members if each.key == key), None)
        if member is None or member.anchor or member.survived or self.owner.stage == "stopping":
            connection.channel.destroy()
            return
        member.anchor = connection.channel
        connection.anchor_of = member
        self.unidentified.release(connection)
        connection.channel.deafen({"type": "anchored"})

    def references(self, member: AttachedMember, references: int) -> bool:
        """A member's count has changed. Returns False if the count is impossible."""
        if not is_possible(self._settings, references, self.total - member.references + references):
            return False
        self._count(member, references)
        self.owner.changed()
        return True

    def remove(self, member: AttachedMember) -> None:
        """A member has left."""
        if member not in self._members:
            return
        del self._members[member]
        if not member.hello["canServe"] and not member.survived:
            self._dependents -= 1
        if member.anchor is not None:
            member.anchor.destroy()
        self._count(member, 0)
        self.owner.changed()

    def forget(self, connection: _Connection) -> None:
        """A connection has ended."""
        self._connections.pop(connection, None)
        self.unidentified.release(connection)
        self.answers.forget(connection)
        if connection.anchor_of is not None:
            self._anchor_ended(connection.anchor_of)
        elif connection.member is not None:
            self._lost(connection.member)

    def _lost(self, member: AttachedMember) -> None:
        """A member's own connection has ended without a `bye`."""
        if member.anchor is None:
            self.remove(member)
            return
        member.survived = True
        # It will not attach to a successor.
        if not member.hello["canServe"]:
            self._dependents -= 1

    def _anchor_ended(self, member: AttachedMember) -> None:
        """No process has the member's end of its anchor open any more, or the membership is over."""
        member.anchor = None
        if member.survived:
            self.remove(member)
        elif member in self._members:
            member.channel.send({"type": "unanchored"})

    def _count(self, member: AttachedMember, references: int) -> None:
        """The only place where a member's count and the sum change, together."""
        self.others += references - member.references
        member.references = references

    def is_open(self, connection: _Connection) -> bool:
        return connection in self._connections

    def _numbers(self, member: AttachedMember) -> dict[str, int]:
        return {
            "total": self.total,
            "members": len(self._members),
            "dependents": self._dependents,
            "yours": member.references,
        }


class _Connection:
    """A control connection. Until its `hello` it belongs to no member."""

    def __init__(self, members: Members, sock: socket.socket) -> None:
        self._members: Final = members
        self.member: AttachedMember | None = None
        """The member whose own connection it is, until its `bye`."""
        self.anchor_of: AttachedMember | None = None
        """The member whose anchor it is."""
        self.channel: Final = Channel(members.loop, sock, self)

    def drop(self) -> None:
        self.channel.destroy()

    def end(self, message: object = None) -> None:
        """Sends a last message, if any; the peer must close the connection then."""
        self.channel.end(message)
        if self._members.is_open(self):
            self._members.unidentified.admit(self)

    def received(self, line: str) -> None:
        message = parse_to_owner(line)
        if self._handle(message):
            return
        self.channel.destroy()
        self._members.owner.fault(
            SocketReferenceError(
                "ERR_SOCKREF_PROTOCOL",
                f"A control connection was closed: it sent {message} out of turn, or out of range",
            )
        )

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return refusal(malformed)

    def closed(self, malformed: MalformedMessage | None) -> None:
        self._members.forget(self)
        if malformed is None:
            return
        fields = {} if malformed.theirs is None else {"theirs": malformed.theirs}
        message = f"A control connection was closed: {malformed}"
        self._members.owner.fault(SocketReferenceError("ERR_SOCKREF_PROTOCOL", message, ours=PROTOCOL_VERSION, **fields))

    def _handle(self, message: ToOwner) -> bool:
        members, member = self._members, self.member
        match message["type"]:
            case "hello":
                if member is not None:
                    return False
                members.hello(self, message)
            case "anchor":
                if member is not None:
                    return False
                members.anchor(self, message["key"])
            case "who":
                members.answers.who(self)
            case "stop":
                # The answer may take as long as the others keep their references.
                if members.answers.when_ended(self) and member is None:
                    members.unidentified.admit_to_wait(self)
                members.owner.stop_requested(message["force"])
            case "references":
                return member is not None and members.references(member, message["n"])
            case "bye":
                if member is None:
                    return False
                self.member = None
                members.remove(member)
                members.owner.left(lambda last, failure: self.end(bye_answer(last, failure)))
        return True
