"""Ends a socket that a command serves, even if other processes hold it."""

from __future__ import annotations

import asyncio
import socket

from .._files.place import Place
from .._protocol.constants import STOP_ANSWER_SECONDS, STOP_PAUSE_SECONDS, STOP_SILENCE_SECONDS
from ..errors import SocketReferenceError
from .failure import failure_from
from .inspect import Answered, Finding, Silent, query
from .to_owner import Closed, ask_owner, connect_to_owner
from .unresponsive import unresponsive


async def stop_command(place: Place) -> bool:
    """Ends it at once and for all its holders. Waits until the server has ended and every file is removed. Returns False if
    there is no such socket, or if another process serves it without a command. Raises ERR_SOCKREF_OWNER_UNRESPONSIVE, or
    what its keeper could not end or remove."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + STOP_SILENCE_SECONDS
    while True:
        finding = await query(place, STOP_ANSWER_SECONDS)
        if not _may_be_command(finding):
            return False
        if isinstance(finding, Silent) and (finding.connected or loop.time() > deadline):
            raise _no_answer(place.path, None if finding.record is None else finding.record.pid)
        sock = connect_to_owner(place, f"ask the owner of {place.path}")
        if isinstance(sock, socket.socket) and await _ask(sock, place.path):
            return True
        # It is starting or ending, or another keeper has taken over. Look again.
        await asyncio.sleep(STOP_PAUSE_SECONDS)


def _may_be_command(finding: Finding) -> bool:
    """Whether a keeper owns it, or it is too early or too late to tell."""
    match finding:
        case Answered(holders):
            return "server" in holders
        case Silent(record, connected):
            if record is not None and record.servers:
                return True
            return not connected and not (record is not None and record.stopping)
        case _:
            return False


async def _ask(sock: socket.socket, path: str) -> bool:
    """Whether it has stopped; False if its owner went without having stopped."""
    reply = await ask_owner(sock, {"type": "stop", "force": True}, lambda message: message["type"] == "bye", None)
    if isinstance(reply, (Closed, str)) or reply["type"] != "bye":
        return False
    failed = reply.get("failed")
    if failed is not None:
        raise failure_from(failed, path)
    return True


def _no_answer(path: str, pid: int | None) -> SocketReferenceError:
    what = f"did not answer within {STOP_ANSWER_SECONDS:g} s"
    if pid is not None:
        return unresponsive(path, what, STOP_ANSWER_SECONDS, pid, None)
    message = f"The owner of {path} {what}, and its process id is not known; try again"
    return SocketReferenceError("ERR_SOCKREF_OWNER_UNRESPONSIVE", message, path=path, timeout=STOP_ANSWER_SECONDS)
