"""The membership at an endpoint whose owner is another process: one control connection."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from .._control.channel import Channel
from .._control.failure import failure_from
from .._control.futures import done_future
from .._control.inspect import ask
from .._control.messages import MalformedMessage, parse_to_member
from .._control.unresponsive import unresponsive
from .._files.file_end import OutputPlace
from .._files.identity import Identity
from .._files.place import Place
from .._protocol.constants import PROTOCOL_VERSION, REPAIR_ANSWER_SECONDS, REPAIR_REQUEST_PAUSE_SECONDS
from .._protocol.json_text import MAX_SAFE_INTEGER
from .._protocol.messages import Count, Failed, Failure, ToMember, Welcome
from .._system_errors import system_error
from ..errors import SocketReferenceError
from .lease import Context, LeaseEvents, Peers, Role
from .reasons import not_listening
from .remove_leftovers import remove_leftovers
from .settings import OwnerSettings

NotAttached = Literal["stopping", "closed"]
"""Why an attempt to attach gave no lease: the owner is ending, or did not answer as an owner."""


def is_without_directory(error: SocketReferenceError) -> bool:
    """Whether a server failed only because its starter's working directory is gone. A member with another directory can
    start it; any other failure would repeat itself there."""
    return error.code == "ERR_SOCKREF_SERVER_FAILED" and error.reason == "directory"


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


@dataclass(frozen=True, slots=True)
class MembershipStart:
    """What a membership needs to start.

    `starting` is called when there is an owner whose server is not up yet, with the place of its output, if known. `accept`
    is called in the turn in which the server is known to be up.
    """

    place: Place
    settings: OwnerSettings
    context: Context
    events: LeaseEvents
    references: int
    can_serve: bool
    starting: Callable[[OutputPlace | None], None]
    accept: Callable[[Membership], None]


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
        self._references = self._told = start.references
        self._repair_again_at = -math.inf
        self._problem: str | None = None
        """Why clients cannot connect to the server, by the owner's last answer."""
        self._sending: Literal["nothing", "scheduled", "waiting"] = "nothing"
        self.outcome: Final[asyncio.Future[NotAttached | None]] = self._loop.create_future()
        self._phase: Phase = Greeting(self.outcome)
        self._channel: Final = Channel(self._loop, sock, self)
        label = start.settings.label
        self._channel.send(
            {
                "type": "hello",
                "v": PROTOCOL_VERSION,
                "pid": os.getpid(),
                **({} if label is None else {"label": label}),
                "references": start.references,
                "canServe": start.can_serve,
            }
        )

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
        self._references = references
        if not isinstance(self._phase, Attached):
            return
        if references > 0:
            self._schedule()
        else:
            self._leave()

    def abandon(self) -> asyncio.Future[None]:
        return self._leave() if isinstance(self._phase, Attached) else done_future(self._loop)

    def repair(self) -> None:
        """Makes the owner check its files, by asking it for its holders. Only the owner repairs them.

        It is not awaited: the client tries again in any case, and an owner may be slow to answer.
        """
        now = self._loop.time()
        if not isinstance(self._phase, Attached) or now < self._repair_again_at:
            return
        self._repair_again_at = now + REPAIR_REQUEST_PAUSE_SECONDS
        self._start.context.spawn(self._have_looked())

    async def _have_looked(self) -> None:
        place, hooks = self._start.place, self._start.context.hooks
        try:
            holders = await ask(place, REPAIR_ANSWER_SECONDS)
        except Exception as error:
            hooks.fault(place.path, system_error(error, place.path, f"ask the owner of {place.path}"))
            return
        server = holders.get("server") if holders else None
        problem = server.get("problem") if server else None
        # A server that runs but cannot be reached is reported once.
        if server and problem is not None and self._problem is None:
            hooks.fault(place.path, not_listening(place.path, server.get("pid"), problem))
        self._problem = problem

    def _leave(self) -> asyncio.Future[None]:
        left = self._say_bye()
        self._start.events.stopping(left)
        return left

    def _say_bye(self) -> asyncio.Future[None]:
        left: asyncio.Future[None] = self._loop.create_future()
        settings = self._start.settings
        timeout = settings.failover_timeout + max(settings.drain_timeout, self._stop_timeout)
        timer = self._loop.call_later(timeout, lambda: self._leave_unanswered(left, timeout))
        self._phase = Leaving(left, timer)
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

    def _schedule(self) -> None:
        """Tells the owner the newest count, at most once a turn, and only after the owner has read the one before."""
        if self._sending == "nothing":
            self._sending = "scheduled"
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._sending = "nothing"
        if not isinstance(self._phase, Attached) or self._references == self._told:
            return
        if self._channel.backed_up:
            self._sending = "waiting"
            self._channel.when_read(self._send)
            return
        self._told = self._references
        self._channel.send({"type": "references", "n": self._references})

    # The events of the channel.

    def received(self, line: str) -> None:
        message = parse_to_member(line)
        if self._handle(message):
            return
        if not isinstance(self._phase, Greeting):
            # As if the owner had died: references must not wait for its answer, because none will come.
            self._channel.destroy()
            return
        self._fail(self._protocol_error(f'it sent "{message["type"]}" out of turn'))

    def refuse(self, malformed: MalformedMessage) -> dict[str, Any] | None:
        return None

    def closed(self, malformed: MalformedMessage | None) -> None:
        phase, self._phase = self._phase, Gone()
        match phase:
            case Greeting(outcome):
                if malformed is None:
                    _settle(outcome, "closed")
                elif not outcome.done():
                    outcome.set_exception(self._protocol_error(str(malformed), malformed.theirs))
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
        self._phase = Greeting(outcome, welcomed=True)
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
        self._phase = Attached()
        self._start.accept(self)
        _settle(outcome, None)

    def _stopping(self, force: bool) -> None:
        phase = self._phase
        if isinstance(phase, Leaving):
            return
        self._finish()
        if isinstance(phase, Greeting):
            _settle(phase.outcome, "stopping")
        elif force:
            path = self._start.place.path
            message = f"The socket {path} was stopped by force"
            self._start.events.ended(SocketReferenceError("ERR_SOCKREF_CLOSED", message, path=path, reason="stopped"))
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

    def _finish(self) -> None:
        if isinstance(self._phase, Leaving):
            self._phase.timer.cancel()
        self._phase = Gone()
        self._channel.destroy()

    def _protocol_error(self, what: str, theirs: int | None = None) -> SocketReferenceError:
        path = self._start.place.path
        return SocketReferenceError(
            "ERR_SOCKREF_PROTOCOL",
            f"The owner of {path} cannot be understood: {what} (this is version {PROTOCOL_VERSION}); "
            "use the same major version of sockref in every program that shares the socket",
            path=path,
            ours=PROTOCOL_VERSION,
            **({} if theirs is None else {"theirs": theirs}),
        )


def _settle(outcome: asyncio.Future[NotAttached | None], result: NotAttached | None) -> None:
    if not outcome.done():
        outcome.set_result(result)
