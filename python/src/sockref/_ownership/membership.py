"""The membership at an endpoint whose owner is another process: one control connection."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import Any, Final

from .._control.channel import Channel
from .._control.failure import failure_from
from .._control.futures import done_future
from .._control.messages import MalformedMessage, parse_to_member
from .._control.unresponsive import unresponsive
from .._files.file_end import OutputPlace
from .._files.identity import Identity
from .._protocol.json_text import MAX_SAFE_INTEGER
from .._protocol.messages import Count, Failed, Failure, ToMember, Welcome
from ..errors import SocketReferenceError
from .count_sender import CountSender
from .lease import Peers, Role
from .membership_start import MembershipStart, NotAttached, hello_of
from .reasons import is_without_directory, not_understood, stopped_by_force
from .remove_leftovers import remove_leftovers
from .repair_requests import RepairRequests


@dataclass(frozen=True, slots=True)
class Greeting:
    """The `hello` is sent. There was no `welcome` yet, or the server is not up yet."""

    outcome: asyncio.Future[NotAttached | None]
    welcomed: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """Its references count."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """The `bye` is sent."""

    left: asyncio.Future[None]
    timer: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class Gone:
    """It is over."""


Phase = Greeting | Attached | Leaving | Gone


class Membership:
    """The lease of a member."""

    def __init__(self, sock: socket.socket, start: MembershipStart) -> None:
        self.role: Final[Role] = "member"
        self.published: Final[tuple[Identity, ...]] = ()
        self.settling: Final = None
        self._start: Final = start
        self._loop: Final = start.context.loop
        self.owner_pid = 0
        self.others = 0
        self.peers = Peers()
        self.max_references = MAX_SAFE_INTEGER
        self._stop_timeout = 0.0
        self.outcome: Final[asyncio.Future[NotAttached | None]] = self._loop.create_future()
        self._phase: Phase = Greeting(self.outcome)
        self._channel: Final = Channel(self._loop, sock, self)
        self._counts: Final = CountSender(self._loop, self._channel, start.references)
        self._repairs: Final = RepairRequests(start.place, start.context)
        self._channel.send(hello_of(start))

    @staticmethod
    async def attach(sock: socket.socket, start: MembershipStart) -> NotAttached | None:
        """Attaches over a connected control socket. Returns why not, or None once `accept` was called.

        Raises SocketReferenceError if the owner refuses, or cannot be understood.
        """
        member = Membership(sock, start)
        try:
            return await member.outcome
        except asyncio.CancelledError:
            phase = member._phase
            if isinstance(phase, Greeting) and phase.welcomed:
                # If no other member waits, the owner ends: wait for that.
                with contextlib.suppress(Exception):
                    await member._say_bye()
            elif isinstance(phase, Greeting):
                member._finish()
            raise

    @property
    def is_attached(self) -> bool:
        """Whether its references count."""
        return isinstance(self._phase, Attached)

    def update(self, references: int) -> None:
        if not isinstance(self._phase, Attached):
            return
        if references > 0:
            self._counts.update(references)
        else:
            self._leave()

    def abandon(self) -> asyncio.Future[None]:
        return self._leave() if isinstance(self._phase, Attached) else done_future(self._loop)

    def repair(self) -> None:
        """Only the owner repairs the files."""
        if isinstance(self._phase, Attached):
            self._repairs.send()

    def _leave(self) -> asyncio.Future[None]:
        left = self._say_bye()
        self._start.events.stopping(left)
        return left

    def _say_bye(self) -> asyncio.Future[None]:
        left: asyncio.Future[None] = self._loop.create_future()
        settings = self._start.settings
        timeout = settings.failover_timeout + max(settings.drain_timeout, self._stop_timeout)
        timer = self._loop.call_later(timeout, lambda: self._leave_unanswered(left, timeout))
        self._enter(Leaving(left, timer))
        # Wait for the answer: it says that the files are removed.
        self._channel.send({"type": "bye"})
        return left

    def _leave_unanswered(self, left: asyncio.Future[None], timeout: float) -> None:
        """The owner does not read. The kernel will tell it that we are gone; our process must not wait for it."""
        path, pid = self._start.place.path, self.owner_pid
        error = unresponsive(path, f"did not answer a release within {timeout:g} s", timeout, pid, None)
        self._start.context.hooks.fault(path, error)
        self._finish()
        left.set_result(None)

    # The events of the channel.

    def received(self, line: str) -> None:
        message = parse_to_member(line)
        if self._handle(message):
            return
        if not isinstance(self._phase, Greeting):
            # As if the owner had died: references must not wait for its answer, because none will come.
            self._channel.destroy()
            return
        self._fail(not_understood(self._start.place.path, f'it sent "{message["type"]}" out of turn'))

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return None

    def closed(self, malformed: MalformedMessage | None) -> None:
        phase = self._phase
        self._enter(Gone())
        match phase:
            case Greeting(outcome):
                if malformed is None:
                    _settle(outcome, "closed")
                elif not outcome.done():
                    outcome.set_exception(not_understood(self._start.place.path, str(malformed), malformed.theirs))
            case Attached():
                self._start.events.lost("owner-died")
            case Leaving(left, timer):
                timer.cancel()
                # The owner died before its answer. If we were the last, we must remove what it left.
                self._start.context.spawn(self._remove_left_by_owner(left))
            case Gone():
                pass

    async def _remove_left_by_owner(self, left: asyncio.Future[None]) -> None:
        try:
            await remove_leftovers(self._start.place, self.owner_pid)
        except Exception as error:
            left.set_exception(error)
        else:
            left.set_result(None)

    def _handle(self, message: ToMember) -> bool:
        """Whether the message is in turn."""
        phase = self._phase
        match message["type"]:
            case "welcome":
                if not isinstance(phase, Greeting) or phase.welcomed:
                    return False
                self._welcomed(message, phase.outcome)
            case "ready":
                if not isinstance(phase, Greeting) or not phase.welcomed:
                    return False
                self._attached(phase.outcome)
            case "count":
                self._counted(message)
            case "stopping":
                self._stopping(message.get("force") is True)
            case "failed":
                if isinstance(phase, Leaving):
                    return False
                self._failed(message)
            case "bye":
                if not isinstance(phase, Leaving):
                    return False
                self._bye(phase.left, message.get("failed"))
            case "holders" | "anchored" | "unanchored":
                return False
        return True

    def _bye(self, left: asyncio.Future[None], failed: Failure | None) -> None:
        """We were among the last members, and the owner has ended. Without `failed`, everything of it is gone."""
        self._finish()
        if failed is None:
            left.set_result(None)
        else:
            left.set_exception(failure_from(failed, self._start.place.path))

    def _welcomed(self, message: Welcome, outcome: asyncio.Future[NotAttached | None]) -> None:
        self.owner_pid = message["pid"]
        self.max_references = message["maxReferences"]
        self._stop_timeout = message.get("stopTimeoutMs", 0) / 1000
        self._counted(message)
        self._enter(Greeting(outcome, welcomed=True))
        if message["state"] == "ready":
            self._attached(outcome)
        else:
            output = message.get("output")
            self._start.starting(None if output is None else OutputPlace(output["file"], output["from"]))

    def _counted(self, message: Welcome | Count) -> None:
        # The owner's number for us may be older than ours: only the others' part counts.
        self.others = message["total"] - message["yours"]
        self.peers = Peers(message["members"], message["dependents"])

    def _attached(self, outcome: asyncio.Future[NotAttached | None]) -> None:
        self._enter(Attached())
        self._start.accept(self)
        _settle(outcome, None)

    def _stopping(self, force: bool) -> None:
        phase = self._phase
        if isinstance(phase, Leaving):
            return
        stopped = stopped_by_force(self._start.place.path)
        if force and isinstance(phase, Greeting) and phase.welcomed:
            # When a server that does not become ready is stopped by force, those that wait for it must not start another one.
            self._fail(stopped)
            return
        self._finish()
        if isinstance(phase, Greeting):
            _settle(phase.outcome, "stopping")
        elif force:
            self._start.events.ended(stopped)
        else:
            self._start.events.lost("owner-died")

    def _failed(self, message: Failed) -> None:
        failure = failure_from(message, self._start.place.path)
        if isinstance(self._phase, Greeting):
            self._fail(failure)
            return
        self._finish()
        if self._start.can_serve and is_without_directory(failure):
            # A member with another working directory can serve.
            self._start.events.lost("owner-died")
            return
        # A server that failed for good ends all references.
        self._start.events.ended(failure)

    def _fail(self, error: SocketReferenceError) -> None:
        phase = self._phase
        self._finish()
        if isinstance(phase, Greeting) and not phase.outcome.done():
            phase.outcome.set_exception(error)

    def _enter(self, following: Phase) -> None:
        """It reports its count only while it is attached."""
        if isinstance(self._phase, Attached):
            self._counts.stop()
        self._phase = following

    def _finish(self) -> None:
        if isinstance(self._phase, Leaving):
            self._phase.timer.cancel()
        self._enter(Gone())
        self._channel.destroy()


def _settle(outcome: asyncio.Future[NotAttached | None], result: NotAttached | None) -> None:
    if not outcome.done():
        outcome.set_result(result)
